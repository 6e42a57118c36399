"""Rules R16 to R21: the tests of a contract."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from terms import HOUR, SITE, START, WITH, WITHOUT, local, realised

from custom_components.flex_ready.settlement.model import Purpose
from custom_components.flex_ready.settlement.money import termination_penalty
from custom_components.flex_ready.settlement.orders import invalid
from custom_components.flex_ready.settlement.report import ActivationReport, activation
from custom_components.flex_ready.settlement.sites import additional_test_due, removed_w
from custom_components.flex_ready.settlement.trials import (
    Outcome,
    Standing,
    Test,
    TrialKind,
    activation_outcome,
    communication_outcome,
    standing,
    trial_order,
)

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
PASSED, FAILED, EXCUSED = Outcome.PASSED, Outcome.FAILED, Outcome.EXCUSED


def made(kind: TrialKind, *outcomes: Outcome) -> list[Test]:
    """Return tests, one a day."""
    return [Test(kind, AT + i * timedelta(days=1), outcome) for i, outcome in enumerate(outcomes)]


def of_a_trial(*wh: int, purpose: Purpose = Purpose.ACTIVATION_TEST) -> ActivationReport:
    """Return what came of a test of activation of 500 kW for an hour."""
    order = trial_order(replace(WITH, power_w=500_000, availability=()), TrialKind.ACTIVATION, "T1", START - WITH.dmo)
    return activation(replace(order, power_w=1_000_000, purpose=purpose), {"EF1": realised(*wh)}, WITH)


def test_r16_a_minimal_service_is_tested() -> None:
    """The least power of any period, for an hour, at the end of the mobilisation delay."""
    small = replace(WITH.availability[0], power_w=500_000)
    order = trial_order(replace(WITH, availability=(*WITH.availability, small)), TrialKind.ACTIVATION, "T1", START)
    assert order.power_w == 500_000
    assert (order.start, order.length) == (START + WITH.dmo, HOUR)


@pytest.mark.parametrize(
    ("outcomes", "found", "left"),
    [
        ((), Standing.DUE, 3),
        ((FAILED, FAILED), Standing.DUE, 1),
        ((FAILED, FAILED, PASSED), Standing.PASSED, 0),
        ((FAILED, FAILED, FAILED), Standing.TERMINATED, 0),
        ((FAILED, EXCUSED, EXCUSED, FAILED), Standing.DUE, 1),
        ((PASSED, FAILED, FAILED, FAILED), Standing.PASSED, 0),
        ((FAILED, FAILED, FAILED, PASSED), Standing.TERMINATED, 0),
    ],
)
def test_r17_tests_stop_at_the_first_success(outcomes: tuple[Outcome, ...], found: Standing, left: int) -> None:
    """Three failures end the contract; who is not at fault has not failed."""
    series = standing(TrialKind.COMMUNICATION, [*made(TrialKind.COMMUNICATION, *outcomes), *made(TrialKind.ACTIVATION)])
    assert (series.standing, series.left) == (found, left)


def test_r17_an_answer_within_the_delay() -> None:
    """Just in time is in time; none is a failure."""
    delay = timedelta(minutes=10)
    assert communication_outcome(AT, AT + delay, delay) is PASSED
    assert communication_outcome(AT, AT + delay + timedelta(seconds=1), delay) is FAILED
    assert communication_outcome(AT, None, delay) is FAILED


def test_r18_every_half_hour_needs_more_than_80_percent() -> None:
    """81 and 100 % pass, and are paid; 80 and 100 % fail, and cost nothing."""
    passed = of_a_trial(405_000, 500_000)
    assert passed.outcome is PASSED
    assert passed.totals.premium == Decimal("90.50")
    assert passed.totals.penalty == 0
    failed = of_a_trial(400_000, 500_000)
    assert failed.outcome is FAILED
    assert failed.totals.premium == failed.totals.penalty == 0
    nothing = of_a_trial(0, 0)
    assert nothing.totals.premium == nothing.totals.penalty == 0
    assert nothing.totals.deficient == 1_000_000


def test_r18_case_e_of_the_reference() -> None:
    """A test of an hour of 500 kW at 100 EUR/MWh: 81 and 100 % are paid 45.25 EUR."""
    order = trial_order(replace(WITH, availability=(), power_w=500_000), TrialKind.ACTIVATION, "T1", START - WITH.dmo)
    report = activation(order, {"EF1": realised(202_500, 250_000)}, WITH)
    assert (report.outcome, report.totals.premium) == (PASSED, Decimal("45.25"))


def test_r18_what_is_not_known_is_no_outcome() -> None:
    """One half-hour under 80 % is enough to have failed, though."""
    order = trial_order(WITH, TrialKind.ACTIVATION, "T1", START - WITH.dmo)
    assert activation(order, {"EF1": realised(500_000, None)}, WITH).outcome is None
    assert activation(order, {"EF1": realised(100, None)}, WITH).outcome is FAILED
    assert activation_outcome(()) is None


def test_r19_failing_costs_only_with_reservation() -> None:
    """Without, the contract ends and that is all."""
    assert termination_penalty(WITHOUT, date(2026, 6, 1)) == 0
    assert termination_penalty(WITH, date(2026, 6, 1)) > 0
    tests = made(TrialKind.ACTIVATION, FAILED, EXCUSED, FAILED, FAILED, FAILED)
    ended = standing(TrialKind.ACTIVATION, tests)
    assert (ended.standing, ended.ended) == (Standing.TERMINATED, AT + timedelta(days=3))
    assert standing(TrialKind.ACTIVATION, tests[:3]).ended is None


@pytest.mark.parametrize(
    ("removed", "due"), [((100_000,), False), ((101_000,), True), ((60_000, 60_000), True), ((), False)]
)
def test_r20_an_additional_test_above_10_percent(removed: tuple[int, ...], due: bool) -> None:  # noqa: FBT001
    """100 kW of 1,000 are not more; what was taken out adds up."""
    gone = [replace(SITE, max_activation_w=power, left=date(2026, 3, 1)) for power in removed]
    total = removed_w([SITE, *gone], date(2026, 1, 1), date(2026, 3, 1))
    assert total == sum(removed)
    assert additional_test_due(WITH, total) is due
    assert not additional_test_due(WITHOUT, total)


def test_r20_capacity_counts_from_a_day_on() -> None:
    """Neither what left before, nor what is still to leave."""
    gone = [replace(SITE, left=day) for day in (date(2026, 1, 1), date(2026, 3, 1), date(2026, 5, 1))]
    assert removed_w(gone, date(2026, 1, 1), date(2026, 4, 1)) == SITE.max_activation_w


def test_r20_it_is_not_paid_and_the_first_failure_counts() -> None:
    """One that is not the provider's does not."""
    paid = of_a_trial(500_000, 500_000, purpose=Purpose.ADDITIONAL_TEST)
    assert paid.outcome is PASSED
    assert paid.totals.premium == 0
    kind = TrialKind.ADDITIONAL
    assert standing(kind, (), due=False).standing is Standing.NOT_DUE
    assert standing(kind, made(kind, EXCUSED)).standing is Standing.DUE
    assert standing(kind, made(kind, FAILED)).standing is Standing.TERMINATED


