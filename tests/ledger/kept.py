"""What the tests of the ledger keep: requests received and offered, steps of a curve, calls."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from custom_components.flex_ready.flexibility.model import Consumed, Offer, Request
from custom_components.flex_ready.flexibility.record import Actor, Cause, Effect, Key, State, Transition, Trigger
from custom_components.flex_ready.ledger import Call
from custom_components.flex_ready.slots import Series, Slot

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SITE = "site"


def url(path: Path) -> str:
    """Return the URL of a file."""
    return f"sqlite:///{path}"


def key(name: str) -> Key:
    """Return the key of a request."""
    return Key(issuer="https://op.example", client="op", bacs_id="bacs", asset_id="Building", request_id=name)


def received(name: str, at: datetime = NOON, kilowatts: int = 80) -> Transition:
    """Return the first transition of a request."""
    start = at + 30 * MINUTE
    power = Series((Slot(start, start + 60 * MINUTE, Decimal(kilowatts * 1000)),))
    return Transition(
        key=key(name),
        revision=1,
        trigger=Trigger.RECEIVE,
        source=None,
        target=State.RECEIVED,
        effect=Effect.ANSWER,
        actor=Actor.OPERATOR,
        cause=Cause.ASKED,
        at=at,
        said=Request(id=name, flex_product="WID", power=power),
    )


def offered(name: str, at: datetime = NOON) -> Transition:
    """Return the second."""
    said = received(name, at).said
    assert isinstance(said, Request)
    return Transition(
        key=key(name),
        revision=2,
        trigger=Trigger.OFFER,
        source=State.RECEIVED,
        target=State.OFFERED,
        effect=Effect.RESERVE,
        actor=Actor.BACS,
        cause=Cause.POLICY,
        at=at + timedelta(microseconds=1),
        said=Offer(power=said.power, expires_at=at + 15 * MINUTE, price=Decimal("0.0850")),
        detail="by rule: à 8,5 ct",
    )


def life(name: str, at: datetime = NOON) -> list[Transition]:
    """Return both."""
    return [received(name, at), offered(name, at)]


def step(start: float, minutes: float, watts: int = 1000) -> Slot[Consumed]:
    """Return a step of a curve, some minutes after noon."""
    at = NOON + start * MINUTE
    return Slot(at, at + minutes * MINUTE, Consumed(power=Decimal(watts), energy=Decimal("83.333")))


def call(number: int, at: datetime = NOON) -> Call:
    """Return a call."""
    path = f"/api/flex_ready/v1/bacs/{number}"
    return Call(at=at, operator="op", subject="sub", method="GET", path=path, status=404, code="not-found")
