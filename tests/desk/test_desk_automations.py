"""What automations and the logbook have of requests."""

from collections.abc import Callable
import json
from pathlib import Path
from typing import Any

from acting import call, device
from conftest import Player
from desks import School
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.helpers.condition import async_from_config, async_validate_condition_config
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode
from custom_components.flex_ready.desk.const import EVENT_REQUEST
from custom_components.flex_ready.flexibility.model import Confirmation
from custom_components.flex_ready.flexibility.record import Cause, State
from custom_components.flex_ready.logbook import async_describe_events

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

COMMON = {
    language: json.loads(
        (Path(__file__).parents[2] / f"custom_components/flex_ready/translations/{language}.json").read_text()
    )["common"]
    for language in ("en", "fr")
}


async def automate(school: School, *triggers: tuple[str, dict[str, object]]) -> list[tuple[str, str]]:
    """Make an automation for each trigger; return the list that each of their runs adds its number and state to."""
    fired: list[tuple[str, str]] = []
    automations = [
        {
            "alias": f"number {number}",
            "mode": "queued",
            "triggers": {"trigger": f"{DOMAIN}.{trigger}", "options": options},
            "actions": {
                "event": "ran",
                "event_data": {"number": str(number), "state": "{{ trigger.request_id }} {{ trigger.state }}"},
            },
        }
        for number, (trigger, options) in enumerate(triggers)
    ]
    school.hass.bus.async_listen("ran", lambda event: fired.append((event.data["number"], event.data["state"])))
    assert await async_setup_component(school.hass, "automation", {"automation": automations})
    await school.hass.async_block_till_done()
    states = school.hass.states.async_all("automation")
    assert [state.state for state in states] == ["on"] * len(triggers), "a trigger was refused"
    return fired


async def holds(hass: HomeAssistant, **options: object) -> bool | None:
    """Tell whether the condition holds."""
    config = {"condition": f"{DOMAIN}.is_activation_running", "options": options}
    checker = await async_from_config(hass, await async_validate_condition_config(hass, config))
    try:
        return checker.async_check()
    finally:
        checker.async_unload()


async def test_the_triggers(player: Player, tmp_path: Path) -> None:
    """Each at its step, with what it is about; of one building, asset or operator, or of any."""
    school = await School.begin(player, tmp_path)
    entry = school.loop.entry.entry_id
    asset, operator = device(school, "asset"), device(school, "operator")
    fired = await automate(
        school,
        ("flex_request_received", {}),
        ("flex_request_received", {"building": "another"}),
        ("flex_request_received", {"asset": operator}),
        ("flex_request_received", {"operator": asset}),
        ("flex_request_changed", {"building": entry, "asset": asset, "operator": operator}),
        ("flex_request_changed", {"to": ["mobilising", "completed"]}),
        ("activation_started", {"asset": asset}),
        ("activation_ended", {"operator": operator}),
        ("activation_ended", {"asset": "nobody"}),
    )
    told = async_capture_events(school.hass, EVENT_REQUEST)
    await school.order(school.request(9_000, within=3, minutes=10))
    await school.loop.run(25, until=lambda: school.record().state is State.SETTLED)
    states: dict[str, list[str]] = {}
    for number, state in fired:
        states.setdefault(number, []).append(state.removeprefix("r1 "))
    everything = [one.target.value for one in school.record().history]
    assert everything[:3] == ["received", "offered", "confirmed"]
    assert [event.data["state"] for event in told] == everything
    # What is kept together is told in one turn, and automations that run in parallel may overtake each other in it.
    assert sorted(states.pop("4")) == sorted(everything)
    assert states == {
        "0": ["received"],
        "5": ["mobilising", "completed"],
        "6": ["active"],
        "7": ["recovering"],
    }


async def test_a_restart_is_no_start(player: Player, tmp_path: Path) -> None:
    """What runs on after a reload has neither started nor changed; nothing of the user's own is an operator's."""
    school = await School.begin(player, tmp_path)
    await call(school, "create_flex_request", asset=device(school, "asset"), power=9, duration={"minutes": 20})
    await school.loop.run(5, until=lambda: any(one.state is State.ACTIVE for one in school.desk.book.records.values()))
    fired = await automate(
        school,
        ("activation_started", {}),
        ("flex_request_changed", {}),
        ("activation_ended", {}),
        ("activation_ended", {"operator": device(school, "operator")}),
    )
    assert await school.hass.config_entries.async_reload(school.loop.entry.entry_id)
    await school.hass.async_block_till_done()
    assert fired == []
    [key] = school.desk.book.records
    await call(school, "cancel_flex_request", request_id=key.request_id)
    assert sorted(number for number, _ in fired) == ["1", "2"]  # of one event: either may come first


@pytest.mark.parametrize("option", [{"to": "asleep"}, {"colour": "x"}])
async def test_an_option_that_is_none(player: Player, tmp_path: Path, option: dict[str, object]) -> None:
    """Is refused."""
    school = await School.begin(player, tmp_path)
    with pytest.raises(AssertionError, match="refused"):
        await automate(school, ("flex_request_changed", option))


