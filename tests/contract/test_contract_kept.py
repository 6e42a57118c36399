"""Nothing of a contract is lost: readings that cannot be written, Home Assistant that stops, an order that waits."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from contracts_here import DAY, HOUR, MINUTE, ORDER, SCHOOL, START, Clock, load, site, state, subentry
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract import waiting
from custom_components.flex_ready.contract.coordinator import ContractCoordinator, issue_of
from custom_components.flex_ready.ledger import Ledger, LedgerError
from custom_components.flex_ready.settlement.model import STEP, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Two hours before the activation; both sites draw 800 kW together."""
    clock = Clock(hass, freezer, START - 2 * HOUR)
    clock.draw(School=500_000, Pool=300_000)
    clock.tell()
    return clock


def told(contract: ContractCoordinator, site: str, readings: Mapping[datetime, Reading]) -> None:
    """Tell readings as a source does."""
    assert contract.intake is not None
    contract.intake._take(site, STEP, readings)


async def test_home_assistant_stops(hass: HomeAssistant, clock: Clock) -> None:
    """What was told a moment before is written."""
    contract = await load(hass)
    told(contract, "School", {START: Reading(5)})
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (await contract.ledger.readings("School", START, START + STEP)).wh(START) == 5


async def test_a_contract_is_unloaded_while_it_writes(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All that waits is written, nothing goes on afterwards, and nobody complains."""
    contract = await load(hass)
    ledger = contract.ledger
    real, slow = Ledger.add_readings, asyncio.Event()

    async def wait(self: Ledger, site: str, readings: Mapping[datetime, Reading], step: timedelta = STEP) -> None:
        await slow.wait()
        await real(self, site, readings, step)

    monkeypatch.setattr(Ledger, "add_readings", wait)
    for name in ("School", "Pool"):
        told(contract, name, {START: Reading(7)})
    assert contract.intake is not None
    contract.intake._wait(None)
    contract.intake._due(clock.now)
    unloading = hass.async_create_task(hass.config_entries.async_unload(contract.id))
    for _ in range(100):  # time is frozen
        await asyncio.sleep(0)
    assert not unloading.done()
    slow.set()
    assert await unloading
    await hass.async_block_till_done(wait_background_tasks=True)
    assert contract.config_entry.state is ConfigEntryState.NOT_LOADED
    with pytest.raises(LedgerError, match="closed"):
        await ledger.orders(contract.id)
    assert "cannot be" not in caplog.text
    again = await Ledger.open(f"sqlite:///{hass.config.path('flex_ready.db')}")
    for name in ("School", "Pool"):
        assert (await again.readings(name, START, START + STEP)).wh(START) == 7
    await again.close()


async def test_a_ledger_that_is_closed_for_real(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings wait, the oldest of too many are given up, and nothing is left behind when the contract goes."""
    monkeypatch.setattr(waiting, "_MOST", 10)
    contract = await load(hass)
    await contract.ledger.close()
    told(contract, "School", {START + i * STEP: Reading(i) for i in range(12)})
    told(contract, "Pool", {START + i * STEP: Reading(i) for i in range(3)})
    await clock.go(2 * MINUTE)
    assert contract.intake is not None
    wait = contract.intake._waiting.readings
    assert sorted(wait["School", STEP]) == [START + i * STEP for i in range(5, 12)]
    assert sorted(wait["Pool", STEP]) == [START + i * STEP for i in range(3)]
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_of(contract.id)) is not None
    assert await hass.config_entries.async_unload(contract.id)
    assert contract.config_entry.state is ConfigEntryState.NOT_LOADED
    assert await hass.config_entries.async_setup(contract.id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_of(contract.id)) is None


async def test_what_is_told_again_while_it_is_written(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later word is written as well."""
    contract = await load(hass)
    real = Ledger.add_readings

    async def meanwhile(self: Ledger, site: str, readings: Mapping[datetime, Reading], step: timedelta) -> None:
        if readings.get(START) == Reading(1):
            told(contract, "School", {START: Reading(2), START + STEP: Reading(3)})
        await real(self, site, readings, step)

    monkeypatch.setattr(Ledger, "add_readings", meanwhile)
    told(contract, "School", {START: Reading(1)})
    await clock.go(MINUTE)
    curve = await contract.ledger.readings("School", START, START + HOUR)
    assert [reading.wh for _, reading in curve] == [2, 3]


async def test_an_order_that_cannot_be_kept_yet(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept once that is possible, and the user knows meanwhile."""
    building = MockConfigEntry(domain=DOMAIN, data={"kind": "building"})
    building.add_to_hass(hass)
    contract = await load(hass, building=building.entry_id, operator="nobody")
    real = Ledger.keep_order

    async def full(*_: object) -> None:
        raise LedgerError("database or disk is full")

    link = contract._link
    assert link is not None
    monkeypatch.setattr(Ledger, "keep_order", full)
    # The desk of the building would tell it whenever it is looked at.
    monkeypatch.setattr(link, "async_look", lambda: contract._ordered((ORDER,)))
    link.async_look()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert ORDER not in contract.data.orders
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, issue_of(contract.id)) is not None
    monkeypatch.setattr(Ledger, "keep_order", real)
    await clock.go(MINUTE)
    assert ORDER in contract.data.orders
    assert issues.async_get_issue(DOMAIN, issue_of(contract.id)) is None
    assert await contract.ledger.orders(contract.id) == [ORDER]


