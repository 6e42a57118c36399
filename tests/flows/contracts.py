"""A contract as its flow makes it, for the flows of what belongs to it."""

from typing import Any

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN

TERMS: dict[str, Any] = {
    "reservation": "without_reservation",
    "direction": "reduce_net_withdrawal",
    "power": 600.0,
    "mobilization_delay": 30.0,
    "min_duration": 30.0,
    "min_gap": 0.0,
    "starts": "2026-03-01",
    "ends": "2027-02-28",
    "variable_premium": 200.0,
}
"""As a browser sends them."""
KEPT: dict[str, Any] = {
    "kind": "contract",
    "reservation": "without_reservation",
    "direction": "reduce_net_withdrawal",
    "power": 600,
    "mobilization_delay": 30,
    "min_duration": 30,
    "min_gap": 0,
    "starts": "2026-03-01",
    "ends": "2027-02-28",
    "variable_premium": "200",
}
MONEY: dict[str, Any] = {"fixed_premium": 30000.0, "expected_call": 20.5, "probability": 25.0}
RESERVED: dict[str, Any] = {
    **KEPT,
    "reservation": "with_reservation",
    "fixed_premium": "30000",
    "expected_call": "20.5",
    "probability": "25",
}


async def contract_entry(
    hass: HomeAssistant, data: dict[str, Any] = KEPT, *, title: str = "Town centre", loaded: bool = True
) -> MockConfigEntry:
    """Make a contract; it runs unless it is to lie still."""
    entry = MockConfigEntry(domain=DOMAIN, title=title, data=data)
    entry.add_to_hass(hass)
    if loaded:
        assert await hass.config_entries.async_setup(entry.entry_id)
    return entry
