"""What the entities of a building share: its device and those of its loads, and the gate before the recorder."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from ..const import DOMAIN
from ..meter.gate import AT_ONCE, Gate, Pace
from .coordinator import BuildingCoordinator

_UNAVAILABLE = object()


@dataclass(frozen=True, kw_only=True)
class BuildingDescription(EntityDescription):
    """An entity of a building, or of a load; one that tells of the running window is there while the meter is heard."""

    of_window: bool = False
    pace: Pace = AT_ONCE


def identifier(entry_id: str, load: str) -> tuple[str, str]:
    """Return what the device of a load is known by."""
    return DOMAIN, f"{entry_id}_{load}"


def load_of_device(hass: HomeAssistant, device_id: str) -> tuple[str, str] | None:
    """Return the entry and the subentry of the load that a device is."""
    device = dr.async_get(hass).async_get(device_id)
    if not isinstance(device, dr.DeviceEntry):
        return None
    entry_id, load = device.config_entry_id, device.config_subentry_id
    if load is None or identifier(entry_id, load) not in device.identifiers:
        return None
    return entry_id, load


class _Gated(CoordinatorEntity[BuildingCoordinator]):
    """An entity whose `_read` gives its present value; it is written when its gate lets it pass."""

    _attr_has_entity_name = True
    entity_description: BuildingDescription

    def __init__(self, coordinator: BuildingCoordinator, description: BuildingDescription, of: str) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{of}_{description.key}"
        self._gate = Gate(description.pace)

    @property
    @override
    def available(self) -> bool:
        """What tells of the running window is not shown while the meter is silent."""
        return not (self.entity_description.of_window and self.coordinator.data.blind)

    @abstractmethod
    def _read(self) -> Hashable:
        """Return the present value."""

    @abstractmethod
    def _accept(self, value: Hashable) -> None:
        """Make a value that passed the gate the entity's state."""

    @override
    async def async_added_to_hass(self) -> None:
        """Take the present value, to be written once the entity is added."""
        await super().async_added_to_hass()
        self._pass()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if self._pass():
            self.async_write_ha_state()

    def _pass(self) -> bool:
        available = self.available
        value = self._read() if available else _UNAVAILABLE
        if not self._gate.passes(value, self.coordinator.monotonic()):
            return False
        if available:
            self._accept(value)
        return True


class BuildingEntity(_Gated):
    """An entity of a building."""

    def __init__(self, coordinator: BuildingCoordinator, description: BuildingDescription) -> None:
        """Make an entity of the building that a coordinator runs."""
        entry = coordinator.config_entry
        super().__init__(coordinator, description, entry.entry_id)
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)}, name=entry.title, entry_type=DeviceEntryType.SERVICE
        )


class LoadEntity(_Gated):
    """An entity of a load."""

    def __init__(self, coordinator: BuildingCoordinator, description: BuildingDescription, load: str) -> None:
        """Make an entity of a load, by its subentry's id."""
        entry = coordinator.config_entry
        super().__init__(coordinator, description, f"{entry.entry_id}_{load}")
        self.load = load
        self._attr_device_info = DeviceInfo(
            identifiers={identifier(entry.entry_id, load)},
            name=coordinator.handovers[load].title,
            via_device_id=_building_device(coordinator.hass, entry).id,
        )


def _building_device(hass: HomeAssistant, entry: ConfigEntry[BuildingCoordinator]) -> dr.DeviceEntry:
    """Return the device of a building: it has to be there before those of its loads."""
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        entry_type=DeviceEntryType.SERVICE,
    )


@callback
def async_add_loads[RowT](
    coordinator: BuildingCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: Iterable[RowT],
    make: Callable[[BuildingCoordinator, RowT, str], Entity],
) -> None:
    """Add the entities of a table for each load, to its own subentry."""
    rows = tuple(rows)
    for load in coordinator.handovers:
        async_add_entities([make(coordinator, row, load) for row in rows], config_subentry_id=load)
