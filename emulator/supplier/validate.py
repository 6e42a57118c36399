"""A supplier's signal judged against Annex 2: every error, each with its pointer (RFC 6901)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
import json
from math import isfinite
import re
from typing import Never
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
ARRAYS = ("step", "horodate", "power", "cost", "co2")
QUANTITIES = {
    "power": frozenset(("W", "VA")),
    "cost": frozenset(("€/kWh", "EUR/kWh", "€/MWh", "EUR/MWh")),
    "co2": frozenset(("gCO2eq/kWh",)),
}
_MULTIPLIERS = frozenset(
    (
        "",
        "none",
        "y",
        "z",
        "a",
        "f",
        "p",
        "n",
        "micro",
        "m",
        "c",
        "d",
        "da",
        "h",
        "k",
        "M",
        "G",
        "T",
        "P",
        "E",
        "Z",
        "Y",
    )
)
_INSTANT = re.compile(r"[\dW-]+T[\d:.,]+(?:Z|[+-][\d:.,]+)?", re.ASCII)
"""As ISO 8601 builds an instant; Python takes any letter between date and time."""
_SCALES = {"k": Decimal(1000), "M": Decimal(1_000_000), "m": Decimal("0.001")}
_MOST_EUR_PER_KWH = 5
_MOST_G_PER_KWH = 2000
_MOST_STEPS = 20_000
_MOST_FINDINGS = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, or odd (a warning), at a place."""

    pointer: str
    code: str
    detail: str
    warning: bool = False

    def to_json(self) -> dict[str, str]:
        """Write it as problems do."""
        return {name: value for name, value in asdict(self).items() if name != "warning"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found."""

    findings: tuple[Finding, ...]
    body: Mapping[str, Sequence[object]] | None
    """The signal, where it has no error."""

    @property
    def errors(self) -> list[dict[str, str]]:
        """Return the errors."""
        return [finding.to_json() for finding in self.findings if not finding.warning]

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Return the warnings."""
        return [finding.to_json() for finding in self.findings if finding.warning]


def judge(text: str) -> Judgement:
    """Judge the text of a signal."""
    try:
        body = json.loads(text, parse_float=_decimal, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        return Judgement((Finding("", "not-json", f"{error}"[:200]),), None)
    findings: list[Finding] = []
    for finding in _findings(body):
        if len(findings) >= _MOST_FINDINGS:
            break
        findings.append(finding)
    wrong = any(not finding.warning for finding in findings)
    return Judgement(tuple(findings), None if wrong else body)


def _decimal(text: str) -> Decimal:
    if not isfinite(float(text)):
        raise ValueError(f"{text} is more than a double carries")
    return Decimal(text)


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no number")


def _findings(body: object) -> Iterator[Finding]:
    if not isinstance(body, dict):
        yield Finding("", "not-an-object", "a signal is an object")
        return
    for name in sorted(body.keys() - set(ARRAYS)):
        yield Finding(f"/{_escaped(name)}", "unknown-key", "Annex 2 does not know it", warning=True)
    arrays: dict[str, list[object]] = {}
    for name in ARRAYS:
        value = body.get(name)
        if name not in body:
            yield Finding(f"/{name}", "missing", "it is not there")
        elif not isinstance(value, list):
            yield Finding(f"/{name}", "not-an-array", "an array is needed")
        elif len(value) > _MOST_STEPS:
            yield Finding(f"/{name}", "too-long", f"more than {_MOST_STEPS} steps")
        else:
            arrays[name] = value
    count = len(arrays.get("horodate", arrays.get("step", [])))
    if "horodate" in arrays and count == 0:
        yield Finding("/horodate", "empty", "there is no step")
    for name, values in arrays.items():
        if len(values) != count:
            yield Finding(f"/{name}", "length-mismatch", f"{len(values)} values for {count} steps")
    yield from _steps(arrays.get("step", []))
    yield from _times(arrays.get("horodate", []))
    for name, units in QUANTITIES.items():
        for i, triplet in enumerate(arrays.get(name, [])):
            yield from _quantity(f"/{name}/{i}", name, triplet, units)


def _steps(steps: list[object]) -> Iterator[Finding]:
    for i, step in enumerate(steps):
        if not isinstance(step, int) or isinstance(step, bool) or step != i + 1:
            yield Finding(f"/step/{i}", "bad-step", f"{i + 1} is expected")


def _times(horodates: list[object]) -> Iterator[Finding]:
    before: datetime | None = None
    usual: float | None = None
    for i, text in enumerate(horodates):
        where = f"/horodate/{i}"
        try:
            at = datetime.fromisoformat(text) if isinstance(text, str) and _INSTANT.fullmatch(text) else None
            local = at.astimezone(PARIS) if at is not None and at.tzinfo is not None else None
        except ValueError, OverflowError:
            at = local = None
        if at is None:
            yield Finding(where, "bad-time", "ISO 8601 is expected")
            continue
        if local is None:
            yield Finding(where, "no-offset", "the offset from UTC is missing")
            continue
        if local.utcoffset() != at.utcoffset():
            yield Finding(where, "offset-not-local", f"Paris is at {local:%:z} then", warning=True)
        if before is not None:
            spacing = (at - before).total_seconds()
            if spacing <= 0:
                yield Finding(where, "not-increasing", "it is not later than the one before")
            elif usual is not None and spacing != usual:
                yield Finding(where, "uneven", f"{spacing:g} s after the one before, {usual:g} s are usual")
            usual = usual or (spacing if spacing > 0 else None)
        before = at


def _quantity(where: str, name: str, triplet: object, units: frozenset[str]) -> Iterator[Finding]:
    if not isinstance(triplet, dict):
        yield Finding(where, "not-a-quantity", "value, unit and multiplier are needed")
        return
    value, unit, multiplier = triplet.get("value"), triplet.get("unit"), triplet.get("multiplier")
    fits = True
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        yield Finding(f"{where}/value", "not-a-number", "a finite number is needed")
        fits = False
    if not isinstance(unit, str) or unit not in units:
        yield Finding(f"{where}/unit", "unknown-unit", f"one of {', '.join(sorted(units))}")
        fits = False
    if multiplier is not None and not (isinstance(multiplier, str) and multiplier in _MULTIPLIERS):
        yield Finding(f"{where}/multiplier", "unknown-multiplier", "one of CIM UnitMultiplier")
        fits = False
    if fits and isinstance(value, int | Decimal):
        yield from _range(where, name, Decimal(value) * _SCALES.get(str(multiplier), Decimal(1)), str(unit))


def _range(where: str, name: str, value: Decimal, unit: str) -> Iterator[Finding]:
    if name == "co2" and value < 0:
        yield Finding(f"{where}/value", "negative", "less than nothing")
    elif name == "co2" and value > _MOST_G_PER_KWH:
        yield Finding(f"{where}/value", "improbable", f"more than {_MOST_G_PER_KWH} gCO2eq/kWh", warning=True)
    elif name == "cost" and abs(value) > _MOST_EUR_PER_KWH * (1000 if unit.endswith("MWh") else 1):
        yield Finding(f"{where}/value", "improbable", f"more than {_MOST_EUR_PER_KWH} EUR/kWh", warning=True)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
