"""Flexibility requests made, confirmed and cancelled: each in one transaction, stored before it is answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import json

import sqlalchemy as sa

from ..serve.problem import ProblemError
from ..sessions.store import REQUESTS, Store
from .data import PRICE_EUR_PER_MWH, Asset, Slot
from .life import Flex, State, read, spelled
from .limits import judge
from .wire import DECREASE, REQUEST_ID, Findings, Json, read_power, read_price

_GRACE = timedelta(minutes=15)
"""How long an offer of the dialect `emulator` holds at least: the dates of Annex 1 are past."""
_OF_A_REQUEST = ("requestID", "flexProduct", "power", "direction")
_OF_A_CONFIRMATION = ("flexProduct", "power", "ackPrice")


@dataclass(frozen=True, slots=True)
class Desk:
    """The requests of a session's BACS."""

    store: Store
    session_id: str
    bacs_id: str
    native: bool
    now: datetime

    async def known(self) -> list[Flex]:
        """Return all of them."""
        return await self.store.run(self._read)

    async def create(self, asset: Asset, body: object) -> tuple[str, bool]:
        """Make an offer for a request; return the answer (JSON), and whether it was given before."""
        found = Findings(self.native)
        asked = _members(body, _OF_A_REQUEST, found)
        request_id, product = asked.get("requestID"), asked.get("flexProduct")
        if not isinstance(request_id, str) or not REQUEST_ID.fullmatch(request_id):
            found.wrong("/requestID", "malformed", "1 to 128 letters, digits and . _ : ~ - are needed")
        if not isinstance(product, str) or not product:
            found.wrong("/flexProduct", "malformed", "the code of a product is needed")
        way = asked.get("direction", None if self.native else DECREASE)
        if way != DECREASE:
            code = "missing" if way is None else "unsupported-direction"
            found.wrong("/direction", code, f"{DECREASE}, which is all that the assets of the data set can do")
        slots = read_power(asked.get("power"), found)
        if found.errors:
            found.refuse()
        identifier, code, spelling = str(request_id), str(product), spelled(str(product), slots)

        def work(connection: sa.Connection) -> tuple[str, bool]:
            known = self._read(connection)
            before = _maybe(known, asset, identifier)
            if before is not None:
                return _again(before, spelling), True
            judge(asset, code, slots, known, self.now, found)
            found.refuse()
            flex = self._offer(asset, identifier, code, spelling, slots, found)
            self._write(connection, flex)
            return flex.answer, False

        return await self.store.run(work)

    async def confirm(self, asset: Asset, request_id: str, body: object) -> Flex:
        """Take the confirmation of an offer; return the request."""
        found = Findings(self.native)
        asked = _members(body, _OF_A_CONFIRMATION, found)
        product = asked.get("flexProduct")
        if product is not None and not isinstance(product, str):
            found.wrong("/flexProduct", "malformed", "the code of a product is needed")
        slots = read_power(asked["power"], found) if "power" in asked else ()
        price = read_price(asked.get("ackPrice"), found)
        for name in ("flexProduct", "power"):
            if name not in asked:
                found.limit(f"/{name}", "missing", "taken as it was offered")
        if found.errors:
            found.refuse()
        spelling = spelled(product if isinstance(product, str) else None, slots, price)

        def work(connection: sa.Connection) -> Flex:
            known = self._read(connection)
            flex = find(known, asset, request_id)
            self._may_be_confirmed(flex, spelling)
            if flex.confirmed_at is not None:
                return flex
            code, order = str(product or flex.product), slots or flex.offer
            if code != flex.product:
                found.limit("/flexProduct", "offer-mismatch", f"{flex.product} was offered")
            if not _fits(order, flex.offer):
                found.limit("/power", "offer-mismatch", "this was not offered")
            if price is not None and price < PRICE_EUR_PER_MWH:
                found.limit("/ackPrice", "price-mismatch", f"{PRICE_EUR_PER_MWH} €/MWh is the price")
            judge(asset, asset.product, order, [other for other in known if other is not flex], self.now, found)
            found.refuse()
            flex = replace(
                flex,
                confirmed_at=self.now,
                confirmed=spelling,
                order=_capped(order, asset),
                warnings=tuple(found.limits),
            )
            self._write(connection, flex)
            return flex

        return await self.store.run(work)

    async def cancel(self, asset: Asset, request_id: str) -> Flex:
        """Cancel a request, as long as that changes something; return it."""

        def work(connection: sa.Connection) -> Flex:
            flex = find(self._read(connection), asset, request_id).cancel(self.now)
            self._write(connection, flex)
            return flex

        return await self.store.run(work)

    def _may_be_confirmed(self, flex: Flex, spelling: str) -> None:
        if flex.cancelled_at is not None:
            raise ProblemError(409, "invalid-state", "the request is cancelled")
        if flex.confirmed_at is not None and flex.confirmed != spelling:
            raise ProblemError(409, "already-confirmed", "it is confirmed with another body")
        if flex.state(self.now) is State.EXPIRED:
            raise ProblemError(409, "offer-expired", "the offer is no longer good")

    def _offer(  # a request and its judgement
        self, asset: Asset, request_id: str, product: str, asked: str, slots: Sequence[Slot], found: Findings
    ) -> Flex:
        expires_at = slots[0].start - asset.delay
        flex = Flex(
            asset_id=asset.id,
            request_id=request_id,
            product=product,
            asked=asked,
            answer="",
            offer=_capped(slots, asset),
            delay=asset.delay,
            expires_at=expires_at if self.native else max(expires_at, self.now + _GRACE),
            warnings=tuple(found.limits),
        )
        shown = flex.show(asset, self.now, native=self.native) | {"state": State.OFFERED}
        return replace(flex, answer=json.dumps(shown, ensure_ascii=False))

    def _of_mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(REQUESTS.c.session_id == self.session_id, REQUESTS.c.bacs_id == self.bacs_id)

    def _read(self, connection: sa.Connection) -> list[Flex]:
        query = sa.select(REQUESTS.c.body).where(self._of_mine()).order_by(REQUESTS.c.id)
        return [read(body) for body in connection.execute(query).scalars()]

    def _write(self, connection: sa.Connection, flex: Flex) -> None:
        key = {"asset_id": flex.asset_id, "request_id": flex.request_id}
        mine = sa.and_(self._of_mine(), *(REQUESTS.c[name] == value for name, value in key.items()))
        written = {"body": flex.write()}
        if connection.execute(REQUESTS.update().where(mine).values(written)).rowcount == 0:
            row = {"session_id": self.session_id, "bacs_id": self.bacs_id} | key | written
            connection.execute(REQUESTS.insert().values(row))


