"""The desk of a building: every call and every word of the user goes through its book, kept before it has an effect."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..control.orders import Wish
from ..flexibility.answer import Answer
from ..flexibility.book import Book, Decline, Result
from ..flexibility.dialects import NATIVE
from ..flexibility.model import Asset, Bacs, Confirmation, Consumed, Consumption, Request
from ..flexibility.record import Cause, Key, RequestRecord, State, Transition, Trigger
from ..ledger import Call, Ledger, LedgerError
from ..slots import Series, Stretch
from .assets import AssetSetup, whole
from .const import EVENT_REQUEST, SUBENTRY_ASSET, SUBENTRY_OPERATOR
from .habit_store import HabitStore
from .lately import Lately
from .meters import Meters, cut
from .minding import Minding
from .operators import Operator, local
from .running import Progress, Running
from .shown import Shown
from .site import bacs_id
from .telling import event_data
from .verdict import Verdicts

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

type Told = Callable[[Transition, RequestRecord], None]


@dataclass(slots=True)
class LastCall:
    """The last call of an operator, and how many were refused on that day (UTC)."""

    at: datetime
    status: int
    refused: int = 0


class Desk:
    """Takes the requests for one building."""

    def __init__(self, building: BuildingCoordinator, ledger: Ledger, kept: HabitStore) -> None:
        """Make the desk of a building that keeps its requests in a ledger, and what it learns in a store."""
        self._building = building
        self._ledger = ledger
        entry = building.config_entry
        self.bacs = Bacs(id=bacs_id(entry.entry_id), name=entry.title)
        self.zone = building.zone
        self.setups: Mapping[str, AssetSetup] = whole(
            map(AssetSetup.of, entry.get_subentries_of_type(SUBENTRY_ASSET)), building.handovers
        )
        """The assets, by their subentries' ids."""
        self.operators: Mapping[str, Operator] = {
            one.subentry_id: Operator.of(one) for one in entry.get_subentries_of_type(SUBENTRY_OPERATOR)
        }
        self.local = local(frozenset(self.setups), NATIVE)
        self._by_asset = {one.asset_id: one for one in self.setups.values()}
        lately = Lately(kept.habits, building.zone, kept.save_soon)
        self.verdicts = Verdicts(building, self.setups, self.bacs.id, lately)
        self.running = Running(building, self._by_asset)
        self.meters = Meters(building, ledger, self.running, self.setups, lately)
        self.book = Book(self.verdicts.site(self.now()))
        self.last_calls: dict[str, LastCall] = {}
        self.lock = asyncio.Lock()
        """Held by whoever changes the book."""
        self.minding = Minding(self, building)
        self.shown = Shown()
        self._listeners: list[Told] = []
        self._calls: list[Call] = []
        self._in_doubt = False
        """Whether something may have been kept that is not in the book."""

    async def async_start(self) -> None:
        """Take up what was kept, and go on from there. Raises LedgerError."""
        kept = await self._ledger.transitions(self._entry_id)
        self.book = Book.of(self.verdicts.site(self.now()), kept)
        await self.meters.async_start(self.book.records)
        for call in await self._ledger.calls(self._entry_id, _MANY_CALLS):
            self._note_last(call, earlier=True)
        self.minding.take_up()
        self.shown.take_up(self.book.records.values())
        async with self.lock:
            await self.keep(*self.book.restart(self.now()))
        self.minding.plan()

    async def async_stop(self) -> None:
        """Do no more; write what was measured and who called."""
        await self.minding.async_stop()
        try:
            await self.write_calls()
            await self.meters.async_close()
        except LedgerError as error:
            LOGGER.warning("What was measured last of %s is lost: %s", self.bacs.name, error)

    # What operators see and say.

    def now(self) -> datetime:
        """Return the instant (UTC)."""
        return dt_util.utcnow().astimezone(UTC)

    def assets_of(self, operator: Operator) -> tuple[Asset, ...]:
        """Return the assets that an operator sees."""
        assets = self.verdicts.site(self.now()).assets
        return tuple(assets[one.asset_id] for name, one in self.setups.items() if name in operator.assets)

    @property
    def as_of(self) -> Hashable:
        """What the assets are told as of: they are the same as long as this is."""
        return self.verdicts.as_of(self.now())

    def asset_of(self, operator: Operator, asset_id: str) -> Asset | None:
        """Return an asset that an operator sees."""
        setup = self._by_asset.get(asset_id)
        seen = setup is not None and setup.subentry_id in operator.assets
        return self.verdicts.site(self.now()).assets.get(asset_id) if seen else None

    def key(self, operator: Operator, asset_id: str, request_id: str) -> Key:
        """Return what makes a request of an operator one and the same."""
        return Key(
            issuer=operator.issuer,
            client=operator.client,
            bacs_id=self.bacs.id,
            asset_id=asset_id,
            request_id=request_id,
        )

    async def create(self, operator: Operator, asset_id: str, request: Request) -> Answer:
        """Take a request. Raises LedgerError if it cannot be kept: then there is none."""

        def work(now: datetime) -> Result:
            return self.book.create(
                self.key(operator, asset_id, request.id),
                request,
                now=now,
                dialect=operator.dialect,
                decide=lambda asked: self.verdicts.verdict(operator, asset_id, asked, self.book.records, now),
            )

        return await self._do(work)

    async def confirm(self, operator: Operator, asset_id: str, request_id: str, order: Confirmation) -> Answer:
        """Take an order. Raises LedgerError if it cannot be kept: then there is none."""
        key = self.key(operator, asset_id, request_id)
        return await self._do(lambda now: self.book.confirm(key, order, now=now, dialect=operator.dialect))

    async def cancel(self, operator: Operator, asset_id: str, request_id: str) -> Answer:
        """Let an operator withdraw a request. Raises LedgerError if that cannot be kept."""
        key = self.key(operator, asset_id, request_id)
        return await self._do(lambda now: self.book.cancel(key, now=now, dialect=operator.dialect))

    def record(self, operator: Operator, asset_id: str, request_id: str) -> RequestRecord | None:
        """Return a request of an operator."""
        return self.book.records.get(self.key(operator, asset_id, request_id))

    async def consumption(self, asset_id: str, stretch: Stretch) -> Series[Consumed]:
        """Return what an asset drew, in the steps in which it was measured. Raises KeyError, LedgerError."""
        return await self.meters.curve(self._by_asset[asset_id], stretch)

    async def realised(self, operator: Operator, asset_id: str, request_id: str) -> Consumption | None:
        """Return what an asset drew over the time of a request, as far as it has come. Raises LedgerError."""
        record = self.record(operator, asset_id, request_id)
        if record is None or asset_id not in self._by_asset:
            return None
        stretch = Stretch(record.start, record.end)
        return Consumption(steps=cut(await self.consumption(asset_id, stretch), stretch))

    @callback
    def note_call(
        self, operator: Operator | None, subject: str, method: str, path: str, status: int, code: str
    ) -> None:
        """Note who called for what, and what came of it; written with what is measured."""
        name = "" if operator is None else operator.subentry_id
        path = path[:_LONGEST_PATH]
        call = Call(at=self.now(), operator=name, subject=subject, method=method, path=path, status=status, code=code)
        self._calls.append(call)
        self._note_last(call)

    def _note_last(self, call: Call, *, earlier: bool = False) -> None:
        """Note a call as the last of its operator; one of an earlier run only counts beside it."""
        if call.operator not in self.operators:
            return
        refused, last = int(call.status >= _REFUSED), self.last_calls.get(call.operator)
        if last is None:
            self.last_calls[call.operator] = LastCall(call.at, call.status, refused)
            return
        if last.at.date() == call.at.date():
            refused += last.refused
        elif earlier:
            return
        last.refused = refused
        if not earlier:
            last.at, last.status = call.at, call.status

    # What the user says.

    async def accept(self, key: Key, power_w: Decimal | None = None) -> None:
        """Offer what a request that waits asks for, or less. Raises ServiceValidationError, LedgerError."""
        record, operator = self._waiting(key)
        verdict = self.verdicts.offer(operator, key.asset_id, record.request, self.book.records, self.now(), power_w)
        if isinstance(verdict, Decline):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="cannot_be_given",
                translation_placeholders={"reason": verdict.detail},
            )
        await self._said(lambda now: self.book.decide(key, verdict, now=now, dialect=NATIVE))

    async def decline(self, key: Key) -> None:
        """Decline a request that waits. Raises ServiceValidationError, LedgerError."""
        self._waiting(key)
        verdict = Decline(cause=Cause.USER_OPT_OUT)
        await self._said(lambda now: self.book.decide(key, verdict, now=now, dialect=NATIVE))

    async def opt_out(self, key: Key) -> None:
        """End or refuse a request, whatever was ordered. Raises ServiceValidationError, LedgerError."""
        await self._said(
            lambda now: self.book.happen(key, Trigger.OPT_OUT, self.minding.facts(key, now), dialect=NATIVE)
        )

    # What is known.

    def progress(self, key: Key) -> Progress:
        """Tell how a request goes. Raises KeyError."""
        record = self.book.records[key]
        return self.running.progress(record, self.now(), self.meters.delivered_before(key))

    def able(self, asset_id: str, during: Stretch | None = None) -> Decimal | None:
        """Return what would be offered for a stretch of time (W); unless said, the longest that can begin soonest."""
        return self.verdicts.able(asset_id, self.book.records, self.now(), during)

    def answered_by(self, record: RequestRecord, operator: Operator) -> datetime:
        """Return by when a user has to answer a request; silence is an answer while it can still be ordered."""
        waits = record.history[0].at + operator.policy.answer_within
        potential = self.book.site.potential(record.key.asset_id, record.request)
        delay = timedelta() if potential is None else potential.mobilization_delay
        return min(waits, record.start - delay - _TO_ORDER)

    def operator_of(self, key: Key) -> Operator | None:
        """Return the operator of a request, if it is still there."""
        if (key.issuer, key.client) == (self.local.issuer, self.local.client):
            return self.local
        found = (one for one in self.operators.values() if (one.issuer, one.client) == (key.issuer, key.client))
        return next(found, None)

    def wishes(self, now: datetime) -> Iterable[Wish]:
        """Give what the arbiter is asked for."""
        active = [record for record in self.minding.live if record.due(now) is not None]
        return self.running.wishes(active, self.verdicts.allotted(self.book.records, active, now), now)

    @callback
    def look(self) -> None:
        """See what is drawn, and whether anything falls due: with each decision of the building."""
        self.meters.look(self.now())
        self.minding.look()

    @callback
    def async_listen(self, told: Told) -> CALLBACK_TYPE:
        """Be told of each transition, once it is kept."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    # How it is done.

    async def keep(self, book: Book, transitions: tuple[Transition, ...]) -> None:
        """Keep what happened, then let it be so, tell it, and have the arbiter act on it; for who holds the lock.

        Raises LedgerError if it cannot be kept: then it did not happen.
        """
        if not transitions:
            return
        try:
            await self._ledger.keep(self._entry_id, transitions)
        except LedgerError:
            self._in_doubt = True
            raise
        self.book = book
        for one in transitions:
            self._tell(one, book.records[one.key])
        self.meters.look(self.now())  # what ends now is cut before it is forgotten
        self.meters.cut(record for record in self.minding.live if record.held is not None)
        if any(State.ACTIVE in (one.source, one.target) for one in transitions):
            self._building.act()
        else:
            self._building.async_update_listeners()

    @property
    def calls_wait(self) -> bool:
        """Tell whether calls are to be written: many, or some for a while."""
        return len(self._calls) >= _MANY_CALLS or (
            bool(self._calls) and not timedelta() <= self.now() - self._calls[0].at < _CALLS_WAIT
        )

    async def settle_doubt(self) -> None:
        """See what was kept, after something could not be; for who holds the lock. Raises LedgerError."""
        if self._in_doubt:
            kept = await self._ledger.transitions(self._entry_id)
            self.book = Book.of(self.book.site, kept)
            self.minding.take_up()
            self.shown.take_up(self.book.records.values())
            self._in_doubt = False

    async def write_calls(self) -> None:
        """Write who called. Raises LedgerError: the last of them are written later, then."""
        calls, self._calls = self._calls, []
        if not calls:
            return
        try:
            await self._ledger.note_calls(self._entry_id, calls)
        except LedgerError:
            self._calls = [*calls, *self._calls][-_MOST_CALLS:]
            raise

    async def _do(self, work: Callable[[datetime], Result]) -> Answer:
        """Do something to the book, to its end, whether or not who asked for it still waits."""
        return await asyncio.shield(self._building.create_task(self._work(work), "taking a request"))

    async def _work(self, work: Callable[[datetime], Result]) -> Answer:
        async with self.lock:
            await self.settle_doubt()
            now = self.now()
            self.book = replace(self.book, site=self.verdicts.site(now))
            result = work(now)
            await self.keep(result.book, result.transitions)
        self.minding.plan()
        return result.answer

    async def _said(self, work: Callable[[datetime], Result]) -> None:
        """Do what a user says; raise ServiceValidationError where that is not possible."""
        answer = await self._do(work)
        if answer.code is not None:
            detail = answer.findings[0].detail if answer.findings else answer.code.words
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="request_refused",
                translation_placeholders={"reason": detail},
            )

    @callback
    def _tell(self, transition: Transition, record: RequestRecord) -> None:
        key = transition.key
        self.minding.note(transition, record)
        self.shown.note(record)
        LOGGER.info("%s for %s: %s (%s)", key.request_id, key.asset_id, transition.target, transition.cause)
        told = event_data(self._entry_id, transition, record, self.operator_of(key))
        self._building.hass.bus.async_fire(EVENT_REQUEST, told)
        for listener in [*self._listeners]:
            listener(transition, record)

    def _waiting(self, key: Key) -> tuple[RequestRecord, Operator]:
        """Return a request that waits for the user. Raises ServiceValidationError."""
        record, operator = self.book.records.get(key), self.operator_of(key)
        if record is None or operator is None or record.state is not State.RECEIVED:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_to_decide")
        return record, operator

    @property
    def _entry_id(self) -> str:
        return self._building.config_entry.entry_id


_REFUSED = 400
_TO_ORDER = timedelta(minutes=1)
"""So long an operator has to order what was offered last."""
_MANY_CALLS = 200
_LONGEST_PATH = 200
_MOST_CALLS = 2_000
_CALLS_WAIT = timedelta(minutes=1)
