"""Flex Ready: makes a French building flexible for the power system."""

from typing import cast

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, issue_registry as ir
from homeassistant.helpers.typing import ConfigType

from .api import async_register_views
from .building.coordinator import BuildingConfigEntry, BuildingCoordinator
from .building.herald import forget_issues as forget_building_issues
from .building.store import store as building_store
from .const import CONF_KIND, DOMAIN, Kind
from .contract.coordinator import ContractConfigEntry, ContractCoordinator
from .contract.removal import async_forget_contract
from .contract.renames import async_follow_renames
from .desk.opening import Opening, async_forget, issue_of as ledger_issue_of
from .fleet.coordinator import FleetCoordinator
from .fleet.site import FleetConfigEntry
from .fleet.store import store as fleet_store
from .grid.coordinator import GridConfigEntry, GridCoordinator
from .grid.ecowatt import EcowattCoordinator
from .grid.supplier import SupplierCoordinator
from .meter.coordinator import MeterConfigEntry, MeterCoordinator
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

_GRID = [Platform.BINARY_SENSOR, Platform.CALENDAR, Platform.EVENT, Platform.SENSOR]
PLATFORMS = {
    Kind.METER: [Platform.BINARY_SENSOR, Platform.SENSOR],
    Kind.ECOWATT: _GRID,
    Kind.SUPPLIER: _GRID,
    Kind.BUILDING: [
        Platform.BINARY_SENSOR,
        Platform.CALENDAR,
        Platform.EVENT,
        Platform.SELECT,
        Platform.SENSOR,
        Platform.SWITCH,
    ],
    Kind.FLEET: [Platform.BINARY_SENSOR, Platform.EVENT, Platform.SENSOR],
    Kind.CONTRACT: [Platform.BINARY_SENSOR, Platform.CALENDAR, Platform.SENSOR],
}

type Coordinator = (
    MeterCoordinator
    | EcowattCoordinator
    | SupplierCoordinator
    | BuildingCoordinator
    | FleetCoordinator
    | ContractCoordinator
)
type FlexReadyConfigEntry = ConfigEntry[Coordinator]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what no entry owns: the actions, the paths that operators call, and who follows renamed entities."""
    async_setup_services(hass)
    async_register_views(hass)
    async_follow_renames(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> bool:
    """Set up one connection."""
    kind = Kind(entry.data[CONF_KIND])
    coordinator: Coordinator
    match kind:
        case Kind.METER:
            coordinator = MeterCoordinator(hass, cast("MeterConfigEntry", entry))
        case Kind.ECOWATT:
            coordinator = EcowattCoordinator(hass, cast("GridConfigEntry", entry))
        case Kind.SUPPLIER:
            coordinator = SupplierCoordinator(hass, cast("GridConfigEntry", entry))
        case Kind.BUILDING:
            coordinator = BuildingCoordinator(hass, cast("BuildingConfigEntry", entry))
            entry.async_on_unload(entry.add_update_listener(_async_reload))
        case Kind.FLEET:
            coordinator = FleetCoordinator(hass, cast("FleetConfigEntry", entry))
            entry.async_on_unload(entry.add_update_listener(_async_reload))
        case Kind.CONTRACT:
            coordinator = ContractCoordinator(hass, cast("ContractConfigEntry", entry))
            entry.async_on_unload(entry.add_update_listener(_async_reload))
    await coordinator.async_start()
    entry.runtime_data = coordinator
    if isinstance(coordinator, BuildingCoordinator):
        coordinator.on_stop = (opening := Opening(coordinator)).async_close
        await opening.async_open()
        coordinator.begin()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS[kind])
    return True


async def _async_reload(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> None:
    """Take up loads or sites that were added, changed or taken back: of several at a time all at once."""
    if entry.state is not ConfigEntryState.UNLOAD_IN_PROGRESS:  # else it is about to be set up with what is said now
        hass.config_entries.async_schedule_reload(entry.entry_id)


async def async_unload_entry(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> bool:
    """Unload a connection; what it held is free when this returns."""
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS[Kind(entry.data[CONF_KIND])])
    if unloaded:
        await entry.runtime_data.async_stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: FlexReadyConfigEntry) -> None:
    """Leave nothing behind: neither what was kept, nor what the user was told to repair."""
    match Kind(entry.data[CONF_KIND]):
        case Kind.METER:
            MeterCoordinator.forget_issues(hass, entry.entry_id)
        case Kind.ECOWATT:
            EcowattCoordinator.forget_issues(hass, entry.entry_id)
            await GridCoordinator.store(hass, entry.entry_id).async_remove()
        case Kind.SUPPLIER:
            SupplierCoordinator.forget_issues(hass, entry.entry_id)
            await GridCoordinator.store(hass, entry.entry_id).async_remove()
        case Kind.BUILDING:
            forget_building_issues(hass, cast("BuildingConfigEntry", entry))
            ir.async_delete_issue(hass, DOMAIN, ledger_issue_of(entry.entry_id))
            await building_store(hass, entry.entry_id).async_remove()
            await async_forget(hass, cast("BuildingConfigEntry", entry))
        case Kind.FLEET:
            await fleet_store(hass, entry.entry_id).async_remove()
        case Kind.CONTRACT:
            await async_forget_contract(hass, cast("ContractConfigEntry", entry))
