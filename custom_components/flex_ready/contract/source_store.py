"""Where it is kept how far the sources of a contract's readings have come."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER
from .source import Kept, Source

_SAVE_S = 2
"""After a step is complete, of whichever source: they come together."""


class SourceStore:
    """Keeps what the sources of one contract have to know after a restart."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know of nothing yet."""
        self._kept: Mapping[str, Any] = {}
        self._sources: dict[str, Source] = {}
        self._store: Store[dict[str, Any]] = Store(
            hass, 1, f"{DOMAIN}.{entry_id}.sources", private=True, atomic_writes=True
        )

    async def async_load(self) -> None:
        """Take up what was kept; without it, the half-hour that runs is missing."""
        try:
            self._kept = await self._store.async_load() or {}
        except (HomeAssistantError, NotImplementedError) as error:
            LOGGER.warning("What was kept in %s is of no use: %s", self._store.key, error)

    def of(self, site: str) -> Kept | None:
        """Return what was kept for a site; None: nothing."""
        kept = self._kept.get(site)
        return kept if isinstance(kept, Mapping) else None

    def keep(self, site: str, source: Source) -> None:
        """Have the source of a site kept from now on."""
        self._sources[site] = source

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
        return {site: source.kept() for site, source in self._sources.items()}
