"""What the two outputs of a Linky share: its contract with the supplier, its colours, its currents."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, override

from .building import dice
from .calendar import Tariff

type LinkyTariff = Literal["base", "hc", "tempo"]
type Colour = Literal["B", "W", "R"]
"""A Tempo day: blue, white or red."""

TEMPO_DAY_STARTS = 6
"""A Tempo day runs from 6 to 6 h."""
TEMPO_ANNOUNCED = 11
"""From this hour on the colour of tomorrow is known."""

_PERIODS: dict[LinkyTariff, tuple[str, ...]] = {
    "base": ("BASE",),
    "hc": ("HC", "HP"),
    "tempo": ("HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR"),
}


@dataclass(frozen=True, slots=True)
class LinkyCalendar(Tariff):
    """A supplier's contract; its periods are numbered from 1 as the meter's indexes."""

    tariff: LinkyTariff
    seed: int

    @property
    @override
    def name(self) -> str:
        """Name of the contract."""
        return self.tariff

    @property
    @override
    def periods(self) -> tuple[str, ...]:
        """Name every period."""
        return _PERIODS[self.tariff]

    @override
    def period(self, at: datetime) -> str:
        """Name the period in force at a local time."""
        hours = "HC" if self.off_peak(at) else "HP"
        match self.tariff:
            case "base":
                return "BASE"
            case "hc":
                return hours
            case "tempo":
                return f"{hours}J{self.colour(at)}"

    def colour(self, at: datetime) -> Colour:
        """Give the colour of the Tempo day a local time falls in; red only from November to March."""
        day = (at - timedelta(hours=TEMPO_DAY_STARTS)).toordinal()
        thrown = dice(self.seed, "tempo", day)
        if thrown > 900 and (at.month >= 11 or at.month <= 3):
            return "R"
        return "W" if thrown > 740 else "B"

    def tomorrow(self, at: datetime) -> Colour | None:
        """Give the colour of the next Tempo day, None until it is announced at 11 h."""
        today = at - timedelta(hours=TEMPO_DAY_STARTS)
        announced = today.hour >= TEMPO_ANNOUNCED - TEMPO_DAY_STARTS
        return self.colour(at + timedelta(days=1)) if announced else None
