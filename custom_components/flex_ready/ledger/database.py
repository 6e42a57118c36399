"""The database behind the ledger: a file of SQLite, or PostgreSQL; one connection that writes, one that reads."""

from collections.abc import Iterator
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
import logging
from pathlib import Path
import sqlite3
import time

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from .model import LedgerError
from .schema import migrate

SQLITE = "sqlite"
_KNOWN = (SQLITE, "postgresql")
_BUSY_MS = 10_000
"""How long another process is waited for."""
_AGAIN_S = 0.02
_CONNECT_S = 10
"""How long a PostgreSQL is waited for that does not answer."""
_CHECKPOINT_PAGES = 1000
"""SQLite's own figure."""
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FILES = ("", "-wal", "-shm")
_LOG = "flex_ready"
logging.getLogger(f"sqlalchemy.engine.Engine.{_LOG}").setLevel(logging.WARNING)
"""Home Assistant logs what is of interest, and no statement is."""


class _BrokenError(Exception):
    """The file is damaged."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database that is open."""

    writing: Engine
    reading: Engine
    replaced: str | None = None
    """Where the file is that was there before, and was broken."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file of SQLite."""
        return self.writing.dialect.name == SQLITE

    def dispose(self) -> None:
        """Close all connections; what waits in the log of SQLite goes into its file."""
        self.reading.dispose()
        self.writing.dispose()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raise whatever the database has against something as LedgerError, without its statements and their values."""
    try:
        yield
    except DBAPIError as error:
        raise LedgerError(str(error.orig).strip()) from error
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError, OverflowError, ValueError) as error:
        raise LedgerError(str(error)) from error


def opened(url: str) -> Database:
    """Open a database, its tables those of today; a broken file is moved aside. Raises LedgerError."""
    with told():
        parsed = make_url(url)
        name, path = parsed.get_backend_name(), parsed.database
        if name not in _KNOWN:
            raise LedgerError(f"{name} is none of {', '.join(_KNOWN)}")
        if name == SQLITE and path in (None, "", ":memory:"):
            raise LedgerError("what is kept in memory only is not kept")
        try:
            return Database(*_engines(parsed))
        except _BrokenError:
            assert path is not None
            aside = _aside(Path(path))
        try:
            return Database(*_engines(parsed), replaced=str(aside))
        except _BrokenError as error:
            raise LedgerError("a new file is broken at once") from error


def hold(engine: Engine, *, on: bool) -> None:
    """Write all that waits in the log of SQLite into its file, then nothing more until this is taken back.

    What is kept meanwhile stays in the log. So the file can be copied in any time, and the log whenever: what of it is
    copied in halves has no valid checksum, and is passed over when it is opened.
    """
    with told(), contextlib.closing(engine.raw_connection()) as connection:
        connection.execute(f"PRAGMA wal_autocheckpoint = {0 if on else _CHECKPOINT_PAGES}")
        if on:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _engines(url: URL) -> tuple[Engine, Engine]:
    """Open the connections that write and read; raise _BrokenError if the file is damaged."""
    writing, reading = _engine(url), _engine(url)
    try:
        if url.get_backend_name() == SQLITE:
            event.listen(writing, "connect", _prepared)
            event.listen(reading, "connect", _prepared_to_read)
            event.listen(writing, "begin", _begin_at_once)
            event.listen(reading, "begin", _begin)
            _check(writing)
        with writing.begin() as connection:
            migrate(connection)
        with reading.connect():
            pass
    except (DBAPIError, sqlite3.Error, _BrokenError, LedgerError, OSError) as error:
        reading.dispose()
        writing.dispose()
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = cause.sqlite_errorcode & 0xFF if isinstance(cause, sqlite3.Error) else None
        if code in _BROKEN:
            raise _BrokenError from error
        raise
    return writing, reading


def _engine(url: URL) -> Engine:
    """Make an engine of one connection; what the URL says of the time to wait counts more than we do."""
    waits = url.get_backend_name() != SQLITE and "connect_timeout" not in url.query
    return create_engine(
        url,
        connect_args={"connect_timeout": _CONNECT_S} if waits else {},
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        logging_name=_LOG,
    )


def _prepared(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Make what is kept durable: a commit returns when the log is on the disk."""
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # transactions begin where they are said to
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    _keep_a_log(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Have a log. SQLite waits for nobody there: of several who open a new file, one has it made for all."""
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def _prepared_to_read(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA query_only = ON")


def _begin_at_once(connection: Connection) -> None:
    """Take the right to write first: whoever has it waits for nobody later on."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _check(engine: Engine) -> None:
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA quick_check(1)")
        if cursor.fetchall() != [("ok",)]:
            raise _BrokenError


def _aside(path: Path) -> Path:
    """Move a file and its log out of the way, as the recorder does; return where it is."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.corrupt.{stamp}")
    for ending in _FILES:
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside
