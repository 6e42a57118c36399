"""The client of a BACS against a real one: what it says, what it reads, and what each failure is taken for."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aiohttp import ClientSession
import pytest
from remote import (
    ASSET,
    BACS,
    MINUTE,
    PARIS,
    TOKEN,
    Fault as Answered,
    Remote,
    hang_up,
    potential,
    problem,
    status,
    text,
)

from custom_components.flex_ready.flexibility import client as client_module
from custom_components.flex_ready.flexibility.book import Decline
from custom_components.flex_ready.flexibility.client import BacsClient
from custom_components.flex_ready.flexibility.client_errors import BacsError, Fault
from custom_components.flex_ready.flexibility.dialects import EMULATOR_2025, NATIVE, Dialect
from custom_components.flex_ready.flexibility.model import Aggregation, Asset, Confirmation, Quality, Request
from custom_components.flex_ready.flexibility.record import Cause, State
from custom_components.flex_ready.flexibility.retry import next_try
from custom_components.flex_ready.flexibility.told import read_told, write_told
from custom_components.flex_ready.flexibility.wire import Writer
from custom_components.flex_ready.signals.errors import SignalError, Trouble
from custom_components.flex_ready.signals.oauth import StaticToken, Tokens
from custom_components.flex_ready.slots import Series, Slot, Stretch

HOUR = timedelta(hours=1)


def tomorrow() -> datetime:
    """Give an hour of tomorrow."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * HOUR


def asked(name: str = "req-1", start: datetime | None = None) -> Request:
    """Ask for 40 kW for an hour."""
    start = start or tomorrow()
    return Request(id=name, flex_product="WID", power=Series((Slot(start, start + HOUR, Decimal(40_000)),)))


