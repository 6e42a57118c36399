"""The flow of a remote site of a fleet: where it is, with which key; tried by asking what it has."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
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

from ..const import CONF_DIALECT, CONF_ISSUER, CONF_SCOPE, LOGGER, SITE_ZONE
from ..fleet.const import SUBENTRY_SITE
from ..fleet.reach import client_of, look
from ..fleet.store import Known
from ..flexibility.client_errors import BacsError, Fault
from ..flexibility.dialects import DIALECTS, NATIVE

CONF_ACCESS = "access"
BY_TOKEN, BY_CLIENT = "token", "client"
_OURS = "/api/flex_ready/v1"
"""Where another Home Assistant serves its BACS."""
_ELSEWHERE = frozenset((Fault.NO_BACS, Fault.NOT_FOUND, Fault.GARBLED, Fault.WRONG_SHAPE, Fault.REFUSED))
"""What is answered where there is no BACS."""
_LISTED = 20
_PASSWORD = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
WHERE_SCHEMA = probatio.Schema(
    {
        probatio.Optional(CONF_NAME): TextSelector(),
        probatio.Required(CONF_URL): _ADDRESS,
        probatio.Required(CONF_DIALECT, default=NATIVE.name): SelectSelector(
            SelectSelectorConfig(
                options=[*DIALECTS], mode=SelectSelectorMode.DROPDOWN, translation_key="remote_dialect"
            )
        ),
        probatio.Required(CONF_ACCESS, default=BY_TOKEN): SelectSelector(
            SelectSelectorConfig(
                options=[BY_TOKEN, BY_CLIENT], mode=SelectSelectorMode.LIST, translation_key=CONF_ACCESS
            )
        ),
    }
)
TOKEN_SCHEMA = probatio.Schema({probatio.Required(probatio.Secret(CONF_TOKEN)): _PASSWORD})
CLIENT_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_ISSUER): _ADDRESS,
        probatio.Required(CONF_CLIENT_ID): TextSelector(),
        probatio.Required(probatio.Secret(CONF_CLIENT_SECRET)): _PASSWORD,
        probatio.Optional(CONF_SCOPE): TextSelector(),
    }
)
_KEY = (CONF_TOKEN, CONF_ISSUER, CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_SCOPE)


def key_of(user_input: Mapping[str, Any]) -> dict[str, str]:
    """Return the key as it is kept."""
    key = {name: str(value).strip() for name, value in user_input.items()}
    return {name: value for name, value in key.items() if value or name != CONF_SCOPE}


def shown_key(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a key may be shown."""
    return {key: data[key] for key in (CONF_ISSUER, CONF_CLIENT_ID, CONF_SCOPE) if key in data}


def where_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a site without its key."""
    return {key: value for key, value in data.items() if key not in _KEY}


async def async_try(hass: HomeAssistant, data: Mapping[str, Any]) -> tuple[dict[str, Any], Known]:
    """Ask a site what it has; return it with the address that answers; raise BacsError."""
    zone = await dt_util.async_get_time_zone(SITE_ZONE) or dt_util.get_default_time_zone()
    url = data[CONF_URL]
    addresses = [url, url + _OURS] if URL(url).path == "/" else [url]
    for address in addresses:
        there = {**data, CONF_URL: address}
        try:
            client = await client_of(async_get_clientsession(hass), there, zone)
            return there, await look(client)
        except BacsError as error:
            LOGGER.debug("%s was tried in vain: %s", address, error, exc_info=True)
            if error.fault not in _ELSEWHERE or address == addresses[-1]:
                raise
    raise AssertionError("there is a last address")  # pragma: no cover


class SiteFlow(ConfigSubentryFlow):
    """Adds a remote site, and changes how it is reached."""

    _title = ""
    _where: dict[str, Any]
    _data: dict[str, Any]
    _known = Known()

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where the site is."""
        return await self._async_ask_where("user", user_input, {})

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where the site is now, or with which key it opens."""
        subentry = self._get_reconfigure_subentry()
        access = BY_TOKEN if CONF_TOKEN in subentry.data else BY_CLIENT
        known = {CONF_NAME: subentry.title, **where_of(subentry.data), CONF_ACCESS: access}
        return await self._async_ask_where("reconfigure", user_input, known)

    async def _async_ask_where(
        self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            url = user_input[CONF_URL].strip().rstrip("/")
            if _is_address(url):
                self._title = user_input.get(CONF_NAME, "").strip()
                self._where = {CONF_URL: url, CONF_DIALECT: user_input[CONF_DIALECT]}
                by_token = user_input[CONF_ACCESS] == BY_TOKEN
                return await (self.async_step_token() if by_token else self.async_step_client())
            errors[CONF_URL] = "no_address"
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(WHERE_SCHEMA, user_input or known),
            errors=errors,
        )

    async def async_step_token(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the token."""
        return await self._async_ask_key("token", TOKEN_SCHEMA, user_input)

    async def async_step_client(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the identity provider, and the client's id and secret there."""
        return await self._async_ask_key("client", CLIENT_SCHEMA, user_input)

    async def _async_ask_key(
        self, step: str, schema: probatio.Schema, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        shown = shown_key(self._get_reconfigure_subentry().data) if self.source == SOURCE_RECONFIGURE else {}
        if user_input is not None:
            shown = user_input
            try:
                self._data, self._known = await async_try(self.hass, {**self._where, **key_of(user_input)})
            except BacsError as error:
                errors["base"] = f"bacs_{error.fault}"
            else:
                if self._known.bacs:
                    self._refuse_twice(self._data[CONF_URL])
                    return self._changed() if self.source == SOURCE_RECONFIGURE else await self.async_step_found()
                errors["base"] = "nothing_shown"
        return self.async_show_form(
            step_id=step, data_schema=self.add_suggested_values_to_schema(schema, shown), errors=errors
        )

    async def async_step_found(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show what the site has; take it once confirmed."""
        title = self._title or ", ".join(one.name for one in self._known.bacs)
        if user_input is None:
            return self.async_show_form(step_id="found", description_placeholders={"found": listed(self._known)})
        return self.async_create_entry(title=title, data=self._data, unique_id=self._data[CONF_URL])

    def _changed(self) -> SubentryFlowResult:
        subentry = self._get_reconfigure_subentry()
        return self.async_update_and_abort(
            self._get_entry(),
            subentry,
            title=self._title or subentry.title,
            data=self._data,
            unique_id=self._data[CONF_URL],
        )

    def _refuse_twice(self, url: str) -> None:
        """Abort if another site of the fleet has this address."""
        ours = self._get_reconfigure_subentry().subentry_id if self.source == SOURCE_RECONFIGURE else None
        others = self._get_entry().get_subentries_of_type(SUBENTRY_SITE)
        if any(one.unique_id == url for one in others if one.subentry_id != ours):
            raise AbortFlow("already_configured")


def listed(known: Known) -> str:
    """Say what a site has, as Markdown."""
    rows = [
        f"- {bacs.name}: {', '.join(asset.id for asset in known.assets if asset.bacs_id == bacs.id) or '-'}"
        for bacs in known.bacs[:_LISTED]
    ]
    if (left := len(known.bacs) - len(rows)) > 0:
        rows.append(f"- + {left}")
    return "\n".join(rows)


def _is_address(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)
