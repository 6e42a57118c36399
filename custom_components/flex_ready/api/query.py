"""What the query of a call asks for: which product, which time, in which steps, how put together."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
import re
from typing import TYPE_CHECKING

from ..flexibility.dialects import Dialect
from ..flexibility.model import Aggregation
from ..flexibility.reading import Reading
from ..slots import Stretch
from .problems import ProblemError, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = {
    "PT5M": timedelta(minutes=5),
    "PT10M": timedelta(minutes=10),
    "PT15M": timedelta(minutes=15),
    "PT30M": timedelta(minutes=30),
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
}
LONGEST = timedelta(days=31)
MOST_STEPS = 5_000
_FINEST = timedelta(minutes=5)
"""The step in which is measured."""
_PLUS_LOST = re.compile(r" (?=\d\d:\d\d$)", re.ASCII)
"""The plus of an offset, sent as it is, is a blank in a query."""


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked of consumptions."""

    stretch: Stretch
    step: timedelta | None
    """None: as it was measured; put together, all of it."""
    aggregation: Aggregation | None


def period(query: Mapping[str, str], now: datetime, dialect: Dialect, zone: tzinfo, *, aggregated: bool) -> Period:
    """Read what is asked of consumptions, by default of the day (24 h) until now; raise ProblemError."""
    reading = Reading(dialect, zone)
    end = _stamp(reading, query, "end") or now
    start = _stamp(reading, query, "start") or end - timedelta(days=1)
    step = _word(reading, query, "step", tuple(STEPS))
    how = _word(reading, query, "aggregation", tuple(Aggregation)) or (Aggregation.SUM.value if aggregated else None)
    if reading.findings:
        raise ProblemError(Trouble.MALFORMED, "the query cannot be read", findings=tuple(reading.findings))
    length = end - start
    if not timedelta() < length <= LONGEST:
        raise ProblemError(Trouble.BAD_PERIOD, f"the end is after the start, by {LONGEST.days} days at most")
    span = STEPS[step] if step else None
    if (span or (_FINEST if how is None else length)) * MOST_STEPS < length:
        raise ProblemError(Trouble.BAD_PERIOD, f"{MOST_STEPS} steps at most")
    return Period(Stretch(start, end), span, Aggregation(how) if how else None)


def window(query: Mapping[str, str], dialect: Dialect, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Read between which instants something is looked for, None where that is open; raise ProblemError."""
    reading = Reading(dialect, zone)
    start, end = _stamp(reading, query, "start"), _stamp(reading, query, "end")
    if reading.findings:
        raise ProblemError(Trouble.MALFORMED, "the query cannot be read", findings=tuple(reading.findings))
    if start is not None and end is not None and start >= end:
        raise ProblemError(Trouble.BAD_PERIOD, "the end is after the start")
    return start, end


def _stamp(reading: Reading, query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    return None if text is None else reading.stamp(_PLUS_LOST.sub("+", text), f"/{name}")


def _word(reading: Reading, query: Mapping[str, str], name: str, words: tuple[str, ...]) -> str | None:
    text = query.get(name)
    return None if text is None else reading.word(text, f"/{name}", words)
