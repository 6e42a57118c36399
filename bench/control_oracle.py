"""A controller that knows the uncontrolled demand to come: which overruns the loads could avoid, and at what price.

It sheds in each window the energy that is too much and no more, as late as possible, the largest load that is wanted
first; no load has a shortest time on or off. Its off time bounds what any controller needs; a run of windows that need
shedding costs it one switching off and one on of the largest load.
"""

from .control_sim import Outcome
from .control_world import World


def least_drawn(world: World) -> list[int]:
    """Return the cumulated energy with every load off all the time (W·s)."""
    total, found = 0, [0]
    for watts in world.base:
        total += watts
        found.append(total)
    return found


def oracle(world: World, kind: str) -> Outcome:
    """Run a building with foresight."""
    length, seconds = world.td_min * 60, world.seconds
    step = length if kind == "fixed" else 60
    off_s = {use.id: 0 for use in world.uses}
    ordered = sorted(world.uses, key=lambda use: -max(use.wants))
    total, drawn = 0, [0]
    for second in range(seconds):
        total += world.base[second] + sum(use.wants[second] for use in world.uses)
        drawn.append(total)
    outcome = Outcome(seconds=seconds)
    shed = [0] * seconds  # W·s taken off in each second
    taken: dict[str, set[int]] = {use.id: set() for use in world.uses}
    in_run = False
    runs = 0
    for end in range(length, seconds + 1, step):
        outcome.windows += 1
        start = end - length
        allowed = world.limits[end - 1] * length
        over = drawn[end] - drawn[start] - sum(shed[start:end]) - allowed
        if over <= 0:
            in_run = False
            continue
        for use in ordered:
            mine = taken[use.id]
            for second in range(end - 1, start - 1, -1):
                if over <= 0:
                    break
                if use.wants[second] and second not in mine:
                    mine.add(second)
                    shed[second] += use.wants[second]
                    over -= use.wants[second]
                    off_s[use.id] += 1
        if over > 0:
            outcome.overruns += 1
        if not in_run:
            runs += 1
        in_run = True
    outcome.off_s = off_s
    outcome.switchings = {use.id: 0 for use in world.uses}
    outcome.switchings[ordered[0].id] = 2 * runs
    return outcome
