"""What is likely to come of an order: before it is accepted, and while it runs.

What an activation brings is uncertain (see `uncertainty`): each quiet day whose reference was off by so much is a
scenario, as likely as the others, of how far off it will be now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from .contract import Terms
from .model import STEP, Order, Purpose
from .money import cents
from .profile import ENEDIS_2020, Decisions, Profile
from .report import activation

_S_A_HOUR = 3_600
_TENTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What an order is likely to bring (EUR), by scenarios that are as likely as each other."""

    scenarios: int
    premium: Decimal
    penalty: Decimal
    """Both expected: the mean of the scenarios."""
    net: Decimal
    low: Decimal
    high: Decimal
    """Of the net amount: one scenario in ten is below the first, one above the second."""
    default: Fraction
    """How likely some half-hour is in default."""
    realised_wh: Fraction
    """Expected."""


def outlook(
    order: Order,
    terms: Terms,
    delivered: Mapping[datetime, Fraction],
    errors: Sequence[Sequence[float]],
    *,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
) -> Outlook:
    """Tell what an order is likely to bring if so much is really delivered in each half-hour (Wh).

    `errors` are how far a reference was above the truth on quiet days (Wh, half-hour by half-hour): by as much more
    is realised. Without any, what is delivered is what is realised.
    """
    days = errors or [[0.0] * len(order.steps)]
    reports = [
        activation(
            order,
            {
                "": {
                    step: delivered[step] + order.direction.sign * Fraction(error).limit_denominator(1)
                    for step, error in zip(order.steps, day, strict=True)
                }
            },
            terms,
            decisions=decisions,
            profile=profile,
        )
        for day in days
    ]
    nets = sorted(report.totals.net for report in reports)
    cut = (len(nets) - 1) // _TENTH
    return Outlook(
        scenarios=len(errors),
        premium=_mean([report.totals.premium for report in reports]),
        penalty=_mean([report.totals.penalty for report in reports]),
        net=_mean(nets),
        low=nets[cut],
        high=nets[-1 - cut],
        default=Fraction(sum(any(step.default for step in one.steps) for one in reports), len(reports)),
        realised_wh=sum((one.totals.realised for one in reports), Fraction()) / len(reports),
    )


def _mean(amounts: Sequence[Decimal]) -> Decimal:
    return cents(sum(map(Fraction, amounts), Fraction()) / len(amounts))


@dataclass(frozen=True, slots=True)
class StepOutlook:
    """Where the half-hour that runs is heading."""

    expected_wh: Fraction
    projected_wh: Fraction
    """If the power stays as it is."""
    needed_w: int
    """How much more power, from now on, reaches 80 %, or is the least above it in a test; 0: it is as it should be."""
    possible: bool
    """Whether that much is still possible: there is time left."""

    @property
    def passes(self) -> bool:
        """Whether it is heading for 80 % at least, in a test for more."""
        return self.needed_w == 0 and self.possible


def step_outlook(
    expected_wh: Fraction,
    realised_wh: Fraction,
    watts: Fraction | int,
    left: timedelta,
    *,
    purpose: Purpose = Purpose.ACTIVATION,
    profile: Profile = ENEDIS_2020,
) -> StepOutlook:
    """Tell where a half-hour is heading: what it has realised (Wh), the power realised now (W), the time left.

    Just 80 % is no default, and fails a test (R25).
    """
    seconds = Fraction(max(left, timedelta()) // timedelta(seconds=1))
    projected = realised_wh + watts * seconds / _S_A_HOUR
    short = profile.default_below * expected_wh - projected
    tested = purpose is not Purpose.ACTIVATION
    if short < 0 or (short == 0 and not tested):
        return StepOutlook(expected_wh, projected, 0, possible=True)
    if not seconds:
        return StepOutlook(expected_wh, projected, 0, possible=False)
    needed = short * _S_A_HOUR / seconds
    return StepOutlook(expected_wh, projected, floor(needed) + 1 if tested else ceil(needed), possible=True)


def step_left(step: datetime, now: datetime) -> timedelta:
    """Return how much is left of a half-hour."""
    return max(timedelta(), step + STEP - max(step, now))
