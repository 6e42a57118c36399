"""The entities of a building and of each of its loads: one row each. Keys are stable: they are in the unique ids.

Powers are in kVA or kW, as the subscribed power is: the sensors ask the coordinator which.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.select import SelectEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.const import EntityCategory, UnitOfEnergy, UnitOfTime

from ..control.orders import Mode, Reason, Situation
from ..gate import MINUTE_S, POWER_S, SLOW_S, Pace
from .coordinator import BuildingCoordinator
from .entity import BuildingDescription
from .plan import LOAD_STATES, instant, load_state, sentence, target_of

type SensorValue = str | int | float | datetime | None

_POWER = Pace(POWER_S, 0.1)
_MINUTE = Pace(MINUTE_S)
_ENERGY = Pace(SLOW_S, 0.01)
_MJ_A_KWH = 3_600_000_000
_MS_A_MINUTE = 60_000


@dataclass(frozen=True, kw_only=True)
class BuildingSensorDescription(BuildingDescription, SensorEntityDescription):
    """A sensor of a building; one of `power` is in kVA or kW."""

    value_fn: Callable[[BuildingCoordinator], SensorValue]
    power: bool = False


@dataclass(frozen=True, kw_only=True)
class LoadSensorDescription(BuildingDescription, SensorEntityDescription):
    """A sensor of a load."""

    value_fn: Callable[[BuildingCoordinator, str], SensorValue]


@dataclass(frozen=True, kw_only=True)
class BuildingBinarySensorDescription(BuildingDescription, BinarySensorEntityDescription):
    """A binary sensor of a building."""

    value_fn: Callable[[BuildingCoordinator], bool | None]


@dataclass(frozen=True, kw_only=True)
class LoadBinarySensorDescription(BuildingDescription, BinarySensorEntityDescription):
    """A binary sensor of a load."""

    value_fn: Callable[[BuildingCoordinator, str], bool | None]


@dataclass(frozen=True, kw_only=True)
class BuildingSwitchDescription(BuildingDescription, SwitchEntityDescription):
    """A switch of a building."""

    value_fn: Callable[[BuildingCoordinator], bool]
    set_fn: Callable[[BuildingCoordinator, bool], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class LoadSwitchDescription(BuildingDescription, SwitchEntityDescription):
    """A switch of a load."""

    value_fn: Callable[[BuildingCoordinator, str], bool]
    set_fn: Callable[[BuildingCoordinator, str, bool], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class BuildingSelectDescription(BuildingDescription, SelectEntityDescription):
    """A choice of a building."""

    value_fn: Callable[[BuildingCoordinator], str]
    set_fn: Callable[[BuildingCoordinator, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class BuildingEventDescription(BuildingDescription, EventEntityDescription):
    """An event of a building, of some kinds."""


def _of_window(key: str, read: Callable[[Situation], int], *, measured: bool = True) -> BuildingSensorDescription:
    """Make the row of a power of the running window (W or VA); what is expected is no measurement."""

    def value(coordinator: BuildingCoordinator) -> float | None:
        situation = coordinator.data.situation
        return None if situation is None else _kilo(read(situation))

    return BuildingSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.MEASUREMENT if measured else None,
        suggested_display_precision=1,
        value_fn=value,
        power=True,
        of_window=True,
        pace=_POWER,
    )


def _kilo(power: int) -> float:
    return round(power / 1000, 2)


def _window_end(coordinator: BuildingCoordinator) -> datetime | None:
    situation = coordinator.data.situation
    return None if situation is None or situation.end <= situation.start else instant(situation.end)


def _until(coordinator: BuildingCoordinator, load: str) -> datetime | None:
    target = target_of(coordinator, load)
    return None if target is None or target.until is None else instant(target.until)


def _state(coordinator: BuildingCoordinator, load: str) -> str | None:
    target = target_of(coordinator, load)
    return None if target is None else load_state(target, coordinator.kept.mode)


def _reason(coordinator: BuildingCoordinator, load: str) -> str | None:
    target = target_of(coordinator, load)
    return None if target is None else sentence(coordinator, target)


BUILDING_SENSORS: tuple[BuildingSensorDescription, ...] = (
    _of_window("reached", lambda situation: situation.reached),
    _of_window("forecast", lambda situation: situation.forecast, measured=False),
    _of_window("margin", lambda situation: situation.margin, measured=False),
    _of_window("power_shed", lambda situation: situation.shed),
    BuildingSensorDescription(
        key="limit",
        translation_key="limit",
        suggested_display_precision=1,
        value_fn=lambda coordinator: _kilo(coordinator.link.limit) if coordinator.link.limit else None,
        power=True,
        of_window=True,
    ),
    BuildingSensorDescription(
        key="window_end",
        translation_key="window_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        value_fn=_window_end,
        of_window=True,
    ),
    BuildingSensorDescription(
        key="overruns",
        translation_key="overruns",
        value_fn=lambda coordinator: coordinator.overruns.count,
    ),
    BuildingSensorDescription(
        key="worst_overrun",
        translation_key="worst_overrun",
        suggested_display_precision=1,
        value_fn=lambda coordinator: _kilo(coordinator.overruns.worst),
        power=True,
    ),
    BuildingSensorDescription(
        key="overrun_hours",
        translation_key="overrun_hours",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        value_fn=lambda coordinator: coordinator.overruns.hours,
    ),
)

LOAD_SENSORS: tuple[LoadSensorDescription, ...] = (
    LoadSensorDescription(
        key="state",
        translation_key="load_state",
        device_class=SensorDeviceClass.ENUM,
        options=list(LOAD_STATES),
        value_fn=_state,
    ),
    LoadSensorDescription(key="reason", translation_key="load_reason", value_fn=_reason),
    LoadSensorDescription(
        key="until",
        translation_key="load_until",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=_until,
    ),
    LoadSensorDescription(
        key="unserved_today",
        translation_key="unserved_today",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda coordinator, load: round(coordinator.controller.states[load].unserved / _MJ_A_KWH, 3),
        pace=_ENERGY,
    ),
    LoadSensorDescription(
        key="off_today",
        translation_key="off_today",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        entity_registry_enabled_default=False,
        value_fn=lambda coordinator, load: coordinator.controller.states[load].off_ms // _MS_A_MINUTE,
        pace=_MINUTE,
    ),
)

BUILDING_BINARY_SENSORS: tuple[BuildingBinarySensorDescription, ...] = (
    BuildingBinarySensorDescription(
        key="limiting",
        translation_key="limiting",
        # While it only observes, nothing is held off.
        value_fn=lambda coordinator: coordinator.herald.limiting and coordinator.kept.mode is Mode.LIMIT,
    ),
    BuildingBinarySensorDescription(
        key="meter_silent",
        translation_key="meter_silent",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda coordinator: coordinator.data.blind,
    ),
)

LOAD_BINARY_SENSORS: tuple[LoadBinarySensorDescription, ...] = (
    LoadBinarySensorDescription(
        key="disobeyed",
        translation_key="disobeyed",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda coordinator, load: coordinator.herald.warned_of.get(load) is Reason.DISOBEYED,
    ),
)

BUILDING_SWITCHES: tuple[BuildingSwitchDescription, ...] = (
    BuildingSwitchDescription(
        key="load_shedding",
        translation_key="load_shedding",
        value_fn=lambda coordinator: coordinator.kept.on,
        set_fn=lambda coordinator, on: coordinator.async_set_on(on=on),
    ),
)

LOAD_SWITCHES: tuple[LoadSwitchDescription, ...] = (
    LoadSwitchDescription(
        key="managed",
        translation_key="managed",
        # By this class selectors find the devices of loads.
        device_class=SwitchDeviceClass.SWITCH,
        value_fn=lambda coordinator, load: load not in coordinator.kept.hands_off,
        set_fn=lambda coordinator, load, on: coordinator.async_set_managed(load, managed=on),
    ),
)

BUILDING_SELECTS: tuple[BuildingSelectDescription, ...] = (
    BuildingSelectDescription(
        key="mode",
        translation_key="mode",
        options=[mode.value for mode in Mode],
        value_fn=lambda coordinator: coordinator.kept.mode.value,
        set_fn=lambda coordinator, mode: coordinator.async_set_mode(Mode(mode)),
    ),
)

BUILDING_EVENTS: tuple[BuildingEventDescription, ...] = (
    BuildingEventDescription(
        key="power_limit",
        translation_key="power_limit",
        event_types=["approached", "limiting_started", "limiting_ended", "overrun", "load_shed", "load_restored"],
    ),
)
