"""What a contract hangs on may be renamed, deleted or disabled: it follows, or the user is told."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from conftest import Player, meter_entry
from contracts_here import HOUR, MINUTE, SCHOOL, START, Clock, load, site, subentry
from desks import School
from fleets import Fleet, fleet, remote
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)
from remote import ASSET, BACS
from test_contract_orders import contract_of

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.needs import missing_issue_of
from custom_components.flex_ready.settlement.model import STEP, Quality, floor

__all__ = ["fleet", "remote"]

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

USER = ConfigEntryDisabler.USER
ENERGY: Mapping[str, Any] = {"unit_of_measurement": "kWh", "state_class": "total_increasing"}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Some time before an activation; School draws 500 kW."""
    clock = Clock(hass, freezer, START - 2 * HOUR)
    clock.draw(School=500_000)
    return clock


def register(hass: HomeAssistant, name: str = "school_energy", *, of: MockConfigEntry | None = None) -> str:
    """Enter an entity in the registry, as an integration does."""
    registry = er.async_get(hass)
    return registry.async_get_or_create("sensor", "meters", name, suggested_object_id=name, config_entry=of).entity_id


def told(hass: HomeAssistant, entry_id: str) -> list[str]:
    """Return what the user is told to be missing."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, missing_issue_of(entry_id))
    if issue is None:
        return []
    assert issue.translation_placeholders is not None
    return issue.translation_placeholders["missing"].splitlines()


async def wait(hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: int = 61) -> None:
    """Let time pass in one leap."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done()


# Renames.


async def test_a_rename_loses_nothing(hass: HomeAssistant, clock: Clock) -> None:
    """The site is read by the new id from then on, and the half-hour in which it happened is whole."""
    assert register(hass) == "sensor.school_energy"
    clock.tell()
    contract = await load(hass, SCHOOL)
    await clock.go(75 * MINUTE)
    er.async_get(hass).async_update_entity("sensor.school_energy", new_entity_id="sensor.lycee_energy")
    hass.states.async_remove("sensor.school_energy")
    clock.watts = {"Lycee": clock.watts["School"]}
    clock._wh = {"Lycee": clock._wh["School"]}
    await hass.async_block_till_done(wait_background_tasks=True)
    after = contract.config_entry.runtime_data
    assert after is not contract
    assert after.config_entry.subentries["School"].data["withdrawn"] == "sensor.lycee_energy"
    at = floor(clock.now)
    await clock.go(45 * MINUTE)
    curve = await after.ledger.readings("School", at - STEP, at + 2 * STEP)
    assert [curve.wh(at + i * STEP) for i in (-1, 0, 1)] == [250_000] * 3
    assert curve.at(at).quality is Quality.MEASURED
    assert told(hass, contract.id) == []


async def test_a_rename_while_the_contract_is_not_loaded(hass: HomeAssistant, clock: Clock) -> None:
    """Is followed by the site that it is about, and by no other."""
    register(hass, "school_injected")
    register(hass, "pool_energy")
    school = site("School", "30001234567890", injected="sensor.school_injected")
    contract = await load(hass, school, site("Pool", "30001234567891"))
    entry = contract.config_entry
    assert await hass.config_entries.async_set_disabled_by(entry.entry_id, USER)
    registry = er.async_get(hass)
    registry.async_update_entity("sensor.pool_energy", name="Pool")
    registry.async_update_entity("sensor.school_injected", new_entity_id="sensor.given")
    await hass.async_block_till_done()
    assert entry.subentries["School"].data == {**school.data, "injected": "sensor.given"}
    assert entry.subentries["Pool"].data["withdrawn"] == "sensor.pool_energy"


# Where orders come from.


