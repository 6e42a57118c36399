"""What may happen to a ledger: killed, no room, no rights, damage, company. Real files and processes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time

from kept import NOON, SITE, life, url
import ledger_child
import pytest
from pytest_socket import socket_allow_hosts

from custom_components.flex_ready.ledger import Ledger, LedgerError
from custom_components.flex_ready.settlement.model import STEP

KILLS = 30
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["ledger_child"])  # what is imported once is not imported for each of them


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "flex_ready.db"


@pytest.fixture
def processes() -> None:
    """Let other processes be reached: they are forked by one that listens at a socket of its own."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@contextmanager
def child(work: Callable[..., None], *args: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """Run another process; what it tells comes last of its arguments."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=work, args=(*args, theirs))
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


def sound(file: Path) -> bool:
    """Tell whether SQLite has nothing against a file."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.usefixtures("processes")
async def test_killed_at_any_instant(file: Path) -> None:
    """Thirty times: what was acknowledged is there, whole, once; the file opens and is sound; and it goes on."""
    dice = random.Random(5)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(KILLS):
        with child(ledger_child.keep_on, file, first) as (process, told):
            assert await asyncio.to_thread(told.poll, 30)
            await asyncio.to_thread(kill_after, process, told, acknowledged, dice.uniform(0, 0.25))
        ledger = await Ledger.open(url(file))
        kept = await ledger.transitions(SITE)
        await ledger.close()
        found = ledger_child.lives(kept)
        assert {str(number) for number in acknowledged} <= found.keys()
        assert len(kept) == 2 * len(found)
        assert all(history == ledger_child.whole(name) for name, history in found.items())
        assert ledger.replaced is None
        assert sound(file)
        # those in between that were not acknowledged are asked for again, as an operator would
        missing = set(range(first, max(acknowledged))) - acknowledged
        first = min(missing, default=max(acknowledged) + 1)
    assert len(acknowledged) > 10 * KILLS


@pytest.mark.usefixtures("processes")
async def test_killed_while_half_hours_are_written(file: Path) -> None:
    """Fifteen times: each half-hour that was acknowledged is there with its own figure, and none with another."""
    dice = random.Random(6)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(KILLS // 2):
        with child(ledger_child.add_half_hours, file, first) as (process, told):
            assert await asyncio.to_thread(told.poll, 30)
            await asyncio.to_thread(kill_after, process, told, acknowledged, dice.uniform(0, 0.2))
        ledger = await Ledger.open(url(file))
        found = {}
        for site in range(4):
            curve = await ledger.readings(f"site{site}", NOON, NOON + 50_000 * STEP)
            found.update({reading.wh: (at, site) for at, reading in curve})
        await ledger.close()
        assert acknowledged <= found.keys()
        assert all((at, site) == (NOON + (wh or 0) * STEP, (wh or 0) % 4) for wh, (at, site) in found.items())
        assert ledger.replaced is None
        assert sound(file)
        first = max(acknowledged) + 1
    assert len(acknowledged) > 10 * KILLS


@contextmanager
def small_disk() -> Iterator[Path]:
    """Give a file system of 600 kB; skip where none may be made."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], check=False, capture_output=True
    )
    if made.returncode:
        folder.rmdir()
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


@pytest.mark.usefixtures("processes")
async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """Half-hours that cannot be kept are told, those that were stay and can be read; with room again it goes on."""
    with small_disk() as folder:
        with child(ledger_child.fill_a_small_disk, folder) as (_, told):
            assert await asyncio.to_thread(told.poll, 30)
            kept, errors, readable = told.recv()
        assert errors == {"database or disk is full"}
        assert len(kept) < 1_900
        assert readable == kept[:-1]
        file = Path(shutil.copy(folder / "flex_ready.db", tmp_path))
    assert sound(file)
    ledger = await Ledger.open(url(file))
    assert [reading.wh for _, reading in await ledger.readings(SITE, NOON, NOON + 5_000 * STEP)] == kept
    await ledger.close()


def kill_after(process: BaseProcess, told: Connection, acknowledged: set[int], seconds: float) -> None:
    """Listen for a while, kill, and take what was told before."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if told.poll(left):
            acknowledged.add(told.recv())
    process.kill()
    process.join()
    acknowledged.update(number for number in ledger_child.received_by(told) if isinstance(number, int))


@pytest.mark.usefixtures("processes")
async def test_no_room_on_the_disk(file: Path) -> None:
    """Who cannot be kept is told; what was kept stays; with room again it goes on."""
    with child(ledger_child.fill_the_disk, file) as (_, told):
        assert await asyncio.to_thread(told.poll, 30)
        kept, errors, readable = told.recv()
    assert len(errors) > 10
    assert {*errors} <= {"disk I/O error", "database or disk is full"}
    assert len(kept) > 3
    assert dict.fromkeys(readable) == dict.fromkeys(kept[:-1])
    assert sound(file)
    ledger = await Ledger.open(url(file))
    assert ledger_child.lives(await ledger.transitions(SITE)) == {name: life(name) for name in kept}
    await ledger.close()


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("there", [True, False], ids=["a file", "none"])
async def test_no_right_to_write(*, there: bool) -> None:
    """Said when it is opened, not with the first request."""
    with locked_folder() as (folder, lock):
        file = folder / "flex_ready.db"
        if there:
            ledger = await Ledger.open(url(file))
            await ledger.keep(SITE, life("a"))
            await ledger.close()
        lock()
        with child(ledger_child.open_as_nobody, file) as (_, told):
            assert await asyncio.to_thread(told.poll, 30)
            said = told.recv()
        assert said in {"attempt to write a readonly database", "unable to open database file"}
        assert names(folder) == {"flex_ready.db"} if there else not names(folder)


@contextmanager
def locked_folder() -> Iterator[tuple[Path, Callable[[], None]]]:
    """Give a folder that others can reach, and what takes the right to write into it and its files from all."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))

    def lock() -> None:
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)

    yield folder, lock
    folder.chmod(0o755)
    shutil.rmtree(folder)


def names(folder: Path) -> set[str]:
    """Return what is in a folder."""
    return {path.name for path in folder.iterdir()}


def content(file: Path | str) -> bytes:
    """Return what is in a file."""
    return Path(file).read_bytes()


def scribble(file: Path) -> None:
    """Damage the pages in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 3 : len(data) * 2 // 3] = random.Random(1).randbytes(len(data) * 2 // 3 - len(data) // 3)
    file.write_bytes(data)


def cut(file: Path) -> None:
    """Lose the end."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 + 100])


def replace(file: Path) -> None:
    """Be something else."""
    file.write_text("not a database at all, as after a bad restore " * 200)


@pytest.mark.parametrize("damage", [scribble, cut, replace])
async def test_a_damaged_file_is_moved_aside(file: Path, damage: Callable[[Path], None]) -> None:
    """Nothing of it is lost, a new one is begun, and that is told."""
    ledger = await Ledger.open(url(file))
    for number in range(200):
        await ledger.keep(SITE, life(str(number)))
    await ledger.close()
    damage(file)
    damaged = content(file)
    again = await Ledger.open(url(file))
    assert again.replaced is not None
    assert content(again.replaced) == damaged
    assert Path(again.replaced).name.startswith("flex_ready.db.corrupt.2")
    assert await again.transitions(SITE) == []
    await again.keep(SITE, life("a"))
    await again.close()
    third = await Ledger.open(url(file))
    assert third.replaced is None
    assert await third.transitions(SITE) == life("a")
    await third.close()


async def test_damage_while_it_runs_is_told(file: Path) -> None:
    """As an error of the ledger; the next start begins a new one."""
    ledger = await Ledger.open(url(file))
    for number in range(200):
        await ledger.keep(SITE, life(str(number)))
    await ledger.pause()  # all of it is in the file
    scribble(file)
    with pytest.raises(LedgerError, match="malformed"):
        await ledger.transitions(SITE)
    await ledger.close()
    again = await Ledger.open(url(file))
    assert again.replaced is not None
    await again.close()


@pytest.mark.usefixtures("processes")
async def test_two_processes(file: Path) -> None:
    """They wait for each other; of two who say different things of a request, one is refused."""
    both = [str(number) for number in range(40)]
    with (
        child(ledger_child.keep_some, file, [*both, "mine"], 80) as (_, one),
        child(ledger_child.keep_some, file, [*both, "yours"], 81) as (_, other),
    ):
        assert await asyncio.to_thread(one.poll, 30)
        assert await asyncio.to_thread(other.poll, 30)
        (kept, refused), (kept_too, refused_too) = one.recv(), other.recv()
    assert sorted([*kept, *kept_too]) == sorted([*both, "mine", "yours"])
    assert sorted([*refused, *refused_too]) == sorted(both)
    ledger = await Ledger.open(url(file))
    assert len(await ledger.transitions(SITE)) == 42
    await ledger.close()
    assert sound(file)


async def test_a_copy_during_a_backup(file: Path, tmp_path: Path) -> None:
    """Requests are kept meanwhile, nobody waits; the copy opens with all that was kept before it began."""
    ledger = await Ledger.open(url(file))
    for number in range(50):
        await ledger.keep(SITE, life(str(number)))
    await ledger.pause()
    before, dice, log = content(file), random.Random(3), file.with_name(f"{file.name}-wal")
    copies = []
    for number in range(50, 1600):
        await ledger.keep(SITE, life(str(number)))
        if number % 150 == 0:
            copy = tmp_path / f"copy{number}" / file.name
            copy.parent.mkdir()
            shutil.copy(file, copy)
            written = log.read_bytes()
            torn = written[: len(written) - dice.randrange(3000)]  # as read while it grows
            copy.with_name(log.name).write_bytes(torn)
            copies.append((number, copy))
    assert content(file) == before
    await ledger.resume()
    for number in range(1600, 1700):
        await ledger.keep(SITE, life(str(number)))
    assert content(file) != before
    await ledger.close()
    for number, copy in copies:
        restored = await Ledger.open(url(copy))
        found = ledger_child.lives(await restored.transitions(SITE))
        await restored.close()
        assert restored.replaced is None
        assert sound(copy)
        assert number - 2 <= len(found) <= number + 1
        assert list(found.items()) == [(str(i), life(str(i))) for i in range(len(found))]
    alone = tmp_path / "alone.db"
    alone.write_bytes(before)
    restored = await Ledger.open(url(alone))
    assert len(await restored.transitions(SITE)) == 100
    await restored.close()