def test_r21_the_period_of_tests() -> None:
    """Two months before the activations with reservation; without, the same as theirs."""
    terms = replace(WITH, starts=date(2026, 11, 1), ends=date(2027, 10, 31))
    assert terms.tests().start == local(2026, 9, 1)
    assert terms.tests().end == terms.activation.start == local(2026, 11, 1)
    assert WITHOUT.tests() == WITHOUT.activation
    order = trial_order(terms, TrialKind.ACTIVATION, "T1", local(2026, 10, 31, 22))
    assert invalid(order, terms) == ()
    assert invalid(replace(order, start=local(2026, 10, 31, 23, 30), end=local(2026, 11, 1, 0, 30)), terms) != ()


def test_r18_what_is_not_paid_is_paid_in_no_half_hour() -> None:
    """Of a test that failed, and of an additional one."""
    for report in (of_a_trial(450_000, 400_000), of_a_trial(500_000, 500_000, purpose=Purpose.ADDITIONAL_TEST)):
        assert [step.paid for step in report.steps] == [0, 0]
        assert report.totals.paid == 0
    assert [step.paid for step in of_a_trial(450_000, 500_000).steps] == [450_000, 500_000]


def test_r18_an_outcome_that_is_told_stands() -> None:
    """The network operator may judge otherwise than the readings do; then it pays by that."""
    failed = of_a_trial(450_000, 400_000)
    volumes = {"EF1": {step.step: step.raw for step in failed.steps}}
    passed = activation(failed.order, volumes, WITH, outcome=Outcome.PASSED)
    assert (passed.outcome, passed.totals.paid) == (Outcome.PASSED, Fraction(850_000))
    assert activation(failed.order, volumes, WITH, outcome=Outcome.EXCUSED).totals.paid == 0
    activated = replace(failed.order, purpose=Purpose.ACTIVATION)
    assert activation(activated, volumes, WITH, outcome=Outcome.PASSED).outcome is None
