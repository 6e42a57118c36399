"""A transition of a request, as it is told on the bus of Home Assistant."""

from ..flexibility.record import RequestRecord, Transition
from .operators import Operator

type EventData = dict[str, str | int | float | None]


def event_data(entry_id: str, transition: Transition, record: RequestRecord, operator: Operator | None) -> EventData:
    """Return what the event says; instants are ISO 8601 (UTC), powers in W."""
    key = transition.key
    return {
        "config_entry_id": entry_id,
        "operator": "" if operator is None else operator.title,
        "operator_id": "" if operator is None else operator.subentry_id,
        "issuer": key.issuer,
        "client": key.client,
        "asset_id": key.asset_id,
        "request_id": key.request_id,
        "state": transition.target.value,
        "was": None if transition.source is None else transition.source.value,
        "trigger": transition.trigger.value,
        "actor": transition.actor.value,
        "cause": transition.cause.value,
        "detail": transition.detail,
        "revision": transition.revision,
        "at": transition.at.isoformat(),
        "start": record.start.isoformat(),
        "end": record.end.isoformat(),
        "power_w": float(max(slot.value for slot in record.power)),
    }
