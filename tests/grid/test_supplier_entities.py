"""The supplier signal in Home Assistant: what its entities are, and what they say when."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.components.sensor import SensorStateClass
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import CONF_TOKEN, STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
import pytest
from syrupy.assertion import SnapshotAssertion
from world import EVENING, POINT, PRICES, World

from emulator.supplier.demo_signal import default_signal

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Give an instant of January 2026 by the clock in Paris."""
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC) - HOUR


def signal(*days: int, **columns: Sequence[float]) -> dict[str, list[Any]]:
    """Write a signal of days of January 2026 in hours; columns take the place of its values."""
    horodate = [f"2026-01-{day:02d}T{hour:02d}:00:00+01:00" for day in days for hour in range(24)]
    count = len(horodate)
    cost = columns.get("cost", [hour / 100 for hour in range(24)] * len(days))
    co2 = columns.get("co2", [50 - hour for hour in range(24)] * len(days))
    power = columns.get("power", [36] * count)
    return {
        "step": list(range(1, count + 1)),
        "horodate": horodate,
        "cost": [{"value": value, "unit": "€/kWh", "multiplier": ""} for value in cost],
        "co2": [{"value": value, "unit": "gCO2eq/kWh", "multiplier": ""} for value in co2],
        "power": [{"value": value, "unit": "W", "multiplier": "k"} for value in power],
    }


