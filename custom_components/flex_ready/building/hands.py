"""Who does what is decided: each load at its own pace, in order, and nothing before what it was is kept."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from homeassistant.core import Context, callback
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..control.orders import Command, Mode
from .actuator import Actuator
from .before import Before
from .handover import How
from .meter_link import epoch_ms

if TYPE_CHECKING:
    from .coordinator import BuildingCoordinator

_COMMAND_S = 30
_STOP_S = 5
_AGAIN_S = 60
"""A load that could not be given back is tried again after so long."""
_LATE_MS = 180_000
"""A device that was told to shed and has not yet may still do so for so long after it was told."""
_FORGOTTEN_MS = 7 * 86_400_000
"""What was taken back from the building while it could not be reached is given back for so long."""


class Hands:
    """Commands the loads of one building."""

    def __init__(self, building: BuildingCoordinator) -> None:
        """Make the hands of a building; nothing is commanded yet."""
        self._building = building
        self.actuators: dict[str, Actuator] = {}
        self._left: dict[str, Actuator] = {}
        """Of what was shed as it is not handed over any more, by its key in what is kept."""
        self._wanted: dict[str, tuple[int, asyncio.Task[bool]]] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._fresh: set[str] = set()
        """Loads that are to be shed, of which nothing was kept before."""
        self._tried: dict[str, float] = {}

    def take_up(self) -> None:
        """See what the last run left shed, and whether it belongs to a load as that is handed over now."""
        building = self._building
        for name, one in building.handovers.items():
            self.actuators[name] = Actuator(building.hass, one.how, one.power_sensor)
        now = epoch_ms(dt_util.utcnow())
        found: dict[str, Before] = {}
        for name, before in building.kept.before.items():
            ours = building.handovers.get(name)
            if ours is not None and ours.kept_how == before.how:
                found[name] = before
            elif now - before.at < _FORGOTTEN_MS:
                key = name
                while key in building.handovers or key in found:
                    key += "'"
                found[key] = before
                self._left[key] = Actuator(building.hass, How.of(building.hass, before.how))
                if ours is not None:
                    building.controller.forget(name)
        building.kept.before = found

    # What is to be done.

    @callback
    def take(self, commands: Iterable[Command]) -> None:
        """Do what was decided; of each load the last word counts."""
        last = {command.load: command.step for command in commands}
        if not last:
            return
        building, now = self._building, epoch_ms(dt_util.utcnow())
        for name, step in last.items():
            if step and (name not in building.kept.before or building.seen(name).step == 0):
                if name not in building.kept.before:
                    self._fresh.add(name)
                ours = building.handovers[name]
                building.kept.before[name] = self.actuators[name].capture(ours.title, ours.kept_how, now)
        kept = building.create_task(building.async_keep(), "keeping")
        building.keep_soon()  # that they obeyed, too
        for name, step in last.items():
            self._wanted[name] = step, kept
            if name not in self._busy:
                self._busy[name] = building.create_task(self._work(name), f"commanding {name}")

    @callback
    def owed(self) -> list[Command]:
        """Return the loads that are still to be given back: that could not be done, or was interrupted, or is late."""
        now = self._building.monotonic()
        return [
            Command(name, 0)
            for name, before in self._building.kept.before.items()
            if not self._is_shed(name)
            and name not in self._busy
            and now - self._tried.get(name, float("-inf")) >= _AGAIN_S
            and self._of(name).reachable
            and (self._of(name).owes(before) or not self._may_be_late(name))
        ]

    async def async_done(self) -> None:
        """Wait until all is done, but for no device for ever."""
        if self._busy:
            await asyncio.wait([*self._busy.values()], timeout=_COMMAND_S)

    async def async_let_go(self) -> None:
        """Give every load back; what is out of reach stays noted, for the next start."""
        self._wanted.clear()
        if busy := [*self._busy.values()]:
            for task in busy:
                task.cancel()
            await asyncio.wait(busy, timeout=_STOP_S)
        await asyncio.gather(*(self._give_back(name) for name in [*self._building.kept.before]))

    async def _work(self, name: str) -> None:
        """Do what is wanted of a load, until nothing is."""
        try:
            while (order := self._wanted.pop(name, None)) is not None:
                step, kept = order
                if not await asyncio.shield(kept) and step:
                    self._withdraw(name)
                    continue
                self._fresh.discard(name)
                if step:
                    await self._shed(name)
                else:
                    await self._give_back(name)
                    if name not in self._building.kept.before:
                        await self._building.async_keep()
        finally:
            self._busy.pop(name, None)

    def _withdraw(self, name: str) -> None:
        """Leave a load as it is, because what it is could not be kept."""
        if name in self._fresh:
            self._fresh.discard(name)
            self._building.kept.before.pop(name, None)
            self._building.controller.withdraw(name)

    async def _shed(self, name: str) -> None:
        if (before := self._building.kept.before.get(name)) is None:
            return
        try:
            async with asyncio.timeout(_COMMAND_S):
                await self._of(name).shed(before, Context())
        except Exception as error:  # noqa: BLE001  # whatever fails in an integration, the other loads go on
            LOGGER.warning("%s could not be shed: %s", before.title, error or type(error).__name__)

    async def _give_back(self, name: str) -> None:
        """Make a load what it was, unless somebody else has changed it since."""
        if (before := self._building.kept.before.get(name)) is None:
            return
        actuator, late, left = self._of(name), self._may_be_late(name), None
        if not actuator.reachable:
            self._tried[name] = self._building.monotonic()
            return
        if actuator.owes(before):
            if not (late and actuator.switched_by_somebody):
                self._tried[name] = self._building.monotonic()
                try:
                    async with asyncio.timeout(_COMMAND_S):
                        left = await actuator.give_back(before, Context())
                except Exception as error:  # noqa: BLE001  # whatever fails in an integration, the other loads go on
                    LOGGER.warning("%s could not be given back: %s", before.title, error or type(error).__name__)
                    return
        elif late:
            return
        if left is not None:
            self._building.kept.before[name] = left
        else:
            self._building.kept.before.pop(name, None)
            self._tried.pop(name, None)

    # What is known.

    def _of(self, name: str) -> Actuator:
        return self._left[name] if name in self._left else self.actuators[name]

    def _is_shed(self, name: str) -> bool:
        """Tell whether a load is to be off, in truth."""
        state = self._building.controller.states.get(name)
        return state is not None and bool(state.step) and self._building.kept.mode is Mode.LIMIT

    def _may_be_late(self, name: str) -> bool:
        """Tell whether a load that was never seen shed may still do as it was told then."""
        state = self._building.controller.states.get(name)
        if state is None or state.obeyed or state.commanded is None:
            return False
        return epoch_ms(dt_util.utcnow()) - state.commanded < _LATE_MS
