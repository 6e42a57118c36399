"""The flow of a flexibility contract: its terms, its reservation, its orders, and how it is read."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.util import dt as dt_util, slugify
import probatio

from ..building.const import SUBENTRY_LOAD
from ..const import CONF_KIND, Kind
from ..contract.const import (
    CONF_BUILDING,
    CONF_DECISIONS,
    CONF_ENDS,
    CONF_MAX_DURATION,
    CONF_MIN_DURATION,
    CONF_OPERATOR,
    CONF_POWER,
    CONF_PROBABILITY,
    CONF_RESERVATION,
    CONF_RESERVE,
    CONF_STARTS,
    SUBENTRY_AVAILABILITY,
    YEARS,
)
from ..contract.setup import terms_of
from ..desk.const import SUBENTRY_OPERATOR
from ..settlement.contract import Reservation, Wrong
from .asset import chosen
from .contract_entity import ContractEntityFlow
from .contract_forms import RESERVED_SCHEMA, TERMS_SCHEMA, decided, exact, orders_schema, shown
from .entries import entries_of

_TERMS: Mapping[Wrong, str] = {
    Wrong.ONLY_WITH_RESERVATION: CONF_RESERVATION,
    Wrong.NO_POWER: CONF_POWER,
    Wrong.PERIOD_POWER: CONF_POWER,
    Wrong.SHORT_DURATION: CONF_MIN_DURATION,
    Wrong.DURATIONS: CONF_MAX_DURATION,
    Wrong.DAYS: CONF_ENDS,
}
_RESERVED: Mapping[Wrong, str] = {Wrong.NO_PROBABILITY: CONF_PROBABILITY}
"""What can be wrong with the fields of a form; periods are added later, each with a flow of its own."""


class ContractFlow(ContractEntityFlow):
    """Adds a contract, and changes its terms or how it is read."""

    _contract_title = ""
    _contract: dict[str, Any]

    async def async_step_contract(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the terms."""
        return await self._async_ask_terms("contract", user_input)

    async def async_step_change_contract(self) -> ConfigFlowResult:
        """Ask what is to be changed; without sites there are only its terms."""
        if not self._sites:
            return await self.async_step_reconfigure_contract()
        return self.async_show_menu(step_id="change_contract", menu_options=["reconfigure_contract", "contract_entity"])

    async def async_step_reconfigure_contract(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the terms again."""
        return await self._async_ask_terms("reconfigure_contract", user_input)

    async def _async_ask_terms(self, step: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            rest = {key: value for key, value in user_input.items() if key != CONF_NAME}
            self._contract_title = user_input[CONF_NAME].strip()
            self._contract = {CONF_KIND: Kind.CONTRACT.value, **exact(rest)}
            if not self._contract.get(CONF_MAX_DURATION):
                self._contract.pop(CONF_MAX_DURATION, None)
            errors = self._wrong_days() or self._wrong_terms(_TERMS)
            if not self._contract_title:
                errors[CONF_NAME] = "no_name"
            elif self._is_named_already():
                errors[CONF_NAME] = "contract_known"
            if not errors:
                reserved = self._contract[CONF_RESERVATION] == Reservation.ACTIVE
                return await (self.async_step_contract_reserved() if reserved else self.async_step_contract_orders())
        known = {CONF_NAME: self._contract_before.title, **self._data_before} if self._contract_before else {}
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(TERMS_SCHEMA, user_input or known),
            errors=errors,
        )

    async def async_step_contract_reserved(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what reserving capacity earns, and how often it is expected to be called."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._contract |= exact(user_input)
            errors = self._wrong_terms(_RESERVED)
            if not errors:
                return await self.async_step_contract_orders()
        return self.async_show_form(
            step_id="contract_reserved",
            data_schema=self.add_suggested_values_to_schema(RESERVED_SCHEMA, user_input or self._data_before),
            errors=errors,
        )

    async def async_step_contract_orders(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whose requests are the orders of the contract, and how it is read where it is silent."""
        operators = self._operators()
        if user_input is not None:
            if decisions := decided(user_input[CONF_DECISIONS]):
                self._contract[CONF_DECISIONS] = decisions
            if (chosen_one := user_input.get(CONF_OPERATOR)) in operators:
                building, _, operator = chosen_one.partition("/")
                self._contract |= {CONF_BUILDING: building, CONF_OPERATOR: operator}
                if self._loads():
                    return await self.async_step_contract_reserve()
            return self._finish_contract()
        before = self._data_before
        linked = f"{before.get(CONF_BUILDING)}/{before.get(CONF_OPERATOR)}"
        known = {CONF_DECISIONS: before.get(CONF_DECISIONS, {}), CONF_OPERATOR: linked if linked in operators else None}
        return self.async_show_form(
            step_id="contract_orders",
            data_schema=self.add_suggested_values_to_schema(orders_schema(operators), known),
        )

    async def async_step_contract_reserve(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which loads are kept in reserve."""
        loads = self._loads()
        if user_input is not None:
            if reserve := user_input.get(CONF_RESERVE):
                self._contract[CONF_RESERVE] = reserve
            return self._finish_contract()
        known = {CONF_RESERVE: [one for one in self._data_before.get(CONF_RESERVE, ()) if one in loads]}
        schema = probatio.Schema({probatio.Optional(CONF_RESERVE): chosen(loads, several=True)})
        return self.async_show_form(
            step_id="contract_reserve", data_schema=self.add_suggested_values_to_schema(schema, known)
        )

    def _finish_contract(self) -> ConfigFlowResult:
        title, data, entry = self._contract_title, self._contract, self._contract_before
        if entry is None:
            return self.async_create_entry(title=title, data=data)
        done = self.async_update_and_abort(entry, title=title, data=data)
        if not entry.update_listeners:
            # It could not be set up, so nothing listens that would set it up anew.
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return done

    @property
    def _contract_before(self) -> ConfigEntry | None:
        """The contract that is changed."""
        return self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None

    @property
    def _data_before(self) -> dict[str, Any]:
        """What is known of it, as forms show it."""
        return {} if self._contract_before is None else shown(self._contract_before.data)

    def _is_named_already(self) -> bool:
        others = (one for one in entries_of(self.hass, Kind.CONTRACT) if one is not self._contract_before)
        return any(slugify(one.title) == slugify(self._contract_title) for one in others)  # reports are files

    def _wrong_days(self) -> dict[str, str]:
        """Return which days are no days of a contract, by their field."""
        days = {key: date.fromisoformat(self._contract[key]) for key in (CONF_STARTS, CONF_ENDS)}
        return {key: "unlikely_day" for key, day in days.items() if day.year not in YEARS}

    def _wrong_terms(self, fields: Mapping[Wrong, str]) -> dict[str, str]:
        """Return what is wrong with the terms, by some of their fields; of one field, the first is told."""
        before = self._contract_before
        periods = () if before is None else before.get_subentries_of_type(SUBENTRY_AVAILABILITY)
        terms = terms_of(self._contract, [one.data for one in periods], dt_util.get_default_time_zone())
        return {fields[wrong]: f"terms_{wrong}" for wrong in reversed(terms.wrong()) if wrong in fields}

    def _operators(self) -> dict[str, str]:
        """Return the titles of the operators of all buildings, by the ids of both."""
        return {
            f"{building.entry_id}/{one.subentry_id}": f"{building.title}: {one.title}"
            for building in entries_of(self.hass, Kind.BUILDING)
            for one in building.get_subentries_of_type(SUBENTRY_OPERATOR)
        }

    def _loads(self) -> dict[str, str]:
        """Return the loads of the building that was chosen."""
        building = self.hass.config_entries.async_get_entry(self._contract[CONF_BUILDING])
        loads = () if building is None else building.get_subentries_of_type(SUBENTRY_LOAD)
        return {one.subentry_id: one.title for one in loads}
