"""The energy indexes of a meter, one per tariff period seen (pure).

A PME-PMI sends the index of the running period only, so each is remembered under its period's code; the others stay
unknown until their period comes. No sum of them is made: it would be a part passed off as the whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..tic import Group, Meter
from ..tic.tables.ice import PERIOD_CODES
from ..tic.tables.linky_historique import INDEXES

_MOST_W = {Meter.LINKY_HISTORIQUE: 50_000, Meter.LINKY_STANDARD: 50_000}
_MOST_W_ELSE = 20_000_000
_SLACK_WH = 2_000
_INSIST = 3
"""Frames in a row that must agree on an impossible step before it is believed: a meter was replaced."""


@dataclass(frozen=True, slots=True)
class Index:
    """One index: `grid` says whose calendar (or "total"), `period` which of it; `name` as the meter words it."""

    grid: str
    period: str
    wh: int
    name: str

    @property
    def key(self) -> str:
        """A stable name for it."""
        return f"energy_{self.grid}_{self.period}".lower()


type Groups = Mapping[str, Group]


def _pme_pmi(groups: Groups) -> Iterator[Index]:
    for grid, period, label in (
        ("distributor", "PTCOUR1", "EAP_s"),
        ("supplier", "PTCOUR2", "EaP_s2"),
        ("distributor_injected", "PTCOUR1", "EAP_i"),
    ):
        code = _text(groups, period)
        if code and code not in ("000", "XXX", "?") and (wh := _wh(groups, label)) is not None:
            yield Index(grid, code, wh, code)


def _saphir(groups: Groups) -> Iterator[Index]:
    for grid, letter in (("distributor", "D"), ("supplier", "F")):
        for number in range(1, 9):
            # All are sent; those that the contract does not use stay at zero.
            if wh := _wh(groups, f"EAp_{number}S{letter}"):
                yield Index(grid, str(number), wh, _text(groups, f"LIB_p{number}{letter}") or str(number))


def _ice(groups: Groups) -> Iterator[Index]:
    for code in PERIOD_CODES:
        if (wh := _wh(groups, f"EAp{code}")) is not None:
            yield Index("billing_period", code, wh, code)


def _linky_historique(groups: Groups) -> Iterator[Index]:
    for label, _, _ in INDEXES:
        if (wh := _wh(groups, label)) is not None:
            yield Index("index", label, wh, label)


def _linky_standard(groups: Groups) -> Iterator[Index]:
    for label in ("EAST", "EAIT"):
        if (wh := _wh(groups, label)) is not None:
            yield Index("total", label, wh, label)
    for grid, prefix, last in (("supplier", "EASF", 10), ("distributor", "EASD", 4)):
        for number in range(1, last + 1):
            # All are sent; those that the contract does not use stay at zero.
            if wh := _wh(groups, f"{prefix}{number:02}"):
                yield Index(grid, f"{number:02}", wh, str(number))


_READERS = {
    Meter.PME_PMI: _pme_pmi,
    Meter.SAPHIR: _saphir,
    Meter.ICE: _ice,
    Meter.LINKY_HISTORIQUE: _linky_historique,
    Meter.LINKY_STANDARD: _linky_standard,
}


def read_indexes(meter: Meter, groups: Groups) -> Iterator[Index]:
    """Give the indexes of one complete frame: a period and its index must be of the same frame."""
    return _READERS[meter](groups)


def _text(groups: Groups, label: str) -> str | None:
    group = groups.get(label)
    return group.value if group and isinstance(group.value, str) else None


def _wh(groups: Groups, label: str) -> int | None:
    group = groups.get(label)
    if group is None or not group.known or not isinstance(group.value, int):
        return None
    return group.value * 1000 if group.unit == "kWh" else group.value


class IndexBook:
    """Remembers the indexes, and believes no step that cannot have happened."""

    def __init__(self) -> None:
        self.indexes: dict[str, Index] = {}
        self._at: dict[str, float] = {}
        self._doubts: dict[str, tuple[int, int]] = {}
        self._new: set[str] = set()

    def take(self, meter: Meter, groups: Groups, now: float) -> None:
        """Take the indexes of a complete frame; `now` is monotonic, in s."""
        grids = {index.grid for index in self.indexes.values()}
        new_before, self._new = self._new, set()
        for index in read_indexes(meter, groups):
            key = index.key
            known = self.indexes.get(key)
            if known is None and index.grid in grids and key not in new_before:
                # A damaged code may verify once, and would be an energy for ever; it does not come twice.
                self._new.add(key)
                continue
            if known is None or self._possible(meter, known.wh, index.wh, now - self._at[key]):
                self._doubts.pop(key, None)
            elif not self._insists(key, index.wh):
                continue
            self.indexes[key] = index
            self._at[key] = now

    @staticmethod
    def _possible(meter: Meter, before: int, after: int, seconds: float) -> bool:
        most = _MOST_W.get(meter, _MOST_W_ELSE) * seconds / 3600 + _SLACK_WH
        return 0 <= after - before <= most

    def _insists(self, key: str, wh: int) -> bool:
        last, times = self._doubts.get(key, (wh, 0))
        times = times + 1 if 0 <= wh - last <= _SLACK_WH else 1
        self._doubts[key] = (wh, times)
        if times < _INSIST:
            return False
        del self._doubts[key]
        return True
