"""Calls of servers that others run: where they may stand, what is passed on to them, how long and how much is read."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
import ipaddress
import re
import socket
import time

from aiohttp import ClientError, ClientSession, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from .problem import ProblemError

TIMEOUT_S = 15
LIMIT = 1_048_576
_PREFIX = re.compile(r"emulator[_-]", re.IGNORECASE)
_REFUSED = frozenset(
    (
        *("connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate"),
        *("proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"),
    )
)
"""Hop by hop (RFC 9110, 7.6.1), or what the call itself decides."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=CIMultiDict[str])
    data: bytes = b""


class OutwardError(Exception):
    """Nothing whole came back; the status is there if at least that did."""

    def __init__(self, code: str, detail: str, status: int | None = None) -> None:
        super().__init__(detail[:500])
        self.code = code
        self.status = status


async def call(
    session: ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    *,
    private: bool,
    data: bytes | None = None,
) -> Reply:
    """Call another server, following nothing; raise OutwardError, or ProblemError where it must not be called."""
    if not private and await _is_private(url):
        raise ProblemError(403, "private-target", "servers at private or local addresses are not called")
    status: int | None = None
    try:
        async with session.request(
            method,
            url,
            headers=headers,
            data=data,
            allow_redirects=False,
            timeout=ClientTimeout(total=TIMEOUT_S),
        ) as answer:
            status = answer.status
            read = bytearray()
            async for chunk in answer.content.iter_any():
                read += chunk
                if len(read) > LIMIT:
                    raise OutwardError("upstream-too-big", f"more than {LIMIT} bytes", status)
            return Reply(status, answer.headers, bytes(read))
    except TimeoutError as error:
        raise OutwardError("upstream-timeout", f"no whole answer within {TIMEOUT_S} s", status) from error
    except (ClientError, OSError, ValueError) as error:
        code = "upstream-unreachable" if status is None else "upstream-truncated"
        raise OutwardError(code, str(error) or type(error).__name__, status) from error


def forwarded(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return the headers EMULATOR_* without the prefix; raise ProblemError for those that may not be forwarded."""
    found = {name[len(match[0]) :]: value for name, value in headers.items() if (match := _PREFIX.match(name))}
    wrong = [
        {"pointer": "", "code": "refused-header", "detail": f"{name} is not forwarded"}
        for name in found
        if name.lower() in _REFUSED or not _TOKEN.fullmatch(name)
    ]
    if wrong:
        raise ProblemError(422, "refused-header", "some headers may not be forwarded", errors=wrong)
    passed = CIMultiDict({"Accept": "application/json"})
    passed.update(found)
    return passed


def elapsed_ms(began: float) -> int:
    """Return how long ago a reading of the monotonic clock was."""
    return round((time.monotonic() - began) * 1000)


async def _is_private(url: URL) -> bool:
    """Tell whether a host has an address that is not of the public internet."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError, ValueError:
        return False  # nothing is there to be called
    return any(not ipaddress.ip_address(address[0]).is_global for *_, address in found)
