"""The flow of an operator of a building: how it shows who it is, what it sees, what is accepted from it."""

from collections.abc import Mapping
import re
import time
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import probatio

from ..api import PREFIX
from ..api.keys import Keys, KeysUnavailableError
from ..const import CONF_DIALECT, CONF_ISSUER, LOGGER
from ..desk.const import (
    AUTH_OIDC,
    AUTH_USER,
    CONF_ANSWER_WITHIN,
    CONF_ASSETS,
    CONF_AUDIENCE,
    CONF_AUTH,
    CONF_CLIENT,
    CONF_DAYS,
    CONF_DECISION,
    CONF_DESPITE_RED,
    CONF_FROM,
    CONF_MOST_ACTIVATIONS,
    CONF_NOTIFY,
    CONF_OFFER_HOLDS,
    CONF_PRICE,
    CONF_SILENCE,
    CONF_TO,
    CONF_USER,
    DECISION_ACCEPT,
    DECISION_ASK,
    SILENCE_ACCEPT,
    SILENCE_DECLINE,
    SUBENTRY_ASSET,
    SUBENTRY_OPERATOR,
)
from ..desk.operators import Operator
from ..desk.site import bacs_id
from ..flexibility.dialects import DIALECTS, NATIVE
from .asset import HOURS, chosen, half_hours, hours_schema, with_whole
from .load_forms import box, words

_NOTIFY = "notify"
_NOTIFIES = re.compile(rf"{_NOTIFY}\.[a-z0-9_]+")
_NOT_ASKED_BY = frozenset(("persistent_notification", "send_message"))
"""What shows what is shown in any case; what needs an entity, and knows no buttons."""
_MOST_PRICE = 10
_DAY_MIN = 1_440
OIDC_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_ISSUER): TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
        probatio.Required(CONF_AUDIENCE): TextSelector(),
        probatio.Required(CONF_CLIENT): TextSelector(),
    }
)
_MINUTES = box(UnitOfTime.MINUTES, least=1, most=_DAY_MIN)


