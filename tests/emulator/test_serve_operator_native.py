"""The operator before a strict BACS: a server over the product's own book of requests, in the native dialect."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
import json
from types import MappingProxyType
from typing import Any

from aiohttp import web
import pytest
from served import Answer, Served, served
from test_serve_operator import verdict

from custom_components.flex_ready.flexibility import answer as answers
from custom_components.flex_ready.flexibility.book import Book, Decline, Result
from custom_components.flex_ready.flexibility.dialects import NATIVE
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.model import (
    Aggregation,
    Asset,
    Bacs,
    Consumed,
    Consumption,
    Offer,
    Potential,
    Quality,
    Request,
)
from custom_components.flex_ready.flexibility.problem import RefusedError
from custom_components.flex_ready.flexibility.record import Cause, Key
from custom_components.flex_ready.flexibility.wire import Reader, Writer
from custom_components.flex_ready.slots import Series, Slot, Stretch
from emulator.meter.clock import PARIS

pytestmark = pytest.mark.usefixtures("socket_enabled")

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
"""10:00 in Paris."""
MINUTE = timedelta(minutes=1)
TOKEN = "Bearer the-token"
PREFIX = "/api/flex_ready/v1"
HALL = "/bacs/hall/assets/Heating"
REQUEST = f"{HALL}/flexibilities/request"
POTENTIAL = Potential(
    flex_product="WID",
    power=Decimal(50_000),
    mobilization_delay=10 * MINUTE,
    max_duration=120 * MINUTE,
    activations_per_day=2,
    time_periods=(Stretch(NOW, NOW + timedelta(hours=8)),),
    recovery=30 * MINUTE,
)
ASSETS = {
    "Heating": Asset(id="Heating", bacs_id="hall", potentials=(POTENTIAL,), parent="Whole"),
    "Whole": Asset(id="Whole", bacs_id="hall", potentials=(POTENTIAL, POTENTIAL)),
    "Idle": Asset(id="Idle", bacs_id="hall", potentials=()),
}


@dataclass
class Strict:
    """The BACS. `decision` is what a request that breaks no rule comes to: an offer of all of it, or that."""

    now: datetime = NOW
    decision: Decline | None = None
    takes_time: bool = False
    book: Book = field(default_factory=lambda: Book(Site(bacs_id="hall", assets=ASSETS, zone=PARIS)))
    calls: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""
    writer: Writer = field(default_factory=lambda: Writer(NATIVE, PARIS))
    reader: Reader = field(default_factory=lambda: Reader(NATIVE, PARIS))

    def routes(self) -> list[web.RouteDef]:
        """Return its paths."""
        reads: dict[str, Callable[[web.Request], object]] = {
            "/status": lambda _: {"now": self.now.isoformat(), "version": "1", "meters": []},
            "/bacs": lambda _: [self.writer.bacs(Bacs(id="hall", name="Town hall"))],
            "/bacs/hall/assets": lambda _: [self.writer.asset(one) for one in ASSETS.values()],
            f"{HALL}/flexibilities": lambda _: [self.writer.potential(POTENTIAL)],
            f"{HALL}/consumptions": self._drawn,
            f"{REQUEST}/{{id}}/consumptions": self._realised,
        }
        return [
            *(web.get(f"{PREFIX}{path}", self._read(make)) for path, make in reads.items()),
            web.post(f"{PREFIX}{REQUEST}", self._create),
            web.get(f"{PREFIX}{REQUEST}/{{id}}", self._show),
            web.delete(f"{PREFIX}{REQUEST}/{{id}}", self._cancel),
            web.post(f"{PREFIX}{REQUEST}/{{id}}/confirm", self._confirm),
        ]

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let the operator in."""
        self.calls.append(request)
        self.bodies.append(await request.read())
        self.book, _ = self.book.tick(self.now)
        if request.headers.get("Authorization") != TOKEN:
            body = {"title": "Unauthorized", "status": 401, "detail": "a token is needed", "code": "invalid-token"}
            return web.json_response(
                body, status=401, content_type="application/problem+json", headers={"WWW-Authenticate": "Bearer"}
            )
        return await handler(request)

    def _read(self, make: Callable[[web.Request], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            return self._tagged(request, make(request))

        return answer

    def _tagged(self, request: web.Request, body: object) -> web.Response:
        data = json.dumps(body).encode()
        headers = {"ETag": f'"{sha256(data).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=data, content_type="application/json", headers=headers)

    async def _create(self, request: web.Request) -> web.Response:
        asked = self._said(self.reader.request)
        if isinstance(asked, web.Response):
            return asked
        return self._done(
            request, self.book.create(key(asked.id), asked, now=self.now, dialect=NATIVE, decide=self._decide)
        )

    def _decide(self, asked: Request) -> Offer | Decline | None:
        offer = Offer(
            power=asked.power,
            expires_at=next(iter(asked.power)).start - 11 * MINUTE,
            mobilization_delay=10 * MINUTE,
            price=Decimal("0.085"),
        )
        return None if self.takes_time else self.decision or offer

    async def _confirm(self, request: web.Request) -> web.Response:
        order = self._said(self.reader.confirmation)
        if isinstance(order, web.Response):
            return order
        return self._done(request, self.book.confirm(named(request), order, now=self.now, dialect=NATIVE))

    async def _cancel(self, request: web.Request) -> web.Response:
        return self._done(request, self.book.cancel(named(request), now=self.now, dialect=NATIVE))

    async def _show(self, request: web.Request) -> web.Response:
        answer = self.book.read(named(request), dialect=NATIVE)
        return self._tagged(request, answer.body) if answer.code is None else self._told(request, answer)

    def _said[SaidT](self, read: Callable[[object], SaidT]) -> SaidT | web.Response:
        try:
            return read(json.loads(self.bodies[-1]))
        except RefusedError as error:
            return self._told(self.calls[-1], answers.problem(error.findings, self.writer))

    def _done(self, request: web.Request, result: Result) -> web.Response:
        self.book = result.book
        return self._told(request, result.answer)

    def _told(self, request: web.Request, answer: answers.Answer) -> web.Response:
        headers = {"Cache-Control": "no-store"}
        if answer.created:
            headers["Location"] = f"{request.path}/{json.loads(self.bodies[-1])['requestID']}"
        if answer.replayed:
            headers["Idempotency-Replayed"] = "true"
        if answer.retry_after:
            headers["Retry-After"] = f"{answer.retry_after.total_seconds():.0f}"
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        kind = "application/json" if answer.code is None else "application/problem+json"
        return web.json_response(answer.body, status=answer.status, headers=headers, content_type=kind)

    def _realised(self, request: web.Request) -> object:
        record = self.book.records[named(request)]
        about = self.writer.members(request_id=record.request.id, state=record.state.value)
        return about | self._measured(record.start, record.end, None)

    def _drawn(self, request: web.Request) -> object:
        start, end = (datetime.fromisoformat(request.query[name]).astimezone(UTC) for name in ("start", "end"))
        word = request.query.get("aggregation")
        return self._measured(start, end, Aggregation(word) if word else None)

    def _measured(self, start: datetime, end: datetime, how: Aggregation | None) -> dict[str, object]:
        """Write a step that was measured, and one of which nothing is known."""
        known = Consumed(power=Decimal(12_000), energy=Decimal(6_000), baseline=Decimal(20_000))
        middle = start + (end - start) / 2
        steps = (Slot(start, middle, known), Slot(middle, end, Consumed(quality=Quality.MISSING)))
        return self.writer.consumption(Consumption(steps=Series(steps), aggregation=how))


def key(name: str) -> Key:
    """Return the key of a request."""
    return Key(issuer="test", client="operator", bacs_id="hall", asset_id="Heating", request_id=name)


def named(request: web.Request) -> Key:
    """Return the key of the request in a path."""
    return key(request.match_info["id"])


@asynccontextmanager
async def strict() -> AsyncIterator[Strict]:
    """Run the BACS."""
    bacs = Strict()
    application = web.Application(middlewares=[bacs.guard])
    application.add_routes(bacs.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bacs.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}"
    try:
        yield bacs
    finally:
        await runner.cleanup()


@dataclass
class Desk:
    """The operator at its session."""

    world: Served
    session: str

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> Answer:
        """Call the BACS through the emulator; what comes back must be valid."""
        own: dict[str, Any] = {} if body is None else {"json": body}
        sent = {"EMULATOR_Authorization": TOKEN, **headers}
        answer = await self.world.call(method, self.session + path, self.world.user, headers=sent, **own)
        assert verdict(answer) == [], answer.data
        return answer


@asynccontextmanager
async def operating() -> AsyncIterator[tuple[Strict, Desk]]:
    """Run the BACS, and an emulator that is its operator."""
    async with strict() as bacs, served() as world:
        yield bacs, Desk(world, await world.annex_1("OPERATOR", bacs.url))


def asked(bacs: Strict, name: str | None = "r1", kilowatts: int = 20, after: int = 60) -> dict[str, object]:
    """Compose a request so many minutes from now, or without a name its confirmation."""
    start = bacs.now + after * MINUTE
    power = Series((Slot(start, start + 30 * MINUTE, Decimal(kilowatts * 1000)),))
    written = bacs.writer.request(Request(id=name or "-", flex_product="WID", power=power))
    if name is None:
        del written["requestID"], written["direction"]
        written["ackPrice"] = {"unit": "€/MWh", "multiplier": "none", "value": 85}
    return written


async def test_a_request_from_end_to_end() -> None:
    """Everything that an operator reads and writes: as the BACS said it, to the byte, and found valid."""
    async with operating() as (bacs, desk):
        for path in ("/status", "/bacs", "/bacs/hall/assets", f"{HALL}/flexibilities"):
            assert (await desk.call("GET", path)).status == 200
        offer = await desk.call("POST", REQUEST, asked(bacs), {"Idempotency-Key": "k1"})
        assert (offer.status, offer.json["state"], offer.json["direction"]) == (201, "offered", "decrease")
        assert offer.headers["Location"] == f"{PREFIX}{REQUEST}/r1"
        assert offer.headers["Cache-Control"] == "no-store"
        assert json.loads(bacs.bodies[-1]) == asked(bacs)
        assert bacs.calls[-1].headers["Idempotency-Key"] == "k1"
        assert (await desk.call("POST", REQUEST, asked(bacs))).headers["Idempotency-Replayed"] == "true"
        order = await desk.call("POST", f"{REQUEST}/r1/confirm", asked(bacs, None))
        assert (order.status, order.json["state"]) == (200, "scheduled")
        shown = await desk.call("GET", f"{REQUEST}/r1")
        assert (shown.json["state"], shown.json["revision"]) == ("scheduled", order.json["revision"])
        realised = await desk.call("GET", f"{REQUEST}/r1/consumptions")
        assert [step["quality"] for step in realised.json["consumptions"]] == ["measured", "missing"]
        query = "?start=2026-01-15T09:00:00%2B01:00&end=2026-01-15T10:00:00%2B01:00&step=PT30M&aggregation=mean"
        added = await desk.call("GET", f"{HALL}/consumptions{query}")
        assert added.json["aggregation"] == "mean"
        assert bacs.calls[-1].raw_path.partition("?")[2] == query[1:]
        gone = await desk.call("DELETE", f"{REQUEST}/r1")
        assert (gone.status, gone.data, "Content-Type" in gone.headers) == (204, b"", False)


async def test_only_what_is_new() -> None:
    """An entity tag goes there and back, on our own header or with the prefix; nothing new is a valid answer to it."""
    async with operating() as (bacs, desk):
        await desk.call("POST", REQUEST, asked(bacs))
        first = await desk.call("GET", f"{REQUEST}/r1")
        tag = first.headers["ETag"]
        for name in ("If-None-Match", "EMULATOR_If-None-Match"):
            again = await desk.call("GET", f"{REQUEST}/r1", headers={name: tag})
            assert (again.status, again.data, again.headers["ETag"]) == (304, b"", tag)
        await desk.call("POST", f"{REQUEST}/r1/confirm", asked(bacs, None))
        changed = await desk.call("GET", f"{REQUEST}/r1", headers={"If-None-Match": tag})
        assert (changed.status, changed.json["state"]) == (200, "scheduled")
        assert changed.headers["ETag"] != tag


async def test_what_a_bacs_declines_puts_off_and_refuses() -> None:
    """A business no is 201, one that takes time 202; errors are handed on with their pointers and their challenge."""
    async with operating() as (bacs, desk):
        bacs.decision = Decline(cause=Cause.UNAVAILABLE, detail="Too cold today.")
        no = await desk.call("POST", REQUEST, asked(bacs))
        assert (no.status, no.json["state"], no.json["reason"]) == (201, "rejected", "Too cold today.")
        bacs.takes_time = True
        later = await desk.call("POST", REQUEST, asked(bacs, "r2"))
        assert (later.status, later.json["state"]) == (202, "received")
        assert int(later.headers["Retry-After"]) > 0
        naive = json.loads(json.dumps(asked(bacs, "r3")).replace("+01:00", ""))
        refused = await desk.call("POST", REQUEST, naive)
        assert refused.status == 422
        assert refused.kind == "application/problem+json"
        assert [error["pointer"] for error in refused.json["errors"]] == ["/power/0/start", "/power/0/end"]
        early = await desk.call("POST", REQUEST, asked(bacs, "r4", after=5))
        assert (early.status, early.json["code"]) == (422, "dmo-violated")
        assert (await desk.call("GET", f"{REQUEST}/none")).status == 404
        out = await desk.call("GET", "/bacs", headers={"EMULATOR_Authorization": "Bearer another"})
        assert (out.status, out.headers["WWW-Authenticate"]) == (401, "Bearer")
