"""A CEMS that asks a supplier for prices, and says what it thinks of the answer."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
import ipaddress
import re
import socket
import time

from aiohttp import ClientError, ClientSession, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from ..serve.problem import ProblemError
from .validate import judge

_TIMEOUT_S = 15
_LIMIT = 1_048_576
_PREFIX = re.compile(r"emulator[_-]", re.IGNORECASE)
_REFUSED = frozenset(
    (
        *("connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate"),
        *("proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"),
    )
)
"""Hop by hop (RFC 9110, 7.6.1), or what the call itself decides."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_ERRORS = 500

type Verdict = dict[str, object]


async def check_supplier(
    session: ClientSession, url: URL, asked: Mapping[str, str], headers: Mapping[str, str], *, private: bool
) -> Verdict:
    """Call a supplier; return a validation status. Raises ProblemError for what the caller did wrong."""
    forwarded = CIMultiDict({"Accept": "application/json"})
    forwarded.update(forwarded_headers(headers))
    if not private and await _is_private(url):
        raise ProblemError(403, "private-target", "suppliers at private or local addresses are not called")
    began = time.monotonic()
    status: int | None = None
    try:
        async with session.get(
            url.update_query(asked),
            headers=forwarded,
            allow_redirects=False,
            timeout=ClientTimeout(total=_TIMEOUT_S),
        ) as answer:
            status = answer.status
            data = bytearray()
            async for chunk in answer.content.iter_any():
                data += chunk
                if len(data) > _LIMIT:
                    return _failed(status, began, "upstream-too-big", f"more than {_LIMIT} bytes")
    except TimeoutError:
        return _failed(status, began, "upstream-timeout", f"no whole answer within {_TIMEOUT_S} s")
    except (ClientError, OSError, ValueError) as error:
        code = "upstream-unreachable" if status is None else "upstream-truncated"
        return _failed(status, began, code, str(error) or type(error).__name__)
    if status != HTTPStatus.OK:
        return _failed(status, began, "upstream-status", f"HTTP {status}, 200 is expected")
    try:
        text = bytes(data).decode()
    except UnicodeDecodeError:
        return _failed(status, began, "not-json", "the answer is no UTF-8")
    judgement = judge(text)
    return {
        "valid": judgement.body is not None,
        "http_status": status,
        "elapsed_ms": round((time.monotonic() - began) * 1000),
        "steps": len(judgement.body["step"]) if judgement.body else 0,
        "errors": judgement.errors[:_MOST_ERRORS],
        "warnings": judgement.warnings[:_MOST_ERRORS],
    }


def forwarded_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers EMULATOR_* without the prefix; raise ProblemError for those that may not be forwarded."""
    found = {name[len(match[0]) :]: value for name, value in headers.items() if (match := _PREFIX.match(name))}
    wrong = [
        {"pointer": "", "code": "refused-header", "detail": f"{name} is not forwarded"}
        for name in found
        if name.lower() in _REFUSED or not _TOKEN.fullmatch(name)
    ]
    if wrong:
        raise ProblemError(422, "refused-header", "some headers may not be forwarded", errors=wrong)
    return found


def _failed(status: int | None, began: float, code: str, detail: str) -> Verdict:
    return {
        "valid": False,
        "http_status": status,
        "elapsed_ms": round((time.monotonic() - began) * 1000),
        "steps": 0,
        "errors": [{"pointer": "", "code": code, "detail": detail[:500]}],
        "warnings": [],
    }


async def _is_private(url: URL) -> bool:
    """Tell whether a host has an address that is not of the public internet."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError, ValueError:
        return False  # nothing is there to be called
    return any(not ipaddress.ip_address(address[0]).is_global for *_, address in found)
