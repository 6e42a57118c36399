"""The entry that an action is about."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import selector, service
import probatio

from ..const import DOMAIN

ENTRY: dict[probatio.Marker, object] = {
    probatio.Required(ATTR_CONFIG_ENTRY_ID): selector.ConfigEntrySelector({"integration": DOMAIN}),
}


def coordinator_of[CoordinatorT](call: ServiceCall, kind: type[CoordinatorT]) -> CoordinatorT:
    """Return what runs an entry of a kind; raise ServiceValidationError if that is no such entry, or not loaded."""
    entry: ConfigEntry[object] = service.async_get_config_entry(call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID])
    if not isinstance(entry.runtime_data, kind):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="entry_of_another_kind")
    return entry.runtime_data
