"""A building for the tests of control: a meter, loads that obey, and the ticks that a controller is given."""

from dataclasses import dataclass, field

from custom_components.flex_ready.control.controller import Controller
from custom_components.flex_ready.control.load import Load, Seen
from custom_components.flex_ready.control.orders import Blind, Command, Decision, Mode, Reading, Target, Tick, Wish
from custom_components.flex_ready.control.window import WH_MJ, Kind

T = 1_800_000_000_000
"""08:00:00 UTC: a top of any Td."""


def load(name: str = "boiler", **others: object) -> Load:
    """Make a load of 3 kW."""
    fields: dict[str, object] = {"id": name, "priority": 1, "nominal": 3_000, **others}
    return Load(**fields)  # type: ignore[arg-type]


def tick(now: int = T, **others: object) -> Tick:
    """Make a tick at noon."""
    fields: dict[str, object] = {"now": now, "minute": 720, "day": 1, "mode": Mode.LIMIT, "seen": {}, **others}
    return Tick(**fields)  # type: ignore[arg-type]


@dataclass
class Site:
    """Loads under a controller and a meter that both go on; what a test changes is public."""

    loads: tuple[Load, ...]
    blind: Blind = Blind.HOLD
    kind: Kind = Kind.FIXED
    td: int = 10
    limit: int = 20_000
    base: int = 10_000
    """What the rest of the building draws (W)."""
    mode: Mode = Mode.LIMIT
    wishes: tuple[Wish, ...] = ()
    warned: bool = False
    hears: bool = True
    metered: bool = True
    """Whether the loads have meters of their own."""
    now: int = T
    minute: int = 720
    day: int = 1
    draws: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unmanaged: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    late: dict[str, int] = field(default_factory=dict)
    """How long a load takes to obey (s)."""
    useless: set[str] = field(default_factory=set)
    """What goes off, and yet draws what it drew."""
    steps: dict[str, int] = field(default_factory=dict)
    """Where they are."""
    ticks: list[Tick] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    counter: int = 0
    """Since the top (mJ)."""
    meter_ahead: int = 0
    """By how much the meter's clock is ahead of ours (ms)."""
    pending: list[tuple[int, Command]] = field(default_factory=list)
    passed: int = 0
    """The time that passed, whatever the clocks say (ms)."""

    def __post_init__(self) -> None:
        """Start."""
        self.controller = Controller(self.loads, self.blind)
        for one in self.loads:
            self.draws.setdefault(one.id, one.nominal)
            self.steps[one.id] = 0
        self.counter = self.power * (self.now % (self.td * 60_000))

    def drawn(self, one: Load) -> int:
        """Return what a load draws (W)."""
        wants, step = self.draws[one.id], self.steps[one.id]
        return min(wants, one.steps[step - 1]) if step and one.id not in self.useless else wants

    @property
    def power(self) -> int:
        """What the building draws (W)."""
        return self.base + sum(self.drawn(one) for one in self.loads)

    def seen(self, one: Load) -> Seen:
        """Return what is seen of a load."""
        if one.id in self.gone:
            return Seen(available=False, managed=one.id not in self.unmanaged)
        return Seen(
            managed=one.id not in self.unmanaged,
            on=not self.steps[one.id] or one.steps[self.steps[one.id] - 1] > 0,
            step=self.steps[one.id],
            power=self.drawn(one) if self.metered else None,
        )

    def step(self, seconds: int = 5) -> Decision:
        """Let time pass, then decide; loads obey at once."""
        for _ in range(seconds):
            self.now += 1_000
            self.passed += 1_000
            if (self.now + self.meter_ahead) % (self.td * 60_000) == 0:
                self.counter = 0
            else:
                self.counter += self.power * 1_000
        for due, command in self.pending:
            if due <= self.passed:
                self.steps[command.load] = command.step
        self.pending = [one for one in self.pending if one[0] > self.passed]
        instant = self.kind is Kind.INSTANT
        reading = Reading(
            kind=self.kind,
            limit=self.limit,
            td=self.td,
            meter_at=self.now + self.meter_ahead,
            heard=self.now,
            energy=None if instant else self.counter // WH_MJ,
            power=self.power if instant else None,
        )
        made = Tick(
            now=self.now,
            minute=self.minute,
            day=self.day,
            mode=self.mode,
            seen={one.id: self.seen(one) for one in self.loads},
            reading=reading if self.hears else None,
            warned=self.warned,
            wishes=self.wishes,
        )
        decision = self.controller.step(made)
        self.ticks.append(made)
        self.decisions.append(decision)
        for command in decision.commands:
            if command.load not in self.deaf:
                if wait := self.late.get(command.load):
                    self.pending.append((self.passed + wait * 1_000, command))
                else:
                    self.steps[command.load] = command.step
        return decision

    def run(self, seconds: int) -> Decision:
        """Decide every 5 s for a while; return the last decision."""
        for _ in range(max(1, seconds // 5)):
            decision = self.step()
        return decision

    def until(self, load_id: str, step: int, seconds: int = 900) -> Target:
        """Go on until a load is to be at a step; return why."""
        for _ in range(seconds // 5):
            self.step()
            if (found := self.target(load_id)).step == step:
                return found
        raise AssertionError(self.target(load_id))

    def target(self, load_id: str) -> Target:
        """Return where a load is to be, by the last decision."""
        return next(target for target in self.decisions[-1].targets if target.load == load_id)

    @property
    def commands(self) -> list[Command]:
        """What was commanded so far."""
        return [command for decision in self.decisions for command in decision.commands]
