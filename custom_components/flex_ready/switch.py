"""Switches: hands off a building, or one load."""

from collections.abc import Hashable
from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FlexReadyConfigEntry
from .building.coordinator import BuildingCoordinator
from .building.descriptions import BUILDING_SWITCHES, LOAD_SWITCHES, BuildingSwitchDescription, LoadSwitchDescription
from .building.entity import BuildingEntity, LoadEntity, async_add_loads

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the switches of a building."""
    if isinstance(building := entry.runtime_data, BuildingCoordinator):
        async_add_entities(BuildingSwitch(building, row) for row in BUILDING_SWITCHES)
        async_add_loads(building, async_add_entities, LOAD_SWITCHES, LoadSwitch)


class BuildingSwitch(BuildingEntity, SwitchEntity):
    """A switch of a building."""

    entity_description: BuildingSwitchDescription

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn it on."""
        await self.entity_description.set_fn(self.coordinator, True)
        self._handle_coordinator_update()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn it off: what was shed is given back first."""
        await self.entity_description.set_fn(self.coordinator, False)
        self._handle_coordinator_update()

    @override
    def _read(self) -> bool:
        return self.entity_description.value_fn(self.coordinator)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = bool(value)


class LoadSwitch(LoadEntity, SwitchEntity):
    """A switch of a load."""

    entity_description: LoadSwitchDescription

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn it on."""
        await self.entity_description.set_fn(self.coordinator, self.load, True)
        self._handle_coordinator_update()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn it off: the load is given back first, if it is shed."""
        await self.entity_description.set_fn(self.coordinator, self.load, False)
        self._handle_coordinator_update()

    @override
    def _read(self) -> bool:
        return self.entity_description.value_fn(self.coordinator, self.load)

    @override
    def _accept(self, value: Hashable) -> None:
        self._attr_is_on = bool(value)