async def test_an_operator_that_is_deleted(player: Player, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No order will come: the user is told, once in the log, until the contract is reconfigured."""
    school = await School.begin(player, tmp_path)
    hass, contract = school.hass, await contract_of(school)
    await wait(hass, player.freezer)
    assert told(hass, contract.id) == []
    building = school.loop.entry
    assert hass.config_entries.async_remove_subentry(building, school.operator.subentry_id)
    await hass.async_block_till_done()
    assert told(hass, contract.id) == []
    await wait(hass, player.freezer)
    assert told(hass, contract.id) == ["- Orders: the operator was deleted from the building School"]
    await wait(hass, player.freezer, 3_600)
    assert caplog.text.count("Contract: orders: operator deleted School") == 1
    entry = contract.config_entry
    data = {key: value for key, value in entry.data.items() if key not in ("building", "operator", "reserve")}
    hass.config_entries.async_update_entry(entry, data=data)
    await hass.async_block_till_done()
    assert told(hass, contract.id) == []
    await wait(hass, player.freezer)
    assert told(hass, contract.id) == []


async def test_a_building_that_is_disabled(player: Player, tmp_path: Path) -> None:
    """It and the meter of a site: both are told of, and neither any more once it is enabled; then it is deleted."""
    school = await School.begin(player, tmp_path)
    hass, contract = school.hass, await contract_of(school)
    entries, building, meter = hass.config_entries, school.loop.entry.entry_id, player.entry.entry_id
    await entries.async_set_disabled_by(building, USER)
    await wait(hass, player.freezer)
    disabled = "- Orders: the building School is disabled"
    assert told(hass, contract.id) == [disabled]
    await entries.async_set_disabled_by(meter, USER)
    await wait(hass, player.freezer)
    assert told(hass, contract.id) == [disabled, "- Site: the meter PME-PMI is disabled"]
    await entries.async_set_disabled_by(meter, None)
    await wait(hass, player.freezer)
    assert told(hass, contract.id) == [disabled]
    await entries.async_set_disabled_by(building, None)
    await hass.async_block_till_done()
    assert told(hass, contract.id) == []
    await entries.async_remove(building)
    await wait(hass, player.freezer)
    assert told(hass, contract.id) == ["- Orders: the building that they come from was deleted"]


# What sites are read from.


async def test_a_meter_that_is_deleted(hass: HomeAssistant, clock: Clock, freezer: FrozenDateTimeFactory) -> None:
    """The site needs another source; while the contract is not loaded, nobody is asked to mend anything."""
    meter = meter_entry("/dev/ttyMETER")
    meter.add_to_hass(hass)
    metered = {**SCHOOL.data, "source": "meter", "meter_entry": meter.entry_id}
    entry = (await load(hass, subentry("perimeter_site", "School", metered))).config_entry
    await wait(hass, freezer)
    assert told(hass, entry.entry_id) == []
    await hass.config_entries.async_remove(meter.entry_id)
    await wait(hass, freezer)
    assert told(hass, entry.entry_id) == ["- School: its meter was deleted"]
    await hass.config_entries.async_set_disabled_by(entry.entry_id, USER)
    assert told(hass, entry.entry_id) == []
    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await wait(hass, freezer)
    assert told(hass, entry.entry_id) == ["- School: its meter was deleted"]
    clock.tell()
    hass.config_entries.async_update_subentry(entry, entry.subentries["School"], data=SCHOOL.data)
    await hass.async_block_till_done(wait_background_tasks=True)
    await wait(hass, freezer)
    assert told(hass, entry.entry_id) == []


async def test_a_remote_site_that_is_deleted(fleet: Fleet) -> None:
    """Its fleet is disabled first, and deleted last: each time that is told, until the contract is deleted."""
    await fleet.load()
    hass, entries = fleet.hass, fleet.hass.config_entries
    asked = {"fleet": fleet.entry.entry_id, "remote_bacs": BACS, "remote_asset": ASSET}
    here = {**SCHOOL.data, "source": "remote", **asked, "remote_site": fleet.site.id}
    contract = await load(hass, subentry("perimeter_site", "Town hall", here))
    await fleet.wait(2 * MINUTE)
    assert told(hass, contract.id) == []
    await entries.async_set_disabled_by(fleet.entry.entry_id, USER)
    await fleet.wait(2 * MINUTE)
    assert told(hass, contract.id) == ["- Town hall: the fleet Our town is disabled"]
    await entries.async_set_disabled_by(fleet.entry.entry_id, None)
    await fleet.settle()
    assert told(hass, contract.id) == []
    entries.async_remove_subentry(fleet.entry, here["remote_site"])
    await fleet.settle()
    await fleet.wait(2 * MINUTE)
    assert told(hass, contract.id) == ["- Town hall: its remote site was deleted from the fleet Our town"]
    await entries.async_remove(fleet.entry.entry_id)
    await fleet.wait(2 * MINUTE)
    assert told(hass, contract.id) == ["- Town hall: its fleet was deleted"]
    await entries.async_remove(contract.id)
    assert told(hass, contract.id) == []


async def test_an_entity_that_is_disabled_or_removed(
    hass: HomeAssistant, clock: Clock, freezer: FrozenDateTimeFactory
) -> None:
    """The user is told what became of it, until it is back."""
    name, registry = register(hass), er.async_get(hass)
    contract = await load(hass, SCHOOL)
    await wait(hass, freezer)
    assert told(hass, contract.id) == []  # it has no state yet, and will have
    registry.async_update_entity(name, disabled_by=er.RegistryEntryDisabler.USER)
    await wait(hass, freezer)
    assert told(hass, contract.id) == [f"- School: the entity {name} is disabled"]
    registry.async_update_entity(name, disabled_by=None)
    await hass.async_block_till_done()
    assert told(hass, contract.id) == []
    registry.async_remove(name)
    await wait(hass, freezer)
    assert told(hass, contract.id) == [f"- School: there is no entity {name}"]
    register(hass)
    await hass.async_block_till_done()
    assert told(hass, contract.id) == []


async def test_an_entity_that_no_registry_knows(
    hass: HomeAssistant, clock: Clock, freezer: FrozenDateTimeFactory
) -> None:
    """Is waited for until Home Assistant has started, and a minute more; it may be made anew."""
    hass.set_state(CoreState.starting)
    contract = await load(hass, SCHOOL)
    await wait(hass, freezer, 600)
    assert told(hass, contract.id) == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await wait(hass, freezer, 30)
    assert told(hass, contract.id) == []
    await wait(hass, freezer, 31)
    assert told(hass, contract.id) == ["- School: there is no entity sensor.school_energy"]
    clock.tell()
    await hass.async_block_till_done()
    assert told(hass, contract.id) == []
    hass.states.async_remove("sensor.school_energy")
    await wait(hass, freezer, 30)
    clock.tell()
    await wait(hass, freezer, 20)
    hass.states.async_remove("sensor.school_energy")
    await wait(hass, freezer, 30)
    assert told(hass, contract.id) == []  # it was not away for a minute
    clock.tell()
    await wait(hass, freezer, 120)
    assert told(hass, contract.id) == []


async def test_what_is_not_needed_any_more(hass: HomeAssistant, clock: Clock, freezer: FrozenDateTimeFactory) -> None:
    """A site is read to the end of the month in which it left, and a contract to its last day."""
    gone, going = site("Gone", "1", left="2026-02-01"), site("Going", "2", left="2026-02-02")
    contract = await load(hass, gone, going)
    await wait(hass, freezer)
    assert told(hass, contract.id) == ["- Going: there is no entity sensor.going_energy"]
    freezer.move_to("2026-03-01T12:00:00+01:00")
    await wait(hass, freezer)
    assert told(hass, contract.id) == []
    entry = contract.config_entry
    hass.config_entries.async_update_subentry(entry, entry.subentries["Going"], data=site("Going", "2").data)
    await hass.async_block_till_done(wait_background_tasks=True)
    await wait(hass, freezer)
    assert told(hass, contract.id) == ["- Going: there is no entity sensor.going_energy"]
    freezer.move_to("2027-01-01T12:00:00+01:00")
    await wait(hass, freezer)
    assert told(hass, contract.id) == []


async def test_it_is_told_in_french(hass: HomeAssistant, clock: Clock, freezer: FrozenDateTimeFactory) -> None:
    """In the language of Home Assistant."""
    hass.config.language = "fr"
    contract = await load(hass, SCHOOL)
    await wait(hass, freezer)
    assert told(hass, contract.id) == ["- School : l\u2019entité sensor.school_energy n\u2019existe pas"]
