"""The meter's clock: local time of Paris, most often without a season flag, made into an instant."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

from .model import Stamp


class MeterClock:
    """Resolves the dates of one meter into instants (UTC).

    UTC, because dates that share a zone compare and subtract by their wall clocks: the two readings of an hour of
    October would be equal. `zone` is Europe/Paris. The hour that the October night plays twice is told apart by the
    host's monotonic time since the date before, else by the host's clock; with neither (a file), by dates that must
    not go backwards.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._last: datetime | None = None
        self._last_monotonic: float | None = None

    def tick(self, stamp: Stamp, *, monotonic: float | None = None, host: datetime | None = None) -> datetime:
        """Resolve the meter's present time; `monotonic` in s and `host` (aware) are those of its arrival."""
        expected = host
        if self._last is not None and monotonic is not None and self._last_monotonic is not None:
            expected = self._last + timedelta(seconds=monotonic - self._last_monotonic)
        early, late = self._readings(stamp)
        if early == late or (expected is None and (self._last is None or early >= self._last)):
            now = early
        elif expected is None:
            now = late
        else:
            now = min(early, late, key=lambda reading: abs(reading - expected))
        self._last, self._last_monotonic = now, monotonic
        return now

    def past(self, stamp: Stamp) -> datetime:
        """Resolve a date that the meter gives of something else (end of a Tc, start of a period)."""
        early, late = self._readings(stamp)
        return late if self._last is None or late <= self._last else early

    def _readings(self, stamp: Stamp) -> tuple[datetime, datetime]:
        """Return the two instants a date can be, the earlier first; the same one but for an hour of October."""
        if stamp.offset_hours is not None:
            known = stamp.local.replace(tzinfo=timezone(timedelta(hours=stamp.offset_hours))).astimezone(UTC)
            return known, known
        early = stamp.local.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        late = stamp.local.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        # An hour that the March night leaves out would be later with fold 0: it is read as winter time going on.
        return early, max(early, late)
