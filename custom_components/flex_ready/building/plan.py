"""What is decided for a building and its loads, as users are shown it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType

from ..control.orders import Decision, Mode, Reason, Target, Wish
from .words import wish_of

if TYPE_CHECKING:
    from .coordinator import BuildingCoordinator

_STATES = {
    Reason.HAND: "hand",
    Reason.DISOBEYED: "disobeyed",
    Reason.FUTILE: "futile",
    Reason.UNMANAGED: "unmanaged",
    Reason.UNAVAILABLE: "out_of_reach",
}
LOAD_STATES = ("free", "shed", "returning", "would_shed", *_STATES.values())
"""Where a load is; out of reach, for unavailable is a word of Home Assistant's own."""


def instant(at: int) -> datetime:
    """Return an instant of ms since 1970 (UTC)."""
    return datetime.fromtimestamp(at / 1000, UTC)


def target_of(coordinator: BuildingCoordinator, load: str) -> Target | None:
    """Return the last target of a load."""
    return next((target for target in coordinator.data.targets if target.load == load), None)


def load_state(target: Target, mode: Mode) -> str:
    """Return where a load is, as one of LOAD_STATES."""
    if (state := _STATES.get(target.reason)) is not None:
        return state
    if not target.step:
        return "free"
    if mode is Mode.OBSERVE:
        return "would_shed"
    return "returning" if target.reason is Reason.MIN_OFF else "shed"


def sentence(coordinator: BuildingCoordinator, target: Target) -> str:
    """Say where a load is, and why."""
    state = coordinator.controller.states[target.load]
    load = coordinator.handovers[target.load].load
    kept = coordinator.kept
    return coordinator.words.load(
        target,
        mode=kept.mode,
        on=kept.on,
        in_kva=coordinator.link.in_kva,
        saving=state.saving(load, min(target.step, len(load.steps))),
        wish=wish_of(target, kept.wishes, kept.texts),
    )


def plan(coordinator: BuildingCoordinator) -> JsonObjectType:
    """Return all that is decided now, and the last decisions that changed something, newest first."""
    kept, decision = coordinator.kept, coordinator.data
    return {
        "mode": kept.mode.value,
        "on": kept.on,
        "meter_silent": decision.blind,
        "unit": "VA" if coordinator.link.in_kva else "W",
        "limit": coordinator.link.limit or None,
        "limiting": coordinator.herald.limiting,
        "window": _window(coordinator, decision),
        "loads": [_load(coordinator, target) for target in decision.targets],
        "orders": [
            {
                "id": wish.id,
                "source": wish.source.name.lower(),
                "loads": [_title(coordinator, load) for load in wish.loads],
                "power": wish.power,
                "until": _time(coordinator, wish.until),
                "forced": wish.forced,
                "reason": kept.texts.get(wish.id, ""),
            }
            for wish in (*kept.wishes.values(), *_requested(coordinator))
        ],
        "decisions": [_told(coordinator, one) for one in reversed(coordinator.herald.log)],
    }


def _requested(coordinator: BuildingCoordinator) -> Iterable[Wish]:
    """Return what flexibility requests ask for now."""
    return () if coordinator.desk is None else coordinator.desk.wishes(dt_util.utcnow())


def described(coordinator: BuildingCoordinator, target: Target) -> JsonObjectType:
    """Return where a load is, without words."""
    return {
        "load": _title(coordinator, target.load),
        "step": target.step,
        "reason": target.reason.value,
        "source": None if target.source is None else target.source.name.lower(),
        "until": _time(coordinator, target.until),
        "figures": _figures(target.figures),
    }


def _load(coordinator: BuildingCoordinator, target: Target) -> JsonObjectType:
    handover = coordinator.handovers[target.load]
    return {
        **described(coordinator, target),
        "entity_id": handover.entity_id,
        "priority": handover.load.priority,
        "state": load_state(target, coordinator.kept.mode),
        "sentence": sentence(coordinator, target),
    }


def _told(coordinator: BuildingCoordinator, decision: Decision) -> JsonObjectType:
    return {
        "at": _time(coordinator, decision.at),
        "loads": [described(coordinator, target) for target in decision.targets],
        "commands": [
            {"load": _title(coordinator, command.load), "step": command.step} for command in decision.commands
        ],
    }


def _window(coordinator: BuildingCoordinator, decision: Decision) -> JsonValueType:
    situation = decision.situation
    if situation is None or decision.blind:
        return None
    return {
        "kind": situation.kind.value,
        "start": _time(coordinator, situation.start),
        "end": _time(coordinator, situation.end),
        "limit": situation.limit,
        "reached": situation.reached,
        "forecast": situation.forecast,
        "margin": situation.margin,
        "power": situation.power,
        "shed": situation.shed,
    }


def _title(coordinator: BuildingCoordinator, load: str) -> str:
    handover = coordinator.handovers.get(load)
    return load if handover is None else handover.title


def _time(coordinator: BuildingCoordinator, at: int | None) -> str | None:
    return None if at is None else instant(at).astimezone(coordinator.zone).isoformat()


def _figures(figures: Mapping[str, int]) -> JsonObjectType:
    return dict(figures)
