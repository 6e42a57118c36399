"""The ledgers that are open: one for each database, which several buildings share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later, async_track_time_change
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..ledger import Ledger, LedgerError

KEPT_FOR = timedelta(days=400)
"""13 months, the longest of them."""
SETTLED_FOR = timedelta(days=5 * 366)
"""What was settled can be settled anew as long as money may be claimed for it (code de commerce, L110-4)."""
_FILE = "flex_ready.db"
_NIGHT = (3, 47)
"""Local time of the nightly purge: before the recorder's."""
_BACKUP = timedelta(hours=1)
"""A backup of which nothing is heard for longer is over."""


async def async_get_ledger(hass: HomeAssistant, url: str | None) -> Ledger:
    """Return the ledger at a URL of SQLAlchemy (None: in the configuration folder) until `async_release`.

    Raises LedgerError.
    """
    if _LEDGERS not in hass.data:
        hass.data[_LEDGERS] = _Ledgers(hass)
    return await hass.data[_LEDGERS].get(_address(hass, url))


async def async_has_ledger(hass: HomeAssistant, url: str | None) -> bool:
    """Tell whether something may be kept at a URL: a file of SQLite is there only once there was something."""
    address = _address(hass, url)
    if not address.startswith("sqlite"):
        return True
    path = Path(address.partition("///")[2].partition("?")[0])
    return await hass.async_add_executor_job(path.exists)


async def async_release(hass: HomeAssistant, url: str | None) -> None:
    """Give back what `async_get_ledger` gave; the last one closes it. Raises LedgerError."""
    await hass.data[_LEDGERS].release(_address(hass, url))


async def async_hold(hass: HomeAssistant) -> None:
    """Have the files of all ledgers ready to be copied, and left as they are until `async_let_go`."""
    if _LEDGERS in hass.data:
        await hass.data[_LEDGERS].hold()


async def async_let_go(hass: HomeAssistant) -> None:
    """Write into the files again."""
    if _LEDGERS in hass.data:
        await hass.data[_LEDGERS].let_go()


def _address(hass: HomeAssistant, url: str | None) -> str:
    return url or f"sqlite:///{hass.config.path(_FILE)}"


@dataclass(slots=True)
class _Shared:
    ledger: Ledger
    users: int = 0


class _Ledgers:
    """Opens a ledger for its first user, and closes it after its last."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._lock = asyncio.Lock()
        self._open: dict[str, _Shared] = {}
        self._stop: list[CALLBACK_TYPE] = []
        self._backup: CALLBACK_TYPE | None = None
        """Ends the backup that runs."""

    async def get(self, url: str) -> Ledger:
        async with self._lock:
            if url not in self._open:
                ledger = await Ledger.open(url)
                if ledger.replaced is not None:
                    self._tell(ledger.replaced)
                if not self._open:
                    self._start()
                self._open[url] = _Shared(ledger)
                if self._backup is not None:
                    await self._each(Ledger.pause, "held for the backup")
            self._open[url].users += 1
            return self._open[url].ledger

    async def release(self, url: str) -> None:
        async with self._lock:
            if (shared := self._open.get(url)) is None:
                return  # all were closed with Home Assistant
            shared.users -= 1
            if shared.users:
                return
            del self._open[url]
            if not self._open:
                self._end()
            await shared.ledger.close()

    async def hold(self) -> None:
        async with self._lock:
            self._over()
            self._backup = async_call_later(
                self._hass, _BACKUP, HassJob(self._forgotten, "end a backup of ledgers", cancel_on_shutdown=True)
            )
            await self._each(Ledger.pause, "held for the backup")

    async def let_go(self) -> None:
        async with self._lock:
            self._over()
            await self._each(Ledger.resume, "released after the backup")

    async def _forgotten(self, _now: datetime) -> None:
        LOGGER.warning("Nothing was heard of the end of a backup for an hour: it is taken to be over")
        await self.let_go()

    def _start(self) -> None:
        hour, minute = _NIGHT
        self._stop = [
            self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, self._close),
            async_track_time_change(self._hass, self._purge, hour=hour, minute=minute, second=0),
        ]

    def _end(self) -> None:
        self._over()
        while self._stop:
            self._stop.pop()()

    def _over(self) -> None:
        if self._backup is not None:
            self._backup()
            self._backup = None

    async def _close(self, _event: Event) -> None:
        async with self._lock:
            del self._stop[0]  # it has just been called
            self._end()
            await self._each(Ledger.close, "closed")
            self._open.clear()

    async def _purge(self, _now: datetime) -> None:
        now = dt_util.utcnow()

        async def purge(ledger: Ledger) -> None:
            await ledger.purge(now - KEPT_FOR, now - SETTLED_FOR)

        async with self._lock:
            await self._each(purge, "purged")

    async def _each(self, do: Callable[[Ledger], Awaitable[None]], done: str) -> None:
        """Do something with all; what one has against it is no reason for the others, nor for who asks."""
        for shared in self._open.values():
            try:
                await do(shared.ledger)
            except LedgerError as error:
                LOGGER.warning("A ledger could not be %s: %s", done, error)

    def _tell(self, replaced: str) -> None:
        LOGGER.error("The ledger was broken and a new one is begun; what it was is in %s", replaced)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            "ledger_replaced",
            is_fixable=False,
            is_persistent=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key="ledger_replaced",
            translation_placeholders={"file": replaced},
        )


_LEDGERS: HassKey[_Ledgers] = HassKey(f"{DOMAIN}_ledgers")
