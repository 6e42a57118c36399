"""Hours of the week of a site, as stretches of time: right on days of 23 and of 25 hours."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo

from ..control.load import Hours
from ..slots import Stretch

EVERY_DAY = frozenset(range(7))
"""0 is Monday."""
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_PIECE = timedelta(minutes=15)
"""Clocks are changed at whole quarters of an hour (UTC)."""
_DAY_MIN = 1_440


def periods(
    hours: Hours | None, days: frozenset[int], zone: tzinfo, start: datetime, end: datetime
) -> tuple[Stretch, ...]:
    """Return the periods that have some instant from `start` to `end`, whole as far as they are within a week of it.

    Hours over midnight belong to the day on which they begin. An hour that comes twice counts twice.
    """
    edges = sorted(_edges(hours, zone, start - _WEEK, end + _WEEK))
    found: list[Stretch] = []
    since: datetime | None = None
    for edge in edges:
        inside = _holds(hours, days, edge.astimezone(zone))
        if inside and since is None:
            since = edge
        elif not inside and since is not None:
            found.append(Stretch(since, edge))
            since = None
    if since is not None and since < edges[-1]:
        found.append(Stretch(since, edges[-1]))
    return tuple(one for one in found if one.start < end and start < one.end)


def minutes(stretch: Stretch, zone: tzinfo) -> tuple[tuple[int, int], ...]:
    """Return the minutes of the local day that a stretch touches, as first and last of each run of them."""
    if stretch.length >= _DAY + _DAY / 24:
        return ((0, _DAY_MIN - 1),)
    found: list[tuple[int, int]] = []
    at = stretch.start
    while at < stretch.end:
        following = min(_piece_after(at), stretch.end)
        first = _minute(at.astimezone(zone))
        last = first + (following - at - timedelta(microseconds=1)) // timedelta(minutes=1)
        if found and found[-1][1] + 1 >= first >= found[-1][0]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
        at = following
    return tuple(found)


def touch(hours: Hours, runs: tuple[tuple[int, int], ...]) -> bool:
    """Tell whether some of these minutes lies in some hours."""
    return any(hours.holds(first) or first < hours.start <= last for first, last in runs)


def _edges(hours: Hours | None, zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Give the instants at which what holds may change: bounds of hours, midnights, where the clock is changed."""
    yield start
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    bounds = {0} if hours is None else {0, hours.start % _DAY_MIN, hours.end % _DAY_MIN}
    while day <= last:
        for minute in bounds:
            for fold in (0, 1):
                at = datetime.combine(day, time(minute // 60, minute % 60, fold=fold), zone).astimezone(UTC)
                if start < at < end:
                    yield at
        day += _DAY
    at = _piece_after(start)
    while at < end:
        whole = min(_DAY, end - at)
        if (at - _PIECE).astimezone(zone).utcoffset() == (at + whole).astimezone(zone).utcoffset():
            at += whole
            continue
        if at.astimezone(zone).utcoffset() != (at - _PIECE).astimezone(zone).utcoffset():
            yield at
        at += _PIECE
    yield end


def _holds(hours: Hours | None, days: frozenset[int], local: datetime) -> bool:
    minute = _minute(local)
    if hours is None:
        return local.weekday() in days
    since = hours.start > hours.end and minute < hours.end  # after midnight: yesterday's
    return hours.holds(minute) and (local.weekday() - since) % 7 in days


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _piece_after(at: datetime) -> datetime:
    return at - (at - at.replace(minute=0, second=0, microsecond=0)) % _PIECE + _PIECE
