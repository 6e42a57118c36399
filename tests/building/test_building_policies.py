"""What Ecowatt and the price ask of loads: as each says, while it lasts, and weaker than a hand."""

from datetime import UTC, datetime, timedelta

from closed_loop import building_entry, load_data
from conftest import meter_entry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from world import World

from custom_components.flex_ready.building.coordinator import BuildingCoordinator
from custom_components.flex_ready.control.orders import Mode, Reason, Source
from custom_components.flex_ready.grid.ecowatt import EcowattCoordinator
from custom_components.flex_ready.grid.supplier import SupplierCoordinator
from custom_components.flex_ready.signals.ecowatt.model import Level

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

_TICK = timedelta(seconds=6)


async def building(world: World, policies: dict[str, dict[str, object]], **signals: object) -> BuildingCoordinator:
    """Set up a building whose meter is not there, with a load for each policy."""
    hass = world.hass
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": {name: {"initial": True} for name in policies}}
    )
    meter = meter_entry("/dev/ttyNone")
    meter.add_to_hass(hass)
    rules = {"min_on": 0, "min_off": 0, "max_off": None}
    loads = [(name, load_data(f"input_boolean.{name}", **rules, **policy)) for name, policy in policies.items()]
    entry: MockConfigEntry = await world.load(building_entry(meter.entry_id, loads, **signals))
    found: BuildingCoordinator = entry.runtime_data
    await found.async_set_mode(Mode.LIMIT)
    return found


def on(hass: HomeAssistant) -> set[str]:
    """Return which loads are on."""
    return {state.object_id for state in hass.states.async_all("input_boolean") if state.state == "on"}


async def test_loads_that_go_by_ecowatt(world: World) -> None:
    """One goes while the grid is tense, one while it is very tense, one never; all come back."""
    grid = await world.load(world.ecowatt_entry())
    ecowatt: EcowattCoordinator = grid.runtime_data
    assert ecowatt.held
    school = await building(
        world,
        {"eager": {"shed_from_level": "tense"}, "late": {"shed_from_level": "very_tense"}, "never": {}},
        ecowatt_entry=grid.entry_id,
    )
    seen = set()
    now = datetime.now(UTC)
    for slot in [slot for slot in ecowatt.held.hours if slot.end > now][:8]:
        await world.to(max(slot.start, now) + _TICK)
        wanted = {"never"} | ({"eager"} if slot.value < Level.TENSE else set())
        wanted |= {"late"} if slot.value < Level.VERY_TENSE else set()
        assert on(world.hass) == wanted, slot
        seen.add(slot.value)
        for target in school.data.targets:
            if target.step:
                assert (target.source, target.reason) == (Source.ECOWATT, Reason.ECOWATT)
                assert target.until is not None
    assert Level.VERY_TENSE in seen
    assert Level.NORMAL in seen


async def test_loads_that_go_by_the_price(world: World) -> None:
    """One goes while the price is above its own limit; a signal that is not there asks for nothing."""
    supply = await world.load(world.supplier_entry())
    supplier: SupplierCoordinator = supply.runtime_data
    assert supplier.held
    prices = sorted(slot.value.price for slot in supplier.held.steps if slot.value.price is not None)
    most = prices[len(prices) // 2]
    await building(world, {"thrifty": {"shed_above_price": float(most)}, "rich": {}}, supplier_entry=supply.entry_id)
    now = datetime.now(UTC)
    seen = set()
    for slot in [slot for slot in supplier.held.steps if slot.end > now][:60:5]:
        await world.to(max(slot.start, now) + _TICK)
        assert slot.value.price is not None
        dear = slot.value.price > most
        seen.add(dear)
        assert on(world.hass) == ({"rich"} if dear else {"rich", "thrifty"}), slot
    assert seen == {True, False}
    assert await world.hass.config_entries.async_unload(supply.entry_id)
    await world.wait(seconds=6)
    assert on(world.hass) == {"rich", "thrifty"}
