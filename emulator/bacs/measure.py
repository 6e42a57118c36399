"""Consumptions as Annex 1 asks for them: of a request, of an asset in detail or added up; never ahead of time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
import re

from ..meter.clock import PARIS
from .curve import Drawn, Order, draw
from .data import Asset
from .life import Flex
from .wire import Findings, Json, kilowatt_hours, kilowatts, read_instant, stamp

STEPS = {
    "PT1M": timedelta(minutes=1),
    "PT5M": timedelta(minutes=5),
    "PT10M": timedelta(minutes=10),
    "PT15M": timedelta(minutes=15),
    "PT30M": timedelta(minutes=30),
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
}
AGGREGATIONS = ("sum", "mean", "max")
_USUAL = "PT10M"
_LONGEST = timedelta(days=31)
_MOST_STEPS = 5000
_SHORT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked for; without a step, the whole period is one."""

    start: datetime
    end: datetime
    step: str | None
    aggregation: str | None


def asked_period(query: Mapping[str, str], now: datetime, *, aggregated: bool) -> Period:
    """Read a query; by default the present day (of Paris). Raises ProblemError with everything wrong."""
    found = Findings(native=False)
    day = now.astimezone(PARIS).date()
    today, tomorrow = (datetime.combine(one, time(), PARIS).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    edges = []
    for name, default in (("start", today), ("end", tomorrow)):
        text = query.get(name)
        spelled = text and re.sub(r" (?=\d\d:?\d\d$)", "+", text)  # a plus that became a blank
        edges.append(default if text is None else read_instant(spelled, f"/{name}", found))
    start, end = edges
    step = query.get("step", None if aggregated else _USUAL)
    if step is not None and step not in STEPS:
        found.wrong("/step", "unknown-step", f"one of {', '.join(STEPS)}")
    aggregation = query.get("aggregation", "sum") if aggregated else None
    if aggregation is not None and aggregation not in AGGREGATIONS:
        found.wrong("/aggregation", "unknown-aggregation", f"one of {', '.join(AGGREGATIONS)}")
    if start is not None and end is not None:
        length = end - start
        if not timedelta() < length <= _LONGEST:
            found.wrong("/end", "bad-period", f"later than start, by {_LONGEST.days} days at most")
        elif step in STEPS and length > STEPS[step] * _MOST_STEPS:
            found.wrong("/step", "too-many-steps", f"{_MOST_STEPS} at most")
    found.refuse()
    assert start is not None
    assert end is not None
    return Period(start, end, step, aggregation)


def consumptions(asset: Asset, asked: Period, orders: Sequence[Order], now: datetime, *, native: bool) -> Json:
    """Measure an asset; a step that is not over is not there."""
    spans = _steps(asked.start, asked.end, asked.step) if asked.step else iter([(asked.start, min(asked.end, now))])
    drawn = [draw(asset, start, end, orders) for start, end in spans if start < end <= now]
    shown: Json = {"assetID": asset.id, "bacsID": asset.bacs_id}
    if asked.step:
        shown["step"] = asked.step
    if asked.aggregation:
        shown["aggregation"] = asked.aggregation
    return shown | {"consumptions": [_point(one, asked.aggregation, native=native) for one in drawn]}


def of_request(asset: Asset, flex: Flex, orders: Sequence[Order], now: datetime, *, native: bool) -> Json:
    """Measure the time of a request, slot by slot, as far as it has passed."""
    slots = flex.slots
    length = sum((slot.end - slot.start for slot in slots), timedelta())
    step = "PT1M" if length <= _SHORT else _USUAL
    points = [
        _point(draw(asset, start, end, orders), None, native=native)
        for slot in slots
        for start, end in _steps(slot.start, slot.end, step)
        if end <= now
    ]
    return {"step": step, "consumptions": points}


def _steps(start: datetime, end: datetime, step: str) -> Iterator[tuple[datetime, datetime]]:
    """Cut a period; days are those of Paris, the last step may be shorter."""
    begin = start
    while begin < end:
        after = (begin.astimezone(PARIS) if step == "P1D" else begin) + STEPS[step]
        finish = min(end, after.astimezone(UTC))
        yield begin, finish
        begin = finish


def _point(drawn: Drawn, aggregation: str | None, *, native: bool) -> Json:
    """Write an interval; added up it has its energy, else its mean or its highest power (of a minute)."""
    shown: Json = {"start": stamp(drawn.start, native=native), "end": stamp(drawn.end, native=native)}
    if aggregation in (None, "mean"):
        shown["power"] = kilowatts(drawn.mean_w)
    if aggregation == "max":
        shown["power"] = kilowatts(drawn.most_w)
    if aggregation in (None, "sum"):
        shown["energy"] = kilowatt_hours(drawn.energy_wh)
    if aggregation is None:
        shown["baseline"] = kilowatts(drawn.baseline_w)
    return shown | {"quality": "measured"}
