"""What is said to the database of contracts, the same to SQLite and to PostgreSQL."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import CTE, BigInteger, Case, Connection, and_, case, cast, delete, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from ..settlement.model import STEP, Quality
from .fields import Kept, Row
from .schema import forecasts, membership, orders, readings, trials
from .statements import each_row, insert_into

_WORTH = (Quality.MISSING, Quality.UNKNOWN, Quality.ESTIMATED, Quality.MEASURED)
"""In ascending order: what is worth less takes the place of nothing."""


def add_readings(connection: Connection, rows: Sequence[Row], step: timedelta) -> None:
    """Add readings, each in the place of one of the same step that is not worth more."""
    if not rows:
        return
    table = readings[step]
    insert = insert_into(connection.dialect.name, table)
    new = insert.excluded
    replace = insert.on_conflict_do_update(
        index_elements=["ts", "site_id"],
        set_={"wh": new.wh, "quality": new.quality},
        where=_worth(new.quality) >= _worth(table.c.quality),
    )
    connection.execute(replace, list(rows))


def each_reading(connection: Connection, site: str, start: int, end: int, step: timedelta) -> Iterator[Kept]:
    """Give the readings of a site whose steps start in a stretch (s), in order.

    Each is looked for by its own instant: a range of the key would hold those of all sites.
    """
    table, at = readings[step], _instants(start, end, step)
    found = select(table).join_from(at, table, and_(table.c.ts == at.c.ts, table.c.site_id == site))
    return each_row(connection, found.where(table.c.ts < end).order_by(table.c.ts))


def each_total(
    connection: Connection, perimeter: str, entity: str, at: int, start: int, end: int, step: timedelta
) -> Iterator[Kept]:
    """Give the sums over the sites that belong to an entity at an instant (s), of the steps that start in a stretch.

    A step of which a site has no reading is left out.
    """
    table, instants, c = readings[step], _instants(start, end, step), membership.c
    belongs = and_(c.perimeter_id == perimeter, c.ef_id == entity, c.valid_from <= at, c.valid_to > at)
    sites = select(func.count()).select_from(membership).where(belongs).scalar_subquery()
    found = (
        select(
            table.c.ts,
            cast(func.sum(table.c.wh), BigInteger).label("wh"),
            func.min(_worth(table.c.quality)).label("worth"),
        )
        .select_from(instants.join(table, table.c.ts == instants.c.ts).join(membership, c.site_id == table.c.site_id))
        .where(belongs, table.c.ts < end)
        .group_by(table.c.ts)
        .having(func.count(table.c.wh) == sites)
        .order_by(table.c.ts)
    )
    return each_row(connection, found)


def quality_of(worth: int) -> Quality:
    """Return the quality that is worth so much."""
    return _WORTH[worth]


def set_members(connection: Connection, perimeter: str, rows: Sequence[Row]) -> None:
    """Have some members, and no others, be those of a perimeter."""
    connection.execute(delete(membership).where(membership.c.perimeter_id == perimeter))
    if rows:
        connection.execute(membership.insert(), list(rows))


def each_member(connection: Connection, perimeter: str) -> Iterator[Kept]:
    """Give the members of a perimeter, by entity and site."""
    c = membership.c
    return each_row(
        connection, select(membership).where(c.perimeter_id == perimeter).order_by(c.ef_id, c.site_id, c.valid_from)
    )


def keep_order(connection: Connection, row: Row) -> None:
    """Add an order as it is now, unless it is so already."""
    same = and_(orders.c.contract == row["contract"], orders.c.order_id == row["order_id"])
    last = connection.execute(select(orders).where(same).order_by(orders.c.revision.desc()).limit(1)).mappings().first()
    if last is not None and all(last[column] == value for column, value in row.items()):
        return
    connection.execute(orders.insert(), {**row, "revision": last["revision"] + 1 if last is not None else 1})


def each_order(connection: Connection, contract: str) -> Iterator[Kept]:
    """Give the orders of a contract as they are now, by their start."""
    later = orders.alias()
    same = and_(later.c.contract == orders.c.contract, later.c.order_id == orders.c.order_id)
    last = select(func.max(later.c.revision)).where(same).scalar_subquery()
    found = select(orders).where(orders.c.contract == contract, orders.c.revision == last)
    return each_row(connection, found.order_by(orders.c.start, orders.c.order_id))


def keep_trial(connection: Connection, row: Row) -> None:
    """Add a test, or what has become of it."""
    insert, keys = insert_into(connection.dialect.name, trials), ["contract", "trial_id"]
    told = {column: insert.excluded[column] for column in row if column not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=told), row)


def each_trial(connection: Connection, contract: str) -> Iterator[Kept]:
    """Give the tests of a contract in order."""
    return each_row(
        connection, select(trials).where(trials.c.contract == contract).order_by(trials.c.at, trials.c.trial_id)
    )


def keep_forecast(connection: Connection, rows: Sequence[Row]) -> None:
    """Add what is forecast of an entity of a contract, unless that is what was said last of its half-hour."""
    if not rows:
        return
    c, first = forecasts.c, rows[0]
    same = and_(c.contract == first["contract"], c.ef_id == first["ef_id"], c.ts.in_([row["ts"] for row in rows]))
    found = connection.execute(select(c.ts, c.wh, c.revision).where(same).order_by(c.revision))
    last = {ts: (wh, revision) for ts, wh, revision in found}
    new = [(row, *last.get(row["ts"], (None, 0))) for row in rows]
    changed = [{**row, "revision": revision + 1} for row, wh, revision in new if row["wh"] != wh]
    if changed:
        connection.execute(forecasts.insert(), changed)


def each_forecast(connection: Connection, contract: str, entity: str, start: int, end: int) -> Iterator[Kept]:
    """Give all that was forecast of an entity for the half-hours that start in a stretch (s), as it was said."""
    c = forecasts.c
    there = and_(c.contract == contract, c.ef_id == entity, c.ts >= start, c.ts < end)
    return each_row(connection, select(forecasts).where(there).order_by(c.ts, c.revision))


def purge(connection: Connection, before: int, settled_before: int) -> None:
    """Drop the readings that are older than an instant (s), and what orders are settled by that is older than another.

    Orders and tests stay with their contract.
    """
    for step, table in ((STEP, forecasts), *readings.items()):
        end = settled_before if step == STEP else before
        connection.execute(delete(table).where(table.c.ts <= end - step // timedelta(seconds=1)))
    connection.execute(delete(membership).where(membership.c.valid_to <= settled_before))


def forget(connection: Connection, name: str) -> None:
    """Drop all of a site, or of a contract and its perimeter."""
    for table in readings.values():
        connection.execute(delete(table).where(table.c.site_id == name))
    connection.execute(delete(membership).where(membership.c.perimeter_id == name))
    for table in (orders, trials, forecasts):
        connection.execute(delete(table).where(table.c.contract == name))


def _instants(start: int, end: int, step: timedelta) -> CTE:
    """Return the starts of the steps of a stretch (s), the first of them also where the stretch is empty."""
    length = step // timedelta(seconds=1)
    at = select(literal(start, BigInteger).label("ts")).cte("at", recursive=True)
    return at.union_all(select(at.c.ts + length).where(at.c.ts + length < end))


def _worth(quality: ColumnElement[str]) -> Case[int]:
    return case({word.value: worth for worth, word in enumerate(_WORTH)}, value=quality, else_=0)
