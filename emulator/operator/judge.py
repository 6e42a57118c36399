"""An answer of a BACS judged: status and shape. Annex 1 lost the replies, so every name that it may mean is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from itertools import pairwise
from math import isfinite

from ..meter.clock import PARIS
from ..serve.outward import Reply
from ..serve.problem import pointed

_MOST = 500
_STATES = frozenset(
    (
        *("received", "offered", "rejected", "expired", "confirmed", "scheduled", "mobilising", "active"),
        *("recovering", "completed", "failed", "cancelled", "settled"),
    )
)
_ASSET_ID = ("assetID", "assetId", "asset_id", "id")
_POTENTIAL = ("potentiel", "potential", "potentials", "potentiels")
_SEVERAL = "flexibilities"
"""Where an asset has none, or more than one."""
_PERIODS = ("timePeriods", "timePeriod")
_MISSING = "missing"
"""The quality of a step of which nothing is known."""


class Operation(StrEnum):
    """What a BACS is asked for."""

    SITES = "sites"
    SITE = "site"
    ASSETS = "assets"
    ASSET = "asset"
    FLEXIBILITIES = "flexibilities"
    CREATE = "create"
    REQUEST = "request"
    CANCEL = "cancel"
    REALISE = "realise"
    CONSUMPTIONS = "consumptions"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and of which request."""

    operation: Operation
    request_id: str | None = None
    conditional: bool = False
    """Whether nothing new may be the answer (If-None-Match)."""


type Finding = dict[str, str]


def judge(asked: Asked, reply: Reply, body: object) -> list[Finding]:
    """Return everything that is wrong with an answer."""
    found = []
    for finding in _findings(asked, reply, body):
        found.append(finding)
        if len(found) >= _MOST:
            break
    return found


def _findings(asked: Asked, reply: Reply, body: object) -> Iterator[Finding]:
    expected = {Operation.CREATE: (200, 201, 202), Operation.CANCEL: (200, 202, 204)}.get(asked.operation, (200,))
    if reply.status >= 400:
        yield from _problem(reply, body)
        return
    if asked.conditional and reply.status == HTTPStatus.NOT_MODIFIED:
        return
    if reply.status not in expected:
        yield pointed("", "status", f"HTTP {reply.status}; expected: {', '.join(map(str, expected))}")
    match asked.operation:
        case Operation.SITES:
            yield from _each(body, "", _site)
        case Operation.SITE:
            yield from _site(body, "")
        case Operation.ASSETS:
            yield from _each(body, "", _asset)
        case Operation.ASSET:
            yield from _asset(body, "")
        case Operation.FLEXIBILITIES:
            yield from _each(body, "", _flexibility) if isinstance(body, list) else _flexibility(body, "")
        case Operation.STATUS:
            yield from _status(body)
        case Operation.CONSUMPTIONS:
            yield from _consumptions(body)
        case Operation.REALISE:
            yield from _request_id(asked, body)
            yield from _consumptions(body)
        case Operation.CANCEL if body is None:
            pass
        case Operation.CREATE | Operation.REQUEST | Operation.CANCEL:
            yield from _request(asked, body)


def _problem(reply: Reply, body: object) -> Iterator[Finding]:
    if not reply.headers.get("Content-Type", "").startswith("application/problem+json"):
        yield pointed("", "no-problem", "an error is application/problem+json (RFC 9457)")
    elif not isinstance(body, dict):
        yield pointed("", "no-problem", "a problem is an object")
    elif body.get("status", reply.status) != reply.status:
        yield pointed("/status", "status", f"HTTP {reply.status} is the status")


def _each(body: object, where: str, judge_one: Callable[[object, str], Iterator[Finding]]) -> Iterator[Finding]:
    if not isinstance(body, list):
        yield pointed(where, "not-an-array", "an array is needed")
        return
    for i, item in enumerate(body):
        yield from judge_one(item, f"{where}/{i}")


def _site(item: object, where: str) -> Iterator[Finding]:
    if isinstance(item, dict):
        yield from _text(item, where, ("id", "bacsID", "bacsId", "bacs_id"))
        yield from _text(item, where, ("name",))
    else:
        yield pointed(where, "not-an-object", "a BACS is an object")


def _asset(item: object, where: str) -> Iterator[Finding]:
    if isinstance(item, dict):
        yield from _text(item, where, _ASSET_ID)
        if isinstance(item.get(_SEVERAL), list):
            yield from _each(item[_SEVERAL], f"{where}/{_SEVERAL}", _flexibility)
        else:
            yield from _flexibility(item, where)
    else:
        yield pointed(where, "not-an-object", "an asset is an object")


