"""Reading one body of JSON: everything that is wrong is noted with its place, and raised at the end."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
import re
import reprlib

from ..quantity import QuantityError, QuantityFault, Unit, parse_number, parse_quantity
from ..slots import Series, Slot
from .dialects import Dialect
from .problem import Code, Finding, RefusedError, pointer
from .rules import MOST_SLOTS, t1_instant, t2_slots

_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}", re.ASCII)
"""What may be a segment of a path."""
_LONGEST = 4_096
_ISO = re.compile(r"P(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_MOST_SECONDS = 10**9
_UNITS = (QuantityFault.UNKNOWN_UNIT, QuantityFault.UNKNOWN_MULTIPLIER)


type Reader[ValueT] = Callable[[object, str], ValueT | None]
"""Reads a value that is at a place, or notes what is wrong with it."""


class Reading:
    """One reading of one body; `zone` is the site's."""

    def __init__(self, dialect: Dialect, zone: tzinfo) -> None:
        self.dialect = dialect
        self.zone = zone
        self.findings: list[Finding] = []

    def wrong(self, where: str, code: Code, detail: str) -> None:
        """Note that something is wrong."""
        self.findings.append(Finding(where, code, detail))

    def members(self, body: object, where: str) -> Members | None:
        """Return the members of an object, or note that it is none."""
        if isinstance(body, Mapping) and all(isinstance(key, str) for key in body):
            return Members(self, body, where)
        self.wrong(where, Code.MALFORMED, "an object is expected")
        return None

    def items(self, body: object, where: str) -> Sequence[object]:
        """Return the items of an array; an object stands for an array of it where the dialect is lenient."""
        if isinstance(body, list):
            return body
        if isinstance(body, Mapping) and self.dialect.others_ignored:
            return [body]
        self.wrong(where, Code.MALFORMED, "an array is expected")
        return ()

    def stamp(self, value: object, where: str) -> datetime | None:
        """Return an instant (T1)."""
        found = t1_instant(value, where, self.zone, naive=self.dialect.naive_stamps)
        if isinstance(found, Finding):
            self.findings.append(found)
            return None
        return found

    def quantity(self, value: object, unit: Unit, where: str) -> Decimal | None:
        """Return the value of a triplet in its base unit."""
        try:
            found = parse_quantity(value)
        except QuantityError as error:
            code = Code.UNKNOWN_UNIT if error.fault in _UNITS else Code.MALFORMED
            self.wrong(f"{where}/{error.member}" if error.member else where, code, str(error))
            return None
        if found.unit is not unit:
            self.wrong(f"{where}/unit", Code.UNKNOWN_UNIT, f"{unit.value} is expected")
            return None
        return found.value

    def text(self, value: object, where: str) -> str | None:
        """Return a text."""
        if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable():
            return value
        self.wrong(where, Code.MALFORMED, "a text is expected")
        return None

    def identifier(self, value: object, where: str) -> str | None:
        """Return what may be a segment of a path."""
        if isinstance(value, str) and _ID.fullmatch(value) and value.strip("."):
            return value
        self.wrong(where, Code.MALFORMED, "1 to 128 letters, digits or . _ : ~ - are expected")
        return None

    def word(self, value: object, where: str, words: Sequence[str]) -> str | None:
        """Return one of some words."""
        if isinstance(value, str) and value in words:
            return value
        self.wrong(where, Code.MALFORMED, f"one of {', '.join(words)} is expected")
        return None

    def flag(self, value: object, where: str) -> bool | None:
        """Return true or false."""
        if isinstance(value, bool):
            return value
        self.wrong(where, Code.MALFORMED, "true or false is expected")
        return None

    def count(self, value: object, where: str) -> int | None:
        """Return a number of times."""
        if type(value) is int and 0 <= value <= _MOST_SECONDS:
            return value
        self.wrong(where, Code.MALFORMED, "a whole number is expected")
        return None

    def duration(self, value: object, where: str) -> timedelta | None:
        """Return a duration: ISO 8601, a number of minutes, or a triplet in s, min or h."""
        seconds: Decimal | None = None
        if isinstance(value, str):
            if (match := _ISO.fullmatch(value)) and any(match.groups()):
                days, hours, minutes, rest = (int(one or 0) for one in match.groups())
                seconds = Decimal(((days * 24 + hours) * 60 + minutes) * 60 + rest)
        elif isinstance(value, Mapping):
            unit = value.get("unit")
            if not isinstance(unit, str) or unit not in _SECONDS or value.get("multiplier") not in (None, "", "none"):
                self.wrong(f"{where}/unit", Code.UNKNOWN_UNIT, "s, min or h without a multiplier is expected")
                return None
            with suppress(QuantityError):
                seconds = parse_number(value.get("value")) * _SECONDS[unit]
        elif self.dialect.whole_minutes:
            with suppress(QuantityError):
                seconds = parse_number(value) * 60
        if seconds is None or not 0 <= seconds <= _MOST_SECONDS or seconds % 1:
            self.wrong(where, Code.MALFORMED, f"no duration: {reprlib.repr(value)}")
            return None
        return timedelta(seconds=int(seconds))


