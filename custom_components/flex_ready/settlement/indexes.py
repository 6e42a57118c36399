"""Steps of indexes: what a meter counts for ever, and whoever counts likewise.

An index says where it stands when it says it; a half-hour ends when it ends. Between two readings near each other an
edge is measured, between two that are far apart it is estimated, and what nobody knows is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from .cutting import LONGEST, Cut, Cutter, in_reach, instant_kept, joined, seconds

MOST_W = 100_000_000
"""No site of a distribution network draws more: what says so is a fault."""
_SLACK_WH = 2_000
_NOISE_WH = 1
"""A register that falls by less did not."""
_ANEW = Fraction(9, 10)
"""A register that falls below this part of what it was began anew; another was corrected."""

type Registers = Mapping[str, Fraction]
"""Wh, by name: those of several tariffs are added up."""


@dataclass(slots=True)
class IndexSteps:
    """Steps of indexes that go on for ever."""

    begins_anew: bool = False
    """Whether an index may begin anew at zero, as those of a day do; else one that falls is of another meter."""
    most_w: int = MOST_W
    cutter: Cutter | None = None
    _last: tuple[datetime, Registers] | None = None
    _doubt: tuple[datetime, Registers] | None = None
    """What does not follow from the last: it is believed when the next one follows from it."""

    @property
    def heard(self) -> datetime | None:
        """When they were told last."""
        return self._last[0] if self._last else None

    def take(self, at: datetime, registers: Registers, *, told: bool = True) -> Cut:
        """Take where the indexes stand; return the steps that are complete.

        What was not told then, but earlier and nothing since (`told` is false), is an estimate.
        """
        if self._last is None or self.cutter is None:
            return self._begin(at, registers)
        before, stood = self._last
        if not in_reach(at, before):
            return self._begin(at, registers)
        if at <= before:
            return {}
        if (wh := self._growth(stood, registers, at - before)) is not None:
            self._doubt, self._last = None, (at, registers)
            return self._add(at, wh, measured=told)
        doubt, self._doubt = self._doubt, (at, registers)
        if doubt is None or at <= doubt[0] or (then := self._growth(doubt[1], registers, at - doubt[0])) is None:
            return {}
        anew = self._anew(stood, doubt[1], doubt[0] - before)
        cut = self.cutter.lose(doubt[0]) if anew is None else self._add(doubt[0], anew, measured=False)
        self._doubt, self._last = None, (at, registers)
        return joined(cut, self._add(at, then, measured=True))

    def kept(self) -> dict[str, object] | None:
        """Return all there is to know, as JSON can say it; None: nothing."""
        if self._last is None or self.cutter is None:
            return None
        at, registers = self._last
        stood = {name: str(wh) for name, wh in registers.items()}
        return {"at": at.isoformat(), "registers": stood, "cutter": self.cutter.kept()}

    def restore(self, kept: Mapping[str, object]) -> None:
        """Go on from what `kept` told of; if it makes no sense, begin."""
        cutter, registers = kept.get("cutter"), kept.get("registers")
        if not isinstance(cutter, dict) or not isinstance(registers, dict):
            return
        try:
            self._last = instant_kept(kept.get("at")), {name: Fraction(str(wh)) for name, wh in registers.items()}
        except ArithmeticError, ValueError:
            return
        self.cutter = Cutter.of(cutter)

    def _begin(self, at: datetime, registers: Registers) -> Cut:
        self.cutter, self._last, self._doubt = Cutter(at), (at, registers), None
        return {}

    def _add(self, until: datetime, wh: Fraction, *, measured: bool) -> Cut:
        assert self.cutter is not None
        if until - self.cutter.at > LONGEST and (wh > _NOISE_WH or not measured):
            return self.cutter.lose(until)
        return self.cutter.add(until, wh, measured=measured)

    def _growth(self, stood: Registers, registers: Registers, span: timedelta) -> Fraction | None:
        """Return what came between two readings (Wh); None: the one cannot follow from the other."""
        if stood.keys() != registers.keys():
            return None
        grown = [registers[name] - stood[name] for name in registers]
        if any(wh < -_NOISE_WH for wh in grown):
            return None
        wh = max(Fraction(), sum(grown, Fraction()))
        return wh if self._possible(wh, span) else None

    def _anew(self, stood: Registers, registers: Registers, span: timedelta) -> Fraction | None:
        """Return what came at least, where indexes began anew at zero; None: they did not."""
        if not self.begins_anew or stood.keys() != registers.keys():
            return None
        wh = Fraction()
        for name, now in registers.items():
            if now < 0 or stood[name] * _ANEW <= now < stood[name]:
                return None
            wh += now if now < stood[name] else now - stood[name]
        return wh if self._possible(wh, span) else None

    def _possible(self, wh: Fraction, span: timedelta) -> bool:
        return wh <= seconds(span) * self.most_w / 3600 + _SLACK_WH
