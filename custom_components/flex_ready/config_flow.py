"""Config flow: the menu of what can be added. Each kind has its own flow in flows/."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult

from .const import CONF_KIND, DOMAIN, Kind
from .flows.ecowatt import EcowattFlow
from .flows.meter import MeterFlow
from .flows.supplier import SupplierFlow


class FlexReadyConfigFlow(MeterFlow, EcowattFlow, SupplierFlow, ConfigFlow, domain=DOMAIN):
    """Adds a connection of Flex Ready."""

    VERSION = 1

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

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Ask again for what opens the door; a meter has none."""
        if entry_data[CONF_KIND] == Kind.ECOWATT:
            return await self.async_step_reauth_ecowatt()
        return await self.async_step_reauth_supplier()
