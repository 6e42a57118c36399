"""Diagnostics."""

from typing import Any

from homeassistant.core import HomeAssistant

from . import FlexReadyConfigEntry
from .grid.diagnostics import grid_diagnostics
from .meter.coordinator import MeterCoordinator
from .meter.diagnostics import meter_diagnostics


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of a connection."""
    if isinstance(entry.runtime_data, MeterCoordinator):
        return meter_diagnostics(entry)
    return grid_diagnostics(entry, entry.runtime_data)
