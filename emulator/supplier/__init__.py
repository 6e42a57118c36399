"""The supplier side of the Flex Ready emulator (Annex 2): sessions, signals, checks of a supplier, reports."""

from .api import routes
from .journal import journal
from .openapi import OPENAPI
from .store import Store

__all__ = ["OPENAPI", "Store", "journal", "routes"]
