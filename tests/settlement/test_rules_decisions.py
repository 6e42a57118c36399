"""Decisions D1 to D13: where the rules are silent, each by its setting."""

import ast
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
import re

from hypothesis import given, settings, strategies as st
from terms import HOUR, ORDER, PARIS, SITE, START, WITH, WITHOUT, local, order_of, realised

from custom_components.flex_ready.settlement.contract import Availability
from custom_components.flex_ready.settlement.model import STEP, Direction, Order
from custom_components.flex_ready.settlement.money import cents
from custom_components.flex_ready.settlement.orders import Invalid, invalid, netted
from custom_components.flex_ready.settlement.profile import (
    Cap,
    Decisions,
    Missing,
    Negative,
    OffGrid,
    Overlap,
)
from custom_components.flex_ready.settlement.report import activation
from custom_components.flex_ready.settlement.sites import members
from custom_components.flex_ready.settlement.volumes import capped, expected, perimeter, shares, step_volume

HERE = Path(__file__).parent
LITERAL = Decisions(negative=Negative.LITERAL)


def test_d01_the_wrong_way() -> None:
    """Nothing by default, so that no more is deficient than was expected; or as it is."""
    floored = activation(order_of(300_000, 4), {"EF1": realised(310_000, 200_000, -20_000, 240_000)}, WITHOUT)
    assert (floored.totals.premium, floored.totals.penalty) == (Decimal("148.00"), Decimal("3680.00"))
    assert floored.steps[2].raw == -20_000
    literal = activation(
        order_of(300_000, 4), {"EF1": realised(310_000, 200_000, -20_000, 240_000)}, WITHOUT, decisions=LITERAL
    )
    assert (literal.totals.premium, literal.totals.penalty) == (Decimal("144.00"), Decimal("3864.00"))


def test_d02_no_float_decides() -> None:
    """0.8 times 1.5 is more than 1.2 for a float; 1.2 of 1.5 kWh is no default."""
    [step] = perimeter(order_of(3, 1), [realised(Fraction(12, 5))])
    assert not step.default
    assert 0.8 * 1.5 > 1.2


def test_d03_an_order_off_the_half_hour() -> None:
    """Refused at entry, unless it is to count by its part."""
    odd = replace(ORDER, start=START + timedelta(minutes=10), end=START + timedelta(minutes=100), power_w=600_000)
    assert invalid(odd, WITHOUT) == (Invalid.OFF_GRID,)
    assert invalid(odd, WITHOUT, decisions=Decisions(off_grid=OffGrid.PRORATA)) == ()
    assert sum(expected(replace(odd, power_w=1_000_000)).values()) == 1_500_000


def test_d04_a_half_hour_in_part() -> None:
    """What is expected of it is that part; what was realised is of the whole, and no more is paid than expected."""
    odd = replace(ORDER, start=START + timedelta(minutes=10), end=START + timedelta(minutes=40))
    assert [*expected(odd).values()] == [200_000, 100_000]
    steps = perimeter(odd, [realised(300_000, 90_000)])
    assert [step.paid for step in steps] == [200_000, 90_000]
    second = replace(ORDER, start=START + timedelta(seconds=1), end=START + timedelta(seconds=3), power_w=3600)
    assert [*expected(second).values()] == [2]


def test_d05_periods_where_the_clock_is_changed() -> None:
    """From two to three is not there in March, and twice as long in October."""
    night = replace(WITH, availability=(Availability(start=time(2), end=time(3), power_w=1_000_000),))
    march = replace(ORDER, start=local(2026, 3, 29), end=local(2026, 3, 29, 6))
    assert [*night.available(march)] == []
    october = replace(ORDER, start=local(2026, 10, 25), end=local(2026, 10, 25, 6))
    [slot] = night.available(october)
    assert slot.length == 2 * HOUR


def test_d07_each_activation_of_a_day_is_settled_alone() -> None:
    """A failure of one is no share of the other."""
    one = activation(order_of(500_000, 1), {"EF1": realised(0)}, WITH)
    other = activation(order_of(500_000, 1), {"EF1": realised(500_000)}, WITH)
    assert one.totals.penalty == Decimal("128000.00")
    assert other.totals.penalty == 0


def test_d08_orders_at_the_same_time_are_netted() -> None:
    """Powers are added up, those of the other direction taken off; nothing is left where they are even."""
    half = START + HOUR
    more = replace(ORDER, id="A2", start=half, end=half + 2 * HOUR, power_w=400_000)
    counter = replace(more, id="A3", direction=Direction.INCREASE_NET_WITHDRAWAL, power_w=600_000)
    found = [(one.id, one.start, one.end, one.power_w) for one in netted([more, ORDER])]
    assert found == [
        ("A1", START, half, 600_000),
        ("A1+A2", half, half + HOUR, 1_000_000),
        ("A2", half + HOUR, half + 2 * HOUR, 400_000),
    ]
    against = netted([ORDER, counter])
    assert [(one.power_w, one.direction.sign) for one in against] == [(600_000, 1), (600_000, -1)]
    assert against[0].end == half
    assert invalid(more, WITHOUT, [ORDER], decisions=Decisions(overlap=Overlap.REFUSE)) == (Invalid.OVERLAPPING,)
    assert netted([ORDER]) == (ORDER,)


