"""Bearer tokens are verified for real: forgeries, wrong claims, keys that change, an issuer that is down or odd."""

import asyncio
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import hashlib
import json
import time
from typing import Any

from aiohttp import ClientSession, encode_basic_auth, web
from forged import b64, claims, compact, forgeries, rs256
from joserfc.jwk import ECKey, OctKey, RSAKey
import pytest
from served import Served, served
from yarl import URL

from emulator.identity import verifier
from emulator.identity.verifier import KeysUnavailableError, RemoteKeys, TokenError, Verifier

pytestmark = pytest.mark.usefixtures("socket_enabled")

NONE: Mapping[str, object] = {}
AUDIENCE = "flex-ready-emulator"
KEY = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


class Provider:
    """An identity provider whose answers can be set."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: list[Any] = [KEY.as_dict(private=False)]
        self.description: dict[str, object] = {}
        self.raw: dict[str, int | bytes] = {}
        """What is answered instead at a path: a status, or bytes."""
        self.gate: asyncio.Event | None = None
        """What answers wait for."""
        self.asked: Counter[str] = Counter()

    def token(
        self, others: Mapping[str, object] = NONE, header: Mapping[str, object] = NONE, /, *, by: RSAKey = KEY
    ) -> str:
        """Sign a token with good claims, or others; with a good header, or another."""
        head = {"alg": "RS256", "typ": "at+jwt", "kid": by.kid, **header}
        head = {name: value for name, value in head.items() if value is not None}
        return compact(head, claims(self.issuer, **others), rs256(by))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer, whole or in drops."""
        self.asked[request.path] += 1
        if self.gate:
            await self.gate.wait()
        raw = self.raw.get(request.path)
        if isinstance(raw, int):
            return web.Response(status=raw)
        body: object = {"keys": self.keys}
        if request.path != "/keys":
            body = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | self.description
        response = web.StreamResponse()
        await response.prepare(request)
        data = raw or json.dumps(body).encode()
        await response.write(data[:10])
        await asyncio.sleep(0.01)  # as a network does
        await response.write(data[10:])
        return response


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Run an identity provider."""
    made = Provider()
    application = web.Application()
    application.add_routes([web.get("/{path:.*}", made.answer)])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


@asynccontextmanager
async def both() -> AsyncIterator[tuple[Provider, Served]]:
    """Run an identity provider, and an emulator that accepts its tokens."""
    async with provider() as issuer, served(issuer=issuer.issuer) as world:
        yield issuer, world


async def status(world: Served, token: str) -> int:
    """Return what a token is answered; a refusal is a proper one."""
    answer = await world.prices(token=token)
    if answer.status == 401:
        answer.problem(401, "invalid-token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    return answer.status


async def test_forgeries_are_refused() -> None:
    """Everything that can be made of a good token and of the public key; the forger's address is not even called."""
    async with both() as (issuer, world):
        good = issuer.token()
        assert await status(world, good) == 200
        for name, forged in forgeries(good, KEY.as_dict(private=False), f"{issuer.issuer}/lure").items():
            assert await status(world, forged) == (400 if len(forged) > 8000 else 401), name  # HTTP has limits too
        assert await status(world, good) == 200
        assert dict(issuer.asked) == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_claims() -> None:
    """Of this issuer, for us, of now, of somebody; with half a minute for clocks that differ."""
    async with both() as (issuer, world):
        now = int(time.time())
        refused: list[dict[str, object]] = [
            {"iss": "http://another"},
            {"iss": f"{issuer.issuer}/"},
            {"iss": [issuer.issuer]},
            {"iss": None},
            {"aud": "another"},
            {"aud": ["another"]},
            {"aud": []},
            {"aud": {AUDIENCE: 1}},
            {"aud": f"{AUDIENCE} "},
            {"aud": None},
            {"exp": now - 60},
            {"exp": None},
            {"exp": "never"},
            {"exp": str(now + 600)},
            {"exp": [now + 600]},
            {"nbf": now + 120},
            {"nbf": "soon"},
            {"iat": now + 120},
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
            {"aud": "client-of-the-login", "nonce": "x", "at_hash": "y"},
            {"at_hash": "y", "nonce": "x"},
        ]
        for others in refused:
            assert await status(world, issuer.token(others)) == 401, others
        accepted: list[dict[str, object]] = [
            {"aud": ["another", AUDIENCE]},
            {"exp": now - 5},
            {"exp": now + 600.5},
            {"nbf": now + 5, "iat": now + 5},
            {"iat": None},
            {"client_id": "x", "jti": "y", "anything": {"else": []}},
        ]
        for others in accepted:
            assert await status(world, issuer.token(others)) == 200, others