def _flexibility(item: object, where: str) -> Iterator[Finding]:
    if not isinstance(item, dict):
        yield pointed(where, "not-an-object", "a flexibility is an object")
        return
    yield from _text(item, where, ("flexProduct", "flex_product"))
    name = next((name for name in _POTENTIAL if name in item), None)
    potential = item.get(name) if name else None
    if not isinstance(potential, dict):
        yield pointed(f"{where}/{name or _POTENTIAL[0]}", "missing", "the potential is an object")
        return
    inside = f"{where}/{name}"
    yield from _quantity(potential.get("power"), f"{inside}/power", ("W",))
    periods = next((name for name in _PERIODS if name in potential), _PERIODS[0])
    yield from _spans(potential.get(periods), f"{inside}/{periods}")


def _request(asked: Asked, body: object) -> Iterator[Finding]:
    yield from _request_id(asked, body)
    if not isinstance(body, dict):
        return
    if "flexProduct" in body:
        yield from _text(body, "", ("flexProduct",))
    if "power" in body:
        yield from _spans(body["power"], "/power")
        for i, slot in enumerate(body["power"] if isinstance(body["power"], list) else ()):
            yield from _quantity(slot.get("power") if isinstance(slot, dict) else None, f"/power/{i}/power", ("W",))


def _request_id(asked: Asked, body: object) -> Iterator[Finding]:
    if not isinstance(body, dict):
        yield pointed("", "not-an-object", "a request is an object")
        return
    yield from _text(body, "", ("requestID",))
    if asked.request_id is not None and body.get("requestID", asked.request_id) != asked.request_id:
        yield pointed("/requestID", "another-request", f"{asked.request_id} was asked for"[:200])
    state = body.get("state")
    if not isinstance(state, str) or state not in _STATES:
        yield pointed("/state", "unknown-state", f"one of {', '.join(sorted(_STATES))}")


def _status(body: object) -> Iterator[Finding]:
    text = body.get("now") if isinstance(body, dict) else None
    if not isinstance(text, str) or _instant(text) is None:
        yield pointed("/now", "bad-time", "the time of the BACS is ISO 8601")


def _consumptions(body: object) -> Iterator[Finding]:
    points = body.get("consumptions") if isinstance(body, dict) else body
    yield from _spans(points, "/consumptions")
    for i, point in enumerate(points if isinstance(points, list) else ()):
        if not isinstance(point, dict):
            continue
        where = f"/consumptions/{i}"
        if "power" not in point and "energy" not in point and point.get("quality") != _MISSING:
            yield pointed(where, "missing", "power or energy is needed")
        for name, units in (("power", ("W",)), ("energy", ("Wh",)), ("baseline", ("W",))):
            if name in point:
                yield from _quantity(point[name], f"{where}/{name}", units)


def _spans(items: object, where: str) -> Iterator[Finding]:
    """Judge stretches of time: each with start and end, in order, none over another."""
    if not isinstance(items, list):
        yield pointed(where, "not-an-array", "an array is needed")
        return
    spans: list[tuple[int, datetime, datetime]] = []
    for i, item in enumerate(items):
        edges = [_instant(item.get(name) if isinstance(item, dict) else None) for name in ("start", "end")]
        start, end = edges
        if start is None or end is None:
            yield pointed(f"{where}/{i}", "bad-time", "start and end are ISO 8601")
        elif end <= start:
            yield pointed(f"{where}/{i}/end", "bad-period", "it is not later than start")
        else:
            spans.append((i, start, end))
    for (_, _, before), (i, start, _) in pairwise(spans):
        if start < before:
            yield pointed(f"{where}/{i}/start", "not-increasing", "it begins before the one before ends")


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at.replace(tzinfo=PARIS) if at is not None and at.tzinfo is None else at
    except ValueError:
        return None


def _quantity(value: object, where: str, units: tuple[str, ...]) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield pointed(where, "not-a-quantity", "unit, multiplier and value are needed")
        return
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(float(str(number))):
        yield pointed(f"{where}/value", "not-a-number", "a finite number is needed")
    if value.get("unit") not in units:
        yield pointed(f"{where}/unit", "unknown-unit", f"one of {', '.join(units)}")
    if not isinstance(value.get("multiplier"), str | None):
        yield pointed(f"{where}/multiplier", "unknown-multiplier", "a text is needed")


def _text(item: Mapping[str, object], where: str, names: tuple[str, ...]) -> Iterator[Finding]:
    name = next((name for name in names if name in item), names[0])
    if not isinstance(item.get(name), str) or not item[name]:
        yield pointed(f"{where}/{name}", "missing", "a text is needed")