class Members:
    """The members of an object, by what they mean: a key of another spelling is found where the dialect has it."""

    def __init__(self, reading: Reading, body: Mapping[str, object], where: str) -> None:
        self.reading = reading
        self._body = body
        self._where = where
        self._known: set[str] = set()

    def has(self, member: str) -> bool:
        """Tell whether a member is there; null is as if it were not."""
        return self._find(member)[0] is not None

    def take[ValueT](self, member: str, read: Reader[ValueT], *, needed: bool = True) -> ValueT | None:
        """Read a member, or note that it is missing."""
        value, where = self._find(member)
        if value is not None:
            return read(value, where)
        if needed:
            self.reading.wrong(where, Code.MALFORMED, "this is missing")
        return None

    def pass_over(self, *members: str) -> None:
        """Take no notice of some members."""
        for member in members:
            self._known.update(self.reading.dialect.keys[member])

    def close(self) -> None:
        """Note the members that nobody asked for, unless the dialect passes them over."""
        if not self.reading.dialect.others_ignored:
            for key in sorted(self._body.keys() - self._known):
                self.reading.wrong(self._where + pointer(key), Code.MALFORMED, "this is not known here")

    def _find(self, member: str) -> tuple[object, str]:
        keys = self.reading.dialect.keys[member]
        self._known.update(keys)
        key = next((key for key in keys if self._body.get(key) is not None), keys[0])
        return self._body.get(key), self._where + pointer(key)


def whole[ValueT](dialect: Dialect, zone: tzinfo, body: object, build: Callable[[Members], ValueT | None]) -> ValueT:
    """Read a body with what builds a value from its members; raise RefusedError with everything that is wrong."""
    reading = Reading(dialect, zone)
    made = part(build)(reading, body, "")
    if made is None or reading.findings:
        raise RefusedError(reading.findings)
    return made


def part[ValueT](build: Callable[[Members], ValueT | None]) -> Callable[[Reading, object, str], ValueT | None]:
    """Make of what builds a value from members what reads an object."""

    def read(reading: Reading, body: object, where: str) -> ValueT | None:
        if (members := reading.members(body, where)) is None:
            return None
        made = build(members)
        members.close()
        return made

    return read


def slots_of[ValueT](
    reading: Reading,
    body: object,
    where: str,
    build: Callable[[Members], ValueT | None],
    *,
    most: int = MOST_SLOTS,
) -> Series[ValueT] | None:
    """Return a row of slots, each an object with a start, an end and what is built from the others (T2)."""

    def slot(members: Members) -> tuple[datetime, datetime, ValueT] | None:
        value = build(members)
        start, end = members.take("start", reading.stamp), members.take("end", reading.stamp)
        return None if value is None or start is None or end is None else (start, end, value)

    before = len(reading.findings)
    read = part(slot)
    items = reading.items(body, where)
    found = [read(reading, item, f"{where}/{i}") for i, item in enumerate(items[:most])]
    known = [one for one in found if one is not None]
    if len(items) > most:
        reading.wrong(where, Code.MALFORMED, f"more than {most} slots")
    elif len(reading.findings) == before:
        reading.findings += t2_slots([(start, end) for start, end, _ in known], where)
    if len(reading.findings) > before:
        return None
    return Series(tuple(Slot(start, end, value) for start, end, value in known))
