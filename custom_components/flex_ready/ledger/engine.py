"""The ledger as an engine of settlement: it adds up the readings of whole perimeters where they are."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text

from ..settlement.model import STEP
from ..settlement.volumes_sql import STEPS, Row, StepRow, Tables
from .database import SQLITE
from .schema import membership, readings

_TEXTS = ("perimeter_id", "ef_id")
_steps = Table(
    "flex_ready_steps",
    MetaData(),
    *(Column(name, Text if name in _TEXTS else BigInteger) for name in STEPS),
    prefixes=["TEMPORARY"],
)
"""Of one connection, and only as long as it answers."""


class LedgerEngine:
    """Answers over a connection that reads, and leaves nothing behind."""

    tables = Tables(readings=readings[STEP].name, membership=membership.name, steps=_steps.name)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, steps: Iterable[StepRow], question: str) -> Sequence[Row]:
        """Have these steps and no others in the table of steps, and answer, all in one transaction."""
        self._only_read(on=False)
        try:
            _steps.create(self._connection)
            rows = [dict(zip(STEPS, step, strict=True)) for step in steps]
            if rows:
                self._connection.execute(_steps.insert(), rows)
            answer = [tuple(row) for row in self._connection.exec_driver_sql(question)]
            _steps.drop(self._connection)
        finally:
            self._only_read(on=True)
        return answer

    def _only_read(self, *, on: bool) -> None:
        """Let a table be made that is in no file; nothing else is written meanwhile."""
        if self._connection.dialect.name == SQLITE:
            self._connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if on else 'OFF'}")
