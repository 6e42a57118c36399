"""Time as the meters keep it: instants in whole microseconds, read as local time in Paris.

Whole microseconds times whole watts are whole microjoules, so that energies add up exactly.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

type Instant = int
"""Microseconds since 1970-01-01 UTC."""


def instant(at: datetime) -> Instant:
    """Give the instant of a date; a date without offset is local time in Paris."""
    aware = at if at.tzinfo else at.replace(tzinfo=PARIS)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def local(at: Instant) -> datetime:
    """Give the local time in Paris of an instant, with its offset."""
    return datetime.fromtimestamp(at // SECOND, PARIS).replace(microsecond=at % SECOND)


def slashed(at: Instant) -> str:
    """Write an instant as PME-PMI, SAPHIR and ICE do: ``JJ/MM/AA hh:mm:ss``, without season."""
    return local(at).strftime("%d/%m/%y %H:%M:%S")


def horodate(at: Instant) -> str:
    """Write an instant as a Linky does: ``SAAMMJJhhmmss``, S = E (summer) or H (winter); CPT_54E 6.2.1."""
    moment = local(at)
    return f"{'E' if moment.dst() else 'H'}{moment:%y%m%d%H%M%S}"
