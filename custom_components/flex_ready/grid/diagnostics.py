"""Diagnostics of a signal: how it was received last, and nothing that opens a door or names a site."""

from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, CONF_URL

from ..const import CONF_DELIVERY_POINT, CONF_ISSUER, CONF_SCOPE
from .entity import SignalCoordinator

_TO_REDACT = {
    *(CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_DELIVERY_POINT, CONF_ISSUER, CONF_SCOPE, CONF_TOKEN, CONF_URL),
    *("title", "unique_id"),
}


def grid_diagnostics(coordinator: SignalCoordinator) -> dict[str, Any]:
    """Return the diagnostics of a signal."""
    held, failure = coordinator.held, coordinator.failure
    return {
        "entry": async_redact_data(coordinator.config_entry.as_dict(), _TO_REDACT),
        "fresh": coordinator.fresh,
        "stale_after_s": coordinator.stale_after.total_seconds(),
        "retrieved_at": held.retrieved_at.isoformat() if held else None,
        "next_poll": coordinator.next_poll.isoformat() if coordinator.next_poll else None,
        "failures": coordinator.failures,
        "failure": {
            "trouble": failure.trouble,
            "status": failure.status,
            "retry_after_s": failure.retry_after,
            "transaction_id": failure.transaction_id,
        }
        if failure
        else None,
        "signal": coordinator.described(),
    }
