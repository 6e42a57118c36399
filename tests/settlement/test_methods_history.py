"""The methods by history: which days they take, and what becomes of them."""

from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any, cast

from homes import DAY, FACTS, UP, at, curve, examples, flat, order, with_examples
import pytest

from custom_components.flex_ready.settlement.facts import Facts
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.methods import Choice, Method, plan
from custom_components.flex_ready.settlement.model import STEP, Order
from custom_components.flex_ready.settlement.realised import Realised, realised
from custom_components.flex_ready.settlement.reference import Rule
from custom_components.flex_ready.settlement.sufficiency import Lack
from custom_components.flex_ready.slots import Stretch

WINTER = date(2026, 1, 14)
KW = 500
"""Wh of a kW for half an hour."""


def of(one: Order, method: Method, load: LoadCurve) -> tuple[Realised, ...]:
    """Evaluate an order by a method."""
    return realised(one, Choice(method=method), FACTS, [load])


def never(_step: datetime) -> bool:
    """Nothing lacks."""
    return False


@with_examples
def test_history() -> None:
    """Means and medians of the last ten days, and of the last four of the same weekday."""
    told = cast("dict[str, Any]", examples()["J_french_baselines"])["historical_18h00_kw"]
    one = order(WINTER, "18:00", "18:30")
    days = {at(WINTER - back * DAY, "18:00"): kw * KW for back, kw in enumerate(told["last_10_eligible_days"], 1)}
    weeks = {
        at(WINTER - 7 * back * DAY, "18:00"): kw * KW for back, kw in enumerate(told["same_weekday_last_4_weeks"], 1)
    }
    for method, readings, name in (
        (Method.MOY10J, days, "MOY10J"),
        (Method.MED10J, days, "MED10J"),
        (Method.MOY4S, weeks, "MOY4S"),
        (Method.MED4S, weeks, "MED4S"),
    ):
        [row] = of(one, method, curve({**readings, at(WINTER, "18:00"): 0}))
        assert row.reference_wh == row.realised_wh == told[name] * KW


