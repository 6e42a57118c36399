"""What all entities of a meter share: their device, their availability, and the gate in front of the recorder."""

from collections.abc import Callable
from typing import override

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription

from ..const import CONF_METER, CONF_SERIAL, DOMAIN
from ..gate import Pace
from ..gated import GatedEntity
from .coordinator import MeterConfigEntry, MeterCoordinator
from .makers import maker_of


class MeterEntity(GatedEntity[MeterCoordinator]):
    """An entity of a meter."""

    def __init__(self, coordinator: MeterCoordinator, description: EntityDescription, pace: Pace) -> None:
        """Make an entity of the meter that a coordinator reads."""
        super().__init__(coordinator, pace)
        self.entity_description = description
        entry = coordinator.config_entry
        serial: str | None = entry.data[CONF_SERIAL]
        identity = self.identity(entry)
        self._attr_unique_id = f"{identity}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, identity)},
            translation_key=entry.data[CONF_METER],
            manufacturer=maker_of(serial),
            serial_number=serial,
        )

    @property
    @override
    def _now(self) -> float:
        return self.coordinator.monotonic()

    @staticmethod
    def identity(entry: MeterConfigEntry) -> str:
        """Return what stands for the meter in unique ids: its serial number, where it sends one."""
        serial: str | None = entry.data[CONF_SERIAL]
        return serial or entry.entry_id


@callback
def async_add_as_seen[RowT: EntityDescription](
    entry: MeterConfigEntry,
    platform: str,
    rows: tuple[RowT, ...],
    seen: Callable[[RowT], bool],
    add: Callable[[list[RowT]], None],
) -> None:
    """Add the entities of a table as the meter shows that it has them; those of earlier runs at once."""
    coordinator = entry.runtime_data
    registry = er.async_get(coordinator.hass)
    identity = MeterEntity.identity(entry)
    left = {row.key: row for row in rows}

    @callback
    def look() -> None:
        if fresh := [row for row in left.values() if seen(row)]:
            for row in fresh:
                del left[row.key]
            add(fresh)

    before = [row for row in rows if registry.async_get_entity_id(platform, DOMAIN, f"{identity}_{row.key}")]
    for row in before:
        del left[row.key]
    add(before)
    look()
    entry.async_on_unload(coordinator.async_add_listener(look))
