"""Ecowatt in Home Assistant: what its entities are, and what they say when."""

from datetime import UTC, datetime, timedelta

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from syrupy.assertion import SnapshotAssertion
from world import EVENING, SANDBOX, World

from custom_components.flex_ready.const import DOMAIN

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Give an instant of January 2026 by the clock in Paris."""
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC) - HOUR


def lines(hass: HomeAssistant) -> list[str]:
    """Tell every state with its attributes, one a line."""
    return sorted(
        f"{state.entity_id}: {state.state} { {f'{key}': value for key, value in sorted(state.attributes.items())} }"
        for state in hass.states.async_all()
    )


async def events_of(world: World, calendar: str, start: datetime, end: datetime) -> list[tuple[str, str, str]]:
    """Ask a calendar as its page does."""
    answer = await world.hass.services.async_call(
        "calendar",
        "get_events",
        {"entity_id": calendar, "start_date_time": start, "end_date_time": end},
        blocking=True,
        return_response=True,
    )
    found: list[dict[str, str]] = answer[calendar]["events"]  # type: ignore[index, call-overload, assignment]
    return [(event["start"], event["end"], event["summary"]) for event in found]


def recorded(world: World, entity_id: str) -> list[tuple[str, dict[str, object]]]:
    """Return a list that takes the type and the attributes of each event from now on."""
    seen: list[tuple[str, dict[str, object]]] = []

    @callback
    def take(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state
        about = dict(state.attributes)
        for name in ("event_types", "friendly_name"):
            about.pop(name, None)
        seen.append((str(about.pop("event_type")), about))

    async_track_state_change_event(world.hass, entity_id, take)
    return seen


async def test_all_entities(
    world: World, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name, category, device class, unit, state: of a red evening."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    entry = await world.load(world.ecowatt_entry())
    rows = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    assert [
        (row.unique_id, row.entity_id, row.translation_key, row.entity_category, row.original_device_class)
        for row in sorted(rows, key=lambda row: row.entity_id)
    ] == snapshot
    assert lines(world.hass) == snapshot


async def test_the_entities_of_a_rehearsal(
    world: World, device_registry: dr.DeviceRegistry, snapshot: SnapshotAssertion
) -> None:
    """RTE's sandbox from today on, named as what it is, beside the real one; it costs none of the quota."""
    await world.load(world.ecowatt_entry())
    entry = await world.load(world.ecowatt_entry(rehearsal=True))
    device = device_registry.async_get_device_by_identifier((DOMAIN, entry.entry_id), entry.entry_id)
    assert device
    assert (device.name, device.manufacturer) == ("Ecowatt (rehearsal)", "RTE")
    assert [line for line in lines(world.hass) if "rehearsal" in line] == snapshot
    assert world.state(entry, "next_call") == STATE_UNKNOWN
    assert await world.quarters() == [(1, 0)]
    calendar = world.id_of(entry, "tense_periods")
    found = await events_of(world, calendar, at(14, 0), at(15, 0))
    assert found[0] == ("2026-01-14T07:00:00+01:00", "2026-01-14T09:00:00+01:00", "Rehearsal of Ecowatt: tense")
    assert ("2026-01-14T18:00:00+01:00", "2026-01-14T21:00:00+01:00", "Rehearsal of Ecowatt: very tense") in found
    # At midnight its days move with today.
    await world.to(at(15, 0, 1))
    assert world.asked.count(SANDBOX) == 2
    assert (await events_of(world, calendar, at(15, 0), at(16, 0)))[0][0] == "2026-01-15T07:00:00+01:00"


async def test_the_names_are_french_in_french(world: World, entity_registry: er.EntityRegistry) -> None:
    """Entities, and what stands in the calendars."""
    world.hass.config.language = "fr"
    entry = await world.load(world.ecowatt_entry())
    names = {row.original_name for row in er.async_entries_for_config_entry(entity_registry, entry.entry_id)}
    assert {"Niveau", "Périodes tendues", "Prochain appel permis"} <= names
    found = await events_of(world, world.id_of(entry, "tense_periods"), at(14, 0), at(15, 0))
    assert [summary for *_, summary in found] == [
        "Ecowatt : tendu",
        "Ecowatt : tendu",
        "Ecowatt : très tendu",
        "Ecowatt : tendu",
    ]


