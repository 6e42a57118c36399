"""What docs/settlement.md says of rules, constants and settings is what there is."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from fractions import Fraction
from importlib import import_module
from operator import attrgetter
from pathlib import Path
import re
from typing import cast

from homes import quiet, with_home
import pytest

from custom_components.flex_ready.settlement import profile
from custom_components.flex_ready.settlement.methods import Method
from custom_components.flex_ready.settlement.profile import ENEDIS_2020, PROFILES, Decisions, Profile

ROOT = Path(__file__).resolve().parents[2]
ROOM = "custom_components.flex_ready.settlement"
PAGE = (ROOT / "docs/settlement.md").read_text(encoding="utf-8")
SOURCE = Path(profile.__file__).read_text(encoding="utf-8")
NUMBERS = [f"R{number}" for number in range(1, 31)] + [f"D{number}" for number in range(1, 14)]


def rows(heading: str) -> Iterator[list[str]]:
    """Give the cells of the rows of the first table below a heading."""
    text = PAGE.split(f"\n### {heading}\n")[1].split("\n#")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def words(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def figure(value: object) -> str:
    """Write a constant as the page does."""
    if isinstance(value, timedelta):
        return f"{value // timedelta(minutes=1)} min"
    assert isinstance(value, int | Fraction)
    return f"{value}"


def test_every_number_has_a_row() -> None:
    """Each once, in order."""
    found = [row[0] for row in (*rows("1.1 R1 to R30"), *rows("1.3 Where the rules are silent"))]
    assert found == NUMBERS


@pytest.mark.parametrize("row", rows("1.1 R1 to R30"), ids=lambda row: row[0])
def test_who_keeps_a_rule_is_there(row: list[str]) -> None:
    """By the name of its module and its own."""
    keepers = words(row[2])
    assert keepers
    for keeper in keepers:
        module, name = keeper.split(".", 1)
        assert attrgetter(name)(import_module(f"{ROOM}.{module}"))


def test_constants() -> None:
    """All of them, with value and source as the profile has them."""
    found = {words(name)[0]: (value, source) for name, value, _, source in rows("1.2 What is fixed")}
    beside = dict(re.findall(r"^    (\w+)=.*,  # (.+)$", SOURCE, re.MULTILINE))
    there = [field.name for field in fields(Profile) if field.name != "name"]
    assert found == {name: (figure(getattr(ENEDIS_2020, name)), beside[name]) for name in there}
    assert all(f"`{name}`" in PAGE for name in PROFILES)


def test_settings() -> None:
    """All of them, with their default and what else can be chosen, and each for a number that there is."""
    usual = Decisions()
    found = {words(row[0])[0]: (*words(row[2]), *words(row[3])) for row in rows("1.4 Settings")}
    for field in fields(Decisions):
        default = cast("profile.Negative", getattr(usual, field.name))
        others = [one.value for one in type(default) if one is not default]
        assert found.pop(field.name) == (default.value, *others)
    assert not found
    assert {row[1] for row in rows("1.4 Settings")} <= {*NUMBERS}


def test_a_decision_that_is_a_setting_names_it() -> None:
    """What is for D1 is named in the row of D1."""
    answers = {row[0]: words(row[2]) for row in rows("1.3 Where the rules are silent")}
    for setting, number, *_ in rows("1.4 Settings"):
        assert number.startswith("R") or words(setting)[0] in answers[number]


def method_rows(number: str) -> dict[str, list[str]]:
    """Return the cells of a table of methods, by method."""
    lines = PAGE.split(f"\n**{number} ")[1].split("\n**")[0].split("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {words(first)[0]: rest for first, *rest in cells}


def test_methods() -> None:
    """All are named, and each has what it needs and what it is for."""
    assert {*method_rows("2.8")} == {method.value for method in Method} <= {*words(PAGE)}


@with_home
@pytest.mark.parametrize(("method", "figures"), method_rows("2.7").items())
def test_quiet_days(method: str, figures: list[str]) -> None:
    """The figures are those of the home."""
    assert [int(one) for one in figures] == [round(one) for one in quiet(Method(method))]


@pytest.mark.parametrize("path", re.findall(r"`(settlement/\w+\.py)`", PAGE))
def test_files(path: str) -> None:
    """Those that are named are there."""
    assert (ROOT / "custom_components/flex_ready" / path).is_file()
