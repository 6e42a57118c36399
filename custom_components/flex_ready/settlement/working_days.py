"""The working days ("jours ouvrés") of France, and the deadlines that are counted in them.

Sources: docs/settlement.md, R14 and R15; Enedis 2020, slide 11. Monday to Friday without the eleven legal holidays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from .contract import months_later
from .profile import ENEDIS_2020, Deadline, Profile

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When the perimeter of a month is closed, and published again after a test."""

    month: date
    """Its first day."""
    update: date
    """The last day on which sites may be added and taken out."""
    second_publication: date
    """By when it is published again, if there was a test."""


def works(day: date) -> bool:
    """Tell whether a day is a working day."""
    return day.weekday() < _SATURDAY and day not in holidays_of(day.year)


@cache
def holidays_of(year: int) -> frozenset[date]:
    """Return the legal holidays of a year in France, not those of Alsace and Moselle alone.

    The first call reads files: it belongs beside an event loop, not on it.
    """
    # It takes a moment to load, and who has no contract needs none of it.
    import holidays  # noqa: PLC0415

    return frozenset(holidays.country_holidays("FR", years=year))


def working_days(month: date) -> tuple[date, ...]:
    """Return the working days of a month."""
    return tuple(day for day in _days(month.replace(day=1)) if works(day))


def deadlines(month: date, read: Deadline = Deadline.EARLIER, profile: Profile = ENEDIS_2020) -> Deadlines:
    """Return the deadlines of a month, by a reading of what is counted."""
    first = month.replace(day=1)
    before, within = working_days(months_later(first, -1)), working_days(first)
    update, publication = profile.update_working_days, profile.publication_working_days
    counted = Deadlines(first, before[-update], within[publication - 1])
    between = Deadlines(first, before[-update - 1], within[publication])
    match read:
        case Deadline.BETWEEN:
            return between
        case Deadline.COUNTED:
            return counted
        case Deadline.EARLIER:
            return Deadlines(
                first,
                min(counted.update, between.update),
                min(counted.second_publication, between.second_publication),
            )


def next_deadlines(today: date, read: Deadline = Deadline.EARLIER, profile: Profile = ENEDIS_2020) -> Deadlines:
    """Return the deadlines of the first month whose perimeter can still be changed."""
    month = months_later(today.replace(day=1), 1)
    while (found := deadlines(month, read, profile)).update < today:
        month = months_later(month, 1)
    return found


def _days(first: date) -> Iterator[date]:
    day = first
    while day.month == first.month:
        yield day
        day += _DAY
