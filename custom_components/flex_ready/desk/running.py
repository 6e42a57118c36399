"""What runs of the requests: what the arbiter is asked for, what is seen of it, what it has given so far."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ..building.meter_link import epoch_ms
from ..control.load import Seen
from ..control.orders import Mode, Reason, Source, Wish
from ..flexibility.lifecycle import Facts
from ..flexibility.record import Key, RequestRecord, State
from .assets import AssetSetup

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

_NONE = timedelta()
_GONE_S = 60
"""Loads that are all out of reach for longer are lost."""
_RAMP = timedelta(minutes=30)
"""What could not be given back by then is held off by somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a request goes."""

    asked_w: Decimal | None
    """Now, or at its start; None: it is over."""
    offered_w: Decimal | None
    delivered_w: Decimal
    """Now."""
    delivered_wh: Decimal
    """So far."""
    remaining: timedelta
    """Until it ends."""


class Running:
    """Follows the requests of a building that are ordered."""

    def __init__(self, building: BuildingCoordinator, setups: Mapping[str, AssetSetup]) -> None:
        """Follow requests about some assets (by the id that operators use)."""
        self._building = building
        self._setups = setups
        self._began: dict[Key, float] = {}
        """When an activation began, by the monotonic clock."""
        self._active: set[Key] = set()
        self._gone: dict[Key, float] = {}
        self.delivered: dict[Key, Decimal] = {}
        """Wh, of activations of this run."""

    def wishes(
        self, records: Iterable[RequestRecord], allotted: Mapping[Key, tuple[str, ...]], now: datetime
    ) -> Iterator[Wish]:
        """Give what the arbiter is asked for now, of the loads of each; an order ends by itself with its slot (T13)."""
        for record in records:
            key = record.key
            slot = record.due(now)
            if slot is not None and allotted.get(key):
                yield Wish(
                    id=f"request_{key.issuer}_{key.client}_{key.asset_id}_{key.request_id}",
                    source=Source.REQUEST,
                    reason=Reason.ASKED,
                    loads=allotted[key],
                    power=int(slot.value.to_integral_value()),
                    until=epoch_ms(slot.end),
                )

    def goes_on(self, key: Key, *, begins: bool) -> None:
        """Note that an activation begins, or goes on after a restart."""
        if begins:
            self._began[key] = self._building.monotonic()
        self._active.add(key)
        self.delivered[key] = Decimal()

    def over(self, key: Key) -> None:
        """Forget a request that is over."""
        self._active.discard(key)
        self._began.pop(key, None)
        self._gone.pop(key, None)

    def facts(self, record: RequestRecord, now: datetime, recovery: timedelta, *, start_late: bool) -> Facts:
        """Return what is seen of a request that is ordered."""
        began = self._began.get(record.key)
        return Facts(
            now=now,
            reachable=self.reachable(record.key.asset_id),
            ran=None if began is None else timedelta(seconds=self._building.monotonic() - began),
            ramped=self._ramped(record, now),
            recovery=recovery,
            start_late=start_late,
        )

    def lost(self, key: Key) -> bool:
        """Tell whether all the loads of a running request have been out of reach for a while."""
        if self.reachable(key.asset_id):
            self._gone.pop(key, None)
            return False
        since = self._gone.setdefault(key, self._building.monotonic())
        return self._building.monotonic() - since >= _GONE_S

    def reachable(self, asset_id: str) -> bool:
        """Tell whether some load of an asset can be commanded."""
        return any(seen.available and seen.managed for _, seen in self.seen(asset_id))

    def seen(self, asset_id: str) -> Iterator[tuple[str, Seen]]:
        """Give the loads of an asset as they are seen now."""
        for load in self._loads(asset_id):
            yield load, self._building.seen(load)

    def drawn_w(self, asset_id: str) -> tuple[Decimal, bool]:
        """Return what the loads of an asset draw, and whether that is measured by all of them."""
        loads = self._loads(asset_id)
        drawn = sum(self._building.controller.draws.get(load, 0) for load in loads)
        return Decimal(drawn), all(self._building.handovers[load].power_sensor for load in loads)

    def spared_w(self, asset_id: str) -> Decimal:
        """Return what the loads of an asset would draw more if none were shed."""
        if self._building.kept.mode is not Mode.LIMIT:
            return Decimal()
        return Decimal(sum(self._spared(load) for load in self._loads(asset_id)))

    def all_spared_w(self) -> Decimal:
        """Return what all loads of the building would draw more if none were shed."""
        if self._building.kept.mode is not Mode.LIMIT:
            return Decimal()
        return Decimal(sum(self._spared(load) for load in self._building.handovers))

    def count(self, span: timedelta) -> None:
        """Count what the running activations give over a time."""
        for key in self._active:
            self.delivered[key] += self.spared_w(key.asset_id) * (span // _MS) / _MS_A_HOUR

    def progress(self, record: RequestRecord, now: datetime, before: Decimal) -> Progress:
        """Tell how a request goes; `before` is what an earlier run delivered of it (Wh)."""
        over = now >= record.end
        at = None if over else record.power.at(max(now, record.start))
        active = record.state is State.ACTIVE
        asked = None if over else record.request.power.at(max(now, record.request.start))
        return Progress(
            asked_w=None if asked is None else asked.value,
            offered_w=None if at is None or record.offer is None else at.value,
            delivered_w=self.spared_w(record.key.asset_id) if active else Decimal(),
            delivered_wh=before + self.delivered.get(record.key, Decimal()),
            remaining=max(_NONE, record.end - now) if record.held is not None else _NONE,
        )

    def _loads(self, asset_id: str) -> tuple[str, ...]:
        setup = self._setups.get(asset_id)
        return () if setup is None else tuple(load for load in setup.loads if load in self._building.handovers)

    def _spared(self, load: str) -> int:
        state = self._building.controller.states[load]
        return state.saving(self._building.handovers[load].load, state.step)

    def _ramped(self, record: RequestRecord, now: datetime) -> bool:
        """Tell whether all that was shed for a request is given back, or kept by somebody else."""
        ended = record.ended
        if ended is None or not timedelta() <= now - ended.at < _RAMP:
            return True
        at = epoch_ms(ended.at)
        states = (self._building.controller.states[load] for load in self._loads(record.key.asset_id))
        return not any(state.step and (state.changed or 0) <= at for state in states)


_MS = timedelta(milliseconds=1)
_MS_A_HOUR = 3_600_000
