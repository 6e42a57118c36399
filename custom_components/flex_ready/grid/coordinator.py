"""What the signals have in common: asked for seldom, kept across restarts, told at the very edge of their slots."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, ClassVar, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady, HomeAssistantError
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER, SITE_ZONE
from ..signals.errors import SignalError, Trouble
from ..slots import Stretch

if TYPE_CHECKING:
    from .ecowatt import EcowattCoordinator
    from .supplier import SupplierCoordinator

type GridConfigEntry = ConfigEntry[EcowattCoordinator | SupplierCoordinator]
type Json = dict[str, object]

_LOOK_AGAIN = timedelta(minutes=15)
"""A host clock that is set anew moves the edges: no timer runs longer than this."""
_STORE_VERSION = 1


class Held(Protocol):
    """What a signal is kept as."""

    @property
    def retrieved_at(self) -> datetime:
        """When it was received (UTC)."""


class GridCoordinator[HeldT: Held](DataUpdateCoordinator[HeldT]):
    """Holds the last good signal of one source; listeners are told when it, or what holds now, changes.

    `held` is the last good signal, however old; `fresh` says whether it may still be shown as the present one.
    """

    config_entry: GridConfigEntry
    manufacturer: ClassVar[str | None]
    stale_after: ClassVar[timedelta]
    """How old a signal may be before its entities are unavailable."""

    def __init__(self, hass: HomeAssistant, entry: GridConfigEntry) -> None:
        """Make the coordinator of one source; nothing is asked yet."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.held: HeldT | None = None
        self.failure: SignalError | None = None
        self.failures = 0
        self.next_poll: datetime | None = None
        self.zone: tzinfo = dt_util.get_default_time_zone()
        self._store: Store[Json] = self.store(hass, entry.entry_id)
        self._asking = asyncio.Lock()
        self._poll_timer: CALLBACK_TYPE | None = None
        self._edge_timer: CALLBACK_TYPE | None = None

    @staticmethod
    def store(hass: HomeAssistant, entry_id: str) -> Store[Json]:
        """Return where the signal of an entry is kept."""
        return Store(hass, _STORE_VERSION, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True)

    @property
    def fresh(self) -> bool:
        """Tell whether what is held may be shown as the present state of the signal."""
        # The host's clock may have been set back since: what comes from a far future is no better than what is old.
        return self.held is not None and abs(self.now() - self.held.retrieved_at) < self.stale_after

    @property
    def current(self) -> HeldT | None:
        """Return what is held if it is fresh."""
        return self.held if self.fresh else None

    def now(self) -> datetime:
        """Return the present instant (UTC)."""
        return dt_util.utcnow()

    async def async_start(self) -> None:
        """Take up what the last run kept, else ask; raise what Home Assistant wants where there is neither."""
        self.zone = await dt_util.async_get_time_zone(SITE_ZONE) or self.zone
        if (stored := await self._async_load()) is not None:
            self._restore(stored)
        self.config_entry.async_on_unload(self._cancel_timers)
        if not self.fresh:
            if (earliest := self._earliest_call(self.now())) > self.now():
                await self._async_save()  # what was found wrong about the last call is found but once
                raise ConfigEntryNotReady(
                    translation_domain=DOMAIN,
                    translation_key="too_soon",
                    translation_placeholders={"time": dt_util.as_local(earliest).strftime("%H:%M:%S")},
                )
            await self._async_ask()
            if self.failure is not None:
                raise _for_setup(self.failure)
        self._arm_poll()
        self._arm_edge()

    async def async_poll(self) -> None:
        """Ask for the signal now if that is allowed; a failure keeps what is held."""
        try:
            async with self._asking:  # whoever comes second finds the call noted
                if self._earliest_call(self.now()) <= self.now():
                    await self._async_ask()
        finally:  # whatever went wrong, a full disk for one, it is tried again
            self._arm_poll()
            self._arm_edge()
            self.async_update_listeners()

    async def async_stop(self) -> None:
        """Ask no more."""
        self._cancel_timers()
        await self.async_shutdown()

    async def _async_ask(self) -> None:
        try:
            held = await self._async_fetch()
        except SignalError as error:
            if self.failure is None or self.failure.trouble != error.trouble:
                LOGGER.warning("%s cannot be had, the last good data is kept: %s", self.name, error)
            self.failure = error
            self.failures += 1
            self._failed(error)
            return
        if self.failure is not None:
            LOGGER.info("%s is received again", self.name)
        self.failure = None
        self.failures = 0
        self.held = self.data = held
        await self._async_save()
        self._healed()

    async def _async_load(self) -> Json | None:
        """Return what the last run kept; what cannot be read is as good as nothing."""
        try:
            stored: object = await self._store.async_load()
        except (HomeAssistantError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
            LOGGER.warning("What was kept of %s cannot be read: %s", self.name, error)
            return None
        return stored if isinstance(stored, dict) else None

    async def _async_save(self) -> None:
        """Keep what a restart needs."""
        await self._store.async_save(self._stored())

    @abstractmethod
    async def _async_fetch(self) -> HeldT:
        """Ask the source; raise SignalError."""

    @abstractmethod
    def _restore(self, stored: Json) -> None:
        """Take up what the last run kept, as far as it is any good."""

    @abstractmethod
    def _stored(self) -> Json:
        """Return what a restart needs (JSON)."""

    @abstractmethod
    def _earliest_call(self, now: datetime) -> datetime:
        """Return when the source may be asked next."""

    @abstractmethod
    def _plan_poll(self, now: datetime) -> datetime:
        """Return when the source is asked next."""

    @abstractmethod
    def _edge_after(self, held: HeldT, now: datetime) -> datetime | None:
        """Return when something that is shown changes next without asking; None: not as far as is known."""

    @abstractmethod
    def described(self) -> Json:
        """Return what is held, for diagnostics (JSON): all of it that names nobody."""

    def _failed(self, error: SignalError) -> None:
        """Tell the user what only he can mend."""
        if error.trouble is Trouble.INVALID_AUTH:
            self.config_entry.async_start_reauth(self.hass)

    def _healed(self) -> None:
        """Take back what the user was told."""

    @callback
    def _arm_poll(self) -> None:
        if self._shutdown_requested:
            return
        if self._poll_timer:
            self._poll_timer()
        self.next_poll = self._plan_poll(self.now())
        self._poll_timer = async_track_point_in_utc_time(self.hass, self._polled, self.next_poll)

    @callback
    def _polled(self, _now: datetime) -> None:
        self._poll_timer = None
        # A task of the entry: a call that is under way when the entry is unloaded ends with it.
        self.config_entry.async_create_background_task(self.hass, self.async_poll(), f"{self.name}: poll")

    @callback
    def _arm_edge(self) -> None:
        if self._shutdown_requested:
            return
        if self._edge_timer:
            self._edge_timer()
        now = self.now()
        edges = [now + _LOOK_AGAIN]
        if (held := self.current) is not None:
            edges.append(held.retrieved_at + self.stale_after)
            edges.append(self.day(0).end)
            if (edge := self._edge_after(held, now)) is not None:
                edges.append(edge)
        self._edge_timer = async_track_point_in_utc_time(self.hass, self._edge, min(edges))

    @callback
    def _edge(self, _now: datetime) -> None:
        self._edge_timer = None
        self._arm_edge()
        self.async_update_listeners()

    def date(self, ahead: int = 0) -> date:
        """Return the date of a day of the site, 0 for today."""
        return self.now().astimezone(self.zone).date() + timedelta(days=ahead)

    def day(self, ahead: int) -> Stretch:
        """Return a day of the site, 0 for today: 23, 24 or 25 hours."""
        first = self.date(ahead)
        start, end = (
            datetime.combine(day, time.min, self.zone).astimezone(UTC) for day in (first, first + timedelta(days=1))
        )
        return Stretch(start, end)

    def _cancel_timers(self) -> None:
        for cancel in (self._poll_timer, self._edge_timer):
            if cancel is not None:
                cancel()
        self._poll_timer = self._edge_timer = None


def instant(text: str) -> datetime:
    """Read an instant that was kept (UTC); raise ValueError if it has no offset."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"no offset: {text}")
    return when.astimezone(UTC)


def _for_setup(error: SignalError) -> Exception:
    """Say a failure of the first call as Home Assistant wants it."""
    make: Callable[..., Exception] = (
        ConfigEntryAuthFailed if error.trouble is Trouble.INVALID_AUTH else ConfigEntryNotReady
    )
    return make(
        translation_domain=DOMAIN,
        translation_key=f"signal_{error.trouble}",
        translation_placeholders={"error": error.detail},
    )
