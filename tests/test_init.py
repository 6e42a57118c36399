"""Setting a meter up, unloading it, removing it: its port is opened, closed, and free."""

import asyncio
import fcntl
import os

from conftest import PME_PMI, Cable, Gateway, babble, meter_entry, sent, until
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.meter import coordinator
from emulator.meter import MeterConfig

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

FRAMES = b"".join(sent(MeterConfig(), 2))


async def test_a_meter_is_set_up(
    hass: HomeAssistant, gateway: Gateway, device_registry: dr.DeviceRegistry, entity_registry: er.EntityRegistry
) -> None:
    """One device, entities of what the meter sends, names in words."""
    gateway.greeting = FRAMES
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert device.identifiers == {(DOMAIN, PME_PMI)}
    assert (device.name, device.manufacturer, device.serial_number) == ("PME-PMI meter", "Landis+Gyr", PME_PMI)
    power = hass.states.get("sensor.pme_pmi_meter_subscribed_power")
    assert power
    assert (power.state, power.attributes["unit_of_measurement"]) == ("42", "kVA")
    assert power.attributes["friendly_name"] == "PME-PMI meter Subscribed power"
    assert hass.states.get("binary_sensor.pme_pmi_meter_overrun_warning")
    assert entity_registry.async_get_entity_id("sensor", DOMAIN, f"{PME_PMI}_subscribed_apparent_power")


async def test_unloading_closes_the_connection(hass: HomeAssistant, gateway: Gateway) -> None:
    """The gateway sees it at once, and a reload opens it again."""
    gateway.greeting = FRAMES
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(gateway.clients) == 1)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await until(lambda: not gateway.clients)
    state = hass.states.get("sensor.pme_pmi_meter_subscribed_power")
    assert state
    assert state.state == STATE_UNAVAILABLE
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert gateway.connections == 3
    assert len(gateway.clients) == 1


async def test_unloading_frees_the_device(hass: HomeAssistant, cable: Cable) -> None:
    """It is locked while the entry is loaded, and free when unloading returns."""
    entry = meter_entry(cable.url)
    entry.add_to_hass(hass)
    speaking = asyncio.create_task(babble(cable, FRAMES))
    assert await hass.config_entries.async_setup(entry.entry_id)
    speaking.cancel()
    other = os.open(cable.url, os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert await hass.config_entries.async_unload(entry.entry_id)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


async def test_a_port_that_cannot_be_opened(hass: HomeAssistant, gateway: Gateway) -> None:
    """Tried again later, with the reason in the user's words."""
    await gateway.stop()
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "port_refused"
    assert entry.reason
    assert entry.reason.startswith("The gateway refuses the connection: check its port number")
    assert gateway.url in entry.reason


async def test_a_port_that_says_nothing(hass: HomeAssistant, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened, waited for, closed; tried again later."""
    monkeypatch.setattr(coordinator, "_FIRST_FRAME_S", 0.05)
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason == f"No whole frame arrived at {gateway.url} within 0.05 seconds"
    await until(lambda: not gateway.clients)


async def test_a_port_that_hangs_up(hass: HomeAssistant, gateway: Gateway) -> None:
    """No frame is waited for any more."""
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    setup = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await until(lambda: gateway.clients)
    gateway.clients[0].close()
    assert not await setup
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "port_cannot_open"
    assert entry.reason
    assert entry.reason.endswith(f"({gateway.url}: closed by the other side)")


async def test_a_setup_that_is_cancelled_closes_the_port(hass: HomeAssistant, gateway: Gateway) -> None:
    """Home Assistant stops while the first frame is waited for."""
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    setup = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await until(lambda: gateway.clients)
    setup.cancel()
    await until(lambda: not gateway.clients)


async def test_what_was_to_be_repaired_goes_with_the_meter(
    hass: HomeAssistant, gateway: Gateway, issue_registry: ir.IssueRegistry
) -> None:
    """Removing the entry deletes its issues, and no other's."""
    gateway.greeting = FRAMES
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    ids = [f"no_frame_{entry.entry_id}", f"bad_groups_{entry.entry_id}", "no_frame_other"]
    for issue in ids:
        ir.async_create_issue(
            hass, DOMAIN, issue, is_fixable=False, severity=ir.IssueSeverity.WARNING, translation_key="no_frame"
        )
    await hass.config_entries.async_remove(entry.entry_id)
    assert [issue for _, issue in issue_registry.issues] == ["no_frame_other"]
