"""What of a meter's values is written to Home Assistant, and when (pure).

A meter says everything every second or so; the database wants what is worth keeping. Cadences nest (300 is a multiple
of 60, and 60 of 15) and count from one origin, and a value is looked at once in each step: so all entities that are
due are written in one instant, and the recorder commits once.
"""

from collections.abc import Hashable
from dataclasses import dataclass

POWER_S = 15
"""With frames of 8 s and a commit every 5 s, no power in the database is older than 30 s."""
MINUTE_S = 60
SLOW_S = 300


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a value may be written: every `cadence_s` where it moved by `dead_band`; None: at each change."""

    cadence_s: int | None = None
    dead_band: float = 0


AT_ONCE = Pace()


class Gate:
    """The gate of one entity."""

    __slots__ = ("_first", "_slot", "_written", "pace")

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._written: Hashable = None
        self._slot = -1
        self._first = True

    def passes(self, value: Hashable, now: float) -> bool:
        """Tell whether a value is to be written at `now` (monotonic, s); what passes is taken as written."""
        slot = int(now // self.pace.cadence_s) if self.pace.cadence_s else 0
        looked_at, self._slot = slot == self._slot, slot
        if not self._first and (value == self._written or not self._due(value, looked_at=looked_at)):
            return False
        self._first = False
        self._written = value
        return True

    def _due(self, value: Hashable, *, looked_at: bool) -> bool:
        before = self._written
        if self.pace.cadence_s is None:
            return True
        if isinstance(value, int | float) and isinstance(before, int | float):
            return not looked_at and abs(value - before) >= self.pace.dead_band
        # Becoming known or unknown is a transition; what else has a cadence is text or time.
        return value is None or before is None or not looked_at or type(value) is not type(before)
