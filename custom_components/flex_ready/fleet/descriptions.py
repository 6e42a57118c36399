"""The entities of a remote site and of its assets: one row each. Keys are stable: they are in the unique ids."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfPower

from ..flexibility.model import Direction, Potential
from .entity import Place, place_of
from .order import STATES, Order
from .site import RemoteSite

type SensorValue = str | int | float | datetime | None

IDLE = "idle"
"""The state of an asset that nothing was asked of."""


@dataclass(frozen=True, kw_only=True)
class SiteSensorDescription(SensorEntityDescription):
    """A sensor of a remote site."""

    value_fn: Callable[[RemoteSite], SensorValue]


@dataclass(frozen=True, kw_only=True)
class SiteBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of a remote site."""

    value_fn: Callable[[RemoteSite], bool | None]


@dataclass(frozen=True, kw_only=True)
class RemoteAssetSensorDescription(SensorEntityDescription):
    """A sensor of a remote asset; one that is `live` is there while the site answers."""

    value_fn: Callable[[RemoteSite, Place], SensorValue]
    live: bool = False


def present_order(site: RemoteSite, place: Place) -> Order | None:
    """Return the request of an asset that is next or runs, else the last one that is over."""
    orders = [order for order in site.orders if (order.bacs_id, order.asset_id) == place]
    if going := [order for order in orders if order.open]:
        return min(going, key=lambda order: order.start)
    return max(orders, key=lambda order: order.asked_at, default=None)


def _open_order(site: RemoteSite, place: Place) -> Order | None:
    order = present_order(site, place)
    return order if order is not None and order.open else None


def _potentials(site: RemoteSite, place: Place) -> Iterator[Potential]:
    for asset in site.data.assets:
        if place_of(asset) == place:
            yield from asset.potentials


def _potential(site: RemoteSite, place: Place) -> float | None:
    """Return by how much an asset can consume less (kW)."""
    return _kilo(
        max((one.power for one in _potentials(site, place) if one.direction is Direction.DECREASE), default=None)
    )


def _state(site: RemoteSite, place: Place) -> str:
    order = present_order(site, place)
    return IDLE if order is None else order.state


def _asked(site: RemoteSite, place: Place) -> float | None:
    order = _open_order(site, place)
    return None if order is None else _most(slot.value for slot in order.request.power)


def _offered(site: RemoteSite, place: Place) -> float | None:
    order = _open_order(site, place)
    told = None if order is None else order.told
    return None if told is None or told.expires_at is None else _most(slot.value for slot in told.power)


def _start(site: RemoteSite, place: Place) -> datetime | None:
    order = _open_order(site, place)
    return None if order is None else order.start


def _end(site: RemoteSite, place: Place) -> datetime | None:
    order = _open_order(site, place)
    return None if order is None else order.end


def _promised(site: RemoteSite) -> float | None:
    now = site.now()
    return _kilo(sum((order.promised(now) for order in site.orders), Decimal(0)))


def _most(powers: Iterator[Decimal]) -> float | None:
    return _kilo(max(powers))


def _kilo(watts: Decimal | None) -> float | None:
    return None if watts is None else round(float(watts) / 1000, 3)


SITE_SENSORS = (
    SiteSensorDescription(
        key="remote_open_requests",
        translation_key="remote_open_requests",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda site: sum(order.open for order in site.orders),
    ),
    SiteSensorDescription(
        key="remote_promised_power",
        translation_key="remote_promised_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=_promised,
    ),
    SiteSensorDescription(
        key="remote_last_contact",
        translation_key="remote_last_contact",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda site: site.last_contact,
    ),
)
SITE_BINARY_SENSORS = (
    SiteBinarySensorDescription(
        key="remote_reachable",
        translation_key="remote_reachable",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda site: site.reachable,
    ),
)
SITE_EVENTS = (EventEntityDescription(key="remote_request", translation_key="remote_request", event_types=[*STATES]),)
REMOTE_ASSET_SENSORS = (
    RemoteAssetSensorDescription(
        key="remote_potential",
        translation_key="remote_potential",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=_potential,
        live=True,
    ),
    RemoteAssetSensorDescription(
        key="remote_request_state",
        translation_key="remote_request_state",
        device_class=SensorDeviceClass.ENUM,
        options=[IDLE, *STATES],
        value_fn=_state,
    ),
    RemoteAssetSensorDescription(
        key="remote_asked_power",
        translation_key="remote_asked_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=1,
        value_fn=_asked,
    ),
    RemoteAssetSensorDescription(
        key="remote_offered_power",
        translation_key="remote_offered_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=1,
        value_fn=_offered,
    ),
    RemoteAssetSensorDescription(
        key="remote_request_start",
        translation_key="remote_request_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=_start,
    ),
    RemoteAssetSensorDescription(
        key="remote_request_end",
        translation_key="remote_request_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=_end,
    ),
)
