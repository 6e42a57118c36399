"""What the entities of assets and of operators share: their devices, behind that of the building, and the gate."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..building.coordinator import BuildingCoordinator
from ..building.entity import building_device, identifier, load_of_device
from ..flexibility.record import RequestRecord
from ..gate import AT_ONCE, Pace
from ..gated import GatedEntity
from .assets import AssetSetup, whole
from .const import CONF_ASSET_ID, SUBENTRY_ASSET, SUBENTRY_OPERATOR
from .desk import Desk


@dataclass(frozen=True, kw_only=True)
class DeskDescription(EntityDescription):
    """An entity of an asset, or of an operator."""

    pace: Pace = AT_ONCE


class _DeskEntity(GatedEntity[BuildingCoordinator]):
    entity_description: DeskDescription

    def __init__(
        self, building: BuildingCoordinator, description: DeskDescription, subentry_id: str, title: str
    ) -> None:
        super().__init__(building, description.pace)
        self.entity_description = description
        entry = building.config_entry
        device = identifier(entry.entry_id, subentry_id)
        self._attr_unique_id = f"{device[1]}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={device},
            name=title,
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=building_device(building.hass, entry).id,
        )

    @property
    @override
    def _now(self) -> float:
        return self.coordinator.monotonic()

    @property
    @override
    def available(self) -> bool:
        """Nothing is known of requests while the ledger cannot be read."""
        return self.coordinator.desk is not None

    @override
    def _read(self) -> Hashable:
        desk = self.coordinator.desk
        assert desk is not None
        return self._value(desk)

    @abstractmethod
    def _value(self, desk: Desk) -> Hashable:
        """Return the present value."""


class AssetEntity(_DeskEntity):
    """An entity of an asset."""

    def __init__(self, building: BuildingCoordinator, description: DeskDescription, setup: AssetSetup) -> None:
        """Make an entity of an asset."""
        super().__init__(building, description, setup.subentry_id, setup.title)
        self.asset_id = setup.asset_id

    def shown(self, desk: Desk) -> RequestRecord | None:
        """Return which of its requests to show."""
        return desk.shown.of(self.asset_id, desk.now())


class OperatorEntity(_DeskEntity):
    """An entity of an operator."""

    def __init__(
        self, building: BuildingCoordinator, description: DeskDescription, operator_id: str, title: str
    ) -> None:
        """Make an entity of an operator, by its subentry's id."""
        super().__init__(building, description, operator_id, title)
        self.operator_id = operator_id


def asset_of_device(hass: HomeAssistant, device_id: str) -> tuple[str, str] | None:
    """Return the entry of the asset that a device is, and what operators call it."""
    entry_id, subentry_id = load_of_device(hass, device_id) or ("", "")
    entry = hass.config_entries.async_get_entry(entry_id)
    subentry = None if entry is None else entry.subentries.get(subentry_id)
    if subentry is None or subentry.subentry_type != SUBENTRY_ASSET:
        return None
    return entry_id, subentry.data[CONF_ASSET_ID]


def setups_of(building: BuildingCoordinator) -> Iterable[AssetSetup]:
    """Return the assets of a building, whether or not its desk is open."""
    subentries = building.config_entry.get_subentries_of_type(SUBENTRY_ASSET)
    return whole(map(AssetSetup.of, subentries), building.handovers).values()


@callback
def async_add_assets[RowT](
    building: BuildingCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: Iterable[RowT],
    make: Callable[[BuildingCoordinator, RowT, AssetSetup], Entity],
) -> None:
    """Add the entities of a table for each asset, to its own subentry."""
    rows = tuple(rows)
    for setup in setups_of(building):
        async_add_entities([make(building, row, setup) for row in rows], config_subentry_id=setup.subentry_id)


@callback
def async_add_operators[RowT](
    building: BuildingCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: Iterable[RowT],
    make: Callable[[BuildingCoordinator, RowT, str, str], Entity],
) -> None:
    """Add the entities of a table for each operator, to its own subentry."""
    rows = tuple(rows)
    for operator in building.config_entry.get_subentries_of_type(SUBENTRY_OPERATOR):
        name = operator.subentry_id
        async_add_entities([make(building, row, name, operator.title) for row in rows], config_subentry_id=name)
