"""What can be wrong with a call: a code, where, and the HTTP status that goes with it.

The codes are those of our table of answers (docs/flexibility.md); the annex gives none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What is wrong."""

    MALFORMED = "malformed"
    NOT_FOUND = "not-found"
    OVERLAP = "overlap"
    INVALID_STATE = "invalid-state"
    ALREADY_CONFIRMED = "already-confirmed"
    OFFER_EXPIRED = "offer-expired"
    PRICE_MISMATCH = "price-mismatch"
    REQUEST_IN_PROGRESS = "request-in-progress"
    DMO_VIOLATED = "dmo-violated"
    TOO_SOON = "too-soon"
    MAX_DURATION_EXCEEDED = "max-duration-exceeded"
    OUTSIDE_PERIOD = "outside-period"
    POWER_EXCEEDED = "power-exceeded"
    PRODUCT_NOT_OFFERED = "product-not-offered"
    QUOTA_EXHAUSTED = "quota-exhausted"
    UNKNOWN_UNIT = "unknown-unit"
    AMBIGUOUS_TIME = "ambiguous-time"
    REQUEST_ID_REUSED = "request-id-reused"

    @property
    def status(self) -> int:
        """Return the HTTP status: 400 what cannot be read, 409 what conflicts, 422 what is impossible."""
        return _STATUS.get(self, 422)

    @property
    def words(self) -> str:
        """Return what it is called in a problem (RFC 9457)."""
        return self.value.replace("-", " ").capitalize()


_STATUS = {
    Code.MALFORMED: 400,
    Code.NOT_FOUND: 404,
    Code.OVERLAP: 409,
    Code.INVALID_STATE: 409,
    Code.ALREADY_CONFIRMED: 409,
    Code.OFFER_EXPIRED: 409,
    Code.PRICE_MISMATCH: 409,
    Code.REQUEST_IN_PROGRESS: 409,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, and where."""

    pointer: str
    """RFC 6901; "" for the whole body."""
    code: Code
    detail: str


class RefusedError(ValueError):
    """A body that is not taken: `findings` are all that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{one.pointer or '/'}: {one.detail}" for one in self.findings))


def leading(findings: Iterable[Finding]) -> Code:
    """Return the code to answer with when several things are wrong: what cannot be read before what cannot be."""
    return min((finding.code for finding in findings), key=lambda code: code.status)


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer of a place (RFC 6901, section 3)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
