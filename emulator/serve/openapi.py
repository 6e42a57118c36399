"""The OpenAPI document of who may call; and the documents of several parts as one."""

from typing import Any

type Document = dict[str, Any]  # JSON

_TEXT = {"type": "string"}


def _json(schema: object, description: str) -> Document:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> Document:
    return {"description": description, "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}}}


PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
_TOKENS = {
    "type": "object",
    "required": ["access_token", "token_type", "expires_in"],
    "properties": {"access_token": _TEXT, "token_type": {"const": "Bearer"}, "expires_in": {"type": "integer"}},
}

IDENTITY: Document = {
    "paths": {
        "/auth/login": {
            "get": {
                "operationId": "login",
                "summary": "A link to the identity provider",
                "security": [],
                "responses": {
                    "200": _json(
                        {
                            "type": "object",
                            "required": ["login_url", "issuer"],
                            "additionalProperties": False,
                            "properties": {"login_url": _TEXT, "issuer": _TEXT},
                        },
                        "Where to log in",
                    ),
                    "502": _problem("The identity provider does not answer as one"),
                },
            }
        },
        "/auth/callback": {
            "get": {
                "operationId": "callback",
                "summary": "Where the identity provider sends the browser back to",
                "security": [],
                "parameters": [
                    {"name": "code", "in": "query", "required": True, "schema": _TEXT},
                    {"name": "state", "in": "query", "schema": _TEXT},
                ],
                "responses": {
                    "200": _json(_TOKENS, "A token"),
                    "400": _problem("The code is unknown, used, or too old"),
                    "404": _problem("The tokens of another identity provider are accepted"),
                },
            }
        },
    }
}


def merged(document: Document, *parts: Document) -> Document:
    """Return a document with the paths of other parts added."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    for part in parts:
        added = part["paths"]
        assert isinstance(added, dict)
        paths = {**added, **paths}
    return {**document, "paths": paths}
