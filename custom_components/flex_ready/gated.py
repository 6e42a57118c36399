"""An entity with a gate between what it knows and what Home Assistant records (docs/adr/0004)."""

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any, override

from homeassistant.core import callback
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator

from .gate import Gate, Pace

_UNAVAILABLE = object()


class GatedEntity[CoordinatorT: DataUpdateCoordinator[Any]](CoordinatorEntity[CoordinatorT]):
    """An entity whose `_read` gives its present value; it is written when its gate lets it pass."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: CoordinatorT, pace: Pace) -> None:
        """Make an entity that is written at a pace."""
        super().__init__(coordinator)
        self._gate = Gate(pace)

    @property
    @abstractmethod
    def _now(self) -> float:
        """The time that gates go by (monotonic, s)."""

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

    @override
    async def async_update(self) -> None:
        """Ask for nothing: what there is to know comes by itself."""

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if it is due."""
        if self._pass():
            self.async_write_ha_state()

    def _pass(self) -> bool:
        available = self.available
        value = self._read() if available else _UNAVAILABLE
        if not self._gate.passes(value, self._now):
            return False
        if available:
            self._accept(value)
        return True
