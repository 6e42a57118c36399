"""Steps of a counter that begins anew at each top of Td, as the meter's own clock has it.

Tops lie on the edges of steps. What was drawn between the last reading and the top is not seen: it is estimated by what
was drawn before, a few seconds of a Td.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from .cutting import NEAR, Cut, Cutter, in_reach, instant_kept, joined, seconds
from .model import floor

_TOPS = timedelta(minutes=5)
"""Each Td is a multiple of it."""


@dataclass(slots=True)
class TopSteps:
    """Steps of such a counter."""

    cutter: Cutter | None = None
    _last: tuple[datetime, int] | None = None
    _wh_a_s: Fraction = field(default_factory=Fraction)
    """What was drawn lately."""

    def take(self, at: datetime, wh: int, td: timedelta | None) -> Cut:
        """Take what the counter says; Td is known or not. Return the steps that are complete."""
        if self._last is None or self.cutter is None or not in_reach(at, self._last[0]):
            return self._begin(at, wh, td)
        before, stood = self._last
        if at <= before:
            return {}
        self._last = at, wh
        top = floor(at, td or _TOPS)
        if top <= before or (td is None and wh >= stood):
            if wh < stood:  # the meter was set
                return self.cutter.lose(at)
            self._wh_a_s = (wh - stood) / seconds(at - before)
            return self.cutter.add(at, Fraction(wh - stood))
        cut = self._until_top(top, whole=top - before <= (td or _TOPS))
        if at > top:
            self._wh_a_s = wh / seconds(at - top)
            cut = joined(cut, self.cutter.add(at, Fraction(wh)))
        return cut

    def kept(self) -> dict[str, object] | None:
        """Return all there is to know, as JSON can say it; None: nothing."""
        if self._last is None or self.cutter is None:
            return None
        at, wh = self._last
        return {"at": at.isoformat(), "wh": wh, "wh_a_s": str(self._wh_a_s), "cutter": self.cutter.kept()}

    def restore(self, kept: Mapping[str, object]) -> None:
        """Go on from what `kept` told of; if it makes no sense, begin."""
        match kept:
            case {"at": str(at), "wh": int(wh), "wh_a_s": str(wh_a_s), "cutter": dict(cutter)}:
                try:
                    self._last, self._wh_a_s = (instant_kept(at), wh), Fraction(wh_a_s)
                except ArithmeticError, ValueError:
                    return
                self.cutter = Cutter.of(cutter)

    def _begin(self, at: datetime, wh: int, td: timedelta | None) -> Cut:
        """Begin: what was drawn since the top is known, though nobody listened, once Td is."""
        top = floor(at, td) if td else at
        self.cutter, self._last, self._wh_a_s = Cutter(top), (at, wh), Fraction()
        return self.cutter.add(at, Fraction(wh)) if at > top else {}

    def _until_top(self, top: datetime, *, whole: bool) -> Cut:
        """Estimate what came until the top, if that is little and of one Td (`whole`)."""
        assert self.cutter is not None
        unseen = top - self.cutter.at
        if not unseen:
            return {}
        if not whole or unseen > NEAR:
            return self.cutter.lose(top)
        return self.cutter.add(top, self._wh_a_s * seconds(unseen), measured=False)
