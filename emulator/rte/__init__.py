"""RTE's side: tokens, Ecowatt version 5 with its sandbox, and the quota."""

from .api import routes
from .openapi import OPENAPI

__all__ = ["OPENAPI", "routes"]
