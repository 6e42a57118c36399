"""The tables of the ledger, and how those of an earlier version become those of today.

The names have a prefix: with PostgreSQL the tables may stand beside those of the recorder.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    inspect,
    select,
)

from .model import LedgerError

VERSION = 3
"""Goes up with every change of a table, and with every word that an earlier version would not understand."""

type Step = Callable[[Connection], None]

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself in a column of this very type only."""

versions = Table("flex_ready_versions", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

KEY = ("site", "issuer", "client", "bacs_id", "asset_id", "request_id")
"""A request, all over the house."""

transitions = Table(
    "flex_ready_transitions",
    metadata,
    Column("id", _ID, primary_key=True),
    *(Column(name, Text, nullable=False) for name in KEY),
    Column("revision", Integer, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("source", Text),
    Column("target", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("said_kind", Text),
    Column("said", Text),
    Column("detail", Text, nullable=False),
    UniqueConstraint(*KEY, "revision", name="flex_ready_transitions_once"),
)

curve = Table(
    "flex_ready_curve",
    metadata,
    Column("site", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("length", BigInteger, nullable=False),
    Column("power", Text),
    Column("energy", Text),
    Column("baseline", Text),
    Column("quality", Text, nullable=False),
)

calls = Table(
    "flex_ready_calls",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("site", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("operator", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Index("flex_ready_calls_of", "site", "id"),
)


def _readings(name: str) -> Table:
    """Make a table of readings: by time first, as settlement asks for all sites at some half-hours."""
    return Table(
        name,
        metadata,
        Column("ts", BigInteger, primary_key=True, autoincrement=False),
        Column("site_id", Text, primary_key=True),
        Column("wh", BigInteger),
        Column("quality", Text, nullable=False),
        sqlite_with_rowid=False,
    )


readings: Mapping[timedelta, Table] = {
    timedelta(minutes=30): _readings("flex_ready_readings"),
    timedelta(minutes=10): _readings("flex_ready_readings_10min"),
}
"""By the length of their steps. `ts` is the start of the step in seconds since 1970, `wh` the net withdrawal."""

membership = Table(
    "flex_ready_membership",
    metadata,
    Column("perimeter_id", Text, primary_key=True),
    Column("ef_id", Text, primary_key=True),
    Column("site_id", Text, primary_key=True),
    Column("valid_from", BigInteger, primary_key=True, autoincrement=False),
    Column("valid_to", BigInteger, nullable=False),
)
"""Instants in seconds since 1970, as those of readings."""

orders = Table(
    "flex_ready_orders",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("ordered_at", BigInteger, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("power_w", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
)
"""Each as it was first, and as it was after each change: it is money."""

trials = Table(
    "flex_ready_trials",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("trial_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("said", Text, nullable=False),
)

forecasts = Table(
    "flex_ready_forecasts",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("ef_id", Text, primary_key=True),
    Column("ts", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("handed_in", BigInteger, nullable=False),
    Column("wh", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Of the half-hour that starts at `ts` (s), as it was first, and as it was after each change: what counts for an order
is what was there when it was given."""


def _settlement(connection: Connection) -> None:
    """Add the tables of settlement."""
    metadata.create_all(connection, tables=[*readings.values(), membership, orders, trials])


def _forecasts(connection: Connection) -> None:
    """Add the table of forecasts."""
    metadata.create_all(connection, tables=[forecasts])


STEPS: Mapping[int, Step] = {2: _settlement, 3: _forecasts}
"""By the version that a step leads to, from the one before."""


def migrate(connection: Connection, version: int = VERSION, steps: Mapping[int, Step] = STEPS) -> None:
    """Make the tables those of a version, within the transaction; raise LedgerError if they are of a later one."""
    if not inspect(connection).has_table(versions.name):
        metadata.create_all(connection)
        connection.execute(versions.insert().values(version=version))
        return
    found = connection.scalar(select(func.max(versions.c.version)))
    if found is None or found > version:
        raise LedgerError(f"the ledger is of version {found}, and only {version} and before are known here")
    for following in range(found + 1, version + 1):
        steps[following](connection)
        connection.execute(versions.insert().values(version=following))
