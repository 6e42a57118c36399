"""Diagnostics of the requests of a building: what happened to them, and nothing that names who asked."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..flexibility.lifecycle import OPEN
from ..flexibility.record import RequestRecord

if TYPE_CHECKING:
    from ..api.audit import RefusedCall
    from .desk import Desk

_MOST = 20


def desk_diagnostics(desk: Desk | None, refused: Iterable[RefusedCall]) -> dict[str, Any] | None:
    """Return the diagnostics of a desk and of the calls that nobody of its operators made; None: it is not open."""
    if desk is None:
        return None
    records = desk.book.records
    lately = sorted(records.values(), key=lambda record: record.history[-1].at)[-_MOST:]
    return {
        "requests": dict(Counter(record.state.value for record in records.values())),
        "open": [_told(record) for record in records.values() if record.state in OPEN][:_MOST],
        "last": [_told(record) for record in lately],
        "able_w": {setup.asset_id: str(desk.able(setup.asset_id)) for setup in desk.setups.values()},
        "operators": [
            {
                "auth": operator.auth.value,
                "dialect": operator.dialect.name,
                "asks": operator.policy.ask,
                "last_call": None if (last := desk.last_calls.get(name)) is None else asdict(last),
            }
            for name, operator in desk.operators.items()
        ],
        "refused_calls": [
            {key: value for key, value in asdict(call).items() if key not in ("remote", "path")} for call in refused
        ],
    }


def _told(record: RequestRecord) -> dict[str, Any]:
    """Return the life of a request, without its operator."""
    return {
        "asset_id": record.key.asset_id,
        "start": record.start,
        "end": record.end,
        "power_w": str(max(slot.value for slot in record.power)),
        "history": [
            {"state": one.target.value, "trigger": one.trigger.value, "cause": one.cause.value, "at": one.at}
            for one in record.history
        ],
    }
