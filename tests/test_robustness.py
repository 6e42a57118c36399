"""A bad line and Home Assistant: what bench/robustness.py measures, in small; asserted are memory and recovery."""

import asyncio
from collections.abc import AsyncIterator
import time

from conftest import meter_entry, until
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from bench.gateway import GatewayProcess, Mode
from bench.robustness import Row, Watch, misbehave, resident_mb
from custom_components.flex_ready.meter import quality, reader

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

SENSOR = "sensor.pme_pmi_meter_subscribed_power"


@pytest.fixture
async def gateway(socket_enabled: None) -> AsyncIterator[GatewayProcess]:
    """A gateway in a process of its own."""
    async with GatewayProcess() as process:
        yield process


@pytest.fixture
async def entry(hass: HomeAssistant, gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch) -> MockConfigEntry:
    """A meter that is read; what is lost is noticed and tried again soon."""
    monkeypatch.setattr(reader, "_FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(reader, "_LONGEST_WAIT_S", 0.4)
    monkeypatch.setattr(quality, "_FIRST_STALE_S", 1)
    monkeypatch.setattr(quality, "_LEAST_STALE_S", 0.5)
    meter = meter_entry(gateway.url)
    meter.add_to_hass(hass)
    assert await hass.config_entries.async_setup(meter.entry_id)
    return meter


def available(hass: HomeAssistant) -> bool:
    """Tell whether the entities have values."""
    state = hass.states.get(SENSOR)
    return state is not None and state.state != STATE_UNAVAILABLE


async def after(gateway: GatewayProcess, entry: MockConfigEntry, mode: Mode, seconds: float) -> Row:
    """Let the gateway misbehave; return what that did."""
    return await misbehave(gateway, entry.runtime_data, mode, seconds, settle_s=0)


async def test_floods(hass: HomeAssistant, gateway: GatewayProcess, entry: MockConfigEntry) -> None:
    """A megabyte a second: all of it is read, memory stays flat after the first second, frames are read again."""
    for mode in (Mode.GARBAGE, Mode.FLOOD):
        await after(gateway, entry, mode, 0.5)
        row = await after(gateway, entry, mode, 1.5)
        assert row.received_mb > 0.5
        assert row.after_mb - row.before_mb < 8
        assert row.back_s is not None
        assert row.back_s < 5
        assert available(hass)
        # Not a bar, as a test may share its machine: the loop was not held for the length of the flood.
        assert row.watch.longest_ms < 1000
    assert len(entry.runtime_data.data.decoder.rejects) <= 20


async def test_outages(hass: HomeAssistant, gateway: GatewayProcess, entry: MockConfigEntry) -> None:
    """Silence, a speed that was changed, a gateway without power: unavailable while it lasts, back by itself."""
    for mode in (Mode.SILENCE, Mode.WRONG_SPEED, Mode.DOWN):
        await gateway.tell(mode)
        await until(lambda: not available(hass))
        row = await after(gateway, entry, mode, 0)
        assert row.back_s is not None
        assert available(hass)
        assert await gateway.clients() == 1


async def test_a_gateway_that_restarts_every_second(
    hass: HomeAssistant, gateway: GatewayProcess, entry: MockConfigEntry
) -> None:
    """It is found again each time, only one connection is left, and unloading in a flood closes that one."""
    row = await after(gateway, entry, Mode.RESTARTS, 2)
    assert row.back_s is not None
    assert available(hass)
    assert await gateway.clients() == 1
    await gateway.tell(Mode.GARBAGE)
    await asyncio.sleep(0.3)
    async with asyncio.timeout(2):
        assert await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(0.1)
    assert await gateway.clients() == 0


async def test_the_watch_sees_a_loop_that_is_blocked() -> None:
    """What measures is measured."""
    async with Watch() as watch:
        await asyncio.sleep(0.05)
        time.sleep(0.08)  # noqa: ASYNC251
        await asyncio.sleep(0.05)
    assert watch.longest_ms > 60
    assert watch.at_ms(0) <= watch.at_ms(0.5) <= watch.at_ms(1) == watch.longest_ms


def test_resident_memory_is_seen() -> None:
    """What is allocated and touched counts."""
    before = resident_mb()
    kept = bytearray(b"x" * 40_000_000)
    assert resident_mb() - before > 20
    assert len(kept) == 40_000_000
