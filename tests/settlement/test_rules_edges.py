"""Rules at their edges: nights when the clock changes, months that are cut, orders that meet, sites that leave."""

from dataclasses import replace
from datetime import date, time, timedelta
from fractions import Fraction

from hypothesis import given, strategies as st
import pytest
from terms import HOUR, ORDER, PARIS, SITE, START, WITH, WITHOUT, local, order_of, realised

from custom_components.flex_ready.settlement.contract import Availability
from custom_components.flex_ready.settlement.model import Purpose
from custom_components.flex_ready.settlement.money import (
    cents,
    failure_penalty,
    months_left,
    months_planned,
    termination_penalty,
    variable_premium,
)
from custom_components.flex_ready.settlement.orders import Invalid, invalid, netted
from custom_components.flex_ready.settlement.profile import Decisions, Missing, Months, Negative, Penalised, Ratio
from custom_components.flex_ready.settlement.sites import additional_test_due, removed_w
from custom_components.flex_ready.settlement.trials import Outcome, TrialKind, activation_outcome, trial_order
from custom_components.flex_ready.settlement.volumes import perimeter

MARCH, OCTOBER = date(2026, 3, 29), date(2026, 10, 25)
WH = st.fractions(min_value=-(10**7), max_value=10**7, max_denominator=60)


def test_r08_periods_by_the_local_clock() -> None:
    """Also over midnight, and on some days only."""
    night = Availability(start=time(22), end=time(2), power_w=1, days=frozenset({4}))
    assert night.length == 4 * HOUR
    when = night.on(date(2026, 1, 16), PARIS)
    assert when is not None
    assert (when.start, when.end) == (local(2026, 1, 16, 22), local(2026, 1, 17, 2))
    assert night.on(date(2026, 1, 15), PARIS) is None
    whole = Availability(start=time(0), end=time(0), power_w=1)
    assert whole.length == 24 * HOUR
    order = replace(
        ORDER, start=local(2026, 1, 17, 1), end=local(2026, 1, 17, 2), ordered_at=local(2026, 1, 16), power_w=1
    )
    assert invalid(order, replace(WITH, availability=(night,))) == ()


@pytest.mark.parametrize(
    ("start", "end", "march", "october"),
    [
        ("02:00", "03:00", None, 120),
        ("02:15", "02:45", None, 30),
        ("01:30", "02:30", 30, 60),
        ("02:30", "03:30", 30, 120),
        ("01:00", "04:00", 120, 240),
        ("00:00", "00:00", 23 * 60, 25 * 60),
    ],
)
def test_d05_a_period_in_the_night_of_the_clock(start: str, end: str, march: int | None, october: int) -> None:
    """What the clock skips is not there, what it shows on the same night is; of an hour that comes twice, both."""
    period = Availability(start=time.fromisoformat(start), end=time.fromisoformat(end), power_w=1)
    for day, minutes in ((MARCH, march), (OCTOBER, october)):
        there = period.on(day, PARIS)
        assert (None if there is None else there.length) == (None if minutes is None else timedelta(minutes=minutes))


@given(st.dates(date(2024, 3, 1), date(2030, 1, 31)), st.integers(1, 900), st.integers(-40, 940))
def test_r29_readings_of_months(starts: date, days: int, gone: int) -> None:
    """Down, as it is, up: never more than twice the fixed premium, never less than nothing, never more later."""
    terms = replace(WITH, starts=starts, ends=starts + timedelta(days))
    assert terms.fixed_premium is not None
    most, day = 2 * Fraction(terms.fixed_premium), starts + timedelta(gone)
    lower, left, upper = (months_left(terms, day, months) for months in (Months.FLOOR, Months.PRORATA, Months.CEIL))
    assert lower <= left <= upper < lower + 2
    assert {lower.denominator, upper.denominator} == {1}
    for months in Months:
        decisions = Decisions(months=months)
        now, later = (termination_penalty(terms, at, decisions=decisions) for at in (day, day + timedelta(20)))
        assert 0 <= later <= now <= most
        if day <= starts and months_planned(terms, months):
            assert now == most


def test_r29_half_a_month_more() -> None:
    """Of six months and a half: planned and left are read alike."""
    terms = replace(WITH, starts=date(2026, 1, 1), ends=date(2026, 7, 15))
    assert [months_planned(terms, months) for months in Months] == [6, 7, 6 + Fraction(15, 31)]
    short = replace(terms, ends=date(2026, 1, 15))
    assert termination_penalty(short, date(2026, 1, 1), decisions=Decisions(months=Months.FLOOR)) == 0
    assert termination_penalty(short, date(2026, 1, 1), decisions=Decisions(months=Months.CEIL)) == 60_000


def test_d08_every_order_is_named() -> None:
    """Also where the power stays the same while one follows another."""
    first = replace(ORDER, id="A", end=START + HOUR)
    second = replace(ORDER, id="B", start=START + HOUR, ordered_at=START)
    both = replace(ORDER, id="C", power_w=100_000)
    [one] = netted([first, second, both])
    assert {*one.id.split("+")} == {"A", "B", "C"}
    assert (one.start, one.end, one.power_w, one.ordered_at) == (START, ORDER.end, 700_000, ORDER.ordered_at)


