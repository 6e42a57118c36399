"""A supplier's signal with pydantic and plain loops, written plainly and well; it imports nothing of ours.

It makes the checks that ours makes and finds the windows that ours finds. Where ours tells each thing that is wrong
with its place, the checks over a whole array stop here at the first.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
import json
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StrictInt, model_validator

PARIS = ZoneInfo("Europe/Paris")
_QUARTER = timedelta(minutes=15)
_SECOND = timedelta(seconds=1)
_ENERGIES = {"kWh": 0, "MWh": -3, "Wh": 3}
_POWERS = dict(zip("yzafpnmcdhkMGTPEZY", (*range(-24, -8, 3), -3, -2, -1, 2, *range(3, 25, 3)), strict=True))
_POWERS |= {"": 0, "none": 0, "da": 1, "micro": -6}
_FACTORS = {symbol: Decimal(f"1e{power}") for symbol, power in _POWERS.items()}
_PER_KWH = {f"{euro}/{energy}": Decimal(f"1e{power}") for euro in ("€", "EUR") for energy, power in _ENERGIES.items()}


def _text(value: object) -> object:
    """Refuse the seconds since 1970 that pydantic finds in numbers."""
    if not isinstance(value, str):
        raise ValueError("a text is expected")  # noqa: TRY004 - pydantic wants this one
    return value


Number = Annotated[Decimal, Field(strict=True, max_digits=28)] | Annotated[StrictInt, Field(lt=10**28, gt=-(10**28))]
Multiplier = Literal[
    "", "none", "y", "z", "a", "f", "p", "n", "micro", "m", "c", "d", "da", "h", "k", "M", "G", "T", "P", "E", "Z", "Y"
]


class Power(BaseModel):
    """W or VA."""

    value: Number
    unit: Literal["W", "VA"]
    multiplier: Multiplier | None = None

    @property
    def watts(self) -> Decimal:
        """Return the value in W."""
        return self.value * _FACTORS[self.multiplier or ""]


class Cost(BaseModel):
    """Euros per energy."""

    value: Number
    unit: Literal["€/kWh", "EUR/kWh", "€/MWh", "EUR/MWh", "€/Wh", "EUR/Wh"]
    multiplier: Multiplier | None = None

    @property
    def per_kwh(self) -> Decimal:
        """Return the value in EUR/kWh."""
        return self.value * _FACTORS[self.multiplier or ""] * _PER_KWH[self.unit]


class Carbon(BaseModel):
    """Grams per energy, none of them less than nothing."""

    value: Annotated[Number, Field(ge=0)]
    unit: Literal["gCO2eq/kWh"]
    multiplier: Multiplier | None = None

    @property
    def grams(self) -> Decimal:
        """Return the value in gCO2eq/kWh."""
        return self.value * _FACTORS[self.multiplier or ""]


class Signal(BaseModel):
    """The answer of getCommodityPricesExchange."""

    step: Annotated[list[StrictInt], Field(min_length=1, max_length=20_000)]
    horodate: list[Annotated[AwareDatetime, BeforeValidator(_text)]]
    power: list[Power]
    cost: list[Cost]
    co2: list[Carbon]

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        for array in (self.horodate, self.power, self.cost, self.co2):
            if len(array) != len(self.step):
                raise ValueError(f"{len(array)} values for {len(self.step)} steps")
        return self

    @model_validator(mode="after")
    def _check_numbers(self) -> Self:
        for i, step in enumerate(self.step):
            if step != i + 1:
                raise ValueError(f"step {i + 1} is expected, not {step}")
        return self

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        starts = self.starts
        for i in range(1, len(starts)):
            spacing = starts[i] - starts[i - 1]
            if spacing <= timedelta():
                raise ValueError(f"step {i + 1} is not later than the one before")
            if spacing != starts[1] - starts[0]:
                raise ValueError(f"step {i + 1} is {spacing} after the one before, not {starts[1] - starts[0]}")
        return self

    @property
    def starts(self) -> list[datetime]:
        """Return the starts in UTC."""
        return [when.astimezone(UTC) for when in self.horodate]


@dataclass(frozen=True, slots=True)
class Step:
    """What holds from `start` to `end` (UTC)."""

    start: datetime
    end: datetime
    price: Decimal
    co2: Decimal
    power: Decimal


@dataclass(frozen=True, slots=True)
class Prices:
    """The steps of an answer, and how much of it is odd but usable."""

    steps: list[Step]
    warnings: list[str]


def parse(text: str) -> Prices:
    """Read and check an answer. Raises ValueError, of which pydantic's is one.

    Not with `model_validate_json`, which reads a number by way of a float: 17 digits are left of it.
    """
    return _prices(Signal.model_validate(json.loads(text, parse_float=Decimal)))


def parse_inexact(text: str) -> Prices:
    """Do so with `model_validate_json` all the same."""
    return _prices(Signal.model_validate_json(text))


def _prices(signal: Signal) -> Prices:
    starts = signal.starts
    ends = [*starts[1:], starts[-1] + (starts[-1] - starts[-2] if len(starts) > 1 else _QUARTER)]
    steps = []
    warnings = [] if len(starts) > 1 else ["/horodate/0"]
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = Step(start, end, signal.cost[i].per_kwh, signal.co2[i].grams, signal.power[i].watts)
        if signal.horodate[i].utcoffset() != start.astimezone(PARIS).utcoffset():
            warnings.append(f"/horodate/{i}")
        if abs(step.price) > 5:
            warnings.append(f"/cost/{i}/value")
        if step.co2 > 2000:
            warnings.append(f"/co2/{i}/value")
        steps.append(step)
    return Prices(steps, warnings)


class Aim(StrEnum):
    """What is wanted."""

    CHEAPEST = "cheapest"
    CLEANEST = "cleanest"
    WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How long, between when and when (UTC), in one piece or not, clear of what."""

    aim: Aim
    duration: timedelta
    contiguous: bool
    earliest: datetime
    deadline: datetime
    avoid: list[tuple[datetime, datetime]]
    price_weight: Decimal = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Answer:
    """The windows; price and CO2 of them, of all usable time, and of starting at once where that can be told."""

    windows: list[tuple[datetime, datetime]]
    price: Decimal
    co2: Decimal
    usual_price: Decimal
    usual_co2: Decimal
    price_now: Decimal | None
    co2_now: Decimal | None


