"""A fleet: its sites, each asked in its turn, and the orders to them."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta, tzinfo
from decimal import Decimal

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, SITE_ZONE
from ..flexibility.model import Asset, Request
from ..flexibility.record import State
from .const import SUBENTRY_SITE
from .order import Order, Step
from .site import FleetConfigEntry, RemoteSite
from .store import OrderBook

_AT_ONCE = 4
"""Sites that are called at once; those that did not answer the last time share as many calls of their own."""
_BEGIN_WITHIN = timedelta(seconds=30)


class FleetCoordinator:
    """Runs a fleet."""

    def __init__(self, hass: HomeAssistant, entry: FleetConfigEntry) -> None:
        """Make what runs a fleet; nothing is asked yet."""
        self.hass = hass
        self.config_entry = entry
        self.zone: tzinfo = dt_util.get_default_time_zone()
        self.book = OrderBook(hass, entry.entry_id)
        self.sites: Mapping[str, RemoteSite] = {}
        self._lane = asyncio.Semaphore(_AT_ONCE)
        self._slow_lane = asyncio.Semaphore(_AT_ONCE)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.config_entry.title

    async def async_start(self) -> None:
        """Take up what was kept, and begin to ask the sites, one a moment after the other; none is waited for."""
        self.zone = await dt_util.async_get_time_zone(SITE_ZONE) or self.zone
        subentries = {one.subentry_id: one for one in self.config_entry.get_subentries_of_type(SUBENTRY_SITE)}
        await self.book.async_load(frozenset(subentries))
        self.sites = {
            site: RemoteSite(self.hass, self.config_entry, subentry, self.book, self.zone, self._leave)
            for site, subentry in subentries.items()
        }
        # A site that was just added is asked first: nothing is known of it yet.
        for i, site in enumerate(sorted(self.sites.values(), key=lambda site: bool(site.data.bacs))):
            self.config_entry.async_on_unload(site.async_disarm)
            site.async_begin(_BEGIN_WITHIN * i / len(self.sites))

    async def async_stop(self) -> None:
        """Ask no more."""
        for site in self.sites.values():
            await site.async_stop()

    def _leave(self, site: RemoteSite) -> AbstractAsyncContextManager[object]:
        """Return the leave to call a site: one that is dead does not hold up the others."""
        return self._slow_lane if site.reachable is False else self._lane

    # What the user asks for.

    async def async_send(
        self, site: RemoteSite, asset: Asset, request: Request, *, confirm: bool, max_price: Decimal | None
    ) -> Order:
        """Ask a remote asset for flexibility; raise ServiceValidationError where that is in vain from the start."""
        now = site.now()
        potential = asset.potential(request.flex_product, request.direction)
        if potential is None:
            raise _refusal("product_not_given", asset=asset.id, product=request.flex_product)
        order = Order(
            site=site.id,
            bacs_id=asset.bacs_id,
            asset_id=asset.id,
            request=request,
            asked_at=now,
            mobilization_delay=potential.mobilization_delay,
            confirm=confirm,
            max_price=max_price,
            step_at=now,
            due=now,
        )

        def change(known: Order | None) -> Order:
            if known is not None:
                if (known.site, known.bacs_id, known.asset_id, known.request) == (
                    *(site.id, asset.bacs_id, asset.id, request),
                ):
                    return known  # the same again is the same
                raise _refusal("request_id_taken", request=request.id)
            self._in_time(order)
            if request.start <= now and not site.dialect.past_taken:
                raise _refusal("start_in_past")
            return order

        await site.async_take(request.id, change)
        return await site.async_answered(request.id)

    async def async_confirm(self, order_id: str) -> Order:
        """Order what is offered, at the price that is offered; raise ServiceValidationError if nothing is."""
        site = self.site_of(order_id)

        def change(known: Order | None) -> Order:
            assert known is not None
            if known.step is not None or known.told is None or known.told.state is not State.OFFERED:
                raise _refusal("not_offered", request=order_id, state=known.state)
            return self._in_time(known.asked(Step.CONFIRM, site.now()))

        await site.async_take(order_id, change)
        return await site.async_answered(order_id)

    async def async_cancel(self, order_id: str) -> Order:
        """Withdraw a request, even one that its BACS may not know of; raise ServiceValidationError if it is over."""
        site = self.site_of(order_id)

        def change(known: Order | None) -> Order:
            assert known is not None
            cancelled = replace(known.asked(Step.CANCEL, site.now()), confirm=False)
            if not known.open or cancelled.stop <= site.now():
                raise _refusal("request_over", request=order_id, state=known.state)
            return cancelled

        await site.async_take(order_id, change)
        return await site.async_answered(order_id)

    def _in_time(self, order: Order) -> Order:
        """Return an order whose step can be taken in time; raise ServiceValidationError if it cannot."""
        if order.stop <= order.step_at:
            time = f"{order.stop.astimezone(self.zone):%d/%m %H:%M}"
            raise _refusal("too_late", asset=order.asset_id, time=time)
        return order

    def site_of(self, order_id: str) -> RemoteSite:
        """Return the site that an order was sent to; raise ServiceValidationError if there is no such order."""
        order = self.book.orders.get(order_id)
        if order is None:
            raise _refusal("no_such_request", request=order_id, fleet=self.name)
        return self.sites[order.site]


def _refusal(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
