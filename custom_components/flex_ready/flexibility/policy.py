"""What is answered to a request that breaks no rule: an offer within limits laid down beforehand, a no, or a question.

Nothing of this is in the annex; the limits are those that the user lays down for an operator.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ..control.load import Hours
from ..slots import Series, Slot
from .book import Decline
from .hours import EVERY_DAY, periods
from .model import Offer, Potential, Request
from .record import Cause
from .rules import blocks, starts_per_day

_LEAST_NUM, _LEAST_DEN = 4, 5
"""Who can give less than four fifths of what is asked gives it up: below that a step fails (Enedis)."""
_LONGEST = timedelta(days=7)
"""Nothing longer lies within hours or days of the week."""


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
    """Local; over midnight they are the day's on which they begin."""
    days: frozenset[int] = EVERY_DAY
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
    if any(slot.value <= 0 for slot in request.power):
        return Decline(cause=Cause.UNAVAILABLE, detail="nothing is asked for")
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
    if not _within(policy.hours, EVERY_DAY, request, standing.zone):
        return "not at this hour"
    if not _within(policy.hours, policy.days, request, standing.zone):
        return "not on this day"
    if not policy.despite_red and any(
        red.value and red.overlaps(slot) for red in standing.red for slot in request.power
    ):
        return "Ecowatt is red then"
    if policy.most_activations is not None:
        taken = Counter(one.astimezone(standing.zone).date() for one in standing.activations)
        wanted = starts_per_day([request.power], standing.zone)
        if any(taken[day] + starts > policy.most_activations for day, starts in wanted.items()):
            return "enough activations on this day"
    return ""


def _within(hours: Hours | None, days: frozenset[int], request: Request, zone: tzinfo) -> bool:
    """Tell whether each activation of a request lies inside one stretch of some hours on some days."""
    if hours is None and days == EVERY_DAY:
        return True
    if request.end - request.start > _LONGEST:
        return False
    allowed = periods(hours, days, zone, request.start, request.end)
    return all(any(one.start <= run.start and run.end <= one.end for one in allowed) for run in blocks(request.power))
