"""The window over which subscribed power is judged: how much may still be drawn, and until when.

Sources: Flex Ready reference 2.4.3 (the energies since the Td top; low voltage above 36 kVA can be checked each minute
over the last Td, medium voltage each Td over the last), Enedis-NOI-CPT_36E.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MINUTE_MS = 60_000
WH_MJ = 3_600_000
"""A watt-hour, or a volt-ampere-hour, in mJ."""
_MOST_SILENCE_MS = 90_000
"""Between two readings more than this, a whole top may have gone by unseen."""
_SLACK_MS = 2_000
"""The date of a frame may have been taken a moment before its energies."""
_PLAUSIBLE = 2
"""A counter that grew over a top has restarted there, if it means no more than so many times the limit since."""
_SLOPE_MS = 14_000
"""Power is the slope of the energy over at least this: one Wh in it is 257 W."""
INSTANT_MS = 10_000


class Kind(StrEnum):
    """How the limit is judged."""

    FIXED = "fixed"
    """Over each Td, from top to top (medium voltage)."""
    SLIDING = "sliding"
    """Each minute, over the last Td (low voltage above 36 kVA)."""
    INSTANT = "instant"
    """At every instant, by a breaker (Linky)."""


class Deadline(NamedTuple):
    """Until `at` (ms), no more than `budget` (mJ) may still be drawn; less than 0: the limit is already exceeded."""

    at: int
    budget: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What a window that ended came to: its end (ms), its mean power and its limit (W or VA)."""

    end: int
    power: int
    limit: int

    @property
    def overrun(self) -> int:
        """By how much the limit was exceeded (W or VA)."""
        return max(0, self.power - self.limit)


