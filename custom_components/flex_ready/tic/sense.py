"""What a label means on this line: looked up once, in the table of the meter that speaks, then remembered."""

from dataclasses import dataclass

from .forms import Form, parse_horodate
from .model import Group, Meter
from .recognise import witness
from .tables import TABLES, Label

_STUBBORN = 3
"""Times that a label's data must misfit, never having fitted, before the table is taken to be wrong about it."""


@dataclass(slots=True)
class Sense:
    """A label as sent, the rows it may be, and how its data has fitted them so far."""

    label: str
    key: str
    witness: Meter | None
    rows: tuple[Label, ...]
    plain: Form | None
    """The form of its one row, where the group carries no date: nearly every label."""
    fitted: bool = False
    misfits: int = 0

    def group(self, horodate: bytes | None, data: bytes) -> Group | None:
        """Return the group with its value, or None where the data cannot be this label's.

        An unknown label is kept as text. So is a known one whose data has never fitted and comes back: then it is
        the table that is wrong, not the line.
        """
        text = data.decode()
        if horodate is None and self.plain is not None and (parsed := self.plain.parse(text)):
            self.fitted = True
            return Group(self.key, self.label, text, parsed[0], parsed[1])
        at = None
        if horodate and (at := parse_horodate(horodate.decode())) is None:
            return None
        for row in self.rows:
            if row.dated is (at is not None) and (parsed := row.form.parse(text)):
                self.fitted = True
                return Group(row.label, self.label, text, parsed[0], parsed[1], at)
        if self.rows:
            self.misfits += 1
            if self.fitted or self.misfits < _STUBBORN:
                return None
        return Group(self.key, self.label, text, text.strip(" "), None, at, known=False)


def sense_of(label: str, meter: Meter | None) -> Sense:
    """Look a label up in the table of a meter, or in every one while none is recognised."""
    tables = TABLES.values() if meter is None else (TABLES[meter],)
    rows = tuple(row for table in tables if (row := table.find(label)) is not None)
    plain = rows[0].form if len(rows) == 1 and not rows[0].dated else None
    return Sense(label, rows[0].label if rows else label, witness(label), rows, plain)
