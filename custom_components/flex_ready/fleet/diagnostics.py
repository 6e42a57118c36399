"""Diagnostics of a fleet: which site answers, and how its requests stand; nothing that opens or names a site."""

from collections import Counter
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, CONF_URL

from ..const import CONF_ISSUER, CONF_SCOPE
from .coordinator import FleetCoordinator
from .order import Order
from .site import RemoteSite

_TO_REDACT = {CONF_TOKEN, CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_ISSUER, CONF_SCOPE, CONF_URL, "title", "unique_id"}
_MOST = 50


def fleet_diagnostics(fleet: FleetCoordinator) -> dict[str, Any]:
    """Return the diagnostics of a fleet; sites go by the ids of their subentries."""
    return {
        "entry": async_redact_data(fleet.config_entry.as_dict(), _TO_REDACT),
        "sites": {site.id: _site(site) for site in fleet.sites.values()},
    }


def _site(site: RemoteSite) -> dict[str, Any]:
    orders = sorted(site.orders, key=lambda order: order.asked_at)
    return {
        "dialect": site.dialect.name,
        "reachable": site.reachable,
        "last_contact": None if site.last_contact is None else site.last_contact.isoformat(),
        "next_poll": site.next_poll.isoformat(),
        "failures": site.failures,
        "fault": None if site.fault is None else {"fault": site.fault.fault, "status": site.fault.status},
        "bacs": len(site.data.bacs),
        "assets": len(site.data.assets),
        "requests": dict(Counter(order.state for order in orders)),
        "last_requests": [_order(order) for order in orders[-_MOST:]],
    }


def _order(order: Order) -> dict[str, Any]:
    """Describe an order without its ids: a user may have chosen a telling one."""
    return {
        "asked_at": order.asked_at.isoformat(),
        "start": order.start.isoformat(),
        "end": order.end.isoformat(),
        "product": order.request.flex_product,
        "state": order.state,
        "step": order.step,
        "tries": order.tries,
        "due": None if order.due is None else order.due.isoformat(),
        "outcome": order.outcome,
        "fault": order.fault,
        "code": order.code,
    }
