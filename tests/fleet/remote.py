"""A BACS far away: a real server on 127.0.0.1 over the product's own book of requests, which can be made to fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
import json
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from custom_components.flex_ready.flexibility.answer import Answer
from custom_components.flex_ready.flexibility.book import Book, Decline
from custom_components.flex_ready.flexibility.dialects import NATIVE, Dialect
from custom_components.flex_ready.flexibility.judge import Site
from custom_components.flex_ready.flexibility.model import (
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
from custom_components.flex_ready.flexibility.record import Key, State
from custom_components.flex_ready.flexibility.wire import Reader, Writer
from custom_components.flex_ready.slots import Series, Slot

PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)
TOKEN = "the-token"
BACS = "b1"
ASSET = "Heating"

type Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def potential(**others: Any) -> Potential:  # noqa: ANN401
    """Make a potential of 50 kW, ten minutes after the order."""
    return Potential(**{"flex_product": "WID", "power": Decimal(50_000), "mobilization_delay": 10 * MINUTE, **others})


def status(code: int, body: object = None, *, problem: bool = False, **headers: str) -> Fault:
    """Answer with a status: as a problem, as JSON, or as the page of a gateway."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        if body is None:
            return web.Response(
                status=code, text="<html>gateway</html>", content_type="text/html", headers=_names(headers)
            )
        kind = "application/problem+json" if problem else "application/json"
        return web.Response(status=code, text=json.dumps(body), content_type=kind, headers=_names(headers))

    return answer


def problem(code: int, name: str, **headers: str) -> Fault:
    """Answer with a problem."""
    return status(code, {"code": name, "title": name, "detail": f"so it is: {name}"}, problem=True, **headers)


