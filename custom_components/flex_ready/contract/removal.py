"""What is left of a contract that is removed: nothing."""

from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, LOGGER
from ..desk.ledgers import async_get_ledger, async_has_ledger, async_release
from ..ledger import LedgerError
from .coordinator import issue_of
from .needs import forget_missing
from .past_sites import PastSites
from .source_store import SourceStore

if TYPE_CHECKING:
    from .coordinator import ContractConfigEntry


async def async_forget_contract(hass: HomeAssistant, entry: ContractConfigEntry) -> None:
    """Forget all that a contract was told, its perimeter, and the readings of all sites that it ever had."""
    ir.async_delete_issue(hass, DOMAIN, issue_of(entry.entry_id))
    forget_missing(hass, entry.entry_id)
    await SourceStore(hass, entry.entry_id).async_remove()
    past = PastSites(hass, entry)
    await past.async_load()
    await past.async_remove()
    if not await async_has_ledger(hass, None):
        return
    try:
        ledger = await async_get_ledger(hass, None)
        try:
            sites = {member.site_id for member in await ledger.members(entry.entry_id)} | past.names
            for name in (entry.entry_id, *sites):
                await ledger.forget(name)
        finally:
            await async_release(hass, None)
    except LedgerError as error:
        LOGGER.warning("What was kept of %s is still in the ledger: %s", entry.title, error)
