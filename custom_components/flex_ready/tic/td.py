"""What the energies since the last Td top tell: the mean power now, and Td itself.

    energy |      /|      /|      /|        Td is the integration time of overrun control. The meter never sends
           |    /  |    /  |    /  |        it: it only restarts EA_s, EAPP_s, EAS... from 0 at each top, on round
           |  /    |  /    |  /    |        minutes of its own clock (Flex Ready reference 2.4.3).
           +-------+-------+-------+--> meter time

Td is told once it is known: by two tops with nothing lost between them, or by one top and the Tc means (PAx), where
the energy before the top fits no other Td.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

CANDIDATES = (5, 10, 15, 20, 30, 60)
"""Minutes. "Usually 5 or 10" (Flex Ready reference 2.4.3); the others are taken so as not to be told wrong."""

_SLOPE_S = 60
"""Power is the mean of the last minute: 1 Wh in a frame of 8 s is 450 W, in a minute 60 W."""
_LEAST_SLOPE_S = 30
_MAX_STEP_S = 90
"""Between two readings more than this, a whole top may have gone by unseen."""
_PATIENCE = 12
"""Frames for which the Tc means of a top are waited for."""


@dataclass(frozen=True, slots=True)
class TcMean:
    """Mean active power over one Tc: its end (aware), its length in minutes, the power in whole kW."""

    end: datetime
    minutes: int
    kw: int


@dataclass(frozen=True, slots=True)
class _Top:
    at: datetime
    least_wh: int
    most_wh: float


class _Counter:
    """One energy since the last top (Wh or VAh): its slope, and where it restarted."""

    def __init__(self) -> None:
        self.value = 0
        self.at: datetime | None = None
        self._spans: deque[tuple[datetime, float, int]] = deque()

    @property
    def power(self) -> float | None:
        """Mean power over the last minute in W or VA; None before half a minute has been seen."""
        seconds = sum(span[1] for span in self._spans)
        return 3600 * sum(span[2] for span in self._spans) / seconds if seconds >= _LEAST_SLOPE_S else None

    def add(self, at: datetime, value: int, td: int | None) -> tuple[datetime, int, float | None, float] | None:
        """Take a reading; return what stood before the top (its time, energy, power, seconds) if one went by."""
        before_at, before, power = self.at, self.value, self.power
        self.at, self.value = at, value
        if before_at is None:
            return None
        seconds = (at - before_at).total_seconds()
        if not 0 < seconds <= _MAX_STEP_S:
            self._spans.clear()
            return None
        top = floor(at, td or 1)
        restarted = value < before or (td is not None and before_at < top and value < before + _noise(power, seconds))
        if not restarted:
            self._keep(at, seconds, value - before)
            return None
        if top <= before_at:  # no round minute between: the meter was set, or read wrong
            self._spans.clear()
            return None
        self._keep(at, (at - top).total_seconds(), value)
        return top, before, power, (top - before_at).total_seconds()

    def _keep(self, at: datetime, seconds: float, energy: int) -> None:
        if seconds > 0:
            self._spans.append((at, seconds, energy))
        while self._spans and (at - self._spans[0][0]).total_seconds() >= _SLOPE_S:
            self._spans.popleft()


def _noise(power: float | None, seconds: float) -> float:
    """Return how little a counter may grow in some seconds, by its slope, for that not to be a restart."""
    return 0 if power is None else power * seconds / 3600 / 4


def floor(at: datetime, minutes: int) -> datetime:
    """Return the round minute at or before an instant, by the local clock (offsets of Paris are whole hours)."""
    return at - timedelta(minutes=at.minute % minutes, seconds=at.second, microseconds=at.microsecond)


class TdWatch:
    """Follows the counters of one meter; `td` is in minutes, None until it is known."""

    def __init__(self) -> None:
        self.td: int | None = None
        self._counters: dict[str, _Counter] = {}
        self._not: set[int] = set()  # the Td that a round minute without restart has ruled out
        self._last_top: datetime | None = None
        self._pending: _Top | None = None
        self._waited = 0

    def power(self, counter: str) -> float | None:
        """Mean power over the last minute by the slope of a counter: W for Wh, VA for VAh; None while unknown."""
        return self._counters[counter].power if counter in self._counters else None

    def read(self, counter: str, value: int, at: datetime) -> None:
        """Take one energy since the last top, with the meter's time of the same frame."""
        state = self._counters.setdefault(counter, _Counter())
        before_at, before, power = state.at, state.value, state.power
        top = state.add(at, value, self.td)
        if before_at is None or not timedelta(0) < at - before_at <= timedelta(seconds=_MAX_STEP_S):
            self._last_top = None
        elif top is not None:
            self._top(counter, *top)
        elif (
            power and (minute := floor(at, 1)) > before_at and before > 3 * power * (at - minute).total_seconds() / 3600
        ):
            # The counter stood high and went on over a round minute: that minute is no top.
            self._not.update(td for td in CANDIDATES if minute.minute % td == 0)
            if self.td in self._not:
                self.td = None

    def means(self, means: Iterable[TcMean]) -> None:
        """Take the Tc means of a frame: they may tell Td where only one top has been seen."""
        if self._pending is None or self.td is not None:
            return
        self._waited += 1
        known = tuple(means)
        fitting = [td for td in self._possible(self._pending.at) if _fits(td, self._pending, known)]
        if len(fitting) == 1:
            self.td = fitting[0]
        if self._waited >= _PATIENCE:
            self._pending = None

    def _top(self, counter: str, at: datetime, energy: int, power: float | None, seconds: float) -> None:
        if self.td is not None:
            if at.minute % self.td == 0:
                self._last_top = at
                return
            self.td = None  # the meter was programmed anew
            self._not.clear()
            self._last_top = None
        if counter.startswith("EA") and "PP" not in counter and power is not None:
            self._pending = _Top(at, energy, energy + 2 + 2 * power * seconds / 3600)
            self._waited = 0
        if self._last_top is not None and self._last_top < at:
            minutes = round((at - self._last_top).total_seconds() / 60)
            # A shorter Td would have restarted the counter between the two: it must have been seen not to.
            if minutes in self._possible(at) and not any(td < minutes for td in self._possible(at)):
                self.td = minutes
        self._last_top = at

    def _possible(self, top: datetime) -> list[int]:
        return [td for td in CANDIDATES if top.minute % td == 0 and td not in self._not]


def _fits(td: int, top: _Top, means: tuple[TcMean, ...]) -> bool:
    """Tell whether the energy before a top can have been drawn in this Td, by the means of the Tc in it.

    A mean in whole kW may be rounded or truncated: between half a kW less and a whole one more.
    """
    start = top.at - timedelta(minutes=td)
    least, most, covered = 0.0, 0.0, timedelta(0)
    for mean in means:
        begin = mean.end - timedelta(minutes=mean.minutes)
        overlap = min(mean.end, top.at) - max(begin, start)
        if overlap <= timedelta(0):
            continue
        covered += overlap
        most += (mean.kw + 1) * 1000 * mean.minutes / 60
        if begin >= start and mean.end <= top.at:
            least += (mean.kw - 0.5) * 1000 * mean.minutes / 60
    if covered < top.at - start:
        most = float("inf")
    return least <= top.most_wh and top.least_wh <= most
