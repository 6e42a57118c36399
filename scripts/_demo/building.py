"""The building of the demo: added as a user would add it, with every emulated load handed over."""

from typing import Any

from aiohttp import ClientSession

from .client import HomeAssistant
from .emulator import Control
from .flow import add_entry, add_subentry
from .folder import switch_id
from .meter_view import DOMAIN

NAME = "School"
_SHARE = 0.85
"""The limit is this part of what the building draws with every load on, so that there is something to keep under."""
_ORDER = ("water_heater", "ev_charger", "heat_pump", "ventilation", "lighting")
"""Which goes off first."""


async def add_building(
    client: HomeAssistant, session: ClientSession, control: str, meter_entry: str, *, signals: bool = True
) -> str:
    """Add the building and hand its loads over; return the entry's id. It is asked for signals if there are any."""
    state = await Control(session, control).state()
    draws = state["apparent_va"] if state["subscribed_power"]["unit"] == "kVA" else state["power_w"]
    advanced = {"window": "automatic", "td": "0", "limit": int(_SHARE * draws / 100) / 10, "blind_policy": "hold"}
    asked: dict[str, object] = {"name": NAME, "meter_entry": meter_entry, "advanced": advanced}
    if signals:
        asked["signals"] = {}
    entry_id = await add_entry(client, DOMAIN, "building", {"building": asked})
    switches = {one["unique_id"]: one["entity_id"] for one in await client.command("config/entity_registry/list")}
    for load in state["loads"]:
        await add_subentry(client, entry_id, "load", ("entity", "off"), _answers(load, switches[switch_id(load["id"])]))
    return entry_id


def _answers(load: dict[str, Any], switch: str) -> dict[str, dict[str, object]]:
    return {
        "entity": {"entity": switch, "name": load["name"]},
        "rules": {
            "priority": _ORDER.index(load["id"]) + 1,
            "power": {"nominal_w": load["power_w"]},
            "times": {"min_on": 0.5, "min_off": 0.5, "max_off": 30},
            "hours": {},
            "policy": {},
            "when_blind": False,
            "confirm": True,
        },
    }
