"""The BACS served over HTTP: what operators call, below /api/flex_ready/v1.

Nothing is decided here: a call is let in, read, handed to the desk of its building, and the answer written.
"""

from .views import PREFIX, async_register_views

__all__ = ["PREFIX", "async_register_views"]