class OperatorFlow(ConfigSubentryFlow):
    """Adds an operator, and changes what is open to it."""

    _title = ""
    _who: dict[str, Any]

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how the operator shows who it is."""
        if not self._assets():
            return self.async_abort(reason="no_asset")
        return self.async_show_menu(step_id="user", menu_options=[AUTH_OIDC, AUTH_USER])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what is to be changed."""
        if not self._assets():
            return self.async_abort(reason="no_asset")
        subentry = self._get_reconfigure_subentry()
        self._title = subentry.title
        self._who = _who(subentry.data)
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["policy", AUTH_OIDC, AUTH_USER],
            description_placeholders={"operator": self._title},
        )

    async def async_step_oidc(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the identity provider, and look its keys up."""
        errors: dict[str, str] = {}
        if user_input is not None:
            who = {key: user_input[key].strip() for key in (CONF_ISSUER, CONF_AUDIENCE, CONF_CLIENT)}
            self._title, self._who = user_input[CONF_NAME].strip(), {CONF_AUTH: AUTH_OIDC, **who}
            errors = {key: "no_value" for key in (CONF_AUDIENCE, CONF_CLIENT) if not who[key]}
            if not self._title:
                errors[CONF_NAME] = "no_name"
            if errors:
                pass
            elif self._known_already():
                errors[CONF_CLIENT] = "operator_known"
            elif wrong := await self._async_try(who[CONF_ISSUER]):
                errors[CONF_ISSUER] = wrong
            else:
                return await self.async_step_policy()
        return self.async_show_form(
            step_id="oidc",
            data_schema=self.add_suggested_values_to_schema(OIDC_SCHEMA, user_input or self._shown()),
            errors=errors,
        )

    async def async_step_home_assistant(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the user whose token the operator has."""
        users = {
            user.id: user.name or user.id
            for user in await self.hass.auth.async_get_users()
            if user.is_active and not user.is_admin and not user.system_generated
        }
        if not users:
            return self.async_abort(reason="no_user")
        errors: dict[str, str] = {}
        if user_input is not None:
            user = user_input[CONF_USER]
            self._title = user_input.get(CONF_NAME, "").strip() or users.get(user, "")
            self._who = {CONF_AUTH: AUTH_USER, CONF_USER: user}
            if user not in users:  # no more, since the form was shown
                errors[CONF_USER] = "user_unfit"
            elif self._known_already():
                errors[CONF_USER] = "operator_known"
            else:
                return await self.async_step_policy()
        known = user_input or self._shown()
        shown = {key: value for key, value in known.items() if key != CONF_USER or value in users}
        schema = probatio.Schema(
            {probatio.Required(CONF_USER): chosen(users, several=False), probatio.Optional(CONF_NAME): TextSelector()}
        )
        return self.async_show_form(
            step_id="home_assistant",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
        )

    async def async_step_policy(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the operator sees, and what is accepted from it without asking."""
        errors: dict[str, str] = {}
        if user_input is not None:
            rest = {key: value for key, value in user_input.items() if key != HOURS}
            hours = {key: value for key, value in user_input[HOURS].items() if value}
            if not (notify := rest.pop(CONF_NOTIFY, "").strip()):
                pass
            elif _NOTIFIES.fullmatch(notify):
                rest[CONF_NOTIFY] = notify
            else:
                errors[CONF_NOTIFY] = "no_notify"
            if not user_input[CONF_ASSETS]:
                errors[CONF_ASSETS] = "no_asset_chosen"
            if half_hours(hours):
                errors["base"] = "half_hours"
            if not errors:
                return self._finish({**self._who, **with_whole(rest), **hours})
        known: Mapping[str, Any] = user_input or self._present()
        return self.async_show_form(
            step_id="policy",
            data_schema=self.add_suggested_values_to_schema(self._policy_schema(), known),
            errors=errors,
            description_placeholders={
                "operator": self._title,
                "url": f"{self._url()}{PREFIX}/bacs",
                "bacs": bacs_id(self._get_entry().entry_id),
            },
        )

    def _policy_schema(self) -> probatio.Schema:
        there = self.hass.services.async_services_for_domain(_NOTIFY).keys() - _NOT_ASKED_BY
        services = sorted(f"{_NOTIFY}.{name}" for name in there)
        notify = SelectSelectorConfig(options=services, custom_value=True, mode=SelectSelectorMode.DROPDOWN)
        return probatio.Schema(
            {
                probatio.Required(CONF_ASSETS, default=[*self._assets()]): chosen(self._assets(), several=True),
                probatio.Required(CONF_DIALECT, default=NATIVE.name): words(
                    "remote_dialect", *DIALECTS, mode=SelectSelectorMode.DROPDOWN
                ),
                probatio.Required(CONF_DECISION, default=DECISION_ASK): words(
                    CONF_DECISION, DECISION_ASK, DECISION_ACCEPT
                ),
                probatio.Required(CONF_SILENCE, default=SILENCE_DECLINE): words(
                    CONF_SILENCE, SILENCE_DECLINE, SILENCE_ACCEPT
                ),
                probatio.Required(CONF_ANSWER_WITHIN, default=15): _MINUTES,
                probatio.Required(CONF_OFFER_HOLDS, default=15): _MINUTES,
                probatio.Optional(CONF_PRICE): box("EUR/kWh", most=_MOST_PRICE, step="any"),
                probatio.Required(CONF_MOST_ACTIVATIONS, default=2): box(most=1000),
                probatio.Required(CONF_DESPITE_RED, default=False): bool,
                probatio.Optional(CONF_NOTIFY): SelectSelector(notify),
                probatio.Required(HOURS): section(hours_schema(), {"collapsed": True}),
            }
        )

    def _finish(self, data: dict[str, Any]) -> SubentryFlowResult:
        unique_id = f"{data.get(CONF_ISSUER, AUTH_USER)} {data.get(CONF_CLIENT) or data[CONF_USER]}"
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), title=self._title, data=data, unique_id=unique_id
            )
        return self.async_create_entry(title=self._title, data=data, unique_id=unique_id)

    async def _async_try(self, issuer: str) -> str:
        """Look up the keys of an identity provider; return what is wrong."""
        try:
            usable = await Keys(async_get_clientsession(self.hass), issuer, time.monotonic).usable()
        except KeysUnavailableError as error:
            LOGGER.debug("The identity provider was tried in vain: %s", error)
            return f"issuer_{error.flaw}"
        return "" if usable else "issuer_without_keys"

    def _known_already(self) -> bool:
        mine = self._get_reconfigure_subentry().subentry_id if self.source == SOURCE_RECONFIGURE else None
        others = (
            Operator.of(one)
            for one in self._get_entry().get_subentries_of_type(SUBENTRY_OPERATOR)
            if one.subentry_id != mine
        )
        who = (self._who.get(CONF_ISSUER, AUTH_USER), self._who.get(CONF_CLIENT) or self._who.get(CONF_USER))
        return any((one.issuer, one.client) == who for one in others)

    def _assets(self) -> dict[str, str]:
        return {one.subentry_id: one.title for one in self._get_entry().get_subentries_of_type(SUBENTRY_ASSET)}

    def _shown(self) -> dict[str, Any]:
        """Return what is known of who the operator is."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        subentry = self._get_reconfigure_subentry()
        return {CONF_NAME: subentry.title, **_who(subentry.data)}

    def _present(self) -> dict[str, Any]:
        """Return what is open to the operator now."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        data = self._get_reconfigure_subentry().data
        hours = {key: data[key] for key in (CONF_FROM, CONF_TO, CONF_DAYS) if key in data}
        there = [one for one in data[CONF_ASSETS] if one in self._assets()]
        return {**data, CONF_ASSETS: there, HOURS: hours}

    def _url(self) -> str:
        try:
            return get_url(self.hass, prefer_external=True)
        except NoURLAvailableError:
            return "https://…"


def _who(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in (CONF_AUTH, CONF_ISSUER, CONF_AUDIENCE, CONF_CLIENT, CONF_USER) if key in data}
