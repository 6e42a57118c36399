"""The OpenAPI document of Annex 2."""

from typing import Any

from ..sessions.api import DIALECTS, MODULES
from .validate import ARRAYS

type Document = dict[str, Any]  # JSON

_TEXT = {"type": "string"}
_OPTIONAL_TEXT = {"type": ["string", "null"]}
_POINT = {"type": "string", "pattern": "^[0-9]{14}$"}
_INSTANT = {"type": "string", "format": "date-time"}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_FINDING = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {"pointer": _TEXT, "code": _TEXT, "detail": _TEXT},
}
_QUANTITY = {
    "type": "object",
    "required": ["value", "unit"],
    "properties": {"value": {"type": "number"}, "unit": _TEXT, "multiplier": _OPTIONAL_TEXT},
}
_SIGNAL = {
    "type": "object",
    "required": list(ARRAYS),
    "properties": {
        "step": {"type": "array", "items": {"type": "integer"}},
        "horodate": {"type": "array", "items": _INSTANT},
        **{name: {"type": "array", "items": _QUANTITY} for name in ("power", "cost", "co2")},
    },
}
_SESSION = {
    "type": "object",
    "required": ["id", "emulator_module", "dialect", "url", "created_at", "created_by", "base_url"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "emulator_module": {"enum": list(MODULES)},
        "dialect": {"enum": list(DIALECTS)},
        "url": _OPTIONAL_TEXT,
        "created_at": _INSTANT,
        "created_by": _TEXT,
        "base_url": _TEXT,
    },
}
_LISTED = {
    "id": {"type": "string", "format": "uuid"},
    "delivery_point": _OPTIONAL_TEXT,
    "steps": {"type": "integer"},
    "start": _TEXT,
    "last_step": _TEXT,
    "stored_at": _INSTANT,
    "archived_at": _OPTIONAL_TEXT,
}
_STATUS = {
    "type": "object",
    "required": ["valid", "http_status", "elapsed_ms", "steps", "errors", "warnings"],
    "additionalProperties": False,
    "properties": {
        "valid": {"type": "boolean"},
        "http_status": {"type": ["integer", "null"]},
        "elapsed_ms": {"type": "integer"},
        "steps": {"type": "integer"},
        "errors": {"type": "array", "items": _FINDING},
        "warnings": {"type": "array", "items": _FINDING},
    },
}
_ADDRESS = {"type": "string", "pattern": "^https?://[a-z0-9.-]+(:[0-9]{1,4})?/?$"}
_EXAMPLE = {
    "delivery_point": "14000000000042",
    "start_date": "2026-01-15T00:00:00+01:00",
    "end_date": "2026-01-16T00:00:00+01:00",
}
_EXAMPLE_SIGNAL = (
    '{"step": [1], "horodate": ["2026-01-15T00:00:00+01:00"], "power": [{"value": 9, "unit": "W", "multiplier": "k"}], '
    '"cost": [{"value": 0.15, "unit": "€/kWh", "multiplier": ""}], '
    '"co2": [{"value": 21.5, "unit": "gCO2eq/kWh", "multiplier": ""}]}'
)
_SESSION_ID = {"name": "session_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_REFUSALS = {
    400: "The request cannot be read",
    401: "No token, or one that is refused",
    403: "The role is missing, or the target is not allowed",
    404: "No such session of the caller",
    409: "The session has no supplier to be checked",
    413: "The body is too big",
    415: "The body is of another kind",
    422: "The request is understood, and wrong; every error is told",
    503: "The keys of the identity provider cannot be had",
}


def _json(schema: object, description: str) -> Document:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refused(*statuses: int) -> Document:
    problem = {"application/problem+json": {"schema": _PROBLEM}}
    return {str(status): {"description": _REFUSALS[status], "content": problem} for status in (401, *statuses, 503)}


def _query(name: str, schema: object, *, required: bool = True) -> Document:
    example = {"example": _EXAMPLE[name]} if name in _EXAMPLE else {}
    return {"name": name, "in": "query", "required": required, "schema": schema, **example}


_ASKED = [_query("delivery_point", _POINT), _query("start_date", _INSTANT), _query("end_date", _INSTANT)]
_PRICES_RESPONSE = {
    **_json(_SIGNAL, "The signal: that of the delivery point, else the default one"),
    "headers": {"Flex-Ready-Data": {"schema": {"enum": ["default", "delivery-point"]}}},
}


