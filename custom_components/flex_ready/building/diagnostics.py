"""Diagnostics of a building: what was decided and why, and nothing that names a site or its people."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data

from ..control.forecast import HORIZONS_MS
from ..control.orders import Decision
from .const import CONF_LEDGER_URL
from .coordinator import BuildingCoordinator

_TO_REDACT = {"title", "unique_id", CONF_LEDGER_URL, "issuer", "audience", "client", "user", "notify"}
"""Entity ids stay: without them nothing can be told of what a load did."""


def building_diagnostics(coordinator: BuildingCoordinator) -> dict[str, Any]:
    """Return the diagnostics of a building; loads go by the ids of their subentries."""
    kept, controller, link = coordinator.kept, coordinator.controller, coordinator.link
    forecast, window = controller.forecast, controller.window
    return {
        "entry": async_redact_data(coordinator.config_entry.as_dict(), _TO_REDACT),
        "mode": kept.mode.value,
        "on": kept.on,
        "hands_off": sorted(kept.hands_off),
        "limit": link.limit,
        "in_kva": link.in_kva,
        "td_minutes": link.td,
        "window": None
        if window is None
        else {"kind": window.kind.value, "power": window.power, "at": window.at, "limit": window.limit},
        "forecast": {
            "rest": forecast.rest,
            "managed": forecast.managed,
            "errors": {f"{ahead // 1000} s": forecast.error(ahead) for ahead in HORIZONS_MS},
        },
        "loads": controller.snapshot(),
        "taken": sorted(kept.before),
        "warned_of": {load: reason.value for load, reason in coordinator.herald.warned_of.items()},
        "orders": len(kept.wishes),
        "overruns": kept.overruns.to_dict(),
        "decision": _decision(coordinator.data),
        "decisions": [_decision(one) for one in coordinator.herald.log],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "at": decision.at,
        "blind": decision.blind,
        "warned": decision.warned,
        "situation": None if decision.situation is None else asdict(decision.situation),
        "targets": [
            {
                "load": target.load,
                "step": target.step,
                "source": None if target.source is None else target.source.name.lower(),
                "reason": target.reason.value,
                "figures": dict(target.figures),
                "until": target.until,
            }
            for target in decision.targets
        ],
        "commands": [[command.load, command.step] for command in decision.commands],
    }
