"""What a fleet keeps: its orders, from before they are sent, and what its sites were last seen to have."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN, LOGGER
from ..firm_store import FirmStore
from ..flexibility.dialects import NATIVE
from ..flexibility.model import Asset, Bacs
from ..flexibility.wire import Reader, Writer
from .order import Order

_VERSION = 1
_READER, _WRITER = Reader(NATIVE, UTC), Writer(NATIVE, UTC)
_KEPT_FOR = timedelta(days=31)
_MOST_OVER = 2_000
"""Orders that are over: beyond these the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a site has, as it was last seen."""

    bacs: tuple[Bacs, ...] = ()
    assets: tuple[Asset, ...] = ()

    @property
    def gist(self) -> Hashable:
        """What of it seldom changes."""
        assets = (
            (one.bacs_id, one.id, tuple((p.flex_product, p.direction, p.mobilization_delay) for p in one.potentials))
            for one in self.assets
        )
        return self.bacs, tuple(assets)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "bacs": [_WRITER.bacs(one) for one in self.bacs],
            "assets": [_WRITER.asset(one) for one in self.assets],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Known:
        """Take up what was kept; raise KeyError, TypeError or ValueError if it is none of ours."""
        return cls(
            tuple(_READER.bacs(one) for one in data["bacs"]), tuple(_READER.asset(one) for one in data["assets"])
        )


def store(hass: HomeAssistant, entry_id: str) -> FirmStore:
    """Return where a fleet is kept."""
    return FirmStore(hass, _VERSION, entry_id, meanwhile="no request is sent")


class OrderBook:
    """The orders of a fleet, by requestID, and what its sites have."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Make an empty book."""
        self._hass = hass
        self._store = store(hass, entry_id)
        self._orders: dict[str, Order] = {}
        self._of: defaultdict[str, dict[str, Order]] = defaultdict(dict)
        """The same, by site."""
        self._known: dict[str, Known] = {}
        # As they are written: a fleet has thousands of orders, of which one changes.
        self._rows: dict[str, dict[str, Any]] = {}

    @property
    def orders(self) -> Mapping[str, Order]:
        """The orders, by requestID."""
        return self._orders

    def of(self, site: str) -> Sequence[Order]:
        """Return the orders to a site."""
        return [*self._of[site].values()]

    def known(self, site: str) -> Known:
        """Return what a site was last seen to have."""
        return self._known.get(site, Known())

    async def async_load(self, sites: frozenset[str]) -> None:
        """Take up what was kept of sites that are still there; what makes no sense is left out, and told of."""
        try:
            stored: object = await self._store.async_load()
        except (HomeAssistantError, NotImplementedError) as error:
            LOGGER.error("What was kept in %s cannot be read: %s", self._store.key, error)
            return
        kept = stored if isinstance(stored, dict) else {}
        for row in kept.get("orders", ()):
            try:
                order = Order.from_dict(row)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                LOGGER.warning("A request that was kept in %s is of no use: %s", self._store.key, error)
                continue
            if order.site in sites:
                self._put(order)
        for site, row in kept.get("sites", {}).items():
            try:
                self._known |= {site: Known.from_dict(row)} if site in sites else {}
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                LOGGER.warning("What was kept of a site in %s is of no use: %s", self._store.key, error)

    async def async_keep(self, order: Order) -> None:
        """Keep an order; raise HomeAssistantError if it could not be written: then it is not to be sent."""
        before = self._orders.get(order.id)
        self._put(order)
        await self._async_write()
        if self._store.failed or self._hass.state is CoreState.stopping:
            if before is None:
                self._drop(order.id)
            else:
                self._put(before)
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="order_not_kept")

    async def async_note(self, order: Order) -> None:
        """Keep what became of an order: it is so even if it cannot be written.

        That it was asked again, and nothing is new, is not worth a writing: after a restart it is asked at once.
        """
        before = self._orders[order.id]
        self._put(order)
        if _gist(before) != _gist(order):
            await self._async_write()

    async def async_see(self, site: str, known: Known) -> None:
        """Keep what a site has; it is written where more than the powers and times of the moment is new."""
        before = self.known(site)
        self._known[site] = known
        if before.gist != known.gist:
            await self._async_write()

    def _put(self, order: Order) -> None:
        self._orders[order.id] = self._of[order.site][order.id] = order
        self._rows[order.id] = order.to_dict()

    def _drop(self, order_id: str) -> None:
        del self._of[self._orders[order_id].site][order_id]
        del self._orders[order_id], self._rows[order_id]

    async def _async_write(self) -> None:
        self._forget(datetime.now(UTC))
        known = {site: one.to_dict() for site, one in self._known.items()}
        await self._store.async_save({"orders": [*self._rows.values()], "sites": known})

    def _forget(self, now: datetime) -> None:
        """Forget what is long over."""
        over = [order for order in self._orders.values() if not order.open and order.due is None]
        old = [order for order in over if order.end < now - _KEPT_FOR and order.asked_at < now - _KEPT_FOR]
        surplus = sorted(over, key=lambda order: order.asked_at)[: max(0, len(over) - _MOST_OVER)]
        for order_id in {order.id for order in (*old, *surplus)}:
            self._drop(order_id)


def _gist(order: Order) -> tuple[Order, bool]:
    """Return what of an order is worth a writing."""
    return replace(order, tries=0, due=None), order.due is None
