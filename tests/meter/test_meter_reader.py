"""The life of a reader: what it loses, how often it says so, and how it comes back."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import logging

from conftest import Cable, Gateway, babble, meter_entry, sent, until
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.flex_ready.const import DOMAIN, LOGGER
from custom_components.flex_ready.meter import coordinator, quality, reader
from custom_components.flex_ready.meter.coordinator import MeterCoordinator
from custom_components.flex_ready.tic import Counts, Group
from emulator.meter import Emulation, Faults, MeterConfig

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations", "quick")

FRAMES = b"".join(sent(MeterConfig(), 2))
NEXT = sent(MeterConfig(), 5)[2:]
SENSOR = "sensor.pme_pmi_meter_subscribed_power"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again after milliseconds."""
    monkeypatch.setattr(reader, "_FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(reader, "_LONGEST_WAIT_S", 0.08)


async def load(hass: HomeAssistant, port: str) -> MockConfigEntry:
    """Set a meter up."""
    entry = meter_entry(port)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


@pytest.fixture
async def entry(hass: HomeAssistant, gateway: Gateway) -> MockConfigEntry:
    """A meter that is read through the gateway."""
    gateway.greeting = FRAMES
    return await load(hass, gateway.url)


def available(hass: HomeAssistant) -> bool:
    """Tell whether the entities have values."""
    state = hass.states.get(SENSOR)
    return state is not None and state.state != STATE_UNAVAILABLE


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return what our own log says about losing and finding the meter."""
    return [
        (record.levelno, record.getMessage().partition(":")[0])
        for record in caplog.records
        if record.name == LOGGER.name and record.getMessage().startswith("PME-PMI is")
    ]


LOST = (logging.WARNING, "PME-PMI is not read any more")
BACK = (logging.INFO, "PME-PMI is read again")


async def test_a_gateway_that_restarts(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Unavailable with one warning, however often it is tried in vain; back with one line."""
    await gateway.stop()
    await until(lambda: not available(hass))
    await asyncio.sleep(0.3)
    assert lines(caplog) == [LOST]
    await gateway.start()
    await until(lambda: available(hass))
    assert lines(caplog) == [LOST, BACK]
    await gateway.stop()
    await until(lambda: not available(hass))
    assert lines(caplog) == [LOST, BACK, LOST]


async def test_the_wait_grows_and_is_reset(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It doubles up to a limit while nothing is heard, and begins anew after something was."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    await gateway.stop()
    await until(lambda: len([wait for wait in waits if wait >= 0.02]) >= 5)
    await gateway.start()
    await until(lambda: available(hass))
    grown = [wait for wait in waits if wait >= 0.02]
    assert grown[:5] == [0.02, 0.04, 0.08, 0.08, 0.08]
    waits.clear()
    before = gateway.connections
    gateway.clients[0].close()
    await until(lambda: gateway.connections > before)
    assert next(wait for wait in waits if wait >= 0.02) == 0.02


async def test_a_gateway_that_greets_nobody_makes_the_wait_grow(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry
) -> None:
    """A connection that is taken and closed at once is no success."""
    gateway.greeting = b""
    before = gateway.connections
    loop = asyncio.get_running_loop()
    begun = loop.time()

    def hang_up() -> int:
        for client in gateway.clients:
            client.close()
        return gateway.connections - before

    await until(lambda: hang_up() >= 4)
    assert loop.time() - begun >= 0.02 + 0.04 + 0.08 + 0.08


async def test_silence_is_stale_after_three_frames(
    hass: HomeAssistant,
    gateway: Gateway,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection stays, the values do not; with the next frame they are back."""
    monkeypatch.setattr(quality, "_LEAST_STALE_S", 0.0)
    monkeypatch.setattr(quality, "_FIRST_STALE_S", 0.5)
    gateway.greeting = FRAMES
    entry = await load(hass, gateway.url)
    state: MeterCoordinator = entry.runtime_data
    for data in NEXT:
        await asyncio.sleep(0.15)
        gateway.send(data)
    await until(lambda: state.data.decoder.counts.complete_frames == 5)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert state.data.quality.frame_period == pytest.approx(0.15, abs=0.05)
    await until(lambda: not available(hass))
    assert loop.time() - begun == pytest.approx(0.45, abs=0.15)
    assert lines(caplog) == [LOST]
    gateway.send(NEXT[0])
    await until(lambda: available(hass))
    assert lines(caplog) == [LOST, BACK]
    assert gateway.connections == 1


async def test_frames_that_come_at_once_are_no_pace() -> None:
    """A gateway that had some in store, then a frame every 8 s: stale after 24 s, not after 5."""
    watch, counts = quality.Quality(), Counts()
    for now in (0, 0.1, 0.2, 8, 16, 24, 32):
        watch.frame(now, counts)
    assert (watch.frame_period, watch.stale_after) == (8, 24)
    watch.frame(300, counts)  # an outage is no pace either
    assert watch.stale_after == 24
    watch.interrupted()
    watch.frame(900, counts)
    assert watch.stale_after == 24


async def test_a_connection_that_is_dead_is_opened_again(
    hass: HomeAssistant,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A gateway that lost its power hangs up nothing: silence is what tells."""
    monkeypatch.setattr(reader, "_QUIET_S", 0.2)
    gateway.greeting = FRAMES
    await load(hass, gateway.url)
    for _ in range(4):  # what speaks stays open
        await asyncio.sleep(0.1)
        gateway.send(b"\x02\n")
    assert gateway.connections == 1
    await until(lambda: gateway.connections == 2)
    await until(lambda: available(hass))
    assert lines(caplog) == [LOST, BACK]
    assert "nothing arrives for 0 s" in caplog.text


async def test_a_cable_pulled_and_plugged_in(
    hass: HomeAssistant, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    """The device goes away and comes back under its name."""
    speaking = asyncio.create_task(babble(cable, FRAMES))
    await load(hass, cable.url)
    speaking.cancel()
    cable.pull()
    await until(lambda: not available(hass))
    await asyncio.sleep(0.1)
    cable.plug()
    speaking = asyncio.create_task(babble(cable, FRAMES))
    await until(lambda: available(hass))
    speaking.cancel()
    assert lines(caplog) == [LOST, BACK]


async def test_a_flood_of_garbage_leaves_the_loop_free(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry
) -> None:
    """A megabyte at once: the loop is never held for long, and frames are read behind it."""
    loop = asyncio.get_running_loop()
    state: MeterCoordinator = entry.runtime_data
    late = 0.0
    gateway.send(bytes(range(256)) * 4096)
    gateway.send(b"\x03" + FRAMES)
    due = loop.time()
    frames = state.data.decoder.counts.complete_frames
    async with asyncio.timeout(20):
        while state.data.decoder.counts.complete_frames == frames:
            due = loop.time() + 0.001
            await asyncio.sleep(0.001)
            late = max(late, loop.time() - due)
    assert late < 0.1


# Who listens to groups.


def pieces(data: bytes) -> tuple[bytes, bytes]:
    """Cut a frame behind its third group."""
    at = [index for index, byte in enumerate(data) if byte == 0x0D][2] + 1
    return data[:at], data[at:]


async def test_groups_are_told_before_their_frame_closes(gateway: Gateway, entry: MockConfigEntry) -> None:
    """Each as soon as its CR is in, to every listener, until it listens no more."""
    state: MeterCoordinator = entry.runtime_data
    heard: list[str] = []
    other: list[str] = []
    stop = state.async_add_group_listener(lambda group: heard.append(group.key))
    state.async_add_group_listener(lambda group: other.append(group.key))
    begin, rest = pieces(NEXT[0])
    gateway.send(begin)
    await until(lambda: len(heard) == 3)
    assert heard == ["ADS", "MESURES1", "DATE"]
    assert state.data.decoder.counts.complete_frames == 2
    stop()
    gateway.send(rest)
    await until(lambda: state.data.decoder.counts.complete_frames == 3)
    assert len(heard) == 3
    assert other[:3] == heard
    assert other[-1] == "EaP-1_s2"


async def test_a_listener_that_fails_harms_nobody(
    gateway: Gateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are told, the port stays open, and the log says it once until it succeeds again."""
    state: MeterCoordinator = entry.runtime_data
    heard: list[str] = []

    def fail(group: Group) -> None:
        if group.key != "PS":
            raise RuntimeError(group.key)

    state.async_add_group_listener(fail)
    state.async_add_group_listener(lambda group: heard.append(group.key))
    gateway.send(NEXT[0])
    await until(lambda: state.data.decoder.counts.complete_frames == 3)
    assert len(heard) == NEXT[0].count(b"\r")
    assert caplog.text.count("A listener to the groups of PME-PMI failed") == 2
    assert gateway.connections == 1
    assert state.last_update_success


async def test_an_entity_that_fails_does_not_close_the_port(
    gateway: Gateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Its exception is logged, and the next frame is read."""
    state: MeterCoordinator = entry.runtime_data

    def fail() -> None:
        raise RuntimeError("an entity")

    stop = state.async_add_listener(fail)
    gateway.send(NEXT[0])
    await until(lambda: "RuntimeError: an entity" in caplog.text)
    stop()
    gateway.send(NEXT[1])
    await until(lambda: state.data.decoder.counts.complete_frames == 4)
    assert gateway.connections == 1


async def test_a_frame_that_fails_does_not_close_the_port(
    gateway: Gateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in one frame is no reason to lose the next."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake")

    state: MeterCoordinator = entry.runtime_data
    with monkeypatch.context() as patched:
        patched.setattr(state.data, "take", fail)
        gateway.send(NEXT[0])
        await until(lambda: "RuntimeError: a mistake" in caplog.text)
    gateway.send(NEXT[1])
    await until(lambda: len(state.data.last_frames) == 3)
    assert gateway.connections == 1


async def test_who_asks_does_not_make_a_meter_answer(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry
) -> None:
    """The action that updates an entity leaves it as it is, whether its meter is read or not."""
    assert await async_setup_component(hass, "homeassistant", {})
    ask = {"entity_id": [SENSOR]}
    await hass.services.async_call("homeassistant", "update_entity", ask, blocking=True)
    assert available(hass)
    await gateway.stop()
    await until(lambda: not available(hass))
    await hass.services.async_call("homeassistant", "update_entity", ask, blocking=True)
    await hass.async_block_till_done()
    assert not available(hass)


# What the user is asked to repair.


def asked(registry: ir.IssueRegistry, issue: str, entry: MockConfigEntry) -> dict[str, str] | None:
    """Return the placeholders of an issue, or None where there is none."""
    found = registry.async_get_issue(DOMAIN, f"{issue}_{entry.entry_id}")
    return found.translation_placeholders if found else None


async def pass_time(hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: timedelta) -> None:
    """Let time pass for timers."""
    freezer.tick(time)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_an_hour_without_a_frame(
    hass: HomeAssistant,
    gateway: Gateway,
    entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asked to look at it after an hour, no more after the next frame."""
    monkeypatch.setattr(reader, "_FIRST_WAIT_S", 7200)
    monkeypatch.setattr(reader, "_LONGEST_WAIT_S", 7200)
    state: MeterCoordinator = entry.runtime_data
    state._port_lost("pulled")
    await pass_time(hass, freezer, timedelta(minutes=59))
    assert asked(issue_registry, "no_frame", entry) is None
    await pass_time(hass, freezer, timedelta(minutes=2))
    assert asked(issue_registry, "no_frame", entry) == {"meter": "PME-PMI", "port": gateway.url}
    state._take(NEXT[0])
    assert asked(issue_registry, "no_frame", entry) is None


async def test_an_hour_of_setups_that_fail(
    hass: HomeAssistant,
    gateway: Gateway,
    issue_registry: ir.IssueRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Home Assistant started before a gateway that is dead: the hour is counted across the attempts."""
    monkeypatch.setattr(coordinator, "_NO_FRAME_S", 0.1)
    await gateway.stop()
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert asked(issue_registry, "no_frame", entry) is None
    await asyncio.sleep(0.12)
    assert asked(issue_registry, "no_frame", entry) is None
    assert not await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: asked(issue_registry, "no_frame", entry))
    gateway.greeting = FRAMES
    await gateway.start()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert asked(issue_registry, "no_frame", entry) is None


async def test_a_failed_setup_leaves_no_timer(
    hass: HomeAssistant,
    gateway: Gateway,
    issue_registry: ir.IssueRegistry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One attempt failed, the next did not: nobody is told of a silence that is over."""
    await gateway.stop()
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    gateway.greeting = FRAMES
    await gateway.start()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await pass_time(hass, freezer, timedelta(hours=2))
    assert asked(issue_registry, "no_frame", entry) is None


@pytest.fixture
def accelerated(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Play the hour of the line's quality in seconds."""

    def play(pace: float) -> None:
        monkeypatch.setattr(quality, "_STEP_S", 60 / pace)
        monkeypatch.setattr(quality, "_WINDOW_S", 3600 / pace)

    return play


async def test_a_bad_line(
    hass: HomeAssistant, issue_registry: ir.IssueRegistry, accelerated: Callable[[float], None]
) -> None:
    """More than 5 % of the groups damaged: asked to look at it, until the line is good."""
    accelerated(3000)
    faulty = Faults(flip=0.006)
    config = MeterConfig(meter="linky-standard", tcp=("127.0.0.1", 0), pace=100, faults=faulty)
    async with Emulation(config) as meter:
        assert meter.url
        entry = meter_entry(meter.url, meter="linky_standard", serial="042164296031")
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: asked(issue_registry, "bad_groups", entry))
        told = asked(issue_registry, "bad_groups", entry)
        assert told
        assert (told["meter"], told["limit"]) == ("PME-PMI", "5")
        assert 5 < int(told["share"]) < 20
        meter.emulated.faults = Faults()
        await until(lambda: asked(issue_registry, "bad_groups", entry) is None)
        assert await hass.config_entries.async_unload(entry.entry_id)
