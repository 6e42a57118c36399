"""The Home Assistant that `scripts/bench kills` kills: a building with its API, whose devices live elsewhere.

python -m bench.kills_home FOLDER PORT METER DEVICES ISSUER
"""

import asyncio
from pathlib import Path
import sys
from types import MappingProxyType

from homeassistant.config_entries import ConfigEntry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_test_home_assistant,
)

from custom_components.flex_ready.building.coordinator import BuildingCoordinator
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode

BUILDING = "kills_building"
ASSET = "WholeBuilding"
AUDIENCE = "flex-ready-emulator"
CLIENT = "emulator-user"
_LOAD_W = 2_000


def _subentry(kind: str, name: str, data: dict[str, object]) -> ConfigSubentryDataWithId:
    return ConfigSubentryDataWithId(data=data, subentry_id=name, subentry_type=kind, title=name, unique_id=name)


def _building(devices: list[str], issuer: str) -> list[ConfigSubentryDataWithId]:
    """Return the loads, the asset and the operator, as the flows make them."""
    rules = {"method": "off", "priority": 5, "nominal_w": _LOAD_W, "min_on": 0, "min_off": 0, "when_blind": False}
    asset = {
        "asset_id": ASSET,
        "loads": devices,
        "flex_products": ["WID"],
        "most_power": 0,
        "mobilization_delay": 0.01,
        "max_duration": 60,
        "recovery": 0,
        "activations_per_day": 0,
        "measured_by": "loads",
    }
    operator = {
        "auth": "oidc",
        "issuer": issuer,
        "audience": AUDIENCE,
        "client": CLIENT,
        "assets": ["asset"],
        "dialect": "native",
        "decision": "accept",
        "silence": "decline",
        "answer_within": 15,
        "offer_holds": 15,
        "most_activations": 0,
        "despite_red": True,
    }
    return [
        *(_subentry("load", name, {"entity": f"input_boolean.{name}", **rules}) for name in devices),
        _subentry("asset", "asset", asset),
        _subentry("operator", "operator", operator),
    ]


def _entry(hass: HomeAssistant, name: str, data: dict[str, object], subentries: list[ConfigSubentryDataWithId]) -> None:
    """Add an entry as the store would have it; the harness starts with none."""
    made: ConfigEntry[object] = ConfigEntry(
        data=data,
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        entry_id=name,
        minor_version=1,
        options={},
        source="user",
        subentries_data=subentries,
        title=name,
        unique_id=name,
        version=1,
    )
    hass.config_entries._entries[name] = made  # noqa: SLF001  # adding it would set it up at once


async def serve(folder: Path, port: int, meter: str, devices: str, issuer: str) -> None:
    """Run until killed."""
    async with async_test_home_assistant(config_dir=str(folder)) as hass:
        hass.data.pop(DATA_CUSTOM_COMPONENTS, None)  # the harness knows of none
        web = {"server_host": "127.0.0.1", "server_port": port}
        assert await async_setup_component(hass, "http", {"http": web})
        session = async_get_clientsession(hass)
        async with session.get(devices) as answer:
            states: dict[str, str] = await answer.json()

        async def switch(call: ServiceCall) -> None:
            to = "on" if call.service == "turn_on" else "off"
            names = call.data["entity_id"]
            for entity_id in [names] if isinstance(names, str) else names:
                async with session.post(f"{devices}/{entity_id.removeprefix('input_boolean.')}/{to}") as answer:
                    answer.raise_for_status()
                hass.states.async_set(entity_id, to, context=call.context)

        for service in ("turn_on", "turn_off"):
            hass.services.async_register("input_boolean", service, switch)
        for name, state in states.items():
            hass.states.async_set(f"input_boolean.{name}", state)
        data: dict[str, object] = {
            "kind": "meter",
            "meter": "linky_standard",
            "port": meter,
            "baudrate": 9600,
            "serial": None,
        }
        _entry(hass, "kills_meter", data, [])
        kept: dict[str, object] = {
            "kind": "building",
            "meter_entry": "kills_meter",
            "window": "automatic",
            "td": 0,
            "limit": 0,
            "blind_policy": "hold",
        }
        _entry(hass, BUILDING, kept, _building([*states], issuer))
        assert await async_setup_component(hass, DOMAIN, {})
        await hass.async_start()
        await hass.async_block_till_done()
        entry = hass.config_entries.async_get_known_entry(BUILDING)
        building: BuildingCoordinator = entry.runtime_data
        if building.kept.mode is not Mode.LIMIT:  # the first time
            await building.async_set_mode(Mode.LIMIT)
        print("up", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    folder, port, *rest = sys.argv[1:]
    asyncio.run(serve(Path(folder), int(port), *rest))
