"""Bodies of calls, read: a bounded number of bytes, and JSON that means one thing only."""

from decimal import Decimal
import json
from typing import Never

from aiohttp import ClientPayloadError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from .problems import ProblemError, Trouble

LIMIT = 65_536
_DEEPEST = 16
"""A request has a depth of 4."""


def check_length(request: web.Request) -> None:
    """Refuse a body that is announced as too big, before any of it is read."""
    if (request.content_length or 0) > LIMIT:
        raise _too_big()


async def read_json(request: web.Request) -> object:
    """Return the JSON of a call, numbers with a point as Decimal; raise ProblemError."""
    if hdrs.CONTENT_TYPE in request.headers and not _is_json(request):
        raise ProblemError(Trouble.UNSUPPORTED_MEDIA_TYPE, "application/json in UTF-8 is needed")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise ProblemError(Trouble.UNSUPPORTED_MEDIA_TYPE, "the body is not to be compressed")
    data = bytearray()
    try:
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > LIMIT:
                raise _too_big()
        body = json.loads(data.decode(), parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_unambiguous)
    except (ClientPayloadError, HttpProcessingError) as error:
        raise ProblemError(Trouble.MALFORMED, "the body ends too soon") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ProblemError(Trouble.MALFORMED, f"no usable JSON: {error!s:.80}") from error
    if not _shallow(body):
        raise ProblemError(Trouble.MALFORMED, "the JSON is too deep")
    return body


def _is_json(request: web.Request) -> bool:
    kind = request.content_type
    return (kind == "application/json" or kind.endswith("+json")) and (request.charset or "utf-8").lower() == "utf-8"


def _too_big() -> ProblemError:
    return ProblemError(Trouble.TOO_BIG, f"a body has {LIMIT} bytes at most", headers={hdrs.CONNECTION: "close"})


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object; a name that comes twice means one thing to one reader and another to the next (RFC 8259, 4)."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name comes twice")
    return made


def _shallow(body: object) -> bool:
    level = [body]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False
