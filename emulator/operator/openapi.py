"""The OpenAPI document of the operator's side of Annex 1: that of the BACS, with what lies between."""

from typing import Any

from ..bacs.openapi import OPENAPI as BACS
from ..serve.openapi import PROBLEM_SCHEMA

type Document = dict[str, Any]  # JSON

_PROBLEM = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
_HEADERS = {
    "Flex-Ready-Upstream-Status": {"schema": {"type": "integer"}, "description": "There if the BACS answered"},
    "Flex-Ready-Valid": {"schema": {"enum": ["true", "false"]}},
    "Flex-Ready-Findings": {"schema": {"type": "string"}, "description": "What is wrong (JSON), at most 20"},
}
_BEYOND = {
    "403": "The address may not be called",
    "502": "The BACS answers no JSON, or not at all",
    "504": "The BACS takes too long",
}


def _handed_on(operation: Document) -> Document:
    """Return an operation whose good answers are whatever the BACS says."""
    answers = {
        status: {"description": "What the BACS answers", "headers": _HEADERS}
        | ({"content": {"application/json": {"schema": {}}}} if status != "204" else {})
        if status < "300"
        else answer
        for status, answer in operation["responses"].items()
    }
    beyond = {status: {"description": text, "content": _PROBLEM} for status, text in _BEYOND.items()}
    others = {"description": "Another answer of the BACS", "content": {"application/json": {"schema": {}}, **_PROBLEM}}
    name = operation["operationId"]
    return {
        **operation,
        "operationId": f"operator{name[0].upper()}{name[1:]}",
        "summary": f"{operation['summary']} (Operator)",
        "responses": answers | beyond | {"default": others},
    }


OPENAPI: Document = {
    "paths": {
        path.replace("{session_id}", "{session_id}/operator", 1): {
            method: _handed_on(operation) for method, operation in item.items()
        }
        for path, item in BACS["paths"].items()
    }
}
