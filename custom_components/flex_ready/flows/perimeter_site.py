"""The flow of a site of a contract: what its energy is read from, which entity it belongs to, what it can."""

from collections.abc import Mapping
from datetime import date
from typing import Any, override

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    DateSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util import dt as dt_util
import probatio

from ..const import Kind
from ..contract.const import (
    CONF_CONSENT,
    CONF_ENTITY,
    CONF_JOINED,
    CONF_LEFT,
    CONF_MAX_ACTIVATION,
    CONF_METHOD,
    CONF_OTHER_OPERATOR,
    CONF_SITE_ID,
    CONF_SITE_KIND,
    CONF_STARTS,
    CONF_SUBSCRIBED,
    SOURCE_ENTITY,
    SOURCE_METER,
    SOURCE_REMOTE,
    SUBENTRY_PERIMETER_SITE,
    YEARS,
)
from ..contract.setup import decisions_of, site_of
from ..settlement.methods import Method
from ..settlement.sites import SiteKind, WrongEntity, wrong_entity
from ..settlement.working_days import next_deadlines
from .asset import with_whole
from .contract_forms import KILOWATTS
from .entries import entries_of
from .load_forms import words
from .perimeter_source import FED, PerimeterSourceFlow

REFERENCE_METHOD = "reference_method"
_SOURCES = (SOURCE_METER, SOURCE_ENTITY, SOURCE_REMOTE)
LONGEST = 64
_PRM = 14
"""Digits of the number of a delivery point."""
_FIELDS: Mapping[WrongEntity, str] = {
    WrongEntity.MIXED_KINDS: CONF_SITE_KIND,
    WrongEntity.MIXED_METHODS: CONF_METHOD,
}


