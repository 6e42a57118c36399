"""The time of the emulated world."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import time


class Clock:
    """A clock that starts at an instant, by default now, and runs at a pace."""

    def __init__(
        self, start: datetime | None = None, pace: float = 1, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._pace = pace
        self._monotonic = monotonic
        self._origin = monotonic()

    def now(self) -> datetime:
        """Return the present instant (UTC)."""
        return self._start + timedelta(seconds=(self._monotonic() - self._origin) * self._pace)

    def set(self, now: datetime) -> None:
        """Go on from another instant."""
        self._start, self._origin = now.astimezone(UTC), self._monotonic()