@pytest.fixture(params=[NATIVE, EMULATOR_2025], ids=lambda one: one.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Speak either dialect."""
    found: Dialect = request.param
    return found


@pytest.fixture
async def remote(socket_enabled: None, dialect: Dialect) -> AsyncIterator[Remote]:
    """A BACS that runs."""
    server = Remote(dialect=dialect, prefix="/api/v1/session")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """A session of aiohttp."""
    async with ClientSession() as one:
        yield one


@pytest.fixture
def client(remote: Remote, session: ClientSession) -> BacsClient:
    """A client with the right token."""
    return made(remote, session)


def made(remote: Remote, session: ClientSession, tokens: Tokens | None = None) -> BacsClient:
    """Make a client."""
    return BacsClient(session, remote.url + "/", tokens or StaticToken(TOKEN), dialect=remote.dialect, zone=PARIS)


async def test_the_whole_life(remote: Remote, client: BacsClient) -> None:
    """List, create, create again, read, confirm, confirm again, consumptions, cancel twice."""
    assert [one.name for one in await client.bacs()] == ["Town hall"]
    assert await client.assets(BACS) == remote.assets
    wanted = asked()
    told = await client.create(BACS, ASSET, wanted)
    assert (told.state, told.price, told.mobilization_delay) == (State.OFFERED, Decimal("0.085"), 10 * MINUTE)
    assert [slot.value for slot in told.power] == [Decimal(32_000)]
    assert told.expires_at
    assert await client.create(BACS, ASSET, wanted) == told
    assert await client.read(BACS, ASSET, "req-1") == told
    order = Confirmation(flex_product="WID", power=told.power, ack_price=told.price)
    ordered = await client.confirm(BACS, ASSET, "req-1", order)
    assert ordered.state is State.SCHEDULED
    assert await client.confirm(BACS, ASSET, "req-1", order) == ordered
    consumption = await client.realised(BACS, ASSET, "req-1")
    step = consumption.steps.slots[0]
    assert (step.start, step.value.power, step.value.energy) == (wanted.start, Decimal(12_000), Decimal(6_000))
    assert step.value.quality is Quality.MEASURED
    assert len(remote.book.records) == 1
    await client.cancel(BACS, ASSET, "req-1")
    await client.cancel(BACS, ASSET, "req-1")
    assert (await client.read(BACS, ASSET, "req-1")).state is State.CANCELLED


@pytest.mark.parametrize(
    ("step", "written"),
    [(timedelta(minutes=10), "PT10M"), (HOUR, "PT1H"), (timedelta(days=1), "P1D"), (None, None)],
)
async def test_consumption_of_an_asset(
    remote: Remote, client: BacsClient, step: timedelta | None, written: str | None
) -> None:
    """The stretch is told with its offset, the step as ISO 8601."""
    seen: list[dict[str, str]] = []
    before = remote._consumptions

    async def look(request: object) -> object:
        seen.append(dict(request.query))  # type: ignore[attr-defined]
        return await before(request)  # type: ignore[arg-type]

    await remote.stop()
    remote._consumptions = look  # type: ignore[assignment,method-assign]
    await remote.start()
    start = tomorrow() - 30 * HOUR
    got = await client.consumption(BACS, ASSET, Stretch(start, start + HOUR), step, Aggregation.MEAN)
    assert got.steps.slots[0].start == start
    assert seen[0].get("step") == written
    assert seen[0]["aggregation"] == "mean"
    assert datetime.fromisoformat(seen[0]["end"]) == start + HOUR


async def test_a_request_that_is_rejected_or_in_judgement(remote: Remote, client: BacsClient) -> None:
    """A business no is an answer; what is being judged is told as received, and is not to be asked for again yet."""
    remote.verdict = Decline(cause=Cause.UNAVAILABLE, detail="too cold")
    told = await client.create(BACS, ASSET, asked())
    assert (told.state, told.reason, told.expires_at, told.price) == (State.REJECTED, "too cold", None, None)
    remote.judges = False
    assert (await client.create(BACS, ASSET, asked("req-2"))).state is State.RECEIVED
    with pytest.raises(BacsError) as raised:
        await client.create(BACS, ASSET, asked("req-2"))
    assert (raised.value.fault, raised.value.retry_after) == (Fault.IN_PROGRESS, timedelta(seconds=2))


FAULTS = [
    (status(500), Fault.SERVER_ERROR),
    (status(502), Fault.SERVER_ERROR),
    (problem(503, "unavailable", Retry_After="7"), Fault.SERVER_ERROR),
    (status(504), Fault.SERVER_ERROR),
    (problem(429, "rate-limited", Retry_After="7"), Fault.RATE_LIMITED),
    (status(408), Fault.TIMEOUT),
    (status(404), Fault.NO_BACS),
    (status(404, {"error": "no route"}), Fault.NO_BACS),
    (hang_up, Fault.UNREACHABLE),
    (text("<html>welcome to the hotel</html>"), Fault.GARBLED),
    (text('{"requestID": "req-1", "sta'), Fault.GARBLED),
    (text(""), Fault.GARBLED),
    (problem(409, "request-in-progress", Retry_After="7"), Fault.IN_PROGRESS),
    (problem(404, "not-found"), Fault.NOT_FOUND),
    (problem(400, "malformed"), Fault.REFUSED),
    (problem(409, "overlap"), Fault.REFUSED),
    (problem(422, "dmo-violated"), Fault.REFUSED),
    (status(405), Fault.REFUSED),
    (status(418), Fault.REFUSED),
    (problem(403, "insufficient-scope"), Fault.FORBIDDEN),
    (text("{}"), Fault.WRONG_SHAPE),
    (text("[]"), Fault.WRONG_SHAPE),
    (text('"' + "x" * 1_100_000 + '"'), Fault.WRONG_SHAPE),
    (status(302, Location="http://127.0.0.1:1/"), Fault.UNEXPECTED),
]
FINAL = {Fault.NOT_FOUND, Fault.REFUSED, Fault.FORBIDDEN, Fault.WRONG_SHAPE, Fault.UNEXPECTED, Fault.INVALID_AUTH}


@pytest.mark.parametrize(("answer", "fault"), FAULTS)
async def test_what_a_failure_is_taken_for(remote: Remote, client: BacsClient, answer: Answered, fault: Fault) -> None:
    """5xx, 429, timeouts and 404 of a gateway pass; other 4xx do not."""
    remote.faults = [answer]
    with pytest.raises(BacsError) as raised:
        await client.create(BACS, ASSET, asked())
    error = raised.value
    assert (error.fault, error.fault.temporary) == (fault, fault not in FINAL)
    assert len(remote.calls) == 1, "the client itself tries once"
    if error.code in ("rate-limited", "unavailable", "request-in-progress"):
        assert error.retry_after == timedelta(seconds=7)
    if error.code:
        assert error.detail == f"so it is: {error.code}"


async def test_a_server_that_is_away_or_silent(
    remote: Remote, client: BacsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both pass."""
    monkeypatch.setattr(client_module, "TIMEOUT_S", 0.05)
    remote.delay_s = 1
    with pytest.raises(BacsError) as raised:
        await client.bacs()
    assert raised.value.fault is Fault.TIMEOUT
    await remote.stop()
    with pytest.raises(BacsError) as raised:
        await client.bacs()
    assert raised.value.fault is Fault.UNREACHABLE


class Fetched(Tokens):
    """Tokens that are fetched, one after the other."""

    def __init__(self, *tokens: str | SignalError) -> None:
        self._tokens = list(tokens)

    async def token(self) -> str:  # type: ignore[explicit-override]
        """Give the present one."""
        if isinstance(one := self._tokens[0], SignalError):
            raise one
        return one

    def forget(self) -> None:  # type: ignore[explicit-override]
        """Go on to the next."""
        self._tokens.pop(0)


async def test_tokens(remote: Remote, session: ClientSession) -> None:
    """One that is refused is fetched anew, once; where none is to be had for now, that passes."""
    assert await made(remote, session, Fetched("old", TOKEN)).bacs()
    away = SignalError(Trouble.SERVER_ERROR, "HTTP 503", status=503, retry_after=4)
    for tokens, fault, calls in (
        (Fetched("old", "older"), Fault.INVALID_AUTH, 2),
        (Fetched(SignalError(Trouble.INVALID_AUTH, "no such client")), Fault.INVALID_AUTH, 0),
        (Fetched(away), Fault.NO_TOKEN, 0),
        (Fetched("old", away), Fault.NO_TOKEN, 1),
        (StaticToken("é"), Fault.INVALID_AUTH, 0),
    ):
        before = len(remote.calls)
        with pytest.raises(BacsError) as raised:
            await made(remote, session, tokens).bacs()
        assert (raised.value.fault, len(remote.calls) - before) == (fault, calls)
        assert raised.value.fault.temporary == (fault is Fault.NO_TOKEN)
        if fault is Fault.NO_TOKEN:
            assert raised.value.retry_after == timedelta(seconds=4)


async def test_what_is_not_known_is_passed_over(remote: Remote, client: BacsClient) -> None:
    """Also in the strict dialect, in what is read; an answer about another request is none."""
    body = Writer(remote.dialect, PARIS).request(asked())
    remote.faults = [status(200, body | {"state": "offered", "surprise": 1})]
    assert (await client.create(BACS, ASSET, asked())).state is State.OFFERED
    for wrong in ({"state": "dreaming"}, {"state": "offered", "requestID": "req-2"}):
        remote.faults = [status(200, body | wrong)]
        with pytest.raises(BacsError) as raised:
            await client.create(BACS, ASSET, asked())
        assert raised.value.fault is Fault.WRONG_SHAPE


async def test_many_assets(remote: Remote, client: BacsClient) -> None:
    """With several potentials, or none; a list without end is none."""
    several = (potential(), potential(flex_product="WDA", power=Decimal(1500)))
    remote.assets = tuple(replace(remote.assets[0], id=f"a{i}", potentials=several[: i % 3]) for i in range(50))
    assert await client.assets(BACS) == remote.assets
    remote.assets = tuple(Asset(id=f"a{i}", bacs_id=BACS, potentials=()) for i in range(1_001))
    with pytest.raises(BacsError) as raised:
        await client.assets(BACS)
    assert raised.value.fault is Fault.WRONG_SHAPE


async def test_what_is_told_can_be_kept(client: BacsClient) -> None:
    """And is read back alike."""
    told = await client.create(BACS, ASSET, asked())
    for one in (told, replace(told, price=None), replace(told, state=State.REJECTED, reason="no")):
        assert read_told(write_told(one, Writer(NATIVE, UTC)), NATIVE, UTC) == one
    bare = replace(told, expires_at=None, price=None, mobilization_delay=None)
    assert read_told(write_told(bare, Writer(NATIVE, UTC)), NATIVE, UTC) == bare


def test_when_a_call_is_made_again() -> None:
    """2, 4, 8… s at most, half of that at least; never before Retry-After, never at the stop or later."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    far = now + 24 * HOUR
    pauses = [next_try(now, tries, far, retry_after=None, dice=1) for tries in range(1, 9)]
    assert [(at - now).total_seconds() for at in pauses if at] == [2, 4, 8, 16, 32, 60, 60, 60]
    assert next_try(now, 1, far, retry_after=None, dice=0) == now + timedelta(seconds=1)
    assert next_try(now, 10**6, far, retry_after=None, dice=0) == now + timedelta(seconds=30)
    assert next_try(now, 1, far, retry_after=HOUR, dice=0.5) == now + HOUR
    assert next_try(now, 6, far, retry_after=timedelta(seconds=1), dice=1) == now + MINUTE
    assert next_try(now, 1, now + timedelta(seconds=2), retry_after=None, dice=1) is None
    assert next_try(now, 1, now + HOUR, retry_after=HOUR, dice=0) is None
