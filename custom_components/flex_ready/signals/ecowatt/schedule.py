"""When Ecowatt is asked next: seldom while all is calm, each quarter while it matters, never all at once.

Many houses poll one server: every moment is drawn at random.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo
from random import Random

from ...slots import Stretch
from .model import Forecast, Level
from .quota import QuarterGuard

_CALM = timedelta(minutes=60)
_ALERT = timedelta(minutes=15)
_SPREAD = timedelta(minutes=12)
_AFTER_MIDNIGHT = timedelta(minutes=10), timedelta(minutes=40)
"""RTE drops yesterday at midnight and publishes the last day between 00:08 and about 02:00 (Paris)."""
_BACK_OFF = timedelta(minutes=2)
_LONGEST_BACK_OFF = timedelta(minutes=60)


def next_poll(
    now: datetime, forecast: Forecast | None, guard: QuarterGuard, zone: tzinfo, *, failures: int, random: Random
) -> datetime:
    """Return when to ask next (UTC), never sooner than the guard allows; `zone` is that of Paris."""
    if failures or forecast is None:
        wait = min(_BACK_OFF * 2 ** min(failures, 8), _LONGEST_BACK_OFF)
        wanted = now + wait * random.uniform(0.5, 1)
    else:
        wanted = now + (_ALERT if _matters(forecast, now, zone) else _CALM) + _SPREAD * random.uniform(-0.5, 0.5)
        midnight = _midnight_after(now, zone)
        if now < midnight < wanted:
            first, last = _AFTER_MIDNIGHT
            wanted = midnight + first + (last - first) * random.random()
    allowed = guard.next_allowed(now)
    # Some seconds into the quarter, each house others.
    return wanted if wanted > allowed else allowed + timedelta(seconds=random.uniform(1, 90))


def _matters(forecast: Forecast, now: datetime, zone: tzinfo) -> bool:
    """Tell whether today or tomorrow is tense."""
    start = _midnight_after(now, zone) - timedelta(days=1)
    highest = forecast.highest(Stretch(start, start + timedelta(days=2)))
    return highest is not None and highest >= Level.TENSE


def _midnight_after(now: datetime, zone: tzinfo) -> datetime:
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time.min, zone).astimezone(UTC)
