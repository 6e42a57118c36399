"""A request from the operator's call to the loads and back, in a played night of a school."""

from decimal import Decimal
from pathlib import Path

from closed_loop import LOADS, NOMINAL_W
from conftest import Player
from desks import School
import pytest

from custom_components.flex_ready.building.plan import plan
from custom_components.flex_ready.control.orders import Mode, Reason
from custom_components.flex_ready.flexibility.problem import Code
from custom_components.flex_ready.flexibility.record import State
from custom_components.flex_ready.slots import Stretch

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")


async def test_a_request_is_delivered(player: Player, tmp_path: Path) -> None:
    """Offered, ordered, prepared, shed for as long as it is asked for, given back, measured and closed."""
    school = await School.begin(player, tmp_path)
    await school.loop.run(2)
    request = school.request(9_000)
    record = await school.order(request)
    assert record.state is State.SCHEDULED
    assert school.loop.changes() == []
    await school.loop.run(10, until=lambda: school.record().state is State.ACTIVE)
    assert school.now >= request.start
    await school.loop.run(1)
    off = [name for name in school.loop.source.building.loads if not school.loop.is_on(name)]
    assert off == ["ev_charger"]
    [target] = [one for one in school.loop.building.data.targets if one.step]
    assert target.reason is Reason.ASKED
    orders = plan(school.loop.building)["orders"]
    assert isinstance(orders, list)
    assert [(one["source"], one["power"]) for one in orders if isinstance(one, dict)] == [("request", 9_000)]
    progress = school.desk.progress(record.key)
    assert progress.delivered_w >= 9_000
    await school.loop.run(60, until=lambda: school.record().state is State.SETTLED)
    assert [one.target for one in school.record().history] == [
        State.RECEIVED,
        State.OFFERED,
        State.CONFIRMED,
        State.SCHEDULED,
        State.MOBILISING,
        State.ACTIVE,
        State.RECOVERING,
        State.COMPLETED,
        State.SETTLED,
    ]
    assert all(school.loop.is_on(name) for name in school.loop.source.building.loads)
    consumption = await school.desk.realised(school.operator, "WholeBuilding", "r1")
    assert consumption is not None
    steps = consumption.steps.slots
    assert (steps[0].start, steps[-1].end) == (request.start, request.end)
    given = [one.value.baseline - one.value.power for one in steps if one.value.baseline and one.value.power]
    assert len(given) == len(steps)
    assert all(Decimal(9_000) <= power <= Decimal(11_000) for power in given[1:])


async def test_what_the_subscribed_power_holds_off(player: Player, tmp_path: Path) -> None:
    """It is not told as potential now, for it is not offered; both agree for a time at which it is sure to be back."""
    school = await School.begin(player, tmp_path, subscribed=24)
    states = school.loop.building.controller.states
    await school.loop.run(15, until=lambda: sum(bool(one.step) for one in states.values()) > 1)
    left = sum(NOMINAL_W[name] for name in LOADS if school.loop.is_on(name))
    told = school.desk.able("WholeBuilding")
    assert told is not None
    assert 0 < told <= left < sum(NOMINAL_W.values())
    soon = school.request(int(told), within=2, minutes=118)
    again = school.desk.able("WholeBuilding", Stretch(soon.start, soon.end))
    assert again is not None
    assert again >= told  # it ends some seconds sooner
    record = await school.order(soon)
    assert record.power.slots[0].value == int(told)
    late = school.request(1, within=240, name="r2")
    then = school.desk.able("WholeBuilding", Stretch(late.start, late.end))
    assert then is not None
    assert then > left
    late = school.request(int(then), within=240, name="r2")
    assert (await school.order(late)).power.slots[0].value == int(then)


async def test_nothing_is_offered_while_observing(player: Player, tmp_path: Path) -> None:
    """The asset has nothing to give then, and says so; what was potential comes back with the limit."""
    school = await School.begin(player, tmp_path)
    await school.loop.building.async_set_mode(Mode.OBSERVE)
    [asset] = school.desk.assets_of(school.operator)
    assert [one.power for one in asset.potentials] == [0]
    made = await school.desk.create(school.operator, "WholeBuilding", school.request(9_000))
    assert made.code is Code.POWER_EXCEEDED
    assert not school.desk.book.records
    await school.loop.building.async_set_mode(Mode.LIMIT)
    [asset] = school.desk.assets_of(school.operator)
    assert [one.power for one in asset.potentials] == [36_000]
