"""A building in Home Assistant: its meter heard, its loads seen and commanded, every step kept before it is taken."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, override
from uuid import uuid4

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, HomeAssistantError
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.helpers.event import (
    async_track_entity_registry_updated_event,
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER, SITE_ZONE
from ..control.controller import Controller
from ..control.load import Seen
from ..control.orders import Blind, Command, Decision, Mode, Reading, Reason, Source, Tick, Wish
from ..control.overruns import Overruns
from ..control.window import Kind
from .actuator import Actuator
from .billed import Billed
from .const import (
    AUTOMATIC,
    CONF_BLIND_POLICY,
    CONF_LIMIT,
    CONF_METER_ENTRY,
    CONF_TD,
    CONF_WINDOW,
    SUBENTRY_LOAD,
)
from .handover import Handover, handover
from .herald import Herald
from .meter_link import MeterLink, epoch_ms
from .store import Kept, store
from .words import Words

_TICK = timedelta(seconds=5)
_SAVE_S = 60
_COMMAND_S = 30
_AGAIN_S = 60
"""A load that could not be given back is tried again after so long."""

type BuildingConfigEntry = ConfigEntry[BuildingCoordinator]


class BuildingCoordinator(DataUpdateCoordinator[Decision]):
    """Runs one building; `data` is its last decision."""

    config_entry: BuildingConfigEntry

    def __init__(self, hass: HomeAssistant, entry: BuildingConfigEntry) -> None:
        """Make the coordinator of one building; nothing is commanded yet."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.handovers: dict[str, Handover] = {}
        """The loads, by subentry id."""
        self.kept = Kept()
        self.controller = Controller(())
        self.herald = Herald(self)
        self._actuators: dict[str, Actuator] = {}
        self._store = store(hass, entry.entry_id)
        self._link: MeterLink | None = None
        self.zone = dt_util.get_default_time_zone()
        self.words = Words({}, "en", self.zone)
        self.monotonic: Callable[[], float] = hass.loop.time
        self._billed = Billed()
        self._ready = False
        self._commanding: asyncio.Task[None] | None = None
        self._todo: list[Command] = []
        self._tried: dict[str, float] = {}

    @property
    def overruns(self) -> Overruns:
        """Return the overruns of this month."""
        local = dt_util.utcnow().astimezone(self.zone)
        kept, month = self.kept.overruns, _month(local)
        return kept if kept.month == month else Overruns(month)

    @property
    def link(self) -> MeterLink:
        """Return the link to the meter."""
        assert self._link is not None
        return self._link

    async def async_start(self) -> None:
        """Take up what the last run kept, find the meter and the loads; begin once Home Assistant has started."""
        entry = self.config_entry
        self.zone = await dt_util.async_get_time_zone(SITE_ZONE) or self.zone
        self.words = await Words.async_load(self.hass, self.zone)
        meter = self.hass.config_entries.async_get_entry(entry.data[CONF_METER_ENTRY])
        if meter is None:
            raise ConfigEntryError(translation_domain=DOMAIN, translation_key="no_meter_entry")
        await self._take_up()
        window = entry.data[CONF_WINDOW]
        self._link = MeterLink(self.hass, meter, self._heard, kind=None if window == AUTOMATIC else Kind(window))
        self._link.td = int(entry.data[CONF_TD]) or self.kept.td
        self._link.fixed_td = bool(entry.data[CONF_TD])
        self._link.was_in_kva = self.kept.in_kva
        self._link.limit_w = round(entry.data[CONF_LIMIT] * 1000)
        for subentry in entry.get_subentries_of_type(SUBENTRY_LOAD):
            self.handovers[subentry.subentry_id] = ours = handover(self.hass, subentry)
            self._actuators[subentry.subentry_id] = Actuator(self.hass, ours)
        self.controller = Controller(
            (ours.load for ours in self.handovers.values()), Blind(entry.data[CONF_BLIND_POLICY])
        )
        self.controller.restore(self.kept.loads)
        self.kept.before = {name: kept for name, kept in self.kept.before.items() if name in self.handovers}
        self.data = Decision(epoch_ms(dt_util.utcnow()), (), (), None, blind=True, warned=False)
        entry.async_on_unload(self._link.start())
        entry.async_on_unload(async_track_time_interval(self.hass, self._timer, _TICK))
        if watched := [one for actuator in self._actuators.values() for one in actuator.entities]:
            entry.async_on_unload(async_track_state_change_event(self.hass, watched, self._changed))
        if named := {name for ours in self.handovers.values() for name in ours.entities}:
            entry.async_on_unload(async_track_entity_registry_updated_event(self.hass, named, self._renamed))
        entry.async_on_unload(async_at_started(self.hass, self._started))

    async def async_stop(self) -> None:
        """Give every load back, and do no more."""
        self._ready = False
        if self._commanding is not None:
            await asyncio.wait([self._commanding])
        for name in [*self.kept.before]:
            await self._give_back(name)  # what is out of reach stays noted, for the next start
        for state in self.controller.states.values():
            state.step = state.limit_step = 0
        # An order without an end is not to come back long after.
        self.kept.wishes = {name: wish for name, wish in self.kept.wishes.items() if wish.until is not None}
        self.herald.end()
        await self._async_save()
        await self.async_shutdown()

    async def _take_up(self) -> None:
        try:
            if (data := await self._store.async_load()) is not None:
                self.kept = Kept.from_dict(data)
        except (HomeAssistantError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
            LOGGER.warning("What was kept of %s is of no use: %s", self.name, error)

    # What users and automations say.

    async def async_set_mode(self, mode: Mode) -> None:
        """Observe or limit."""
        self.kept.mode = mode
        await self._async_changed()

    async def async_set_on(self, *, on: bool) -> None:
        """Turn the master switch; off means hands off."""
        self.kept.on = on
        await self._async_changed()

    async def async_set_managed(self, load: str, *, managed: bool) -> None:
        """Turn the switch of a load; off means hands off."""
        (self.kept.hands_off.discard if managed else self.kept.hands_off.add)(load)
        await self._async_changed()

    async def async_shed(
        self,
        loads: tuple[str, ...],
        *,
        power: int | None,
        until: datetime | None,
        text: str,
        source: Source = Source.ACTION,
        forced: bool = False,
        name: str | None = None,
    ) -> str:
        """Have loads shed, or so much power (W or VA) of any; return the id of the order."""
        wish = Wish(
            id=name or uuid4().hex[:8],
            source=source,
            reason=Reason.TOLD,
            loads=loads,
            power=power,
            until=epoch_ms(until) if until else None,
            forced=forced,
        )
        self.kept.wishes[wish.id] = wish
        self.kept.texts[wish.id] = text[:255]
        await self._async_changed()
        return wish.id

    async def async_restore(self, loads: tuple[str, ...] | None = None) -> int:
        """Withdraw the orders of actions about all loads, or take some out of them; return how many orders there were.

        What the subscribed power holds off stays off.
        """
        orders = [wish for wish in self.kept.wishes.values() if wish.source is Source.ACTION]
        found = 0
        for wish in orders:
            about = wish.loads or tuple(self.handovers)
            left = tuple(load for load in about if loads is not None and load not in loads)
            if left == about:
                continue
            found += 1
            if left:
                self.kept.wishes[wish.id] = replace(wish, loads=left)
            else:
                del self.kept.wishes[wish.id]
                self.kept.texts.pop(wish.id, None)
        await self._async_changed()
        return found

    async def _async_changed(self) -> None:
        """Keep what was said, and act on it."""
        await self._async_save()
        self._decide(None)
        if self._commanding is not None:
            await asyncio.wait([self._commanding])

    # What is heard and seen.

    async def _started(self, _hass: HomeAssistant) -> None:
        """Bring the loads to where the store says: what was interrupted is done, nothing is done twice."""
        for name in [*self.kept.before]:
            state = self.controller.states.get(name)
            if state is None or not state.step or self.kept.mode is Mode.OBSERVE:
                await self._give_back(name)
            elif not state.obeyed and self._seen(name).step == 0:  # one that had obeyed was switched by someone since
                await self._shed(name)
        self._ready = True
        self._decide(None)

    @callback
    def _heard(self, reading: Reading | None) -> None:
        self._decide(reading)

    @callback
    def _timer(self, _now: datetime) -> None:
        self._decide(None)

    @callback
    def _renamed(self, event: Event[EventEntityRegistryUpdatedData]) -> None:
        """Find the loads anew when what they are commanded by was given another entity id."""
        if event.data["action"] == "update" and "old_entity_id" in event.data:
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        """Decide anew when a load goes on or off; its power alone waits for the meter."""
        old, new = event.data["old_state"], event.data["new_state"]
        if old is None or new is None or old.state != new.state:
            entity_id = event.data["entity_id"]
            if any(ours.entity_id == entity_id for ours in self.handovers.values()):
                self._decide(None)

    def _seen(self, name: str) -> Seen:
        managed = self.kept.on and name not in self.kept.hands_off
        return self._actuators[name].seen(self.kept.before.get(name), managed=managed)

    def _tick(self, reading: Reading | None) -> Tick:
        now = dt_util.utcnow()
        local = now.astimezone(self.zone)
        at = epoch_ms(now)
        return Tick(
            now=at,
            minute=local.hour * 60 + local.minute,
            day=local.toordinal(),
            mode=self.kept.mode,
            seen={name: self._seen(name) for name in self.handovers},
            reading=reading,
            warned=self.link.warned if self._link is not None else False,
            wishes=tuple(wish for wish in self.kept.wishes.values() if wish.until is None or at < wish.until),
        )

    @callback
    def _decide(self, reading: Reading | None) -> None:
        if not self._ready:
            return
        tick = self._tick(reading)
        for wish in [*self.kept.wishes.values()]:
            if wish not in tick.wishes:
                del self.kept.wishes[wish.id]
                self.kept.texts.pop(wish.id, None)
        before, decision = self.data, self.controller.step(tick)
        self.data = decision
        if reading is not None:
            self._count_overruns(reading)
        idle = self._commanding is None or self._commanding.done()
        commands = (*decision.commands, *(self._owed() if idle else ()))
        if commands:
            self._todo += commands
            if idle:
                self._commanding = self.config_entry.async_create_task(
                    self.hass, self._async_command(), "flex_ready commands", eager_start=True
                )
        self.herald.tell(before, decision)
        self.async_update_listeners()

    def _owed(self) -> list[Command]:
        """Return the loads that are still to be given back, because it could not be done or was interrupted."""
        now = self.monotonic()
        owed = [
            name
            for name in self.kept.before
            if (self.kept.mode is Mode.OBSERVE or not self.controller.states[name].step)
            and now - self._tried.get(name, float("-inf")) >= _AGAIN_S
            and self._seen(name).available
        ]
        return [Command(name, 0) for name in owed]

    # What is commanded.

    async def _async_command(self) -> None:
        """Carry out what was decided, in order; what is to be done is kept first."""
        while self._todo:
            commands, self._todo = self._todo, []
            for command in commands:
                if command.step and command.load not in self.kept.before:
                    self.kept.before[command.load] = self._actuators[command.load].capture()
            await self._async_save()
            await asyncio.gather(
                *(
                    self._shed(command.load) if command.step else self._give_back(command.load)
                    for command in {command.load: command for command in commands}.values()
                )
            )
            self._store.async_delay_save(self._data_to_keep, _SAVE_S)

    async def _shed(self, name: str) -> None:
        before = self.kept.before.get(name, {})
        context = Context()
        try:
            async with asyncio.timeout(_COMMAND_S):
                await self._actuators[name].shed(before, context)
        except Exception as error:  # noqa: BLE001  # whatever fails in an integration, the other loads go on
            LOGGER.warning("%s could not be shed: %s", self.handovers[name].title, error or type(error).__name__)

    async def _give_back(self, name: str) -> None:
        """Make a load what it was, unless somebody else has changed it since."""
        before = self.kept.before.get(name)
        if before is None:
            return
        actuator = self._actuators.get(name)
        if actuator is not None:
            seen = actuator.seen(before, managed=True)
            self._tried[name] = self.monotonic()
            if not seen.available:
                return
            if seen.step != 0:
                try:
                    async with asyncio.timeout(_COMMAND_S):
                        await actuator.give_back(before, Context())
                except Exception as error:  # noqa: BLE001  # whatever fails in an integration, the other loads go on
                    title = self.handovers[name].title
                    LOGGER.warning("%s could not be given back: %s", title, error or type(error).__name__)
                    return
        del self.kept.before[name]

    async def _async_save(self) -> None:
        await self._store.async_save(self._data_to_keep())

    def _data_to_keep(self) -> dict[str, Any]:
        self.kept.loads = self.controller.snapshot()
        if self._link is not None:
            self.kept.td = self._link.td
            self.kept.in_kva = self._link.was_in_kva
        return self.kept.to_dict()

    # What is told.

    def _count_overruns(self, reading: Reading) -> None:
        """Count what the meter counts, also while it is only observed what could be spared."""
        for closed in self._billed.take(reading):
            local = datetime.fromtimestamp((closed.end - 1) / 1000, UTC).astimezone(self.zone)
            before = self.kept.overruns
            self.kept.overruns = before.add(closed, reading.kind, _month(local))
            if self.kept.overruns != before:
                self._store.async_delay_save(self._data_to_keep, _SAVE_S)
            if self.kept.overruns.count > before.count:
                self.herald.tell_limit("overrun", over=closed.overrun, limit=closed.limit)

    @override
    async def _async_update_data(self) -> Decision:
        """Return the last decision: nothing is polled."""
        return self.data


def _month(local: datetime) -> int:
    return local.year * 12 + local.month - 1
