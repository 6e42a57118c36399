"""The reference methods against worked numbers: those of the examples, and those of docs/settlement.md."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from homes import DOWN, FACTS, UP, at, curve, examples, flat, order, with_examples
import pytest

from custom_components.flex_ready.settlement.facts import Facts
from custom_components.flex_ready.settlement.forecast import Forecast, Said
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.methods import Choice, Method, plan
from custom_components.flex_ready.settlement.model import Order, Quality, Reading
from custom_components.flex_ready.settlement.realised import Realised, realised, summed, units
from custom_components.flex_ready.settlement.rectangle import around, before_mobilization, mobilization
from custom_components.flex_ready.settlement.sufficiency import Lack, sufficiency

WINTER = date(2026, 1, 14)
KW = 500
"""Wh of a kW for half an hour."""


def minutes(number: int) -> timedelta:
    """Return some minutes."""
    return timedelta(minutes=number)


def j() -> dict[str, Any]:
    """Return the worked numbers of the methods."""
    return cast("dict[str, Any]", examples()["J_french_baselines"])


def of(one: Order, method: Method, *sites: LoadCurve, facts: Facts = FACTS, dmo: int = 0) -> tuple[Realised, ...]:
    """Evaluate an order of sites by a method."""
    return realised(one, Choice(method=method, dmo=minutes(dmo)), facts, units(method, sites))


def of_day(values: dict[str, float]) -> LoadCurve:
    """Return the curve of a day that is told in kW by the clock."""
    return curve({at(WINTER, clock): int(kw * KW) for clock, kw in values.items()})


@with_examples
def test_simple_rectangle() -> None:
    """Its window lies before the mobilisation, on whole half-hours."""
    for case in j()["rect_simple"]:
        one = order(WINTER, case["start"], case["end"])
        assert before_mobilization(one, minutes(case["dmo_min"])) == (at(WINTER, case["window"][0]),)
        rows = of(one, Method.RECTANGLE_SIMPLE, of_day(j()["curve_kw"]), dmo=case["dmo_min"])
        assert {row.reference_wh for row in rows} == {case["reference_kw"] * KW}
        assert [row.realised_wh for row in rows] == [kwh * 1000 for kwh in case["realised_kwh"]]


@with_examples
def test_double_reference() -> None:
    """It is the less favourable of both windows, which are 2 h long at most."""
    for case in j()["rect_double"]:
        one = order(WINTER, case["start"], case["end"], UP if case["sign"].startswith("+1") else DOWN)
        before, after = around(one)
        assert {len(before), len(after)} == {case["window_h"] * 2}
        load = of_day(j()["curve_kw"])
        assert load.total(before).mean == case["before_kw"] * KW
        assert load.total(after).mean == case["after_kw"] * KW
        rows = of(one, Method.DOUBLE_REFERENCE, load)
        assert {row.reference_wh for row in rows} == {case["reference_kw"] * KW}
        floored = [max(row.realised_wh or 0, 0) for row in rows]
        assert floored == [kwh * 1000 for kwh in case["realised_kwh_oriented_floored"]]


@with_examples
def test_sites_are_added_up_with_their_signs() -> None:
    """A site that went the wrong way counts against the others."""
    told = j()["algebraic_site_to_site"]
    sites = [
        curve(flat(at(WINTER, "17:00"), 1, 500_000) | {at(WINTER, "18:00"): 500_000 - int(kwh * 1000)})
        for kwh in told["site_realised_kwh"].values()
    ]
    [row] = of(order(WINTER, "18:00", "18:30"), Method.SITE_BY_SITE, *sites)
    assert row.realised_wh == told["algebraic_sum"] * 1000


@with_examples
def test_entities_stay_negative() -> None:
    """What the entities of a perimeter realised is to be added up raw."""
    [case] = cast("list[dict[str, Any]]", examples()["D_entities"])
    rows = [
        of(
            order(WINTER, "18:00", "18:30"),
            Method.RECTANGLE_SIMPLE,
            curve({at(WINTER, "17:30"): 500_000, at(WINTER, "18:00"): 500_000 - wh}),
        )[0]
        for wh in case["entities_realised_wh"].values()
    ]
    assert [row.realised_wh for row in rows] == [*case["entities_realised_wh"].values()]
    assert sum(row.realised_wh or 0 for row in rows) == case["perimeter_realised_wh_sum_of_entities"]


@with_examples
def test_an_order_that_follows_closely() -> None:
    """It has the reference of the one before."""
    told = j()["successive_orders_dmo_extension"]
    first, second = order(WINTER, "10:00", "11:00"), order(WINTER, "11:30", "12:00")
    extended = mobilization(second, minutes(30), [first])
    assert extended == minutes(told["dmo2_extended_min"])
    assert before_mobilization(second, extended) == (at(WINTER, told["reference_window_2"][0]),)
    assert before_mobilization(first, minutes(30)) == (at(WINTER, told["reference_window_1"][0]),)


def test_orders_in_a_row() -> None:
    """A third has the reference of the first too; one that leaves half an hour has its own; later ones do not count."""
    first, second, third = (
        order(WINTER, *times) for times in (("10:00", "11:00"), ("11:30", "12:00"), ("12:30", "13:00"))
    )
    assert mobilization(third, minutes(30), [second, first]) == minutes(180)
    assert mobilization(third, minutes(30), [first]) == minutes(30)
    assert mobilization(order(WINTER, "12:00", "12:30"), minutes(30), [first]) == minutes(30)
    assert mobilization(first, minutes(30), [second, third]) == minutes(30)
    made = plan(
        third, Choice(method=Method.RECTANGLE_SIMPLE, dmo=minutes(30)), replace(FACTS, earlier=(first, second)), never
    )
    assert made.windows[at(WINTER, "12:30")] == ((at(WINTER, "09:00"),),)


def test_off_the_half_hours() -> None:
    """No reading that the activation touches is in a window; the windows are at least as long as it."""
    before, after = around(order(WINTER, "18:10", "19:40"))
    assert (before[0], before[-1]) == (at(WINTER, "16:30"), at(WINTER, "17:30"))
    assert (after[0], after[-1]) == (at(WINTER, "20:00"), at(WINTER, "21:00"))
    before, after = around(order(WINTER, "18:00", "18:45"))
    assert (before[0], after[-1]) == (at(WINTER, "17:00"), at(WINTER, "19:30"))
    assert before_mobilization(order(WINTER, "18:10", "19:00"), minutes(30)) == (at(WINTER, "17:00"),)


def test_other_activations_are_kept_apart() -> None:
    """What another touches, also in part, is in no window; if nothing is left, nothing is told."""
    one, other = order(WINTER, "18:00", "19:00"), order(WINTER, "17:45", "18:00")
    assert around(one, [other]) == ((at(WINTER, "17:00"),), (at(WINTER, "19:00"), at(WINTER, "19:30")))
    load = curve(flat(at(WINTER, "00:00"), 1))
    facts = replace(FACTS, apart=(order(WINTER, "16:00", "18:00"),))
    [row, _] = of(one, Method.DOUBLE_REFERENCE, load, facts=facts)
    assert (row.reference_wh, row.basis.lack) == (None, Lack.APART)


def test_rectangle_of_each_site() -> None:
    """The least of each is less than the least of their sum; either rectangle can be chosen, nothing else."""
    one = order(WINTER, "18:00", "18:30")
    morning, evening = (
        curve({at(WINTER, "17:30"): a, at(WINTER, "18:00"): 0, at(WINTER, "18:30"): b})
        for a, b in ((900, 100), (100, 900))
    )
    for method, rectangle, expected in (
        (Method.DOUBLE_REFERENCE, Method.DOUBLE_REFERENCE, 1000),
        (Method.SITE_BY_SITE, Method.DOUBLE_REFERENCE, 200),
        (Method.SITE_BY_SITE, Method.RECTANGLE_SIMPLE, 1000),
    ):
        choice = Choice(method=method, rectangle=rectangle)
        [row] = realised(one, choice, FACTS, units(method, (morning, evening)))
        assert row.reference_wh == expected
        assert (row.measured_wh, row.complete) == (0, True)
    with pytest.raises(ValueError, match="no rectangle: moy10j"):
        Choice(method=Method.SITE_BY_SITE, rectangle=Method.MOY10J)


def test_a_site_without_readings() -> None:
    """Site by site, the others count and the sum says that it is incomplete; of one entity, nothing can be told."""
    one = order(WINTER, "18:00", "18:30")
    whole, empty = curve(flat(at(WINTER, "00:00"), 1) | {at(WINTER, "18:00"): 400}), curve({})
    [row] = of(one, Method.SITE_BY_SITE, empty, whole)
    assert row.realised_wh == 600
    assert (row.measured_wh, row.complete) == (400, False)
    assert (row.basis.lack, row.basis.count, row.basis.last) == (Lack.READINGS, 2, at(WINTER, "18:30"))
    [row] = of(one, Method.DOUBLE_REFERENCE, empty, whole)
    assert (row.reference_wh, row.measured_wh, row.realised_wh, row.complete) == (None, None, None, False)
    [row] = of(one, Method.SITE_BY_SITE, empty, empty)
    assert (row.reference_wh, row.measured_wh, row.realised_wh, row.complete) == (None, None, None, False)


def test_sum_of_sites() -> None:
    """A half-hour is estimated if it is of one site, and missing if one has none."""
    first, second, third = (at(WINTER, clock) for clock in ("10:00", "10:30", "11:00"))
    measured = curve({first: 100, second: -30, third: 5})
    other = LoadCurve({first: Reading(1, Quality.ESTIMATED), second: Reading(2), third: Reading(None, Quality.MISSING)})
    total = summed([measured, other])
    assert [*total] == [
        (first, Reading(101, Quality.ESTIMATED)),
        (second, Reading(-28)),
        (third, Reading(None, Quality.MISSING)),
    ]
    assert summed([]).readings == {}


def test_forecast() -> None:
    """It is the reference as it was known when the order was given, if it covers the whole of it."""
    one = order(WINTER, "18:00", "19:00")
    before, late = one.ordered_at - minutes(1), one.ordered_at + timedelta(microseconds=1)
    first, second = one.steps
    said = {
        first: [Said(1_001, before), Said(1_000, one.ordered_at), Said(9_000, late)],
        second: [Said(900, before), Said(9_000, late)],
    }
    load = curve(flat(at(WINTER, "18:00"), 1, 500))
    rows = of(one, Method.FORECAST, load, facts=replace(FACTS, forecast=Forecast(said)))
    assert [row.realised_wh for row in rows] == [500, 400]
    for lacking in ({first: said[first]}, {**said, second: [Said(900, late)]}, {}):
        rows = of(one, Method.FORECAST, load, facts=replace(FACTS, forecast=Forecast(lacking)))
        assert [(row.reference_wh, row.basis.lack) for row in rows] == [(None, Lack.FORECAST)] * 2


def test_forecast_as_it_was_said() -> None:
    """What was said last by an instant, also where a clock was put back meanwhile."""
    noon = at(WINTER, "12:00")
    forecast = Forecast({noon: [Said(1, noon), Said(2, noon), Said(3, noon - minutes(5)), Said(4, noon + minutes(5))]})
    assert [forecast.known(noon, noon + minutes(late)) for late in (-6, -5, 0, 4, 5)] == [None, 3, 3, 3, 4]
    assert forecast.known(noon + minutes(30), noon + minutes(9)) is None


def never(_step: datetime) -> bool:
    """Nothing lacks."""
    return False


def test_readings_still_to_come() -> None:
    """The double reference can be told when the last half-hour after the activation is measured."""
    one = order(WINTER, "18:00", "19:00")
    load = curve({step: wh for step, wh in flat(at(WINTER, "00:00"), 1).items() if step < at(WINTER, "19:30")})
    made = plan(one, Choice(method=Method.DOUBLE_REFERENCE), FACTS, never)
    assert {(one.lack, one.count, one.last) for one in sufficiency(one, made, load).values()} == {
        (Lack.READINGS, 1, at(WINTER, "19:30"))
    }


def test_all_instants_are_utc() -> None:
    """As those of load curves, of which the readings are found by them."""
    one = order(WINTER, "18:00", "19:00")
    for method in Method:
        made = plan(one, Choice(method=method), FACTS, never)
        assert all(then.tzinfo is UTC for windows in made.windows.values() for window in windows for then in window)
