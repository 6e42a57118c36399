"""Config flow: the menu of what can be added. Each kind has its own flow in flows/."""

from typing import Any, override

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult

from .const import DOMAIN, Kind
from .flows.meter import MeterFlow


class FlexReadyConfigFlow(MeterFlow, ConfigFlow, domain=DOMAIN):
    """Adds a connection of Flex Ready."""

    VERSION = 1

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to add."""
        return self.async_show_menu(step_id="user", menu_options=[Kind.METER])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the connection of an entry."""
        return await self.async_step_reconfigure_meter(user_input)
