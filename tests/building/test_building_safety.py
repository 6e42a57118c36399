"""What must never happen to a load: left off, given back to another, switched against its user, commanded in vain.

Home Assistant is real, and so are the components of the loads, where they are not the trouble themselves.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
import json
import logging
import time
from typing import Any
from unittest.mock import patch

from closed_loop import load_data
from conftest import Player, until
from homeassistant.components.climate.const import ATTR_PRESET_MODE
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import ATTR_TEMPERATURE, STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import Context, CoreState, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_fire_time_changed,
    async_mock_service,
)
from site_of import Site, set_up_switches
from test_building_loads import BOILER, HEATER, HOUR, SWITCHED, give_back, seen, set_up_heater, shed

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode, Reading
from custom_components.flex_ready.control.window import Kind

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

PUMP = "input_boolean.pump"
PUMPED = ("Pump", load_data(PUMP))
SETPOINT = ("Heater", load_data(HEATER, method="setpoint", shift=-3))


async def change(site: Site, title: str, **data: object) -> None:
    """Change what was said of a load, as its flow does; the building is set up anew."""
    subentry = site.entry.subentries[site.load(title)]
    site.hass.config_entries.async_update_subentry(site.entry, subentry, data={**subentry.data, **data})
    await site.hass.async_block_till_done()


def how_it_heats(site: Site) -> tuple[str, float, str]:
    """Return the mode, the setpoint and the preset of the heater."""
    state, attributes = seen(site, HEATER)
    return state, attributes[ATTR_TEMPERATURE], attributes[ATTR_PRESET_MODE]


async def kill(site: Site, stored: dict[str, Any]) -> Callable[[], None]:
    """Keep what is stored now; return what puts it back once the entry is unloaded: a crash has no last word."""
    kept = json.dumps(stored[site.stored])

    def put_back() -> None:
        stored[site.stored] = json.loads(kept)

    return put_back


# What was shed belongs to what it was taken from.


async def test_what_a_load_was_is_not_given_to_another(player: Player) -> None:
    """Shed, out of reach, changed to another entity: this stays as it is, and that is given back when it is there."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    await site.turn(PUMP, on=False)
    await shed(site)
    player.hass.states.async_set(BOILER, STATE_UNAVAILABLE)
    await change(site, "Boiler", entity=PUMP)
    await site.wait(120)
    assert site.state(PUMP) == STATE_OFF
    assert site.state("sensor.boiler_state") == "free"
    player.hass.states.async_set(BOILER, STATE_OFF)
    await site.wait(65)
    assert (site.state(BOILER), site.state(PUMP)) == (STATE_ON, STATE_OFF)
    assert site.building.kept.before == {}


async def test_what_was_taken_back_is_given_back(player: Player) -> None:
    """Also when it cannot be reached at that time; after a week it is forgotten."""
    await set_up_switches(player.hass)
    for days, state in ((0.01, STATE_ON), (8, STATE_OFF)):
        player.hass.states.async_set(BOILER, STATE_ON)
        player.hass.states.async_set(PUMP, STATE_ON)
        site = await Site.begin(player, [SWITCHED, PUMPED])
        await shed(site)
        player.hass.states.async_set(BOILER, STATE_UNAVAILABLE)
        for title in ("Boiler", "Pump"):
            assert player.hass.config_entries.async_remove_subentry(site.entry, site.load(title))
            await player.hass.async_block_till_done()
        assert site.state(PUMP) == STATE_ON
        player.pass_time(days * 86_400)
        await player.hass.config_entries.async_reload(site.entry.entry_id)
        player.hass.states.async_set(BOILER, STATE_OFF)
        await site.wait(70)
        assert site.state(BOILER) == state
        assert site.building.kept.before == {}
        for entry in (site.entry, player.entry):
            await player.hass.config_entries.async_remove(entry.entry_id)


