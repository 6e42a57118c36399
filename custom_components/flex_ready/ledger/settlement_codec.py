"""Between what settlement speaks of and the rows of the ledger, without any loss."""

from collections.abc import Iterable, Mapping
from datetime import datetime
import json

from ..settlement.forecast import Forecast, Said
from ..settlement.model import Direction, Order, Purpose, Quality, Reading
from .fields import Kept, Row, instant, instant_of, named, second, second_of, string, whole
from .model import LedgerError, Member, Trial
from .settlement_statements import quality_of

_NEVER = 253_402_300_799
"""The last second that a date can have: comparing with null would find nobody."""


def reading_rows(site: str, readings: Mapping[datetime, Reading]) -> list[Row]:
    """Write readings; raise LedgerError if one that is missing has a figure, or the other way round."""
    rows: list[Row] = []
    for at, reading in sorted(readings.items()):
        if (reading.wh is None) is not (reading.quality is Quality.MISSING):
            raise LedgerError(f"the reading of {at} cannot be {reading.wh} and {reading.quality.value}")
        rows.append({"site_id": site, "ts": second(at), "wh": reading.wh, "quality": reading.quality.value})
    return rows


def reading_of(row: Kept) -> tuple[datetime, Reading]:
    """Read a reading, and the start of its step; raise LedgerError, naming the row, if it makes no sense."""
    return named("reading", ("site_id", "ts"), row, _reading)


def total_of(row: Kept) -> tuple[datetime, Reading]:
    """Read the sum of readings, as good as the worst of them."""
    return second_of(row["ts"]), Reading(whole(row["wh"]), quality_of(whole(row["worth"])))


def member_row(perimeter: str, member: Member) -> Row:
    """Write who belongs to an entity."""
    return {
        "perimeter_id": perimeter,
        "ef_id": member.ef_id,
        "site_id": member.site_id,
        "valid_from": second(member.valid_from),
        "valid_to": _NEVER if member.valid_to is None else second(member.valid_to),
    }


def member_of(row: Kept) -> Member:
    """Read who belongs to an entity; raise LedgerError, naming the row, if it makes no sense."""
    return named("member", ("perimeter_id", "site_id"), row, _member)


def order_row(contract: str, order: Order) -> Row:
    """Write an order, without its revision."""
    return {
        "contract": contract,
        "order_id": order.id,
        "ordered_at": instant(order.ordered_at),
        "start": instant(order.start),
        "end": instant(order.end),
        "power_w": order.power_w,
        "direction": order.direction.value,
        "purpose": order.purpose.value,
        "accepted": order.accepted,
    }


def order_of(row: Kept) -> Order:
    """Read an order; raise LedgerError, naming the row, if it says what is not known here."""
    return named("order", ("contract", "order_id", "revision"), row, _order)


def trial_row(contract: str, trial: Trial) -> Row:
    """Write a test; raise LedgerError if JSON cannot say what came of it."""
    try:
        said = json.dumps(dict(trial.said))
    except (TypeError, ValueError) as error:
        raise LedgerError(f"test {trial.id} cannot be kept: {error}") from error
    return {"contract": contract, "trial_id": trial.id, "at": instant(trial.at), "kind": trial.kind, "said": said}


def trial_of(row: Kept) -> Trial:
    """Read a test; raise LedgerError, naming the row, if it makes no sense."""
    return named("test", ("contract", "trial_id"), row, _trial)


def forecast_rows(contract: str, entity: str, wh: Mapping[datetime, int], handed_in: datetime) -> list[Row]:
    """Write what is forecast of an entity (Wh, by the start of the step), without revisions."""
    of: Row = {"contract": contract, "ef_id": entity, "handed_in": instant(handed_in)}
    return [{**of, "ts": second(step), "wh": energy} for step, energy in sorted(wh.items())]


def forecast_of(rows: Iterable[Kept]) -> Forecast:
    """Read what was forecast of an entity; raise LedgerError, naming the row, if one makes no sense."""
    said: dict[datetime, list[Said]] = {}
    for row in rows:
        step, one = named("forecast", ("contract", "ef_id", "ts", "revision"), row, _said)
        said.setdefault(step, []).append(one)
    return Forecast(said)


def _reading(row: Kept) -> tuple[datetime, Reading]:
    wh = row["wh"]
    return second_of(row["ts"]), Reading(None if wh is None else whole(wh), Quality(string(row["quality"])))


def _member(row: Kept) -> Member:
    until = whole(row["valid_to"])
    return Member(
        ef_id=string(row["ef_id"]),
        site_id=string(row["site_id"]),
        valid_from=second_of(row["valid_from"]),
        valid_to=None if until == _NEVER else second_of(until),
    )


def _order(row: Kept) -> Order:
    return Order(
        id=string(row["order_id"]),
        ordered_at=instant_of(row["ordered_at"]),
        start=instant_of(row["start"]),
        end=instant_of(row["end"]),
        power_w=whole(row["power_w"]),
        direction=Direction(string(row["direction"])),
        purpose=Purpose(string(row["purpose"])),
        accepted=row["accepted"] is True,
    )


def _trial(row: Kept) -> Trial:
    said = json.loads(string(row["said"]))
    if not isinstance(said, dict):
        raise TypeError(f"not told: {said!r}")
    return Trial(id=string(row["trial_id"]), at=instant_of(row["at"]), kind=string(row["kind"]), said=said)


def _said(row: Kept) -> tuple[datetime, Said]:
    return second_of(row["ts"]), Said(whole(row["wh"]), instant_of(row["handed_in"]))
