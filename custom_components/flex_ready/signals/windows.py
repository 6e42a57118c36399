"""When to consume: the cheapest, cleanest or best weighed time of a given length, with the reasons."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from operator import mul
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
    usable = Series(tuple(slot for slot in _usable(steps, wish) if _rated(slot.value, wish.aim)))
    if not usable.slots:
        raise NoWindowError(Lack.GAPS)
    scores = _scores(usable, wish)
    taken = _contiguous(usable, scores, wish.duration) if wish.contiguous else _pieces(usable, scores, wish.duration)
    means = _means(taken)
    return Found(taken.runs(lambda _step: True), *means, tuple(_reasons(steps, usable, wish, means)))


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


def _scores(usable: Series[Step], wish: Wish) -> list[Decimal]:
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


def _pieces(usable: Series[Step], scores: list[Decimal], duration: timedelta) -> Series[Step]:
    """Take the best steps, the last of them in part."""
    left = duration
    taken: list[Slot[Step]] = []
    for i in sorted(range(len(usable)), key=scores.__getitem__):
        slot = usable.slots[i]
        if slot.length > left:
            slot = Slot(slot.start, slot.start + left, slot.value)
        taken.append(slot)
        left -= slot.length
        if not left:
            return Series(tuple(sorted(taken, key=lambda slot: slot.start)))
    raise NoWindowError(Lack.GAPS)


def _contiguous(usable: Series[Step], scores: list[Decimal], duration: timedelta) -> Series[Step]:
    """Slide over each run without a gap."""
    best: tuple[Decimal, datetime] | None = None
    for first, last in _runs(usable.slots):
        run, rates = usable.slots[first:last], scores[first:last]
        if run[-1].end - run[0].start >= duration:
            candidate = _best_of_run(run, rates, duration)
            if best is None or candidate < best:
                best = candidate
    if best is None:
        raise NoWindowError(Lack.GAPS)
    return usable.cut(best[1], best[1] + duration)


def _runs(slots: Sequence[Slot[Step]]) -> Iterator[tuple[int, int]]:
    first = 0
    for i in range(1, len(slots) + 1):
        if i == len(slots) or slots[i - 1].end != slots[i].start:
            yield first, i
            first = i


def _best_of_run(run: Sequence[Slot[Step]], rates: list[Decimal], duration: timedelta) -> tuple[Decimal, datetime]:
    """Return the least sum of score by time over windows of a run, and where the first such window starts."""
    lengths, length = _lengths(run), duration // _UNIT
    edges = list(accumulate(lengths, initial=0))
    begins = {edge for edge in edges if edge + length <= edges[-1]}
    begins.update(edge - length for edge in edges if edge >= length)
    sums = list(accumulate(map(mul, rates, lengths, strict=True), initial=Decimal()))
    sum_until = dict(zip(edges, sums, strict=True))
    for when in begins.union(begin + length for begin in begins).difference(edges):
        i = bisect_right(edges, when) - 1
        sum_until[when] = sums[i] + rates[i] * (when - edges[i])
    total, begin = min((sum_until[begin + length] - sum_until[begin], begin) for begin in begins)
    return total, run[0].start + begin * _UNIT


def _lengths(slots: Iterable[Slot[Step]]) -> list[int]:
    return [(slot.end - slot.start) // _UNIT for slot in slots]


def _means(taken: Series[Step]) -> tuple[Decimal | None, Decimal | None]:
    """Return the means of price and CO2 over time; None where a step has none."""
    lengths = _lengths(taken)
    prices, grams = [slot.value.price for slot in taken], [slot.value.co2 for slot in taken]
    return _mean(prices, lengths), _mean(grams, lengths)


def _mean(values: list[Decimal | None], lengths: list[int]) -> Decimal | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if len(set(lengths)) == 1:
        return sum(known, Decimal()) / len(known)
    return sum(map(mul, known, lengths, strict=True), Decimal()) / sum(lengths)


def _reasons(
    steps: Series[Step], usable: Series[Step], wish: Wish, means: tuple[Decimal | None, Decimal | None]
) -> Iterator[Reason]:
    """Say how the answer compares with the usable time and with starting at once, and what was avoided."""
    end = wish.earliest + wish.duration
    at_once = (None, None) if steps.gaps(wish.earliest, end) else _means(steps.cut(wish.earliest, end))
    for name, mean, usual, now in zip(("price", "co2"), means, _means(usable), at_once, strict=True):
        if mean is not None and usual is not None:
            yield Reason(f"mean_{name}", {"mean": mean, "usual": usual})
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
