"""One building under one controller, second by second, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .control_world import BYTES_FRAME_S, EndUse, World

_HEARD_S = 1
"""The date of a frame arrives so long after it was taken."""
_DELIVERED_S = 4
"""And its energies after so long."""
_LOOK_S = 4
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Sight:
    """What a controller is shown: the second, the last energy since the top (Wh) with its second, each end use (W)."""

    second: int
    fresh: bool
    energy_wh: int
    taken: int
    limit: int
    drawn: dict[str, int]


class Control(Protocol):
    """Decides which end uses are off."""

    def look(self, sight: Sight) -> set[str]:
        """Return the ids of those that are to be off from now on."""


@dataclass(slots=True)
class Outcome:
    """What came of it: overruns, off time and switchings."""

    windows: int = 0
    overruns: int = 0
    avoidable: int = 0
    worst_over: int = 0
    off_s: dict[str, int] = field(default_factory=dict)
    switchings: dict[str, int] = field(default_factory=dict)
    seconds: int = 0

    def add(self, other: Outcome) -> None:
        """Count another run as well."""
        self.windows += other.windows
        self.overruns += other.overruns
        self.avoidable += other.avoidable
        self.worst_over = max(self.worst_over, other.worst_over)
        self.seconds += other.seconds
        for mine, theirs in ((self.off_s, other.off_s), (self.switchings, other.switchings)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count

    @classmethod
    def total(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """Return what came of several runs together."""
        found = cls()
        for outcome in outcomes:
            found.add(outcome)
        return found

    @property
    def per_thousand(self) -> float:
        """Avoidable overruns per 1,000 windows."""
        return 1000 * self.avoidable / self.windows if self.windows else 0

    @property
    def off_min(self) -> float:
        """Minutes a load and day that it was off though it was wanted."""
        return sum(self.off_s.values()) / 60 / max(1, len(self.off_s)) / (self.seconds / _DAY_S)

    @property
    def switched(self) -> float:
        """Switchings (off or on) a load and day."""
        return sum(self.switchings.values()) / max(1, len(self.switchings)) / (self.seconds / _DAY_S)


def overrun_windows(world: World, kind: str, drawn: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the ends of the windows, with the energy (W·s) drawn in each and the one allowed; `drawn` is cumulated."""
    length = world.td_min * 60
    step = length if kind == "fixed" else 60
    ends = range(length, world.seconds + 1, step)
    return [(end, drawn[end] - drawn[end - length], world.limits[end - 1] * length) for end in ends]


def simulate(world: World, kind: str, control: Control, least: Sequence[int]) -> Outcome:
    """Run a building; `least` is the cumulated energy with every load off all the time (W·s)."""
    uses, seconds = world.uses, world.seconds
    off: set[str] = set()
    pending: list[tuple[int, EndUse, bool]] = []
    is_off = {use.id: False for use in uses}
    outcome = Outcome(seconds=seconds)
    off_s = {use.id: 0 for use in uses}
    switchings = {use.id: 0 for use in uses}
    total = 0
    drawn = [0]
    length = world.td_min * 60
    frames: list[tuple[int, int, int]] = []  # delivered, taken, energy
    energy, taken = 0, 0
    wants = [(use, use.id, use.wants) for use in uses]
    base = world.base
    for second in range(seconds):
        if second % BYTES_FRAME_S == 0:
            top = second - second % length
            frames.append((second + _DELIVERED_S, second, (total - drawn[top]) // 3600))
        fresh = False
        while frames and frames[0][0] <= second:
            _, taken, energy = frames.pop(0)
            fresh = True
        if fresh or second % _LOOK_S == 0:
            sight = Sight(
                second,
                fresh,
                energy,
                taken,
                world.limits[second],
                {name: 0 if is_off[name] else want[second] for _, name, want in wants},
            )
            wanted = control.look(sight)
            if wanted != off:
                for use in uses:
                    if (use.id in wanted) != (use.id in off):
                        pending.append((second + use.lag_s, use, use.id in wanted))
                        switchings[use.id] += 1
                off = set(wanted)
        if pending:
            for due in [one for one in pending if one[0] <= second]:
                is_off[due[1].id] = due[2]
                pending.remove(due)
        watts = base[second]
        for _, name, want in wants:
            if is_off[name]:
                if want[second]:
                    off_s[name] += 1
            else:
                watts += want[second]
        total += watts
        drawn.append(total)
    outcome.off_s, outcome.switchings = off_s, switchings
    _judge(world, kind, drawn, least, outcome)
    return outcome


def _judge(world: World, kind: str, drawn: Sequence[int], least: Sequence[int], outcome: Outcome) -> None:
    """Count the windows, and which overruns the loads could have avoided."""
    length = world.td_min * 60
    for end, used, allowed in overrun_windows(world, kind, drawn):
        outcome.windows += 1
        if used > allowed:
            outcome.overruns += 1
            outcome.worst_over = max(outcome.worst_over, (used - allowed) // length)
            if least[end] - least[end - length] <= allowed:
                outcome.avoidable += 1
