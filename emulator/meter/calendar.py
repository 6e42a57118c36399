"""Tariff calendars: which period is in force when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, override


class Tariff(Protocol):
    """A contract as the meter applies it; off-peak hours run from 22 to 6 h unless it says otherwise."""

    @property
    def name(self) -> str:
        """Name of the contract, as the meter writes it."""
        ...

    @property
    def periods(self) -> tuple[str, ...]:
        """Name every period, in the order of the meter's indexes."""
        ...

    @property
    def off_peak_hours(self) -> tuple[int, int]:
        """Give the local hours at which off-peak begins and ends."""
        return (22, 6)

    def period(self, at: datetime) -> str:
        """Name the period in force at a local time."""
        ...

    def off_peak(self, at: datetime) -> bool:
        """Say whether a local time falls in the off-peak hours."""
        begins, ends = self.off_peak_hours
        return at.hour >= begins or at.hour < ends


@dataclass(frozen=True, slots=True)
class Calendar(Tariff):
    """A contract above 36 kVA, its periods named as the meters do.

    Winter is November to March (HPH, HCH), the rest summer (HPE, HCE). Peak (``P``) is 09-11 and 18-20 h
    from December to February, where the contract has it (tables of public decoders).
    """

    name: str
    periods: tuple[str, ...]
    off_peak_hours: tuple[int, int] = (22, 6)

    @override
    def period(self, at: datetime) -> str:
        """Name the period in force at a local time."""
        season = "H" if at.month >= 11 or at.month <= 3 else "E"
        if self.off_peak(at):
            return f"HC{season}"
        peak = at.hour in (9, 10, 18, 19) and at.month in (12, 1, 2)
        return "P" if peak and "P" in self.periods else f"HP{season}"


BT4 = Calendar("BT 4 SUP36", ("HPH", "HCH", "HPE", "HCE"))
HTA5 = Calendar("HTA 5", ("P", "HPH", "HCH", "HPE", "HCE"))

# The supplier's hours differ, so that the two blocks of a frame part every day.
BT4_SUPPLIER = Calendar(BT4.name, BT4.periods, (23, 7))
HTA5_SUPPLIER = Calendar(HTA5.name, HTA5.periods, (23, 7))
