"""What the building would draw if nothing were shed, and how far that forecast has been off (error-adaptive).

The demand that is forecast is the uncontrolled one, U = P + S: the controlled one falls when a load is shed, and would
call it back. Of U, what the managed loads draw, or would, is known at once; the rest of the building is followed. For
each horizon is learned how much of its present departure from the usual lasts, and how much more came than was expected
of the whole; what is to be kept free is a multiple of that.
"""

from collections import deque
from dataclasses import dataclass, field

HORIZONS_MS = (15_000, 30_000, 60_000, 120_000, 240_000, 480_000)
_FAST_MS = 12_000
_SLOW_MS = 90_000
_USUAL_MS = 1_800_000
_LEARN = 48
"""What is learned is the mean of about so many forecasts, the latest the heaviest."""
_PRIOR = 4_000_000
"""A departure lasts as far as nothing else is known: as if 2 kW (squared) had been seen to."""
_FIRST_SHARE = 20
"""And the error is one part in twenty of the demand."""
_EVERY_MS = 10_000
_LONGEST_STEP_MS = 360_000


@dataclass(slots=True)
class _Horizon:
    """What was learned of one length of time: of x (departure now) and y (departure meanwhile) E[xx], E[xy]; errors."""

    squares: int = 0
    products: int = 0
    error: int | None = None
    pending: deque[tuple[int, int, int, int, int]] = field(default_factory=deque)

    def expected(self, departure: int) -> int:
        """Return what is expected of a departure over that time."""
        squares, products = self.squares + _PRIOR, self.products + _PRIOR
        return departure * max(0, min(squares, products)) // squares

    def learn(self, departure: int, realised: int, expected: int, first: int) -> None:
        """Take what became of a forecast."""
        self.squares += (departure * departure - self.squares) // _LEARN
        self.products += (departure * realised - self.products) // _LEARN
        before = first if self.error is None else self.error
        # Only what was more than expected is a danger: half of the errors, on the whole.
        self.error = before + (2 * max(0, realised - expected) - before) // _LEARN


class Forecast:
    """Follows the uncontrolled demand (W or VA): the managed loads, and the rest of the building."""

    def __init__(self) -> None:
        self.fast = 0
        self.slow = 0
        self.usual = 0
        self.managed = 0
        """What the managed loads draw now, and would draw if none were shed."""
        self._at: int | None = None
        self._integral = 0
        self._horizons = {ahead: _Horizon() for ahead in HORIZONS_MS}
        self._noted = 0

    @property
    def rest(self) -> int:
        """What the rest draws: the mean of the last seconds and of the last minutes, or the former if that is more."""
        return self.fast if self.fast > self.slow else (self.fast + self.slow) // 2

    @property
    def level(self) -> int:
        """The present demand."""
        return self.rest + self.managed

    def take(self, rest: int, managed: int, at: int) -> None:
        """Take what the rest has drawn on the mean since the last time, and what the loads draw or would draw now."""
        self.managed = managed
        if self._at is None or not 0 <= at - self._at <= _LONGEST_STEP_MS:
            self.fast = self.slow = self.usual = rest
            self._at = at
            for horizon in self._horizons.values():
                horizon.pending.clear()
            return
        step, self._at = at - self._at, at
        self._integral += (rest + managed) * step
        self.fast += (rest - self.fast) * step // (step + _FAST_MS)
        self.slow += (rest - self.slow) * step // (step + _SLOW_MS)
        self.usual += (rest - self.usual) * step // (step + _USUAL_MS)
        for ahead, horizon in self._horizons.items():
            queue = horizon.pending
            while queue and at - queue[0][0] >= ahead:
                since, departure, known, expected, integral = queue.popleft()
                realised = (self._integral - integral) // (at - since) - known
                horizon.learn(departure, realised, expected, self._first)
        if at - self._noted >= _EVERY_MS:
            self._noted = at
            departure, known = self.rest - self.usual, self.usual + managed
            for horizon in self._horizons.values():
                horizon.pending.append((at, departure, known, horizon.expected(departure), self._integral))

    def mean(self, ahead: int) -> int:
        """Return the demand that is expected on the mean of the next `ahead` ms."""
        return self.usual + self.managed + self._of(ahead).expected(self.rest - self.usual)

    def error(self, ahead: int) -> int:
        """Return by how much the mean demand of the next `ahead` ms is usually more than expected (W or VA)."""
        error = self._of(ahead).error
        return self._first if error is None else error

    @property
    def _first(self) -> int:
        return max(self.level, 0) // _FIRST_SHARE

    def _of(self, ahead: int) -> _Horizon:
        return self._horizons[next((h for h in HORIZONS_MS if 4 * h >= 3 * ahead), HORIZONS_MS[-1])]