def history(one: Order, method: Method, facts: Facts = FACTS) -> list[int]:
    """Return how many days before the order the days are that the reference of its first step is made of."""
    made = plan(one, Choice(method=method), facts, never)
    windows = made.windows[one.steps[0]]
    used = windows if made.rule is Rule.MEDIAN else windows[:1]
    return sorted((one.start - then) // DAY for window in used for then in window)


def test_days_that_are_not_eligible() -> None:
    """Earlier activations and unavailability are passed over, in days and in weeks."""
    one = order(WINTER, "18:00", "19:00")
    facts = replace(FACTS, not_eligible={WINTER - back * DAY for back in (1, 3, 7, 14)})
    for method in (Method.MOY10J, Method.MED10J):
        assert history(one, method) == [*range(1, 11)]
        assert history(one, method, facts) == [2, 4, 5, 6, 8, 9, 10, 11, 12, 13]
    for method in (Method.MOY4S, Method.MED4S):
        assert history(one, method) == [7, 14, 21, 28]
        assert history(one, method, facts)[0] == 21
    assert history(one, Method.TEN_OF_TEN) == [1, 2, 5, 6, 7, 8, 9, 12, 13, 14], "a Wednesday: no weekend"
    new_year = replace(FACTS, holidays={date(2026, 1, 1)})
    assert history(one, Method.TEN_OF_TEN, new_year) == [1, 2, 5, 6, 7, 8, 9, 12, 14, 15]
    assert history(order(date(2026, 1, 18), "18:00", "19:00"), Method.TEN_OF_TEN)[:3] == [1, 7, 8], "a Sunday"


def test_over_midnight() -> None:
    """A day is not eligible if the order would touch one that is not; it never meets itself."""
    one = Order(
        at(WINTER, "23:30"), at(WINTER + DAY, "00:30"), id="", ordered_at=at(WINTER, "0000"), power_w=1, direction=UP
    )
    facts = replace(FACTS, not_eligible={WINTER - 2 * DAY})
    made = plan(one, Choice(method=Method.MOY10J), facts, never)
    for step in one.steps:
        [window] = made.windows[step]
        assert [(step - then) // DAY for then in reversed(window)] == [1, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    long = replace(one, end=one.start + 2 * DAY)
    made = plan(long, Choice(method=Method.MOY10J), FACTS, never)
    assert all(then < long.start for windows in made.windows.values() for then in windows[0])
    assert all(len(windows[0]) == 10 for windows in made.windows.values())


def test_days_without_readings() -> None:
    """They are passed over, or else there is no reference: a setting."""
    one = order(WINTER, "18:00", "19:00")
    readings = flat(at(WINTER - 20 * DAY, "00:00"), 20)
    del readings[at(WINTER - 2 * DAY, "18:30")]
    load = curve(readings)
    skip, strict = (Choice(method=Method.MOY10J, skip_days_without_readings=one_way) for one_way in (True, False))
    row, _ = realised(one, skip, FACTS, [load])
    assert row.reference_wh == 1000
    assert not row.complete, "the activation itself is not measured"
    first, second = realised(one, strict, FACTS, [load])
    assert first.reference_wh == 1000
    assert second.reference_wh is None
    assert (second.basis.lack, second.basis.count) == (Lack.READINGS, 1)


def test_too_few_days() -> None:
    """How many lack is told; the search ends after 52 weeks."""
    one = order(WINTER, "18:00", "18:30")
    [row] = of(one, Method.MOY10J, curve(flat(at(WINTER - 7 * DAY, "00:00"), 8)))
    assert (row.reference_wh, row.basis.lack, row.basis.count) == (None, Lack.DAYS, 3)
    [row] = of(one, Method.MED4S, curve(flat(at(WINTER - 7 * DAY, "00:00"), 8)))
    assert (row.basis.lack, row.basis.count) == (Lack.DAYS, 3)
    for back, lack in ((365, Lack.NOTHING), (366, Lack.DAYS)):
        nine = {at(WINTER - day * DAY, "18:00"): 5 for day in (*range(1, 10), back)}
        [row] = of(one, Method.MOY10J, curve(nine))
        assert row.basis.lack is lack


@pytest.mark.parametrize(("today", "factor"), [(1100, "11/10"), (2000, "6/5"), (100, "4/5"), (0, "4/5"), (1000, "1")])
def test_ten_of_ten(today: int, factor: str) -> None:
    """The mean of ten days, by what the hours from four to one before are to theirs, within 80 and 120 %."""
    one = order(WINTER, "18:00", "19:00")
    readings = flat(at(WINTER - 20 * DAY, "00:00"), 22)
    readings |= {at(WINTER, "14:00") + number * STEP: today for number in range(6)}
    readings |= {at(WINTER, "17:00"): 9999, at(WINTER, "17:30"): 9999, at(WINTER, "13:30"): 9999}
    readings |= {at(WINTER - back * DAY, "18:30"): 500 for back in range(1, 20)}
    rows = of(one, Method.TEN_OF_TEN, curve(readings))
    assert [row.reference_wh for row in rows] == [1000 * Fraction(factor), 500 * Fraction(factor)]
    made = plan(one, Choice(method=Method.TEN_OF_TEN), FACTS, never)
    assert made.rule is Rule.ADJUSTED
    assert [len(window) for window in made.windows[one.steps[1]]] == [10, 6, 60]


def test_ten_of_ten_after_other_orders() -> None:
    """No half-hour of another activation adjusts it; one in a row of them is adjusted as the first of the row is."""
    first, second = order(WINTER, "16:00", "18:00"), order(WINTER, "18:00", "19:00")
    row = Stretch(first.start, second.end)
    choice = Choice(method=Method.TEN_OF_TEN)
    made = plan(second, choice, replace(FACTS, whole=row, earlier=(first,)), never)
    assert made.windows[second.start][1] == plan(first, choice, FACTS, never).windows[first.start][1]
    apart = plan(second, choice, replace(FACTS, earlier=(order(WINTER, "14:15", "15:30"),)), never)
    assert apart.windows[second.start][1] == (at(WINTER, "15:30"), at(WINTER, "16:00"), at(WINTER, "16:30"))
    readings = curve(flat(at(WINTER - 20 * DAY, "00:00"), 22))
    long = replace(FACTS, earlier=(order(WINTER, "12:00", "17:00"),))
    whole, _ = realised(second, choice, long, [readings])
    assert (whole.reference_wh, whole.basis.lack) == (None, Lack.APART)
