"""What the sites of a contract were: one that is deleted is still needed to settle what was activated with it."""

from collections.abc import Mapping, Set as AbstractSet
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER
from ..settlement.sites import Site
from .const import CONF_ENTITY, SUBENTRY_PERIMETER_SITE
from .setup import site_of


class PastSites:
    """Keeps what was said of the sites of one contract."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Know of nothing yet."""
        self._entry = entry
        self._said: dict[str, Mapping[str, Any]] = {}
        self._store: Store[dict[str, Mapping[str, Any]]] = Store(
            hass, 1, f"{DOMAIN}.{entry.entry_id}.sites", private=True, atomic_writes=True
        )

    async def async_load(self) -> None:
        """Take up what was kept, and what is said of the sites now; without the first, nothing is gone."""
        try:
            kept = await self._store.async_load()
        except (HomeAssistantError, OSError, AttributeError, KeyError, NotImplementedError, TypeError) as error:
            LOGGER.warning("What was kept in %s is of no use: %s", self._store.key, error)
            kept = None
        now = {one.subentry_id: one.data for one in self._entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE)}
        self._said = {**(kept if isinstance(kept, dict) else {}), **now}

    @property
    def names(self) -> AbstractSet[str]:
        """The ids of all sites that are known."""
        return self._said.keys()

    @property
    def entities(self) -> AbstractSet[str]:
        """The names of all entities that have sites, or had some that were deleted."""
        there = self._entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE)
        return {one.data[CONF_ENTITY] for one in there} | {site.entity for site in self.gone.values()}

    @property
    def gone(self) -> Mapping[str, Site]:
        """Those that were deleted, as far as what was said of them makes sense."""
        found = {}
        for name, said in self._said.items():
            if name not in self._entry.subentries:
                try:
                    found[name] = site_of(said)
                except (KeyError, TypeError, ValueError) as error:
                    LOGGER.warning("What was kept of a site in %s is of no use: %r", self._store.key, error)
        return found

    async def async_keep(self, members: AbstractSet[str]) -> AbstractSet[str]:
        """Keep the sites that are there, and of the others those that belonged; return those that are let go."""
        useless = self._said.keys() - members - self._entry.subentries.keys()
        self._said = {name: said for name, said in self._said.items() if name not in useless}
        await self._async_save()
        return useless

    async def async_rename(self, entity: str, name: str) -> None:
        """Have the deleted sites of an entity go with it when it gets another name."""
        its = [one for one, site in self.gone.items() if site.entity == entity]
        self._said |= {one: {**self._said[one], CONF_ENTITY: name} for one in its}
        await self._async_save()

    async def _async_save(self) -> None:
        try:
            await self._store.async_save({name: dict(said) for name, said in self._said.items()})
        except (HomeAssistantError, OSError) as error:
            LOGGER.warning("%s cannot be written: %s", self._store.key, error)

    async def async_remove(self) -> None:
        """Leave nothing."""
        await self._store.async_remove()
