"""RTE's answer to slots.

`jour` is a local midnight with that day's offset, `pas` an hour of the wall clock in Paris: a day always has 24 of
them, also that of 23 hours (where `pas` 2 does not exist) and that of 25 (where it lasts two). `GenerationFichier` is
mislabelled by RTE and serves only to tell one file from another.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from ...slots import Series, Slot
from ..errors import SignalError, Trouble
from .model import Day, Forecast, Level

_HOURS = range(24)
_LEVELS = {level.value: level for level in Level}
_MOST_DAYS = 40
"""RTE sends four; an answer that is not its own must not keep the loop busy."""


def parse_signals(body: object, *, retrieved_at: datetime, zone: tzinfo, rehearsal: bool = False) -> Forecast:
    """Read an answer; `zone` is that of Paris. Raises SignalError if it is none; a day without sense is dropped."""
    signals = body.get("signals") if isinstance(body, Mapping) else None
    if not isinstance(signals, Sequence) or isinstance(signals, str):
        raise SignalError(Trouble.WRONG_SHAPE, "the answer has no list of signals")
    found: dict[date, Mapping[str, object]] = {}
    dropped = max(0, len(signals) - _MOST_DAYS)
    for signal in signals[:_MOST_DAYS]:
        if isinstance(signal, Mapping) and (day := _day(signal.get("jour"), zone)) is not None:
            found[day] = signal
        else:
            dropped += 1
    slots: list[Slot[Level]] = []
    days: list[Day] = []
    usual = _usual_generation(found)
    for day in sorted(found):
        levels, bad = _levels(found[day].get("values"))
        dropped += bad
        slots += _slots(day, levels, zone)
        days.append(_coloured(day, found[day], usual))
    return Forecast(Series(tuple(slots)), tuple(days), retrieved_at, rehearsal, dropped)


def hours_of(day: date, zone: tzinfo) -> Iterator[tuple[int, datetime, datetime]]:
    """Give each hour of the wall clock of a day that exists: its number, start and end (UTC)."""
    midnights = [datetime.combine(day + timedelta(days=ahead), time.min, zone).astimezone(UTC) for ahead in (0, 1)]
    starts = [_first_instant(day, hour, zone) for hour in _HOURS]
    for hour, (start, end) in zip(_HOURS, pairwise([*starts, midnights[1]]), strict=True):
        if start < end:
            yield hour, start, end


def _first_instant(day: date, hour: int, zone: tzinfo) -> datetime:
    """Return when an hour begins (UTC), in autumn for the first time; one that does not exist, when the next does."""
    instant = datetime.combine(day, time(hour), zone).astimezone(UTC)
    local = instant.astimezone(zone)
    # 02:00 of a day on which it is skipped is read with the offset of before, which is 03:00 of the one after.
    return instant if local.hour == hour else datetime.combine(day, time(hour + 1), zone).astimezone(UTC)


def _day(jour: object, zone: tzinfo) -> date | None:
    if not isinstance(jour, str):
        return None
    try:
        midnight = datetime.fromisoformat(jour)
        # The date is the local one as written; without an offset it can only be that as well.
        local = midnight if midnight.tzinfo is None else midnight.astimezone(zone)
        day = local.date()
        datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    except ValueError, OverflowError:
        return None
    return day if date(2000, 1, 1) <= day < date(2200, 1, 1) else None


def _levels(values: object) -> tuple[dict[int, Level], int]:
    """Return the levels by `pas`, and how many made no sense."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return {}, 1
    levels: dict[int, Level] = {}
    bad = max(0, len(values) - _MOST_DAYS)
    for value in values[:_MOST_DAYS]:
        pas = value.get("pas") if isinstance(value, Mapping) else None
        hvalue = value.get("hvalue") if isinstance(value, Mapping) else None
        known = _LEVELS.get(hvalue) if isinstance(hvalue, int) and not isinstance(hvalue, bool) else None
        if not isinstance(pas, int) or isinstance(pas, bool) or pas not in _HOURS or known is None:
            bad += 1
        elif levels.setdefault(pas, known) is not known:
            # Two levels of one hour: the graver one is believed.
            levels[pas] = max(levels[pas], known)
            bad += 1
    return levels, bad


def _slots(day: date, levels: Mapping[int, Level], zone: tzinfo) -> Iterator[Slot[Level]]:
    for hour, start, end in hours_of(day, zone):
        if (level := levels.get(hour)) is not None:
            yield Slot(start, end, level)


def _coloured(day: date, signal: Mapping[str, object], usual: str) -> Day:
    dvalue, message = signal.get("dvalue"), signal.get("message")
    generation = _generation(signal)
    return Day(
        day=day,
        level=_LEVELS.get(dvalue) if isinstance(dvalue, int) and not isinstance(dvalue, bool) else None,
        message=message.strip()[:500] if isinstance(message, str) else "",
        generation=generation,
        provisional=generation != usual,
    )


def _usual_generation(days: Mapping[date, Mapping[str, object]]) -> str:
    """Return the stamp of the file that the first day came in."""
    return _generation(days[min(days)]) if days else ""


def _generation(signal: Mapping[str, object]) -> str:
    stamp = signal.get("GenerationFichier")
    return stamp[:40] if isinstance(stamp, str) else ""