def _prices(operation: str, *parameters: object) -> Document:
    return {
        "get": {
            "operationId": operation,
            "summary": "The commodity prices of a period",
            "parameters": [*parameters, *_ASKED],
            "responses": {"200": _PRICES_RESPONSE, **_refused(404, 422)},
        }
    }


OPENAPI: Document = {
    "openapi": "3.1.0",
    "info": {"title": "Flex Ready emulator (Annexes 1 and 2)", "version": "1.0"},
    "security": [{"bearer": []}],
    "paths": {
        "/sessions": {
            "post": {
                "operationId": "createSession",
                "summary": "Open a session",
                "parameters": [
                    _query("emulator_module", {"enum": list(MODULES)}),
                    _query("dialect", {"enum": list(DIALECTS)}, required=False),
                    _query("url", _ADDRESS, required=False),
                ],
                "responses": {"201": _json(_SESSION, "The session"), **_refused(422)},
            }
        },
        "/sessions/{session_id}": {
            "get": {
                "operationId": "getSession",
                "parameters": [_SESSION_ID],
                "responses": {"200": _json(_SESSION, "The session"), **_refused(404)},
            }
        },
        "/sessions/{session_id}/reports": {
            "post": {
                "operationId": "createReport",
                "summary": "The journal of a session and a summary, as PDF",
                "parameters": [_SESSION_ID],
                "responses": {
                    "200": {"description": "The report", "content": {"application/pdf": {"schema": {}}}},
                    **_refused(404),
                },
            }
        },
        "/sessions/{session_id}/suppliers/commodity/prices": _prices("getCommodityPricesExchange", _SESSION_ID),
        "/suppliers/commodity/prices": _prices("getCommodityPrices"),
        "/sessions/{session_id}/cems/commodity/prices": {
            "post": {
                "operationId": "checkSupplier",
                "summary": "Ask the supplier at the session's url and judge its answer; EMULATOR_* is forwarded",
                "parameters": [_SESSION_ID],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "example": _EXAMPLE,
                            "schema": {
                                "type": "object",
                                "required": ["delivery_point", "start_date", "end_date"],
                                "properties": {
                                    "delivery_point": _POINT,
                                    "start_date": _INSTANT,
                                    "end_date": _INSTANT,
                                },
                            },
                        }
                    },
                },
                "responses": {"200": _json(_STATUS, "What was found"), **_refused(400, 403, 404, 409, 413, 415, 422)},
            }
        },
        "/admin/signals": {
            "post": {
                "operationId": "addSupplierSignal",
                "summary": "Keep a signal, for a delivery point or as the default one; the former is archived",
                "parameters": [_query("delivery_point", _POINT, required=False)],
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "example": {"signal_file": _EXAMPLE_SIGNAL},
                            "schema": {
                                "type": "object",
                                "required": ["signal_file"],
                                "properties": {"signal_file": {"type": "string"}},
                            },
                        }
                    },
                },
                "responses": {
                    "201": _json(
                        {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": [*_LISTED, "archived_id", "warnings"],
                                "additionalProperties": False,
                                "properties": {
                                    **_LISTED,
                                    "archived_id": _OPTIONAL_TEXT,
                                    "warnings": {"type": "array", "items": _FINDING},
                                },
                            },
                        },
                        "What was kept",
                    ),
                    **_refused(400, 403, 413, 415, 422),
                },
            },
            "get": {
                "operationId": "listSupplierSignals",
                "summary": "The signals in use, or those archived",
                "parameters": [_query("archived", {"type": "boolean"}, required=False)],
                "responses": {
                    "200": _json(
                        {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": list(_LISTED),
                                "additionalProperties": False,
                                "properties": _LISTED,
                            },
                        },
                        "The signals",
                    ),
                    **_refused(403, 422),
                },
            },
        },
    },
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        "schemas": {
            "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": _TEXT,
                    "title": _TEXT,
                    "status": {"type": "integer"},
                    "detail": _TEXT,
                    "instance": _TEXT,
                    "code": _TEXT,
                    "errors": {"type": "array", "items": _FINDING},
                },
            }
        },
    },
}
