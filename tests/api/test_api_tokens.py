"""Tokens of identity providers: forgeries, wrong claims, keys that change, an issuer that is down; and a real one."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import shutil
import time
from types import MappingProxyType
from typing import Any

from aiohttp import ClientSession
from called import Called, begun, operator_data
from forged import claims, compact, forgeries, hs256, read, unsigned
from homeassistant.config_entries import ConfigSubentry
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
import pytest
from served import Answer
from test_serve_oidc import installed, provider as real_provider
from test_serve_tokens import AUDIENCE, KEY, Provider, provider

from custom_components.flex_ready.api import tokens as tokens_module
from custom_components.flex_ready.api.keys import Keys, KeysUnavailableError, TokenError
from custom_components.flex_ready.api.tokens import Bearer, Glance, Issuers

__all__ = ["begun", "installed"]

RIGHT = {"client_id": "right"}


async def status(called: Called, token: str) -> int:
    """Return what a token is answered; a refusal is a proper one."""
    called.api.limits.refusals._left.clear()
    answer = await called.get("/bacs", token)
    if answer.status == 401:
        answer.problem(401, "invalid-token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    return answer.status


async def test_forgeries_are_refused(called: Called) -> None:
    """Everything that can be made of a good token and of the public key; the forger's address is not even called."""
    good, lure = called.issuer.token(RIGHT), f"{called.issuer.issuer}/lure"
    assert await status(called, good) == 200
    for name, forged in forgeries(good, KEY.as_dict(private=False), lure).items():
        assert await status(called, forged) == 401, name
    assert await status(called, good) == 200
    assert dict(called.issuer.asked) == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_forgeries_of_home_assistants_own_tokens(called: Called) -> None:
    """Of a user who may: unsigned, signed with what is known, of an issuer that is made up."""
    good = called.tokens["user"]
    header, said = read(good)
    head, body, signature = good.split(".")
    for forged in (
        compact(header | {"alg": "none"}, said, unsigned),
        compact(header, said, hs256(b"")),
        compact(header, said, hs256(said["iss"].encode())),
        compact(header, said | {"iss": "another"}, hs256(b"")),
        compact(header | {"alg": "RS256"}, said, hs256(b"")),
        f"{head}.{body}.",
        f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
    ):
        assert await status(called, forged) == 401, forged
    assert await status(called, good) == 200


async def test_claims(called: Called) -> None:
    """Of this issuer, for us, of now, of one client; with half a minute for clocks that differ."""
    now, issuer = int(time.time()), called.issuer
    refused: list[dict[str, object]] = [
        {"iss": "http://another"},
        {"iss": f"{issuer.issuer}/"},
        {"iss": None},
        {"iss": 7},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": {AUDIENCE: 1}},
        {"aud": [AUDIENCE, 7]},
        {"aud": f"{AUDIENCE} "},
        {"aud": None},
        {"exp": now - 60},
        {"exp": None},
        {"exp": "never"},
        {"exp": str(now + 600)},
        {"exp": [now + 600]},
        {"exp": True},
        {"exp": float("inf")},
        {"nbf": now + 120},
        {"nbf": "soon"},
        {"iat": now + 120},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "y", "nonce": "x"},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"token_use": "id"},
        {"azp": "another"},
    ]
    for others in refused:
        assert await status(called, issuer.token(RIGHT | others)) == 401, others
    accepted: list[dict[str, object]] = [
        {"aud": ["another", AUDIENCE]},
        {"exp": now - 5},
        {"exp": now + 600.5},
        {"nbf": now + 5, "iat": now + 5},
        {"iat": None},
        {"typ": "Bearer", "azp": "right", "token_use": "access"},
        {"azp": "right", "client_id": None},
        {"sub": "right", "client_id": None},
        {"jti": "y", "anything": {"else": []}},
    ]
    for others in accepted:
        assert await status(called, issuer.token(RIGHT | others)) == 200, others
    # A person of another client is not the operator, though he calls himself so.
    assert await status(called, issuer.token({"sub": "right", "client_id": "another"})) == 403
    assert await status(called, issuer.token({"sub": "right", "azp": "another"})) == 403