async def test_an_entity_that_is_renamed_or_removed_while_it_is_shed(player: Player) -> None:
    """It is found by its new name; removed, it is out of reach, and the others go on."""
    await set_up_switches(player.hass)
    registry = er.async_get(player.hass)
    kept = registry.async_get_or_create("input_boolean", "test", "x", object_id_base="boiler_2")
    player.hass.states.async_set(kept.entity_id, STATE_ON)
    turned = [async_mock_service(player.hass, "input_boolean", f"turn_{way}") for way in ("off", "on")]
    site = await Site.begin(player, [("Tank", load_data(kept.id))])
    await shed(site)
    assert turned[0][-1].data["entity_id"] == kept.entity_id
    player.hass.states.async_set(kept.entity_id, STATE_OFF)
    await site.wait(5)
    registry.async_update_entity(kept.entity_id, new_entity_id="input_boolean.tank")
    player.hass.states.async_remove(kept.entity_id)
    player.hass.states.async_set("input_boolean.tank", STATE_OFF)
    await player.hass.async_block_till_done()
    await site.wait(65)
    assert [call.data["entity_id"] for call in turned[1]] == ["input_boolean.tank"]
    player.hass.states.async_set("input_boolean.tank", STATE_ON)
    await site.wait(5 * 60)
    await shed(site)
    player.hass.states.async_set("input_boolean.tank", STATE_OFF)
    await site.wait(5)
    registry.async_remove("input_boolean.tank")
    player.hass.states.async_remove("input_boolean.tank")
    await player.hass.async_block_till_done()
    await site.wait(60)
    assert site.state("sensor.tank_state") == "out_of_reach"
    assert await player.hass.config_entries.async_unload(site.entry.entry_id)


async def test_the_entry_disabled_or_removed_while_a_load_is_shed(player: Player, hass_storage: dict[str, Any]) -> None:
    """It is given back first; nothing is left in the store of an entry that is gone."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    await shed(site)
    await player.hass.config_entries.async_set_disabled_by(site.entry.entry_id, ConfigEntryDisabler.USER)
    assert site.state(BOILER) == STATE_ON
    await player.hass.config_entries.async_set_disabled_by(site.entry.entry_id, None)
    await site.wait(180)
    await shed(site)
    assert site.state(BOILER) == STATE_OFF
    await player.hass.config_entries.async_remove(site.entry.entry_id)
    await player.hass.async_block_till_done()
    assert site.state(BOILER) == STATE_ON
    player.pass_time(200)
    await player.hass.async_block_till_done()
    assert site.stored not in hass_storage


# How a load is moved, and who has moved it.


@pytest.mark.parametrize(("shift", "to"), [(-30, 7), (30, 35), (-3, 18)])
async def test_a_setpoint_is_moved_no_further_than_the_device_takes(player: Player, shift: int, to: float) -> None:
    """And what it takes is enough."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [("Heater", load_data(HEATER, method="setpoint", shift=shift))])
    before = seen(site, HEATER)
    await shed(site)
    assert seen(site, HEATER)[1][ATTR_TEMPERATURE] == to
    await site.wait(65)
    assert site.state("sensor.heater_state") == "shed"
    await give_back(site)
    assert seen(site, HEATER) == before


@pytest.mark.parametrize(
    ("state", "attributes"),
    [
        ("heat_cool", {"temperature": None, "target_temp_low": 19, "target_temp_high": 25}),
        ("off", {"temperature": 21}),
        ("heat", {"temperature": 7, "min_temp": 7}),
    ],
)
@pytest.mark.parametrize("force", [False, True])
async def test_what_has_no_setpoint_to_move_is_not_shed(
    player: Player,
    state: str,
    attributes: dict[str, Any],
    force: bool,  # noqa: FBT001
) -> None:
    """It saves nothing; one that is off is not touched."""
    player.hass.states.async_set(HEATER, state, attributes)
    called = async_mock_service(player.hass, "climate", "set_temperature")
    site = await Site.begin(player, [SETPOINT])
    await site.call("shed_loads", duration=HOUR, force=force)
    await site.wait(65)
    assert site.state("sensor.heater_state") == "free"
    assert called == []


