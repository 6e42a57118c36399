"""What is known of a meter now, from its frames (pure: time is handed in)."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from itertools import pairwise

from ..tic import Decoder, Frame, Group, Meter, Stamp
from ..tic.clock import MeterClock
from ..tic.tables import TABLES, When
from ..tic.td import TcMean, TdWatch
from .indexes import IndexBook
from .quality import Quality

COUNTERS = ("EA_s", "EAPP_s", "EA_i", "EAPP_i", "EAS", "EA")
"""Energies since the last Td top, whatever the meter."""
_CLOCKS = ("DATE", "DATECOUR")
_SETTLED = 3
"""Complete frames in a row: a label must be missed by so many to be gone, and met in two to be believed."""
_MET = 2
_OVERCURRENT = frozenset(("ADIR1", "ADIR2", "ADIR3"))
"""What a three-phase Linky sends 20 times, then a long frame without ADIRx, in an overrun and for a minute after it."""
_MOST_UNKNOWN = 64
_KEPT_FRAMES = 3


class MeterState:
    """The values of one meter. Values are those of the last frame that carried them; what is stale is for others."""

    def __init__(self, zone: tzinfo) -> None:
        self.decoder = Decoder()
        self.quality = Quality()
        self.book = IndexBook()
        self.td = TdWatch()
        self.groups: dict[str, Group] = {}
        self.unknown: dict[str, str] = {}
        self.last_frames: list[Frame] = []
        self.meter_time: datetime | None = None
        self.drift_s: float | None = None
        self._clock = MeterClock(zone)
        self._clock_heard: tuple[float, datetime] | None = None
        self._present: dict[str, bool] = {}
        self._met: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        self._presence_labels: frozenset[str] = frozenset()
        self._after_short = False
        self._meter: Meter | None = None

    @property
    def meter(self) -> Meter | None:
        """The meter, once recognised."""
        return self._meter

    def group(self, key: str) -> Group | None:
        """Return the last group of a label, if it was met often enough to be believed."""
        return self.groups.get(key)

    def number(self, key: str) -> float | None:
        """Return the number a label carries, in the unit of its group."""
        group = self.groups.get(key)
        match group.value if group else None:
            case int() as whole:
                return whole
            case Decimal() as exact:
                return float(exact)
        return None

    def text(self, key: str) -> str | None:
        """Return the text or code a label carries."""
        group = self.groups.get(key)
        return group.value if group and isinstance(group.value, str) else None

    def field(self, name: str) -> str | int | bool | None:
        """Return a field of the status register of a Linky (STGE)."""
        group = self.groups.get("STGE")
        return group.value.get(name) if group and isinstance(group.value, Mapping) else None

    def when(self, key: str) -> datetime | None:
        """Return the instant a label carries, or the date of its group."""
        group = self.groups.get(key)
        stamp = (group.at or group.value) if group else None
        return self._clock.past(stamp) if isinstance(stamp, Stamp) else None

    def present(self, key: str) -> bool | None:
        """Tell whether a label that is only sent while it is true is sent; None before a whole frame."""
        return self._present.get(key)

    def hear(self, group: Group, *, monotonic: float, host: datetime) -> None:
        """Take the time at which a group arrived: that of the meter's clock counts, not that of its frame's end."""
        if group.key in _CLOCKS:
            self._clock_heard = monotonic, host

    def take(self, frame: Frame, *, monotonic: float, host: datetime) -> None:
        """Take a frame that closed; `monotonic` in s and `host` (aware) are the time of its end."""
        self.last_frames = [*self.last_frames[1 - _KEPT_FRAMES :], frame]
        if frame.meter is None:
            return
        if frame.meter is not self._meter:
            self._meter = frame.meter
            self._presence_labels = frozenset(
                row.label for row in TABLES[frame.meter].labels if row.when is When.PRESENCE
            )
        groups = frame.by_key()
        if self._tell_time(groups, monotonic, host):
            self._read_td(groups)
        self._keep(groups)
        if frame.complete:
            self.quality.frame(monotonic, self.decoder.counts)
            self.book.take(frame.meter, groups, monotonic)
            self._judge_absence(frame, groups)

    def _tell_time(self, groups: dict[str, Group], monotonic: float, host: datetime) -> bool:
        """Read the meter's clock; return whether the frame told it."""
        for label in _CLOCKS:
            group = groups.get(label)
            stamp = (group.at or group.value) if group else None
            if isinstance(stamp, Stamp):
                if self._clock_heard is not None:
                    monotonic, host = self._clock_heard
                    self._clock_heard = None
                self.meter_time = self._clock.tick(stamp, monotonic=monotonic, host=host)
                self.drift_s = (self.meter_time - host).total_seconds()
                return True
        return False

    def _read_td(self, groups: dict[str, Group]) -> None:
        """Read the energies since the top with the meter's time of the same frame."""
        if self.meter_time is None:
            return
        for key in COUNTERS:
            group = groups.get(key)
            if group and group.known and isinstance(group.value, int):
                self.td.read(key, group.value, self.meter_time)
        if self.td.td is None:
            self.td.means(self._tc_means(groups))

    def _tc_means(self, groups: dict[str, Group]) -> list[TcMean]:
        ends: list[tuple[datetime, int]] = []
        for number in range(1, 7):
            end = groups.get(f"DATEPA{number}")
            mean = groups.get(f"PA{number}_s") or groups.get(f"PA{number}")
            if end and mean and isinstance(end.value, Stamp) and isinstance(mean.value, int):
                ends.append((self._clock.past(end.value), mean.value))
        steps = {round((late[0] - early[0]).total_seconds() / 60) for late, early in pairwise(ends)}
        if len(steps) != 1 or (tc := steps.pop()) <= 0:
            return []
        return [TcMean(end, tc, kw) for end, kw in ends]

    def _keep(self, groups: dict[str, Group]) -> None:
        for key, group in groups.items():
            if self._met[key] < _MET:
                # A damaged label may verify once; it does not come twice.
                self._met[key] += 1
                if self._met[key] < _MET and not group.known:
                    continue
            if group.known:
                self.groups[key] = group
            elif key in self.unknown or len(self.unknown) < _MOST_UNKNOWN:
                self.unknown[key] = group.raw
        if len(self._met) > 4 * _MOST_UNKNOWN:
            self._met = Counter(dict.fromkeys((*self.groups, *self.unknown), _MET))

    def _judge_absence(self, frame: Frame, groups: dict[str, Group]) -> None:
        """Tell what is not sent any more: at once from a whole frame, else when several agree."""
        short = frame.short
        judged = self._presence_labels
        if short:
            judged &= _OVERCURRENT
        elif self._after_short:
            judged -= _OVERCURRENT
        self._after_short = short
        for key in judged:
            if key in groups:
                self._present[key] = True
                self._missed[key] = 0
                continue
            self._missed[key] += 1
            if frame.whole or self._missed[key] >= _SETTLED:
                self._present[key] = False
                self.groups.pop(key, None)
        if short:
            return
        for key in self.groups.keys() - groups.keys() - self._presence_labels:
            self._missed[key] += 1
            if self._missed[key] >= _SETTLED:
                del self.groups[key]
        for key in groups:
            self._missed.pop(key, None)
