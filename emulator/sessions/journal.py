"""The journal of a session: every exchange under its path, without bodies and without tokens."""

import re
import time

from aiohttp import web
from aiohttp.typedefs import Middleware

from ..serve.auth import caller, is_guest
from ..serve.problem import Handler, ProblemError
from .store import Store

_SESSION = re.compile(r"(?:(?:/api/v1)?/sessions|/api/v1)/([0-9a-f-]{36})(?:/|$)")
OUTCOME = web.ResponseKey("outcome", str)
"""What a handler has to say of its answer."""


def journal(store: Store) -> Middleware:
    """Make the middleware that writes the journal."""

    @web.middleware
    async def written(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (found := _SESSION.match(request.path)) is None:
            return await handler(request)
        began = time.monotonic()
        status, size, outcome = 500, 0, "internal"
        try:
            response = await handler(request)
        except ProblemError as error:
            status, outcome = error.status, f"{error.code}: {error}"
            raise
        except web.HTTPException as error:
            status, outcome = error.status, error.reason
            raise
        else:
            status = response.status
            size = len(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else 0
            outcome = response.get(OUTCOME, "")
            return response
        finally:
            outcome = f"without a token; {outcome}" if is_guest(request) else outcome
            await store.add_exchange(
                found[1],
                caller(request).subject,
                {
                    "method": request.method[:16],
                    "path": request.path_qs[:2000],
                    "status": status,
                    "elapsed_ms": round((time.monotonic() - began) * 1000),
                    "size": size,
                    "outcome": outcome[:2000],
                },
            )

    return written
