"""Between the words of the house and the rows of the ledger, without any loss.

Instants and durations are whole microseconds, exact numbers are text, words are those of their enums. A row that says
what is not known here was kept by another version: it is refused by its name, and stays where it is.
"""

from collections.abc import Mapping
from decimal import Decimal
import json

from ..flexibility.model import Confirmation, Consumed, Direction, Offer, Quality, Request
from ..flexibility.record import Actor, Cause, Effect, Key, State, Transition, Trigger
from ..slots import Series, Slot
from .fields import Kept, Row, instant, instant_of, microseconds, named, number, span_of, string, text, whole
from .model import Call


def transition_row(site: str, transition: Transition) -> Row:
    """Write a transition."""
    key, source = transition.key, transition.source
    kind, said = _said(transition.said)
    return {
        "site": site,
        "issuer": key.issuer,
        "client": key.client,
        "bacs_id": key.bacs_id,
        "asset_id": key.asset_id,
        "request_id": key.request_id,
        "revision": transition.revision,
        "trigger": transition.trigger.value,
        "source": None if source is None else source.value,
        "target": transition.target.value,
        # the values of effects are sentences for the docs: their names are what stays
        "effect": transition.effect.name.lower(),
        "actor": transition.actor.value,
        "cause": transition.cause.value,
        "at": instant(transition.at),
        "said_kind": kind,
        "said": said,
        "detail": transition.detail,
    }


def transition_of(row: Kept) -> Transition:
    """Read a transition; raise LedgerError, naming the row, if it says what is not known here."""
    return named("transition", ("request_id", "revision"), row, _transition)


def step_row(site: str, source: str, step: Slot[Consumed]) -> Row:
    """Write a step of a load curve."""
    value = step.value
    return {
        "site": site,
        "source": source,
        "start": instant(step.start),
        "length": microseconds(step.length),
        "power": text(value.power),
        "energy": text(value.energy),
        "baseline": text(value.baseline),
        "quality": value.quality.value,
    }


def step_of(row: Kept) -> Slot[Consumed]:
    """Read a step of a load curve; raise LedgerError, naming the row, if it says what is not known here."""
    return named("step of the load curve", ("source", "start"), row, _step)


def call_row(site: str, call: Call) -> Row:
    """Write a call."""
    return {
        "site": site,
        "at": instant(call.at),
        "operator": call.operator,
        "subject": call.subject,
        "method": call.method,
        "path": call.path,
        "status": call.status,
        "code": call.code,
    }


def call_of(row: Kept) -> Call:
    """Read a call; raise LedgerError, naming the row, if it makes no sense."""
    return named("call", ("id",), row, _call)


def _transition(row: Kept) -> Transition:
    source, kind = row["source"], row["said_kind"]
    return Transition(
        key=Key(
            issuer=string(row["issuer"]),
            client=string(row["client"]),
            bacs_id=string(row["bacs_id"]),
            asset_id=string(row["asset_id"]),
            request_id=string(row["request_id"]),
        ),
        revision=whole(row["revision"]),
        trigger=Trigger(string(row["trigger"])),
        source=None if source is None else State(string(source)),
        target=State(string(row["target"])),
        effect=Effect[string(row["effect"]).upper()],
        actor=Actor(string(row["actor"])),
        cause=Cause(string(row["cause"])),
        at=instant_of(row["at"]),
        said=None if kind is None else _unsaid(string(kind), string(row["said"])),
        detail=string(row["detail"]),
    )


def _step(row: Kept) -> Slot[Consumed]:
    start = instant_of(row["start"])
    value = Consumed(
        power=number(row["power"]),
        energy=number(row["energy"]),
        baseline=number(row["baseline"]),
        quality=Quality(string(row["quality"])),
    )
    return Slot(start, start + span_of(row["length"]), value)


def _call(row: Kept) -> Call:
    return Call(
        at=instant_of(row["at"]),
        operator=string(row["operator"]),
        subject=string(row["subject"]),
        method=string(row["method"]),
        path=string(row["path"]),
        status=whole(row["status"]),
        code=string(row["code"]),
    )


def _said(said: Request | Offer | Confirmation | None) -> tuple[str | None, str | None]:
    """Write what came with a transition: its kind, and JSON without any number that is not whole."""
    match said:
        case None:
            return None, None
        case Request():
            return "request", json.dumps(
                {
                    "id": said.id,
                    "flex_product": said.flex_product,
                    "direction": said.direction.value,
                    "power": _powers(said.power),
                }
            )
        case Offer():
            return "offer", json.dumps(
                {
                    "power": _powers(said.power),
                    "expires_at": instant(said.expires_at),
                    "mobilization_delay": microseconds(said.mobilization_delay),
                    "price": text(said.price),
                }
            )
        case Confirmation():
            return "confirmation", json.dumps(
                {
                    "flex_product": said.flex_product,
                    "power": None if said.power is None else _powers(said.power),
                    "ack_price": text(said.ack_price),
                }
            )


def _unsaid(kind: str, said: str) -> Request | Offer | Confirmation:
    """Read what came with a transition."""
    match kind, json.loads(said):
        case "request", {"id": name, "flex_product": product, "direction": direction, "power": power, **others}:
            _none(others)
            return Request(
                id=string(name), flex_product=string(product), power=_series(power), direction=Direction(direction)
            )
        case (
            "offer",
            {"power": power, "expires_at": expires_at, "mobilization_delay": delay, "price": price, **others},
        ):
            _none(others)
            return Offer(
                power=_series(power),
                expires_at=instant_of(expires_at),
                mobilization_delay=span_of(delay),
                price=number(price),
            )
        case "confirmation", {"flex_product": product, "power": power, "ack_price": price, **others}:
            _none(others)
            return Confirmation(
                flex_product=None if product is None else string(product),
                power=None if power is None else _series(power),
                ack_price=number(price),
            )
    raise ValueError(f"no {kind} is known that says {said}")


def _powers(power: Series[Decimal]) -> list[list[int | str]]:
    return [[instant(slot.start), instant(slot.end), str(slot.value)] for slot in power]


def _series(items: object) -> Series[Decimal]:
    if not isinstance(items, list):
        raise TypeError(f"no powers: {items!r}")
    return Series(
        tuple(Slot(instant_of(start), instant_of(end), Decimal(string(value))) for start, end, value in items)
    )


def _none(others: Mapping[object, object]) -> None:
    """Refuse members that a later version added: what they say would be lost."""
    if others:
        raise ValueError(f"not known: {', '.join(map(str, others))}")