async def test_the_condition(player: Player, tmp_path: Path) -> None:
    """Holds from the start to the end of an activation, of any asset or one, and not while it only observes."""
    school = await School.begin(player, tmp_path)
    hass, asset = school.hass, device(school, "asset")
    assert await holds(hass) is False
    await school.order(school.request(9_000, within=2, minutes=20))
    assert await holds(hass) is False
    await school.loop.run(5, until=lambda: school.record().state is State.ACTIVE)
    assert await holds(hass) is True
    assert await holds(hass, asset=asset, building=school.loop.entry.entry_id) is True
    assert await holds(hass, asset=device(school, "operator")) is False
    assert await holds(hass, asset="nobody") is False
    assert await holds(hass, building="another") is False
    await school.loop.building.async_set_mode(Mode.OBSERVE)
    await school.loop.run(1)
    assert await holds(hass) is False


# The logbook.


class Lazy:
    """An event as the logbook hands it over."""

    def __init__(self, event: Event) -> None:
        self.data = event.data
        self.context_id = Context().id


def described(hass: HomeAssistant, events: list[Event]) -> list[tuple[str, str]]:
    """Return the lines of the logbook: name, message."""
    known: dict[str, Callable[[Any], dict[str, Any]]] = {}
    async_describe_events(hass, lambda _domain, event, describe: known.update({event: describe}))
    lines = [known[str(event.event_type)](Lazy(event)) for event in events]
    assert all(line["icon"].startswith("mdi:") for line in lines)
    return [(line["name"], line["message"]) for line in lines]


async def test_the_logbook(player: Player, tmp_path: Path) -> None:
    """A life in words, under the name of the asset."""
    await player.hass.config.async_set_time_zone("Europe/Paris")
    school = await School.begin(player, tmp_path)
    told: list[Event] = async_capture_events(school.hass, EVENT_REQUEST)
    await school.order(school.request(9_000, within=3, minutes=10))
    await school.loop.run(25, until=lambda: school.record().state is State.SETTLED)
    lines = described(school.hass, told)
    assert {name for name, _ in lines} == {"asset"}
    assert [line for _, line in lines] == [
        "operator asks for 9 kW from 22:05 to 22:15",
        "offers 9 kW to operator, from 22:05 to 22:15",
        "operator orders 9 kW from 22:05 to 22:15",
        "has planned 9 kW for 22:05",
        "prepares 9 kW for 22:05",
        "gives 9 kW until 22:15",
        "gives its loads back: its time is over",
        "has given operator what was ordered",
        "what it gave operator is measured",
    ]


async def test_the_logbook_in_french(player: Player, tmp_path: Path) -> None:
    """What ends early says why; of an asset that is gone the operators' name is left."""
    player.hass.config.language = "fr"
    await player.hass.config.async_set_time_zone("Europe/Paris")
    school = await School.begin(player, tmp_path)
    told: list[Event] = async_capture_events(school.hass, EVENT_REQUEST)
    await school.order(school.request(9_000, within=3, minutes=10))
    await school.loop.run(5, until=lambda: school.record().state is State.ACTIVE)
    await call(school, "cancel_flex_request", request_id="r1")
    await school.loop.run(10, until=lambda: school.record().state is State.CANCELLED)
    lines = [line for _, line in described(school.hass, told)]
    assert lines[0] == "operator demande 9 kW de 22:05 à 22:15"
    assert "rend ses charges : l\u2019utilisateur le veut ainsi" in lines
    assert "la demande de operator est annulée : toutes les charges sont rendues" in lines
    data = {**told[0].data, "config_entry_id": "gone"}
    assert described(school.hass, [Event(EVENT_REQUEST, data)])[0][0] == "WholeBuilding"


@pytest.mark.parametrize("language", COMMON)
def test_every_step_has_words(language: str) -> None:
    """Each state and each cause, and nothing is left over."""
    texts = {key for key in COMMON[language] if key.startswith("request_")}
    words = {f"request_{kind}_{state}" for kind in ("log", "state") for state in State}
    words |= {f"request_cause_{cause.lower()}" for cause in [*Cause, "given_back"]}
    words |= {f"request_question_{end}" for end in ("title", "accept", "decline")}
    words |= {"request_button_accept", "request_button_decline", "request_decrease", "request_increase"}
    words |= {"request_calendar", "request_calendar_details"}
    assert texts == words


async def test_an_order_that_is_too_late(player: Player, tmp_path: Path) -> None:
    """An offer that nobody orders lapses, and the logbook says so."""
    school = await School.begin(player, tmp_path)
    told: list[Event] = async_capture_events(school.hass, EVENT_REQUEST)
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=4))
    await school.loop.run(5)
    assert described(school.hass, told)[-1][1] == "what operator asked for was not answered or ordered in time"
    late = await school.desk.confirm(school.operator, "WholeBuilding", "r1", Confirmation())
    assert late.status == 409
