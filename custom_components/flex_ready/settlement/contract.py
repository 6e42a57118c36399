"""The terms of a contract of local flexibility. Local times and days are those of its zone.

Sources: docs/settlement.md, R2, R6 to R9, R21; Enedis 2020, slides 5 to 7.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from ..slots import Series, Slot, Stretch
from .model import Direction
from .profile import ENEDIS_2020, Profile

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_WEEK = frozenset(range(7))


class Reservation(StrEnum):
    """The kinds of contract (R2). That with reservation of reactive capacity was never finished."""

    NONE = "without_reservation"
    ACTIVE = "with_reservation"


class Wrong(StrEnum):
    """What is wrong with terms."""

    NO_POWER = "no_power"
    SHORT_DURATION = "short_duration"
    DURATIONS = "durations"
    """The longest is shorter than the shortest."""
    NEGATIVE = "negative"
    """A delay, a gap, a premium."""
    DAYS = "days"
    """The last day is before the first."""
    NO_PERIOD = "no_period"
    """With reservation there is an availability period at least."""
    SHORT_PERIOD = "short_period"
    PERIOD_POWER = "period_power"
    """A period has no power, or more than the service."""
    NO_FIXED_PREMIUM = "no_fixed_premium"
    NO_PROBABILITY = "no_probability"
    """With reservation it is above 0 and at most 1, and the expected volume is not negative."""
    ONLY_WITH_RESERVATION = "only_with_reservation"
    """A period, a fixed premium, a probability, an expected volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """When a power is available, every week: from a local time to another one, maybe of the next day."""

    start: time
    end: time
    """The same as the start: a whole day."""
    power_w: int
    days: frozenset[int] = _WEEK
    """Monday is 0; of the start."""

    @property
    def length(self) -> timedelta:
        """How long it is by the clock, on a day when that is not changed."""
        return _at(self.end) - _at(self.start) + (_DAY if self.end <= self.start else timedelta())

    def on(self, day: date, zone: tzinfo) -> Stretch | None:
        """Return when it is on a day; None: it is not, maybe because the clock skips it (D5)."""
        if day.weekday() not in self.days:
            return None
        last = day + _DAY if self.end <= self.start else day
        start, end = _instant(day, self.start, zone), _instant(last, self.end, zone)
        return Stretch(start, end) if start < end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was signed."""

    reservation: Reservation
    direction: Direction
    power_w: int
    """Of the service."""
    dmo: timedelta
    """Délai de mobilisation."""
    starts: date
    ends: date
    """The first and the last day of the activation period."""
    zone: tzinfo
    variable_premium: Decimal
    """EUR/MWh."""
    least_duration: timedelta = ENEDIS_2020.least_duration
    most_duration: timedelta | None = None
    least_gap: timedelta = timedelta()
    """From the end of an activation to the start of the next (R9: inferred)."""
    availability: tuple[Availability, ...] = ()
    fixed_premium: Decimal | None = None
    """EUR."""
    expected_call_wh: int | None = None
    probability: Fraction | None = None
    """Of being called at all."""

    @property
    def reserved(self) -> bool:
        """Whether capacity is reserved."""
        return self.reservation is Reservation.ACTIVE

    @property
    def least_power_w(self) -> int:
        """The smallest activation power, which tests ask for (R18)."""
        return min((period.power_w for period in self.availability), default=self.power_w)

    @property
    def activation(self) -> Stretch:
        """The activation period."""
        return Stretch(_midnight(self.starts, self.zone), _midnight(self.ends + _DAY, self.zone))

    def tests(self, profile: Profile = ENEDIS_2020) -> Stretch:
        """Return the period of tests: before that of activations, or without reservation the same (R21)."""
        if not self.reserved:
            return self.activation
        return Stretch(_midnight(months_later(self.starts, -profile.test_months), self.zone), self.activation.start)

    def available(self, stretch: Stretch) -> Series[int]:
        """Return the power (W) that is available during a stretch, with gaps where there is none."""
        if not self.reserved:
            return Series((Slot(stretch.start, stretch.end, self.power_w),))
        there = [(when, period.power_w) for period, when in self._periods(stretch)]
        edges = sorted(
            {stretch.start, stretch.end}
            | {edge for when, _ in there for edge in (when.start, when.end) if stretch.start < edge < stretch.end}
        )
        slots = []
        for start, end in pairwise(edges):
            powers = [power for when, power in there if when.start <= start and end <= when.end]
            if powers:
                slots.append(Slot(start, end, max(powers)))
        return Series(tuple(slots))

    def wrong(self, profile: Profile = ENEDIS_2020) -> tuple[Wrong, ...]:
        """Return what is wrong with the terms themselves."""
        found = {
            Wrong.NO_POWER: self.power_w <= 0,
            Wrong.SHORT_DURATION: self.least_duration < profile.least_duration,
            Wrong.DURATIONS: self.most_duration is not None and self.most_duration < self.least_duration,
            Wrong.NEGATIVE: min(self.dmo, self.least_gap) < timedelta() or self.variable_premium < 0,
            Wrong.DAYS: self.ends < self.starts,
            Wrong.SHORT_PERIOD: any(one.length < profile.least_period for one in self.availability),
            Wrong.PERIOD_POWER: any(not 0 < one.power_w <= self.power_w for one in self.availability),
        }
        money = (self.fixed_premium, self.expected_call_wh, self.probability)
        if self.reserved:
            found |= {
                Wrong.NO_PERIOD: not self.availability,
                Wrong.NO_FIXED_PREMIUM: self.fixed_premium is None or self.fixed_premium < 0,
                Wrong.NO_PROBABILITY: self.probability is None
                or not 0 < self.probability <= 1
                or (self.expected_call_wh or 0) < 0,
            }
        else:
            found[Wrong.ONLY_WITH_RESERVATION] = bool(self.availability) or money != (None, None, None)
        return tuple(wrong for wrong, holds in found.items() if holds)

    def _periods(self, stretch: Stretch) -> Iterator[tuple[Availability, Stretch]]:
        day, last = (at.astimezone(self.zone).date() for at in (stretch.start - _DAY, stretch.end))
        while day <= last:
            for period in self.availability:
                when = period.on(day, self.zone)
                if when is not None and when.overlaps(stretch):
                    yield period, when
            day += _DAY


def months_later(day: date, months: int) -> date:
    """Return the same day of another month, or the last one of that if it is shorter."""
    month = day.month - 1 + months
    first = date(day.year + month // 12, month % 12 + 1, 1)
    last = date(first.year + first.month // 12, first.month % 12 + 1, 1) - _DAY
    return first.replace(day=min(day.day, last.day))


def _at(local: time) -> timedelta:
    return timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return _instant(day, time(), zone)


def _instant(day: date, local: time, zone: tzinfo) -> datetime:
    """Return the instant of a local time: the first of two, and of one that the clock skips, that of the change."""
    wall = datetime.combine(day, local, zone)
    after, before = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    # Only of a time that is skipped is the second reading the earlier one, and the change lies between both.
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) > wall.replace(tzinfo=None):
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
