"""Tariff calendars: which period is in force when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

type Colour = Literal["B", "W", "R"]
"""A Tempo day: blue, white or red."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods of a contract, as meters above 36 kVA name them.

    Winter is November to March. Peak (``P``) is 09-11 and 18-20 h from December to February, where the
    contract has it. Off-peak hours run from ``off_peak_from`` to ``off_peak_to`` (whole local hours).
    Periods: PME-PMI tables of public decoders (HPH/HCH winter, HPE/HCE summer, P peak).
    """

    name: str
    periods: tuple[str, ...]
    off_peak_from: int = 22
    off_peak_to: int = 6

    def period(self, at: datetime) -> str:
        """Name the period in force at a local time."""
        season = "H" if at.month >= 11 or at.month <= 3 else "E"
        if self.off_peak(at):
            return f"HC{season}"
        peak = at.hour in (9, 10, 18, 19) and at.month in (12, 1, 2)
        return "P" if peak and "P" in self.periods else f"HP{season}"

    def off_peak(self, at: datetime) -> bool:
        """Say whether a local time falls in the off-peak hours."""
        return at.hour >= self.off_peak_from or at.hour < self.off_peak_to


BT4 = Calendar("BT 4 SUP36", ("HPH", "HCH", "HPE", "HCE"))
HTA5 = Calendar("HTA 5", ("P", "HPH", "HCH", "HPE", "HCE"))

BT4_SUPPLIER = Calendar("BT 4 SUP36", BT4.periods, off_peak_from=23, off_peak_to=7)
HTA5_SUPPLIER = Calendar("HTA 5", HTA5.periods, off_peak_from=23, off_peak_to=7)
