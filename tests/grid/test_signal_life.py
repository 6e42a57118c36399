"""The life of a signal: what breaks on the way, restarts, what is to be repaired, what is told, what is left behind."""

import asyncio
from datetime import datetime, timedelta
import json
from pathlib import Path
from random import Random
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.diagnostics import (  # type: ignore[import-untyped]
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion
from world import (
    APPLICATION,
    APPLICATION_SECRET,
    EVENING,
    NOBODY,
    NOBODY_SECRET,
    POINT,
    PRICES,
    SANDBOX,
    SIGNALS,
    TOKEN,
    USER,
    USER_SECRET,
    World,
)

from custom_components.flex_ready.const import CONF_SCOPE, DOMAIN
from custom_components.flex_ready.grid.coordinator import GridCoordinator

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
LOAD, WRITE, REMOVE = Store._async_load, Store._async_write_data, Store.async_remove
"""As they are before the tests' store in memory takes their place."""
KEPT = "flex_ready.listened"
TEXTS = {
    language: json.loads(
        (Path(__file__).parents[2] / f"custom_components/flex_ready/translations/{language}.json").read_text()
    )
    for language in ("en", "fr")
}

FAULTS = [
    ({"kind": "status", "status": 401}, "server_error", "invalid_auth"),
    ({"kind": "status", "status": 403}, "not_subscribed", "not_subscribed"),
    ({"kind": "status", "status": 404}, "not_found", "not_found"),
    ({"kind": "status", "status": 422}, "bad_request", "bad_request"),
    ({"kind": "status", "status": 429, "seconds": 3600}, "rate_limited", "rate_limited"),
    ({"kind": "status", "status": 500}, "server_error", "server_error"),
    ({"kind": "status", "status": 418}, "unexpected", "unexpected"),
    ({"kind": "html-502"}, "server_error", "server_error"),
    ({"kind": "empty"}, "empty", "empty"),
    ({"kind": "half"}, "truncated", "truncated"),
    ({"kind": "not-json"}, "not_json", "not_json"),
    ({"kind": "wrong-json"}, "wrong_shape", "rejected"),
    ({"kind": "big"}, "too_big", "too_big"),
    ({"kind": "reset"}, "unreachable", "unreachable"),
]


def kept(world: World, entry: MockConfigEntry) -> dict[str, str | None]:
    """Return what must survive a failure."""
    keys = ("level", "retrieved_at") if entry.entry_id == "listened" else ("price", "retrieved_at")
    return {key: world.state(entry, key) for key in keys}


@pytest.mark.parametrize("kind", ["ecowatt", "supplier"])
@pytest.mark.parametrize(("fault", "of_ecowatt", "of_supplier"), FAULTS, ids=lambda what: str(what)[:40])
async def test_whatever_goes_wrong(
    world: World,
    kind: str,
    fault: dict[str, Any],
    of_ecowatt: str,
    of_supplier: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last good data stays, the diagnostic entities say what it was, and the next good answer ends it."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    ecowatt = kind == "ecowatt"
    entry = await world.load(world.ecowatt_entry() if ecowatt else world.supplier_entry())
    path, trouble = (SIGNALS, of_ecowatt) if ecowatt else (PRICES, of_supplier)
    before = kept(world, entry)
    assert (world.state(entry, "last_error"), world.state(entry, "signal_problem")) == ("none", STATE_OFF)
    await world.break_path(path, **fault)
    world.freezer.tick(10 * MINUTE if ecowatt else 5 * MINUTE)  # in the next quarter of the quota, in the same step
    await world.hass.async_create_task(entry.runtime_data.async_poll())
    assert world.state(entry, "last_error") == trouble
    assert world.state(entry, "signal_problem") == STATE_ON
    assert kept(world, entry) == before
    for language in ("en", "fr"):
        assert TEXTS[language]["config"]["error"][f"signal_{trouble}"]
        assert TEXTS[language]["entity"]["sensor"]["last_error"]["state"][trouble]
        assert TEXTS[language]["exceptions"][f"signal_{trouble}"]["message"]
    await world.mend()
    world.freezer.move_to(EVENING + timedelta(minutes=100))
    await world.hass.async_create_task(entry.runtime_data.async_poll())
    assert (world.state(entry, "last_error"), world.state(entry, "signal_problem")) == ("none", STATE_OFF)
    assert world.state(entry, "retrieved_at") != before["retrieved_at"]
    assert all(accepted <= 1 and not refused for accepted, refused in await world.quarters())


@pytest.mark.parametrize("kind", ["ecowatt", "supplier"])
async def test_an_answer_that_is_slow(world: World, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute is waited for."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    ecowatt = kind == "ecowatt"
    entry = await world.load(world.ecowatt_entry() if ecowatt else world.supplier_entry())
    before = kept(world, entry)
    await world.break_path(SIGNALS if ecowatt else PRICES, "slow", seconds=60)
    world.freezer.tick(10 * MINUTE if ecowatt else 5 * MINUTE)
    asked = len(world.asked)
    polling = world.hass.async_create_task(entry.runtime_data.async_poll())
    await world.until(lambda: len(world.asked) > asked)
    for _ in range(200):
        await asyncio.sleep(0)
    world.freezer.tick(29)
    for _ in range(200):
        await asyncio.sleep(0)
    assert not polling.done()
    world.freezer.tick(2)
    await polling
    assert world.state(entry, "last_error") == "timeout"
    assert kept(world, entry) == before
    world.freezer.tick(60)  # the emulator ends its answer
    await world.hass.async_block_till_done()


@pytest.mark.parametrize(
    ("fault", "trouble", "state"),
    [
        ({"path": "/", "kind": "status", "status": 500}, "server_error", ConfigEntryState.SETUP_RETRY),
        ({"path": TOKEN, "kind": "wrong-json"}, "wrong_shape", ConfigEntryState.SETUP_RETRY),
        ({"path": TOKEN, "kind": "status", "status": 400}, "invalid_auth", ConfigEntryState.SETUP_ERROR),
        ({"path": SIGNALS, "kind": "half"}, "truncated", ConfigEntryState.SETUP_RETRY),
        ({"path": SIGNALS, "kind": "status", "status": 403}, "not_subscribed", ConfigEntryState.SETUP_RETRY),
    ],
)
async def test_a_first_call_that_fails(
    world: World, fault: dict[str, Any], trouble: str, state: ConfigEntryState
) -> None:
    """Said in the user's words, and tried again; nothing is asked twice in a quarter."""
    await world.break_path(**fault)
    entry = await world.load(world.ecowatt_entry(), state)
    assert entry.error_reason_translation_key == f"signal_{trouble}"
    assert entry.reason
    assert entry.reason.startswith(TEXTS["en"]["config"]["error"][f"signal_{trouble}"])
    if state is ConfigEntryState.SETUP_ERROR:
        (flow,) = world.hass.config_entries.flow.async_progress()
        assert flow["context"]["source"] == SOURCE_REAUTH
        return
    signals = world.asked.count(SIGNALS)
    await world.mend()
    await world.wait(seconds=20)
    if signals:
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.reason == "RTE answers once per quarter of an hour. The next call is at 17:15:01"
        assert world.asked.count(SIGNALS) == signals
    for _ in range(15):
        await world.wait(seconds=90)
    assert entry.state is ConfigEntryState.LOADED
    assert world.state(entry, "level") == "tense"


async def test_retry_after_is_honoured(world: World) -> None:
    """By both: not a second before, also after a restart for Ecowatt."""
    ecowatt = await world.load(world.ecowatt_entry())
    supplier = await world.load(world.supplier_entry())
    for path in (SIGNALS, PRICES):
        await world.break_path(path, "status", status=429, seconds=3600, times=1)
    await world.to(EVENING + 80 * MINUTE)
    refused = dt_util.utcnow()
    assert world.state(ecowatt, "signal_problem") == world.state(supplier, "signal_problem") == STATE_ON
    assert world.state(ecowatt, "next_call") == (refused + timedelta(seconds=3601)).isoformat()
    asked = world.asked.copy()
    await world.again(ecowatt)
    for minutes in range(10, 60, 10):
        await world.to(refused + minutes * MINUTE)
    assert world.asked == asked
    await world.to(refused + timedelta(seconds=3600))
    assert world.asked[len(asked) :].count(PRICES) == 1
    await world.to(refused + timedelta(seconds=3800))
    assert world.asked[len(asked) :].count(SIGNALS) == 1
    assert world.state(ecowatt, "signal_problem") == STATE_OFF


async def test_a_token_that_rte_refuses_costs_no_other_call(world: World) -> None:
    """It is forgotten, and the next call is in another quarter; the sandbox is asked again at once."""
    entry = await world.load(world.ecowatt_entry())
    await world.break_path(SIGNALS, "status", status=401, times=1)
    await world.to(EVENING + 25 * MINUTE)
    assert world.asked == [TOKEN, SIGNALS, SIGNALS]
    await world.wait(minutes=20)
    assert world.asked[3:] == [TOKEN, SIGNALS]
    assert world.state(entry, "signal_problem") == STATE_OFF
    await world.break_path(SANDBOX, "status", status=401, times=1)
    await world.load(world.ecowatt_entry(rehearsal=True))
    assert world.asked[5:] == [TOKEN, SANDBOX, TOKEN, SANDBOX]


# Restarts.


async def test_a_restart_shows_what_was_kept_without_a_call(world: World) -> None:
    """Both signals, at once, also while nobody answers; and asks when it is time."""
    entries = [await world.load(world.ecowatt_entry()), await world.load(world.supplier_entry())]
    before = [kept(world, entry) for entry in entries]
    await world.break_path("/", "reset")
    asked = world.asked.copy()
    world.freezer.tick(3 * MINUTE)
    for entry, shown in zip(entries, before, strict=True):
        await world.again(entry)
        assert kept(world, entry) == shown
        assert world.state(entry, "signal_problem") == STATE_OFF
    assert world.asked == asked
    await world.mend()
    await world.wait(hours=1.5)
    for entry, shown in zip(entries, before, strict=True):
        assert world.state(entry, "retrieved_at") > str(shown["retrieved_at"])


async def test_after_a_long_night_the_present_is_asked_for(world: World) -> None:
    """What is older than twelve hours is not shown."""
    entry = await world.load(world.ecowatt_entry())
    assert await world.hass.config_entries.async_unload(entry.entry_id)
    world.freezer.move_to(EVENING + 12 * HOUR)
    await world.load(entry)
    assert world.asked.count(SIGNALS) == 2
    assert await world.hass.config_entries.async_unload(entry.entry_id)
    world.freezer.move_to(EVENING + 30 * HOUR)
    await world.break_path("/", "reset")
    await world.load(entry, ConfigEntryState.SETUP_RETRY)
    state = world.hass.states.get(world.id_of(entry, "level"))
    assert state
    assert state.state == STATE_UNAVAILABLE


async def test_restarts_at_random_never_ask_twice_in_a_quarter(world: World) -> None:
    """A day and a half of an installation that restarts, by force as often as not, while alerts are on."""
    random = Random(15)
    entry = await world.load(world.ecowatt_entry())
    restarts = 0
    while dt_util.utcnow() < EVENING + 36 * HOUR:
        await world.wait(seconds=random.uniform(5, 1200))
        if random.random() < 0.5:
            restarts += 1
            await world.hass.config_entries.async_unload(entry.entry_id)
            await world.hass.config_entries.async_setup(entry.entry_id)
            await world.hass.async_block_till_done(wait_background_tasks=True)
        if entry.state is ConfigEntryState.LOADED:
            held = entry.runtime_data.current
            expected = held.level_at(dt_util.utcnow()).name.lower()
            assert world.state(entry, "level") == expected
    quarters = await world.quarters()
    assert restarts > 50
    assert len(quarters) > 60
    assert {(1, 0)} == set(quarters)


async def test_a_kill_in_the_middle_of_a_call(world: World, hass_storage: dict[str, Any]) -> None:
    """The call was noted before it was made: the next run does not make it again."""
    entry = await world.load(world.ecowatt_entry())
    await world.break_path(SIGNALS, "slow", seconds=20)
    world.freezer.move_to(EVENING + 10 * MINUTE)
    polling = world.hass.async_create_task(entry.runtime_data.async_poll())
    await world.until(lambda: world.asked.count(SIGNALS) == 2)
    assert hass_storage[KEPT]["data"]["guard"]["last"] == (EVENING + 10 * MINUTE).isoformat()
    polling.cancel()
    await world.mend()
    await world.again(entry)
    world.freezer.move_to(EVENING + 20 * MINUTE)
    await entry.runtime_data.async_poll()
    assert world.asked.count(SIGNALS) == 2
    world.freezer.move_to(EVENING + 25 * MINUTE)
    await entry.runtime_data.async_poll()
    assert world.asked.count(SIGNALS) == 3
    await world.hass.async_block_till_done()


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 9, "data": {"guard": None}},
        {"version": 1, "data": []},
        {"version": 1, "data": "nothing"},
        {"version": 1, "data": {}},
        {"version": 1, "data": {"guard": None, "text": 5, "retrieved_at": 5}},
        {"version": 1, "data": {"guard": None, "text": "{", "retrieved_at": EVENING.isoformat()}},
        {"version": 1, "data": {"guard": None, "text": "{}", "retrieved_at": EVENING.isoformat()}},
        {"version": 1, "data": {"guard": None, "text": '{"signals": []}', "retrieved_at": EVENING.isoformat()}},
        {"version": 1, "data": {"guard": None, "text": "GOOD", "retrieved_at": "2026-01-14T17:00:00"}},
        {"version": 1, "data": {"guard": None, "text": "GOOD", "retrieved_at": "yesterday"}},
        {"version": 1, "data": {"guard": None, "text": "GOOD", "retrieved_at": "0001-01-01T00:00:00+14:00"}},
        {"version": 1, "data": {"guard": None, "text": "GOOD", "retrieved_at": "2096-01-14T17:00:00+01:00"}},
    ],
)
@pytest.mark.parametrize("kind", ["ecowatt", "supplier"])
async def test_a_damaged_store_does_not_wedge(
    world: World, hass_storage: dict[str, Any], kind: str, wrong: dict[str, Any]
) -> None:
    """It is as good as none: the signal is asked for."""
    entry = await world.load(world.ecowatt_entry() if kind == "ecowatt" else world.supplier_entry())
    key = f"{DOMAIN}.{entry.entry_id}"
    good = hass_storage[key]["data"]["text"]
    assert await world.hass.config_entries.async_unload(entry.entry_id)
    data = wrong["data"]
    if isinstance(data, dict) and data.get("text") == "GOOD":
        data = data | {"text": good}
    hass_storage[key] = {"minor_version": 1, "key": key, **wrong, "data": data}
    world.freezer.tick(15 * MINUTE)
    await world.load(entry)
    assert world.state(entry, "retrieved_at") == (EVENING + 15 * MINUTE).isoformat()
    assert hass_storage[key]["data"]["text"]


