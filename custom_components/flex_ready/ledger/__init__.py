"""The ledger: what must outlive a crash. Requests and all that happened to them, load curves, contracts, who called.

One database, one writer; nothing is answered or commanded before it is in here. See docs/adr/0010-ledger.md.
"""

from .ledger import Ledger
from .model import Call, LedgerError, Member, Trial

__all__ = ["Call", "Ledger", "LedgerError", "Member", "Trial"]
