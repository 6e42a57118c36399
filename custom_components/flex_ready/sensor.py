"""Sensors."""

from collections.abc import Hashable
from typing import cast, override

from homeassistant.components.sensor import RestoreSensor, SensorDeviceClass, SensorEntity
from homeassistant.const import Platform, UnitOfApparentPower, UnitOfPower
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FlexReadyConfigEntry
from .building.coordinator import BuildingCoordinator
from .building.descriptions import BUILDING_SENSORS, LOAD_SENSORS, BuildingSensorDescription, LoadSensorDescription
from .building.entity import BuildingEntity, LoadEntity, async_add_loads
from .conformity.entity import CONFORMITY_SENSORS, ConformitySensor
from .contract.coordinator import ContractCoordinator
from .contract.descriptions import CONTRACT_SENSORS, ContractSensorDescription
from .contract.entity import ContractEntity
from .desk.assets import AssetSetup
from .desk.descriptions import ASSET_SENSORS, OPERATOR_SENSORS, AssetSensorDescription, OperatorSensorDescription
from .desk.desk import Desk
from .desk.entity import AssetEntity, OperatorEntity, async_add_assets, async_add_operators
from .fleet.coordinator import FleetCoordinator
from .fleet.descriptions import (
    REMOTE_ASSET_SENSORS,
    SITE_SENSORS,
    RemoteAssetSensorDescription,
    SiteSensorDescription,
)
from .fleet.entity import RemoteAssetEntity, SiteEntity, async_add_remote_assets, async_add_sites
from .gate import MINUTE_S
from .grid.descriptions import GridSensorDescription, SensorValue as GridSensorValue
from .grid.ecowatt import EcowattCoordinator
from .grid.ecowatt_descriptions import ECOWATT_SENSORS
from .grid.entity import GridEntity, SignalCoordinator
from .grid.supplier import SupplierCoordinator
from .grid.supplier_descriptions import SUPPLIER_SENSORS
from .meter.coordinator import MeterConfigEntry, MeterCoordinator
from .meter.descriptions import SENSORS, MeterSensorDescription, SensorValue, index_sensor
from .meter.entity import MeterEntity, async_add_as_seen

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the sensors of a connection."""
    match entry.runtime_data:
        case MeterCoordinator():
            _async_add_meter(hass, cast("MeterConfigEntry", entry), async_add_entities)
        case EcowattCoordinator() as ecowatt:
            async_add_entities(GridSensor(ecowatt, row) for row in ECOWATT_SENSORS)
        case SupplierCoordinator() as supplier:
            async_add_entities(GridSensor(supplier, row) for row in SUPPLIER_SENSORS)
        case BuildingCoordinator() as building:
            async_add_entities(BuildingSensor(building, row) for row in BUILDING_SENSORS)
            async_add_entities(ConformitySensor(building, row) for row in CONFORMITY_SENSORS)
            async_add_loads(building, async_add_entities, LOAD_SENSORS, LoadSensor)
            async_add_assets(building, async_add_entities, ASSET_SENSORS, AssetSensor)
            async_add_operators(building, async_add_entities, OPERATOR_SENSORS, OperatorSensor)
        case FleetCoordinator() as fleet:
            async_add_sites(fleet, async_add_entities, SITE_SENSORS, SiteSensor)
            async_add_remote_assets(fleet, async_add_entities, REMOTE_ASSET_SENSORS, RemoteAssetSensor)
        case ContractCoordinator() as contract:
            reserved = contract.setup.terms.reserved
            rows = [row for row in CONTRACT_SENSORS if reserved or not row.reserved]
            async_add_entities(ContractSensor(contract, row) for row in rows)


@callback
def _async_add_meter(
    hass: HomeAssistant, entry: MeterConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of a meter, and those that appear later."""
    coordinator = entry.runtime_data
    async_add_as_seen(
        entry,
        Platform.SENSOR,
        SENSORS,
        lambda row: row.value_fn(coordinator.data) is not None,
        lambda rows: async_add_entities(MeterSensor(coordinator, row, row.pace) for row in rows),
    )
    _async_add_indexes(hass, entry, async_add_entities)


