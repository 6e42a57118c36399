"""The data set of Annex 1: two BACS with three assets. What the annex lost is filled in, and each place says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from ..meter.clock import PARIS

PRICE_EUR_PER_MWH = Decimal(85)
"""What every offer costs; filled in: the annex has a price to acknowledge and none that is offered."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Some power (W) for some time."""

    power_w: Decimal
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What can be asked for flexibility; its potential is what Annex 1 calls so."""

    id: str
    bacs_id: str
    product: str
    power_w: Decimal
    delay: timedelta
    """Mobilization Delay."""
    longest: timedelta
    """Max Duration."""
    per_day: int
    """Activation Per Day."""
    dates: tuple[tuple[str, str], ...] = ()
    """Time Period, local; without any, today and tomorrow from 6 to 22."""
    within: str | None = None
    """The asset of the same BACS that contains it: both share what that one can give."""

    def periods(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """Return the periods in which it can be asked."""
        if self.dates:
            return [tuple(datetime.fromisoformat(edge).replace(tzinfo=PARIS) for edge in pair) for pair in self.dates]  # type: ignore[misc]
        today = now.astimezone(PARIS).date()
        days = (today, today + timedelta(days=1))
        return [(datetime.combine(day, time(6), PARIS), datetime.combine(day, time(22), PARIS)) for day in days]


@dataclass(frozen=True, slots=True)
class Bacs:
    """A building's automation and control system."""

    id: str
    name: str
    description: str
    assets: Mapping[str, Asset]


def _bacs(identifier: str, name: str, description: str, *assets: Asset) -> Bacs:
    return Bacs(identifier, name, description, {asset.id: asset for asset in assets})


_WHOLE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
_HEATED = "a987fbc9-4bed-4078-9f07-9141ba07c9f3"

SITES: Mapping[str, Bacs] = {
    _WHOLE: _bacs(
        _WHOLE,
        "BACS Whole Building Only",
        "A BACS configured for a whole building that has a single associated asset.",
        Asset(
            id="WholeBuilding",
            bacs_id=_WHOLE,
            product="WID",
            power_w=Decimal(100_000),
            delay=timedelta(minutes=1),
            longest=timedelta(minutes=2),  # as it is printed; a slip, perhaps, for hours
            per_day=1,
            dates=(("2025-04-02T12:00:00", "2025-04-02T14:00:00"),),
        ),
    ),
    _HEATED: _bacs(
        _HEATED,
        "BACS Whole Building with Heating System",
        "A BACS configured for a whole building that has multiple associated assets.",
        Asset(
            id="WholeBuilding",
            bacs_id=_HEATED,
            # The annex breaks off here: all that follows is filled in.
            product="WID",
            power_w=Decimal(120_000),
            delay=timedelta(minutes=15),
            longest=timedelta(hours=2),
            per_day=2,
        ),
        Asset(
            # Filled in altogether; the annex counts three assets, and the name of the BACS has a heating system.
            id="HeatingSystem",
            bacs_id=_HEATED,
            product="WDA",
            power_w=Decimal(40_000),
            delay=timedelta(minutes=5),
            longest=timedelta(hours=1),
            per_day=2,
            within="WholeBuilding",
        ),
    ),
}
