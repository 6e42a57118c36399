"""Loads of every kind: shed and given back exactly as they were, whoever else switches them, whatever fails."""

from datetime import timedelta
import json
import logging
from typing import Any

from closed_loop import load_data
from conftest import Player
from homeassistant.components.climate.const import ATTR_PRESET_MODE, HVACMode
from homeassistant.const import ATTR_TEMPERATURE, STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service  # type: ignore[import-untyped]
from site_of import Site, set_up_switches

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

HOUR = {"hours": 1}
HEATER = "climate.heater"
BOILER = "input_boolean.boiler"
SWITCHED = ("Boiler", load_data(BOILER))


async def set_up_heater(hass: HomeAssistant, **started: object) -> None:
    """Make a thermostat that heats to 21 degrees."""
    await set_up_switches(hass)
    hass.states.async_set("sensor.room", "18", {"unit_of_measurement": "°C"})
    thermostat = {
        "platform": "generic_thermostat",
        "name": "Heater",
        "heater": "input_boolean.fan",
        "target_sensor": "sensor.room",
        "initial_hvac_mode": "heat",
        "target_temp": 21,
        "eco_temp": 17,
        "precision": 0.1,
    }
    assert await async_setup_component(hass, "climate", {"climate": thermostat})
    await hass.async_block_till_done()


def seen(site: Site, entity_id: str) -> tuple[str, dict[str, Any]]:
    """Return all that an entity says."""
    state = site.hass.states.get(entity_id)
    assert state
    return state.state, dict(state.attributes)


async def shed(site: Site) -> None:
    """Shed all loads."""
    await site.call("shed_loads", duration=HOUR)


async def give_back(site: Site) -> None:
    """Give all loads back, once their time off is over."""
    await site.wait(3 * 60)
    await site.call("restore_loads")
    await site.wait(30)


@pytest.mark.parametrize("was", [STATE_ON, STATE_OFF])
async def test_off(player: Player, was: str) -> None:
    """What was on is on again, and what was off is not touched."""
    await set_up_switches(player.hass, on=was == STATE_ON)
    site = await Site.begin(player, [SWITCHED])
    before = seen(site, BOILER)
    await shed(site)
    assert site.state(BOILER) == STATE_OFF
    await give_back(site)
    assert seen(site, BOILER) == before


async def test_setpoint(player: Player) -> None:
    """It is moved, and moved back to what it was."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [("Heater", load_data(HEATER, method="setpoint", shift=-3, left_w=0))])
    before = seen(site, HEATER)
    assert before[1][ATTR_TEMPERATURE] == 21
    await shed(site)
    assert seen(site, HEATER)[1][ATTR_TEMPERATURE] == 18
    assert site.state("sensor.heater_state") == "shed"
    await give_back(site)
    assert seen(site, HEATER) == before


async def test_preset(player: Player) -> None:
    """It is set, and what was set before is again."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [("Heater", load_data(HEATER, method="preset", preset="eco"))])
    before = seen(site, HEATER)
    assert before[1][ATTR_PRESET_MODE] == "none"
    await shed(site)
    after = seen(site, HEATER)
    assert (after[1][ATTR_PRESET_MODE], after[1][ATTR_TEMPERATURE]) == ("eco", 17)
    await give_back(site)
    assert seen(site, HEATER) == before


