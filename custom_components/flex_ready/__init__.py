"""Flex Ready: makes a French building flexible for the power system."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv

from .const import DOMAIN
from .meter.coordinator import MeterConfigEntry, MeterCoordinator

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [Platform.BINARY_SENSOR, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: MeterConfigEntry) -> bool:
    """Set up one connection: a meter is the only kind so far."""
    coordinator = MeterCoordinator(hass, entry)
    await coordinator.async_start()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: MeterConfigEntry) -> bool:
    """Unload a connection; its port is free when this returns."""
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded:
        await entry.runtime_data.async_stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: MeterConfigEntry) -> None:
    """Leave nothing behind: what the user was told to repair is gone with the meter."""
    MeterCoordinator.forget_issues(hass, entry.entry_id)
