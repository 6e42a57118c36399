"""What goes wrong with a call before or beside the request book, as RFC 9457 has it."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
import json
from math import ceil
from uuid import uuid4

from aiohttp import hdrs, web

from ..flexibility.problem import Finding

OUTCOME = "flex_ready_outcome"
"""Under which an answer has its code, for the record of calls."""
_MOST_ERRORS = 50
"""That are told of one body: the answer to a bad one is not to outgrow it."""


class Trouble(StrEnum):
    """What is wrong with a call as such; what is wrong with a request is flexibility's."""

    MALFORMED = "malformed"
    INVALID_TOKEN = "invalid-token"  # noqa: S105  # what is told of one
    INSUFFICIENT_SCOPE = "insufficient-scope"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    TOO_BIG = "payload-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    BAD_PERIOD = "bad-period"
    RATE_LIMITED = "rate-limited"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return _STATUS[self]


_STATUS = {
    Trouble.MALFORMED: 400,
    Trouble.INVALID_TOKEN: 401,
    Trouble.INSUFFICIENT_SCOPE: 403,
    Trouble.NOT_FOUND: 404,
    Trouble.METHOD_NOT_ALLOWED: 405,
    Trouble.NOT_ACCEPTABLE: 406,
    Trouble.TOO_BIG: 413,
    Trouble.UNSUPPORTED_MEDIA_TYPE: 415,
    Trouble.BAD_PERIOD: 422,
    Trouble.RATE_LIMITED: 429,
    Trouble.INTERNAL: 500,
    Trouble.UNAVAILABLE: 503,
}


class ProblemError(Exception):
    """A call that is answered with a problem."""

    def __init__(
        self,
        trouble: Trouble,
        detail: str,
        *,
        retry_after: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.retry_after = retry_after
        self.headers = headers or {}
        self.findings = findings

    def response(self) -> web.Response:
        """Return the answer."""
        body: dict[str, object] = {
            "type": f"problems/{self.trouble.value}",
            "title": self.trouble.value.replace("-", " ").capitalize(),
            "status": self.trouble.status,
            "detail": str(self),
            "code": self.trouble.value,
        }
        if self.findings:
            body["errors"] = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in self.findings]
        return problem_response(body, self.trouble.status, headers={**self.headers, **waiting(self.retry_after)})


def problem_response(body: Mapping[str, object], status: int, headers: Mapping[str, str]) -> web.Response:
    """Write a problem; each has an instance of its own, by which operator and BACS can speak of it."""
    errors = body.get("errors")
    capped = {"errors": errors[:_MOST_ERRORS]} if isinstance(errors, list) else {}
    response = web.Response(
        text=json.dumps({**body, **capped, "instance": f"urn:uuid:{uuid4()}"}),
        status=status,
        content_type="application/problem+json",
        headers={hdrs.CACHE_CONTROL: "no-store", **headers},
    )
    response[OUTCOME] = body.get("code", "")
    return response


def waiting(retry_after: timedelta | None) -> dict[str, str]:
    """Return the header that says when to come again."""
    if retry_after is None:
        return {}
    return {hdrs.RETRY_AFTER: str(max(1, ceil(retry_after.total_seconds())))}
