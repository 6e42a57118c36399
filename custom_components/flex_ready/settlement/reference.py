"""What a reference is made of: windows of readings, and the rule that makes one figure of them.

A method says which readings it needs (`Plan`). Whoever has the readings adds them up, per window: a load curve in
memory, or a database for a whole perimeter at once. What is summed is exact, and so is what becomes of it here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from statistics import median

_LOWEST, _HIGHEST = Fraction(4, 5), Fraction(6, 5)
"""Of the same-day adjustment (CAISO 10 of 10: a cap of 20 %)."""


class Rule(StrEnum):
    """How the means of the windows of a step become its reference."""

    MEAN = "mean"
    """Of the one window."""
    LEAST = "least"
    """Of all windows: a reduction by the double reference."""
    MOST = "most"
    """Of all windows: an increase by the double reference."""
    MEDIAN = "median"
    """Of all windows."""
    ADJUSTED = "adjusted"
    """The mean of the first window, times that of the second by that of the third, within 80 and 120 %."""
    GIVEN = "given"
    """No window: the reference was told beforehand."""


type Window = tuple[datetime, ...]
"""The starts of the half-hours whose mean counts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the reference of each step of an order is made of."""

    rule: Rule
    windows: Mapping[datetime, tuple[Window, ...]] = field(default_factory=dict)
    """By the start of the step of the order."""
    given: Mapping[datetime, Fraction] = field(default_factory=dict)
    """Wh, by the start of the step: of a forecast."""
    short: Mapping[datetime, int] = field(default_factory=dict)
    """How many days a history lacks, by the start of the step: it has no windows then."""


@dataclass(frozen=True, slots=True)
class WindowSum:
    """The readings of a window, added up over the sites of an entity."""

    wh: int
    """Net withdrawal."""
    readings: int
    """How many there are: of all steps and sites."""
    expected: int
    """How many there should be."""
    steps: int
    """Of the window."""

    @property
    def mean(self) -> Fraction | None:
        """Wh of a step; None: something is missing, or there is no site or no step."""
        return Fraction(self.wh, self.steps) if 0 < self.expected == self.readings else None


def reference_wh(plan: Plan, step: datetime, sums: Sequence[WindowSum]) -> Fraction | None:
    """Return the reference of a step (Wh) from the sums of its windows, in their order; None: it cannot be told."""
    if plan.rule is Rule.GIVEN:
        return plan.given.get(step)
    means = [one.mean for one in sums]
    known = [mean for mean in means if mean is not None]
    if not known or len(known) < len(means):
        return None
    match plan.rule:
        case Rule.LEAST:
            return min(known)
        case Rule.MOST:
            return max(known)
        case Rule.MEDIAN:
            return median(known)
        case Rule.ADJUSTED:
            base, today, then = known
            return base * min(max(today / then, _LOWEST), _HIGHEST) if then else base
        case _:
            return known[0]
