"""Orders that come as requests of a building's operator, and loads in reserve for an activation that lacks power."""

from datetime import datetime, timedelta
from pathlib import Path
import threading
from typing import cast

from conftest import Player
from contracts_here import DATA, SITE, subentry
from desks import School
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.control.orders import Mode, Reason
from custom_components.flex_ready.flexibility.record import State
from custom_components.flex_ready.settlement.model import STEP, Direction, Order, Reading

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")


async def contract_of(school: School, *reserve: str) -> ContractCoordinator:
    """Add the contract of a school's operator; its site is the school's meter."""
    entry, ids = school.loop.entry, {one.title: one.subentry_id for one in school.loop.entry.subentries.values()}
    site = {**SITE, "site_id": "30001234567890", "source": "meter", "method": "rectangle_simple"}
    contract = MockConfigEntry(
        domain=DOMAIN,
        title="Contract",
        data={
            **DATA,
            "power": 9,
            "building": entry.entry_id,
            "operator": school.operator.subentry_id,
            "reserve": [ids[name] for name in reserve],
        },
        subentries_data=(
            subentry("perimeter_site", "Site", {**site, "meter_entry": entry.data["meter_entry"]}).as_dict(),
        ),
    )
    contract.add_to_hass(school.hass)
    assert await school.hass.config_entries.async_setup(contract.entry_id)
    await settle(school.hass)
    return cast("ContractCoordinator", contract.runtime_data)


async def settle(hass: HomeAssistant) -> None:
    """Let the ledger answer: what listens to a meter never ends."""
    for _ in range(10):
        await hass.async_add_executor_job(threading.Event().wait, 0.02)  # the clock of the loop stands still
        await hass.async_block_till_done()


async def test_a_request_is_an_order(player: Player, tmp_path: Path) -> None:
    """Once it is ordered, and not before; what its operator withdraws in time is none."""
    school = await School.begin(player, tmp_path)
    contract = await contract_of(school)
    await school.loop.run(2)
    request = school.request(9_000, within=30)
    assert (await school.desk.create(school.operator, "WholeBuilding", request)).status == 201
    await settle(school.hass)
    assert not contract.data.orders
    await school.order(request)
    await settle(school.hass)
    [order] = contract.data.orders
    assert order == Order(
        id="WholeBuilding/r1",
        ordered_at=order.ordered_at,
        start=request.start,
        end=request.end,
        power_w=9_000,
        direction=Direction.REDUCE_NET_WITHDRAWAL,
    )
    assert abs(order.ordered_at - school.now) < timedelta(minutes=1)
    await school.desk.cancel(school.operator, "WholeBuilding", "r1")
    await settle(school.hass)
    assert [one.accepted for one in contract.data.orders] == [False]
    assert contract.effective == ()


async def test_an_order_that_is_withdrawn_while_it_runs(player: Player, tmp_path: Path) -> None:
    """Ends there; one that the user opted out of does not: it was promised."""
    school = await School.begin(player, tmp_path)
    contract = await contract_of(school)
    await school.loop.run(2)
    for name, within in (("r1", 5), ("r2", 60)):
        await school.order(school.request(9_000, within=within, name=name))
    await school.loop.run(20, until=lambda: school.record("r1").state is State.ACTIVE)
    await school.loop.run(5)
    await school.desk.cancel(school.operator, "WholeBuilding", "r1")
    await school.loop.run(80, until=lambda: school.record("r2").state is State.ACTIVE)
    await school.desk.opt_out(school.record("r2").key)
    await settle(school.hass)
    first, second = contract.data.orders
    assert first.accepted
    assert first.end - first.start < timedelta(minutes=7)
    assert second.accepted
    assert second.end - second.start == timedelta(minutes=30)


async def test_what_was_ordered_before_the_contract(player: Player, tmp_path: Path) -> None:
    """Is found when the contract is set up."""
    school = await School.begin(player, tmp_path)
    await school.loop.run(2)
    await school.order(school.request(9_000, within=30))
    contract = await contract_of(school)
    await settle(school.hass)
    assert [order.id for order in contract.data.orders] == ["WholeBuilding/r1"]


async def lacking(school: School, contract: ContractCoordinator) -> None:
    """Order something that the asset cannot realise: by its reference the building drew less than it did."""
    await school.loop.run(2)
    start = datetime.fromisoformat("2026-01-14T21:30:00+01:00")
    drawn = school.loop.source.building.power(school.loop.clock).active_w
    low = round((drawn - 8_000) / 2)
    await contract.ledger.add_readings(
        "Site", {start.astimezone(school.now.tzinfo) - i * STEP: Reading(low) for i in range(-1, 4)}
    )
    minutes = (start + timedelta(hours=1) - school.now) / timedelta(minutes=1)
    await school.order(school.request(9_000, within=minutes))
    await school.loop.run(60, until=lambda: school.record().state is State.ACTIVE)


async def test_loads_in_reserve(player: Player, tmp_path: Path) -> None:
    """Are shed as long as a half-hour would fall under 80 % without them, and come back with its end."""
    school = await School.begin(player, tmp_path, loads=("ev_charger",))
    contract = await contract_of(school, "heat_pump")
    await lacking(school, contract)
    await school.loop.run(12, until=lambda: not school.loop.is_on("heat_pump"))
    [target] = [one for one in school.loop.building.data.targets if one.reason is Reason.RESERVE]
    assert school.loop.building.handovers[target.load].title == "heat_pump"
    assert school.loop.is_on("ventilation")
    assert school.loop.is_on("water_heater")
    running = contract.data.running
    assert running is not None
    await school.loop.run(60, until=lambda: school.record().state is State.SETTLED)
    await school.loop.run(5)
    assert school.loop.is_on("heat_pump")
    assert school.loop.building.reserves == {}


async def test_nothing_is_in_reserve_unless_it_was_allowed(player: Player, tmp_path: Path) -> None:
    """The half-hour falls short, and that is told."""
    school = await School.begin(player, tmp_path, loads=("ev_charger",))
    contract = await contract_of(school)
    await lacking(school, contract)
    await school.loop.run(12)
    assert contract.data.running is not None
    assert contract.data.running.outlook.needed_w > 0
    assert school.loop.is_on("heat_pump")
    assert school.loop.building.reserves == {}


async def test_a_building_that_observes_commands_nothing(player: Player, tmp_path: Path) -> None:
    """Nor does it for what is in reserve."""
    school = await School.begin(player, tmp_path, loads=("ev_charger",))
    contract = await contract_of(school, "heat_pump")
    await lacking(school, contract)
    await school.loop.building.async_set_mode(Mode.OBSERVE)
    await school.loop.run(12)
    assert school.loop.is_on("heat_pump")
