"""Which loads a wish is about: those that it names, or as many as give the power that it wants."""

from collections.abc import Mapping

from .load import GONE, Load, LoadState, worth_it
from .orders import Tick, Wish


def chosen(wish: Wish, loads: Mapping[str, Load], states: Mapping[str, LoadState], tick: Tick) -> dict[str, int]:
    """Return the loads that a wish is about, each with the step it is wanted at: the deepest."""

    def can(name: str) -> bool:
        state, seen = states[name], tick.seen.get(name, GONE)
        return bool(state.step) or state.may_shed(loads[name], seen, tick.now, tick.minute, forced=wish.forced)

    if wish.power is None:
        return {name: len(loads[name].steps) for name in wish.loads if name in loads and can(name)}
    savings: dict[str, int] = {}
    order = sorted(
        (name for name in (wish.loads or loads) if name in loads),
        key=lambda name: (not states[name].step, loads[name].priority, name),
    )
    for name in order:
        if sum(savings.values()) >= wish.power:
            break
        load, seen = loads[name], tick.seen.get(name, GONE)
        if not (seen.available and seen.managed and can(name)):
            continue
        saving = max(0, states[name].draws(load, seen) - load.steps[-1])
        if worth_it(saving):
            savings[name] = saving
    fresh = [name for name in savings if not states[name].step]
    for name in sorted(fresh, key=lambda name: -savings[name]):
        if sum(savings.values()) - savings[name] >= wish.power:
            del savings[name]  # the others give enough
    return {name: len(loads[name].steps) for name in savings}
