"""What is worth an event between two looks at a signal. What was known before the first look is no event."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import override

from ..signals.ecowatt.model import Level
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
    _alerts: dict[Stretch, Level] | None = None

    @override
    def look(self) -> Iterator[Change]:
        if (forecast := self.coordinator.current) is None:
            return
        now = self.coordinator.now()
        alerts = {stretch: forecast.highest(stretch) or Level.TENSE for stretch in forecast.tense if stretch.end > now}
        before, self._alerts = self._alerts, alerts
        if before is None:
            return
        gone = {stretch: level for stretch, level in before.items() if stretch.end > now and stretch not in alerts}
        for stretch, level in alerts.items():
            if (former := next((one for one in gone if one.overlaps(stretch)), None)) is not None:
                del gone[former]
                yield self._change("changed", stretch, level)
            elif stretch not in before:
                yield self._change("announced", stretch, level)
            elif before[stretch] is not level:
                yield self._change("changed", stretch, level)
        for stretch, level in gone.items():
            yield self._change("withdrawn", stretch, level)

    def _change(self, kind: str, stretch: Stretch, level: Level) -> Change:
        zone = self.coordinator.zone
        start, end = (edge.astimezone(zone).isoformat() for edge in (stretch.start, stretch.end))
        return Change(kind, {"start": start, "end": end, "level": LEVELS[level]})


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
