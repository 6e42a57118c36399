"""The supplier side of the Flex Ready emulator (Annex 2): signals, checks of a supplier."""

from .api import routes
from .openapi import OPENAPI

__all__ = ["OPENAPI", "routes"]
