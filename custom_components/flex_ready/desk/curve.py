"""What each source draws, step by step: steps of five minutes, cut where a request starts or ends.

A source is the meter of the building or an asset. What would have been drawn is what was drawn and what was spared by
shedding; both are energies over the same time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ..flexibility.model import Consumed, Quality
from ..slots import Slot

STEP = timedelta(minutes=5)
_WHOLE_NUM, _WHOLE_DEN = 98, 100
"""A step that is measured for this part of it is measured."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS_A_HOUR = 3_600_000
_MS = timedelta(milliseconds=1)
_WH = Decimal("0.001")
_W = Decimal("0.1")


@dataclass(slots=True)
class _Step:
    """The step that runs."""

    start: datetime
    drawn: Decimal = Decimal()
    """Wh."""
    spared: Decimal = Decimal()
    """Wh."""
    known: timedelta = timedelta()
    """For how long it was measured."""
    estimated: bool = False

    def closed(self, end: datetime) -> Slot[Consumed]:
        """Return it as it ends."""
        length = end - self.start
        if self.known < _MS:
            return Slot(self.start, end, Consumed(quality=Quality.MISSING))
        hours = Decimal(self.known // _MS) / _MS_A_HOUR
        share = Decimal(length // _MS) / (self.known // _MS)
        part = self.known * _WHOLE_DEN < length * _WHOLE_NUM
        return Slot(
            self.start,
            end,
            Consumed(
                power=(self.drawn / hours).quantize(_W),
                energy=(self.drawn * share).quantize(_WH),
                baseline=((self.drawn + self.spared) / hours).quantize(_W),
                quality=Quality.PARTIAL if part else Quality.ESTIMATED if self.estimated else Quality.MEASURED,
            ),
        )


@dataclass(slots=True)
class Curve:
    """The load curve of one source. Time only goes on: what comes twice, or late, is left out."""

    _at: datetime | None = None
    _step: _Step | None = None
    _cuts: list[datetime] = field(default_factory=list)

    def cut(self, edges: Iterable[datetime]) -> None:
        """Have steps end at some instants to come."""
        self._cuts = sorted({edge for edge in edges if self._at is None or edge > self._at})

    def add(
        self, until: datetime, drawn: Decimal | None, spared: Decimal, *, estimated: bool = False
    ) -> Iterator[Slot[Consumed]]:
        """Add what was drawn (Wh; None: not known) and spared since the last time; give the steps that ended."""
        since, self._at = self._at, until if self._at is None else max(self._at, until)
        if since is None or self._step is None:
            self._step = _Step(until)
            return
        span = until - since
        if span <= timedelta():
            return
        at = since
        while at < until:
            edge = min(self._edge(at), until)
            share = Decimal((edge - at) // _MS) / max(1, span // _MS)
            if drawn is not None:
                self._step.drawn += drawn * share
                self._step.spared += spared * share
                self._step.known += edge - at
                self._step.estimated |= estimated
            if edge == self._edge(at):
                yield self._step.closed(edge)
                self._step = _Step(edge)
            at = edge

    def running(self) -> Slot[Consumed] | None:
        """Return the step that runs, as far as it has come."""
        if self._step is None or self._at is None or self._at <= self._step.start:
            return None
        return self._step.closed(self._at)

    def _edge(self, at: datetime) -> datetime:
        """Return where the step ends that an instant lies in."""
        end = at + STEP - (at - _EPOCH) % STEP
        return next((cut for cut in self._cuts if at < cut < end), end)
