"""A meter as Home Assistant shows it: its entry, its device, its entities, found as the registries have them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from .checklist import Seen
from .client import HomeAssistant
from .error import DemoError
from .meters import Power
from .sent import Sent

DOMAIN = "flex_ready"


@dataclass(frozen=True, slots=True)
class State:
    """A state of an entity, as text, with its unit and the host's time at which it was written."""

    text: str
    unit: str
    at: float

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> State:
        """Read what the API says of a state."""
        unit = state["attributes"].get("unit_of_measurement") or ""
        return cls(state["state"], unit, datetime.fromisoformat(state["last_updated"]).timestamp())

    @property
    def known(self) -> bool:
        """Tell whether there is a value."""
        return self.text not in ("unknown", "unavailable")

    @override
    def __str__(self) -> str:
        """Give the state with its unit."""
        return f"{self.text} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class MeterView:
    """One meter. `identity` is what its unique ids begin with: its serial number, where it sends one."""

    client: HomeAssistant
    entry_id: str
    identity: str

    @classmethod
    async def find(cls, client: HomeAssistant, entry_id: str) -> MeterView:
        """Find the device of an entry; raise DemoError where it has none."""
        for device in await client.command("config/device_registry/list"):
            for domain, identity in device["identifiers"]:
                if domain == DOMAIN and entry_id in device["config_entries"]:
                    return cls(client, entry_id, identity)
        raise DemoError("the entry has no device")

    async def entry(self) -> dict[str, Any]:
        """Return the config entry."""
        found: dict[str, Any] = (await self.client.command("config_entries/get_single", entry_id=self.entry_id))[
            "config_entry"
        ]
        return found

    async def entities(self) -> list[dict[str, Any]]:
        """Return the registry's entities of the meter."""
        entities = await self.client.command("config/entity_registry/list")
        return [entity for entity in entities if entity["config_entry_id"] == self.entry_id]

    async def entity_id(self, key: str) -> str:
        """Find an entity by the key in its unique id: entity ids are in the language of the house."""
        for entity in await self.entities():
            if entity["unique_id"] == f"{self.identity}_{key}":
                return str(entity["entity_id"])
        raise DemoError(f"there is no entity {key}")

    async def state(self, key: str) -> State:
        """Return the state of an entity."""
        return State.read(await self.client.get(f"/api/states/{await self.entity_id(key)}"))

    async def compared_power(self, power: Power, sent: Sent) -> Seen:
        """Compare the power shown with what the meter can have measured when it was written."""
        state = await self.state(power.key)
        if (limits := sent.power(power.label, power.name, state.at)) is None:
            return Seen(ok=False, text=f"{state}   (nothing to compare it with)")
        least, most = limits
        # What a minute's slope leaves out: 1 Wh in a minute is 60 W.
        ok = 0.97 * least - 100 <= float(state.text) <= 1.03 * most + 100
        return Seen(ok, f"{state}   (sent: {least:.0f} to {most:.0f})")
