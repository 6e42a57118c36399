"""Sessions of the Flex Ready emulator, for both annexes: who opened them, what went through them, the report of it."""

from .api import Sessions
from .journal import journal
from .store import Store

__all__ = ["Sessions", "Store", "journal"]
