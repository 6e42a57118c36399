"""The actions. Series are answers, never attributes."""

from homeassistant.core import HomeAssistant, callback

from .building import async_setup_building_services
from .conformity import async_setup_conformity_services
from .contract import async_setup_contract_services
from .fleet import async_setup_fleet_services
from .flexibility import async_setup_flexibility_services
from .forecast import async_setup_forecast_services
from .report import async_setup_report_services
from .signals import async_setup_signal_services


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    async_setup_signal_services(hass)
    async_setup_building_services(hass)
    async_setup_flexibility_services(hass)
    async_setup_fleet_services(hass)
    async_setup_contract_services(hass)
    async_setup_report_services(hass)
    async_setup_forecast_services(hass)
    async_setup_conformity_services(hass)
