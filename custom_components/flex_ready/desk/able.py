"""What an asset can give, from its loads as they are seen and the rules that the user laid down for them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from ..flexibility.model import Asset, Potential
from ..flexibility.record import RequestRecord
from ..slots import Stretch
from .assets import AssetSetup

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator


def asset(
    building: BuildingCoordinator, setup: AssetSetup, setups: Mapping[str, AssetSetup], bacs_id: str, now: datetime
) -> Asset:
    """Return an asset as operators see it: the most that it gives, of each product."""
    loads = (building.handovers[load].load for load in setup.loads if load in building.handovers)
    capacity = Decimal(sum(max(0, load.nominal - load.steps[-1]) for load in loads))
    parent = setups.get(setup.parent) if setup.parent else None
    return Asset(
        id=setup.asset_id,
        bacs_id=bacs_id,
        parent=None if parent is None else parent.asset_id,
        potentials=tuple(
            Potential(
                flex_product=product,
                power=capacity if setup.most is None else min(capacity, setup.most),
                mobilization_delay=setup.delay,
                max_duration=setup.longest,
                activations_per_day=setup.per_day,
                recovery=setup.recovery,
            )
            for product in setup.products
        ),
    )


def able(
    building: BuildingCoordinator,
    setup: AssetSetup,
    stretch: Stretch,
    promised: Iterable[RequestRecord],
    by_asset: Mapping[str, AssetSetup],
    now: datetime,
) -> Decimal:
    """Return what an asset can give throughout a stretch besides what is promised then (W)."""
    total = Decimal()
    for name in setup.loads:
        if name not in building.handovers:
            continue
        load, state, seen = building.handovers[name].load, building.controller.states[name], building.seen(name)
        if seen.available and seen.managed:
            total += max(0, state.draws(load, seen) - load.steps[-1])
    for record in promised:
        other = by_asset.get(record.key.asset_id)
        if other is not None and set(other.loads).intersection(setup.loads):
            total -= max(slot.value for slot in record.power)
    return max(Decimal(), total)
