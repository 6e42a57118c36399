"""RTE answers one production call in each quarter of an hour of the clock, not in any fifteen minutes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

_QUARTER = timedelta(minutes=15)
_AFTER = timedelta(seconds=1)
"""The quarter of RTE's clock may begin a little after ours."""
_LONGEST = timedelta(days=1, minutes=1)
"""A refusal for longer comes from a clock that was wrong."""


def quarter(when: datetime) -> datetime:
    """Return the start of the clock quarter of an instant (UTC)."""
    return when.replace(minute=when.minute // 15 * 15, second=0, microsecond=0)


class QuarterGuard:
    """Says when the next call is allowed. It is kept before a call is made, so that a restart knows of it."""

    def __init__(self, last: datetime | None = None, refused_until: datetime | None = None) -> None:
        self.last = last
        self.refused_until = refused_until

    def next_allowed(self, now: datetime) -> datetime:
        """Return the first instant, `now` or later, at which a call may be made (UTC)."""
        allowed = now
        if self.last is not None:
            # A clock that was set back must not stop calls for longer than a quarter.
            self.last = min(self.last, now)
            allowed = max(allowed, quarter(self.last) + _QUARTER + _AFTER)
        if self.refused_until is not None and self.refused_until <= now + _LONGEST:
            allowed = max(allowed, self.refused_until)
        return allowed

    def record(self, now: datetime) -> None:
        """Note a call that is about to be made."""
        self.last = now

    def refused(self, now: datetime, retry_after_s: int | None) -> None:
        """Note that RTE refused a call for its quota, and for how long if it said so."""
        self.last = now
        self.refused_until = now + timedelta(seconds=retry_after_s) + _AFTER if retry_after_s is not None else None

    def to_dict(self) -> dict[str, str | None]:
        """Return what a restart needs (JSON)."""
        return {
            "last": self.last.isoformat() if self.last else None,
            "refused_until": self.refused_until.isoformat() if self.refused_until else None,
        }

    @classmethod
    def from_dict(cls, kept: object, now: datetime) -> QuarterGuard:
        """Take up what was kept; what cannot be read is taken for a call made just now."""
        if kept is None:
            return cls()
        if not isinstance(kept, Mapping):
            return cls(now)
        try:
            return cls(_instant(kept.get("last")), _instant(kept.get("refused_until")))
        except ValueError, TypeError:
            return cls(now)


def _instant(text: object) -> datetime | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError(text)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)