def _members(body: object, names: Sequence[str], found: Findings) -> Json:
    if not isinstance(body, dict):
        raise ProblemError(422, "malformed", "an object is needed")
    for name in sorted(body.keys() - set(names)):
        found.limit(f"/{name.replace('~', '~0').replace('/', '~1')}", "unknown-key", "Annex 1 does not know it")
    return body


def _maybe(known: Sequence[Flex], asset: Asset, request_id: str) -> Flex | None:
    mine: Callable[[Flex], bool] = lambda flex: (flex.asset_id, flex.request_id) == (asset.id, request_id)  # noqa: E731
    return next(filter(mine, known), None)


def find(known: Sequence[Flex], asset: Asset, request_id: str) -> Flex:
    """Return one of the requests; raise ProblemError."""
    if (flex := _maybe(known, asset, request_id)) is None:
        raise ProblemError(404, "not-found", "the asset has no such request")
    return flex


def _again(before: Flex, spelling: str) -> str:
    """Return the answer to a request that came before."""
    if before.cancelled_at is not None:
        raise ProblemError(409, "invalid-state", "a request of this name was cancelled")
    if before.asked != spelling:
        raise ProblemError(422, "request-id-reused", "a request of this name asked for something else")
    return before.answer


def _capped(slots: Sequence[Slot], asset: Asset) -> tuple[Slot, ...]:
    """Return what the asset can give of what is asked."""
    return tuple(replace(slot, power_w=min(slot.power_w, asset.power_w)) for slot in slots)


def _fits(order: Sequence[Slot], offer: Sequence[Slot]) -> bool:
    """Tell whether an order is of the times of an offer, and of no more power."""
    return [(slot.start, slot.end) for slot in order] == [(slot.start, slot.end) for slot in offer] and all(
        one.power_w <= other.power_w for one, other in zip(order, offer, strict=True)
    )
