"""Dialogs with the flows of a building's assets and operators, and a building that runs to have them with."""

from pathlib import Path
from typing import Any

from closed_loop import load_data
from conftest import meter_entry
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry, ConfigSubentryDataWithId, SubentryFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
import probatio
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    get_schema_suggested_value,
)

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.desk.desk import Desk

LOADS = ("boiler", "fan", "pump")
METERED = ("boiler", "fan")
"""Those that have a power sensor."""


@pytest.fixture
async def building(hass: HomeAssistant, tmp_path: Path, enable_custom_integrations: None) -> MockConfigEntry:
    """A building that runs, with three loads; its ledger will be in a folder of its own."""
    hass.config.config_dir = str(tmp_path)
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {name: {} for name in LOADS}})
    meter = meter_entry("/dev/ttyNone")
    meter.add_to_hass(hass)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Hall",
        data={
            "kind": "building",
            "meter_entry": meter.entry_id,
            "window": "automatic",
            "td": 0,
            "limit": 0.0,
            "blind_policy": "hold",
        },
        subentries_data=[load(name) for name in LOADS],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


def load(name: str) -> ConfigSubentryDataWithId:
    """Make a load; its id is its name."""
    sensor = {"power_sensor": f"sensor.{name}"} if name in METERED else {}
    return ConfigSubentryDataWithId(
        subentry_id=name,
        subentry_type="load",
        title=name.title(),
        unique_id=f"load {name}",
        data=load_data(f"input_boolean.{name}", nominal_w=9000, **sensor),
    )


def desk(entry: MockConfigEntry) -> Desk:
    """Return the desk of a building."""
    found = entry.runtime_data.desk
    assert isinstance(found, Desk)
    return found


class Talk:
    """A dialog with the flow of a kind of subentry."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> None:
        self.hass = hass
        self.entry = entry
        self.kind = kind
        self.result: SubentryFlowResult = {}  # type: ignore[typeddict-item]

    async def begin(self) -> Talk:
        """Ask to add one."""
        self.result = await self.hass.config_entries.subentries.async_init(
            (self.entry.entry_id, self.kind), context={"source": SOURCE_USER}
        )
        return self

    async def change(self, subentry: ConfigSubentry) -> Talk:
        """Ask to change one."""
        self.result = await self.entry.start_subentry_reconfigure_flow(self.hass, subentry.subentry_id)
        return self

    async def submit(self, data: dict[str, Any]) -> Talk:
        """Submit a form or choose of a menu, and let what follows happen."""
        self.result = await self.hass.config_entries.subentries.async_configure(self.result["flow_id"], data)
        await self.hass.async_block_till_done()
        return self

    async def choose(self, choice: str) -> Talk:
        """Choose of a menu."""
        return await self.submit({"next_step_id": choice})

    async def take_back(self, subentry_id: str) -> None:
        """Take a subentry of the building back."""
        self.hass.config_entries.async_remove_subentry(self.entry, subentry_id)
        await self.hass.async_block_till_done()

    @property
    def step(self) -> str:
        """The step shown; its form can be sent to a browser."""
        assert self.result["type"] in (FlowResultType.FORM, FlowResultType.MENU), self.result
        if self.result["type"] is FlowResultType.FORM:
            schema = self.result["data_schema"]
            assert probatio.to_field_list(schema, custom_serializer=cv.custom_serializer)
        return self.result["step_id"]

    @property
    def errors(self) -> dict[str, str]:
        """What is told to be wrong."""
        assert self.result["type"] is FlowResultType.FORM, self.result
        return self.result["errors"] or {}

    @property
    def placeholders(self) -> dict[str, str]:
        """What the texts are filled with."""
        return dict(self.result["description_placeholders"] or {})

    @property
    def created(self) -> bool:
        """Whether one was added."""
        return self.result["type"] is FlowResultType.CREATE_ENTRY

    @property
    def aborted(self) -> str:
        """Why the flow ended without one."""
        assert self.result["type"] is FlowResultType.ABORT, self.result
        return self.result["reason"]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the form, without those in sections."""
        schema = self.result["data_schema"]
        assert schema
        return {str(key): value for key, value in schema.schema.items()}

    def offered(self, field: str) -> list[str]:
        """Return what can be chosen of a field."""
        options = self.fields[field].config["options"]
        return [one["value"] if isinstance(one, dict) else one for one in options]

    @property
    def shown(self) -> dict[str, Any]:
        """What the form suggests; sections are flattened."""
        schema = self.result["data_schema"]
        assert schema
        found: dict[str, Any] = {}
        for key, value in schema.schema.items():
            inner = value.schema.schema if hasattr(value, "options") else None
            values = {str(one): get_schema_suggested_value(inner or schema.schema, one) for one in inner or [key]}
            found |= {name: one for name, one in values.items() if one is not None}
        return found

    @property
    def all(self) -> list[ConfigSubentry]:
        """What the building has of the kind."""
        return [*self.entry.get_subentries_of_type(self.kind)]

    @property
    def last(self) -> ConfigSubentry:
        """The last of them."""
        return self.all[-1]
