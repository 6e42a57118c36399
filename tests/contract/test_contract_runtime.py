"""A contract as it runs: sites that are read, an activation that is followed and settled, and what disturbs both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts_here import DAY, HOUR, MINUTE, ORDER, POOL, SCHOOL, START, Clock, load, quiet_days, site, state, subentry
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator, issue_of
from custom_components.flex_ready.contract.diagnostics import contract_diagnostics
from custom_components.flex_ready.desk.ledgers import async_get_ledger, async_release
from custom_components.flex_ready.ledger import Ledger, LedgerError, Trial
from custom_components.flex_ready.settlement.model import STEP, Purpose, Quality, Reading

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


async def test_an_activation_from_its_order_to_its_money(hass: HomeAssistant, clock: Clock) -> None:
    """Read, followed minute by minute, and settled once what follows is known."""
    contract = await load(hass)
    await clock.go(90 * MINUTE)
    assert state(hass, "state") == "idle"
    await contract.async_order(ORDER)
    await clock.go(MINUTE)
    assert state(hass, "state") == "ordered"
    await clock.go(29 * MINUTE)
    clock.draw(School=100_000, Pool=100_000)
    await clock.go(10 * MINUTE)
    assert state(hass, "state") == "active"
    # 600 of 800 kW are left off: 103.5 kWh in ten minutes and 21 s, 300 in the half-hour.
    assert float(state(hass, "realised_in_this_half_hour")) == pytest.approx(103.5, abs=1)
    assert float(state(hass, "projected_share_of_this_half_hour")) == pytest.approx(100, abs=1)
    assert float(state(hass, "power_needed_to_reach_80")) == 0
    assert state(hass, "binary_sensor.local_flexibility_half_hour_at_risk") == "off"
    await clock.go(20 * MINUTE)
    clock.draw(School=300_000)
    await clock.go(20 * MINUTE)
    # 400 kW are left off: 133 kWh by now, 200 by the end, and 40 are missing to 80 % in less than ten minutes.
    assert float(state(hass, "projected_share_of_this_half_hour")) == pytest.approx(66.7, abs=1)
    assert float(state(hass, "power_needed_to_reach_80")) == pytest.approx(248.7, abs=2)
    assert state(hass, "binary_sensor.local_flexibility_half_hour_at_risk") == "on"
    await clock.go(10 * MINUTE)
    assert state(hass, "state") == "idle"
    assert state(hass, "realised_in_this_half_hour") == "unknown"
    assert float(state(hass, "paid_volume")) == 0, "what follows is a part of the reference"
    clock.draw(School=500_000, Pool=300_000)
    await clock.go(61 * MINUTE)
    assert float(state(hass, "paid_volume")) == pytest.approx(500, abs=0.01)
    assert float(state(hass, "deficient_volume")) == pytest.approx(100, abs=0.01)
    assert float(state(hass, "variable_premium")) == pytest.approx(100, abs=0.01)
    assert float(state(hass, "failure_penalties")) == pytest.approx(920, abs=0.1)
    assert float(state(hass, "expected_of_the_last_activation")) == 600
    curve = await contract.ledger.readings("School", START, START + HOUR)
    assert [reading.wh for _, reading in curve] == [pytest.approx(50_000, abs=2), pytest.approx(150_000, abs=2)]
    assert {reading.quality for _, reading in curve} == {Quality.MEASURED}


METHODS = ("rectangle_simple", "double_reference", "site_by_site", "moy10j", "med10j", "moy4s", "med4s", "ten_of_ten")


@pytest.mark.parametrize("method", METHODS)
async def test_memory_and_database_agree(hass: HomeAssistant, clock: Clock, method: str) -> None:
    """What is settled in one question is what each order comes to, explained; with gaps, and a second entity."""
    await clock.go(MINUTE)
    sites = (
        site("School", "30001234567890", method=method),
        site("Pool", "30001234567891", method=method),
        site("Works", "30001234567892", entity="EF2", site_kind="injection"),
    )
    contract = await load(hass, *sites)
    for number, name in enumerate(("School", "Pool", "Works")):
        readings = {
            START + 3 * HOUR - i * STEP: Reading((i * 7919 * (number + 1)) % 400_000 - 50_000 * number)
            for i in range(1, 48 * 40)
        }
        readings[START - 3 * DAY] = Reading(None, Quality.MISSING)
        await contract.ledger.add_readings(name, readings)
    orders = [
        ORDER,
        replace(ORDER, id="A2", start=START - 9 * DAY, end=START - 9 * DAY + 2 * HOUR, power_w=550_000),
        replace(ORDER, id="A3", start=START - 3 * DAY, end=START - 3 * DAY + HOUR),
    ]
    reports = await contract.books.async_reports(orders, orders)
    for order, report in zip(orders, reports, strict=True):
        detail = await contract.books.async_detail(order, orders)
        assert detail.report == report
    assert not reports[2].complete
    assert method not in METHODS[:6] or reports[0].complete


async def test_a_silent_site(hass: HomeAssistant, clock: Clock) -> None:
    """Its half-hours are missing, nothing is settled without them, and that is told."""
    contract = await load(hass)
    await clock.go(HOUR)
    assert state(hass, "binary_sensor.pool_readings_missing") == "off"
    await contract.async_order(replace(ORDER, end=START + STEP))
    await clock.go(3 * HOUR, silent=frozenset({"Pool"}))
    assert state(hass, "binary_sensor.pool_readings_missing") == "on"
    assert state(hass, "binary_sensor.school_readings_missing") == "off"
    report = contract.data.reports["A1"]
    assert not report.complete
    assert report.totals.penalty == report.totals.deficient == 0
    assert float(state(hass, "deficient_volume")) == 0
    curve = await contract.ledger.readings("Pool", START, START + HOUR)
    assert all(reading.wh is None for _, reading in curve)


async def test_a_silent_site_is_told_of_soon(hass: HomeAssistant, clock: Clock) -> None:
    """A quarter of an hour after the end of its first half-hour that is not there, whatever else is ordered or read."""
    contract = await load(hass, POOL)
    await clock.go(61 * MINUTE)
    told: list[datetime] = []
    hass.bus.async_listen(
        "state_changed",
        lambda event: told.append(clock.now) if "readings_missing" in event.data["entity_id"] else None,
    )
    await clock.go(59 * MINUTE, silent=frozenset({"Pool"}))
    assert told == [START - STEP + 15 * MINUTE]
    assert contract.data.silent == {"Pool"}
    await clock.go(2 * MINUTE)
    assert contract.data.silent == set()


async def test_a_ledger_that_fails(hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read waits, the user is told, and all of it is written when the ledger is back."""
    contract = await load(hass)
    await clock.go(HOUR)
    real = Ledger.add_readings

    async def full(*_: object) -> None:
        raise LedgerError("database or disk is full")

    monkeypatch.setattr(Ledger, "add_readings", full)
    await clock.go(HOUR)
    issues = ir.async_get(hass)
    issue = issues.async_get_issue(DOMAIN, issue_of(contract.id))
    assert issue is not None
    assert issue.translation_placeholders == {"contract": "Local flexibility", "error": "database or disk is full"}
    monkeypatch.setattr(Ledger, "add_readings", real)
    await clock.go(2 * MINUTE)
    assert issues.async_get_issue(DOMAIN, issue_of(contract.id)) is None
    curve = await contract.ledger.readings("School", START - 90 * MINUTE, START)
    assert [reading.wh for _, reading in curve] == [pytest.approx(250_000, abs=2)] * 3


