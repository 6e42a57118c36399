"""Where the readings of a site come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ..settlement.cutting import Cut
from ..settlement.model import STEP, Reading, floor

type Told = Callable[[timedelta, Mapping[datetime, Reading]], None]
"""Called with steps that are complete: how long they are, and the net withdrawal by the start of each."""
type Kept = Mapping[str, object]
"""What a source has to know after a restart, as JSON can say it."""


@dataclass(frozen=True, slots=True)
class Running:
    """What is known of the half-hour that runs."""

    start: datetime
    until: datetime
    """Up to when it is known."""
    wh: int | None = None
    """Net withdrawal from the start until then; None: not known."""
    watts: int | None = None
    """Net power now; None: not known."""


class Source(Protocol):
    """Tells the readings of one site, each as soon as its step is complete."""

    async def async_start(self) -> None:
        """Listen; `told` is called from now on."""

    async def async_stop(self) -> None:
        """Listen no more; nothing is told when this returns."""

    def running(self, now: datetime) -> Running:
        """Return what is known of the half-hour that runs."""

    def kept(self) -> Kept:
        """Return what it has to know after a restart."""


def tell(told: Told, cut: Cut) -> None:
    """Tell what is complete, if something is."""
    for length, readings in cut.items():
        if readings:
            told(length, readings)


def so_far(start: datetime, until: datetime, wh: int | None, watts: int | None, now: datetime) -> Running:
    """Return what is known of the half-hour that runs from what was heard last, unless that was of an earlier one."""
    running = floor(now, STEP)
    return Running(start, until, wh, watts) if start == running else Running(running, running, None, watts)
