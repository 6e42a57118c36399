"""Answers, written: JSON with its entity tag, answers of the request book with their headers."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from urllib.parse import quote

from aiohttp import ETag, hdrs, web
from homeassistant.helpers.json import json_bytes

from ..flexibility.answer import Answer
from .problems import ProblemError, Trouble, problem_response, waiting

JSON = "application/json"
_USUAL = frozenset(("*/*", JSON))
_LIVE = "no-store"
_ASK_AGAIN = "private, no-cache"
_REPLAYED = "Idempotency-Replayed"
_REFUSED = 400
_MOST_WRITTEN = 256


def dumps(body: object) -> bytes:
    """Write JSON."""
    return json_bytes(body)


class Written:
    """What was written last: who asks again for what has not changed is given the same bytes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[bytes, str]] = OrderedDict()

    def get(self, of: Hashable, make: Callable[[], object]) -> tuple[bytes, str]:
        """Return what is written of something, with its entity tag; `of` names it as it is now."""
        if (known := self._kept.get(of)) is None:
            data = dumps(make())
            known = self._kept[of] = data, _tag(data)
            if len(self._kept) > _MOST_WRITTEN:
                self._kept.popitem(last=False)
        return known


def written(request: web.Request, data: bytes, *, tag: str | None = None, live: bool = False) -> web.Response:
    """Answer with JSON that is written, or that it is as the caller has it (RFC 9110, 13.1.2)."""
    tag = tag or _tag(data)
    headers = {hdrs.ETAG: f'"{tag}"', hdrs.CACHE_CONTROL: _LIVE if live else _ASK_AGAIN, hdrs.CONTENT_TYPE: JSON}
    if hdrs.IF_NONE_MATCH in request.headers and any(_same(one, tag) for one in request.if_none_match or ()):
        del headers[hdrs.CONTENT_TYPE]
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, headers=headers)


def told(request: web.Request, answer: Answer, *, at: str = "", tag: str | None = None) -> web.Response:
    """Answer as the request book does; `at` is the address of what was created."""
    headers = waiting(answer.retry_after)
    if answer.replayed:
        headers[_REPLAYED] = "true"
    if answer.created:
        headers[hdrs.LOCATION] = at
    if answer.code is not None:
        return problem_response(answer.body or {}, answer.status, headers)
    if answer.body is None:
        return web.Response(status=answer.status, headers={hdrs.CACHE_CONTROL: _LIVE, **headers})
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        return written(request, dumps(answer.body), tag=tag)
    return web.Response(
        body=dumps(answer.body),
        status=answer.status,
        content_type=JSON,
        headers={hdrs.CACHE_CONTROL: _LIVE, **headers},
    )


def below(path: str, name: str) -> str:
    """Return the address of something below another one."""
    return f"{path}/{quote(name, safe='')}"


def check_accepted(request: web.Request) -> None:
    """Refuse a caller who does not take JSON (RFC 9110, 12.5.1)."""
    if request.headers.get(hdrs.ACCEPT, "*/*") in _USUAL:
        return
    ranges = [part.strip().lower() for part in ",".join(request.headers.getall(hdrs.ACCEPT, [])).split(",")]
    taken = [one for one in ranges if one]
    if taken and not any(_takes_json(one) for one in taken):
        raise ProblemError(Trouble.NOT_ACCEPTABLE, f"the answer is {JSON}")


def _takes_json(media_range: str) -> bool:
    kind, *parameters = (part.strip() for part in media_range.split(";"))
    refused = any(one.startswith("q=") and not one[2:].strip("0.") for one in parameters)
    return kind in ("*/*", "application/*", JSON) and not refused


def _same(given: ETag, tag: str) -> bool:
    return given.value in ("*", tag)


def _tag(data: bytes) -> str:
    return sha256(data).hexdigest()[:32]
