"""Rules R9 and decisions D3 and D8 where orders meet each other, or the half-hours in part."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from terms import HOUR, ORDER, PARIS, START, WITH, WITHOUT, realised

from custom_components.flex_ready.settlement.facts import Facts
from custom_components.flex_ready.settlement.methods import Choice, Method, plan
from custom_components.flex_ready.settlement.model import STEP, Direction, Order, Purpose
from custom_components.flex_ready.settlement.orders import Invalid, invalid, whole
from custom_components.flex_ready.settlement.profile import Decisions, OffGrid, Overlap, Penalised, Ratio
from custom_components.flex_ready.settlement.report import activation
from custom_components.flex_ready.settlement.volumes import expected, perimeter
from custom_components.flex_ready.slots import Stretch

TEN_PAST = replace(ORDER, power_w=1_000_000, start=START + timedelta(minutes=10), end=START + timedelta(minutes=100))
"""1 MW from 18:10 to 19:40."""


def other(power_w: int, hours: int, **change: object) -> Order:
    """Return an order that starts so many hours after the usual one does, for two hours."""
    start = START + hours * HOUR
    return replace(ORDER, id="A2", power_w=power_w, start=start, end=start + 2 * HOUR, **change)  # type: ignore[arg-type]


def test_r09_orders_at_the_same_time_share_the_power() -> None:
    """Half of it twice is as much as is contracted; a watt more is too much."""
    half = replace(ORDER, power_w=300_000)
    assert invalid(other(300_000, 1), WITHOUT, [half]) == ()
    assert invalid(other(300_001, 1), WITHOUT, [half]) == (Invalid.TOO_MUCH_POWER,)
    assert invalid(other(600_000, 2), WITHOUT, [half]) == ()
    assert invalid(other(300_001, 1), WITHOUT, [replace(half, accepted=False)]) == ()


def test_r09_what_is_called_off_leaves_room() -> None:
    """But not for more than is contracted."""
    back = other(300_000, 0, direction=Direction.INCREASE_NET_WITHDRAWAL)
    more = replace(other(300_000, 0), id="A3")
    assert invalid(more, WITHOUT, [ORDER, back]) == ()
    assert invalid(more, WITHOUT, [ORDER]) == (Invalid.TOO_MUCH_POWER,)
    assert invalid(replace(more, power_w=600_001), WITHOUT, [back]) == (Invalid.TOO_MUCH_POWER,)


def test_d08_a_test_is_alone() -> None:
    """What it is judged by, and paid for, is of no other order."""
    trial = replace(ORDER, power_w=300_000, purpose=Purpose.ACTIVATION_TEST)
    assert invalid(other(300_000, 1), WITHOUT, [trial]) == (Invalid.OVERLAPPING,)
    assert invalid(other(300_000, 1, purpose=Purpose.ACTIVATION_TEST), WITHOUT, [ORDER]) == (Invalid.OVERLAPPING,)
    assert invalid(other(300_000, 2), WITHOUT, [trial]) == ()


def test_d08_refused_rather_than_netted() -> None:
    """Then the power of each alone counts."""
    refused = Decisions(overlap=Overlap.REFUSE)
    assert invalid(other(100, 1), WITHOUT, [ORDER], decisions=refused) == (Invalid.OVERLAPPING,)


@pytest.mark.parametrize(
    ("off_grid", "kwh"),
    [
        (OffGrid.REFUSE, [333, 500, 500, 167]),
        (OffGrid.PRORATA, [333, 500, 500, 167]),
        (OffGrid.WHOLE, [500, 500]),
        (OffGrid.OUTWARD, [500, 500, 500, 500]),
    ],
)
def test_d03_what_an_order_off_the_half_hour_expects(off_grid: OffGrid, kwh: list[int]) -> None:
    """1500, 1000 or 2000 kWh; the volumes are of the half-hours from which something is expected."""
    assert [round(wh / 1000) for wh in expected(TEN_PAST, off_grid).values()] == kwh
    report = activation(TEN_PAST, {"EF1": realised(*[500_000] * 4)}, WITHOUT, decisions=Decisions(off_grid=off_grid))
    assert [round(step.paid / 1000) for step in report.steps] == kwh
    assert report.totals.expected == {4: 1_500_000, 2: 1_000_000}[len(kwh)] + (
        500_000 if off_grid is OffGrid.OUTWARD else 0
    )
    assert report.totals.penalty == 0
    on_grid = expected(ORDER, off_grid)
    assert [*on_grid.values()] == [300_000] * 4


def test_d03_an_order_that_covers_no_half_hour() -> None:
    """Expects nothing, if only whole ones count."""
    short = replace(ORDER, start=START + timedelta(minutes=10), end=START + timedelta(minutes=50))
    whole = Decisions(off_grid=OffGrid.WHOLE)
    report = activation(short, {"EF1": realised(0, 0)}, WITHOUT, decisions=whole)
    assert (report.steps, report.totals.penalty) == ((), Decimal(0))
    test = activation(replace(short, purpose=Purpose.ACTIVATION_TEST), {}, WITHOUT, decisions=whole)
    assert (test.outcome, test.totals.premium) == (None, Decimal(0))


def test_d08_orders_in_a_row_are_one_for_the_double_reference() -> None:
    """As far as one follows the other without a gap, in the same direction, whatever their power."""
    before = replace(other(100, -2), id="before")
    long_before = replace(other(200, -4), id="long before")
    after = replace(other(300, 2), id="after")
    apart = replace(other(400, 5), id="apart")
    back = other(500, 4, direction=Direction.INCREASE_NET_WITHDRAWAL)
    assert whole(ORDER, []) == Stretch(ORDER.start, ORDER.end)
    assert whole(ORDER, [after, apart, before, back, long_before]) == Stretch(long_before.start, after.end)
    assert whole(ORDER, [apart, back, long_before]) == Stretch(ORDER.start, ORDER.end)
    assert whole(after, [ORDER, before]) == Stretch(before.start, after.end)
    assert whole(ORDER, [replace(ORDER, id="same"), other(1, 1)]) == Stretch(ORDER.start, ORDER.end + HOUR)


def test_d08_the_windows_lie_around_the_row() -> None:
    """None of them is in the shedding of another."""
    second = replace(ORDER, id="A2", start=ORDER.end, end=ORDER.end + HOUR)
    facts = Facts(zone=PARIS, whole=whole(ORDER, [second]))
    made = plan(ORDER, Choice(method=Method.DOUBLE_REFERENCE), facts, lambda _: False)
    before, after = made.windows[ORDER.start]
    assert (before[-1], after[0]) == (ORDER.start - STEP, second.end)


@pytest.mark.parametrize("ratio", [Ratio.ACTIVATION, Ratio.STEPS])
def test_d08_orders_in_a_row_fail_together(ratio: Ratio) -> None:
    """By the whole activation its total failure costs what is expected of the contract by p, however it was cut."""
    decisions = Decisions(ratio=ratio)
    one = replace(ORDER, power_w=1_000_000)
    first, second = replace(one, end=START + HOUR), replace(one, id="A2", start=START + HOUR, power_w=900_000)
    nothing = {order.id: {"EF1": dict.fromkeys(order.steps, Fraction())} for order in (first, second)}
    steps = {order.id: perimeter(order, nothing[order.id].values()) for order in (first, second)}
    reports = [
        activation(first, nothing[first.id], WITH, decisions=decisions, after=steps[second.id]),
        activation(second, nothing[second.id], WITH, decisions=decisions, before=steps[first.id]),
    ]
    penalties = [report.totals.penalty for report in reports]
    expected = {Ratio.ACTIVATION: [Decimal("67368.42"), Decimal("60631.58")], Ratio.STEPS: [Decimal(256_000)] * 2}
    assert penalties == expected[ratio]


@pytest.mark.parametrize(
    ("penalised", "kwh"),
    [(Penalised.ALL_STEPS, (500, 1000)), (Penalised.FIRST_DEFAULT_STEP, (200, 0)), (Penalised.WORST_STEP, (0, 500))],
)
def test_d08_one_half_hour_of_a_row(penalised: Penalised, kwh: tuple[int, int]) -> None:
    """Where one half-hour is penalised it is one of the whole row."""
    one = replace(ORDER, power_w=1_000_000)
    first, second = replace(one, end=START + HOUR), replace(one, id="A2", start=START + HOUR)
    realised_wh = {first.id: [300_000, 200_000], second.id: [0, 0]}
    volumes = {
        order.id: {"EF1": dict(zip(order.steps, map(Fraction, realised_wh[order.id]), strict=True))}
        for order in (first, second)
    }
    steps = {order.id: perimeter(order, volumes[order.id].values()) for order in (first, second)}
    decisions = Decisions(penalised=penalised)
    found = [
        activation(first, volumes[first.id], WITHOUT, decisions=decisions, after=steps[second.id]).totals.penalty,
        activation(second, volumes[second.id], WITHOUT, decisions=decisions, before=steps[first.id]).totals.penalty,
    ]
    assert found == [Decimal(9_200 * one) / 1000 for one in kwh]


def test_d08_a_half_hour_that_two_orders_of_a_row_share() -> None:
    """Off the half-hours the part of the earlier order comes first, whichever of both is settled."""
    first = replace(ORDER, power_w=1_000_000, end=START + timedelta(minutes=10))
    second = replace(first, id="A2", start=first.end, end=START + timedelta(minutes=30))
    decisions = Decisions(penalised=Penalised.FIRST_DEFAULT_STEP)
    nothing = {"EF1": {START: Fraction()}}
    parts = {order.id: perimeter(order, nothing.values()) for order in (first, second)}
    one = activation(first, nothing, WITHOUT, decisions=decisions, after=parts[second.id])
    other = activation(second, nothing, WITHOUT, decisions=decisions, before=parts[first.id])
    assert (one.totals.penalty, other.totals.penalty) == (Decimal("1533.33"), Decimal())
