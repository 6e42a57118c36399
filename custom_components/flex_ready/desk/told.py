"""A request as actions answer it: all that is known of it, in kW, kWh, minutes and the site's time (JSON)."""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING

from homeassistant.util.json import JsonObjectType, JsonValueType

from ..flexibility.record import RequestRecord, State, Transition
from ..slots import Series
from .desk import Desk
from .wording import asset_title, operator_title

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

_MINUTE = timedelta(minutes=1)
_WITH_REASON = frozenset((State.REJECTED, State.EXPIRED, State.CANCELLED, State.FAILED))


def told(building: BuildingCoordinator, desk: Desk, record: RequestRecord) -> JsonObjectType:
    """Tell all of a request."""
    zone, key = desk.zone, record.key
    request, offer, order, last = record.request, record.offer, record.confirmation, record.history[-1]
    progress = desk.progress(key)
    return {
        "request_id": request.id,
        "asset": asset_title(building.config_entry, key.asset_id),
        "asset_id": key.asset_id,
        "operator": operator_title(desk, key),
        "state": record.state.value,
        "reason": (last.detail or last.cause.value) if record.state in _WITH_REASON else "",
        "revision": record.revision,
        "flex_product": request.flex_product,
        "direction": request.direction.value,
        "start": _local(record.start, zone),
        "end": _local(record.end, zone),
        "received_at": _local(record.history[0].at, zone),
        "asked_power": _most(request.power),
        "offered_power": None if offer is None else _most(offer.power),
        "asked": _slots(request.power, zone),
        "offered": None if offer is None else _slots(offer.power, zone),
        "ordered": None if order is None else _slots(record.power, zone),
        "price": None if offer is None or offer.price is None else float(offer.price),
        "expires_at": None if offer is None else _local(offer.expires_at, zone),
        "mobilization_delay": None if offer is None else offer.mobilization_delay / _MINUTE,
        "delivered_power": _kilo(progress.delivered_w),
        "delivered_energy": _kilo(progress.delivered_wh),
        "time_left": progress.remaining / _MINUTE,
        "history": [_step(one, zone) for one in record.history],
    }


def _step(transition: Transition, zone: tzinfo) -> JsonObjectType:
    return {
        "at": _local(transition.at, zone),
        "state": transition.target.value,
        "trigger": transition.trigger.value,
        "actor": transition.actor.value,
        "cause": transition.cause.value,
        "detail": transition.detail,
    }


def _slots(power: Series[Decimal], zone: tzinfo) -> list[JsonValueType]:
    return [
        {"start": _local(one.start, zone), "end": _local(one.end, zone), "power": _kilo(one.value)} for one in power
    ]


def _most(power: Series[Decimal]) -> float:
    return _kilo(max(slot.value for slot in power))


def _kilo(value: Decimal) -> float:
    return float(value / 1000)


def _local(when: datetime, zone: tzinfo) -> str:
    return when.astimezone(zone).isoformat()
