"""The ledger itself: what may be kept in it, and read from it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection

from ..flexibility.model import Consumed
from ..flexibility.record import Transition
from ..slots import Series, Slot
from . import statements
from .codec import Kept, call_of, call_row, instant, microseconds, step_of, step_row, transition_of, transition_row
from .database import Database, hold, opened, told
from .model import Call, LedgerError
from .writer import Writer

_LONGEST_STEP = timedelta(days=1)
_MOST_CALLS = 100_000
"""Of a site. Whoever calls without end fills no disk."""
_TRIM_EVERY = 1_000
"""Calls."""


class Ledger:
    """A ledger that is open. All that is kept is durable when the call returns; every method raises LedgerError."""

    def __init__(self, database: Database) -> None:
        """Use `open`."""
        self._database = database
        self._writer = Writer(database.writing)
        self._reader = ThreadPoolExecutor(1, "flex_ready_ledger_read")
        self._calls = 0
        """Noted since the last look at how many there are."""
        self._closed = False

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the ledger at a URL of SQLAlchemy: SQLite in a file, or PostgreSQL."""
        return cls(await asyncio.to_thread(opened, url))

    @property
    def replaced(self) -> str | None:
        """Where the file is that was found broken and gave way to a new one; None: all is well."""
        return self._database.replaced

    async def keep(self, site: str, transitions: Sequence[Transition]) -> None:
        """Keep transitions of requests, all or none; those that are kept already are passed over.

        What contradicts what is kept (the same revision of the same request, and not the same) is refused.
        """
        rows = [transition_row(site, transition) for transition in transitions]
        await self._writer.write(lambda connection: statements.add_transitions(connection, rows))

    async def transitions(self, site: str) -> list[Transition]:
        """Return all transitions of a site in the order in which they were kept.

        If one of them cannot be read, the whole is refused: who does not know all it has promised must not answer.
        """
        return await self._read(lambda connection: _all(transition_of, statements.transitions(connection, site)))

    async def add_curve(self, site: str, source: str, steps: Sequence[Slot[Consumed]]) -> None:
        """Keep steps of a load curve, each at most a day; one that starts where another does takes its place.

        Of others that overlap (a clock was set back) the longer stays, of two as long the later.
        """
        if any(step.length > _LONGEST_STEP for step in steps):
            raise LedgerError("a step of a load curve is longer than a day")
        rows = [step_row(site, source, step) for step in steps]
        longest = microseconds(_LONGEST_STEP)
        await self._writer.write(lambda connection: statements.add_steps(connection, rows, longest))

    async def curve(self, site: str, source: str, start: datetime, end: datetime) -> Series[Consumed]:
        """Return the steps of a load curve that have some instant in a stretch, whole."""
        first, last, longest = instant(start), instant(end), microseconds(_LONGEST_STEP)

        def read(connection: Connection) -> Series[Consumed]:
            found = statements.steps(connection, site, source, first, last, longest)
            return Series(tuple(_all(step_of, found)))

        return await self._read(read)

    async def note_calls(self, site: str, calls: Sequence[Call]) -> None:
        """Keep who called."""
        rows = [call_row(site, call) for call in calls]
        self._calls += len(rows)
        trim = self._calls >= _TRIM_EVERY
        if trim:
            self._calls = 0

        def note(connection: Connection) -> None:
            statements.add_calls(connection, rows)
            if trim:
                statements.trim_calls(connection, _MOST_CALLS)

        await self._writer.write(note)

    async def calls(self, site: str, limit: int) -> list[Call]:
        """Return the last calls, the latest first."""
        return await self._read(lambda connection: _all(call_of, statements.calls(connection, site, limit)))

    async def purge(self, before: datetime) -> None:
        """Drop what is older; a request is dropped whole, when its last transition is."""
        at = instant(before)

        def drop(connection: Connection) -> None:
            statements.purge(connection, at)
            statements.trim_calls(connection, _MOST_CALLS)

        await self._writer.write(drop)

    async def forget(self, site: str) -> None:
        """Drop all of a site."""
        await self._writer.write(lambda connection: statements.forget(connection, site))

    async def pause(self) -> None:
        """Leave the file as it is, with all that is kept by now in it, until `resume`: it can be copied.

        What is kept meanwhile is kept beside it, and nobody waits. With PostgreSQL nothing is to be done.
        """
        if self._database.is_file:
            await self._writer.alone(lambda: hold(self._database.writing, on=True))

    async def resume(self) -> None:
        """Go on writing into the file."""
        if self._database.is_file:
            await self._writer.alone(lambda: hold(self._database.writing, on=False))

    async def close(self) -> None:
        """Keep all that waits, then close; a second time nothing is done."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await asyncio.get_running_loop().run_in_executor(self._reader, self._database.dispose)
        self._reader.shutdown()

    async def _read[ValueT](self, read: Callable[[Connection], ValueT]) -> ValueT:
        if self._closed:
            raise LedgerError("the ledger is closed")

        def within() -> ValueT:
            with told(), self._database.reading.connect() as connection:
                return read(connection)

        return await asyncio.get_running_loop().run_in_executor(self._reader, within)


def _all[ValueT](read: Callable[[Kept], ValueT], rows: Iterable[Kept]) -> list[ValueT]:
    return [read(row) for row in rows]