async def test_a_preset_that_is_set_already(player: Player) -> None:
    """There is nothing left to shed; a thermostat that is off is not touched either."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [("Heater", load_data(HEATER, method="preset", preset="eco"))])
    for service, data in (("set_preset_mode", {"preset_mode": "eco"}), ("set_hvac_mode", {"hvac_mode": "off"})):
        await player.hass.services.async_call("climate", service, {"entity_id": HEATER, **data}, blocking=True)
        before = how_it_heats(site)
        await shed(site)
        assert how_it_heats(site) == before
        await give_back(site)
        assert how_it_heats(site) == before
        assert site.building.kept.before == {}
        await player.hass.services.async_call(
            "climate", "set_preset_mode", {"entity_id": HEATER, "preset_mode": "none"}, blocking=True
        )


@pytest.mark.parametrize("to", [19, 16, 22])
async def test_a_user_who_moves_the_setpoint(player: Player, to: float) -> None:
    """Whatever he sets while it is shed stays."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [SETPOINT])
    await shed(site)
    await site.wait(10)
    data = {"entity_id": HEATER, "temperature": to}
    await player.hass.services.async_call("climate", "set_temperature", data, blocking=True)
    await site.wait(10)
    assert site.state("sensor.heater_state") == "hand"
    await give_back(site)
    await player.hass.config_entries.async_unload(site.entry.entry_id)
    assert seen(site, HEATER)[1][ATTR_TEMPERATURE] == to


@pytest.mark.parametrize("load", [SETPOINT, ("Heater", load_data(HEATER, method="preset", preset="eco"))])
async def test_a_user_who_switches_the_heating_off(player: Player, load: tuple[str, dict[str, Any]]) -> None:
    """It stays off; its setpoint and its preset are what they were before it was shed."""
    await set_up_heater(player.hass)
    site = await Site.begin(player, [load])
    await shed(site)
    await site.wait(10)
    await player.hass.services.async_call(
        "climate", "set_hvac_mode", {"entity_id": HEATER, "hvac_mode": "off"}, blocking=True
    )
    await give_back(site)
    assert how_it_heats(site) == ("off", 21, "none")


async def test_a_setpoint_that_is_not_told_while_it_is_off(player: Player) -> None:
    """It is given back once it is told again, and by nothing that would switch the heating on."""
    told = {"temperature": 21, "min_temp": 7, "max_temp": 30}
    player.hass.states.async_set(HEATER, "heat", told)
    called = async_mock_service(player.hass, "climate", "set_temperature")
    site = await Site.begin(player, [SETPOINT])
    await shed(site)
    player.hass.states.async_set(HEATER, "heat", told | {"temperature": 18})
    await site.wait(10)
    player.hass.states.async_set(HEATER, "off", told | {"temperature": None})
    await give_back(site)
    await site.wait(120)
    assert [call.data["temperature"] for call in called] == [18]
    player.hass.states.async_set(HEATER, "heat", told | {"temperature": 18})
    await site.wait(65)
    assert [call.data["temperature"] for call in called] == [18, 21]


async def set_up_charger(hass: HomeAssistant, **changes: object) -> None:
    """Make the number of a charger that takes 6 to 32 A, and rounds."""
    number = {"name": "Charger", "min": 6, "max": 32, "initial": 16, "unit_of_measurement": "A", **changes}
    assert await async_setup_component(hass, "input_number", {"input_number": {"charger": number}})


CHARGER = "input_number.charger"


def charging(value: float) -> tuple[str, dict[str, object]]:
    """Give a charger that is shed to so many A."""
    data = load_data(CHARGER, method="limit", value=value, amperes=True, phases=3, nominal_w=11_000)
    return "Charger", data


async def test_a_number_that_a_device_rounds(player: Player) -> None:
    """6.4 becomes 6, and that is as told."""
    player.hass.states.async_set(CHARGER, "16", {"min": 6, "max": 32, "step": 1, "unit_of_measurement": "A"})

    async def rounded(call: ServiceCall) -> None:
        old = player.hass.states.get(CHARGER)
        assert old
        player.hass.states.async_set(CHARGER, str(round(call.data["value"])), old.attributes)

    player.hass.services.async_register("input_number", "set_value", rounded)
    site = await Site.begin(player, [charging(6.4)])
    await shed(site)
    await site.wait(65)
    assert (site.state(CHARGER), site.state("sensor.charger_state")) == ("6", "shed")
    await give_back(site)
    assert site.state(CHARGER) == "16"