async def test_a_source_that_is_gone(hass: HomeAssistant, clock: Clock) -> None:
    """Its site is silent, and so is what would need it."""
    lost = subentry(
        "perimeter_site",
        "Lost",
        {**SCHOOL.data, "site_id": "30001234567899", "source": "meter", "meter_entry": "gone"},
    )
    contract = await load(hass, SCHOOL, lost)
    assert contract.intake is not None
    assert contract.intake.running("Lost", clock.now) is None
    assert contract.intake.running("School", clock.now) is not None
    await contract.async_order(replace(ORDER, start=START - 2 * HOUR))
    await clock.go(61 * MINUTE)
    assert contract.data.running is None
    assert contract.data.silent == {"Lost"}


async def test_a_ledger_that_fails_while_a_contract_is_removed(
    hass: HomeAssistant, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The contract goes all the same, and that something stays is said."""
    contract = await load(hass)
    assert await hass.config_entries.async_unload(contract.id)
    file = Path(hass.config.path("flex_ready.db"))
    for left in file.parent.glob("flex_ready.db*"):
        left.unlink()
    file.mkdir()  # noqa: ASYNC240  # a folder in the place of the file
    await hass.config_entries.async_remove(contract.id)
    assert "is still in the ledger" in caplog.text
    assert hass.config_entries.async_entries(DOMAIN) == []


async def test_a_hundred_sites_and_twenty_orders(hass: HomeAssistant, clock: Clock) -> None:
    """Are all settled; what is final is not settled again."""
    names = [f"s{i}" for i in range(100)]
    contract = await load(hass, *(site(name, f"3000123456{i:04}", method="moy10j") for i, name in enumerate(names)))
    readings = {START + DAY - i * STEP: Reading(4_000 + i % 7) for i in range(1, 48 * 20)}
    for name in names:
        await contract.ledger.add_readings(name, readings)
    starts = [START - i // 4 * DAY - i % 4 * 2 * HOUR for i in range(20)]
    orders = [
        replace(ORDER, id=f"A{i}", start=start, end=start + HOUR, ordered_at=start - HOUR)
        for i, start in enumerate(starts)
    ]
    for order in orders:
        await contract.ledger.keep_order(contract.id, order)
    await clock.go(MINUTE)
    assert await hass.config_entries.async_unload(contract.id)
    clock.now = START + 10 * HOUR
    await clock.go(MINUTE)
    assert await hass.config_entries.async_setup(contract.id)
    await hass.async_block_till_done(wait_background_tasks=True)
    again = contract.config_entry.runtime_data
    reports = dict(again.data.reports)
    assert len(reports) == 20
    assert all(report.complete for report in reports.values())
    await clock.go(30 * MINUTE)
    assert all(again.data.reports[name] is report for name, report in reports.items())


async def test_what_was_kept_is_of_a_later_version(
    hass: HomeAssistant, clock: Clock, hass_storage: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """Then it is of no use: the contract goes on without it, and says so."""
    contract = await load(hass)
    await clock.go(HOUR)
    assert await hass.config_entries.async_unload(contract.id)
    keys = [f"{DOMAIN}.{contract.id}.{name}" for name in ("sites", "sources")]
    for key in keys:
        assert key in hass_storage
        hass_storage[key] = {"version": 9, "minor_version": 1, "key": key, "data": {"School": 5}}
    assert await hass.config_entries.async_setup(contract.id)
    await clock.go(HOUR + MINUTE)
    assert [state(hass, f"binary_sensor.{name}_readings_missing") for name in ("school", "pool")] == ["off", "off"]
    for key in keys:
        assert f"What was kept in {key} is of no use" in caplog.text


async def test_a_ledger_that_opens_and_cannot_be_used(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract waits for it, and holds it no longer; it comes up once that is mended."""
    contract = await load(hass)
    assert await hass.config_entries.async_unload(contract.id)
    real = Ledger.set_members

    async def full(*_: object) -> None:
        raise LedgerError("database or disk is full")

    monkeypatch.setattr(Ledger, "set_members", full)
    await hass.config_entries.async_setup(contract.id)
    assert contract.config_entry.state is ConfigEntryState.SETUP_RETRY
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, issue_of(contract.id)) is not None
    monkeypatch.setattr(Ledger, "set_members", real)
    assert await hass.config_entries.async_reload(contract.id)
    assert issues.async_get_issue(DOMAIN, issue_of(contract.id)) is None


async def test_books_that_cannot_be_read(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was known stays, and all is looked through when they can be."""
    contract = await load(hass)
    await clock.go(HOUR)
    real = Ledger.volumes

    async def broken(*_: object) -> None:
        raise LedgerError("disk I/O error")

    monkeypatch.setattr(Ledger, "volumes", broken)
    await contract.async_order(replace(ORDER, start=START - 90 * MINUTE, end=START - HOUR))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert contract.data.reports == {}
    assert "cannot be read: disk I/O error" in caplog.text
    monkeypatch.setattr(Ledger, "volumes", real)
    await clock.go(30 * MINUTE)
    assert contract.data.reports.keys() == {"A1"}
