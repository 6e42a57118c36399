"""One target for each load out of what everybody asks of it, with the reason.

All that anybody can ask is to draw less, so the deepest step is taken; who is strongest among those that ask for it is
named. A user's hand, OFF and the rules of the load stand above all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .load import Load, LoadState, Seen
from .orders import Reason, Source, Target, Tick


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of a load: a step, until an instant at the latest (ms)."""

    step: int
    source: Source
    reason: Reason
    until: int | None
    forced: bool = False
    figures: Mapping[str, int] = field(default_factory=dict)


def merge(load: Load, state: LoadState, tick: Tick, asked: list[Asked]) -> Target:
    """Return where a load is to be."""
    seen = tick.seen.get(load.id)
    if (unasked := _out_of_reach(load, state, seen, tick)) is not None:
        return unasked
    wanted = max(asked, key=lambda one: (one.step, one.source), default=None)
    if wanted is None or not wanted.step:
        return _free(load, state, wanted, tick)
    if not wanted.forced and (refusal := _refused(load, state, tick)) is not None:
        wanted = max((one for one in asked if one.forced), key=lambda one: (one.step, one.source), default=None)
        if wanted is None or not wanted.step:
            return refusal
    due = None if wanted.forced else state.returns_at(load)
    until = min((at for at in (wanted.until, due) if at is not None), default=None)
    return Target(load.id, wanted.step, wanted.source, wanted.reason, wanted.figures, until)


def _out_of_reach(load: Load, state: LoadState, seen: Seen | None, tick: Tick) -> Target | None:
    """Say of a load that nobody may touch, or can, where it stays."""
    if seen is None or not seen.available:
        return Target(load.id, state.step, None, Reason.UNAVAILABLE)
    if not seen.managed:
        return Target(load.id, 0, Source.HAND, Reason.UNMANAGED)
    if state.hand and state.alone(tick.now):
        return Target(load.id, 0, Source.HAND, Reason.HAND, until=state.left_alone_until)
    return None


def _free(load: Load, state: LoadState, wanted: Asked | None, tick: Tick) -> Target:
    """Say of a load that nobody wants shed where it is to be: untouched, once it was off for as long as it must."""
    if state.step and not state.may_return(load, tick.now) and wanted is None:
        return Target(load.id, state.step, Source.RULE, Reason.MIN_OFF, until=(state.changed or 0) + load.min_off)
    if wanted is not None:
        return Target(load.id, 0, wanted.source, wanted.reason, until=wanted.until)
    if state.alone(tick.now):
        reason = Reason.FUTILE if state.futile_for_good else Reason.DISOBEYED
        return Target(load.id, 0, Source.RULE, reason, until=state.left_alone_until)
    return Target(load.id, 0, None, Reason.FREE)


def _refused(load: Load, state: LoadState, tick: Tick) -> Target | None:
    """Hold the rules of a load against who wants it shed, unless by force."""
    due = state.returns_at(load)
    if due is not None and tick.now >= due:
        return Target(load.id, 0, Source.RULE, Reason.MAX_OFF, until=tick.now + load.min_on)
    if state.step and any(hours.holds(tick.minute) for hours in load.protected):
        if state.may_return(load, tick.now):
            return Target(load.id, 0, Source.RULE, Reason.PROTECTED)
        return Target(load.id, state.step, Source.RULE, Reason.MIN_OFF, until=(state.changed or 0) + load.min_off)
    return None
