"""When to shed for the subscribed power, what, and when to give it back.

Late, but not too late: a load is shed when waiting for the next look would leave too little time for it alone to save
what is expected to be too much, or for all loads together to save what is feared. It is given back when it fits, with
what usually departs from the forecast before one can act again: a band that narrows towards the end of the window
(docs/adr/0008).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .forecast import Forecast
from .window import WH_MJ, Deadline, Kind, Window

_EXPECTED = Fraction(1)
"""What is expected: the forecast, and so many times the error that usually shows within `_REACT_MS`, for good."""
_FEARED = Fraction(7, 4)
_RETURN = Fraction(3, 2)
"""For a return, the error that shows within `_STAY_MS`."""
_UNSEEN_MJ = 4 * WH_MJ
"""What the meter's whole Wh, and the seconds since it was heard, may hide."""
_REACT_MS = 30_000
"""What departs later can still be answered later."""
_STAY_MS = 60_000
"""A load that comes back should not have to go again within this."""
_LOOK_MS = 10_000
"""The next look is so far away: a frame of a PME-PMI takes 8 s."""
_NO_RECLOSE_MS = 45_000
"""So near the end, a load comes back only if it fits in the next window as well."""
_AHEAD = Fraction(3, 4)
"""Where each minute is judged, a load comes back if it fits for this part of Td: it can go again in time."""
_CALM_MS = 120_000
"""At a breaker, a load comes back if it fits for so long."""
_AT_ONCE = 10
"""Loads that are together less than one part in so many of the limit come back together."""
_ALIKE = 500
"""Loads that save as much but for this (W or VA) are alike, and take turns."""


@dataclass(frozen=True, slots=True)
class Shed:
    """A load that is shed: what it would draw more (W or VA), and how long it can stay so (ms)."""

    id: str
    priority: int
    saving: int
    since: int
    stays_ms: int
    may_return: bool
    shows: bool = True
    """Whether the readings tell already that it is off."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A load that may be shed (further): what that saves (W or VA), how soon that shows, how long it lasts (ms)."""

    id: str
    priority: int
    saving: int
    lag_ms: int
    stays_ms: int
    off_today_ms: int