async def test_all_entities(
    world: World, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name, category, device class, unit, state: of the supplier's default day; also those disabled at first."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    entry = await world.load(world.supplier_entry())
    rows = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    assert [
        (row.unique_id, row.entity_id, row.translation_key, row.entity_category, row.original_device_class)
        for row in sorted(rows, key=lambda row: row.entity_id)
    ] == snapshot
    assert (
        sorted(
            f"{state.entity_id}: {state.state} { {f'{key}': value for key, value in sorted(state.attributes.items())} }"
            for state in world.hass.states.async_all()
        )
        == snapshot
    )


async def test_the_energy_dashboard_takes_the_price(recorder_mock: object, world: World) -> None:
    """As the entity with the current price; it has a state class and no device class."""
    entry = await world.load(world.supplier_entry())
    price = world.hass.states.get(world.id_of(entry, "price"))
    assert price
    assert price.attributes["unit_of_measurement"] == "EUR/kWh"
    assert price.attributes["state_class"] == SensorStateClass.MEASUREMENT
    assert "device_class" not in price.attributes
    assert float(price.state) == pytest.approx(0.243)
    world.hass.states.async_set(
        "sensor.grid",
        "100",
        {"device_class": "energy", "unit_of_measurement": "kWh", "state_class": "total_increasing"},
    )
    assert await async_setup_component(world.hass, "energy", {})
    manager = await async_get_manager(world.hass)
    grid = {"type": "grid", "stat_energy_from": "sensor.grid", "cost_adjustment_day": 0}
    world.hass.states.async_set("sensor.other", "0.2", {"unit_of_measurement": "EUR"})
    refused = []
    for price_entity in (price.entity_id, "sensor.other"):
        update: Any = {"energy_sources": [grid | {"entity_energy_price": price_entity}]}
        await manager.async_update(update)
        told = str((await async_validate(world.hass)).as_dict())
        refused.append("entity_unexpected_unit_energy_price" in told)
        assert "entity_not_defined" not in told
    assert refused == [False, True]


async def test_the_price_changes_at_the_step_without_a_call(world: World) -> None:
    """A second before it is the old one, within a second the new one; the supplier is down all the while."""
    entry = await world.load(world.supplier_entry())
    await world.break_path("/", "status", status=503)
    before = world.state(entry, "price")
    for i in range(12):
        edge = at(14, 17, 15) + i * QUARTER
        following = world.state(entry, "price_next")
        await world.to(edge - SECOND)
        assert world.state(entry, "price") == before
        asked = len(world.asked)
        await world.to(edge)
        assert world.state(entry, "price") == following != before
        assert len(world.asked) == asked
        assert world.state(entry, "slot_end") == (edge + QUARTER).isoformat()
        before = following
        await world.to(edge + 5 * SECOND)


async def test_at_midnight_tomorrow_is_today(world: World) -> None:
    """Statistics, rank and price of the new day at once, without a call; what is not known yet is unknown."""
    await world.send_signal(signal(14, 15))
    entry = await world.load(world.supplier_entry())
    assert world.state(entry, "price") == "0.17"
    assert world.state(entry, "rank") == "18"
    assert world.state(entry, "price_mean_today") == "0.115"
    assert world.state(entry, "price_max_tomorrow") == "0.23"
    assert world.state(entry, "tomorrow_available") == STATE_ON
    assert world.state(entry, "default_data") == STATE_OFF
    await world.break_path("/", "status", status=503)
    await world.to(at(14, 23))
    assert world.state(entry, "price_next") == "0"
    await world.to(at(15, 0) - SECOND)
    assert world.state(entry, "tomorrow_available") == STATE_ON
    asked = len(world.asked)
    await world.to(at(15, 0))
    assert world.state(entry, "price") == "0"
    assert world.state(entry, "rank") == "1"
    assert world.state(entry, "price_min_today") == "0"
    assert world.state(entry, "price_max_tomorrow") == STATE_UNKNOWN
    assert world.state(entry, "tomorrow_available") == STATE_OFF
    assert len(world.asked) == asked


async def test_never_a_frozen_price(world: World) -> None:
    """At the end of the signal it is unknown, twelve hours after the last good answer unavailable."""
    await world.send_signal(signal(14))
    entry = await world.load(world.supplier_entry())
    await world.break_path("/", "status", status=503)
    await world.to(at(14, 23))
    assert world.state(entry, "price") == "0.23"
    assert world.state(entry, "price_next") == STATE_UNKNOWN
    await world.to(at(15, 0))
    for key in ("price", "co2_intensity", "signal_power", "rank", "slot_end", "price_mean_today"):
        assert world.state(entry, key) == STATE_UNKNOWN, key
    assert world.state(entry, "cheapest_windows") == STATE_OFF
    await world.to(EVENING + 12 * HOUR - SECOND)
    assert world.state(entry, "price") == STATE_UNKNOWN
    await world.to(EVENING + 12 * HOUR)
    for key in ("price", "tomorrow_available", "warnings", "cheapest_windows"):
        assert world.state(entry, key) == STATE_UNAVAILABLE, key
    assert world.state(entry, "signal_problem") == STATE_ON
    assert world.state(entry, "retrieved_at") == EVENING.isoformat()


@pytest.mark.parametrize(
    ("day", "steps"), [(datetime(2026, 3, 29, tzinfo=UTC), 92), (datetime(2026, 10, 25, tzinfo=UTC), 100)]
)
async def test_days_on_which_the_time_changes(world: World, day: datetime, steps: int) -> None:
    """Every quarter of an hour of 23 or 25 hours has its price, and the day is whole."""
    offset = 1 if steps == 92 else 2
    start = day - timedelta(hours=offset)
    world.freezer.move_to(start + SECOND)
    await world.hass.config.async_set_time_zone("America/Cayenne")
    entry = await world.load(world.supplier_entry())
    sent = default_signal(day.date(), day.date() + timedelta(days=1))
    prices = [triplet["value"] for triplet in sent["cost"] if isinstance(triplet, dict)]
    assert len(prices) == steps
    assert float(world.state(entry, "price_min_today")) == min(prices)
    await world.break_path("/", "status", status=503)
    for i in range(4, 20):
        await world.to(start + i * QUARTER)
        assert float(world.state(entry, "price")) == prices[i]
    await world.to(start + steps * QUARTER - SECOND)
    await world.mend()
    assert world.state(entry, "price_min_today") in (STATE_UNAVAILABLE, str(min(prices)))


async def test_calendars_of_the_best_windows(world: World) -> None:
    """The best quarter of each day's time, those that touch in one; with what is paid there."""
    cost = [0.30] * 48
    cost[2], cost[3], cost[4], cost[13], cost[22], cost[23] = 0.10, 0.12, 0.11, 0.15, 0.05, -0.01
    co2 = [90] * 48
    for hour in (*range(24, 30), 10, 11, 12, 13, 14, 15):
        co2[hour] = 20
    await world.send_signal(signal(14, 15, cost=cost, co2=co2))
    entry = await world.load(world.supplier_entry())
    answer = await world.hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": [world.id_of(entry, "cheapest_windows"), world.id_of(entry, "cleanest_windows")],
            "start_date_time": at(14, 0),
            "end_date_time": at(16, 0),
        },
        blocking=True,
        return_response=True,
    )
    found: Any = answer
    cheap, clean = (
        [(event["start"][8:16], event["end"][8:16], event["summary"]) for event in one["events"]]
        for one in (found[world.id_of(entry, key)] for key in ("cheapest_windows", "cleanest_windows"))
    )
    assert cheap == [
        ("14T02:00", "14T05:00", "Cheapest: 0.1 to 0.12 EUR/kWh"),
        ("14T13:00", "14T14:00", "Cheapest: 0.15 to 0.15 EUR/kWh"),
        ("14T22:00", "15T00:00", "Cheapest: -0.01 to 0.05 EUR/kWh"),
        ("15T00:00", "15T06:00", "Cheapest: 0.3 to 0.3 EUR/kWh"),
    ]
    assert clean == [
        ("14T10:00", "14T16:00", "Cleanest: 20 to 20 gCO2eq/kWh"),
        ("15T00:00", "15T06:00", "Cleanest: 20 to 20 gCO2eq/kWh"),
    ]
    assert world.state(entry, "cheapest_windows") == STATE_OFF
    await world.break_path("/", "status", status=503)
    await world.to(at(14, 22))
    assert world.state(entry, "cheapest_windows") == STATE_ON
    assert world.state(entry, "price") == "0.05"
    await world.to(at(14, 23))
    assert world.state(entry, "price") == "-0.01"
    assert world.state(entry, "rank") == "1"


