"""A building whose meter says little: loads of every kind, in a time that is played."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from closed_loop import building_entry
from conftest import PME_FRAME, Player, compose
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.flex_ready.building.coordinator import BuildingCoordinator
from custom_components.flex_ready.building.entity import identifier
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode
from emulator.meter.clock import PARIS

SWITCHES = ("boiler", "pump", "fan")
TD = 5
POWER_VA = 12_000


@dataclass
class Site:
    """A building and its meter."""

    player: Player
    entry: MockConfigEntry
    silent: bool = False

    @classmethod
    async def begin(
        cls, player: Player, loads: Iterable[tuple[str, dict[str, Any]]], *, mode: Mode = Mode.LIMIT, **changes: object
    ) -> Site:
        """Set up a meter and a building; the entities of the loads are there."""
        meter = await player.load(compose(PME_FRAME))
        site = cls(player, building_entry(meter.entry_id, loads, td=TD, **changes))
        site.entry.add_to_hass(player.hass)
        await site.set_up()
        await site.building.async_set_mode(mode)
        await player.hass.async_block_till_done()
        return site

    def frame(self) -> bytes:
        """Write what the meter sends now: a steady power since the top of Td."""
        local = self.player.host.astimezone(PARIS)
        since = local.minute % TD * 60 + local.second
        energies = {"EA_s": f"{POWER_VA * since // 3600}Wh", "EAPP_s": f"{POWER_VA * since // 3600}VAh"}
        return compose(PME_FRAME | {"DATE": f"{local:%d/%m/%y %H:%M:%S}"} | energies)

    async def set_up(self) -> None:
        """Set the building up."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()

    @property
    def hass(self) -> HomeAssistant:
        """Home Assistant."""
        return self.player.hass

    @property
    def building(self) -> BuildingCoordinator:
        """The runtime of the building."""
        found: BuildingCoordinator = self.entry.runtime_data
        return found

    @property
    def stored(self) -> str:
        """The key of what is kept."""
        return f"{DOMAIN}.{self.entry.entry_id}"

    def load(self, title: str) -> str:
        """Return the id of a load."""
        return str(next(sub.subentry_id for sub in self.entry.subentries.values() if sub.title == title))

    def device(self, title: str) -> str:
        """Return the device of a load."""
        wanted = identifier(self.entry.entry_id, self.load(title))
        device = dr.async_get(self.hass).async_get_device_by_identifier(wanted, self.entry.entry_id)
        assert device
        return device.id

    def state(self, entity_id: str) -> str:
        """Return the state of an entity."""
        return self.player.state(entity_id)

    async def wait(self, seconds: float) -> None:
        """Let time pass, in steps of the building's timer; the meter tells what little the building draws."""
        while seconds > 0:
            step = min(seconds, 5)
            self.player.pass_time(step)
            seconds -= step
            if not self.silent:
                self.player.coordinator._take(self.frame())
            async_fire_time_changed(self.hass, self.player.host)
            await self.hass.async_block_till_done()

    async def call(self, action: str, response: bool = True, **data: Any) -> Any:  # noqa: ANN401, FBT001, FBT002
        """Call an action on the building."""
        answer = await self.hass.services.async_call(
            DOMAIN,
            action,
            {"config_entry_id": self.entry.entry_id, **data},
            blocking=True,
            return_response=response,
        )
        await self.hass.async_block_till_done()
        return answer

    async def turn(self, entity_id: str, on: bool) -> None:  # noqa: FBT001
        """Turn an entity on or off, as a user does."""
        service = "turn_on" if on else "turn_off"
        await self.hass.services.async_call("homeassistant", service, {"entity_id": entity_id}, blocking=True)
        await self.hass.async_block_till_done()


async def set_up_switches(hass: HomeAssistant, on: bool = True) -> None:  # noqa: FBT001, FBT002
    """Make switches."""
    names = {name: {"name": name, "initial": on} for name in SWITCHES}
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": names})
    await hass.async_block_till_done()
