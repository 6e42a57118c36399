"""The client of Ecowatt against the emulated RTE."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession
import pytest

from custom_components.flex_ready.signals.ecowatt.client import EcowattClient
from custom_components.flex_ready.signals.errors import SignalError, Trouble
from emulator.serve.app import serving
from emulator.serve.clock import Clock
from emulator.serve.config import RTE_CLIENTS, UNSUBSCRIBED, ServeConfig

START = datetime(2026, 1, 14, 16, 5, tzinfo=UTC)


class Rte:
    """An emulated RTE whose time stands still unless it is moved."""

    def __init__(self, url: str, session: ClientSession, clock: Clock) -> None:
        self.url = url
        self.session = session
        self.clock = clock

    def client(self, application: tuple[str, str] = RTE_CLIENTS[0]) -> EcowattClient:
        """Make a client."""
        return EcowattClient(self.session, *application, clock=self.clock.now, base_url=f"{self.url}/")

    async def break_path(self, path: str, status: int) -> None:
        """Make the next answer of a path wrong."""
        fault = {"path": path, "kind": "status", "status": status, "times": 1}
        async with self.session.post(f"{self.url}/control/faults", json=fault) as response:
            assert response.status == 200


@pytest.fixture
async def rte(socket_enabled: None) -> AsyncIterator[Rte]:
    """An emulated RTE."""
    clock = Clock(START, monotonic=lambda: 0)
    async with serving(ServeConfig(port=0), clock) as url, ClientSession() as session:
        yield Rte(url, session, clock)


async def refused(call: object) -> SignalError:
    """Return how a call fails."""
    with pytest.raises(SignalError) as failed:
        await call  # type: ignore[misc]
    return failed.value


async def test_one_call_in_a_quarter(rte: Rte) -> None:
    """The second is refused, with the time to wait; the sandbox has no quota, nor has the token."""
    client = rte.client()
    for _ in range(3):
        await client.authenticate()
        assert isinstance((await client.sandbox()).body, dict)
    assert isinstance((await client.signals()).body, dict)
    error = await refused(client.signals())
    assert (error.trouble, error.status, error.retry_after) == (Trouble.RATE_LIMITED, 429, 600)
    assert error.transaction_id
    rte.clock.set(START + timedelta(minutes=10))
    await client.signals()


async def test_credentials(rte: Rte) -> None:
    """Wrong ones are told from an application without subscription."""
    assert (await refused(rte.client(("emulated-client", "wrong")).sandbox())).trouble is Trouble.INVALID_AUTH
    client = rte.client(UNSUBSCRIBED)
    await client.authenticate()
    for call in (client.sandbox(), client.signals()):
        assert (await refused(call)).trouble is Trouble.NOT_SUBSCRIBED


async def test_a_token_that_was_withdrawn(rte: Rte) -> None:
    """Asked for again at once where no quota is; else the call is spent, and the token forgotten."""
    client = rte.client()
    await client.sandbox()
    await rte.break_path("/open_api/", 401)
    await client.sandbox()
    await rte.break_path("/open_api/", 401)
    error = await refused(client.signals())
    assert (error.trouble, error.status) == (Trouble.SERVER_ERROR, 401)
    await client.signals()
    await rte.break_path("/open_api/", 401)
    await rte.break_path("/open_api/", 401)
    assert (await refused(client.sandbox())).trouble is Trouble.INVALID_AUTH


async def test_a_token_that_expired(rte: Rte) -> None:
    """It is not used in its last minute."""
    client = rte.client()
    await client.signals()
    rte.clock.set(START + timedelta(seconds=7170))
    await client.signals()
