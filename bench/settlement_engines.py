"""SQLite and DuckDB as engines of settlement. The tests use them too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import sqlite3

import duckdb

from custom_components.flex_ready.settlement.volumes_sql import STEPS, Row, StepRow, Tables

MEMBERSHIP = (
    "CREATE TABLE {membership} (perimeter_id VARCHAR NOT NULL, ef_id VARCHAR NOT NULL, site_id BIGINT NOT NULL, "
    "valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL)"
)
READINGS = "CREATE TABLE {readings} (site_id BIGINT NOT NULL, ts BIGINT NOT NULL, wh BIGINT, PRIMARY KEY (ts, site_id))"
_TABLES = Tables()
_TEXTS = ("perimeter_id", "ef_id")
STEPS_TABLE = f"({', '.join(f'{name} {"VARCHAR" if name in _TEXTS else "BIGINT"}' for name in STEPS)})"

type Member = tuple[str, str, int, int, int]
"""Perimeter, entity, site, from when, until when."""
type Reading = tuple[int, int, int | None]
"""Site, instant, Wh."""


def filled(text: str, tables: Tables) -> str:
    """Put the names of tables into a text."""
    return text.format(readings=tables.readings, membership=tables.membership, steps=tables.steps)


@dataclass(frozen=True, slots=True)
class Sqlite:
    """SQLite, with the key of readings as their order in the file."""

    connection: sqlite3.Connection
    tables: Tables = _TABLES

    def create(self) -> None:
        """Make the tables."""
        self.connection.execute(f"{filled(READINGS, self.tables)} WITHOUT ROWID")
        self.connection.execute(filled(MEMBERSHIP, self.tables))

    def add(self, readings: Iterable[Reading], members: Iterable[Member]) -> None:
        """Load readings and members."""
        with self.connection:
            self.connection.executemany(f"INSERT INTO {self.tables.readings} VALUES (?, ?, ?)", readings)  # noqa: S608
            self.connection.executemany(f"INSERT INTO {self.tables.membership} VALUES (?, ?, ?, ?, ?)", members)  # noqa: S608

    def ask(self, steps: Iterable[StepRow], question: str) -> Sequence[Row]:
        """Have the steps in a table of this connection alone, and answer."""
        name = self.tables.steps
        with self.connection:
            self.connection.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} {STEPS_TABLE}")
            self.connection.execute(f"DELETE FROM {name}")  # noqa: S608
            marks = ", ".join("?" * len(STEPS))
            self.connection.executemany(f"INSERT INTO {name} VALUES ({marks})", steps)  # noqa: S608
            return self.connection.execute(question).fetchall()


@dataclass(frozen=True, slots=True)
class Duck:
    """DuckDB."""

    connection: duckdb.DuckDBPyConnection
    tables: Tables = _TABLES

    def create(self) -> None:
        """Make the tables."""
        self.connection.execute(filled(READINGS, self.tables))
        self.connection.execute(filled(MEMBERSHIP, self.tables))

    def add(self, readings: Iterable[Reading], members: Iterable[Member]) -> None:
        """Load readings and members."""
        self._insert(self.tables.readings, readings)
        self._insert(self.tables.membership, members)

    def ask(self, steps: Iterable[StepRow], question: str) -> Sequence[Row]:
        """Have the steps in a table of this connection alone, and answer."""
        self.connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {self.tables.steps} {STEPS_TABLE}")
        self._insert(self.tables.steps, steps)
        return self.connection.execute(question).fetchall()

    def _insert(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Insert rows by their columns: one by one takes DuckDB a millisecond each."""
        columns = list(zip(*rows, strict=True))
        if columns:
            marks = ", ".join("unnest(?)" for _ in columns)
            self.connection.execute(f"INSERT INTO {table} SELECT {marks}", [list(column) for column in columns])