async def test_a_guard_that_cannot_be_read_waits_for_a_quarter(world: World, hass_storage: dict[str, Any]) -> None:
    """Asking too often is the worse mistake."""
    hass_storage[KEPT] = {"version": 1, "minor_version": 1, "key": KEPT, "data": {"guard": "?"}}
    entry = await world.load(world.ecowatt_entry(), ConfigEntryState.SETUP_RETRY)
    assert entry.error_reason_translation_key == "too_soon"
    assert world.asked == []


class TestWithFiles:
    """The store as files."""

    @pytest.fixture
    def hass_config_dir(self, hass_tmp_config_dir: str) -> str:
        """A folder of the test's own."""
        return hass_tmp_config_dir

    async def test_a_file_that_is_half_written(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """The set-up goes on; nothing but the damaged copy is left once the entry is removed."""
        file = Path(world.hass.config.path(".storage", KEPT))
        with monkeypatch.context() as patched:
            for name, method in (("_async_load", LOAD), ("_async_write_data", WRITE), ("async_remove", REMOVE)):
                patched.setattr(Store, name, method)
            entry = await world.load(world.ecowatt_entry())
            cut_in_half(file)
            assert await world.hass.config_entries.async_unload(entry.entry_id)
            world.freezer.tick(15 * MINUTE)
            await world.load(entry)
            cut_in_half(file)
            await world.hass.config_entries.async_remove(entry.entry_id)
        assert [path.name.partition(".corrupt")[1] for path in files(file.parent)] == [".corrupt"]


def cut_in_half(file: Path) -> None:
    """Lose the end of a file, which only its owner may read."""
    assert file.stat().st_mode & 0o777 == 0o600
    whole = file.read_text()
    assert json.loads(whole)["data"]["text"]
    assert APPLICATION_SECRET not in whole
    file.write_text(whole[: len(whole) // 2])


def files(folder: Path) -> list[Path]:
    """Return what is kept of us."""
    return list(folder.glob(f"{KEPT}*"))


async def test_unloading_ends_a_call_that_is_under_way(world: World, hass_storage: dict[str, Any]) -> None:
    """No timer is left, nothing is kept after the removal."""
    entry = await world.load(world.ecowatt_entry())
    await world.break_path(SIGNALS, "slow", seconds=20)
    when = EVENING + 25 * MINUTE
    world.freezer.move_to(when)
    async_fire_time_changed(world.hass, when)
    await world.until(lambda: world.asked.count(SIGNALS) == 2)
    await world.hass.config_entries.async_remove(entry.entry_id)
    world.freezer.tick(21)
    await world.hass.async_block_till_done(wait_background_tasks=True)
    assert KEPT not in hass_storage
    asked = world.asked.copy()
    for _ in range(4):
        await world.wait(minutes=30)
    assert world.asked == asked


async def test_what_nobody_expected_does_not_end_the_polls(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours, or a disk that is full."""
    entry = await world.load(world.ecowatt_entry())

    async def broken(self: object) -> None:
        raise RuntimeError("the disk fell off")

    with monkeypatch.context() as patched:
        patched.setattr(GridCoordinator, "_async_save", broken)
        world.freezer.move_to(EVENING + 10 * MINUTE)
        with pytest.raises(RuntimeError, match="the disk fell off"):
            await entry.runtime_data.async_poll()
    assert entry.runtime_data.next_poll > dt_util.utcnow()
    await world.wait(hours=1)
    assert world.asked.count(SIGNALS) == 2


# What the user is told.


async def test_an_application_without_subscription(world: World, issue_registry: ir.IssueRegistry) -> None:
    """A repair says what to do; the next good answer takes it back, and so does removing the entry."""
    application: dict[str, Any] = {CONF_CLIENT_ID: NOBODY, CONF_CLIENT_SECRET: NOBODY_SECRET}
    entry = world.ecowatt_entry(**application)
    await world.load(entry, ConfigEntryState.SETUP_RETRY)
    issue = issue_registry.async_get_issue(DOMAIN, f"not_subscribed_{entry.entry_id}")
    assert issue
    assert (issue.severity, issue.translation_key) == (ir.IssueSeverity.ERROR, "not_subscribed")
    assert issue.translation_placeholders == {"entry": "Ecowatt"}
    assert world.hass.config_entries.flow.async_progress() == []
    world.hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_CLIENT_ID: APPLICATION, CONF_CLIENT_SECRET: APPLICATION_SECRET}
    )
    for _ in range(15):
        await world.wait(seconds=90)
    assert entry.state is ConfigEntryState.LOADED
    assert issue_registry.issues == {}
    await world.break_path(SIGNALS, "status", status=403)
    await world.wait(hours=1)
    assert [key for _, key in issue_registry.issues] == [f"not_subscribed_{entry.entry_id}"]
    await world.hass.config_entries.async_remove(entry.entry_id)
    assert issue_registry.issues == {}


async def test_a_signal_that_is_rejected(world: World, issue_registry: ir.IssueRegistry) -> None:
    """A repair lists what to send to the supplier; the next good signal takes it back."""
    entry = await world.load(world.supplier_entry())
    price = world.state(entry, "price")
    await world.break_path(PRICES, "wrong-json")
    world.freezer.tick(15)
    await entry.runtime_data.async_poll()
    issue = issue_registry.async_get_issue(DOMAIN, f"signal_rejected_{entry.entry_id}")
    assert issue
    assert issue.translation_placeholders
    assert issue.translation_placeholders["findings"].splitlines() == [
        f"- `/{name}` the array is missing" for name in ("step", "horodate", "power", "cost", "co2")
    ]
    assert world.state(entry, "price") == price
    await world.mend()
    world.freezer.tick(15)
    await entry.runtime_data.async_poll()
    assert issue_registry.issues == {}
    await world.break_path(PRICES, "wrong-json")
    world.freezer.tick(15)
    await entry.runtime_data.async_poll()
    assert issue_registry.issues
    await world.hass.config_entries.async_remove(entry.entry_id)
    assert issue_registry.issues == {}


async def test_refused_credentials_are_asked_for_again(world: World) -> None:
    """Once, while the last good data is shown."""
    entry = await world.load(world.ecowatt_entry())
    await world.break_path(TOKEN, "status", status=401)
    await world.wait(hours=2.5)
    await world.wait(hours=1)
    assert world.state(entry, "level") == "tense"
    (flow,) = world.hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["step_id"]) == (SOURCE_REAUTH, "reauth_ecowatt")


async def test_a_failure_is_logged_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """And its end."""
    entry = await world.load(world.supplier_entry())
    await world.break_path(PRICES, "status", status=500)

    async def poll() -> None:
        world.freezer.tick(15)
        await entry.runtime_data.async_poll()

    for _ in range(4):
        await poll()
    await world.mend()
    await poll()
    lines = [record.getMessage() for record in caplog.records if record.name == "custom_components.flex_ready"]
    title = f"127.0.0.1 {POINT}"
    assert lines == [
        f"{title} cannot be had, the last good data is kept: server_error: HTTP 500 EMULATED_FAULT",
        f"{title} is received again",
    ]


async def diagnosed(hass: HomeAssistant, client: ClientSessionGenerator, entry: MockConfigEntry) -> dict[str, Any]:
    """Download the diagnostics as a user does."""
    assert await async_setup_component(hass, "diagnostics", {})
    told: dict[str, Any] = await get_diagnostics_for_config_entry(hass, client, entry)
    return told


async def test_diagnostics_of_ecowatt(
    world: World, hass_client: ClientSessionGenerator, snapshot: SnapshotAssertion
) -> None:
    """What is held, what failed with the number that RTE asks for; no key and no address."""
    entry = await world.load(world.ecowatt_entry())
    await world.break_path(SIGNALS, "status", status=500)
    world.freezer.move_to(EVENING + 10 * MINUTE)
    await entry.runtime_data.async_poll()
    told = await diagnosed(world.hass, hass_client, entry)
    text = json.dumps(told)
    for secret in (APPLICATION, APPLICATION_SECRET, "127.0.0.1", "http", world.url):
        assert secret not in text
    told.pop("next_poll")
    told["entry"] = told["entry"]["data"]
    assert told == snapshot


async def test_diagnostics_of_a_supplier(world: World, hass_client: ClientSessionGenerator) -> None:
    """Neither keys nor the delivery point nor addresses; what was rejected with its places."""
    entry = await world.load(world.supplier_entry(**{CONF_SCOPE: "the-scope"}))
    await world.break_path(PRICES, "wrong-json")
    world.freezer.tick(15)
    await entry.runtime_data.async_poll()
    told = await diagnosed(world.hass, hass_client, entry)
    text = json.dumps(told)
    for secret in (USER, USER_SECRET, POINT, POINT[:6], "127.0.0.1", "http", "the-scope"):
        assert secret not in text
    assert told["failure"] == {"trouble": "rejected", "status": None, "retry_after_s": None, "transaction_id": None}
    assert ["/cost", "missing", "the array is missing"] in told["signal"]["rejected"]
    assert (told["signal"]["steps"], told["fresh"], told["failures"]) == (192, True, 1)
    await world.mend()
    token = await world.token()
    await world.hass.config_entries.async_remove(entry.entry_id)
    entry = await world.load(world.supplier_entry(**{CONF_TOKEN: token}))
    assert token not in json.dumps(await diagnosed(world.hass, hass_client, entry))


async def test_nothing_is_left_behind(
    world: World,
    hass_storage: dict[str, Any],
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Of any kind of signal."""
    entries = [
        await world.load(world.ecowatt_entry()),
        await world.load(world.ecowatt_entry(rehearsal=True)),
        await world.load(world.supplier_entry()),
    ]
    assert {key for key in hass_storage if key.startswith(DOMAIN)} == {f"{DOMAIN}.{one.entry_id}" for one in entries}
    for entry in entries:
        await world.hass.config_entries.async_remove(entry.entry_id)
        await world.hass.async_block_till_done()
        assert er.async_entries_for_config_entry(entity_registry, entry.entry_id) == []
        assert dr.async_entries_for_config_entry(device_registry, entry.entry_id) == []
    assert [key for key in hass_storage if key.startswith(DOMAIN)] == []
    assert issue_registry.issues == {}
    assert world.hass.states.async_all() == []


async def test_a_clock_that_is_set_back(world: World) -> None:
    """Neither is a signal of the future taken for the present, nor are calls stopped."""
    entry = await world.load(world.ecowatt_entry())
    past: datetime = EVENING - timedelta(days=300)
    world.freezer.move_to(past)
    await world.again(entry, ConfigEntryState.SETUP_RETRY)
    assert entry.error_reason_translation_key == "too_soon"
    world.freezer.move_to(past + 16 * MINUTE)
    assert await world.hass.config_entries.async_reload(entry.entry_id)
    assert world.state(entry, "retrieved_at") == (past + 16 * MINUTE).isoformat()
