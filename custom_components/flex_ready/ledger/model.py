"""What the ledger speaks of besides requests and consumption."""

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
