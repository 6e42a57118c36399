"""A site whose energy or power is an entity of Home Assistant, whosever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor as floor_wh

from homeassistant.components.sensor import ATTR_LAST_RESET, ATTR_STATE_CLASS, SensorStateClass
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
    async_track_utc_time_change,
)
from homeassistant.util import dt as dt_util

from ..settlement.cutting import NEAR, TEN_MINUTES, Cut, Cutter
from ..settlement.indexes import MOST_W, IndexSteps
from ..settlement.model import STEP, floor
from ..settlement.powers import PowerSteps
from ..settlement.together import Net
from .source import Kept, Running, Told, so_far, tell

_ENERGY = {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000, "GWh": 1_000_000_000}
_POWER = {"W": 1, "kW": 1_000, "MW": 1_000_000, "GW": 1_000_000_000}
_AFTER_S = 5
"""After an edge: an entity that is asked on the minute has answered."""
_NET = "net"
"""Kept by this name, beside the entities: ids of those have a dot."""
_MOST_DIGITS = 40
_MAGNITUDE = 18
"""Powers of ten: what is larger or smaller than all that is real would take for ever to count with."""


def is_source(state: State) -> bool:
    """Tell whether readings can be made of an entity."""
    return state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) in (*_ENERGY, *_POWER)


def value_of(state: State | None, units: Mapping[str, int]) -> Fraction | None:
    """Return what an entity says (Wh or W), exactly; None: nothing, or not in one of some units."""
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN) or len(state.state) > _MOST_DIGITS:
        return None
    factor = units.get(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, ""))
    if factor is None:
        return None
    try:
        number = Decimal(state.state)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _MAGNITUDE:
        return None
    return Fraction(number) * factor


def power_of(state: State | None) -> Fraction | None:
    """Return the power that an entity says (W), exactly; None: none, or one that no site has."""
    watts = value_of(state, _POWER)
    return None if watts is None or abs(watts) > MOST_W else watts


@dataclass(slots=True)
class _Channel:
    """One entity: an index if it says an energy, else a power."""

    index: IndexSteps
    power: PowerSteps
    by_power: bool = False

    def take(self, state: State | None, at: datetime) -> Cut:
        """Take what it says from an instant on."""
        if (wh := value_of(state, _ENERGY)) is not None and state is not None:
            self.by_power = False
            increasing = state.attributes.get(ATTR_STATE_CLASS) == SensorStateClass.TOTAL_INCREASING
            self.index.begins_anew = increasing or state.attributes.get(ATTR_LAST_RESET) is not None
            return self.index.take(at, {"": wh})
        watts = power_of(state)
        self.by_power |= watts is not None
        return self.power.take(at, watts) if self.by_power else {}

    def edge(self, state: State | None, at: datetime) -> Cut:
        """Take it at an edge: a power holds, and an index of which nothing was heard for long is where it was."""
        if self.by_power:
            return self.power.take(at, power_of(state))
        wh, heard = value_of(state, _ENERGY), self.index.heard
        if wh is None or heard is None or at - heard <= NEAR:
            return {}
        return self.index.take(at, {"": wh}, told=False)

    @property
    def cutter(self) -> Cutter | None:
        """What cuts its steps."""
        return self.power.cutter if self.by_power else self.index.cutter

    def kept(self) -> Kept:
        """Return what it has to know after a restart."""
        return {"index": self.index.kept(), "power": self.power.kept(), "by_power": self.by_power}

    def restore(self, kept: object) -> None:
        """Go on from what was kept."""
        if not isinstance(kept, Mapping):
            return
        if isinstance(index := kept.get("index"), Mapping):
            self.index.restore(index)
        if isinstance(power := kept.get("power"), Mapping):
            self.power.restore(power)
        self.by_power = kept.get("by_power") is True


class EntitySource:
    """Listens to an entity of what is withdrawn, and maybe to another of what is injected."""

    def __init__(
        self, hass: HomeAssistant, told: Told, withdrawn: str, injected: str | None = None, kept: Kept | None = None
    ) -> None:
        """Make what listens to entities by their ids, and goes on from what was kept."""
        self._hass = hass
        self._told = told
        self._channels = {name: _Channel(IndexSteps(), PowerSteps()) for name in (withdrawn, injected) if name}
        self._withdrawn, self._injected = withdrawn, injected
        self._net = Net()
        self._stop: list[CALLBACK_TYPE] = []
        registry = er.async_get(hass)
        # What was kept is found again after a rename, and is not that of another entity.
        self._keys = {name: known.id if (known := registry.async_get(name)) else name for name in self._channels}
        kept = kept or {}
        for name, channel in self._channels.items():
            channel.restore(kept.get(self._keys[name], kept.get(name)))
        self._net.restore(kept.get(_NET))

    async def async_start(self) -> None:
        """Listen, beginning with what the entities say now."""
        names = list(self._channels)
        self._stop = [
            async_track_state_change_event(self._hass, names, self._changed),
            async_track_state_report_event(self._hass, names, self._reported),
            async_track_utc_time_change(self._hass, self._edge, minute=range(0, 60, 10), second=_AFTER_S),
        ]
        now = dt_util.utcnow()
        for name, channel in self._channels.items():
            if (state := self._hass.states.get(name)) is not None:
                at = now if value_of(state, _POWER) else state.last_reported
                # What it said before it was heard last is known: it would look like a clock that was set back.
                if channel.index.heard is None or not at <= channel.index.heard <= now:
                    self._take(name, state, at)

    async def async_stop(self) -> None:
        """Listen no more."""
        while self._stop:
            self._stop.pop()()

    def kept(self) -> Kept:
        """Return what it has to know after a restart."""
        channels = {self._keys[name]: channel.kept() for name, channel in self._channels.items()}
        return {_NET: self._net.kept(), **channels}

    def running(self, now: datetime) -> Running:
        """Return what is known of the half-hour that runs."""
        start, until, net, watts = floor(now, STEP), now, Fraction(), Fraction()
        known = powered = True
        for name, channel in self._channels.items():
            sign = 1 if name == self._withdrawn else -1
            power = power_of(self._hass.states.get(name))
            powered &= power is not None
            watts += sign * (power or 0)
            begun, wh = channel.cutter.so_far(STEP) if channel.cutter else (start, None)
            known &= wh is not None and begun == start
            net += sign * (wh or 0)
            until = min(until, channel.cutter.at) if channel.cutter else until
        return so_far(
            start, max(start, until), floor_wh(net) if known else None, round(watts) if powered else None, now
        )

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        self._take(event.data["entity_id"], state, event.time_fired if state is None else state.last_reported)

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["entity_id"], event.data["new_state"], event.data["last_reported"])

    def _take(self, name: str, state: State | None, at: datetime) -> None:
        self._cut(name, self._channels[name].take(state, dt_util.as_utc(at)))

    @callback
    def _edge(self, now: datetime) -> None:
        at = floor(dt_util.as_utc(now), TEN_MINUTES)
        for name, channel in self._channels.items():
            self._cut(name, channel.edge(self._hass.states.get(name), at))

    def _cut(self, name: str, cut: Cut) -> None:
        if self._injected is not None:
            cut = self._net.take(cut, {}) if name == self._withdrawn else self._net.take({}, cut)
        tell(self._told, cut)
