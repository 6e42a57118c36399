"""Every path but a few asks for a bearer token; GET /auth/login says where to get one."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from ..identity.issuer import Issuer
from ..identity.verifier import UNREADABLE, Caller, KeysUnavailableError, RemoteKeys, TokenError, Verifier
from .problem import Handler, ProblemError

_OPEN = ("/auth/", "/oidc/", "/openapi", "/token/", "/open_api/", "/control/", "/health")
"""RTE's paths have tokens of their own; those of control are for whoever runs the emulator."""
_CALLER = web.RequestKey("caller", Caller)
_GUEST = web.RequestKey("guest", bool)
_CALLBACK = "/auth/callback"


def caller(request: web.Request) -> Caller:
    """Return who calls."""
    return request[_CALLER]


def require_role(request: web.Request, role: str) -> None:
    """Refuse a caller without a role."""
    if role not in caller(request).roles:
        raise ProblemError(
            403,
            "insufficient-scope",
            f"this needs the role {role}",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{role}"'},
        )


type Guests = Callable[[web.Request], Awaitable[str | None]]
"""Tells in whose name a call without a token may be made."""


def is_guest(request: web.Request) -> bool:
    """Tell whether a call was let in without a token."""
    return _GUEST in request


def authenticate(verifier: Verifier, guests: Guests) -> Middleware:
    """Make the middleware that lets known callers in, and without a token those who need none."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_OPEN):
            return await handler(request)
        if "Authorization" not in request.headers and (subject := await guests(request)) is not None:
            request[_CALLER] = Caller(subject, frozenset(), {})
            request[_GUEST] = True
            return await handler(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise ProblemError(401, "invalid-token", "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        try:
            request[_CALLER] = await verifier.verify(token.strip())
        except TokenError as error:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise ProblemError(401, "invalid-token", f"the token is refused: {error}", headers=challenge) from error
        except KeysUnavailableError as error:
            raise ProblemError(503, "unavailable", str(error), headers={"Retry-After": "30"}) from error
        return await handler(request)

    return middleware


class Login:
    """The way to a token for a person."""

    def __init__(self, own: Issuer | None, remote: RemoteKeys | None) -> None:
        self._own = own
        self._remote = remote

    def routes(self) -> list[web.RouteDef]:
        """Return what it serves."""
        return [web.get("/auth/login", self.login), web.get(_CALLBACK, self.callback)]

    async def login(self, _request: web.Request) -> web.Response:
        """Answer a link to the identity provider."""
        description: Mapping[str, object]
        if self._own is not None:
            description = self._own.description()
            back = f"{self._own.base}{_CALLBACK}"
            link = f"{description['authorization_endpoint']}?response_type=code&redirect_uri={back}&state=login"
        else:
            assert self._remote is not None
            try:
                description = await self._remote.discover()
            except UNREADABLE as error:
                raise ProblemError(502, "upstream-invalid", f"the identity provider: {error}") from error
            link = str(description.get("authorization_endpoint") or description["issuer"])
        return web.json_response({"login_url": link, "issuer": description["issuer"]})

    async def callback(self, request: web.Request) -> web.Response:
        """Take the code that comes back from our own identity provider; answer with tokens."""
        if self._own is None:
            raise ProblemError(404, "not-found", "the code belongs to the client of the other identity provider")
        tokens = self._own.exchange(request.query.get("code", ""), f"{self._own.base}{_CALLBACK}")
        return web.json_response(tokens, headers={"Cache-Control": "no-store"})
