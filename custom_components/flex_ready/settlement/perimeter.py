"""The volumes of whole perimeters for many orders at once, from a database that has the readings of all sites.

What a database adds up is whole Wh; where it goes on to volumes it counts in fractions of a Wh that are small enough
for every mean and forecast of the order, so that no volume is rounded and the 80 % is decided on integers (D2).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import lcm
from typing import Protocol

from .model import Direction
from .reference import Plan, Rule, Window, WindowSum, reference_wh
from .volumes_sql import Judgement, Row, StepRow, Tables, sums as sums_sql, volumes as volumes_sql

_FINEST = 1_000_000
"""Parts of a Wh that a database may count in: 64 bits are then enough for any perimeter of this Earth."""


@dataclass(frozen=True, slots=True)
class EntityPlan:
    """How an entity's reference is made for an order."""

    plan: Plan
    each_site: bool = False
    """Whether each site has its own; what they realised is added up (site by site).

    Raises ValueError with a forecast, which is of the entity.
    """

    def __post_init__(self) -> None:
        if self.each_site and self.plan.rule is Rule.GIVEN:
            raise ValueError("a forecast is of an entity, not of each of its sites")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An order to a perimeter, ready to be evaluated."""

    perimeter: str
    start: datetime
    """The sites are those that are in the perimeter then (D12)."""
    direction: Direction
    expected: Mapping[datetime, Fraction]
    """Wh, by the start of the half-hour; these half-hours are evaluated."""
    entities: Mapping[str, EntityPlan]


@dataclass(frozen=True, slots=True)
class Volume:
    """What a perimeter did in a half-hour (Wh), as far as its units have a volume. A unit is an entity or a site."""

    expected: Fraction
    realised: Fraction
    """Raw: negative is the wrong way."""
    paid: Fraction
    deficient: Fraction
    units: int
    told: int
    """Units that have a volume; of the others a reading or a reference is missing (D9)."""

    @property
    def complete(self) -> bool:
        """Tell whether nothing is missing."""
        return self.told == self.units > 0


class Engine(Protocol):
    """A database with the tables of readings and members."""

    @property
    def tables(self) -> Tables:
        """What its tables are called."""

    def ask(self, steps: Iterable[StepRow], question: str) -> Iterable[Row]:
        """Have these steps and no others in the table of steps, and answer, all in one transaction."""


@dataclass(frozen=True, slots=True)
class _Part:
    """An entity, and the half-hours of an order that have their reference in common."""

    act: int
    order: Planned
    entity: str
    steps: tuple[datetime, ...]
    windows: tuple[Window, ...]

    @property
    def of(self) -> EntityPlan:
        return self.order.entities[self.entity]

    def given(self, step: datetime) -> Fraction | None:
        """Return what is told beforehand; None: there is no reference."""
        plan = self.of.plan
        if plan.rule is Rule.GIVEN:
            return plan.given.get(step)
        return Fraction() if self.windows else None


def volumes(
    engine: Engine, orders: Sequence[Planned], judgement: Judgement | None = None
) -> list[dict[datetime, Volume]]:
    """Evaluate orders: for each in turn, the volumes by the start of the half-hour."""
    judgement = judgement or Judgement()
    parts = [list(_parts(act, order)) for act, order in enumerate(orders)]
    finest = [_fractions(order, its) for order, its in zip(orders, parts, strict=True)]
    found = [{step: _volume(expected, (), judgement) for step, expected in order.expected.items()} for order in orders]
    if whole := [part for its in parts for part in its if finest[part.act]]:
        rows = engine.ask(_rows(whole, finest), volumes_sql(engine.tables, judgement))
        for act, ts, told, units, *amounts in rows:
            step = datetime.fromtimestamp(ts, UTC)
            realised, paid, deficient = (Fraction(amount, finest[act]) for amount in amounts)
            found[act][step] = Volume(orders[act].expected[step], realised, paid, deficient, units, told)
    if others := [part for its in parts for part in its if not finest[part.act]]:
        rows = engine.ask(_rows(others, finest), sums_sql(engine.tables))
        for (act, step), each in _realised(others, rows).items():
            found[act][step] = _volume(orders[act].expected[step], each, judgement)
    return found


def _parts(act: int, order: Planned) -> Iterator[_Part]:
    for entity, of in order.entities.items():
        alike: dict[tuple[Window, ...], list[datetime]] = {}
        for step in order.expected:
            windows = of.plan.windows.get(step, ())
            # Of a window without any half-hour there is no mean, whatever the others are.
            alike.setdefault(windows if all(windows) else (), []).append(step)
        for windows, its in alike.items():
            yield _Part(act, order, entity, tuple(its), windows)


def _fractions(order: Planned, parts: Iterable[_Part]) -> int:
    """Return into how many fractions a Wh is cut to make every amount of an order whole; 0: none serves."""
    needed = {expected.denominator for expected in order.expected.values()}
    for part in parts:
        needed.update(given.denominator for step in part.steps if (given := part.given(step)) is not None)
        if not part.windows:
            continue
        first, last = _ranks(part.of.plan.rule, len(part.windows))
        # Of a reference that is no mean the multiple is 0, and so is the least that is common to all.
        needed.update(len(window) * (last - first + 1) for window in part.windows)
    finest = lcm(*needed)
    return finest if finest <= _FINEST else 0


def _ranks(rule: Rule, windows: int) -> tuple[int, int]:
    """Return which windows, from the least to the most, a reference is the mean of; "1 to 0" if it is another thing."""
    match rule:
        case Rule.LEAST:
            return 1, 1
        case Rule.MOST:
            return windows, windows
        case Rule.MEDIAN:
            return (windows + 1) // 2, windows // 2 + 1
        case Rule.MEAN if windows == 1:
            return 1, 1
        case _:
            return 1, 0


def _rows(parts: Iterable[_Part], finest: Sequence[int]) -> Iterator[StepRow]:
    for number, part in enumerate(parts):
        order, fine = part.order, finest[part.act]
        first, last = _ranks(part.of.plan.rule, len(part.windows))
        sign = order.direction.sign
        head = number, part.act, order.perimeter, part.entity, int(part.of.each_site), _ts(order.start)
        for i, step in enumerate(part.steps):
            given = part.given(step)
            amount = None if given is None else int(given * fine)
            yield *head, -i, _ts(step), fine, amount, first, last, sign, int(order.expected[step] * fine)
        for win, window in enumerate(part.windows, 1):
            weight = fine // (len(window) * (last - first + 1)) if fine else 0
            for step in window:
                yield *head, win, _ts(step), weight, None, first, last, sign, 0


def _realised(parts: Sequence[_Part], rows: Iterable[Row]) -> Mapping[tuple[int, datetime], list[Fraction | None]]:
    """Finish from the sums of the windows what no database can: what each unit realised in each half-hour."""
    units: dict[tuple[int, int], dict[int, WindowSum]] = {}
    for number, unit, win, wh, readings, due in rows:
        steps = len(parts[number].windows[win - 1]) if win > 0 else 1
        units.setdefault((number, unit), {})[win] = WindowSum(wh, readings, due, steps)
    told: dict[tuple[int, datetime], list[Fraction | None]] = {}
    for (number, _), sums in units.items():
        part = parts[number]
        windows = [sums[win] for win in range(1, len(part.windows) + 1)]
        for i, step in enumerate(part.steps):
            reference, measured = reference_wh(part.of.plan, step, windows), sums[-i].mean
            less = None if reference is None or measured is None else reference - measured
            told.setdefault((part.act, step), []).append(None if less is None else part.order.direction.sign * less)
    return told


def _volume(expected: Fraction, units: Sequence[Fraction | None], judgement: Judgement) -> Volume:
    known = [realised for realised in units if realised is not None]
    raw = sum(known, Fraction())
    counted = max(raw, Fraction()) if judgement.floor_at_zero else raw
    deficient = expected - counted if counted < judgement.default_below * expected else Fraction()
    return Volume(expected, raw, min(counted, expected), deficient, len(units), len(known))


def _ts(at: datetime) -> int:
    return int(at.timestamp())
