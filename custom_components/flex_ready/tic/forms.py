"""The forms that a group's data can take: text in, typed value out, None where it does not fit.

The checksum is six bits wide and blind to bit 6 of every byte, so a form is as strict as the meters allow:
it is what stands between a damaged byte that the checksum lets pass and a wrong value.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
import re
from typing import override

from .model import DatedPeriod, DayProfile, Fields, Stamp, Value

type Parsed = tuple[Value, str | None]
"""A value and its unit."""

_DATE = re.compile(r"\d\d/\d\d/\d\d (?:[01]\d|2[0-3])[:/]\d\d[:/]\d\d", re.ASCII).fullmatch
_HORODATE = re.compile(r"[EHeh ]\d{6}(?:[01]\d|2[0-3])\d{4}", re.ASCII).fullmatch
_OFFSETS = {"H": 1, "E": 2, " ": None}


def parse_date(text: str) -> Stamp | None:
    """Read `JJ/MM/AA hh:mm:ss`; the seed prints SAPHIR's with slashes in the time, which is taken too."""
    if _DATE(text) is None:
        return None
    day, time = text[0:2], text[9:].replace("/", ":")
    try:
        return Stamp(datetime.fromisoformat(f"20{text[6:8]}-{text[3:5]}-{day} {time}"))
    except ValueError:
        return None


def parse_horodate(text: str) -> Stamp | None:
    """Read `SAAMMJJhhmmss` (Enedis-NOI-CPT_54E 6.2.1.1): S is the season, in lower case on a degraded clock."""
    if _HORODATE(text) is None:
        return None
    season = text[0]
    try:
        local = datetime.fromisoformat(f"20{text[1:7]}T{text[7:]}")
    except ValueError:
        return None
    return Stamp(local, _OFFSETS[season.upper()], season.islower())


class Form(ABC):
    """How the data of a label is written."""

    @abstractmethod
    def parse(self, data: str) -> Parsed | None:
        """Return value and unit, or None where the data is not of this form."""


@dataclass(frozen=True, slots=True)
class Digits(Form):
    """`width` digits, zero-padded, no unit in the bytes (Linky)."""

    width: int
    unit: str | None = None

    @override
    def parse(self, data: str) -> Parsed | None:
        if len(data) == self.width and data.isdecimal() and data.isascii():
            return int(data), self.unit
        return None


@dataclass(frozen=True, slots=True)
class Identifier(Form):
    """A serial or delivery point number: digits, kept as text."""

    width: int

    @override
    def parse(self, data: str) -> Parsed | None:
        # Nothing but digits is sent; who shares a capture crosses some out, or cuts them off.
        if self.width - 2 <= len(data) <= self.width and not data.strip("0123456789xX"):
            return data, None
        return None


@dataclass(frozen=True, slots=True)
class Glued(Form):
    """A whole number with its unit glued to it, not padded: `422Wh`, `42kVA` (PME-PMI)."""

    units: tuple[str, ...]
    signed: bool
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __init__(self, *units: str, signed: bool = False) -> None:
        sign = "-?" if signed else ""
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "signed", signed)
        object.__setattr__(self, "_pattern", re.compile(rf"({sign}(?:0|[1-9]\d{{0,9}}))({'|'.join(units)})", re.ASCII))

    @override
    def parse(self, data: str) -> Parsed | None:
        if (match := self._pattern.fullmatch(data)) is None:
            return None
        return int(match[1]), match[2]


@dataclass(frozen=True, slots=True)
class Measure(Form):
    """A number as ICE and SAPHIR write it: padded or not, perhaps signed, unit glued or left out.

    A unit that is left out is the table's. ICE may mark a truncated value with one more character.
    """

    unit: str | None
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __init__(self, unit: str | None) -> None:
        object.__setattr__(self, "unit", unit)
        tail = f" ?(?:{re.escape(unit)})?" if unit else ""
        object.__setattr__(self, "_pattern", re.compile(rf"([+-]?)(\d{{1,10}}(?:[,.]\d{{1,3}})?){tail}[ T*]?"))

    @override
    def parse(self, data: str) -> Parsed | None:
        if (match := self._pattern.fullmatch(data)) is None:
            return None
        number = match[1] + match[2].replace(",", ".")
        return (Decimal(number) if "." in number else int(number)), self.unit


