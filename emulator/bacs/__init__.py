"""The emulated BACS of Annex 1: its data set, its load curves, its flexibility requests."""

from .api import routes
from .openapi import OPENAPI

__all__ = ["OPENAPI", "routes"]
