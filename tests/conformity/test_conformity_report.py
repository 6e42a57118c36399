"""The report in a real Home Assistant: what is gathered of meters, signals and a building, and how it is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
import re
from typing import Any

from called import Called, begun
from closed_loop import building_entry
from conftest import Player
from desks import School
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_fire_time_changed,
)
from world import PRICES, World

from custom_components.flex_ready.conformity import gathering, probe
from custom_components.flex_ready.conformity.facts import ApiAnswer
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.slots import Series
from emulator.meter import MeterConfig, frames
from emulator.meter.clock import PARIS
from emulator.supplier.demo_signal import default_signal

__all__ = ["begun"]

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

SENSOR = "sensor.school_flex_ready_criteria_met"
EVENING = "2026-01-14T17:05:30+01:00"


async def report(hass: HomeAssistant, **data: object) -> Any:  # noqa: ANN401
    """Call the action."""
    return await hass.services.async_call(DOMAIN, "get_conformity_report", data, blocking=True, return_response=True)


@pytest.fixture
async def outside(world: World) -> AsyncIterator[World]:
    """The world outside; what listens to it is unloaded before it ends."""
    yield world
    for entry in world.hass.config_entries.async_entries(DOMAIN):
        await world.hass.config_entries.async_unload(entry.entry_id)


def outcomes(answer: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the outcome of each criterion."""
    return {one["id"]: one["outcome"] for one in answer["criteria"]}


