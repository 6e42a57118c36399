"""A power that is known from the moments at which it changed."""

from collections import deque

_KEPT_MS = 600_000


class Trace:
    """Holds a power (W or VA) from each moment (ms) on, for the last ten minutes."""

    def __init__(self) -> None:
        self._changes: deque[tuple[int, int]] = deque()

    @property
    def begun(self) -> bool:
        """Tell whether any power is known."""
        return bool(self._changes)

    def add(self, at: int, power: int) -> None:
        """Take the power from a moment on."""
        if self._changes and self._changes[-1][1] == power:
            return
        self._changes.append((at, power))
        while len(self._changes) > 1 and self._changes[1][0] <= at - _KEPT_MS:
            self._changes.popleft()

    def energy(self, start: int, end: int) -> int:
        """Return the energy of a stretch of time (mJ); before the first moment there was none."""
        energy = 0
        for since, power in reversed(self._changes):
            if since < end:
                begin = max(since, start)
                energy += power * (end - begin)
                end = begin
            if since <= start:
                break
        return energy

    def shift(self, by: int) -> None:
        """Move all moments (ms): the clock was set."""
        self._changes = deque((at + by, power) for at, power in self._changes)

    def clear(self) -> None:
        """Forget."""
        self._changes.clear()
