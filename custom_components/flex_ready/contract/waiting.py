"""Readings that wait until the ledger can be written."""

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..settlement.cutting import Cut
from ..settlement.model import Reading
from ..settlement.texts import read, written

_MOST = 50_000
"""Of all sites: a year of three."""

type Name = tuple[str, timedelta]
"""A site, and how long its steps are."""


@dataclass(slots=True)
class Waiting:
    """What waits, by site and length of the steps, then by the start of each."""

    readings: dict[Name, dict[datetime, Reading]] = field(default_factory=dict)

    def add(self, name: Name, told: Mapping[datetime, Reading]) -> None:
        """Have readings wait, in the place of earlier ones of the same steps."""
        self.readings.setdefault(name, {}).update(told)

    def first(self) -> tuple[Name, Mapping[datetime, Reading]] | None:
        """Return what is written together; None: nothing waits."""
        name = next(iter(self.readings), None)
        return None if name is None else (name, dict(self.readings[name]))

    def wrote(self, name: Name, written: Mapping[datetime, Reading]) -> None:
        """Let go of what was written, and of nothing that was told meanwhile."""
        left = {at: reading for at, reading in self.readings.pop(name).items() if written.get(at) != reading}
        if left:
            self.readings[name] = left

    def shorten(self) -> None:
        """Give up the oldest of too many."""
        for _ in range(sum(map(len, self.readings.values())) - _MOST):
            longest = max(self.readings.values(), key=len)
            longest.pop(min(longest))

    def kept(self) -> dict[str, dict[str, str]]:
        """Return all of it as JSON can say it, by site."""
        cuts: dict[str, Cut] = {}
        for (site, length), readings in self.readings.items():
            cuts.setdefault(site, {})[length] = readings
        return {site: written(cut) for site, cut in cuts.items()}

    def restore(self, kept: Mapping[str, object], sites: AbstractSet[str]) -> bool:
        """Take up what `kept` told of some sites; return whether all that it told makes sense."""
        sense = True
        for site in sites & kept.keys():
            cut, whole = read(kept[site])
            sense &= whole
            for length, readings in cut.items():
                self.add((site, length), readings)
        return sense
