"""How a remote site is reached: its address, dialect and key, as the flow made them."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from aiohttp import ClientSession
from homeassistant.const import CONF_URL

from ..const import CONF_DIALECT
from ..flexibility.client import BacsClient
from ..flexibility.client_errors import BacsError
from ..flexibility.dialects import DIALECTS
from ..grid.supplier import tokens_of
from ..signals.errors import SignalError
from .store import Known


async def client_of(session: ClientSession, data: Mapping[str, Any], zone: tzinfo) -> BacsClient:
    """Return the client of a site; raise BacsError if its identity provider is not found."""
    try:
        tokens = await tokens_of(session, data)
    except SignalError as error:
        raise BacsError.of_token(error) from error
    return BacsClient(session, data[CONF_URL], tokens, dialect=DIALECTS[data[CONF_DIALECT]], zone=zone)


async def look(client: BacsClient) -> Known:
    """Ask a site what it has; raise BacsError."""
    bacs = await client.bacs()
    assets = [asset for one in bacs for asset in await client.assets(one.id)]
    return Known(bacs, tuple(assets))
