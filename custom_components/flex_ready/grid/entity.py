"""Entities of a signal: written when what they show changes, and only then."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from ..const import CONF_KIND, CONF_REHEARSAL, DOMAIN
from .ecowatt import EcowattCoordinator
from .supplier import SupplierCoordinator

type SignalCoordinator = EcowattCoordinator | SupplierCoordinator


@dataclass(frozen=True, kw_only=True)
class GridDescription[CoordinatorT: SignalCoordinator, ValueT: Hashable](EntityDescription):
    """An entity of a signal: `value_fn` reads what it shows, given the present instant (UTC).

    One that tells how the signal itself is doing is there `always`; the others while the signal is fresh.
    """

    value_fn: Callable[[CoordinatorT, datetime], ValueT]
    always: bool = False


class GridEntity[CoordinatorT: SignalCoordinator](CoordinatorEntity[CoordinatorT]):
    """An entity of a signal. `_read` gives what it shows; it is written where that has changed."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: CoordinatorT, description: EntityDescription) -> None:
        """Make an entity of the signal that a coordinator holds."""
        super().__init__(coordinator)
        self.entity_description = description
        entry = coordinator.config_entry
        kind = entry.data[CONF_KIND]
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            translation_key=f"{kind}_rehearsal" if entry.data.get(CONF_REHEARSAL) else kind,
            entry_type=DeviceEntryType.SERVICE,
            manufacturer=coordinator.manufacturer,
        )
        self._shown: tuple[bool, Hashable] | None = None

    @property
    @override
    def available(self) -> bool:
        """Whether the signal is fresh: what is stale is not shown as the present."""
        return getattr(self.entity_description, "always", False) or self.coordinator.fresh

    def _read(self) -> Hashable:
        """Return what the entity shows, to tell whether it changed; the present state is taken from it."""
        return None

    @override
    async def async_added_to_hass(self) -> None:
        """Take the present value, to be written once the entity is added."""
        await super().async_added_to_hass()
        self._changed()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if self._changed():
            self.async_write_ha_state()

    def _changed(self) -> bool:
        available = self.available
        shown = (available, self._read() if available else None)
        changed, self._shown = shown != self._shown, shown
        return changed