@st.composite
def _orders(draw: st.DrawFn) -> list[Order]:
    spans = draw(
        st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(1, 9), st.booleans()), max_size=6)
    )
    return [
        replace(
            ORDER,
            id=f"O{i}",
            start=START + start * STEP,
            end=START + (start + length) * STEP,
            power_w=power * 100_000,
            direction=Direction.REDUCE_NET_WITHDRAWAL if up else Direction.INCREASE_NET_WITHDRAWAL,
        )
        for i, (start, length, power, up) in enumerate(spans)
    ]


@given(_orders())
def test_d08_netting_keeps_the_energy(orders: list[Order]) -> None:
    """In every half-hour; no two of what is left are at the same time, nor have the same name."""

    def energy(some: object, step: datetime) -> Fraction:
        assert isinstance(some, (list, tuple))
        return sum((one.direction.sign * expected(one).get(step, Fraction()) for one in some), Fraction())

    left = netted(orders)
    for i in range(30):
        assert energy(left, START + i * STEP) == energy(orders, START + i * STEP)
    assert all(not one.overlaps(other) for one in left for other in left if one is not other)
    assert len({one.id for one in left}) == len(left)
    assert all(one.power_w > 0 for one in left)


def test_d09_what_is_missing_is_no_zero() -> None:
    """It is not settled; or by those entities that have a volume, if so decided."""
    order = order_of(500_000, 2)
    there, gaps = realised(500_000, 300_000), realised(None, 100_000)
    steps = perimeter(order, [there, gaps])
    assert steps[0].counted is None
    assert steps[0].paid == steps[0].deficient == 0
    assert steps[1].raw == 400_000
    assert steps[1].complete
    part = perimeter(order, [there, gaps], decisions=Decisions(missing=Missing.PARTIAL))
    assert part[0].paid == 500_000
    assert not part[0].complete
    assert perimeter(order, [gaps], decisions=Decisions(missing=Missing.PARTIAL))[0].counted is None
    assert perimeter(order, [])[0].counted is None


def test_d10_no_more_than_was_declared() -> None:
    """If so decided: 700 kW of a capacity of 600 are 600."""
    assert capped(Fraction(350_000), 600_000, Decisions()) == 350_000
    assert capped(Fraction(350_000), 600_000, Decisions(cap=Cap.CAPACITY)) == 300_000
    assert capped(Fraction(-5), 600_000, Decisions(cap=Cap.CAPACITY)) == -5


def test_d11_shares_of_sites() -> None:
    """By what each realised; of nothing there are none."""
    assert shares(Fraction(600), {"S1": Fraction(500), "S2": Fraction(250)}) == {"S1": 400, "S2": 200}
    assert shares(Fraction(600), {"S1": Fraction(700), "S2": Fraction(-100)}) == {"S1": 700, "S2": 0}
    assert shares(Fraction(0), {"S1": Fraction(-1)}) == {"S1": 0}


def test_d12_the_perimeter_is_that_of_the_month() -> None:
    """In which the activation starts, by the local day."""
    site = replace(SITE, joined=date(2026, 2, 1))
    start = datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert start.astimezone(PARIS).date() == date(2026, 2, 1)
    assert members([site], start.astimezone(PARIS).date()) == (site,)
    assert members([site], start.date()) == ()


def test_d13_rounded_once_for_each_line() -> None:
    """Thirds of a cent are kept until then."""
    third = order_of(1, 3)
    report = activation(
        third, {"EF1": realised(*[Fraction(1, 3)] * 3)}, replace(WITHOUT, variable_premium=Decimal(5000))
    )
    assert report.totals.paid == 1
    assert report.totals.premium == cents(Fraction(5000, 1_000_000)) == Decimal("0.01")


@settings(max_examples=300)
@given(
    wanted=st.fractions(min_value=1, max_value=10**9, max_denominator=7),
    raw=st.fractions(min_value=-(10**9), max_value=2 * 10**9, max_denominator=11),
    more=st.fractions(min_value=0, max_value=10**9, max_denominator=5),
)
def test_volumes_add_up(wanted: Fraction, raw: Fraction, more: Fraction) -> None:
    """Paid and what is short of it are what was expected; a deficient volume is none, or more than a fifth."""
    step = step_volume(START, wanted, raw)
    assert 0 <= step.paid <= wanted
    assert step.deficient == 0 or step.deficient == wanted - step.paid > wanted / 5
    better = step_volume(START, wanted, raw + more)
    assert better.paid >= step.paid
    assert better.deficient <= step.deficient
    literal = step_volume(START, wanted, raw, decisions=LITERAL)
    assert literal.default is step.default
    assert literal.deficient >= step.deficient


NUMBERS = {f"r{number:02}" for number in range(1, 31)} | {f"d{number:02}" for number in range(1, 14)}


def test_every_rule_is_the_name_of_a_test() -> None:
    """R1 to R30, and D1 to D13."""
    named = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (found := re.match(r"test_([rd]\d\d)_", node.name)):
                named.add(found[1])
    assert named == NUMBERS
