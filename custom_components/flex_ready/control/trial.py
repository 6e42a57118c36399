"""A load that is shed alone, of which no power is seen: the meter tells what that did."""

from dataclasses import dataclass

from .load import Load, LoadState

EFFECT_MS = 35_000
"""A shedding shows on the meter so long after it took effect."""
_LATE_MS = 60_000
"""What it did is not seen any more so long after it should have been."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was expected of it: times in ms, powers in W or VA."""

    load: Load
    state: LoadState
    since: int
    before: int
    """The power of the building."""
    saving: int

    def over(self, now: int) -> bool:
        """Tell whether its effect must show by now."""
        return now - self.since >= self.load.lag + EFFECT_MS

    def judge(self, power: int, now: int) -> None:
        """Note what it did, by the power of the building now, unless it is too late to tell."""
        if self.state.step and self.state.obeyed and now - self.since < self.load.lag + EFFECT_MS + _LATE_MS:
            self.state.saw_effect(self.load, self.saving, self.before - power, now)
