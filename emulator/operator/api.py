"""The operator's side of Annex 1 over HTTP: each path calls the same one of another BACS.

Status, body and the headers that belong to them are handed on as they came. The verdict stands in headers, and in the
journal: Annex 1 has the same functions on both sides, so that a body of ours around the BACS's would not be what a
caller expects.
"""

import asyncio
from http import HTTPStatus
import json
from urllib.parse import quote

from aiohttp import ClientSession, web
from yarl import URL

from ..serve.config import ServeConfig
from ..serve.outward import OutwardError, Reply, call, forwarded
from ..serve.problem import Handler, ProblemError
from ..sessions import Sessions
from ..sessions.journal import OUTCOME
from .judge import Asked, Operation, judge

_PREFIX = "/api/v1/{session_id}/operator"
_ASSET = "/bacs/{bacs_id}/assets/{asset_id}"
_REQUEST = f"{_ASSET}/flexibilities/request/{{request_id}}"
_PATHS = (
    ("GET", "/status", Operation.STATUS),
    ("GET", "/bacs", Operation.SITES),
    ("GET", "/bacs/{bacs_id}", Operation.SITE),
    ("GET", "/bacs/{bacs_id}/assets", Operation.ASSETS),
    ("GET", _ASSET, Operation.ASSET),
    ("GET", f"{_ASSET}/flexibilities", Operation.FLEXIBILITIES),
    ("GET", f"{_ASSET}/consumptions", Operation.CONSUMPTIONS),
    ("GET", f"{_ASSET}/consumptions/aggregated", Operation.CONSUMPTIONS),
    ("POST", f"{_ASSET}/flexibilities/request", Operation.CREATE),
    ("GET", _REQUEST, Operation.REQUEST),
    ("DELETE", _REQUEST, Operation.CANCEL),
    ("POST", f"{_REQUEST}/confirm", Operation.REQUEST),
    ("POST", f"{_REQUEST}/cancel", Operation.CANCEL),
    ("GET", f"{_REQUEST}/consumptions", Operation.REALISE),
)
_PASSED = ("Idempotency-Key", "If-None-Match")
"""Of the caller's own headers, unless the same one comes with the prefix."""
_HANDED_ON = (
    *("Cache-Control", "Content-Type", "ETag", "Idempotency-Replayed", "Location", "Retry-After"),
    "WWW-Authenticate",
)
_NO_BODY = (204, 205, 304)
_KINDS = ("application/json", "application/problem+json")
_MOST_FINDINGS = 20
_LONGEST_HEADER = 4000


def routes(config: ServeConfig, sessions: Sessions, session: ClientSession) -> list[web.RouteDef]:
    """Return the operator's paths."""

    def handler(template: str, operation: Operation) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            row = await sessions.own(request, "OPERATOR")
            url = _target(URL(str(row["url"])), template, request)
            return await _pass_on(config, session, request, url, operation)

        return answer

    return [
        web.get(f"{_PREFIX}{path}", handler(path, operation), allow_head=False)
        if method == "GET"
        else web.route(method, f"{_PREFIX}{path}", handler(path, operation))
        for method, path, operation in _PATHS
    ]


def _target(base: URL, template: str, request: web.Request) -> URL:
    """Return the path of the BACS, with the query of the request added to that of the session's address."""
    names = {name: value for name, value in request.match_info.items() if name != "session_id"}
    if any(value in (".", "..") for value in names.values()):
        raise ProblemError(404, "not-found", "no such path")
    path = template.format_map({name: quote(value, safe="") for name, value in names.items()})
    url = base.with_path(base.raw_path.rstrip("/") + path, encoded=True, keep_query=True)
    return url.extend_query(request.query) if request.query else url


async def _pass_on(
    config: ServeConfig, session: ClientSession, request: web.Request, url: URL, operation: Operation
) -> web.Response:
    headers = forwarded(request.headers)
    for name in _PASSED:
        if name in request.headers:
            headers.setdefault(name, request.headers[name])
    data = None
    if request.method == "POST":  # the examples have bodies of GET too, which mean nothing (RFC 9110, 9.3.1)
        data = await request.read()
        headers.setdefault("Content-Type", request.headers.get("Content-Type", "application/json"))
    try:
        reply = await call(session, request.method, url, headers, private=config.private_targets, data=data)
    except OutwardError as error:
        raise ProblemError(504 if error.code == "upstream-timeout" else 502, error.code, str(error)) from error
    body = _read(reply)
    asked = Asked(operation, request.match_info.get("request_id"), conditional="If-None-Match" in headers)
    findings = await asyncio.to_thread(judge, asked, reply, body)
    told = json.dumps(findings[:_MOST_FINDINGS])
    while len(told) > _LONGEST_HEADER:
        findings = findings[: min(len(findings), _MOST_FINDINGS) - 1]
        told = json.dumps(findings)
    verdict = {"Flex-Ready-Valid": "false" if findings else "true", "Flex-Ready-Findings": told}
    kept = {name: value for name in _HANDED_ON if (value := reply.headers.get(name, "")) and value.isascii()}
    response = web.Response(
        status=reply.status,
        body=None if reply.status in _NO_BODY else reply.data,
        headers={**kept, **verdict, "Flex-Ready-Upstream-Status": str(reply.status)},
    )
    response[OUTCOME] = f"{request.method} {url.path}: {'valid' if not findings else told}"
    return response


def _read(reply: Reply) -> object:
    """Return the JSON of an answer; raise ProblemError for one that has none."""
    if reply.status in _NO_BODY:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        raise ProblemError(502, "upstream-invalid", f"HTTP {reply.status}: a redirection is not followed")
    try:
        if _kind(reply) in _KINDS:
            return json.loads(reply.data)
    except (ValueError, RecursionError) as error:
        raise ProblemError(502, "upstream-invalid", f"HTTP {reply.status} without JSON: {error}"[:500]) from error
    raise ProblemError(502, "upstream-invalid", f"HTTP {reply.status} of the kind {_kind(reply) or 'nothing'}"[:500])


def _kind(reply: Reply) -> str:
    return reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
