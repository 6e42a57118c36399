"""The blueprints, each run end to end by Home Assistant's own automations."""

import asyncio
from pathlib import Path
import shutil
from typing import Any

from acting import device
from conftest import Player
from desks import School
from homeassistant.components.automation import AutomationEntity
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service  # type: ignore[import-untyped]

from custom_components.flex_ready.flexibility.record import Cause, State

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

BLUEPRINTS = Path(__file__).resolve().parents[2] / "blueprints" / "automation" / "flex_ready"
NAMES = ("ask_by_notification", "opt_out_when_cold", "preheat_during_mobilisation")
ASK: dict[str, object] = {"decision": "ask"}
THERMOSTAT = "climate.hall"


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let automations run beside the tests: one that waits for a button is not waited for."""
    run = AutomationEntity.async_trigger

    async def begin(self: AutomationEntity, *told: Any, **more: Any) -> None:  # noqa: ANN401
        self.hass.async_create_background_task(run(self, *told, **more), "an automation")

    monkeypatch.setattr(AutomationEntity, "async_trigger", begin)


async def settled(hass: HomeAssistant) -> None:
    """Wait until automations have done what they can do."""
    for _ in range(20):
        await hass.async_block_till_done()
        await asyncio.sleep(0)


async def use(school: School, blueprint: str, **inputs: object) -> None:
    """Make an automation of a blueprint, as a user does."""
    hass = school.hass
    shutil.copytree(BLUEPRINTS, hass.config.path("blueprints", "automation", "flex_ready"))
    made = {"alias": blueprint, "use_blueprint": {"path": f"flex_ready/{blueprint}.yaml", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": [made]})
    await hass.async_block_till_done()
    [state] = hass.states.async_all("automation")
    assert state.state == "on", "the blueprint was refused"


def entry(school: School) -> str:
    """Return the entry of the building."""
    return str(school.loop.entry.entry_id)


def setpoint(hass: HomeAssistant) -> float:
    """Return the setpoint of the thermostat."""
    state = hass.states.get(THERMOSTAT)
    assert state
    return float(state.attributes["temperature"])


async def set_up_thermostat(hass: HomeAssistant) -> None:
    """Make a thermostat that heats a hall to 20 °C."""
    hass.states.async_set("sensor.hall", "19.5", {"device_class": "temperature", "unit_of_measurement": "°C"})
    thermostat = {
        "platform": "generic_thermostat",
        "name": "hall",
        "heater": "input_boolean.heat_pump",
        "target_sensor": "sensor.hall",
        "initial_hvac_mode": "off",
        "target_temp": 20,
        "max_temp": 23,
    }
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "climate", {"climate": thermostat})
    await hass.async_block_till_done()


def test_all_are_here() -> None:
    """No other, and none without a test."""
    assert sorted(path.stem for path in BLUEPRINTS.iterdir()) == list(NAMES)


# Ask by notification.


@pytest.mark.parametrize(("button", "state"), [("Oui", State.OFFERED), ("Decline", State.REJECTED)])
async def test_ask(player: Player, tmp_path: Path, button: str, state: State) -> None:
    """The phone has two buttons; what is pressed is answered, and the notification taken back."""
    await player.hass.config.async_set_time_zone("Europe/Paris")
    calls = async_mock_service(player.hass, "notify", "phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await use(school, NAMES[0], building=entry(school), notify_action="notify.phone", accept_text="Oui")
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_500, within=60))
    await settled(school.hass)
    [rung] = calls
    assert rung.data["title"] == "Flexibility request"
    assert rung.data["message"] == "operator asks for 9.5 kW from 14/01 23:02 to 23:32"
    [action] = [one["action"] for one in rung.data["data"]["actions"] if one["title"] == button]
    school.hass.bus.async_fire("mobile_app_notification_action", {"action": action})
    await settled(school.hass)
    assert school.record().state is state
    assert calls[-1].data == {"message": "clear_notification", "data": {"tag": rung.data["data"]["tag"]}}


async def test_ask_about_what_is_decided_elsewhere(player: Player, tmp_path: Path) -> None:
    """The notification is taken back, and its buttons do nothing."""
    calls = async_mock_service(player.hass, "notify", "phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await use(school, NAMES[0], building=entry(school), notify_action="notify.phone")
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=60))
    await settled(school.hass)
    await school.desk.decline(school.record().key)
    await settled(school.hass)
    assert [call.data["message"] for call in calls[1:]] == ["clear_notification"]
    action = calls[0].data["data"]["actions"][0]["action"]
    school.hass.bus.async_fire("mobile_app_notification_action", {"action": action})
    await settled(school.hass)
    assert school.record().state is State.REJECTED


async def test_ask_in_silence(player: Player, tmp_path: Path) -> None:
    """After a while the notification is taken back; the request goes on waiting as its operator's settings say."""
    calls = async_mock_service(player.hass, "notify", "phone")
    school = await School.begin(player, tmp_path, operator=ASK)
    await use(school, NAMES[0], building=entry(school), notify_action="notify.phone", answer_within={"minutes": 2})
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=60))
    await school.loop.run(3)
    assert [call.data["message"] for call in calls[1:]] == ["clear_notification"]
    assert school.record().state is State.RECEIVED


