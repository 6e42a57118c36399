"""What can go wrong on the way to a BACS: what passes, and is tried again, and what does not."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from ..signals.errors import SignalError, Trouble
from .problem import Code, RefusedError


class Fault(StrEnum):
    """Why a call came to nothing; the value is a key of the texts for users."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    NO_BACS = "no_bacs"
    """404 of something that is no BACS: a gateway whose server is away."""
    GARBLED = "garbled"
    """No JSON, or cut off."""
    NO_TOKEN = "no_token"  # noqa: S105
    """The identity provider gives none for now."""
    IN_PROGRESS = "in_progress"
    """The BACS is still judging the request."""
    INVALID_AUTH = "invalid_auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """By a rule of the BACS: its code says which."""
    WRONG_SHAPE = "wrong_shape"
    """JSON, but not that of this API in this dialect."""
    UNEXPECTED = "unexpected"

    @property
    def temporary(self) -> bool:
        """Whether the same call may succeed later (UFTP: 5xx and 404 of a gateway; other 4xx are final)."""
        return self in _TEMPORARY


_TEMPORARY = frozenset(
    (
        *(Fault.UNREACHABLE, Fault.TIMEOUT, Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.NO_BACS, Fault.GARBLED),
        *(Fault.NO_TOKEN, Fault.IN_PROGRESS),
    )
)
_FAULTS = {
    Trouble.UNREACHABLE: Fault.UNREACHABLE,
    Trouble.TIMEOUT: Fault.TIMEOUT,
    Trouble.SERVER_ERROR: Fault.SERVER_ERROR,
    Trouble.RATE_LIMITED: Fault.RATE_LIMITED,
    Trouble.NOT_JSON: Fault.GARBLED,
    Trouble.EMPTY: Fault.GARBLED,
    Trouble.TRUNCATED: Fault.GARBLED,
    Trouble.TOO_BIG: Fault.WRONG_SHAPE,
    Trouble.INVALID_AUTH: Fault.INVALID_AUTH,
    Trouble.NOT_SUBSCRIBED: Fault.FORBIDDEN,
    Trouble.BAD_REQUEST: Fault.REFUSED,
}


class BacsError(Exception):
    """A call to a BACS came to nothing: `fault` says why, `detail` in English, as the BACS says it where it does.

    `code` is the BACS's own, `retry_after` how long it wants not to be asked.
    """

    def __init__(
        self,
        fault: Fault,
        detail: str,
        *,
        status: int | None = None,
        code: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.status = status
        self.code = code
        self.retry_after = retry_after

    @classmethod
    def of(cls, error: SignalError) -> BacsError:
        """Say what a failed call means."""
        told = error.problem or {}
        code = _text(told, "code")
        wait = None if error.retry_after is None else timedelta(seconds=error.retry_after)
        detail = _text(told, "detail") or _text(told, "title") or error.detail
        return cls(_fault(error, code), detail, status=error.status, code=code, retry_after=wait)

    @classmethod
    def of_token(cls, error: SignalError) -> BacsError:
        """Say what it means that there is no token."""
        fault = Fault.INVALID_AUTH if error.trouble is Trouble.INVALID_AUTH else Fault.NO_TOKEN
        wait = None if error.retry_after is None else timedelta(seconds=error.retry_after)
        return cls(fault, error.detail, status=error.status, retry_after=wait)

    @classmethod
    def of_body(cls, error: RefusedError) -> BacsError:
        """Say that an answer is none of this API."""
        return cls(Fault.WRONG_SHAPE, str(error)[:200])


def _fault(error: SignalError, code: str) -> Fault:
    match error.status:
        case HTTPStatus.NOT_FOUND:
            return Fault.NO_BACS if error.problem is None else Fault.NOT_FOUND
        case HTTPStatus.REQUEST_TIMEOUT:
            return Fault.TIMEOUT
        case HTTPStatus.CONFLICT if code == Code.REQUEST_IN_PROGRESS:
            return Fault.IN_PROGRESS
        case int() as status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _FAULTS.get(error.trouble, Fault.REFUSED)
        case _:
            return _FAULTS.get(error.trouble, Fault.UNEXPECTED)


def _text(told: Mapping[str, object], member: str) -> str:
    value = told.get(member)
    return value[:200] if isinstance(value, str) else ""
