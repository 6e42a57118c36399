"""The BACS served over HTTP: what operators call, below /api/flex_ready/v1.

Nothing is decided here: a call is let in, read, handed to the desk of its building, and the answer written.
"""

from .views import async_register_views

__all__ = ["async_register_views"]
