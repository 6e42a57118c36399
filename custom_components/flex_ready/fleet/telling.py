"""What is told of a change of an order: the types of event, and what they are about."""

from collections.abc import Iterator
from typing import Any

from .order import Order


def told_of(before: Order | None, order: Order) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the events of a change: a step that did not get through, and a state that is another; None: it is new."""
    if order.outcome is not None and (before is None or before.outcome is None) and order.state != order.outcome:
        step = None if before is None or before.step is None else before.step.value
        yield order.outcome.value, {**_about(order), "step": step}
    if before is None or before.state != order.state:
        yield order.state, {**_about(order), "was": None if before is None else before.state}


def _about(order: Order) -> dict[str, Any]:
    told = order.told
    return {
        "request_id": order.id,
        "bacs_id": order.bacs_id,
        "asset_id": order.asset_id,
        "start": order.start.isoformat(),
        "end": order.end.isoformat(),
        "power": float(max(slot.value for slot in order.power) / 1000),
        "price": None if told is None or told.price is None else float(told.price),
        "reason": order.detail or ("" if told is None else told.reason),
    }