async def test_a_restart_within_an_activation(hass: HomeAssistant, clock: Clock) -> None:
    """Orders, readings and tests are there again, and the index goes on where it was."""
    contract = await load(hass)
    await clock.go(HOUR)
    await contract.async_order(ORDER)
    await contract.async_trial(Trial(id="T1", at=START - DAY, kind="communication", said={"outcome": "passed"}))
    await clock.go(70 * MINUTE)
    assert await hass.config_entries.async_reload(contract.id)
    await hass.async_block_till_done(wait_background_tasks=True)
    again = contract.config_entry.runtime_data
    assert again is not contract
    assert again.data.orders == (ORDER,)
    assert state(hass, "communication_test") == "passed"
    await clock.go(20 * MINUTE)
    curve = await again.ledger.readings("School", START - HOUR, START + STEP)
    assert [reading.wh for _, reading in curve] == [pytest.approx(250_000, abs=2)] * 3


async def test_a_ledger_that_cannot_be_opened(hass: HomeAssistant, clock: Clock) -> None:
    """The contract waits for it, and says so; it comes up once that is mended."""
    file = Path(hass.config.path("flex_ready.db"))
    file.mkdir()  # noqa: ASYNC240  # a folder in the place of the file
    entry = await load_in_vain(hass)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_of(entry.entry_id)) is not None
    file.rmdir()  # noqa: ASYNC240
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_of(entry.entry_id)) is None


