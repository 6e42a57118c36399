"""The flow of a flexibility entity of a contract: what all its sites have in common is changed for all of them."""

from typing import Any

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult, ConfigSubentry
from homeassistant.helpers.selector import SelectSelectorMode, TextSelector
import probatio

from ..contract.const import CONF_ENTITY, CONF_METHOD, CONF_SITE_KIND, SUBENTRY_PERIMETER_SITE
from ..contract.past_sites import PastSites
from ..settlement.methods import Method
from ..settlement.sites import SiteKind
from .asset import chosen
from .load_forms import words
from .perimeter_site import LONGEST, REFERENCE_METHOD

ENTITY_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_ENTITY): TextSelector(),
        probatio.Required(CONF_SITE_KIND): words(CONF_SITE_KIND, *(kind.value for kind in SiteKind)),
        probatio.Required(CONF_METHOD): words(
            REFERENCE_METHOD, *(method.value for method in Method), mode=SelectSelectorMode.DROPDOWN
        ),
    }
)


class ContractEntityFlow(ConfigFlow):
    """Changes an entity of a contract: its name, the kind of its sites, its method."""

    _entity = ""

    async def async_step_contract_entity(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which entity; nothing if there is one."""
        entities: dict[str, list[ConfigSubentry]] = {}
        for site in self._sites:
            entities.setdefault(site.data[CONF_ENTITY], []).append(site)
        if user_input is not None or len(entities) == 1:
            self._entity = user_input[CONF_ENTITY] if user_input else next(iter(entities))
            return await self.async_step_contract_entity_details()
        offered = {name: f"{name} ({len(its)})" for name, its in entities.items()}
        schema = probatio.Schema({probatio.Required(CONF_ENTITY): chosen(offered, several=False)})
        return self.async_show_form(step_id="contract_entity", data_schema=schema)

    async def async_step_contract_entity_details(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what it is called, of which kind its sites are, and by which method they are measured."""
        errors: dict[str, str] = {}
        its = [site for site in self._sites if site.data[CONF_ENTITY] == self._entity]
        if user_input is not None:
            said = {**user_input, CONF_ENTITY: user_input[CONF_ENTITY].strip()}
            methods = (site.data[CONF_METHOD] for site in its)
            past = PastSites(self.hass, self._get_reconfigure_entry())
            await past.async_load()
            if not 0 < len(said[CONF_ENTITY]) <= LONGEST:
                errors[CONF_ENTITY] = "no_entity"
            elif said[CONF_ENTITY] in past.entities - {self._entity}:
                errors[CONF_ENTITY] = "entity_known"
            elif said[CONF_ENTITY] != self._entity and Method.FORECAST in (said[CONF_METHOD], *methods):
                errors[CONF_ENTITY] = "entity_forecast"  # forecasts are handed in, and kept, under its name
            else:
                await past.async_rename(self._entity, said[CONF_ENTITY])
                return self._change(its, said)
        shown = user_input or {key: its[0].data[key] for key in (CONF_ENTITY, CONF_SITE_KIND, CONF_METHOD)}
        return self.async_show_form(
            step_id="contract_entity_details",
            data_schema=self.add_suggested_values_to_schema(ENTITY_SCHEMA, shown),
            errors=errors,
            description_placeholders={"entity": self._entity, "sites": ", ".join(site.title for site in its)},
        )

    def _change(self, sites: list[ConfigSubentry], said: dict[str, Any]) -> ConfigFlowResult:
        contract = self._get_reconfigure_entry()
        listened = bool(contract.update_listeners)
        for site in sites:
            self.hass.config_entries.async_update_subentry(contract, site, data={**site.data, **said})
        if not listened:
            # It could not be set up, so nothing listens that would set it up anew.
            self.hass.config_entries.async_schedule_reload(contract.entry_id)
        return self.async_abort(reason="entity_changed")

    @property
    def _sites(self) -> list[ConfigSubentry]:
        """The sites of the contract."""
        return [*self._get_reconfigure_entry().get_subentries_of_type(SUBENTRY_PERIMETER_SITE)]
