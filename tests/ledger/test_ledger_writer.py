"""The one who writes: many in one transaction, each told on its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Event
import time

from kept import NOON, SITE, life, received, url
import pytest
from sqlalchemy import Connection, event, text

from custom_components.flex_ready.flexibility.record import Transition
from custom_components.flex_ready.ledger import Ledger, LedgerError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "flex_ready.db"


@pytest.fixture
async def ledger(file: Path) -> AsyncIterator[Ledger]:
    """A ledger that is open."""
    opened = await Ledger.open(url(file))
    yield opened
    await opened.close()


class Disk:
    """A slow disk: it makes the one who writes wait, and counts what is committed."""

    def __init__(self, ledger: Ledger) -> None:
        self.commits = 0
        self._ledger = ledger
        self._go = Event()
        event.listen(ledger._database.writing, "commit", self._count)

    def _count(self, _connection: Connection) -> None:
        self.commits += 1

    def _wait(self, _connection: Connection) -> None:
        self._go.wait(10)

    def stop(self) -> asyncio.Task[None]:
        """Let nothing through; return when."""
        return asyncio.create_task(self._ledger._writer.write(self._wait))

    def go(self) -> None:
        """Let all through."""
        self._go.set()


def nonsense(connection: Connection) -> None:
    """Say what no database understands."""
    connection.execute(text("nonsense"))


def fault(_connection: Connection) -> None:
    """Have a mistake of our own."""
    raise IndexError("a mistake")


async def settle() -> None:
    """Let tasks come as far as they can without the disk."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_wait_are_written_together(ledger: Ledger) -> None:
    """A hundred callers, two transactions: the first that was under way, and one for all others."""
    disk = Disk(ledger)
    first = disk.stop()
    await settle()
    tasks = [asyncio.create_task(ledger.keep(SITE, life(str(i)))) for i in range(100)]
    await settle()
    assert not any(task.done() for task in tasks)
    disk.go()
    await asyncio.gather(first, *tasks)
    assert disk.commits == 2
    assert await ledger.transitions(SITE) == [one for i in range(100) for one in life(str(i))]


async def test_one_who_is_wrong_spoils_it_for_nobody_else(ledger: Ledger) -> None:
    """Those before and after are kept, in order; each who is wrong is told why."""
    await ledger.keep(SITE, [received("there")])
    disk = Disk(ledger)
    first = disk.stop()
    await settle()
    wrong: dict[str, Transition] = {"5": received("there", kilowatts=1), "7": received("\ud800")}
    tasks = [asyncio.create_task(ledger.keep(SITE, [wrong.get(str(i), received(str(i)))])) for i in range(10)]
    tasks += [asyncio.create_task(ledger._writer.write(job)) for job in (nonsense, fault)]
    await settle()
    disk.go()
    results = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert [i - 1 for i, result in enumerate(results) if isinstance(result, LedgerError)] == [5, 7, 10, 11]
    assert "says something else" in str(results[6])
    assert "surrogates" in str(results[8])
    assert "syntax error" in str(results[11])
    assert "a mistake" in str(results[12])
    found = [one.key.request_id for one in await ledger.transitions(SITE)]
    assert found == ["there", *(str(i) for i in range(10) if i not in {5, 7})]


async def test_who_goes_away_loses_nothing(ledger: Ledger) -> None:
    """What was asked for is kept, though nobody waits for it any more."""
    disk = Disk(ledger)
    first = disk.stop()
    await settle()
    task = asyncio.create_task(ledger.keep(SITE, life("a")))
    wrong = asyncio.create_task(ledger.keep(SITE, [received("\ud800")]))
    await settle()
    task.cancel()
    wrong.cancel()
    await settle()
    assert task.cancelled()
    disk.go()
    await first
    await ledger.keep(SITE, [])
    assert await ledger.transitions(SITE) == life("a")


async def test_closing_waits_for_what_was_asked_before(file: Path) -> None:
    """And takes nothing new."""
    ledger = await Ledger.open(url(file))
    disk = Disk(ledger)
    first = disk.stop()
    await settle()
    task = asyncio.create_task(ledger.keep(SITE, life("a")))
    await settle()
    closing = asyncio.create_task(ledger.close())
    await settle()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.keep(SITE, life("b"))
    disk.go()
    await asyncio.gather(first, task, closing)
    again = await Ledger.open(url(file))
    assert await again.transitions(SITE) == life("a")
    await again.close()


async def test_reading_waits_for_nobody_who_writes(ledger: Ledger) -> None:
    """What is not committed is not seen."""
    await ledger.keep(SITE, life("a"))
    disk = Disk(ledger)
    first = disk.stop()
    await settle()
    task = asyncio.create_task(ledger.keep(SITE, life("b")))
    await settle()
    assert await ledger.transitions(SITE) == life("a")
    disk.go()
    await asyncio.gather(first, task)
    assert await ledger.transitions(SITE) == [*life("a"), *life("b")]


async def test_fifty_a_second_for_ten_seconds(ledger: Ledger, record_property: Callable[[str, object], None]) -> None:
    """None is lost, each is awaited; how long it took and how long the loop was held is told, not judged."""
    waits: list[float] = []
    lags: list[float] = []

    async def keep(number: int) -> None:
        began = time.perf_counter()
        await ledger.keep(SITE, life(str(number), NOON))
        waits.append(time.perf_counter() - began)

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)

    watching = asyncio.create_task(watch())
    began, tasks = time.perf_counter(), []
    for number in range(500):
        tasks.append(asyncio.create_task(keep(number)))
        await asyncio.sleep(max(0, began + (number + 1) / 50 - time.perf_counter()))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - began
    watching.cancel()
    waits.sort()
    record_property("seconds", round(took, 2))
    record_property("keep_p50_ms", round(waits[250] * 1000, 2))
    record_property("keep_p99_ms", round(waits[495] * 1000, 2))
    record_property("loop_lag_max_ms", round(max(lags) * 1000, 2))
    found = await ledger.transitions(SITE)
    assert len(found) == 1000
    assert {one.key.request_id for one in found} == {str(number) for number in range(500)}
