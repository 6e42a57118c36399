"""What is kept and read, in a real file and in a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from kept import MINUTE, NOON, SITE, call, life, offered, received, step, url
import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from custom_components.flex_ready.flexibility.model import Consumed
from custom_components.flex_ready.ledger import (
    Ledger,
    LedgerError,
    database as database_module,
    ledger as ledger_module,
)
from custom_components.flex_ready.ledger.database import _begin_at_once, _prepared
from custom_components.flex_ready.ledger.schema import VERSION, migrate
from custom_components.flex_ready.slots import Slot

DAY = timedelta(days=1)
type Steps = list[Slot[Consumed]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "flex_ready.db"


@pytest.fixture
async def ledger(address: str) -> AsyncIterator[Ledger]:
    """A ledger that is open: in a file, then in a PostgreSQL."""
    opened = await Ledger.open(address)
    yield opened
    await opened.close()


@pytest.fixture
async def in_a_file(file: Path) -> AsyncIterator[Ledger]:
    """A ledger that is open, in a file."""
    opened = await Ledger.open(url(file))
    yield opened
    await opened.close()


async def reopened(address: str, ledger: Ledger) -> Ledger:
    """Close a ledger and open it again."""
    await ledger.close()
    return await Ledger.open(address)


def changed(address: str, statement: str, **values: object) -> None:
    """Change what is in a ledger, as another version or a mistake may have."""
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


async def test_transitions_come_back_in_order(address: str, ledger: Ledger) -> None:
    """Each site its own, also after a restart."""
    await ledger.keep(SITE, [*life("b"), received("a")])
    await ledger.keep("other", [received("c")])
    await ledger.keep(SITE, [offered("a")])
    again = await reopened(address, ledger)
    assert await again.transitions(SITE) == [*life("b"), *life("a")]
    assert await again.transitions("other") == [received("c")]
    assert await again.transitions("nobody") == []
    assert again.replaced is None
    await again.close()


async def test_what_is_kept_already_is_passed_over(ledger: Ledger) -> None:
    """A retry adds what is missing, and nothing else."""
    await ledger.keep(SITE, [received("a")])
    await ledger.keep(SITE, life("a"))
    await ledger.keep(SITE, [])
    assert await ledger.transitions(SITE) == life("a")


async def test_what_contradicts_is_refused_whole(ledger: Ledger) -> None:
    """The same revision cannot be two things: nothing of what came with it is kept."""
    await ledger.keep(SITE, [received("a")])
    with pytest.raises(LedgerError, match="revision 1 of request a of asset Building is kept already"):
        await ledger.keep(SITE, [received("b"), received("a", kilowatts=81)])
    assert await ledger.transitions(SITE) == [received("a")]


async def test_words_of_a_later_version_refuse_their_site_only(address: str, ledger: Ledger) -> None:
    """Nothing is dropped: the row is there for who knows it, and other sites go on."""
    await ledger.keep(SITE, life("a"))
    await ledger.keep("other", life("a"))
    change = "UPDATE flex_ready_transitions SET cause = 'weather' WHERE site = :site AND revision = 2"
    changed(address, change, site=SITE)
    with pytest.raises(LedgerError, match=r"request_id 'a', revision 2 .* 'weather'"):
        await ledger.transitions(SITE)
    assert await ledger.transitions("other") == life("a")


async def test_a_step_takes_the_place_of_the_one_that_starts_with_it(address: str, ledger: Ledger) -> None:
    """As a step that was kept before its end; sources and sites are apart."""
    await ledger.add_curve(SITE, "meter", [step(0, 3), step(5, 5)])
    await ledger.add_curve(SITE, "meter", [step(0, 5, 2000)])
    await ledger.add_curve(SITE, "Building", [step(0, 5, 7)])
    again = await reopened(address, ledger)
    assert list(await again.curve(SITE, "meter", NOON, NOON + DAY)) == [step(0, 5, 2000), step(5, 5)]
    assert list(await again.curve(SITE, "Building", NOON, NOON + DAY)) == [step(0, 5, 7)]
    await again.close()


async def test_a_curve_is_read_by_stretches(ledger: Ledger) -> None:
    """Steps that reach into it are whole."""
    await ledger.add_curve(SITE, "meter", [step(i * 5, 5, i) for i in range(2500)])
    found = await ledger.curve(SITE, "meter", NOON + 7 * MINUTE, NOON + 15 * MINUTE)
    assert list(found) == [step(5, 5, 1), step(10, 5, 2)]
    assert len(await ledger.curve(SITE, "meter", NOON - DAY, NOON + 10 * DAY)) == 2500


@pytest.mark.parametrize(
    ("before", "then", "after"),
    [
        ([step(0, 5)], [step(4, 1)], [step(0, 5)]),  # the clock went back a minute over a restart
        ([step(3, 2), step(5, 2)], [step(4, 5)], [step(4, 5)]),
        ([step(0, 5)], [step(2, 5, 7)], [step(2, 5, 7)]),
        ([step(0, 3), step(3, 2)], [step(0, 5)], [step(0, 5)]),
        ([step(0, 5), step(5, 5)], [step(0, 5, 7), step(5, 5, 8)], [step(0, 5, 7), step(5, 5, 8)]),  # an hour back
        ([step(0, 1440)], [step(1439, 5)], [step(0, 1440)]),
        ([step(0, 5)], [step(5, 5)], [step(0, 5), step(5, 5)]),
    ],
)
async def test_of_steps_that_overlap_the_longer_stays(ledger: Ledger, before: Steps, then: Steps, after: Steps) -> None:
    """So that a curve can always be read."""
    await ledger.add_curve(SITE, "meter", before)
    await ledger.add_curve(SITE, "meter", then)
    assert list(await ledger.curve(SITE, "meter", NOON - DAY, NOON + 2 * DAY)) == after


async def test_a_step_is_a_day_at_most(ledger: Ledger) -> None:
    """Or it would not be found by its start."""
    with pytest.raises(LedgerError, match="longer than a day"):
        await ledger.add_curve(SITE, "meter", [step(0, 1441)])


async def test_the_last_calls_come_first(ledger: Ledger) -> None:
    """As many as are wanted."""
    await ledger.note_calls(SITE, [call(1), call(2)])
    await ledger.note_calls(SITE, [])
    await ledger.note_calls(SITE, [call(3)])
    await ledger.note_calls("other", [call(4)])
    assert await ledger.calls(SITE, 2) == [call(3), call(2)]


async def test_who_calls_without_end_fills_no_disk(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each site the last ones stay."""
    monkeypatch.setattr(ledger_module, "_MOST_CALLS", 50)
    monkeypatch.setattr(ledger_module, "_TRIM_EVERY", 20)
    await ledger.note_calls("other", [call(0)])
    for start in range(0, 200, 10):
        await ledger.note_calls(SITE, [call(i) for i in range(start, start + 10)])
    found = await ledger.calls(SITE, 1000)
    assert 50 <= len(found) <= 70
    assert found[0] == call(199)
    await ledger.purge(NOON - DAY, NOON - DAY)
    assert len(await ledger.calls(SITE, 1000)) == 50
    assert await ledger.calls("other", 1000) == [call(0)]


