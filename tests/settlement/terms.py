"""Contracts and orders that the tests of rules are about. Local times are those of Paris."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from custom_components.flex_ready.settlement.contract import Availability, Reservation, Terms
from custom_components.flex_ready.settlement.methods import Method
from custom_components.flex_ready.settlement.model import STEP, Direction, Order
from custom_components.flex_ready.settlement.sites import Site, SiteKind

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
START = datetime(2026, 1, 14, 17, tzinfo=UTC)
"""A Wednesday, six in the evening."""
WITHOUT = Terms(
    reservation=Reservation.NONE,
    direction=Direction.REDUCE_NET_WITHDRAWAL,
    power_w=600_000,
    dmo=timedelta(minutes=30),
    starts=date(2026, 1, 1),
    ends=date(2026, 12, 31),
    zone=PARIS,
    variable_premium=Decimal(200),
)
WITH = replace(
    WITHOUT,
    reservation=Reservation.ACTIVE,
    power_w=1_000_000,
    variable_premium=Decimal(100),
    availability=(Availability(start=time(17), end=time(20), power_w=1_000_000),),
    fixed_premium=Decimal(30_000),
    expected_call_wh=20_000_000,
    probability=Fraction(1, 4),
)
ORDER = Order(
    id="A1",
    ordered_at=START - HOUR,
    start=START,
    end=START + 2 * HOUR,
    power_w=600_000,
    direction=Direction.REDUCE_NET_WITHDRAWAL,
)
SITE = Site(
    id="30001234567890",
    entity="EF1",
    kind=SiteKind.WITHDRAWAL,
    method=Method.DOUBLE_REFERENCE,
    max_activation_w=700_000,
    subscribed_w=2_000_000,
    joined=date(2026, 1, 1),
)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return an instant by the clock of Paris (UTC)."""
    return datetime(year, month, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def order_of(expected_wh: int, steps: int) -> Order:
    """Return an order that expects as much in each of some half-hours."""
    return replace(ORDER, power_w=2 * expected_wh, end=START + steps * STEP)


def realised(*wh: Fraction | int | None) -> dict[datetime, Fraction | None]:
    """Return what an entity realised, half-hour by half-hour, from the start on."""
    return {START + i * STEP: None if one is None else Fraction(one) for i, one in enumerate(wh)}
