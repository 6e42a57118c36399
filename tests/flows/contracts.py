"""A contract as its flow makes it, and dialogs with that flow."""

from collections.abc import Container
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_validation as cv
import probatio
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


class Dialog:
    """A dialog with the flow of a contract."""

    def __init__(self, hass: HomeAssistant, result: ConfigFlowResult) -> None:
        self.hass = hass
        self.result = result

    @classmethod
    async def begin(cls, hass: HomeAssistant) -> Dialog:
        """Choose the contract in the menu."""
        menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
        assert "contract" in menu["menu_options"]
        dialog = cls(hass, menu)
        await dialog.submit({"next_step_id": "contract"})
        return dialog

    @classmethod
    async def change(cls, hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
        """Ask to change a contract."""
        result = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
        )
        return cls(hass, result)

    async def submit(self, data: dict[str, Any]) -> Dialog:
        """Submit a form, and let what follows happen."""
        self.result = await self.hass.config_entries.flow.async_configure(self.result["flow_id"], data)
        await self.hass.async_block_till_done(wait_background_tasks=True)
        return self

    @property
    def step(self) -> str:
        """The step shown; its form can be sent to a browser."""
        assert self.result["type"] is FlowResultType.FORM, self.result
        assert probatio.to_field_list(self.result["data_schema"], custom_serializer=cv.custom_serializer)
        return self.result["step_id"]

    @property
    def menu(self) -> Container[str] | None:
        """What the menu offers."""
        assert self.result["type"] is FlowResultType.MENU, self.result
        return self.result["menu_options"]

    @property
    def placed(self) -> dict[str, str]:
        """What stands in the text of the form."""
        return {**(self.result["description_placeholders"] or {})}

    @property
    def errors(self) -> dict[str, str]:
        """What is told to be wrong."""
        assert self.result["type"] is FlowResultType.FORM, self.result
        return self.result["errors"] or {}

    @property
    def shown(self) -> dict[str, Any]:
        """What the form suggests."""
        schema = self.result["data_schema"]
        assert schema
        found = {str(key): (key.description or {}).get("suggested_value") for key in schema.schema}
        for key, value in schema.schema.items():
            if hasattr(value, "options"):
                inner = value.schema.schema
                found[str(key)] = {
                    str(one): one.description["suggested_value"]
                    for one in inner
                    if (one.description or {}).get("suggested_value") is not None
                }
        return {key: value for key, value in found.items() if value is not None}

    def offered(self, field: str) -> dict[str, str]:
        """Return what can be chosen of a field."""
        schema = self.result["data_schema"]
        assert schema
        options = {str(key): value for key, value in schema.schema.items()}[field].config["options"]
        return {one["value"]: one["label"] for one in options}

    @property
    def entry(self) -> MockConfigEntry:
        """The contract that was made."""
        assert self.result["type"] is FlowResultType.CREATE_ENTRY, self.result
        return self.result["result"]

    @property
    def aborted(self) -> str:
        """Why the flow ended without one."""
        assert self.result["type"] is FlowResultType.ABORT, self.result
        return self.result["reason"]
