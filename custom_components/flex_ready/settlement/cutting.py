"""Energy as it comes, cut into the steps that settlement counts by. Whole Wh, and their sum is what came.

What came until an edge is rounded down there, and what is left over counts in the step that follows:

    came        0 ......... 100.4 ......... 250.9 ......... 400
    at edges    0             100             250           400
    steps       |     100      |      150      |     150     |

Steps of 10 and of 30 minutes share their edges, so that three of the first are one of the second.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor as floor_wh

from .model import STEP, Quality, Reading, floor

TEN_MINUTES = timedelta(minutes=10)
LENGTHS = (TEN_MINUTES, STEP)
"""The steps that are counted."""
NEAR = timedelta(minutes=5)
"""Two readings that are no farther apart tell the energy until an edge between them."""
LONGEST = timedelta(hours=2)
"""What came in a longer gap is not spread over it: so many half-hours that are alike would be no estimate."""
_FINE_WH = 1
"""So do two between which no more than this was drawn, however far apart."""
_GUESSED = 30
"""A step of which no more than one part in so many was estimated is measured: the last ten seconds before each top of a
Td of five minutes."""
_NOTHING = timedelta()
_US = timedelta(microseconds=1)
_BACK = timedelta(minutes=1)
"""A clock that is set back by no more is waited for."""
_DAY = timedelta(days=1)
"""After such a time nothing is told of all the steps between: what is not told is missing."""

type Cut = dict[timedelta, dict[datetime, Reading]]
"""Readings that are complete, by the length of their steps and then by the start of each."""


@dataclass(slots=True)
class _Open:
    """The step of a length that runs."""

    start: datetime
    stood: int
    """What had come by then."""
    lost: bool
    """Whether something of it is not known."""
    unsure: bool = False
    """Whether something was drawn in a stretch over one of its edges, nobody knows on which side."""
    guessed: timedelta = _NOTHING

    def closed(self, stood: int, length: timedelta) -> Reading:
        """Return it, as it ends."""
        if self.lost:
            return Reading(None, Quality.MISSING)
        estimated = self.unsure or self.guessed * _GUESSED > length
        return Reading(stood - self.stood, Quality.ESTIMATED if estimated else Quality.MEASURED)


class Cutter:
    """Cuts energy into steps, from an instant on."""

    def __init__(self, start: datetime, lengths: Iterable[timedelta] = LENGTHS) -> None:
        self.at = start
        """Up to when all came."""
        self.came = Fraction()
        """Wh, since the beginning."""
        self._open = {length: _Open(at := floor(start, length), 0, at < start) for length in lengths}

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> Cutter | None:
        """Return what `kept` told of; None: it makes no sense."""
        try:
            cutter = cls(instant_kept(kept["at"]), ())
            cutter.came = Fraction(str(kept["came"]))
            runs = kept["open"]
            assert isinstance(runs, list)
            cutter._open = {
                timedelta(seconds=length): _Open(instant_kept(start), stood, lost, unsure, timedelta(seconds=guessed))
                for length, start, stood, lost, unsure, guessed in runs
            }
            assert cutter._open.keys() == set(LENGTHS)
        except AssertionError, ArithmeticError, KeyError, TypeError, ValueError:
            return None
        return cutter

    def kept(self) -> dict[str, object]:
        """Return all there is to know, as JSON can say it."""
        return {
            "at": self.at.isoformat(),
            "came": str(self.came),
            "open": [
                [
                    length.total_seconds(),
                    run.start.isoformat(),
                    run.stood,
                    run.lost,
                    run.unsure,
                    run.guessed.total_seconds(),
                ]
                for length, run in self._open.items()
            ],
        }

    def so_far(self, length: timedelta = STEP) -> tuple[datetime, Fraction | None]:
        """Return the start of the step that runs, and what came in it (Wh); None: not all is known."""
        run = self._open[length]
        return run.start, None if run.lost else self.came - run.stood

    def add(self, until: datetime, wh: Fraction, *, measured: bool = True) -> Cut:
        """Add what came since the last time, which may be negative; return the steps that are complete."""
        since, span = self.at, until - self.at
        if span <= _NOTHING:
            raise ValueError(f"not after {since}: {until}")
        sure = measured and (span <= NEAR or abs(wh) <= _FINE_WH)
        cut: Cut = {}
        for length, run in self._open.items():
            while (edge := run.start + length) <= until:
                stood = floor_wh(self.came + wh * Fraction((edge - since) // _US, span // _US))
                self._touch(run, max(since, run.start), edge, span, measured=measured, sure=sure)
                cut.setdefault(length, {})[run.start] = run.closed(stood, length)
                run = self._open[length] = _Open(edge, stood, lost=False)  # noqa: PLW2901  # the next of this length
            self._touch(run, max(since, run.start), until, span, measured=measured, sure=sure)
        self.came += wh
        self.at = until
        return cut

    def lose(self, until: datetime) -> Cut:
        """Go on at an instant until which nobody knows what came; return the steps that are missing or complete."""
        cut: Cut = {}
        for length, run in self._open.items():
            while (edge := run.start + length) <= until:
                run.lost |= self.at < edge
                cut.setdefault(length, {})[run.start] = run.closed(floor_wh(self.came), length)
                run = self._open[length] = _Open(edge, floor_wh(self.came), lost=False)  # noqa: PLW2901  # likewise
            run.lost |= max(self.at, run.start) < until
        self.at = max(self.at, until)
        return cut

    @staticmethod
    def _touch(run: _Open, start: datetime, end: datetime, span: timedelta, *, measured: bool, sure: bool) -> None:
        """Note what a stretch of energy that is in a step from `start` to `end` means for it."""
        part = end - start
        if part <= _NOTHING:
            return
        run.unsure |= not sure and part < span and measured
        if not measured:
            run.guessed += part


def joined(one: Cut, other: Cut) -> Cut:
    """Return the steps of both; of the same step, that of the second."""
    return {length: {**one.get(length, {}), **other.get(length, {})} for length in one.keys() | other.keys()}


def seconds(span: timedelta) -> Fraction:
    """Return a duration in seconds."""
    return Fraction(span // _US, 1_000_000)


def in_reach(at: datetime, before: datetime) -> bool:
    """Tell whether an instant can follow another: a clock was set, or too much time went by, else."""
    return -_BACK <= at - before <= _DAY


def instant_kept(kept: object) -> datetime:
    """Read an instant as JSON has it; raise ValueError."""
    return datetime.fromisoformat(str(kept)).astimezone(UTC)
