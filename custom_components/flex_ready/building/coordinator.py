"""A building in Home Assistant: its meter heard, its loads seen and commanded, every step kept before it is taken."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady, HomeAssistantError
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
from .hands import Hands
from .herald import Herald
from .meter_link import MeterLink, epoch_ms
from .policies import Policies
from .store import Kept, salvaged, store
from .words import Words

if TYPE_CHECKING:
    from ..desk.desk import Desk

_TICK = timedelta(seconds=5)
_SAVE_S = 60

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
        self.hands = Hands(self)
        self._store = store(hass, entry.entry_id)
        self._link: MeterLink | None = None
        self.policies: Policies | None = None
        self.desk: Desk | None = None
        """Where flexibility requests are taken, if the building has an asset."""
        self.reserves: dict[str, Wish] = {}
        """What contracts ask for while a half-hour of an activation is about to fall short."""
        self.on_stop: Callable[[], Awaitable[None]] | None = None
        """What is to be closed before the loads are given back."""
        self.zone = dt_util.get_default_time_zone()
        self.words = Words({}, "en", self.zone)
        self.monotonic: Callable[[], float] = hass.loop.time
        self._billed = Billed()
        self._ready = False
        self._written = 0.0

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
        """Take up what the last run kept, find the meter and the loads; nothing is commanded yet."""
        entry = self.config_entry
        self.zone = await dt_util.async_get_time_zone(SITE_ZONE) or self.zone
        self.words = await Words.async_load(self.hass, self.zone)
        await self._take_up()
        for subentry in entry.get_subentries_of_type(SUBENTRY_LOAD):
            self.handovers[subentry.subentry_id] = handover(self.hass, subentry)
        self.controller = Controller(
            (ours.load for ours in self.handovers.values()), Blind(entry.data[CONF_BLIND_POLICY])
        )
        self.controller.restore(self.kept.loads)
        self.policies = Policies(self.hass, entry.data, {name: ours.policy for name, ours in self.handovers.items()})
        self.hands.take_up()
        meter = self.hass.config_entries.async_get_entry(entry.data[CONF_METER_ENTRY])
        if meter is None:
            await self._give_up()
        window = entry.data[CONF_WINDOW]
        self._link = MeterLink(self.hass, meter, self._heard, kind=None if window == AUTOMATIC else Kind(window))
        self._link.td = int(entry.data[CONF_TD]) or self.kept.td
        self._link.fixed_td = bool(entry.data[CONF_TD])
        self._link.was_in_kva = self.kept.in_kva
        self._link.limit_w = round(entry.data[CONF_LIMIT] * 1000)
        self.data = Decision(epoch_ms(dt_util.utcnow()), (), (), None, blind=True, warned=False)
        entry.async_on_unload(self._link.start())
        entry.async_on_unload(async_track_time_interval(self.hass, self._timer, _TICK))
        if watched := [one for actuator in self.hands.actuators.values() for one in actuator.entities]:
            entry.async_on_unload(async_track_state_change_event(self.hass, watched, self._changed))
        if named := {name for ours in self.handovers.values() for name in ours.entities}:
            entry.async_on_unload(async_track_entity_registry_updated_event(self.hass, named, self._renamed))

    @callback
    def begin(self) -> None:
        """Command loads, once Home Assistant has started."""
        self.config_entry.async_on_unload(async_at_started(self.hass, self._started))

    async def async_stop(self) -> None:
        """Give every load back, and do no more."""
        self._ready = False
        if self.on_stop is not None:
            await self.on_stop()
        await self.hands.async_let_go()
        self.controller.let_go(epoch_ms(dt_util.utcnow()))
        # An order without an end is not to come back long after.
        self.kept.wishes = {name: wish for name, wish in self.kept.wishes.items() if wish.until is not None}
        self.herald.end()
        await self.async_keep()
        await self.async_shutdown()

    async def _take_up(self) -> None:
        data: object = None
        try:
            if (data := await self._store.async_load()) is not None:
                self.kept = Kept.from_dict(data)
        except (HomeAssistantError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
            LOGGER.warning("What was kept of %s is of no use: %s", self.name, error)
            self.kept = Kept(before=salvaged(data))

    async def _give_up(self) -> NoReturn:
        """Without a meter entry there is no building any more: give back what is still shed, then say so."""
        await self.async_stop()
        refusal = ConfigEntryNotReady if self.kept.before else ConfigEntryError
        raise refusal(translation_domain=DOMAIN, translation_key="no_meter_entry")

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
        """Have loads shed, or so much power (W or VA) of any; return the id of the order.

        Raises HomeAssistantError if the order could not be kept.
        """
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
        if not await self.async_keep():
            del self.kept.wishes[wish.id], self.kept.texts[wish.id]
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="not_kept", translation_placeholders={"building": self.name}
            )
        await self._act()
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
        """Keep what was said, and act on it: what gives loads back is done in any case."""
        await self.async_keep()
        await self._act()

    async def _act(self) -> None:
        self._decide(None)
        await self.hands.async_done()

    # What is heard and seen.

    async def _started(self, _hass: HomeAssistant) -> None:
        """Bring the loads to where the store says: what was interrupted is done, nothing is done twice."""
        commands: list[Command] = []
        for name in self.kept.before:
            state = self.controller.states.get(name)
            if state is None or not state.step or self.kept.mode is Mode.OBSERVE:
                commands.append(Command(name, 0))
            elif not state.obeyed and self.seen(name).step == 0:  # one that had obeyed was switched by someone since
                commands.append(Command(name, state.step))
                self.controller.tell_again(name, epoch_ms(dt_util.utcnow()))
        self.hands.take(commands)
        self._ready = True
        self._decide(None)

    @callback
    def _heard(self, reading: Reading | None) -> None:
        self._decide(reading)

    @callback
    def _timer(self, _now: datetime) -> None:
        if self._store.failed and self.monotonic() - self._written >= _SAVE_S:
            self.create_task(self.async_keep(), "keeping")
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

    def seen(self, name: str) -> Seen:
        """Return what is seen of a load; while nothing can be kept, none is to be shed."""
        managed = self.kept.on and name not in self.kept.hands_off
        seen = self.hands.actuators[name].seen(self.kept.before.get(name), managed=managed)
        return replace(seen, sheddable=False) if self._store.failed else seen

    def _tick(self, reading: Reading | None) -> Tick:
        now = dt_util.utcnow()
        local = now.astimezone(self.zone)
        at = epoch_ms(now)
        return Tick(
            now=at,
            minute=local.hour * 60 + local.minute,
            day=local.toordinal(),
            mode=self.kept.mode,
            seen={name: self.seen(name) for name in self.handovers},
            reading=reading,
            warned=self.link.warned if self._link is not None else False,
            wishes=tuple(self._wishes(now)),
        )

    def _wishes(self, now: datetime) -> Iterable[Wish]:
        """Give what is asked for by actions, by requests and by the signals."""
        yield from self._standing(epoch_ms(now))
        if self.desk is not None:
            yield from self.desk.wishes(now)
        yield from (wish for wish in self.reserves.values() if wish.until is None or epoch_ms(now) < wish.until)
        if self.policies is not None:
            yield from self.policies.wishes(now)

    def _standing(self, at: int) -> tuple[Wish, ...]:
        """Return the orders of actions that still hold."""
        return tuple(wish for wish in self.kept.wishes.values() if wish.until is None or at < wish.until)

    @callback
    def act(self) -> None:
        """Decide anew: something is asked for, or no more."""
        self._decide(None)

    @callback
    def _decide(self, reading: Reading | None) -> None:
        if not self._ready or self.hass.is_stopping:  # what is decided then could not be kept any more
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
        self.herald.tell(before, decision)
        self.async_update_listeners()
        if self.desk is not None:
            self.desk.look()
        told = {command.load for command in decision.commands}
        self.hands.take((*decision.commands, *(owed for owed in self.hands.owed() if owed.load not in told)))

    def create_task[ResultT](self, job: Coroutine[Any, Any, ResultT], what: str) -> asyncio.Task[ResultT]:
        """Begin a job of this building, at the next turn of the loop."""
        return self.config_entry.async_create_task(self.hass, job, f"flex_ready {what}", eager_start=False)

    # What is kept.

    async def async_keep(self) -> bool:
        """Write what is to outlive Home Assistant; return whether that could be done."""
        self._written = self.monotonic()
        await self._store.async_save(self._data_to_keep())
        return not self._store.failed

    @callback
    def keep_soon(self) -> None:
        """Write what is to outlive Home Assistant, in a while."""
        self._store.async_delay_save(self._data_to_keep, _SAVE_S)

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
                self.keep_soon()
            if self.kept.overruns.count > before.count:
                self.herald.tell_limit("overrun", over=closed.overrun, limit=closed.limit)


def _month(local: datetime) -> int:
    return local.year * 12 + local.month - 1
