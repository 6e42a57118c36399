"""Whether the readings suffice for a reference, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .load_curve import LoadCurve
from .model import Order
from .reference import Plan, Rule


class Lack(StrEnum):
    """Why the reference of a step cannot be told."""

    NOTHING = "nothing"
    """It can."""
    DAYS = "days"
    """The history has too few eligible days."""
    READINGS = "readings"
    """Readings that the method needs are missing, or are still to come."""
    APART = "apart"
    """Nothing but other activations lies around this one."""
    FORECAST = "forecast"
    """What was forecast before the order was given does not cover it."""


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """What is missing for the reference of a step."""

    lack: Lack = Lack.NOTHING
    count: int = 0
    """Days, or readings."""
    last: datetime | None = None
    """The start of the last half-hour of which the reading is missing: the end of it may be worth waiting for."""


def sufficiency(order: Order, plan: Plan, curve: LoadCurve) -> Mapping[datetime, Sufficiency]:
    """Tell for each step of an order whether its reference can be told."""
    return {step: _of_step(step, plan, curve) for step in order.steps}


def _of_step(step: datetime, plan: Plan, curve: LoadCurve) -> Sufficiency:
    if plan.rule is Rule.GIVEN:
        return Sufficiency() if step in plan.given else Sufficiency(Lack.FORECAST)
    if short := plan.short.get(step):
        return Sufficiency(Lack.DAYS, short)
    windows = plan.windows.get(step, ())
    missing = {then for window in windows for then in window if curve.wh(then) is None}
    if missing:
        return Sufficiency(Lack.READINGS, len(missing), max(missing))
    return Sufficiency() if windows and all(windows) else Sufficiency(Lack.APART)
