"""What is told of activations: of one, and of all of a quarter with what adds up (R30).

Source: docs/settlement.md, R30; Enedis 2020, slide 21.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import override

from .contract import Terms
from .model import Order, Purpose
from .money import cents, failure_penalty, termination_penalty, variable_premium
from .profile import ENEDIS_2020, Decisions, Profile
from .trials import Outcome, activation_outcome
from .volumes import StepVolume, perimeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What adds up, exactly: Wh and EUR."""

    expected: Fraction = Fraction()
    realised: Fraction = Fraction()
    """What counts of it."""
    paid: Fraction = Fraction()
    deficient: Fraction = Fraction()
    premium: Decimal = Decimal()
    penalty: Decimal = Decimal()
    """Both rounded once, per activation: each is a line of an invoice (D13)."""

    @property
    def net(self) -> Decimal:
        """What is left of the premium."""
        return self.premium - self.penalty

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            expected=self.expected + other.expected,
            realised=self.realised + other.realised,
            paid=self.paid + other.paid,
            deficient=self.deficient + other.deficient,
            premium=self.premium + other.premium,
            penalty=self.penalty + other.penalty,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationReport:
    """What came of an order."""

    order: Order
    steps: tuple[StepVolume, ...]
    entities: Mapping[str, Mapping[datetime, Fraction | None]]
    """What each entity realised, raw."""
    totals: Totals
    outcome: Outcome | None = None
    """Of a test, once it can be told."""

    @property
    def complete(self) -> bool:
        """Whether every half-hour is settled."""
        return all(step.counted is not None for step in self.steps)


def activation(
    order: Order,
    entities: Mapping[str, Mapping[datetime, Fraction | None]],
    terms: Terms,
    *,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
    before: Sequence[StepVolume] = (),
    after: Sequence[StepVolume] = (),
    outcome: Outcome | None = None,
) -> ActivationReport:
    """Settle an order, from what each entity realised in its half-hours (Wh).

    One that was refused expects nothing (R7). A test that failed is not paid, nor is an additional one that was
    passed, and no test is penalised (R18, R20). `before` and `after` are the half-hours of the other orders of its row,
    with which it fails together (D8). The outcome of a test is by its half-hours, unless another is told.
    """
    if not order.accepted:
        return ActivationReport(order=order, steps=(), entities={}, totals=Totals())
    steps = perimeter(order, entities.values(), decisions=decisions, profile=profile)
    outcome = None if order.purpose is Purpose.ACTIVATION else outcome or activation_outcome(steps, profile)
    earns = order.purpose is Purpose.ACTIVATION or (
        order.purpose is Purpose.ACTIVATION_TEST and outcome is Outcome.PASSED
    )
    if not earns:
        steps = tuple(replace(step, paid=Fraction()) for step in steps)
    fined = order.purpose is Purpose.ACTIVATION
    totals = Totals(
        expected=sum((step.expected for step in steps), Fraction()),
        realised=sum((step.counted for step in steps if step.counted is not None), Fraction()),
        paid=sum((step.paid for step in steps), Fraction()),
        deficient=sum((step.deficient for step in steps), Fraction()),
        premium=cents(variable_premium(steps, terms)),
        penalty=cents(failure_penalty(steps, terms, decisions, profile, before=before, after=after))
        if fined
        else Decimal(),
    )
    return ActivationReport(order=order, steps=steps, entities=entities, totals=totals, outcome=outcome)


@dataclass(frozen=True, slots=True)
class Quarter:
    """Three months of a year."""

    year: int
    number: int
    """1 to 4."""

    @classmethod
    def of(cls, day: date) -> Quarter:
        """Return the quarter of a day."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def following(self) -> Quarter:
        """The one that follows."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @override
    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


@dataclass(frozen=True, slots=True)
class Termination:
    """The end of a contract before its last day."""

    day: date
    """From which it is terminated."""
    penalty: Decimal
    """EUR: a line of an invoice (R29, D13)."""


def terminated(terms: Terms, day: date, decisions: Decisions | None = None) -> Termination:
    """Return what it is to terminate a contract from a day on, not by force majeure."""
    return Termination(day, cents(termination_penalty(terms, day, decisions=decisions)))


@dataclass(frozen=True, slots=True)
class Line:
    """An activation, and what adds up until then."""

    activation: ActivationReport
    cumulated: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityReport:
    """The report of a quarter."""

    quarter: Quarter
    lines: tuple[Line, ...]
    termination: Termination | None = None
    """If failed tests ended the contract in it (R19, R20)."""

    @property
    def totals(self) -> Totals:
        """Of the whole quarter."""
        return self.lines[-1].cumulated if self.lines else Totals()

    @property
    def complete(self) -> bool:
        """Whether all of it is settled."""
        return all(line.activation.complete for line in self.lines)


def activity(
    quarter: Quarter, activations: Iterable[ActivationReport], zone: tzinfo, ended: Termination | None = None
) -> ActivityReport:
    """Report the activations that start in a quarter, by the local day (R30), and whether the contract ended in it."""
    lines: list[Line] = []
    total = Totals()
    for one in sorted(activations, key=lambda one: (one.order.start, one.order.id)):
        if Quarter.of(one.order.start.astimezone(zone).date()) == quarter:
            total += one.totals
            lines.append(Line(one, total))
    here = ended is not None and Quarter.of(ended.day) == quarter
    return ActivityReport(quarter=quarter, lines=tuple(lines), termination=ended if here else None)
