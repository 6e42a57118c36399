"""Who wants power changed, what is decided, and why: values that can be logged, shown and replayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from .load import Seen
from .window import Kind


class Source(IntEnum):
    """Who asks, the strongest last (docs/adr/0008)."""

    PRICE = 1
    ECOWATT = 2
    REQUEST = 3
    ACTION = 4
    """A person, or an automation, by an action of Home Assistant."""
    LIMIT = 5
    RULE = 6
    """What the user laid down for a load: its longest time off, its protected hours."""
    HAND = 7
    """A user who switched the load himself."""


class Reason(StrEnum):
    """Why a load is where it is; the value is a key of the texts for users."""

    FREE = "free"
    EXPECTED = "expected"
    """The window is expected to end over the limit."""
    NO_ROOM = "no_room"
    """It cannot come back yet."""
    BLIND = "blind"
    ASKED = "asked"
    RESERVE = "reserve"
    """What was asked for is about to be missed."""
    TOLD = "told"
    """An action."""
    ECOWATT = "ecowatt"
    PRICE = "price"
    HAND = "hand"
    MAX_OFF = "max_off"
    PROTECTED = "protected"
    MIN_OFF = "min_off"
    UNMANAGED = "unmanaged"
    UNAVAILABLE = "unavailable"
    DISOBEYED = "disobeyed"
    FUTILE = "futile"


class Mode(StrEnum):
    """What the building does."""

    OBSERVE = "observe"
    """Decides as if it limited, and commands nothing."""
    LIMIT = "limit"


class Blind(StrEnum):
    """What to do while the meter is silent."""

    HOLD = "hold"
    SHED = "shed"
    """The loads that may be shed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A standing order: some loads, or so much power (W or VA) of any, shed until an instant (ms)."""

    id: str
    source: Source
    reason: Reason
    loads: tuple[str, ...] = ()
    power: int | None = None
    until: int | None = None
    forced: bool = False
    """By an administrator: the rules of the loads do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the meter said: the energy since the top (Wh or VAh), or a power; when, by its clock and by ours (ms)."""

    kind: Kind
    limit: int
    """W or VA."""
    td: int
    meter_at: int
    heard: int
    energy: int | None = None
    power: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """All that a decision is made of. `now` in ms (UTC); `minute` and `day` are local (ordinal of the date)."""

    now: int
    minute: int
    day: int
    mode: Mode
    seen: Mapping[str, Seen]
    reading: Reading | None = None
    warned: bool = False
    """PREAVIS."""
    wishes: tuple[Wish, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a load is to be, by whose order, why, and until when at the latest (ms)."""

    load: str
    step: int
    source: Source | None
    reason: Reason
    figures: Mapping[str, int] = field(default_factory=dict)
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A load to be shed to a step, or given back (0)."""

    load: str
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The running window: instants in ms (ours), powers in W or VA."""

    kind: Kind
    start: int
    end: int
    limit: int
    reached: int
    """Mean power over the window, if nothing more were drawn: its energy over its length."""
    forecast: int
    """Mean power over the window as it is expected to end, with what is shed now."""
    power: int
    shed: int

    @property
    def margin(self) -> int:
        """What is left (W or VA); less than 0: over."""
        return self.limit - self.forecast


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided at an instant (ms)."""

    at: int
    targets: tuple[Target, ...]
    commands: tuple[Command, ...]
    situation: Situation | None
    blind: bool
    warned: bool
