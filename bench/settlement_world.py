"""A made-up perimeter: a year of half-hours of many sites, their entities, and fifty orders of a winter.

DuckDB writes the readings as Parquet, a file for each month, sorted by time. Every number follows from the site and the
half-hour, so the world is the same each time; numbers of sites differ only in how many of them there are.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from bench.settlement_engines import Member
from custom_components.flex_ready.settlement.facts import Facts
from custom_components.flex_ready.settlement.methods import Choice, Method, plan
from custom_components.flex_ready.settlement.model import STEP, Direction, Order
from custom_components.flex_ready.settlement.perimeter import EntityPlan, Planned

PERIMETER = "perimeter"
PARIS = ZoneInfo("Europe/Paris")
YEAR = 2026
ORDERS = 50
METHODS = (
    Method.RECTANGLE_SIMPLE,
    Method.RECTANGLE_SIMPLE,
    Method.DOUBLE_REFERENCE,
    Method.DOUBLE_REFERENCE,
    Method.DOUBLE_REFERENCE,
    Method.SITE_BY_SITE,
    Method.MOY10J,
    Method.MED10J,
    Method.MOY4S,
    Method.MED4S,
)
"""Of the entities; site `n` belongs to entity `n % 10`."""
_W_A_SITE = 400
_FOREVER = 2**40
_READINGS = """
SELECT site_id::BIGINT AS site_id, (ts0 + 1800 * t)::BIGINT AS ts,
  (150 + 40 * (site_id % 9) + 20 * (t % 48) + (hash(site_id * 100003 + t) % 400)::BIGINT
    - CASE WHEN site_id % 7 = 0 AND t % 48 BETWEEN 20 AND 30 THEN 2000 ELSE 0 END
    - CASE WHEN (ts0 + 1800 * t) IN ({events}) THEN 60 + (t * 37) % 220 ELSE 0 END)::BIGINT AS wh
FROM (SELECT {start} AS ts0, range AS t FROM range({count})) a, (SELECT range AS site_id FROM range({sites})) b
WHERE hash(site_id * 7919 + t) % 100000 <> 0 OR site_id % 10 <> 5
ORDER BY ts, site_id
"""
"""Now and then a site of the entity that is settled site by site lacks a reading: elsewhere all would be lost by it."""


def days() -> list[date]:
    """Return the days of the orders: every second working day of January to April, November and December."""
    first = date(YEAR, 1, 20)
    cold = [first + timedelta(i) for i in range(345) if (first + timedelta(i)).month in {1, 2, 3, 4, 11, 12}]
    return [day for day in cold if day.weekday() < 5 and day.toordinal() % 2][:ORDERS]


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 18, tzinfo=PARIS).astimezone(UTC)


def orders(sites: int) -> list[Planned]:
    """Return the orders with the plans of all entities."""
    made = []
    for i, day in enumerate(days()):
        start = _start(day)
        order = Order(
            start,
            start + 4 * STEP,
            id=str(i),
            ordered_at=start - STEP,
            power_w=_W_A_SITE * sites,
            direction=Direction.REDUCE_NET_WITHDRAWAL,
        )
        facts = Facts(zone=PARIS, not_eligible=frozenset(days()[:i]))
        entities = {
            f"entity{n}": EntityPlan(plan(order, Choice(method=method, dmo=STEP), facts, _nothing), method.each_site)
            for n, method in enumerate(METHODS)
        }
        expected = {step: Fraction(order.power_w, 2) for step in order.steps}
        made.append(
            Planned(perimeter=PERIMETER, start=start, direction=order.direction, expected=expected, entities=entities)
        )
    return made


def members(sites: int) -> Iterator[Member]:
    """Give who belongs to which entity; some join in March, some leave in December."""
    march, december = (int(datetime(YEAR, month, 1, tzinfo=UTC).timestamp()) for month in (3, 12))
    for site in range(sites):
        joined = march if site % 50 == 49 else 0
        left = december if site % 50 == 48 else _FOREVER
        yield PERIMETER, f"entity{site % len(METHODS)}", site, joined, left


def write(folder: Path, sites: int) -> int:
    """Write the readings as Parquet; return how many half-hours they cover."""
    events = ", ".join(str(int((_start(day) + i * STEP).timestamp())) for day in days() for i in range(4))
    with duckdb.connect() as connection:
        for start, end in pairwise(_months()):
            count = (end - start) // STEP
            question = _READINGS.format(events=events, start=int(start.timestamp()), count=count, sites=sites)
            file = folder / f"{start:%Y-%m}.parquet"
            connection.execute(f"COPY ({question}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
    return (_months()[-1] - _months()[0]) // STEP


def _months() -> Sequence[datetime]:
    return [datetime(YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(13)]


def _nothing(_step: datetime) -> bool:
    return False
