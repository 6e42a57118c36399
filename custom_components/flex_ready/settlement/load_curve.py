"""The load curve of a site or an entity: the net withdrawal of each half-hour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .model import Quality, Reading
from .reference import Window, WindowSum

_MISSING = Reading(None, Quality.MISSING)


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """Readings by the start of their step (UTC). What is not there is missing."""

    readings: Mapping[datetime, Reading] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[datetime, Reading]]:
        return iter(sorted(self.readings.items()))

    def at(self, step: datetime) -> Reading:
        """Return the reading of a step."""
        return self.readings.get(step, _MISSING)

    def wh(self, step: datetime) -> int | None:
        """Return the energy of a step (Wh); None: missing."""
        return self.at(step).wh

    def total(self, window: Window) -> WindowSum:
        """Add up the readings of a window."""
        known = [wh for step in window if (wh := self.wh(step)) is not None]
        return WindowSum(sum(known), len(known), len(window), len(window))
