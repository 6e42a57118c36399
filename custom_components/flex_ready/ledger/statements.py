"""What is said to the database of requests, curves and calls, the same to SQLite and to PostgreSQL."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Insert, Select, Table, and_, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete

from .database import SQLITE
from .fields import Kept, Row
from .model import LedgerError
from .schema import KEY, calls as called, curve, transitions as kept

_IDENTITY = (*KEY, "revision")
_READ_AT_ONCE = 1_000


def add_transitions(connection: Connection, rows: Sequence[Row]) -> None:
    """Add transitions; raise LedgerError if one is there already and says something else."""
    insert = insert_once(connection.dialect.name)
    for row in rows:
        if connection.execute(insert, row).rowcount:
            continue
        there = connection.execute(select_same(row)).mappings().one()
        if any(there[column] != value for column, value in row.items()):
            name = f"revision {row['revision']} of request {row['request_id']} of asset {row['asset_id']}"
            raise LedgerError(f"{name} is kept already, and says something else")


def transitions(connection: Connection, site: str) -> Iterator[Kept]:
    """Give all of a site in order."""
    found = select(kept).where(kept.c.site == site).order_by(kept.c.id)
    return each_row(connection, found)


def add_steps(connection: Connection, rows: Sequence[Row], longest: int) -> None:
    """Add steps of a load curve, none of which is longer than `longest` (µs)."""
    insert = insert_or_replace(connection.dialect.name)
    for row in rows:
        start, length = row["start"], row["length"]
        assert isinstance(start, int)
        assert isinstance(length, int)
        others = and_(
            curve.c.site == row["site"],
            curve.c.source == row["source"],
            curve.c.start > start - longest,  # the key leads to the few that can reach that far
            curve.c.start < start + length,
            curve.c.start + curve.c.length > start,
            curve.c.start != start,
        )
        if (connection.scalar(select(func.max(curve.c.length)).where(others)) or 0) > length:
            continue
        connection.execute(delete(curve).where(others))
        connection.execute(insert, row)


def steps(connection: Connection, site: str, source: str, start: int, end: int, longest: int) -> Iterator[Kept]:
    """Give the steps that have some instant in a stretch (µs) in order."""
    found = (
        select(curve)
        .where(
            curve.c.site == site,
            curve.c.source == source,
            curve.c.start > start - longest,
            curve.c.start < end,
            curve.c.start + curve.c.length > start,
        )
        .order_by(curve.c.start)
    )
    return each_row(connection, found)


def add_calls(connection: Connection, rows: Sequence[Row]) -> None:
    """Add calls. There may be many: they go to the driver as they are."""
    if not rows:
        return
    insert = called.insert().compile(connection, column_keys=list(rows[0]))
    values = [tuple(row.values()) if insert.positional else row for row in rows]
    connection.exec_driver_sql(insert.string, values)


def calls(connection: Connection, site: str, limit: int) -> Iterator[Kept]:
    """Give the last calls, the latest first."""
    return each_row(connection, select(called).where(called.c.site == site).order_by(called.c.id.desc()).limit(limit))


def trim_calls(connection: Connection, most: int) -> None:
    """Drop of each site all but the last calls."""
    for site in connection.scalars(select(called.c.site).distinct()).all():
        last = select(called.c.id).where(called.c.site == site).order_by(called.c.id.desc()).offset(most).limit(1)
        connection.execute(delete(called).where(called.c.site == site, called.c.id <= last.scalar_subquery()))


def purge(connection: Connection, before: int) -> None:
    """Drop what is older than an instant (µs)."""
    connection.execute(delete_requests(before))
    connection.execute(delete(curve).where(curve.c.start + curve.c.length <= before))
    connection.execute(delete(called).where(called.c.at < before))


def forget(connection: Connection, site: str) -> None:
    """Drop all of a site."""
    for table in (kept, curve, called):
        connection.execute(delete(table).where(table.c.site == site))


def insert_once(dialect: str) -> Insert:
    """Return what adds a transition that is not there yet, and tells whether it did."""
    insert = insert_into(dialect, kept).on_conflict_do_nothing(index_elements=_IDENTITY)
    # Of an insertion SQLAlchemy forgets the count, which SQLite tells all the same and PostgreSQL does not.
    return insert.inline().execution_options(preserve_rowcount=True)


def insert_or_replace(dialect: str) -> Insert:
    """Return what adds a step of a load curve, in the place of the one that starts where it does."""
    insert, keys = insert_into(dialect, curve), [column.name for column in curve.primary_key]
    told = {column.name: insert.excluded[column.name] for column in curve.columns if column.name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=told)


def select_same(row: Row) -> Select[tuple[object, ...]]:
    """Return what finds the transition that a row is about."""
    return select(kept).where(*(kept.c[column] == row[column] for column in _IDENTITY))


def delete_requests(before: int) -> Delete:
    """Return what drops the requests to which nothing has happened since an instant (µs)."""
    later = kept.alias()
    same = (later.c[column] == kept.c[column] for column in KEY)
    return delete(kept).where(~exists().where(*same, later.c.at >= before))


def insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the insertion into a table, as the dialect has it."""
    return sqlite.insert(table) if dialect == SQLITE else postgresql.insert(table)


def each_row(connection: Connection, found: Select[tuple[object, ...]]) -> Iterator[Kept]:
    """Give rows as they come, so that 13 months are never in memory twice."""
    result = connection.execution_options(yield_per=_READ_AT_ONCE).execute(found)
    for row in result:
        yield row._asdict()
