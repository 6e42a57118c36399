"""Hours of the week as stretches of time, held against a look at every minute."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings, strategies as st
import pytest
from said import HOUR, MINUTE, PARIS

from custom_components.flex_ready.control.load import Hours
from custom_components.flex_ready.flexibility.hours import EVERY_DAY, minutes, periods, touch
from custom_components.flex_ready.slots import Stretch

SUMMER, WINTER = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)
"""When the days of 23 and of 25 hours begin in Paris."""


def of(hours: Hours | None, start: datetime, days: frozenset[int] = EVERY_DAY) -> list[tuple[datetime, timedelta]]:
    """Return the periods of a day, each by its start and its length."""
    return [(one.start, one.length) for one in periods(hours, days, PARIS, start, start + 12 * HOUR)]


def test_an_ordinary_day() -> None:
    """From eight to six; a period is whole, whenever it is asked for."""
    noon = datetime(2026, 6, 3, 10, tzinfo=UTC)
    assert of(Hours(480, 1080), noon) == [(noon.replace(hour=6), 10 * HOUR)]
    assert of(Hours(480, 1080), noon, frozenset((0,))) == []
    assert of(None, noon, frozenset((2,))) == [(datetime(2026, 6, 2, 22, tzinfo=UTC), 24 * HOUR)]
    working = frozenset(range(5))
    assert of(None, noon, working) == [(datetime(2026, 5, 31, 22, tzinfo=UTC), 5 * 24 * HOUR)]


def test_over_midnight() -> None:
    """It is the day's on which it begins: Friday night ends on Saturday."""
    friday, night = datetime(2026, 6, 5, 20, tzinfo=UTC), Hours(1320, 360)
    assert of(night, friday, frozenset((4,))) == [(friday, 8 * HOUR)]
    assert of(night, friday, frozenset((5,))) == []


def test_where_the_clock_is_changed() -> None:
    """A night is an hour shorter, or longer; an hour that comes twice is there twice, one that does not come is not."""
    night = Hours(1320, 360)
    assert of(night, SUMMER)[0][1] == 7 * HOUR
    assert of(night, WINTER)[0][1] == 9 * HOUR
    assert of(Hours(150, 180), SUMMER) == []
    assert of(Hours(150, 240), SUMMER) == [(datetime(2026, 3, 29, 1, tzinfo=UTC), HOUR)]
    twice = [(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), 30 * MINUTE) for hour in (0, 1)]
    assert of(Hours(150, 180), WINTER) == twice


STARTS = st.sampled_from([SUMMER, WINTER, datetime(2028, 2, 28, tzinfo=UTC)]).flatmap(
    lambda day: st.integers(0, 1500).map(lambda minute: day + minute * MINUTE)
)
HOURS = st.builds(Hours, st.integers(0, 1439), st.integers(0, 1439)).filter(lambda hours: hours.start != hours.end)


@settings(max_examples=80, deadline=None)
@given(start=STARTS, hours=HOURS, length=st.integers(1, 600), days=st.frozensets(st.integers(0, 6)))
def test_every_minute(start: datetime, hours: Hours, length: int, days: frozenset[int]) -> None:
    """A minute lies in a period if the clock on the wall, and the day of its start, say so."""
    end = start + length * MINUTE
    found = periods(hours, days, PARIS, start, end)
    for one, other in pairwise(found):
        assert one.end < other.start
    at = start
    while at < end:
        local = at.astimezone(PARIS)
        minute = local.hour * 60 + local.minute
        day = local - timedelta(days=1) if hours.start > hours.end and minute < hours.end else local
        assert any(one.start <= at < one.end for one in found) == (hours.holds(minute) and day.weekday() in days)
        at += 7 * MINUTE


@settings(max_examples=100, deadline=None)
@given(start=STARTS, hours=HOURS, length=st.integers(1, 3000), shift=st.integers(0, 59))
def test_what_a_stretch_touches(start: datetime, hours: Hours, length: int, shift: int) -> None:
    """Some minute of it, if a look at each of them finds one."""
    start += timedelta(seconds=shift)
    stretch = Stretch(start, start + length * MINUTE)
    walls = [(start + i * MINUTE).astimezone(PARIS) for i in range(length)]
    last = (stretch.end - timedelta(seconds=1)).astimezone(PARIS)
    expected = any(hours.holds(one.hour * 60 + one.minute) for one in (*walls, last))
    assert touch(hours, minutes(stretch, PARIS)) == expected


@pytest.mark.parametrize("length", [25 * HOUR, 400 * HOUR])
def test_what_is_longer_than_a_day(length: timedelta) -> None:
    """Touches every minute of it."""
    assert minutes(Stretch(SUMMER, SUMMER + length), PARIS) == ((0, 1439),)
