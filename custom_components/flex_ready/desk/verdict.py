"""What is answered to a request, from what is known of the building: its mode, its loads, its promises, the grid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ..control.orders import Mode
from ..flexibility.book import Decline
from ..flexibility.capability import Building, ability, allot
from ..flexibility.judge import Site
from ..flexibility.lifecycle import OPEN
from ..flexibility.model import Offer, Request
from ..flexibility.policy import Standing, offer, outside
from ..flexibility.record import Cause, Key, RequestRecord
from ..flexibility.register import Register
from ..flexibility.rules import blocks
from ..slots import Series, Slot, Stretch
from .able import asset, facts, promised_at
from .assets import AssetSetup
from .operators import Operator

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator
    from .lately import Lately

_BESIDE = timedelta(days=2)
_HOUR = timedelta(hours=1)
_SOON = timedelta(seconds=1)
"""What is asked for begins later than it is asked for."""
_RESTED = timedelta(hours=3)
"""What ended, or begins, at such a distance, and the times of a load besides, tells nothing on it."""


class Verdicts:
    """Decides for a building, as its user laid down."""

    def __init__(
        self, building: BuildingCoordinator, setups: Mapping[str, AssetSetup], bacs_id: str, lately: Lately
    ) -> None:
        """Decide about some assets (by their subentries' ids)."""
        self._building = building
        self._setups = setups
        self._by_asset = {one.asset_id: one for one in setups.values()}
        self._bacs_id = bacs_id
        self._lately = lately
        self._serve: dict[Key, tuple[str, ...]] = {}
        """The loads that were allotted last."""
        self._site: tuple[tuple[datetime, Mode], Site] | None = None

    def as_of(self, now: datetime) -> tuple[datetime, Mode]:
        """Return what the site is worked out for: a minute, and what the building does."""
        return now.replace(second=0, microsecond=0), self._building.kept.mode

    def site(self, now: datetime) -> Site:
        """Return the site, as it is in this minute."""
        as_of = self.as_of(now)
        if self._site is None or self._site[0] != as_of:
            known = self._known((), now)
            found = {
                one.asset_id: asset(known, one, self._setups.get(one.parent or ""), self._bacs_id)
                for one in self._setups.values()
            }
            self._site = as_of, Site(bacs_id=self._bacs_id, assets=found, zone=self._building.zone)
        return self._site[1]

    def idle(self) -> str:
        """Tell why the building gives nothing at all; empty if it may."""
        kept = self._building.kept
        if kept.mode is not Mode.LIMIT:
            return "the building only observes"
        return "" if kept.on else "load shedding is switched off"

    def verdict(
        self, operator: Operator, asset_id: str, request: Request, records: Register, now: datetime
    ) -> Offer | Decline | None:
        """Answer a request by rule; None: the user is to be asked."""
        policy = operator.policy
        if idle := self.idle():
            return Decline(cause=Cause.UNAVAILABLE, detail=idle)
        if policy.ask:
            return None
        if why := outside(policy, request, self._standing(operator, asset_id, request, records, now)):
            return Decline(cause=Cause.POLICY, detail=why)
        return self.offer(operator, asset_id, request, records, now)

    def offer(
        self,
        operator: Operator,
        asset_id: str,
        request: Request,
        records: Register,
        now: datetime,
        most_w: Decimal | None = None,
    ) -> Offer | Decline:
        """Return what can be offered, whatever the limits of the user; no more than `most_w`."""
        potential = self.site(now).potential(asset_id, request)
        if potential is None:
            return Decline(cause=Cause.UNAVAILABLE, detail="the asset does not give this any more")
        if most_w is not None:
            less = (Slot(one.start, one.end, min(one.value, most_w)) for one in request.power)
            request = replace(request, power=Series(tuple(less)))
        return offer(operator.policy, request, potential, self._standing(operator, asset_id, request, records, now))

    def able(self, asset_id: str, records: Register, now: datetime, during: Stretch | None = None) -> Decimal | None:
        """Return what would be offered of an asset for a stretch of time (W); None: there is no such asset.

        Unless it is said, that is its longest activation, as soon as one that is asked for now can begin. What
        somebody holds off by then counts only if it is sure to be back before.
        """
        setup = self._by_asset.get(asset_id)
        if setup is None:
            return None
        soonest = now + max(setup.delay, _SOON)
        stretch = during or Stretch(soonest, soonest + (setup.longest or _HOUR))
        near = records.promised(stretch.start, stretch.end)
        able = Decimal() if self.idle() else self._able(setup, (stretch,), near, now)
        return able if setup.most is None else min(able, setup.most)

    def allotted(
        self, records: Register, active: Sequence[RequestRecord], now: datetime
    ) -> Mapping[Key, tuple[str, ...]]:
        """Return the loads that serve each running request: no load serves two, nor what is promised to another."""
        if not active:
            self._serve = {}
            return self._serve
        about = records.promised(min(one.start for one in active), max(one.end for one in active))
        held = sorted(
            (one for one in about if one.state in OPEN and one.end > now and one.key.asset_id in self._by_asset),
            key=promised_at,
        )
        found = allot(facts(self._building, self._lately, held, self._by_asset, now, self._serve))
        self._serve = {one.key: loads for one, loads in zip(held, found, strict=True)}
        return self._serve

    def _standing(
        self, operator: Operator, asset_id: str, request: Request, records: Register, now: datetime
    ) -> Standing:
        policies = self._building.policies
        near = [
            one
            for one in records.promised(request.start - _BESIDE, request.end + _BESIDE)
            if one.request.id != request.id
        ]
        able = self._able(self._by_asset[asset_id], blocks(request.power), near, now)
        if request.start < now:  # it can only be talked about, as the examples of Annex 1 do
            able = max(slot.value for slot in request.power)
        return Standing(
            now=now,
            zone=self._building.zone,
            able=able,
            red=() if policies is None else policies.red(),
            activations=tuple(
                one.start for one in near if (one.key.issuer, one.key.client) == (operator.issuer, operator.client)
            ),
            idle=self.idle(),
        )

    def _able(
        self, setup: AssetSetup, stretches: Sequence[Stretch], records: Iterable[RequestRecord], now: datetime
    ) -> Decimal:
        """Return what an asset can give besides what is promised so near that it tells on its loads."""
        loads = [ours.load for ours in self._building.handovers.values()]
        counted = any(load.most_sheds is not None for load in loads)
        rest = timedelta(milliseconds=max((load.min_on + load.min_off for load in loads), default=0))
        reach = _BESIDE if counted else min(_BESIDE, _RESTED + rest)
        first, last = stretches[0].start - reach, stretches[-1].end + reach
        near = (one for one in records if one.end > first and one.start < last)
        return ability(self._known(near, now), setup.loads, stretches).able

    def _known(self, records: Iterable[RequestRecord], now: datetime) -> Building:
        return facts(self._building, self._lately, records, self._by_asset, now)
