"""The flow of an availability period of a contract with reservation: on which days, from when to when, which power."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, SelectSelectorMode, TimeSelector
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
import probatio

from ..const import DOMAIN
from ..contract.const import CONF_DAYS, CONF_FROM, CONF_POWER, CONF_RESERVATION, CONF_TO, SUBENTRY_AVAILABILITY
from ..contract.setup import terms_of
from ..desk.operators import DAYS
from ..settlement.contract import Reservation, Wrong
from .asset import with_whole
from .contract_forms import KILOWATTS

PERIOD_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_FROM): TimeSelector(),
        probatio.Required(CONF_TO): TimeSelector(),
        probatio.Optional(CONF_DAYS): SelectSelector(
            SelectSelectorConfig(
                options=[*DAYS], multiple=True, mode=SelectSelectorMode.LIST, translation_key=CONF_DAYS
            )
        ),
        probatio.Required(CONF_POWER): KILOWATTS,
    }
)
_FIELDS: Mapping[Wrong, str] = {Wrong.SHORT_PERIOD: CONF_TO, Wrong.PERIOD_POWER: CONF_POWER}
_RUN = 3
"""So many days in a row are named by the first and the last."""


class AvailabilityFlow(ConfigSubentryFlow):
    """Adds an availability period, and changes it."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask when a power is available."""
        return await self._async_ask("user", user_input, {})

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask it again."""
        return await self._async_ask("reconfigure", user_input, self._get_reconfigure_subentry().data)

    async def _async_ask(
        self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]
    ) -> SubentryFlowResult:
        contract = self._get_entry().data
        if contract[CONF_RESERVATION] != Reservation.ACTIVE:
            return self.async_abort(reason="no_reservation")
        errors: dict[str, str] = {}
        if user_input is not None:
            data = with_whole(user_input)
            said = data.pop(CONF_DAYS, None) or DAYS
            days = [day for day in DAYS if day in said]
            if len(days) < len(DAYS):
                data[CONF_DAYS] = days
            terms = terms_of(contract, [data], dt_util.get_default_time_zone())
            errors = {_FIELDS[wrong]: f"terms_{wrong}" for wrong in terms.wrong() if wrong in _FIELDS}
            unique_id = " ".join((*days, data[CONF_FROM], data[CONF_TO]))
            if self._is_there(unique_id):
                errors["base"] = "period_known"
            if not errors:
                title = await self._async_title(days, data)
                if self.source == SOURCE_RECONFIGURE:
                    subentry = self._get_reconfigure_subentry()
                    return self.async_update_and_abort(
                        self._get_entry(), subentry, title=title, data=data, unique_id=unique_id
                    )
                return self.async_create_entry(title=title, data=data, unique_id=unique_id)
        schema = self.add_suggested_values_to_schema(PERIOD_SCHEMA, user_input or known)
        return self.async_show_form(step_id=step, data_schema=schema, errors=errors)

    def _is_there(self, unique_id: str) -> bool:
        """Tell whether another period has the same days and hours."""
        mine = self._get_reconfigure_subentry().subentry_id if self.source == SOURCE_RECONFIGURE else None
        others = self._get_entry().get_subentries_of_type(SUBENTRY_AVAILABILITY)
        return any(one.unique_id == unique_id for one in others if one.subentry_id != mine)

    async def _async_title(self, days: Sequence[str], data: Mapping[str, Any]) -> str:
        """Name a period by its days, hours and power, in the language of the house."""
        texts = await async_get_translations(self.hass, self.hass.config.language, "selector", [DOMAIN])
        named = [texts.get(f"component.{DOMAIN}.selector.{CONF_DAYS}.options.{day}", day) for day in days]
        first, last = DAYS.index(days[0]), DAYS.index(days[-1])
        in_a_row = len(days) >= _RUN and last - first + 1 == len(days)
        when = f"{named[0]} - {named[-1]}" if in_a_row else ", ".join(named)
        return f"{when}, {data[CONF_FROM][:5]}-{data[CONF_TO][:5]}, {data[CONF_POWER]} kW"
