"""When a call that came to nothing is made again: exponential back-off with jitter, never after it would be in vain."""

from datetime import datetime, timedelta

_FIRST = timedelta(seconds=2)
_LONGEST = timedelta(seconds=60)
_DOUBLINGS = 5


def next_try(
    now: datetime, tries: int, stop: datetime, *, retry_after: timedelta | None, dice: float
) -> datetime | None:
    """Return when to try again after so many tries in vain, or None if that would be at `stop` or later.

    `dice` is from 0 to 1. What the server wants not to be asked (Retry-After) is kept to.
    """
    pause = min(_FIRST * 2 ** min(tries - 1, _DOUBLINGS), _LONGEST) * (0.5 + dice / 2)
    at = now + max(pause, retry_after or pause)
    return at if at < stop else None
