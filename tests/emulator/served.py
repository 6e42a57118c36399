"""The emulated servers as their callers see them: a real server on 127.0.0.1, and a client that knows its tokens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, FormData, encode_basic_auth
from pypdf import PdfReader

from emulator.serve.app import serving
from emulator.serve.clock import Clock
from emulator.serve.config import ServeConfig

POINT = "14000000000042"
DAY = {"start_date": "2026-01-15T00:00:00+01:00", "end_date": "2026-01-16T00:00:00+01:00"}
ASKED = {"delivery_point": POINT, **DAY}
PRICES = "suppliers/commodity/prices"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def kind(self) -> str:
        """The media type."""
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def json(self) -> Any:  # noqa: ANN401  # JSON
        """The body, read."""
        return json.loads(self.data)

    def problem(self, status: int, code: str) -> list[tuple[str, str]]:
        """Check that it is a problem (RFC 9457) with a code; return pointer and code of its errors."""
        body = self.json
        assert (self.status, body.get("code")) == (status, code), self.data
        assert self.kind == "application/problem+json"
        assert body["status"] == status
        assert body["type"].endswith(code)
        assert body["instance"].startswith("urn:uuid:")
        assert body["title"]
        assert body["detail"]
        return [(error["pointer"], error["code"]) for error in body.get("errors", [])]


@dataclass(slots=True)
class Served:
    """A server that runs, and who calls it."""

    base: str
    http: ClientSession
    clock: Clock
    user: str = ""
    admin: str = ""

    async def call(self, method: str, path: str, token: str | None = None, **options: Any) -> Answer:  # noqa: ANN401
        """Call a path, with a bearer token or without."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self.http.request(
            method, f"{self.base}{path}", headers=headers, allow_redirects=False, **options
        ) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    async def get(self, path: str, token: str | None = None, **options: Any) -> Answer:  # noqa: ANN401
        """Call a path with GET."""
        return await self.call("GET", path, token, **options)

    async def post(self, path: str, token: str | None = None, **options: Any) -> Answer:  # noqa: ANN401
        """Call a path with POST."""
        return await self.call("POST", path, token, **options)

    async def login(self, who: str) -> str:
        """Return a token of the emulator's own identity provider."""
        basic = {"Authorization": encode_basic_auth(who, f"{who}-secret")}
        answer = await self.post("/oidc/token", data={"grant_type": "client_credentials"}, headers=basic)
        token: str = answer.json["access_token"]
        return token

    async def session(self, module: str = "SUPPLIER", url: str | None = None, token: str | None = None) -> str:
        """Open a session; return the path of it."""
        query = {"emulator_module": module} | ({"url": url} if url else {})
        answer = await self.post("/sessions", token or self.user, params=query)
        assert answer.status == 201, answer.data
        return f"/sessions/{answer.json['id']}"

    async def annex_1(self, module: str = "BACS", url: str | None = None, dialect: str | None = None) -> str:
        """Open a session of Annex 1; return where its paths begin."""
        query = {"emulator_module": module} | ({"url": url} if url else {}) | ({"dialect": dialect} if dialect else {})
        answer = await self.post("/sessions", self.user, params=query)
        assert answer.status == 201, answer.data
        path: str = answer.json["base_url"].removeprefix(self.base)
        return path

    async def prices(self, path: str = "", token: str | None = None, **asked: str) -> Answer:
        """Ask for prices, of a session or without."""
        return await self.get(f"{path}/{PRICES}", token or self.user, params=ASKED | asked)

    async def put(self, signal: bytes, token: str | None = None, **query: str) -> Answer:
        """Send the file of a signal, as an administrator."""
        form = FormData()
        form.add_field("signal_file", signal, filename="signal.json", content_type="application/json")
        return await self.post("/admin/signals", token or self.admin, data=form, params=query)

    async def check(self, path: str, **headers: str) -> Answer:
        """Have the supplier of a session checked."""
        return await self.post(f"{path}/cems/commodity/prices", self.user, json=ASKED, headers=headers)

    async def rte(self, client: str = "emulated-client", secret: str = "emulated-secret") -> str:
        """Return a token of RTE."""
        basic = {"Authorization": encode_basic_auth(client, secret)}
        token: str = (await self.post("/token/oauth/", headers=basic)).json["access_token"]
        return token

    async def signals(self, token: str, path: str = "signals") -> Answer:
        """Ask for Ecowatt."""
        return await self.get(f"/open_api/ecowatt/v5/{path}", token, headers={"Accept": "application/json"})

    async def fault(self, path: str, kind: str, **options: object) -> None:
        """Order a fault."""
        body = {"path": path, "kind": kind} | options
        answer = await self.post("/control/faults", json=body)
        assert answer.status == 200, answer.data


@asynccontextmanager
async def served(
    *,
    database: Path | None = None,
    start: datetime | None = None,
    **options: Any,  # noqa: ANN401
) -> AsyncIterator[Served]:
    """Serve while the context lasts."""
    clock = Clock(start)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)  # the harness wants each statement told
    config = ServeConfig(port=0, database=database, **options)
    async with serving(config, clock) as base, ClientSession(cookie_jar=DummyCookieJar()) as http:
        world = Served(base, http, clock)
        if config.issuer is None:
            world.user = await world.login("emulator-user")
            world.admin = await world.login("emulator-admin")
        yield world


def text(pdf: bytes) -> str:
    """Read a PDF, without the breaks of its lines."""
    return "".join("".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def signal(steps: int = 4, start: str = "2026-01-15T00:00:00", offset: str = "+01:00") -> bytes:
    """Compose a signal of quarter-hours as a supplier may write it, blanks and all."""
    minutes = [15 * i for i in range(steps)]
    day = start.partition("T")[0]
    body = {
        "step": [i + 1 for i in range(steps)],
        "horodate": [f"{day}T{at // 60:02}:{at % 60:02}:00{offset}" for at in minutes],
        "power": [{"value": 9 + i / 2, "unit": "W", "multiplier": "k"} for i in range(steps)],
        "cost": [{"value": round(0.15 + i / 100, 2), "unit": "€/kWh", "multiplier": ""} for i in range(steps)],
        "co2": [{"value": 21.5, "unit": "gCO2eq/kWh", "multiplier": ""} for _ in range(steps)],
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()
