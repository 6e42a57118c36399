"""An entity that a site is read from may be renamed, also while its contract is not loaded: the site follows it."""

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.entity_registry import EVENT_ENTITY_REGISTRY_UPDATED, EventEntityRegistryUpdatedData

from ..const import CONF_KIND, DOMAIN, Kind
from .const import SUBENTRY_PERIMETER_SITE
from .missing import entity_ids


@callback
def async_follow_renames(hass: HomeAssistant) -> None:
    """Write new ids of entities into the sites of all contracts; those that are loaded are loaded anew for that."""

    @callback
    def updated(event: Event[EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] == "update" and "old_entity_id" in data:
            _rename(hass, data["old_entity_id"], data["entity_id"])

    hass.bus.async_listen(EVENT_ENTITY_REGISTRY_UPDATED, updated)


def _rename(hass: HomeAssistant, old: str, new: str) -> None:
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.data.get(CONF_KIND) != Kind.CONTRACT:
            continue
        for site in entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE):
            if renamed := {key: new for key, name in entity_ids(site.data).items() if name == old}:
                hass.config_entries.async_update_subentry(entry, site, data={**site.data, **renamed})
