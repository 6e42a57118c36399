"""How good the line is: the share of bad groups over the last hour, and the pace of the frames (pure)."""

from collections import deque
from statistics import median_high

from ..tic import Counts

_WINDOW_S = 3600
_STEP_S = 60
_ENOUGH_GROUPS = 500
_GAPS = 9
_ENOUGH_GAPS = 3
"""The period is the median of the last gaps: neither an outage nor frames that a gateway had in store change it."""
_FIRST_STALE_S = 30.0
_LEAST_STALE_S = 5.0
"""A Linky sends a frame a second or two; gateways and adapters hold bytes back for longer than that."""
_MOST_STALE_S = 120.0


class Quality:
    """Watches one line. Times are monotonic, in s."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._last_frame: float | None = None
        self._steps: deque[tuple[float, int, int]] = deque()

    @property
    def frame_period(self) -> float | None:
        """Seconds from frame to frame; None before enough were seen."""
        return median_high(self._gaps) if len(self._gaps) >= _ENOUGH_GAPS else None

    @property
    def stale_after(self) -> float:
        """Seconds without a frame after which what is known is stale: three frame periods."""
        period = self.frame_period
        if period is None:
            return _FIRST_STALE_S
        return min(max(3 * period, _LEAST_STALE_S), _MOST_STALE_S)

    @property
    def bad_share(self) -> float | None:
        """Share of the groups of the last hour that were bad, 0 to 1; None before enough were seen."""
        if len(self._steps) < 2:
            return None
        (_, groups0, bad0), (_, groups1, bad1) = self._steps[0], self._steps[-1]
        offered = groups1 - groups0 + bad1 - bad0
        return (bad1 - bad0) / offered if offered >= _ENOUGH_GROUPS else None

    def frame(self, now: float, counts: Counts) -> None:
        """Take the end of a frame."""
        if self._last_frame is not None:
            self._gaps.append(now - self._last_frame)
        self._last_frame = now
        self.count(now, counts)

    def count(self, now: float, counts: Counts) -> None:
        """Note the counts, once a minute (and at the first call)."""
        if self._steps and now - self._steps[-1][0] < _STEP_S:
            return
        self._steps.append((now, counts.groups, counts.bad_groups))
        while now - self._steps[0][0] > _WINDOW_S:
            self._steps.popleft()

    def interrupted(self) -> None:
        """Forget when the last frame was: the time until the next one is no frame period."""
        self._last_frame = None
