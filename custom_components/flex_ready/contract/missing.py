"""What a contract hangs on and others own, and which of it is not there: deleted, or disabled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..settlement.sites import Site
from .const import (
    CONF_BUILDING,
    CONF_FLEET,
    CONF_INJECTED,
    CONF_METER_ENTRY,
    CONF_OPERATOR,
    CONF_REMOTE_SITE,
    CONF_SOURCE,
    CONF_WITHDRAWN,
    SOURCE_ENTITY,
    SOURCE_METER,
)


class Gone(StrEnum):
    """What became of something."""

    BUILDING_DELETED = "building_deleted"
    BUILDING_DISABLED = "building_disabled"
    OPERATOR_DELETED = "operator_deleted"
    METER_DELETED = "meter_deleted"
    METER_DISABLED = "meter_disabled"
    FLEET_DELETED = "fleet_deleted"
    FLEET_DISABLED = "fleet_disabled"
    REMOTE_SITE_DELETED = "remote_site_deleted"
    ENTITY_DISABLED = "entity_disabled"
    ENTITY_UNKNOWN = "entity_unknown"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not there."""

    gone: Gone
    name: str = ""
    """Of what it is or was part of: the title of an entry, or the id of an entity; empty: nobody knows it any more."""
    site: str = ""
    """The title of the site that is read from it; empty: orders come from it."""


def entity_ids(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the entities that a site is read from, by their keys in its data; nothing if it is read otherwise."""
    if data.get(CONF_SOURCE) != SOURCE_ENTITY:
        return {}
    return {key: data[key] for key in (CONF_WITHDRAWN, CONF_INJECTED) if data.get(key)}


def missing(hass: HomeAssistant, entry: ConfigEntry[Any], sites: Mapping[str, Site], today: date) -> Iterator[Missing]:
    """Give what a contract hangs on and is not there; a site that is out of the perimeter for good needs nothing."""
    building, operator = entry.data.get(CONF_BUILDING), entry.data.get(CONF_OPERATOR)
    if building and operator and (gone := _of_orders(hass, building, operator)):
        yield gone
    for name, site in sites.items():
        stays = site.left is None or today.replace(day=1) < site.left  # it belongs to the end of its last month
        if stays and (subentry := entry.subentries.get(name)) is not None:
            yield from _of_site(hass, subentry)


def _of_orders(hass: HomeAssistant, building: str, operator: str) -> Missing | None:
    entry = hass.config_entries.async_get_entry(building)
    if entry is None:
        return Missing(Gone.BUILDING_DELETED)
    if operator not in entry.subentries:
        return Missing(Gone.OPERATOR_DELETED, entry.title)
    return Missing(Gone.BUILDING_DISABLED, entry.title) if entry.disabled_by else None


def _of_site(hass: HomeAssistant, site: ConfigSubentry) -> Iterator[Missing]:
    data = site.data
    if data[CONF_SOURCE] == SOURCE_ENTITY:
        for name in entity_ids(data).values():
            if gone := _of_entity(hass, name):
                yield Missing(gone, name, site.title)
        return
    metered = data[CONF_SOURCE] == SOURCE_METER
    entry = hass.config_entries.async_get_entry(data[CONF_METER_ENTRY if metered else CONF_FLEET])
    if entry is None:
        yield Missing(Gone.METER_DELETED if metered else Gone.FLEET_DELETED, site=site.title)
    elif not metered and data[CONF_REMOTE_SITE] not in entry.subentries:
        yield Missing(Gone.REMOTE_SITE_DELETED, entry.title, site.title)
    elif entry.disabled_by:
        yield Missing(Gone.METER_DISABLED if metered else Gone.FLEET_DISABLED, entry.title, site.title)


def _of_entity(hass: HomeAssistant, name: str) -> Gone | None:
    """Tell what became of an entity; one without a unique id is not in the registry, and there while it has a state."""
    if (known := er.async_get(hass).async_get(name)) is not None:
        return Gone.ENTITY_DISABLED if known.disabled else None
    return Gone.ENTITY_UNKNOWN if hass.states.get(name) is None else None
