"""What is worth an event between two looks at a signal. What was known before the first look is no event."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import override

from ..signals.ecowatt.model import Forecast, Level
from ..signals.errors import Trouble
from ..slots import Stretch
from .ecowatt import EcowattCoordinator
from .ecowatt_descriptions import LEVELS
from .supplier import SupplierCoordinator


@dataclass(frozen=True, slots=True)
class Change:
    """One event: its type, and what it is about."""

    kind: str
    about: Mapping[str, str | None]


class Watch[CoordinatorT](ABC):
    """Looks at a coordinator again and again; each look gives what changed since the one before."""

    kinds: tuple[str, ...]

    def __init__(self, coordinator: CoordinatorT) -> None:
        self.coordinator = coordinator

    @abstractmethod
    def look(self) -> Iterator[Change]:
        """Give the changes since the last look."""


class LevelWatch(Watch[EcowattCoordinator]):
    """A level of Ecowatt was reached."""

    kinds = LEVELS
    _level: Level | None = None
    _looked = False

    @override
    def look(self) -> Iterator[Change]:
        forecast = self.coordinator.current
        slot = forecast.hours.at(self.coordinator.now()) if forecast else None
        if slot is None:
            return  # unknown for a while is no change: the level before it still stands for comparison
        before, self._level = self._level, slot.value
        looked, self._looked = self._looked, True
        if looked and before is not slot.value:
            yield Change(LEVELS[slot.value], {"before": None if before is None else LEVELS[before]})


class AlertWatch(Watch[EcowattCoordinator]):
    """A tense period was announced, changed or withdrawn."""

    kinds = ("announced", "changed", "withdrawn")
    _forecast: Forecast | None = None

    @override
    def look(self) -> Iterator[Change]:
        if (forecast := self.coordinator.current) is None:
            return
        former, self._forecast = self._forecast, forecast
        if former is None or former is forecast:
            return
        now = self.coordinator.now()
        gone, alerts = _alerts(former, now), _alerts(forecast, now)
        for left, (stretch, level) in alerts.items():
            if (before := gone.pop(left, None)) is not None:
                if before[1] is not level:
                    yield self._change("changed", stretch, level)
            elif (overlapped := next((one for one in gone if one.overlaps(left)), None)) is not None:
                del gone[overlapped]
                yield self._change("changed", stretch, level)
            else:
                yield self._change("announced", stretch, level)
        for stretch, level in gone.values():
            yield self._change("withdrawn", stretch, level)

    def _change(self, kind: str, stretch: Stretch, level: Level) -> Change:
        zone = self.coordinator.zone
        start, end = (edge.astimezone(zone).isoformat() for edge in (stretch.start, stretch.end))
        return Change(kind, {"start": start, "end": end, "level": LEVELS[level]})


def _alerts(forecast: Forecast, now: datetime) -> dict[Stretch, tuple[Stretch, Level]]:
    """Return what is left of each tense period, with the whole of it and the highest level that is left.

    What is over is no longer compared: RTE drops yesterday at midnight, which takes nothing from an alert that lasts.
    """
    left = {Stretch(max(now, stretch.start), stretch.end): stretch for stretch in forecast.tense if stretch.end > now}
    return {rest: (stretch, forecast.highest(rest) or Level.TENSE) for rest, stretch in left.items()}


class SignalWatch(Watch[SupplierCoordinator]):
    """A supplier signal was received, has tomorrow, or was rejected."""

    kinds = ("received", "tomorrow_available", "rejected")
    _steps: object = None
    _tomorrow = False
    _rejected = False
    _looked = False

    @override
    def look(self) -> Iterator[Change]:
        supplier = self.coordinator
        failure = supplier.failure
        looked, self._looked = self._looked, True
        rejected = failure is not None and failure.trouble is Trouble.REJECTED
        if rejected and not self._rejected and failure is not None:
            yield Change("rejected", {"detail": failure.detail})
        self._rejected = rejected
        if (held := supplier.current) is None:
            return
        steps, tomorrow = held.signal.steps, supplier.tomorrow_available
        if looked and steps != self._steps:
            yield Change("received", {"retrieved_at": held.retrieved_at.isoformat()})
        if looked and tomorrow and not self._tomorrow:
            yield Change("tomorrow_available", {"date": supplier.date(1).isoformat()})
        self._steps, self._tomorrow = steps, tomorrow
