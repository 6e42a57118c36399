"""Choices: what a building does."""

from collections.abc import Hashable
from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FlexReadyConfigEntry
from .building.coordinator import BuildingCoordinator
from .building.descriptions import BUILDING_SELECTS, BuildingSelectDescription
from .building.entity import BuildingEntity

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the choices of a building."""
    if isinstance(building := entry.runtime_data, BuildingCoordinator):
        async_add_entities(BuildingSelect(building, row) for row in BUILDING_SELECTS)


class BuildingSelect(BuildingEntity, SelectEntity):
    """A choice of a building."""

    entity_description: BuildingSelectDescription

    @override
    async def async_select_option(self, option: str) -> None:
        """Choose."""
        await self.entity_description.set_fn(self.coordinator, option)
        self._handle_coordinator_update()

    @override
    def _read(self) -> str:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_current_option = str(value)
