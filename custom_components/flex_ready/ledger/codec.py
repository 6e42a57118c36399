"""Between the words of the house and the rows of the ledger, without any loss.

Instants and durations are whole microseconds, exact numbers are text, words are those of their enums. A row that says
what is not known here was kept by another version: it is refused by its name, and stays where it is.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import json

from ..flexibility.model import Confirmation, Consumed, Direction, Offer, Quality, Request
from ..flexibility.record import Actor, Cause, Effect, Key, State, Transition, Trigger
from ..slots import Series, Slot
from .model import Call, LedgerError

type Row = dict[str, str | int | None]
"""The values of a row, by column."""
type Kept = Mapping[str, object]
"""A row as it is read."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_UNREADABLE = (ArithmeticError, KeyError, TypeError, ValueError)
"""What reading raises where a row makes no sense; numbers and dates out of range are arithmetic."""


def microseconds(span: timedelta) -> int:
    """Return a duration in microseconds."""
    return span // _US


def instant(at: datetime) -> int:
    """Return the microseconds from 1970 to an instant."""
    return microseconds(at - _EPOCH)


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
    return _named("transition", ("request_id", "revision"), row, _transition)


def step_row(site: str, source: str, step: Slot[Consumed]) -> Row:
    """Write a step of a load curve."""
    value = step.value
    return {
        "site": site,
        "source": source,
        "start": instant(step.start),
        "length": microseconds(step.length),
        "power": _text(value.power),
        "energy": _text(value.energy),
        "baseline": _text(value.baseline),
        "quality": value.quality.value,
    }


def step_of(row: Kept) -> Slot[Consumed]:
    """Read a step of a load curve; raise LedgerError, naming the row, if it says what is not known here."""
    return _named("step of the load curve", ("source", "start"), row, _step)


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
    return _named("call", ("id",), row, _call)


def _named[ValueT](what: str, columns: tuple[str, ...], row: Kept, read: Callable[[Kept], ValueT]) -> ValueT:
    try:
        return read(row)
    except _UNREADABLE as error:
        name = ", ".join(f"{column} {row.get(column)!r}" for column in columns)
        message = f"the {what} of {name} was kept by another version, or is damaged: {error}"
        raise LedgerError(message) from error


def _transition(row: Kept) -> Transition:
    source, kind = row["source"], row["said_kind"]
    return Transition(
        key=Key(
            issuer=_str(row["issuer"]),
            client=_str(row["client"]),
            bacs_id=_str(row["bacs_id"]),
            asset_id=_str(row["asset_id"]),
            request_id=_str(row["request_id"]),
        ),
        revision=_int(row["revision"]),
        trigger=Trigger(_str(row["trigger"])),
        source=None if source is None else State(_str(source)),
        target=State(_str(row["target"])),
        effect=Effect[_str(row["effect"]).upper()],
        actor=Actor(_str(row["actor"])),
        cause=Cause(_str(row["cause"])),
        at=_at(row["at"]),
        said=None if kind is None else _unsaid(_str(kind), _str(row["said"])),
        detail=_str(row["detail"]),
    )


def _step(row: Kept) -> Slot[Consumed]:
    start = _at(row["start"])
    value = Consumed(
        power=_number(row["power"]),
        energy=_number(row["energy"]),
        baseline=_number(row["baseline"]),
        quality=Quality(_str(row["quality"])),
    )
    return Slot(start, start + _span(row["length"]), value)


def _call(row: Kept) -> Call:
    return Call(
        at=_at(row["at"]),
        operator=_str(row["operator"]),
        subject=_str(row["subject"]),
        method=_str(row["method"]),
        path=_str(row["path"]),
        status=_int(row["status"]),
        code=_str(row["code"]),
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
                    "price": _text(said.price),
                }
            )
        case Confirmation():
            return "confirmation", json.dumps(
                {
                    "flex_product": said.flex_product,
                    "power": None if said.power is None else _powers(said.power),
                    "ack_price": _text(said.ack_price),
                }
            )


def _unsaid(kind: str, said: str) -> Request | Offer | Confirmation:
    """Read what came with a transition."""
    match kind, json.loads(said):
        case "request", {"id": name, "flex_product": product, "direction": direction, "power": power, **others}:
            _none(others)
            return Request(
                id=_str(name), flex_product=_str(product), power=_series(power), direction=Direction(direction)
            )
        case (
            "offer",
            {"power": power, "expires_at": expires_at, "mobilization_delay": delay, "price": price, **others},
        ):
            _none(others)
            return Offer(
                power=_series(power),
                expires_at=_at(expires_at),
                mobilization_delay=_span(delay),
                price=_number(price),
            )
        case "confirmation", {"flex_product": product, "power": power, "ack_price": price, **others}:
            _none(others)
            return Confirmation(
                flex_product=None if product is None else _str(product),
                power=None if power is None else _series(power),
                ack_price=_number(price),
            )
    raise ValueError(f"no {kind} is known that says {said}")


def _powers(power: Series[Decimal]) -> list[list[int | str]]:
    return [[instant(slot.start), instant(slot.end), str(slot.value)] for slot in power]


def _series(items: object) -> Series[Decimal]:
    if not isinstance(items, list):
        raise TypeError(f"no powers: {items!r}")
    return Series(tuple(Slot(_at(start), _at(end), Decimal(_str(value))) for start, end, value in items))


def _none(others: Mapping[object, object]) -> None:
    """Refuse members that a later version added: what they say would be lost."""
    if others:
        raise ValueError(f"not known: {', '.join(map(str, others))}")


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> Decimal | None:
    return None if value is None else Decimal(_str(value))


def _at(value: object) -> datetime:
    return _EPOCH + _span(value)


def _span(value: object) -> timedelta:
    return _int(value) * _US


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text: {value!r}")
    return value


def _int(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"no whole number: {value!r}")
    return value
