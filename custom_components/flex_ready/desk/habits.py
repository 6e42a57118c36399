"""What loads draw at each quarter of an hour of the day, learned from day to day: recent days count more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

from ..flexibility.shares import Drawn

_LEAST_S = 600
"""A quarter that was seen for less says nothing."""
_DAYS = 14
"""A day counts as if it were one of so many."""
_QUARTER = timedelta(minutes=15)
_QUARTERS = 96
_MOST = 1e15
"""No variance is larger (W²)."""


@dataclass(slots=True)
class _Habit:
    days: int = 0
    mean: float = 0
    variance: float = 0

    def learn(self, power: float) -> None:
        """Take the mean power of the quarter on one more day (W)."""
        self.days += 1
        share, off = 1 / min(self.days, _DAYS), power - self.mean
        self.mean += share * off
        self.variance = (1 - share) * (self.variance + share * off * off)


@dataclass(slots=True)
class Habits:
    """What is known of some loads, by quarter of an hour of the local day (0 to 95)."""

    _of: dict[str, dict[int, _Habit]] = field(default_factory=dict)

    def learn(self, load: str, quarter: int, power: float, seconds: float) -> bool:
        """Take what a load drew in a quarter that is over (W), if it was seen for long enough; tell whether it was."""
        if seconds < _LEAST_S:
            return False
        self._of.setdefault(load, {}).setdefault(quarter, _Habit()).learn(power)
        return True

    def drawn(self, load: str) -> Mapping[int, Drawn]:
        """Return what a load draws on other days."""
        return {
            quarter: Drawn(
                mean_w=Decimal(round(one.mean)),
                deviation_w=Decimal(round(sqrt(one.variance))),
                seen_for=one.days * _QUARTER,
            )
            for quarter, one in self._of.get(load, {}).items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            load: {
                str(quarter): [one.days, round(one.mean, 1), round(one.variance, 1)] for quarter, one in rows.items()
            }
            for load, rows in self._of.items()
        }

    def take_up(self, kept: object, loads: frozenset[str]) -> None:
        """Take up what was kept of loads that are still there; what makes no sense is left out."""
        for load, rows in kept.items() if isinstance(kept, Mapping) else ():
            if load in loads and isinstance(rows, Mapping):
                found = {int(quarter): row for quarter, row in rows.items() if _is_quarter(quarter) and _is_row(row)}
                self._of[load] = {quarter: _Habit(*row) for quarter, row in found.items()}


def _is_quarter(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdecimal() and int(text) < _QUARTERS


def _is_row(row: object) -> bool:
    if not isinstance(row, list) or len(row) != len(_Habit.__slots__):
        return False
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one < _MOST for one in row)
    return numbers and isinstance(row[0], int) and row[0] > 0
