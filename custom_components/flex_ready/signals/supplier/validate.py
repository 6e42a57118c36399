"""A supplier's answer to a signal, or everything that is wrong with it.

Annex 2 has five parallel arrays: step (1, 2, 3…), horodate (ISO 8601 with offset), power, cost, co2 (triplets). It does
not say when the last step ends: as long after its start as the others. The good path looks at each value once; the
places of what is wrong are found in a second look.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from operator import itemgetter
from typing import Any

from ...quantity import QuantityError, Unit, parse_number, parse_scale
from ...slots import Series, Slot
from .model import Code, Finding, Severity, SignalRejectedError, Step, SupplierSignal

ARRAYS = ("step", "horodate", "power", "cost", "co2")
_UNITS: Mapping[str, frozenset[Unit]] = {
    "power": frozenset((Unit.W, Unit.VA)),
    "cost": frozenset((Unit.EUR_PER_KWH,)),
    "co2": frozenset((Unit.G_PER_KWH,)),
}
_MOST_STEPS = 20_000
_MOST_FINDINGS = 200
_LONE_STEP = timedelta(minutes=15)
_ZERO = timedelta()
_members: Callable[[Any], tuple[object, object, object]] = itemgetter("value", "unit", "multiplier")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is improbable beyond: a warning, for the annex's own example has prices of 1200 EUR/kWh."""

    eur_per_kwh: Decimal = Decimal(5)
    g_per_kwh: Decimal = Decimal(2000)


_LIMITS = Limits()


def validate(
    body: object, *, zone: tzinfo, limits: Limits = _LIMITS, default_data: bool | None = None
) -> SupplierSignal:
    """Read an answer (JSON, numbers as int, float or Decimal); `zone` is that of Paris.

    Raises SignalRejectedError with every error and warning if there is an error.
    """
    findings: list[Finding] = []
    arrays = _arrays(body, findings)
    starts = _times(arrays.get("horodate", []), zone, findings)
    _numbers(arrays.get("step", []), findings)
    columns = {name: _column(name, arrays.get(name, []), limits, findings) for name in _UNITS}
    if len(starts) == 1:
        lone = f"taken to last {_LONE_STEP // timedelta(minutes=1)} minutes"
        findings.append(Finding("/horodate/0", Code.END_ASSUMED, lone, Severity.WARNING))
    if any(finding.severity is Severity.ERROR for finding in findings):
        findings.sort(key=lambda finding: finding.severity is Severity.WARNING)
        raise SignalRejectedError(tuple(findings[:_MOST_FINDINGS]), max(0, len(findings) - _MOST_FINDINGS))
    spacing = starts[-1] - starts[-2] if len(starts) > 1 else _LONE_STEP
    steps = map(Step, columns["cost"], columns["co2"], columns["power"], strict=True)
    slots = tuple(map(Slot, starts, [*starts[1:], starts[-1] + spacing], steps, strict=True))
    return SupplierSignal(
        Series(slots),
        tuple(findings[:_MOST_FINDINGS]),
        max(0, len(findings) - _MOST_FINDINGS),
        last_end_inferred=True,
        end_assumed=len(starts) == 1,
        default_data=default_data,
    )


def _arrays(body: object, findings: list[Finding]) -> dict[str, list[object]]:
    """Find the five arrays, as long as each other."""
    if not isinstance(body, Mapping):
        findings.append(Finding("", Code.NOT_AN_OBJECT, "the answer is no object"))
        return {}
    found: dict[str, list[object]] = {}
    for name in ARRAYS:
        if name not in body:
            findings.append(Finding(f"/{name}", Code.MISSING, "the array is missing"))
        elif not isinstance(array := body[name], list):
            findings.append(Finding(f"/{name}", Code.NOT_AN_ARRAY, "this is no array"))
        elif len(array) > _MOST_STEPS:
            findings.append(Finding(f"/{name}", Code.TOO_LONG, f"more than {_MOST_STEPS} values"))
        else:
            found[name] = array
    count = len(found.get("horodate", found.get("step", ())))
    if "horodate" in found and not count:
        findings.append(Finding("/horodate", Code.EMPTY, "there is no step"))
    for name, array in found.items():
        if len(array) != count:
            detail = f"{len(array)} values for {count} steps"
            findings.append(Finding(f"/{name}", Code.LENGTH_MISMATCH, detail))
    return found


def _numbers(steps: list[object], findings: list[Finding]) -> None:
    if steps == list(range(1, len(steps) + 1)) and set(map(type, steps)) <= {int}:
        return
    for i, step in enumerate(steps):
        if type(step) is not int or step != i + 1:
            findings.append(Finding(f"/step/{i}", Code.BAD_STEP, f"{i + 1} is expected"))