def text(body: str) -> Fault:
    """Answer with 200 and a text."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type="application/json")

    return answer


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Hang up without an answer."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Remote:
    """The server. `faults` are what the next calls are answered with; `after` answers once the call was taken."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    dialect: Dialect = NATIVE
    prefix: str = ""
    price: Decimal | None = Decimal("0.085")
    verdict: Decline | None = None
    judges: bool = True
    """Whether a request is judged at once."""
    assets: tuple[Asset, ...] = (Asset(id=ASSET, bacs_id=BACS, potentials=(potential(),)),)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    faults: list[Fault] = field(default_factory=list)
    after: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    delay_s: float = 0
    book: Book = field(init=False)
    port: int = 0
    crowd: Crowd | None = None
    _runner: web.AppRunner | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        assets = {asset.id: asset for asset in self.assets}
        self.book = Book(Site(bacs_id=BACS, assets=assets, zone=PARIS))

    @property
    def url(self) -> str:
        """Where the paths of the API begin."""
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    @property
    def zone(self) -> tzinfo:
        """That of the site."""
        return PARIS

    def called(self, method: str, end: str = "") -> int:
        """Count the calls of a method whose path ends so."""
        return sum(one == method and path.endswith(end) for one, path in self.calls)

    def state(self, request_id: str) -> State:
        """Return where a request is by the book."""
        self.book, _ = self.book.tick(self.clock())
        return self.book.records[self._key(ASSET, request_id)].state

    async def start(self) -> None:
        """Listen, at the same port as before."""
        self._ended.clear()
        app = web.Application(middlewares=[self._guard])
        asset = f"{self.prefix}/bacs/{{bacs_id}}/assets/{{asset_id}}"
        request = f"{asset}/flexibilities/request"
        app.add_routes(
            [
                web.get(f"{self.prefix}/bacs", self._bacs),
                web.get(f"{self.prefix}/bacs/{{bacs_id}}/assets", self._assets),
                web.post(request, self._create),
                web.get(f"{request}/{{request_id}}", self._read),
                web.delete(f"{request}/{{request_id}}", self._cancel),
                web.post(f"{request}/{{request_id}}/confirm", self._confirm),
                web.get(f"{request}/{{request_id}}/consumptions", self._realise),
                web.get(f"{asset}/consumptions", self._consumptions),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def silent(self, _request: web.Request) -> web.StreamResponse:
        """Not answer, until the server stops."""
        await self._ended.wait()
        return web.Response()

    async def stop(self) -> None:
        """Be off the network."""
        self._ended.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.calls.append((request.method, request.path))
        crowd = self.crowd
        if crowd is not None:
            crowd.enter()
        try:
            await asyncio.sleep(self.delay_s)
            return await self._answer(request, handler)
        finally:
            if crowd is not None:
                crowd.leave()

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.always is not None:
            return await self.always(request)
        if self.faults:
            return await self.faults.pop(0)(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return await problem(401, "invalid-token")(request)
        if request.can_read_body:
            self.bodies.append(await request.json())
        self.book, _ = self.book.tick(self.clock())
        answer = await handler(request)
        return await self.after.pop(0)(request) if self.after else answer

    async def _bacs(self, _request: web.Request) -> web.Response:
        return web.json_response([self._writer.bacs(Bacs(id=BACS, name="Town hall"))])

    async def _assets(self, _request: web.Request) -> web.Response:
        return web.json_response([self._writer.asset(asset) for asset in self.assets])

    async def _create(self, request: web.Request) -> web.Response:
        try:
            asked = Reader(self.dialect, PARIS).request(self.bodies[-1])
        except RefusedError as error:
            return web.json_response({"code": "malformed", "detail": str(error)}, status=400)
        key = self._key(request.match_info["asset_id"], asked.id)
        now = self.clock()
        result = self.book.create(key, asked, now=now, dialect=self.dialect, decide=lambda one: self._decide(one, now))
        self.book = result.book
        return self._said(result.answer)

    def _decide(self, asked: Request, now: datetime) -> Offer | Decline | None:
        return (self.verdict or self.offer(asked, now)) if self.judges else None

    def offer(self, asked: Request, now: datetime) -> Offer:
        """Offer four fifths of what is asked for, for a quarter of an hour."""
        power = Series(tuple(Slot(one.start, one.end, one.value * 4 / 5) for one in asked.power))
        delay = self.assets[0].potentials[0].mobilization_delay
        return Offer(power=power, expires_at=now + 15 * MINUTE, mobilization_delay=delay, price=self.price)

    async def _confirm(self, request: web.Request) -> web.Response:
        order = Reader(self.dialect, PARIS).confirmation(self.bodies[-1])
        result = self.book.confirm(self._of(request), order, now=self.clock(), dialect=self.dialect)
        self.book = result.book
        return self._said(result.answer)

    async def _read(self, request: web.Request) -> web.Response:
        return self._said(self.book.read(self._of(request), dialect=self.dialect))

    async def _cancel(self, request: web.Request) -> web.Response:
        result = self.book.cancel(self._of(request), now=self.clock(), dialect=self.dialect)
        self.book = result.book
        return self._said(result.answer)

    async def _realise(self, request: web.Request) -> web.Response:
        record = self.book.records[self._of(request)]
        return web.json_response(self._writer.consumption(self._drawn([record.start, record.end])))

    async def _consumptions(self, request: web.Request) -> web.Response:
        edges = [datetime.fromisoformat(request.query[name]).astimezone(UTC) for name in ("start", "end")]
        return web.json_response(self._writer.consumption(self._drawn(edges)))

    def _drawn(self, edges: Sequence[datetime]) -> Consumption:
        start, end = edges
        consumed = Consumed(
            power=Decimal(12_000), energy=Decimal(6_000), baseline=Decimal(20_000), quality=Quality.MEASURED
        )
        return Consumption(steps=Series((Slot(start, end, consumed),)))

    def _said(self, answer: Answer) -> web.Response:
        headers = {"Retry-After": str(int(answer.retry_after.total_seconds()))} if answer.retry_after else {}
        kind = "application/json" if answer.code is None else "application/problem+json"
        body = None if answer.body is None else json.dumps(answer.body)
        return web.Response(status=answer.status, text=body, content_type=kind, headers=headers)

    @property
    def _writer(self) -> Writer:
        return Writer(self.dialect, PARIS)

    def _of(self, request: web.Request) -> Key:
        return self._key(request.match_info["asset_id"], request.match_info["request_id"])

    @staticmethod
    def _key(asset_id: str, request_id: str) -> Key:
        return Key(issuer="test", client="fleet", bacs_id=BACS, asset_id=asset_id, request_id=request_id)


@dataclass
class Crowd:
    """Counts how many calls to all of some servers are under way at once."""

    now: int = 0
    most: int = 0

    def enter(self) -> None:
        """Count a call that begins."""
        self.now += 1
        self.most = max(self.most, self.now)

    def leave(self) -> None:
        """Count a call that ends."""
        self.now -= 1
