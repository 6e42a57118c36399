"""How one meter separates and sums: learned from the line, then held to.

    mode 1:  LF label SEP data SEP checksum CR      sum over label..data
                ^^^^^^^^^^^^^^
    mode 2:  LF label SEP data SEP checksum CR      sum over label..data and the SEP behind it
                ^^^^^^^^^^^^^^^^^^

Meters designed before 2013 use a space and mode 1, later ones a tabulation and mode 2; the layout of a SAPHIR is
not published, so the other two pairs are taken too once the line has shown them often enough. Accepting any of
them at any time would double the share of damaged groups that pass.
"""

from collections import Counter
from dataclasses import dataclass
import re

from .model import Reject

SPACE, TAB, _LF = 0x20, 0x09, 0x0A


@dataclass(frozen=True, slots=True)
class Layout:
    """A separator (its byte), a checksum mode (1 or 2)."""

    separator: int
    mode: int
    extra: int
    """What the sum holds beyond label..data."""


_NATURAL = {SPACE: Layout(SPACE, 1, 0), TAB: Layout(TAB, 2, TAB)}
_ODD = {SPACE: Layout(SPACE, 2, SPACE), TAB: Layout(TAB, 1, 0)}
_SETTLED = 8
"""Groups of one layout after which no other is taken; and how often an odd one must be seen to be believed."""
_LOST = 60
"""Groups in a row that fail under the settled layout before it is given up: more than a frame of most meters."""

# A label has 9 characters at the most (SMAXSN1-1); the bound leaves room for what nobody has seen. Data may hold
# spaces even where the separator is one, so the label ends at the first separator and the data at the last.
_SPACED = re.compile(rb"\n([!-~]{1,12}) ([ -~]*) [ -_]").fullmatch
_TABBED = re.compile(rb"\n([!-~]{1,12})\t(?:([EHeh ][0-9]{12})\t)?([ -~]*)\t[ -_]").fullmatch

type Fields = tuple[bytes, bytes | None, bytes]
"""Label, horodate where there is one, data."""


class LayoutLearner:
    """Splits lines (LF to checksum) and verifies them under the layout that they have."""

    __slots__ = ("_failures", "_seen", "_settled")

    def __init__(self) -> None:
        self._settled: Layout | None = None
        self._seen: Counter[Layout] = Counter()
        self._failures = 0

    def split(self, line: bytes) -> Fields | Reject:
        """Return the fields of a verified line, or what is wrong with it: its shape or its checksum."""
        horodate: bytes | None = None
        if match := _SPACED(line):
            label, data = match.groups()
            separator = SPACE
        elif match := _TABBED(line):
            label, horodate, data = match.groups()
            separator = TAB
        else:
            return self._failed(Reject.SHAPE)
        check = line[-1]
        body = sum(line) - _LF - separator - check  # label..data
        if (settled := self._settled) is None:
            verified = self._verifies(separator, body, check)
        elif separator == settled.separator:
            verified = (body + settled.extra & 0x3F) + 0x20 == check
        else:
            verified = False
        if not verified:
            return self._failed(Reject.CHECKSUM)
        self._failures = 0
        return label, horodate, data

    def _verifies(self, separator: int, body: int, check: int) -> bool:
        """Tell whether a sum gives its checksum while the layout is open, and learn from it."""
        mode1 = (body & 0x3F) + 0x20 == check
        mode2 = ((body + separator) & 0x3F) + 0x20 == check
        natural, odd = (mode1, mode2) if separator == SPACE else (mode2, mode1)
        if not (natural or odd):
            return False
        layout = (_NATURAL if natural else _ODD)[separator]
        self._seen[layout] += 1
        if self._seen[layout] >= _SETTLED and self._seen.total() < 2 * self._seen[layout]:
            self._settled = layout
        return natural or self._settled is layout

    def _failed(self, reason: Reject) -> Reject:
        self._failures += 1
        if self._failures >= _LOST:
            self._settled = None
            self._seen.clear()
            self._failures = 0
        return reason
