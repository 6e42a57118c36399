"""Which meter speaks: told by the label that opens a frame, or by labels that only one meter sends."""

from collections import Counter

from .model import Meter
from .tables import TABLES

_ENOUGH = 3
"""Labels of one meter alone that settle it (a damaged label that verifies does not come three times)."""
_CHANGED = 12
"""Labels of another meter alone, with none of the present one between, that say the cable moved."""

_OPENERS = {opener: meter for meter, table in TABLES.items() for opener in table.openers}


def witness(label: str) -> Meter | None:
    """Return the one meter that sends a label, or None where several or none do."""
    having = [meter for meter, table in TABLES.items() if table.find(label)]
    return having[0] if len(having) == 1 else None


class Recogniser:
    """Counts what speaks for each meter.

    `meter` is the one that is settled, or None; `doubts` what has spoken for others since.
    """

    __slots__ = ("doubts", "meter")

    def __init__(self, meter: Meter | None = None) -> None:
        self.meter = meter
        self.doubts: Counter[Meter] = Counter()

    def hear(self, label: str, only: Meter | None, *, opens: bool) -> bool:
        """Take one verified label, and the meter that alone sends it; return whether `meter` changed.

        `opens`: it came right after STX.
        """
        opener = _OPENERS.get(label.upper()) if opens else None
        speaks_for = opener or only
        if speaks_for is None:
            return False
        if speaks_for is self.meter:
            if self.doubts:
                self.doubts.clear()
            return False
        self.doubts[speaks_for] += _ENOUGH if opener else 1
        if self.doubts[speaks_for] < (_ENOUGH if self.meter is None else _CHANGED):
            return False
        self.meter = speaks_for
        self.doubts.clear()
        return True
