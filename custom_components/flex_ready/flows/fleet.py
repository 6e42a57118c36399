"""The flow of a fleet: its name; and new credentials of a site of it that refuses those it was given."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlow, ConfigFlowResult, ConfigSubentry
from homeassistant.const import CONF_NAME, CONF_TOKEN
from homeassistant.helpers.selector import TextSelector
import probatio

from ..const import CONF_KIND, Kind
from ..fleet.const import ATTR_SUBENTRY
from ..flexibility.client_errors import BacsError
from .site import CLIENT_SCHEMA, TOKEN_SCHEMA, async_try, key_of, shown_key, where_of

_SCHEMA = probatio.Schema({probatio.Required(CONF_NAME): TextSelector()})


class FleetFlow(ConfigFlow):
    """Adds a fleet, changes its name, and asks for the credentials of a site again."""

    _site = ""

    async def async_step_fleet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a name; the sites are added to the entry."""
        return self._ask_fleet("fleet", user_input, {})

    async def async_step_reconfigure_fleet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another name."""
        return self._ask_fleet("reconfigure_fleet", user_input, {CONF_NAME: self._get_reconfigure_entry().title})

    def _ask_fleet(self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            if title := user_input[CONF_NAME].strip():
                if self.source == SOURCE_RECONFIGURE:
                    return self.async_update_and_abort(self._get_reconfigure_entry(), title=title)
                return self.async_create_entry(title=title, data={CONF_KIND: Kind.FLEET.value})
            errors[CONF_NAME] = "no_name"
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, user_input or known),
            errors=errors,
        )

    async def async_step_reauth_fleet(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Ask for the key of a site again, in the way it was given."""
        self._site = entry_data[ATTR_SUBENTRY]
        if (site := self._subentry) is None:
            return self.async_abort(reason="site_gone")
        by_token = CONF_TOKEN in site.data
        return await (self.async_step_reauth_site_token() if by_token else self.async_step_reauth_site_client())

    async def async_step_reauth_site_token(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the token."""
        return await self._async_ask_site_key("reauth_site_token", TOKEN_SCHEMA, user_input)

    async def async_step_reauth_site_client(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the identity provider, and the client's id and secret there."""
        return await self._async_ask_site_key("reauth_site_client", CLIENT_SCHEMA, user_input)

    async def _async_ask_site_key(
        self, step: str, schema: probatio.Schema, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        if (site := self._subentry) is None:
            return self.async_abort(reason="site_gone")
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                data, _ = await async_try(self.hass, {**where_of(site.data), **key_of(user_input)})
            except BacsError as error:
                errors["base"] = f"bacs_{error.fault}"
            else:
                self.hass.config_entries.async_update_subentry(self._get_reauth_entry(), site, data=data)
                return self.async_abort(reason="reauth_successful")
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, user_input or shown_key(site.data)),
            errors=errors,
            description_placeholders={"site": site.title},
        )

    @property
    def _subentry(self) -> ConfigSubentry | None:
        """Return the site, unless it was removed meanwhile."""
        return self._get_reauth_entry().subentries.get(self._site)
