"""docs/conformity.md holds the criteria as the code has them."""

import json
from pathlib import Path
import re

from custom_components.flex_ready.conformity.criteria import CLOCK_TOLERANCE_S, CRITERIA, Part
from custom_components.flex_ready.conformity.judging import Outcome

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "conformity.md").read_text(encoding="utf-8")
COMMON = json.loads((ROOT / "custom_components/flex_ready/translations/en.json").read_text(encoding="utf-8"))["common"]


def rows(text: str) -> list[tuple[str, ...]]:
    """Return the rows of four cells that begin with a key."""
    found = (line for line in text.splitlines() if re.match(r"\| `\w+` \|", line) and line.count(" | ") == 3)
    return [tuple(line.removeprefix("| ").removesuffix(" |").split(" | ")) for line in found]


def test_every_criterion_has_its_row() -> None:
    """Under its part, in the order of the report: source, the referential's words, and what is looked at."""
    sections = PAGE.split("\n### ")[1:]
    assert len(sections) == len(Part)
    for part, section in zip(Part, sections, strict=True):
        assert rows(section) == [
            (
                f"`{row.id}`",
                row.source,
                row.words.replace("<", "&lt;").replace(">", "&gt;"),
                COMMON[f"conformity_check_{row.check}"].format(label=row.label),
            )
            for row in CRITERIA
            if row.part is part
        ]


def test_the_outcomes() -> None:
    """Each is explained, and no other."""
    table = PAGE.split("| outcome | |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Outcome)


def test_the_tolerance_of_the_clock() -> None:
    """It is the code's."""
    assert f"{CLOCK_TOLERANCE_S} s are taken" in PAGE
