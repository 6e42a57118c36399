"""The sensors of a meter: one row each. A sensor exists once what it reads has been seen.

Keys are stable (they are in the entities' unique ids); names and states are in translations/. A row that reads one
label says so by `label`; the others say how by `value_fn`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfApparentPower,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfReactiveEnergy,
    UnitOfTime,
)

from ..gate import AT_ONCE, MINUTE_S, POWER_S, SLOW_S, Pace
from ..tic.stge import TEMPO
from .readings import (
    BREAKER,
    PERIODS,
    PTEC,
    breaker,
    contract_power,
    drift,
    frame_period,
    index_of_period,
    measured_power,
    period,
    period_historique,
    share_of_bad_groups,
    td_minutes,
    tempo,
)
from .state import MeterState

type SensorValue = str | int | float | date | datetime | None

_POWER = Pace(POWER_S)
_MINUTE = Pace(MINUTE_S)
_SLOW = Pace(SLOW_S)


@dataclass(frozen=True, kw_only=True)
class MeterSensorDescription(SensorEntityDescription):
    """A sensor: what it reads, and how often that is written."""

    value_fn: Callable[[MeterState], SensorValue]
    pace: Pace = AT_ONCE


def _label(
    key: str,
    label: str,
    *,
    unit: str | None = None,
    device_class: SensorDeviceClass | None = None,
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT,
    pace: Pace = _MINUTE,
    diagnostic: bool = False,
    enabled: bool = True,
    name: str | None = None,
    number: int | None = None,
    precision: int | None = 0,
) -> MeterSensorDescription:
    """Make the row of a number that one label carries."""
    return MeterSensorDescription(
        key=key,
        translation_key=name or key,
        translation_placeholders={"number": str(number)} if number is not None else None,
        native_unit_of_measurement=unit,
        device_class=device_class,
        state_class=state_class,
        suggested_display_precision=precision,
        entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
        entity_registry_enabled_default=enabled,
        value_fn=lambda state: state.number(label),
        pace=pace,
    )


def _text(key: str, label: str, *, enabled: bool = True) -> MeterSensorDescription:
    """Make the row of a text that one label carries."""
    return MeterSensorDescription(
        key=key,
        translation_key=key,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=enabled,
        value_fn=lambda state: state.text(label),
    )


def _time(key: str, label: str) -> MeterSensorDescription:
    """Make the row of a date that one label carries."""
    return MeterSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.when(label),
        pace=_SLOW,
    )


def _enum(key: str, options: tuple[str, ...], value_fn: Callable[[MeterState], str | None]) -> MeterSensorDescription:
    """Make the row of an enumeration."""
    return MeterSensorDescription(
        key=key, translation_key=key, device_class=SensorDeviceClass.ENUM, options=list(options), value_fn=value_fn
    )


def _slope(
    key: str, device_class: SensorDeviceClass, unit: str, value_fn: Callable[[MeterState], float | None]
) -> MeterSensorDescription:
    """Make the row of a power."""
    return MeterSensorDescription(
        key=key,
        translation_key=key,
        device_class=device_class,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=unit,
        suggested_display_precision=0,
        value_fn=value_fn,
        pace=_POWER,
    )


class _Unit(TypedDict):
    """Unit and class of several rows of `_label`."""

    unit: str
    device_class: SensorDeviceClass


class _Reactive(_Unit):
    """The rows of reactive indexes, which few want."""

    state_class: SensorStateClass
    pace: Pace
    enabled: bool


_KW: _Unit = {"unit": UnitOfPower.KILO_WATT, "device_class": SensorDeviceClass.POWER}
_W: _Unit = {"unit": UnitOfPower.WATT, "device_class": SensorDeviceClass.POWER}
_VA: _Unit = {"unit": UnitOfApparentPower.VOLT_AMPERE, "device_class": SensorDeviceClass.APPARENT_POWER}
_A: _Unit = {"unit": UnitOfElectricCurrent.AMPERE, "device_class": SensorDeviceClass.CURRENT}
_V: _Unit = {"unit": UnitOfElectricPotential.VOLT, "device_class": SensorDeviceClass.VOLTAGE}
_KVARH: _Reactive = {
    "unit": UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR,
    "device_class": SensorDeviceClass.REACTIVE_ENERGY,
    "state_class": SensorStateClass.TOTAL_INCREASING,
    "pace": _SLOW,
    "enabled": False,
}
_VARH: _Reactive = {**_KVARH, "unit": UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR}

SENSORS: tuple[MeterSensorDescription, ...] = (
    # Power now.
    _slope(
        "power", SensorDeviceClass.POWER, UnitOfPower.WATT, lambda state: measured_power(state, "EA_s", "EAS", "EA")
    ),
    _slope(
        "apparent_power",
        SensorDeviceClass.APPARENT_POWER,
        UnitOfApparentPower.VOLT_AMPERE,
        lambda state: measured_power(state, "EAPP_s", "PAPP", "SINSTS", "SINST1"),
    ),
    _slope("power_injected", SensorDeviceClass.POWER, UnitOfPower.WATT, lambda state: measured_power(state, "EA_i")),
    _slope(
        "apparent_power_injected",
        SensorDeviceClass.APPARENT_POWER,
        UnitOfApparentPower.VOLT_AMPERE,
        lambda state: measured_power(state, "EAPP_i", "SINSTI"),
    ),
    _label("mean_power_1min", "PA1MN", **_KW),
    _label("mean_power_10min", "PA10MN", **_KW),
    _label("mean_power_tc", "PA1_s", **_KW),
    _label("mean_power_tc_injected", "PA1_i", **_KW),
    # The running Td.
    MeterSensorDescription(
        key="td_energy",
        translation_key="td_energy",
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        # No state class: statistics of a counter that restarts every few minutes are of no use.
        device_class=SensorDeviceClass.ENERGY,
        value_fn=lambda state: next((v for k in ("EA_s", "EAS", "EA") if (v := state.number(k)) is not None), None),
        pace=_MINUTE,
    ),
    _label("td_apparent_energy", "EAPP_s", unit="VAh", state_class=None),
    MeterSensorDescription(
        key="td",
        translation_key="td",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=td_minutes,
    ),
    # Subscribed and highest power.
    MeterSensorDescription(
        key="subscribed_power",
        translation_key="subscribed_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=0,
        value_fn=lambda state: contract_power(state, "kW"),
    ),
    MeterSensorDescription(
        key="subscribed_apparent_power",
        translation_key="subscribed_power",
        device_class=SensorDeviceClass.APPARENT_POWER,
        native_unit_of_measurement=UnitOfApparentPower.KILO_VOLT_AMPERE,
        suggested_display_precision=0,
        value_fn=lambda state: contract_power(state, "kVA"),
    ),
    _label("subscribed_current", "ISOUSC", **_A, state_class=None, pace=AT_ONCE),
    _label(
        "breaking_power",
        "PCOUP",
        unit=UnitOfApparentPower.KILO_VOLT_AMPERE,
        device_class=SensorDeviceClass.APPARENT_POWER,
        state_class=None,
        pace=AT_ONCE,
        enabled=False,
        diagnostic=True,
    ),
    MeterSensorDescription(
        key="highest_power",
        translation_key="highest_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=0,
        value_fn=lambda state: contract_power(state, "kW", "PMAX_s"),
        pace=_MINUTE,
    ),
    MeterSensorDescription(
        key="highest_apparent_power",
        translation_key="highest_power",
        device_class=SensorDeviceClass.APPARENT_POWER,
        native_unit_of_measurement=UnitOfApparentPower.KILO_VOLT_AMPERE,
        suggested_display_precision=0,
        value_fn=lambda state: contract_power(state, "kVA", "PMAX_s"),
        pace=_MINUTE,
    ),
    _label("highest_apparent_power_today", "SMAXSN", **_VA, pace=_MINUTE),
    _label("highest_apparent_power_yesterday", "SMAXSN-1", **_VA, pace=_SLOW),
    _label("highest_apparent_power_injected_today", "SMAXIN", **_VA, pace=_MINUTE),
    _label("highest_power_three_phases", "PMAX", **_W, pace=_SLOW),
    _label("warning_threshold", "KDC", unit=PERCENTAGE, state_class=None, pace=AT_ONCE, diagnostic=True),
    _label("end_of_warning_threshold", "KDCD", unit=PERCENTAGE, state_class=None, pace=AT_ONCE, diagnostic=True),
    # Tariff.
    _enum("period_distributor", PERIODS, lambda state: period(state, "PTCOUR1", "PTCOURD", "PTCOUR")),
    _enum("period_supplier", PERIODS, lambda state: period(state, "PTCOUR2", "PTCOURF")),
    _enum("period_historique", PTEC, period_historique),
    _text("period_standard", "LTARF"),
    _enum("tempo_today", TEMPO, lambda state: tempo(state, "tempo_today")),
    _enum("tempo_tomorrow", TEMPO, lambda state: tempo(state, "tempo_tomorrow")),
    _text("tariff_distributor", "MESURES1"),
    _text("tariff_supplier", "MESURES2"),
    _text("tariff_standard", "NGTF"),
    _text("tariff_historique", "OPTARIF"),
    _text("contract", "CONTRAT"),
    _label("supplier_index", "NTARF", state_class=None, pace=AT_ONCE, enabled=False, diagnostic=True),
    MeterSensorDescription(
        key="energy_at_period_start",
        translation_key="energy_at_period_start",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.number("EaP-1_s"),
        pace=_SLOW,
    ),
    # Currents and voltages of a Linky.
    _label("current", "IINST", **_A),
    *(
        _label(f"{key}_{n}", f"{label}{n}", **_A, name="current_phase", number=n)
        for key, label in (("current", "IINST"), ("current_rms", "IRMS"))
        for n in (1, 2, 3)
    ),
    *(
        _label(f"voltage_{n}", f"URMS{n}", **_V, pace=Pace(MINUTE_S, 1), name="voltage_phase", number=n)
        for n in (1, 2, 3)
    ),
    *(
        _label(f"mean_voltage_{n}", f"UMOY{n}", **_V, pace=_SLOW, enabled=False, name="mean_voltage_phase", number=n)
        for n in (1, 2, 3)
    ),
    *(
        _label(f"apparent_power_{n}", f"SINSTS{n}", **_VA, pace=_POWER, name="apparent_power_phase", number=n)
        for n in (1, 2, 3)
    ),
    _label("highest_current", "IMAX", **_A, pace=_SLOW, diagnostic=True, enabled=False),
    _label("load_curve", "CCASN", **_W, pace=_MINUTE, enabled=False),
    _label("load_curve_injected", "CCAIN", **_W, pace=_MINUTE, enabled=False),
    MeterSensorDescription(
        key="breaker",
        translation_key="breaker",
        device_class=SensorDeviceClass.ENUM,
        options=list(BREAKER),
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=breaker,
    ),
    _text("message", "MSG1", enabled=False),
    # Reactive energy.
    _label("reactive_energy_positive", "ER+P_s", **_KVARH),
    _label("reactive_energy_negative", "ER-P_s", **_KVARH),
    *(
        _label(f"reactive_energy_q{n}", f"ERQ{n}", **_VARH, name="reactive_energy_quadrant", number=n)
        for n in range(1, 5)
    ),
    _label("tan_phi", "TGPHI_s", pace=Pace(MINUTE_S, 0.01), precision=2),
    # The meter's clock, and the line.
    _time("clock", "DATE"),
    _time("billing_period_start", "DebP"),
    MeterSensorDescription(
        key="clock_drift",
        translation_key="clock_drift",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=drift,
        pace=Pace(SLOW_S, 5),
    ),
    MeterSensorDescription(
        key="bad_groups",
        translation_key="bad_groups",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=share_of_bad_groups,
        pace=Pace(SLOW_S, 0.1),
    ),
    MeterSensorDescription(
        key="frame_period",
        translation_key="frame_period",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=frame_period,
        pace=Pace(SLOW_S, 0.1),
    ),
    MeterSensorDescription(
        key="frames",
        translation_key="frames",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.decoder.counts.complete_frames,
        pace=_SLOW,
    ),
    MeterSensorDescription(
        key="dropped_groups",
        translation_key="dropped_groups",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.decoder.counts.bad_groups,
        pace=_SLOW,
    ),
)


def index_sensor(key: str, name: str) -> MeterSensorDescription:
    """Make the row of one energy index; `key` is that of the index, `name` the period as the meter words it."""
    grid = key.removeprefix("energy_").rpartition("_")[0]
    return MeterSensorDescription(
        key=key,
        translation_key=key if grid == "total" else f"energy_{grid}",
        translation_placeholders={"period": name} if grid != "total" else None,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
        value_fn=lambda state: index_of_period(state, key),
        pace=_MINUTE,
    )
