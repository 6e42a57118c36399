"""What the energies since the last Td top tell: the mean power now, and Td itself.

    energy |      /|      /|      /|        Td is the integration time of overrun control. The meter never sends
           |    /  |    /  |    /  |        it: it only restarts EA_s, EAPP_s, EAS... from 0 at each top, on round
           |  /    |  /    |  /    |        minutes of its own clock (Flex Ready reference 2.4.3).
           +-------+-------+-------+--> meter time

Td is told once it is known: by two tops with nothing lost between them, where each shorter Td was seen twice to have
no top, or by one top and the Tc means (PAx), where the energy before the top fits no other Td.
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
_CLOCK_SLACK = timedelta(seconds=2)
"""The date of a frame may have been taken a moment before its energies."""

# How what cannot be seen is judged. Between two frames a load may jump, and where a counter goes on over a round
# minute, it may have restarted and grown past what it was. So that is told from a counter that went on only where
# it would take a power that nothing before or after comes near, and only from the second time on.
_JUDGED_STEP_S = 20
"""A step longer than this is not judged."""
_AFTERWARDS_S = 15
"""The power after a minute is that of so many seconds."""
_FIRST_S = 5
_HIDDEN_W = 20_000
_HIDDEN_TIMES = 5
_WITNESSES = 2
_BURST_TIMES = 12
"""In the seconds between the last frame and a top, power is held to be less than so many times the usual one."""


@dataclass(frozen=True, slots=True)
class TcMean:
    """Mean active power over one Tc: its end (aware), its length in minutes, the power in whole kW."""

    end: datetime
    minutes: int
    kw: int


@dataclass(frozen=True, slots=True)
class _Top:
    """A restart: of which counter, when, the energy that stood before and for how long, the power then."""

    counter: str
    at: datetime
    energy: int
    unseen_s: float
    power: float


@dataclass(frozen=True, slots=True)
class _Crossing:
    """A counter that did not fall over a round minute: the readings on both sides, and the power before."""

    minute: datetime
    at: datetime
    before: int
    value: int
    step_s: float
    power: float

    def went_on(self, power: float) -> bool:
        """Tell whether the counter went on for sure, by the power (W) that followed."""
        usual = max(self.power, power) + 3600 / _AFTERWARDS_S
        restarted = 3600 * self.value / ((self.at - self.minute).total_seconds() + 1)
        grown = self.value - self.before
        return restarted >= max(_HIDDEN_W, _HIDDEN_TIMES * usual) and grown <= 2 + 2 * usual * self.step_s / 3600


class _Counter:
    """One energy since the last top (Wh or VAh), and its slope."""

    def __init__(self) -> None:
        self.value = 0
        self.at: datetime | None = None
        self.crossing: _Crossing | None = None
        self._spans: deque[tuple[datetime, float, int]] = deque()

    @property
    def power(self) -> float | None:
        """Mean power over the last minute in W or VA; None before half a minute has been seen."""
        seconds = sum(span[1] for span in self._spans)
        return 3600 * sum(span[2] for span in self._spans) / seconds if seconds >= _LEAST_SLOPE_S else None

    def keep(self, at: datetime, seconds: float, energy: int) -> None:
        """Let an energy drawn in the seconds before `at` count in the slope; none, to let time pass."""
        if seconds > 0:
            self._spans.append((at, seconds, energy))
        while self._spans and (at - self._spans[0][0]).total_seconds() >= _SLOPE_S:
            self._spans.popleft()

    def forget(self) -> None:
        """Begin anew: what was seen is not connected with what comes."""
        self._spans.clear()
        self.crossing = None


def floor(at: datetime, minutes: int) -> datetime:
    """Return the round minute at or before an instant, by the local clock (offsets of Paris are whole hours)."""
    return at - timedelta(minutes=at.minute % minutes, seconds=at.second, microseconds=at.microsecond)


class TdWatch:
    """Follows the counters of one meter; `td` is in minutes, None until it is known. Instants are handed in UTC."""

    def __init__(self) -> None:
        self.td: int | None = None
        self._counters: dict[str, _Counter] = {}
        self._against: dict[int, set[datetime]] = {}  # by Td, tops that it would have had and that were none
        self._last_top: datetime | None = None
        self._spacing: int | None = None
        self._pending: _Top | None = None
        self._waited = 0

    def power(self, counter: str) -> float | None:
        """Mean power over the last minute by the slope of a counter: W for Wh, VA for VAh; None while unknown."""
        return self._counters[counter].power if counter in self._counters else None

    def read(self, counter: str, value: int, at: datetime) -> None:
        """Take one energy since the last top, with the meter's time of the same frame."""
        state = self._counters.setdefault(counter, _Counter())
        before_at, before = state.at, state.value
        if before_at == at:
            return  # frames of less than a second: the first of each second counts
        state.at, state.value = at, value
        if before_at is None:
            return
        seconds = (at - before_at).total_seconds()
        if not 0 < seconds <= _MAX_STEP_S:
            state.forget()
            self._last_top = self._spacing = self._pending = None
            return
        if value < before:
            self._restarted(counter, before_at, before)
        elif (minute := self._maybe_top(before_at, at)) is None:
            state.keep(at, seconds, value - before)
        elif before <= 1:  # restarted or not, it is all one
            state.keep(at, (at - minute).total_seconds(), value)
        else:
            if (power := state.power) is not None and seconds <= _JUDGED_STEP_S:
                state.crossing = _Crossing(minute, at, before, value, seconds, power)
            state.keep(at, 0, 0)
        self._judge(state)

    def means(self, means: Iterable[TcMean]) -> None:
        """Take the Tc means of a frame: they may tell Td where only one top has been seen."""
        top = self._pending
        if top is None or self.td is not None:
            return
        state = self._counters[top.counter]
        since = (state.at - top.at).total_seconds() if state.at else 0
        if since < _FIRST_S:
            return
        self._waited += 1
        most_w = _BURST_TIMES * max(top.power, 3600 * (state.value + 1) / since)
        known = tuple(means)
        fitting = [td for td in self._possible(top.at) if _fits(td, top, most_w, known)]
        if len(fitting) == 1:
            self._learn(fitting[0])
        if self._waited >= _PATIENCE:
            self._pending = None

    def _maybe_top(self, after: datetime, until: datetime) -> datetime | None:
        """Return the round minute in a step that may be a top, if any."""
        minute = floor(until, self.td or CANDIDATES[0])
        return minute if minute > after and self._possible(minute) else None

    def _restarted(self, counter: str, before_at: datetime, before: int) -> None:
        """Take a counter that fell: a top went by, if there was a round minute for it."""
        state = self._counters[counter]
        at = state.at or before_at
        power = state.power
        state.crossing = None
        top = floor(at + _CLOCK_SLACK, CANDIDATES[0])
        if top <= before_at:  # no round minute went by: the meter was set, or read wrong
            state.forget()
            state.at = None
            self._last_top = self._spacing = self._pending = None
            return
        state.keep(at, (at - top).total_seconds(), state.value)
        if (self.td is not None and top.minute % self.td) or not self._possible(top):
            self._relearn()  # the meter was programmed anew
        if self._last_top != top:
            if self._last_top is not None:
                self._spacing = round((top - self._last_top).total_seconds() / 60)
            self._last_top = top
        if power is not None and counter in _ACTIVE:
            self._pending = _Top(counter, top, before, max(0, (top - before_at).total_seconds()), power)
            self._waited = 0
        self._conclude()

    def _judge(self, state: _Counter) -> None:
        """See whether what followed a round minute tells that it was no top."""
        crossing = state.crossing
        if crossing is None or state.at is None:
            return
        seconds = (state.at - crossing.at).total_seconds()
        if seconds < _AFTERWARDS_S:
            return
        state.crossing = None
        if not crossing.went_on(3600 * (state.value - crossing.value) / seconds):
            return
        if self.td is not None and crossing.minute.minute % self.td == 0:
            self._relearn()
        for td in CANDIDATES:
            if crossing.minute.minute % td == 0 and len(against := self._against.setdefault(td, set())) < _WITNESSES:
                against.add(crossing.minute)
        self._conclude()

    def _conclude(self) -> None:
        """Tell Td from two tops in a row, where each shorter one would have had a top between and had none."""
        if self.td is not None or self._spacing is None or self._last_top is None:
            return
        if len(self._against.get(self._spacing, ())) >= _WITNESSES:
            self._relearn()
        elif next(iter(self._possible(self._last_top)), None) == self._spacing:
            self._learn(self._spacing)

    def _learn(self, td: int) -> None:
        self.td = td
        self._pending = None
        for longer in CANDIDATES[CANDIDATES.index(td) :]:
            self._against.pop(longer, None)

    def _relearn(self) -> None:
        self.td = self._last_top = self._spacing = self._pending = None
        self._against.clear()

    def _possible(self, top: datetime) -> list[int]:
        """Return the Td that a top may be of, the shortest first."""
        return [td for td in CANDIDATES if top.minute % td == 0 and len(self._against.get(td, ())) < _WITNESSES]


_ACTIVE = ("EA_s", "EA")
"""The counters that the Tc means (PAx, PAx_s) are of."""


def _fits(td: int, top: _Top, most_w: float, means: tuple[TcMean, ...]) -> bool:
    """Tell whether the energy before a top can have been drawn in this Td, by the means of the Tc in it.

    A mean in whole kW may be rounded or truncated: between half a kW less and a whole one more. `most_w` is the most
    that may have been drawn in the seconds that were not seen.
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
    return least <= top.energy + 1 + most_w * top.unseen_s / 3600 and top.energy <= most
