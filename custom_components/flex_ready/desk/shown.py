"""Which of its requests the entities of an asset show: the running one, else the next, else the last of a day."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ..flexibility.lifecycle import OPEN
from ..flexibility.record import Key, RequestRecord, State

_A_DAY = timedelta(days=1)
_FIRST = (State.ACTIVE, State.MOBILISING, State.RECOVERING)


class Shown:
    """Looks through a book once for each change of it: entities ask each second, books grow for a year."""

    def __init__(self) -> None:
        self._records: Mapping[Key, RequestRecord] = {}
        self._open: dict[str, list[RequestRecord]] = {}
        self._last: dict[str, RequestRecord] = {}

    def of(self, records: Mapping[Key, RequestRecord], asset_id: str, now: datetime) -> RequestRecord | None:
        """Return the request of an asset to show."""
        self._look_through(records)
        if going := self._open.get(asset_id):
            return min(going, key=lambda record: (_rank(record), record.end <= now, record.start))
        last = self._last.get(asset_id)
        return last if last is not None and now - last.history[-1].at < _A_DAY else None

    def open_in(self, records: Mapping[Key, RequestRecord]) -> Iterator[RequestRecord]:
        """Give all requests that are not over."""
        self._look_through(records)
        for going in self._open.values():
            yield from going

    def _look_through(self, records: Mapping[Key, RequestRecord]) -> None:
        if records is self._records:
            return
        self._records = records
        self._open, self._last = {}, {}
        for key, record in records.items():
            if record.state in OPEN:
                self._open.setdefault(key.asset_id, []).append(record)
                continue
            before = self._last.get(key.asset_id)
            if before is None or before.history[-1].at <= record.history[-1].at:
                self._last[key.asset_id] = record


def _rank(record: RequestRecord) -> int:
    return _FIRST.index(record.state) if record.state in _FIRST else len(_FIRST)
