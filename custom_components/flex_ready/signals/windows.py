"""When to consume: the cheapest, cleanest or best weighed time of a given length, with the reasons."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from typing import override

from ..slots import Series, Slot, Stretch
from .supplier.model import Step

_UNIT = timedelta(microseconds=1)
_HALF = Decimal("0.5")


class Aim(StrEnum):
    """What is wanted."""

    CHEAPEST = "cheapest"
    CLEANEST = "cleanest"
    WEIGHTED = "weighted"


class Lack(StrEnum):
    """Why there is no window."""

    TOO_LONG = "too_long"
    GAPS = "gaps"


class NoWindowError(Exception):
    """There is no window: `reason` says why."""

    def __init__(self, reason: Lack) -> None:
        super().__init__(reason.value)
        self.reason = reason

    @override
    def __str__(self) -> str:
        return self.reason.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How long, between when and when (UTC), in one piece or not, clear of what. `price_weight` is 0 to 1."""

    aim: Aim
    duration: timedelta
    contiguous: bool = True
    earliest: datetime
    deadline: datetime
    avoid: tuple[Stretch, ...] = ()
    """Sorted."""
    price_weight: Decimal = _HALF


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that speaks for the answer: a code and its figures."""

    code: str
    figures: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The windows, sorted, those that touch joined; means over their time (EUR/kWh, gCO2eq/kWh)."""

    windows: tuple[Stretch, ...]
    mean_price: Decimal | None
    mean_co2: Decimal | None
    reasons: tuple[Reason, ...]


def find_windows(steps: Series[Step], wish: Wish) -> Found:
    """Find the best windows; the earliest among equals. Raises NoWindowError.

    A window in one piece begins or ends at an edge of a step, of what is avoided, or of the wish: between two edges the
    sum is linear, so no other start is better. A window in pieces takes the best steps, the last of them in part.
    """
    if wish.duration <= timedelta() or wish.deadline - wish.earliest < wish.duration:
        raise NoWindowError(Lack.TOO_LONG)
    usable = [slot for slot in _usable(steps, wish) if _rated(slot.value, wish.aim)]
    if not usable:
        raise NoWindowError(Lack.GAPS)
    scores = _scores(usable, wish)
    chosen = _contiguous(usable, scores, wish) if wish.contiguous else _pieces(usable, scores, wish)
    taken = Series(tuple(chosen))
    windows = taken.runs(lambda _step: True)
    price, co2 = _mean(taken, _price), _mean(taken, _co2)
    return Found(windows, price, co2, tuple(_reasons(steps, Series(tuple(usable)), wish, price, co2)))


def _price(step: Step) -> Decimal | None:
    return step.price


def _co2(step: Step) -> Decimal | None:
    return step.co2


def _rated(step: Step, aim: Aim) -> bool:
    return (aim is Aim.CLEANEST or step.price is not None) and (aim is Aim.CHEAPEST or step.co2 is not None)


def _usable(steps: Series[Step], wish: Wish) -> Iterator[Slot[Step]]:
    """Give the parts of the steps that are within the wish and clear of what is to be avoided."""
    avoid = iter(wish.avoid)
    bad = next(avoid, None)
    for slot in steps.cut(wish.earliest, wish.deadline):
        start = slot.start
        while bad is not None and bad.end <= start:
            bad = next(avoid, None)
        while bad is not None and bad.start < slot.end:
            if start < bad.start:
                yield Slot(start, bad.start, slot.value)
            start = max(start, bad.end)
            if bad.end > slot.end:
                break
            bad = next(avoid, None)
        if start < slot.end:
            yield slot if start == slot.start else Slot(start, slot.end, slot.value)


def _scores(usable: list[Slot[Step]], wish: Wish) -> list[Decimal]:
    """Rate the parts, low is good. Weighed, price and CO2 count by their place between the least and the most."""
    prices = [slot.value.price or Decimal() for slot in usable]
    grams = [slot.value.co2 or Decimal() for slot in usable]
    match wish.aim:
        case Aim.CHEAPEST:
            return prices
        case Aim.CLEANEST:
            return grams
        case Aim.WEIGHTED:
            weight = wish.price_weight
            # Multiplied by both spans instead of divided: exact, and of the same order.
            least_price, price_span = min(prices), max(prices) - min(prices)
            least_gram, gram_span = min(grams), max(grams) - min(grams)
            by_price, by_gram = weight * (gram_span or 1), (1 - weight) * (price_span or 1)
            return [
                (price - least_price) * by_price + (gram - least_gram) * by_gram
                for price, gram in zip(prices, grams, strict=True)
            ]


