"""The OpenAPI document of the BACS side of Annex 1."""

from typing import Any

from ..serve.openapi import PROBLEM_SCHEMA
from .life import State
from .measure import AGGREGATIONS, STEPS
from .wire import DECREASE, MOST_SLOTS, MULTIPLIERS, REQUEST_ID

type Document = dict[str, Any]  # JSON

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_LOCAL = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d)?$"}
_ID = {"type": "string", "pattern": f"^{REQUEST_ID.pattern}$"}


def _triplet(*units: str) -> Document:
    return {
        "type": "object",
        "required": ["unit", "value"],
        "properties": {
            "unit": {"enum": list(units)},
            "multiplier": {"enum": ["", "none", "k"]},
            "value": {"type": "number"},
        },
    }


def _asked(*units: str, **bounds: float) -> Document:
    """Return a triplet as it may come in: with any multiplier of CIM, or none."""
    return {
        "type": "object",
        "required": ["unit", "value"],
        "properties": {
            "unit": {"enum": list(units)},
            "multiplier": {"enum": list(MULTIPLIERS)},
            "value": {"type": "number", **bounds},
        },
    }


def _object(required: Document, optional: Document | None = None) -> Document:
    properties = required | (optional or {})
    return {"type": "object", "required": list(required), "additionalProperties": False, "properties": properties}


_POWER = _triplet("W")
_PRICES = ("€/MWh", "€/kWh", "EUR/MWh", "EUR/kWh")
_ENERGY = _triplet("Wh")
_SPAN = {"start": _LOCAL, "end": _LOCAL}
_FINDING = _object({"pointer": _TEXT, "code": _TEXT, "detail": _TEXT})
_SLOTS = {"type": "array", "items": _object({"power": _POWER, **_SPAN})}
_DURATION = {"type": ["integer", "string"], "minimum": 0, "pattern": "^PT[0-9]+M$"}
"""In minutes, or ISO 8601 in the strict dialect."""
_DIRECTION = {"const": DECREASE}
_GIVEN = {
    "power": _POWER,
    "mobilizationDelay": _DURATION,
    "maxDuration": _DURATION,
    "timePeriods": {"type": "array", "items": _object(_SPAN)},
}
_LENIENT = {"flexProduct": _TEXT, "potentiel": _object(_GIVEN | {"activationPerDay": _COUNT})}
_STRICT = {
    "flexProduct": _TEXT,
    "potential": _object(_GIVEN | {"activationsPerDay": _COUNT, "direction": _DIRECTION}),
}
_SITE = _object({"id": _TEXT, "name": _TEXT, "description": _TEXT})
_NAMED = {"assetID": _TEXT, "bacsID": _TEXT}
_ASSET = {"anyOf": [_object(_NAMED | _LENIENT), _object(_NAMED | _STRICT, {"parentAssetID": _TEXT})]}
_FLEXIBILITIES = {"type": "array", "items": {"anyOf": [_object(_LENIENT), _object(_STRICT)]}}
_REQUEST = _object(
    {
        "requestID": _ID,
        "bacsID": _TEXT,
        "assetID": _TEXT,
        "state": {"enum": list(State)},
        "flexProduct": _TEXT,
        "power": _SLOTS,
        "price": _triplet(*_PRICES),
        "expiresAt": _LOCAL,
        "mobilizationDelay": _DURATION,
        "warnings": {"type": "array", "items": _FINDING},
    },
    {"confirmedAt": _LOCAL, "cancelledAt": _LOCAL, "direction": _DIRECTION},
)
_POINTS = {
    "type": "array",
    "items": _object(
        {**_SPAN, "quality": {"const": "measured"}}, {"power": _POWER, "energy": _ENERGY, "baseline": _POWER}
    ),
}
_CONSUMPTIONS = _object(
    {"assetID": _TEXT, "bacsID": _TEXT, "consumptions": _POINTS},
    {"step": {"enum": list(STEPS)}, "aggregation": {"enum": list(AGGREGATIONS)}},
)
_REALISED = _object({"requestID": _ID, "state": {"enum": list(State)}, "step": _TEXT, "consumptions": _POINTS})

_ASKED_SLOT = {
    "type": "object",
    "required": ["power", "start", "end"],
    "properties": {
        "power": _asked("W", exclusiveMinimum=0),
        "start": {"type": "string", "format": "date-time"},
        "end": {"type": "string", "format": "date-time"},
    },
}
_ASKED_POWER = {"type": "array", "minItems": 1, "maxItems": MOST_SLOTS, "items": _ASKED_SLOT}
_EXAMPLE_POWER = [
    {
        "power": {"unit": "W", "multiplier": "k", "value": 80.0},
        "start": "2025-04-02T12:00:00",
        "end": "2025-04-02T12:02:00",
    }
]
_CREATE = {
    "type": "object",
    "required": ["requestID", "flexProduct", "power"],
    "properties": {
        "requestID": _ID,
        "flexProduct": {"type": "string", "minLength": 1},
        "power": _ASKED_POWER,
        "direction": _DIRECTION,
    },
}
_CONFIRM = {
    "type": "object",
    "properties": {"flexProduct": _TEXT, "power": _ASKED_POWER, "ackPrice": _asked(*_PRICES)},
}
_WHO: list[dict[str, list[str]]] = [{"bearer": []}, {}]
"""Without a token in the dialect `emulator` alone: some examples of Annex 1 have none."""
_REFUSALS = {
    400: "The request cannot be read",
    401: "No token, or one that is refused",
    404: "No such session of the caller, or nothing there",
    409: "The session plays something else, or the request is in another state, or another one is in its way",
    413: "The body is too big",
    415: "The body is of another kind",
    422: "The request is understood, and wrong; every error is told",
    503: "The keys of the identity provider cannot be had",
}
_PATH = {
    "session_id": {"type": "string", "format": "uuid"},
    "bacs_id": {"type": "string", "format": "uuid"},
    "asset_id": {"type": "string", "minLength": 1},
    "request_id": _ID,
}


