"""Config flow: the menu of what can be added. Each kind has its own flow in flows/."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult, ConfigSubentryFlow
from homeassistant.core import callback

from .building.const import SUBENTRY_LOAD
from .const import CONF_KIND, DOMAIN, Kind
from .contract.const import SUBENTRY_AVAILABILITY, SUBENTRY_PERIMETER_SITE
from .desk.const import SUBENTRY_ASSET, SUBENTRY_OPERATOR
from .fleet.const import SUBENTRY_SITE
from .flows.asset import AssetFlow
from .flows.availability import AvailabilityFlow
from .flows.building import BuildingFlow
from .flows.contract import ContractFlow
from .flows.ecowatt import EcowattFlow
from .flows.fleet import FleetFlow
from .flows.load import LoadFlow
from .flows.meter import MeterFlow
from .flows.operator import OperatorFlow
from .flows.perimeter_site import PerimeterSiteFlow
from .flows.site import SiteFlow
from .flows.supplier import SupplierFlow


class FlexReadyConfigFlow(
    MeterFlow, EcowattFlow, SupplierFlow, BuildingFlow, FleetFlow, ContractFlow, ConfigFlow, domain=DOMAIN
):
    """Adds a connection of Flex Ready."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to an entry of a kind; an ignored one has none."""
        match config_entry.data.get(CONF_KIND):
            case Kind.BUILDING:
                return {SUBENTRY_LOAD: LoadFlow, SUBENTRY_ASSET: AssetFlow, SUBENTRY_OPERATOR: OperatorFlow}
            case Kind.FLEET:
                return {SUBENTRY_SITE: SiteFlow}
            case Kind.CONTRACT:
                return {SUBENTRY_PERIMETER_SITE: PerimeterSiteFlow, SUBENTRY_AVAILABILITY: AvailabilityFlow}
            case _:
                return {}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to add."""
        return self.async_show_menu(step_id="user", menu_options=list(Kind))

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the connection of an entry."""
        match Kind(self._get_reconfigure_entry().data[CONF_KIND]):
            case Kind.METER:
                return await self.async_step_reconfigure_meter(user_input)
            case Kind.ECOWATT:
                return await self.async_step_reconfigure_ecowatt(user_input)
            case Kind.SUPPLIER:
                return await self.async_step_reconfigure_supplier(user_input)
            case Kind.BUILDING:
                return await self.async_step_reconfigure_building(user_input)
            case Kind.FLEET:
                return await self.async_step_reconfigure_fleet(user_input)
            case Kind.CONTRACT:
                return await self.async_step_change_contract()

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Ask again for what opens the door; a meter has none."""
        if entry_data[CONF_KIND] == Kind.ECOWATT:
            return await self.async_step_reauth_ecowatt()
        if entry_data[CONF_KIND] == Kind.FLEET:
            return await self.async_step_reauth_fleet(entry_data)
        return await self.async_step_reauth_supplier()
