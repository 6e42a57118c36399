"""The keys that an OpenID Connect provider signs its tokens with, as it publishes them."""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
import json

from aiohttp import ClientError, ClientSession, ClientTimeout
from jwt import PyJWK, PyJWTError
from yarl import URL

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""What may sign a token: asymmetric algorithms, each with its kind of key and its curve (RFC 8725, 3.1)."""

_FRESH_S = 600
_STALE_S = 3600
_COOL_DOWN_S = 30
_RETRY_S = 2
_FIRST_S = 10
_AGAIN_S = 2
_LIMIT = 262_144
_OK = 200
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_UNREADABLE = (ClientError, TimeoutError, OSError, ValueError, TypeError, RecursionError)

type _Published = tuple[Mapping[str, object], ...]


class TokenError(Exception):
    """A token that is not accepted; the reason never holds any of it."""


class Flaw(StrEnum):
    """Why the keys of an issuer cannot be had."""

    NOT_HTTPS = "not_https"
    UNREACHABLE = "unreachable"
    NO_PROVIDER = "no_provider"
    """Something answers, and not as OpenID Connect has it."""
    OTHER_NAME = "other_name"


class KeysUnavailableError(Exception):
    """The keys of the issuer cannot be had: no token of it can be judged."""

    def __init__(self, flaw: Flaw, reason: str) -> None:
        super().__init__(reason)
        self.flaw = flaw


class _FlawError(ValueError):
    """An issuer that is not asked, or whose answer is not taken."""

    def __init__(self, flaw: Flaw, reason: str) -> None:
        super().__init__(reason)
        self.flaw = flaw


class Keys:
    """The keys of one issuer: kept for ten minutes, for an hour if it is down.

    An unknown key id looks once in half a minute: made-up ids must not turn us against the issuer. While there are
    keys, nobody waits longer for newer ones than two seconds.
    """

    def __init__(self, session: ClientSession, issuer: str, monotonic: Callable[[], float]) -> None:
        self._session = session
        self._issuer = issuer
        self._monotonic = monotonic
        self._published: _Published | None = None
        self._made: dict[tuple[str | None, str], PyJWK] = {}
        self._got_at = self._asked_at = float("-inf")
        self._failure: tuple[Flaw, str] = Flaw.UNREACHABLE, ""
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None, algorithm: str) -> PyJWK:
        """Return the key that a token names, for the algorithm it names; raise TokenError or KeysUnavailableError."""
        if not self._knows(kid):  # whoever has a known key waits for nobody's unknown one
            async with self._lock:
                now = self._monotonic()
                pause = _RETRY_S if self._published is None else _COOL_DOWN_S
                if not self._knows(kid) and now - self._asked_at > pause:
                    await self._renew(now)
                if self._published is None or now - self._got_at > _STALE_S:
                    raise self._unavailable()
        made = self._made.get((kid, algorithm))
        if made is None:
            made = self._made[kid, algorithm] = self._make(kid, algorithm)
        return made

    async def usable(self) -> bool:
        """Look the keys up; tell whether one of them can sign a token. Raises KeysUnavailableError."""
        async with self._lock:
            await self._renew(self._monotonic())
        if self._published is None:
            raise self._unavailable()
        return any(_fits(one, algorithm) for one in self._published for algorithm in ALGORITHMS)

    async def _renew(self, now: float) -> None:
        try:
            async with asyncio.timeout(_FIRST_S if self._published is None else _AGAIN_S):
                self._published = await self._load()
            self._made.clear()
            self._got_at = now
        except _UNREADABLE as error:
            self._failure = _flaw(error), str(error) or type(error).__name__
        self._asked_at = self._monotonic()

    def _unavailable(self) -> KeysUnavailableError:
        flaw, reason = self._failure
        return KeysUnavailableError(flaw, f"the keys of {self._issuer} cannot be had: {reason}")

    def _knows(self, kid: str | None) -> bool:
        """Tell whether keys are at hand that are new enough, and among them the one with an id."""
        if self._published is None or self._monotonic() - self._got_at > _FRESH_S:
            return False
        return kid is None or any(one.get("kid") == kid for one in self._published)

    def _make(self, kid: str | None, algorithm: str) -> PyJWK:
        named = [one for one in self._published or () if kid is None or one.get("kid") == kid]
        fit = [one for one in named if _fits(one, algorithm)]
        if not named or (kid is None and len(named) > 1):
            raise TokenError("signed with a key that the issuer does not have")
        if not fit:
            raise TokenError("signed by an algorithm that its key is not for")
        try:
            return PyJWK(dict(fit[0]), algorithm)
        except (PyJWTError, ValueError, TypeError, KeyError) as error:
            raise TokenError("signed with a key that cannot be read") from error

    async def _load(self) -> _Published:
        """Look the keys up (OpenID Connect Discovery 1.0, 4; RFC 7517, 5); those that sign nothing are left out."""
        found = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise _FlawError(Flaw.OTHER_NAME, "it names itself otherwise")
        address = found.get("jwks_uri")
        if not isinstance(address, str):
            raise TypeError("it names no keys")
        listed = (await self._json(address)).get("keys")
        if not isinstance(listed, list):
            raise TypeError("its keys are no list")
        return tuple(one for one in listed if isinstance(one, dict) and one.get("use", "sig") == "sig")

    async def _json(self, address: str) -> Mapping[str, object]:
        url = URL(address)
        if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
            raise _FlawError(Flaw.NOT_HTTPS, "not https")
        async with self._session.get(url, allow_redirects=False, timeout=ClientTimeout(total=_FIRST_S)) as answer:
            if answer.status != _OK:
                raise ValueError(f"HTTP {answer.status}")
            data = bytearray()
            async for chunk in answer.content.iter_any():
                data += chunk
                if len(data) > _LIMIT:
                    raise ValueError("its answer is too long")
        found = json.loads(data)
        if not isinstance(found, dict):
            raise TypeError("its answer is no object")
        return found


def _fits(key: Mapping[str, object], algorithm: str) -> bool:
    """Tell whether a key is for an algorithm."""
    kind, curve = ALGORITHMS[algorithm]
    is_kind = key.get("kty") == kind and (curve is None or key.get("crv") == curve)
    return is_kind and key.get("alg", algorithm) == algorithm


def _flaw(error: Exception) -> Flaw:
    match error:
        case _FlawError():
            return error.flaw
        case ClientError() | OSError():
            return Flaw.UNREACHABLE
        case _:
            return Flaw.NO_PROVIDER
