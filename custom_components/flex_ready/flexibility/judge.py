"""A site, and what the rules say of a request or an order that is made to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from . import rules
from .dialects import Dialect
from .model import Asset, Confirmation, Potential, Request
from .problem import Code, Finding
from .record import RequestRecord
from .rules import Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What requests are made to."""

    bacs_id: str
    assets: Mapping[str, Asset]
    zone: tzinfo
    partial: bool = False
    """Whether less than the offer may be ordered (inferred: the annex does not say)."""
    start_late: bool = False
    """Whether an activation that should have started while nothing ran is started late (inferred)."""

    def recovery(self, asset_id: str, request: Request) -> timedelta:
        """Return the recovery time of an asset after such a request."""
        potential = self.potential(asset_id, request)
        return timedelta() if potential is None else potential.recovery

    def potential(self, asset_id: str, request: Request) -> Potential | None:
        """Return what an asset can give of what a request is about."""
        asset = self.assets.get(asset_id)
        return None if asset is None else asset.potential(request.flex_product, request.direction)


def judge(
    site: Site, asset: Asset, request: Request, promised: Sequence[Taken], *, now: datetime, dialect: Dialect
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Hold a request against the rules; return what it is refused for, and what it is only told of."""
    potential = asset.potential(request.flex_product, request.direction)
    if potential is None:
        wrong = Finding("/flexProduct", Code.PRODUCT_NOT_OFFERED, "the asset does not give this, or not this way")
        return (wrong,), ()
    power = request.power
    limits = (
        *rules.t2_gaps(power, potential),
        *rules.t3_dmo(request.start, potential.mobilization_delay, now),
        *rules.t4_duration(power, potential),
        *rules.t5_activations(power, potential, _of(asset, promised), site.zone),
        *rules.t6_periods(power, potential),
        *rules.t7_power(power, potential.power),
    )
    refused = (
        *(() if dialect.past_taken else rules.t11_past(request, now)),
        *rules.t8_overlap(request, asset, promised, site.assets),
        *rules.t9_recovery(request, asset, potential.recovery, promised),
    )
    return ((*refused, *limits), ()) if dialect.limits_kept else (refused, limits)


def conflicts(
    site: Site, record: RequestRecord, order: Confirmation, promised: Sequence[Taken], dialect: Dialect
) -> Iterator[Finding]:
    """Hold an order against what was promised since it was offered."""
    request = replace(record.request, power=order.power or record.power)
    asset, potential = site.assets.get(record.key.asset_id), site.potential(record.key.asset_id, request)
    if asset is None or potential is None:
        yield Finding("/flexProduct", Code.PRODUCT_NOT_OFFERED, "the asset does not give this any more")
        return
    if dialect.limits_kept:
        yield from rules.t5_activations(request.power, potential, _of(asset, promised), site.zone)
    yield from rules.t8_overlap(request, asset, promised, site.assets)
    yield from rules.t9_recovery(request, asset, potential.recovery, promised)


def _of(asset: Asset, promised: Sequence[Taken]) -> tuple[Taken, ...]:
    return tuple(one for one in promised if one.asset_id == asset.id)
