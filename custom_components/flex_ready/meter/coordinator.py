"""A meter in Home Assistant: its reader, its state, and who is told of what."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_BAUDRATE, DOMAIN, LOGGER
from ..port import PortError
from ..tic import Frame, Group
from .reader import Reader
from .state import MeterState

_FIRST_FRAME_S = 30
"""A PME-PMI frame takes 8 s at 1200 baud, and the first one heard is cut."""
_NO_FRAME_S = 3600
_BAD_SHARE = 0.05
_HEALED_SHARE = 0.03
_SITE_ZONE = "Europe/Paris"

type MeterConfigEntry = ConfigEntry[MeterCoordinator]
type GroupListener = Callable[[Group], None]

_UNREAD_SINCE: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_unread_since")
"""When the meter of an entry was last read (monotonic, s): a setup that fails leaves no coordinator to remember it."""


class MeterCoordinator(DataUpdateCoordinator[MeterState]):
    """Pushes each frame of a meter to its entities, and each group to who listens for it."""

    config_entry: MeterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: MeterConfigEntry) -> None:
        """Make the coordinator of one meter; nothing is polled."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.last_update_success = False
        self.monotonic: Callable[[], float] = hass.loop.time
        self._group_listeners: list[GroupListener] = []
        self._failing: set[GroupListener] = set()
        self._first_frame = asyncio.Event()
        self._last_frame_at = self.monotonic()
        self._stale_timer: asyncio.TimerHandle | None = None
        self._silence_timer: CALLBACK_TYPE | None = None
        self._was_lost = False
        self._lost_at_once = ""
        self._reader = Reader(entry.data[CONF_PORT], entry.data[CONF_BAUDRATE], self._take, self._port_lost)
        self._task: asyncio.Task[None] | None = None

    async def async_start(self) -> None:
        """Open the port and wait for a frame; raise ConfigEntryNotReady with what is wrong."""
        zone = await dt_util.async_get_time_zone(_SITE_ZONE)
        self.data = MeterState(zone or dt_util.get_default_time_zone())
        port = self.config_entry.data[CONF_PORT]
        self.config_entry.async_on_unload(self._cancel_timers)
        self._watch_silence()
        try:
            await self._reader.open()
        except PortError as error:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key=f"port_{error.trouble}",
                translation_placeholders={"port": port, "error": str(error)},
            ) from error
        try:
            async with asyncio.timeout(_FIRST_FRAME_S):
                await self._first_frame.wait()
        except BaseException as error:
            await self._reader.close()
            if not isinstance(error, TimeoutError):
                raise
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="no_frame",
                translation_placeholders={"port": port, "seconds": str(_FIRST_FRAME_S)},
            ) from error
        if not self.last_update_success:
            await self._reader.close()
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="port_cannot_open",
                translation_placeholders={"port": port, "error": self._lost_at_once},
            )
        self._task = self.config_entry.async_create_background_task(self.hass, self._reader.run(), "meter reader")

    async def async_stop(self) -> None:
        """Close the port; it is free when this returns."""
        await self.async_shutdown()
        self.hass.data[_UNREAD_SINCE].pop(self.config_entry.entry_id, None)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._reader.close()

    @callback
    def async_add_group_listener(self, listener: GroupListener) -> CALLBACK_TYPE:
        """Call a listener with every verified group, as soon as its CR is in; return how to stop that."""
        self._group_listeners.append(listener)
        return lambda: self._group_listeners.remove(listener)

    @staticmethod
    def forget_issues(hass: HomeAssistant, entry_id: str) -> None:
        """Delete what the user was asked to repair."""
        for issue in ("no_frame", "bad_groups"):
            ir.async_delete_issue(hass, DOMAIN, f"{issue}_{entry_id}")

    @callback
    def _cancel_timers(self) -> None:
        if self._stale_timer:
            self._stale_timer.cancel()
        if self._silence_timer:
            self._silence_timer()

    @callback
    def _take(self, data: bytes) -> None:
        """Take bytes of the port. Nothing is raised: that would close the port."""
        for event in self.data.decoder.feed(data):
            if isinstance(event, Frame):
                try:
                    self._frame(event)
                except Exception:  # noqa: BLE001  # a row that fails must not close the port
                    LOGGER.exception("Unexpected exception")
            else:
                self.data.hear(event, monotonic=self.monotonic(), host=dt_util.utcnow())
                for listener in tuple(self._group_listeners):
                    self._tell(listener, event)

    def _tell(self, listener: GroupListener, group: Group) -> None:
        """Hand a group to a listener; one that fails is told on, and logged once until it succeeds again."""
        try:
            listener(group)
        except Exception:  # noqa: BLE001  # nor must a listener
            if listener not in self._failing:
                LOGGER.exception("A listener to the groups of %s failed", self.name)
                self._failing.add(listener)
        else:
            self._failing.discard(listener)

    def _frame(self, frame: Frame) -> None:
        now = self.monotonic()
        self.data.take(frame, monotonic=now, host=dt_util.utcnow())
        if not frame.complete or frame.meter is None:
            return
        self._last_frame_at = now
        if self._stale_timer is None:
            self._stale_timer = self.hass.loop.call_later(self.data.quality.stale_after, self._maybe_stale)
        if not self.last_update_success:
            self._back()
        self._watch_quality()
        self.async_update_listeners()

    def _back(self) -> None:
        if self._was_lost:
            LOGGER.info("%s is read again", self.name)
            self._was_lost = False
        self.last_update_success = True
        self._first_frame.set()
        self._watch_silence()
        ir.async_delete_issue(self.hass, DOMAIN, f"no_frame_{self.config_entry.entry_id}")

    @callback
    def _maybe_stale(self) -> None:
        """Declare what is known stale, unless a frame has come since the timer was set."""
        left = self._last_frame_at + self.data.quality.stale_after - self.monotonic()
        if left > 0:
            self._stale_timer = self.hass.loop.call_later(left, self._maybe_stale)
            return
        self._stale_timer = None
        self._lose(f"no frame for {self.data.quality.stale_after:.0f} s")

    @callback
    def _port_lost(self, reason: str) -> None:
        if self._stale_timer:
            self._stale_timer.cancel()
            self._stale_timer = None
        self.data.quality.interrupted()
        self.data.decoder.close()  # half a frame of before is not to be joined with half a frame of after
        self._lost_at_once = reason
        self._first_frame.set()
        self._lose(reason)

    def _lose(self, reason: str) -> None:
        """Make the entities unavailable; say so once an outage."""
        if not self.last_update_success:
            return
        LOGGER.warning("%s is not read any more: %s", self.name, reason)
        self._was_lost = True
        self.last_update_success = False
        self._watch_silence()
        self.async_update_listeners()

    def _watch_silence(self) -> None:
        """While nothing is read, ask the user to look after an hour."""
        if self._silence_timer:
            self._silence_timer()
            self._silence_timer = None
        unread = self.hass.data.setdefault(_UNREAD_SINCE, {})
        if self.last_update_success:
            unread.pop(self.config_entry.entry_id, None)
            return
        now = self.monotonic()
        left = unread.setdefault(self.config_entry.entry_id, now) + _NO_FRAME_S - now
        self._silence_timer = async_call_later(self.hass, max(0, left), self._silent)

    @callback
    def _silent(self, _now: datetime) -> None:
        self._silence_timer = None
        self._ask("no_frame", {"port": self.config_entry.data[CONF_PORT]})

    def _watch_quality(self) -> None:
        share = self.data.quality.bad_share
        if share is None:
            return
        if share > _BAD_SHARE:
            self._ask("bad_groups", {"share": f"{100 * share:.0f}", "limit": f"{100 * _BAD_SHARE:.0f}"})
        elif share < _HEALED_SHARE:
            ir.async_delete_issue(self.hass, DOMAIN, f"bad_groups_{self.config_entry.entry_id}")

    def _ask(self, issue: str, placeholders: dict[str, str]) -> None:
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            f"{issue}_{self.config_entry.entry_id}",
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=issue,
            translation_placeholders={"meter": self.name, **placeholders},
        )
