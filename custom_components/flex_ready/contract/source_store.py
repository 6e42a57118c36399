"""Where it is kept how far the sources of a contract's readings have come, and what waits for its ledger.

Both are kept together: what a source told is none of its half-hours any more.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER
from .source import Kept

_SAVE_S = 2
"""After a step is complete, of whichever source: they come together."""


class Keeper(Protocol):
    """What knows something that is needed after a restart."""

    def kept(self) -> Kept:
        """Return what that is."""


class SourceStore:
    """Keeps what has to be known of one contract's readings after a restart."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know of nothing yet."""
        self._kept: Mapping[str, Any] = {}
        self._keepers: dict[str, Keeper] = {}
        self._store: Store[dict[str, Any]] = Store(
            hass, 1, f"{DOMAIN}.{entry_id}.sources", private=True, atomic_writes=True
        )

    async def async_load(self) -> None:
        """Take up what was kept; without it, the half-hour that runs is missing."""
        try:
            kept = await self._store.async_load()
        except (HomeAssistantError, OSError, AttributeError, KeyError, NotImplementedError, TypeError) as error:
            LOGGER.warning("What was kept in %s is of no use: %s", self._store.key, error)
            return
        self._kept = self._mapping(kept) or {}

    def of(self, name: str) -> Kept | None:
        """Return what was kept by a name; None: nothing."""
        return self._mapping(self._kept.get(name))

    def keep(self, name: str, keeper: Keeper) -> None:
        """Have what something knows kept by a name from now on."""
        self._keepers[name] = keeper

    @callback
    def save_soon(self) -> None:
        """Write it, when all that ends with a step has ended."""
        self._store.async_delay_save(self._to_dict, _SAVE_S)

    async def async_save(self) -> None:
        """Write it now."""
        try:
            await self._store.async_save(self._to_dict())
        except (HomeAssistantError, OSError) as error:
            LOGGER.warning("%s cannot be written: %s", self._store.key, error)

    async def async_remove(self) -> None:
        """Leave nothing."""
        await self._store.async_remove()

    @callback
    def _to_dict(self) -> dict[str, Any]:
        return {name: keeper.kept() for name, keeper in self._keepers.items()}

    def _mapping(self, kept: object) -> Mapping[str, Any] | None:
        if kept is None or isinstance(kept, Mapping):
            return kept
        LOGGER.warning("What was kept in %s makes no sense: %.100r", self._store.key, kept)
        return None
