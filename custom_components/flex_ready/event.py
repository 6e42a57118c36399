"""Events: a level was reached, an alert announced, a signal received."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FlexReadyConfigEntry
from .grid.changes import AlertWatch, LevelWatch, SignalWatch, Watch
from .grid.ecowatt import EcowattCoordinator
from .grid.entity import GridEntity, SignalCoordinator
from .grid.supplier import SupplierCoordinator

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the events of a signal."""
    match entry.runtime_data:
        case EcowattCoordinator() as ecowatt:
            async_add_entities(
                [
                    GridEvent(ecowatt, "ecowatt_level", LevelWatch(ecowatt)),
                    GridEvent(ecowatt, "ecowatt_alert", AlertWatch(ecowatt)),
                ]
            )
        case SupplierCoordinator() as supplier:
            async_add_entities([GridEvent(supplier, "supplier_signal", SignalWatch(supplier))])


class GridEvent[CoordinatorT: SignalCoordinator](GridEntity[CoordinatorT], EventEntity):
    """An event of a signal; what happened while Home Assistant was down is none."""

    def __init__(self, coordinator: CoordinatorT, key: str, watch: Watch[CoordinatorT]) -> None:
        """Make the event that a watch gives."""
        super().__init__(coordinator, EventEntityDescription(key=key, translation_key=key))
        self._attr_event_types = list(watch.kinds)
        self._watch = watch

    @override
    async def async_added_to_hass(self) -> None:
        """Take what is known now as known."""
        await super().async_added_to_hass()
        list(self._watch.look())

    @property
    @override
    def available(self) -> bool:
        """An event has happened, whether or not the signal is fresh now."""
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        for change in self._watch.look():
            self._trigger_event(change.kind, dict(change.about))
            self.async_write_ha_state()