def find(steps: list[Step], wish: Wish) -> Answer | None:
    """Find the best windows, the earliest among equals; None if there are none."""
    usable = _within(steps, wish.earliest, wish.deadline)
    for start, end in wish.avoid:
        usable = [part for step in usable for part in _without(step, start, end)]
    if not usable:
        return None
    scores = _scores(usable, wish)
    chosen = (
        _in_one_piece(usable, scores, wish.duration) if wish.contiguous else _in_pieces(usable, scores, wish.duration)
    )
    if not chosen:
        return None
    at_once = _within(steps, wish.earliest, wish.earliest + wish.duration)
    whole = sum(map(_seconds, at_once)) == wish.duration // _SECOND
    return Answer(
        _joined(chosen),
        _mean(chosen, [step.price for step in chosen]),
        _mean(chosen, [step.co2 for step in chosen]),
        _mean(usable, [step.price for step in usable]),
        _mean(usable, [step.co2 for step in usable]),
        _mean(at_once, [step.price for step in at_once]) if whole else None,
        _mean(at_once, [step.co2 for step in at_once]) if whole else None,
    )


def _part(step: Step, start: datetime, end: datetime) -> Step:
    return Step(start, end, step.price, step.co2, step.power)


def _within(steps: list[Step], start: datetime, end: datetime) -> list[Step]:
    """Return what of the steps lies in a stretch."""
    found = []
    for step in steps:
        if step.end > start and step.start < end:
            inside = step.start >= start and step.end <= end
            found.append(step if inside else _part(step, max(step.start, start), min(step.end, end)))
    return found


def _without(step: Step, start: datetime, end: datetime) -> list[Step]:
    """Return what of a step lies before and after a stretch."""
    if step.end <= start or step.start >= end:
        return [step]
    parts = []
    if step.start < start:
        parts.append(_part(step, step.start, start))
    if step.end > end:
        parts.append(_part(step, end, step.end))
    return parts


def _scores(usable: list[Step], wish: Wish) -> list[Decimal]:
    """Rate the steps, low is good. Weighed, price and CO2 count by their place between the least and the most."""
    prices, grams = [step.price for step in usable], [step.co2 for step in usable]
    if wish.aim is Aim.CHEAPEST:
        return prices
    if wish.aim is Aim.CLEANEST:
        return grams
    least_price, least_gram = min(prices), min(grams)
    # Not divided by their spans but multiplied by each other's: exact, and of the same order.
    by_price = wish.price_weight * ((max(grams) - least_gram) or 1)
    by_gram = (1 - wish.price_weight) * ((max(prices) - least_price) or 1)
    return [
        (price - least_price) * by_price + (gram - least_gram) * by_gram
        for price, gram in zip(prices, grams, strict=True)
    ]


def _in_one_piece(usable: list[Step], scores: list[Decimal], duration: timedelta) -> list[Step]:
    """Try each window that begins or ends with a step."""
    starts = [step.start for step in usable]
    best: tuple[Decimal, datetime] | None = None
    for begin in sorted({*starts, *(step.end - duration for step in usable)}):
        if begin < starts[0]:
            continue
        stop = begin + duration
        covered, total = begin, Decimal()
        i = bisect_right(starts, begin) - 1
        while covered < stop and i < len(usable) and usable[i].start <= covered < usable[i].end:
            until = min(usable[i].end, stop)
            total += scores[i] * ((until - covered) // _SECOND)
            covered = until
            i += 1
        if covered == stop and (best is None or total < best[0]):
            best = total, begin
    return _within(usable, best[1], best[1] + duration) if best else []


def _in_pieces(usable: list[Step], scores: list[Decimal], duration: timedelta) -> list[Step]:
    """Take the best steps, the last of them in part."""
    left = duration
    taken: list[Step] = []
    for _, i in sorted(zip(scores, range(len(usable)), strict=True)):
        step = usable[i]
        if step.end - step.start > left:
            step = _part(step, step.start, step.start + left)
        taken.append(step)
        left -= step.end - step.start
        if not left:
            return sorted(taken, key=lambda step: step.start)
    return []


def _joined(steps: list[Step]) -> list[tuple[datetime, datetime]]:
    windows: list[tuple[datetime, datetime]] = []
    for step in steps:
        if windows and windows[-1][1] == step.start:
            windows[-1] = windows[-1][0], step.end
        else:
            windows.append((step.start, step.end))
    return windows


def _seconds(step: Step) -> int:
    return (step.end - step.start) // _SECOND


def _mean(steps: list[Step], values: list[Decimal]) -> Decimal:
    seconds = [_seconds(step) for step in steps]
    return sum((value * time for value, time in zip(values, seconds, strict=True)), Decimal()) / sum(seconds)
