"""Faults on demand: the next answers of some paths go wrong, as those of real servers do."""

import asyncio
from dataclasses import asdict, dataclass
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Middleware

from .body import read_json
from .problem import Handler, ProblemError

_BIG_BYTES = 10_485_760
_HALF = b'{"signals": [{"jour": "2026-01-'


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    HTML_502 = "html-502"
    EMPTY = "empty"
    HALF = "half"
    SLOW = "slow"
    NOT_JSON = "not-json"
    WRONG_JSON = "wrong-json"
    BIG = "big"
    RESET = "reset"


@dataclass(slots=True)
class Fault:
    """A fault of the paths that begin with something, for so many answers."""

    path: str
    kind: Kind
    times: int | None = None
    seconds: float = 0
    status: int = 500


class Faults:
    """The faults that are waiting for their calls."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def of(self, path: str) -> Fault | None:
        """Take the first fault of a path, once."""
        for fault in self.waiting:
            if path.startswith(fault.path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.waiting.remove(fault)
                return fault
        return None


def routes(faults: Faults) -> list[web.RouteDef]:
    """Return the control of the faults."""

    async def show(_request: web.Request) -> web.Response:
        return web.json_response([asdict(fault) for fault in faults.waiting])

    async def add(request: web.Request) -> web.Response:
        faults.waiting.append(_fault(await _body(request)))
        return await show(request)

    async def clear(request: web.Request) -> web.Response:
        faults.waiting.clear()
        return await show(request)

    path = "/control/faults"
    return [web.get(path, show), web.post(path, add), web.delete(path, clear)]


def middleware(faults: Faults) -> Middleware:
    """Make the middleware that answers in place of what is broken."""

    @web.middleware
    async def broken(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = None if request.path.startswith("/control/") else faults.of(request.path)
        return await handler(request) if fault is None else await _answer(request, handler, fault)

    return broken


async def _answer(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    match fault.kind:
        case Kind.STATUS:
            headers = {"Retry-After": f"{fault.seconds:.0f}"} if fault.seconds else None
            details = {"transaction_id": "Id-emulated"}
            return web.json_response(
                {"error": "EMULATED_FAULT", "error_description": "on demand", "error_details": details},
                status=fault.status,
                headers=headers,
            )
        case Kind.HTML_502:
            page = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
            return web.Response(text=page, content_type="text/html", status=502)
        case Kind.EMPTY:
            return web.Response(body=b"", content_type="application/json")
        case Kind.HALF:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            response.content_length = len(_HALF) * 2
            await response.prepare(request)
            await response.write(_HALF)
            _hang_up(request)
            return response
        case Kind.SLOW:
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        case Kind.NOT_JSON:
            return web.Response(text="Service temporarily unavailable", content_type="text/plain")
        case Kind.WRONG_JSON:
            return web.json_response({"message": "this is another API"})
        case Kind.BIG:
            return web.Response(body=b'{"signals": "' + b"x" * _BIG_BYTES + b'"}', content_type="application/json")
        case Kind.RESET:
            _hang_up(request)
            return web.Response()  # nobody is left to receive it


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _body(request: web.Request) -> dict[str, object]:
    body = await read_json(request)
    if not isinstance(body, dict):
        raise ProblemError(422, "malformed", "an object is needed")
    return body


def _fault(body: dict[str, object]) -> Fault:
    """Read a fault; raise ProblemError with what is wrong."""
    if unknown := body.keys() - {"path", "kind", "times", "seconds", "status"}:
        raise ProblemError(422, "malformed", f"unknown: {', '.join(sorted(unknown))}")
    path, kind, times = body.get("path"), body.get("kind"), body.get("times")
    seconds, status = body.get("seconds", 0), body.get("status", 500)
    if not isinstance(path, str) or not path.startswith("/"):
        raise ProblemError(422, "malformed", "path: the beginning of a path, with its slash")
    if kind not in list(Kind):
        raise ProblemError(422, "malformed", f"kind: one of {', '.join(Kind)}")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ProblemError(422, "malformed", "times: how often, 1 or more")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= 3600:
        raise ProblemError(422, "malformed", "seconds: 0 to 3600")
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status <= 599:
        raise ProblemError(422, "malformed", "status: 400 to 599")
    return Fault(path, Kind(str(kind)), times, float(seconds), status)
