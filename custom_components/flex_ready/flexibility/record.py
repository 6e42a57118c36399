"""A request as it is kept: what happened to it, in order. All that is known of it follows from that."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

from ..slots import Series, Slot
from .model import Confirmation, Offer, Request

_SECOND = timedelta(seconds=1)


class State(StrEnum):
    """Where a request is in its life."""

    RECEIVED = "received"
    OFFERED = "offered"
    CONFIRMED = "confirmed"
    SCHEDULED = "scheduled"
    MOBILISING = "mobilising"
    ACTIVE = "active"
    RECOVERING = "recovering"
    COMPLETED = "completed"
    SETTLED = "settled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Trigger(StrEnum):
    """What may happen to it."""

    RECEIVE = "receive"
    OFFER = "offer"
    DECLINE = "decline"
    CONFIRM = "confirm"
    EXPIRE = "expire"
    SCHEDULE = "schedule"
    MOBILISE = "mobilise"
    START = "start"
    END = "end"
    CANCEL = "cancel"
    OPT_OUT = "opt_out"
    LOSS = "loss"
    RECOVER = "recover"
    SETTLE = "settle"
    RESTART = "restart"


class Actor(StrEnum):
    """Who did it."""

    OPERATOR = "operator"
    BACS = "bacs"
    USER = "user"


class Cause(StrEnum):
    """Why."""

    ASKED = "asked"
    CLOCK = "clock"
    POLICY = "policy"
    UNAVAILABLE = "unavailable"
    USER_OPT_OUT = "userOptOut"
    DEVICES_LOST = "devicesLost"
    LATE = "late"
    RESTART = "restart"
    MEASURED = "measured"


class Effect(StrEnum):
    """What has to be done once it is kept."""

    ANSWER = "answer"
    RESERVE = "reserve the asset"
    FREE = "free the asset"
    COUNT = "count the activation"
    REFUND = "free the asset, refund the activation"
    PREPARE = "prepare: pre-heat, warn, arm"
    SHED = "keep the baseline, shed"
    SHED_AGAIN = "shed again for the time left"
    RELEASE = "give back one by one, keep what was measured"
    CLOSE = "wait for what was measured"
    SETTLE = "keep the volumes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What makes a request one and the same."""

    issuer: str
    """Of the operator's token."""
    client: str
    bacs_id: str
    asset_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a life, as it is kept before anything is answered or commanded."""

    key: Key
    revision: int
    """1, 2, 3… whatever the clock does."""
    trigger: Trigger
    source: State | None
    target: State
    effect: Effect
    actor: Actor
    cause: Cause
    at: datetime
    """UTC, by the clock as it was then."""
    said: Request | Offer | Confirmation | None = None
    """What came with it."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request and its history, which only grows."""

    history: tuple[Transition, ...]

    def after(self, transition: Transition) -> Self:
        """Return the record with one transition more."""
        return replace(self, history=(*self.history, transition))

    def as_of(self, revision: int) -> Self:
        """Return the record as it was at a revision."""
        return replace(self, history=self.history[:revision])

    @property
    def key(self) -> Key:
        """What makes it one and the same."""
        return self.history[0].key

    @property
    def state(self) -> State:
        """Where it is."""
        return self.history[-1].target

    @property
    def revision(self) -> int:
        """How many transitions it has had."""
        return len(self.history)

    @property
    def request(self) -> Request:
        """What was asked for."""
        said = self.history[0].said
        assert isinstance(said, Request)
        return said

    @property
    def offer(self) -> Offer | None:
        """What was offered."""
        return next((one.said for one in self.history if isinstance(one.said, Offer)), None)

    @property
    def confirmation(self) -> Confirmation | None:
        """What was ordered."""
        return next((one.said for one in self.history if isinstance(one.said, Confirmation)), None)

    @property
    def power(self) -> Series[Decimal]:
        """What it is about: what was ordered, else offered, else asked for (W)."""
        if (ordered := self.confirmation) is not None and ordered.power is not None:
            return ordered.power
        return self.request.power if (offered := self.offer) is None else offered.power

    @property
    def start(self) -> datetime:
        """When it starts."""
        return self.power.slots[0].start

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.power.slots[-1].end

    @property
    def lead(self) -> datetime:
        """When its mobilization begins."""
        return self.start if self.offer is None else self.start - self.offer.mobilization_delay

    @property
    def past(self) -> bool:
        """Whether it started before it was received, as the examples of the annex do: it can be talked about only."""
        return self.request.start < self.history[0].at

    @property
    def began(self) -> Transition | None:
        """Return the transition that made it active."""
        return self._last(Trigger.START)

    @property
    def ended(self) -> Transition | None:
        """Return the transition that ended its activation: what it is to become, once recovered, follows from it."""
        return next(
            (one for one in self.history if one.source is State.ACTIVE and one.target is State.RECOVERING), None
        )

    @property
    def counted(self) -> bool:
        """Whether its activations count for the day: ordered, and not refunded."""
        return self.confirmation is not None and not any(one.effect is Effect.REFUND for one in self.history)

    @property
    def held(self) -> Series[Decimal] | None:
        """What its asset is, or was, held for (W): what was offered or ordered, as far as its activation went."""
        ended, freed = self.ended, any(one.effect in (Effect.FREE, Effect.REFUND) for one in self.history)
        if self.offer is None or freed:
            return None
        if ended is None or ended.at >= self.end:
            return self.power
        return self.power.cut(self.start, max(ended.at, self.start + _SECOND))

    def due(self, now: datetime) -> Slot[Decimal] | None:
        """Return the power that is to be given now, and until when."""
        return self.power.at(now) if self.state is State.ACTIVE else None

    def happened(self, trigger: Trigger) -> bool:
        """Tell whether something happened to it."""
        return self._last(trigger) is not None

    def _last(self, trigger: Trigger) -> Transition | None:
        return next((one for one in reversed(self.history) if one.trigger is trigger), None)