async def load_in_vain(hass: HomeAssistant, **data: object) -> ConfigEntry:
    """Try to set a contract up; return its entry."""
    with pytest.raises(AssertionError):
        await load(hass, **data)
    [entry] = hass.config_entries.async_entries(DOMAIN)
    return entry


async def test_what_makes_no_sense(hass: HomeAssistant, clock: Clock) -> None:
    """Is an error that no retry mends."""
    entry = await load_in_vain(hass, variable_premium="dear")
    assert entry.state is ConfigEntryState.SETUP_ERROR


async def test_nothing_is_left_of_a_contract(hass: HomeAssistant, clock: Clock) -> None:
    """Once it is removed: no reading, no order, no entity, no device."""
    contract = await load(hass)
    await clock.go(HOUR)
    await contract.async_order(ORDER)
    assert len(er.async_entries_for_config_entry(er.async_get(hass), contract.id)) == 19
    assert len(dr.async_entries_for_config_entry(dr.async_get(hass), contract.id)) == 3
    await hass.config_entries.async_remove(contract.id)
    await hass.async_block_till_done(wait_background_tasks=True)
    ledger = await async_get_ledger(hass, None)
    assert await ledger.orders(contract.id) == []
    assert await ledger.members(contract.id) == []
    assert not (await ledger.readings("School", START - DAY, START)).readings
    await async_release(hass, None)
    assert er.async_entries_for_config_entry(er.async_get(hass), contract.id) == []


async def test_a_site_that_is_deleted_keeps_its_past(hass: HomeAssistant, clock: Clock) -> None:
    """What was activated with it is settled with it."""
    contract = await load(hass)
    await quiet_days(contract, START + 3 * HOUR, 2, School=250_000, Pool=150_000)
    await clock.go(4 * HOUR)
    await contract.async_order(ORDER)
    await hass.async_block_till_done(wait_background_tasks=True)
    before = contract.data.reports["A1"]
    assert before.complete
    assert hass.config_entries.async_remove_subentry(contract.config_entry, "Pool")
    await hass.async_block_till_done(wait_background_tasks=True)
    again = contract.config_entry.runtime_data
    assert [member.site_id for member in await again.ledger.members(contract.id)] == ["Pool", "School"]
    assert again.data.reports["A1"].steps == before.steps
    assert again.setup.sites.keys() == {"School"}


RESERVED = {
    "reservation": "with_reservation",
    "fixed_premium": "30000",
    "expected_call": "20",
    "probability": "25",
    "starts": "2026-02-01",
}


async def test_tests_of_a_contract(hass: HomeAssistant, clock: Clock) -> None:
    """One of activation is judged by its readings; a large site that leaves makes another one due."""
    period = {"from": "17:00:00", "to": "20:00:00", "days": [], "power": 600}
    gone = site("Gone", "30001234567892", max_activation=100, left="2026-02-01")
    contract = await load(hass, SCHOOL, POOL, gone, subentry("availability", "Evening", period), **RESERVED)
    await quiet_days(contract, START + 3 * HOUR, 2, School=250_000, Pool=150_000, Gone=0)
    test = replace(ORDER, id="T1", purpose=Purpose.ACTIVATION_TEST)
    await clock.go(4 * HOUR)
    await contract.async_order(test)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, "activation_test") == "due"
    assert state(hass, "additional_test") == "due"
    assert state(hass, "communication_test") == "due"
    assert contract.data.reports["T1"].outcome == "failed"
    for name, outcome in (("T2", "failed"), ("T3", "failed")):
        await contract.async_trial(Trial(id=name, at=clock.now, kind="activation", said={"outcome": outcome}))
    await contract.async_trial(Trial(id="T4", at=clock.now, kind="additional", said={"outcome": "failed"}))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, "activation_test") == "terminated"
    assert state(hass, "additional_test") == "terminated"


@pytest.mark.parametrize("how", ["deleted", "consent", "other_operator"])
async def test_a_site_that_is_taken_out_at_once(hass: HomeAssistant, clock: Clock, how: str) -> None:
    """Makes an additional test due from then on, over a restart, until one is passed without it."""
    contract = await load(hass, SCHOOL, POOL, **RESERVED)
    assert state(hass, "additional_test") == "not_due"
    await contract.async_trial(Trial(id="T1", at=clock.now, kind="activation", said={"outcome": "passed"}))
    await clock.go(MINUTE)
    entry = contract.config_entry
    if how == "deleted":
        hass.config_entries.async_remove_subentry(entry, "Pool")
    else:
        data = {**POOL.data, how: how == "other_operator"}
        hass.config_entries.async_update_subentry(entry, entry.subentries["Pool"], data=data)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.runtime_data is not contract
    assert state(hass, "additional_test") == "due"
    await clock.go(MINUTE)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, "additional_test") == "due"
    passed = Trial(id="T2", at=clock.now, kind="additional", said={"outcome": "passed"})
    await entry.runtime_data.async_trial(passed)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, "additional_test") == "not_due"


