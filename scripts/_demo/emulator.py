"""The emulated meter, as a program beside the demo."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from .error import DemoError
from .process import ROOT, running

_START_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """Where an emulated meter is heard, and where its building is driven (a replay has none)."""

    meter: str
    control: str | None = None


def parse_endpoints(lines: list[str]) -> Emulator | None:
    """Read the lines `NAME: URL` that the emulator prints; None while the meter's is not among them."""
    urls = dict(line.strip().split(": ", 1) for line in lines if ": " in line)
    return Emulator(meter=urls["meter"], control=urls.get("control")) if "meter" in urls else None


@asynccontextmanager
async def emulated_meter(*, meter: str, pace: float, replay: Path | None) -> AsyncIterator[Emulator]:
    """Play a meter, or a captured file, while the context lasts."""
    arguments = ["meter", "--meter", meter, "--pace", str(pace), "--tcp", "127.0.0.1:0"]
    arguments += ["--replay", str(replay)] if replay else ["--control", "127.0.0.1:0"]
    async with running("emulator", *arguments, cwd=ROOT, stdout=PIPE) as process:
        assert process.stdout
        try:
            async with asyncio.timeout(_START_S):
                lines = [(await process.stdout.readline()).decode() for _ in range(1 if replay else 2)]
        except TimeoutError:
            raise DemoError("the emulated meter does not start") from None
        if (emulator := parse_endpoints(lines)) is None:
            raise DemoError(f"the emulated meter ended with status {await process.wait()}")
        yield emulator


def meter_answers(emulator: Emulator) -> dict[str, dict[str, object]]:
    """Give what the config flow of a meter is answered, for this one."""
    return {"meter": {"port": emulator.meter, "baudrate": "auto"}}


class Control:
    """The emulator's HTTP side."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def state(self) -> dict[str, Any]:
        """Return what the meter measures now."""
        return await self._get("/")

    async def groups(self) -> dict[str, str]:
        """Return the last frame sent: label to data."""
        return await self._get("/groups")

    async def load(self, load: str) -> dict[str, Any]:
        """Return one load of the building."""
        return await self._get(f"/loads/{load}")

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._session.get(self._url + path) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer
