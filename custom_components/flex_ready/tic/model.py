"""What the meter's language is made of: meters, groups, frames, and why something was dropped."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Meter(StrEnum):
    """The meters whose customer output (TIC) is understood."""

    PME_PMI = "pme_pmi"
    SAPHIR = "saphir"
    ICE = "ice"
    LINKY_HISTORIQUE = "linky_historique"
    LINKY_STANDARD = "linky_standard"


class Reject(StrEnum):
    """Why a group was dropped."""

    CHECKSUM = "checksum"
    """Its checksum does not verify under the rule this meter uses."""
    SHAPE = "shape"
    """It is not label, separator, data, separator, checksum in printable ASCII."""
    FORMAT = "format"
    """Its checksum verifies, but the data is not what this label carries: a collision of the 6-bit sum."""
    TRUNCATED = "truncated"
    """A frame began or ended before its CR."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date of the meter: local time of Europe/Paris, with its UTC offset where the meter tells the season.

    `offset_hours` is None where it does not (PME-PMI, SAPHIR, ICE, mobile-peak dates of a Linky);
    `degraded` is True where the meter says that its clock is (Enedis-NOI-CPT_54E 6.2.1).
    """

    local: datetime
    offset_hours: int | None = None
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class DatedPeriod:
    """An edge of a dynamic tariff period: when, and which period (PME-PMI, TDYNxxx)."""

    at: Stamp | None
    period: str


@dataclass(frozen=True, slots=True)
class DayProfile:
    """The steps of a day: (start "HHMM", action as 4 hex digits) (Linky standard, PJOURF+1 and PPOINTE)."""

    steps: tuple[tuple[str, str], ...]


type Fields = Mapping[str, str | int | bool | None]
"""A register taken apart, by field (STGE)."""

type Value = int | Decimal | str | Stamp | DatedPeriod | DayProfile | Fields | None
"""What a group carries: a number in `unit`, a text, a code of an enumeration, a date, or nothing."""


class Group(NamedTuple):
    """One verified group. A tuple, for a meter sends up to 200 a second and a tuple is made in a third of the time.

    `label` is spelled as the meter sends it and `key` as the tables do (the key of an unknown label is the label);
    `raw` is the data as sent, padding included; `unit` is that of `value` (kW, kVA, Wh, kWh, varh, kvarh, VAh, V,
    A, VA, W, min, %) or None; `at` is the group's own date (Linky standard); `known` tells whether the label is in
    this meter's table and its data is of the table's form.
    """

    key: str
    label: str
    raw: str
    value: Value
    unit: str | None = None
    at: Stamp | None = None
    known: bool = True


_SHORT = frozenset(("ADIR1", "ADIR2", "ADIR3", "ADCO", "IINST1", "IINST2", "IINST3"))


@dataclass(frozen=True, slots=True)
class Frame:
    """The verified groups of one frame, in the order they came.

    `complete`: it began with STX and ended with ETX. `rejected`: groups dropped inside it.
    """

    meter: Meter | None
    complete: bool
    rejected: int
    groups: tuple[Group, ...]

    @property
    def short(self) -> bool:
        """Whether it is a short frame: what a three-phase Linky sends in an overrun and a minute after (54E 6.1.2)."""
        return self.meter is Meter.LINKY_HISTORIQUE and all(group.key in _SHORT for group in self.groups)

    @property
    def whole(self) -> bool:
        """Whether nothing was lost of it: what is missing was not sent."""
        return self.complete and not self.rejected

    def by_key(self) -> dict[str, Group]:
        """Return the groups by key. Of a key that comes twice the first counts: an ICE repeats its block."""
        return {group.key: group for group in reversed(self.groups)}


type Event = Group | Frame


@dataclass(slots=True)
class Counts:
    """What a decoder has seen since it was made."""

    bytes: int = 0
    groups: int = 0
    frames: int = 0
    complete_frames: int = 0
    interruptions: int = 0
    """Frames given up by the meter itself (EOT): no fault of the line."""
    dropped_bytes: int = 0
    """Bytes that were not even part of a group."""
    rejected: Counter[Reject] = field(default_factory=Counter)

    @property
    def bad_groups(self) -> int:
        """How many groups were dropped, whatever the reason."""
        return self.rejected.total()