async def test_headers() -> None:
    """Of an access token, signed with a key of the issuer by an algorithm of that key, without conditions."""
    async with both() as (issuer, world):
        refused: list[dict[str, object]] = [
            {"typ": "secevent+jwt"},
            {"typ": "dpop+jwt"},
            {"typ": 7},
            {"crit": ["exp"], "exp": 1},
            {"crit": ["b64"], "b64": False},
            {"crit": []},
            {"alg": "PS256"},
            {"alg": "RS512"},
            {"kid": "unknown"},
            {"kid": 7},
        ]
        for header in refused:
            assert await status(world, issuer.token({}, header)) == 401, header
        accepted: list[dict[str, object]] = [
            {"typ": "application/at+JWT"},
            {"typ": "JWT"},
            {"typ": None},
            {"kid": None},
            {"jku": f"{issuer.issuer}/lure"},
        ]
        for header in accepted:
            assert await status(world, issuer.token({}, header)) == 200, header
        assert issuer.asked["/lure"] == 0


async def test_roles_in_every_spelling() -> None:
    """As the usual providers write them; what is no text is no role."""
    async with both() as (issuer, world):
        spellings: list[tuple[dict[str, object], int]] = [
            ({"roles": ["admin"]}, 200),
            ({"scope": "read admin"}, 200),
            ({"scp": ["admin"]}, 200),
            ({"realm_access": {"roles": ["admin"]}}, 200),
            ({"realm_access": ["admin"]}, 403),
            ({"roles": [["admin"], 1], "scope": "administrator"}, 403),
            ({}, 403),
        ]
        for others, expected in spellings:
            assert (await world.get("/admin/signals", issuer.token(others))).status == expected, others


async def test_made_up_key_ids_do_not_turn_us_against_the_issuer() -> None:
    """Two hundred at once, a single look-up at most beside the first."""
    async with both() as (issuer, world):
        floods = [issuer.token({}, {"kid": f"made-up-{i}"}) for i in range(200)]
        assert set(await asyncio.gather(*(status(world, token) for token in floods))) == {401}
        assert await status(world, issuer.token()) == 200
        assert issuer.asked["/keys"] <= 2


@asynccontextmanager
async def judge(issuer: Provider) -> AsyncIterator[tuple[Verifier, list[float]]]:
    """Make a verifier whose time is set by hand."""
    now = [1000.0]
    async with ClientSession() as session:
        keys = RemoteKeys(session, issuer.issuer, monotonic=lambda: now[0])
        yield Verifier(lambda: issuer.issuer, AUDIENCE, keys), now


async def test_a_key_that_is_rotated() -> None:
    """The new one is known after the cool-down, the old one refused from then on."""
    async with provider() as issuer, judge(issuer) as (judging, now):
        old = issuer.token()
        assert (await judging.verify(old)).subject == "somebody"
        with pytest.raises(TokenError, match="too long"):
            await judging.verify(old + "A" * 16_384)
        fresh = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
        issuer.keys = [fresh.as_dict(private=False)]
        new = issuer.token(by=fresh)
        for _ in range(5):
            with pytest.raises(TokenError, match="does not have"):
                await judging.verify(new)
        assert issuer.asked["/keys"] == 1
        now[0] += 31
        await judging.verify(new)
        with pytest.raises(TokenError, match="does not have"):
            await judging.verify(old)
        assert issuer.asked["/keys"] == 2


async def test_a_key_that_is_withdrawn() -> None:
    """Ten minutes later at most it is not accepted, though nobody used an unknown one."""
    async with provider() as issuer, judge(issuer) as (judging, now):
        old = issuer.token()
        await judging.verify(old)
        issuer.keys = [RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True).as_dict(private=False)]
        now[0] += 599
        await judging.verify(old)
        now[0] += 2
        with pytest.raises(TokenError):
            await judging.verify(old)


