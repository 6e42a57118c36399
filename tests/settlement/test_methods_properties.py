"""What holds of every reference method, whatever the readings."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from random import Random

from homes import DAY, DOWN, FACTS, PARIS, UP, at, curve, order
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.settlement.facts import days_before, local_day
from custom_components.flex_ready.settlement.methods import Choice, Method, plan
from custom_components.flex_ready.settlement.model import STEP, Order
from custom_components.flex_ready.settlement.realised import realised

BASED = [method for method in Method if method is not Method.FORECAST]
WEEK = timedelta(days=7)
LATE = date(2026, 3, 10)
"""Six weeks before it, the clock was not changed yet."""
DAYS = st.sampled_from([LATE, date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25), date(2026, 10, 27)])
CLOCKS = st.integers(0, 47).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}")


def noise(seed: int, day: date, least: int = 0) -> dict[datetime, int]:
    """Return random readings of the weeks around a day."""
    dice, start = Random(seed), at(day - 40 * DAY, "00:00")
    return {start + number * STEP: dice.randint(least, 4000) for number in range(48 * 42)}


def references(one: Order, method: Method, readings: Mapping[datetime, int]) -> list[Fraction | None]:
    """Return those of all steps."""
    return [row.reference_wh for row in realised(one, Choice(method=method), FACTS, [curve(readings)])]


@st.composite
def orders(draw: st.DrawFn, days: st.SearchStrategy[date] = DAYS) -> Order:
    """Draw an order of up to 4 h."""
    begin = at(draw(days), draw(CLOCKS))
    end = begin + draw(st.integers(1, 8)) * STEP
    return Order(begin, end, id="", ordered_at=begin, power_w=1, direction=draw(st.sampled_from([UP, DOWN])))


@settings(max_examples=60, deadline=None)
@given(one=orders(), method=st.sampled_from(BASED), seed=st.integers(0, 99))
def test_between_the_readings(one: Order, method: Method, seed: int) -> None:
    """A reference lies between the least and the most of what it is made of; adjusted, within 80 and 120 % of that."""
    readings = noise(seed, local_day(one.start, PARIS))
    windows = plan(one, Choice(method=method), FACTS, lambda step: step not in readings).windows
    for step, reference in zip(one.steps, references(one, method, readings), strict=True):
        assert reference is not None
        if method is Method.TEN_OF_TEN:
            base = Fraction(sum(readings[then] for then in windows[step][0]), 10)
            assert base * Fraction(4, 5) <= reference <= base * Fraction(6, 5)
        else:
            used = [readings[then] for window in windows[step] for then in window]
            assert min(used) <= reference <= max(used)


@settings(max_examples=60, deadline=None)
@given(one=orders(), method=st.sampled_from(BASED), seed=st.integers(0, 99))
def test_nothing_of_the_activation_is_in_it(one: Order, method: Method, seed: int) -> None:
    """What was drawn during the activation changes no reference."""
    readings = noise(seed, local_day(one.start, PARIS))
    assert references(one, method, readings) == references(one, method, readings | dict.fromkeys(one.steps, 0))


@settings(max_examples=40, deadline=None)
@given(one=orders(st.just(LATE)), method=st.sampled_from(BASED), seed=st.integers(0, 99), wh=st.integers(-5000, 5000))
def test_shifted(one: Order, method: Method, seed: int, wh: int) -> None:
    """A week earlier all is the same; more of everything is more of the reference, and twice is twice."""
    readings = noise(seed, LATE)
    before = {step - WEEK: value for step, value in readings.items()}
    earlier = Order(one.start - WEEK, one.end - WEEK, id="", ordered_at=one.start, power_w=1, direction=one.direction)
    known = references(one, method, readings)
    assert references(earlier, method, before) == known
    assert references(one, method, {step: 2 * value for step, value in readings.items()}) == [
        2 * (reference or 0) for reference in known
    ]
    if method is not Method.TEN_OF_TEN:
        more = {step: value + wh for step, value in readings.items()}
        assert references(one, method, more) == [(reference or 0) + wh for reference in known]


@settings(max_examples=30, deadline=None)
@given(
    one=orders(st.just(LATE)).filter(lambda one: local_day(one.end - STEP, PARIS) == LATE),
    method=st.sampled_from([Method.MOY10J, Method.MED10J, Method.MOY4S, Method.MED4S]),
    seed=st.integers(0, 99),
    shuffled=st.permutations(range(1, 11)),
)
def test_order_of_days(one: Order, method: Method, seed: int, shuffled: list[int]) -> None:
    """Which of its days is which does not matter to a history."""
    readings = noise(seed, LATE)
    stride = 7 if method in (Method.MOY4S, Method.MED4S) else 1
    places = [back for back in shuffled if stride == 1 or back <= 4]
    mixed = {
        step - stride * (place + 1) * DAY: readings[step - stride * back * DAY]
        for step in one.steps
        for place, back in enumerate(places)
    }
    assert references(one, method, readings | mixed) == references(one, method, readings)


@pytest.mark.parametrize("method", [Method.MOY10J, Method.MED10J, Method.MOY4S, Method.MED4S])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_local_clock(method: Method, data: st.DataObject) -> None:
    """Each reading is of the same time of the clock, on a day of its own, and of the same weekday where that counts."""
    one = data.draw(orders())
    weekly = method in (Method.MOY4S, Method.MED4S)
    made = plan(one, Choice(method=method), FACTS, lambda _: False)
    for step in one.steps:
        then = [there.astimezone(PARIS) for window in made.windows[step] for there in window]
        here = step.astimezone(PARIS)
        assert {there.time() for there in then} == {here.time()}
        assert len({there.date() for there in then}) == (4 if weekly else 10)
        assert not weekly or {there.weekday() for there in then} == {here.weekday()}
        assert all(there.fold == 0 for there in then)


def test_days_before() -> None:
    """A time that is skipped is not there; of one that comes twice, the first is; both come from one time."""
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert days_before(at(spring + DAY, "02:30"), 1, PARIS) is None
    assert days_before(at(spring + DAY, "03:00"), 1, PARIS) == at(spring, "03:00")
    assert days_before(at(spring + DAY, "02:30"), 2, PARIS) == at(spring - DAY, "02:30")
    assert (
        days_before(at(autumn + DAY, "02:30"), 1, PARIS) == at(autumn, "02:30", fold=0) != at(autumn, "02:30", fold=1)
    )
    for fold in (0, 1):
        assert days_before(at(autumn, "02:30", fold), 1, PARIS) == at(autumn - DAY, "02:30")


def test_the_night_of_march() -> None:
    """On the day after, only the hour that was skipped is sought a day earlier."""
    one = order(date(2026, 3, 30), "01:30", "03:30")
    made = plan(one, Choice(method=Method.MOY10J), FACTS, lambda _: False)
    last = [max(made.windows[step][0]).astimezone(PARIS).day for step in one.steps]
    assert last == [29, 28, 28, 29]


def test_the_night_of_october() -> None:
    """Both hours of the same name have the reference of that name."""
    day = date(2026, 10, 25)
    one = Order(at(day, "02:00"), at(day, "03:00"), id="", ordered_at=at(day, "00:00"), power_w=1, direction=UP)
    assert len(one.steps) == 4
    made = plan(one, Choice(method=Method.MOY10J), FACTS, lambda _: False)
    first, second, third, fourth = (made.windows[step] for step in one.steps)
    assert (first, second) == (third, fourth)
    assert max(first[0]) == at(day - DAY, "02:00")
