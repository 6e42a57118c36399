"""What can go wrong on the way to a signal."""

from collections.abc import Mapping
from enum import StrEnum


class Trouble(StrEnum):
    """Why a signal was not had; the value is a key of the texts for users."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    INVALID_AUTH = "invalid_auth"
    NOT_SUBSCRIBED = "not_subscribed"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    NOT_JSON = "not_json"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TOO_BIG = "too_big"
    WRONG_SHAPE = "wrong_shape"
    REJECTED = "rejected"
    UNEXPECTED = "unexpected"


class SignalError(Exception):
    """A signal was not had: `trouble` says why, `detail` in English for logs.

    `status` is that of HTTP, `retry_after` in s where the server said so, `transaction_id` what RTE's hotline asks for,
    `problem` the members of a problem of RFC 9457 where the server sent one.
    """

    def __init__(
        self,
        trouble: Trouble,
        detail: str,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        transaction_id: str | None = None,
        problem: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{trouble.value}: {detail}")
        self.trouble = trouble
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.transaction_id = transaction_id
        self.problem = problem