@dataclass(frozen=True, slots=True)
class Need:
    """A deadline, and what is expected to be drawn over its budget by then (mJ)."""

    deadline: Deadline
    expected: int
    feared: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do now: loads to be shed (further), and loads to be given back."""

    shed: tuple[str, ...]
    back: tuple[str, ...]
    needs: tuple[Need, ...]


def decide(
    window: Window,
    forecast: Forecast,
    now: int,
    shed: Sequence[Shed],
    candidates: Iterable[Candidate],
    *,
    settled: bool,
) -> Verdict:
    """Say what to shed and what to give back at an instant (ms of the meter's clock).

    `settled` says that the last return shows in the readings already: only then may another load come back.
    """
    needs = [_need(window, forecast, deadline, now, shed) for deadline in window.deadlines(now)]
    rest = list(candidates)
    chosen: list[str] = []
    at_once = window.kind is Kind.INSTANT
    outlook = _Outlook(needs, now, count_lag=not at_once)
    while max(outlook.feared) > 0 and (useful := [one for one in rest if at_once or outlook.in_time(one)]):
        best = _first(useful)
        if not at_once and not outlook.last_call(useful, _LOOK_MS) and not outlook.cannot_wait(best, _LOOK_MS):
            break
        chosen.append(best.id)
        rest.remove(best)
        outlook.add(best, -1)
    back = _returning(window, forecast, now, shed, rest, outlook) if settled and not chosen else ()
    return Verdict(tuple(chosen), back, tuple(needs))


def _need(window: Window, forecast: Forecast, deadline: Deadline, now: int, shed: Sequence[Shed]) -> Need:
    left = deadline.at - now
    if window.kind is Kind.INSTANT:
        coming = sum(one.saving for one in shed if not one.shows)
        over = (window.power - coming) * left - deadline.budget
        return Need(deadline, over, over)
    saved = sum(one.saving * min(left, one.stays_ms) for one in shed)
    over = forecast.mean(left) * left - saved + _UNSEEN_MJ - deadline.budget
    return Need(
        deadline,
        over + _margin(forecast, left, _EXPECTED, _REACT_MS),
        over + _margin(forecast, left, _FEARED, _REACT_MS),
    )


def _margin(forecast: Forecast, left: int, z: Fraction, within: int) -> int:
    """Return the energy to be kept free (mJ): a departure that comes within some time, and lasts."""
    return forecast.error(min(left, within)) * left * z.numerator // z.denominator


class _Outlook:
    """What is expected and feared to be too much at each deadline, as loads are taken out of it or put back."""

    def __init__(self, needs: Sequence[Need], now: int, *, count_lag: bool) -> None:
        self.expected = [need.expected for need in needs]
        self.feared = [need.feared for need in needs]
        self.times = [need.deadline.at - now for need in needs]
        self._count_lag = count_lag

    def add(self, load: Candidate, sign: int) -> None:
        """Put a load in, or take it out (-1)."""
        for i, left in enumerate(self.times):
            lag = load.lag_ms if self._count_lag else 0
            energy = sign * load.saving * max(0, min(left, load.stays_ms) - lag)
            self.expected[i] += energy
            self.feared[i] += energy

    def in_time(self, load: Candidate) -> bool:
        """Tell whether a load can still save something before a deadline at which too much is feared."""
        return any(fear > 0 and left > load.lag_ms for fear, left in zip(self.feared, self.times, strict=True))

    def cannot_wait(self, load: Candidate, wait: int) -> bool:
        """Tell whether after a wait (ms) there would be too little time left for a load to save what is expected."""
        return any(
            need > 0 and left > load.lag_ms and need > load.saving * (left - load.lag_ms - wait)
            for need, left in zip(self.expected, self.times, strict=True)
        )

    def last_call(self, loads: Sequence[Candidate], wait: int) -> bool:
        """Tell whether after a wait (ms) there would be too little time left for all loads to save what is feared."""
        capacity = sum(load.saving for load in loads)
        lag = max(load.lag_ms for load in loads)
        return any(
            fear > 0 and left > lag and fear > capacity * max(0, left - lag - wait)
            for fear, left in zip(self.feared, self.times, strict=True)
        )


def _first(rest: Sequence[Candidate]) -> Candidate:
    """Return the load to go next: of those with the least priority, the one that saves most, for the shortest time.

    Among those alike, the one that was off least today.
    """
    least = min(candidate.priority for candidate in rest)
    return min(
        (candidate for candidate in rest if candidate.priority == least),
        key=lambda one: (
            -(one.saving // _ALIKE),
            one.off_today_ms,
            one.id,
        ),
    )


def _returning(
    window: Window,
    forecast: Forecast,
    now: int,
    shed: Sequence[Shed],
    rest: Sequence[Candidate],
    outlook: _Outlook,
) -> tuple[str, ...]:
    """Return what comes back: of those that fit, the one with the highest priority, then the longest off.

    One fits if with it what is rather feared stays under the limit, and nothing would have to go again soon. Others
    come along as long as all together are a small part of the limit.
    """
    ready = [one for one in shed if one.may_return]
    if not ready or not all(one.shows for one in shed):
        return ()
    deadlines = window.deadlines(now)
    if window.kind is Kind.INSTANT:
        deadlines = (Deadline(now + _CALM_MS, window.limit * _CALM_MS),)
    elif window.kind is Kind.SLIDING:
        far = now + window.length * _AHEAD.numerator // _AHEAD.denominator
        deadlines = tuple(deadline for deadline in deadlines if deadline.at <= far) or deadlines[:1]
    times = [deadline.at - now for deadline in deadlines]
    room = min(
        (
            deadline.budget
            - forecast.mean(left) * left
            - _margin(forecast, left, _RETURN, _STAY_MS)
            - _UNSEEN_MJ
            + sum(one.saving * min(left, one.stays_ms) for one in shed)
        )
        // left
        for deadline, left in zip(deadlines, times, strict=True)
    )
    off = sum(one.saving for one in shed)
    if window.kind is Kind.INSTANT:
        room = min(room, window.limit - window.power)
    elif window.kind is Kind.FIXED and times[0] < _NO_RECLOSE_MS:
        length = window.length
        room = min(
            room, window.limit - forecast.mean(length) + off - _margin(forecast, length, _RETURN, _STAY_MS) // length
        )
    back: list[str] = []
    taken = 0
    capacity = list(rest)
    for one in sorted(ready, key=lambda one: (-one.priority, one.since, one.id)):
        if one.saving > room - taken or (back and (taken + one.saving) * _AT_ONCE > window.limit):
            continue
        again = Candidate(one.id, one.priority, one.saving, 0, one.stays_ms, 0)
        outlook.add(again, 1)
        if window.kind is not Kind.INSTANT and outlook.last_call([*capacity, again], _STAY_MS):
            outlook.add(again, -1)
            continue
        capacity.append(again)
        back.append(one.id)
        taken += one.saving
    return tuple(back)
