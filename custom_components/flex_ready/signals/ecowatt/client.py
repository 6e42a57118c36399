"""The client of RTE's Ecowatt API, version 5."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import ClientSession

from ..errors import SignalError, Trouble
from ..http import Reply, fetch
from ..oauth import ClientCredentials

BASE_URL = "https://digital.iservices.rte-france.com"
_SIGNALS = "/open_api/ecowatt/v5/signals"
_SANDBOX = "/open_api/ecowatt/v5/sandbox/signals"
_AGENT = "FlexReady-HomeAssistant"


class EcowattClient:
    """Asks RTE with the id and secret of an application; `clock` gives the present instant (UTC)."""

    def __init__(
        self,
        session: ClientSession,
        client_id: str,
        client_secret: str,
        *,
        clock: Callable[[], datetime],
        base_url: str = BASE_URL,
    ) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._tokens = ClientCredentials(session, f"{self._base}/token/oauth/", client_id, client_secret, clock=clock)

    async def authenticate(self) -> None:
        """Have a token at hand, which costs none of the quota; raise SignalError."""
        await self._tokens.token()

    async def signals(self) -> Reply:
        """Ask for the signal: one call per clock quarter of an hour. Raises SignalError."""
        return await self._get(_SIGNALS, again=False)

    async def sandbox(self) -> Reply:
        """Ask for RTE's example, which has no quota. Raises SignalError."""
        return await self._get(_SANDBOX, again=True)

    async def _get(self, path: str, *, again: bool) -> Reply:
        token = await self._tokens.token()
        headers = {"Authorization": f"Bearer {token}", "User-Agent": _AGENT}
        try:
            return await fetch(self._session, "GET", self._base + path, headers=headers)
        except SignalError as error:
            if error.trouble is not Trouble.INVALID_AUTH:
                raise
            self._tokens.forget()  # it may have been withdrawn before its time
            if not again:
                raise SignalError(Trouble.SERVER_ERROR, "RTE refuses a token that it gave", status=401) from error
        token = await self._tokens.token()
        return await fetch(
            self._session,
            "GET",
            self._base + path,
            headers={**headers, "Authorization": f"Bearer {token}"},
        )
