"""Readings that wait until the ledger can be written."""

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import re

from ..settlement.cutting import LENGTHS
from ..settlement.model import Quality, Reading

_MOST = 50_000
"""Of all sites: a year of three."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_S = timedelta(seconds=1)
_LETTERS = {Quality.MEASURED: "m", Quality.ESTIMATED: "e", Quality.UNKNOWN: "u"}
_QUALITIES = {letter: quality for quality, letter in _LETTERS.items()}
_WORD = re.compile(r"([0-9]{1,8}):(?:x|(-?[0-9]{1,9})([meu]))")
"""A reading: the number of its step since 1970, and Wh with their quality, or x: missing."""

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
        """Return all of it as JSON can say it: by site and length (s) a text, as short as can be read."""
        said: dict[str, dict[str, str]] = {}
        for (site, length), readings in self.readings.items():
            words = (_word((at - _EPOCH) // length, reading) for at, reading in sorted(readings.items()))
            said.setdefault(site, {})[str(length // _S)] = " ".join(words)
        return said

    def restore(self, kept: Mapping[str, object], sites: AbstractSet[str]) -> bool:
        """Take up what `kept` told of some sites; return whether all that it told makes sense."""
        sense = True
        for site in sites & kept.keys():
            for length in LENGTHS:
                of = kept[site]
                said = of.get(str(length // _S), "") if isinstance(of, Mapping) else None
                words = [_WORD.fullmatch(word) for word in said.split()] if isinstance(said, str) else [None]
                sense &= None not in words
                if readings := dict(_reading(word, length) for word in words if word is not None):
                    self.add((site, length), readings)
        return sense


def _word(step: int, reading: Reading) -> str:
    return f"{step}:x" if reading.wh is None else f"{step}:{reading.wh}{_LETTERS[reading.quality]}"


def _reading(word: re.Match[str], length: timedelta) -> tuple[datetime, Reading]:
    step, wh, letter = word.groups()
    reading = Reading(None, Quality.MISSING) if wh is None else Reading(int(wh), _QUALITIES[letter])
    return _EPOCH + int(step) * length, reading
