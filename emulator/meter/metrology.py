"""What the meter measures: energies, windows, means, indexes, warnings.

Energies are whole microjoules. Everything the meter does at a round minute (Td, Tc, load curve, day, month)
happens exactly there, whatever the steps by which time is advanced.
"""

from collections import deque
from fractions import Fraction
from functools import reduce
from operator import add, sub
from typing import NamedTuple

from .building import SLOT, Building, Power, dice
from .calendar import BT4, BT4_SUPPLIER, HTA5, HTA5_SUPPLIER, Tariff
from .clock import HOUR, MINUTE, Instant, instant, local
from .config import MeterConfig
from .linky import LinkyCalendar

TC = 10 * MINUTE
"""Interval of the mean powers PA1 to PA6."""
KDC, KDCD = 90, 80
"""Warning starts above KDC %, ends below KDCD % of the subscribed power (SAPHIR and ICE)."""
PREAVIS_PERCENT = 90
"""A PME-PMI warns above this share of PS, on the power of the last minute (Flex Ready, 2.4.3)."""
NOMINAL_V = 230

_WH = 3_600_000_000
_WARM_UP = 3 * HOUR
_KWH = 1000 * _WH
_PHASE_SHARES = {1: (1000,), 3: (400, 330, 270)}


class Energies(NamedTuple):
    """Eight registers in microjoules (of W, var or VA): import (``_s``) and export (``_i``)."""

    ea_s: int = 0
    er_plus_s: int = 0
    er_minus_s: int = 0
    eapp_s: int = 0
    ea_i: int = 0
    er_plus_i: int = 0
    er_minus_i: int = 0
    eapp_i: int = 0

    @classmethod
    def of(cls, power: Power, microseconds: int) -> Energies:
        """Integrate a constant power; reactive counts as import while active power is imported."""
        active = abs(power.active_w) * microseconds
        plus = max(power.reactive_var, 0) * microseconds
        minus = max(-power.reactive_var, 0) * microseconds
        flow = (active, plus, minus, power.apparent_va * microseconds)
        return cls(*flow) if power.active_w >= 0 else cls(0, 0, 0, 0, *flow)

    def plus(self, other: Energies) -> Energies:
        """Add register by register."""
        return Energies._make(map(add, self, other, strict=True))

    def minus(self, other: Energies) -> Energies:
        """Subtract register by register."""
        return Energies._make(map(sub, self, other, strict=True))

    def mean(self, interval: int) -> Energies:
        """Give the mean powers (W, var, VA) over an interval in microseconds, truncated."""
        return Energies._make(register // interval for register in self)

    def tan_phi(self, *, export: bool = False) -> Fraction:
        """Mean tan phi of import or export; 0 where no active energy flowed."""
        ea, plus, minus = self[4:7] if export else self[:3]
        return Fraction(plus - minus, ea) if ea else Fraction(0)


def wh(register: int) -> int:
    """Give whole Wh, varh or VAh of a register, as a meter shows them: truncated."""
    return register // _WH


def kwh(register: int) -> int:
    """Give whole kWh or kvarh of a register, truncated."""
    return register // _KWH


class Point(NamedTuple):
    """A mean over an interval that ended at an instant: powers in W, var, VA."""

    end: Instant
    mean: Energies


class Peak(NamedTuple):
    """A maximum of a day, VA, and when it was reached."""

    va: int
    at: Instant


class Metrology:
    """The meter's own memory, driven by ``advance``. Attributes are what the frames show.

    ``start`` is the instant the meter is first read; it has then three hours of measures behind it.
    """

    def __init__(self, config: MeterConfig, building: Building, start: Instant) -> None:
        self.config = config
        self.building = building
        self.started = start
        self.now = (start - _WARM_UP) // TC * TC
        self.td = config.td_min * MINUTE
        self.load_curve = config.load_curve * MINUTE
        active = config.unit == "kW"
        self.distributor: Tariff = HTA5 if active else BT4
        self.supplier: Tariff = HTA5_SUPPLIER if active else BT4_SUPPLIER
        if config.linky:
            self.supplier = LinkyCalendar(config.tariff, config.seed)
        self._reached = 0 if active else 3  # the register that overruns: EA_s or EAPP_s

        self.power = building.power(self.now)
        self.total = Energies()
        self.td_top = self.now
        self.td_closed = Energies()
        self.minute = Energies()
        self.pa: deque[Point] = deque(maxlen=6)
        self.curve: deque[Point] = deque(maxlen=2)
        self._at_td = self._at_minute = self._at_tc = self._at_curve = self.total

        self.overruns = 0
        self.preavis = False
        self.over_percent = False
        self.over_at: Instant | None = None
        self.pmax: dict[str, Energies] = {}
        self.day_peak = self.day_peak_i = Peak(0, self.now)
        self.eve_peak = self._yesterday_peak()
        self.eve_peak_i = Peak(0, self.eve_peak.at)

        month = local(self.now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self.period_start = instant(month)
        self.previous_start = instant(
            month.replace(year=month.year - (month.month == 1), month=(month.month - 2) % 12 + 1)
        )
        self.indexes = {
            grid: dict(zip(calendar.periods, self._installed(len(calendar.periods)), strict=True))
            for grid, calendar in self._calendars().items()
        }
        self.frozen = {
            grid: {period: index.minus(self._month(grid, period)) for period, index in periods.items()}
            for grid, periods in self.indexes.items()
        }
        self.advance(start)
        self.overruns = 0

    def advance(self, to: Instant) -> None:
        """Measure until an instant; going back is impossible and does nothing."""
        while self.now < to:
            end = min(to, (self.now // SLOT + 1) * SLOT)
            self._measure(end)
            self.now = end
            if end % MINUTE == 0:
                self._round_minute()
        self.power = self.building.power(self.now)

    @property
    def window(self) -> Energies:
        """Energies since the last Td top (EA_s, EAPP_s and the others)."""
        return self.total.minus(self._at_td)

    @property
    def subscribed_w(self) -> int:
        """Subscribed power in W or VA."""
        return self.config.subscribed * 1000

    @property
    def warning(self) -> bool:
        """Say whether the meter warns of an overrun, by the rule of its kind."""
        match self.config.meter:
            case "pme-pmi":
                return self.preavis
            case "saphir" | "ice":
                return self.over_percent
            case _:
                return self.power.apparent_va > self.subscribed_w

    @property
    def contact_closed(self) -> bool:
        """Say whether the dry contact for the water heater is closed: in the off-peak hours."""
        return self.distributor.off_peak(local(self.now))

    def period(self, grid: str) -> str:
        """Name the period in force of the ``distributor`` or the ``supplier``."""
        return self._calendars()[grid].period(local(self.now))

    def index(self, grid: str, period: str | None = None) -> Energies:
        """Give the index of a period, by default the one in force."""
        return self.indexes[grid][period or self.period(grid)]

    @property
    def imported_va(self) -> int:
        """Apparent power imported now, VA; 0 while active power is exported."""
        return self.power.apparent_va if self.power.active_w >= 0 else 0

    def phase_va(self, va: int | None = None) -> list[int]:
        """Share an apparent power among the phases, by default the present one, VA."""
        shared = self.power.apparent_va if va is None else va
        return [shared * share // 1000 for share in _PHASE_SHARES[self.config.phases]]

    def phase_amps(self, va: int | None = None) -> list[int]:
        """Give the current of each phase at 230 V, whole amperes."""
        return [round(share / NOMINAL_V) for share in self.phase_va(va)]

    def voltages(self, at: Instant | None = None) -> list[int]:
        """Give the voltage of each phase, V: 230 with a few volts of noise."""
        slot = (self.now if at is None else at) // SLOT
        return [NOMINAL_V - 4 + dice(self.config.seed, f"u{n}", slot) * 9 // 1024 for n in range(self.config.phases)]

    def _calendars(self) -> dict[str, Tariff]:
        return {"distributor": self.distributor, "supplier": self.supplier}

    def _measure(self, end: Instant) -> None:
        power = self.power = self.building.power(self.now)
        energies = Energies.of(power, end - self.now)
        self.total = self.total.plus(energies)
        moment = local(self.now)
        for grid, calendar in self._calendars().items():
            periods = self.indexes[grid]
            period = calendar.period(moment)
            periods[period] = periods[period].plus(energies)
        imported = max(power.active_w, 0)
        limit = KDCD if self.over_percent else KDC
        self.over_percent = imported * 100 > limit * self.subscribed_w
        if power.active_w >= 0:
            self.day_peak = max(self.day_peak, Peak(power.apparent_va, self.now), key=lambda peak: peak.va)
            if max(self.phase_amps()) > self.config.subscribed_amps:
                self.over_at = end
        else:
            self.day_peak_i = max(self.day_peak_i, Peak(power.apparent_va, self.now), key=lambda peak: peak.va)

    def _round_minute(self) -> None:
        self.minute = self.total.minus(self._at_minute).mean(MINUTE)
        self._at_minute = self.total
        self.preavis = self.minute[self._reached] * 100 > PREAVIS_PERCENT * self.subscribed_w
        if self.now % self.td == 0:
            self._td_top()
        if self.now % TC == 0:
            self.pa.appendleft(Point(self.now, self.total.minus(self._at_tc).mean(TC)))
            self._at_tc = self.total
        if self.now % self.load_curve == 0:
            self.curve.appendleft(Point(self.now, self.total.minus(self._at_curve).mean(self.load_curve)))
            self._at_curve = self.total
        moment = local(self.now)
        if moment.hour == moment.minute == 0:
            self.eve_peak, self.day_peak = self.day_peak, Peak(0, self.now)
            self.eve_peak_i, self.day_peak_i = self.day_peak_i, Peak(0, self.now)
            if moment.day == 1:
                self._new_month()

    def _td_top(self) -> None:
        """Close the window: the power reached in it counts in the period in which it ran."""
        self.td_closed = self.window
        reached = self.td_closed.mean(self.td)
        period = self.distributor.period(local(self.td_top))
        self.pmax[period] = Energies._make(map(max, self.pmax.get(period, Energies()), reached, strict=True))
        self.overruns += reached[self._reached] > self.subscribed_w
        self.td_top = self.now
        self._at_td = self.total

    def _new_month(self) -> None:
        self.previous_start, self.period_start = self.period_start, self.now
        self.frozen = {grid: dict(periods) for grid, periods in self.indexes.items()}
        self.pmax = {}

    def _yesterday_peak(self) -> Peak:
        midnight = instant(local(self.now).replace(hour=0, minute=0, second=0, microsecond=0))
        day = range(midnight - 24 * HOUR, midnight, 10 * MINUTE)
        return max((Peak(self.building.power(at).apparent_va, at) for at in day), key=lambda peak: peak.va)

    def _installed(self, periods: int) -> list[Energies]:
        """Share what a meter counted over years among its periods: the same total in each grid."""
        active = (60_000 + 40 * dice(self.config.seed, "installed", 0)) * _KWH
        export = active // 3 if self.config.producer else 0
        total = Energies(active, active // 40, active // 10, active, export, export // 20, export // 30, export)
        parts = periods * (periods + 1) // 2
        shares = [Energies._make(r * (n + 1) // parts for r in total) for n in range(1, periods)]
        return [total.minus(reduce(Energies.plus, shares, Energies())), *shares]

    def _month(self, grid: str, period: str) -> Energies:
        thrown = 200 + dice(self.config.seed, grid + period, 1)
        export = thrown * _KWH // 3 if self.config.producer else 0
        return Energies(thrown * _KWH, 0, thrown * _KWH // 10, thrown * _KWH, export, 0, 0, export)


def serial(maker_year: str, kind: str, seed: int) -> str:
    """Give the 12 digits of a meter: maker and year, type, six of its own (Euridis list V3.04A)."""
    return f"{maker_year}{kind}{dice(seed, 'serial', 0) * 977 % 1_000_000:06d}"
