"""What the ledger speaks of besides requests, consumption and orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


class LedgerError(Exception):
    """The ledger cannot keep or read something. What was to be kept is not kept, unless another error says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody called the API: for the audit. No token, no body."""

    at: datetime
    """UTC."""
    operator: str
    """The id of a subentry; empty: nobody that is known."""
    subject: str
    """Whom the token names, as far as it was believed."""
    method: str
    path: str
    status: int
    """Of HTTP."""
    code: str
    """Of the problem; empty: there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A site belongs to an entity of a perimeter, for a time."""

    ef_id: str
    site_id: str
    valid_from: datetime
    """UTC, whole seconds."""
    valid_to: datetime | None = None
    """It does not any more; None: it still does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A test of a contract, and what came of it."""

    id: str
    at: datetime
    """UTC."""
    kind: str
    said: Mapping[str, object]
    """What JSON can say."""
