"""Where it is kept what the loads of a building draw from day to day."""

from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER
from .habits import Habits

_SAVE_S = 900


class HabitStore:
    """Keeps the habits of the loads of one building."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know of nothing yet."""
        self.habits = Habits()
        self._store: Store[dict[str, Any]] = Store(
            hass, 1, f"{DOMAIN}.{entry_id}.habits", private=True, atomic_writes=True
        )

    async def async_load(self, loads: frozenset[str]) -> None:
        """Take up what was learned of some loads; what cannot be read is learned anew."""
        try:
            kept = await self._store.async_load()
        except (HomeAssistantError, NotImplementedError) as error:
            LOGGER.warning("What was kept in %s is of no use: %s", self._store.key, error)
            return
        self.habits.take_up(kept, loads)

    @callback
    def save_soon(self) -> None:
        """Write it, in a while."""
        self._store.async_delay_save(self.habits.to_dict, _SAVE_S)

    async def async_save(self) -> None:
        """Write it now; it is no great loss if that does not work."""
        try:
            await self._store.async_save(self.habits.to_dict())
        except (HomeAssistantError, OSError) as error:
            LOGGER.warning("%s cannot be written: %s", self._store.key, error)

    async def async_remove(self) -> None:
        """Leave nothing."""
        await self._store.async_remove()
