"""Errors as RFC 9457: ``application/problem+json``. RTE's paths answer as RTE does instead."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
import logging
from uuid import uuid4

from aiohttp import web

_LOGGER = logging.getLogger(__name__)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ProblemError(Exception):
    """An answer that is an error; `errors` have pointer (RFC 6901), code and detail each."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.errors = errors
        self.headers = dict(headers or {})


def pointed(pointer: str, code: str, detail: str) -> dict[str, str]:
    """Make one of the errors of a problem."""
    return {"pointer": pointer, "code": code, "detail": detail}


def problem(error: ProblemError) -> web.Response:
    """Make the answer of an error."""
    body: dict[str, object] = {
        "type": f"urn:flex-ready-emulator:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": str(error),
        "instance": f"urn:uuid:{uuid4()}",
        "code": error.code,
    }
    if error.errors:
        body["errors"] = list(error.errors)
    return web.json_response(body, status=error.status, headers=error.headers, content_type="application/problem+json")


def _check_host(request: web.Request) -> None:
    """Refuse a Host that is none (RFC 9112, 3.2); addresses in our answers are built from it."""
    try:
        request.url.origin()
    except ValueError as error:
        raise ProblemError(400, "malformed", "the Host is none") from error


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into an answer that is a problem."""
    try:
        _check_host(request)
        return await handler(request)
    except ProblemError as error:
        return problem(error)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        kept = {name: value for name, value in error.headers.items() if name.lower() in ("allow", "retry-after")}
        code = HTTPStatus(error.status).phrase.lower().replace(" ", "-")
        return problem(ProblemError(error.status, code, error.reason, headers=kept))
    except ConnectionError, TimeoutError:
        raise
    except Exception:
        _LOGGER.exception("%s %s", request.method, request.path)
        return problem(ProblemError(500, "internal", "something unexpected happened; the log says more"))