def test_r18_a_test_begins_with_a_half_hour() -> None:
    """The first that leaves the mobilisation delay; so its order is valid."""
    for minutes, at in ((0, 0), (1, 30), (30, 30), (31, 60)):
        order = trial_order(WITHOUT, TrialKind.ACTIVATION, "T1", START - WITHOUT.dmo + timedelta(minutes=minutes))
        assert order.start == START + timedelta(minutes=at)
        assert invalid(order, WITHOUT) == ()


def test_r20_an_additional_test_may_come_before_the_activations() -> None:
    """With the dedicated tests, or at any time after; not earlier."""
    terms = replace(WITH, starts=date(2026, 11, 1), ends=date(2027, 10, 31))
    for at, reasons in ((local(2026, 8, 31, 20), (Invalid.OUTSIDE,)), (local(2026, 9, 1), ()), (local(2027, 5, 1), ())):
        order = replace(trial_order(terms, TrialKind.ADDITIONAL, "T1", at - terms.dmo), start=at, end=at + HOUR)
        assert order.purpose is Purpose.ADDITIONAL_TEST
        assert invalid(order, terms) == reasons


def test_r20_what_leaves_within_a_month() -> None:
    """It takes part in a test of that month, so it counts after it; what never was there does not."""
    april = replace(SITE, max_activation_w=100_001, left=date(2026, 4, 15))
    assert removed_w([april], date(2026, 4, 20), date(2026, 5, 1)) == 100_001
    assert removed_w([april], date(2026, 4, 20), date(2026, 4, 30)) == 0
    assert removed_w([april], date(2026, 5, 1), date(2026, 6, 1)) == 0
    assert removed_w([replace(april, joined=date(2026, 4, 2))], date(2026, 1, 1), date(2026, 6, 1)) == 0


def test_r20_what_is_not_eligible_does_not_leave() -> None:
    """It was not in the perimeter, whatever is said of its last day."""
    gone = replace(SITE, left=date(2026, 4, 1))
    assert removed_w([gone], date(2026, 1, 1), date(2026, 4, 1)) == SITE.max_activation_w
    assert removed_w([replace(gone, consent=False)], date(2026, 1, 1), date(2026, 4, 1)) == 0


@given(st.integers(1, 10**9))
def test_r20_just_ten_percent_is_not_more(power: int) -> None:
    """Whatever the power of the service."""
    terms = replace(WITH, power_w=10 * power)
    assert not additional_test_due(terms, power)
    assert additional_test_due(terms, power + 1)


@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9))
def test_r25_of_whole_numbers(wanted: int, raw: int) -> None:
    """A default is 5 R < 4 E, a test that passes 5 R > 4 E; between both lies what is neither."""
    steps = perimeter(order_of(wanted, 1), [realised(raw)])
    assert steps[0].default is (5 * raw < 4 * wanted)
    assert (activation_outcome(steps) is Outcome.PASSED) is (5 * raw > 4 * wanted)


@given(st.integers(1, 10**7), st.lists(st.none() | WH, min_size=1, max_size=6), WH.map(abs))
def test_r28_penalties(wanted: int, done: list[Fraction | None], more: Fraction) -> None:
    """None is below nothing; by floor none is above a total failure; who realises more earns no less, and pays none."""
    order = order_of(wanted, len(done))
    better = [None if one is None else one + more for one in done]
    for terms in (WITH, WITHOUT):
        for negative in Negative:
            for penalised, ratio in zip(Penalised, (*Ratio, Ratio.ACTIVATION), strict=True):
                decisions = Decisions(negative=negative, penalised=penalised, ratio=ratio, missing=Missing.PARTIAL)
                worse, well, total = (
                    perimeter(order, [realised(*its)], decisions=decisions) for its in (done, better, [0] * len(done))
                )
                penalty = failure_penalty(worse, terms, decisions)
                assert isinstance(penalty, Fraction | int)
                assert penalty >= 0
                if penalised is not Penalised.FIRST_DEFAULT_STEP:
                    assert failure_penalty(well, terms, decisions) <= penalty
                if negative is Negative.FLOOR:
                    assert penalty <= failure_penalty(total, terms, decisions)
                assert variable_premium(well, terms) >= variable_premium(worse, terms)


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=997))
def test_d13_rounded_by_no_more_than_half_a_cent(amount: Fraction) -> None:
    """Halves away from zero."""
    off = Fraction(cents(amount)) - amount
    assert abs(off) <= Fraction(1, 200)
    assert cents(-amount) == -cents(amount)
    if abs(off) == Fraction(1, 200):
        assert abs(cents(amount)) > abs(amount)


@given(st.lists(st.tuples(WH, st.integers(1, 3)), min_size=1, max_size=5))
def test_r12_how_sites_are_put_in_entities_does_not_matter(sites: list[tuple[Fraction, int]]) -> None:
    """The sum is the same, and exact."""
    by_entity = [realised(sum((wh for wh, of in sites if of == entity), Fraction())) for entity in (1, 2, 3)]
    [step] = perimeter(order_of(10**6, 1), by_entity)
    assert step.raw == sum(wh for wh, _ in sites)
