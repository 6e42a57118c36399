"""The entries that a flow can choose among."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..const import CONF_KIND, DOMAIN, Kind


def entries_of(hass: HomeAssistant, kind: Kind) -> list[ConfigEntry]:
    """Return the entries of a kind; what the user ignores is of none."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    return [entry for entry in entries if entry.data[CONF_KIND] == kind]
