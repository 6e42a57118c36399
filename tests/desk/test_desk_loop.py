"""A request from the operator's call to the loads and back, in a played night of a school."""

from decimal import Decimal
from pathlib import Path

from conftest import Player
from desks import School
import pytest

from custom_components.flex_ready.building.plan import plan
from custom_components.flex_ready.control.orders import Mode, Reason
from custom_components.flex_ready.flexibility.problem import Code
from custom_components.flex_ready.flexibility.record import State

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