async def test_nobody_is_asked_about_what_is_decided_by_rule(player: Player, tmp_path: Path) -> None:
    """The phone stays silent."""
    calls = async_mock_service(player.hass, "notify", "phone")
    school = await School.begin(player, tmp_path)
    await use(school, NAMES[0], building=entry(school), notify_action="notify.phone")
    await school.order(school.request(9_000, within=60))
    await settled(school.hass)
    assert calls == []


# Pre-heat during the mobilization.


async def test_preheat(player: Player, tmp_path: Path) -> None:
    """Warmer from the mobilization until shortly before the start; then as it was."""
    school = await School.begin(player, tmp_path, asset={"mobilization_delay": 10})
    await set_up_thermostat(school.hass)
    await use(school, NAMES[2], asset=device(school, "asset"), thermostat=THERMOSTAT, raise_by=2)
    await school.order(school.request(9_000, within=15))
    await school.loop.run(3)
    assert setpoint(school.hass) == 20
    await school.loop.run(5, until=lambda: school.record().state is State.MOBILISING)
    await school.loop.run(1)
    assert setpoint(school.hass) == 22
    await school.loop.run(15, until=lambda: setpoint(school.hass) == 20)
    assert school.record().state is State.MOBILISING
    left = (school.record().start - school.now).total_seconds()
    assert 20 < left <= 30
    await school.loop.run(2)
    assert school.record().state is State.ACTIVE
    assert setpoint(school.hass) == 20


async def test_preheat_for_what_is_called_off(player: Player, tmp_path: Path) -> None:
    """It is no warmer than the thermostat allows, and is set back at once."""
    school = await School.begin(player, tmp_path, asset={"mobilization_delay": 10})
    await set_up_thermostat(school.hass)
    await use(school, NAMES[2], asset=device(school, "asset"), thermostat=THERMOSTAT, raise_by=5)
    await school.order(school.request(9_000, within=12))
    await school.loop.run(5, until=lambda: school.record().state is State.MOBILISING)
    await school.loop.run(1)
    assert setpoint(school.hass) == 23
    await school.desk.cancel(school.operator, "WholeBuilding", "r1")
    await settled(school.hass)
    assert setpoint(school.hass) == 20


async def test_preheat_and_a_hand(player: Player, tmp_path: Path) -> None:
    """What somebody sets meanwhile stays."""
    school = await School.begin(player, tmp_path, asset={"mobilization_delay": 10})
    await set_up_thermostat(school.hass)
    await use(school, NAMES[2], asset=device(school, "asset"), thermostat=THERMOSTAT)
    await school.order(school.request(9_000, within=12))
    await school.loop.run(5, until=lambda: school.record().state is State.MOBILISING)
    await school.loop.run(1)
    assert setpoint(school.hass) == 21.5
    await school.hass.services.async_call(
        "climate", "set_temperature", {"entity_id": THERMOSTAT, "temperature": 17}, blocking=True
    )
    await school.loop.run(12, until=lambda: school.record().state is State.ACTIVE)
    assert setpoint(school.hass) == 17


async def test_no_time_to_preheat(player: Player, tmp_path: Path) -> None:
    """Nothing is raised that would have to be set back at once."""
    school = await School.begin(player, tmp_path, asset={"mobilization_delay": 0})
    await set_up_thermostat(school.hass)
    await use(school, NAMES[2], asset=device(school, "asset"), thermostat=THERMOSTAT)
    changes: list[float] = []
    school.hass.bus.async_listen("call_service", lambda event: changes.append(event.data["domain"] == "climate"))
    await school.order(school.request(9_000, within=2))
    await school.loop.run(5, until=lambda: school.record().state is State.ACTIVE)
    assert school.record().state is State.ACTIVE
    assert not any(changes)


# Opt out when it is too cold.


async def cold(school: School, degrees: float) -> None:
    """Let the hall have a temperature."""
    school.hass.states.async_set("sensor.hall", str(degrees), {"device_class": "temperature"})
    await settled(school.hass)


async def test_too_cold(player: Player, tmp_path: Path) -> None:
    """Nothing happens before an activation; in it, the loads come back as soon as it is too cold."""
    school = await School.begin(player, tmp_path)
    await cold(school, 19)
    inputs = {"building": entry(school), "asset": device(school, "asset"), "temperature": "sensor.hall", "lowest": 18}
    await use(school, NAMES[1], **inputs)
    await school.order(school.request(9_000, within=3))
    await cold(school, 17)
    assert school.record().state is State.SCHEDULED
    await cold(school, 19)
    await school.loop.run(5, until=lambda: school.record().state is State.ACTIVE)
    await cold(school, 18.5)
    await school.loop.run(1)
    assert school.record().state is State.ACTIVE
    await cold(school, 17.9)
    ended = school.record().ended
    assert ended is not None
    assert ended.cause is Cause.USER_OPT_OUT
    await school.loop.run(5)
    assert all(school.loop.is_on(load) for load in school.loop.source.building.loads)


async def test_too_cold_from_the_start(player: Player, tmp_path: Path) -> None:
    """It is ended as soon as it starts."""
    school = await School.begin(player, tmp_path)
    await cold(school, 15)
    inputs = {"building": entry(school), "asset": device(school, "asset"), "temperature": "sensor.hall"}
    await use(school, NAMES[1], **inputs)
    await school.order(school.request(9_000, within=3))
    await school.loop.run(5, until=lambda: school.record().ended is not None)
    ended, began = school.record().ended, school.record().began
    assert ended is not None
    assert began is not None
    assert (ended.at - began.at).total_seconds() < 5
