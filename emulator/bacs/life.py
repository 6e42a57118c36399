"""The life of a flexibility request: what is kept of it, and the state that the clock makes of that.

offered, expired, scheduled, mobilising, active, recovering, completed, cancelled. The emulator judges at once and never
fails to deliver: received, rejected, failed and settled do not occur, and confirmed is scheduled in the same instant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
import json

from ..serve.problem import ProblemError
from .curve import RECOVERY, Order
from .data import PRICE_EUR_PER_MWH, Asset, Slot
from .wire import Json, direction, minutes, slots_json, stamp


class State(StrEnum):
    """Where a request is in its life."""

    OFFERED = "offered"
    EXPIRED = "expired"
    SCHEDULED = "scheduled"
    MOBILISING = "mobilising"
    ACTIVE = "active"
    RECOVERING = "recovering"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flex:
    """A request as it is kept."""

    asset_id: str
    request_id: str
    product: str
    asked: str
    """What was asked for, in one spelling: the same again is the same request."""
    answer: str
    """The answer to the first call (JSON), for all that follow."""
    offer: tuple[Slot, ...]
    delay: timedelta
    expires_at: datetime
    warnings: tuple[dict[str, str], ...] = ()
    confirmed_at: datetime | None = None
    confirmed: str = ""
    """As `asked`, of the confirmation."""
    order: tuple[Slot, ...] = ()
    cancelled_at: datetime | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What was ordered, else what is offered."""
        return self.order or self.offer

    def state(self, now: datetime) -> State:
        """Tell the state at an instant."""
        if self.cancelled_at is not None:
            return State.CANCELLED
        start, end = self.slots[0].start, self.slots[-1].end
        if self.confirmed_at is None:
            return State.EXPIRED if now >= self.expires_at else State.OFFERED
        for edge, state in (
            (start - self.delay, State.SCHEDULED),
            (start, State.MOBILISING),
            (end, State.ACTIVE),
            (end + RECOVERY, State.RECOVERING),
        ):
            if now < edge:
                return state
        return State.COMPLETED

    def delivered(self) -> Iterator[Slot]:
        """Give what is shed for it: the order, up to where it was cancelled."""
        for slot in self.order:
            if self.cancelled_at is None or slot.end <= self.cancelled_at:
                yield slot
            elif slot.start < self.cancelled_at:
                yield replace(slot, end=self.cancelled_at)

    def cancel(self, now: datetime) -> Flex:
        """Return it cancelled; raise ProblemError where it is over."""
        state = self.state(now)
        if state is State.CANCELLED:
            return self
        if state in (State.EXPIRED, State.RECOVERING, State.COMPLETED):
            raise ProblemError(409, "invalid-state", f"the request is {state}")
        return replace(self, cancelled_at=now)

    def show(self, asset: Asset, now: datetime, *, native: bool) -> Json:
        """Write it as it is now."""
        shown: Json = {
            "requestID": self.request_id,
            "bacsID": asset.bacs_id,
            "assetID": self.asset_id,
            "state": self.state(now),
            "flexProduct": self.product,
            **direction(native=native),
            "power": slots_json(self.slots, native=native),
            "price": {"unit": "€/MWh", "multiplier": "none" if native else "", "value": float(PRICE_EUR_PER_MWH)},
            "expiresAt": stamp(self.expires_at, native=native),
            "mobilizationDelay": minutes(self.delay, native=native),
        }
        for name, at in (("confirmedAt", self.confirmed_at), ("cancelledAt", self.cancelled_at)):
            if at is not None:
                shown[name] = stamp(at, native=native)
        return shown | {"warnings": list(self.warnings)}

    def write(self) -> str:
        """Write it for the store."""
        kept = asdict(self) | {
            "delay": self.delay.total_seconds(),
            "offer": [_slot_text(slot) for slot in self.offer],
            "order": [_slot_text(slot) for slot in self.order],
            **{name: at.isoformat() if (at := getattr(self, name)) else None for name in _INSTANTS},
        }
        return json.dumps(kept)


_INSTANTS = ("expires_at", "confirmed_at", "cancelled_at")


def read(text: str) -> Flex:
    """Read what the store kept."""
    kept = json.loads(text)
    kept |= {
        "delay": timedelta(seconds=kept["delay"]),
        "offer": _slots(kept["offer"]),
        "order": _slots(kept["order"]),
        "warnings": tuple(kept["warnings"]),
        **{name: kept[name] and datetime.fromisoformat(kept[name]) for name in _INSTANTS},
    }
    return Flex(**kept)


def orders(known: Sequence[Flex]) -> list[Order]:
    """Return what the assets of a BACS shed."""
    return [Order(flex.asset_id, slot) for flex in known for slot in flex.delivered()]


def spelled(product: str | None, slots: Sequence[Slot], price: Decimal | None = None) -> str:
    """Write a request or a confirmation in one spelling, so that two can be compared."""
    power = [[str(slot.power_w.normalize()), slot.start.isoformat(), slot.end.isoformat()] for slot in slots]
    return json.dumps([product, power, price if price is None else str(price.normalize())])


def _slot_text(slot: Slot) -> list[str]:
    return [str(slot.power_w), slot.start.isoformat(), slot.end.isoformat()]


def _slots(texts: Sequence[Sequence[str]]) -> tuple[Slot, ...]:
    return tuple(
        Slot(Decimal(power), datetime.fromisoformat(start), datetime.fromisoformat(end)) for power, start, end in texts
    )