async def test_a_number_below_what_the_device_takes(player: Player) -> None:
    """The least that it takes is set."""
    await set_up_charger(player.hass)
    site = await Site.begin(player, [charging(2)])
    await shed(site)
    await site.wait(65)
    assert (site.state(CHARGER), site.state("sensor.charger_state")) == ("6.0", "shed")
    await give_back(site)
    assert site.state(CHARGER) == "16.0"


@pytest.mark.parametrize("to", [6, 10, 20])
async def test_a_user_who_moves_the_number(player: Player, to: float) -> None:
    """Up or down: it stays where he set it."""
    await set_up_charger(player.hass)
    site = await Site.begin(player, [charging(8)])
    await shed(site)
    await site.wait(10)
    await player.hass.services.async_call("input_number", "set_value", {"entity_id": CHARGER, "value": to})
    await site.wait(10)
    await give_back(site)
    assert site.state(CHARGER) == str(float(to))


# Groups.


async def set_up_group(hass: HomeAssistant) -> None:
    """Make a group of lights, one of which is a group itself, over switches."""
    await set_up_switches(hass)
    lights = [
        {
            "default_entity_id": f"light.{name}",
            "name": name,
            "state": f"{{{{ is_state('input_boolean.{name}', 'on') }}}}",
            **{
                way: {"action": f"input_boolean.{way}", "target": {"entity_id": f"input_boolean.{name}"}}
                for way in ("turn_on", "turn_off")
            },
        }
        for name in ("boiler", "pump", "fan")
    ]
    inner = {"platform": "group", "name": "Inner", "entities": ["light.pump", "light.fan"]}
    outer = {"platform": "group", "name": "Outer", "entities": ["light.boiler", "light.inner"]}
    assert await async_setup_component(hass, "light", {"light": [inner, outer]})
    assert await async_setup_component(hass, "template", {"template": {"light": lights}})
    await hass.async_block_till_done()
    assert hass.states.get("light.outer")


async def test_of_a_group_only_what_was_on_comes_back(player: Player) -> None:
    """In a group within it as well; what somebody switched on meanwhile stays on."""
    await set_up_group(player.hass)
    site = await Site.begin(player, [("Lights", load_data("light.outer"))])
    await site.turn("light.pump", on=False)
    names = [f"light.{name}" for name in ("boiler", "pump", "fan")]
    await shed(site)
    assert [site.state(name) for name in names] == [STATE_OFF] * 3
    await give_back(site)
    assert [site.state(name) for name in names] == [STATE_ON, STATE_OFF, STATE_ON]
    await site.wait(180)
    await shed(site)
    await site.wait(10)
    await site.turn("light.pump", on=True)
    await site.wait(70)
    assert [site.state(name) for name in names] == [STATE_ON] * 3
    assert site.building.kept.before == {}


async def test_a_member_of_a_group_that_is_out_of_reach(player: Player) -> None:
    """It is given back when it is there again."""
    await set_up_group(player.hass)
    site = await Site.begin(player, [("Lights", load_data("light.outer"))])
    await shed(site)
    player.hass.states.async_set("light.fan", STATE_UNAVAILABLE)
    await give_back(site)
    assert site.state("light.boiler") == STATE_ON
    assert site.building.kept.before
    player.hass.states.async_set("light.fan", STATE_OFF)
    await site.wait(70)
    assert site.state("light.fan") == STATE_ON
    assert site.building.kept.before == {}


# Commands that hang, come late, or cannot be kept.


ORDER: dict[str, Any] = {"power": 5_000, "until": None, "text": ""}
"""All loads of a building."""


class Hanging:
    """Services of a domain that hang until they are let go, or do as they are told."""

    def __init__(self, hass: HomeAssistant, domain: str) -> None:
        self.hass = hass
        self.hang = True
        self.calls: list[tuple[str, str]] = []
        self.go = asyncio.Event()
        for service in ("turn_on", "turn_off"):
            hass.services.async_register(domain, service, self._serve)

    async def _serve(self, call: ServiceCall) -> None:
        [entity_id] = call.data["entity_id"] if isinstance(call.data["entity_id"], list) else [call.data["entity_id"]]
        self.calls.append((call.service, entity_id))
        if self.hang:
            await self.go.wait()
        self.hass.states.async_set(entity_id, STATE_ON if call.service == "turn_on" else STATE_OFF)


