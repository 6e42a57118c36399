"""The operator of Annex 1: it calls the BACS at a session's address, and says what it thinks of each answer."""

from .api import routes
from .openapi import OPENAPI

__all__ = ["OPENAPI", "routes"]
