"""Other processes that use a ledger: killed, short of disk, without rights, or simply there at the same time."""

import asyncio
import contextlib
from datetime import datetime
import itertools
from multiprocessing.connection import Connection
import os
from pathlib import Path
import resource

from kept import NOON, SITE, life, received, url

from custom_components.flex_ready.flexibility.record import Transition
from custom_components.flex_ready.ledger import Ledger, LedgerError
from custom_components.flex_ready.settlement.model import STEP, Reading

_NOBODY = 65534


def keep_on(file: Path, first: int, told: Connection) -> None:
    """Keep lives of requests as fast as possible, eight at a time, and tell the number of each that is kept."""
    numbers = itertools.count(first)

    async def keep(ledger: Ledger) -> None:
        for number in numbers:
            await ledger.keep(SITE, life(str(number)))
            told.send(number)

    async def run() -> None:
        ledger = await Ledger.open(url(file))
        await asyncio.gather(*(keep(ledger) for _ in range(8)))

    asyncio.run(run())


def add_half_hours(file: Path, first: int, told: Connection) -> None:
    """Add half-hours as fast as possible, of four sites at a time, each of as many Wh as its number; tell which."""
    numbers = itertools.count(first)

    async def add(ledger: Ledger) -> None:
        for number in numbers:
            await ledger.add_readings(f"site{number % 4}", half_hour(number))
            told.send(number)

    async def run() -> None:
        ledger = await Ledger.open(url(file))
        await asyncio.gather(*(add(ledger) for _ in range(8)))

    asyncio.run(run())


def half_hour(number: int) -> dict[datetime, Reading]:
    """Return a half-hour by its number."""
    return {NOON + number * STEP: Reading(number)}


def fill_a_small_disk(folder: Path, told: Connection) -> None:
    """Keep half-hours and requests on a disk that others fill; tell what was kept, what was said, what is read."""

    async def run() -> None:
        ledger = await Ledger.open(url(folder / "flex_ready.db"))
        kept, errors = [], set()
        ballast = folder / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        for number in range(2_000):
            try:
                await ledger.add_readings(SITE, half_hour(number))
                kept.append(number)
            except LedgerError as error:
                errors.add(str(error))
        readable = [reading.wh for _, reading in await ledger.readings(SITE, NOON, NOON + 5_000 * STEP)]
        ballast.unlink()
        await ledger.add_readings(SITE, half_hour(3_000))
        kept.append(3_000)
        await ledger.close()
        told.send((kept, errors, readable))

    asyncio.run(run())


def keep_some(file: Path, names: list[str], kilowatts: int, told: Connection) -> None:
    """Keep some requests one by one; tell the names of those that were kept, and of those that were refused."""

    async def run() -> None:
        ledger = await Ledger.open(url(file))
        kept, refused = [], []
        for name in names:
            try:
                await ledger.keep(SITE, [received(name, kilowatts=kilowatts)])
                kept.append(name)
            except LedgerError:
                refused.append(name)
        await ledger.close()
        told.send((kept, refused))

    asyncio.run(run())


def fill_the_disk(file: Path, told: Connection) -> None:
    """Keep requests until files may grow no more, then with more room; tell what was kept before, what failed, why."""

    async def run() -> None:
        ledger = await Ledger.open(url(file))
        await ledger.keep(SITE, life("first"))
        log = file.with_name(f"{file.name}-wal")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 60_000, limits[1]))
        kept, errors = ["first"], []
        for number in range(100):
            try:
                await ledger.keep(SITE, life(str(number)))
                kept.append(str(number))
            except LedgerError as error:
                errors.append(str(error))
        readable = [one.key.request_id for one in await ledger.transitions(SITE)]
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        await ledger.keep(SITE, life("last"))
        kept.append("last")
        await ledger.close()
        told.send((kept, errors, readable))

    asyncio.run(run())


def open_as_nobody(file: Path, told: Connection) -> None:
    """Open a ledger without the right to write, whoever we are; tell what is said to that."""
    if os.getuid() == 0:
        os.setuid(_NOBODY)

    async def run() -> None:
        try:
            ledger = await Ledger.open(url(file))
        except LedgerError as error:
            told.send(str(error))
        else:
            await ledger.close()
            told.send("opened")

    asyncio.run(run())


def received_by(told: Connection) -> list[object]:
    """Return all that another process told before its end."""
    found: list[object] = []
    with contextlib.suppress(EOFError, OSError):
        while True:
            found.append(told.recv())
    return found


def lives(transitions: list[Transition]) -> dict[str, list[Transition]]:
    """Return what is kept of each request."""
    found: dict[str, list[Transition]] = {}
    for one in transitions:
        found.setdefault(one.key.request_id, []).append(one)
    return found


def whole(name: str) -> list[Transition]:
    """Return what is to be kept of a request."""
    return life(name, NOON)