async def turns(count: int = 30) -> None:
    """Let the loop turn, and threads work beside it; with what hangs it is never done."""
    for _ in range(count):
        await asyncio.to_thread(time.sleep, 0)
        await asyncio.sleep(0)


async def test_a_command_that_hangs_holds_up_no_other(player: Player) -> None:
    """Others are shed and given back meanwhile; it is given back itself once it let go."""
    await set_up_switches(player.hass)
    player.hass.states.async_set("fan.slow", STATE_ON)
    slow = Hanging(player.hass, "fan")
    loads = [("Slow", load_data("fan.slow", min_off=0)), ("Boiler", load_data(BOILER, min_off=0))]
    site = await Site.begin(player, loads)
    order = player.hass.async_create_task(site.building.async_shed((), **ORDER))
    await turns()
    assert slow.calls == [("turn_off", "fan.slow")]
    assert site.state(BOILER) == STATE_OFF
    off = player.hass.async_create_task(site.building.async_set_on(on=False))
    await turns()
    assert site.state(BOILER) == STATE_ON
    assert not order.done()
    assert not off.done()
    player.pass_time(31)
    async_fire_time_changed(player.hass, player.host)
    await asyncio.wait([order, off], timeout=5)
    assert order.done()
    assert off.done()
    slow.hang = False
    player.hass.states.async_set("fan.slow", STATE_OFF)  # it has done as it was told, late
    await site.wait(70)
    assert site.state("fan.slow") == STATE_ON
    assert site.building.kept.before == {}


async def test_unloading_does_not_wait_for_what_hangs(player: Player) -> None:
    """The command is called off, the others are given back."""
    await set_up_switches(player.hass)
    player.hass.states.async_set("fan.slow", STATE_ON)
    slow = Hanging(player.hass, "fan")
    site = await Site.begin(player, [("Slow", load_data("fan.slow")), SWITCHED])
    order = player.hass.async_create_task(site.call("shed_loads", duration=HOUR))
    await turns()
    assert site.state(BOILER) == STATE_OFF
    async with asyncio.timeout(2):
        assert await player.hass.config_entries.async_unload(site.entry.entry_id)
    assert site.state(BOILER) == STATE_ON
    await order
    # It does as it was told after all, while the entry is set up again.
    slow.hang = False
    player.hass.states.async_set("fan.slow", STATE_OFF)
    await site.set_up()
    await site.wait(10)
    assert site.state("fan.slow") == STATE_ON


async def test_a_load_that_obeys_after_it_was_given_back(player: Player) -> None:
    """It is given back again, unless it was somebody who switched it."""
    player.hass.states.async_set("fan.slow", STATE_ON)
    turned_on = async_mock_service(player.hass, "fan", "turn_on")
    async_mock_service(player.hass, "fan", "turn_off")
    site = await Site.begin(player, [("Slow", load_data("fan.slow", min_off=0))])
    for context, calls in ((None, 1), (Context(user_id="somebody"), 1)):
        await shed(site)
        await site.wait(10)
        await site.call("restore_loads")
        await site.wait(20)
        player.hass.states.async_set("fan.slow", STATE_OFF, context=context)
        await site.wait(20)
        assert len(turned_on) == calls
        assert site.building.kept.before == {}
        player.hass.states.async_set("fan.slow", STATE_ON)
        await site.wait(5 * 60)


