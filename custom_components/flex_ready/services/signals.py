"""Actions of the signals: what they say for a period, and when it is best to consume."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType
import probatio

from ..const import DOMAIN
from ..grid.ecowatt import EcowattCoordinator
from ..grid.supplier import SupplierCoordinator
from ..signals.ecowatt.model import Level
from ..signals.supplier.model import Step
from ..signals.windows import Aim, Found, Lack, NoWindowError, Wish, find_windows
from ..slots import Slot, Stretch
from .entry import ENTRY, coordinator_of

_PERIOD = {**ENTRY, probatio.Optional("start"): cv.datetime, probatio.Optional("end"): cv.datetime}
_PERIOD_SCHEMA = probatio.Schema(_PERIOD)
_LONGEST = timedelta(days=7)
_WINDOWS_SCHEMA = probatio.Schema(
    {
        **ENTRY,
        probatio.Required("aim"): probatio.Coerce(Aim),
        probatio.Required("duration"): probatio.All(
            cv.positive_time_period, probatio.Range(min=timedelta(minutes=1), max=_LONGEST)
        ),
        probatio.Optional("contiguous", default=True): cv.boolean,
        probatio.Optional("earliest"): cv.datetime,
        probatio.Optional("deadline"): cv.datetime,
        probatio.Optional("avoid_tense", default=True): cv.boolean,
        probatio.Optional("price_weight", default=50): probatio.All(
            probatio.Coerce(float), probatio.Range(min=0, max=100)
        ),
    }
)


@callback
def async_setup_signal_services(hass: HomeAssistant) -> None:
    """Register the actions of the signals."""
    for name, handler, schema in (
        ("get_ecowatt", _get_ecowatt, _PERIOD_SCHEMA),
        ("get_supplier_signal", _get_supplier_signal, _PERIOD_SCHEMA),
        ("find_windows", _find_windows, _WINDOWS_SCHEMA),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=SupportsResponse.ONLY)


async def _get_ecowatt(call: ServiceCall) -> ServiceResponse:
    """Return the days and hours of Ecowatt."""
    ecowatt = coordinator_of(call, EcowattCoordinator)
    if (forecast := ecowatt.current) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_signal")
    stretch = _period(call, ecowatt.day(0).start, forecast.hours.slots[-1].end if forecast.hours.slots else None)
    return {
        "retrieved_at": forecast.retrieved_at.isoformat(),
        "rehearsal": forecast.rehearsal,
        "days": [
            {
                "date": day.day.isoformat(),
                "level": _level(day.level),
                "message": day.message.strip(),
                "provisional": day.provisional,
            }
            for day in forecast.days
        ],
        "hours": [
            {**_edges(ecowatt, slot), "level": _level(slot.value)}
            for slot in forecast.hours.between(stretch.start, stretch.end)
        ],
    }


async def _get_supplier_signal(call: ServiceCall) -> ServiceResponse:
    """Return the steps of the supplier signal."""
    supplier = coordinator_of(call, SupplierCoordinator)
    if (held := supplier.current) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_signal")
    steps = held.signal.steps
    stretch = _period(call, supplier.day(0).start, steps.slots[-1].end if steps.slots else None)
    return {
        "retrieved_at": held.retrieved_at.isoformat(),
        "last_end_inferred": held.signal.last_end_inferred,
        "default_data": held.signal.default_data,
        "warnings": [
            {"pointer": finding.pointer, "code": finding.code, "detail": finding.detail}
            for finding in held.signal.findings
        ],
        "steps": [
            {**_edges(supplier, slot), **_values(slot.value)} for slot in steps.between(stretch.start, stretch.end)
        ],
    }


async def _find_windows(call: ServiceCall) -> ServiceResponse:
    """Return the best windows to consume, with the reasons."""
    supplier = coordinator_of(call, SupplierCoordinator)
    if (held := supplier.current) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_signal")
    steps = held.signal.steps
    now = supplier.now().replace(microsecond=0) + timedelta(seconds=1)  # the next whole second
    earliest = max(_utc(call.data["earliest"]), now) if "earliest" in call.data else now
    deadline = _utc(call.data["deadline"]) if "deadline" in call.data else steps.slots[-1].end
    if earliest >= deadline:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="end_before_start")
    within = Stretch(earliest, deadline)
    ecowatt = _fresh_ecowatt(call.hass) if call.data["avoid_tense"] else None
    wish = Wish(
        aim=call.data["aim"],
        duration=call.data["duration"],
        contiguous=call.data["contiguous"],
        earliest=earliest,
        deadline=deadline,
        avoid=_tense(ecowatt, within) if ecowatt else (),
        price_weight=Decimal(str(call.data["price_weight"])) / 100,
    )
    try:
        found = find_windows(steps, wish)
    except NoWindowError as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_window" if wish.avoid and error.reason is Lack.GAPS else f"no_window_{error.reason}",
            translation_placeholders={
                "earliest": earliest.astimezone(supplier.zone).isoformat(),
                "deadline": deadline.astimezone(supplier.zone).isoformat(),
                "minutes": f"{wish.duration.total_seconds() / 60:g}",
            },
        ) from error
    return _answer(supplier, found, ecowatt=ecowatt is not None)


def _answer(supplier: SupplierCoordinator, found: Found, *, ecowatt: bool) -> JsonObjectType:
    return {
        "windows": [_edges(supplier, window) for window in found.windows],
        "mean_price": _number(found.mean_price),
        "mean_co2": _number(found.mean_co2),
        "ecowatt_considered": ecowatt,
        "reasons": [
            {"code": reason.code, **{name: _number(value) for name, value in reason.figures.items()}}
            for reason in found.reasons
        ],
    }


def _fresh_ecowatt(hass: HomeAssistant) -> EcowattCoordinator | None:
    """Return an Ecowatt that is fresh and no rehearsal."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        if isinstance(ecowatt := entry.runtime_data, EcowattCoordinator):
            forecast = ecowatt.current
            if forecast is not None and not forecast.rehearsal:
                return ecowatt
    return None


def _tense(ecowatt: EcowattCoordinator, within: Stretch) -> tuple[Stretch, ...]:
    """Return what to keep clear of: the tense hours, and those that Ecowatt does not know."""
    assert ecowatt.held is not None
    hours = ecowatt.held.hours
    tense = hours.cut(within.start, within.end).runs(lambda level: level >= Level.TENSE)
    return tuple(sorted((*tense, *hours.gaps(within.start, within.end)), key=lambda stretch: stretch.start))


def _period(call: ServiceCall, start: datetime, end: datetime | None) -> Stretch:
    """Return the period asked for, in UTC; naive instants are in Home Assistant's zone."""
    if "start" in call.data:
        start = _utc(call.data["start"])
    if "end" in call.data:
        end = _utc(call.data["end"])
    if end is None or end <= start:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="end_before_start")
    return Stretch(start, end)


def _utc(when: datetime) -> datetime:
    return dt_util.as_utc(when).astimezone(UTC)


def _edges(coordinator: EcowattCoordinator | SupplierCoordinator, stretch: Stretch | Slot[object]) -> JsonObjectType:
    zone = coordinator.zone
    return {"start": stretch.start.astimezone(zone).isoformat(), "end": stretch.end.astimezone(zone).isoformat()}


def _values(step: Step) -> JsonObjectType:
    """Return what a step says: EUR/kWh, gCO2eq/kWh, kW."""
    return {
        "price": _number(step.price),
        "co2": _number(step.co2),
        "power": _number(None if step.power is None else step.power / 1000),
    }


def _level(level: Level | None) -> JsonValueType:
    return None if level is None else level.name.lower()


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
