"""What automations, the logbook and a bug report have of a building."""

from collections.abc import Callable
import json
from typing import Any

from closed_loop import Loop, load_data
from conftest import Player
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.helpers.condition import async_from_config, async_validate_condition_config
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events  # type: ignore[import-untyped]
from site_of import Site, set_up_switches

from custom_components.flex_ready.building.const import EVENT_LIMIT, EVENT_LOAD
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode
from custom_components.flex_ready.desk.const import EVENT_REQUEST
from custom_components.flex_ready.diagnostics import async_get_config_entry_diagnostics
from custom_components.flex_ready.logbook import async_describe_events

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

HOUR = {"hours": 1}
BOILER = ("Boiler", load_data("input_boolean.boiler", nominal_w=6000, priority=1))
PUMP = ("Pump", load_data("input_boolean.pump", nominal_w=2000, priority=2))


async def automate(hass: HomeAssistant, trigger: str, **options: object) -> list[Event]:
    """Make an automation that fires an event with what it is told; return where those are noted."""
    fired: list[Event] = async_capture_events(hass, "ran")
    what = {
        "load": "{{ trigger.name | default('') }}",
        "reason": "{{ trigger.sentence | default('') }}",
        "limit": "{{ trigger.limit | default(0) }}",
        "rehearsed": "{{ trigger.rehearsed }}",
    }
    automation = {
        "alias": f"on {trigger} {options}",
        "triggers": {"trigger": f"{DOMAIN}.{trigger}", "options": options},
        "actions": {"event": "ran", "event_data": what},
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    await hass.async_block_till_done()
    state = next(iter(hass.states.async_all("automation")))
    assert state.state == "on", "the trigger was refused"
    return fired


async def holds(hass: HomeAssistant, condition: str, **options: object) -> bool | None:
    """Tell whether a condition holds."""
    config = {"condition": f"{DOMAIN}.{condition}", "options": options}
    checker = await async_from_config(hass, await async_validate_condition_config(hass, config))
    try:
        return checker.async_check()
    finally:
        checker.async_unload()


@pytest.fixture
async def site(player: Player) -> Site:
    """Make a building with two switches."""
    await set_up_switches(player.hass)
    return await Site.begin(player, [BOILER, PUMP])


# Triggers.


async def test_load_shed(site: Site) -> None:
    """With the load and the reason."""
    fired = await automate(site.hass, "load_shed")
    await site.call("shed_loads", duration=HOUR, reason="test")
    assert sorted((event.data["load"], event.data["reason"][:37]) for event in fired) == [
        ("Boiler", "Shed: an action wants it (test), unti"),
        ("Pump", "Shed: an action wants it (test), unti"),
    ]


async def test_load_restored_of_one_load(site: Site) -> None:
    """By its device; the others do not run it."""
    fired = await automate(site.hass, "load_restored", load=site.device("Pump"), building=site.entry.entry_id)
    await site.call("shed_loads", duration={"minutes": 5})
    await site.wait(7 * 60)
    assert [(event.data["load"], event.data["reason"]) for event in fired] == [("Pump", "Given back")]


@pytest.mark.parametrize("observed", [False, True])
async def test_while_it_observes(site: Site, observed: bool) -> None:  # noqa: FBT001
    """Only if it is asked for."""
    await site.building.async_set_mode(Mode.OBSERVE)
    fired = await automate(site.hass, "load_shed", observed=observed)
    await site.call("shed_loads", duration=HOUR)
    assert [event.data["rehearsed"] for event in fired] == [True] * 2 * observed


async def test_another_building(site: Site) -> None:
    """Is not this one."""
    fired = await automate(site.hass, "load_shed", building="another")
    await site.call("shed_loads", duration=HOUR)
    assert fired == []


async def test_power_limit_approached(player: Player) -> None:
    """Once for each time it is, also while the building keeps its hands off."""
    loop = await Loop.begin(player, start="2026-01-14T08:20:00+01:00", mode=Mode.OBSERVE)
    await loop.building.async_set_on(on=False)
    fired = await automate(player.hass, "power_limit_approached", building=loop.entry.entry_id)
    told: list[Event] = async_capture_events(player.hass, EVENT_LIMIT)
    await loop.run(20)
    approached = [event for event in told if event.data["type"] == "approached"]
    assert len(fired) == len(approached) >= 1
    assert len(fired) < 10
    assert fired[0].data["limit"] == 42_000


@pytest.mark.parametrize(("trigger", "option"), [("load_shed", "colour"), ("power_limit_approached", "load")])
async def test_an_option_that_is_none(site: Site, trigger: str, option: str) -> None:
    """Is refused."""
    with pytest.raises(AssertionError, match="refused"):
        await automate(site.hass, trigger, **{option: "x"})


# Conditions.


async def test_conditions(player: Player) -> None:
    """A load is shed, any or one, in any building or one; while it only observes, none is."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER, PUMP])
    hass = player.hass
    assert await holds(hass, "is_load_shed") is False
    await site.call("shed_loads", duration=HOUR, loads=[site.device("Boiler")])
    assert await holds(hass, "is_load_shed") is True
    assert await holds(hass, "is_load_shed", load=site.device("Boiler")) is True
    assert await holds(hass, "is_load_shed", load=site.device("Pump")) is False
    assert await holds(hass, "is_load_shed", load="nobody") is False
    assert await holds(hass, "is_load_shed", building=site.entry.entry_id) is True
    assert await holds(hass, "is_load_shed", building="another") is False
    assert await holds(hass, "is_limiting") is False
    await site.building.async_set_mode(Mode.OBSERVE)
    assert site.state("sensor.boiler_state") == "would_shed"
    assert await holds(hass, "is_load_shed") is False


async def test_is_limiting(player: Player) -> None:
    """While loads are held off for the limit."""
    loop = await Loop.begin(player, start="2026-01-14T08:20:00+01:00")
    assert await holds(player.hass, "is_limiting") is False
    await loop.run(30, until=lambda: loop.building.herald.limiting)
    assert await holds(player.hass, "is_limiting") is True
    assert await holds(player.hass, "is_limiting", building=loop.entry.entry_id) is True
    assert await holds(player.hass, "is_limiting", building="another") is False


# The logbook.


class Lazy:
    """An event as the logbook hands it over."""

    def __init__(self, event: Event) -> None:
        self.data = event.data
        self.context_id = Context().id


def described(hass: HomeAssistant, events: list[Event]) -> list[tuple[str, str, str | None]]:
    """Return the lines of the logbook: name, message, entity."""
    known: dict[str, Callable[[Any], dict[str, Any]]] = {}
    async_describe_events(hass, lambda _domain, event, describe: known.update({event: describe}))
    assert known.keys() == {EVENT_LOAD, EVENT_LIMIT, EVENT_REQUEST}
    lines = [known[str(event.event_type)](Lazy(event)) for event in events]
    assert all(line["icon"].startswith("mdi:") for line in lines)
    return [(line["name"], line["message"], line.get("entity_id")) for line in lines]


async def test_the_logbook_of_a_load(site: Site) -> None:
    """In words, under the entity that is commanded."""
    told: list[Event] = async_capture_events(site.hass, EVENT_LOAD)
    await site.call("shed_loads", duration={"minutes": 5}, loads=[site.device("Boiler")])
    await site.wait(7 * 60)
    assert described(site.hass, told) == [
        ("Boiler", "shed: an action wants it, until 08:07", "input_boolean.boiler"),
        ("Boiler", "given back", "input_boolean.boiler"),
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_logbook_of_a_limit(player: Player, language: str) -> None:
    """In the language of Home Assistant, whatever happens."""
    player.hass.config.language = language
    loop = await Loop.begin(player, start="2026-01-14T08:20:00+01:00", mode=Mode.OBSERVE)
    told: list[Event] = async_capture_events(player.hass, EVENT_LIMIT)
    await loop.run(20)
    await loop.building.async_set_mode(Mode.LIMIT)
    await loop.run(10)
    await loop.building.async_set_on(on=False)
    lines = described(player.hass, told)
    assert {event.data["type"] for event in told} == {"approached", "limiting_started", "limiting_ended", "overrun"}
    assert {name for name, _, _ in lines} == {"School"}
    messages = {message for _, message, _ in lines}
    assert not [message for message in messages if "{" in message or message.startswith("logbook")]
    begin = {"en": "would begin to limit its power", "fr": "commencerait à limiter sa puissance"}
    assert begin[language] in messages
    over = {"en": "exceeded its limit of 42 kVA by ", "fr": "a dépassé de "}
    assert [message for message in messages if message.startswith(over[language])]


# Diagnostics.


async def test_diagnostics(site: Site) -> None:
    """What was decided and why; titles and the words of orders stay at home."""
    await site.wait(60)
    await site.call("shed_loads", duration=HOUR, reason="the secret party")
    told = await async_get_config_entry_diagnostics(site.hass, site.entry)
    written = json.dumps(told)
    for secret in ("School", "Boiler", "party"):
        assert secret not in written
    assert (told["mode"], told["on"], told["orders"]) == ("limit", True, 1)
    assert (told["limit"], told["in_kva"], told["td_minutes"]) == (42_000, True, 5)
    assert told["loads"][site.load("Boiler")]["step"] == 1
    assert told["decisions"][-1]["commands"] == [[site.load("Boiler"), 1], [site.load("Pump"), 1]]
    assert "input_boolean.boiler" in written
    assert told["forecast"]["errors"]


async def test_diagnostics_before_anything_is_heard(player: Player) -> None:
    """There is little to tell."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER])
    told = await async_get_config_entry_diagnostics(site.hass, site.entry)
    assert (told["window"], told["decision"]["blind"]) == (None, True)
