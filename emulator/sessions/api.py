"""Sessions over HTTP: opened, shown, reported; those of one module found for the paths of an annex."""

import asyncio

from aiohttp import web
from yarl import URL

from ..serve.auth import caller
from ..serve.problem import ProblemError, pointed
from .report import report
from .store import Row, Store

MODULES = ("SUPPLIER", "CEMS", "BACS", "OPERATOR")
DIALECTS = ("emulator", "native")
"""How strict a BACS is: the first tells as a warning what the second refuses."""
_OF_ANNEX_1 = "/api/v1/{session_id}/"
_WITH_ADDRESS = {
    "CEMS": "a CEMS session checks the supplier at this address",
    "OPERATOR": "an OPERATOR session calls the BACS at this address",
}


class Sessions:
    """The sessions that a store keeps."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self) -> list[web.RouteDef]:
        """Return their paths, with and without the prefix of Annex 1."""
        return [
            route
            for prefix in ("", "/api/v1")
            for route in (
                web.post(f"{prefix}/sessions", self._open),
                web.get(f"{prefix}/sessions/{{session_id}}", self._show),
                web.post(f"{prefix}/sessions/{{session_id}}/reports", self._report),
            )
        ]

    async def own(self, request: web.Request, module: str | None = None) -> Row:
        """Return the session in a path, if it is the caller's; raise ProblemError, as for one of another module."""
        row = await self.store.session(request.match_info["session_id"], caller(request).subject)
        if row is None:
            raise ProblemError(404, "not-found", "no such session of yours")
        if module is not None and row["emulator_module"] != module:
            raise ProblemError(409, "invalid-state", f"this session plays {row['emulator_module']}, not {module}")
        return row

    async def guest(self, request: web.Request) -> str | None:
        """Return in whose name a call without a token may be made: some examples of Annex 1 are printed without one.

        It is who opened the session, in the dialect that takes the annex to the letter; the id in the path is not to
        be guessed.
        """
        resource = request.match_info.route.resource
        if resource is None or not resource.canonical.startswith(_OF_ANNEX_1):
            return None
        return await self.store.owner(request.match_info["session_id"], DIALECTS[0])

    async def _open(self, request: web.Request) -> web.Response:
        module = request.query.get("emulator_module", "").upper()
        url, dialect = request.query.get("url"), request.query.get("dialect")
        errors = []
        if module not in MODULES:
            errors.append(pointed("/emulator_module", "unknown-module", f"one of {', '.join(MODULES)}"))
        if url is not None and not _is_address(url):
            errors.append(pointed("/url", "no-address", "http:// or https:// and a host"))
        if module in _WITH_ADDRESS and url is None:
            errors.append(pointed("/url", "missing", _WITH_ADDRESS[module]))
        if dialect is not None and dialect not in DIALECTS:
            errors.append(pointed("/dialect", "unknown-dialect", f"one of {', '.join(DIALECTS)}"))
        if errors:
            raise ProblemError(422, "invalid-session", "the session cannot be opened", errors=errors)
        row = await self.store.add_session(module, url, caller(request).subject, dialect or DIALECTS[0])
        return web.json_response(_shown(request, row), status=201, headers={"Location": f"/sessions/{row['id']}"})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(request, await self.own(request)))

    async def _report(self, request: web.Request) -> web.Response:
        session = await self.own(request)
        exchanges = await self.store.exchanges(str(session["id"]))
        name = f"session-{session['id']}.pdf"
        return web.Response(
            body=await asyncio.to_thread(report, session, exchanges),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _is_address(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _shown(request: web.Request, row: Row) -> dict[str, object]:
    """Write a session; its base is where the paths of its annex begin."""
    origin, identifier = request.url.origin(), str(row["id"])
    base = {"BACS": f"api/v1/{identifier}", "OPERATOR": f"api/v1/{identifier}/operator"}
    return {
        "id": identifier,
        "emulator_module": row["emulator_module"],
        "dialect": row["dialect"],
        "url": row["url"],
        "created_at": row["created_at"],
        "created_by": row["created_by"],
        "base_url": f"{origin}/{base.get(str(row['emulator_module']), f'sessions/{identifier}')}",
    }
