"""One call: whatever a server answers is JSON or has its trouble; a real server on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

from aiohttp import ClientSession, web
import pytest

from custom_components.flex_ready.signals.errors import SignalError, Trouble
from custom_components.flex_ready.signals.http import fetch, parse_json

type Server = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
async def serve(socket_enabled: None) -> AsyncIterator[Server]:
    """Serve what a handler answers."""
    runners: list[web.AppRunner] = []

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        application = web.Application()
        application.router.add_route("*", "/{any:.*}", handler)
        runner = web.AppRunner(application, shutdown_timeout=2)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/"

    yield start
    for runner in runners:
        await runner.cleanup()


async def failure(url: str, *, timeout_s: float = 5, limit: int = 1000) -> SignalError:
    """Return how a call fails."""
    async with ClientSession() as session:
        with pytest.raises(SignalError) as failed:
            await fetch(session, "GET", url, timeout_s=timeout_s, limit=limit)
    return failed.value


async def test_a_good_answer(serve: Server) -> None:
    """Numbers with a point are exact; JSON is asked for."""

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Accept"] == "application/json"
        return web.Response(text='{"value": 0.1, "count": 3}', headers={"X-Told": "yes"})

    async with ClientSession() as session:
        reply = await fetch(session, "GET", await serve(answer))
    assert reply.body == {"value": Decimal("0.1"), "count": 3}
    assert (reply.text, reply.headers["x-told"]) == ('{"value": 0.1, "count": 3}', "yes")


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (400, Trouble.BAD_REQUEST),
        (401, Trouble.INVALID_AUTH),
        (403, Trouble.NOT_SUBSCRIBED),
        (404, Trouble.NOT_FOUND),
        (418, Trouble.UNEXPECTED),
        (422, Trouble.BAD_REQUEST),
        (429, Trouble.RATE_LIMITED),
        (500, Trouble.SERVER_ERROR),
        (502, Trouble.SERVER_ERROR),
        (599, Trouble.SERVER_ERROR),
        (499, Trouble.UNEXPECTED),
        (204, Trouble.UNEXPECTED),
        (302, Trouble.UNEXPECTED),
    ],
)
async def test_what_a_status_means(serve: Server, status: int, trouble: Trouble) -> None:
    """Also one that nobody knows; a redirect is not followed, for it would carry the token along."""

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/"
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    error = await failure(await serve(answer))
    assert (error.trouble, error.status, error.retry_after) == (trouble, status, None)


@pytest.mark.parametrize(
    ("body", "code", "transaction"),
    [
        ('{"error": "ECOWATT_COMMON_T05", "error_details": {"transaction_id": "Id-1"}}', "ECOWATT_COMMON_T05", "Id-1"),
        ('{"code": "insufficient-scope", "title": "Forbidden"}', "insufficient-scope", None),
        ('{"error": 5, "error_details": {"transaction_id": 5}}', "", None),
        ("[]", "", None),
        ("<html>", "", None),
        ("", "", None),
        ('{"error": "' + "x" * 70_000 + '"}', "", None),
    ],
)
async def test_what_an_error_says_of_itself(serve: Server, body: str, code: str, transaction: str | None) -> None:
    """The server's word and number of the call are kept, where it gives them."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=500, text=body)

    error = await failure(await serve(answer))
    assert (error.detail, error.transaction_id) == (f"HTTP 500 {code}".strip(), transaction)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("60", 60),
        (" 60 ", 60),
        ("0", 0),
        ("999999999", 86_400),
        ("9" * 5000, None),
        ("-5", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00", None),
    ],
)
async def test_retry_after(serve: Server, header: str, seconds: int | None) -> None:
    """Seconds or a date (RFC 9110, 10.2.3), a day at most; what makes no sense is none."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": header})

    assert (await failure(await serve(answer))).retry_after == seconds


async def test_retry_after_a_date(serve: Server) -> None:
    """From now on."""

    async def answer(_request: web.Request) -> web.Response:
        when = datetime.now(UTC) + timedelta(seconds=100)
        return web.Response(status=503, headers={"Retry-After": format_datetime(when, usegmt=True)})

    assert (await failure(await serve(answer))).retry_after in range(97, 102)


async def test_bodies_that_are_none(serve: Server) -> None:
    """Too big, announced or not; cut off; late; in no UTF-8."""

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/announced":
                return web.Response(body=b"x" * 1001)
            case "/bytes":
                return web.Response(body=b"\xff\xfe")
            case "/hang-up":
                assert request.transport
                request.transport.abort()
        response = web.StreamResponse()
        if request.path == "/half":
            response.content_length = 500
        await response.prepare(request)
        if request.path == "/slow":
            await response.write(b"{")
            await asyncio.sleep(0.5)
            return response
        await response.write(b"[" * 400)
        if request.path == "/half" and request.transport:
            request.transport.abort()
        await response.write(b"[" * 700)
        return response

    url = await serve(answer)
    for path, trouble in (
        ("announced", Trouble.TOO_BIG),
        ("chunks", Trouble.TOO_BIG),
        ("bytes", Trouble.NOT_JSON),
        ("half", Trouble.TRUNCATED),
        ("hang-up", Trouble.UNREACHABLE),
        ("slow", Trouble.TIMEOUT),
    ):
        assert (await failure(url + path, timeout_s=0.2)).trouble is trouble, path


@pytest.mark.parametrize("url", ["nowhere", "http://", "http://[::1", "ftp://127.0.0.1/", "http://127.0.0.1:1/"])
async def test_addresses_of_nothing(url: str) -> None:
    """Nobody is there."""
    assert (await failure(url)).trouble is Trouble.UNREACHABLE


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", Trouble.EMPTY),
        (" \n", Trouble.EMPTY),
        ("<html>", Trouble.NOT_JSON),
        ("Service temporarily unavailable", Trouble.NOT_JSON),
        ('{"signals": [', Trouble.TRUNCATED),
        ('{"signals": [{"jour": "2026-', Trouble.TRUNCATED),
        ('{"signals": [}', Trouble.TRUNCATED),
        ('{"signals": nothing, "more": 1}', Trouble.NOT_JSON),
        ('{"value": NaN}', Trouble.NOT_JSON),
        ('{"value": Infinity}', Trouble.NOT_JSON),
        ("9" * 5000, Trouble.NOT_JSON),
        ("[" * 100_000, Trouble.NOT_JSON),
    ],
)
def test_what_is_no_json(text: str, trouble: Trouble) -> None:
    """Each in its own words."""
    with pytest.raises(SignalError) as failed:
        parse_json(text)
    assert failed.value.trouble is trouble
    assert len(str(failed.value)) < 200
