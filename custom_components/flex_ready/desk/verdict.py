"""What is answered to a request, from what is known of the building: its mode, its loads, its promises, the grid."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ..control.orders import Mode
from ..flexibility.book import Decline
from ..flexibility.judge import Site
from ..flexibility.model import Offer, Request
from ..flexibility.policy import Standing, offer, outside
from ..flexibility.record import Cause, Key, RequestRecord
from ..slots import Series, Slot, Stretch
from .able import able, asset
from .assets import AssetSetup
from .operators import Operator

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator

type Records = Mapping[Key, RequestRecord]

_BESIDE = timedelta(days=2)
_HOUR = timedelta(hours=1)


class Verdicts:
    """Decides for a building, as its user laid down."""

    def __init__(self, building: BuildingCoordinator, setups: Mapping[str, AssetSetup], bacs_id: str) -> None:
        """Decide about some assets (by their subentries' ids)."""
        self._building = building
        self._setups = setups
        self._by_asset = {one.asset_id: one for one in setups.values()}
        self._bacs_id = bacs_id

    def site(self, now: datetime) -> Site:
        """Return the site as it is now."""
        found = {
            one.asset_id: asset(self._building, one, self._setups, self._bacs_id, now) for one in self._setups.values()
        }
        return Site(bacs_id=self._bacs_id, assets=found, zone=self._building.zone)

    def idle(self) -> str:
        """Tell why the building gives nothing at all; empty if it may."""
        kept = self._building.kept
        if kept.mode is not Mode.LIMIT:
            return "the building only observes"
        return "" if kept.on else "load shedding is switched off"

    def verdict(
        self, operator: Operator, asset_id: str, request: Request, records: Records, now: datetime
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
        records: Records,
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

    def able(self, asset_id: str, records: Records, now: datetime) -> Decimal | None:
        """Return what an asset can give from now on, for its longest activation (W); None: there is no such asset."""
        setup = self._by_asset.get(asset_id)
        if setup is None:
            return None
        if self.idle():
            return Decimal()
        return self._able(setup, Stretch(now, now + (setup.longest or _HOUR)), records.values(), now)

    def _standing(
        self, operator: Operator, asset_id: str, request: Request, records: Records, now: datetime
    ) -> Standing:
        policies = self._building.policies
        stretch = Stretch(request.start, request.end)
        others = [
            record
            for record in records.values()
            if abs(record.start - request.start) < _BESIDE and record.request.id != request.id
        ]
        return Standing(
            now=now,
            zone=self._building.zone,
            able=self._able(self._by_asset[asset_id], stretch, others, now),
            red=() if policies is None else policies.red(),
            activations=tuple(
                one.start
                for one in others
                if (one.key.issuer, one.key.client) == (operator.issuer, operator.client) and one.held is not None
            ),
            idle=self.idle(),
        )

    def _able(self, setup: AssetSetup, stretch: Stretch, records: Iterable[RequestRecord], now: datetime) -> Decimal:
        promised = [one for one in records if one.held is not None and Stretch(one.start, one.end).overlaps(stretch)]
        return able(self._building, setup, stretch, promised, self._by_asset, now)