async def test_headers(called: Called) -> None:
    """Of an access token, signed with a key of the issuer by an algorithm of that key, without conditions."""
    refused: list[dict[str, object]] = [
        {"typ": "secevent+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": 7},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"b64": False},
        {"alg": "PS256"},
        {"alg": "RS512"},
        {"alg": "ES256"},
        {"kid": "unknown"},
        {"kid": 7},
    ]
    for header in refused:
        assert await status(called, called.issuer.token(RIGHT, header)) == 401, header
    accepted: list[dict[str, object]] = [
        {"typ": "application/at+JWT"},
        {"typ": "JWT"},
        {"typ": None},
        {"kid": None},
        {"jku": f"{called.issuer.issuer}/lure"},
    ]
    for header in accepted:
        assert await status(called, called.issuer.token(RIGHT, header)) == 200, header
    assert called.issuer.asked["/lure"] == 0


async def test_made_up_key_ids_do_not_turn_us_against_the_issuer(called: Called) -> None:
    """A hundred at once, a single look-up at most beside the first."""
    floods = [called.issuer.token(RIGHT, {"kid": f"made-up-{i}"}) for i in range(100)]
    assert set(await asyncio.gather(*(status(called, token) for token in floods))) <= {401, 429}
    assert await status(called, called.issuer.token(RIGHT)) == 200
    assert called.issuer.asked["/keys"] <= 2


async def test_issuers_nobody_has_are_not_called(called: Called) -> None:
    """A token cannot make us call an address."""
    async with provider() as another:
        assert await status(called, another.token(RIGHT)) == 401
        assert not another.asked


