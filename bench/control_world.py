"""Buildings for the bench of control: what each end use wants, second by second, and the meter that sees the sum."""

from collections.abc import Iterator, Sequence
import csv
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

BYTES_FRAME_S = 8
"""A frame of a PME-PMI at 1200 baud."""


@dataclass(frozen=True, slots=True)
class EndUse:
    """A load that may be shed: what it wants each second (W), and its rules (s)."""

    id: str
    priority: int
    wants: Sequence[int]
    min_on_s: int
    min_off_s: int
    max_off_s: int
    lag_s: int


@dataclass(frozen=True, slots=True)
class World:
    """A building over some time: the demand that nobody can shed (W each second), the end uses, the limit (W)."""

    name: str
    td_min: int
    base: Sequence[int]
    uses: tuple[EndUse, ...]
    limits: Sequence[int] = field(repr=False)
    """Each second: it changes with the tariff period."""

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return len(self.base)


def noise(random: Random, seconds: int, share: float, hold: int) -> Iterator[float]:
    """Give a factor around 1 each second, held for some seconds, with memory."""
    level = 0.0
    for second in range(seconds):
        if second % hold == 0:
            level = 0.7 * level + random.gauss(0, share) * 0.7
        yield 1 + level


def duty(random: Random, seconds: int, watts: int, on_s: float, off_s: float) -> list[int]:
    """Give a thermostat's or compressor's cycling."""
    found: list[int] = []
    while len(found) < seconds:
        found += [watts] * max(20, round(random.gauss(on_s, on_s / 5)))
        found += [0] * max(20, round(random.gauss(off_s, off_s / 5)))
    shift = random.randrange(max(1, round(on_s + off_s)))
    return [*found[shift:], *found][:seconds]


def arrivals(random: Random, seconds: int, watts: int, gap_s: float, stay_s: float) -> list[int]:
    """Give a charger where cars come and go."""
    found: list[int] = []
    while len(found) < seconds:
        found += [0] * round(random.expovariate(1 / gap_s))
        found += [watts] * max(300, round(random.expovariate(1 / stay_s)))
    return found[:seconds]


def uses_of(random: Random, seconds: int, *, equal: bool) -> tuple[EndUse, ...]:
    """Give end uses that together draw about half the limit."""
    return (
        EndUse("water_heater", 1, duty(random, seconds, 3_000, 2_400, 1_200), 60, 60, 3_600, 2),
        EndUse("ev_charger", 1, arrivals(random, seconds, 7_000, 3_600, 5_400), 120, 120, 3_600, 6),
        EndUse("heat_pump", 1 if equal else 2, duty(random, seconds, 6_000, 1_500, 600), 180, 180, 1_200, 4),
        EndUse("ventilation", 2 if equal else 3, [2_000] * seconds, 60, 60, 900, 2),
        EndUse("lighting", 2 if equal else 4, [1_500] * seconds, 0, 0, 600, 1),
    )


def _world(name: str, seed: int, td: int, base: list[int], *, equal: bool = True, limit: int = 42_000) -> World:
    return World(name, td, base, uses_of(Random(seed + 1), len(base), equal=equal), [limit] * len(base))


def synthetic(seed: int, hours: int, td: int) -> Iterator[World]:
    """Give the extreme curves."""
    seconds = hours * 3600
    random = Random(seed)
    # Steps: the base jumps between levels.
    base: list[int] = []
    while len(base) < seconds:
        base += [random.choice((14_000, 20_000, 26_000, 32_000, 36_000))] * random.randrange(60, 1_500)
    yield _world("steps", seed, td, base[:seconds])
    # Ramps up and down.
    period = 4 * 3600
    base = [
        round((18_000 + 16_000 * (1 - abs(1 - 2 * (second % period) / period))) * factor)
        for second, factor in enumerate(noise(random, seconds, 0.06, 10))
    ]
    yield _world("ramps", seed + 10, td, base, equal=False)
    # Compressors that cycle under a flat base.
    base = [12_000] * seconds
    for watts, on, off in ((8_000, 240, 300), (11_000, 420, 500), (5_000, 60, 90)):
        base = [one + more for one, more in zip(base, duty(random, seconds, watts, on, off), strict=True)]
    yield _world("compressors", seed + 20, td, base)
    # Cars that arrive, and are not ours.
    base = [round(14_000 * factor) for factor in noise(random, seconds, 0.1, 10)]
    for _ in range(3):
        base = [one + more for one, more in zip(base, arrivals(random, seconds, 7_000, 5_400, 3_600), strict=True)]
    yield _world("cars", seed + 30, td, base)
    # The limit changes with the tariff period.
    base = [round(24_000 * factor) for factor in noise(random, seconds, 0.1, 10)]
    world = _world("tariff", seed + 40, td, base)
    limits = [42_000 if second // 7_200 % 2 == 0 else 36_000 for second in range(seconds)]
    yield World(world.name, td, base, world.uses, limits)
    # Kitchens: short hard peaks.
    base = [round(20_000 * factor) for factor in noise(random, seconds, 0.1, 10)]
    for _ in range(hours * 4):
        at, watts = random.randrange(seconds), random.choice((8_000, 12_000, 16_000))
        for second in range(at, min(seconds, at + random.randrange(30, 240))):
            base[second] += watts
    yield _world("kitchen", seed + 50, td, base)


def recorded(path: Path, seed: int, hours: int, td: int) -> Iterator[World]:
    """Give a building whose half-hour means are those of a real home, ten times as large; none if there is no file.

    Within the half-hours the power moves from one mean to the next, with noise and with what is switched in a home.
    """
    if not path.is_file():
        return
    with path.open(newline="") as file:
        rows = [float(row["mean_power_w"]) for row in csv.DictReader(file) if row["mean_power_w"]]
    random = Random(seed + 60)
    count = hours * 2 + 1
    # A stretch that is worth looking at: among a few at random, the one that draws most.
    starts = [random.randrange(len(rows) - count) for _ in range(20)]
    start = max(starts, key=lambda at: sum(rows[at : at + count]))
    means = [10 * watts for watts in rows[start : start + count]]
    factors = list(noise(random, hours * 3600, 0.15, 20))
    base = [
        round((first + (second - first) * at / 1800) * factors[half * 1800 + at])
        for half, (first, second) in enumerate(pairwise(means))
        for at in range(1800)
    ]
    limit = sorted(base)[len(base) * 9 // 10] + 12_000
    yield _world("recorded", seed + 60, td, base, limit=limit // 1000 * 1000)
