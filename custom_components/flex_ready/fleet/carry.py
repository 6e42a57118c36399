"""One call about an order, and what comes of it: the next step, another try, or the end of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ..flexibility.client import BacsClient
from ..flexibility.client_errors import BacsError, Fault
from ..flexibility.record import State
from ..flexibility.retry import next_try
from ..flexibility.told import Told
from .order import Order, Outcome, Step

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_AT_ONCE = timedelta(seconds=2)
_SLOW = timedelta(minutes=15)
_FOLLOWED_FOR = timedelta(days=2)
"""How long after its end a request is asked for: until it is settled, or nobody can say more of it."""
_PACE = {
    State.RECEIVED: 5 * _SECOND,
    State.OFFERED: 30 * _SECOND,
    State.CONFIRMED: 30 * _SECOND,
    State.SCHEDULED: 5 * _MINUTE,
    State.MOBILISING: _MINUTE,
    State.ACTIVE: 30 * _SECOND,
    State.RECOVERING: _MINUTE,
    State.COMPLETED: 60 * _MINUTE,
    State.FAILED: 60 * _MINUTE,
}
"""How often is asked how a request stands; in the other states nothing more comes."""


async def carry_on(
    say: Callable[[Order], Awaitable[Told]], order: Order, *, clock: Callable[[], datetime], dice: float
) -> Order:
    """Say what is due about an order; return the order as it is then. What is too late is not said."""
    if order.step is not None and clock() >= order.stop:
        return _given_up(order, clock())
    try:
        told = await say(order)
    except BacsError as error:
        return _failed(order, error, clock(), dice)
    return _answered(order, told, clock())


async def say(client: BacsClient, order: Order) -> Told:
    """Make the call of the present step, or read how the request stands; raise BacsError."""
    place = order.bacs_id, order.asset_id
    match order.step:
        case Step.CREATE:
            return await client.create(*place, order.request)
        case Step.CONFIRM:
            return await client.confirm(*place, order.id, order.order)
        case Step.CANCEL:
            await client.cancel(*place, order.id)
    return await client.read(*place, order.id)


def _answered(order: Order, told: Told, now: datetime) -> Order:
    """Take what the BACS told."""
    step = order.step
    done = replace(order, told=told, step=None, tries=0, fault="", code="", detail="")
    if step is not None:
        done = replace(done, outcome=None)
    if _is_ordered(done, told):
        # What is offered is ordered once; if that is refused, it is for the user to say what then.
        return replace(done.asked(Step.CONFIRM, now), confirm=False)
    return replace(done, due=_next_look(done, told, now))


def _is_ordered(order: Order, told: Told) -> bool:
    """Tell whether what is offered is ordered without asking back."""
    if not order.confirm or told.state is not State.OFFERED:
        return False
    return told.price is None or order.max_price is None or told.price <= order.max_price


def _next_look(order: Order, told: Told, now: datetime) -> datetime | None:
    """Return when to ask how it stands: at its pace, and at the edges of its life."""
    pace = _PACE.get(told.state)
    if pace is None or now >= order.end + _FOLLOWED_FOR:
        return None
    lead = order.start - (told.mobilization_delay or timedelta())
    edges = (told.expires_at, lead, order.start, order.end)
    soon = (edge + _AT_ONCE for edge in edges if edge is not None and edge > now)
    return min((now + pace, *soon))


def _failed(order: Order, error: BacsError, now: datetime, dice: float) -> Order:
    """Try again what may succeed later, with the same requestID; end what does not."""
    failed = replace(order, tries=order.tries + 1, fault=error.fault.value, code=error.code, detail=error.detail)
    if order.step is None:
        return _unread(failed, error, now, dice)
    if error.fault.temporary:
        again = next_try(now, failed.tries, order.stop, retry_after=error.retry_after, dice=dice)
        return _given_up(failed, now) if again is None else replace(failed, due=again)
    if order.step is Step.CANCEL and order.told is None and error.fault is Fault.NOT_FOUND:
        return replace(order, step=None, due=None, withdrawn=True, fault="", code="", detail="")
    return _ended(failed, Outcome.REFUSED, now)


def _unread(order: Order, error: BacsError, now: datetime, dice: float) -> Order:
    """Go on asking how a request stands, or give that up where the BACS does not know it."""
    until = order.end + _FOLLOWED_FOR
    if error.fault is Fault.NOT_FOUND:
        return replace(order, due=None)
    if not error.fault.temporary:
        return replace(order, due=now + _SLOW if now + _SLOW < until else None)
    return replace(order, due=next_try(now, order.tries, until, retry_after=error.retry_after, dice=dice))


def _given_up(order: Order, now: datetime) -> Order:
    return _ended(order, Outcome.GIVEN_UP, now)


def _ended(order: Order, outcome: Outcome, now: datetime) -> Order:
    """End a step; what the BACS knows of is asked for: a call that seemed lost may have got through."""
    due = None if order.told is None else now + _AT_ONCE
    return replace(order, step=None, tries=0, outcome=outcome, due=due)
