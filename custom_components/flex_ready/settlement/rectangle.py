"""The readings that the rectangle methods need: around the activation, on the same day.

Sources: docs/settlement.md, 2.2, 2.3 and 2.6 (what Enedis' tool of 2018 does). On the grid of half-hours all windows
are exact; off it, no reading that the activation touches is used, and windows are rounded up to whole half-hours.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from ..slots import Stretch
from .model import STEP, floor, steps, touches
from .reference import Window

_LONGEST = timedelta(hours=2)
"""Of each window of the double reference."""


def mobilization(order: Stretch, dmo: timedelta, earlier: Sequence[Stretch]) -> timedelta:
    """Return the DMO that counts for an order: one that follows another closely has the reference of that one."""
    row = [*sorted((one for one in earlier if one.start < order.start), key=lambda one: one.start), order]
    extended = dmo
    for before, after in pairwise(row):
        close = after.start - dmo - before.end < STEP
        extended = after.start - before.start + extended if close else dmo
    return extended


def before_mobilization(order: Stretch, dmo: timedelta) -> Window:
    """Return the whole half-hour before the mobilisation starts (simple rectangle)."""
    return (floor(order.start - dmo) - STEP,)


def around(order: Stretch, apart: Sequence[Stretch] = ()) -> tuple[Window, Window]:
    """Return the half-hours before and after an activation, as long as it, at most 2 h (double reference).

    Those that another activation touches are left out; a window of which nothing is left tells nothing.
    """
    length = -(-min(order.length, _LONGEST) // STEP) * STEP
    start = floor(order.start)
    end = floor(order.end + STEP - order.end.resolution)
    return _window(Stretch(start - length, start), apart), _window(Stretch(end, end + length), apart)


def _window(stretch: Stretch, apart: Sequence[Stretch]) -> Window:
    return tuple(step for step in steps(stretch) if not any(touches(step, other) for other in apart))
