"""Rules R1 to R15 of a contract: its kinds, its service, its orders, its perimeter, its working days."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from terms import HOUR, ORDER, SITE, START, WITH, WITHOUT, local, order_of, realised

from custom_components.flex_ready.settlement.contract import Availability, Reservation, Wrong
from custom_components.flex_ready.settlement.methods import Method
from custom_components.flex_ready.settlement.model import Direction, Purpose
from custom_components.flex_ready.settlement.orders import Invalid, invalid
from custom_components.flex_ready.settlement.profile import ENEDIS_2020, PROFILES, Deadline
from custom_components.flex_ready.settlement.report import activation
from custom_components.flex_ready.settlement.sites import (
    NotEligible,
    SiteKind,
    WrongEntity,
    WrongPerimeter,
    entities,
    members,
    not_eligible,
    wrong_entity,
    wrong_perimeter,
    wrong_powers,
)
from custom_components.flex_ready.settlement.volumes import perimeter
from custom_components.flex_ready.settlement.working_days import deadlines, next_deadlines, working_days, works

DAY = timedelta(days=1)


def test_r01_the_frame_is_a_profile_of_its_year() -> None:
    """It may change: what it fixes stands in a profile by its name."""
    assert {"enedis-2020": ENEDIS_2020} == PROFILES
    assert ENEDIS_2020.least_service_w == 500_000


def test_r02_two_kinds_of_contract() -> None:
    """That of reactive capacity has no rules."""
    assert [kind.value for kind in Reservation] == ["without_reservation", "with_reservation"]
    assert WITH.wrong() == ()
    assert WITHOUT.wrong() == ()


def test_r03_the_smallest_offer() -> None:
    """500 kW are enough, less is not."""
    powers = [(600_000, 2_000_000)]
    assert wrong_powers(500_000, powers) == ()
    assert wrong_powers(499_999, powers) == (WrongPerimeter.SERVICE_TOO_SMALL,)


def test_r04_one_operator_for_a_site() -> None:
    """A site that takes part in anything by somebody else is out."""
    assert not_eligible(replace(SITE, other_operator=True)) == (NotEligible.OTHER_OPERATOR,)


def test_r05_the_criterion_is_that_of_the_balancing_mechanism() -> None:
    """80 %, as there."""
    assert ENEDIS_2020.default_below * 100 == 80


def test_r06_with_reservation_power_is_available_in_periods() -> None:
    """Each with its own; with none at all there is nothing to activate."""
    assert replace(WITH, availability=()).wrong() == (Wrong.NO_PERIOD,)
    evening = local(2026, 1, 14, 17), local(2026, 1, 14, 20)
    there = tuple(WITH.available(replace(ORDER, start=evening[0] - HOUR, end=evening[1] + HOUR)))
    assert [(slot.start, slot.end, slot.value) for slot in there] == [(*evening, 1_000_000)]


def test_r07_a_refused_order_expects_nothing() -> None:
    """Nor does it cost anything."""
    report = activation(replace(ORDER, accepted=False), {"EF1": realised(0, 0, 0, 0)}, WITHOUT)
    assert report.totals.expected == report.totals.penalty == 0
    assert report.steps == ()


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [
        (replace(WITH, availability=(Availability(start=time(17), end=time(17, 59), power_w=1),)), Wrong.SHORT_PERIOD),
        (replace(WITH, availability=(Availability(start=time(17), end=time(18), power_w=1),)), None),
        (replace(WITH, availability=(Availability(start=time(17), end=time(18), power_w=0),)), Wrong.PERIOD_POWER),
        (
            replace(WITH, availability=(Availability(start=time(17), end=time(18), power_w=1_000_001),)),
            Wrong.PERIOD_POWER,
        ),
        (replace(WITHOUT, least_duration=timedelta(minutes=29)), Wrong.SHORT_DURATION),
        (replace(WITHOUT, most_duration=timedelta(minutes=29)), Wrong.DURATIONS),
        (replace(WITHOUT, fixed_premium=WITH.fixed_premium), Wrong.ONLY_WITH_RESERVATION),
        (replace(WITHOUT, least_gap=-HOUR), Wrong.NEGATIVE),
        (replace(WITHOUT, ends=date(2025, 12, 31)), Wrong.DAYS),
        (replace(WITHOUT, power_w=0), Wrong.NO_POWER),
        (replace(WITH, fixed_premium=None), Wrong.NO_FIXED_PREMIUM),
        (replace(WITH, probability=None), Wrong.NO_PROBABILITY),
    ],
)
def test_r08_characteristics(terms: object, wrong: Wrong | None) -> None:
    """A period is of an hour at least, an activation of half an hour; the ramp is 4 MW a minute."""
    assert isinstance(terms, type(WITH))
    assert terms.wrong() == (() if wrong is None else (wrong,))
    assert ENEDIS_2020.ramp_w_a_minute == 4_000_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ordered_at": START - timedelta(minutes=30)}, None),
        ({"ordered_at": START - timedelta(minutes=29, seconds=59)}, Invalid.TOO_LATE),
        ({"power_w": 600_001}, Invalid.TOO_MUCH_POWER),
        ({"power_w": 0}, Invalid.NO_POWER),
        ({"end": START + timedelta(minutes=15)}, Invalid.TOO_SHORT),
        ({"direction": Direction.INCREASE_NET_WITHDRAWAL}, Invalid.WRONG_DIRECTION),
        ({"start": local(2027, 1, 1), "end": local(2027, 1, 1, 1), "ordered_at": local(2026, 12, 31)}, Invalid.OUTSIDE),
        ({"start": local(2026, 12, 31, 23), "end": local(2027, 1, 1), "ordered_at": local(2026, 12, 31)}, None),
    ],
)
def test_r09_a_valid_order(change: dict[str, object], reason: Invalid | None) -> None:
    """It leaves the mobilisation delay, and keeps to the contract; each reason is told."""
    found = invalid(replace(ORDER, **change), WITHOUT)  # type: ignore[arg-type]
    assert (reason in found) if reason else not found


def test_r09_the_gap_is_from_end_to_start() -> None:
    """Of a refused one, or of the order itself, none is needed."""
    terms = replace(WITHOUT, least_gap=timedelta(hours=2))
    later = replace(ORDER, id="A2", start=ORDER.end + timedelta(minutes=119), end=ORDER.end + 4 * HOUR)
    assert Invalid.TOO_CLOSE in invalid(later, terms, [ORDER])
    assert Invalid.TOO_CLOSE not in invalid(later, terms, [replace(ORDER, accepted=False)])
    assert Invalid.TOO_CLOSE not in invalid(later, terms, [replace(ORDER, id="A2")])
    assert invalid(replace(later, start=ORDER.end + 2 * HOUR), terms, [ORDER]) == ()


def test_r09_with_reservation_within_its_period() -> None:
    """And of no more than its power; a test of activation may come at any time."""
    order = replace(ORDER, start=local(2026, 1, 14, 18), end=local(2026, 1, 14, 20), ordered_at=local(2026, 1, 14))
    assert invalid(order, WITH) == ()
    assert invalid(replace(order, end=local(2026, 1, 14, 20, 30)), WITH) == (Invalid.UNAVAILABLE,)
    two = (*WITH.availability, Availability(start=time(20), end=time(22), power_w=500_000))
    assert invalid(replace(order, end=local(2026, 1, 14, 21)), replace(WITH, availability=two)) == (
        Invalid.TOO_MUCH_POWER,
    )
    night = local(2025, 12, 1, 3)
    test = replace(ORDER, purpose=Purpose.ACTIVATION_TEST, start=night, end=night + HOUR, ordered_at=night - HOUR)
    assert invalid(test, WITH) == ()
    assert invalid(replace(test, purpose=Purpose.ACTIVATION), WITH) == (Invalid.UNAVAILABLE, Invalid.OUTSIDE)


def test_r11_an_entity_is_of_one_kind_and_one_method() -> None:
    """Every site has a load curve of half-hours."""
    others = [replace(SITE, kind=SiteKind.MIXED), replace(SITE, method=Method.MOY10J)]
    assert wrong_entity([SITE, SITE]) == ()
    assert wrong_entity([SITE, *others]) == (WrongEntity.MIXED_KINDS, WrongEntity.MIXED_METHODS)
    assert not_eligible(replace(SITE, half_hours=False)) == (NotEligible.NO_LOAD_CURVE,)
    assert [*entities([SITE, replace(SITE, entity="EF2")])] == ["EF1", "EF2"]


def test_r12_the_perimeter_is_the_sum_of_its_entities() -> None:
    """One that moved the wrong way counts: 350 + 180 - 60 are 470 of 500 kWh."""
    order = order_of(500_000, 1)
    [step] = perimeter(order, [realised(350_000), realised(180_000), realised(-60_000)])
    assert step.raw == step.paid == 470_000
    assert step.deficient == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": ""}, NotEligible.NO_ID),
        ({"located": False}, NotEligible.ELSEWHERE),
        ({"consent": False}, NotEligible.NO_CONSENT),
        ({"active": False}, NotEligible.TERMINATED),
        ({"half_hours": False}, NotEligible.NO_LOAD_CURVE),
        ({"other_operator": True}, NotEligible.OTHER_OPERATOR),
    ],
)
def test_r13_what_is_checked_of_a_site(change: dict[str, object], reason: NotEligible) -> None:
    """Each reason alone; who has one is not in the perimeter."""
    site = replace(SITE, **change)  # type: ignore[arg-type]
    assert not_eligible(site) == (reason,)
    assert members([SITE, site], date(2026, 2, 1)) == (SITE,)


@pytest.mark.parametrize(
    ("service", "sites", "wrong"),
    [
        (1_000_000, [(1_200_000, 2_500_000)], ()),
        (1_000_000, [(1_000_000, 2_500_000)], (WrongPerimeter.SERVICE_TOO_LARGE,)),
        (1_000_000, [(1_000_001, 1_000_001)], (WrongPerimeter.CAPACITY_TOO_LARGE,)),
        (1_000_000, [], (WrongPerimeter.SERVICE_TOO_LARGE, WrongPerimeter.CAPACITY_TOO_LARGE)),
    ],
)
def test_r13_the_chain_of_powers(service: int, sites: list[tuple[int, int]], wrong: tuple[WrongPerimeter, ...]) -> None:
    """Service below activation capacities below subscribed powers: strictly, as written."""
    assert wrong_powers(service, sites) == wrong
    made = [replace(SITE, max_activation_w=most, subscribed_w=subscribed) for most, subscribed in sites]
    assert wrong_perimeter(replace(WITHOUT, power_w=service), made) == wrong


@pytest.mark.parametrize(
    ("month", "counted", "between", "publication", "later"),
    [
        ("2020-06-01", "2020-05-15", "2020-05-14", "2020-06-08", "2020-06-09"),
        ("2026-05-01", "2026-04-17", "2026-04-16", "2026-05-11", "2026-05-12"),
        ("2026-06-01", "2026-05-15", "2026-05-13", "2026-06-05", "2026-06-08"),
    ],
)
def test_r14_deadlines_of_a_month(month: str, counted: str, between: str, publication: str, later: str) -> None:
    """By both readings; the earlier one unless decided otherwise."""
    first = date.fromisoformat(month)
    one, other = deadlines(first, Deadline.COUNTED), deadlines(first, Deadline.BETWEEN)
    assert [f"{day}" for day in (one.update, one.second_publication)] == [counted, publication]
    assert [f"{day}" for day in (other.update, other.second_publication)] == [between, later]
    usual = deadlines(first)
    assert (usual.update, usual.second_publication) == (other.update, one.second_publication)


def _easter(year: int) -> date:
    """Return Easter Sunday by Gauss's rule, which is not the library's."""
    a, b, c = year % 19, year % 4, year % 7
    k = year // 100
    p, q = (13 + 8 * k) // 25, k // 4
    m, n = (15 - p + k - q) % 30, (4 + k - q) % 7
    d = (19 * a + m) % 30
    e = (2 * b + 4 * c + 6 * d + n) % 7
    if (d, e) == (29, 6) or (d == 28 and e == 6 and (11 * m + 11) % 30 < 19):
        e -= 7
    return date(year, 3, 22) + (d + e) * DAY


def _off(year: int) -> set[date]:
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    return {date(year, *day) for day in fixed} | {_easter(year) + days * DAY for days in (1, 39, 50)}


def test_r14_every_month_from_2020_to_2027() -> None:
    """As somebody counts it on a calendar."""
    for year in range(2020, 2028):
        for month in range(1, 13):
            first = date(year, month, 1)
            day, left = first, 0
            while left < 10:
                day -= DAY
                left += day.weekday() < 5 and day not in _off(day.year)
            assert deadlines(first, Deadline.COUNTED).update == day
            day -= DAY
            while day.weekday() > 4 or day in _off(day.year):
                day -= DAY
            assert deadlines(first, Deadline.BETWEEN).update == deadlines(first).update == day
            day, count = first - DAY, 0
            while count < 5:
                day += DAY
                count += day.weekday() < 5 and day not in _off(day.year)
            assert deadlines(first).second_publication == day


def test_r14_the_next_deadline() -> None:
    """On its day it is still to come, on the next one that of the month after it is."""
    assert next_deadlines(date(2026, 5, 13)).month == date(2026, 6, 1)
    assert next_deadlines(date(2026, 5, 14)).month == date(2026, 7, 1)


def test_r14_a_site_belongs_by_whole_months() -> None:
    """One that joins within a month belongs from the next; one that leaves belongs until the end of it."""
    site = replace(SITE, joined=date(2026, 2, 2), left=date(2026, 4, 15))
    there = [month for month in range(1, 7) if members([site], date(2026, month, 20))]
    assert there == [3, 4]


def test_r15_working_days() -> None:
    """Not on the eleven legal holidays; on Good Friday, the 26th of December and the Monday after a holiday, yes."""
    for year in range(2020, 2028):
        day = date(year, 1, 1)
        while day.year == year:
            assert works(day) is (day.weekday() < 5 and day not in _off(year)), day
            day += DAY
    assert works(date(2026, 4, 3))
    assert len(working_days(date(2026, 5, 17))) == 17


def test_r10_the_direction_is_never_a_word_alone() -> None:
    """À la hausse of Enedis is less withdrawal."""
    assert Direction.REDUCE_NET_WITHDRAWAL.sign == 1
    assert Direction.INCREASE_NET_WITHDRAWAL.sign == -1
