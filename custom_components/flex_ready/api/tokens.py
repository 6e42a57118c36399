"""Verification of the access tokens of OpenID Connect providers (RFC 7519, RFC 8725, RFC 9068)."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import Any

from aiohttp import ClientSession
import jwt

from .keys import ALGORITHMS, Keys, TokenError

_LEEWAY_S = 30
_LONGEST = 8_192
_MOST_VERIFIED = 64
_NEEDED = ["iss", "aud", "exp", "sub"]
_OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash")
_OTHER_USES = frozenset(("ID", "Refresh", "Offline", "Logout", "id"))
"""What the claims `typ` and `token_use` of usual providers say of tokens that nothing may be called with."""
_TYPES = frozenset(("jwt", "at+jwt"))


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who presents a token, as it says."""

    issuer: str
    subject: str
    client: str
    audiences: frozenset[str]


@dataclass(frozen=True, slots=True)
class Glance:
    """What a token says of itself before it is verified: only good for finding the keys."""

    algorithm: str
    header: Mapping[str, Any]
    issuer: object

    @classmethod
    def at(cls, token: str) -> Glance:
        """Look at a token; raise TokenError if it is none."""
        if len(token) > _LONGEST:
            raise TokenError("too long")
        try:
            seen = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenError("not a signed token") from error
        header = seen["header"]
        return cls(str(header.get("alg")), header, seen["payload"].get("iss"))


@dataclass(frozen=True, slots=True)
class _Verified:
    """What came of a token that was verified: good as long as its key is that of its issuer, and until it expires."""

    bearer: Bearer
    kid: str | None
    key: jwt.PyJWK
    until: float


class Issuers:
    """Verifies the tokens of the issuers that operators have; the same one again costs little."""

    def __init__(self, session: Callable[[], ClientSession], monotonic: Callable[[], float]) -> None:
        self._session = session
        self._monotonic = monotonic
        self._keys: dict[str, Keys] = {}
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        """By the digest of the token."""

    async def verify(self, token: str, audiences: Mapping[str, Collection[str]]) -> Bearer:
        """Return who presents a token; `audiences` are what it may be meant for, by issuer.

        Raises TokenError, or KeysUnavailableError where no token of its issuer can be judged.
        """
        digest = sha256(token.encode(errors="surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None and await self._holds(known, audiences):
            return known.bearer
        glance = Glance.at(token)
        issuer = glance.issuer
        if not isinstance(issuer, str) or issuer not in audiences:
            raise TokenError("of an issuer that no operator has")
        self._check(glance)
        for gone in self._keys.keys() - audiences.keys():
            del self._keys[gone]
        if issuer not in self._keys:
            self._keys[issuer] = Keys(self._session(), issuer, self._monotonic)
        kid = glance.header.get("kid")
        key = await self._keys[issuer].key(kid, glance.algorithm)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[glance.algorithm],
                issuer=issuer,
                audience=list(audiences[issuer]),
                leeway=_LEEWAY_S,
                options={"require": _NEEDED, "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenError(_said(error)) from error
        bearer = _bearer(issuer, claims)
        self._verified[digest] = _Verified(bearer, kid, key, float(claims["exp"]))
        if len(self._verified) > _MOST_VERIFIED:
            self._verified.popitem(last=False)
        return bearer

    async def _holds(self, known: _Verified, audiences: Mapping[str, Collection[str]]) -> bool:
        """Tell whether what was verified would be again."""
        issuer = known.bearer.issuer
        if time() >= known.until + _LEEWAY_S or known.bearer.audiences.isdisjoint(audiences.get(issuer, ())):
            return False
        keys = self._keys.get(issuer)
        return keys is not None and await keys.key(known.kid, known.key.algorithm_name) is known.key

    @staticmethod
    def _check(glance: Glance) -> None:
        """Refuse a header that is not an access token's; nothing that it points to is followed."""
        if glance.algorithm not in ALGORITHMS:
            raise TokenError("the algorithm is not accepted")
        if "crit" in glance.header:
            raise TokenError("it has critical extensions")
        kind = glance.header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
            raise TokenError("the type is not accepted")


def _bearer(issuer: str, claims: Mapping[str, Any]) -> Bearer:
    """Read claims that are verified; raise TokenError where they are no access token's."""
    for name in ("exp", "nbf", "iat"):
        if isinstance(claims.get(name), bool | str):
            raise TokenError(f"{name} is no number")
    if any(name in claims for name in _OF_ID_TOKENS) or not _OTHER_USES.isdisjoint(
        str(claims.get(name)) for name in ("typ", "token_use")
    ):
        raise TokenError("another kind of token, with which nothing may be called")
    named = {claims[name] for name in ("azp", "client_id") if isinstance(claims.get(name), str) and claims[name]}
    if len(named) > 1:
        raise TokenError("it names two clients")
    subject, audience = claims["sub"], claims["aud"]
    if not subject:
        raise TokenError("the subject is empty")
    return Bearer(
        issuer=issuer,
        subject=subject,
        client=named.pop() if named else subject,
        audiences=frozenset([audience] if isinstance(audience, str) else audience),
    )


def _said(error: Exception) -> str:
    """Say what is wrong with a token in words that hold none of it."""
    return _WORDS.get(type(error), "it does not verify")


_WORDS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidAudienceError: "it is meant for somebody else",
    jwt.InvalidSignatureError: "the signature is wrong",
    jwt.MissingRequiredClaimError: "a claim is missing",
}
