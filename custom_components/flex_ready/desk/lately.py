"""What loads drew lately, while they were not shed: mean and deviation over the last hour, by quarters of an hour."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from math import sqrt

from ..flexibility.shares import Drawn
from .habits import Habits

_QUARTER = timedelta(minutes=15)
_QUARTERS = 5
"""Four whole ones, and the one that runs."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Sums:
    quarter: int
    seconds: float = 0
    first: float = 0
    second: float = 0


class Lately:
    """Looks at what loads draw; a quarter that is over is learned from."""

    def __init__(self, habits: Habits, zone: tzinfo, learned: Callable[[], None]) -> None:
        """`learned` is called when there is something new in the habits."""
        self.habits = habits
        self._zone = zone
        self._learned = learned
        self._sums: dict[str, deque[_Sums]] = {}

    def add(self, load: str, power: int, span: timedelta, now: datetime) -> None:
        """Take down that a load drew so much (W) for a while, up to now."""
        seconds, quarter = span.total_seconds(), (now - _EPOCH) // _QUARTER
        rows = self._sums.setdefault(load, deque(maxlen=_QUARTERS))
        if not rows or rows[-1].quarter != quarter:
            if rows:
                self._learn(load, rows[-1])
            rows.append(_Sums(quarter))
        rows[-1].seconds += seconds
        rows[-1].first += power * seconds
        rows[-1].second += power * power * seconds

    def drawn(self, load: str, now: datetime) -> Drawn | None:
        """Return what a load drew in the last hour."""
        first = (now - _EPOCH) // _QUARTER - _QUARTERS
        rows = [one for one in self._sums.get(load, ()) if one.quarter > first]
        seconds = sum(one.seconds for one in rows)
        if seconds <= 0:
            return None
        mean = sum(one.first for one in rows) / seconds
        spread = sqrt(max(0.0, sum(one.second for one in rows) / seconds - mean * mean))
        return Drawn(
            mean_w=Decimal(round(mean)), deviation_w=Decimal(round(spread)), seen_for=timedelta(seconds=round(seconds))
        )

    def _learn(self, load: str, over: _Sums) -> None:
        local = (_EPOCH + over.quarter * _QUARTER).astimezone(self._zone)
        quarter = local.hour * 4 + local.minute // 15
        if over.seconds > 0 and self.habits.learn(load, quarter, over.first / over.seconds, over.seconds):
            self._learned()