async def test_the_level_changes_at_the_hour_without_a_call(world: World) -> None:
    """A second before it is the old one, within a second the new one; RTE is down all the while."""
    entry = await world.load(world.ecowatt_entry())
    await world.break_path("/", "status", status=503)
    expected = {18: "very_tense", 19: "very_tense", 20: "tense", 21: "normal"}
    before = "tense"
    for hour, level in expected.items():
        await world.to(at(14, hour) - SECOND)
        assert world.state(entry, "level") == before
        asked = list(world.asked)
        await world.to(at(14, hour))
        assert world.state(entry, "level") == level
        assert world.asked == asked
        assert world.state(entry, "grid_tense") == (STATE_ON if "tense" in level else STATE_OFF)
        before = level
    for hour in range(22, 24):
        await world.to(at(14, hour))
    await world.to(at(15, 0) - SECOND)
    assert world.state(entry, "level_today") == "very_tense"
    await world.to(at(15, 0))
    days = ("level_today", "level_tomorrow", "level_in_2_days", "level_in_3_days")
    assert [world.state(entry, key) for key in days] == ["tense", "normal", "normal", STATE_UNKNOWN]
    await world.to(at(15, 2) - SECOND)
    assert world.state(entry, "level") == "normal"
    await world.to(at(15, 2))
    assert world.state(entry, "level") == "low_carbon"
    assert world.state(entry, "next_low_carbon_end") == at(15, 5).isoformat()
    assert all(refused == 0 for _, refused in await world.quarters())


async def test_between_the_hours_nothing_is_written(world: World) -> None:
    """A minute's tick, a quarter's: no state changes but those of the calls."""
    await world.scenario("calm")
    await world.load(world.ecowatt_entry())
    written: list[str] = []
    world.hass.bus.async_listen("state_changed", lambda event: written.append(event.data["entity_id"]))
    for minute in range(6, 50):
        await world.to(at(14, 17, minute))
    assert written == []


@pytest.mark.parametrize("zone", ["UTC", "Indian/Reunion", "America/Cayenne", "Asia/Kolkata"])
async def test_the_hour_is_that_of_paris(world: World, zone: str) -> None:
    """Whatever the zone of Home Assistant: slots, days, calendars."""
    await world.hass.config.async_set_time_zone(zone)
    entry = await world.load(world.ecowatt_entry())
    await world.break_path("/", "status", status=503)
    assert world.state(entry, "level") == "tense"
    await world.to(at(14, 18))
    assert world.state(entry, "level") == "very_tense"
    assert world.state(entry, "level_today") == "very_tense"
    await world.to(at(14, 23, 30))
    assert world.state(entry, "level_today") == "very_tense"
    await world.to(at(15, 0))
    assert world.state(entry, "level_today") == "tense"
    events = await events_of(world, world.id_of(entry, "tense_periods"), at(15, 0), at(16, 0))
    (start, end, _) = events[0]
    assert (datetime.fromisoformat(start), datetime.fromisoformat(end)) == (at(15, 8), at(15, 11))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        # By UTC from 00:30 Paris on: hour 1 is low carbon, 2 tense, 3 very tense, 4 low carbon, the others normal.
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), ["normal", "low_carbon", "very_tense", "low_carbon", "normal"]),
        (
            datetime(2026, 10, 24, 22, 30, tzinfo=UTC),
            ["normal", "low_carbon", "tense", "tense", "very_tense", "low_carbon", "normal"],
        ),
    ],
)
async def test_days_on_which_the_time_changes(world: World, day: datetime, hours: list[str]) -> None:
    """Twenty-three hours in spring, twenty-five in autumn; each edge within its second."""
    world.freezer.move_to(day)
    await world.scenario("dst")
    entry = await world.load(world.ecowatt_entry())
    seen = [world.state(entry, "level")]
    for ahead in range(1, len(hours)):
        edge = day.replace(minute=0) + ahead * HOUR
        await world.to(edge - SECOND)
        assert world.state(entry, "level") == seen[-1]
        await world.to(edge)
        seen.append(world.state(entry, "level"))
    assert seen == hours
    midnight = day.replace(minute=0) + timedelta(hours=23 if day.month == 3 else 25)
    await world.to(midnight - SECOND)
    assert world.state(entry, "level_today") == "very_tense"
    await world.to(midnight)
    assert dt_util.utcnow().astimezone(dt_util.get_default_time_zone()).hour == 0
    assert world.state(entry, "level_today") != "very_tense"


