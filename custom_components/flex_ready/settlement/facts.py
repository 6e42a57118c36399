"""What is known of a site or an entity besides its readings, and its local clock."""

from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from ..slots import Stretch
from .forecast import Forecast

_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a reference method must know of the site, or of the entity, that it is used for."""

    zone: tzinfo
    """Local time: days are the same by it, not by UTC (D5)."""
    not_eligible: AbstractSet[date] = frozenset()
    """Local days that no history may use: of earlier activations, or declared unavailable."""
    holidays: AbstractSet[date] = frozenset()
    """Local days that are like a Sunday."""
    earlier: Sequence[Stretch] = ()
    """Earlier orders of the same entity: the simple rectangle of one that follows closely is that of the first."""
    whole: Stretch | None = None
    """What the double reference lies around if that is more than the order: see `orders.whole` (D8)."""
    apart: Sequence[Stretch] = ()
    """Other activations to keep out of the windows of the double reference ("corrigée"); none by default."""
    forecast: Forecast = field(default_factory=Forecast)
    """Of the entity. What counts of it is what was known when the order was given."""

    def works(self, day: date) -> bool:
        """Tell whether a day is none of the weekend and no holiday."""
        return day.weekday() < _SATURDAY and day not in self.holidays


def local_day(at: datetime, zone: tzinfo) -> date:
    """Return the local day of an instant."""
    return at.astimezone(zone).date()


def days_before(at: datetime, days: int, zone: tzinfo) -> datetime | None:
    """Return the instant of the same local clock time some days before (UTC).

    Of a time that the clock shows twice it is the first; None: the clock skips it on that day.
    """
    wanted = at.astimezone(zone).replace(tzinfo=None) - timedelta(days)
    found = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return found if found.astimezone(zone).replace(tzinfo=None) == wanted else None
