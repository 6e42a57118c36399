"""Which of its requests the entities of an asset show: the running one, else the next, else the last of a day."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from ..flexibility.lifecycle import OPEN
from ..flexibility.record import Key, RequestRecord, State

_A_DAY = timedelta(days=1)
_FIRST = (State.ACTIVE, State.MOBILISING, State.RECOVERING)

type _Row = tuple[int, datetime, datetime, int]
"""Rank, start, end, and a number of its own."""


class Shown:
    """Is told of each request as it changes: entities ask each second, and there may be thousands."""

    def __init__(self) -> None:
        self._number = 0
        self._rows: dict[Key, _Row] = {}
        self._open: dict[str, list[_Row]] = {}
        """By asset, sorted."""
        self._of: dict[int, RequestRecord] = {}
        self._last: dict[str, RequestRecord] = {}

    def take_up(self, records: Iterable[RequestRecord]) -> None:
        """Begin anew with some requests."""
        for known in (self._rows, self._open, self._of, self._last):
            known.clear()
        for record in records:
            self.note(record)

    def note(self, record: RequestRecord) -> None:
        """Take down how a request stands."""
        key = record.key
        rows = self._open.setdefault(key.asset_id, [])
        if (row := self._rows.pop(key, None)) is not None:
            del rows[bisect_left(rows, row)], self._of[row[-1]]
        if record.state in OPEN:
            self._number += 1
            row = self._rows[key] = _rank(record), record.start, record.end, self._number
            insort(rows, row)
            self._of[self._number] = record
            return
        before = self._last.get(key.asset_id)
        if before is None or before.history[-1].at <= record.history[-1].at:
            self._last[key.asset_id] = record

    def of(self, asset_id: str, now: datetime) -> RequestRecord | None:
        """Return the request of an asset to show."""
        rows = self._open.get(asset_id, ())
        if rows:
            best = rows[0][0]
            alike = (row for row in rows if row[0] != best or row[2] > now)
            row = next(alike, rows[0])
            return self._of[(row if row[0] == best else rows[0])[-1]]
        last = self._last.get(asset_id)
        return last if last is not None and now - last.history[-1].at < _A_DAY else None

    def coming(self, now: datetime) -> RequestRecord | None:
        """Return the open request of any asset that runs or is next."""
        found = min(((row[1], row[-1]) for row in self._firsts(now)), default=None)
        return None if found is None else self._of[found[1]]

    def _firsts(self, now: datetime) -> Iterator[_Row]:
        """Give of each asset, and of each rank, the first request that is not past."""
        for rows in self._open.values():
            at = 0
            while at < len(rows):
                rank = rows[at][0]
                end = bisect_left(rows, rank + 1, lo=at, key=_rank_of)
                row = next((rows[i] for i in range(at, end) if rows[i][2] > now), None)
                if row is not None:
                    yield row
                at = end


def _rank(record: RequestRecord) -> int:
    return _FIRST.index(record.state) if record.state in _FIRST else len(_FIRST)


def _rank_of(row: _Row) -> int:
    return row[0]