@dataclass(frozen=True, slots=True)
class SignedDecimal(Form):
    """A ratio with a comma: `-0,39`."""

    @override
    def parse(self, data: str) -> Parsed | None:
        if re.fullmatch(r"[+-]?\d{1,3},\d\d", data) is None:
            return None
        return Decimal(data.replace(",", ".")), None


@dataclass(frozen=True, slots=True)
class Code(Form):
    """One of the codes a label is known to carry; another of the same shape is kept, as text.

    Padding goes on both sides: PTCOUR1 pads on the right, TARIFDYN on the left.
    """

    known: frozenset[str]
    pattern: str
    closed: bool = False
    """True where no other code exists, so that another one can only be damage."""

    @override
    def parse(self, data: str) -> Parsed | None:
        code = data.strip(" ")
        if code in self.known:
            return code, None
        if self.closed or re.fullmatch(self.pattern, data) is None:
            return None
        return code, None


@dataclass(frozen=True, slots=True)
class Text(Form):
    """Free text of at most `width` characters, or padded to it; the padding is taken off."""

    width: int
    empty: bool = False
    padded: bool = False

    @override
    def parse(self, data: str) -> Parsed | None:
        text = data.strip(" ")
        if len(data) > self.width or (self.padded and len(data) < self.width) or not (text or self.empty):
            return None
        # A space that lost its bit 6 is a grave accent, which the checksum does not see and no meter sends.
        return None if "`" in text else (text, None)


@dataclass(frozen=True, slots=True)
class Date(Form):
    """`JJ/MM/AA hh:mm:ss`, local time of the meter."""

    @override
    def parse(self, data: str) -> Parsed | None:
        stamp = parse_date(data)
        return None if stamp is None else (stamp, None)


@dataclass(frozen=True, slots=True)
class Nothing(Form):
    """No data at all: the group's date is all it says (DATE of a Linky)."""

    @override
    def parse(self, data: str) -> Parsed | None:
        return None if data else (None, None)


@dataclass(frozen=True, slots=True)
class DynamicEdge(Form):
    """`JJ/MM/AA hh:mm:ss-PPP`; a date that is not programmed is written with X or dashes."""

    @override
    def parse(self, data: str) -> Parsed | None:
        when, dash, period = data.rpartition("-")
        if not dash or len(period) > 3:
            return None
        stamp = parse_date(when)
        if stamp is None and any(c.isdigit() and c != "0" for c in when):
            return None
        return DatedPeriod(stamp, period.strip(" ")), None


@dataclass(frozen=True, slots=True)
class Profile(Form):
    """Up to 11 steps `HHMMSSSS` or NONUTILE (Enedis-NOI-CPT_54E 6.2.3.4)."""

    @override
    def parse(self, data: str) -> Parsed | None:
        words = data.split()
        if not words or not all(re.fullmatch(r"NONUTILE|([01]\d|2[0-3])[0-5]\d[0-9A-F]{4}", w) for w in words):
            return None
        return DayProfile(tuple((w[:4], w[4:]) for w in words if w != "NONUTILE")), None


@dataclass(frozen=True, slots=True)
class Register(Form):
    """A fixed number of hexadecimal digits, taken apart by a reader."""

    width: int
    reader: Callable[[int], Fields]

    @override
    def parse(self, data: str) -> Parsed | None:
        if len(data) != self.width or re.fullmatch(r"[0-9A-F]+", data) is None:
            return None
        return self.reader(int(data, 16)), None
