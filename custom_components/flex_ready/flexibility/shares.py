"""What one load can give throughout some stretches of time, for sure and likely; or why it does not count.

It counts only if the arbiter would shed it at the start of each stretch and would leave it shed to its end, by the
rules that the user laid down for it. How sure is sure stands in docs/flexibility.md ("What can be given").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from ..control.load import Load, LoadState, Seen, worth_it
from ..slots import Stretch
from .hours import minutes, touch

NEAR = timedelta(hours=1)
"""What begins sooner is judged by what is drawn now, not by what is drawn at that time of other days."""
BACK = timedelta(minutes=45)
"""By then what was shed is back, once nobody wants it shed: half an hour without a meter, then one after another."""
DEVIATIONS = 2
"""So many standard deviations below the mean is taken for sure."""
_TURN = timedelta(minutes=5)
"""So long it may wait for its turn to come back."""
_LOOK = timedelta(minutes=1)
"""What comes back at one look can be shed at the next."""
_LATELY = timedelta(minutes=15)
_HABIT = timedelta(minutes=45)
"""Measured for less, it says nothing: lately; in one quarter of an hour of three days."""
_FADES = timedelta(days=2)
"""What is known of now only is taken for sure less and less: in a day, for half of it; then no less."""
_HALF = Decimal("0.5")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_NONE = timedelta()


class Why(StrEnum):
    """Why a load does not count."""

    OBSERVED = "observed"
    """The building only observes."""
    UNAVAILABLE = "unavailable"
    UNMANAGED = "unmanaged"
    HAND = "hand"
    """Left alone: a user switched it."""
    DISOBEYED = "disobeyed"
    FUTILE = "futile"
    """Shedding it does not show on the meter."""
    OFF = "off"
    """It draws nothing then, or is shed by somebody else."""
    MAX_OFF = "max_off"
    """It may not be off for so long."""
    PROTECTED = "protected"
    SHEDS = "sheds"
    """The sheddings of that day are used up."""
    MIN_ON = "min_on"
    """It was, or will be, shed shortly before or after."""
    PROMISED = "promised"
    """Another request needs it."""
    UNKNOWN = "unknown"
    """Nobody knows what it draws."""
    UNCERTAIN = "uncertain"
    """It varies too much to be sure of anything."""
    LITTLE = "little"
    """It is not worth a switching."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a load drew while it was not shed."""

    mean_w: Decimal
    deviation_w: Decimal
    """Standard deviation."""
    seen_for: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """All that is known of a load now."""

    load: Load
    state: LoadState
    seen: Seen
    lately: Drawn | None = None
    """In the last hour or so."""
    habits: Mapping[int, Drawn] = field(default_factory=dict)
    """On other days, by quarter of an hour of the local day (0 to 95)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a load gives (W)."""

    load: str
    able: Decimal = Decimal()
    """For sure."""
    likely: Decimal = Decimal()
    why: Why | None = None
    """Why it does not count; None: it does."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Stretches of time in order, apart from each other, as seen from an instant; none is over."""

    now: datetime
    zone: tzinfo
    rows: tuple[Stretch, ...]
    wall: tuple[tuple[int, int], ...]
    """The minutes of the local day that they touch."""

    @classmethod
    def of(cls, now: datetime, zone: tzinfo, rows: Iterable[Stretch]) -> Blocks:
        """Leave out what is past."""
        left = tuple(Stretch(max(one.start, now), one.end) for one in rows if one.end > now)
        return cls(now, zone, left, tuple(run for one in left for run in minutes(one, zone)))

    @property
    def begun(self) -> bool:
        """Whether the first has begun."""
        return self.rows[0].start <= self.now

    def overlap(self, other: Blocks) -> bool:
        """Tell whether some instant is in both."""
        return any(one.overlaps(two) for one in self.rows for two in other.rows)


