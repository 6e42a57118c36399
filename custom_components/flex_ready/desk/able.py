"""What is known of a building, as flexibility/capability.py asks for it; and its assets as operators see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..control.orders import Mode
from ..flexibility.capability import Building, Promise, Terms, potential
from ..flexibility.model import Asset
from ..flexibility.record import Key, RequestRecord
from ..flexibility.shares import LoadFacts
from .assets import AssetSetup

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator
    from .lately import Lately


def facts(
    building: BuildingCoordinator,
    lately: Lately,
    promised: Iterable[RequestRecord],
    by_asset: Mapping[str, AssetSetup],
    now: datetime,
    serve: Mapping[Key, tuple[str, ...]] | None = None,
) -> Building:
    """Return what is known of all loads now, and what is promised of them; `serve`: the loads that serve what."""
    held = sorted((one for one in promised if one.held is not None), key=promised_at)
    return Building(
        now=now,
        zone=building.zone,
        loads={
            name: LoadFacts(
                load=ours.load,
                state=building.controller.states[name],
                seen=building.seen(name),
                lately=lately.drawn(name, now),
                habits=lately.habits.drawn(name),
            )
            for name, ours in building.handovers.items()
        },
        limits=building.kept.mode is Mode.LIMIT,
        promised=tuple(
            Promise(loads=by_asset[one.key.asset_id].loads, power=one.power, serve=(serve or {}).get(one.key, ()))
            for one in held
            if one.key.asset_id in by_asset
        ),
    )


def asset(known: Building, setup: AssetSetup, parent: AssetSetup | None, bacs_id: str) -> Asset:
    """Return an asset as operators see it."""
    terms = Terms(
        most=setup.most,
        mobilization_delay=setup.delay,
        max_duration=setup.longest,
        activations_per_day=setup.per_day,
        recovery=setup.recovery,
        hours=setup.hours,
        days=setup.days,
    )
    return Asset(
        id=setup.asset_id,
        bacs_id=bacs_id,
        parent=None if parent is None else parent.asset_id,
        potentials=tuple(potential(product, terms, known, setup.loads) for product in setup.products),
    )


def promised_at(record: RequestRecord) -> datetime:
    """Return when a request was offered: who was promised first is served first."""
    return record.history[min(1, len(record.history) - 1)].at
