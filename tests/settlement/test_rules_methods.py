"""The rules and decisions of docs/settlement.md that are about references."""

from datetime import date, timedelta
from typing import Any, cast

from homes import DAY, DOWN, FACTS, PARIS, UP, at, curve, examples, flat, order, with_examples
import pytest

from custom_components.flex_ready.settlement.facts import days_before
from custom_components.flex_ready.settlement.methods import Choice, Method
from custom_components.flex_ready.settlement.model import STEP, steps
from custom_components.flex_ready.settlement.realised import realised
from custom_components.flex_ready.slots import Stretch

SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 3)


@with_examples
def test_r10_direction() -> None:
    """What was realised is the reference less the measured of the net withdrawal, in the direction of the order."""
    for case in cast("dict[str, Any]", examples()["N_direction"])["cases"]:
        one = order(PLAIN, "18:00", "18:30", UP if case["order"] == "hausse" else DOWN)
        load = curve(
            {
                at(PLAIN, "17:30"): case["net_withdrawal_reference_kw"] * 500,
                at(PLAIN, "18:00"): case["net_withdrawal_measured_kw"] * 500,
            }
        )
        [row] = realised(one, Choice(method=Method.RECTANGLE_SIMPLE), FACTS, [load])
        assert row.realised_wh == case["realised_kwh_30min"] * 1000


def test_r10_the_double_reference_is_the_less_favourable() -> None:
    """The least of both windows for a reduction, the most for an increase; also of a site that injects."""
    load = curve({at(PLAIN, "17:30"): -900, at(PLAIN, "18:00"): -1000, at(PLAIN, "18:30"): -700})
    choice = Choice(method=Method.DOUBLE_REFERENCE)
    [reduced] = realised(order(PLAIN, "18:00", "18:30", UP), choice, FACTS, [load])
    [increased] = realised(order(PLAIN, "18:00", "18:30", DOWN), choice, FACTS, [load])
    assert [reduced.reference_wh, increased.reference_wh] == [-900, -700]
    assert [reduced.realised_wh, increased.realised_wh] == [100, -300]


def test_r26_the_ramp_is_not_controlled() -> None:
    """Neither the mobilisation nor what follows the activation is in a volume, nor in the reference before both."""
    one = order(PLAIN, "18:00", "19:00")
    readings = flat(at(PLAIN, "00:00"), 1) | dict.fromkeys(one.steps, 300)
    choice = Choice(method=Method.RECTANGLE_SIMPLE, dmo=timedelta(minutes=60))
    rows = realised(one, choice, FACTS, [curve(readings)])
    assert [row.step for row in rows] == [at(PLAIN, "18:00"), at(PLAIN, "18:30")]
    assert [row.realised_wh for row in rows] == [700, 700]
    ramp = dict.fromkeys((at(PLAIN, clock) for clock in ("17:00", "17:30", "19:00", "19:30")), 0)
    assert realised(one, choice, FACTS, [curve(readings | ramp)]) == rows


@pytest.mark.parametrize(("day", "count"), [(PLAIN, 6), (SPRING, 4), (AUTUMN, 8)])
def test_d05_an_order_where_the_clock_is_changed(day: date, count: int) -> None:
    """From one to four, the order has as many half-hours as there are, and a history finds each of them."""
    one = order(day, "01:00", "04:00")
    assert len(one.steps) == count
    load = curve(flat(at(day - 12 * DAY, "00:00"), 14))
    for method in (Method.MOY10J, Method.MED10J, Method.DOUBLE_REFERENCE, Method.RECTANGLE_SIMPLE):
        rows = realised(one, Choice(method=method), FACTS, [load])
        assert [row.step for row in rows] == [*one.steps]
        assert [row.reference_wh for row in rows] == [1000] * count
        assert [row.realised_wh for row in rows] == [0] * count


def test_d05_history_is_by_the_local_clock() -> None:
    """A load that rises at seven by the clock has a reference that rises at seven, also after the clock was changed."""
    for day in (SPRING + DAY, AUTUMN + DAY):
        readings = flat(at(day - 12 * DAY, "00:00"), 14)
        readings = {step: 5000 if step.astimezone(PARIS).hour >= 7 else 100 for step in readings}
        rows = realised(order(day, "06:00", "08:00"), Choice(method=Method.MOY10J), FACTS, [curve(readings)])
        assert [row.reference_wh for row in rows] == [100, 100, 5000, 5000]


def test_d05_an_hour_that_does_not_come() -> None:
    """From two to three there is nothing in the night of March."""
    assert [days_before(at(SPRING + DAY, clock), 1, PARIS) for clock in ("02:00", "02:30")] == [None, None]
    assert at(SPRING, "02:00") == at(SPRING, "03:00")


@pytest.mark.parametrize(("day", "halves"), [(PLAIN, 48), (SPRING, 46), (AUTUMN, 50)])
def test_d06_half_hours_of_a_day(day: date, halves: int) -> None:
    """They are 46, 48 or 50, of ten minutes three times as many; never 36."""
    whole = Stretch(at(day, "00:00"), at(day + DAY, "00:00"))
    assert len([*steps(whole)]) == halves
    assert len([*steps(whole, STEP / 3)]) == 3 * halves
