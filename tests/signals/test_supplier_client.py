"""The client of a supplier against the emulated one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
import pytest

from custom_components.flex_ready.signals.errors import SignalError, Trouble
from custom_components.flex_ready.signals.oauth import ClientCredentials, StaticToken, Tokens, discover_token_url
from custom_components.flex_ready.signals.supplier.client import Dialect, SupplierClient, is_delivery_point
from custom_components.flex_ready.signals.supplier.validate import validate
from emulator.serve.app import serving
from emulator.serve.config import ServeConfig

PARIS = ZoneInfo("Europe/Paris")
POINT = "30001234567890"
DAY = datetime(2026, 1, 14, tzinfo=PARIS)


@pytest.fixture
async def supplier(socket_enabled: None) -> AsyncIterator[tuple[str, ClientSession]]:
    """An emulated supplier, and a session."""
    async with serving(ServeConfig(port=0)) as url, ClientSession() as session:
        yield url, session


async def credentials(url: str, session: ClientSession, secret: str = "emulator-user-secret") -> ClientCredentials:
    """Find the identity provider, and be a client of it."""
    found = await discover_token_url(session, f"{url}/oidc")
    return ClientCredentials(session, found, "emulator-user", secret, clock=lambda: datetime.now(UTC))


def client(url: str, session: ClientSession, tokens: Tokens, dialect: Dialect = Dialect.SUPPLIERS) -> SupplierClient:
    """Make a client."""
    return SupplierClient(session, f"{url}/", tokens, dialect=dialect, delivery_point=POINT)


@pytest.mark.parametrize("dialect", Dialect)
async def test_two_days(supplier: tuple[str, ClientSession], dialect: Dialect) -> None:
    """In each spelling of the path; the answer tells that it is default data."""
    asking = client(*supplier, await credentials(*supplier), dialect)
    answer = await asking.prices(DAY, DAY + timedelta(days=2), PARIS)
    assert answer.default_data is True
    signal = validate(answer.body, zone=PARIS, default_data=answer.default_data)
    assert (len(signal.steps), signal.steps.slots[0].start) == (192, DAY)
    assert signal.findings == ()


async def test_refusals(supplier: tuple[str, ClientSession]) -> None:
    """A wrong secret, a wrong token, a period that is none."""
    url, session = supplier
    for tokens in (await credentials(url, session, "wrong"), StaticToken("wrong")):
        with pytest.raises(SignalError) as failed:
            await client(url, session, tokens).prices(DAY, DAY + timedelta(days=1), PARIS)
        assert failed.value.trouble is Trouble.INVALID_AUTH
    with pytest.raises(SignalError) as failed:
        await client(url, session, await credentials(url, session)).prices(DAY, DAY, PARIS)
    assert failed.value.trouble is Trouble.BAD_REQUEST


async def test_a_token_that_was_withdrawn(supplier: tuple[str, ClientSession]) -> None:
    """Another is fetched at once, and the prices asked for again."""
    url, session = supplier
    asking = client(url, session, await credentials(url, session))
    await asking.prices(DAY, DAY + timedelta(days=1), PARIS)
    async with session.post(f"{url}/control/oidc/rotate") as response:
        assert response.status == 200
    await asking.prices(DAY, DAY + timedelta(days=1), PARIS)


@pytest.mark.parametrize(
    ("text", "right"), [(POINT, True), ("", False), (POINT[1:], False), (f"{POINT}0", False), ("٣" * 14, False)]
)
def test_delivery_points(text: str, right: bool) -> None:  # noqa: FBT001  # a column of the table
    """Fourteen digits."""
    assert is_delivery_point(text) is right
