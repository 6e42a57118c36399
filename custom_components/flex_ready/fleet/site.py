"""A remote site: asked now and then what it has, more often how its requests stand; nothing waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta, tzinfo
from random import Random
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from ..const import CONF_DIALECT, LOGGER
from ..flexibility.client import BacsClient
from ..flexibility.client_errors import BacsError, Fault
from ..flexibility.dialects import DIALECTS, Dialect
from .carry import carry_on, say
from .const import ATTR_SUBENTRY
from .order import Order
from .reach import client_of, look
from .store import Known, OrderBook

if TYPE_CHECKING:
    from .coordinator import FleetCoordinator

_PATIENCE_S = 12
_SOONEST = timedelta(seconds=1)
"""No timer is shorter: what fails unexpectedly is not tried in a loop."""
_ANSWERS = frozenset((Fault.REFUSED, Fault.NOT_FOUND, Fault.IN_PROGRESS))

type FleetConfigEntry = ConfigEntry[FleetCoordinator]
type Told = Callable[[Order | None, Order], None]

_USUAL = timedelta(minutes=15)
_BACK_OFF = timedelta(minutes=1)
_SPREAD = 0.1
"""By which part polls come earlier or later, so that those of many sites do not meet."""


class RemoteSite(DataUpdateCoordinator[Known]):
    """One remote site. Its calls are made one after the other; listeners are told when something changes."""

    config_entry: FleetConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: FleetConfigEntry,
        subentry: ConfigSubentry,
        book: OrderBook,
        zone: tzinfo,
        lane: Callable[[RemoteSite], AbstractAsyncContextManager[object]],
    ) -> None:
        """Make what asks a site; `lane` gives the leave to make calls."""
        super().__init__(hass, LOGGER, config_entry=entry, name=subentry.title)
        self.subentry = subentry
        self.id = subentry.subentry_id
        self.book = book
        self.data = book.known(self.id)
        self.reachable: bool | None = None
        """None: it was not called yet."""
        self.last_contact: datetime | None = None
        self.fault: BacsError | None = None
        self.failures = 0
        self.next_poll = dt_util.utcnow()
        self.zone = zone
        self._lane = lane
        self._client: BacsClient | None = None
        self._calling = asyncio.Lock()
        self._working = False
        self._timer: CALLBACK_TYPE | None = None
        self._told: set[Told] = set()
        self._random = Random()  # noqa: S311  # it spreads calls, it keeps no secret

    def now(self) -> datetime:
        """Return the present instant (UTC)."""
        return dt_util.utcnow()

    @property
    def dialect(self) -> Dialect:
        """That of its API."""
        return DIALECTS[self.subentry.data[CONF_DIALECT]]

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders to this site."""
        return tuple(self.book.of(self.id))

    @callback
    def async_begin(self, first: timedelta) -> None:
        """Begin to ask, the first time after a while."""
        self.next_poll = self.now() + first
        if first:
            self._arm()
        else:
            self._wake()

    async def async_stop(self) -> None:
        """Ask no more."""
        await self.async_shutdown()
        self.async_disarm()

    @callback
    def async_listen(self, told: Told) -> CALLBACK_TYPE:
        """Have each change of an order told: as it was (None: it is new), and as it is."""
        self._told.add(told)
        return lambda: self._told.discard(told)

    async def async_take(self, order_id: str, change: Callable[[Order | None], Order]) -> Order:
        """Keep an order that is new (None) or changed, and have it carried on.

        Raises HomeAssistantError if it cannot be kept, and what `change` raises. A call that is under way ends first,
        so that what it brings is not lost.
        """
        async with self._calling:
            before = self.book.orders.get(order_id)
            order = change(before)
            if order is before:
                return order
            await self.book.async_keep(order)
        self._tell(before, order)
        self._wake()
        return order

    async def async_answered(self, order_id: str) -> Order:
        """Wait a while for what the site says to an order; return the order, whether or not it has said anything."""
        changed = asyncio.Event()
        stop = self.async_listen(lambda _, order: changed.set() if order.id == order_id else None)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while (order := self.book.orders[order_id]).step is not None and not order.tries:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass  # it is tried on, and told of
        finally:
            stop()
        return self.book.orders[order_id]

    async def async_ask[ValueT](self, ask: Callable[[BacsClient], Awaitable[ValueT]]) -> ValueT:
        """Make a call that a user asks for; raise BacsError."""
        async with self._calling, self._lane(self):
            return await self._async_call(ask)

    # The calls.

    @callback
    def _wake(self) -> None:
        """Do what is due, in a task of the entry: a call that is under way when that is unloaded ends with it."""
        if not self._working and not self._shutdown_requested:
            self._working = True
            self.config_entry.async_create_background_task(self.hass, self._async_work(), f"{self.name}: calls")

    async def _async_work(self) -> None:
        try:
            while (order := self._due()) is not None or self.next_poll <= self.now():
                async with self._calling, self._lane(self):
                    if order is None:
                        await self._async_poll()
                    else:
                        await self._async_carry_on(self.book.orders[order.id])
                self.async_update_listeners()
        finally:
            self._working = False
            self._arm()
            self.async_update_listeners()

    def _due(self) -> Order | None:
        """Return the order that is due the longest."""
        now = self.now()
        due = [(order.due, order.id, order) for order in self.orders if order.due is not None and order.due <= now]
        return min(due)[2] if due else None

    async def _async_poll(self) -> None:
        """Ask what the site has; what was known stays known if it does not answer."""
        try:
            known = await self._async_call(look)
        except BacsError:
            pause = min(_BACK_OFF * 2 ** min(self.failures - 1, 4), _USUAL)
        else:
            pause = _USUAL
            self.data = known
            await self.book.async_see(self.id, known)
        self.next_poll = self.now() + pause * (1 + _SPREAD * self._random.uniform(-1, 1))

    async def _async_carry_on(self, order: Order) -> None:
        """Say what is due about an order, and keep what comes of it."""
        carried = await carry_on(
            lambda one: self._async_call(lambda client: say(client, one)),
            order,
            clock=self.now,
            dice=self._random.random(),
        )
        await self.book.async_note(carried)
        self._tell(order, carried)

    async def _async_call[ValueT](self, ask: Callable[[BacsClient], Awaitable[ValueT]]) -> ValueT:
        """Make a call, and take note of whether the site answers; raise BacsError."""
        try:
            if self._client is None:
                session = async_get_clientsession(self.hass)
                self._client = await client_of(session, self.subentry.data, self.zone)
            answer = await ask(self._client)
        except BacsError as error:
            self._note(error)
            raise
        self._note(None)
        return answer

    def _note(self, error: BacsError | None) -> None:
        """Note whether the site answers as a BACS: a refusal is an answer. It is logged once, lost and back."""
        if error is not None and error.fault in _ANSWERS:
            error = None
        if error is None:
            if self.fault is not None:
                LOGGER.info("%s answers again", self.name)
            self.failures, self.last_contact = 0, self.now()
        else:
            if self.fault is None or self.fault.fault is not error.fault:
                LOGGER.warning("%s cannot be asked: %s", self.name, error)
            self.failures += 1
            if error.fault is Fault.INVALID_AUTH:
                self.config_entry.async_start_reauth(
                    self.hass,
                    context={"title_placeholders": {"name": f"{self.config_entry.title}: {self.name}"}},
                    data={ATTR_SUBENTRY: self.id},
                )
        self.fault = error
        self.reachable = error is None

    # The clock.

    @callback
    def _arm(self) -> None:
        """Set the timer to when something is due, or what is promised changes."""
        self.async_disarm()
        if self._shutdown_requested:
            return
        now, orders = self.now(), self.orders
        due = [self.next_poll, *(order.due for order in orders if order.due is not None)]
        due += [edge for order in orders for edge in order.edges(now)]
        self._timer = async_track_point_in_utc_time(self.hass, self._rung, max(min(due), now + _SOONEST))

    @callback
    def _rung(self, _now: datetime) -> None:
        self._timer = None
        self._wake()
        self.async_update_listeners()

    @callback
    def async_disarm(self) -> None:
        """Let the timer go."""
        if self._timer is not None:
            self._timer()
            self._timer = None

    @callback
    def _tell(self, before: Order | None, order: Order) -> None:
        for told in tuple(self._told):
            told(before, order)
        self.async_update_listeners()
