"""The flow of Ecowatt: an application's id and secret, tried on RTE's sandbox, which costs none of the quota."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_URL
from homeassistant.data_entry_flow import section
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
from homeassistant.util import dt as dt_util
import probatio

from ..const import CONF_KIND, CONF_REHEARSAL, LOGGER, Kind
from ..signals.ecowatt.client import BASE_URL, EcowattClient
from ..signals.ecowatt.parse import parse_signals
from ..signals.errors import SignalError

_ADVANCED = "advanced"
_SECRET = {
    probatio.Required(CONF_CLIENT_ID): TextSelector(),
    probatio.Required(probatio.Secret(CONF_CLIENT_SECRET)): TextSelector(
        TextSelectorConfig(type=TextSelectorType.PASSWORD)
    ),
}
_SERVER = {
    probatio.Required(_ADVANCED): section(
        probatio.Schema(
            {probatio.Required(CONF_URL, default=BASE_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL))}
        ),
        {"collapsed": True},
    )
}
_SCHEMA = probatio.Schema({**_SECRET, probatio.Required(CONF_REHEARSAL, default=False): bool, **_SERVER})
_RECONFIGURE_SCHEMA = probatio.Schema({**_SECRET, **_SERVER})
_REAUTH_SCHEMA = probatio.Schema(_SECRET)
_PORTAL = {"portal": "data.rte-france.com"}
TITLES = {False: "Ecowatt", True: "Ecowatt (rehearsal)"}


class EcowattFlow(ConfigFlow):
    """Adds Ecowatt, and changes the application that it is asked with."""

    async def async_step_ecowatt(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the application, and whether this is a rehearsal."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data = _data(user_input, {})
            await self.async_set_unique_id(_unique_id(data))
            self._abort_if_unique_id_configured()
            if not (errors := await self._async_try_ecowatt(data)):
                return self.async_create_entry(title=TITLES[data[CONF_REHEARSAL]], data=data)
        return self._show_ecowatt("ecowatt", _SCHEMA, user_input, errors)

    async def async_step_reconfigure_ecowatt(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another application or server."""
        entry = self._get_reconfigure_entry()
        shown = user_input or {
            CONF_CLIENT_ID: entry.data[CONF_CLIENT_ID],
            _ADVANCED: {CONF_URL: entry.data.get(CONF_URL, BASE_URL)},
        }
        return await self._async_change_ecowatt("reconfigure_ecowatt", _RECONFIGURE_SCHEMA, entry, user_input, shown)

    async def async_step_reauth_ecowatt(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for what RTE refuses no longer."""
        entry = self._get_reauth_entry()
        shown = user_input or {CONF_CLIENT_ID: entry.data[CONF_CLIENT_ID]}
        return await self._async_change_ecowatt("reauth_ecowatt", _REAUTH_SCHEMA, entry, user_input, shown)

    async def _async_change_ecowatt(
        self,
        step: str,
        schema: probatio.Schema,
        entry: ConfigEntry,
        user_input: dict[str, Any] | None,
        shown: dict[str, Any],
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            data = _data(user_input, entry.data)
            unique_id = _unique_id(data)
            # Another application is as good, unless it is that of another entry.
            if unique_id != entry.unique_id:
                await self.async_set_unique_id(unique_id)
                self._abort_if_unique_id_configured()
            if not (errors := await self._async_try_ecowatt(data)):
                return self.async_update_reload_and_abort(entry, unique_id=unique_id, data=data)
        return self._show_ecowatt(step, schema, shown, errors)

    def _show_ecowatt(
        self, step: str, schema: probatio.Schema, shown: dict[str, Any] | None, errors: dict[str, str]
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, shown or {}),
            errors=errors,
            description_placeholders=_PORTAL,
        )

    async def _async_try_ecowatt(self, data: dict[str, Any]) -> dict[str, str]:
        """Return what is wrong, if anything."""
        client = EcowattClient(
            async_get_clientsession(self.hass),
            data[CONF_CLIENT_ID],
            data[CONF_CLIENT_SECRET],
            clock=dt_util.utcnow,
            base_url=data.get(CONF_URL, BASE_URL),
        )
        try:
            reply = await client.sandbox()
            parse_signals(reply.body, retrieved_at=dt_util.utcnow(), zone=dt_util.get_default_time_zone())
        except SignalError as error:
            LOGGER.debug("Ecowatt was tried in vain: %s", error, exc_info=True)
            return {"base": f"signal_{error.trouble}"}
        return {}


def _data(user_input: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of an entry; blanks around what was copied are not part of it."""
    url = user_input.get(_ADVANCED, {}).get(CONF_URL, known.get(CONF_URL, BASE_URL)).strip().rstrip("/")
    data = {
        CONF_KIND: Kind.ECOWATT.value,
        CONF_CLIENT_ID: user_input[CONF_CLIENT_ID].strip(),
        CONF_CLIENT_SECRET: user_input[CONF_CLIENT_SECRET].strip(),
        CONF_REHEARSAL: user_input.get(CONF_REHEARSAL, known.get(CONF_REHEARSAL, False)),
    }
    return data if url == BASE_URL else {**data, CONF_URL: url}


def _unique_id(data: dict[str, Any]) -> str:
    """Return what stands for the application: RTE counts its calls, so it has one entry, and one to rehearse."""
    suffix = "_rehearsal" if data[CONF_REHEARSAL] else ""
    return f"{data[CONF_CLIENT_ID]}{suffix}"
