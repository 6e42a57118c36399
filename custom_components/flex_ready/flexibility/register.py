"""All records of a site, kept so that little has to be looked at, however many are over.

Those that are open stand apart, with the instant that they sleep until; what assets are promised for stands by day.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import override

from .lifecycle import OPEN
from .record import Key, RequestRecord, State
from .rules import Taken

_DAYS = timedelta(days=2)
_LONG = date.min
"""Under this day stands what is longer than two days."""
_NOW = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What the clock may do to an open record."""

    wakes: datetime
    """Before that it does nothing."""
    edges: tuple[datetime, ...]
    """When it may do something, sorted."""

    @classmethod
    def of(cls, record: RequestRecord) -> _Waiting:
        edges = {record.lead, *(edge for slot in record.power for edge in (slot.start, slot.end))}
        wakes = _NOW
        if record.state is State.SCHEDULED:
            wakes = record.lead
        elif record.state is State.OFFERED and record.offer is not None:
            edges.add(record.offer.expires_at)
            wakes = record.offer.expires_at if record.past else min(record.offer.expires_at, record.lead)
        return cls(wakes, tuple(sorted(edges)))

    def next_edge(self, now: datetime) -> datetime | None:
        if self.wakes > now:
            return self.wakes
        i = bisect_right(self.edges, now)
        return self.edges[i] if i < len(self.edges) else None


@dataclass(frozen=True, slots=True, eq=False)
class Register(Mapping[Key, RequestRecord]):
    """Records by key. It never changes: `after` gives another one."""

    _all: Mapping[Key, RequestRecord] = field(default_factory=dict)
    _open: Mapping[Key, _Waiting] = field(default_factory=dict)
    _promised: Mapping[date, Mapping[Key, Taken]] = field(default_factory=dict)

    @override
    def __getitem__(self, key: Key) -> RequestRecord:
        return self._all[key]

    @override
    def __iter__(self) -> Iterator[Key]:
        return iter(self._all)

    @override
    def __len__(self) -> int:
        return len(self._all)

    def after(self, changed: Iterable[RequestRecord]) -> Register:
        """Return the register with some records added, or in place of those that they were."""
        records, waiting, promised = dict(self._all), dict(self._open), dict(self._promised)
        own: dict[date, dict[Key, Taken]] = {}
        for record in changed:
            key, day = record.key, _day(record)
            records[key] = record
            if record.state in OPEN:
                waiting[key] = _Waiting.of(record)
            else:
                waiting.pop(key, None)
            promised[day] = of_day = own.setdefault(day, dict(promised.get(day, {})))
            if (taken := _promise(record)) is None:
                of_day.pop(key, None)
            else:
                of_day[key] = taken
        return Register(records, waiting, promised)

    def open(self) -> Iterator[RequestRecord]:
        """Give the records that are not over."""
        return (self._all[key] for key in self._open)

    def awake(self, now: datetime) -> Iterator[RequestRecord]:
        """Give the records that the clock, or what is seen, may do something to now."""
        return (self._all[key] for key, waiting in self._open.items() if waiting.wakes <= now)

    def next_edge(self, now: datetime) -> datetime | None:
        """Return when the clock alone brings something about."""
        edges = (waiting.next_edge(now) for waiting in self._open.values())
        return min((edge for edge in edges if edge is not None), default=None)

    def taken(self, start: datetime, end: datetime, reach: timedelta, besides: Key | None = None) -> Iterator[Taken]:
        """Give what the assets are promised for about a time: some days, or the recovery time, around it."""
        return (taken for key, taken in self._about(start, end, max(reach, _DAYS)) if key != besides)

    def promised(self, start: datetime, end: datetime, besides: Key | None = None) -> Iterator[RequestRecord]:
        """Give the records that an asset is promised for, or was, within two days of a time."""
        return (self._all[key] for key, taken in self._about(start, end, _DAYS) if taken.held and key != besides)

    def _about(self, start: datetime, end: datetime, reach: timedelta) -> Iterator[tuple[Key, Taken]]:
        first, last = start - reach, end + reach
        first_day, last_day = (first - _DAYS).date(), last.date()
        for day, promised in self._promised.items():
            if day == _LONG or first_day <= day <= last_day:
                for key, taken in promised.items():
                    if taken.power.slots[-1].end >= first and taken.power.slots[0].start <= last:
                        yield key, taken


def _day(record: RequestRecord) -> date:
    request = record.request
    return request.start.date() if request.end - request.start <= _DAYS else _LONG


def _promise(record: RequestRecord) -> Taken | None:
    """Return what an asset is promised for by a request, or was."""
    held, counted = record.held, record.counted
    if held is None and not counted:
        return None
    return Taken(
        asset_id=record.key.asset_id,
        power=record.power if held is None else held,
        direction=record.request.direction,
        held=held is not None,
        counted=counted,
    )
