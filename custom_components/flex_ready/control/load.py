"""A load that was handed over: what it is, what is seen of it, and what was done to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

_OBEY_MS = 45_000
"""A device that has not done as it was told by then does not obey."""
DISOBEYED_MS = 600_000
"""One that did not obey, or did not help, is left alone for so long."""
HAND_MS = 3_600_000
"""What a user switched against us is left alone for so long."""
_FUTILE_TIMES = 3
_FUTILE_SHARE = 4
"""Shedding that saves less than one part in four of what was expected, three times in a row, does not help."""
_LEAST_SAVING = 100
"""Who draws less (W or VA) is not worth a switching."""
GUESS = 1_000
"""What shedding a load saves (W or VA) that is on and of which nothing is known: it is tried, and learned from."""
_DAY_MIN = 1_440


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the day, in minutes of local time from midnight; one that ends before it starts spans midnight."""

    start: int
    end: int

    def holds(self, minute: int) -> bool:
        """Tell whether a minute of the day lies in it."""
        return self.start <= minute < self.end if self.start <= self.end else not self.end <= minute < self.start

    def ahead(self, minute: int) -> int:
        """Return in how many minutes it begins."""
        return (self.start - minute) % _DAY_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the user said of a load. Times in ms, powers in W or VA as the subscribed power has it."""

    id: str
    priority: int
    """1 goes off first."""
    nominal: int
    """What it draws while it is on; 0: to be learned."""
    steps: tuple[int, ...] = (0,)
    """What it still draws at each step of shedding, the mildest first."""
    min_on: int = 0
    min_off: int = 0
    max_off: int | None = None
    most_sheds: int | None = None
    """A day."""
    protected: tuple[Hours, ...] = ()
    lag: int = 5_000
    """How long a command takes to show."""
    when_blind: bool = False
    """May be shed while the meter is silent."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a load now: whether its entity is there, is handed over, is on, at which step, what it draws."""

    available: bool = True
    managed: bool = True
    on: bool = True
    step: int | None = 0
    """0 untouched; None: not to be told."""
    power: int | None = None
    """Measured; None: it has no meter of its own."""
    sheddable: bool = True
    """Whether it may be shed, and that would change anything."""


GONE = Seen(available=False, managed=False, on=False, step=None)
"""Of a load of which nothing is seen."""


