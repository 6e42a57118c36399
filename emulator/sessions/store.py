"""What outlives the program: sessions, the journal of their exchanges, signals, requests; what was replaced as well."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

_VERSION = 2
_METADATA = sa.MetaData()
_SESSIONS = sa.Table(
    "sessions",
    _METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("emulator_module", sa.String(16), nullable=False),
    sa.Column("url", sa.Text),
    sa.Column("created_at", sa.String(40), nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("dialect", sa.String(16), nullable=False, server_default="emulator"),
)
_EXCHANGES = sa.Table(
    "exchanges",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.id"), nullable=False, index=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("elapsed_ms", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
)
_SIGNALS = sa.Table(
    "signals",
    _METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("delivery_point", sa.String(14), index=True),
    sa.Column("stored_at", sa.String(40), nullable=False),
    sa.Column("stored_by", sa.Text, nullable=False),
    sa.Column("archived_at", sa.String(40)),
    sa.Column("body", sa.Text, nullable=False),
)

REQUESTS = sa.Table(
    "requests",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.id"), nullable=False),
    sa.Column("bacs_id", sa.String(36), nullable=False),
    sa.Column("asset_id", sa.String(128), nullable=False),
    sa.Column("request_id", sa.String(128), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("session_id", "bacs_id", "asset_id", "request_id"),
)
"""Flexibility requests; what they are is in the body (JSON), written and read by who plays the BACS."""

type Row = Mapping[str, object] | sa.RowMapping


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Store:
    """A SQLite database; each call is one transaction, in a thread, one at a time."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path | None) -> Store:
        """Open or make a database; None: in memory. Raises ValueError for one of another program or version."""
        store = cls(_engine(path))
        try:
            await store.run(_prepare)
        except sa.exc.SQLAlchemyError as error:
            await store.close()
            raise ValueError(f"the database {path}: {error.__cause__ or error}") from error
        except ValueError:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Close it."""
        async with self._lock:
            await asyncio.to_thread(self._engine.dispose)

    async def run[ValueT](self, work: Callable[[sa.Connection], ValueT]) -> ValueT:
        """Do something in one transaction."""

        def transaction() -> ValueT:
            with self._engine.begin() as connection:
                return work(connection)

        async with self._lock:
            return await asyncio.to_thread(transaction)

    async def add_session(self, module: str, url: str | None, caller: str, dialect: str = "emulator") -> Row:
        """Open a session."""
        row = {
            "id": str(uuid4()),
            "emulator_module": module,
            "url": url,
            "created_at": _now(),
            "created_by": caller,
            "dialect": dialect,
        }
        await self.run(lambda connection: connection.execute(_SESSIONS.insert().values(row)))
        return row

    async def session(self, identifier: str, caller: str) -> Row | None:
        """Return the session of a caller."""
        query = sa.select(_SESSIONS).where(_SESSIONS.c.id == identifier, _SESSIONS.c.created_by == caller)
        return await self.run(lambda connection: connection.execute(query).mappings().one_or_none())

    async def owner(self, identifier: str, dialect: str) -> str | None:
        """Return who opened a session, if it is of a dialect."""
        query = sa.select(_SESSIONS.c.created_by).where(_SESSIONS.c.id == identifier, _SESSIONS.c.dialect == dialect)
        return await self.run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def add_exchange(self, session_id: str, caller: str, exchange: Row) -> None:
        """Write a line of the journal of a caller's session; nobody else writes there."""
        own = sa.select(_SESSIONS.c.id).where(_SESSIONS.c.id == session_id, _SESSIONS.c.created_by == caller)

        def work(connection: sa.Connection) -> None:
            if connection.execute(own).first():
                connection.execute(_EXCHANGES.insert().values(session_id=session_id, at=_now(), **exchange))

        await self.run(work)

    async def exchanges(self, session_id: str) -> Sequence[Row]:
        """Return a session's journal."""
        query = sa.select(_EXCHANGES).where(_EXCHANGES.c.session_id == session_id).order_by(_EXCHANGES.c.id)
        return await self.run(lambda connection: list(connection.execute(query).mappings()))

    async def put_signal(self, delivery_point: str | None, body: str, caller: str) -> tuple[Row, str | None]:
        """Keep a signal in place of the former one, which is archived; return it, and the id of the former."""
        row = {
            "id": str(uuid4()),
            "delivery_point": delivery_point,
            "stored_at": _now(),
            "stored_by": caller,
            "archived_at": None,
            "body": body,
        }
        present = sa.and_(_of(delivery_point), _SIGNALS.c.archived_at.is_(None))

        def work(connection: sa.Connection) -> str | None:
            former = connection.execute(sa.select(_SIGNALS.c.id).where(present)).scalar_one_or_none()
            connection.execute(_SIGNALS.update().where(present).values(archived_at=row["stored_at"]))
            connection.execute(_SIGNALS.insert().values(row))
            return former

        return row, await self.run(work)

    async def signal(self, delivery_point: str | None) -> str | None:
        """Return the present signal of a delivery point, or with None the default one."""
        query = sa.select(_SIGNALS.c.body).where(_of(delivery_point), _SIGNALS.c.archived_at.is_(None))
        return await self.run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def signals(self, *, archived: bool) -> Sequence[Row]:
        """Return the signals that are, or were, in use."""
        is_null = _SIGNALS.c.archived_at.is_(None)
        query = sa.select(_SIGNALS).where(sa.not_(is_null) if archived else is_null).order_by(_SIGNALS.c.stored_at)
        return await self.run(lambda connection: list(connection.execute(query).mappings()))


def _of(delivery_point: str | None) -> sa.ColumnElement[bool]:
    column = _SIGNALS.c.delivery_point
    return column.is_(None) if delivery_point is None else column == delivery_point


def _engine(path: Path | None) -> sa.Engine:
    if path is None:
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))

    @sa.event.listens_for(engine, "connect")
    def configure(connection, _record):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _prepare(connection: sa.Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if found not in range(_VERSION + 1):
        raise ValueError(f"the database is of version {found}; this program knows {_VERSION}")
    if strange := set(sa.inspect(connection).get_table_names()) - _METADATA.tables.keys():
        raise ValueError(f"the database is of another program: it has {', '.join(sorted(strange))}")
    _METADATA.create_all(connection)
    if found == 1:  # before Annex 1
        connection.exec_driver_sql("ALTER TABLE sessions ADD COLUMN dialect VARCHAR(16) NOT NULL DEFAULT 'emulator'")
    connection.exec_driver_sql(f"PRAGMA user_version={_VERSION}")
