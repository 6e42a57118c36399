"""What the demo promises of the building: a limitation and its end, compared with what the emulated side sees."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from .checklist import Checklist, Probe, Seen
from .client import HomeAssistant
from .emulator import Control
from .folder import switch_id
from .signals_check import EntryView

_SETTLE_S = 30
_LIMIT_S = 90
_BACK_S = 150
_OBSERVED_S = 10
_HAND = "heat_pump", "Heat pump"
"""What a user takes back and turns off by hand, so that the others may come back."""


@dataclass(frozen=True, slots=True)
class BuildingCheck:
    """The building, its loads in Home Assistant, and the emulated ones."""

    session: ClientSession
    control: str
    client: HomeAssistant
    building: EntryView
    checklist: Checklist

    async def run(self) -> None:
        """Check a limitation from before its beginning to after its end."""
        check = self.checklist.check
        await check("building: the meter is heard", self._heard, _SETTLE_S)
        before = await self._commands()
        await asyncio.sleep(_OBSERVED_S)
        await check("building: observing, nothing is commanded", self._untouched(before))
        if not await check("building: set to limit", self._limit):
            return
        await check("building: loads go off", self._gone, _LIMIT_S)
        await check("building: the forecast is under the limit", self._under, _LIMIT_S)
        await check("building: each load says why", self._reasons)
        await check("building: the plan says the same", self._plan)
        await self._by_hand(on=False)
        await check("building: with room, they come back", self._all_back, _BACK_S)
        await check("building: limiting has ended", self._ended, _SETTLE_S)
        await self._by_hand(on=True)
        await check("building: observing again gives all back", self._observe)
        await check("building: every emulated load is on", self._all_on, _SETTLE_S)

    async def _emulated(self) -> dict[str, dict[str, Any]]:
        return {load["id"]: load for load in (await Control(self.session, self.control).state())["loads"]}

    async def _commands(self) -> int:
        return sum(load["commands"] for load in (await self._emulated()).values())

    async def _heard(self) -> Seen:
        silent, limit = await self.building.state("meter_silent"), await self.building.state("limit")
        return Seen(silent.text == "off", f"limit {limit}")

    def _untouched(self, before: int) -> Probe:
        async def probe() -> Seen:
            forecast, limit = await self.building.state("forecast"), await self.building.state("limit")
            told = await self._commands() - before
            return Seen(told == 0, f"{told} commands; forecast {forecast}, limit {limit}")

        return probe

    async def _limit(self) -> Seen:
        await self.client.service(
            "select.select_option", entity_id=await self.building.entity_id("mode"), option="limit"
        )
        mode = await self.building.state("mode")
        return Seen(mode.text == "limit", str(mode))

    async def _gone(self) -> Seen:
        off = [name for name, load in (await self._emulated()).items() if not load["on"]]
        limiting = await self.building.state("limiting")
        return Seen(bool(off) and limiting.text == "on", f"{', '.join(off) or 'none'} off, limiting {limiting}")

    async def _under(self) -> Seen:
        forecast, limit = await self.building.state("forecast"), await self.building.state("limit")
        return Seen(float(forecast.text) <= float(limit.text), f"{forecast} of {limit}")

    async def _plan(self) -> Seen:
        plan = await self.building.act("get_plan")
        off = {name for name, load in (await self._emulated()).items() if not load["on"]}
        shed = [load for load in plan["loads"] if load["step"]]
        return Seen(len(shed) == len(off), "; ".join(f"{load['load']}: {load['sentence']}" for load in shed))

    async def _reasons(self) -> Seen:
        states = await self.client.states()
        entities = await self.client.command("config/entity_registry/list")
        told = [
            states[one["entity_id"]]["state"]
            for one in entities
            if one["unique_id"].startswith(self.building.entry_id) and one["unique_id"].endswith("_reason")
        ]
        return Seen(len(told) == len(await self._emulated()) and all(told), max(told, key=len, default=""))

    async def _by_hand(self, *, on: bool) -> None:
        """Turn a load off as a user does who takes it back first, or on and hand it over again."""
        listed = await self.client.command("config_entries/subentries/list", entry_id=self.building.entry_id)
        subentry = next(one["subentry_id"] for one in listed if one["title"] == _HAND[1])
        entities = await self.client.command("config/entity_registry/list")
        load = next(one["entity_id"] for one in entities if one["unique_id"] == switch_id(_HAND[0]))
        managed = await self.building.entity_id(f"{subentry}_managed")
        turns = ((load, "on"), (managed, "on")) if on else ((managed, "off"), (load, "off"))
        for entity_id, state in turns:
            await self.client.service(f"switch.turn_{state}", entity_id=entity_id)

    async def _all_back(self) -> Seen:
        off = [name for name, load in (await self._emulated()).items() if not load["on"] and name != _HAND[0]]
        return Seen(not off, f"{', '.join(off) or 'none'} off")

    async def _ended(self) -> Seen:
        limiting = await self.building.state("limiting")
        return Seen(limiting.text == "off", str(limiting))

    async def _observe(self) -> Seen:
        await self.client.service(
            "select.select_option", entity_id=await self.building.entity_id("mode"), option="observe"
        )
        mode = await self.building.state("mode")
        return Seen(mode.text == "observe", str(mode))

    async def _all_on(self) -> Seen:
        off = [name for name, load in (await self._emulated()).items() if not load["on"]]
        return Seen(not off, f"{', '.join(off) or 'none'} off")
