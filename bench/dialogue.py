"""Adding a meter to a real Home Assistant, as a user does."""

import asyncio

from homeassistant import config_entries
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.meter.coordinator import MeterCoordinator


async def add_meter(hass: HomeAssistant, url: str) -> ConfigEntry[MeterCoordinator]:
    """Add a meter as a user does."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": config_entries.SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "meter"})
    result = await flow.async_configure(result["flow_id"], {"port": url, "baudrate": "auto"})
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await asyncio.sleep(0.1)
        result = await flow.async_configure(result["flow_id"])
    result = await flow.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry: ConfigEntry[MeterCoordinator] = result["result"]
    return entry
