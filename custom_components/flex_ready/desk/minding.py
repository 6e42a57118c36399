"""What time brings about: requests go on, users do not answer, loads are lost, curves are complete."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_track_point_in_utc_time

from ..const import LOGGER
from ..flexibility.book import Decline
from ..flexibility.dialects import NATIVE
from ..flexibility.lifecycle import LIVE, Facts
from ..flexibility.model import Offer
from ..flexibility.record import Cause, Key, RequestRecord, State, Transition, Trigger
from ..ledger import LedgerError

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator
    from .desk import Desk

_AGAIN = timedelta(seconds=30)
"""What could not be kept is tried again after so long."""


class Minding:
    """Minds the requests of a desk."""

    def __init__(self, desk: Desk, building: BuildingCoordinator) -> None:
        """Mind what is on a desk; nothing is there yet."""
        self._desk = desk
        self._building = building
        self._live: set[Key] = set()
        self._unjudged: set[Key] = set()
        self._unsettled: set[Key] = set()
        self._due: datetime | None = None
        self._stop_timer: CALLBACK_TYPE | None = None
        self._turning: asyncio.Task[None] | None = None
        self._failed = False

    @property
    def live(self) -> tuple[RequestRecord, ...]:
        """Return the requests that are ordered and not over."""
        return tuple(self._desk.book.records[key] for key in self._live)

    @callback
    def take_up(self) -> None:
        """See what was kept."""
        for keys in (self._live, self._unjudged, self._unsettled):
            keys.clear()
        for record in self._desk.book.records.values():
            self._sort(record)

    @callback
    def note(self, transition: Transition, record: RequestRecord) -> None:
        """Take down that a request went on."""
        self._sort(record)
        if transition.target is State.ACTIVE:
            self._desk.running.goes_on(record.key, begins=transition.source is not State.ACTIVE)
        elif transition.source is State.ACTIVE:
            self._desk.running.over(record.key)

    @callback
    def plan(self) -> None:
        """See to it that what falls due is done in time."""
        self._cancel_timer()
        self._due = self._desk.book.next_due(self._desk.now())
        if self._due is not None:
            self._stop_timer = async_track_point_in_utc_time(self._building.hass, self._on_time, self._due)

    @callback
    def look(self) -> None:
        """See whether anything is to be done."""
        busy = self._turning is not None and not self._turning.done()
        waits = self._live or self._unjudged or self._unsettled or self._desk.meters.ready or self._desk.calls_wait
        if not busy and (waits or (self._due is not None and self._desk.now() >= self._due)):
            self._turning = self._building.create_task(self._turn(), "minding requests")

    async def async_stop(self) -> None:
        """Do no more."""
        self._cancel_timer()
        if self._turning is not None:
            await asyncio.wait([self._turning])

    def facts(self, key: Key, now: datetime) -> Facts:
        """Return what is seen of a request."""
        book = self._desk.book
        record = book.records.get(key)
        if record is None:
            return Facts(now=now)
        recovery = book.site.recovery(key.asset_id, record.request)
        return self._desk.running.facts(record, now, recovery, start_late=book.site.start_late)

    async def _turn(self) -> None:
        """Let time act on the requests, and write what was measured."""
        desk = self._desk
        try:
            async with desk.lock:
                await desk.settle_doubt()
                now = desk.now()
                await desk.keep(*desk.book.tick(now, {key: self.facts(key, now) for key in self._live}))
                for key in [*self._live]:
                    await self._watch(key, now)
                for key in [*self._unjudged]:
                    await self._silence(key, now)
                await desk.meters.async_write()
                for key in [*self._unsettled]:
                    await self._settle(key, now)
                await desk.write_calls()
        except LedgerError as error:
            if not self._failed:
                LOGGER.error("The requests of %s cannot be kept: %s", self._building.name, error)
            self._failed = True
            self._due = desk.now() + _AGAIN
            return
        self._failed = False
        self.plan()

    async def _watch(self, key: Key, now: datetime) -> None:
        """End what is running where nothing more can be given: the user took it back, or all loads are gone."""
        desk = self._desk
        if desk.book.records[key].state is not State.ACTIVE:
            return
        trigger = Trigger.OPT_OUT if desk.verdicts.idle() else Trigger.LOSS if desk.running.lost(key) else None
        if trigger is not None:
            result = desk.book.happen(key, trigger, self.facts(key, now), dialect=NATIVE)
            await desk.keep(result.book, result.transitions)

    async def _silence(self, key: Key, now: datetime) -> None:
        """Answer for a user who does not."""
        desk = self._desk
        record, operator = desk.book.records[key], desk.operator_of(key)
        if operator is not None and now < desk.answered_by(record, operator):
            return
        verdict: Offer | Decline = Decline(cause=Cause.POLICY, detail="nobody answered")
        if operator is not None and operator.policy.silence_accepts:
            verdict = desk.verdicts.offer(operator, key.asset_id, record.request, desk.book.records, now)
        result = desk.book.decide(key, verdict, now=now, dialect=NATIVE)
        await desk.keep(result.book, result.transitions)

    async def _settle(self, key: Key, now: datetime) -> None:
        """Close a request that is over, once everything was measured."""
        desk = self._desk
        if desk.meters.complete(desk.book.records[key], now):
            facts = Facts(now=now, measured=True)
            result = desk.book.happen(key, Trigger.SETTLE, facts, dialect=NATIVE)
            await desk.keep(result.book, result.transitions)

    def _sort(self, record: RequestRecord) -> None:
        for keys, holds in (
            (self._live, record.state in LIVE),
            (self._unjudged, record.state is State.RECEIVED),
            (self._unsettled, record.began is not None and record.state in _OVER),
        ):
            (keys.add if holds else keys.discard)(record.key)

    @callback
    def _on_time(self, _now: datetime) -> None:
        self._stop_timer = None
        self.look()

    def _cancel_timer(self) -> None:
        if self._stop_timer is not None:
            self._stop_timer()
            self._stop_timer = None


_OVER = frozenset((State.COMPLETED, State.FAILED, State.CANCELLED))
