"""What the sites of a contract tell, on its way into the ledger: nothing is lost while that cannot be written."""

import asyncio
from collections.abc import Callable, Mapping, Set as AbstractSet
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import LOGGER
from ..ledger import Ledger, LedgerError
from ..settlement.model import STEP, Reading
from .const import (
    CONF_FLEET,
    CONF_INJECTED,
    CONF_METER_ENTRY,
    CONF_REMOTE_ASSET,
    CONF_REMOTE_BACS,
    CONF_REMOTE_SITE,
    CONF_SOURCE,
    CONF_WITHDRAWN,
    SOURCE_ENTITY,
    SOURCE_REMOTE,
)
from .entity_source import EntitySource
from .meter_source import MeterSource
from .remote_source import RemoteSource
from .source import Running, Source
from .source_store import SourceStore
from .waiting import Waiting

_SOON = 1
"""Seconds: what several sites tell of a step is written together."""
_AGAIN = 60
_WAITING = "waiting"
"""Kept by this name, beside the sites: those have ids of their subentries."""

type Written = Callable[[Mapping[str, datetime]], None]
"""Told the sites of which half-hours were written, and the first of them."""
type Troubled = Callable[[LedgerError | None], None]
"""Told that the ledger cannot be written; None: it can again."""


class Intake:
    """Listens to the sites of one contract."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, ledger: Ledger, written: Written, troubled: Troubled
    ) -> None:
        """Make what listens; `written` and `troubled` are told how it goes."""
        self._hass = hass
        self._entry = entry
        self._ledger = ledger
        self._written = written
        self._troubled = troubled
        self._waiting = Waiting()
        self._store = SourceStore(hass, entry.entry_id)
        self._sources: dict[str, Source] = {}
        self._timer: CALLBACK_TYPE | None = None
        self._final: CALLBACK_TYPE | None = None
        self._lock = asyncio.Lock()
        """Held by who writes."""
        self._failed = False

    async def async_start(self, sites: Mapping[str, ConfigSubentry], belonged: AbstractSet[str]) -> None:
        """Listen to some sites, each by its subentry; one whose source is gone is silent.

        What waited when Home Assistant stopped is written, also that of sites that belonged and were deleted since.
        """
        await self._store.async_load()
        if (kept := self._store.of(_WAITING)) and not self._waiting.restore(kept, belonged | sites.keys()):
            LOGGER.warning("Some readings of %s that waited make no sense", self._entry.title)
        self._store.keep(_WAITING, self._waiting)
        if self._waiting.readings:
            self._wait(_SOON)
        self._final = self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, self._end)
        for number, (site, subentry) in enumerate(sites.items()):
            if (source := self._source(site, subentry, number)) is None:
                continue  # the user is told by what looks after the needs of the contract
            self._sources[site] = source
            self._store.keep(site, source)
            await source.async_start()

    async def async_stop(self) -> None:
        """Listen no more, and write what waits."""
        if self._final is not None:
            self._final()
            self._final = None
        for source in self._sources.values():
            await source.async_stop()
        await self._async_last()

    async def _end(self, _event: Event) -> None:
        """Write what waits before Home Assistant is gone."""
        self._final = None
        await asyncio.sleep(0)  # where the store is about to write of itself it has begun by then
        await self._async_last()

    async def _async_last(self) -> None:
        """Write what waits; what cannot be written waits for the next start."""
        await self._async_write()
        self._wait(None)
        await self._store.async_save()

    def running(self, site: str, now: datetime) -> Running | None:
        """Return what is known of the half-hour that runs; None: nothing listens to that site."""
        source = self._sources.get(site)
        return None if source is None else source.running(now)

    def _source(self, site: str, subentry: ConfigSubentry, number: int) -> Source | None:
        data = subentry.data

        def told(length: timedelta, readings: Mapping[datetime, Reading]) -> None:
            self._take(site, length, readings)

        if data[CONF_SOURCE] == SOURCE_ENTITY:
            return EntitySource(self._hass, told, data[CONF_WITHDRAWN], data.get(CONF_INJECTED), self._store.of(site))
        remote = data[CONF_SOURCE] == SOURCE_REMOTE
        entry = self._hass.config_entries.async_get_entry(data[CONF_FLEET if remote else CONF_METER_ENTRY])
        if entry is None:
            return None
        if not remote:
            return MeterSource(self._hass, entry, told, self._store.of(site))
        return RemoteSource(
            self._hass,
            entry,
            data[CONF_REMOTE_SITE],
            (data[CONF_REMOTE_BACS], data[CONF_REMOTE_ASSET]),
            told,
            lambda start, end: self._ledger.readings(site, start, end),
            second=number % 60,
        )

    @callback
    def _take(self, site: str, length: timedelta, readings: Mapping[datetime, Reading]) -> None:
        self._waiting.add((site, length), readings)
        self._store.save_soon()
        if self._timer is None and not self._lock.locked():
            self._wait(_SOON)

    def _wait(self, seconds: float | None) -> None:
        """Write in a while; None: not by itself any more."""
        if self._timer is not None:
            self._timer()
        self._timer = None if seconds is None else async_call_later(self._hass, seconds, self._due)

    @callback
    def _due(self, _now: datetime) -> None:
        self._timer = None
        self._entry.async_create_background_task(self._hass, self._async_write(), "write readings")

    async def _async_write(self) -> None:
        """Write what waits, and again a while later what could not be written."""
        sites: dict[str, datetime] = {}
        async with self._lock:
            try:
                while (first := self._waiting.first()) is not None:
                    (site, length), readings = first  # more may be told while these are written
                    await self._ledger.add_readings(site, readings, length)
                    self._waiting.wrote((site, length), readings)
                    self._store.save_soon()
                    if length == STEP:
                        sites[site] = min(*readings, sites.get(site, max(readings)))
            except LedgerError as error:
                self._fail(error)
            else:
                if self._failed:
                    self._failed = False
                    self._troubled(None)
        if sites:
            self._written(sites)

    def _fail(self, error: LedgerError) -> None:
        if not self._failed:
            self._failed = True
            LOGGER.warning("The readings of %s cannot be kept, and wait: %s", self._entry.title, error)
            self._troubled(error)
        self._waiting.shorten()
        self._wait(_AGAIN)
