"""Annex 2 over HTTP: the supplier's prices, the check of another supplier, signals of administrators."""

from datetime import date, datetime, timedelta
import json
import re

from aiohttp import ClientSession, web
from yarl import URL

from ..serve.auth import caller, require_role
from ..serve.body import read_form, read_json
from ..serve.config import ServeConfig
from ..serve.problem import ProblemError, pointed
from ..sessions import Sessions
from ..sessions.journal import OUTCOME
from ..sessions.store import Row
from .check import check_supplier
from .demo_signal import default_signal
from .validate import ARRAYS, PARIS, judge

_DELIVERY_POINT = re.compile(r"\d{14}", re.ASCII)
_LONGEST = timedelta(days=40)
_PRICES = "{way:suppliers/ ?commodity/prices|supplier/commodity/prices}"
"""Annex 2 spells the path in three ways; a pattern, since a blank in a path with a variable matches nothing."""
_FROM_TO = range(2000, 2200)


def routes(config: ServeConfig, sessions: Sessions, session: ClientSession) -> list[web.RouteDef]:
    """Return what Annex 2 asks for, with and without the prefix of the operator's annex."""
    api = _Api(config, sessions, session)
    return [
        route
        for prefix in ("", "/api/v1")
        for route in (
            web.get(f"{prefix}/sessions/{{session_id}}/{_PRICES}", api.prices, allow_head=False),
            web.get(f"{prefix}/{_PRICES}", api.prices, allow_head=False),
            web.post(f"{prefix}/sessions/{{session_id}}/cems/commodity/prices", api.check),
            web.post(f"{prefix}/admin/signals", api.put_signal),
            web.get(f"{prefix}/admin/signals", api.show_signals, allow_head=False),
        )
    ]


class _Api:
    def __init__(self, config: ServeConfig, sessions: Sessions, session: ClientSession) -> None:
        self._config = config
        self._sessions = sessions
        self._store = sessions.store
        self._session = session

    async def prices(self, request: web.Request) -> web.Response:
        if "session_id" in request.match_info:
            await self._sessions.own(request)
        point, start, end = _asked({name: request.query.get(name) for name in _ASKED})
        text = await self._store.signal(point)
        kept = text or await self._store.signal(None)
        body = _cut(kept, start, end) if kept else json.dumps(default_signal(*_days(start, end)), ensure_ascii=False)
        return web.Response(
            text=body,
            content_type="application/json",
            headers={"Flex-Ready-Data": "delivery-point" if text else "default"},
        )

    async def check(self, request: web.Request) -> web.Response:
        session = await self._sessions.own(request)
        if not session["url"]:
            raise ProblemError(409, "invalid-state", "this session has no supplier: it was opened without url")
        body = await read_json(request)
        if not isinstance(body, dict):
            raise ProblemError(422, "invalid-request", "an object is needed")
        asked = {name: body.get(name) for name in _ASKED}
        _asked(asked)
        verdict = await check_supplier(
            self._session,
            URL(str(session["url"])),
            {name: str(value) for name, value in asked.items()},
            request.headers,
            private=self._config.private_targets,
        )
        response = web.json_response(verdict)
        response[OUTCOME] = "valid" if verdict["valid"] else json.dumps(verdict["errors"])
        return response

    async def put_signal(self, request: web.Request) -> web.Response:
        require_role(request, self._config.admin_role)
        point = request.query.get("delivery_point")
        if point is not None and not _DELIVERY_POINT.fullmatch(point):
            raise ProblemError(422, "invalid-request", "the delivery point is wrong", errors=[_POINT_ERROR])
        judgement = judge(text := await _signal_file(request))
        if judgement.body is None:
            raise ProblemError(422, "invalid-signal", "the signal has errors", errors=judgement.errors)
        row, archived = await self._store.put_signal(point, text, caller(request).subject)
        return web.json_response([_listed(row) | {"archived_id": archived, "warnings": judgement.warnings}], status=201)

    async def show_signals(self, request: web.Request) -> web.Response:
        require_role(request, self._config.admin_role)
        archived = request.query.get("archived", "false").lower()
        if archived not in ("true", "false"):
            wrong = pointed("/archived", "not-a-boolean", "true or false")
            raise ProblemError(422, "invalid-request", "the request is wrong", errors=[wrong])
        rows = await self._store.signals(archived=archived == "true")
        return web.json_response([_listed(row) for row in rows])


