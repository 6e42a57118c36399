"""The sixteen rules, one by one: at the bound, and beyond it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings, strategies as st
import pytest
from said import HOUR, KW, MINUTE, NOON, PARIS, asset, potential, powers, request

from custom_components.flex_ready.flexibility import rules
from custom_components.flex_ready.flexibility.model import Direction
from custom_components.flex_ready.flexibility.problem import Code, Finding
from custom_components.flex_ready.flexibility.rules import Taken
from custom_components.flex_ready.slots import Stretch

SECOND = timedelta(seconds=1)


def taken(start: datetime = NOON, length: timedelta = HOUR, kilowatts: int = 50, name: str = "WholeBuilding") -> Taken:
    """Make a promise."""
    return Taken(asset_id=name, power=powers((start, length, kilowatts)), direction=Direction.DECREASE)


def codes(findings: object) -> list[Code]:
    """Return the codes of findings."""
    return [finding.code for finding in findings]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-02T12:00:00", NOON),
        ("2026-04-02T12:00", NOON),
        ("2026-04-02T10:00:00Z", NOON),
        ("2026-10-25T02:30:00", Code.AMBIGUOUS_TIME),
        ("2026-03-29T02:30:00", Code.AMBIGUOUS_TIME),
        ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
        ("2028-02-29T00:00:00+01:00", datetime(2028, 2, 28, 23, tzinfo=UTC)),
        ("2026-02-29T00:00:00", Code.MALFORMED),
        ("0001-01-01T00:00:00", Code.MALFORMED),
        ("2026-04-02", Code.MALFORMED),
        (20260402, Code.MALFORMED),
    ],
)
def test_t1(text: object, expected: object) -> None:
    """A stamp without offset is the site's, if it comes once that day."""
    found = rules.t1_instant(text, "/x", PARIS, naive=True)
    assert (found.code if isinstance(found, Finding) else found) == expected


@settings(max_examples=300)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)))  # noqa: DTZ001
def test_t1_over_three_years(local: datetime) -> None:
    """Each local time is an instant that reads the same on the wall, or comes not once."""
    local = local.replace(microsecond=0)
    found = rules.t1_instant(local.isoformat(), "", PARIS, naive=True)
    there = {local.replace(tzinfo=PARIS, fold=fold).astimezone(UTC) for fold in (0, 1)}
    exact = {one for one in there if one.astimezone(PARIS).replace(tzinfo=None) == local}
    assert isinstance(found, Finding) == (len(exact) != 1)
    assert isinstance(found, Finding) or found in exact


def test_t2() -> None:
    """Sorted, apart, whole seconds; a gap only where it is allowed."""
    row = [(NOON, NOON + HOUR), (NOON + HOUR, NOON + 2 * HOUR)]
    assert not [*rules.t2_slots(row)]
    assert [one.pointer for one in rules.t2_slots(row[::-1])] == ["/power/1/start"]
    assert codes(rules.t2_slots([])) == [Code.MALFORMED]
    gap = powers((NOON, HOUR, 1), (NOON + 2 * HOUR, HOUR, 1))
    assert codes(rules.t2_gaps(gap, potential())) == [Code.OUTSIDE_PERIOD]
    assert not [*rules.t2_gaps(gap, potential(gaps=True))]
    assert not [*rules.t2_gaps(gap, potential(gaps=True, recovery=HOUR))]
    assert codes(rules.t2_gaps(gap, potential(gaps=True, recovery=HOUR + SECOND))) == [Code.OUTSIDE_PERIOD]


def test_t3() -> None:
    """Equality is enough; a second less is not."""
    assert not [*rules.t3_dmo(NOON, MINUTE, NOON - MINUTE)]
    late = [*rules.t3_dmo(NOON, MINUTE, NOON - MINUTE + SECOND)]
    assert (codes(late), late[0].detail) == ([Code.DMO_VIOLATED], "59 s ahead; the asset needs 60 s")


def test_t4() -> None:
    """Touching slots add up, those apart do not."""
    assert not [*rules.t4_duration(powers((NOON, HOUR, 1), (NOON + HOUR, HOUR, 2)), potential())]
    assert codes(rules.t4_duration(powers((NOON, 2 * HOUR, 1), (NOON + 2 * HOUR, SECOND, 2)), potential())) == [
        Code.MAX_DURATION_EXCEEDED
    ]
    apart = powers((NOON, 2 * HOUR, 1), (NOON + 3 * HOUR, 2 * HOUR, 2))
    assert not [*rules.t4_duration(apart, potential())]
    assert not [*rules.t4_duration(apart, potential(max_duration=None))]


def test_t5() -> None:
    """By the day of the site's calendar: 23:30 and 00:30 are two days, however long they are."""
    evening = datetime(2026, 10, 25, 22, 30, tzinfo=UTC)  # 23:30 of a day of 25 hours
    before = [taken(datetime(2026, 10, 24, 22, 30, tzinfo=UTC))]  # 00:30 of the same
    assert codes(rules.t5_activations(powers((evening, HOUR, 1)), potential(), before, PARIS)) == [Code.QUOTA_EXHAUSTED]
    assert not [*rules.t5_activations(powers((evening + HOUR, HOUR, 1)), potential(), before, PARIS)]
    assert not [*rules.t5_activations(powers((evening, HOUR, 1)), potential(activations_per_day=2), before, PARIS)]
    twice = powers((NOON, HOUR, 1), (NOON + 2 * HOUR, HOUR, 1))
    assert codes(rules.t5_activations(twice, potential(), [], PARIS)) == [Code.QUOTA_EXHAUSTED]
    assert rules.starts_per_day([twice], PARIS) == {NOON.date(): 2}


