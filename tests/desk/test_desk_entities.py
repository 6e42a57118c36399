"""The entities of assets and operators: what they are, what they say when, and that they say it seldom."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from acting import device
from conftest import Player
from desks import School
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.desk.opening import Opening
from custom_components.flex_ready.flexibility.model import Confirmation
from custom_components.flex_ready.flexibility.record import State

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

REQUEST = "sensor.asset_request"
RUNNING = "binary_sensor.asset_activation_running"
CALENDAR = "calendar.school_flexibility_requests"


def state(school: School, entity_id: str) -> str:
    """Return the state of an entity."""
    return school.loop.player.state(entity_id)


def number(school: School, name: str) -> float:
    """Return the state of a sensor of the asset."""
    return float(state(school, f"sensor.asset_{name}"))


async def events(school: School, start: str, end: str) -> list[tuple[str, str]]:
    """Return what the calendar has: start and summary."""
    answer: Any = await school.hass.services.async_call(
        "calendar",
        "get_events",
        {"entity_id": CALENDAR, "start_date_time": start, "end_date_time": end},
        blocking=True,
        return_response=True,
    )
    return [(one["start"], one["summary"]) for one in answer[CALENDAR]["events"]]


async def test_the_entities(
    player: Player,
    tmp_path: Path,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they are called, what they say, what they are."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    school = await School.begin(player, tmp_path)
    await school.loop.run(1)
    entry = school.loop.entry
    ids = {entry.entry_id: "entry"}
    ids |= {sub.subentry_id: sub.subentry_type for sub in entry.subentries.values() if sub.subentry_type != "load"}

    def known(text: str) -> str:
        for key, name in ids.items():
            text = text.replace(key, name)
        return text

    assert (
        sorted(
            " | ".join(
                str(part)
                for part in (
                    row.entity_id,
                    known(row.unique_id),
                    f"{found.state} {found.attributes.get('unit_of_measurement', '')}".strip(),
                    row.original_device_class,
                    found.attributes.get("state_class"),
                    row.entity_category,
                    known(row.config_subentry_id or "-"),
                )
            )
            for row in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
            if (row.config_subentry_id in ids or row.domain == "calendar")
            and (found := school.hass.states.get(row.entity_id))
        )
        == snapshot
    )


async def test_the_devices(player: Player, tmp_path: Path, device_registry: dr.DeviceRegistry) -> None:
    """One of the asset and one of the operator, behind that of the building."""
    school = await School.begin(player, tmp_path)
    entry_id = school.loop.entry.entry_id
    building = device_registry.async_get_device_by_identifier((DOMAIN, entry_id), entry_id)
    assert building
    for kind in ("asset", "operator"):
        found = device_registry.async_get(device(school, kind))
        assert isinstance(found, dr.DeviceEntry)
        assert (found.name, found.via_device_id, found.entry_type) == (kind, building.id, dr.DeviceEntryType.SERVICE)


async def test_a_life(player: Player, tmp_path: Path) -> None:
    """From nothing to settled: states, powers, energy, times, each step as an event, few states written."""
    school = await School.begin(player, tmp_path)
    told: list[Event] = async_capture_events(school.hass, "state_changed")
    assert (state(school, REQUEST), state(school, RUNNING)) == ("none", STATE_OFF)
    assert state(school, "sensor.asset_power_asked") == state(school, "sensor.asset_energy_delivered") == STATE_UNKNOWN
    assert number(school, "power_delivered") == 0
    able = number(school, "potential")
    assert 20 < able < 36
    await school.order(school.request(9_000, within=5, minutes=20))
    await school.loop.run(1)
    assert state(school, REQUEST) == "scheduled"
    assert number(school, "power_asked") == number(school, "power_offered") == 9
    assert number(school, "energy_delivered") == number(school, "power_delivered") == 0
    start = datetime.fromisoformat(state(school, "sensor.asset_start_of_the_request"))
    assert start == school.record().start
    assert datetime.fromisoformat(state(school, "sensor.asset_end_of_the_request")) == start + timedelta(minutes=20)
    await school.loop.run(9, until=lambda: school.record().state is State.ACTIVE)
    assert (state(school, REQUEST), state(school, RUNNING)) == ("active", STATE_ON)
    assert number(school, "time_left") == 20
    await school.loop.run(10)
    assert number(school, "power_delivered") >= 9
    assert number(school, "energy_delivered") == pytest.approx(9 / 6, rel=0.5)
    assert number(school, "time_left") in (10, 11)
    assert number(school, "potential") < able  # what is promised is not there to be given
    await school.loop.run(20, until=lambda: school.record().state is State.SETTLED)
    assert (state(school, REQUEST), state(school, RUNNING)) == ("settled", STATE_OFF)
    assert state(school, "sensor.asset_power_asked") == STATE_UNKNOWN
    assert number(school, "power_delivered") == number(school, "time_left") == 0
    assert number(school, "energy_delivered") > 2.5
    kinds = [
        event.data["new_state"].attributes["event_type"]
        for event in told
        if event.data["entity_id"] == "event.asset_request" and event.data["old_state"] is not None
    ]
    assert kinds == [one.target.value for one in school.record().history]
    last = school.hass.states.get("event.asset_request")
    assert last
    assert (last.attributes["request_id"], last.attributes["power"], last.attributes["operator"]) == (
        *("r1", 9.0, "operator"),
    )
    written = [event.data["entity_id"] for event in told]
    assert written.count("sensor.asset_power_delivered") <= 30 * 4
    assert written.count("sensor.asset_time_left") <= 30
    assert written.count(REQUEST) < 12


async def test_which_request_is_shown(player: Player, tmp_path: Path) -> None:
    """The next one; the running one before it; one that is over for a day."""
    school = await School.begin(player, tmp_path)
    await school.desk.create(school.operator, "WholeBuilding", school.request(5_000, within=120, name="later"))
    await school.order(school.request(6_000, within=60, name="next"))
    await school.loop.run(0.5)
    assert number(school, "power_asked") == 6
    await school.desk.cancel(school.operator, "WholeBuilding", "next")
    await school.loop.run(0.5)
    assert (number(school, "power_asked"), state(school, REQUEST)) == (5, "offered")
    await school.desk.cancel(school.operator, "WholeBuilding", "later")
    await school.loop.run(0.5)
    assert state(school, REQUEST) == "cancelled"
    shown, now = school.desk.shown, school.now
    assert shown.of("WholeBuilding", now) is school.record("later")
    assert shown.of("WholeBuilding", now + timedelta(days=1)) is None
    assert shown.of("another", now) is None
    assert shown.coming(now) is None


async def test_the_running_one_comes_first(player: Player, tmp_path: Path) -> None:
    """Also while another one, of the same asset, is about to start."""
    school = await School.begin(player, tmp_path)
    await school.order(school.request(6_000, within=2, minutes=10, name="now"))
    await school.order(school.request(5_000, within=13, minutes=10, name="then"))
    await school.loop.run(5, until=lambda: school.record("now").state is State.ACTIVE)
    assert school.desk.shown.of("WholeBuilding", school.now) is school.record("now")
    coming = school.desk.shown.coming(school.now)
    assert coming is school.record("now")


async def test_the_calendar(player: Player, tmp_path: Path) -> None:
    """What is open and what was ordered, past ones too, in words; what came to nothing is not there."""
    await player.hass.config.async_set_time_zone("Europe/Paris")
    school = await School.begin(player, tmp_path)
    await school.order(school.request(9_000, within=3, minutes=10))
    await school.desk.create(school.operator, "WholeBuilding", school.request(5_500, within=60, name="r2"))
    await school.desk.create(school.operator, "WholeBuilding", school.request(5_000, within=120, name="r3"))
    await school.desk.cancel(school.operator, "WholeBuilding", "r3")
    await school.loop.run(1)
    assert state(school, CALENDAR) == STATE_OFF
    shown = school.hass.states.get(CALENDAR)
    assert shown
    assert shown.attributes["message"] == "asset: 9 kW less (scheduled)"
    assert shown.attributes["description"] == "Asked by operator (request r1)"
    await school.loop.run(5, until=lambda: school.record().state is State.ACTIVE)
    assert state(school, CALENDAR) == STATE_ON
    await school.loop.run(20, until=lambda: school.record().state is State.SETTLED)
    assert state(school, CALENDAR) == STATE_OFF
    assert await events(school, "2026-01-14T00:00:00+01:00", "2026-01-16T00:00:00+01:00") == [
        ("2026-01-14T22:05:00+01:00", "asset: 9 kW less (settled)"),
        ("2026-01-14T23:02:00+01:00", "asset: 5.5 kW less (offered)"),
    ]
    assert await events(school, "2026-01-14T22:15:00+01:00", "2026-01-14T23:00:00+01:00") == []


async def test_in_french(player: Player, tmp_path: Path) -> None:
    """Names and entries are in the language of Home Assistant."""
    player.hass.config.language = "fr"
    school = await School.begin(player, tmp_path)
    await school.order(school.request(9_500, within=30))
    await school.loop.run(0.5)
    assert state(school, "sensor.asset_demande") == "scheduled"
    shown = school.hass.states.get("calendar.school_demandes_de_flexibilite")
    assert shown
    assert shown.attributes["message"] == "asset : 9,5 kW de moins (planifiée)"


async def test_the_connection_of_an_operator(player: Player, tmp_path: Path, hass: HomeAssistant) -> None:
    """Unknown before its first call; lost when one is refused, but not by a no that it can understand."""
    school = await School.begin(player, tmp_path)
    name = "binary_sensor.operator_connection"
    assert state(school, name) == state(school, "sensor.operator_last_call") == STATE_UNKNOWN
    for status, connected in (
        (HTTPStatus.CREATED, STATE_ON),
        (HTTPStatus.FORBIDDEN, STATE_OFF),
        (HTTPStatus.CONFLICT, STATE_ON),
        (HTTPStatus.TOO_MANY_REQUESTS, STATE_OFF),
        (HTTPStatus.UNPROCESSABLE_ENTITY, STATE_ON),
        (HTTPStatus.BAD_REQUEST, STATE_OFF),
    ):
        school.desk.note_call(school.operator, "subject", "GET", "/bacs", status, "")
        await school.loop.run(0.2)
        assert state(school, name) == connected, status
    at = datetime.fromisoformat(state(school, "sensor.operator_last_call"))
    assert timedelta() <= school.now - at < timedelta(minutes=2)
    assert school.desk.last_calls[school.operator.subentry_id].refused == 5


async def test_without_a_ledger(player: Player, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of requests until it can be read; then everything is."""
    school = await School.begin(player, tmp_path)
    await school.order(school.request(9_000, within=30))

    async def closed(_opening: Opening) -> None:
        """Find no ledger."""

    with monkeypatch.context() as patch:
        patch.setattr(Opening, "async_open", closed)
        await school.hass.config_entries.async_reload(school.loop.entry.entry_id)
        await school.hass.async_block_till_done()
    assert state(school, REQUEST) == state(school, CALENDAR) == STATE_UNAVAILABLE
    assert state(school, "binary_sensor.operator_connection") == STATE_UNAVAILABLE
    opening = Opening(school.loop.building)
    school.loop.building.on_stop = opening.async_close
    await opening.async_open()
    await school.loop.run(0.5)
    assert state(school, REQUEST) == "scheduled"
    late = await school.desk.confirm(school.operator, "WholeBuilding", "r1", Confirmation())
    assert late.status == HTTPStatus.OK
    assert school.now.tzinfo is UTC
