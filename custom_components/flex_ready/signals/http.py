"""One HTTP call that answers JSON, bounded in time and size; every failure has its trouble."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
from typing import Never

from aiohttp import ClientError, ClientPayloadError, ClientResponse, ClientSession, ClientTimeout, InvalidURL

from .errors import SignalError, Trouble

TIMEOUT_S = 30
LIMIT_BYTES = 1_048_576
_ERROR_BYTES = 65_536
_LONGEST_WAIT_S = 86_400
_TROUBLES = {
    HTTPStatus.UNAUTHORIZED: Trouble.INVALID_AUTH,
    HTTPStatus.FORBIDDEN: Trouble.NOT_SUBSCRIBED,
    HTTPStatus.NOT_FOUND: Trouble.NOT_FOUND,
    HTTPStatus.BAD_REQUEST: Trouble.BAD_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY: Trouble.BAD_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS: Trouble.RATE_LIMITED,
}


_OK = frozenset((HTTPStatus.OK,))
PROBLEM = "application/problem+json"
"""The media type of RFC 9457."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer: its JSON (numbers with a point as Decimal; None if there is none), its text, its headers."""

    body: object
    text: str
    headers: Mapping[str, str]


async def fetch(
    session: ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    body: object = None,
    good: frozenset[int] = _OK,
    timeout_s: float = TIMEOUT_S,
    limit: int = LIMIT_BYTES,
) -> Reply:
    """Call a server, with a form or a JSON body; return its JSON if its status is one of the good ones.

    Raises SignalError. Redirects are not followed: they would carry the token.
    """
    try:
        async with session.request(
            method,
            url,
            headers={"Accept": "application/json", **(headers or {})},
            params=params,
            data=data,
            json=body,
            allow_redirects=False,
            timeout=ClientTimeout(total=timeout_s),
        ) as response:
            if response.status not in good:
                await _refused(response)
            if response.status == HTTPStatus.NO_CONTENT:
                return Reply(None, "", response.headers)
            text = await _text(response, limit)
            return Reply(parse_json(text), text, response.headers)
    except TimeoutError as error:
        raise SignalError(Trouble.TIMEOUT, f"no answer within {timeout_s:g} s") from error
    except ClientPayloadError as error:
        raise SignalError(Trouble.TRUNCATED, "the connection ended before the answer did") from error
    except InvalidURL as error:
        raise SignalError(Trouble.UNREACHABLE, "this is not an address") from error
    except (ClientError, OSError, ValueError) as error:
        raise SignalError(Trouble.UNREACHABLE, str(error) or type(error).__name__) from error


def parse_json(text: str) -> object:
    """Read JSON, numbers with a point as Decimal; raise SignalError if it is none, cut off, or absurdly deep."""
    if not text.strip():
        raise SignalError(Trouble.EMPTY, "the answer is empty")
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_constant)
    except json.JSONDecodeError as error:
        begins = text.lstrip()[:1]
        if begins in ("{", "[") and error.pos >= len(text.rstrip()) - 1:
            raise SignalError(Trouble.TRUNCATED, "the JSON ends too soon") from error
        if begins in ("{", "[") and error.msg.startswith("Unterminated string"):
            raise SignalError(Trouble.TRUNCATED, "the JSON ends within a text") from error
        raise SignalError(Trouble.NOT_JSON, f"no JSON: {text.strip()[:60]!r}") from error
    except (RecursionError, ValueError) as error:
        raise SignalError(Trouble.NOT_JSON, f"no usable JSON: {error!s:.60}") from error


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")


async def _text(response: ClientResponse, limit: int) -> str:
    """Read a body of a bounded size."""
    if (response.content_length or 0) > limit:
        raise SignalError(Trouble.TOO_BIG, f"{response.content_length} bytes are announced")
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise SignalError(Trouble.TOO_BIG, f"more than {limit} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SignalError(Trouble.NOT_JSON, "the answer is no UTF-8") from error


async def _refused(response: ClientResponse) -> Never:
    """Say what an answer other than 200 means."""
    status = response.status
    trouble = _TROUBLES.get(HTTPStatus(status)) if status in HTTPStatus else None
    if trouble is None:
        trouble = Trouble.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Trouble.UNEXPECTED
    explained = await _explained(response)
    details = explained.get("error_details")
    transaction = details.get("transaction_id") if isinstance(details, Mapping) else None
    code = next((explained[key] for key in ("error", "code", "title") if isinstance(explained.get(key), str)), "")
    raise SignalError(
        trouble,
        f"HTTP {status}{f' {str(code)[:80]}' if code else ''}",
        status=status,
        retry_after=_seconds(response.headers.get("Retry-After")),
        transaction_id=transaction[:80] if isinstance(transaction, str) else None,
        problem=explained if response.content_type == PROBLEM else None,
    )


async def _explained(response: ClientResponse) -> Mapping[str, object]:
    """Return what the server says of an error, where it says it in JSON."""
    try:
        body = parse_json(await _text(response, _ERROR_BYTES))
    except SignalError, ClientError, TimeoutError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _seconds(retry_after: str | None) -> int | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds or a date; None if there is none that makes sense."""
    if retry_after is None:
        return None
    try:
        if retry_after.strip().isdecimal():
            seconds = int(retry_after)
        else:
            seconds = round((parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except TypeError, ValueError, OverflowError:
        return None
    return min(max(seconds, 0), _LONGEST_WAIT_S)
