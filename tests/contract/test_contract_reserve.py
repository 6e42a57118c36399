"""Loads in reserve are asked for as far as a half-hour lacks power, and no longer than it."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

from conftest import Player
from contracts_here import ORDER
from desks import School
import pytest
from test_contract_orders import contract_of

from custom_components.flex_ready.building.coordinator import BuildingCoordinator
from custom_components.flex_ready.building.meter_link import epoch_ms
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.contract.state import RunningStep
from custom_components.flex_ready.control.orders import Reason
from custom_components.flex_ready.settlement.model import STEP, floor
from custom_components.flex_ready.settlement.outlook import StepOutlook

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")


def lacking(step: datetime, watts: int) -> RunningStep:
    """Return a half-hour that lacks so much power."""
    outlook = StepOutlook(Fraction(4_500), Fraction(2_000), watts, possible=True)
    return RunningStep(
        order=replace(ORDER, start=step, end=step + 2 * STEP),
        step=step,
        realised_wh=Fraction(1_000),
        realised_w=2_000,
        outlook=outlook,
    )


def asked(building: BuildingCoordinator) -> list[tuple[int | None, int | None]]:
    """Return what is asked for: how much, and until when."""
    return [(wish.power, wish.until) for wish in building.reserves.values()]


async def begin(player: Player, folder: Path) -> tuple[School, ContractCoordinator, str]:
    """Set a school up with a contract that has the heat pump in reserve; return its id too."""
    school = await School.begin(player, folder, loads=("ev_charger",))
    contract = await contract_of(school, "heat_pump")
    await school.loop.run(3)
    [load] = [one.subentry_id for one in school.loop.entry.subentries.values() if one.title == "heat_pump"]
    return school, contract, load


async def test_as_much_as_lacks_and_no_longer(player: Player, tmp_path: Path) -> None:
    """More if that was not enough, the same if it was, nothing with the next half-hour, and nothing without one."""
    school, contract, load = await begin(player, tmp_path)
    building, reserve, step = school.loop.building, contract._reserve, floor(school.now)
    assert reserve is not None
    until = epoch_ms(step + STEP)
    reserve.look(lacking(step, 5_000))
    assert asked(building) == [(5_000, until)]
    assert [(one.load, one.reason) for one in building.data.targets if one.step] == [(load, Reason.RESERVE)]
    assert reserve.asked_w == 5_000
    reserve.look(lacking(step, 2_000))
    assert asked(building) == [(7_000, until)]
    reserve.look(lacking(step, 0))
    assert asked(building) == [(7_000, until)]
    reserve.look(lacking(step + STEP, 0))
    assert asked(building) == []
    reserve.look(lacking(step + STEP, 1_000))
    assert asked(building) == [(1_000, epoch_ms(step + 2 * STEP))]
    reserve.look(None)
    assert (asked(building), reserve.asked_w) == ([], 0)


async def test_it_ends_by_itself(player: Player, tmp_path: Path) -> None:
    """With the half-hour, whoever does not say so; and with the contract."""
    school, contract, _ = await begin(player, tmp_path)
    building, reserve, step = school.loop.building, contract._reserve, floor(school.now)
    assert reserve is not None
    reserve.look(lacking(step, 5_000))
    assert building.data.targets
    later = step + STEP + timedelta(seconds=1)
    assert [wish.reason for wish in building._wishes(later)] == []
    assert await school.hass.config_entries.async_unload(contract.id)
    assert building.reserves == {}


async def test_the_user_has_the_last_word(player: Player, tmp_path: Path) -> None:
    """A load that is not to be touched is not, and one that is deleted is not asked for."""
    school, contract, load = await begin(player, tmp_path)
    building, reserve, step = school.loop.building, contract._reserve, floor(school.now)
    assert reserve is not None
    await building.async_set_managed(load, managed=False)
    reserve.look(lacking(step, 5_000))
    await school.loop.run(2)
    assert school.loop.is_on("heat_pump")
    reserve.look(None)
    del building.handovers[load]
    reserve.look(lacking(step, 5_000))
    assert asked(building) == []


async def test_a_building_that_is_not_there(player: Player, tmp_path: Path) -> None:
    """Is asked for nothing, and the contract goes on."""
    school, contract, _ = await begin(player, tmp_path)
    reserve, step = contract._reserve, floor(school.now)
    assert reserve is not None
    assert await school.hass.config_entries.async_unload(school.loop.entry.entry_id)
    reserve.look(lacking(step, 5_000))
    assert reserve.asked_w == 0
    assert await school.hass.config_entries.async_unload(contract.id)