class Window:
    """Follows one counter of energy since the Td top. `td` is in minutes; times are those of the meter's clock.

    The counter is joined into one growing sum, from which every window is read. Where the limit falls within a window,
    the whole of it is held to the lower one; where it rises, to the higher: a meter tells only the present one.
    """

    def __init__(self, kind: Kind, td: int = 10) -> None:
        self.kind = kind
        self.td = td
        self.limit = 0
        self.sum = 0
        """Energy since the first reading (mJ)."""
        self.at: int | None = None
        """The last reading (ms)."""
        self.power = 0
        """Mean power of the last seconds (W or VA)."""
        self.known = False
        """Whether that is known: from two readings, or from one some time after the top."""
        self.closed: Reached | None = None
        """The last window that ended."""
        self.ended: tuple[Reached, ...] = ()
        """Those that ended with the last reading, newest last."""
        self._value: int | None = None
        self._unsure: int | None = None  # a top just passed, at which the counter has not fallen yet
        self._first: tuple[int, int] = (0, 0)  # the top before the first reading, and that reading's time
        self._marks: deque[tuple[int, int]] = deque()  # sums at round minutes
        self._recent: deque[tuple[int, int]] = deque()

    @property
    def length(self) -> int:
        """Td (ms)."""
        return self.td * MINUTE_MS

    def top(self, at: int) -> int:
        """Return the top at or before an instant."""
        return at - at % self.length

    def read(self, value: int, at: int, *, saved: int = 0) -> None:
        """Take the energy since the top (Wh or VAh) with the meter's time of the same frame.

        `saved` (mJ) is to be taken off what was drawn since the last reading: what a rehearsal would have spared.
        """
        before, value_before = self.at, self._value
        self.ended = ()
        if before is not None and 0 <= before - at <= _SLACK_MS:
            return  # the same second again
        self._value = value
        if before is None or value_before is None or not 0 < at - before <= _MOST_SILENCE_MS:
            self._begin(value * WH_MJ, at)
            return
        top = self._restarted(value_before, value, before, at)
        if top is not None and before - top > _SLACK_MS:
            self._begin(value * WH_MJ, at)  # it fell without a top: the meter was set, or read wrong
            return
        if top is None:
            reached = self.top(at)
            new = reached > before or reached == self._unsure
            self._unsure = reached if new and at - reached <= _SLACK_MS else None
            self._drew((value - value_before) * WH_MJ - saved, before, at)
            return
        self._unsure = None
        # The end of the old window was not seen: it went on as it was. What the new one drew is told exactly; where
        # the date was taken before the top, the top is the earliest that it can be.
        at = max(at, top)
        since = max(before, top)
        if top > before:
            self._drew(self.power * (top - before), before, top)
        else:
            self._marks[-1] = (top, self.sum)
        self._drew(value * WH_MJ - saved * (at - since) // (at - before), since, at)

    def _begin(self, drawn: int, at: int) -> None:
        """Take a first reading: what was drawn since the top is spread evenly over that time."""
        self._forget()
        top = self.top(at)
        since = at - top
        self.at, self._first = at, (top, at)
        self.known = since >= _SLOPE_MS
        if self.known:
            self.power = drawn // since
        for minute in range(top, at + 1, MINUTE_MS):
            self._marks.append((minute, self.sum - drawn + (drawn * (minute - top) // since if since else 0)))
        self._recent.append((at, self.sum))

    def _restarted(self, value_before: int, value: int, before: int, at: int) -> int | None:
        """Return the top at which the counter restarted since the last reading, if it did."""
        top = self.top(at + _SLACK_MS)
        if value < value_before:
            return top
        seen = (top > before or top == self._unsure) and at - top > _SLACK_MS
        return top if seen and value * WH_MJ <= _PLAUSIBLE * max(self.limit, self.power) * (at - top) else None

    def draw(self, power: int, at: int) -> None:
        """Take a mean power since the last reading, of a meter that sends no energy since a top (ms; W or VA)."""
        before, self._value = self.at, None
        self.ended = ()
        if before is not None and 0 <= before - at <= _SLACK_MS:
            return
        if before is None or not 0 < at - before <= _MOST_SILENCE_MS:
            self._forget()
            self._recent.append((at, self.sum))
            self.at, self.power, self.known, self._first = at, power, True, (at, at)
            return
        self._drew(power * (at - before), before, at)
        if self.kind is Kind.INSTANT:
            self.power = power

    def _drew(self, drawn: int, before: int, at: int) -> None:
        start, self.sum, self.at = self.sum, self.sum + drawn, at
        minute = before - before % MINUTE_MS + MINUTE_MS
        while minute <= at:
            self._mark(minute, start + drawn * (minute - before) // (at - before))
            minute += MINUTE_MS
        self._recent.append((at, self.sum))
        while len(self._recent) > 2 and at - self._recent[1][0] >= _SLOPE_MS:
            self._recent.popleft()
        first_at, first = self._recent[0]
        if at > first_at:
            self.power, self.known = (self.sum - first) // (at - first_at), True

    def _mark(self, minute: int, total: int) -> None:
        """Note the sum at a round minute; see whether a window ended there."""
        self._marks.append((minute, total))
        while self._marks[0][0] < minute - self.length:
            self._marks.popleft()
        if self.kind is Kind.INSTANT or (self.kind is Kind.FIXED and minute % self.length):
            return
        start, (top, first_at) = minute - self.length, self._first
        if self.limit and (start == top or start >= first_at) and (begin := self._mark_at(start)) is not None:
            self.closed = Reached(minute, (total - begin) // self.length, self.limit)
            self.ended += (self.closed,)

    def _mark_at(self, minute: int) -> int | None:
        i = bisect_left(self._marks, (minute,))
        return self._marks[i][1] if i < len(self._marks) and self._marks[i][0] == minute else None

    def count_again(self, spared: Callable[[int], int]) -> None:
        """Count what a rehearsal spared as drawn: `spared` is its energy up to an instant, since any one (mJ)."""
        self._marks = deque((at, total + spared(at)) for at, total in self._marks)
        self._recent = deque((at, total + spared(at)) for at, total in self._recent)
        if self.at is not None:
            self.sum += spared(self.at)
        start, end = self.slope
        if end > start:
            self.power = (self._recent[-1][1] - self._recent[0][1]) // (end - start)

    def _forget(self) -> None:
        self.at = None
        self._marks.clear()
        self._recent.clear()
        self._unsure = None

    @property
    def slope(self) -> tuple[int, int]:
        """The time that `power` is the mean of (ms)."""
        return (self._recent[0][0], self._recent[-1][0]) if self._recent else (0, 0)

    def energy(self, now: int) -> int:
        """Return the sum at an instant, the power of the last reading carried on to it (mJ)."""
        return self.sum + (self.power * max(0, now - self.at) if self.at is not None else 0)

    def running(self, now: int) -> tuple[int, int]:
        """Return the start (ms) of the window that ends next, and what was drawn in it so far (mJ)."""
        start = self.top(now) if self.kind is Kind.FIXED else now - now % MINUTE_MS + MINUTE_MS - self.length
        return start, self.energy(now) - self._sum_at(start, now)

    def deadlines(self, now: int) -> tuple[Deadline, ...]:
        """Return what may still be drawn from `now` on until each end of a window that is ahead."""
        allowed = self.limit * self.length
        match self.kind:
            case Kind.INSTANT:
                return (Deadline(now + INSTANT_MS, self.limit * INSTANT_MS),)
            case Kind.FIXED:
                start, drawn = self.running(now)
                return (Deadline(start + self.length, allowed - drawn),)
            case Kind.SLIDING:
                energy = self.energy(now)
                first = now - now % MINUTE_MS + MINUTE_MS
                ends = range(first, first + self.length, MINUTE_MS)
                return tuple(Deadline(end, allowed - (energy - self._sum_at(end - self.length, now))) for end in ends)

    def _sum_at(self, minute: int, now: int) -> int:
        """Return the sum at a round minute; outside what was seen, as if the power had been what it is."""
        if (mark := self._mark_at(minute)) is not None:
            return mark
        if self.at is not None and minute >= self.at:
            return self.energy(minute)
        first_at, first = self._marks[0] if self._marks else (self.at or now, self.sum)
        return first - self.power * max(0, first_at - minute)