async def test_a_thermostat_that_is_switched_off(player: Player) -> None:
    """Its mode and its setpoint come back."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [("Heater", load_data(HEATER))])
    before = seen(site, HEATER)
    await shed(site)
    assert site.state(HEATER) == HVACMode.OFF
    await give_back(site)
    assert seen(site, HEATER) == before


async def test_limit(player: Player) -> None:
    """A number is set lower, and set again."""
    number = {"charger": {"name": "Charger", "min": 0, "max": 32, "initial": 16, "unit_of_measurement": "A"}}
    assert await async_setup_component(player.hass, "input_number", {"input_number": number})
    data = load_data("input_number.charger", method="limit", value=6, amperes=True, phases=3, nominal_w=11_000)
    site = await Site.begin(player, [("Charger", data)])
    before = seen(site, "input_number.charger")
    await shed(site)
    assert site.state("input_number.charger") == "6.0"
    await give_back(site)
    assert seen(site, "input_number.charger") == before


async def test_scripts(player: Player) -> None:
    """One runs once when it is shed, the other once when it is given back, also when the entry is unloaded."""
    ran: list[str] = []

    async def note(call: ServiceCall) -> None:
        ran.append(call.data["what"])

    player.hass.services.async_register("test", "note", note)
    scripts = {
        name: {"sequence": [{"action": "test.note", "data": {"what": name}}]} for name in ("stop_ovens", "start_ovens")
    }
    assert await async_setup_component(player.hass, "script", {"script": scripts})
    data = load_data("", method="scripts", shed_script="script.stop_ovens", restore_script="script.start_ovens")
    del data["entity"]
    site = await Site.begin(player, [("Ovens", data)])
    await shed(site)
    await site.wait(60)
    assert ran == ["stop_ovens"]
    assert site.state("sensor.ovens_state") == "shed"
    await give_back(site)
    assert ran == ["stop_ovens", "start_ovens"]
    await site.wait(180)
    await shed(site)
    await site.hass.config_entries.async_unload(site.entry.entry_id)
    await site.hass.async_block_till_done()
    assert ran == ["stop_ovens", "start_ovens"] * 2


async def test_the_colour_of_a_light_comes_back(player: Player) -> None:
    """A colour is a tuple, which JSON makes a list."""
    player.hass.states.async_set(
        "light.hall", STATE_ON, {"color_mode": "hs", "hs_color": (30.0, 80.0), "brightness": 99}
    )
    await set_up_switches(player.hass)
    turned_on = async_mock_service(player.hass, "light", "turn_on")
    async_mock_service(player.hass, "light", "turn_off")
    site = await Site.begin(player, [("Hall", load_data("light.hall"))])
    await shed(site)
    player.hass.states.async_set("light.hall", STATE_OFF)
    await give_back(site)
    [call] = turned_on
    assert call.data["brightness"] == 99
    assert [*call.data["hs_color"]] == [30.0, 80.0]


async def test_unloading_gives_every_load_back(player: Player) -> None:
    """Each as it was; orders are forgotten."""
    await set_up_heater(player.hass)
    site = await Site.begin(
        player,
        [
            SWITCHED,
            ("Heater", load_data(HEATER, method="setpoint", shift=-3)),
            ("Pump", load_data("input_boolean.pump")),
        ],
    )
    names = (BOILER, HEATER, "input_boolean.pump")
    before = [seen(site, name) for name in names]
    await shed(site)
    assert site.state(BOILER) == STATE_OFF
    assert await site.hass.config_entries.async_unload(site.entry.entry_id)
    await site.hass.async_block_till_done()
    assert [seen(site, name) for name in names] == before
    await site.set_up()
    assert [seen(site, name) for name in names] == before
    assert site.building.kept.before == {}


async def test_a_load_out_of_reach_is_given_back_when_it_is_there_again(player: Player) -> None:
    """Also when the entry was unloaded meanwhile."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    await shed(site)
    player.hass.states.async_set(BOILER, STATE_UNAVAILABLE)
    await site.hass.config_entries.async_unload(site.entry.entry_id)
    await site.set_up()
    assert site.building.kept.before
    player.hass.states.async_set(BOILER, STATE_OFF)
    await site.wait(65)
    assert site.state(BOILER) == STATE_ON
    assert site.building.kept.before == {}


async def test_a_restart_while_it_is_shed(player: Player, hass_storage: dict[str, Any]) -> None:
    """What was interrupted is done, what was done is not done again, and what a user did meanwhile stays."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED, ("Pump", load_data("input_boolean.pump"))])
    await shed(site)
    await site.wait(60)  # both are seen off
    interrupted = json.loads(json.dumps(hass_storage[site.stored]))
    for load in interrupted["data"]["loads"].values():
        load["obeyed"] = False
    obeyed = json.loads(json.dumps(interrupted))
    obeyed["data"]["loads"][site.load("Boiler")]["obeyed"] = True
    for kept, boiler in ((interrupted, STATE_OFF), (obeyed, STATE_ON)):
        await site.hass.config_entries.async_unload(site.entry.entry_id)
        hass_storage[site.stored] = json.loads(json.dumps(kept))
        await site.turn(BOILER, on=True)
        await site.turn("input_boolean.pump", on=True)
        await site.set_up()
        await site.wait(10)
        assert site.state(BOILER) == boiler
        assert site.state("input_boolean.pump") == STATE_OFF
    assert site.state("sensor.boiler_state") == "hand"


async def test_a_user_wins(player: Player) -> None:
    """What he turns on while it is shed stays on for an hour, even against an administrator's order."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    await shed(site)
    await site.wait(10)
    await site.turn(BOILER, on=True)
    await site.wait(10)
    assert site.state("sensor.boiler_state") == "hand"
    assert site.state("sensor.boiler_reason").startswith("Left alone: somebody switched it while it was shed, until ")
    await site.call("shed_loads", duration={"hours": 2}, force=True)
    await site.wait(60)
    assert site.state(BOILER) == STATE_ON
    await site.turn(BOILER, on=False)
    await site.hass.config_entries.async_unload(site.entry.entry_id)
    assert site.state(BOILER) == STATE_OFF  # his last word


