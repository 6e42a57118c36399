"""Readings that wait for a ledger outlive Home Assistant: stopped, killed, with a store that is damaged or of old."""

from collections.abc import Mapping
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

from contracts_here import DATA, MINUTE, POOL, SCHOOL, START, Clock, load, site
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.contract.waiting import Waiting
from custom_components.flex_ready.settlement.cutting import LENGTHS, TEN_MINUTES
from custom_components.flex_ready.settlement.model import STEP, Quality, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

MISSING = Reading(None, Quality.MISSING)
TOLD = {START: Reading(5), START + STEP: MISSING, START + 2 * STEP: Reading(-7, Quality.ESTIMATED)}
TEXT = f"{(word := int(START.timestamp()) // 1800)}:5m {word + 1}:x {word + 2}:-7e"
"""The same, as it is kept."""


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Have Home Assistant write real files."""
    return {}


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Two hours after what waits."""
    clock = Clock(hass, freezer, START + 4 * STEP)
    clock.draw(School=500_000, Pool=300_000)
    clock.tell()
    return clock


def store(hass: HomeAssistant, contract: ContractCoordinator) -> Path:
    """Return the file that outlives Home Assistant."""
    return Path(hass.config.path(".storage", f"{DOMAIN}.{contract.id}.sources"))


async def fail(contract: ContractCoordinator) -> None:
    """Have the ledger fail for real, and both sites tell."""
    await contract.ledger.close()
    assert contract.intake is not None
    for name in ("School", "Pool"):
        contract.intake._take(name, STEP, TOLD)
    contract.intake._take("School", TEN_MINUTES, {START: Reading(2)})


async def again(hass: HomeAssistant, contract: ContractCoordinator, clock: Clock) -> ContractCoordinator:
    """Have the contract set up again."""
    assert await hass.config_entries.async_setup(contract.id)
    await clock.go(MINUTE)
    found: ContractCoordinator = contract.config_entry.runtime_data
    return found


async def known(contract: ContractCoordinator, site: str, length: timedelta = STEP) -> Mapping[Any, Reading]:
    """Return what the ledger has of the time of which was told."""
    return (await contract.ledger.readings(site, START, START + 3 * STEP, length)).readings


async def test_a_contract_stops_while_its_ledger_fails(hass: HomeAssistant, clock: Clock) -> None:
    """All that waited is written once it can be, and waits no more."""
    contract = await load(hass)
    await fail(contract)
    assert await hass.config_entries.async_unload(contract.id)
    now = await again(hass, contract, clock)
    assert [await known(now, name) for name in ("School", "Pool")] == [TOLD, TOLD]
    assert await known(now, "School", TEN_MINUTES) == {START: Reading(2)}
    assert json.loads(store(hass, contract).read_text())["data"]["waiting"] == {}


async def test_home_assistant_stops_while_the_ledger_fails(hass: HomeAssistant, clock: Clock) -> None:
    """What waits is in the file before Home Assistant is gone."""
    contract = await load(hass)
    await fail(contract)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done(wait_background_tasks=True)
    waiting = json.loads(store(hass, contract).read_text())["data"]["waiting"]
    assert waiting["Pool"] == {"1800": TEXT}


async def test_home_assistant_is_killed_while_the_ledger_fails(hass: HomeAssistant, clock: Clock) -> None:
    """Nothing is lost that was told seconds before; nor when it is killed again before the ledger is back."""
    contract = await load(hass)
    await fail(contract)
    await killed(hass, contract, clock)
    assert await hass.config_entries.async_setup(contract.id)
    now: ContractCoordinator = contract.config_entry.runtime_data
    await now.ledger.close()
    assert now.intake is not None
    now.intake._take("Pool", STEP, {START: Reading(6)})
    await killed(hass, contract, clock)
    now = await again(hass, contract, clock)
    assert [await known(now, name) for name in ("School", "Pool")] == [TOLD, TOLD | {START: Reading(6)}]


async def killed(hass: HomeAssistant, contract: ContractCoordinator, clock: Clock) -> None:
    """Have a contract leave what it kept by then, and nothing of what it does when it stops."""
    await clock.go(MINUTE)
    file = store(hass, contract)
    left = file.read_bytes()
    assert await hass.config_entries.async_unload(contract.id)
    file.write_bytes(left)