def _operation(
    name: str, summary: str, path: str, answers: Document, refusals: tuple[int, ...] = (), **more: object
) -> Document:
    parameters = [
        {"name": key, "in": "path", "required": True, "schema": schema}
        for key, schema in _PATH.items()
        if f"{{{key}}}" in path
    ]
    queries = more.pop("queries", [])
    assert isinstance(queries, list)
    problem = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
    told = {str(code): {"description": _REFUSALS[code], "content": problem} for code in (401, 404, 409, *refusals, 503)}
    return {
        "operationId": name,
        "security": _WHO,
        "summary": summary,
        "parameters": parameters + queries,
        "responses": answers | told,
        **more,
    }


def _json(status: int, schema: object, description: str) -> Document:
    return {str(status): {"description": description, "content": {"application/json": {"schema": schema}}}}


def _body(schema: object, example: object) -> Document:
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def _query(name: str, schema: object) -> Document:
    return {"name": name, "in": "query", "schema": schema}


_PERIOD = [
    _query("start", {"type": "string", "format": "date-time"}),
    _query("end", {"type": "string", "format": "date-time"}),
    _query("step", {"enum": list(STEPS)}),
    _query("aggregation", {"enum": list(AGGREGATIONS)}),
]
_READ_BODY = (400, 413, 415, 422)
_S = "/api/v1/{session_id}"
_A = f"{_S}/bacs/{{bacs_id}}/assets/{{asset_id}}"
_F = f"{_A}/flexibilities"
_R = f"{_F}/request/{{request_id}}"
_SITES = {"type": "array", "items": _SITE}
_ASSETS = {"type": "array", "items": _ASSET}
_STATUS = _object({"now": _LOCAL, "version": _TEXT})


def _get(name: str, summary: str, path: str, schema: object, **more: object) -> Document:
    refusals = (422,) if "queries" in more else ()
    return {"get": _operation(name, summary, path, _json(200, schema, summary), refusals, **more)}


_CREATED = _json(201, _REQUEST, "The offer; the same request again has the same answer")
_CANCELLED = {"204": {"description": "It is cancelled"}}

OPENAPI: Document = {
    "paths": {
        f"{_S}/status": _get("getStatus", "The clock", f"{_S}/status", _STATUS),
        f"{_S}/bacs": _get("getBacs", "The BACS", f"{_S}/bacs", _SITES),
        f"{_S}/bacs/{{bacs_id}}": _get("getOneBacs", "One BACS", f"{_S}/bacs/{{bacs_id}}", _SITE),
        f"{_S}/bacs/{{bacs_id}}/assets": _get("getAssets", "Its assets", f"{_S}/bacs/{{bacs_id}}/assets", _ASSETS),
        _A: _get("getAsset", "An asset", _A, _ASSET),
        _F: _get("getFlexibilities", "What it can give", _F, _FLEXIBILITIES),
        f"{_A}/consumptions": _get("getConsumptions", "Step by step", _A, _CONSUMPTIONS, queries=_PERIOD),
        f"{_A}/consumptions/aggregated": _get("getAggregated", "Added up", _A, _CONSUMPTIONS, queries=_PERIOD),
        f"{_F}/request": {
            "post": _operation(
                "createFlexRequest",
                "Ask for flexibility; an offer comes back",
                _F,
                _CREATED,
                _READ_BODY,
                requestBody=_body(_CREATE, {"requestID": "req-001", "flexProduct": "WID", "power": _EXAMPLE_POWER}),
            )
        },
        _R: {
            **_get("getRequest", "A request as it is now", _R, _REQUEST),
            "delete": _operation("cancelFlexRequest", "Cancel it", _R, _CANCELLED),
        },
        f"{_R}/confirm": {
            "post": _operation(
                "confirmFlexRequest",
                "Order what was offered",
                _R,
                _json(200, _REQUEST, "The request"),
                _READ_BODY,
                requestBody=_body(_CONFIRM, {"flexProduct": "WID", "power": _EXAMPLE_POWER}),
            )
        },
        f"{_R}/cancel": {"post": _operation("cancelByPost", "Cancel it", _R, _json(200, _REQUEST, "The request"))},
        f"{_R}/consumptions": _get("realizeFlexRequest", "What was drawn in its time", _R, _REALISED),
    }
}