def reasons(answer: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the reason of each criterion."""
    return {one["id"]: one["reason"] for one in answer["criteria"]}


def states_written(hass: HomeAssistant) -> list[Event[Any]]:
    """Collect what the sensor writes."""
    found: list[Event[Any]] = []

    def note(event: Event[Any]) -> None:
        if event.data["entity_id"] == SENSOR:
            found.append(event)

    hass.bus.async_listen("state_changed", callback(note))
    return found


# What is gathered.


METERS: dict[str, tuple[MeterConfig, set[str]]] = {
    "pme_pmi": (MeterConfig(subscribed_power=200), {"pme_pmi_preavis", "pme_pmi_ea_s"}),
    "pme_pmi_that_warns": (MeterConfig(), {"pme_pmi_ea_s"}),
    "pme_pmi_of_another_spelling": (MeterConfig(spelling="EaP"), {"pme_pmi_ea_s"}),
    "pme_pmi_kw": (MeterConfig(subscribed_unit="kW", subscribed_power=200), {"pme_pmi_preavis"}),
    "saphir": (MeterConfig(meter="saphir", subscribed_power=1000), {"saphir_preavis"}),
    "saphir_that_warns": (MeterConfig(meter="saphir"), set()),
}
"""Each with the labels that do not apply; at this hour of the morning a small contract is exceeded."""


async def with_meter(player: Player, config: MeterConfig) -> Any:  # noqa: ANN401
    """Set up a building behind an emulated meter, hear five frames, and ask for the report."""
    start = player.host.astimezone(PARIS)
    play = frames(replace(config, start=start))
    await player.load(next(play).data, meter=config.meter.replace("-", "_"), serial=None)
    entry = building_entry(player.entry.entry_id, ())
    entry.add_to_hass(player.hass)
    assert await player.hass.config_entries.async_setup(entry.entry_id)
    await player.play(islice(play, 4))
    return await report(player.hass, config_entry_id=entry.entry_id)


@pytest.mark.parametrize("name", METERS)
async def test_each_label_of_a_meter_is_received(player: Player, name: str) -> None:
    """By the emulated meter's own frames; the clocks are in step."""
    config, out = METERS[name]
    found = outcomes(await with_meter(player, config))
    kind = config.meter.replace("-", "_")
    labels = {key: outcome for key, outcome in found.items() if key.startswith(kind)}
    assert {key for key, outcome in labels.items() if outcome == "not_applicable"} == out
    assert {outcome for key, outcome in labels.items() if key not in out} == {"met"}
    assert len(labels) == (11 if kind == "saphir" else 9)
    assert found["tic_connection"] == found["clock_in_step"] == "met"


@pytest.mark.parametrize("meter", ["ice", "linky-historique", "linky-standard"])
async def test_a_meter_without_a_table(player: Player, meter: Any) -> None:  # noqa: ANN401
    """It is read all the same; the referential does not count it."""
    answer = await with_meter(player, MeterConfig(meter=meter))
    assert [one["outcome"] for one in answer["criteria"] if one["part"] == "meter"] == ["not_applicable"] * 2


async def test_a_meter_that_is_silent(player: Player) -> None:
    """Nothing is known of its labels."""
    await with_meter(player, MeterConfig())
    player.pass_time(200)
    player.coordinator._maybe_stale()
    answer = await report(player.hass)
    assert reasons(answer)["tic_connection"] == "meter_not_read"
    assert outcomes(answer)["tic_connection"] == "not_met"
    assert {outcomes(answer)[key] for key in ("pme_pmi_ps", "pme_pmi_date", "clock_in_step")} == {"not_known"}


async def test_a_clock_that_is_wrong(player: Player) -> None:
    """By an hour."""
    player.host += timedelta(hours=1)
    config = MeterConfig()
    start = (player.host - timedelta(hours=1)).astimezone(PARIS)
    play = frames(replace(config, start=start))
    player.freezer.move_to(player.host)
    await player.load(next(play).data)
    entry = building_entry(player.entry.entry_id, ())
    entry.add_to_hass(player.hass)
    assert await player.hass.config_entries.async_setup(entry.entry_id)
    answer = await report(player.hass)
    found = next(one for one in answer["criteria"] if one["id"] == "clock_in_step")
    assert found["outcome"] == "not_met"
    assert re.search(r"3[56]\d\d s apart", found["text"])


async def test_a_whole_installation(
    outside: World, player: Player, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that can be seen from within is met, by the real things; the calls of operators are theirs to make."""
    monkeypatch.setattr(gathering, "BASE_URL", outside.url)
    ecowatt = await outside.load(outside.ecowatt_entry())
    await outside.to(datetime.fromisoformat(EVENING))
    day = datetime(2026, 1, 14, tzinfo=PARIS)
    await outside.send_signal(default_signal(day, day + timedelta(days=2)))
    supplier = await outside.load(outside.supplier_entry())
    school = await School.begin(player, tmp_path, start=EVENING, shed_from_level="very_tense")
    entry = school.loop.entry
    outside.hass.config_entries.async_update_entry(
        entry, data={**entry.data, "ecowatt_entry": ecowatt.entry_id, "supplier_entry": supplier.entry_id}
    )
    await outside.hass.async_block_till_done()
    await school.loop.run(6)
    answer = await report(outside.hass)
    assert {key: outcome for key, outcome in reasons(answer).items() if outcomes(answer)[key] != "met"} == {
        "pme_pmi_preavis": "only_while_warned",
        "pme_pmi_ea_s": "low_voltage",
        "api_address": "address_none",
        "api_answers": "address_none",
        "operator_called": "not_called",
    }
    assert (answer["met"], answer["applicable"], answer["result"]) == (20, 23, "not_met")

    # Elsewhere than at RTE's, it is not known whether it is RTE's.
    monkeypatch.setattr(gathering, "BASE_URL", "https://digital.iservices.rte-france.com")
    assert outcomes(await report(outside.hass))["ecowatt_live"] == "not_known"
    monkeypatch.setattr(gathering, "BASE_URL", outside.url)

    # Not loaded, not met.
    for linked in (ecowatt, supplier):
        assert await outside.hass.config_entries.async_unload(linked.entry_id)
    found = reasons(await report(outside.hass))
    assert found["ecowatt_live"] == "ecowatt_not_loaded"
    assert found["ecowatt_followed"] == "ecowatt_sheds"
    assert found["supplier_received"] == "supplier_not_loaded"


async def test_a_rehearsal_does_not_count(outside: World, player: Player, tmp_path: Path) -> None:
    """Its signals are made up; one of RTE beside it counts, though the building does not follow it."""
    rehearsal = await outside.load(outside.ecowatt_entry(rehearsal=True))
    school = await School.begin(player, tmp_path, start=EVENING)
    entry = school.loop.entry
    outside.hass.config_entries.async_update_entry(entry, data={**entry.data, "ecowatt_entry": rehearsal.entry_id})
    await outside.hass.async_block_till_done()
    found = reasons(await report(outside.hass))
    assert found["ecowatt_integrated"] == found["ecowatt_followed"] == "ecowatt_rehearsal"
    listened = outside.ecowatt_entry()
    listened.add_to_hass(outside.hass)
    assert await outside.hass.config_entries.async_setup(listened.entry_id)
    found = reasons(await report(outside.hass))
    assert (found["ecowatt_integrated"], found["ecowatt_followed"]) == ("ecowatt_elsewhere", "ecowatt_not_chosen")


async def test_a_signal_of_another_form(outside: World, player: Player, tmp_path: Path) -> None:
    """One without CO2 in a step lacks something; one that breaks the rules of the annex is rejected."""
    await outside.to(datetime.fromisoformat(EVENING))
    day = datetime(2026, 1, 14, tzinfo=PARIS)
    await outside.send_signal(default_signal(day, day + timedelta(days=2)))
    supplier = (await outside.load(outside.supplier_entry())).runtime_data
    await School.begin(player, tmp_path, start=EVENING)
    assert reasons(await report(outside.hass))["supplier_triplets"] == "supplier_complete"
    first, *others = supplier.held.steps
    steps = Series((replace(first, value=replace(first.value, co2=None)), *others))
    supplier.held = replace(supplier.held, signal=replace(supplier.held.signal, steps=steps))
    found = {one["id"]: one for one in (await report(outside.hass))["criteria"]}
    assert found["supplier_received"]["outcome"] == "met"
    assert found["supplier_triplets"]["text"] == "Some steps lack: co2."
    await outside.break_path(PRICES, "wrong-json")
    await supplier.async_poll()
    found = {one["id"]: one for one in (await report(outside.hass))["criteria"]}
    assert found["supplier_triplets"]["reason"] == "supplier_rejected"
    assert found["supplier_received"]["outcome"] == "met"


async def test_a_building_without_flexibility(player: Player) -> None:
    """It has neither load nor asset nor operator."""
    found = reasons(await with_meter(player, MeterConfig()))
    assert {key: found[key] for key in ("loads_commanded", "asset_offered", "operator_named", "requests_kept")} == {
        "loads_commanded": "load_none",
        "asset_offered": "asset_none",
        "operator_named": "operator_none",
        "requests_kept": "asset_none",
    }


async def test_a_ledger_that_fails(player: Player, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither requests nor the curve can be had."""
    school = await School.begin(player, tmp_path)
    await school.loop.run(6)
    assert outcomes(await report(school.hass))["consumptions_kept"] == "met"
    await school.desk.meters._ledger.close()
    found = reasons(await report(school.hass))
    assert found["requests_kept"] == found["consumptions_kept"] == "ledger_unusable"


async def test_an_asset_that_was_not_measured(player: Player, tmp_path: Path) -> None:
    """After half an hour without the meter, nothing that was measured is recent."""
    school = await School.begin(player, tmp_path, asset={"measured_by": "meter"})
    await school.loop.run(6)
    assert outcomes(await report(school.hass))["consumptions_kept"] == "met"
    school.loop.silent = True
    await school.loop.run(45)
    assert reasons(await report(school.hass))["consumptions_kept"] == "curve_missing"


# The address from outside.


async def test_the_api_is_found_where_it_is(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers a call without a token by its problem; it is asked once a minute at most, and not for the sensor."""
    url = str(called.client.make_url("")).rstrip("/")
    hass = called.hass
    assert await probe.async_answer(hass, url, None) is None
    assert await probe.async_answer(hass, url, probe.ANEW) is ApiAnswer.OURS
    before = len(called.api.audit.refused)
    assert before
    for within in (probe.ANEW, probe.DAILY, None):
        assert await probe.async_answer(hass, url, within) is ApiAnswer.OURS
    assert len(called.api.audit.refused) == before
    monkeypatch.setattr(gathering, "address", lambda _hass: url)
    found = reasons(await report(hass, config_entry_id=called.entries["School"].entry_id))
    assert (found["api_address"], found["api_answers"]) == ("address_https", "answers")


async def test_something_else_answers(called: Called) -> None:
    """Or nothing does."""
    url = called.client.make_url("/elsewhere")
    assert await probe.async_answer(called.hass, str(url), probe.ANEW) is ApiAnswer.OTHER
    assert await probe.async_answer(called.hass, "http://127.0.0.1:9", probe.ANEW) is ApiAnswer.NONE


async def test_the_address(hass: HomeAssistant) -> None:
    """Only one from outside, and only by https."""
    assert probe.address(hass) is None
    await hass.config.async_update(internal_url="https://house.local")
    assert probe.address(hass) is None
    await hass.config.async_update(external_url="http://flex.example.org")
    assert probe.address(hass) is None
    await hass.config.async_update(external_url="https://flex.example.org")
    assert probe.address(hass) == "https://flex.example.org"


async def test_calls_of_operators(called: Called) -> None:
    """The last one counts: one that was let in, even to nothing."""
    school = called.entries["School"].entry_id
    assert reasons(await report(called.hass, config_entry_id=school))["operator_called"] == "not_called"
    assert (await called.get(called.asset())).status == 200
    assert reasons(await report(called.hass, config_entry_id=school))["operator_called"] == "called"


# What is told.


async def test_in_the_language_of_home_assistant(player: Player) -> None:
    """Keys stay as they are; the referential's own words, too."""
    english = await with_meter(player, MeterConfig())
    await player.hass.config.async_update(language="fr")
    french = await report(player.hass)
    assert outcomes(english) == outcomes(french)
    told = {one["id"]: one for one in french["criteria"]}["pme_pmi_ps"]
    assert told == {
        "id": "pme_pmi_ps",
        "part": "meter",
        "standing": "optional",
        "source": "2.4.3, critère 2, TIC PME-PMI",
        "words": "[PS] : puissance souscrite de la période tarifaire en cours",
        "label": "PS",
        "check": "Les trames du compteur portent PS",
        "outcome": "met",
        "reason": "received",
        "text": "Elle est reçue.",
    }
    assert all("{" not in one["text"] + one["check"] for one in (*english["criteria"], *french["criteria"]))
    assert english["at"].endswith("+01:00")


async def test_which_building(called: Called, player: Player) -> None:
    """The only one, or the one that is named."""
    with pytest.raises(ServiceValidationError) as told:
        await report(called.hass)
    assert told.value.translation_key == "several_buildings"
    hall = called.entries["Town hall"]
    assert (await report(called.hass, config_entry_id=hall.entry_id))["building"] == "Town hall"
    assert await called.hass.config_entries.async_unload(hall.entry_id)
    assert (await report(called.hass))["building"] == "School"
    meter = await player.load(next(frames(MeterConfig())).data)
    with pytest.raises(ServiceValidationError) as told:
        await report(called.hass, config_entry_id=meter.entry_id)
    assert told.value.translation_key == "entry_of_another_kind"
    assert await called.hass.config_entries.async_unload(called.entries["School"].entry_id)
    with pytest.raises(ServiceValidationError) as told:
        await report(called.hass)
    assert told.value.translation_key == "no_building"


# The sensor.


async def test_the_sensor(player: Player, tmp_path: Path, entity_registry: er.EntityRegistry) -> None:
    """On the building's device, for diagnostics; as the report says."""
    school = await School.begin(player, tmp_path)
    await school.loop.run(20)
    answer = await report(school.hass)
    state = school.hass.states.get(SENSOR)
    row = entity_registry.async_get(SENSOR)
    assert state
    assert row
    assert row.entity_category == "diagnostic"
    assert row.unique_id == f"{school.loop.entry.entry_id}_conformity"
    assert (int(state.state), state.attributes["applicable"]) == (answer["met"], answer["applicable"])
    assert state.attributes["unit_of_measurement"] == "criteria"


async def test_the_sensor_is_written_seldom(player: Player, tmp_path: Path) -> None:
    """Not once while nothing changes, and soon after an entry did."""
    school = await School.begin(player, tmp_path)
    await school.loop.run(20)
    written = states_written(school.hass)
    await school.loop.run(60)
    assert written == []
    assert await school.hass.config_entries.async_unload(school.loop.player.entry.entry_id)
    before = int(school.hass.states.get(SENSOR).state)  # type: ignore[union-attr]
    player.pass_time(180)
    async_fire_time_changed(school.hass, player.host)
    for _ in range(20_000):  # the ledger is read in a thread, and the loop's clock stands still
        if written:
            break
        await asyncio.sleep(0)
    assert len(written) == 1
    assert int(written[0].data["new_state"].state) < before - 7
