"""A site behind a meter that is read here: its own Wh, by its own clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor as floor_wh

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..meter.coordinator import MeterCoordinator
from ..meter.readings import measured_power
from ..meter.state import MeterState
from ..settlement.cutting import Cut
from ..settlement.indexes import IndexSteps
from ..settlement.model import STEP
from ..settlement.together import Net
from ..settlement.tops import TopSteps
from ..tic import Group
from ..tic.tables.linky_historique import INDEXES
from .source import Kept, Running, Told, so_far, tell

_TOPPED = ("EA_s", "EAS", "EA")
"""Active energy withdrawn since the top of Td, whatever the meter."""
_TOPPED_INJECTED = "EA_i"
_INDEX, _INDEX_INJECTED = "EAST", "EAIT"
_TARIFFS = tuple(label for label, _, _ in INDEXES)
_APPARENT = ("SINSTS", "PAPP")
"""VA: never less than the active power (W)."""
_POWER_INJECTED = "SINSTI"
_CLOCKS_AGREE = timedelta(minutes=5)
"""A meter whose clock is farther off is not followed in it."""


def is_counted(state: MeterState) -> bool:
    """Tell whether readings can be made of what a meter tells."""
    found = map(state.group, (*_TOPPED, _INDEX, *_TARIFFS))
    return any(group is not None and isinstance(group.value, int) for group in found)


@dataclass(slots=True)
class _Counters:
    """What a meter counts in one direction."""

    topped: TopSteps
    indexes: IndexSteps

    @classmethod
    def made(cls) -> _Counters:
        """Make what has counted nothing yet."""
        return cls(TopSteps(), IndexSteps())

    def take(self, at: datetime, td: timedelta | None, counted: int | Mapping[str, Fraction]) -> Cut:
        """Take the counter since the top, or the indexes."""
        return self.topped.take(at, counted, td) if isinstance(counted, int) else self.indexes.take(at, counted)

    def so_far(self) -> tuple[datetime, datetime, Fraction | None] | None:
        """Return the start of the half-hour that runs, until when it is known, and what was counted in it (Wh)."""
        cutters = [cutter for cutter in (self.topped.cutter, self.indexes.cutter) if cutter is not None]
        if not cutters:
            return None
        last = max(cutters, key=lambda one: one.at)
        start, wh = last.so_far(STEP)
        return start, last.at, wh

    def kept(self) -> Kept:
        """Return what it has to know after a restart."""
        return {"topped": self.topped.kept(), "indexes": self.indexes.kept()}

    def restore(self, kept: object) -> None:
        """Go on from what was kept."""
        for steps, name in ((self.topped, "topped"), (self.indexes, "indexes")):
            if isinstance(kept, Mapping) and isinstance(one := kept.get(name), Mapping):
                steps.restore(one)


class MeterSource:
    """Listens to the meter of an entry, whenever that is loaded."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, told: Told, kept: Kept | None = None) -> None:
        """Make what listens, and goes on from what was kept."""
        self._hass = hass
        self._entry = entry
        self._told = told
        self._withdrawn, self._injected = _Counters.made(), _Counters.made()
        self._net = Net()
        self._stop: list[CALLBACK_TYPE] = []
        self._stop_listening: CALLBACK_TYPE | None = None
        self._injects = False
        """Whether the meter told what is injected, ever."""
        if kept is not None:
            self._withdrawn.restore(kept.get("withdrawn"))
            self._injected.restore(kept.get("injected"))
            self._injects = kept.get("injects") is True
            self._net.restore(kept.get("net"))

    async def async_start(self) -> None:
        """Listen."""
        self._stop.append(self._entry.async_on_state_change(self._follow))
        self._follow()

    async def async_stop(self) -> None:
        """Listen no more."""
        while self._stop:
            self._stop.pop()()
        self._leave()

    def kept(self) -> Kept:
        """Return what it has to know after a restart."""
        withdrawn, injected = self._withdrawn.kept(), self._injected.kept()
        return {"withdrawn": withdrawn, "injected": injected, "injects": self._injects, "net": self._net.kept()}

    def running(self, now: datetime) -> Running:
        """Return what is known of the half-hour that runs."""
        state, watts = self._state, None
        if state is not None and (drawn := measured_power(state, *_TOPPED, *_APPARENT)) is not None:
            watts = drawn - (measured_power(state, _TOPPED_INJECTED, _POWER_INJECTED) or 0)
        if (found := self._withdrawn.so_far()) is None:
            return so_far(now, now, None, watts, now)
        start, until, drawn_wh = found
        given = self._injected.so_far() if self._injects else None
        if given is not None and drawn_wh is not None:
            drawn_wh = None if given[2] is None or given[0] != start else drawn_wh - given[2]
        return so_far(start, until, None if drawn_wh is None else floor_wh(drawn_wh), watts, now)

    @property
    def _state(self) -> MeterState | None:
        coordinator = self._coordinator
        return coordinator.data if coordinator is not None and coordinator.last_update_success else None

    @property
    def _coordinator(self) -> MeterCoordinator | None:
        if self._entry.state is not ConfigEntryState.LOADED:
            return None
        coordinator = self._entry.runtime_data
        return coordinator if isinstance(coordinator, MeterCoordinator) else None

    @callback
    def _follow(self) -> None:
        """Listen to the coordinator of a meter that was loaded; let go of one that was unloaded."""
        coordinator = self._coordinator
        if coordinator is None:
            self._leave()
        elif self._stop_listening is None:
            self._stop_listening = coordinator.async_add_listener(self._frame)

    @callback
    def _leave(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    @callback
    def _frame(self) -> None:
        """Take what the last frame told; what is known of earlier ones says nothing of its time."""
        if (state := self._state) is None:
            return
        sent = state.last_frames[-1].by_key()
        groups = {key: group for key, group in sent.items() if state.group(key) is group}
        counted = _counted(groups, _TOPPED, (_INDEX,) if _INDEX in groups else _TARIFFS)
        if counted is None:
            return
        at = dt_util.utcnow()
        if state.meter_time is not None and abs(state.drift_s or 0) <= _CLOCKS_AGREE.total_seconds():
            at = dt_util.as_utc(state.meter_time)
        td = None if state.td.td is None else timedelta(minutes=state.td.td)
        cut = self._withdrawn.take(at, td, counted)
        injected = _counted(groups, (_TOPPED_INJECTED,), (_INDEX_INJECTED,))
        if injected is not None:
            self._injects = True
            cut = self._net.take(cut, self._injected.take(at, td, injected))
        elif self._injects:
            cut = self._net.take(cut, {})
        tell(self._told, cut)


def _counted(
    groups: Mapping[str, Group], topped: Iterable[str], indexes: Iterable[str]
) -> int | Mapping[str, Fraction] | None:
    """Return the counter since the top that a frame has, else the indexes (Wh); None: it has none."""
    whole = {key: group.value for key, group in groups.items() if isinstance(group.value, int)}
    for key in topped:
        if (wh := whole.get(key)) is not None:
            return wh
    return {key: Fraction(whole[key]) for key in indexes if key in whole} or None
