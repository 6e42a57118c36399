"""Rules R22 to R30: volumes, premiums, penalties, reports."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from terms import ORDER, PARIS, START, WITH, WITHOUT, order_of, realised

from custom_components.flex_ready.settlement.model import STEP
from custom_components.flex_ready.settlement.money import (
    cents,
    expected_turnover,
    failure_penalty,
    months_left,
    termination_penalty,
    variable_premium,
)
from custom_components.flex_ready.settlement.profile import Decisions, Months, Penalised, Ratio
from custom_components.flex_ready.settlement.report import (
    Quarter,
    Termination,
    Totals,
    activation,
    activity,
    terminated,
)
from custom_components.flex_ready.settlement.volumes import StepVolume, expected, perimeter


def volumes(wanted: int, *wh: int) -> tuple[StepVolume, ...]:
    """Return the volumes of an activation that expects as much in each half-hour."""
    return perimeter(order_of(wanted, len(wh)), [realised(*wh)])


def test_r22_expected_of_a_whole_half_hour() -> None:
    """600 kW are 300 kWh, in each of four."""
    assert [*expected(ORDER).values()] == [300_000] * 4


def test_r23_paid_is_what_was_realised_up_to_what_was_expected() -> None:
    """Also in a half-hour that is a default."""
    assert [step.paid for step in volumes(500_000, 600_000, 500_000, 450_000, 100_000)] == [
        *(500_000, 500_000, 450_000, 100_000),
    ]


def test_r24_deficient_is_the_whole_gap() -> None:
    """Not the gap to 80 %: it begins with a cliff."""
    steps = perimeter(order_of(500_000, 3), [realised(400_000, Fraction(399_999), Fraction(399_999_999, 1000))])
    assert [step.deficient for step in steps] == [0, 100_001, Fraction(100_000_001, 1000)]
    assert [step.default for step in steps] == [False, True, True]


def test_r25_just_80_percent_is_no_default() -> None:
    """Whatever the figures: 5 R = 4 E is decided on whole numbers."""
    for wanted in (1, 3, 7, 500_000, 123_457):
        [step] = perimeter(order_of(wanted, 1), [realised(Fraction(4 * wanted, 5))])
        assert not step.default
        assert step.paid == Fraction(4 * wanted, 5)


def test_r26_what_is_before_is_not_controlled() -> None:
    """Only the half-hours of the activation are."""
    assert [step.step for step in volumes(300_000, 1, 2)] == [START, START + STEP]


def test_r27_premiums() -> None:
    """The variable one on what is paid; the fixed one is no part of an activation."""
    assert variable_premium(volumes(300_000, 310_000, 270_000, 240_000, 200_000), WITHOUT) == 202
    assert expected_turnover(WITH) == 32_000


@pytest.mark.parametrize(
    ("penalised", "euros"),
    [(Penalised.ALL_STEPS, 3680), (Penalised.FIRST_DEFAULT_STEP, 920), (Penalised.WORST_STEP, 2760)],
)
def test_r28_without_reservation(penalised: Penalised, euros: int) -> None:
    """9,200 EUR/MWh: of all defaults, of the first, or of the worst."""
    steps = volumes(300_000, 310_000, 200_000, -20_000, 240_000)
    assert failure_penalty(steps, WITHOUT, Decisions(penalised=penalised)) == euros


def test_r28_a_failure_of_an_hour() -> None:
    """Of 1 MW: 9,200 EUR, or 4,600 by the other reading."""
    steps = volumes(500_000, 0, 0)
    assert failure_penalty(steps, WITHOUT) == 9_200
    assert failure_penalty(steps, WITHOUT, Decisions(penalised=Penalised.FIRST_DEFAULT_STEP)) == 4_600


def test_r28_with_reservation() -> None:
    """A share of the expected turnover; of a total failure, times its probability, the turnover itself."""
    steps = volumes(500_000, 500_000, 450_000, 300_000, 0)
    assert failure_penalty(steps, WITH) == 44_800
    assert failure_penalty(steps, WITH, Decisions(ratio=Ratio.STEPS)) == 179_200
    total = failure_penalty(volumes(500_000, 0, 0, 0, 0), WITH)
    assert total == 128_000
    assert WITH.probability is not None
    assert total * WITH.probability == expected_turnover(WITH)
    assert failure_penalty(volumes(500_000, *[400_000] * 4), WITH) == 0


YEAR = replace(WITH, fixed_premium=Decimal(24_000))


def test_r29_what_is_left_of_a_contract() -> None:
    """Seven months of twelve, twice the fixed premium; nothing by force majeure."""
    assert termination_penalty(YEAR, date(2026, 6, 1)) == 28_000
    assert termination_penalty(YEAR, date(2026, 6, 1), force_majeure=True) == 0
    assert termination_penalty(YEAR, date(2026, 1, 1)) == 48_000
    assert termination_penalty(YEAR, date(2025, 9, 1)) == 48_000
    assert termination_penalty(YEAR, date(2027, 1, 1)) == 0


@pytest.mark.parametrize(
    ("months", "left"), [(Months.FLOOR, 6), (Months.CEIL, 7), (Months.PRORATA, 6 + Fraction(15, 30))]
)
def test_r29_within_a_month(months: Months, left: Fraction) -> None:
    """Three readings, three amounts."""
    assert months_left(YEAR, date(2026, 6, 16), months) == left
    penalty = termination_penalty(YEAR, date(2026, 6, 16), decisions=Decisions(months=months))
    assert penalty == left / 12 * 48_000


def test_r29_months_of_any_length() -> None:
    """From the 15th to the 14th, over the end of February, in a leap year."""
    odd = replace(YEAR, starts=date(2027, 11, 15), ends=date(2028, 5, 14))
    assert months_left(odd, date(2027, 11, 15)) == 6
    assert months_left(odd, date(2028, 2, 15)) == 3
    assert months_left(odd, date(2028, 2, 29)) == 2 + Fraction(15, 29)


def test_r30_the_report_of_a_quarter() -> None:
    """Each activation, and what adds up; by the local day of its start."""
    first = replace(order_of(300_000, 2), id="B")
    late = replace(
        first, id="C", start=datetime(2026, 3, 31, 21, tzinfo=UTC), end=datetime(2026, 3, 31, 22, tzinfo=UTC)
    )
    next_ = replace(late, id="D", start=late.start + timedelta(hours=1), end=late.end + timedelta(hours=1))
    reports = [
        activation(order, {"EF1": {order.start: Fraction(wh), order.start + STEP: Fraction(290_000)}}, WITHOUT)
        for order, wh in ((next_, 1), (late, 100_000), (first, 300_000))
    ]
    report = activity(Quarter(2026, 1), reports, PARIS)
    assert [line.activation.order.id for line in report.lines] == ["B", "C"]
    assert report.lines[0].cumulated.premium == Decimal("118.00")
    assert report.totals == Totals(
        expected=Fraction(1_200_000),
        realised=Fraction(980_000),
        paid=Fraction(980_000),
        deficient=Fraction(200_000),
        premium=Decimal("196.00"),
        penalty=Decimal("1840.00"),
    )
    assert report.totals.net == Decimal("-1644.00")
    assert report.complete
    assert activity(Quarter(2026, 2), reports, PARIS).lines[0].activation.order.id == "D"
    assert activity(Quarter(2025, 4), reports, PARIS).totals == Totals()


def test_r30_the_end_of_a_contract() -> None:
    """It is told in its quarter, to the cent, and adds up with nothing."""
    ended = terminated(YEAR, date(2026, 6, 14))
    assert ended == Termination(date(2026, 6, 14), Decimal("26266.67"))
    report = activity(Quarter(2026, 2), (), PARIS, ended)
    assert (report.termination, report.totals) == (ended, Totals())
    assert activity(Quarter(2026, 3), (), PARIS, ended).termination is None
    assert terminated(YEAR, date(2026, 6, 14), Decisions(months=Months.FLOOR)).penalty == 24_000
    assert terminated(WITHOUT, date(2026, 6, 14)).penalty == 0


def test_r30_quarters() -> None:
    """Of a day; one after the other."""
    assert Quarter.of(date(2026, 12, 31)) == Quarter(2026, 4)
    assert Quarter(2026, 4).following == Quarter(2027, 1)
    assert f"{Quarter(2026, 4)}" == "2026-Q4"
    assert Quarter(2026, 4).first == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("1/200", "0.01"), ("-1/200", "-0.01"), ("1/201", "0.00"), ("2/3", "0.67"), ("-100", "-100.00"), ("0", "0.00")],
)
def test_r27_amounts_are_rounded_to_cents(amount: str, rounded: str) -> None:
    """Halves away from zero."""
    assert str(cents(Fraction(amount))) == rounded
