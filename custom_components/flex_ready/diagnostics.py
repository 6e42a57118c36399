"""Diagnostics."""

from typing import Any, cast

from homeassistant.core import HomeAssistant

from . import FlexReadyConfigEntry
from .api.views import refused_calls
from .building.coordinator import BuildingCoordinator
from .building.diagnostics import building_diagnostics
from .contract.coordinator import ContractCoordinator
from .contract.diagnostics import contract_diagnostics
from .desk.diagnostics import desk_diagnostics
from .fleet.coordinator import FleetCoordinator
from .fleet.diagnostics import fleet_diagnostics
from .grid.diagnostics import grid_diagnostics
from .meter.coordinator import MeterConfigEntry, MeterCoordinator
from .meter.diagnostics import meter_diagnostics


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of a connection."""
    match entry.runtime_data:
        case MeterCoordinator():
            return meter_diagnostics(cast("MeterConfigEntry", entry))
        case BuildingCoordinator() as building:
            return building_diagnostics(building) | {"desk": desk_diagnostics(building.desk, refused_calls(hass))}
        case FleetCoordinator() as fleet:
            return fleet_diagnostics(fleet)
        case ContractCoordinator() as contract:
            return contract_diagnostics(contract)
        case signal:
            return grid_diagnostics(signal)