def _async_add_indexes(
    hass: HomeAssistant, entry: MeterConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the energy indexes: those of the periods seen in earlier runs, then each that its period brings."""
    coordinator = entry.runtime_data
    added: set[str] = set()
    identity = MeterEntity.identity(entry)
    static = {row.key for row in SENSORS}
    before = [
        key
        for registered in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if (key := registered.unique_id.removeprefix(f"{identity}_")).startswith("energy_") and key not in static
    ]

    @callback
    def add(found: dict[str, str]) -> None:
        fresh = {key: name for key, name in found.items() if key not in added}
        added.update(fresh)
        async_add_entities(
            MeterIndex(coordinator, row, row.pace) for key, name in fresh.items() for row in (index_sensor(key, name),)
        )

    @callback
    def look() -> None:
        book = coordinator.data.book.indexes
        if book.keys() - added:
            add({key: index.name for key, index in book.items()})

    look()  # first: the meter may have a name of its own for a period
    add({key: key.rpartition("_")[2].upper() for key in before})
    entry.async_on_unload(coordinator.async_add_listener(look))


class MeterSensor(MeterEntity, SensorEntity):
    """A value of a meter."""

    entity_description: MeterSensorDescription

    @override
    def _read(self) -> SensorValue:
        return self.entity_description.value_fn(self.coordinator.data)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _read gave


class MeterIndex(MeterSensor, RestoreSensor):
    """An energy index of one tariff period: it keeps its value while other periods run, and across restarts."""

    _restored: SensorValue = None

    @override
    async def async_added_to_hass(self) -> None:
        """Take up the value of the last run until the meter sends this period's again."""
        if (last := await self.async_get_last_sensor_data()) is not None and isinstance(last.native_value, int | float):
            self._restored = last.native_value
        await super().async_added_to_hass()

    @override
    def _read(self) -> SensorValue:
        now = super()._read()
        return self._restored if now is None else now


class BuildingSensor(BuildingEntity, SensorEntity):
    """A value of a building; its powers are in the unit of the subscribed power."""

    entity_description: BuildingSensorDescription

    @property
    @override
    def device_class(self) -> SensorDeviceClass | None:
        """Apparent power where the subscribed power is in kVA."""
        if not self.entity_description.power:
            return self.entity_description.device_class
        return SensorDeviceClass.APPARENT_POWER if self.coordinator.link.in_kva else SensorDeviceClass.POWER

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        """As the device class has it."""
        if not self.entity_description.power:
            return self.entity_description.native_unit_of_measurement
        in_kva = self.coordinator.link.in_kva
        return UnitOfApparentPower.KILO_VOLT_AMPERE if in_kva else UnitOfPower.KILO_WATT

    @override
    def _read(self) -> Hashable:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _read gave


class LoadSensor(LoadEntity, SensorEntity):
    """A value of a load."""

    entity_description: LoadSensorDescription

    @override
    def _read(self) -> Hashable:
        return self.entity_description.value_fn(self.coordinator, self.load)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _read gave


class SiteSensor(SiteEntity, SensorEntity):
    """A value of a remote site."""

    entity_description: SiteSensorDescription

    @override
    def _read(self) -> Hashable:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _read gave


class RemoteAssetSensor(RemoteAssetEntity, SensorEntity):
    """A value of a remote asset."""

    entity_description: RemoteAssetSensorDescription

    @property
    @override
    def available(self) -> bool:
        """What an asset can give is shown while its site answers."""
        return self.coordinator.reachable is True or not self.entity_description.live

    @override
    def _read(self) -> Hashable:
        return self.entity_description.value_fn(self.coordinator, self.place)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _read gave


class ContractSensor(ContractEntity, SensorEntity):
    """A value of a contract."""

    entity_description: ContractSensorDescription

    @override
    def _read(self) -> Hashable:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _read gave


class AssetSensor(AssetEntity, SensorEntity):
    """A value of an asset."""

    entity_description: AssetSensorDescription

    def __init__(self, building: BuildingCoordinator, description: AssetSensorDescription, setup: AssetSetup) -> None:
        """Make a sensor of an asset."""
        super().__init__(building, description, setup)
        self._minute = -1

    @override
    def _value(self, desk: Desk) -> Hashable:
        row, minute = self.entity_description, int(self._now // MINUTE_S)
        if row.costly and minute == self._minute:
            return self._attr_native_value
        self._minute = minute
        return row.value_fn(desk, self.asset_id, self.shown(desk))

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _value gave


class OperatorSensor(OperatorEntity, SensorEntity):
    """A value of an operator."""

    entity_description: OperatorSensorDescription

    @override
    def _value(self, desk: Desk) -> Hashable:
        return self.entity_description.value_fn(desk, self.operator_id)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_native_value = value  # type: ignore[assignment] # it is what _value gave


class GridSensor[CoordinatorT: SignalCoordinator](GridEntity[CoordinatorT], SensorEntity):
    """A value of a signal."""

    entity_description: GridSensorDescription[CoordinatorT]

    @override
    def _read(self) -> GridSensorValue:
        self._attr_native_value = value = self.entity_description.value_fn(self.coordinator, self.coordinator.now())
        return value
