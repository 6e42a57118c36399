"""What was asked of a remote asset, as it is kept from before it is sent until it is forgotten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ..flexibility.dialects import NATIVE
from ..flexibility.model import Confirmation, Direction, Request
from ..flexibility.record import State
from ..flexibility.told import Told, read_told, write_told
from ..flexibility.wire import Reader, Writer
from ..slots import Series

_READER, _WRITER = Reader(NATIVE, UTC), Writer(NATIVE, UTC)
_PAST = timedelta(minutes=5)
"""How long a step is tried of a request whose time is over: there is no start to stop at."""
OPEN = frozenset(
    (
        *(State.RECEIVED, State.OFFERED, State.CONFIRMED, State.SCHEDULED, State.MOBILISING),
        *(State.ACTIVE, State.RECOVERING),
    )
)
PROMISED = frozenset((State.CONFIRMED, State.SCHEDULED, State.MOBILISING, State.ACTIVE))
"""What is ordered, and not over."""


class Step(StrEnum):
    """What is to be said to the BACS next."""

    CREATE = "create"
    CONFIRM = "confirm"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """What became of a step that did not get through."""

    REFUSED = "refused"
    """The BACS does not take it."""
    GIVEN_UP = "given_up"
    """It could not be reached before it was too late."""


SENDING = "sending"
"""What a request is before its BACS has told anything of it."""
STATES = (SENDING, *(state.value for state in State), *(outcome.value for outcome in Outcome))
"""What an order may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to a remote asset: what is wanted, what the BACS told of it, what is to be said next."""

    site: str
    """Id of the subentry."""
    bacs_id: str
    asset_id: str
    request: Request
    asked_at: datetime
    mobilization_delay: timedelta = timedelta()
    """DMO of the asset, as far as it was known."""
    confirm: bool = False
    """Whether what is offered is ordered without asking back."""
    max_price: Decimal | None = None
    """EUR/kWh that is ordered without asking back at most; None: at any price."""
    step: Step | None = Step.CREATE
    step_at: datetime
    """When the step was asked for."""
    tries: int = 0
    """Of the present step, in vain."""
    due: datetime | None
    """When the BACS is called next about it; None: no more."""
    told: Told | None = None
    outcome: Outcome | None = None
    """What became of the last step that did not get through."""
    withdrawn: bool = False
    """Whether it was taken back before the BACS knew of it."""
    fault: str = ""
    code: str = ""
    detail: str = ""
    """Of the last call that came to nothing."""

    @property
    def id(self) -> str:
        """Return the requestID: the same on every retry."""
        return self.request.id

    @property
    def state(self) -> str:
        """Return where it is: as its BACS tells, else how far it got on the way."""
        if self.told is not None:
            return self.told.state.value
        if self.withdrawn:
            return State.CANCELLED.value
        return SENDING if self.outcome is None else self.outcome.value

    @property
    def power(self) -> Series[Decimal]:
        """Return what it is about by now (W): what was asked for, offered or ordered."""
        return self.request.power if self.told is None else self.told.power

    @property
    def start(self) -> datetime:
        """When it starts."""
        return self.power.slots[0].start

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.power.slots[-1].end

    @property
    def open(self) -> bool:
        """Whether something may still come of it."""
        return self.step is not None or (self.told is not None and self.told.state in OPEN)

    @property
    def stop(self) -> datetime:
        """Until when the present step is tried: start - DMO, the end of the offer, the end of what is withdrawn."""
        if self.request.start <= self.asked_at:
            return self.step_at + _PAST
        if self.step is Step.CANCEL:
            return self.end
        delay = self.mobilization_delay if self.told is None else self.told.mobilization_delay
        late = self.start - (delay or timedelta())
        expires_at = None if self.told is None else self.told.expires_at
        return late if expires_at is None else min(late, expires_at)

    @property
    def order(self) -> Confirmation:
        """Return the order of what is offered."""
        price = None if self.told is None else self.told.price
        return Confirmation(flex_product=self.request.flex_product, power=self.power, ack_price=price)

    def promised(self, now: datetime) -> Decimal:
        """Return the power that is ordered for now (W): less consumption is positive, more is negative."""
        slot = self.power.at(now)
        if self.told is None or self.told.state not in PROMISED or slot is None:
            return Decimal(0)
        return slot.value if self.request.direction is Direction.DECREASE else -slot.value

    def edges(self, now: datetime) -> Iterator[datetime]:
        """Give the instants at which what is promised changes."""
        if self.told is not None and self.told.state in PROMISED:
            yield from (edge for slot in self.power for edge in (slot.start, slot.end) if edge > now)

    def asked(self, step: Step, now: datetime) -> Order:
        """Return the order with a step that is to be taken now."""
        return replace(self, step=step, step_at=now, tries=0, due=now, outcome=None, fault="", code="", detail="")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "site": self.site,
            "bacs_id": self.bacs_id,
            "asset_id": self.asset_id,
            "request": _WRITER.request(self.request),
            "asked_at": self.asked_at.isoformat(),
            "mobilization_delay": self.mobilization_delay.total_seconds(),
            "confirm": self.confirm,
            "max_price": None if self.max_price is None else str(self.max_price),
            "step": self.step,
            "step_at": self.step_at.isoformat(),
            "tries": self.tries,
            "due": None if self.due is None else self.due.isoformat(),
            "told": None if self.told is None else write_told(self.told, _WRITER),
            "outcome": self.outcome,
            "withdrawn": self.withdrawn,
            "fault": self.fault,
            "code": self.code,
            "detail": self.detail,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Order:
        """Take up what was kept; raise KeyError, TypeError or ValueError if it is none of ours."""
        told, due = data["told"], data["due"]
        return cls(
            site=data["site"],
            bacs_id=data["bacs_id"],
            asset_id=data["asset_id"],
            request=_READER.request(data["request"]),
            asked_at=_instant(data["asked_at"]),
            mobilization_delay=timedelta(seconds=data["mobilization_delay"]),
            confirm=data["confirm"],
            max_price=None if data["max_price"] is None else Decimal(data["max_price"]),
            step=None if data["step"] is None else Step(data["step"]),
            step_at=_instant(data["step_at"]),
            tries=data["tries"],
            due=None if due is None else _instant(due),
            told=None if told is None else read_told(told, NATIVE, UTC),
            outcome=None if data["outcome"] is None else Outcome(data["outcome"]),
            withdrawn=data["withdrawn"],
            fault=data["fault"],
            code=data["code"],
            detail=data["detail"],
        )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
