"""Readings made of others: of the finer steps of a curve, or of what was withdrawn and what was injected."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from ..slots import Slot
from .cutting import LENGTHS, Cut, Cutter, joined, seconds
from .model import STEP, Quality, Reading, floor
from .texts import read, written

_MOST_WAITING = 300
"""Steps of one source that wait for the other."""
_GAP = 10
"""A gap of one part in so many of a step is filled with what was drawn after it."""


def put_together(
    slots: Iterable[Slot[tuple[Fraction | None, Quality]]], length: timedelta = STEP
) -> dict[datetime, Reading]:
    """Make steps of those of a curve (Wh), which are in order; those at its ends that are cut are missing or left out.

    What is worth less than measured makes its step an estimate, and so does a short gap; a longer one makes it missing.
    """
    cutter: Cutter | None = None
    cut: Cut = {}
    most = length / _GAP
    for slot in slots:
        wh, quality = slot.value
        if wh is None or quality is Quality.MISSING:
            continue
        if cutter is None:
            edge = floor(slot.start, length)
            cutter = Cutter(edge if slot.start - edge <= most else slot.start, (length,))
        if gap := slot.start - cutter.at:
            fill = wh / seconds(slot.length) * seconds(gap)
            filled = cutter.add(slot.start, fill, measured=False) if gap <= most else cutter.lose(slot.start)
            cut = joined(cut, filled)
        cut = joined(cut, cutter.add(slot.end, wh, measured=quality is Quality.MEASURED))
    return cut.get(length, {})


@dataclass(slots=True)
class Net:
    """What was withdrawn less what was injected, of two sources that each complete a step in their own time."""

    _withdrawn: Cut = field(default_factory=dict)
    _injected: Cut = field(default_factory=dict)

    def take(self, withdrawn: Cut, injected: Cut) -> Cut:
        """Take steps of both; return those of which both are there."""
        self._withdrawn = _last(joined(self._withdrawn, withdrawn))
        self._injected = _last(joined(self._injected, injected))
        return {
            length: dict(_pairs(self._withdrawn.get(length, {}), self._injected.get(length, {}))) for length in LENGTHS
        }

    def kept(self) -> dict[str, object]:
        """Return all there is to know, as JSON can say it."""
        return {"withdrawn": written(self._withdrawn), "injected": written(self._injected)}

    def restore(self, kept: object) -> None:
        """Go on from what `kept` told of, as far as it makes sense."""
        if isinstance(kept, Mapping):
            self._withdrawn, self._injected = (_last(read(kept.get(name))[0]) for name in ("withdrawn", "injected"))


def _last(cut: Cut) -> Cut:
    """Return the last steps: one source may be silent for ever."""
    return {length: dict(sorted(readings.items())[-_MOST_WAITING:]) for length, readings in cut.items()}


def _pairs(withdrawn: dict[datetime, Reading], injected: dict[datetime, Reading]) -> Iterator[tuple[datetime, Reading]]:
    for start in sorted(withdrawn.keys() & injected.keys()):
        drawn, given = withdrawn.pop(start), injected.pop(start)
        if drawn.wh is None or given.wh is None:
            yield start, Reading(None, Quality.MISSING)
        else:
            estimated = Quality.ESTIMATED in (drawn.quality, given.quality)
            yield start, Reading(drawn.wh - given.wh, Quality.ESTIMATED if estimated else Quality.MEASURED)
