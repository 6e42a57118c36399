"""What is answered to a request that breaks no rule: an offer within limits laid down beforehand, a no, or a question.

Nothing of this is in the annex; the limits are those that the user lays down for an operator.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ..control.load import Hours
from ..slots import Series, Slot
from .book import Decline
from .model import Offer, Potential, Request
from .record import Cause

_LEAST_NUM, _LEAST_DEN = 4, 5
"""Who can give less than four fifths of what is asked gives it up: below that a step fails (Enedis)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be accepted from an operator without asking the user."""

    ask: bool = True
    """Whether the user is asked; else what is within the limits is accepted, and the rest declined."""
    silence_accepts: bool = False
    """What silence means where the user is asked."""
    answer_within: timedelta = timedelta(minutes=15)
    offer_holds: timedelta = timedelta(minutes=15)
    price: Decimal | None = None
    """EUR/kWh; None: by contract."""
    most_activations: int | None = None
    """Ordered or offered a day."""
    hours: Hours | None = None
    days: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    despite_red: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand when a request comes in."""

    now: datetime
    zone: tzinfo
    able: Decimal
    """What the asset can give at the time of the request, for sure (W)."""
    red: tuple[Slot[bool], ...] = ()
    """When Ecowatt is red, as far as it is known."""
    activations: Iterable[datetime] = ()
    """When those start that were offered to or ordered by this operator."""
    idle: str = ""
    """Why nothing can be given at all; empty if something can."""


def offer(policy: Policy, request: Request, potential: Potential, standing: Standing) -> Offer | Decline:
    """Return what can be offered for a request, or why nothing can: never more than the asset can give then."""
    if standing.idle:
        return Decline(cause=Cause.UNAVAILABLE, detail=standing.idle)
    asked = max(slot.value for slot in request.power)
    most = min(standing.able, potential.power)
    if most * _LEAST_DEN < asked * _LEAST_NUM:
        return Decline(cause=Cause.UNAVAILABLE, detail=f"{int(most)} W can be given, {int(asked)} W are asked for")
    return Offer(
        power=Series(tuple(Slot(one.start, one.end, min(one.value, most)) for one in request.power)),
        expires_at=standing.now + policy.offer_holds,
        mobilization_delay=potential.mobilization_delay,
        price=policy.price,
    )


def outside(policy: Policy, request: Request, standing: Standing) -> str:
    """Return which limit of the user a request is outside of; empty if none."""
    start, end = request.start.astimezone(standing.zone), request.end.astimezone(standing.zone)
    if start.weekday() not in policy.days:
        return "not on this day"
    if (hours := policy.hours) is not None:
        last = end - timedelta(minutes=1)
        within = (hours.holds(one.hour * 60 + one.minute) for one in (start, last))
        if not all(within) or request.end - request.start > timedelta(days=1):
            return "not at this hour"
    if not policy.despite_red and any(one.value and one.overlaps(request.power.slots[0]) for one in standing.red):
        return "Ecowatt is red then"
    day = start.date()
    taken = sum(one.astimezone(standing.zone).date() == day for one in standing.activations)
    if policy.most_activations is not None and taken >= policy.most_activations:
        return "enough activations on this day"
    return ""
