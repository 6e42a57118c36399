"""A table of what was checked, printed line by line as it is known."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import time

from aiohttp import ClientError

from .error import DemoError

_POLL_S = 0.5
_WIDTH = 46


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe saw, and whether that is as it should be."""

    ok: bool
    text: str


type Probe = Callable[[], Awaitable[Seen]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    seen: Seen
    seconds: float
    """Since the first check began."""

    @property
    def line(self) -> str:
        """The line as printed."""
        return f"{self.seconds:4.0f} s  {'ok' if self.seen.ok else 'FAIL':4}  {self.what:{_WIDTH}}  {self.seen.text}"


@dataclass(slots=True)
class Checklist:
    """Checks made one after the other; `rows` is what came out."""

    rows: list[Row] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    async def check(self, what: str, probe: Probe, within: float = 0) -> bool:
        """Probe until what is seen is right, for so many seconds at most; note and print it."""
        deadline = time.monotonic() + within
        while True:
            try:
                seen = await probe()
            except (DemoError, ClientError, LookupError, ValueError) as error:
                seen = Seen(ok=False, text=f"{type(error).__name__}: {error}")
            if seen.ok or time.monotonic() >= deadline:
                break
            await asyncio.sleep(_POLL_S)
        self.rows.append(Row(what, seen, time.monotonic() - self.begun))
        print(self.rows[-1].line, flush=True)
        return seen.ok

    @property
    def ok(self) -> bool:
        """Tell whether there was something to check, and all of it was right."""
        return bool(self.rows) and all(row.seen.ok for row in self.rows)

    def summary(self) -> str:
        """Give the last line."""
        good = sum(row.seen.ok for row in self.rows)
        return f"{good} of {len(self.rows)} checks passed in {time.monotonic() - self.begun:.0f} s"
