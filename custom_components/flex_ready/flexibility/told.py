"""What a BACS tells of a request: where it stands, what is offered or ordered, at which price (inferred)."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ..quantity import Unit
from ..slots import Series
from .dialects import Dialect
from .model import Offer
from .reading import Members, slots_of, whole
from .record import State
from .wire import Json, Writer

_STATES = tuple(state.value for state in State)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A request as its BACS tells it."""

    request_id: str
    state: State
    power: Series[Decimal]
    """W: what was asked for, then what is offered, then what is ordered."""
    mobilization_delay: timedelta | None = None
    price: Decimal | None = None
    """EUR/kWh; None: by contract."""
    expires_at: datetime | None = None
    """When the offer ends."""
    reason: str = ""


def read_told(body: object, dialect: Dialect, zone: tzinfo) -> Told:
    """Read what a BACS tells of a request; raise RefusedError with everything that is wrong."""
    return whole(dialect, zone, body, _told)


def write_told(told: Told, writer: Writer) -> Json:
    """Write it, to be kept; without an end of the offer there is none."""
    delay = told.mobilization_delay or timedelta()
    offer = (
        {}
        if told.expires_at is None
        else writer.offer(
            Offer(power=told.power, expires_at=told.expires_at, mobilization_delay=delay, price=told.price)
        )
    )
    return offer | writer.members(
        request_id=told.request_id,
        state=told.state.value,
        power=writer.powers(told.power),
        reason=told.reason or None,
    )


def _told(members: Members) -> Told | None:
    reading = members.reading
    request_id = members.take("request_id", reading.identifier)
    state = members.take("state", lambda one, at: reading.word(one, at, _STATES))
    power = members.take("power", lambda one, at: slots_of(reading, one, at, _watts))
    delay = members.take("mobilization_delay", reading.duration, needed=False)
    price = members.take("price", lambda one, at: reading.quantity(one, Unit.EUR_PER_KWH, at), needed=False)
    expires_at = members.take("expires_at", reading.stamp, needed=False)
    reason = members.take("reason", reading.text, needed=False)
    members.pass_over("flex_product", "direction", "revision", "ack_price")
    if request_id is None or state is None or power is None:
        return None
    return Told(
        request_id=request_id,
        state=State(state),
        power=power,
        mobilization_delay=delay,
        price=price,
        expires_at=expires_at,
        reason=reason or "",
    )


def _watts(members: Members) -> Decimal | None:
    return members.take("power", lambda one, at: members.reading.quantity(one, Unit.W, at))
