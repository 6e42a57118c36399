"""The client of a BACS: the operator's side of Annex 1, in either dialect."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta, tzinfo
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import ClientSession

from ..signals.errors import SignalError, Trouble
from ..signals.http import LIMIT_BYTES, Reply, fetch
from ..signals.oauth import Tokens
from ..slots import Stretch
from .client_errors import BacsError, Fault
from .dialects import Dialect
from .model import Aggregation, Asset, Bacs, Confirmation, Consumption, Request
from .problem import RefusedError
from .told import Told, read_told
from .wire import Reader, Writer

_AGENT = "FlexReady-HomeAssistant"
TIMEOUT_S = 10
"""A BACS answers within 2 s, or says that it needs time."""
_CURVE_S = 30
_CURVE_BYTES = 16 * LIMIT_BYTES
_MOST_LISTED = 1_000
_OK = frozenset((HTTPStatus.OK,))
_TAKEN = frozenset((HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED))
_GONE = frozenset((HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT))
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


class BacsClient:
    """Calls one server of BACS; `zone` is that of its site. Each call raises BacsError.

    What is written is in the dialect to the letter; in what is read, members that nobody knows are passed over.
    """

    def __init__(
        self, session: ClientSession, base_url: str, tokens: Tokens, *, dialect: Dialect, zone: tzinfo
    ) -> None:
        self._session = session
        self._url = base_url.rstrip("/")
        self._tokens = tokens
        self._paths = dialect.paths
        self._writer = Writer(dialect, zone)
        self._lenient = replace(dialect, others_ignored=True)
        self._reader = Reader(self._lenient, zone)
        self._zone = zone

    async def bacs(self) -> tuple[Bacs, ...]:
        """List the BACS."""
        reply = await self._call("GET", "bacs", {})
        return self._several(reply.body, self._reader.bacs)

    async def assets(self, bacs_id: str) -> tuple[Asset, ...]:
        """List the assets of a BACS with what they can give now."""
        reply = await self._call("GET", "assets", {"bacs_id": bacs_id})
        return self._several(reply.body, self._reader.asset)

    async def create(self, bacs_id: str, asset_id: str, request: Request) -> Told:
        """Ask for flexibility. The same request again is the same request: it is answered alike."""
        place = {"bacs_id": bacs_id, "asset_id": asset_id}
        reply = await self._call("POST", "create", place, body=self._writer.request(request), good=_TAKEN)
        return self._told(reply.body, request.id)

    async def confirm(self, bacs_id: str, asset_id: str, request_id: str, confirmation: Confirmation) -> Told:
        """Order what was offered; the same order again changes nothing."""
        body = self._writer.confirmation(confirmation)
        reply = await self._call("POST", "confirm", _place(bacs_id, asset_id, request_id), body=body, good=_TAKEN)
        return self._told(reply.body, request_id)

    async def read(self, bacs_id: str, asset_id: str, request_id: str) -> Told:
        """Read how a request stands."""
        reply = await self._call("GET", "request", _place(bacs_id, asset_id, request_id))
        return self._told(reply.body, request_id)

    async def cancel(self, bacs_id: str, asset_id: str, request_id: str) -> None:
        """Withdraw a request; doing so again changes nothing."""
        await self._call("DELETE", "request", _place(bacs_id, asset_id, request_id), good=_GONE)

    async def realised(self, bacs_id: str, asset_id: str, request_id: str) -> Consumption:
        """Read what was consumed in the time of a request. It never starts anything."""
        reply = await self._call("GET", "realize", _place(bacs_id, asset_id, request_id), curve=True)
        return self._read(reply.body, self._reader.consumption)

    async def consumption(
        self,
        bacs_id: str,
        asset_id: str,
        stretch: Stretch,
        step: timedelta | None = None,
        aggregation: Aggregation | None = None,
    ) -> Consumption:
        """Read what an asset consumed in a stretch of time (whole seconds), step by step or put together."""
        asked = {"start": stretch.start.astimezone(self._zone), "end": stretch.end.astimezone(self._zone)}
        params = {name: instant.isoformat(timespec="seconds") for name, instant in asked.items()}
        if step is not None:
            params["step"] = _iso(step)
        if aggregation is not None:
            params["aggregation"] = aggregation.value
        place = {"bacs_id": bacs_id, "asset_id": asset_id}
        reply = await self._call("GET", "consumptions", place, params=params, curve=True)
        return self._read(reply.body, self._reader.consumption)

    async def _call(
        self,
        method: str,
        path: str,
        place: Mapping[str, str],
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        good: frozenset[int] = _OK,
        curve: bool = False,
    ) -> Reply:
        """Call a path of the dialect; a token that is refused is fetched anew, once."""
        url = self._url + self._paths[path].format(**{name: quote(one, safe="") for name, one in place.items()})

        async def ask() -> Reply:
            try:
                token = await self._tokens.token()
            except SignalError as error:
                raise BacsError.of_token(error) from error
            return await fetch(
                self._session,
                method,
                url,
                headers={"Authorization": f"Bearer {token}", "User-Agent": _AGENT},
                params=params,
                body=body,
                good=good,
                timeout_s=_CURVE_S if curve else TIMEOUT_S,
                limit=_CURVE_BYTES if curve else LIMIT_BYTES,
            )

        try:
            try:
                return await ask()
            except SignalError as error:
                if error.trouble is not Trouble.INVALID_AUTH:
                    raise
                self._tokens.forget()  # it may have been withdrawn before its time
                return await ask()
        except SignalError as error:
            raise BacsError.of(error) from error

    def _told(self, body: object, request_id: str) -> Told:
        told = self._read(body, lambda one: read_told(one, self._lenient, self._zone))
        if told.request_id != request_id:
            raise BacsError(Fault.WRONG_SHAPE, "the answer is about another request")
        return told

    def _several[ValueT](self, body: object, read: Callable[[object], ValueT]) -> tuple[ValueT, ...]:
        """Read a list."""
        if not isinstance(body, list) or len(body) > _MOST_LISTED:
            raise BacsError(Fault.WRONG_SHAPE, f"a list of up to {_MOST_LISTED} is expected")
        return tuple(self._read(one, read) for one in body)

    @staticmethod
    def _read[ValueT](body: object, read: Callable[[object], ValueT]) -> ValueT:
        try:
            return read(body)
        except RefusedError as error:
            raise BacsError.of_body(error) from error


def _place(bacs_id: str, asset_id: str, request_id: str) -> Mapping[str, str]:
    return {"bacs_id": bacs_id, "asset_id": asset_id, "request_id": request_id}


def _iso(step: timedelta) -> str:
    """Write a step in the largest unit that it is a whole number of."""
    if not step % _DAY:
        return f"P{step // _DAY}D"
    return f"PT{step // _HOUR}H" if not step % _HOUR else f"PT{step // _MINUTE}M"