class PerimeterSiteFlow(PerimeterSourceFlow):
    """Adds a site to the perimeter of a contract, and changes it."""

    _title = ""
    _site: dict[str, Any]
    _elsewhere = ""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the energy of the site is read from."""
        return self.async_show_menu(step_id="user", menu_options=[*_SOURCES])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what is to be changed."""
        subentry = self._get_reconfigure_subentry()
        self._source = {key: subentry.data[key] for key in FED if key in subentry.data}
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["details", *_SOURCES],
            description_placeholders={"site": subentry.title},
        )

    @override
    async def async_step_details(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask who the site is, which entity it belongs to, and what it can."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._title = user_input[CONF_NAME].strip()
            rest = {key: value for key, value in with_whole(user_input).items() if key != CONF_NAME}
            rest[CONF_SITE_ID] = _id_of(user_input.get(CONF_SITE_ID, ""))
            rest[CONF_ENTITY] = user_input[CONF_ENTITY].strip()
            if not rest.get(CONF_LEFT):
                rest.pop(CONF_LEFT, None)
            self._site = {**self._source, **rest}
            errors = self._wrong(self._site) if self._title else {CONF_NAME: "no_name"}
            if not errors:
                self._elsewhere = self._found_elsewhere(rest[CONF_SITE_ID])
                return await (self.async_step_elsewhere() if self._elsewhere else self._async_finish())
        return self.async_show_form(
            step_id="details",
            data_schema=self.add_suggested_values_to_schema(self._schema(), user_input or self._present()),
            errors=errors,
        )

    async def async_step_elsewhere(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Tell that another contract has the site as well."""
        if user_input is not None:
            return await self._async_finish()
        return self.async_show_form(
            step_id="elsewhere",
            description_placeholders={"site_id": self._site[CONF_SITE_ID], "contracts": self._elsewhere},
        )

    async def _async_finish(self) -> SubentryFlowResult:
        unique_id = self._site[CONF_SITE_ID] or None
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                title=self._title,
                data=self._site,
                unique_id=unique_id,
            )
        return self.async_create_entry(title=self._title, data=self._site, unique_id=unique_id)

    def _schema(self) -> probatio.Schema:
        names = dict.fromkeys(one.data[CONF_ENTITY] for one in self._others())
        entity = SelectSelectorConfig(options=[*names], custom_value=True, mode=SelectSelectorMode.DROPDOWN)
        return probatio.Schema(
            {
                probatio.Required(CONF_NAME): TextSelector(),
                probatio.Optional(CONF_SITE_ID): TextSelector(),
                probatio.Required(CONF_ENTITY): SelectSelector(entity),
                probatio.Required(CONF_SITE_KIND): words(CONF_SITE_KIND, *(kind.value for kind in SiteKind)),
                probatio.Required(CONF_METHOD): words(
                    REFERENCE_METHOD, *(method.value for method in Method), mode=SelectSelectorMode.DROPDOWN
                ),
                probatio.Required(CONF_MAX_ACTIVATION): KILOWATTS,
                probatio.Required(CONF_SUBSCRIBED): KILOWATTS,
                probatio.Required(CONF_JOINED): DateSelector(),
                probatio.Optional(CONF_LEFT): DateSelector(),
                probatio.Required(CONF_CONSENT, default=False): bool,
                probatio.Required(CONF_OTHER_OPERATOR, default=False): bool,
            }
        )

    def _present(self) -> dict[str, Any]:
        """Return what the site is now; of a new one, what is likely."""
        if self.source == SOURCE_RECONFIGURE:
            return {CONF_NAME: self._get_reconfigure_subentry().title, **self._before}
        contract, others = self._get_entry(), self._others()
        like = others[-1].data if others else {}
        return {
            CONF_NAME: self._source_name,
            CONF_ENTITY: like.get(CONF_ENTITY, contract.title),
            CONF_SITE_KIND: like.get(CONF_SITE_KIND, SiteKind.WITHDRAWAL.value),
            CONF_METHOD: like.get(CONF_METHOD, Method.DOUBLE_REFERENCE.value),
            CONF_JOINED: _likely_month(contract, like.get(CONF_JOINED)),
        }

    def _wrong(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong with a site, by its field."""
        errors: dict[str, str] = {}
        name, others = data[CONF_SITE_ID], self._others()
        if len(name) > LONGEST or (_is_number(name) and len(name) != _PRM):
            errors[CONF_SITE_ID] = "no_site_id"
        elif name and any(one.data[CONF_SITE_ID] == name for one in others):
            errors[CONF_SITE_ID] = "site_known"
        if not 0 < len(data[CONF_ENTITY]) <= LONGEST:
            errors[CONF_ENTITY] = "no_entity"
        if not data[CONF_MAX_ACTIVATION]:
            errors[CONF_MAX_ACTIVATION] = "no_power"
        if not data[CONF_SUBSCRIBED]:
            errors[CONF_SUBSCRIBED] = "no_power"
        days = {key: date.fromisoformat(data[key]) for key in (CONF_JOINED, CONF_LEFT) if key in data}
        errors |= {key: "unlikely_day" for key, day in days.items() if day.year not in YEARS}
        if CONF_LEFT in days and days[CONF_LEFT] <= days[CONF_JOINED]:
            errors[CONF_LEFT] = "left_before"
        same = [one.data for one in others if one.data[CONF_ENTITY] == data[CONF_ENTITY]]
        for wrong in wrong_entity(map(site_of, (data, *same))):
            errors[_FIELDS[wrong]] = f"{wrong}"
        return errors

    def _found_elsewhere(self, site_id: str) -> str:
        """Name the other contracts that have a site; nothing: there are none, or it is known already."""
        if not site_id or self._before.get(CONF_SITE_ID) == site_id:
            return ""
        return ", ".join(
            contract.title
            for contract in entries_of(self.hass, Kind.CONTRACT)
            if contract.entry_id != self._get_entry().entry_id
            and any(
                one.data[CONF_SITE_ID] == site_id for one in contract.get_subentries_of_type(SUBENTRY_PERIMETER_SITE)
            )
        )


def _likely_month(contract: ConfigEntry, before: str | None) -> str:
    """Return from when a new site is likely to count, by when the site added before it did.

    The first ones are those that the contract began with; later ones come with the next month that is still open.
    """
    today, starts = dt_util.now().date(), str(contract.data[CONF_STARTS])
    if before is None or before >= today.replace(day=1).isoformat():
        return before or starts
    read = decisions_of(contract.data).deadline
    return max(next_deadlines(today, read).month.isoformat(), starts)


def _id_of(text: str) -> str:
    """Return an id as it is kept: a number without its blanks."""
    compact = "".join(text.split())
    return compact if _is_number(compact) else text.strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
