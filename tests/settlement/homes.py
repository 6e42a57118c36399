"""Orders and load curves as the tests of reference methods say them, in local time."""

from collections.abc import Iterable, Mapping
import csv
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
import json
from math import sqrt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from custom_components.flex_ready.settlement.facts import Facts, local_day
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.methods import Choice, Method
from custom_components.flex_ready.settlement.model import STEP, Direction, Order, Quality, Reading
from custom_components.flex_ready.settlement.realised import realised

PARIS = ZoneInfo("Europe/Paris")
FACTS = Facts(zone=PARIS)
DAY = timedelta(days=1)
UP, DOWN = Direction.REDUCE_NET_WITHDRAWAL, Direction.INCREASE_NET_WITHDRAWAL
_SHARED = Path(__file__).resolve().parents[3] / "shared/data"
HOME = _SHARED / "load/french-home-30min.csv"
EXAMPLES = _SHARED / "settlement_examples.json"
with_home = pytest.mark.skipif(not HOME.exists(), reason="the load curve of the French home is not here")
with_examples = pytest.mark.skipif(not EXAMPLES.exists(), reason="the worked numbers are not here")


@cache
def examples() -> dict[str, object]:
    """Return the worked numbers."""
    read: dict[str, object] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return read


def at(day: date, clock: str, fold: int = 0) -> datetime:
    """Return the instant of a time of the clock in Paris."""
    return datetime.combine(day, time.fromisoformat(clock)).replace(tzinfo=PARIS, fold=fold).astimezone(UTC)


def order(day: date, start: str, end: str, direction: Direction = UP) -> Order:
    """Return an order from one time of a day to another."""
    begin, stop = at(day, start), at(day, end)
    return Order(begin, stop, id="one", ordered_at=begin - DAY, power_w=1, direction=direction)


def curve(readings: Mapping[datetime, int] | Iterable[tuple[datetime, int]]) -> LoadCurve:
    """Return the curve of measured readings (Wh)."""
    return LoadCurve({step: Reading(wh) for step, wh in dict(readings).items()})


def flat(start: datetime, days: int, wh: int = 1000) -> dict[datetime, int]:
    """Return readings that are all the same."""
    return {start + number * STEP: wh for number in range(48 * days)}


@cache
def home() -> LoadCurve:
    """Return the year of a French home."""
    with HOME.open(encoding="utf-8") as file:
        rows = [(datetime.fromisoformat(row["start_utc"]), row["mean_power_w"]) for row in csv.DictReader(file)]
    return LoadCurve(
        {
            step.astimezone(UTC): Reading(round(float(power) / 2)) if power else Reading(None, Quality.MISSING)
            for step, power in rows
        }
    )


@cache
def quiet(method: Method) -> tuple[float, float, float]:
    """Return how a method does on the days of the home on which nothing was ordered, from 18 to 19 h.

    Bias, root mean square, and what would be paid for nothing, in % of what the home draws in that hour.
    """
    errors, drawn = [], []
    choice = Choice(method=method, dmo=timedelta(minutes=30))
    for day in sorted({local_day(step, PARIS) for step, _ in home()}):
        rows = realised(order(day, "18:00", "19:00"), choice, FACTS, [home()])
        drawn += [row.measured_wh for row in rows if row.measured_wh is not None]
        raw = [row.realised_wh for row in rows if row.realised_wh is not None]
        if len(raw) == len(rows):
            errors.append(float(sum(raw, Fraction())))
    assert len(errors) > 320
    mean = 2 * sum(drawn) / len(drawn) / 100
    return (
        sum(errors) / len(errors) / mean,
        sqrt(sum(error * error for error in errors) / len(errors)) / mean,
        sum(max(error, 0) for error in errors) / len(errors) / mean,
    )