async def test_keys_that_cannot_be_had(called: Called) -> None:
    """503 with a time to come back, whatever the token says; nobody is let in, and users are not concerned."""
    called.issuer.raw["/keys"] = 500
    for _ in range(3):
        answer: Answer = await called.get("/bacs")
        answer.problem(503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert called.issuer.asked["/keys"] == 1
    assert await status(called, "garbage") == 401
    assert await status(called, called.tokens["user"]) == 200


async def test_what_the_operator_was_given_counts(called: Called) -> None:
    """Another audience for one operator, none at all for another: each is what its subentry says."""
    entry = called.entries["School"]
    for name, audience in (("special", "special"), ("careless", "")):
        data = operator_data("oidc", name, called.issuer.issuer, ["Heating"], audience=audience)
        called.hass.config_entries.async_add_subentry(
            entry, ConfigSubentry(data=MappingProxyType(data), subentry_type="operator", title=name, unique_id=name)
        )
        await called.hass.async_block_till_done()
    assert await status(called, called.issuer.token({"client_id": "special", "aud": "special"})) == 200
    assert await status(called, called.issuer.token({"client_id": "special"})) == 403
    assert await status(called, called.issuer.token({"client_id": "right", "aud": "special"})) == 403
    for anything in ("", AUDIENCE, ["", AUDIENCE]):
        token = called.issuer.token({"client_id": "careless", "aud": anything})
        assert await status(called, token) in (401, 403), anything


@asynccontextmanager
async def judge(issuer: Provider) -> AsyncIterator[tuple[Keys, list[float]]]:
    """Make the keys of an issuer, whose time is set by hand."""
    now = [1000.0]
    async with ClientSession() as session:
        yield Keys(session, issuer.issuer, lambda: now[0]), now


def fresh_key() -> RSAKey:
    """Make a key."""
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


async def test_a_key_that_is_rotated(socket_enabled: None) -> None:
    """The new one is known after the cool-down, the old one refused from then on."""
    async with provider() as issuer, judge(issuer) as (keys, now):
        await keys.key(KEY.kid, "RS256")
        fresh = fresh_key()
        issuer.keys = [fresh.as_dict(private=False)]
        for _ in range(5):
            with pytest.raises(TokenError, match="does not have"):
                await keys.key(fresh.kid, "RS256")
        assert issuer.asked["/keys"] == 1
        now[0] += 31
        await keys.key(fresh.kid, "RS256")
        with pytest.raises(TokenError, match="does not have"):
            await keys.key(KEY.kid, "RS256")
        assert issuer.asked["/keys"] == 2


async def test_a_key_that_is_withdrawn(socket_enabled: None) -> None:
    """Ten minutes later at most it is not accepted, though nobody used an unknown one."""
    async with provider() as issuer, judge(issuer) as (keys, now):
        await keys.key(KEY.kid, "RS256")
        issuer.keys = [fresh_key().as_dict(private=False)]
        now[0] += 599
        await keys.key(KEY.kid, "RS256")
        now[0] += 2
        with pytest.raises(TokenError):
            await keys.key(KEY.kid, "RS256")


async def test_an_issuer_that_is_down(socket_enabled: None) -> None:
    """What was obtained is good for an hour, and not for a call longer; then nothing can be judged until it is back."""
    async with provider() as issuer, judge(issuer) as (keys, now):
        await keys.key(KEY.kid, "RS256")
        issuer.raw["/.well-known/openid-configuration"] = 503
        for seconds in (601, 1800, 3590):
            now[0] = 1000 + seconds
            await keys.key(KEY.kid, "RS256")
        now[0] = 1000 + 3601
        for _ in range(3):
            with pytest.raises(KeysUnavailableError, match="503"):
                await keys.key(KEY.kid, "RS256")
        issuer.raw.clear()
        now[0] += 31
        await keys.key(KEY.kid, "RS256")


async def test_an_issuer_that_does_not_answer(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long who has a key that was good; and whoever has a known one does not wait at all."""
    monkeypatch.setattr("custom_components.flex_ready.api.keys._AGAIN_S", 0.2)
    async with provider() as issuer, judge(issuer) as (keys, now):
        await keys.key(KEY.kid, "RS256")
        issuer.gate = asyncio.Event()
        now[0] += 31
        waiting = asyncio.create_task(keys.key("unknown", "RS256"))
        await asyncio.sleep(0.05)
        await keys.key(KEY.kid, "RS256")
        assert not waiting.done()
        with pytest.raises(TokenError):
            await waiting
        now[0] += 601
        async with asyncio.timeout(2):
            await keys.key(KEY.kid, "RS256")
        issuer.gate.set()


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/.well-known/openid-configuration", b'{"issuer": "http://another", "jwks_uri": "http://127.0.0.1/"}'),
        ("/.well-known/openid-configuration", b"[]"),
        ("/.well-known/openid-configuration", b"no"),
        ("/.well-known/openid-configuration", b"[" * 100_000),
        ("/.well-known/openid-configuration", b"{" + b" " * 300_000 + b"}"),
        ("/keys", b'{"keys": {}}'),
        ("/keys", b"\xff\xff"),
    ],
    ids=["another issuer", "a list", "no JSON", "a depth", "too long", "no list", "no text"],
)
async def test_an_issuer_that_answers_as_none(socket_enabled: None, path: str, raw: bytes) -> None:
    """No token can be judged."""
    async with provider() as issuer, judge(issuer) as (keys, _):
        issuer.raw[path] = raw
        with pytest.raises(KeysUnavailableError):
            await keys.key(KEY.kid, "RS256")


@pytest.mark.parametrize("address", ["http://192.0.2.1/keys", "file:///etc/passwd", 7, "http://[", None])
async def test_keys_at_a_place_that_is_none(socket_enabled: None, address: object) -> None:
    """In the clear over the network, no address, nothing."""
    async with provider() as issuer, judge(issuer) as (keys, _):
        issuer.description["jwks_uri"] = address
        with pytest.raises(KeysUnavailableError):
            await keys.key(KEY.kid, "RS256")


async def test_keys_that_are_not_for_us_do_no_harm(socket_enabled: None) -> None:
    """Of encryption, of a kind to come, shared, broken: the others are good. Two keys need a kid."""
    async with provider() as issuer, judge(issuer) as (keys, _):
        for_encryption = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP"}, auto_kid=True)
        second = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
        other_curve = ECKey.generate_key("P-384", {"use": "sig"}, auto_kid=True)
        third = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
        issuer.keys += [
            OctKey.import_key("secret" * 8, {"kid": "shared"}).as_dict(),
            *(one.as_dict(private=False) for one in (for_encryption, second, other_curve, third)),
            {"kty": "AKP", "alg": "ML-DSA-44", "kid": "later", "pub": "x"},
            {"kty": "RSA", "kid": "broken"},
            {"kty": "EC", "crv": "P-256", "kid": "odd", "x": "x", "y": "y"},
            "key",
            None,
        ]
        for kid, algorithm in ((KEY.kid, "RS256"), (second.kid, "ES256"), (third.kid, "EdDSA")):
            await keys.key(kid, algorithm)
        for kid, algorithm in (
            (None, "RS256"),
            (KEY.kid, "PS256"),  # it says what it is for
            (for_encryption.kid, "RS256"),
            (second.kid, "RS256"),
            (other_curve.kid, "ES256"),
            ("shared", "RS256"),
            ("broken", "RS256"),
            ("odd", "ES256"),
        ):
            with pytest.raises(TokenError):
                await keys.key(kid, algorithm)


@pytest.mark.filterwarnings("ignore:Key size should be")
async def test_a_short_key_is_none(called: Called) -> None:
    """An RSA key of 1024 bits was broken by others long ago."""
    short = RSAKey.generate_key(1024, {"use": "sig"}, auto_kid=True)
    called.issuer.keys.append(short.as_dict(private=False))
    assert await status(called, called.issuer.token(RIGHT, by=short)) == 401


def test_a_glance_raises_nothing_else() -> None:
    """Whatever comes as a token."""
    deep = urlsafe_b64encode(b'{"alg":"RS256","a":' + b"[" * 5000).rstrip(b"=").decode()
    for token in ("", ".", "..", "a.b.c", "\udcff", "é.é.é", "\x00", f"{deep}.{deep}.x", "x" * 9000):
        with pytest.raises(TokenError):
            Glance.at(token)


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node or npm is not here")
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_a_real_provider(called: Called, home: Any) -> None:  # noqa: ANN401
    """Its tokens are accepted, by every algorithm that we take; forgeries of them, and others of it, are not."""
    async with real_provider(home) as issuer, real_provider(home) as other:
        data = operator_data("oidc", "bacs", issuer.url, ["Heating"])
        called.hass.config_entries.async_add_subentry(
            called.entries["School"],
            ConfigSubentry(data=MappingProxyType(data), subentry_type="operator", title="x", unique_id="x"),
        )
        await called.hass.async_block_till_done()
        for kind in ("RS256", "PS256", "ES256", "EdDSA"):
            assert await status(called, await issuer.token(kind)) == 200, kind
        good = await issuer.token()
        header, said = read(good)
        for name, forged in forgeries(good, await issuer.key(header["kid"]), "http://127.0.0.1:9/").items():
            assert await status(called, forged) in (400, 401), name
        for kind in ("other", "RS512", "opaque"):
            assert await status(called, await issuer.token(kind)) == 401, kind
        assert await status(called, await other.token()) == 401
        assert await status(called, compact(header, said | {"iss": other.url}, unsigned)) == 401
        await issuer.stop()
        assert await status(called, good) == 200


async def test_the_same_token_again(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is good no longer than it would be for the first time: until it expires, its key goes, or its audience."""
    now = [1000.0]
    async with provider() as issuer, ClientSession() as session:
        issuers, ours = Issuers(lambda: session, lambda: now[0]), {issuer.issuer: {AUDIENCE}}
        tokens = [issuer.token({"jti": str(i)}) for i in range(70)]
        bearers = [await issuers.verify(token, ours) for token in (*tokens, *tokens)]
        assert len({one.subject for one in bearers}) == 1
        assert len(issuers._verified) == 64
        token = tokens[-1]
        assert await issuers.verify(token, ours) is await issuers.verify(token, ours)
        for others in ({}, {"http://another": {AUDIENCE}}, {issuer.issuer: {"another"}}):
            with pytest.raises(TokenError):
                await issuers.verify(token, others)
        monkeypatch.setattr(tokens_module, "_LEEWAY_S", 0)
        short = issuer.token({"exp": int(time.time()) + 2})
        await issuers.verify(short, ours)
        await issuers.verify(short, ours)
        await asyncio.sleep(2)
        with pytest.raises(TokenError, match="expired"):
            await issuers.verify(short, ours)
        await issuers.verify(token, ours)
        issuer.keys = [fresh_key().as_dict(private=False)]
        now[0] += 601
        with pytest.raises(TokenError, match="does not have"):
            await issuers.verify(token, ours)


async def test_the_bearer(socket_enabled: None) -> None:
    """Who it is follows from the claims."""
    async with provider() as issuer, ClientSession() as session:
        issuers = Issuers(lambda: session, time.monotonic)
        token = issuer.token({"azp": "operator", "aud": [AUDIENCE, "x"]})
        bearer = await issuers.verify(token, {issuer.issuer: {AUDIENCE}})
        assert bearer == Bearer(issuer.issuer, "somebody", "operator", frozenset({AUDIENCE, "x"}))
        assert claims(issuer.issuer)["sub"] == bearer.subject
