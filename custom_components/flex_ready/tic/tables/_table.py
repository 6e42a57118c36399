"""What a meter's table is made of: one row a label, and the lookup from the label as sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from ..forms import Form
from ..model import Meter


class When(StrEnum):
    """When a meter emits a label."""

    ALWAYS = "always"
    OPTION = "option"
    """Where the meter's version, contract or wiring has it."""
    PRODUCER = "producer"
    THREE_PHASE = "three_phase"
    ANNOUNCED = "announced"
    """While something is announced or programmed."""
    PRESENCE = "presence"
    """Only while it is true: its absence from a whole frame says that it is not."""


@dataclass(frozen=True, slots=True)
class Label:
    """One row: how a label is spelled, its form, what it means, when it is emitted and who says so."""

    label: str
    form: Form
    en: str
    fr: str
    when: When
    source: str
    dated: bool = False
    """Whether the group carries a date of its own."""


def _as_sent(label: str) -> str:
    return label.upper()


@dataclass(frozen=True, slots=True)
class Table:
    """The labels of one meter.

    `openers` are the labels that begin a frame. `spelling` maps a label as sent to the one key under which
    all its spellings stand: meters of one type differ in case, and nobody has seen a SAPHIR.
    """

    meter: Meter
    labels: tuple[Label, ...]
    openers: frozenset[str]
    spelling: Callable[[str], str] = _as_sent
    _rows: dict[str, Label] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = {self.spelling(row.label): row for row in self.labels}
        if len(rows) != len(self.labels):
            raise ValueError(f"{self.meter}: two rows of one spelling")
        object.__setattr__(self, "_rows", rows)

    def find(self, label: str) -> Label | None:
        """Return the row of a label as sent, however it is spelled."""
        return self._rows.get(self.spelling(label))
