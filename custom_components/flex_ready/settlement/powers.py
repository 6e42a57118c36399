"""Steps of a power that holds until another is told. All of them are estimated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from .cutting import LONGEST, NEAR, Cut, Cutter, in_reach, seconds


@dataclass(slots=True)
class PowerSteps:
    """Steps of a power (W)."""

    cutter: Cutter | None = None
    _watts: Fraction | None = None
    _unknown: bool = False
    """Whether it is not known any more; what it was last holds over a short gap."""

    def take(self, at: datetime, watts: Fraction | None) -> Cut:
        """Take what power there is from an instant on (None: not known); return the steps that are complete."""
        if self.cutter is None or not in_reach(at, self.cutter.at):
            self.cutter, self._watts, self._unknown = Cutter(at), watts, watts is None
            return {}
        span = at - self.cutter.at
        if at <= self.cutter.at:
            cut: Cut = {}
        elif self._watts is None or span > (NEAR if self._unknown else LONGEST):
            cut = self.cutter.lose(at)
        elif self._unknown and watts is None:
            return {}  # it may come back soon
        else:
            cut = self.cutter.add(at, self._watts * seconds(span) / 3600, measured=False)
        self._unknown = watts is None
        if watts is not None:
            self._watts = watts
        return cut

    def kept(self) -> dict[str, object] | None:
        """Return all there is to know, as JSON can say it; None: nothing."""
        if self._watts is None or self.cutter is None:
            return None
        return {"watts": str(self._watts), "cutter": self.cutter.kept()}

    def restore(self, kept: Mapping[str, object]) -> None:
        """Go on from what `kept` told of, after a gap; if it makes no sense, begin."""
        match kept:
            case {"watts": str(watts), "cutter": dict(cutter)}:
                try:
                    self._watts, self._unknown = Fraction(watts), True
                except ArithmeticError, ValueError:
                    return
                self.cutter = Cutter.of(cutter)
