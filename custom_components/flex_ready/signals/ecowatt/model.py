"""What Ecowatt says."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from ...slots import Series, Stretch


class Level(IntEnum):
    """The level of an hour (`hvalue`) or of a day (`dvalue`, never 0)."""

    LOW_CARBON = 0
    NORMAL = 1
    TENSE = 2
    VERY_TENSE = 3


@dataclass(frozen=True, slots=True)
class Day:
    """A day as RTE colours it: the highest level of its hours, which says nothing of low-carbon ones.

    `provisional` says that it was not made with the other days, as a last day that RTE filled in for the time being.
    """

    day: date
    level: Level | None
    message: str
    generation: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """The hours and days of one answer; an hour that was not sent, or makes no sense, is a gap."""

    hours: Series[Level]
    days: tuple[Day, ...]
    retrieved_at: datetime
    rehearsal: bool = False
    dropped: int = 0
    """How many days and hours made no sense."""

    @property
    def end(self) -> datetime | None:
        """Return the end of the last hour that is known."""
        return self.hours.slots[-1].end if self.hours.slots else None

    def level_at(self, when: datetime) -> Level | None:
        """Return the level at an instant; None where it is not known."""
        slot = self.hours.at(when)
        return slot.value if slot else None

    def day(self, day: date) -> Day | None:
        """Return a day."""
        return next((one for one in self.days if one.day == day), None)

    @property
    def tense(self) -> tuple[Stretch, ...]:
        """Return the stretches of tense and very tense hours."""
        return self.hours.runs(lambda level: level >= Level.TENSE)

    @property
    def low_carbon(self) -> tuple[Stretch, ...]:
        """Return the stretches of low-carbon hours."""
        return self.hours.runs(lambda level: level is Level.LOW_CARBON)

    def highest(self, stretch: Stretch) -> Level | None:
        """Return the highest level that is known of some part of a stretch."""
        return max((slot.value for slot in self.hours.between(stretch.start, stretch.end)), default=None)