async def test_hours_that_are_missing_are_unknown(world: World) -> None:
    """And no invitation to consume; nor is the day after the horizon."""
    world.freezer.move_to(at(14, 6, 30))
    await world.scenario("missing-hours")
    entry = await world.load(world.ecowatt_entry())
    for key in ("level", "grid_tense", "hours_left", "level_change", "next_low_carbon_start"):
        assert world.state(entry, key) == STATE_UNKNOWN, key
    await world.to(at(14, 7))
    assert world.state(entry, "level") == "normal"
    assert world.state(entry, "hours_left") == "11"
    assert world.state(entry, "level_change") == at(14, 18).isoformat()


async def test_two_days_only(world: World) -> None:
    """A daily file was missed: the days after are unknown."""
    await world.scenario("missing-days")
    entry = await world.load(world.ecowatt_entry())
    assert world.state(entry, "level_tomorrow") == "normal"
    assert world.state(entry, "level_in_2_days") == STATE_UNKNOWN
    assert world.state(entry, "horizon") == "31"


async def test_low_carbon_windows(world: World) -> None:
    """The next one and its calendar, which is on while it lasts."""
    world.freezer.move_to(at(14, 11, 59))
    await world.scenario("green-night")
    entry = await world.load(world.ecowatt_entry())
    assert world.state(entry, "low_carbon_hours_today") == "10"
    assert world.state(entry, "next_low_carbon_start") == at(14, 12).isoformat()
    assert world.state(entry, "low_carbon_windows") == STATE_OFF
    await world.to(at(14, 12))
    assert world.state(entry, "level") == "low_carbon"
    assert world.state(entry, "hours_left") == "4"
    assert world.state(entry, "low_carbon_windows") == STATE_ON
    await world.to(at(14, 16))
    assert world.state(entry, "low_carbon_windows") == STATE_OFF
    assert await events_of(world, world.id_of(entry, "low_carbon_windows"), at(14, 15), at(15, 6)) == [
        ("2026-01-14T12:00:00+01:00", "2026-01-14T16:00:00+01:00", "Ecowatt: low carbon"),
        ("2026-01-15T00:00:00+01:00", "2026-01-15T07:00:00+01:00", "Ecowatt: low carbon"),
    ]


async def test_a_calendar_starts_automations_before_a_red_period(world: World) -> None:
    """The trigger of the calendar, an hour ahead."""
    fired: list[str] = []
    world.hass.bus.async_listen("prepared", lambda event: fired.append(event.data["what"]))
    entry = await world.load(world.ecowatt_entry())
    config = {
        "triggers": [
            {
                "trigger": "calendar",
                "event": "start",
                "offset": "-1:00:00",
                "entity_id": world.id_of(entry, "tense_periods"),
            }
        ],
        "actions": [{"event": "prepared", "event_data_template": {"what": "{{ trigger.calendar_event.summary }}"}}],
    }
    assert await async_setup_component(world.hass, "automation", {"automation": [config]})
    await world.hass.async_block_till_done()
    for minute in range(15, 180, 15):
        await world.to(EVENING + timedelta(minutes=minute))
    assert fired == ["Ecowatt: tense"]
    await world.hass.services.async_call("automation", "turn_off", {"entity_id": "all"}, blocking=True)


async def test_events_of_levels(world: World) -> None:
    """One at each change, with what was before; none at the start, none at a change of nothing."""
    entry = await world.load(world.ecowatt_entry())
    seen = recorded(world, world.id_of(entry, "ecowatt_level"))
    for hour in range(18, 23):
        await world.to(at(14, hour))
    assert seen == [
        ("very_tense", {"before": "tense"}),
        ("tense", {"before": "very_tense"}),
        ("normal", {"before": "tense"}),
    ]


