"""The flow of a supplier signal: where, for which delivery point, with which key; tried by asking for prices."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, CONF_URL
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util
import probatio
from yarl import URL

from ..const import (
    CONF_DELIVERY_POINT,
    CONF_DIALECT,
    CONF_ISSUER,
    CONF_KIND,
    CONF_SCOPE,
    LOGGER,
    SITE_ZONE,
    Kind,
)
from ..grid.supplier import client_of, listed, tokens_of
from ..signals.errors import SignalError
from ..signals.supplier.client import Dialect, is_delivery_point
from ..signals.supplier.model import SignalRejectedError
from ..signals.supplier.validate import validate

CONF_ACCESS = "access"
_BY_TOKEN, _BY_CLIENT = "token", "client"
_PASSWORD = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_ACCESS = {
    probatio.Required(CONF_ACCESS, default=_BY_TOKEN): SelectSelector(
        SelectSelectorConfig(options=[_BY_TOKEN, _BY_CLIENT], mode=SelectSelectorMode.LIST, translation_key=CONF_ACCESS)
    )
}
_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_URL): _ADDRESS,
        probatio.Required(CONF_DELIVERY_POINT): TextSelector(),
        probatio.Required(CONF_DIALECT, default=Dialect.SUPPLIERS.value): SelectSelector(
            SelectSelectorConfig(
                options=[dialect.value for dialect in Dialect],
                mode=SelectSelectorMode.DROPDOWN,
                translation_key=CONF_DIALECT,
            )
        ),
        **_ACCESS,
    }
)
_TOKEN_SCHEMA = probatio.Schema({probatio.Required(probatio.Secret(CONF_TOKEN)): _PASSWORD})
_CLIENT_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_ISSUER): _ADDRESS,
        probatio.Required(CONF_CLIENT_ID): TextSelector(),
        probatio.Required(probatio.Secret(CONF_CLIENT_SECRET)): _PASSWORD,
        probatio.Optional(CONF_SCOPE): TextSelector(),
    }
)


class SupplierFlow(ConfigFlow):
    """Adds a supplier signal, and changes how it is reached."""

    _where: dict[str, Any]
    _key: dict[str, Any]
    _findings = ""

    async def async_step_supplier(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the signal is, and for which delivery point."""
        return await self._async_ask_where("supplier", user_input, {})

    async def async_step_reconfigure_supplier(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the signal of the same delivery point is now."""
        data = self._get_reconfigure_entry().data
        access = _BY_TOKEN if CONF_TOKEN in data else _BY_CLIENT
        return await self._async_ask_where("reconfigure_supplier", user_input, {**data, CONF_ACCESS: access})

    async def async_step_reauth_supplier(self) -> ConfigFlowResult:
        """Ask for the key again, in the way it was given."""
        data = self._get_reauth_entry().data
        self._where = {key: data[key] for key in (CONF_URL, CONF_DELIVERY_POINT, CONF_DIALECT)}
        return await (self.async_step_supplier_token() if CONF_TOKEN in data else self.async_step_supplier_client())

    async def _async_ask_where(
        self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            where = {key: user_input[key].strip() for key in (CONF_URL, CONF_DELIVERY_POINT, CONF_DIALECT)}
            where[CONF_URL] = where[CONF_URL].rstrip("/")
            where[CONF_DELIVERY_POINT] = where[CONF_DELIVERY_POINT].replace(" ", "")
            if not is_delivery_point(where[CONF_DELIVERY_POINT]):
                errors[CONF_DELIVERY_POINT] = "no_delivery_point"
            if not _is_address(where[CONF_URL]):
                errors[CONF_URL] = "no_address"
            if not errors:
                self._where = where
                await self.async_set_unique_id(where[CONF_DELIVERY_POINT])
                if self.source == SOURCE_RECONFIGURE:
                    self._abort_if_unique_id_mismatch(reason="another_delivery_point")
                else:
                    self._abort_if_unique_id_configured()
                by_token = user_input[CONF_ACCESS] == _BY_TOKEN
                return await (self.async_step_supplier_token() if by_token else self.async_step_supplier_client())
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, user_input or dict(known)),
            errors=errors,
        )

    async def async_step_supplier_token(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the token."""
        return await self._async_ask_key("supplier_token", _TOKEN_SCHEMA, user_input)

    async def async_step_supplier_client(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the identity provider, and the client's id and secret there."""
        return await self._async_ask_key("supplier_client", _CLIENT_SCHEMA, user_input)

    async def _async_ask_key(
        self, step: str, schema: probatio.Schema, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        self._findings = ""
        if user_input is not None:
            key = {name: value.strip() for name, value in user_input.items()}
            self._key = {name: value for name, value in key.items() if value or name != CONF_SCOPE}
            errors, default_data = await self._async_try_supplier()
            if not errors:
                return await self.async_step_default_data() if default_data else self._finish()
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, user_input or self._known_key()),
            errors=errors,
            description_placeholders={"findings": self._findings},
        )

    async def async_step_default_data(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Tell that the supplier does not know the delivery point; take it all the same once confirmed."""
        if user_input is not None:
            return self._finish()
        return self.async_show_form(
            step_id="default_data",
            description_placeholders={"delivery_point": self._where[CONF_DELIVERY_POINT]},
        )

    def _finish(self) -> ConfigFlowResult:
        data = {CONF_KIND: Kind.SUPPLIER.value, **self._where, **self._key}
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_reload_and_abort(self._get_reconfigure_entry(), data=data)
        if self.source == SOURCE_REAUTH:
            return self.async_update_reload_and_abort(self._get_reauth_entry(), data=data)
        return self.async_create_entry(title=f"{URL(data[CONF_URL]).host} {data[CONF_DELIVERY_POINT]}", data=data)

    def _known_key(self) -> dict[str, Any]:
        """Return what of the present key may be shown."""
        if self.source == SOURCE_RECONFIGURE:
            data = self._get_reconfigure_entry().data
        elif self.source == SOURCE_REAUTH:
            data = self._get_reauth_entry().data
        else:
            return {}
        return {key: data[key] for key in (CONF_ISSUER, CONF_CLIENT_ID, CONF_SCOPE) if key in data}

    async def _async_try_supplier(self) -> tuple[dict[str, str], bool | None]:
        """Ask for today's prices; return what is wrong, and whether they are anybody's."""
        data = {**self._where, **self._key}
        session = async_get_clientsession(self.hass)
        zone = await dt_util.async_get_time_zone(SITE_ZONE) or dt_util.get_default_time_zone()
        start = dt_util.utcnow().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            tokens = await tokens_of(session, data)
            reply = await client_of(session, data, tokens).prices(start, start.replace(hour=23), zone)
            validate(reply.body, zone=zone)
        except SignalRejectedError as error:
            self._findings = listed(error.findings)
            return {"base": "signal_rejected"}, None
        except SignalError as error:
            LOGGER.debug("The supplier was tried in vain: %s", error, exc_info=True)
            return {"base": f"signal_{error.trouble}"}, None
        return {}, reply.default_data


def _is_address(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)
