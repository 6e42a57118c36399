"""The entities of an asset and of an operator: one row each. Keys are stable: they are in the unique ids."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfEnergy, UnitOfPower, UnitOfTime

from ..flexibility.record import RequestRecord, State
from ..gate import MINUTE_S, POWER_S, SLOW_S, Pace
from .desk import Desk
from .entity import DeskDescription
from .running import Progress

type SensorValue = str | int | float | datetime | None

NO_REQUEST = "none"
"""The state of an asset that nothing is asked of."""
_POWER = Pace(POWER_S, 0.1)
_MINUTE = timedelta(minutes=1)
_ANSWERED = frozenset((404, 409, 422))
"""Refused, but by a connection that works: not there, or not possible."""


@dataclass(frozen=True, kw_only=True)
class AssetSensorDescription(DeskDescription, SensorEntityDescription):
    """A sensor of an asset, given its id and the request to show."""

    value_fn: Callable[[Desk, str, RequestRecord | None], SensorValue]
    costly: bool = False
    """Whether it is worked out once a minute only."""


@dataclass(frozen=True, kw_only=True)
class AssetBinarySensorDescription(DeskDescription, BinarySensorEntityDescription):
    """A binary sensor of an asset, given the request to show."""

    value_fn: Callable[[RequestRecord | None], bool]


@dataclass(frozen=True, kw_only=True)
class AssetEventDescription(DeskDescription, EventEntityDescription):
    """An event of an asset, of some kinds."""


@dataclass(frozen=True, kw_only=True)
class OperatorSensorDescription(DeskDescription, SensorEntityDescription):
    """A sensor of an operator, by its subentry's id."""

    value_fn: Callable[[Desk, str], SensorValue]


@dataclass(frozen=True, kw_only=True)
class OperatorBinarySensorDescription(DeskDescription, BinarySensorEntityDescription):
    """A binary sensor of an operator, by its subentry's id."""

    value_fn: Callable[[Desk, str], bool | None]


def _of_progress(
    read: Callable[[Progress], SensorValue],
) -> Callable[[Desk, str, RequestRecord | None], SensorValue]:
    return lambda desk, _, record: None if record is None else read(desk.progress(record.key))


def _minutes_left(progress: Progress) -> int:
    return -(-progress.remaining // _MINUTE)


def _kilo(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value) / 1000, 3)


def _delivered(desk: Desk, _: str, record: RequestRecord | None) -> float | None:
    return 0.0 if record is None else _kilo(desk.progress(record.key).delivered_w)


def connected(desk: Desk, operator: str) -> bool | None:
    """Tell whether the last call of an operator (by its subentry's id) was let in; None: it never called."""
    last = desk.last_calls.get(operator)
    return None if last is None else last.status < 400 or last.status in _ANSWERED


def _last_call(desk: Desk, operator: str) -> datetime | None:
    last = desk.last_calls.get(operator)
    return None if last is None else last.at.replace(microsecond=0)


def _refused_today(desk: Desk, operator: str) -> int:
    last = desk.last_calls.get(operator)
    return 0 if last is None or last.at.date() != desk.now().date() else last.refused


def _power(key: str, read: Callable[[Progress], Decimal | None]) -> AssetSensorDescription:
    return AssetSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=1,
        value_fn=_of_progress(lambda progress: _kilo(read(progress))),
    )


ASSET_SENSORS: tuple[AssetSensorDescription, ...] = (
    AssetSensorDescription(
        key="request_state",
        translation_key="request_state",
        device_class=SensorDeviceClass.ENUM,
        options=[NO_REQUEST, *(state.value for state in State)],
        value_fn=lambda _desk, _asset, record: NO_REQUEST if record is None else record.state.value,
    ),
    _power("power_asked", lambda progress: progress.asked_w),
    _power("power_offered", lambda progress: progress.offered_w),
    AssetSensorDescription(
        key="power_delivered",
        translation_key="power_delivered",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=_delivered,
        pace=_POWER,
    ),
    AssetSensorDescription(
        key="energy_delivered",
        translation_key="energy_delivered",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=2,
        value_fn=_of_progress(lambda progress: _kilo(progress.delivered_wh)),
        pace=Pace(MINUTE_S, 0.01),
    ),
    AssetSensorDescription(
        key="request_start",
        translation_key="request_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda _desk, _asset, record: None if record is None else record.start,
    ),
    AssetSensorDescription(
        key="request_end",
        translation_key="request_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda _desk, _asset, record: None if record is None else record.end,
    ),
    AssetSensorDescription(
        key="time_left",
        translation_key="time_left",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        value_fn=_of_progress(_minutes_left),
        pace=Pace(MINUTE_S),
    ),
    AssetSensorDescription(
        key="potential",
        translation_key="potential",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda desk, asset, _: _kilo(desk.able(asset)),
        costly=True,
        pace=Pace(MINUTE_S, 0.1),
    ),
)

ASSET_BINARY_SENSORS: tuple[AssetBinarySensorDescription, ...] = (
    AssetBinarySensorDescription(
        key="activation_running",
        translation_key="activation_running",
        # By this class selectors find the devices of assets.
        device_class=BinarySensorDeviceClass.RUNNING,
        value_fn=lambda record: record is not None and record.state is State.ACTIVE,
    ),
)

ASSET_EVENTS: tuple[AssetEventDescription, ...] = (
    AssetEventDescription(key="request", translation_key="request", event_types=[state.value for state in State]),
)

OPERATOR_SENSORS: tuple[OperatorSensorDescription, ...] = (
    OperatorSensorDescription(
        key="last_call",
        translation_key="last_call",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_last_call,
        pace=Pace(MINUTE_S),
    ),
    OperatorSensorDescription(
        key="calls_refused",
        translation_key="calls_refused",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=_refused_today,
        pace=Pace(SLOW_S),
    ),
)

OPERATOR_BINARY_SENSORS: tuple[OperatorBinarySensorDescription, ...] = (
    OperatorBinarySensorDescription(
        key="connection",
        translation_key="connection",
        # By this class selectors find the devices of operators.
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=connected,
    ),
)