def test_t6() -> None:
    """Bounds may touch; two periods that touch are not one."""
    periods = (Stretch(NOON, NOON + HOUR), Stretch(NOON + HOUR, NOON + 2 * HOUR))
    assert not [*rules.t6_periods(powers((NOON, HOUR, 1), (NOON + HOUR, HOUR, 1)), potential(time_periods=periods))]
    assert codes(rules.t6_periods(powers((NOON, 2 * HOUR, 1)), potential(time_periods=periods))) == [
        Code.OUTSIDE_PERIOD
    ]
    assert not [*rules.t6_periods(powers((NOON, 2 * HOUR, 1)), potential())]


def test_t7() -> None:
    """More than nothing, no more than there is."""
    assert not [*rules.t7_power(powers((NOON, HOUR, 100)), 100 * KW)]
    assert (
        codes(rules.t7_power(powers((NOON, HOUR, 101), (NOON + HOUR, HOUR, 0)), 100 * KW)) == [Code.POWER_EXCEEDED] * 2
    )


def test_t8() -> None:
    """One request at a time for an asset; the whole and its parts together give what the whole has."""
    assets = {one.id: one for one in (asset(), asset("Heating", "WholeBuilding"), asset("Cold", "WholeBuilding"))}
    whole, heating = assets["WholeBuilding"], assets["Heating"]
    assert codes(rules.t8_overlap(request(), whole, [taken(NOON + HOUR - SECOND)], assets)) == [Code.OVERLAP]
    assert not [*rules.t8_overlap(request(), whole, [taken(NOON + HOUR), taken(NOON - HOUR)], assets)]
    parts = [taken(name="Cold", kilowatts=20), taken(NOON + MINUTE, name="WholeBuilding", kilowatts=1)]
    assert not [*rules.t8_overlap(request(kilowatts=80), heating, parts[:1], assets)]
    assert codes(rules.t8_overlap(request(kilowatts=80), heating, parts, assets)) == [Code.OVERLAP]
    one_after_another = [
        taken(length=MINUTE, name="Cold", kilowatts=20),
        taken(NOON + MINUTE, name="Cold", kilowatts=20),
    ]
    assert not [*rules.t8_overlap(request(kilowatts=80), heating, one_after_another, assets)]
    assert not [*rules.t8_overlap(request(), asset("Other"), [taken()], {"Other": asset("Other"), **assets})]
    circle = {"a": asset("a", "b"), "b": asset("b", "a")}
    assert codes(rules.t8_overlap(request(), circle["a"], [taken(name="a")], circle)) == [Code.OVERLAP]


def test_t9() -> None:
    """Before and after."""
    recovery = HOUR
    for start, breaks in ((2 * HOUR, False), (2 * HOUR - SECOND, True), (-2 * HOUR, False), (SECOND - 2 * HOUR, True)):
        found = codes(rules.t9_recovery(request(NOON + start), asset(), recovery, [taken()]))
        assert found == ([Code.OVERLAP] if breaks else [])
    assert not [*rules.t9_recovery(request(NOON + HOUR), asset(), timedelta(), [taken()])]
    gap = Taken(
        asset_id="WholeBuilding",
        power=powers((NOON, HOUR, 50), (NOON + 3 * HOUR, HOUR, 50)),
        direction=Direction.DECREASE,
    )
    between = request(NOON + 90 * MINUTE)
    assert not [*rules.t9_recovery(between, asset(), 30 * MINUTE, [gap])]
    assert codes(rules.t9_recovery(between, asset(), 31 * MINUTE, [gap])) == [Code.OVERLAP]
    assert not [*rules.t9_recovery(request(NOON + HOUR), asset(), HOUR, [taken(name="Heating")])]


def test_t10_and_t11() -> None:
    """An offer ends when it cannot be prepared any more; the clocks may differ by two seconds."""
    assert rules.t10_expiry(NOON, NOON, MINUTE) == NOON - MINUTE
    assert rules.t10_expiry(NOON - HOUR, NOON, MINUTE) == NOON - HOUR
    assert not [*rules.t11_past(request(), NOON + rules.SKEW)]
    assert codes(rules.t11_past(request(), NOON + rules.SKEW + SECOND)) == [Code.TOO_SOON]


def test_t12() -> None:
    """A clock set back does not lengthen an activation, one set forward ends it."""
    end = NOON + HOUR
    assert rules.t12_left(end, NOON + 10 * MINUTE, HOUR, 10 * MINUTE) == 50 * MINUTE
    assert rules.t12_left(end, NOON + 10 * MINUTE - HOUR, HOUR, 10 * MINUTE) == 50 * MINUTE
    assert rules.t12_left(end, NOON + 10 * MINUTE + HOUR, HOUR, 10 * MINUTE) == timedelta()


def test_a_budget() -> None:
    """Is that of one direction."""
    assert rules.budget_of(asset(), Direction.DECREASE) == 100 * KW
    assert rules.budget_of(asset(), Direction.INCREASE) == Decimal()
