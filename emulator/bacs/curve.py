"""What an asset draws: a curve of working days and days off, a heating that knows the season, and what orders take off.

All of it is a function of time and of the orders, so that the same question always has the same answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..meter.building import dice
from ..meter.clock import PARIS
from .data import SITES, Asset, Slot

RECOVERY = timedelta(minutes=10)
"""How long after an order an asset catches up."""
_REBOUND = 0.15
_MOST_SHED = 0.9
"""The part of what is drawn that can be left off."""
_MINUTE = timedelta(minutes=1)

_WORKING_DAY = (30, 30, 30, 30, 30, 34, 45, 65, 85, 95, 100, 100, 88, 92, 100, 95, 90, 80, 60, 50, 40, 35, 32, 30)
_DAY_OFF = (30,) * 8 + (35,) * 12 + (30,) * 4
_HEATING_DAY = (35, 35, 35, 35, 45, 80, 100, 100, 90, 80, 75, 70, 65, 65, 65, 65, 70, 70, 60, 50, 40, 35, 35, 35)
_HEATING_MONTH = (100, 100, 85, 75, 40, 20, 15, 15, 25, 55, 85, 100)
_BUILDING_KW = 230
_HEATING_KW = 90


@dataclass(frozen=True, slots=True)
class Order:
    """A slot of an asset that was ordered."""

    asset_id: str
    slot: Slot


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn in an interval, and what would have been; W, and Wh for the energy."""

    start: datetime
    end: datetime
    mean_w: float
    baseline_w: float
    most_w: float

    @property
    def energy_wh(self) -> float:
        """The energy drawn."""
        return self.mean_w * (self.end - self.start).total_seconds() / 3600


def draw(asset: Asset, start: datetime, end: datetime, orders: Sequence[Order]) -> Drawn:
    """Work out what an asset draws between two instants."""
    mine = [
        order
        for order in orders
        if _concerns(asset, order.asset_id) and order.slot.start < end and order.slot.end + RECOVERY > start
    ]
    total = base = most = 0.0
    for begin, finish in _minutes(start, end):
        seconds = (finish - begin).total_seconds()
        baseline = baseline_w(asset, begin)
        shed = sum(_shed_w(order, begin, finish) for order in mine)
        watts = baseline - min(shed, baseline * _MOST_SHED)
        total += watts * seconds
        base += baseline * seconds
        most = max(most, watts)
    length = (end - start).total_seconds()
    return Drawn(start, end, total / length, base / length, most)


def baseline_w(asset: Asset, at: datetime) -> float:
    """Give what an asset draws in the minute of an instant, left alone."""
    local = at.astimezone(PARIS)
    number = int(at.timestamp()) // 60
    if asset.within is not None:
        winter = _HEATING_MONTH[local.month - 1] / 100
        return _joined(_HEATING_DAY, local) * _HEATING_KW * 10 * winter * _noise(asset, number)
    parts = [part for part in SITES[asset.bacs_id].assets.values() if part.within == asset.id]
    profile = _DAY_OFF if local.weekday() >= 5 else _WORKING_DAY
    own = _joined(profile, local) * _BUILDING_KW * 10 * _noise(asset, number)
    return own + sum(baseline_w(part, at) for part in parts)


def _concerns(asset: Asset, ordered: str) -> bool:
    return ordered == asset.id or SITES[asset.bacs_id].assets[ordered].within == asset.id


def _joined(profile: Sequence[int], local: datetime) -> float:
    """Give the per cent of a profile, joined by lines from hour to hour."""
    return (profile[local.hour] * (60 - local.minute) + profile[(local.hour + 1) % 24] * local.minute) / 60


def _noise(asset: Asset, number: int) -> float:
    """Give a factor of 1, 4 % more or less."""
    return 1 + (dice(len(asset.id), asset.bacs_id[:8], number) - 512) / 12_800


def _shed_w(order: Order, begin: datetime, finish: datetime) -> float:
    """Give what an order takes off in a minute, 2 % more or less; what it adds while the asset recovers is negative."""
    start, end = order.slot.start, order.slot.end
    asked = float(order.slot.power_w)
    exact = 1 + (dice(7, order.asset_id[:8], int(begin.timestamp()) // 60) - 512) / 25_600
    shed = asked * exact * _share(begin, finish, start, end)
    return shed - asked * _REBOUND * _share(begin, finish, end, end + RECOVERY)


def _share(begin: datetime, finish: datetime, start: datetime, end: datetime) -> float:
    """Give the part of a minute that lies between two instants."""
    return max(0.0, (min(finish, end) - max(begin, start)) / (finish - begin))


def _minutes(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch of time at the round minutes."""
    begin = start
    while begin < end:
        finish = min(end, begin.replace(second=0, microsecond=0) + _MINUTE)
        yield begin, finish
        begin = finish
