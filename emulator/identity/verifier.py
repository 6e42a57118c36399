"""Verification of bearer tokens: JWTs of one issuer (RFC 7519, RFC 8725, RFC 9068)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
import json
import time
from typing import Protocol, override

from aiohttp import ClientError, ClientSession, ClientTimeout
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import extract_compact
from yarl import URL

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_LEEWAY_S = 30
_FRESH_S = 600
_STALE_S = 3600
_COOL_DOWN_S = 30
_RETRY_S = 1
_LIMIT = 262_144
_TIMEOUT_S = 10
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_LONGEST_TOKEN = 16_384
_OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash")
_KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


UNREADABLE = (ClientError, TimeoutError, OSError, ValueError, TypeError, RecursionError, JoseError)
"""What may go wrong with what an issuer answers."""


class TokenError(Exception):
    """A token that is not accepted."""


class KeysUnavailableError(Exception):
    """The keys of the issuer cannot be had: no token can be judged."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as his token says."""

    subject: str
    roles: frozenset[str]
    claims: Mapping[str, object]


class Keys(Protocol):
    """Where the keys of an issuer come from."""

    async def having(self, kid: str | None) -> KeySet:
        """Return the keys, looked up anew if `kid` is not among them, as often as is decent."""


class LocalKeys(Keys):
    """The keys of an issuer in this program."""

    def __init__(self, keys: Callable[[], KeySet]) -> None:
        self._keys = keys

    @override
    async def having(self, kid: str | None) -> KeySet:
        return self._keys()


class RemoteKeys(Keys):
    """The keys that an issuer publishes: kept for ten minutes, for an hour if it is down.

    An unknown key id looks once in half a minute: made-up ids must not turn us against the issuer.
    """

    def __init__(self, session: ClientSession, issuer: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._issuer = issuer
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._got_at = self._asked_at = float("-inf")
        self._failure = ""
        self._lock = asyncio.Lock()

    @override
    async def having(self, kid: str | None) -> KeySet:
        if self._keys is not None and self._fits(self._keys, kid):
            return self._keys  # whoever has a known key waits for nobody's unknown one
        async with self._lock:
            now = self._monotonic()
            wanted = self._keys is None or not self._fits(self._keys, kid)
            if wanted and now - self._asked_at > (_RETRY_S if self._keys is None else _COOL_DOWN_S):
                try:
                    self._keys = await self._load()
                    self._got_at = now
                except UNREADABLE as error:
                    self._failure = str(error) or type(error).__name__
                self._asked_at = self._monotonic()
            if self._keys is None or now - self._got_at > _STALE_S:
                raise KeysUnavailableError(f"the keys of {self._issuer} cannot be had: {self._failure}")
            return self._keys

    def _fits(self, keys: KeySet, kid: str | None) -> bool:
        return self._monotonic() - self._got_at <= _FRESH_S and _has(keys, kid)

    async def discover(self) -> Mapping[str, object]:
        """Return the issuer's own description (OpenID Connect Discovery 1.0); raise ValueError if it is another's."""
        found = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise ValueError(f"it names itself {found.get('issuer')!r}")
        return found

    async def _load(self) -> KeySet:
        address = (await self.discover()).get("jwks_uri")
        if not isinstance(address, str):
            raise TypeError("it names no keys")
        found = await self._json(address)
        listed = found.get("keys")
        if not isinstance(listed, list):
            raise TypeError("its keys are no list")
        return KeySet([key for one in listed if (key := _key(one)) is not None])

    async def _json(self, address: str) -> Mapping[str, object]:
        url = URL(address)
        if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
            raise ValueError(f"not https: {address}")
        async with self._session.get(url, allow_redirects=False, timeout=ClientTimeout(total=_TIMEOUT_S)) as answer:
            if answer.status != HTTPStatus.OK:
                raise ValueError(f"{address}: HTTP {answer.status}")
            data = bytearray()
            async for chunk in answer.content.iter_any():
                data += chunk
                if len(data) > _LIMIT:
                    raise ValueError(f"{address}: too long")
        found = json.loads(data)
        if not isinstance(found, dict):
            raise TypeError(f"{address}: no object")
        return found


class Verifier:
    """Accepts the access tokens of one issuer for one audience."""

    def __init__(
        self, issuer: Callable[[], str], audience: str, keys: Keys, *, now: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._now = now

    async def verify(self, token: str) -> Caller:
        """Return who calls; raise TokenError, or KeysUnavailableError where no token can be judged."""
        kid = _kid(token)
        keys = await self._keys.having(kid)
        if not _has(keys, kid):
            raise TokenError("signed with a key that the issuer does not have")
        try:
            found = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            registry = jwt.JWTClaimsRegistry(
                now=lambda: int(self._now()),
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": self._issuer()},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(found.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise TokenError(str(error) or type(error).__name__) from error
        if any(name in found.claims for name in _OF_ID_TOKENS):
            raise TokenError("an ID token says who logged in, not what may be called")
        subject = found.claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise TokenError("the subject is no text")
        return Caller(subject, _roles(found.claims), found.claims)


def _kid(token: str) -> str | None:
    """Return the key id of a token whose header is acceptable; nothing that a header points to is followed."""
    if len(token) > _LONGEST_TOKEN:
        raise TokenError("too long")
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenError("not a signed token") from error
    if header.get("alg") not in ALGORITHMS:
        raise TokenError(f"the algorithm {header.get('alg')!r} is not accepted")
    if "crit" in header:
        raise TokenError("it has critical extensions")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in ("jwt", "at+jwt"):
        raise TokenError(f"the type {kind!r} is not accepted")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise TokenError("the key id is no text")
    return kid


def _key(published: object) -> RSAKey | ECKey | OKPKey | None:
    """Read a published key; None for one that signs nothing, or that we cannot read (RFC 7517, 5)."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    kind = _KINDS.get(str(published.get("kty")))
    try:
        return kind.import_key(published) if kind else None
    except JoseError, ValueError, TypeError, KeyError:
        return None


def _has(keys: KeySet, kid: str | None) -> bool:
    return len(keys.keys) == 1 if kid is None else any(key.kid == kid for key in keys.keys)


def _roles(claims: Mapping[str, object]) -> frozenset[str]:
    """Return the roles and scopes, as the usual providers write them."""
    found: set[str] = set()
    realm = claims.get("realm_access")
    in_realm = realm.get("roles") if isinstance(realm, Mapping) else None
    for value in (claims.get("roles"), claims.get("scope"), claims.get("scp"), in_realm):
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(one for one in value if isinstance(one, str))
    return frozenset(found)