async def test_a_load_that_does_not_obey(player: Player, issue_registry: ir.IssueRegistry) -> None:
    """It is told on, left alone for a while, and forgiven once it obeys."""
    player.hass.states.async_set(BOILER, STATE_ON)
    calls = async_mock_service(player.hass, "input_boolean", "turn_off")
    site = await Site.begin(player, [SWITCHED])
    issue = (DOMAIN, f"load_{site.load('Boiler')}")
    problem = "binary_sensor.boiler_does_not_obey"
    await shed(site)
    assert (len(calls), site.state(problem)) == (1, STATE_OFF)
    await site.wait(65)
    assert site.state("sensor.boiler_state") == "disobeyed"
    assert site.state(problem) == STATE_ON
    told = issue_registry.async_get_issue(*issue)
    assert told
    assert told.translation_placeholders == {"load": "Boiler", "building": "School"}
    await site.wait(5 * 60)
    assert len(calls) == 1  # it is left alone
    while len(calls) < 2:
        await site.wait(5)
    player.hass.states.async_set(BOILER, STATE_OFF)
    await site.wait(10)
    assert site.state(problem) == STATE_OFF
    assert issue_registry.async_get_issue(*issue) is None


async def test_what_was_told_goes_with_the_load(player: Player, issue_registry: ir.IssueRegistry) -> None:
    """A load that is taken back leaves nothing to repair."""
    player.hass.states.async_set(BOILER, STATE_ON)
    async_mock_service(player.hass, "input_boolean", "turn_off")
    site = await Site.begin(player, [SWITCHED])
    await shed(site)
    await site.wait(65)
    issue = (DOMAIN, f"load_{site.load('Boiler')}")
    assert issue_registry.async_get_issue(*issue)
    assert player.hass.config_entries.async_remove_subentry(site.entry, site.load("Boiler"))
    await player.hass.async_block_till_done()
    assert issue_registry.async_get_issue(*issue) is None
    assert player.hass.states.get("sensor.boiler_state") is None


@pytest.mark.parametrize("error", [HomeAssistantError("busy"), RuntimeError("a bug of theirs")])
async def test_a_command_that_fails(player: Player, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """The other loads are commanded all the same, and the building goes on."""
    await set_up_switches(player.hass)
    player.hass.states.async_set("water_heater.broken", STATE_ON)

    async def fail(call: ServiceCall) -> None:
        raise error

    player.hass.services.async_register("water_heater", "turn_off", fail)
    player.hass.services.async_register("climate", "set_preset_mode", fail)
    player.hass.states.async_set("climate.broken", "heat", {"preset_mode": "none"})
    loads = [("Broken", load_data("climate.broken", method="preset", preset="eco", priority=1)), SWITCHED]
    site = await Site.begin(player, loads)
    with caplog.at_level(logging.WARNING):
        await shed(site)
    assert "Broken could not be shed" in caplog.text
    assert site.state(BOILER) == STATE_OFF
    await give_back(site)
    assert site.state(BOILER) == STATE_ON
    await site.wait(180)
    await shed(site)
    assert site.state(BOILER) == STATE_OFF


async def test_what_is_kept_is_of_no_use(player: Player, hass_storage: dict[str, Any]) -> None:
    """The building begins anew, and observes."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    for nonsense in ({"mode": "sleep"}, [1, 2], {**hass_storage[site.stored]["data"], "wishes": [3]}):
        await site.hass.config_entries.async_unload(site.entry.entry_id)
        hass_storage[site.stored]["data"] = nonsense
        await site.set_up()
        assert site.building.kept.mode is Mode.OBSERVE
        assert site.state("sensor.boiler_state") == "free"


async def test_a_meter_that_is_silent_lets_go_in_the_end(player: Player) -> None:
    """After half an hour, also if nothing was heard since the start."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    site.silent = True
    await site.call("shed_loads", duration={"minutes": 5})
    await site.wait(6 * 60)
    assert site.state("sensor.boiler_reason").startswith("Shed: the meter is silent")
    await site.wait(timedelta(minutes=26).total_seconds())
    assert site.state(BOILER) == STATE_ON
