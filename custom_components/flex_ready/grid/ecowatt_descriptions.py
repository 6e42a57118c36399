"""The entities of Ecowatt: one row each. Keys are in unique ids; names and states are in translations/."""

from collections.abc import Callable, Iterable
from datetime import datetime

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import EntityCategory, UnitOfTime

from ..signals.ecowatt.model import Forecast, Level
from ..signals.errors import Trouble
from ..slots import Stretch
from .descriptions import GridBinarySensorDescription, GridSensorDescription, SensorValue
from .ecowatt import EcowattCoordinator
from .occasion import GridCalendarDescription, Occasion

LEVELS = tuple(level.name.lower() for level in Level)
TROUBLES = ("none", *Trouble)
_HOUR_S = 3600


def level_name(level: Level | None) -> str | None:
    """Name a level as states do."""
    return None if level is None else LEVELS[level]


def _day(key: str, ahead: int) -> GridSensorDescription[EcowattCoordinator]:
    """Make the row of a day."""

    def value(ecowatt: EcowattCoordinator, _now: datetime) -> SensorValue:
        assert ecowatt.held is not None
        day = ecowatt.held.day(ecowatt.date(ahead))
        return level_name(day.level) if day else None

    return GridSensorDescription(
        key=key, translation_key=key, device_class=SensorDeviceClass.ENUM, options=list(LEVELS), value_fn=value
    )


def _edge(
    key: str, stretches: Callable[[Forecast], Iterable[Stretch]], edge: Callable[[Stretch], datetime]
) -> GridSensorDescription[EcowattCoordinator]:
    """Make the row of an edge of the running or next stretch of some kind."""

    def value(ecowatt: EcowattCoordinator, now: datetime) -> SensorValue:
        assert ecowatt.held is not None
        found = next((stretch for stretch in stretches(ecowatt.held) if stretch.end > now), None)
        return edge(found) if found else None

    return GridSensorDescription(key=key, translation_key=key, device_class=SensorDeviceClass.TIMESTAMP, value_fn=value)


def _run(ecowatt: EcowattCoordinator, now: datetime) -> Stretch | None:
    """Return the stretch without a gap for which the present level holds."""
    assert ecowatt.held is not None
    hours = ecowatt.held.hours
    if (running := hours.at(now)) is None:
        return None
    return next(run for run in hours.runs(lambda level: level is running.value) if run.start <= now < run.end)


def _hours_left(ecowatt: EcowattCoordinator, now: datetime) -> SensorValue:
    """Return how long the level holds from the start of the running hour, in h: it is written once an hour."""
    run = _run(ecowatt, now)
    assert ecowatt.held is not None
    hour = ecowatt.held.hours.at(now)
    return round((run.end - hour.start).total_seconds() / _HOUR_S) if run and hour else None


def _low_carbon_hours(ecowatt: EcowattCoordinator, _now: datetime) -> SensorValue:
    assert ecowatt.held is not None
    today = ecowatt.day(0)
    hours = ecowatt.held.hours.cut(today.start, today.end)
    green = sum(stretch.length.total_seconds() for stretch in hours.runs(lambda level: level is Level.LOW_CARBON))
    return round(green / _HOUR_S) if len(hours) else None


