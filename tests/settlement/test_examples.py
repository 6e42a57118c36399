"""The worked numbers beside the project: whatever cases their sections have, of the shapes that they have."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

from homes import examples, with_examples
from terms import START, WITH, WITHOUT, order_of, realised

from custom_components.flex_ready.settlement.contract import Reservation, months_later
from custom_components.flex_ready.settlement.model import Direction, Order
from custom_components.flex_ready.settlement.money import expected_turnover, failure_penalty, termination_penalty
from custom_components.flex_ready.settlement.profile import (
    ENEDIS_2020,
    Cap,
    Decisions,
    Negative,
    Penalised,
    Ratio,
)
from custom_components.flex_ready.settlement.report import ActivationReport, Quarter, activation, activity
from custom_components.flex_ready.settlement.sites import WrongPerimeter, wrong_powers
from custom_components.flex_ready.settlement.volumes import capped, perimeter, shares, step_volume

pytestmark = with_examples

LITERAL = Decisions(negative=Negative.LITERAL)


def section(name: str) -> Any:  # noqa: ANN401  # JSON
    """Return the cases of a section."""
    return cast("dict[str, Any]", examples())[name]


def exact(value: float) -> Fraction:
    """Return a figure as it is written."""
    return Fraction(str(value))


def settled(order: Order, pairs: list[list[float]], decisions: Decisions, terms: object = WITHOUT) -> ActivationReport:
    """Settle an activation of steps that expect and realise so much."""
    assert isinstance(terms, type(WITHOUT))
    return activation(order, {"": realised(*(exact(done) for _, done in pairs))}, terms, decisions=decisions)


def test_single_steps() -> None:
    """Section A: floored and literal."""
    for case in section("A_single_step"):
        for way, decisions in (("floored", Decisions()), ("literal", LITERAL)):
            wanted = case[way]
            step = step_volume(START, exact(wanted["expected_wh"]), exact(wanted["realised_wh"]), decisions=decisions)
            assert step.default is wanted["is_default"], case["why"]
            assert step.paid == exact(wanted["remunerated_wh"]), case["why"]
            assert step.deficient == exact(wanted["deficient_wh"]), case["why"]
            assert step.counted is not None
            passed = step.counted > ENEDIS_2020.default_below * step.expected
            assert passed is wanted["test_step_passed"], case["why"]


def test_without_reservation() -> None:
    """Section B: premium, deficient volumes, and the three readings of the penalty."""
    for case in section("B_without_reservation"):
        pairs = case["steps_expected_realised_wh"]
        terms = replace(WITHOUT, variable_premium=Decimal(str(case["prime_variable_eur_per_mwh"])))
        profile = replace(ENEDIS_2020, undistributed_eur_a_mwh=case["end_eur_per_mwh"])
        order = order_of(pairs[0][0], len(pairs))
        for way, decisions in (("floored", Decisions()), ("literal", LITERAL)):
            wanted = case[way]
            report = settled(order, pairs, decisions, terms)
            assert report.totals.paid == exact(wanted["remunerated_wh"])
            assert report.totals.premium == exact(wanted["variable_premium_eur"])
            assert [step.deficient for step in report.steps] == [exact(one) for one in wanted["deficient_wh"]]
            for reading, euros in wanted["penalty_eur"].items():
                chosen = replace(decisions, penalised=Penalised(reading))
                assert failure_penalty(report.steps, terms, chosen, profile) == exact(euros), reading
            assert report.totals.net == exact(wanted["net_eur_all_steps"])


def test_with_reservation() -> None:
    """Section C: both readings of the ratio, and the check of a total failure."""
    for case in section("C_with_reservation"):
        pairs = case["steps_expected_realised_wh"]
        terms = replace(
            WITH,
            fixed_premium=Decimal(str(case["prime_fixe_eur"])),
            variable_premium=Decimal(str(case["prime_variable_eur_per_mwh"])),
            expected_call_wh=int(exact(case["expected_call_volume_mwh"]) * 1_000_000),
            probability=exact(case["activation_probability"]),
        )
        report = settled(order_of(pairs[0][0], len(pairs)), pairs, Decisions(), terms)
        assert expected_turnover(terms) == exact(case["expected_turnover_eur"])
        assert report.totals.paid == exact(case["remunerated_wh"])
        assert report.totals.premium == exact(case["variable_premium_eur"])
        assert report.totals.deficient == exact(case["deficient_wh"])
        assert report.totals.expected == exact(case["expected_wh"])
        penalty = failure_penalty(report.steps, terms)
        assert penalty == exact(case["penalty_eur_ratio_over_activation"])
        per_step = failure_penalty(report.steps, terms, Decisions(ratio=Ratio.STEPS))
        assert per_step == exact(case["penalty_eur_ratio_per_step_summed"])
        if (check := case.get("check_p_times_penalty_if_total")) is not None and terms.probability is not None:
            assert penalty * terms.probability == exact(check)


def test_entities() -> None:
    """Section D: negative ones count."""
    for case in section("D_entities"):
        volumes = [realised(exact(one)) for one in case["entities_realised_wh"].values()]
        [step] = perimeter(order_of(case["expected_wh"], 1), volumes)
        wanted = case["settlement_sum"]
        assert step.raw == exact(case["perimeter_realised_wh_sum_of_entities"]) == exact(wanted["realised_wh"])
        assert step.paid == exact(wanted["remunerated_wh"])
        assert step.deficient == exact(wanted["deficient_wh"])
        assert step.default is wanted["is_default"]


def test_termination() -> None:
    """Section F: months left of months planned."""
    for case in section("F_termination"):
        starts = date(2026, 1, 1)
        ends = months_later(starts, case["months_planned"])
        terms = replace(
            WITH,
            reservation=Reservation.ACTIVE if case["contract"] == "with_reservation" else Reservation.NONE,
            fixed_premium=Decimal(str(case["prime_fixe_eur"])),
            starts=starts,
            ends=date.fromordinal(ends.toordinal() - 1),
        )
        terminated = months_later(ends, -case["months_left"])
        penalty = termination_penalty(terms, terminated, force_majeure=case["force_majeure"])
        assert penalty == exact(case["penalty_eur"])


def test_the_chain_of_powers() -> None:
    """Section G: strict, and the smallest offer."""
    for case in section("G_perimeter_chain"):
        sites = [(int(case["sum_max_activation_kw"] * 1000), int(case["sum_subscribed_or_installed_kw"] * 1000))]
        wrong = wrong_powers(int(case["service_kw"] * 1000), sites)
        chain = not {WrongPerimeter.SERVICE_TOO_LARGE, WrongPerimeter.CAPACITY_TOO_LARGE} & {*wrong}
        assert chain is case["chain_strict_ok"]
        assert (WrongPerimeter.SERVICE_TOO_SMALL not in wrong) is case["min_500_kw_ok"]


def test_caps_and_shares() -> None:
    """Section J: of an entity that gave more than its sites declared."""
    case = section("J_french_baselines")["capacity_cap_and_allocation"]
    most = capped(exact(case["raw_kw"]) * 500, case["entity_max_capacity_kw"] * 1000, Decisions(cap=Cap.CAPACITY))
    assert most == exact(case["capped_kw"]) * 500
    parts = shares(exact(case["capped_kw"]), {site: exact(raw) for site, raw in case["site_raw_kw"].items()})
    assert parts == {site: exact(kw) for site, kw in case["site_allocated_kw"].items()}


def test_a_quarter() -> None:
    """Section M: line by line, with what adds up."""
    reports = []
    for number, case in enumerate(section("M_quarterly_report_2026Q1")):
        day, pairs = date.fromisoformat(case["date"]), case["steps"]
        shift = day - START.date()
        order = order_of(pairs[0][0], len(pairs))
        order = replace(order, id=f"{number:03}", start=order.start + shift, end=order.end + shift)
        steps = {step + shift: wh for step, wh in realised(*(exact(done) for _, done in pairs)).items()}
        report = activation(order, {"": steps}, WITHOUT)
        assert report.totals.realised == exact(case["realised_wh"])
        assert report.totals.paid == exact(case["remunerated_wh"])
        assert report.totals.deficient == exact(case["deficient_wh"])
        assert report.totals.premium == exact(case["variable_eur"])
        assert report.totals.penalty == exact(case["penalty_eur"])
        reports.append(report)
    quarter = activity(Quarter(2026, 1), reports, WITHOUT.zone)
    for line, case in zip(quarter.lines, section("M_quarterly_report_2026Q1"), strict=True):
        wanted = case["cumulated"]
        assert line.cumulated.expected == exact(wanted["expected_wh"])
        assert line.cumulated.realised == exact(wanted["realised_wh"])
        assert line.cumulated.deficient == exact(wanted["deficient_wh"])
        assert line.cumulated.premium == exact(wanted["variable_eur"])
        assert line.cumulated.penalty == exact(wanted["penalty_eur"])


def test_directions() -> None:
    """Section N: the sign of what was realised."""
    for case in section("N_direction")["cases"]:
        up = case["order"] == "hausse"
        direction = Direction.REDUCE_NET_WITHDRAWAL if up else Direction.INCREASE_NET_WITHDRAWAL
        less = exact(case["net_withdrawal_reference_kw"]) - exact(case["net_withdrawal_measured_kw"])
        assert direction.sign * less / 2 == exact(case["realised_kwh_30min"])


def test_shapeshifter() -> None:
    """Section O: with a default below 100 %, ours are its delivered and deficient volumes, and its settlement."""
    case = section("O_shapeshifter_spec_example")
    profile = replace(ENEDIS_2020, default_below=Fraction(1))
    ordered, baseline = exact(case["ordered_mw"]), exact(case["baseline_mw"])
    for row in case["rows"]:
        raw = baseline - exact(row["allocation"])
        assert raw == exact(row["realised"])
        step = step_volume(START, ordered, raw, decisions=LITERAL, profile=profile)
        assert max(step.paid, Fraction()) == exact(row["delivered"])
        assert step.deficient == exact(row["deficiency"])
        money = max(step.paid, Fraction()) * case["flex_price"] - step.deficient * case["penalty"]
        assert money == exact(row["settlement"])
