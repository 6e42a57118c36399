"""The overruns of a month: how many, by how much at most, in how many hours.

Low voltage above 36 kVA is billed by the hour in which there was one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .window import MINUTE_MS, Kind, Reached

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Overruns:
    """Of the month of a local date (year * 12 + month). Minute by minute, an overrun that goes on counts once."""

    month: int = 0
    count: int = 0
    worst: int = 0
    """W or VA."""
    hours: int = 0
    last_end: int = 0
    last_hour: int = -1

    def add(self, closed: Reached, kind: Kind, month: int) -> Overruns:
        """Return them with a window that ended (ms of our clock)."""
        before = self if month == self.month else Overruns(month)
        if not closed.overrun:
            return before
        goes_on = kind is Kind.SLIDING and closed.end - before.last_end <= MINUTE_MS + MINUTE_MS // 2
        hour = (closed.end - 1) // _HOUR_MS
        return Overruns(
            month,
            before.count + (not goes_on),
            max(before.worst, closed.overrun),
            before.hours + (hour != before.last_hour),
            closed.end,
            hour,
        )

    def to_dict(self) -> dict[str, int]:
        """Return what a restart needs (JSON)."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_dict(cls, kept: object) -> Overruns:
        """Take up what was kept; nothing of it if it makes no sense."""
        if not isinstance(kept, Mapping):
            return cls()
        numbers = {name: kept.get(name) for name in _FIELDS}
        if not all(type(number) is int for number in numbers.values()):
            return cls()
        return cls(**numbers)  # type: ignore[arg-type]  # they were looked at


_FIELDS = ("month", "count", "worst", "hours", "last_end", "last_hour")
