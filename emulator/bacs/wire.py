"""The JSON of Annex 1, read and written: quantities, local times, slots; what is wrong is told with its pointer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import isfinite
import re

from ..meter.clock import PARIS
from ..serve.problem import ProblemError, pointed
from .data import Slot

type Json = dict[str, object]

REQUEST_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}", re.ASCII)
MOST_SLOTS = 288
DECREASE = "decrease"
LONGEST_SPAN = timedelta(days=31)
_MOST_W = Decimal(10) ** 12
_POWERS_OF_TEN = {"": 0, "none": 0} | dict(
    zip(
        ["y", "z", "a", "f", "p", "n", "micro", "m", "c", "d", "da", "h", "k", "M", "G", "T", "P", "E", "Z", "Y"],
        (-24, -21, -18, -15, -12, -9, -6, -3, -2, -1, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24),
        strict=True,
    )
)
MULTIPLIERS = (*_POWERS_OF_TEN, None)
"""Those of CIM; an empty one, none, and one that is missing are the same."""
_WATTS = {"W": Decimal(1)}
_PRICES = {"€/MWh": Decimal(1), "EUR/MWh": Decimal(1), "€/kWh": Decimal(1000), "EUR/kWh": Decimal(1000)}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_YEARS = range(2000, 2200)


@dataclass(slots=True)
class Findings:
    """What is wrong with a request: errors in any dialect, and what only a strict BACS refuses."""

    native: bool
    errors: list[dict[str, str]] = field(default_factory=list)
    limits: list[dict[str, str]] = field(default_factory=list)

    def wrong(self, pointer: str, code: str, detail: str) -> None:
        """Note an error."""
        self.errors.append(pointed(pointer, code, detail))

    def limit(self, pointer: str, code: str, detail: str) -> None:
        """Note what breaks a rule of the asset or of the strict dialect."""
        self.limits.append(pointed(pointer, code, detail))

    def refuse(self) -> None:
        """Raise ProblemError if there is what cannot be taken."""
        if found := [*self.errors, *(self.limits if self.native else ())]:
            code = found[0]["code"]
            status = 409 if code in ("overlap", "price-mismatch", "offer-mismatch") else 422
            raise ProblemError(status, code, found[0]["detail"], errors=found)


def read_instant(text: object, pointer: str, found: Findings) -> datetime | None:
    """Read an instant; one without offset is of Paris, and one that comes twice or never is an error."""
    if isinstance(text, str) and (match := _INSTANT.fullmatch(text)):
        try:
            at = datetime.fromisoformat(text)
            if at.year in _YEARS:
                if match[1]:
                    return at.astimezone(UTC)
                local = at.replace(tzinfo=PARIS)
                if local.utcoffset() != local.replace(fold=1).utcoffset():
                    found.wrong(pointer, "ambiguous-time", "this local time comes twice or never; give its offset")
                    return None
                if found.native:
                    found.limit(pointer, "no-offset", "the offset from UTC is missing")
                return local.astimezone(UTC)
        except ValueError, OverflowError:
            pass
    found.wrong(pointer, "bad-time", "ISO 8601 with whole seconds is expected, as 2025-04-02T12:00:00")
    return None


def read_power(value: object, found: Findings) -> tuple[Slot, ...]:
    """Read the member `power`: slots in order, none over another."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_SLOTS:
        found.wrong("/power", "malformed", f"an array of 1 to {MOST_SLOTS} slots is needed")
        return ()
    slots = [slot for i, item in enumerate(value) if (slot := _slot(item, f"/power/{i}", found))]
    for i, (one, other) in enumerate(pairwise(slots), 1):
        if other.start < one.end:
            found.wrong(f"/power/{i}/start", "slots-overlap", "slots follow each other")
    if slots and slots[-1].end - slots[0].start > LONGEST_SPAN:
        found.wrong("/power", "bad-period", f"more than {LONGEST_SPAN.days} days")
    return tuple(slots)


def _slot(item: object, where: str, found: Findings) -> Slot | None:
    if not isinstance(item, dict):
        found.wrong(where, "malformed", "power, start and end are needed")
        return None
    power = read_quantity(item.get("power"), f"{where}/power", _WATTS, found)
    start = read_instant(item.get("start"), f"{where}/start", found)
    end = read_instant(item.get("end"), f"{where}/end", found)
    if power is not None and not 0 < power <= _MOST_W:
        found.wrong(f"{where}/power/value", "bad-power", "more than nothing, less than a terawatt")
    if start is None or end is None or power is None:
        return None
    if end <= start:
        found.wrong(f"{where}/end", "bad-period", "it is not later than start")
    return Slot(power, start, end)


def read_quantity(value: object, where: str, units: Mapping[str, Decimal], found: Findings) -> Decimal | None:
    """Read a triplet; it is given in the unit whose factor is 1."""
    if not isinstance(value, dict):
        found.wrong(where, "not-a-quantity", "unit, multiplier and value are needed")
        return None
    number, unit, multiplier = value.get("value"), value.get("unit"), value.get("multiplier")
    exponent = _POWERS_OF_TEN.get(multiplier or "") if isinstance(multiplier, str | None) else None
    factor = units.get(unit) if isinstance(unit, str) else None
    if isinstance(number, bool) or not isinstance(number, int | float) or not _is_finite(number):
        found.wrong(f"{where}/value", "not-a-number", "a finite number is needed")
        return None
    if factor is None:
        found.wrong(f"{where}/unit", "unknown-unit", f"one of {', '.join(units)}")
        return None
    if exponent is None:
        found.wrong(f"{where}/multiplier", "unknown-multiplier", "one of CIM UnitMultiplier")
        return None
    return Decimal(str(number)).scaleb(exponent) * factor


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:
        return False


def read_price(value: object, found: Findings) -> Decimal | None:
    """Read the member `ackPrice`, which may be absent; EUR/MWh."""
    return None if value is None else read_quantity(value, "/ackPrice", _PRICES, found)


def kilowatts(watts: Decimal | float) -> Json:
    """Write a power."""
    return {"unit": "W", "multiplier": "k", "value": round(float(watts) / 1000, 3)}


def kilowatt_hours(watt_hours: float) -> Json:
    """Write an energy."""
    return {"unit": "Wh", "multiplier": "k", "value": round(watt_hours / 1000, 3)}


def stamp(at: datetime, *, native: bool) -> str:
    """Write an instant: local, as Annex 1 does; the strict dialect has its offset."""
    local = at.astimezone(PARIS)
    return (local if native else local.replace(tzinfo=None)).isoformat(timespec="seconds")


def minutes(duration: timedelta, *, native: bool) -> int | str:
    """Write a duration of whole minutes: as a number, as Annex 1 does; in the strict dialect as ISO 8601."""
    number = duration // timedelta(minutes=1)
    return f"PT{number}M" if native else number


def direction(*, native: bool) -> Json:
    """Write which way consumption changes; Annex 1 has no word for it."""
    return {"direction": DECREASE} if native else {}


def slots_json(slots: tuple[Slot, ...], *, native: bool) -> list[Json]:
    """Write slots."""
    return [
        {
            "power": kilowatts(slot.power_w),
            "start": stamp(slot.start, native=native),
            "end": stamp(slot.end, native=native),
        }
        for slot in slots
    ]