async def test_a_request_is_purged_whole(ledger: Ledger) -> None:
    """As long as its last transition is young, all of it stays."""
    old = NOON - 500 * DAY
    await ledger.keep(SITE, life("old", old))
    await ledger.keep(SITE, [received("long", old), offered("long", NOON)])
    await ledger.keep(SITE, life("young"))
    await ledger.keep("other", life("young", old))
    await ledger.add_curve(SITE, "meter", [step(-500 * 1440, 5), step(-5, 5), step(0, 5)])
    await ledger.note_calls(SITE, [call(1, old), call(2)])
    await ledger.purge(NOON, NOON)
    assert await ledger.transitions(SITE) == [received("long", old), offered("long", NOON), *life("young")]
    assert await ledger.transitions("other") == []
    assert list(await ledger.curve(SITE, "meter", old - DAY, NOON + DAY)) == [step(0, 5)]
    assert await ledger.calls(SITE, 9) == [call(2)]


async def test_a_site_is_forgotten(ledger: Ledger) -> None:
    """With all that it has; the others keep theirs."""
    for site in (SITE, "other"):
        await ledger.keep(site, life("a"))
        await ledger.add_curve(site, "meter", [step(0, 5)])
        await ledger.note_calls(site, [call(1)])
    await ledger.forget(SITE)
    assert await ledger.transitions(SITE) == []
    assert not await ledger.curve(SITE, "meter", NOON, NOON + DAY)
    assert await ledger.calls(SITE, 9) == []
    assert await ledger.transitions("other") == life("a")
    assert await ledger.calls("other", 9) == [call(1)]


async def test_a_later_version_is_refused(address: str, file: Path, ledger: Ledger) -> None:
    """It may mean what nobody here knows; the file is left as it is."""
    await ledger.keep(SITE, life("a"))
    await ledger.close()
    changed(address, "INSERT INTO flex_ready_versions VALUES (:version)", version=VERSION + 1)
    with pytest.raises(LedgerError, match=f"of version {VERSION + 1}, and only {VERSION}"):
        await Ledger.open(address)
    assert {path.name for path in file.parent.iterdir()} <= {"flex_ready.db"}


