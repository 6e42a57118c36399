"""The rules of time and of limits that a request is held to: T1 to T12 of docs/flexibility.md; others keep the rest.

A rule yields what breaks it, or returns the figure it lays down. The annex names the limits (mobilization delay, max
duration, activation per day, time period, power); how exactly they are meant is inferred.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise
import re

from ..slots import Series, Stretch
from .model import Asset, Direction, Potential, Request
from .problem import Code, Finding, pointer

MOST_SLOTS = 288
"""T2: as many slots as an envelope of S2 may have, a day of 5 minutes."""
SKEW = timedelta(seconds=2)
"""By how much the clocks of operator and BACS may differ."""
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_YEARS = range(1970, 9000)
_NONE = timedelta()
_ZERO = Decimal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an asset has been promised for already."""

    asset_id: str
    power: Series[Decimal]
    direction: Direction
    held: bool = True
    """Whether it is held, or was, for that time; else it only counts."""
    counted: bool = True
    """Whether its activations count for the day: confirmed, and not refunded."""


def t1_instant(text: object, where: str, zone: tzinfo, *, naive: bool) -> datetime | Finding:
    """T1: a stamp is an instant; without an offset it is of the site's zone, if there that time comes exactly once."""
    if not isinstance(text, str) or not _STAMP.fullmatch(text):
        return Finding(where, Code.MALFORMED, "a time of ISO 8601 is expected")
    try:
        stamp = datetime.fromisoformat(text)
        if stamp.year not in _YEARS:
            return Finding(where, Code.MALFORMED, "no year of ours")
        if stamp.tzinfo is not None:
            return stamp.astimezone(UTC)
        if not naive:
            return Finding(where, Code.AMBIGUOUS_TIME, "the offset from UTC is missing")
        first, second = (stamp.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            return Finding(where, Code.AMBIGUOUS_TIME, "that day this time comes twice, or not at all: give the offset")
        return first.astimezone(UTC)
    except ValueError:
        return Finding(where, Code.MALFORMED, "there is no such time")


def t2_slots(slots: Sequence[tuple[datetime, datetime]], where: str = "/power") -> Iterator[Finding]:
    """T2: one slot or more, of whole seconds, each ends after it starts, sorted, none over another."""
    if not slots:
        yield Finding(where, Code.MALFORMED, "there is no slot")
    for i, (start, end) in enumerate(slots):
        if start >= end:
            yield Finding(f"{where}/{i}/end", Code.MALFORMED, "the end is not after the start")
        for name, instant in (("start", start), ("end", end)):
            if instant.microsecond:
                yield Finding(f"{where}/{i}/{name}", Code.MALFORMED, "whole seconds are expected")
    for i, (before, after) in enumerate(pairwise(slots), 1):
        if after[0] < before[1]:
            yield Finding(f"{where}/{i}/start", Code.MALFORMED, "not after the slot before")


def t2_gaps(power: Series[Decimal], potential: Potential) -> Iterator[Finding]:
    """T2: gaps between slots only where the asset allows them, and only if it can recover in them (T9)."""
    for i, (before, after) in enumerate(pairwise(power), 1):
        gap = after.start - before.end
        if gap > _NONE and not potential.gaps:
            yield Finding(pointer("power", i, "start"), Code.OUTSIDE_PERIOD, "the asset allows no gap before this slot")
        elif _NONE < gap < potential.recovery:
            detail = f"the asset needs {_seconds(potential.recovery)} s of recovery before this slot"
            yield Finding(pointer("power", i, "start"), Code.OUTSIDE_PERIOD, detail)


def t3_dmo(start: datetime, delay: timedelta, now: datetime) -> Iterator[Finding]:
    """T3: from now to the first start is the mobilization delay, or more."""
    if now + delay > start:
        detail = f"{_seconds(start - now)} s ahead; the asset needs {_seconds(delay)} s"
        yield Finding(pointer("power", 0, "start"), Code.DMO_VIOLATED, detail)


def t4_duration(power: Series[Decimal], potential: Potential) -> Iterator[Finding]:
    """T4: no stretch of touching slots is longer than the max duration."""
    most = potential.max_duration
    for run in blocks(power):
        if most is not None and run.length > most:
            detail = f"{_seconds(run.length)} s on end; the asset can {_seconds(most)} s"
            yield Finding("/power", Code.MAX_DURATION_EXCEEDED, detail)


def t5_activations(
    power: Series[Decimal], potential: Potential, taken: Sequence[Taken], zone: tzinfo
) -> Iterator[Finding]:
    """T5: on no day of the site's calendar, of 23, 24 or 25 hours, do more activations start than it has."""
    most = potential.activations_per_day
    if most is None:
        return
    days = starts_per_day([power], zone)
    before = starts_per_day([one.power for one in taken if one.counted], zone)
    for day, starts in days.items():
        if before.get(day, 0) + starts > most:
            detail = f"{before.get(day, 0)} of {most} activations of {day} are taken"
            yield Finding("/power", Code.QUOTA_EXHAUSTED, detail)


def t6_periods(power: Series[Decimal], potential: Potential) -> Iterator[Finding]:
    """T6: each slot lies inside one time period; bounds may touch."""
    periods = potential.time_periods
    for i, slot in enumerate(power):
        if periods and not any(period.start <= slot.start and slot.end <= period.end for period in periods):
            yield Finding(pointer("power", i), Code.OUTSIDE_PERIOD, "not inside one time period of the asset")


def t7_power(power: Series[Decimal], most: Decimal, where: str = "/power") -> Iterator[Finding]:
    """T7: each slot asks for more than nothing, and for no more than the potential."""
    for i, slot in enumerate(power):
        if not _ZERO < slot.value <= most:
            yield Finding(f"{where}/{i}/power", Code.POWER_EXCEEDED, f"{slot.value:f} W; the asset has {most:f} W")


def t8_overlap(
    request: Request, asset: Asset, taken: Sequence[Taken], assets: Mapping[str, Asset]
) -> Iterator[Finding]:
    """T8: an asset serves one request at a time; an asset and its parts share the budget of the whole."""
    family = {one for one in assets if _root(one, assets) == _root(asset.id, assets)}
    others = [one for one in taken if one.held and one.asset_id in family]
    budget = budget_of(assets.get(_root(asset.id, assets), asset), request.direction)
    for i, slot in enumerate(request.power):
        over = [one for one in others if len(one.power.between(slot.start, slot.end))]
        where = pointer("power", i)
        if any(one.asset_id == asset.id for one in over):
            yield Finding(where, Code.OVERLAP, "the asset is promised then")
        elif any(one.direction is not request.direction for one in over):
            yield Finding(where, Code.OVERLAP, "what the asset is a part of changes the other way then")
        elif over and (used := _peak(over, slot)) + slot.value > budget:
            detail = f"{used:f} W of {budget:f} W of the whole are promised then"
            yield Finding(where, Code.OVERLAP, detail)


def t9_recovery(request: Request, asset: Asset, recovery: timedelta, taken: Sequence[Taken]) -> Iterator[Finding]:
    """T9: the recovery time lies between any two activations of an asset."""
    if recovery <= _NONE:
        return
    own = blocks(request.power)
    others = (block for one in taken if one.held and one.asset_id == asset.id for block in blocks(one.power))
    if any(_near(block, other, recovery) for other in others for block in own):
        detail = f"{_seconds(recovery)} s of recovery are needed between two activations"
        yield Finding(pointer("power", 0, "start"), Code.OVERLAP, detail)


def t10_expiry(wanted: datetime, start: datetime, delay: timedelta) -> datetime:
    """T10: an offer expires when it can no longer be prepared, or before."""
    return min(wanted, start - delay)


def t11_past(request: Request, now: datetime) -> Iterator[Finding]:
    """T11: a request does not start in the past; two seconds of difference between clocks are allowed."""
    if request.start < now - SKEW:
        yield Finding(pointer("power", 0, "start"), Code.TOO_SOON, "that is past")


def t12_left(end: datetime, now: datetime, planned: timedelta, ran: timedelta) -> timedelta:
    """T12: a running activation has left what the clock says, but never more than it was planned for and has not run.

    `ran` is by a monotonic clock: so a clock that is set back does not lengthen it.
    """
    return max(_NONE, min(end - now, planned - ran))


def blocks(power: Series[Decimal]) -> tuple[Stretch, ...]:
    """Return the activations of a request: its stretches without a gap."""
    return power.runs(lambda _: True)


def starts_per_day(powers: Sequence[Series[Decimal]], zone: tzinfo) -> Mapping[date, int]:
    """Count the activations that start on each day of the site's calendar."""
    found: dict[date, int] = {}
    for power in powers:
        for run in blocks(power):
            day = run.start.astimezone(zone).date()
            found[day] = found.get(day, 0) + 1
    return found


def budget_of(asset: Asset, direction: Direction) -> Decimal:
    """Return what an asset and its parts can give together (W)."""
    return max((one.power for one in asset.potentials if one.direction is direction), default=_ZERO)


def _near(one: Stretch, other: Stretch, recovery: timedelta) -> bool:
    """Tell whether two activations come one after the other without a time of recovery between them."""
    first, second = sorted((one, other), key=lambda block: block.start)
    return first.end <= second.start < first.end + recovery


def _root(asset_id: str, assets: Mapping[str, Asset]) -> str:
    """Return the asset that one is in the end a part of; a circle of parents ends where it closes."""
    passed = [asset_id]
    while (asset := assets.get(passed[-1])) is not None and (parent := asset.parent) is not None:
        if parent not in assets or parent in passed:
            break
        passed.append(parent)
    return passed[-1]


def _peak(taken: Sequence[Taken], stretch: Stretch) -> Decimal:
    """Return the most that is promised at once during a stretch: the sum can only rise where a slot starts."""
    edges = {max(slot.start, stretch.start) for one in taken for slot in one.power.between(stretch.start, stretch.end)}
    sums = (sum((slot.value for one in taken if (slot := one.power.at(edge)) is not None), _ZERO) for edge in edges)
    return max(sums, default=_ZERO)


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}"
