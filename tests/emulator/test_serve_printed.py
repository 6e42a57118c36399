"""What docs/emulator.md prints, played by curl: its own commands, and the examples of Annex 1 with their defects."""

import asyncio
from datetime import datetime
import json
from pathlib import Path
import re
import shutil
from typing import Any

from annex1 import MORNING, REQUEST, WHOLE, asked
import pytest
from served import Served, served

pytestmark = [
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl and jq are not installed"),
]

PAGE = (Path(__file__).resolve().parents[2] / "docs/emulator.md").read_text()
_BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PRINTED = _BLOCK.findall(PAGE[PAGE.index("## The examples of Annex 1") :])[0]
EXAMPLES = dict(re.findall(r"^# (.+?)\n(.*?)(?=^# |\Z)", _PRINTED, re.MULTILINE | re.DOTALL))
COMMANDS = "\n".join(_BLOCK.match(part.lstrip("\n"))[1] for part in PAGE.split("<!-- run -->")[1:])  # type: ignore[index]
CONFIRM = "5. Confirm Flex Request, generic"
BODY = "5. its body"
SPECIFIC = "5. specific"
CREATE = "4. Create Flex Request (Operator)"
_CLOSING = {"{": "}", "[": "]"}


async def shell(script: str, folder: Path | None = None) -> str:
    """Run a script; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b""), script
    return output.decode()


def whole(printed: str) -> str:
    """Mend what print has done to an example: lines that were broken, an end that was cut off."""
    text = re.sub(r'"https:[^"]*"|<[^<>]*>', lambda found: found[0].replace("\n", ""), printed)
    text = text.rstrip().removesuffix("\\").rstrip()
    command, quote, body = text.partition("-d '")
    return f"{command}{quote}{_closed(body.removesuffix("'"))}'" if quote else text


def _closed(body: str) -> str:
    """Close the brackets of a text that were left open."""
    made, still_open = "", ""
    for part in re.split(r'("[^"]*"|[][{}])', body):
        if part in ("{", "["):
            still_open += part
        elif part in ("}", "]"):
            while _CLOSING[still_open[-1]] != part:
                made, still_open = made + _CLOSING[still_open[-1]], still_open[:-1]
            still_open = still_open[:-1]
        made += part
    return made + "".join(_CLOSING[one] for one in reversed(still_open))


def filled(text: str, world: Served, session: str) -> str:
    """Put values where an example has names."""
    values = {
        "https://flexready-emulator.heka.ai": [world.base],
        "{session_id}": [session.split("/")[3]],
        "{bacs_id}": [WHOLE],
        "{asset_id}": ["WholeBuilding"],
        "{request_id}": ["req-001"],
        "<your_jwt_token>": [world.user],
        "<any_header>": ["Authorization"],
        "<any_value>": [f"Bearer {world.user}"],
        "<flex_product_code>": ["WID"],
        "<unit>": ["W"],
        "<units>": ["€/MWh"],
        "<multiplier>": ["k", ""],
        "<value>": ["80.0", "85.0"],
        "<YYYY-MM-DDTHH:MM:SS>": ["2025-04-02T12:30:00", "2025-04-02T12:32:00"],
    }
    for name, some in values.items():
        for value in some[:-1]:
            text = text.replace(name, value, 1)
        text = text.replace(name, some[-1])
    return text


async def play(world: Served, session: str, text: str) -> tuple[int, Any]:
    """Send an example; return status and body of the answer."""
    body, _, status = (await shell(f"{filled(text, world, session)} -sS -w '\n%{{http_code}}'")).rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize("start", [MORNING, None], ids=["on the day", "long after"])
@pytest.mark.parametrize("title", [title for title in EXAMPLES if title != BODY])
async def test_an_example(title: str, start: datetime | None) -> None:
    """Each is answered what it asks for."""
    async with served(start=start) as world:
        site = await world.annex_1()
        session = await world.annex_1("OPERATOR", world.base + site) if "Operator" in title else site
        before = asked("10:00:00", "12:00:00") if title == SPECIFIC else asked()
        if title != CREATE:
            assert (await world.post(site + REQUEST, world.user, json=before)).status == 201
        status, answer = await play(world, session, whole(EXAMPLES[title]))
        assert status == (201 if title == CREATE else 200), answer
        if "Confirm" in title or title == SPECIFIC:
            assert answer["state"] not in ("offered", "expired")
        elif title == CREATE:
            assert (answer["state"], answer["power"]) == ("offered", asked()["power"])
        else:
            assert isinstance(answer["consumptions"], list)
        shown = (await world.get(f"{site}{REQUEST}/req-001", world.user)).json
        warnings = [warning["code"] for warning in shown["warnings"]]
        assert ("outside-period" in warnings) == (title == SPECIFIC)
        assert ("unknown-key" in warnings) == (title == CONFIRM)


async def test_the_body_of_a_confirmation() -> None:
    """It is printed apart from its example, without the braces around it."""
    async with served(start=MORNING) as world:
        site = await world.annex_1()
        assert (await world.post(site + REQUEST, world.user, json=asked())).status == 201
        command = whole(EXAMPLES[CONFIRM]).partition("-d ")[0]
        status, answer = await play(world, site, f"{command} -d '{{{EXAMPLES[BODY]}}}'")
        assert (status, answer["state"], answer["warnings"]) == (200, "scheduled", [])


def test_the_examples_are_all_there() -> None:
    """Nine are printed, one of them without its command."""
    assert len(EXAMPLES) == 9
    assert [title for title, text in EXAMPLES.items() if not text.startswith("curl -X ")] == [BODY]


async def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """One after the other, as they stand there."""
    async with served() as world:
        said = await shell(COMMANDS.replace("http://127.0.0.1:8600", world.base), tmp_path)
        assert said.count("BACS Whole Building Only") == 2
        assert "Flex-Ready-Valid: true" in said
        assert '"status": 503' in said
        assert said.rstrip().endswith("[]")
        assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