async def test_earlier_tables_become_those_of_today(file: Path, in_a_file: Ledger) -> None:
    """Step by step in one transaction: one that fails leaves all as it was."""
    await in_a_file.keep(SITE, life("a"))
    await in_a_file.close()

    def mood(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE flex_ready_transitions ADD COLUMN mood TEXT"))

    def fill(connection: Connection) -> None:
        connection.execute(text("UPDATE flex_ready_transitions SET mood = 'good'"))

    def fail(connection: Connection) -> None:
        fill(connection)
        raise LedgerError("no")

    engine = create_engine(url(file))
    event.listen(engine, "connect", _prepared)
    event.listen(engine, "begin", _begin_at_once)
    with pytest.raises(LedgerError, match="no"), engine.begin() as connection:
        migrate(connection, VERSION + 2, {VERSION + 1: mood, VERSION + 2: fail})
    again = await Ledger.open(url(file))
    assert await again.transitions(SITE) == life("a")
    await again.close()
    with engine.begin() as connection:
        migrate(connection, VERSION + 2, {VERSION + 1: mood, VERSION + 2: fill})
        migrate(connection, VERSION + 2, {})
        assert connection.scalars(text("SELECT mood FROM flex_ready_transitions")).all() == ["good", "good"]
        assert connection.scalars(text("SELECT version FROM flex_ready_versions ORDER BY 1")).all() == [
            *range(VERSION, VERSION + 3)
        ]
    engine.dispose()


async def test_a_commit_is_on_the_disk(in_a_file: Ledger) -> None:
    """The log is synchronised with every commit (2: FULL); who reads cannot write."""
    with in_a_file._database.writing.connect() as connection:
        asked = ("journal_mode", "synchronous", "busy_timeout")
        assert [connection.exec_driver_sql(f"PRAGMA {one}").scalar() for one in asked] == ["wal", 2, 10_000]
    with in_a_file._database.reading.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("DELETE FROM flex_ready_transitions"))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("mysql://somebody:secret@127.0.0.1/db", "mysql is none of"),
        ("no url", "parse"),
        ("sqlite:////no/such/folder/flex_ready.db", "unable to open"),
        ("postgresql+psycopg://me:secret@/x?host=/no/such/folder", "No such file"),
    ],
)
async def test_an_address_that_is_of_no_use(address: str, reason: str) -> None:
    """Said without its password."""
    with pytest.raises(LedgerError, match=reason) as raised:
        await Ledger.open(address)
    assert "secret" not in str(raised.value)


async def test_a_ledger_that_is_closed(address: str, ledger: Ledger) -> None:
    """It says so, to whoever writes or reads."""
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.keep(SITE, life("a"))
    with pytest.raises(LedgerError, match="closed"):
        await ledger.transitions(SITE)
    if address.startswith("sqlite"):  # nothing is to be done with a PostgreSQL
        with pytest.raises(LedgerError, match="closed"):
            await ledger.pause()


@pytest.mark.usefixtures("socket_enabled")
async def test_a_postgresql_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and not for ever; also as long as the URL says."""
    monkeypatch.setattr(database_module, "_CONNECT_S", 2)
    done = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    there = f"postgresql+psycopg://me:secret@127.0.0.1:{port}/x"
    for address in (there, f"{there}?connect_timeout=2"):
        with pytest.raises(LedgerError, match="timeout") as raised:
            await Ledger.open(address)
        assert "secret" not in str(raised.value)
    done.set()
    server.close()
    await server.wait_closed()


async def test_a_postgresql_that_was_away(address: str, ledger: Ledger) -> None:
    """What was kept is there, and it goes on, over connections that are new."""
    await ledger.keep(SITE, life("a"))
    if address.startswith("postgresql"):
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        engine.dispose()
    await ledger.keep(SITE, life("b"))
    assert await ledger.transitions(SITE) == [*life("a"), *life("b")]


async def test_numbers_are_kept_to_the_last_digit(ledger: Ledger) -> None:
    """Through the file as well."""
    exact = Decimal("0.1") + Decimal("1E-20")
    assert str(exact) == "0.10000000000000000001"
    kept = received("a")
    await ledger.add_curve(SITE, "meter", [Slot(NOON, NOON + MINUTE, Consumed(energy=exact))])
    (found,) = await ledger.curve(SITE, "meter", NOON, NOON + DAY)
    assert found.value.energy == exact
    await ledger.keep(SITE, [kept])
    assert repr(await ledger.transitions(SITE)) == repr([kept])
