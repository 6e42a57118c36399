"""What an asset allows: its delay, duration, activations, periods and power; each rule that is broken is told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ..meter.clock import PARIS
from .data import SITES, Asset, Slot
from .life import Flex
from .wire import Findings, stamp


def judge(  # a request, its asset and its neighbours
    asset: Asset, product: str, slots: Sequence[Slot], others: Sequence[Flex], now: datetime, found: Findings
) -> None:
    """Judge what is asked of an asset, beside what others have confirmed."""
    if product != asset.product:
        found.limit("/flexProduct", "unknown-product", f"the asset offers {asset.product}")
    earliest = now + asset.delay
    if slots[0].start < earliest:
        found.limit("/power/0/start", "dmo-violated", f"the earliest start is {stamp(earliest, native=found.native)}")
    if sum((slot.end - slot.start for slot in slots), timedelta()) > asset.longest:
        found.limit("/power", "max-duration-exceeded", f"{asset.longest} is the most")
    confirmed = [flex for flex in others if any(flex.delivered())]
    day = slots[0].start.astimezone(PARIS).date()
    starts = [flex.slots[0].start.astimezone(PARIS).date() for flex in confirmed if flex.asset_id == asset.id]
    if starts.count(day) >= asset.per_day:
        found.limit("/power", "quota-exhausted", f"{asset.per_day} a day")
    periods = asset.periods(now)
    for i, slot in enumerate(slots):
        if not any(start <= slot.start and slot.end <= end for start, end in periods):
            found.limit(f"/power/{i}/start", "outside-period", "it is in none of the time periods of the asset")
        if slot.power_w > asset.power_w:
            found.limit(f"/power/{i}/power/value", "power-exceeded", f"{asset.power_w / 1000} kW is the most")
        _neighbours(asset, i, slot, confirmed, found)


def _neighbours(asset: Asset, i: int, slot: Slot, confirmed: Sequence[Flex], found: Findings) -> None:
    """Judge a slot beside others at the same time: of the same asset none, of its family a common budget."""
    whole = SITES[asset.bacs_id].assets[asset.within or asset.id]
    taken = Decimal()
    for flex in confirmed:
        for other in flex.delivered():
            if other.start < slot.end and slot.start < other.end:
                taken += other.power_w
                if flex.asset_id == asset.id:
                    found.limit(f"/power/{i}", "overlap", f"{flex.request_id} is confirmed for that time")
                    return
    if taken and taken + slot.power_w > whole.power_w:
        free = max(Decimal(), whole.power_w - taken) / 1000
        found.limit(f"/power/{i}/power/value", "power-exceeded", f"{free} kW are left of {whole.id}")
