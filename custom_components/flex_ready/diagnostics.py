"""Diagnostics."""

from typing import Any, cast

from homeassistant.core import HomeAssistant

from . import FlexReadyConfigEntry
from .grid.diagnostics import grid_diagnostics
from .meter.coordinator import MeterConfigEntry, MeterCoordinator
from .meter.diagnostics import meter_diagnostics


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of a connection."""
    coordinator = entry.runtime_data
    if isinstance(coordinator, MeterCoordinator):
        return meter_diagnostics(cast("MeterConfigEntry", entry))
    return grid_diagnostics(coordinator)
