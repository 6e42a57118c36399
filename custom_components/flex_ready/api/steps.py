"""Consumptions put into steps of another length, or added up: each step by the share of it that lies in the new one."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from ..flexibility.model import Aggregation, Consumed, Consumption, Quality
from ..slots import Series, Slot, Stretch
from .query import Period

_DAY = timedelta(days=1)
_MS = timedelta(milliseconds=1)
_WH = Decimal("0.001")
_W = Decimal("0.1")


def put_together(measured: Series[Consumed], asked: Period, now: datetime, zone: tzinfo) -> Consumption:
    """Return what was measured as it is asked for; a step that is not over is not there."""
    if asked.step is None and asked.aggregation is None:
        return Consumption(steps=measured)
    end = min(asked.stretch.end, now)
    steps: Iterable[Stretch] = ()
    if asked.step is not None:
        steps = (one for one in _steps(asked.stretch, asked.step, zone) if one.end <= now)
    elif asked.stretch.start < end:
        steps = (Stretch(asked.stretch.start, end),)
    return Consumption(
        steps=Series(tuple(Slot(one.start, one.end, _merged(measured, one, asked.aggregation)) for one in steps)),
        aggregation=asked.aggregation,
    )


def _steps(stretch: Stretch, step: timedelta, zone: tzinfo) -> Iterator[Stretch]:
    """Cut a stretch; days are those of the site's calendar, of 23, 24 or 25 hours. The last step may be shorter."""
    begin = stretch.start
    while begin < stretch.end:
        after = (begin.astimezone(zone) + step).astimezone(UTC) if step == _DAY else begin + step
        finish = min(stretch.end, after)
        yield Stretch(begin, finish)
        begin = finish


def _merged(measured: Series[Consumed], step: Stretch, how: Aggregation | None) -> Consumed:
    """Put together what was measured in a step: with its energy when added up, else with its mean or highest power."""
    parts = [
        (one.value, min(one.end, step.end) - max(one.start, step.start), one.length)
        for one in measured.between(step.start, step.end)
    ]
    known = [(value, span, length) for value, span, length in parts if value.power is not None]
    if not known:
        return Consumed(quality=Quality.MISSING)
    energy = sum((_shared(value.energy, span, length) for value, span, length in known), Decimal())
    covered = sum((span for _, span, _ in known), timedelta())
    power: Decimal | None = None
    if how is Aggregation.MAX:
        power = max(value.power for value, _, _ in known if value.power is not None)
    elif how is not Aggregation.SUM:
        power = _mean((value.power, span) for value, span, _ in known)
    return Consumed(
        power=power,
        energy=energy.quantize(_WH) if how in (None, Aggregation.SUM) else None,
        baseline=None if how is Aggregation.MAX else _mean((value.baseline, span) for value, span, _ in known),
        quality=_quality([value.quality for value, _, _ in known], whole=covered == step.length),
    )


def _shared(energy: Decimal | None, span: timedelta, length: timedelta) -> Decimal:
    return Decimal() if energy is None else energy * (span // _MS) / (length // _MS)


def _mean(parts: Iterable[tuple[Decimal | None, timedelta]]) -> Decimal | None:
    """Return the mean power over the time in which it is known."""
    known = [(power, span // _MS) for power, span in parts if power is not None]
    seconds = sum(span for _, span in known)
    return (sum((power * span for power, span in known), Decimal()) / seconds).quantize(_W) if seconds else None


def _quality(qualities: list[Quality], *, whole: bool) -> Quality:
    if not whole or Quality.PARTIAL in qualities:
        return Quality.PARTIAL
    return Quality.ESTIMATED if Quality.ESTIMATED in qualities else Quality.MEASURED