@contextmanager
def full_disk(error: Exception) -> Iterator[None]:
    """Let nothing of a building be written."""
    write = Store._async_write_data

    async def fail(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key.startswith(DOMAIN):
            raise error
        await write(store, data)

    with patch.object(Store, "_async_write_data", fail):
        yield


async def test_nothing_is_commanded_that_could_not_be_kept(
    player: Player, caplog: pytest.LogCaptureFixture, hass_storage: dict[str, Any]
) -> None:
    """With the disk full: told once; orders are refused, the limit sheds nothing, what is shed is still given back."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED, PUMPED])
    await site.call("shed_loads", duration=HOUR, loads=[site.device("Pump")])
    kept = json.dumps(hass_storage[site.stored]["data"]["before"])
    with full_disk(WriteError("no space left")), caplog.at_level(logging.INFO):
        with pytest.raises(HomeAssistantError) as told:
            await site.call("shed_loads", duration=HOUR)
        assert told.value.translation_key == "not_kept"
        assert "full" in str(told.value)
        assert set(site.building.kept.wishes.values()) == {
            wish for wish in site.building.kept.wishes.values() if wish.loads == (site.load("Pump"),)
        }
        site.building.link.limit_w = 6_000
        await site.wait(10 * 60)
        assert site.state(BOILER) == STATE_ON
        assert site.state("sensor.boiler_state") == "free"
        assert site.building.controller.states[site.load("Boiler")].sheds == 0
        await site.building.async_set_on(on=False)
        assert site.state(PUMP) == STATE_ON
        assert json.dumps(hass_storage[site.stored]["data"]["before"]) == kept
        await site.building.async_set_on(on=True)
    assert sum("cannot be written" in line for line in caplog.messages) == 1
    await site.wait(5 * 60)
    assert "is written again" in caplog.text
    assert site.state(BOILER) == STATE_OFF


async def test_a_disk_that_is_full_at_the_very_command(player: Player) -> None:
    """The load is not called, and not taken for one that did not obey."""
    player.hass.states.async_set("fan.slow", STATE_ON)
    called = async_mock_service(player.hass, "fan", "turn_off")
    site = await Site.begin(player, [("Slow", load_data("fan.slow"))])
    with full_disk(OSError("no space left")):
        site.building.link.limit_w = 6_000
        await site.wait(10 * 60)
        assert called == []
        assert site.state("sensor.slow_state") == "free"
        assert site.building.kept.before == {}
    await site.wait(5 * 60)
    assert len(called) == 1


async def test_two_words_at_once(player: Player) -> None:
    """Of what is decided while a load is being commanded the last word counts, and none is lost."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [("Boiler", load_data(BOILER, min_off=0, min_on=0))])
    for on in (False, True, False, True):
        await asyncio.gather(site.building.async_set_on(on=not on), site.building.async_set_on(on=on))
        await site.call("restore_loads")
        if on:
            await asyncio.gather(
                site.call("shed_loads", duration=HOUR),
                site.call("restore_loads"),
                site.call("shed_loads", duration=HOUR),
            )
            assert site.state(BOILER) == STATE_OFF
        else:
            assert site.state(BOILER) == STATE_ON


async def test_a_script_that_still_sheds_when_the_load_is_given_back(player: Player) -> None:
    """It is stopped first, or it would end after the other."""
    await set_up_switches(player.hass)
    turn = {"action": "input_boolean.turn_off", "target": {"entity_id": BOILER}}
    scripts = {
        "stop": {"sequence": [{"delay": {"minutes": 10}}, turn]},
        "start": {"sequence": [{**turn, "action": "input_boolean.turn_on"}]},
    }
    assert await async_setup_component(player.hass, "script", {"script": scripts})
    data = load_data("", method="scripts", shed_script="script.stop", restore_script="script.start")
    del data["entity"]
    site = await Site.begin(player, [("Ovens", data)])
    order = site.hass.async_create_task(
        site.building.async_shed((site.load("Ovens"),), power=None, until=player.host + timedelta(hours=1), text="")
    )
    await turns(60)
    assert site.state("script.stop") == STATE_ON
    await order
    await site.building.async_set_on(on=False)
    assert site.state("script.stop") == STATE_OFF
    assert site.state("script.start") == STATE_OFF
    assert site.state(BOILER) == STATE_ON


@pytest.mark.parametrize("how", ["reload", "mode"])
async def test_what_was_given_back_is_not_shed_again_at_once(player: Player, how: str) -> None:
    """A compressor is not to be switched on and off in a second, though the order still stands."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [("Boiler", load_data(BOILER, min_on=5))])
    await shed(site)
    await site.wait(120)
    if how == "reload":
        await player.hass.config_entries.async_reload(site.entry.entry_id)
    else:
        await site.building.async_set_mode(Mode.OBSERVE)
        assert site.state(BOILER) == STATE_ON
        await site.building.async_set_mode(Mode.LIMIT)
    await site.wait(60)
    assert site.state(BOILER) == STATE_ON
    await site.wait(5 * 60)
    assert site.state(BOILER) == STATE_OFF


# The end of Home Assistant, and of the meter.


async def test_while_home_assistant_stops(player: Player, hass_storage: dict[str, Any]) -> None:
    """What is shed stays so for the next start, and nothing new is begun that could not be kept."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED, PUMPED])
    await site.call("shed_loads", duration=HOUR, loads=[site.device("Boiler")])
    player.hass.set_state(CoreState.stopping)
    site.building.link.limit_w = 6_000
    await site.wait(120)
    assert (site.state(BOILER), site.state(PUMP)) == (STATE_OFF, STATE_ON)
    kept = hass_storage[site.stored]["data"]
    assert set(kept["before"]) == {site.load("Boiler")}
    assert {name for name, load in kept["loads"].items() if load["step"]} == {site.load("Boiler")}
    player.hass.set_state(CoreState.running)


async def test_what_is_kept_is_of_no_use_but_for_what_is_to_be_given_back(
    player: Player, hass_storage: dict[str, Any]
) -> None:
    """What was shed comes back."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED, PUMPED])
    await shed(site)
    broken = json.loads(json.dumps(hass_storage[site.stored]))
    broken["data"]["wishes"] = [3]
    broken["data"]["before"]["x"] = {"own": 5}
    await player.hass.config_entries.async_unload(site.entry.entry_id)
    hass_storage[site.stored] = broken
    await site.turn(BOILER, on=False)
    await site.set_up()
    assert site.building.kept.mode is Mode.OBSERVE
    assert site.state(BOILER) == STATE_ON
    assert site.building.kept.before == {}


async def test_scripts_after_a_restart(player: Player, hass_storage: dict[str, Any]) -> None:
    """What cannot be seen is not shed twice, and is given back once."""
    ran: list[str] = []

    async def note(call: ServiceCall) -> None:
        ran.append(call.data["what"])

    player.hass.services.async_register("test", "note", note)
    scripts = {name: {"sequence": [{"action": "test.note", "data": {"what": name}}]} for name in ("stop", "start")}
    assert await async_setup_component(player.hass, "script", {"script": scripts})
    data = load_data("", method="scripts", shed_script="script.stop", restore_script="script.start")
    del data["entity"]
    site = await Site.begin(player, [("Ovens", data)])
    await shed(site)
    put_back = await kill(site, hass_storage)
    await player.hass.config_entries.async_unload(site.entry.entry_id)
    put_back()
    ran.clear()
    await site.set_up()
    await site.wait(60)
    assert ran == []
    assert site.state("sensor.ovens_state") == "shed"
    await give_back(site)
    assert ran == ["start"]


async def test_the_meter_is_reloaded_while_a_load_is_shed(player: Player) -> None:
    """It is heard again, and nothing is commanded for that."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [SWITCHED])
    site.building.link.limit_w = 6_000
    await site.wait(120)
    assert site.state(BOILER) == STATE_OFF
    await player.hass.config_entries.async_unload(player.entry.entry_id)
    await player.again(site.frame())
    assert site.state(BOILER) == STATE_OFF
    await site.wait(60)
    assert not site.building.data.blind
    assert site.state("sensor.boiler_state") == "shed"


async def test_the_meter_is_removed_while_a_load_is_shed(player: Player, hass_storage: dict[str, Any]) -> None:
    """It comes back after half an hour; without a meter, a restart gives it back too, when it can be reached."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [("Boiler", load_data(BOILER, max_off=None))])
    site.building.link.limit_w = 6_000
    await site.wait(120)
    assert site.state(BOILER) == STATE_OFF
    put_back = await kill(site, hass_storage)
    await player.hass.config_entries.async_remove(player.entry.entry_id)
    site.silent = True
    await site.wait(31 * 60)
    assert site.state(BOILER) == STATE_ON
    await player.hass.config_entries.async_unload(site.entry.entry_id)
    put_back()
    player.hass.states.async_set(BOILER, STATE_UNAVAILABLE)
    assert not await player.hass.config_entries.async_setup(site.entry.entry_id)
    assert site.entry.state is ConfigEntryState.SETUP_RETRY
    player.hass.states.async_set(BOILER, STATE_OFF)
    await site.wait(120)
    await until(lambda: str(site.entry.state) == str(ConfigEntryState.SETUP_ERROR))  # it is set up in the background
    assert site.state(BOILER) == STATE_ON


# Clocks.


@pytest.mark.parametrize("hours", [-2, -0.2, 0.3, 5])
async def test_the_clock_is_set_while_a_load_is_shed(player: Player, hours: float) -> None:
    """It is not off for longer than it may be, and comes back."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [("Boiler", load_data(BOILER, max_off=30))])
    site.building.link.limit_w = 6_000
    await site.wait(120)
    assert site.state(BOILER) == STATE_OFF
    player.host += timedelta(hours=hours)
    player.freezer.move_to(player.host)
    back, off, longest = False, 120, 0
    for _ in range(45 * 12):
        await site.wait(5)
        off = off + 5 if site.state(BOILER) == STATE_OFF else 0
        back, longest = back or not off, max(longest, off)
    assert back
    assert longest <= 30 * 60 + 5


@pytest.mark.parametrize(
    ("day", "protected"),
    [
        (datetime(2026, 3, 29, 0, 50, tzinfo=UTC), True),  # 01:50, then 03:00
        (datetime(2026, 10, 25, 0, 50, tzinfo=UTC), True),  # 02:50, then 02:00 once more
        (datetime(2026, 10, 25, 2, 10, tzinfo=UTC), False),  # 03:10
    ],
)
async def test_protected_hours_when_clocks_change(player: Player, day: datetime, protected: bool) -> None:  # noqa: FBT001
    """They are those of the wall, both times if there are two; an hour that there is not protects nothing."""
    await set_up_switches(player.hass)
    player.host = day
    player.freezer.move_to(day)
    hours = [{"start": "02:00:00", "end": "03:05:00"}]
    site = await Site.begin(player, [("Boiler", load_data(BOILER, protected=hours, max_off=None))])
    site.building.link.limit_w = 6_000
    await site.wait(12 * 60)
    assert site.state(BOILER) == (STATE_ON if protected else STATE_OFF)


# Powers.


@pytest.mark.parametrize(
    ("state", "unit", "watts"),
    [
        ("2.5", "kW", 2_500),
        ("0.0025", "MW", 2_500),
        ("2500", "W", 2_500),
        ("2500", "VA", 2_500),
        ("-40", "W", 0),
        ("unavailable", "kW", 3_000),
        ("unknown", "kW", 3_000),
        ("nan", "W", 3_000),
    ],
)
async def test_power_sensors(player: Player, state: str, unit: str, watts: int) -> None:
    """In whatever unit; the nominal power stands in for one that tells nothing."""
    await set_up_switches(player.hass)
    player.hass.states.async_set("sensor.boiler", state, {"unit_of_measurement": unit})
    site = await Site.begin(player, [("Boiler", load_data(BOILER, nominal_w=3_000, power_sensor="sensor.boiler"))])
    name = site.load("Boiler")
    load, seen_now = site.building.handovers[name].load, site.building.seen(name)
    assert site.building.controller.states[name].would_draw(load, seen_now) == watts


async def test_a_power_that_nobody_told_is_learned(player: Player) -> None:
    """It is tried with a guess, and what the meter shows is taken."""
    await set_up_switches(player.hass)
    data = load_data(BOILER)
    del data["nominal_w"]
    site = await Site.begin(player, [("Boiler", data)])
    site.building.link.limit_w = 10_000
    building, name = site.building, site.load("Boiler")
    drawn = 0

    async def play(seconds: int, limit: int) -> None:
        nonlocal drawn
        for _ in range(seconds // 5):
            player.pass_time(5)
            drawn += 5 * (12_000 if site.state(BOILER) == STATE_ON else 9_600)
            now = round(player.host.timestamp() * 1000)
            since = now % 300_000
            if since < 5_000:
                drawn = 0
            building._heard(
                Reading(kind=Kind.SLIDING, limit=limit, td=5, meter_at=now, heard=now, energy=drawn // 3600)
            )
            await site.hass.async_block_till_done()

    site.silent = True
    await play(600, 11_600)
    assert site.building.controller.states[name].sheds
    assert 1_900 < building.controller.states[name].learned < 2_900
