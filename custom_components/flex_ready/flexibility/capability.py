"""What an asset can give: the shares of its loads, each load counted for one request at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ..control.load import Hours
from ..slots import Series, Stretch
from .hours import EVERY_DAY, periods
from .model import Direction, Potential
from .rules import blocks
from .shares import Blocks, LoadFacts, Share, Why, share

HORIZON = timedelta(days=7)
"""For so long the time periods of a potential are told."""
_HOUR = timedelta(hours=1)
_LOOKS = 24
"""A potential is worked out for so many hours."""
_NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What was promised to a request, in the order in which it was."""

    loads: tuple[str, ...]
    """Those of its asset."""
    power: Series[Decimal]
    """W."""
    serve: tuple[str, ...] = ()
    """The loads that were allotted to it last: it keeps them, as many as it needs, while they count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """What is known of all loads now."""

    now: datetime
    zone: tzinfo
    loads: Mapping[str, LoadFacts]
    limits: bool = True
    """Whether loads are commanded in truth; else it only observes."""
    promised: tuple[Promise, ...] = ()


@dataclass(frozen=True, slots=True)
class Ability:
    """What an asset can give throughout."""

    shares: tuple[Share, ...]

    @property
    def able(self) -> Decimal:
        """For sure (W)."""
        return sum((one.able for one in self.shares), Decimal())

    @property
    def likely(self) -> Decimal:
        """Likely (W)."""
        return sum((one.likely for one in self.shares), Decimal())

    @property
    def loads(self) -> tuple[str, ...]:
        """The loads that count."""
        return tuple(one.load for one in self.shares if one.why is None)

    @property
    def missing(self) -> Mapping[str, Why]:
        """Why others do not."""
        return {one.load: one.why for one in self.shares if one.why is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the user lets operators have of an asset."""

    most: Decimal | None = None
    """W; None: what its loads can give."""
    mobilization_delay: timedelta = _NONE
    max_duration: timedelta | None = None
    activations_per_day: int | None = None
    recovery: timedelta = _NONE
    gaps: bool = False
    hours: Hours | None = None
    days: frozenset[int] = EVERY_DAY


def ability(building: Building, loads: Sequence[str], stretches: Sequence[Stretch]) -> Ability:
    """Return what some loads can give throughout stretches of time, besides all that is promised."""
    wanted = Blocks.of(building.now, building.zone, stretches)
    if not wanted.rows:
        return Ability(())
    plan = _Plan(building)
    shares = []
    for name in dict.fromkeys(loads):
        facts = building.loads.get(name)
        if facts is None:
            shares.append(Share(load=name, why=Why.UNAVAILABLE))
        elif not building.limits:
            shares.append(Share(load=name, why=Why.OBSERVED))
        else:
            shares.append(plan.share(name, wanted))
    return Ability(tuple(shares))


def allot(building: Building) -> tuple[tuple[str, ...], ...]:
    """Return the loads that are to serve each promise: as many as it needs, and no load two of them at a time.

    What is left and counts goes to the first that has it in its asset: it can take the place of one that fails. Who
    allots anew after each offer and at each look, and tells each promise what it had (`Promise.serve`), is safe from
    one taking what is to serve another.
    """
    plan = _Plan(building)
    for i, promise in enumerate(building.promised):
        for name in promise.loads:
            if plan.can_also(i, name):
                plan.served[i].append(name)
    return tuple(map(tuple, plan.served))


class _Plan:
    """Which loads serve which promise, as the arbiter would take them; those that were made first come first."""

    def __init__(self, building: Building) -> None:
        self._building = building
        self.rows: list[Blocks] = []
        self.served: list[list[str]] = []
        for promise in building.promised:
            rows = Blocks.of(building.now, building.zone, blocks(promise.power))
            needed = self._needed(promise, rows)
            self.rows.append(rows)
            self.served.append(needed)

    def share(self, name: str, rows: Blocks, besides: int | None = None) -> Share:
        """Return what a load can give besides what it serves already."""
        serves = [one for j, one in enumerate(self.rows) if j != besides and name in self.served[j]]
        if any(one.overlap(rows) for one in serves):
            return Share(load=name, why=Why.PROMISED)
        return share(self._building.loads[name], rows, serves)

    def can_also(self, i: int, name: str) -> bool:
        """Tell whether a load can serve a promise that does not need it."""
        rows = self.rows[i]
        there = name in self._building.loads and name not in self.served[i] and bool(rows.rows)
        return there and self.share(name, rows, besides=i).why is None

    def _needed(self, promise: Promise, rows: Blocks) -> list[str]:
        if not rows.rows:
            return []
        loads, kept = self._building.loads, {name: i for i, name in enumerate(promise.serve)}
        power = max(slot.value for slot in promise.power if slot.end > self._building.now)
        there = sorted(
            {*promise.loads} & loads.keys(),
            key=lambda name: (kept.get(name, len(kept)), loads[name].load.priority, name),
        )
        needed: list[str] = []
        given = Decimal()
        for name in there:
            if given >= power:
                break
            if able := self.share(name, rows).able:
                needed.append(name)
                given += able
        return needed if given >= power else [name for name in there if self.share(name, rows).why is not Why.PROMISED]


def potential(flex_product: str, terms: Terms, building: Building, loads: Sequence[str]) -> Potential:
    """Return what an asset can give of a product: what is likely at the best hour of those that come.

    What an offer promises is what is sure at the time asked for (`ability`), which may be less.
    """
    now, length = building.now, terms.max_duration or _HOUR
    open_at: tuple[Stretch, ...] = ()
    if terms.hours is not None or terms.days != EVERY_DAY:
        open_at = periods(terms.hours, terms.days, building.zone, now, now + HORIZON)
    free = replace(building, promised=())
    looks = _looks(open_at or (Stretch(now, now + HORIZON),), now + terms.mobilization_delay, length)
    best = max((ability(free, loads, (one,)).likely for one in looks), default=Decimal())
    return Potential(
        flex_product=flex_product,
        power=best if terms.most is None else min(best, terms.most),
        direction=Direction.DECREASE,
        mobilization_delay=terms.mobilization_delay,
        max_duration=terms.max_duration,
        activations_per_day=terms.activations_per_day,
        time_periods=open_at,
        recovery=terms.recovery,
        gaps=terms.gaps,
    )


def _looks(open_at: Sequence[Stretch], first: datetime, length: timedelta) -> Iterator[Stretch]:
    """Give the stretches that a potential is worked out for: each begins at the start of a period, or an hour on."""
    looks = 0
    for period in open_at:
        at = max(period.start, first)
        while looks < _LOOKS and at < period.end and (at + length <= period.end or at in (period.start, first)):
            yield Stretch(at, min(at + length, period.end))
            looks += 1
            at += _HOUR
