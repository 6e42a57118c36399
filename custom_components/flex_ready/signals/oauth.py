"""Bearer tokens: one that was given, or one by OAuth 2 client credentials (RFC 6749, 4.4), kept until it expires."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, override
from urllib.parse import quote_plus

from aiohttp import ClientSession
from yarl import URL

from .errors import SignalError, Trouble
from .http import fetch

_EARLY = timedelta(seconds=60)
"""A token is not used in its last minute."""
_LIFE_S = 300
"""Of a token that does not say how long it lives."""
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class Tokens(Protocol):
    """Where a bearer token comes from."""

    async def token(self) -> str:
        """Return one that is valid as far as is known; raise SignalError."""

    def forget(self) -> None:
        """Take the present one for refused."""


class StaticToken(Tokens):
    """A token that the user was given."""

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    async def token(self) -> str:
        if not self._token.isascii() or not self._token.isprintable():
            raise SignalError(Trouble.INVALID_AUTH, "no token has such characters")
        return self._token

    @override
    def forget(self) -> None:
        """There is no other."""


class ClientCredentials(Tokens):
    """Tokens of a client id and secret, from the endpoint at `token_url`."""

    def __init__(
        self,
        session: ClientSession,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        clock: Callable[[], datetime],
        scope: str | None = None,
        audience: str | None = None,
    ) -> None:
        self._session = session
        self._url = token_url
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"  # RFC 6749, 2.3.1
        self._headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        self._clock = clock
        self._form = {"grant_type": "client_credentials"}
        self._form |= {key: value for key, value in (("scope", scope), ("audience", audience)) if value}
        self._token: str | None = None
        self._until: datetime | None = None
        self._lock = asyncio.Lock()

    @override
    async def token(self) -> str:
        async with self._lock:  # whoever comes second takes what the first has got
            if self._token is None or self._until is None or self._clock() >= self._until:
                await self._ask()
            assert self._token is not None
            return self._token

    @override
    def forget(self) -> None:
        self._token = None

    async def _ask(self) -> None:
        try:
            reply = await fetch(self._session, "POST", self._url, data=self._form, headers=self._headers)
        except SignalError as error:
            if error.trouble is Trouble.BAD_REQUEST or (error.trouble is Trouble.NOT_SUBSCRIBED):
                raise SignalError(Trouble.INVALID_AUTH, error.detail, status=error.status) from error
            raise
        body = reply.body
        token = body.get("access_token") if isinstance(body, Mapping) else None
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise SignalError(Trouble.WRONG_SHAPE, "the answer of the token endpoint has no access_token")
        assert isinstance(body, Mapping)
        life = body.get("expires_in")
        seconds = life if isinstance(life, int) and not isinstance(life, bool) and 0 < life < 10**8 else _LIFE_S
        self._token = token
        self._until = self._clock() + timedelta(seconds=seconds) - min(_EARLY, timedelta(seconds=seconds / 2))


async def discover_token_url(session: ClientSession, issuer: str) -> str:
    """Find the token endpoint of an OpenID Connect issuer (Discovery 1.0, section 4); raise SignalError."""
    _check_https(issuer)
    reply = await fetch(session, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    body = reply.body
    found = body.get("issuer") if isinstance(body, Mapping) else None
    url = body.get("token_endpoint") if isinstance(body, Mapping) else None
    if not isinstance(found, str) or found.rstrip("/") != issuer.rstrip("/"):
        raise SignalError(Trouble.WRONG_SHAPE, "the identity provider names itself otherwise")
    if not isinstance(url, str):
        raise SignalError(Trouble.WRONG_SHAPE, "the identity provider names no token endpoint")
    _check_https(url)
    return url


def _check_https(address: str) -> None:
    """Refuse to send secrets in clear over a network."""
    try:
        url = URL(address)
    except ValueError as error:
        raise SignalError(Trouble.UNREACHABLE, "this is not an address") from error
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        raise SignalError(Trouble.UNREACHABLE, "the address of an identity provider begins with https")