_ASKED = ("delivery_point", "start_date", "end_date")
_POINT_ERROR = {"pointer": "/delivery_point", "code": "bad-delivery-point", "detail": "14 digits"}


def _asked(asked: dict[str, object]) -> tuple[str, datetime, datetime]:
    """Read what prices are asked for; raise ProblemError with everything that is wrong."""
    errors = []
    point = asked["delivery_point"]
    if not isinstance(point, str) or not _DELIVERY_POINT.fullmatch(point):
        errors.append(_POINT_ERROR)
    edges = {name: _instant(asked[name]) for name in ("start_date", "end_date")}
    for name, edge in edges.items():
        if edge is None:
            errors.append(pointed(f"/{name}", "bad-time", "ISO 8601 is expected"))
    start, end = edges.values()
    if start is not None and end is not None and not timedelta() < end - start <= _LONGEST:
        errors.append(pointed("/end_date", "bad-period", f"later than start_date, by {_LONGEST.days} days at most"))
    if errors or start is None or end is None:
        raise ProblemError(422, "invalid-request", "the request is wrong", errors=errors)
    return str(point), start, end


def _instant(text: object) -> datetime | None:
    """Read an instant; a date, or one without offset, is of Paris. A plus that became a blank is a plus."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        instant = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text))
        instant = instant.replace(tzinfo=PARIS) if instant.tzinfo is None else instant
        return instant.astimezone(PARIS) if instant.year in _FROM_TO else None
    except ValueError, OverflowError:
        return None


def _days(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the days that a period touches, the last one excluded."""
    return start.date(), (end - timedelta(microseconds=1)).date() + timedelta(days=1)


def _cut(text: str, start: datetime, end: datetime) -> str:
    """Return the steps of a kept signal that lie in a period, numbered anew; all of them as they were kept."""
    signal = json.loads(text)
    times = [datetime.fromisoformat(at) for at in signal["horodate"]]
    spacing = times[1] - times[0] if len(times) > 1 else timedelta(minutes=15)
    kept = [i for i, at in enumerate(times) if at < end and start - at < spacing]
    if len(kept) == len(times):
        return text
    cut = {name: [signal[name][i] for i in kept] for name in ARRAYS}
    cut["step"] = list(range(1, len(kept) + 1))
    return json.dumps(cut, ensure_ascii=False)


async def _signal_file(request: web.Request) -> str:
    """Return the text of the file in a form; raise ProblemError."""
    if request.content_type != "multipart/form-data":
        raise ProblemError(415, "unsupported-media-type", "multipart/form-data with a signal_file is needed")
    form = await read_form(request)
    file = form.get("signal_file")
    try:
        if isinstance(file, web.FileField):
            return file.file.read().decode()
        if isinstance(file, bytes | bytearray):
            return file.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(422, "invalid-signal", "the file is no UTF-8") from error
    if isinstance(file, str):
        return file
    missing = pointed("/signal_file", "missing", "the file of the signal is needed")
    raise ProblemError(422, "invalid-request", "the form has no file", errors=[missing])


def _listed(row: Row) -> dict[str, object]:
    signal = json.loads(str(row["body"]))
    return {
        "id": row["id"],
        "delivery_point": row["delivery_point"],
        "steps": len(signal["step"]),
        "start": signal["horodate"][0],
        "last_step": signal["horodate"][-1],
        "stored_at": row["stored_at"],
        "archived_at": row["archived_at"],
    }
