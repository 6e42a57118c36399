"""How far a reference may be off: how the method does on the quiet days of the same site.

On a day without an activation the truth is known: it is what was measured. The method is replayed on such days at the
same local times; what its errors were, they may be again. The interval is between two of the sorted errors, so far
out that a new error, if it is like these, lies in it at least as often as claimed (conformal prediction). Days change
with the seasons, so it is the last weeks that count, and the interval is somewhat wider than if they did not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, fsum, sqrt

from ..slots import Stretch
from .facts import Facts, days_before, local_day
from .load_curve import LoadCurve
from .methods import Choice
from .model import Direction, Order
from .realised import realised
from .rectangle import mobilization

LEVEL = Fraction(4, 5)
"""How often the interval shown holds the truth."""
DAYS = 30
"""How many quiet days are replayed at most: six weeks of working days."""
_WIDER = Fraction(4, 5)
"""How many of the errors that may be cut off are: tomorrow is not quite like the last weeks (see the coverage test)."""
_FARTHEST = 365


@dataclass(frozen=True, slots=True)
class Replay:
    """How far the reference was off on a quiet day: above what was measured, or below (Wh)."""

    day: date
    errors: tuple[float, ...]
    """Of each half-hour, in order."""

    @property
    def whole(self) -> float:
        """Of the whole activation."""
        return fsum(self.errors)


@dataclass(frozen=True, slots=True)
class Interval:
    """How far a reference may be above the truth (below, where negative), at a level of confidence (Wh)."""

    low: float
    high: float
    bias: float
    """The mean of the errors."""
    rmse: float

    def truth(self, raw: float, direction: Direction) -> tuple[float, float]:
        """Return between what the truth lies if `raw` Wh were realised by the reference."""
        ends = raw - direction.sign * self.low, raw - direction.sign * self.high
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How far the references of an order may be off."""

    level: Fraction
    days: int
    """Quiet days that could be replayed."""
    wanted: int
    """How many are needed at least for that level."""
    alike: bool
    """Whether all were working days as that of the order, or all not; else there were too few of them alone."""
    steps: tuple[Interval, ...] = ()
    """Of each half-hour of the order, in order; none: too few days."""
    whole: Interval | None = None
    """Of the activation; None: too few days."""


def uncertainty(
    order: Order,
    choice: Choice,
    facts: Facts,
    curves: Sequence[LoadCurve],
    *,
    level: Fraction = LEVEL,
    most: int = DAYS,
) -> Uncertainty:
    """Tell how far the references of an order may be off, by the last quiet days of its units (see `units`).

    They are days like that of the order, working or not, if there are enough. Raises ValueError as `spread` does.
    """
    like = replays(order, choice, facts, curves, most=most)
    if len(like) >= days_wanted(level):
        return spread(like, level)
    return spread(replays(order, choice, facts, curves, most=most, alike=False), level, alike=False)


def spread(done: Sequence[Replay], level: Fraction = LEVEL, *, alike: bool = True) -> Uncertainty:
    """Return the intervals that replays give at a level; raise ValueError if that is not between 0 and 1."""
    wanted = days_wanted(level)
    if len(done) < wanted:
        return Uncertainty(level, len(done), wanted, alike)
    by_step: Iterable[tuple[float, ...]] = zip(*(one.errors for one in done), strict=True)
    return Uncertainty(
        level,
        len(done),
        wanted,
        alike,
        tuple(_interval(errors, level) for errors in by_step),
        _interval([one.whole for one in done], level),
    )


def days_wanted(level: Fraction) -> int:
    """Return how many errors there must be for an interval that ends at two of them; raise ValueError."""
    if not 0 < level < 1:
        raise ValueError(f"no level: {level}")
    return ceil(2 / (1 - level)) - 1


def replays(
    order: Order,
    choice: Choice,
    facts: Facts,
    curves: Sequence[LoadCurve],
    *,
    most: int = DAYS,
    alike: bool = True,
) -> tuple[Replay, ...]:
    """Replay the method on the last quiet days before an order of which all is known, the last first."""
    # What follows an earlier order closely has an old reference: so it must be in the replay, where nothing precedes.
    alone = replace(choice, dmo=mobilization(order, choice.dmo, facts.earlier))
    whole = facts.whole or order
    before, after = order.start - whole.start, whole.end - order.end
    done: list[Replay] = []
    for moved in _moved(order, facts, alike=alike):
        if len(done) == most:
            break
        there = replace(facts, earlier=(), whole=Stretch(moved.start - before, moved.end + after))
        rows = realised(moved, alone, there, curves)
        errors = [float(order.direction.sign * row.realised_wh) for row in rows if row.realised_wh is not None]
        if len(errors) == len(order.steps) and all(row.complete for row in rows):
            done.append(Replay(local_day(moved.start, facts.zone), tuple(errors)))
    return tuple(done)


def _moved(order: Order, facts: Facts, *, alike: bool) -> Iterator[Order]:
    """Give the order as it would have been on each quiet day before, if the clock knows its start."""
    touched = {local_day(step, facts.zone) for step in order.steps}
    day = local_day(order.start, facts.zone)
    for back in range(1, _FARTHEST + 1):
        start = days_before(order.start, back, facts.zone)
        shift = timedelta(back)
        if start is None or start + order.length > order.start:
            continue
        if not facts.not_eligible.isdisjoint({one - shift for one in touched}):
            continue
        if not alike or facts.works(day - shift) is facts.works(day):
            ordered_at = order.ordered_at - (order.start - start)  # as long before: so much was forecast by then
            yield replace(order, start=start, end=start + order.length, ordered_at=ordered_at)


def _interval(errors: Sequence[float], level: Fraction) -> Interval:
    ranked = sorted(errors)
    # Of n errors and a new one, each rank is as likely: at most that many lie at or beyond either end.
    cut = max(int((len(ranked) + 1) * (1 - level) / 2 * _WIDER), 1)
    return Interval(
        ranked[cut - 1],
        ranked[-cut],
        fsum(ranked) / len(ranked),
        sqrt(fsum(error * error for error in ranked) / len(ranked)),
    )