async def test_an_issuer_that_is_down() -> None:
    """What was obtained is good for an hour, and not for a call longer; then nothing can be judged until it is back."""
    async with provider() as issuer, judge(issuer) as (judging, now):
        token = issuer.token()
        await judging.verify(token)
        issuer.raw["/.well-known/openid-configuration"] = 503
        for seconds in (601, 1800, 3590):
            now[0] = 1000 + seconds
            await judging.verify(token)
        now[0] = 1000 + 3601
        for _ in range(3):
            with pytest.raises(KeysUnavailableError, match="503"):
                await judging.verify(token)
        issuer.raw.clear()
        now[0] += 31
        await judging.verify(token)


async def test_an_unknown_key_makes_nobody_wait() -> None:
    """While the issuer is asked for it, tokens of known keys pass."""
    async with provider() as issuer, judge(issuer) as (judging, now):
        await judging.verify(issuer.token())
        now[0] += 31
        issuer.gate = asyncio.Event()
        waiting = asyncio.create_task(judging.verify(issuer.token({}, {"kid": "unknown"})))
        async with asyncio.timeout(10):
            while issuer.asked["/.well-known/openid-configuration"] < 2:  # noqa: ASYNC110  # the other side's doing
                await asyncio.sleep(0.005)
        await judging.verify(issuer.token())
        assert not waiting.done()
        issuer.gate.set()
        with pytest.raises(TokenError):
            await waiting


