"""What the energy of a site of a contract is read from: a meter here, an entity, or a remote BACS; it is tried."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import EntitySelector, EntitySelectorConfig
from homeassistant.util import dt as dt_util
import probatio

from ..const import LOGGER, Kind
from ..contract.const import (
    CONF_FLEET,
    CONF_INJECTED,
    CONF_METER_ENTRY,
    CONF_REMOTE_ASSET,
    CONF_REMOTE_BACS,
    CONF_REMOTE_SITE,
    CONF_SOURCE,
    CONF_WITHDRAWN,
    SOURCE_ENTITY,
    SOURCE_METER,
    SOURCE_REMOTE,
    SUBENTRY_PERIMETER_SITE,
)
from ..contract.entity_source import is_source
from ..contract.meter_source import is_counted
from ..fleet.const import SUBENTRY_SITE
from ..fleet.coordinator import FleetCoordinator
from ..fleet.site import RemoteSite
from ..flexibility.client_errors import BacsError
from ..meter.coordinator import MeterCoordinator
from ..slots import Stretch
from .asset import chosen
from .entries import entries_of

FED = (
    CONF_SOURCE,
    CONF_METER_ENTRY,
    CONF_WITHDRAWN,
    CONF_INJECTED,
    CONF_FLEET,
    CONF_REMOTE_SITE,
    CONF_REMOTE_BACS,
    CONF_REMOTE_ASSET,
)
"""What of a site says what its energy is read from."""
_LATELY = timedelta(days=1)
"""In such a time a site has consumed something that its BACS knows of."""
_ENERGY = EntitySelector(
    EntitySelectorConfig(domain="sensor", device_class=[SensorDeviceClass.ENERGY.value, SensorDeviceClass.POWER.value])
)
ENTITY_SCHEMA = probatio.Schema({probatio.Required(CONF_WITHDRAWN): _ENERGY, probatio.Optional(CONF_INJECTED): _ENERGY})


class PerimeterSourceFlow(ConfigSubentryFlow):
    """Asks what the energy of a site is read from."""

    _source: dict[str, Any]
    _source_name = ""
    _remote_site: tuple[str, str]
    """The entry of a fleet, and the subentry of a site of it."""
    _remote_assets: Mapping[tuple[str, str], str]
    """The titles of its assets, by the ids of a BACS and of an asset of it."""

    @abstractmethod
    async def async_step_details(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the rest."""

    async def async_step_meter(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a meter that is read here."""
        meters = {entry.entry_id: entry.title for entry in entries_of(self.hass, Kind.METER)}
        if not meters:
            return self.async_abort(reason="no_meter")
        errors: dict[str, str] = {}
        if user_input is not None:
            source = {CONF_SOURCE: SOURCE_METER, **user_input}
            if wrong := self._wrong_meter(user_input[CONF_METER_ENTRY]) or self._wrong_twice(source):
                errors[CONF_METER_ENTRY] = wrong
            else:
                return await self._async_go_on(source, meters[user_input[CONF_METER_ENTRY]])
        schema = probatio.Schema({probatio.Required(CONF_METER_ENTRY): chosen(meters, several=False)})
        return self._form(SOURCE_METER, schema, user_input, errors)

    async def async_step_entity(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for an entity of what is withdrawn, and maybe another of what is injected."""
        errors: dict[str, str] = {}
        if user_input is not None:
            source = {CONF_SOURCE: SOURCE_ENTITY, **user_input}
            errors = {key: wrong for key, one in user_input.items() if (wrong := self._wrong_entity(one))}
            if len({*user_input.values()}) < len(user_input):
                errors[CONF_INJECTED] = "same_entity"
            elif not errors and (wrong := self._wrong_twice(source)):
                errors[CONF_WITHDRAWN] = wrong
            if not errors:
                state = self.hass.states.get(source[CONF_WITHDRAWN])
                return await self._async_go_on(source, state.name if state else "")
        return self._form(SOURCE_ENTITY, ENTITY_SCHEMA, user_input, errors)

    async def async_step_remote(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a remote site of a fleet."""
        sites = {
            f"{fleet.entry_id}/{one.subentry_id}": f"{fleet.title}: {one.title}"
            for fleet in entries_of(self.hass, Kind.FLEET)
            for one in fleet.get_subentries_of_type(SUBENTRY_SITE)
        }
        if not sites:
            return self.async_abort(reason="no_remote")
        errors: dict[str, str] = {}
        if user_input is not None:
            fleet_id, _, site_id = user_input[CONF_REMOTE_SITE].partition("/")
            self._remote_site = fleet_id, site_id
            if (remote := self._remote) is None:
                errors[CONF_REMOTE_SITE] = "fleet_not_running"
            elif not remote.data.assets:
                errors[CONF_REMOTE_SITE] = "no_remote_asset"
            else:
                names = {one.id: one.name for one in remote.data.bacs}
                self._remote_assets = {
                    (one.bacs_id, one.id): f"{names.get(one.bacs_id, one.bacs_id)}: {one.id}"
                    for one in remote.data.assets
                }
                return await self.async_step_remote_asset()
        schema = probatio.Schema({probatio.Required(CONF_REMOTE_SITE): chosen(sites, several=False)})
        before = self._before
        known = {CONF_REMOTE_SITE: f"{before.get(CONF_FLEET)}/{before.get(CONF_REMOTE_SITE)}"} if before else {}
        shown = user_input or {key: value for key, value in known.items() if value in sites}
        return self._form(SOURCE_REMOTE, schema, shown, errors)

    async def async_step_remote_asset(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which asset of it counts, and what that consumed of late."""
        errors: dict[str, str] = {}
        assets = {f"{bacs}/{asset}": (bacs, asset) for bacs, asset in self._remote_assets}
        if user_input is not None:
            fleet, site = self._remote_site
            bacs, asset = assets[user_input[CONF_REMOTE_ASSET]]
            source = {
                CONF_SOURCE: SOURCE_REMOTE,
                CONF_FLEET: fleet,
                CONF_REMOTE_SITE: site,
                CONF_REMOTE_BACS: bacs,
                CONF_REMOTE_ASSET: asset,
            }
            if wrong := self._wrong_twice(source) or await self._async_try(bacs, asset):
                errors["base"] = wrong
            else:
                return await self._async_go_on(source, asset)
        options = {key: self._remote_assets[asset] for key, asset in assets.items()}
        schema = probatio.Schema({probatio.Required(CONF_REMOTE_ASSET): chosen(options, several=False)})
        before = self._before.get(CONF_REMOTE_BACS), self._before.get(CONF_REMOTE_ASSET)
        now = next((key for key, asset in assets.items() if asset == before), None)
        return self._form("remote_asset", schema, user_input or {CONF_REMOTE_ASSET: now}, errors)

    async def _async_go_on(self, source: dict[str, Any], name: str) -> SubentryFlowResult:
        self._source, self._source_name = source, name
        return await self.async_step_details()

    def _form(
        self, step: str, schema: probatio.Schema, shown: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, self._before if shown is None else shown),
            errors=errors,
        )

    def _wrong_meter(self, entry_id: str) -> str:
        """Tell why no energy of a meter is known."""
        entry = self.hass.config_entries.async_get_entry(entry_id)
        coordinator = entry.runtime_data if entry is not None and entry.state is ConfigEntryState.LOADED else None
        if not isinstance(coordinator, MeterCoordinator) or not coordinator.last_update_success:
            return "meter_silent"
        return "" if is_counted(coordinator.data) else "meter_counts_nothing"

    def _wrong_entity(self, entity_id: str) -> str:
        """Tell why no energy of an entity is known."""
        state = self.hass.states.get(entity_id)
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return "entity_silent"
        known, contracts = er.async_get(self.hass).async_get(entity_id), entries_of(self.hass, Kind.CONTRACT)
        if known is not None and known.config_entry_id in {one.entry_id for one in contracts}:
            return "entity_of_contract"
        return "" if is_source(state) else "entity_counts_nothing"

    @property
    def _remote(self) -> RemoteSite | None:
        """The remote site that was chosen, if its fleet runs."""
        fleet, site = self._remote_site
        entry = self.hass.config_entries.async_get_entry(fleet)
        coordinator = entry.runtime_data if entry is not None and entry.state is ConfigEntryState.LOADED else None
        return coordinator.sites.get(site) if isinstance(coordinator, FleetCoordinator) else None

    async def _async_try(self, bacs: str, asset: str) -> str:
        """Ask what an asset consumed of late; return what is wrong."""
        remote, now = self._remote, dt_util.utcnow()
        if remote is None:
            return "fleet_not_running"
        try:
            told = await remote.async_ask(lambda client: client.consumption(bacs, asset, Stretch(now - _LATELY, now)))
        except BacsError as error:
            LOGGER.debug("%s was asked in vain: %s", remote.name, error)
            return f"bacs_{error.fault}"
        known = any(step.value.energy is not None or step.value.power is not None for step in told.steps)
        return "" if known else "remote_counts_nothing"

    def _wrong_twice(self, source: Mapping[str, Any]) -> str:
        """Tell whether another site of the contract is read from the same."""
        fed = [key for key in FED if key != CONF_INJECTED]
        wanted = [source.get(key) for key in fed]
        return "source_known" if any([one.data.get(key) for key in fed] == wanted for one in self._others()) else ""

    def _others(self) -> list[ConfigSubentry]:
        """Return the other sites of the contract."""
        mine = self._get_reconfigure_subentry().subentry_id if self.source == SOURCE_RECONFIGURE else None
        return [
            one for one in self._get_entry().get_subentries_of_type(SUBENTRY_PERIMETER_SITE) if one.subentry_id != mine
        ]

    @property
    def _before(self) -> Mapping[str, Any]:
        """What is known of the site that is changed."""
        return self._get_reconfigure_subentry().data if self.source == SOURCE_RECONFIGURE else {}
