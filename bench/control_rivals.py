"""Algorithms 1 to 6 of maximum demand control, as the literature has them, under the same rules of the loads.

Each says by how many watts too much is drawn, or how many are free; the frame around them sheds by priority and gives
back in the reverse order, with each load's shortest and longest times.
"""

from abc import ABC, abstractmethod
from collections import deque
from typing import override

from .control_sim import Sight
from .control_world import World

_SETTLE_S = 20


class Rival(ABC):
    """The frame: what was seen, and the rules of the loads."""

    def __init__(self, world: World, kind: str) -> None:
        self.kind = kind
        self.length = world.td_min * 60
        self._uses = sorted(world.uses, key=lambda use: (use.priority, use.id))
        self._changed = {use.id: -(10**9) for use in world.uses}
        self._drew = {use.id: max(use.wants) for use in world.uses}
        self.off: set[str] = set()
        self.energy = 0.0  # W·s since the start of the window that ends next
        self.power = 0.0
        self.elapsed = 0
        self.limit = 0
        self._sums: deque[tuple[int, float]] = deque([(0, 0.0)])
        self._sum = 0.0
        self._last = (0, 0)
        self._acted = -(10**9)

    def look(self, sight: Sight) -> set[str]:
        """Take a reading, if there is one, and decide."""
        self.limit = sight.limit
        if sight.fresh and sight.taken > self._last[0]:
            self._read(sight)
        now = sight.second
        start = now - now % self.length if self.kind == "fixed" else now - now % 60 + 60 - self.length
        self.elapsed = now - start
        self.energy = self._sum_at(now) - self._sum_at(start)
        self._force(now)
        if not sight.fresh:
            return self.off
        free = self.free()
        if free < 0:
            self._shed(-free, sight)
        elif now - self._acted >= _SETTLE_S:
            self._give_back(free, now)
        return self.off

    @abstractmethod
    def free(self) -> float:
        """Return how many watts are free; less than 0: too much is drawn."""

    def _read(self, sight: Sight) -> None:
        at, value = self._last
        top = sight.taken - sight.taken % self.length
        if sight.energy_wh < value or top > at:
            drawn = self.power * max(0, top - at) + sight.energy_wh * 3600
        else:
            drawn = (sight.energy_wh - value) * 3600
        self._sum += drawn
        self._sums.append((sight.taken, self._sum))
        while self._sums[0][0] < sight.taken - 2 * self.length:
            self._sums.popleft()
        before = next((one for one in reversed(self._sums) if sight.taken - one[0] >= 14), self._sums[0])
        if sight.taken > before[0]:
            self.power = (self._sum - before[1]) / (sight.taken - before[0])
        self._last = sight.taken, sight.energy_wh

    def _sum_at(self, second: int) -> float:
        last, total = self._sums[-1]
        if second >= last:
            return total + self.power * (second - last)
        for (at, one), (later, other) in zip(list(self._sums)[-2::-1], list(self._sums)[:0:-1], strict=True):
            if at <= second:
                return one + (other - one) * (second - at) / (later - at)
        return self._sums[0][1]

    def average(self) -> float:
        """Return the mean power over the last Td."""
        last, total = self._sums[-1]
        return (total - self._sum_at(last - self.length)) / min(self.length, max(1, last))

    def _force(self, now: int) -> None:
        for use in self._uses:
            if use.id in self.off and now - self._changed[use.id] >= use.max_off_s:
                self._switch(use.id, now, on=True)

    def _shed(self, watts: float, sight: Sight) -> None:
        for use in self._uses:
            if watts <= 0:
                return
            if use.id in self.off or not sight.drawn[use.id]:
                continue
            if sight.second - self._changed[use.id] < use.min_on_s:
                continue
            self._drew[use.id] = sight.drawn[use.id]
            watts -= sight.drawn[use.id]
            self._switch(use.id, sight.second, on=False)

    def _give_back(self, watts: float, now: int) -> None:
        for use in reversed(self._uses):
            if use.id in self.off and now - self._changed[use.id] >= use.min_off_s and self._drew[use.id] <= watts:
                self._switch(use.id, now, on=True)
                return

    def _switch(self, name: str, now: int, *, on: bool) -> None:
        self._changed[name] = self._acted = now
        (self.off.discard if on else self.off.add)(name)


class Instantaneous(Rival):
    """1: shed while the power is over the limit."""

    @override
    def free(self) -> float:
        return self.limit - self.power


class MeasuredAverage(Rival):
    """2: shed when the mean of the last Td is over the limit."""

    @override
    def free(self) -> float:
        average = self.average()
        return self.limit - average if average > self.limit else max(0.0, self.limit - max(average, self.power))


class IdealRate(Rival):
    """3: shed when the energy is above the straight line to the allowed one, from an offset of a tenth."""

    @override
    def free(self) -> float:
        allowed = self.limit * self.length
        offset = allowed / 10
        line = offset + (allowed - offset) * self.elapsed / self.length
        if self.energy > line:
            return min(-1.0, self.limit - self.power)
        return max(0.0, self.limit - self.power)


class ConvergingRate(Rival):
    """4: act only when the forecast leaves a band around the limit that narrows from 20 to 2 %."""

    @override
    def free(self) -> float:
        left = self.length - self.elapsed
        forecast = (self.energy + self.power * left) / self.length
        band = self.limit * (0.2 * left + 0.02 * self.elapsed) / self.length
        if forecast > self.limit + band or (left < self.length / 4 and forecast > self.limit - band):
            return min(-1.0, (self.limit - forecast) * self.length / max(left, 15))
        if forecast < self.limit - band:
            return (self.limit - band - forecast) * self.length / max(left, 15)
        return 0


class Predictive(Rival):
    """5: correct the trend over the time that is left; nothing in the last 15 s."""

    @override
    def free(self) -> float:
        left = self.length - self.elapsed
        if left <= 15:
            return 0
        return (self.limit * self.length - self.energy - self.power * left) / left


class ResidualBudget(Rival):
    """6: the mean power that is still allowed until the end must not be exceeded; a tenth less to come back."""

    @override
    def free(self) -> float:
        left = max(15, self.length - self.elapsed)
        allowed = (self.limit * self.length - self.energy) / left
        free = allowed - self.power
        return free if free < 0 else max(0, min(allowed, 2 * self.limit) * 0.9 - self.power)


class Nothing(Rival):
    """Nothing is done."""

    @override
    def free(self) -> float:
        return 0


RIVALS: dict[str, type[Rival]] = {
    "nothing": Nothing,
    "1 instantaneous": Instantaneous,
    "2 measured average": MeasuredAverage,
    "3 ideal rate": IdealRate,
    "4 converging rate": ConvergingRate,
    "5 predictive": Predictive,
    "6 residual budget": ResidualBudget,
}