async def test_keys_never_obtained(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with a time to come back, whatever the token; nobody is let in, and it heals by itself."""
    monkeypatch.setattr(verifier, "_RETRY_S", 0)
    async with both() as (issuer, world):
        issuer.raw["/keys"] = 500
        for _ in range(2):
            answer = await world.prices(token=issuer.token())
            answer.problem(503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert await status(world, "garbage") == 401
        issuer.raw.clear()
        assert await status(world, issuer.token()) == 200


async def test_a_crowd_does_not_ask_a_dead_issuer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in a while, though nothing was ever obtained."""
    monkeypatch.setattr(verifier, "_RETRY_S", 600)
    async with both() as (issuer, world):
        issuer.raw["/.well-known/openid-configuration"] = 500
        answers = await asyncio.gather(*(status(world, issuer.token()) for _ in range(50)))
        assert set(answers) == {503}
        assert issuer.asked.total() == 1


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
async def test_an_issuer_that_answers_as_none(path: str, raw: bytes) -> None:
    """No token can be judged; and the way to log in is not told either."""
    async with both() as (issuer, world):
        issuer.raw[path] = raw
        assert await status(world, issuer.token()) == 503
        if path != "/keys":
            (await world.get("/auth/login")).problem(502, "upstream-invalid")


@pytest.mark.parametrize("address", ["http://192.0.2.1/keys", "file:///etc/passwd", 7, "http://[", None])
async def test_keys_at_a_place_that_is_none(address: object) -> None:
    """In the clear over the network, no address, nothing."""
    async with both() as (issuer, world):
        issuer.description["jwks_uri"] = address
        assert await status(world, issuer.token()) == 503


async def test_an_issuer_that_hangs_up() -> None:
    """In the middle of its description."""
    async with served() as other, served(issuer=f"{other.base}/oidc") as world:
        for kind in ("half", "reset"):
            await other.fault("/oidc/", kind)
            (await world.get("/auth/login")).problem(502, "upstream-invalid")
            await other.call("DELETE", "/control/faults")
        assert (await world.get("/auth/login")).json["login_url"] == f"{other.base}/oidc/authorize"
        (await world.get("/auth/callback?code=x")).problem(404, "not-found")
        assert (await world.post("/sessions?emulator_module=SUPPLIER", other.user)).status == 201
        (await world.put(b"{}", token=other.user)).problem(403, "insufficient-scope")


async def test_keys_that_are_not_for_us_do_no_harm() -> None:
    """Of encryption, of a kind to come, shared, broken: the others are good. Two keys need a kid."""
    async with both() as (issuer, world):
        secret = OctKey.import_key("secret" * 8, {"kid": "shared"})
        for_encryption = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP"}, auto_kid=True)
        second = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
        issuer.keys += [
            secret.as_dict(),
            for_encryption.as_dict(private=False),
            second.as_dict(private=False),
            {"kty": "AKP", "alg": "ML-DSA-44", "kid": "later", "pub": "x"},
            {"kty": "RSA", "kid": "broken"},
            {"kty": "EC", "crv": "P-1", "kid": "odd", "x": "x", "y": "y"},
            "key",
            None,
        ]
        assert await status(world, issuer.token()) == 200
        assert await status(world, issuer.token({}, {"kid": None})) == 401
        assert await status(world, issuer.token(by=for_encryption)) == 401
        shared = compact(
            {"alg": "HS256", "kid": "shared"}, claims(issuer.issuer), lambda data: hashlib.sha256(data).digest()
        )
        assert await status(world, shared) == 401
        assert await status(world, issuer.token({}, {"kid": second.kid})) == 401


async def test_our_own_issuer() -> None:
    """Client credentials by header or form, a rotation, wrong secrets, other grants."""
    async with served() as world:
        form = {
            "grant_type": "client_credentials",
            "client_id": "emulator-user",
            "client_secret": "emulator-user-secret",
        }
        token = (await world.post("/oidc/token", data=form)).json["access_token"]
        assert await status(world, token) == 200
        keys = (await world.get("/oidc/jwks")).json
        assert "d" not in keys["keys"][0]
        for name, forged in forgeries(token, keys["keys"][0], "http://127.0.0.1:9/").items():
            assert await status(world, forged) in (400, 401), name
        for data, header, code, error in (
            (form | {"client_secret": "x"}, {}, 401, "invalid_client"),
            (form | {"client_id": "nobody"}, {}, 401, "invalid_client"),
            (form, {"Authorization": "Basic !"}, 401, "invalid_client"),
            (form, {"Authorization": encode_basic_auth("emulator-user", "x")}, 401, "invalid_client"),
            ({"grant_type": "password"}, {}, 400, "unsupported_grant_type"),
            ({}, {}, 400, "unsupported_grant_type"),
            ({"grant_type": "authorization_code", "code": "x"}, {}, 400, "invalid_grant"),
        ):
            answer = await world.post("/oidc/token", data=data, headers=header)
            assert (answer.status, answer.json["error"]) == (code, error)
            assert ("WWW-Authenticate" in answer.headers) == (code == 401)
        rotated = await world.post("/control/oidc/rotate")
        assert rotated.json["keys"][0]["kid"] != keys["keys"][0]["kid"]
        assert await status(world, token) == 401
        assert await status(world, await world.login("emulator-user")) == 200
        for path in ("/oidc/token", "/oidc/authorize"):
            for kind in ("multipart/form-data", "application/x-www-form-urlencoded; charset=none"):
                answer = await world.post(path, data=b"\xff=\xff", headers={"Content-Type": kind})
                answer.problem(400, "malformed")


async def test_the_code_of_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only for addresses of ours, with the proof that was promised (PKCE), once, and for two minutes."""
    async with served() as world:
        back = f"{world.base}/auth/callback"
        proof = "x" * 43
        challenge = urlsafe_b64encode(hashlib.sha256(proof.encode()).digest()).rstrip(b"=").decode()
        (await world.get("/oidc/authorize?response_type=token&redirect_uri=x")).problem(400, "malformed")
        for form in (
            {"user": "nobody", "redirect_uri": back},
            {"user": "emulator-user", "redirect_uri": "http://127.0.0.1:9/"},
            {"user": "emulator-user", "redirect_uri": f"{world.base}.example/"},
        ):
            (await world.post("/oidc/authorize", data=form)).problem(400, "malformed")

        async def code() -> str:
            form = {"user": "emulator-user", "redirect_uri": back, "code_challenge": challenge}
            return URL((await world.post("/oidc/authorize", data=form)).headers["Location"]).query["code"]

        async def redeem(**others: str) -> int:
            form = {"grant_type": "authorization_code", "redirect_uri": back, "code_verifier": proof} | others
            return (await world.post("/oidc/token", data=form)).status

        used = await code()
        assert [await redeem(code=used), await redeem(code=used)] == [200, 400]
        assert await redeem(code=await code(), code_verifier="y" * 43) == 400
        assert await redeem(code=await code(), redirect_uri=f"{world.base}/") == 400
        (await world.get("/auth/callback", params={"code": await code()})).problem(400, "invalid-grant")
        monkeypatch.setattr("emulator.identity.issuer._CODE_LIFE_S", -1)
        assert await redeem(code=await code()) == 400
        monkeypatch.undo()
        first = await code()
        monkeypatch.setattr("emulator.identity.issuer._MOST_CODES", 1)
        await code()
        assert await redeem(code=first) == 400


def test_the_forgers_own_tools() -> None:
    """A token that they sign rightly is well written."""
    token = compact({"alg": "none"}, {}, lambda _: b"")
    assert token == f"{b64(b'{"alg": "none"}')}.{b64(b'{}')}."