def _times(horodates: list[object], zone: tzinfo, findings: list[Finding]) -> list[datetime]:
    """Return the starts (UTC); those that are no instants are left out, and told of."""
    starts: list[datetime] = []
    before: datetime | None = None
    usual: timedelta | None = None
    parse, utc = datetime.fromisoformat, UTC
    for i, text in enumerate(horodates):
        try:
            written = parse(text) if isinstance(text, str) else None
            if written is None or (offset := written.utcoffset()) is None:
                code = Code.NO_OFFSET if written is not None else Code.NULL if text is None else Code.BAD_TIME
                findings.append(Finding(f"/horodate/{i}", code, "ISO 8601 with the offset from UTC is expected"))
                before = None
                continue
            start = written.astimezone(utc)
            local = start.astimezone(zone).utcoffset()
        except ValueError, OverflowError:
            findings.append(Finding(f"/horodate/{i}", Code.BAD_TIME, "ISO 8601 with the offset from UTC is expected"))
            before = None
            continue
        if local != offset:
            detail = f"{text} has not the offset of Paris then; it is believed"
            findings.append(Finding(f"/horodate/{i}", Code.OFFSET_NOT_LOCAL, detail, Severity.WARNING))
        if before is not None and (spacing := start - before) != usual:
            if spacing <= _ZERO:
                findings.append(Finding(f"/horodate/{i}", Code.NOT_INCREASING, "not later than the one before"))
            elif usual is None:
                usual = spacing
            else:
                code = Code.GAP if spacing > usual else Code.UNEVEN
                findings.append(Finding(f"/horodate/{i}", code, f"{spacing} after the one before, not {usual}"))
        starts.append(start)
        before = start
    return starts


def _column(name: str, triplets: list[object], limits: Limits, findings: list[Finding]) -> list[Decimal | None]:
    """Return the values of an array in their base unit; None for those that are none, which are told of."""
    values: list[Decimal | None] = []
    scales: dict[tuple[object, object], Decimal] = {}
    for i, triplet in enumerate(triplets):
        try:
            value, unit, multiplier = _members(triplet)
            values.append(parse_number(value) * scales[unit, multiplier])
        except LookupError, TypeError, QuantityError:
            values.append(_value(name, i, triplet, scales, findings))
    _judge(name, values, limits, findings)
    return values


def _value(
    name: str, i: int, triplet: object, scales: dict[tuple[object, object], Decimal], findings: list[Finding]
) -> Decimal | None:
    """Take a second look at a triplet: its unit is new, a member is left out, or something is wrong."""
    if triplet is None:
        findings.append(Finding(f"/{name}/{i}", Code.NULL, "a value is needed"))
        return None
    if not isinstance(triplet, dict):
        findings.append(Finding(f"/{name}/{i}", Code.NOT_A_QUANTITY, "value, unit and multiplier are needed"))
        return None
    try:
        key = triplet.get("unit"), triplet.get("multiplier")
        unit, scale = parse_scale(*key)
        if unit not in _UNITS[name]:
            findings.append(Finding(f"/{name}/{i}/unit", Code.WRONG_DIMENSION, f"no unit of {name}"))
        else:
            scales[key] = scale
        return parse_number(triplet.get("value")) * scale
    except QuantityError, TypeError:
        findings += _wrong(f"/{name}/{i}", triplet)
        return None


def _wrong(where: str, triplet: Mapping[str, object]) -> Iterator[Finding]:
    """Say everything that is wrong with a triplet."""
    try:
        parse_scale(triplet.get("unit"), triplet.get("multiplier"))
    except QuantityError as error:
        yield Finding(f"{where}/{error.member}", Code(error.fault.value), str(error))
    except TypeError:
        yield Finding(f"{where}/unit", Code.UNKNOWN_UNIT, "this is no unit")
    try:
        parse_number(triplet.get("value"))
    except QuantityError as error:
        code = Code.NULL if triplet.get("value") is None else Code(error.fault.value)
        yield Finding(f"{where}/value", code, str(error))


def _judge(name: str, values: list[Decimal | None], limits: Limits, findings: list[Finding]) -> None:
    """Say which values are improbable or impossible."""
    known = [value for value in values if value is not None]
    if not known or name == "power":
        return
    most = limits.eur_per_kwh if name == "cost" else limits.g_per_kwh
    least = -most if name == "cost" else Decimal()
    if min(known) >= least and max(known) <= most:
        return
    for i, value in enumerate(values):
        if value is None or least <= value <= most:
            continue
        if name == "co2" and value < 0:
            findings.append(Finding(f"/{name}/{i}/value", Code.NEGATIVE, "less than nothing"))
        else:
            detail = f"{value} is improbable"
            findings.append(Finding(f"/{name}/{i}/value", Code.IMPROBABLE, detail, Severity.WARNING))
