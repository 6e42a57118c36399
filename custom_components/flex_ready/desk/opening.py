"""Opening the desk of a building: its ledger may not be there, and the building does without meanwhile."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from ..building.const import CONF_LEDGER_URL
from ..const import DOMAIN, LOGGER
from ..ledger import LedgerError
from .const import SUBENTRY_ASSET
from .desk import Desk
from .habit_store import HabitStore
from .ledgers import async_get_ledger, async_has_ledger, async_release
from .question import Question

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

_AGAIN = timedelta(minutes=1)


class Opening:
    """Opens the desk of one building as soon as that is possible, and closes it."""

    def __init__(self, building: BuildingCoordinator) -> None:
        """Nothing is opened yet."""
        self._building = building
        self._url: str | None = building.config_entry.data.get(CONF_LEDGER_URL) or None
        self._habits = HabitStore(building.hass, building.config_entry.entry_id)
        self._stop: list[CALLBACK_TYPE] = []

    async def async_open(self) -> None:
        """Open the desk, if the building has an asset; try again later where its ledger cannot be used."""
        building = self._building
        if not any(building.config_entry.get_subentries_of_type(SUBENTRY_ASSET)):
            return
        issue = issue_of(building.config_entry.entry_id)
        try:
            ledger = await async_get_ledger(building.hass, self._url)
        except LedgerError as error:
            self._try_again(issue, error)
            return
        await self._habits.async_load(frozenset(building.handovers))
        desk = Desk(building, ledger, self._habits)
        try:
            await desk.async_start()
        except LedgerError as error:
            await async_release(building.hass, self._url)
            self._try_again(issue, error)
            return
        ir.async_delete_issue(building.hass, DOMAIN, issue)
        building.desk = desk
        self._stop.append(Question(building, desk).start())
        self._stop.append(building.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, self._final))

    async def async_close(self) -> None:
        """Close the desk; requests that run go on with the next start."""
        for stop in self._stop:
            stop()
        self._stop.clear()
        desk, self._building.desk = self._building.desk, None
        if desk is not None:
            await desk.async_stop()
            await self._habits.async_save()
            await async_release(self._building.hass, self._url)

    async def _final(self, _event: Event) -> None:
        self._stop.clear()
        if (desk := self._building.desk) is not None:
            await desk.async_stop()

    @callback
    def _try_again(self, issue: str, error: LedgerError) -> None:
        LOGGER.warning("The ledger of %s cannot be used, and no request is taken: %s", self._building.name, error)
        ir.async_create_issue(
            self._building.hass,
            DOMAIN,
            issue,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="ledger_unusable",
            translation_placeholders={"building": self._building.name, "error": str(error)},
        )

        async def again(_now: datetime) -> None:
            self._stop.clear()
            await self.async_open()
            self._building.act()

        self._stop.append(async_call_later(self._building.hass, _AGAIN, again))


async def async_forget(hass: HomeAssistant, entry: ConfigEntry[BuildingCoordinator]) -> None:
    """Leave nothing of a building, neither its habits nor what is in its ledger, once it is removed."""
    await HabitStore(hass, entry.entry_id).async_remove()
    url = entry.data.get(CONF_LEDGER_URL) or None
    if not await async_has_ledger(hass, url):
        return
    try:
        ledger = await async_get_ledger(hass, url)
        try:
            await ledger.forget(entry.entry_id)
        finally:
            await async_release(hass, url)
    except LedgerError as error:
        LOGGER.warning("What was kept of the requests of %s is still in the ledger: %s", entry.title, error)


def issue_of(entry_id: str) -> str:
    """Return the id of what the user is asked to mend when the ledger of an entry cannot be used."""
    return f"ledger_{entry_id}"
