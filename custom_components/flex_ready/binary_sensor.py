"""Binary sensors."""

from collections.abc import Hashable
from typing import cast, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FlexReadyConfigEntry
from .building.coordinator import BuildingCoordinator
from .building.descriptions import (
    BUILDING_BINARY_SENSORS,
    LOAD_BINARY_SENSORS,
    BuildingBinarySensorDescription,
    LoadBinarySensorDescription,
)
from .building.entity import BuildingEntity, LoadEntity, async_add_loads
from .contract.coordinator import ContractCoordinator
from .contract.descriptions import (
    CONTRACT_BINARY_SENSORS,
    PERIMETER_SITE_BINARY_SENSORS,
    ContractBinarySensorDescription,
    SiteBinarySensorDescription as PerimeterSiteBinarySensorDescription,
)
from .contract.entity import ContractEntity, PerimeterSiteEntity, async_add_perimeter_sites
from .desk.descriptions import (
    ASSET_BINARY_SENSORS,
    OPERATOR_BINARY_SENSORS,
    AssetBinarySensorDescription,
    OperatorBinarySensorDescription,
)
from .desk.desk import Desk
from .desk.entity import AssetEntity, OperatorEntity, async_add_assets, async_add_operators
from .fleet.coordinator import FleetCoordinator
from .fleet.descriptions import SITE_BINARY_SENSORS, SiteBinarySensorDescription
from .fleet.entity import SiteEntity, async_add_sites
from .gate import AT_ONCE
from .grid.descriptions import GridBinarySensorDescription
from .grid.ecowatt import EcowattCoordinator
from .grid.ecowatt_descriptions import ECOWATT_BINARY_SENSORS
from .grid.entity import GridEntity, SignalCoordinator
from .grid.supplier import SupplierCoordinator
from .grid.supplier_descriptions import SUPPLIER_BINARY_SENSORS
from .meter.binary_descriptions import BINARY_SENSORS, MeterBinarySensorDescription
from .meter.coordinator import MeterConfigEntry, MeterCoordinator
from .meter.entity import MeterEntity, async_add_as_seen

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the binary sensors of a connection."""
    match entry.runtime_data:
        case MeterCoordinator():
            _async_add_meter(cast("MeterConfigEntry", entry), async_add_entities)
        case EcowattCoordinator() as ecowatt:
            async_add_entities(GridBinarySensor(ecowatt, row) for row in ECOWATT_BINARY_SENSORS)
        case SupplierCoordinator() as supplier:
            async_add_entities(GridBinarySensor(supplier, row) for row in SUPPLIER_BINARY_SENSORS)
        case BuildingCoordinator() as building:
            async_add_entities(BuildingBinarySensor(building, row) for row in BUILDING_BINARY_SENSORS)
            async_add_loads(building, async_add_entities, LOAD_BINARY_SENSORS, LoadBinarySensor)
            async_add_assets(building, async_add_entities, ASSET_BINARY_SENSORS, AssetBinarySensor)
            async_add_operators(building, async_add_entities, OPERATOR_BINARY_SENSORS, OperatorBinarySensor)
        case FleetCoordinator() as fleet:
            async_add_sites(fleet, async_add_entities, SITE_BINARY_SENSORS, SiteBinarySensor)
        case ContractCoordinator() as contract:
            async_add_entities(ContractBinarySensor(contract, row) for row in CONTRACT_BINARY_SENSORS)
            async_add_perimeter_sites(
                contract, async_add_entities, PERIMETER_SITE_BINARY_SENSORS, PerimeterSiteBinarySensor
            )


@callback
def _async_add_meter(entry: MeterConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add the binary sensors of a meter, and those that appear later."""
    coordinator = entry.runtime_data
    async_add_as_seen(
        entry,
        Platform.BINARY_SENSOR,
        BINARY_SENSORS,
        lambda row: row.value_fn(coordinator.data) is not None,
        lambda rows: async_add_entities(MeterBinarySensor(coordinator, row, AT_ONCE) for row in rows),
    )


class MeterBinarySensor(MeterEntity, BinarySensorEntity):
    """A state of a meter."""

    entity_description: MeterBinarySensorDescription

    @override
    def _read(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator.data)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class BuildingBinarySensor(BuildingEntity, BinarySensorEntity):
    """A state of a building."""

    entity_description: BuildingBinarySensorDescription

    @override
    def _read(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class LoadBinarySensor(LoadEntity, BinarySensorEntity):
    """A state of a load."""

    entity_description: LoadBinarySensorDescription

    @override
    def _read(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator, self.load)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class SiteBinarySensor(SiteEntity, BinarySensorEntity):
    """A state of a remote site."""

    entity_description: SiteBinarySensorDescription

    @override
    def _read(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class ContractBinarySensor(ContractEntity, BinarySensorEntity):
    """A state of a contract."""

    entity_description: ContractBinarySensorDescription

    @override
    def _read(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class PerimeterSiteBinarySensor(PerimeterSiteEntity, BinarySensorEntity):
    """A state of a site of a perimeter."""

    entity_description: PerimeterSiteBinarySensorDescription

    @override
    def _read(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator, self.site)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class AssetBinarySensor(AssetEntity, BinarySensorEntity):
    """A state of an asset."""

    entity_description: AssetBinarySensorDescription

    @override
    def _value(self, desk: Desk) -> bool:
        return self.entity_description.value_fn(self.shown(desk))

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = bool(value)


class OperatorBinarySensor(OperatorEntity, BinarySensorEntity):
    """A state of an operator."""

    entity_description: OperatorBinarySensorDescription

    @override
    def _value(self, desk: Desk) -> bool | None:
        return self.entity_description.value_fn(desk, self.operator_id)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = None if value is None else bool(value)


class GridBinarySensor[CoordinatorT: SignalCoordinator](GridEntity[CoordinatorT], BinarySensorEntity):
    """A state of a signal."""

    entity_description: GridBinarySensorDescription[CoordinatorT]

    @override
    def _read(self) -> bool | None:
        self._attr_is_on = is_on = self.entity_description.value_fn(self.coordinator, self.coordinator.now())
        return is_on