async def test_events(world: World) -> None:
    """Received when the steps are others, tomorrow available once, rejected once for each time it goes wrong."""
    await world.send_signal(signal(14))
    entry = await world.load(world.supplier_entry())
    event = world.id_of(entry, "supplier_signal")
    seen: list[str] = []

    @callback
    def take(changed: Event[EventStateChangedData]) -> None:
        state = changed.data["new_state"]
        if state and (kind := state.attributes.get("event_type")):
            seen.append(kind)

    async_track_state_change_event(world.hass, event, take)

    async def poll() -> list[str]:
        seen.clear()
        world.freezer.tick(60)
        await entry.runtime_data.async_poll()
        await world.hass.async_block_till_done()
        return list(seen)

    assert world.hass.states.get(event).state == STATE_UNKNOWN  # type: ignore[union-attr]
    assert await poll() == []
    await world.send_signal(signal(14, cost=[0.2] * 24))
    assert await poll() == ["received"]
    assert await poll() == []
    await world.send_signal(signal(14, 15))
    assert await poll() == ["received", "tomorrow_available"]
    await world.break_path(PRICES, "wrong-json")
    assert await poll() == ["rejected"]
    assert await poll() == []
    await world.mend()
    assert await poll() == []
    await world.break_path(PRICES, "wrong-json", times=1)
    assert await poll() == ["rejected"]


async def test_tomorrow_is_asked_for_more_often_after_noon(world: World) -> None:
    """Each quarter of an hour until it is there, about once an hour else."""
    await world.send_signal(signal(14))
    entry = await world.load(world.supplier_entry())
    assert entry.runtime_data.next_poll - EVENING < 19 * timedelta(minutes=1)
    await world.send_signal(signal(14, 15))
    await world.wait(minutes=19)
    assert world.state(entry, "tomorrow_available") == STATE_ON
    assert entry.runtime_data.next_poll - EVENING > timedelta(minutes=60)


async def test_odd_offsets_are_warned_of(world: World) -> None:
    """They are believed, which puts one step into yesterday, and counted."""
    odd = signal(14, 15)
    odd["horodate"] = [text.replace("+01:00", "+02:00") for text in odd["horodate"]]
    await world.send_signal(odd)
    entry = await world.load(world.supplier_entry())
    assert world.state(entry, "warnings") == "47"
    assert world.state(entry, "price") == "0.18"


async def test_a_token_that_expired_is_asked_for_again(world: World) -> None:
    """A client gets another by itself; a token that was given has to be given again."""
    client = await world.load(world.supplier_entry())
    await world.wait(hours=2)
    assert world.state(client, "signal_problem") == STATE_OFF
    assert world.asked.count("/oidc/token") == 2
    await world.hass.config_entries.async_remove(client.entry_id)
    entry = await world.load(world.supplier_entry(**{CONF_TOKEN: await world.token()}))
    assert world.hass.config_entries.flow.async_progress() == []
    await world.wait(hours=2)
    assert world.state(entry, "signal_problem") == STATE_ON
    assert world.state(entry, "price") != STATE_UNAVAILABLE
    (flow,) = world.hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["step_id"]) == (SOURCE_REAUTH, "supplier_token")


async def test_a_token_that_was_withdrawn_is_fetched_anew(world: World) -> None:
    """Once, at once: the identity provider has taken another key."""
    entry = await world.load(world.supplier_entry())
    await world.control("oidc/rotate")
    await entry.runtime_data.async_poll()
    assert world.state(entry, "signal_problem") == STATE_OFF
    assert world.asked[-3:] == [PRICES, "/oidc/token", PRICES]
    assert POINT not in "".join(world.asked)
