"""What a site or an entity realised in an activation, from load curves in memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from .facts import Facts
from .load_curve import LoadCurve
from .methods import Choice, Method, plan
from .model import Order, Quality, Reading
from .reference import Plan, Rule, Window, reference_wh
from .sufficiency import Lack, Sufficiency, sufficiency


@dataclass(frozen=True, slots=True)
class Realised:
    """One half-hour of an activation (Wh)."""

    step: datetime
    reference_wh: Fraction | None
    """None: it cannot be told."""
    measured_wh: int | None
    """None: it is missing."""
    realised_wh: Fraction | None
    """In the direction of the order, raw: negative is the wrong way (D1)."""
    basis: Sufficiency
    """Of the reference: where several sites are added up, of the first that lacks something."""
    complete: bool = True
    """Whether the reading and the reference of every site count in it (D9)."""


def summed(curves: Sequence[LoadCurve]) -> LoadCurve:
    """Add up the curves of sites: what one of them lacks is missing, what is not measured of all is estimated."""
    if len(curves) == 1:
        return curves[0]
    common: set[datetime] = set.intersection(*(set(curve.readings) for curve in curves)) if curves else set()
    return LoadCurve({step: _sum(curve.at(step) for curve in curves) for step in common})


def units(method: Method, sites: Sequence[LoadCurve]) -> tuple[LoadCurve, ...]:
    """Return the curves that have a reference each: of the sites, or the one of them all."""
    return tuple(sites) if method.each_site else (summed(sites),)


def realised(order: Order, choice: Choice, facts: Facts, curves: Sequence[LoadCurve]) -> tuple[Realised, ...]:
    """Evaluate an order over units (see `units`), step by step; a unit without a volume leaves the sum incomplete."""
    rows = [_of_unit(order, choice, facts, curve) for curve in curves]
    return tuple(rows[0] if len(rows) == 1 else map(_added, zip(*rows, strict=True)))


def each_realised(
    order: Order, made: Plan, curves: Mapping[str, LoadCurve]
) -> Mapping[datetime, Mapping[str, Fraction]]:
    """Return what each site of an entity realised by the entity's plan, in the half-hours where all can be told.

    Of several sites it cannot where a forecast is given: that is of them together.
    """
    if made.rule is Rule.GIVEN and len(curves) > 1:
        return {}
    found = {}
    for step in order.steps:
        each = {site: _raw(order, _reference(made, step, curve), curve.wh(step)) for site, curve in curves.items()}
        known = {site: raw for site, raw in each.items() if raw is not None}
        if len(known) == len(each):
            found[step] = known
    return found


def references(order: Order, choice: Choice, facts: Facts, curves: Sequence[LoadCurve]) -> Mapping[datetime, Fraction]:
    """Return the reference of all units together (Wh) in the half-hours where it can be told while the order runs.

    What follows is not known then: where a method takes it, what came before stands for it.
    """
    made = [(plan(order, choice, facts, _lacks(curve)), curve) for curve in curves]
    found = {}
    for step in order.steps:
        each = [
            reference_wh(one, step, [curve.total(window) for window in _before(one.windows.get(step, ()), order)])
            for one, curve in made
        ]
        known = [reference for reference in each if reference is not None]
        if 0 < len(known) == len(each):
            found[step] = sum(known, Fraction())
    return found


def _before(windows: Sequence[Window], order: Order) -> list[Window]:
    return [window for window in windows if not window or window[0] < order.start]


def _of_unit(order: Order, choice: Choice, facts: Facts, curve: LoadCurve) -> list[Realised]:
    made = plan(order, choice, facts, _lacks(curve))
    basis = sufficiency(order, made, curve)
    rows = []
    for step in order.steps:
        reference, measured = _reference(made, step, curve), curve.wh(step)
        raw = _raw(order, reference, measured)
        rows.append(Realised(step, reference, measured, raw, basis[step], raw is not None))
    return rows


def _reference(made: Plan, step: datetime, curve: LoadCurve) -> Fraction | None:
    return reference_wh(made, step, [curve.total(window) for window in made.windows.get(step, ())])


def _raw(order: Order, reference: Fraction | None, measured: int | None) -> Fraction | None:
    return None if reference is None or measured is None else order.direction.sign * (reference - measured)


def _lacks(curve: LoadCurve) -> Callable[[datetime], bool]:
    return lambda step: curve.wh(step) is None


def _added(sites: tuple[Realised, ...]) -> Realised:
    """Add up the same step of several sites, of those that have a volume; what each realised may be negative."""
    told = [site for site in sites if site.complete]
    lacking = (site.basis for site in sites if site.basis.lack is not Lack.NOTHING)
    return Realised(
        sites[0].step,
        _total(site.reference_wh for site in told),
        sum(site.measured_wh or 0 for site in told) if told else None,
        _total(site.realised_wh for site in told),
        next(lacking, Sufficiency()),
        len(told) == len(sites),
    )


def _total(amounts: Iterable[Fraction | None]) -> Fraction | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Fraction()) if known else None


def _sum(readings: Iterable[Reading]) -> Reading:
    total, quality = 0, Quality.MEASURED
    for reading in readings:
        if reading.wh is None:
            return Reading(None, Quality.MISSING)
        total += reading.wh
        if reading.quality is not Quality.MEASURED:
            quality = Quality.ESTIMATED
    return Reading(total, quality)
