"""The building switched through Home Assistant, and what its meter is seen to say then."""

from dataclasses import dataclass
import time
from typing import Any

from aiohttp import ClientSession

from .checklist import Checklist, Probe, Seen
from .emulator import Control, Emulator
from .error import DemoError
from .folder import switch_id
from .meter_view import MeterView
from .meters import KnownMeter
from .sent import Sampled

_GATE_S = 20
"""The integration writes a power at least that often."""
_MEAN_S = 90
"""Of the meter's clock: a minute of slope or of mean, and the frames at both ends."""


@dataclass(frozen=True, slots=True)
class Drive:
    """Switches the two largest loads off and on again."""

    view: MeterView
    meter: KnownMeter
    sent: Sampled
    session: ClientSession
    emulator: Emulator
    checklist: Checklist

    async def run(self) -> None:
        """Check that the loads follow the switches, and the meter's power and warning the loads."""
        check, wait = self.checklist.check, 2 * _GATE_S + _MEAN_S / self.sent.pace
        loads = sorted(self.sent.measures[-1][1]["loads"], key=lambda load: -int(load["power_w"]))[:2]
        before = float((await self.view.state(self.meter.power.key)).text)
        warns = bool(self.sent.data("PREAVIS", time.time()))
        for load in loads:
            if not await check(f"switch.turn_off: {load['name']}", self._switched(load, on=False)):
                return  # nothing will follow
        await check("the measured power drops", self._dropped(before, sum(load["power_w"] for load in loads)), wait)
        if warns:
            await check("PREAVIS ends", self._warning(on=False), wait)
        for load in loads:
            await check(f"switch.turn_on: {load['name']}", self._switched(load, on=True))
        if warns:
            await check("PREAVIS comes back", self._warning(on=True), wait)

    def _switched(self, load: dict[str, Any], *, on: bool) -> Probe:
        async def probe() -> Seen:
            assert self.emulator.control
            entities = await self.view.client.command("config/entity_registry/list")
            switches = [one["entity_id"] for one in entities if one["unique_id"] == switch_id(load["id"])]
            if not switches:
                raise DemoError(f"there is no switch for {load['id']}")
            await self.view.client.service(f"switch.turn_{'on' if on else 'off'}", entity_id=switches[0])
            emulated = (await Control(self.session, self.emulator.control).load(load["id"]))["on"]
            return Seen(emulated is on, f"{switches[0]}   (emulated: {'on' if emulated else 'off'})")

        return probe

    def _dropped(self, before: float, loads: int) -> Probe:
        async def probe() -> Seen:
            after = await self.view.compared_power(self.meter.power, self.sent)
            drop = before - float((await self.view.state(self.meter.power.key)).text)
            # The rest of the building goes its own way meanwhile.
            return Seen(after.ok and drop > loads / 2, f"by {drop:.0f} (loads: {loads} W) to {after.text}")

        return probe

    def _warning(self, *, on: bool) -> Probe:
        async def probe() -> Seen:
            state, sent = await self.view.state("overrun_warning"), self.sent.data("PREAVIS", time.time())
            return Seen(state.text == ("on" if on else "off") and bool(sent) is on, str(state))

        return probe