@dataclass(slots=True)
class LoadState:
    """What was done to a load, and what came of it. Instants in ms."""

    step: int = 0
    """As commanded: 0 untouched."""
    changed: int | None = None
    """When it was last shed or given back."""
    drew: int = 0
    """Before it was shed."""
    limit_step: int = 0
    """What the subscribed power asks for."""
    sheds: int = 0
    off_ms: int = 0
    unserved: int = 0
    """Energy not drawn today (mJ)."""
    day: int = 0
    obeyed: bool = False
    commanded: int | None = None
    left_alone_until: int = 0
    hand: bool = False
    """It is left alone because a user switched it against us."""
    futile: int = 0
    learned: int = 0

    def to_dict(self) -> dict[str, int | bool | None]:
        """Return what a restart needs (JSON)."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> LoadState:
        """Take up what was kept; what makes no sense is left as it is at first."""
        first = cls()
        for field in fields(cls):
            value = kept.get(field.name)
            known = getattr(first, field.name)
            fits = isinstance(value, int) and isinstance(value, bool) is isinstance(known, bool) and value >= 0
            if fits or (value is None and known is None):
                setattr(first, field.name, value)
        return first

    def check(self, load: Load, now: int) -> None:
        """Bring what was kept into line with the load as it is now, and with the clock."""
        self.step, self.limit_step = min(self.step, len(load.steps)), min(self.limit_step, len(load.steps))
        if self.changed is not None or self.step:
            self.changed = min(now if self.changed is None else self.changed, now)
        if self.commanded is not None:
            self.commanded = min(self.commanded, now)
        self.left_alone_until = min(self.left_alone_until, now + HAND_MS)

    def shift(self, by: int) -> None:
        """Move all instants (ms): the clock was set back."""
        self.changed = None if self.changed is None else self.changed + by
        self.commanded = None if self.commanded is None else self.commanded + by
        self.left_alone_until = max(0, self.left_alone_until + by)

    def draws(self, load: Load, seen: Seen) -> int:
        """Return what it draws, or would if it were given back."""
        return self.drew if self.step else self.would_draw(load, seen)

    def would_draw(self, load: Load, seen: Seen) -> int:
        """Return what it draws while it is untouched."""
        if seen.power is not None:
            return max(0, seen.power)
        return (load.nominal or self.learned or load.steps[-1] + GUESS) if seen.on else 0

    def saving(self, load: Load, step: int) -> int:
        """Return what a step of shedding takes off what it drew (W or VA)."""
        return max(0, self.drew - load.steps[step - 1]) if step else 0

    @property
    def futile_for_good(self) -> bool:
        """Tell whether shedding it does not help."""
        return self.futile >= _FUTILE_TIMES

    def may_shed(self, load: Load, seen: Seen, now: int, minute: int, *, forced: bool = False) -> bool:
        """Tell whether it may be shed, or shed further. A user's hand and OFF are stronger than force."""
        if not seen.available or not seen.managed or (self.hand and self.alone(now)):
            return False
        if not seen.sheddable and not self.step:
            return False
        if max(self.step, seen.step or 0) >= len(load.steps):
            return False  # there is nothing left to shed, or somebody did it already
        if forced:
            return True
        if self.alone(now) or any(hours.holds(minute) for hours in load.protected):
            return False
        if self.step:
            return True
        served = self.changed is None or now - self.changed >= load.min_on
        return served and (load.most_sheds is None or self.sheds < load.most_sheds)

    def alone(self, now: int) -> bool:
        """Tell whether it is left alone, for whatever reason."""
        return now < self.left_alone_until

    def may_return(self, load: Load, now: int) -> bool:
        """Tell whether it was shed for as long as it must be, or may be."""
        least = load.min_off if load.max_off is None else min(load.min_off, load.max_off)
        return self.step > 0 and (self.changed is None or now - self.changed >= least)

    def returns_at(self, load: Load) -> int | None:
        """Return when it must be given back, whoever shed it."""
        return None if not self.step or load.max_off is None or self.changed is None else self.changed + load.max_off

    def set_step(self, step: int, drew: int, now: int) -> None:
        """Note a command that is about to be given."""
        if step and not self.step:
            self.drew, self.changed, self.obeyed = drew, now, False
            self.sheds += 1
        elif self.step and not step:
            self.changed = now
        if step:
            self.commanded = now
        self.step = step

    def withdraw(self) -> None:
        """Take back the command to shed it."""
        self.step = self.limit_step = 0
        self.changed = self.commanded = None
        self.sheds = max(0, self.sheds - 1)

    def pass_time(self, load: Load, elapsed: int, day: int) -> None:
        """Count the time that it is off, and what it is not served; a new day begins at nothing."""
        if day != self.day:
            self.day, self.sheds, self.off_ms, self.unserved = day, 0, 0, 0
        if self.step:
            self.off_ms += elapsed
            self.unserved += self.saving(load, self.step) * elapsed

    def watch(self, load: Load, seen: Seen, now: int) -> bool:
        """Compare what was asked with what is seen; return whether it is to be given back because it did not obey.

        One that obeyed and then is seen untouched was switched by someone: that hand wins, and it is left alone.
        """
        if not self.step or not seen.available or seen.step is None:
            return False
        if seen.step:
            self.obeyed = True
            return False
        if self.obeyed:
            self.step = self.limit_step = 0
            self.changed, self.hand, self.left_alone_until = now, True, now + HAND_MS
            return False
        if self.commanded is not None and now - self.commanded >= load.lag + _OBEY_MS:
            self.left_alone_until, self.hand = now + DISOBEYED_MS, False
            return True
        return False

    def saw_effect(self, load: Load, expected: int, effect: int, now: int) -> None:
        """Take the fall of the building's power that followed a shedding of this load alone."""
        if effect * _FUTILE_SHARE >= expected or not expected:
            self.futile = 0
        else:
            self.futile += 1
            if self.futile_for_good:
                self.left_alone_until, self.hand = now + HAND_MS, False
        if not load.nominal and self.step and effect >= _LEAST_SAVING:
            drew = effect + load.steps[self.step - 1]
            self.learned = drew if not self.learned else (3 * self.learned + drew) // 4


def worth_it(saving: int) -> bool:
    """Tell whether a saving is worth a switching."""
    return saving >= _LEAST_SAVING
