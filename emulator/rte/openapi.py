"""The OpenAPI document of RTE's side."""

from typing import Any

type Document = dict[str, Any]  # JSON

_LEVEL = {"type": "integer", "minimum": 0, "maximum": 3}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "error_uri": {"type": "string"},
        "error_details": {"type": "object", "properties": {"transaction_id": {"type": "string"}}},
    },
}
_SIGNALS = {
    "type": "object",
    "required": ["signals"],
    "additionalProperties": False,
    "properties": {
        "signals": {
            "type": "array",
            "maxItems": 4,
            "items": {
                "type": "object",
                "required": ["GenerationFichier", "jour", "dvalue", "message", "values"],
                "additionalProperties": False,
                "properties": {
                    "GenerationFichier": {"type": "string", "format": "date-time"},
                    "jour": {"type": "string", "format": "date-time"},
                    "dvalue": {"type": "integer", "minimum": 1, "maximum": 3},
                    "message": {"type": "string"},
                    "values": {
                        "type": "array",
                        "maxItems": 24,
                        "items": {
                            "type": "object",
                            "required": ["pas", "hvalue"],
                            "additionalProperties": False,
                            "properties": {
                                "pas": {"type": "integer", "minimum": 0, "maximum": 23},
                                "hvalue": _LEVEL,
                            },
                        },
                    },
                },
            },
        }
    },
}


def _json(schema: object, description: str) -> Document:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_REFUSALS = {
    "401": _json(_ERROR, "No token, or one that is not valid"),
    "403": _json(_ERROR, "The application is not subscribed to this version"),
}
_BEARER: list[Document] = [{"bearer": []}]
_SIGNALS_RESPONSE = {
    "description": "The days from today on; XML where JSON is not asked for",
    "content": {
        "application/json": {"schema": _SIGNALS},
        "application/xml": {"schema": {"type": "string"}},
    },
}
_TOKEN = {
    "security": [{"basic": []}],
    "responses": {
        "200": _json(
            {
                "type": "object",
                "required": ["access_token", "token_type", "expires_in"],
                "properties": {
                    "access_token": {"type": "string"},
                    "token_type": {"const": "Bearer"},
                    "expires_in": {"type": "integer"},
                },
            },
            "A token for two hours",
        ),
        "401": _json(_ERROR, "The id or the secret is wrong"),
    },
}

OPENAPI: Document = {
    "openapi": "3.1.0",
    "info": {"title": "Emulated RTE: Ecowatt", "version": "5.0"},
    "paths": {
        "/token/oauth/": {
            "post": {"operationId": "createToken", "summary": "Client credentials", **_TOKEN},
            "get": {"operationId": "getToken", "summary": "Works as well at RTE", **_TOKEN},
        },
        "/open_api/ecowatt/v5/signals": {
            "get": {
                "operationId": "getSignals",
                "summary": "Ecowatt: one call in each quarter of an hour of the clock",
                "security": _BEARER,
                "responses": {
                    "200": _SIGNALS_RESPONSE,
                    **_REFUSALS,
                    "429": {
                        **_json(_ERROR, "Called already in this quarter"),
                        "headers": {"Retry-After": {"required": True, "schema": {"type": "integer"}}},
                    },
                },
            }
        },
        "/open_api/ecowatt/v5/sandbox/signals": {
            "get": {
                "operationId": "getSandboxSignals",
                "summary": "Always the same example; no quota",
                "security": _BEARER,
                "responses": {"200": _SIGNALS_RESPONSE, **_REFUSALS},
            }
        },
    },
    "components": {
        "securitySchemes": {
            "basic": {"type": "http", "scheme": "basic"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
    },
}
