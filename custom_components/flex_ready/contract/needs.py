"""Tells the user that something which a contract hangs on is not there: without it nothing is read, or ordered."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED
from homeassistant.core import CALLBACK_TYPE, CoreState, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import (
    async_call_later,
    async_track_entity_registry_updated_event,
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.helpers.start import async_at_started

from ..building.words import Words
from ..const import DOMAIN, LOGGER
from .const import SUBENTRY_PERIMETER_SITE
from .missing import Missing, entity_ids, missing

if TYPE_CHECKING:
    from .coordinator import ContractCoordinator

_SETTLING = timedelta(minutes=1)
"""What is only loaded anew, or comes up late, is there again by then."""
_EVERY = timedelta(minutes=30)
"""Sites leave, and contracts end, without anybody doing something."""


class Needs:
    """Looks whether all that a contract hangs on is there, whenever that may have changed."""

    def __init__(self, contract: ContractCoordinator) -> None:
        """Look at nothing yet."""
        self._contract = contract
        self._hass = contract.hass
        self._told: tuple[Missing, ...] = ()
        self._timer: CALLBACK_TYPE | None = None
        self._stop: list[CALLBACK_TYPE] = []

    async def async_start(self) -> CALLBACK_TYPE:
        """Look from now on, but not before Home Assistant has started; return what ends it."""
        await Words.async_load(self._hass, self._contract.zone)
        sites = self._contract.config_entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE)
        names = [name for site in sites for name in entity_ids(site.data).values()]
        self._stop = [
            async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._look),
            async_track_entity_registry_updated_event(self._hass, names, self._look),
            async_track_state_change_event(self._hass, names, self._state_changed),
            async_track_time_interval(self._hass, self._look, _EVERY),
            async_at_started(self._hass, self._look),
        ]
        return self._end

    @callback
    def _end(self) -> None:
        """Look no more, and take back what the user was asked to mend."""
        while self._stop:
            self._stop.pop()()
        self._forget_timer()
        forget_missing(self._hass, self._contract.id)

    @callback
    def _state_changed(self, event: Event[EventStateChangedData]) -> None:
        if event.data["old_state"] is None or event.data["new_state"] is None:
            self._look()

    @callback
    def _look(self, *_: object) -> None:
        """Tell at once that all is there, and what is missing once it is so for a while."""
        if self._hass.state is not CoreState.running:
            return
        if not self._missing():
            self._forget_timer()
            self._tell(())
        elif self._timer is None:
            self._timer = async_call_later(self._hass, _SETTLING, self._settled)

    @callback
    def _settled(self, _now: datetime) -> None:
        self._timer = None
        self._tell(self._missing())

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer()
            self._timer = None

    def _missing(self) -> tuple[Missing, ...]:
        """Return what is missing; a contract that is over needs nothing."""
        contract, today = self._contract, self._contract.today()
        if today > contract.setup.terms.ends:
            return ()
        return tuple(missing(self._hass, contract.config_entry, contract.setup.sites, today))

    def _tell(self, now: tuple[Missing, ...]) -> None:
        before, self._told = self._told, now
        if now == before:
            return
        if not now:
            forget_missing(self._hass, self._contract.id)
            return
        for one in now:
            if one not in before:
                what = f"{one.gone.replace('_', ' ')} {one.name}".rstrip()
                LOGGER.warning("%s: %s: %s", self._contract.name, one.site or "orders", what)
        words = Words.cached(self._hass, self._contract.zone)
        lines = (words.text(f"contract_missing_{one.gone}", site=one.site, name=one.name) for one in now)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            missing_issue_of(self._contract.id),
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="contract_missing",
            translation_placeholders={
                "contract": self._contract.name,
                "missing": "\n".join(f"- {line}" for line in lines),
            },
        )


def missing_issue_of(entry_id: str) -> str:
    """Return the id of what the user is asked to mend when something that a contract hangs on is missing."""
    return f"contract_missing_{entry_id}"


def forget_missing(hass: HomeAssistant, entry_id: str) -> None:
    """Ask the user no more to mend it."""
    ir.async_delete_issue(hass, DOMAIN, missing_issue_of(entry_id))
