"""Tokens: fetched once, kept until shortly before they expire, fetched anew when refused."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession, web
import pytest

from custom_components.flex_ready.signals.errors import SignalError, Trouble
from custom_components.flex_ready.signals.oauth import ClientCredentials, StaticToken, discover_token_url

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Provider:
    """An identity provider; `answer` is what it gives next."""

    def __init__(self) -> None:
        self.answer: object = {"access_token": "first", "token_type": "Bearer", "expires_in": 3600}
        self.status = 200
        self.description: object = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    async def token(self, request: web.Request) -> web.Response:
        """Answer the token endpoint."""
        kind, _, pair = request.headers["Authorization"].partition(" ")
        assert kind == "Basic"
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((b64decode(pair).decode(), form))
        return web.json_response(self.answer, status=self.status)

    async def describe(self, _request: web.Request) -> web.Response:
        """Answer discovery."""
        return web.json_response(self.description)

    def client(self, session: ClientSession, identity: str = "id", secret: str = "secret") -> ClientCredentials:
        """Make a client of it."""
        return ClientCredentials(session, f"{self.url}/token", identity, secret, clock=lambda: self.now, scope="prices")


@pytest.fixture
async def provider(socket_enabled: None) -> AsyncIterator[Provider]:
    """An identity provider that runs."""
    made = Provider()
    application = web.Application()
    application.add_routes(
        [web.post("/token", made.token), web.get("/.well-known/openid-configuration", made.describe)]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """A session."""
    async with ClientSession() as made:
        yield made


async def test_a_token_is_kept(provider: Provider, session: ClientSession) -> None:
    """One call for many at once; another a minute before the end, or when it was refused."""
    client = provider.client(session)
    assert await asyncio.gather(*(client.token() for _ in range(5))) == ["first"] * 5
    assert provider.asked == [("id:secret", {"grant_type": "client_credentials", "scope": "prices"})]
    provider.answer = {"access_token": "second", "expires_in": 20}
    provider.now += timedelta(seconds=3539)
    assert await client.token() == "first"
    provider.now += timedelta(seconds=1)
    assert await client.token() == "second"
    provider.now += timedelta(seconds=9)
    assert await client.token() == "second"
    client.forget()
    provider.answer = {"access_token": "third"}
    assert await client.token() == "third"
    provider.now += timedelta(seconds=239)
    assert await client.token() == "third"
    provider.now += timedelta(seconds=1)
    await client.token()
    assert len(provider.asked) == 4


async def test_odd_characters_are_quoted(provider: Provider, session: ClientSession) -> None:
    """RFC 6749, 2.3.1: a colon in an id would end it."""
    assert await provider.client(session, "a:b", "é+ %").token() == "first"
    assert provider.asked[0][0] == "a%3Ab:%C3%A9%2B+%25"


@pytest.mark.parametrize("life", [0, -5, True, "3600", None, 10**9])
async def test_a_life_that_makes_no_sense(provider: Provider, session: ClientSession, life: object) -> None:
    """Five minutes are taken."""
    provider.answer = {"access_token": "first", "expires_in": life}
    client = provider.client(session)
    await client.token()
    provider.now += timedelta(seconds=241)
    await client.token()
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [{}, [], "token", {"access_token": ""}, {"access_token": 5}, {"access_token": "a\nb"}, {"access_token": "é"}],
)
async def test_an_answer_without_token(provider: Provider, session: ClientSession, answer: object) -> None:
    """As RTE gives at times."""
    provider.answer = answer
    with pytest.raises(SignalError) as failed:
        await provider.client(session).token()
    assert failed.value.trouble is Trouble.WRONG_SHAPE


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (400, Trouble.INVALID_AUTH),
        (401, Trouble.INVALID_AUTH),
        (403, Trouble.INVALID_AUTH),
        (404, Trouble.NOT_FOUND),
        (500, Trouble.SERVER_ERROR),
    ],
)
async def test_refusals(provider: Provider, session: ClientSession, status: int, trouble: Trouble) -> None:
    """At a token endpoint a wrong request is one with wrong credentials."""
    provider.status = status
    with pytest.raises(SignalError) as failed:
        await provider.client(session).token()
    assert failed.value.trouble is trouble
    provider.status = 200
    assert await provider.client(session).token() == "first"


async def test_a_token_that_was_given() -> None:
    """It is what it is."""
    token = StaticToken("given")
    token.forget()
    assert await token.token() == "given"
    with pytest.raises(SignalError):
        await StaticToken("two\nlines").token()


async def test_discovery(provider: Provider, session: ClientSession) -> None:
    """The token endpoint of an issuer that names itself rightly."""
    provider.description = {"issuer": provider.url, "token_endpoint": f"{provider.url}/token"}
    assert await discover_token_url(session, f"{provider.url}/") == f"{provider.url}/token"
    wrong: object
    for wrong in (
        [],
        {"issuer": "https://other.example", "token_endpoint": f"{provider.url}/token"},
        {"issuer": provider.url},
        {"issuer": provider.url, "token_endpoint": 5},
    ):
        provider.description = wrong
        with pytest.raises(SignalError) as failed:
            await discover_token_url(session, provider.url)
        assert failed.value.trouble is Trouble.WRONG_SHAPE
    provider.description = {"issuer": provider.url, "token_endpoint": "http://idp.example/token"}
    for issuer in (provider.url, "http://idp.example", "http://[::1", "ftp://127.0.0.1"):
        with pytest.raises(SignalError) as failed:
            await discover_token_url(session, issuer)
        assert failed.value.trouble is Trouble.UNREACHABLE