async def test_events_of_alerts(world: World) -> None:
    """Announced, changed in time or in gravity, withdrawn; none for what passes, none for what is the same."""
    await world.scenario("calm")
    entry = await world.load(world.ecowatt_entry())
    seen = recorded(world, world.id_of(entry, "ecowatt_alert"))

    async def plan(minutes: int, hours: dict[str, int]) -> list[tuple[str, dict[str, object]]]:
        await world.scenario({"days": {"1": {"hours": hours}}})
        seen.clear()
        world.freezer.move_to(EVENING + timedelta(minutes=minutes))
        await entry.runtime_data.async_poll()
        await world.hass.async_block_till_done()
        return [
            (kind, {key: str(value)[11:16] for key, value in about.items() if key != "level"}) for kind, about in seen
        ]

    assert await plan(15, {}) == []
    assert await plan(30, {"8-11": 2}) == [("announced", {"start": "08:00", "end": "11:00"})]
    assert [about["level"] for _, about in seen] == ["tense"]
    assert await plan(45, {"8-11": 2}) == []
    assert await plan(60, {"8-11": 2, "9": 3}) == [("changed", {"start": "08:00", "end": "11:00"})]
    assert [about["level"] for _, about in seen] == ["very_tense"]
    assert await plan(75, {"9-12": 2, "18-20": 3}) == [
        ("changed", {"start": "09:00", "end": "12:00"}),
        ("announced", {"start": "18:00", "end": "20:00"}),
    ]
    assert await plan(90, {"9-12": 2}) == [("withdrawn", {"start": "18:00", "end": "20:00"})]
    assert await plan(105, {}) == [("withdrawn", {"start": "09:00", "end": "12:00"})]


async def test_an_alert_over_midnight_is_not_changed_by_it(world: World) -> None:
    """RTE drops yesterday; what is left of the alert is the same."""
    world.freezer.move_to(at(14, 21, 5))
    await world.scenario({"days": {"0": {"hours": {"22-24": 3}}, "1": {"hours": {"0-2": 2}}}})
    entry = await world.load(world.ecowatt_entry())
    assert world.state(entry, "next_tense_start") == at(14, 22).isoformat()
    assert world.state(entry, "next_tense_end") == at(15, 2).isoformat()
    seen = recorded(world, world.id_of(entry, "ecowatt_alert"))
    await world.to(at(14, 23, 30))
    await world.scenario({"days": {"0": {"hours": {"0-2": 2}}}})
    asked = len(world.asked)
    await world.to(at(15, 0, 59))
    assert len(world.asked) > asked
    assert world.state(entry, "level") == "tense"
    await world.to(at(15, 3))
    assert seen == []


async def test_a_signal_that_is_too_old(world: World) -> None:
    """Twelve hours after the last good answer nothing is shown as the present; then all is well again."""
    await world.scenario("calm")
    entry = await world.load(world.ecowatt_entry())
    received = dt_util.utcnow()
    await world.break_path("/", "status", status=503)
    for hours in range(1, 12):
        await world.to(received + timedelta(hours=hours))
    await world.to(received + timedelta(hours=12) - SECOND)
    assert world.state(entry, "level") == "normal"
    assert world.state(entry, "signal_problem") == STATE_ON
    await world.to(received + timedelta(hours=12))
    always = {"retrieved_at", "next_call", "signal_problem", "ecowatt_level", "ecowatt_alert"}
    for row in er.async_entries_for_config_entry(er.async_get(world.hass), entry.entry_id):
        if row.disabled_by is None:
            state = world.hass.states.get(row.entity_id)
            assert state
            key = row.unique_id.removeprefix(f"{entry.entry_id}_")
            assert (state.state != STATE_UNAVAILABLE) == (key in always), key
    assert world.state(entry, "retrieved_at") == received.isoformat()
    await world.mend()
    await world.wait(hours=1)
    await world.wait(hours=1)
    assert world.state(entry, "level") == "normal"
    assert world.state(entry, "signal_problem") == STATE_OFF
