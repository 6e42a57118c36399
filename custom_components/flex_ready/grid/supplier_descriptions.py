"""The entities of a supplier signal: one row each. Keys are in unique ids; names are in translations/."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfPower

from ..quantity import Unit
from ..signals.supplier.model import Step
from ..slots import Series, Slot, Stretch
from .descriptions import GridBinarySensorDescription, GridSensorDescription, SensorValue
from .ecowatt_descriptions import TROUBLES
from .occasion import GridCalendarDescription, Occasion
from .supplier import SupplierCoordinator

_BEST_SHARE = 4
"""The best windows of a day are those of its best quarter."""
_MEAN_DIGITS = Decimal("0.000001")

type Field = Callable[[Step], Decimal | None]
type Row = GridSensorDescription[SupplierCoordinator]


def _price(step: Step) -> Decimal | None:
    return step.price


def _co2(step: Step) -> Decimal | None:
    return step.co2


def _kilowatts(step: Step) -> Decimal | None:
    return None if step.power is None else step.power / 1000


def _value(
    key: str,
    field: Field,
    unit: str,
    *,
    following: bool = False,
    digits: int,
    device_class: SensorDeviceClass | None = None,
) -> Row:
    """Make the row of what the present step says, or the one that follows without a gap."""

    def value(supplier: SupplierCoordinator, now: datetime) -> SensorValue:
        assert supplier.held is not None
        steps = supplier.held.steps
        slot = steps.at(now)
        if following:
            slot = steps.at(slot.end) if slot else None
        return field(slot.value) if slot else None

    return GridSensorDescription(
        key=key,
        translation_key=key,
        native_unit_of_measurement=unit,
        device_class=device_class,
        # What is to come is no measurement.
        state_class=None if following else SensorStateClass.MEASUREMENT,
        suggested_display_precision=digits,
        value_fn=value,
    )


def _mean(steps: Series[Step], field: Field) -> Decimal | None:
    """Return the mean over time, to six digits."""
    known = [(number, slot.length) for slot in steps if (number := field(slot.value)) is not None]
    seconds = sum(length // timedelta(seconds=1) for _, length in known)
    total = sum((number * (length // timedelta(seconds=1)) for number, length in known), Decimal())
    return (total / seconds).quantize(_MEAN_DIGITS).normalize() + 0 if seconds else None


def _least(steps: Series[Step], field: Field) -> Decimal | None:
    return min((number for slot in steps if (number := field(slot.value)) is not None), default=None)


def _most(steps: Series[Step], field: Field) -> Decimal | None:
    return max((number for slot in steps if (number := field(slot.value)) is not None), default=None)


_STATISTICS = {"min": _least, "mean": _mean, "max": _most}


def _days(name: str, field: Field, unit: str, digits: int, *, enabled: Sequence[str]) -> Iterable[Row]:
    """Make the rows of the statistics of today and tomorrow; those of a day that is not known whole are unknown."""
    for ahead, day in enumerate(("today", "tomorrow")):
        for statistic, compute in _STATISTICS.items():

            def value(
                supplier: SupplierCoordinator,
                _now: datetime,
                ahead: int = ahead,
                compute: Callable[[Series[Step], Field], Decimal | None] = compute,
            ) -> SensorValue:
                assert supplier.held is not None
                stretch = supplier.day(ahead)
                steps = supplier.held.steps
                if steps.gaps(stretch.start, stretch.end):
                    return None
                return compute(steps.cut(stretch.start, stretch.end), field)

            key = f"{name}_{statistic}_{day}"
            yield GridSensorDescription(
                key=key,
                translation_key=key,
                native_unit_of_measurement=unit,
                suggested_display_precision=digits,
                entity_registry_enabled_default=statistic in enabled,
                value_fn=value,
            )


def _rank(supplier: SupplierCoordinator, now: datetime) -> SensorValue:
    """Return 1 for the cheapest step of today; equal prices share a rank."""
    assert supplier.held is not None
    steps, today = supplier.held.steps, supplier.day(0)
    slot = steps.at(now)
    if slot is None or slot.value.price is None:
        return None
    prices = [one.value.price for one in steps.between(today.start, today.end)]
    return 1 + sum(price is not None and price < slot.value.price for price in prices)


def _slot_end(supplier: SupplierCoordinator, now: datetime) -> SensorValue:
    assert supplier.held is not None
    slot = supplier.held.steps.at(now)
    return slot.end if slot else None


SUPPLIER_SENSORS: tuple[Row, ...] = (
    _value("price", _price, Unit.EUR_PER_KWH, digits=4),
    _value("co2_intensity", _co2, Unit.G_PER_KWH, digits=0),
    _value("signal_power", _kilowatts, UnitOfPower.KILO_WATT, digits=1, device_class=SensorDeviceClass.POWER),
    _value("price_next", _price, Unit.EUR_PER_KWH, digits=4, following=True),
    _value("co2_next", _co2, Unit.G_PER_KWH, digits=0, following=True),
    _value(
        "power_next",
        _kilowatts,
        UnitOfPower.KILO_WATT,
        digits=1,
        device_class=SensorDeviceClass.POWER,
        following=True,
    ),
    *_days("price", _price, Unit.EUR_PER_KWH, 4, enabled=("min", "mean", "max")),
    *_days("co2", _co2, Unit.G_PER_KWH, 0, enabled=("mean",)),
    GridSensorDescription(key="rank", translation_key="rank", value_fn=_rank),
    GridSensorDescription(
        key="slot_end", translation_key="slot_end", device_class=SensorDeviceClass.TIMESTAMP, value_fn=_slot_end
    ),
    GridSensorDescription(
        key="signal_end",
        translation_key="signal_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda supplier, _now: supplier.held.steps.slots[-1].end if supplier.held else None,
    ),
    GridSensorDescription(
        key="warnings",
        translation_key="warnings",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda supplier, _now: (
            len(supplier.held.signal.findings) + supplier.held.signal.findings_left_out if supplier.held else None
        ),
    ),
    GridSensorDescription(
        key="retrieved_at",
        translation_key="retrieved_at",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        always=True,
        value_fn=lambda supplier, _now: supplier.held.retrieved_at if supplier.held else None,
    ),
    GridSensorDescription(
        key="last_error",
        translation_key="last_error",
        device_class=SensorDeviceClass.ENUM,
        options=list(TROUBLES),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        always=True,
        value_fn=lambda supplier, _now: supplier.failure.trouble.value if supplier.failure else "none",
    ),
)

SUPPLIER_BINARY_SENSORS: tuple[GridBinarySensorDescription[SupplierCoordinator], ...] = (
    GridBinarySensorDescription(
        key="tomorrow_available",
        translation_key="tomorrow_available",
        value_fn=lambda supplier, _now: supplier.tomorrow_available,
    ),
    GridBinarySensorDescription(
        key="default_data",
        translation_key="default_data",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda supplier, _now: supplier.held.signal.default_data if supplier.held else None,
    ),
    GridBinarySensorDescription(
        key="signal_problem",
        translation_key="signal_problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        always=True,
        value_fn=lambda supplier, _now: supplier.failure is not None,
    ),
)


def _best(field: Field, text: str) -> Callable[[SupplierCoordinator, Stretch], Iterable[Occasion]]:
    """Make the occasions of the best steps of each day: the quarter of its known time where a value is lowest.

    Steps are taken from the best on until a quarter of the day's known time is reached, earlier ones first among
    equals; those that touch are one window.
    """

    def occasions(supplier: SupplierCoordinator, _within: Stretch) -> Iterable[Occasion]:
        assert supplier.held is not None
        steps = supplier.held.steps
        for ahead in range(-1, 3):
            day = supplier.day(ahead)
            yield from _best_of_day(steps.cut(day.start, day.end), field, text)

    return occasions


def _best_of_day(day: Series[Step], field: Field, text: str) -> Iterable[Occasion]:
    rated = sorted(
        ((number, slot) for slot in day if (number := field(slot.value)) is not None),
        key=lambda one: (one[0], one[1].start),
    )
    wanted = sum((slot.length for _, slot in rated), timedelta()) / _BEST_SHARE
    taken: list[Slot[Decimal]] = []
    for number, slot in rated:
        if wanted <= timedelta():
            break
        taken.append(Slot(slot.start, slot.end, number))
        wanted -= slot.length
    best = Series(tuple(sorted(taken, key=lambda slot: slot.start)))
    for run in best.runs(lambda _number: True):
        figures = [slot.value for slot in best.between(run.start, run.end)]
        yield Occasion(run, text, {"least": f"{min(figures):f}", "most": f"{max(figures):f}"})


SUPPLIER_CALENDARS: tuple[GridCalendarDescription[SupplierCoordinator], ...] = (
    GridCalendarDescription(
        key="cheapest_windows", translation_key="cheapest_windows", occasions_fn=_best(_price, "calendar_cheapest")
    ),
    GridCalendarDescription(
        key="cleanest_windows", translation_key="cleanest_windows", occasions_fn=_best(_co2, "calendar_cleanest")
    ),
)
