"""The client of a supplier: Flex Ready Annex 2, getCommodityPricesExchange."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
import re

from aiohttp import ClientSession

from ..errors import SignalError, Trouble
from ..http import fetch
from ..oauth import Tokens

_AGENT = "FlexReady-HomeAssistant"
_DATA = "Flex-Ready-Data"
_DELIVERY_POINT = re.compile(r"\d{14}", re.ASCII)


class Dialect(StrEnum):
    """How the path is spelled: the annex does it in three ways."""

    SUPPLIERS = "suppliers"
    SPACED = "suppliers_spaced"
    SUPPLIER = "supplier"


_PATHS = {
    Dialect.SUPPLIERS: "suppliers/commodity/prices",
    Dialect.SPACED: "suppliers/%20commodity/prices",
    Dialect.SUPPLIER: "supplier/commodity/prices",
}


def is_delivery_point(text: str) -> bool:
    """Tell whether a text has the format of a delivery point (PRM): 14 digits."""
    return _DELIVERY_POINT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """A supplier's answer: its JSON, its text, and whether it says to be default data (None: it does not say)."""

    body: object
    text: str
    default_data: bool | None


class SupplierClient:
    """Asks one supplier about one delivery point. `base_url` may be that of a session of the emulator."""

    def __init__(
        self, session: ClientSession, base_url: str, tokens: Tokens, *, dialect: Dialect, delivery_point: str
    ) -> None:
        self._session = session
        self._url = f"{base_url.rstrip('/')}/{_PATHS[dialect]}"
        self._tokens = tokens
        self._delivery_point = delivery_point

    async def prices(self, start: datetime, end: datetime, zone: tzinfo) -> Answer:
        """Ask for the prices of a period, told with the offset of a zone. Raises SignalError."""
        try:
            return await self._ask(start.astimezone(zone), end.astimezone(zone))
        except SignalError as error:
            if error.trouble is not Trouble.INVALID_AUTH:
                raise
            self._tokens.forget()  # it may have been withdrawn before its time
            return await self._ask(start.astimezone(zone), end.astimezone(zone))

    async def _ask(self, start: datetime, end: datetime) -> Answer:
        token = await self._tokens.token()
        reply = await fetch(
            self._session,
            "GET",
            self._url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": _AGENT},
            params={
                "delivery_point": self._delivery_point,
                "start_date": start.isoformat(),
                "end_date": end.isoformat(),
            },
        )
        told = {"default": True, "delivery-point": False}.get(reply.headers.get(_DATA, ""))
        return Answer(reply.body, reply.text, told)
