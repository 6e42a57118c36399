"""Binary sensors."""

from collections.abc import Hashable
from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .meter.binary_descriptions import BINARY_SENSORS, MeterBinarySensorDescription
from .meter.coordinator import MeterConfigEntry
from .meter.entity import MeterEntity, async_add_as_seen
from .meter.gate import AT_ONCE

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: MeterConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the binary sensors of a meter, and those that appear later."""
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