def share(facts: LoadFacts, blocks: Blocks, others: Sequence[Blocks] = ()) -> Share:
    """Return what a load can give; `others` are the requests before and after that shed it as well."""
    load, state = facts.load, facts.state
    if (why := _out(facts, blocks) or _against_rules(facts, blocks, others)) is not None:
        return Share(load=load.id, why=why)
    known = facts.seen.power is not None or load.nominal or state.learned
    if not known and _by_habit(facts, blocks) is None:
        return Share(load=load.id, why=Why.UNKNOWN if facts.seen.on else Why.OFF)
    sure, likely = (max(Decimal(), one - load.steps[-1]) // 1 for one in _draws(facts, blocks))
    if not worth_it(int(likely)):
        return Share(load=load.id, why=Why.LITTLE if facts.seen.on or state.step else Why.OFF)
    if not worth_it(int(sure)):
        return Share(load=load.id, likely=likely, why=Why.UNCERTAIN)
    return Share(load=load.id, able=min(sure, likely), likely=likely)


def _out(facts: LoadFacts, blocks: Blocks) -> Why | None:
    """Say why a load is out of everybody's reach then."""
    load, state, seen = facts.load, facts.state, facts.seen
    if not seen.available:
        return Why.UNAVAILABLE
    if not seen.managed:
        return Why.UNMANAGED
    if state.futile_for_good:
        return Why.FUTILE
    if state.alone(_ms(blocks.rows[0].start)):
        return Why.HAND if state.hand else Why.DISOBEYED
    as_now = not _by_habit(facts, blocks)
    if as_now and not state.step and (not seen.sheddable or (seen.step or 0) >= len(load.steps)):
        return Why.OFF
    return None


def _against_rules(facts: LoadFacts, blocks: Blocks, others: Sequence[Blocks]) -> Why | None:
    """Say which rule of a load forbids it to be shed, or to stay so."""
    load, state = facts.load, facts.state
    longest = _EVER if load.max_off is None else load.max_off * _MS
    if any(block.length > longest for block in blocks.rows):
        return Why.MAX_OFF
    if any(touch(hours, blocks.wall) for hours in load.protected):
        return Why.PROTECTED
    shed_now, since = bool(state.step), None if state.changed is None else _EPOCH + state.changed * _MS
    goes_on = shed_now and blocks.begun
    if goes_on and since is not None and since + longest < blocks.rows[0].end:
        return Why.MAX_OFF
    if _sheds_used(facts, blocks, others, goes_on=goes_on):
        return Why.SHEDS
    first = blocks.rows[0]
    if since is not None and not goes_on:
        if shed_now and not _back(load, Stretch(min(since, blocks.now - _MS), blocks.now), first):
            return Why.MIN_ON
        if not shed_now and first.start - since < load.min_on * _MS:
            return Why.MIN_ON
    if goes_on and since is not None:
        first = Stretch(min(since, first.start), first.end)
    row = sorted(
        [
            *((one, True) for one in (first, *blocks.rows[1:])),
            *((one, False) for other in others for one in other.rows),
        ],
        key=lambda pair: pair[0].start,
    )
    for (before, own), (after, own_too) in pairwise(row):
        if (own or own_too) and not _back(load, before, after):
            return Why.MIN_ON
    return None


def _back(load: Load, before: Stretch, after: Stretch) -> bool:
    """Tell whether a load that is shed in one stretch can be shed in the next, whenever it came back in between."""
    longest = _EVER if load.max_off is None else load.max_off * _MS
    least = min(load.min_off * _MS, longest)
    back = min(max(before.start + least + _TURN, before.end + BACK), before.start + longest)
    if back + max(load.min_on * _MS, _LOOK) <= after.start:
        return True
    return not load.min_on and before.start + longest >= after.end


def _sheds_used(facts: LoadFacts, blocks: Blocks, others: Sequence[Blocks], *, goes_on: bool) -> bool:
    """Tell whether on some day a load would be shed more often than it may be."""
    most, state = facts.load.most_sheds, facts.state
    if most is None:
        return False
    own = [one.start.astimezone(blocks.zone).toordinal() for one in blocks.rows[goes_on:]]
    also = [one.start.astimezone(blocks.zone).toordinal() for other in others for one in other.rows[other.begun :]]
    return any((state.sheds if day == state.day else 0) + own.count(day) + also.count(day) > most for day in {*own})


def _draws(facts: LoadFacts, blocks: Blocks) -> tuple[Decimal, Decimal]:
    """Return what a load draws throughout, if it is not shed: for sure, and likely (W)."""
    if (habits := _by_habit(facts, blocks)) is not None:
        return min(map(_sure, habits)), min(one.mean_w for one in habits)
    present = Decimal(facts.state.draws(facts.load, facts.seen))
    if facts.state.step and blocks.begun:
        return present, present  # it is off already: what it drew before is what counts
    sure = likely = present
    lately = facts.lately
    if lately is not None and lately.seen_for >= _LATELY and not facts.state.step:
        sure, likely = min(present, _sure(lately)), min(present, lately.mean_w)
    ahead = blocks.rows[-1].end - blocks.now
    return sure * max(_HALF, 1 - Decimal(ahead // _MS) / (_FADES // _MS)), likely


def _by_habit(facts: LoadFacts, blocks: Blocks) -> list[Drawn] | None:
    """Return what it drew at those times of other days; None: the present is told by, or that is not known."""
    if not facts.habits or blocks.rows[0].start - blocks.now < NEAR:
        return None
    quarters = {minute // 15 for first, last in blocks.wall for minute in (*range(first, last, 15), last)}
    found = [facts.habits.get(quarter) for quarter in sorted(quarters)]
    known = [one for one in found if one is not None and one.seen_for >= _HABIT]
    return known if len(known) == len(found) else None


def _sure(drawn: Drawn) -> Decimal:
    return drawn.mean_w - DEVIATIONS * drawn.deviation_w


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MS


_EVER = timedelta(days=100_000)
