"""What is measured for operators: the curve of the meter and of each asset, kept step by step in the ledger."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ..flexibility.model import Consumed
from ..flexibility.record import Key, RequestRecord, State
from ..ledger import Ledger
from ..slots import Series, Slot, Stretch
from .assets import AssetSetup
from .counter import MeterEnergy
from .curve import Curve
from .habits import Habits
from .lately import Lately
from .running import Running

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

METER = "meter"
"""The source that is the meter of the building; the others are assets, by their subentries' ids."""
_GIVEN_UP = timedelta(minutes=15)
"""What is not measured so long after the end of a request is not measured any more."""
_MS = timedelta(milliseconds=1)
_MS_A_HOUR = 3_600_000
_WH = Decimal("0.001")


class Meters:
    """Measures a building for its operators."""

    def __init__(
        self,
        building: BuildingCoordinator,
        ledger: Ledger,
        running: Running,
        setups: Mapping[str, AssetSetup],
        lately: Lately,
    ) -> None:
        """Measure some assets (by their subentries' ids), and what their loads draw lately."""
        self._lately = lately
        self._building = building
        self._ledger = ledger
        self._running = running
        self._setups = setups
        self._meter = MeterEnergy()
        self._curves = {METER: Curve(), **{name: Curve() for name, one in setups.items() if not one.by_meter}}
        self._held: dict[str, tuple[Decimal, Decimal, bool]] = {}
        """What each source draws and spares (W) since the last look, and whether all of that is measured."""
        self._at: datetime | None = None
        self._done: list[tuple[str, Slot[Consumed]]] = []
        self._until: dict[str, datetime] = {}
        """Up to when each source was written in this run."""
        self._before: dict[Key, Decimal] = {}

    async def async_start(self, records: Mapping[Key, RequestRecord]) -> None:
        """See what was delivered before of what still runs. Raises LedgerError."""
        for key, record in records.items():
            setup = self._setup(key.asset_id)
            if record.state in (State.ACTIVE, State.RECOVERING) and setup is not None:
                curve = await self.curve(setup, Stretch(record.start, record.end))
                self._before[key] = sum((_spared_wh(slot) for slot in curve), Decimal())

    def look(self, now: datetime) -> None:
        """Take down what was drawn since the last look: what was drawn then was drawn until now."""
        since, self._at = self._at, now
        span = timedelta() if since is None else max(timedelta(), now - since)
        link = self._building.link
        drawn, estimated = self._meter.since_last(None if self._building.data.blind else link.state, now)
        spared = self._held[METER][1] if METER in self._held else Decimal()
        self._add(METER, now, drawn, _wh(spared, span), estimated=estimated)
        for name in self._curves.keys() - {METER}:
            power, spared, measured = self._held.get(name, (None, Decimal(), True))
            energy = None if power is None else _wh(power, span)
            self._add(name, now, energy, _wh(spared, span), estimated=not measured)
        for name in self._curves:
            asset_id = "" if name == METER else self._setups[name].asset_id
            spared = self._running.spared_w(asset_id) if asset_id else self._running.all_spared_w()
            drawn_w, measured = self._running.drawn_w(asset_id)
            self._held[name] = drawn_w, spared, measured
        self._running.count(span)
        for load, state in self._building.controller.states.items():
            if not state.step and load in self._building.controller.draws and self._building.seen(load).available:
                self._lately.add(load, self._building.controller.draws[load], span, now)

    @property
    def habits(self) -> Habits:
        """Return what is known of the loads from other days."""
        return self._lately.habits

    def cut(self, records: Iterable[RequestRecord]) -> None:
        """Have steps end where these requests start and end."""
        edges = [edge for record in records for slot in record.power for edge in (slot.start, slot.end)]
        for curve in self._curves.values():
            curve.cut(edges)

    @property
    def ready(self) -> bool:
        """Tell whether there is something to be written."""
        return bool(self._done)

    async def async_write(self) -> None:
        """Write the steps that ended. Raises LedgerError: they are written the next time then."""
        entry_id = self._building.config_entry.entry_id
        for source in {source for source, _ in self._done}:
            steps = [slot for one, slot in self._done if one == source]
            await self._ledger.add_curve(entry_id, source, steps)
            self._until[source] = steps[-1].end
            self._done = [one for one in self._done if one[0] != source or one[1].start > steps[-1].start]

    async def async_close(self) -> None:
        """Write all, also the steps that still run. Raises LedgerError."""
        for source, curve in self._curves.items():
            if (slot := curve.running()) is not None:
                self._done.append((source, slot))
        await self.async_write()

    async def curve(self, setup: AssetSetup, stretch: Stretch) -> Series[Consumed]:
        """Return what an asset drew in a stretch, up to now; steps at its borders are whole. Raises LedgerError."""
        source = METER if setup.by_meter else setup.subentry_id
        kept = await self._ledger.curve(self._building.config_entry.entry_id, source, stretch.start, stretch.end)
        return Series(tuple(_merged([*kept, *self._unwritten(source, stretch)])))

    def complete(self, record: RequestRecord, now: datetime) -> bool:
        """Tell whether all that is to be measured of a request is written."""
        setup = self._setup(record.key.asset_id)
        until = None if setup is None else self._until.get(METER if setup.by_meter else setup.subentry_id)
        return now - record.end > _GIVEN_UP or (until is not None and until >= record.end)

    def delivered_before(self, key: Key) -> Decimal:
        """Return what an earlier run delivered of a request (Wh)."""
        return self._before.get(key, Decimal())

    def _unwritten(self, source: str, stretch: Stretch) -> Iterator[Slot[Consumed]]:
        running = self._curves[source].running()
        for slot in (*(slot for one, slot in self._done if one == source), *((running,) if running else ())):
            if slot.overlaps(stretch):
                yield slot

    def _add(self, source: str, now: datetime, drawn: Decimal | None, spared: Decimal, *, estimated: bool) -> None:
        for slot in self._curves[source].add(now, drawn, spared, estimated=estimated):
            self._done.append((source, slot))

    def _setup(self, asset_id: str) -> AssetSetup | None:
        return next((one for one in self._setups.values() if one.asset_id == asset_id), None)


def cut(curve: Series[Consumed], stretch: Stretch) -> Series[Consumed]:
    """Return what lies in a stretch; of a step at its border the energy that is its part."""
    return Series(tuple(_part(curve, slot) for slot in curve.cut(stretch.start, stretch.end)))


def _part(curve: Series[Consumed], slot: Slot[Consumed]) -> Slot[Consumed]:
    whole = curve.at(slot.start)
    if whole is None or whole.length == slot.length or slot.value.energy is None:
        return slot
    energy = slot.value.energy * (slot.length // _MS) / (whole.length // _MS)
    return Slot(slot.start, slot.end, replace(slot.value, energy=energy.quantize(_WH)))


def _merged(slots: list[Slot[Consumed]]) -> Iterator[Slot[Consumed]]:
    """Give steps in order; one that was written in part, and goes on in the next run, is left as it was."""
    last: datetime | None = None
    for slot in sorted(slots, key=lambda one: one.start):
        if last is None or slot.start >= last:
            yield slot
            last = slot.end


def _spared_wh(slot: Slot[Consumed]) -> Decimal:
    value = slot.value
    if value.power is None or value.baseline is None:
        return Decimal()
    return _wh(value.baseline - value.power, slot.length)


def _wh(power: Decimal, span: timedelta) -> Decimal:
    return power * (span // _MS) / _MS_A_HOUR
