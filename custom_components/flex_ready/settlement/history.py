"""The readings that the historical methods need: of earlier days, at the same local times.

Sources: docs/settlement.md, 2.5 and 3. A day counts if none of the local days that the order would touch on it is one
that is not eligible. Each step has days of its own only where the clock changed: a time that a day skips is sought
on an earlier one, and of a time that it has twice, the first counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ..slots import Stretch
from .facts import Facts, days_before, local_day
from .model import Order, floor, steps, touches
from .reference import Plan, Rule, Window

_FARTHEST = 365
"""Days that are searched: 52 weeks."""
_WINDOW = timedelta(hours=4), timedelta(hours=1)
"""Before the activation: from when to when the same-day adjustment looks."""

type Lacks = Callable[[datetime], bool]
"""Tells whether the reading of a step is missing."""


class Alike(Enum):
    """Which days are compared."""

    ALL = "all"
    WEEKDAY = "weekday"
    """The same day of the week."""
    WORK = "work"
    """Working days with working days, others with others."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A historical method."""

    rule: Rule
    days: int
    """How many it wants."""
    alike: Alike = Alike.ALL


def history(order: Order, recipe: Recipe, facts: Facts, lacks: Lacks) -> Plan:
    """Return the plan of a historical method; a day of which a reading lacks is passed over."""
    today = _adjustment(order, facts) if recipe.rule is Rule.ADJUSTED else ()
    found = _days(order, today, recipe, facts, lacks)
    enough = {step: days for step, days in found.items() if len(days) == recipe.days}
    return Plan(
        recipe.rule,
        {step: _windows(step, days, recipe, today, facts) for step, days in enough.items()},
        short={step: recipe.days - len(days) for step, days in found.items() if step not in enough},
    )


def _adjustment(order: Order, facts: Facts) -> Window:
    """Return the half-hours of the day itself that are compared: before the activation, and of no other one."""
    farthest, nearest = _WINDOW
    start = floor((facts.whole or order).start)
    there = Stretch(start - farthest, start - nearest)
    return tuple(step for step in steps(there) if not any(touches(step, one) for one in facts.earlier))


def _days(order: Order, today: Window, recipe: Recipe, facts: Facts, lacks: Lacks) -> Mapping[datetime, list[int]]:
    """Return how many days before the order the days of each of its steps are, the last first."""
    found: dict[datetime, list[int]] = {step: [] for step in order.steps}
    needed = (*today, *order.steps)
    touched = {local_day(step, facts.zone) for step in needed}
    first = local_day(order.start, facts.zone)
    stride = 7 if recipe.alike is Alike.WEEKDAY else 1
    for back in range(stride, _FARTHEST + 1, stride):
        shift = timedelta(back)
        if not facts.not_eligible.isdisjoint({day - shift for day in touched}):
            continue
        if recipe.alike is Alike.WORK and facts.works(first - shift) is not facts.works(first):
            continue
        there = {step: days_before(step, back, facts.zone) for step in needed}
        if any(then is not None and lacks(then) for then in there.values()):
            continue
        for step, days in found.items():
            # On a day before, an order of more than a day would meet itself.
            if len(days) < recipe.days and (then := there[step]) is not None and then < order.start:
                days.append(back)
        if all(len(days) == recipe.days for days in found.values()):
            break
    return found


def _windows(step: datetime, days: list[int], recipe: Recipe, today: Window, facts: Facts) -> tuple[Window, ...]:
    base = _then((step,), days, facts)
    match recipe.rule:
        case Rule.MEDIAN:
            return tuple((then,) for then in base)
        case Rule.ADJUSTED:
            return base, today, _then(today, days, facts)
        case _:
            return (base,)


def _then(window: Window, days: list[int], facts: Facts) -> Window:
    """Return the same local times on other days, each once, in order."""
    there = (days_before(step, back, facts.zone) for back in days for step in window)
    return tuple(sorted({then for then in there if then is not None}))
