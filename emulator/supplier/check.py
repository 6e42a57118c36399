"""A CEMS that asks a supplier for prices, and says what it thinks of the answer."""

from collections.abc import Mapping
from http import HTTPStatus
import time

from aiohttp import ClientSession
from yarl import URL

from ..serve.outward import OutwardError, call, elapsed_ms, forwarded
from .validate import judge

_MOST_ERRORS = 500

type Verdict = dict[str, object]


async def check_supplier(
    session: ClientSession, url: URL, asked: Mapping[str, str], headers: Mapping[str, str], *, private: bool
) -> Verdict:
    """Call a supplier; return a validation status. Raises ProblemError for what the caller did wrong."""
    began = time.monotonic()
    try:
        reply = await call(session, "GET", url.update_query(asked), forwarded(headers), private=private)
    except OutwardError as error:
        return _failed(error.status, began, error.code, str(error))
    if reply.status != HTTPStatus.OK:
        return _failed(reply.status, began, "upstream-status", f"HTTP {reply.status}, 200 is expected")
    try:
        text = reply.data.decode()
    except UnicodeDecodeError:
        return _failed(reply.status, began, "not-json", "the answer is no UTF-8")
    judgement = judge(text)
    return {
        "valid": judgement.body is not None,
        "http_status": reply.status,
        "elapsed_ms": elapsed_ms(began),
        "steps": len(judgement.body["step"]) if judgement.body else 0,
        "errors": judgement.errors[:_MOST_ERRORS],
        "warnings": judgement.warnings[:_MOST_ERRORS],
    }


def _failed(status: int | None, began: float, code: str, detail: str) -> Verdict:
    return {
        "valid": False,
        "http_status": status,
        "elapsed_ms": elapsed_ms(began),
        "steps": 0,
        "errors": [{"pointer": "", "code": code, "detail": detail}],
        "warnings": [],
    }
