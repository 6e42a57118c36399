"""Bodies of requests, read; what cannot be read is told as a problem."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .problem import ProblemError


async def read_json(request: web.Request) -> object:
    """Return the JSON of a request, whatever it is; raise ProblemError."""
    if "Content-Type" in request.headers and not request.content_type.endswith("json"):
        raise ProblemError(415, "unsupported-media-type", "application/json is needed")
    try:
        return await request.json()
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, "malformed", f"no JSON: {error}") from error


async def read_form(request: web.Request) -> Mapping[str, str | bytes | bytearray | web.FileField]:
    """Return the form of a request, empty for another kind of body; raise ProblemError."""
    try:
        return await request.post()
    except (ValueError, LookupError, HttpProcessingError) as error:
        raise ProblemError(400, "malformed", "the form cannot be read") from error