@pytest.mark.parametrize(("removed", "again"), [("last_test", "due"), ("signature", "due")])
async def test_sites_that_leave_one_after_the_other(
    hass: HomeAssistant, clock: Clock, removed: str, again: str
) -> None:
    """Each that is large enough asks for a test of its own, also where all that left since the signature counts."""
    first = site("First", "30001234567892", max_activation=100, left="2026-02-01")
    second = site("Second", "30001234567893", max_activation=100, left="2026-03-01")
    contract = await load(hass, SCHOOL, POOL, first, second, **RESERVED, decisions={"removed": removed})
    assert state(hass, "additional_test") == "due"
    await contract.async_trial(Trial(id="T1", at=clock.now, kind="additional", said={"outcome": "passed"}))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, "additional_test") in {"passed", "not_due"}
    clock.now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    await clock.go(31 * MINUTE)
    assert state(hass, "additional_test") == again


async def test_what_was_told_of_a_test_pays(hass: HomeAssistant, clock: Clock) -> None:
    """The network operator judged otherwise than the readings do: the report follows, also when it was final."""
    contract = await load(hass)
    await quiet_days(contract, START + 3 * HOUR, 2, School=250_000, Pool=150_000)
    await clock.go(4 * HOUR)
    await contract.async_order(replace(ORDER, id="T1", purpose=Purpose.ACTIVATION_TEST))
    await contract.ledger.add_readings("School", {START: Reading(0), START + STEP: Reading(50_000)})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert contract.data.reports["T1"].outcome == "failed"
    told = Trial(id="1", at=START, kind="activation", said={"outcome": "passed", "order_id": "T1"})
    await contract.async_trial(told)
    await hass.async_block_till_done(wait_background_tasks=True)
    report = contract.data.reports["T1"]
    assert (report.outcome, state(hass, "activation_test")) == ("passed", "passed")
    assert report.totals.paid == 250_000 + 200_000


async def test_the_calendar(hass: HomeAssistant, clock: Clock) -> None:
    """Orders, the earlier of the two deadlines of each month, and the second publication."""
    contract = await load(hass)
    await contract.async_order(ORDER)
    await hass.async_block_till_done(wait_background_tasks=True)
    found = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": "calendar.local_flexibility_contract",
            "start_date_time": "2026-02-01T00:00:00Z",
            "end_date_time": "2026-06-30T00:00:00Z",
        },
        blocking=True,
        return_response=True,
    )
    assert found is not None
    events = found["calendar.local_flexibility_contract"]["events"]  # type: ignore[index,call-overload]
    told = {(event["start"], event["summary"]) for event in events}  # type: ignore[index,union-attr,call-overload]
    assert ("2026-02-12T18:00:00+01:00", "Activation of 600 kW") in told
    assert ("2026-05-13", "Last day to change the perimeter of 06/2026") in told
    assert ("2026-06-05", "Perimeter of 06/2026 is published again") in told
    assert state(hass, "calendar.local_flexibility_contract") == "off"
    assert state(hass, "perimeter_closes") == "2026-02-13"


async def test_few_states_are_written(hass: HomeAssistant, clock: Clock) -> None:
    """In an hour without an order: nothing of the contract changes."""
    await load(hass)
    await clock.go(HOUR)
    changed: list[str] = []
    stop = hass.bus.async_listen(
        "state_changed",
        lambda event: changed.append(event.data["entity_id"]) if "local_flex" in event.data["entity_id"] else None,
    )
    await clock.go(HOUR)
    stop()
    assert changed == []


async def test_diagnostics_name_nobody(hass: HomeAssistant, clock: Clock) -> None:
    """Neither a site, nor an entity, nor a price."""
    contract = await load(hass)
    await contract.async_order(ORDER)
    await quiet_days(contract, START + 3 * HOUR, 2, School=250_000, Pool=150_000)
    await clock.go(4 * HOUR)
    text = str(contract_diagnostics(contract))
    assert "2026-02-12T17:00:00" in text
    for secret in ("30001234567890", "sensor.", "EF1", "'200'"):
        assert secret not in text, secret
    assert isinstance(contract, ContractCoordinator)
    assert clock.now > START + timedelta(hours=1)
