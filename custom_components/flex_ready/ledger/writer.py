"""The one who writes: a thread of its own, and one transaction for all who wait.

A commit costs what the disk needs to be sure. Whoever comes while one is under way waits for the next, together with
all others who came, so that a slow disk makes larger transactions and not a longer queue.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
import contextlib
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Connection, Engine

from .database import told
from .model import LedgerError

type Job = Callable[[Connection], None]
"""What is done within a transaction, possibly a second time in another one after the first was rolled back."""

_MOST = 500
"""Jobs in one transaction: those who came first are not to wait for everybody."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    job: Job
    done: asyncio.Future[None]

    def tell(self, error: LedgerError | None) -> None:
        """Release who waits, from the thread; nobody may be there any more, nor the loop."""
        with contextlib.suppress(RuntimeError):
            self.done.get_loop().call_soon_threadsafe(self._settle, error)

    def _settle(self, error: LedgerError | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Writer:
    """Does jobs in the order in which they come."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, "flex_ready_ledger")
        self._lock = Lock()
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._closed = False

    async def write(self, job: Job) -> None:
        """Have a job done; it is durable when this returns. Raises LedgerError if nothing of it is.

        Who is cancelled meanwhile does not know, but it is done all the same.
        """
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        with self._lock:
            if self._closed:
                raise LedgerError("the ledger is closed")
            self._waiting.append(waiting)
            if not self._busy:
                self._busy = True
                self._thread.submit(self._drain)
        await waiting.done

    async def alone(self, work: Callable[[], None]) -> None:
        """Have something done between two transactions."""
        if self._closed:
            raise LedgerError("the ledger is closed")
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Do all that waits, then nothing more."""
        with self._lock:
            self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)
        self._thread.shutdown()

    def _drain(self) -> None:
        while batch := self._take():
            for waiting, error in zip(batch, self._together(batch), strict=True):
                waiting.tell(error)

    def _take(self) -> list[_Waiting]:
        with self._lock:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            self._busy = bool(batch)
            return batch

    def _together(self, batch: Sequence[_Waiting]) -> list[LedgerError | None]:
        """Do all in one transaction; if one of them spoils it, each in its own."""
        error, begun = self._transaction(batch)
        if error is None or not begun or len(batch) == 1:
            return [error] * len(batch)
        errors: list[LedgerError | None] = []
        for waiting in batch:
            error, begun = self._transaction([waiting])
            errors.append(error)
            if not begun:  # the database is gone: whoever comes next need not wait for that again
                return errors + [error] * (len(batch) - len(errors))
        return errors

    def _transaction(self, batch: Sequence[_Waiting]) -> tuple[LedgerError | None, bool]:
        """Do jobs in one transaction; tell what was wrong, and whether it could begin at all."""
        begun = False
        try:
            with told(), self._engine.begin() as connection:
                begun = True
                for waiting in batch:
                    waiting.job(connection)
        except LedgerError as error:
            return error, begun
        except Exception as error:  # noqa: BLE001  # nobody is to wait for ever, whatever it is
            made = LedgerError(repr(error))
            made.__cause__ = error
            return made, begun
        return None, begun
