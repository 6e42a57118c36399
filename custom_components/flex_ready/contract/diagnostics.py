"""Diagnostics of a contract: how its orders came out, and which site is silent; nothing that names a site."""

from typing import Any

from homeassistant.components.diagnostics import async_redact_data

from ..settlement.report import ActivationReport
from .const import (
    CONF_BUILDING,
    CONF_ENTITY,
    CONF_EXPECTED_CALL,
    CONF_FIXED_PREMIUM,
    CONF_INJECTED,
    CONF_OPERATOR,
    CONF_PROBABILITY,
    CONF_REMOTE_ASSET,
    CONF_REMOTE_BACS,
    CONF_SITE_ID,
    CONF_VARIABLE_PREMIUM,
    CONF_WITHDRAWN,
)
from .coordinator import ContractCoordinator

_TO_REDACT = {
    *(CONF_SITE_ID, CONF_ENTITY, CONF_WITHDRAWN, CONF_INJECTED, CONF_REMOTE_BACS, CONF_REMOTE_ASSET),
    *(CONF_BUILDING, CONF_OPERATOR, CONF_VARIABLE_PREMIUM, CONF_FIXED_PREMIUM, CONF_EXPECTED_CALL, CONF_PROBABILITY),
    *("title", "unique_id"),
}
_MOST = 50


def contract_diagnostics(contract: ContractCoordinator) -> dict[str, Any]:
    """Return the diagnostics of a contract; sites go by the ids of their subentries."""
    data = contract.data
    last = sorted(data.reports.values(), key=lambda one: one.order.start)[-_MOST:]
    return {
        "entry": async_redact_data(contract.config_entry.as_dict(), _TO_REDACT),
        "orders": len(data.orders),
        "activations": [_activation(one) for one in last],
        "tests": {kind.value: series.standing.value for kind, series in data.tests.items()},
        "silent": sorted(data.silent),
        "settled": data.settled,
    }


def _activation(report: ActivationReport) -> dict[str, Any]:
    return {
        "start": report.order.start.isoformat(),
        "end": report.order.end.isoformat(),
        "purpose": report.order.purpose.value,
        "complete": report.complete,
        "outcome": report.outcome,
        "steps": [
            {
                "expected_wh": float(step.expected),
                "realised_wh": None if step.raw is None else float(step.raw),
                "deficient_wh": float(step.deficient),
                "complete": step.complete,
            }
            for step in report.steps
        ],
    }