def _pieces(usable: list[Slot[Step]], scores: list[Decimal], wish: Wish) -> list[Slot[Step]]:
    left = wish.duration
    taken: list[Slot[Step]] = []
    for i in sorted(range(len(usable)), key=lambda i: (scores[i], i)):
        slot = usable[i]
        if slot.length > left:
            slot = Slot(slot.start, slot.start + left, slot.value)
        taken.append(slot)
        left -= slot.length
        if not left:
            return sorted(taken, key=lambda slot: slot.start)
    raise NoWindowError(Lack.GAPS)


def _contiguous(usable: list[Slot[Step]], scores: list[Decimal], wish: Wish) -> list[Slot[Step]]:
    """Slide over each run without a gap."""
    best: tuple[Decimal, datetime] | None = None
    for first, last in _runs(usable):
        run, rates = usable[first:last], scores[first:last]
        if run[-1].end - run[0].start >= wish.duration:
            candidate = _best_of_run(run, rates, wish.duration)
            if best is None or candidate < best:
                best = candidate
    if best is None:
        raise NoWindowError(Lack.GAPS)
    start = best[1]
    return list(Series(tuple(usable)).cut(start, start + wish.duration))


def _runs(usable: list[Slot[Step]]) -> Iterator[tuple[int, int]]:
    first = 0
    for i in range(1, len(usable) + 1):
        if i == len(usable) or usable[i - 1].end != usable[i].start:
            yield first, i
            first = i


def _best_of_run(run: list[Slot[Step]], rates: list[Decimal], duration: timedelta) -> tuple[Decimal, datetime]:
    """Return the least sum of score by time over windows of a run, and where the first such window starts."""
    origin, length = run[0].start, duration // _UNIT
    edges = [(slot.start - origin) // _UNIT for slot in run]
    edges.append((run[-1].end - origin) // _UNIT)
    sums = list(accumulate((rate * (edges[i + 1] - edges[i]) for i, rate in enumerate(rates)), initial=Decimal()))
    end = edges[-1]
    starts = sorted(
        {edge for edge in edges if edge + length <= end} | {edge - length for edge in edges if edge >= length}
    )
    best: tuple[Decimal, int] | None = None
    low = high = 0
    for start in starts:
        while edges[low + 1] <= start:
            low += 1
        high = max(high, low)
        stop = start + length
        while edges[high + 1] < stop:
            high += 1
        until = sums[high] + rates[high] * (stop - edges[high])
        total = until - sums[low] - rates[low] * (start - edges[low])
        if best is None or total < best[0]:
            best = total, start
    assert best is not None
    return best[0], origin + best[1] * _UNIT


def _mean(taken: Series[Step], of: Callable[[Step], Decimal | None]) -> Decimal | None:
    values = [(of(slot.value), slot.length // _UNIT) for slot in taken]
    known = [(value, units) for value, units in values if value is not None]
    if len(known) < len(values):
        return None
    return sum((value * units for value, units in known), Decimal()) / sum(units for _, units in known)


def _reasons(
    steps: Series[Step], usable: Series[Step], wish: Wish, price: Decimal | None, co2: Decimal | None
) -> Iterator[Reason]:
    """Say how the answer compares with the usable time and with starting at once, and what was avoided."""
    for name, mean, of in (("price", price, _price), ("co2", co2, _co2)):
        usual = _mean(usable, of)
        if mean is not None and usual is not None:
            yield Reason(f"mean_{name}", {"mean": mean, "usual": usual})
        at_once = steps.cut(wish.earliest, wish.earliest + wish.duration)
        now = None if steps.gaps(wish.earliest, wish.earliest + wish.duration) else _mean(at_once, of)
        if mean is not None and now is not None:
            yield Reason(f"{name}_against_now", {"saved": now - mean})
    hours = sum((stretch.length for stretch in _clipped(wish)), timedelta())
    if hours:
        yield Reason("avoided", {"minutes": Decimal(hours // timedelta(minutes=1))})


def _clipped(wish: Wish) -> Iterator[Stretch]:
    for stretch in wish.avoid:
        start, end = max(stretch.start, wish.earliest), min(stretch.end, wish.deadline)
        if start < end:
            yield Stretch(start, end)
