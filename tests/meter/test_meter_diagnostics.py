"""The diagnostics of a meter: enough to help with, and nothing that names it."""

import json

from conftest import PME_FRAME, PME_PMI, Gateway, compose, meter_entry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from pytest_homeassistant_custom_component.components.diagnostics import (  # type: ignore[import-untyped]
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from emulator.meter import MeterConfig, frames

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

PRM = "30001296031123"


async def download(
    hass: HomeAssistant, client: ClientSessionGenerator, gateway: Gateway, entry: MockConfigEntry, *sent: bytes
) -> dict[str, object]:
    """Set a meter up, feed it, and download the diagnostics as a user does."""
    assert await async_setup_component(hass, "diagnostics", {})
    gateway.greeting = sent[0]
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    for data in sent[1:]:
        entry.runtime_data._take(data)
    told: dict[str, object] = await get_diagnostics_for_config_entry(hass, client, entry)
    return told


async def test_what_is_told(
    hass: HomeAssistant, gateway: Gateway, hass_client: ClientSessionGenerator, snapshot: SnapshotAssertion
) -> None:
    """Counts, the last frames, unknown labels and the last lines that were dropped."""
    unknown = PME_FRAME | {"NEWTHING": "7kW", "NEWNUMBER": PRM}
    damaged = compose(unknown).replace(b"EA_s 100Wh", b"EA_s 1O0Wh")
    sent = (compose(PME_FRAME), compose(unknown), compose(unknown), damaged, damaged)
    told = await download(hass, hass_client, gateway, meter_entry(gateway.url), *sent)
    moving = props("entry_id", "created_at", "modified_at", "clock_drift_s", "frame_period_s", "home_assistant")
    assert told == snapshot(exclude=moving)
    assert told["unknown_labels"] == {"NEWTHING": "7kW", "NEWNUMBER": "300012********"}
    assert told["last_rejected_lines"] == [["checksum", "'\\nEA_s 1O0Wh ('"]] * 2


async def test_nothing_names_the_meter(
    hass: HomeAssistant, gateway: Gateway, hass_client: ClientSessionGenerator
) -> None:
    """Neither its number, nor that of the delivery point, nor where its gateway is."""
    line = compose(PME_FRAME | {"NEWNUMBER": PRM})
    damaged = [
        line.replace(PME_PMI.encode(), wrong) for wrong in (b"041436x96031", b"04\x051436296031", b"041436296\x7f31")
    ]
    text = json.dumps(await download(hass, hass_client, gateway, meter_entry(gateway.url), line, line, *damaged))
    assert text.count("checksum") + text.count("shape") >= 3
    for secret in (PME_PMI, PME_PMI[6:], PRM, PRM[6:], "127.0.0.1", gateway.url, "96031", "296"):
        assert secret not in text
    assert "041436" in text  # the maker, the year and the type are no secret


async def test_a_linky_hides_its_delivery_point(
    hass: HomeAssistant, gateway: Gateway, hass_client: ClientSessionGenerator
) -> None:
    """PRM is sent in standard mode."""
    frame = next(frames(MeterConfig(meter="linky-standard")))
    sent = {group.label: group.data for group in frame.groups}
    entry = meter_entry(gateway.url, meter="linky_standard", serial=sent["ADSC"])
    text = json.dumps(await download(hass, hass_client, gateway, entry, frame.data))
    assert sent["PRM"] not in text
    assert sent["ADSC"] not in text
    assert f"{sent['PRM'][:6]}********" in text
    assert sent["EAST"] in text


async def test_the_layout_of_a_saphir_can_be_told(
    hass: HomeAssistant, gateway: Gateway, hass_client: ClientSessionGenerator
) -> None:
    """Lines that do not verify are kept as they came: separator and checksum are in them."""
    good = next(frames(MeterConfig(meter="saphir"))).data
    entry = meter_entry(gateway.url, meter="saphir", serial=None)
    told = await download(hass, hass_client, gateway, entry, good, good.replace(b"EAS\t", b"EAS;"))
    (damaged,) = (line for line in good.replace(b"EAS\t", b"EAS;").decode().split("\r") if "EAS;" in line)
    assert told["last_rejected_lines"] == [["shape", ascii(damaged)]]
