"""RTE's gateway: OAuth 2 tokens and Ecowatt. Its errors are shaped as RTE shapes them, not as problems."""

from collections import Counter
from datetime import datetime, timedelta
import math
from secrets import compare_digest, token_urlsafe

from aiohttp import BasicAuth, web

from ..serve.body import read_json
from ..serve.clock import Clock
from ..serve.config import UNSUBSCRIBED, ServeConfig
from ..serve.problem import ProblemError
from .sandbox import SANDBOX
from .scenario import Scenario, ScenarioError, load_scenario, names, parse_scenario

_LIFE_S = 7200
_MOST_TOKENS = 1000
_QUARTER = timedelta(minutes=15)


def routes(config: ServeConfig, clock: Clock) -> list[web.RouteDef]:
    """Return what RTE serves, and the control of it. Raises ScenarioError."""
    gateway = _Gateway(config, clock, load_scenario(config.scenario))
    return [
        *(web.route(method, path, gateway.token) for method in ("GET", "POST") for path in _TOKEN_PATHS),
        web.get("/open_api/ecowatt/v5/signals", gateway.signals),
        web.get("/open_api/ecowatt/v5/sandbox/signals", gateway.sandbox),
        web.get("/open_api/ecowatt/v4/signals", gateway.former),
        web.get("/control/rte", gateway.calls),
        web.get("/control/scenario", gateway.scenario),
        web.post("/control/scenario", gateway.change),
    ]


_TOKEN_PATHS = ("/token/oauth/", "/token/oauth")


class _Refused(Exception):  # noqa: N818  # it carries an answer
    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class _Gateway:
    def __init__(self, config: ServeConfig, clock: Clock, scenario: Scenario) -> None:
        self._clients = dict((*config.rte_clients, UNSUBSCRIBED))
        self._clock = clock
        self._scenario = scenario
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._last: dict[str, datetime] = {}
        self._counts: Counter[tuple[str, str, bool]] = Counter()

    async def token(self, request: web.Request) -> web.Response:
        try:
            basic = BasicAuth.decode(request.headers.get("Authorization", ""), encoding="utf-8")
        except ValueError:
            return _oauth_error("invalid_client")
        secret = self._clients.get(basic.login)
        if secret is None or not compare_digest(secret.encode(), basic.password.encode()):
            return _oauth_error("invalid_client")
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        token = token_urlsafe(32)
        self._tokens[token] = basic.login, self._clock.now() + timedelta(seconds=_LIFE_S)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": _LIFE_S - 1})

    async def signals(self, request: web.Request) -> web.Response:
        try:
            client = self._subscribed(request)
            self._count(client)
        except _Refused as refused:
            return refused.response
        return _answer(request, {"signals": self._scenario.signals(self._clock.now())})

    async def sandbox(self, request: web.Request) -> web.Response:
        try:
            self._subscribed(request)
        except _Refused as refused:
            return refused.response
        return _answer(request, SANDBOX)

    async def former(self, request: web.Request) -> web.Response:
        try:
            self._caller(request)
        except _Refused as refused:
            return refused.response
        return _error(403, "ECOWATT_COMMON_T02", "Forbidden")

    async def calls(self, _request: web.Request) -> web.Response:
        rows: dict[tuple[str, str], dict[str, object]] = {}
        for (client, quarter, accepted), count in sorted(self._counts.items()):
            row = rows.setdefault(
                (client, quarter), {"client": client, "quarter": quarter, "accepted": 0, "refused": 0}
            )
            row["accepted" if accepted else "refused"] = count
        return web.json_response({"calls": list(rows.values())})

    async def scenario(self, _request: web.Request) -> web.Response:
        return web.json_response({"name": self._scenario.name, "about": self._scenario.about, "names": names()})

    async def change(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        try:
            self._scenario = _wanted(body)
        except ScenarioError as error:
            raise ProblemError(422, "no-scenario", str(error)) from error
        return await self.scenario(request)

    def _caller(self, request: web.Request) -> str:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        client, until = self._tokens.get(token.strip(), ("", self._clock.now()))
        if kind.lower() != "bearer" or until <= self._clock.now():
            raise _Refused(_error(401, "ECOWATT_COMMON_T01", "Unauthorized"))
        return client

    def _subscribed(self, request: web.Request) -> str:
        client = self._caller(request)
        if client == UNSUBSCRIBED[0]:
            raise _Refused(_error(403, "ECOWATT_COMMON_T02", "Forbidden"))
        return client

    def _count(self, client: str) -> None:
        """Let one call through in each quarter of the clock."""
        now = self._clock.now()
        quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
        free = self._last.get(client) != quarter
        self._counts[client, quarter.isoformat(), free] += 1
        if not free:
            wait = math.ceil((quarter + _QUARTER - now).total_seconds())
            raise _Refused(_error(429, "ECOWATT_COMMON_T06", "Too Many Requests", {"Retry-After": str(wait)}))
        self._last[client] = quarter


def _wanted(body: object) -> Scenario:
    match body:
        case {"name": str(name), **others} if name in names() and not others:
            return load_scenario(name)
        case {"scenario": dict(data), **others} if not others:
            return parse_scenario("given", data)
        case _:
            raise ScenarioError(f'{{"name": …}} of {", ".join(names())}, or {{"scenario": {{…}}}}')


def _answer(request: web.Request, body: dict[str, object]) -> web.Response:
    """Answer JSON to who asks for it; RTE's gateway answers XML otherwise."""
    if "json" in request.headers.get("Accept", ""):
        return web.json_response(body)
    return web.Response(text="<signals/>", content_type="application/xml")


def _error(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(
        {
            "error": code,
            "error_description": description,
            "error_uri": "",
            "error_details": {"transaction_id": f"Id-{token_urlsafe(12)}"},
        },
        status=status,
        headers=headers,
    )


def _oauth_error(error: str) -> web.Response:
    return web.json_response(
        {"error": error}, status=401, headers={"WWW-Authenticate": 'Basic realm="token"', "Cache-Control": "no-store"}
    )
