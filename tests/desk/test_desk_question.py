"""The user is asked on the screen, and on a phone with buttons, in the user's language, until it is decided."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acting import call
from closed_loop import LOADS
from conftest import Player
from desks import School
from homeassistant.components.persistent_notification import _async_get_or_create_notifications
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service  # type: ignore[import-untyped]

from custom_components.flex_ready.desk.question import EVENT_ACTION
from custom_components.flex_ready.flexibility.record import Actor, State

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

ASK: dict[str, object] = {"decision": "ask", "notify": "notify.mobile_app_phone"}


def shown(hass: HomeAssistant) -> list[tuple[str | None, str]]:
    """Return the notifications on the screen: title and message."""
    return [(one["title"], one["message"]) for one in _async_get_or_create_notifications(hass).values()]


async def asked(school: School, name: str = "r1", within: float = 60) -> None:
    """Have the operator ask for 9 kW."""
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=within, name=name))
    await school.hass.async_block_till_done()


async def press(school: School, rung: ServiceCall, title: str) -> None:
    """Press a button of a notification on the phone."""
    data: Mapping[str, Any] = rung.data["data"]
    [action] = [one["action"] for one in data["actions"] if one["title"] == title]
    school.hass.bus.async_fire(EVENT_ACTION, {"action": action, "tag": data["tag"]})
    await school.hass.async_block_till_done()


@pytest.mark.parametrize(
    ("language", "title", "text", "buttons"),
    [
        (
            "en",
            "School: flexibility request",
            "operator asks asset for 9 kW less from 23:02 to 23:32. Without an answer by 22:17 it is declined.",
            ["Accept", "Decline"],
        ),
        (
            "fr",
            "School : demande de flexibilité",
            "operator demande à asset 9 kW de moins de 23:02 à 23:32. Sans réponse avant 22:17, elle est refusée.",
            ["Accepter", "Refuser"],
        ),
    ],
)
async def test_the_question(
    player: Player, tmp_path: Path, language: str, title: str, text: str, buttons: list[str]
) -> None:
    """Who, how much, when, until when, and what silence means."""
    player.hass.config.language = language
    calls = async_mock_service(player.hass, "notify", "mobile_app_phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    assert shown(school.hass) == [(title, text)]
    [rung] = calls
    assert (rung.data["title"], rung.data["message"]) == (title, text)
    assert [one["title"] for one in rung.data["data"]["actions"]] == buttons


@pytest.mark.parametrize(("button", "state"), [("Accept", State.OFFERED), ("Decline", State.REJECTED)])
async def test_a_button(player: Player, tmp_path: Path, button: str, state: State) -> None:
    """Decides, and takes the question back; pressed again it does nothing."""
    calls = async_mock_service(player.hass, "notify", "mobile_app_phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school, "r1", within=60)
    await asked(school, "r2", within=120)
    first = calls[0]
    await press(school, first, button)
    assert school.record("r1").state is state
    assert school.record("r2").state is State.RECEIVED
    assert len(shown(school.hass)) == 1
    assert calls[-1].data == {"message": "clear_notification", "data": {"tag": first.data["data"]["tag"]}}
    before = len(school.record("r1").history), len(calls)
    await press(school, first, button)
    assert (len(school.record("r1").history), len(calls)) == before


async def test_silence(player: Player, tmp_path: Path) -> None:
    """It says what it means, earlier if the request starts earlier; once it has spoken nobody is asked any more."""
    school = await School.begin(
        player,
        tmp_path,
        operator={"decision": "ask", "silence": "accept", "answer_within": 15},
        start="2026-01-14T22:02:00+01:00",
    )
    await asked(school, within=10)
    [(_, text)] = shown(school.hass)
    assert text.endswith("Without an answer by 22:10 it is accepted.")
    await school.loop.run(12, until=lambda: school.record().state is not State.RECEIVED)
    assert shown(school.hass) == []


async def test_nobody_is_asked_about_what_is_decided_by_rule(player: Player, tmp_path: Path) -> None:
    """Nor about what breaks a rule."""
    calls = async_mock_service(player.hass, "notify", "mobile_app_phone")
    school = await School.begin(player, tmp_path, operator={"notify": "notify.mobile_app_phone"})
    await asked(school)
    assert school.record().state is State.OFFERED
    assert (shown(school.hass), calls) == ([], [])


async def test_an_answer_elsewhere(player: Player, tmp_path: Path) -> None:
    """An action decides as well; the phone is told."""
    calls = async_mock_service(player.hass, "notify", "mobile_app_phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    await call(school, "decline_flex_request", request_id="r1")
    assert shown(school.hass) == []
    assert calls[-1].data["message"] == "clear_notification"


async def test_after_a_reload(player: Player, tmp_path: Path) -> None:
    """What waits is asked again on the screen, not on the phone; its buttons still work."""
    calls = async_mock_service(player.hass, "notify", "mobile_app_phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    assert await school.hass.config_entries.async_unload(school.loop.entry.entry_id)
    assert shown(school.hass) == []
    assert await school.hass.config_entries.async_setup(school.loop.entry.entry_id)
    await school.hass.async_block_till_done()
    assert len(shown(school.hass)) == len(calls) == 1
    await press(school, calls[0], "Accept")
    assert school.record().state is State.OFFERED
    assert school.record().history[-1].actor in (Actor.BACS, Actor.USER)


async def test_what_cannot_be_given_any_more(player: Player, tmp_path: Path) -> None:
    """Is said on the screen above the question, which stands."""
    calls = async_mock_service(player.hass, "notify", "mobile_app_phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    for load in LOADS:
        school.hass.states.async_set(f"input_boolean.{load}", "unavailable")
    await press(school, calls[0], "Accept")
    assert school.record().state is State.RECEIVED
    [(_, text)] = shown(school.hass)
    assert "0 W can be given" in text
    assert text.endswith("it is declined.")


async def test_a_phone_that_is_gone(player: Player, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The screen asks all the same; one line in the log."""
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    assert len(shown(school.hass)) == 1
    assert "notify.mobile_app_phone cannot be told of a request of operator" in caplog.text

    async def fail(_call: ServiceCall) -> None:
        raise HomeAssistantError("no network")

    school.hass.services.async_register("notify", "mobile_app_phone", fail)
    await asked(school, "r2", within=120)
    assert "no network" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