async def test_a_site_is_deleted_meanwhile(hass: HomeAssistant, clock: Clock) -> None:
    """What waits of one that belonged is written, for the orders of that time; of another one nothing is."""
    later = site("Later", "30001234567892", joined="2026-05-01")
    contract = await load(hass, SCHOOL, POOL, later)
    await fail(contract)
    assert contract.intake is not None
    contract.intake._take("Later", STEP, TOLD)
    await clock.go(MINUTE)
    for name in ("Pool", "Later"):
        hass.config_entries.async_remove_subentry(contract.config_entry, name)
        await hass.async_block_till_done(wait_background_tasks=True)
    await clock.go(MINUTE)
    now: ContractCoordinator = contract.config_entry.runtime_data
    assert now is not contract
    assert [await known(now, name) for name in ("School", "Pool", "Later")] == [TOLD, TOLD, {}]


async def test_a_disk_that_is_full(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the file cannot be written either: that is said, and the contract stops all the same."""
    contract = await load(hass)
    await fail(contract)
    file = store(hass, contract)
    file.unlink(missing_ok=True)
    file.mkdir()  # a folder in the place of the file
    assert await hass.config_entries.async_unload(contract.id)
    assert contract.config_entry.state is ConfigEntryState.NOT_LOADED
    assert f"{DOMAIN}.{contract.id}.sources" in caplog.text


@pytest.mark.parametrize(
    ("data", "warned"),
    [
        ({}, None),  # of an earlier version
        ({"School": {}}, None),
        ({"waiting": 5}, "makes no sense: 5"),
        ([1], "makes no sense: [1]"),
        ({"waiting": {"School": 5}}, "that waited make no sense"),
        ({"waiting": {"School": {"1800": 7}}}, "that waited make no sense"),
        (
            {"waiting": {"School": {"1800": f"{TEXT} 1:2 5m {'9' * 9}:1m 7:{'9' * 10}m x:x"}}},
            "that waited make no sense",
        ),
    ],
)
async def test_what_was_kept(
    hass: HomeAssistant,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    data: object,
    warned: str | None,
) -> None:
    """Whatever it is the contract comes up, and takes what makes sense."""
    entry = MockConfigEntry(
        domain=DOMAIN, title="Local flexibility", data={**DATA}, subentries_data=(SCHOOL.as_dict(), POOL.as_dict())
    )
    key = f"{DOMAIN}.{entry.entry_id}.sources"
    file = Path(hass.config.path(".storage", key))
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"version": 1, "minor_version": 1, "key": key, "data": data}))  # noqa: ASYNC240
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await clock.go(MINUTE)
    assert await known(entry.runtime_data, "School") == (TOLD if TEXT in str(data) else {})
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any(warned in text for text in told) if warned else not any("sense" in text for text in told)


@pytest.mark.parametrize("text", ["", "[", "[]", "5", '{"a": 1}', '{"version": 7, "data": {}}', "\x00"])
async def test_a_file_that_is_damaged(hass: HomeAssistant, clock: Clock, text: str) -> None:
    """The contract comes up without it, and writes it anew."""
    contract = await load(hass)
    assert await hass.config_entries.async_unload(contract.id)
    file = store(hass, contract)
    for name in ("sources", "sites"):
        file.with_suffix(f".{name}").write_text(text)
    await again(hass, contract, clock)
    assert contract.config_entry.state is ConfigEntryState.LOADED
    await clock.go(31 * MINUTE)
    assert json.loads(file.read_text())["data"].keys() == {"School", "Pool", "waiting"}


READINGS = st.builds(
    Reading, st.integers(-(10**9) + 1, 10**9 - 1), st.sampled_from([Quality.MEASURED, Quality.ESTIMATED])
) | st.just(MISSING)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from(LENGTHS)),
        st.dictionaries(st.integers(-50, 50), READINGS, min_size=1),
    )
)
def test_what_waits_is_kept_as_it_is(told: Mapping[tuple[str, timedelta], Mapping[int, Reading]]) -> None:
    """Through JSON and back; of sites that nobody knows nothing is."""
    before, after = Waiting(), Waiting()
    for (name, length), readings in told.items():
        before.add((name, length), {START + i * length: reading for i, reading in readings.items()})
    kept = json.loads(json.dumps(before.kept()))
    assert after.restore(kept, frozenset("abcd"))
    assert after.readings == before.readings
    assert Waiting().restore(kept, frozenset("d"))


def test_what_waits_is_bounded() -> None:
    """50,000 readings are kept, in three quarters of a megabyte."""
    waiting = Waiting()
    for name in ("a", "b"):
        waiting.add((name, STEP), {START + i * STEP: Reading(100_000 + i) for i in range(40_000)})
    waiting.shorten()
    assert {name: min(its) for (name, _), its in waiting.readings.items()} == dict.fromkeys("ab", START + 15_000 * STEP)
    assert len(json.dumps(waiting.kept())) < 800_000
