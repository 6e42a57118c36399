"""The reference methods ("contrôle du réalisé"), and the plan of each for an order.

Sources: docs/settlement.md, 2 and 3. RTE's rules of the load-shedding market know all but the last of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from .facts import Facts
from .history import Alike, Lacks, Recipe, history
from .model import Direction, Order
from .rectangle import around, before_mobilization, mobilization
from .reference import Plan, Rule


class Method(StrEnum):
    """How the reference of an activation is made."""

    RECTANGLE_SIMPLE = "rectangle_simple"
    """The half-hour before the mobilisation."""
    DOUBLE_REFERENCE = "double_reference"
    """The less favourable of before and after."""
    SITE_BY_SITE = "site_by_site"
    """A rectangle of each site; what they realised is added up, negative as it may be."""
    MOY10J = "moy10j"
    """Mean of the last ten eligible days."""
    MED10J = "med10j"
    """Median of the last ten eligible days."""
    MOY4S = "moy4s"
    """Mean of the last four eligible days of the same weekday."""
    MED4S = "med4s"
    """Median of the last four eligible days of the same weekday."""
    FORECAST = "forecast"
    """What was forecast before the order was given."""
    TEN_OF_TEN = "ten_of_ten"
    """Mean of the last ten eligible days, adjusted by the hours before the activation within 80 and 120 %."""

    @property
    def each_site(self) -> bool:
        """Tell whether each site is a unit of its own; else their sum is."""
        return self is Method.SITE_BY_SITE


RECTANGLES = frozenset({Method.RECTANGLE_SIMPLE, Method.DOUBLE_REFERENCE})
"""Of which a site by site method is one."""
_RECIPES: Mapping[Method, Recipe] = {
    Method.MOY10J: Recipe(Rule.MEAN, 10),
    Method.MED10J: Recipe(Rule.MEDIAN, 10),
    Method.MOY4S: Recipe(Rule.MEAN, 4, Alike.WEEKDAY),
    Method.MED4S: Recipe(Rule.MEDIAN, 4, Alike.WEEKDAY),
    Method.TEN_OF_TEN: Recipe(Rule.ADJUSTED, 10, Alike.WORK),
}
HISTORIES = frozenset(_RECIPES)
"""Which look at earlier days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A method with its settings. Raises ValueError if the rectangle is none."""

    method: Method
    dmo: timedelta = timedelta()
    """Délai de mobilisation."""
    rectangle: Method = Method.DOUBLE_REFERENCE
    """Of each site, where the method is site by site; NEBCO's default."""
    skip_days_without_readings: bool = True
    """Whether a history passes over a day of which a reading lacks, or has no reference then. No source says."""

    def __post_init__(self) -> None:
        if self.rectangle not in RECTANGLES:
            raise ValueError(f"no rectangle: {self.rectangle}")


def plan(order: Order, choice: Choice, facts: Facts, lacks: Lacks) -> Plan:
    """Return what the reference of each step of an order is made of."""
    method = choice.rectangle if choice.method.each_site else choice.method
    match method:
        case Method.RECTANGLE_SIMPLE:
            window = before_mobilization(order, mobilization(order, choice.dmo, facts.earlier))
            return Plan(Rule.MEAN, dict.fromkeys(order.steps, (window,)))
        case Method.DOUBLE_REFERENCE:
            rule = Rule.LEAST if order.direction is Direction.REDUCE_NET_WITHDRAWAL else Rule.MOST
            return Plan(rule, dict.fromkeys(order.steps, around(facts.whole or order, facts.apart)))
        case Method.FORECAST:
            # Whoever knows of the order no longer forecasts; and what does not cover the whole of it tells nothing
            # (docs/settlement.md, 2.5).
            known = {step: facts.forecast.known(step, order.ordered_at) for step in order.steps}
            given = {step: Fraction(wh) for step, wh in known.items() if wh is not None}
            return Plan(Rule.GIVEN, given=given if len(given) == len(known) else {})
        case _:
            return history(order, _RECIPES[method], facts, lacks if choice.skip_days_without_readings else _none_lacks)


def _none_lacks(_step: datetime) -> bool:
    return False
