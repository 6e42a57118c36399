"""The ledger itself: what may be kept in it, and read from it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection

from ..flexibility.model import Consumed
from ..flexibility.record import Transition
from ..settlement.forecast import Forecast
from ..settlement.load_curve import LoadCurve
from ..settlement.model import STEP, Order, Reading
from ..settlement.perimeter import Planned, Volume, volumes
from ..settlement.volumes_sql import Judgement
from ..slots import Series, Slot
from . import settlement_statements as settled, statements
from .codec import call_of, call_row, step_of, step_row, transition_of, transition_row
from .database import Database, hold, opened, told
from .engine import LedgerEngine
from .fields import Kept, instant, microseconds, second
from .model import Call, LedgerError, Member, Trial
from .settlement_codec import (
    forecast_of,
    forecast_rows,
    member_of,
    member_row,
    order_of,
    order_row,
    reading_of,
    reading_rows,
    total_of,
    trial_of,
    trial_row,
)
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

    async def add_readings(self, site: str, readings: Mapping[datetime, Reading], step: timedelta = STEP) -> None:
        """Keep readings by the start of their step (of 30 or 10 minutes).

        One takes the place of another of the same step, unless that is worth more: measured, estimated, missing.
        """
        rows = reading_rows(site, readings)
        await self._writer.write(lambda connection: settled.add_readings(connection, rows, step))

    async def readings(self, site: str, start: datetime, end: datetime, step: timedelta = STEP) -> LoadCurve:
        """Return the readings of the steps that start in a stretch, itself one that starts with a step."""
        first, last = second(start), second(end)
        return await self._read(
            lambda connection: LoadCurve(
                dict(_all(reading_of, settled.each_reading(connection, site, first, last, step)))
            )
        )

    async def entity_curve(
        self, perimeter: str, entity: str, at: datetime, start: datetime, end: datetime, step: timedelta = STEP
    ) -> LoadCurve:
        """Return the sums over the sites that belong to an entity at an instant; where one is missing there is none."""
        second_at, first, last = second(at.replace(microsecond=0)), second(start), second(end)
        return await self._read(
            lambda connection: LoadCurve(
                dict(_all(total_of, settled.each_total(connection, perimeter, entity, second_at, first, last, step)))
            )
        )

    async def set_members(self, perimeter: str, members: Sequence[Member]) -> None:
        """Keep who belongs, belonged and will belong to a perimeter: these, and nobody else."""
        rows = [member_row(perimeter, member) for member in members]
        await self._writer.write(lambda connection: settled.set_members(connection, perimeter, rows))

    async def members(self, perimeter: str) -> list[Member]:
        """Return who belongs, belonged and will belong to a perimeter, by entity and site."""
        return await self._read(lambda connection: _all(member_of, settled.each_member(connection, perimeter)))

    async def keep_order(self, contract: str, order: Order) -> None:
        """Keep an order as it is now; what it was before stays in the database."""
        row = order_row(contract, order)
        await self._writer.write(lambda connection: settled.keep_order(connection, row))

    async def orders(self, contract: str) -> list[Order]:
        """Return the orders of a contract as they are now, by their start."""
        return await self._read(lambda connection: _all(order_of, settled.each_order(connection, contract)))

    async def keep_trial(self, contract: str, trial: Trial) -> None:
        """Keep a test of a contract, or what has become of it."""
        row = trial_row(contract, trial)
        await self._writer.write(lambda connection: settled.keep_trial(connection, row))

    async def trials(self, contract: str) -> list[Trial]:
        """Return the tests of a contract in order."""
        return await self._read(lambda connection: _all(trial_of, settled.each_trial(connection, contract)))

    async def keep_forecast(self, contract: str, entity: str, wh: Mapping[datetime, int], handed_in: datetime) -> None:
        """Keep what an entity of a contract is forecast to withdraw (Wh), by the start of the half-hour.

        What was said before stays beside it; what says the same as that is passed over.
        """
        rows = forecast_rows(contract, entity, wh, handed_in)
        await self._writer.write(lambda connection: settled.keep_forecast(connection, rows))

    async def forecast(self, contract: str, entity: str, start: datetime, end: datetime) -> Forecast:
        """Return all that was forecast of an entity for the half-hours that start in a stretch."""
        first, last = second(start), second(end)
        return await self._read(
            lambda connection: forecast_of(settled.each_forecast(connection, contract, entity, first, last))
        )

    async def volumes(
        self, orders: Sequence[Planned], judgement: Judgement | None = None
    ) -> list[dict[datetime, Volume]]:
        """Evaluate orders to perimeters: for each in turn, the volumes by the start of the half-hour."""
        return await self._read(lambda connection: volumes(LedgerEngine(connection), orders, judgement))

    async def purge(self, before: datetime, settled_before: datetime) -> None:
        """Drop what is older; a request is dropped whole, when its last transition is.

        Half-hours, forecasts and members, by which orders are settled, have their own instant. Orders and tests stay as
        long as their contract: they are few, and money hangs on them.
        """
        at = instant(before)
        at_s, settled_s = (second(one.replace(microsecond=0)) for one in (before, settled_before))

        def drop(connection: Connection) -> None:
            statements.purge(connection, at)
            statements.trim_calls(connection, _MOST_CALLS)
            settled.purge(connection, at_s, settled_s)

        await self._writer.write(drop)

    async def forget(self, site: str) -> None:
        """Drop all of a site of requests, of a site of contracts, or of a contract."""

        def drop(connection: Connection) -> None:
            statements.forget(connection, site)
            settled.forget(connection, site)

        await self._writer.write(drop)

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
