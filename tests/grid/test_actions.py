"""The actions: what they answer, and what they refuse in the user's words."""

from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any

from homeassistant.exceptions import ServiceValidationError
import probatio
import pytest
from world import EVENING, PRICES, World

from custom_components.flex_ready.const import DOMAIN

HOUR = timedelta(hours=1)
FRENCH = json.loads((Path(__file__).parents[2] / "custom_components/flex_ready/translations/fr.json").read_text())


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Give an instant of January 2026 by the clock in Paris."""
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC) - HOUR


async def ask(world: World, action: str, entry: str, **data: object) -> Any:  # noqa: ANN401
    """Call an action."""
    return await world.hass.services.async_call(
        DOMAIN, action, {"config_entry_id": entry, **data}, blocking=True, return_response=True
    )


async def refused(world: World, key: str, action: str, entry: str, **data: object) -> ServiceValidationError:
    """Check that an action is refused with a text that both languages have."""
    with pytest.raises(ServiceValidationError) as told:
        await ask(world, action, entry, **data)
    assert told.value.translation_key == key
    if told.value.translation_domain == DOMAIN:
        assert FRENCH["exceptions"][key]["message"]
        assert "{" not in str(told.value)
    return told.value


def prices(*cents: int, first: int = 18) -> dict[str, list[Any]]:
    """Write a signal of hours from an hour of the evening on; CO2 is the other way round."""
    start = at(14, first)
    horodate = [(start + i * HOUR).astimezone(UTC).isoformat() for i in range(len(cents))]
    return {
        "step": list(range(1, len(cents) + 1)),
        "horodate": horodate,
        "cost": [{"value": value, "unit": "€/kWh", "multiplier": "c"} for value in cents],
        "co2": [{"value": 100 - value, "unit": "gCO2eq/kWh", "multiplier": ""} for value in cents],
        "power": [{"value": 36, "unit": "W", "multiplier": "k"} for _ in cents],
    }


def starts(answer: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    """Return the windows by the clock of Paris."""
    return [(window["start"][8:16], window["end"][8:16]) for window in answer["windows"]]


async def test_get_ecowatt(world: World) -> None:
    """Days and hours, all of them or those of a period; times are those of Paris."""
    entry = await world.load(world.ecowatt_entry())
    told = await ask(world, "get_ecowatt", entry.entry_id)
    assert (told["retrieved_at"], told["rehearsal"]) == (EVENING.isoformat(), False)
    assert [(day["date"], day["level"], day["provisional"]) for day in told["days"]] == [
        ("2026-01-14", "very_tense", False),
        ("2026-01-15", "tense", False),
        ("2026-01-16", "normal", False),
        ("2026-01-17", "normal", False),
    ]
    assert told["days"][2]["message"] == "Pas d\u2019alerte."
    assert len(told["hours"]) == 96
    assert told["hours"][18] == {
        "start": "2026-01-14T18:00:00+01:00",
        "end": "2026-01-14T19:00:00+01:00",
        "level": "very_tense",
    }
    part = await ask(world, "get_ecowatt", entry.entry_id, start="2026-01-14 17:30:00", end="2026-01-14T20:00:00+01:00")
    assert [hour["level"] for hour in part["hours"]] == ["tense", "very_tense", "very_tense"]
    await refused(world, "end_before_start", "get_ecowatt", entry.entry_id, start=at(15, 0), end=at(15, 0))
    await refused(world, "end_before_start", "get_ecowatt", entry.entry_id, start=at(30, 0))


async def test_get_a_rehearsal(world: World) -> None:
    """It says what it is."""
    entry = await world.load(world.ecowatt_entry(rehearsal=True))
    assert (await ask(world, "get_ecowatt", entry.entry_id))["rehearsal"] is True


async def test_get_supplier_signal(world: World) -> None:
    """Steps in EUR/kWh, gCO2eq/kWh and kW."""
    await world.send_signal(prices(30, -5))
    entry = await world.load(world.supplier_entry())
    told = await ask(world, "get_supplier_signal", entry.entry_id)
    warnings = told.pop("warnings")
    assert told == {
        "retrieved_at": EVENING.isoformat(),
        "last_end_inferred": True,
        "default_data": False,
        "steps": [
            {
                "start": "2026-01-14T18:00:00+01:00",
                "end": "2026-01-14T19:00:00+01:00",
                "price": 0.3,
                "co2": 70.0,
                "power": 36.0,
            },
            {
                "start": "2026-01-14T19:00:00+01:00",
                "end": "2026-01-14T20:00:00+01:00",
                "price": -0.05,
                "co2": 105.0,
                "power": 36.0,
            },
        ],
    }
    assert {warning["code"] for warning in warnings} == {"offset-not-local"}
    assert len((await ask(world, "get_supplier_signal", entry.entry_id, start=at(14, 19)))["steps"]) == 1
    await refused(world, "end_before_start", "get_supplier_signal", entry.entry_id, end=at(13, 0))


async def test_find_windows(world: World) -> None:
    """The cheapest, cleanest and weighted, in one piece or not, before a deadline, after a start."""
    await world.send_signal(prices(9, 5, 9, 1, 9, 9))
    entry = (await world.load(world.supplier_entry())).entry_id

    async def find(**data: object) -> Any:  # noqa: ANN401
        return await ask(world, "find_windows", entry, **data)

    told = await find(aim="cheapest", duration="02:00:00")
    assert starts(told) == [("14T20:00", "14T22:00")]
    assert (told["mean_price"], told["mean_co2"], told["ecowatt_considered"]) == (0.05, 95.0, False)
    assert {reason["code"] for reason in told["reasons"]} >= {"mean_price", "mean_co2"}
    assert starts(await find(aim="cheapest", duration={"hours": 2}, contiguous=False)) == [
        ("14T19:00", "14T20:00"),
        ("14T21:00", "14T22:00"),
    ]
    assert starts(await find(aim="cheapest", duration="02:00:00", deadline=at(14, 21))) == [("14T18:00", "14T20:00")]
    assert starts(await find(aim="cheapest", duration="00:30:00", earliest=at(14, 22))) == [("14T22:00", "14T22:30")]
    assert starts(await find(aim="cleanest", duration="02:00:00")) == [("14T22:00", "15T00:00")]
    assert starts(await find(aim="weighted", duration="01:00:00", price_weight=100)) == [("14T21:00", "14T22:00")]
    assert starts(await find(aim="weighted", duration="01:00:00", price_weight=0)) == [("14T18:00", "14T19:00")]
    # Nothing is before now, and now is a whole second.
    assert (await find(aim="cheapest", duration="00:01:00", earliest=at(1, 0)))["windows"]


async def test_find_windows_clear_of_tense_hours(world: World) -> None:
    """Where Ecowatt is listened to and fresh; a rehearsal is nothing to be careful of."""
    await world.send_signal(prices(1, 2, 3, 4, 5, 6))
    entry = (await world.load(world.supplier_entry())).entry_id
    rehearsal = await world.load(world.ecowatt_entry(rehearsal=True))
    about: dict[str, object] = {"aim": "cheapest", "duration": "01:00:00"}
    told = await ask(world, "find_windows", entry, **about)
    assert (starts(told), told["ecowatt_considered"]) == ([("14T18:00", "14T19:00")], False)
    await world.load(world.ecowatt_entry())
    told = await ask(world, "find_windows", entry, **about)
    assert (starts(told), told["ecowatt_considered"]) == ([("14T21:00", "14T22:00")], True)
    avoided = [reason for reason in told["reasons"] if reason["code"] == "avoided"]
    assert len(avoided) == 1
    assert 235 - 1 <= avoided[0]["minutes"] <= 235  # from now to 21:00
    told = await ask(world, "find_windows", entry, **about, avoid_tense=False)
    assert (starts(told), told["ecowatt_considered"]) == ([("14T18:00", "14T19:00")], False)
    # Nothing else is left.
    late = {"deadline": at(14, 21)}
    await refused(world, "no_window", "find_windows", entry, **about, **late)
    assert rehearsal.runtime_data.current


async def test_what_windows_are_refused_for(world: World) -> None:
    """Each in words, with the figures."""
    await world.send_signal(prices(1, 2, 3, 4, 5, 6))
    entry = (await world.load(world.supplier_entry())).entry_id
    about: dict[str, object] = {"aim": "cheapest", "duration": "02:00:00"}
    told = await refused(world, "no_window_too_long", "find_windows", entry, **about, deadline=at(14, 18))
    assert str(told) == (
        "Between 2026-01-14T17:05:31+01:00 and 2026-01-14T18:00:00+01:00 there is no room for 120 minutes"
    )
    told = await refused(
        world, "no_window_gaps", "find_windows", entry, aim="cheapest", duration="07:00:00", deadline=at(16, 0)
    )
    assert "420 minutes" in str(told)
    await refused(world, "end_before_start", "find_windows", entry, **about, deadline=at(13, 0))
    await refused(world, "end_before_start", "find_windows", entry, **about, earliest=at(20, 0))
    for wrong in (
        {"aim": "best"},
        {"duration": "00:00:30"},
        {"duration": "-01:00:00"},
        {"duration": {"days": 8}},
        {"price_weight": 101},
        {"deadline": "soon"},
        {"colour": "red"},
    ):
        with pytest.raises(probatio.Invalid):
            await ask(world, "find_windows", entry, **{**about, **wrong})


@pytest.mark.parametrize("action", ["get_ecowatt", "get_supplier_signal", "find_windows"])
async def test_which_entries_are_refused(world: World, action: str) -> None:
    """One that is not there, of another kind, not loaded, or without a fresh signal."""
    ecowatt, supplier = await world.load(world.ecowatt_entry()), await world.load(world.supplier_entry())
    right, wrong = (ecowatt, supplier) if action == "get_ecowatt" else (supplier, ecowatt)
    about: dict[str, object] = {"aim": "cheapest", "duration": "01:00:00"} if action == "find_windows" else {}
    await refused(world, "entry_of_another_kind", action, wrong.entry_id, **about)
    await refused(world, "service_config_entry_not_found", action, "nobody", **about)
    await world.break_path("/", "status", status=500)
    world.freezer.tick(12 * HOUR)
    await refused(world, "no_signal", action, right.entry_id, **about)
    assert await world.hass.config_entries.async_unload(right.entry_id)
    await refused(world, "service_config_entry_not_loaded", action, right.entry_id, **about)
    assert PRICES in world.asked
