"""The action that tells which criteria of the Flex Ready referential an installation meets."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import selector
from homeassistant.util import dt as dt_util
import probatio

from ..building.coordinator import BuildingCoordinator
from ..building.words import Words
from ..conformity.gathering import async_report
from ..conformity.probe import ANEW
from ..conformity.telling import told
from ..const import DOMAIN
from .entry import coordinator_of

REPORT_SCHEMA = probatio.Schema(
    {probatio.Optional(ATTR_CONFIG_ENTRY_ID): selector.ConfigEntrySelector({"integration": DOMAIN})}
)


@callback
def async_setup_conformity_services(hass: HomeAssistant) -> None:
    """Register the action."""
    hass.services.async_register(
        DOMAIN, "get_conformity_report", _report, schema=REPORT_SCHEMA, supports_response=SupportsResponse.ONLY
    )


async def _report(call: ServiceCall) -> ServiceResponse:
    """Judge the installation around a building now."""
    building = _building(call)
    report = await async_report(building, ANEW)
    words = await Words.async_load(call.hass, building.zone)
    return told(report, words, building.name, dt_util.utcnow().astimezone(building.zone))


def _building(call: ServiceCall) -> BuildingCoordinator:
    """Return the building that is meant, or the only one; raise ServiceValidationError."""
    if ATTR_CONFIG_ENTRY_ID in call.data:
        return coordinator_of(call, BuildingCoordinator)
    found = [
        entry.runtime_data
        for entry in call.hass.config_entries.async_entries(DOMAIN)
        if entry.state is ConfigEntryState.LOADED and isinstance(entry.runtime_data, BuildingCoordinator)
    ]
    if len(found) != 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="several_buildings" if found else "no_building"
        )
    return found[0]