def _horizon(ecowatt: EcowattCoordinator, now: datetime) -> SensorValue:
    assert ecowatt.held is not None
    end = ecowatt.held.end
    # Counted from the hour, so that it is written once an hour.
    return max(0, int((end - now.replace(minute=0, second=0, microsecond=0)).total_seconds() // _HOUR_S)) if end else 0


def _change(ecowatt: EcowattCoordinator, now: datetime) -> SensorValue:
    run = _run(ecowatt, now)
    return run.end if run else None


def _is_tense(ecowatt: EcowattCoordinator, now: datetime) -> bool | None:
    assert ecowatt.held is not None
    level = ecowatt.held.level_at(now)
    return None if level is None else level >= Level.TENSE


ECOWATT_SENSORS: tuple[GridSensorDescription[EcowattCoordinator], ...] = (
    GridSensorDescription(
        key="level",
        translation_key="level",
        device_class=SensorDeviceClass.ENUM,
        options=list(LEVELS),
        value_fn=lambda ecowatt, now: level_name(ecowatt.held.level_at(now)) if ecowatt.held else None,
    ),
    _day("level_today", 0),
    _day("level_tomorrow", 1),
    _day("level_in_2_days", 2),
    _day("level_in_3_days", 3),
    _edge("next_tense_start", lambda forecast: forecast.tense, lambda stretch: stretch.start),
    _edge("next_tense_end", lambda forecast: forecast.tense, lambda stretch: stretch.end),
    _edge("next_low_carbon_start", lambda forecast: forecast.low_carbon, lambda stretch: stretch.start),
    _edge("next_low_carbon_end", lambda forecast: forecast.low_carbon, lambda stretch: stretch.end),
    GridSensorDescription(
        key="hours_left",
        translation_key="hours_left",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        value_fn=_hours_left,
    ),
    GridSensorDescription(
        key="level_change",
        translation_key="level_change",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=_change,
    ),
    GridSensorDescription(
        key="low_carbon_hours_today",
        translation_key="low_carbon_hours_today",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        value_fn=_low_carbon_hours,
    ),
    GridSensorDescription(
        key="horizon",
        translation_key="horizon",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_horizon,
    ),
    GridSensorDescription(
        key="retrieved_at",
        translation_key="retrieved_at",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        always=True,
        value_fn=lambda ecowatt, _now: ecowatt.held.retrieved_at if ecowatt.held else None,
    ),
    GridSensorDescription(
        key="next_call",
        translation_key="next_call",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        always=True,
        value_fn=lambda ecowatt, _now: ecowatt.guard.next_allowed(ecowatt.guard.last) if ecowatt.guard.last else None,
    ),
    GridSensorDescription(
        key="last_error",
        translation_key="last_error",
        device_class=SensorDeviceClass.ENUM,
        options=list(TROUBLES),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        always=True,
        value_fn=lambda ecowatt, _now: ecowatt.failure.trouble.value if ecowatt.failure else "none",
    ),
)

ECOWATT_BINARY_SENSORS: tuple[GridBinarySensorDescription[EcowattCoordinator], ...] = (
    GridBinarySensorDescription(
        key="grid_tense",
        translation_key="grid_tense",
        value_fn=_is_tense,
    ),
    GridBinarySensorDescription(
        key="signal_problem",
        translation_key="signal_problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        always=True,
        value_fn=lambda ecowatt, _now: ecowatt.failure is not None,
    ),
)


def _tense(ecowatt: EcowattCoordinator, _within: Stretch) -> Iterable[Occasion]:
    """Give each stretch of one level: an orange evening with a red hour in it is three entries."""
    held = ecowatt.held
    assert held is not None
    rehearsed = "_rehearsal" if held.rehearsal else ""
    runs = [
        (stretch.start, stretch, LEVELS[level])
        for level in (Level.TENSE, Level.VERY_TENSE)
        for stretch in held.hours.runs(level.__eq__)
    ]
    for _, stretch, name in sorted(runs, key=lambda run: run[0]):
        yield Occasion(stretch, f"calendar_{name}{rehearsed}")


def _low_carbon(ecowatt: EcowattCoordinator, _within: Stretch) -> Iterable[Occasion]:
    held = ecowatt.held
    assert held is not None
    rehearsed = "_rehearsal" if held.rehearsal else ""
    for stretch in held.low_carbon:
        yield Occasion(stretch, f"calendar_low_carbon{rehearsed}")


ECOWATT_CALENDARS: tuple[GridCalendarDescription[EcowattCoordinator], ...] = (
    GridCalendarDescription(key="tense_periods", translation_key="tense_periods", occasions_fn=_tense),
    GridCalendarDescription(key="low_carbon_windows", translation_key="low_carbon_windows", occasions_fn=_low_carbon),
)
