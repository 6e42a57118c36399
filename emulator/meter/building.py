"""A tertiary building: a daily profile, loads that can be switched, solar panels for a producer.

Everything is in whole watts and a function of the time handed in, so that a run can be played again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from .clock import MINUTE, SECOND, Instant, local

SLOT = 10 * SECOND
"""How long the building draws the same power, unless a load is switched."""

_WORKING_DAY_HW = (
    30,
    30,
    30,
    30,
    30,
    32,
    45,
    65,
    85,
    95,
    100,
    100,
    85,
    90,
    100,
    95,
    90,
    80,
    60,
    50,
    40,
    35,
    32,
    30,
)
_DAY_OFF_HW = (30,) * 8 + (35,) * 12 + (30,) * 4
_SOLAR_PEAK_W = 60_000


def dice(seed: int, thrown: str, number: int) -> int:
    """Give an integer from 0 to 1023, always the same for the same arguments (splitmix64)."""
    mask = 0xFFFF_FFFF_FFFF_FFFF
    mixed = (seed * 0x9E37_79B9_7F4A_7C15 + number * 0xD134_2543_DE82_EF95 + int.from_bytes(thrown.encode())) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB) & mask
    return (mixed ^ (mixed >> 31)) >> 20 & 1023


class Power(NamedTuple):
    """Power through the meter: active W and reactive var, imported when positive; the panels' share W."""

    active_w: int
    reactive_var: int

    @property
    def apparent_va(self) -> int:
        """Apparent power, VA."""
        return isqrt(self.active_w**2 + self.reactive_var**2)


@dataclass(slots=True)
class Load:
    """An end use that can be switched; reactive power is negative when capacitive."""

    id: str
    name: str
    nominal_w: int
    nominal_var: int
    on: bool = True
    commands: int = 0
    """How often it was told, whether or not that changed it."""
    repeats: int = 0
    """How often it was told to be what it was already."""
    deaf: bool = False
    """It takes what it is told and does nothing."""

    def switch(self, *, on: bool) -> None:
        """Tell it to be on or off."""
        self.commands += 1
        self.repeats += on is self.on
        if not self.deaf:
            self.on = on

    @property
    def power_w(self) -> int:
        """Power drawn now, W."""
        return self.nominal_w if self.on else 0


def _loads(scale: Fraction) -> dict[str, Load]:
    table = (
        ("heat_pump", "Heat pump", 12_000, 7_437),  # cos phi 0.85
        ("water_heater", "Water heater", 6_000, 0),
        ("ventilation", "Ventilation", 4_000, 3_000),  # cos phi 0.80
        ("ev_charger", "EV charger", 11_000, 2_234),  # cos phi 0.98
        ("lighting", "Lighting", 3_000, -986),  # cos phi 0.95, capacitive
    )
    return {i: Load(i, name, int(watts * scale), int(var * scale)) for i, name, watts, var in table}


@dataclass(slots=True)
class Building:
    """The building behind the meter; ``scale`` 1 suits 42 kVA: it overruns at work with every load on."""

    seed: int = 0
    scale: Fraction = Fraction(1)
    producer: bool = False
    loads: dict[str, Load] = field(init=False)
    _ambient: tuple[int, int, int] = field(default=(-1, 0, 0), init=False)

    def __post_init__(self) -> None:
        self.loads = _loads(self.scale)

    def power(self, at: Instant) -> Power:
        """Give the power through the meter at an instant, with the loads as they are switched now."""
        slot = at // SLOT
        if self._ambient[0] != slot:
            moment = local(at)
            self._ambient = (slot, self._base_w(at, moment), self._generated_w(at, moment))
        _, active, generated = self._ambient
        reactive = active // 5
        for load in self.loads.values():
            if load.on:
                active += load.nominal_w
                reactive += load.nominal_var
        return Power(active - generated, reactive)

    def _base_w(self, at: Instant, moment: datetime) -> int:
        """Profile of the hour and weekday, joined by lines, with 10 % of noise by minute and 4 % by slot."""
        profile = _DAY_OFF_HW if moment.weekday() >= 5 else _WORKING_DAY_HW
        hour, minute = moment.hour, moment.minute
        watts = (profile[hour] * (60 - minute) + profile[(hour + 1) % 24] * minute) * 100 * self.scale // 60
        noise = (dice(self.seed, "minute", at // MINUTE) - 512) * 10 + (dice(self.seed, "slot", at // SLOT) - 512) * 4
        return watts * (51_200 + noise) // 51_200

    def _generated_w(self, at: Instant, moment: datetime) -> int:
        """Give the panels' output: a parabola over the daylight of the season, dimmed by passing clouds."""
        if not self.producer:
            return 0
        rise, fall = (480, 1020) if moment.month in (11, 12, 1, 2) else (420, 1260)
        minute = moment.hour * 60 + moment.minute
        if not rise < minute < fall:
            return 0
        bell = 4 * (minute - rise) * (fall - minute) * _SOLAR_PEAK_W // (fall - rise) ** 2
        clear = 512 + dice(self.seed, "cloud", at // (5 * MINUTE)) // 2
        return int(bell * clear * self.scale) // 1024
