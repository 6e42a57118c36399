"""What the entities of a building share: its device and those of its loads, and the gate before the recorder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..const import DOMAIN
from ..gate import AT_ONCE, Pace
from ..gated import GatedEntity
from .coordinator import BuildingCoordinator


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


class _Gated(GatedEntity[BuildingCoordinator]):
    entity_description: BuildingDescription

    def __init__(self, coordinator: BuildingCoordinator, description: BuildingDescription, of: str) -> None:
        super().__init__(coordinator, description.pace)
        self.entity_description = description
        self._attr_unique_id = f"{of}_{description.key}"

    @property
    @override
    def _now(self) -> float:
        return self.coordinator.monotonic()

    @property
    @override
    def available(self) -> bool:
        """What tells of the running window is not shown while the meter is silent."""
        return not (self.entity_description.of_window and self.coordinator.data.blind)


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
            via_device_id=building_device(coordinator.hass, entry).id,
        )


def building_device(hass: HomeAssistant, entry: ConfigEntry[BuildingCoordinator]) -> dr.DeviceEntry:
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
