"""What a building hears of its meter: a reading as soon as the group that carries it is in."""

from collections.abc import Callable
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import CONF_METER
from ..control.orders import Reading
from ..control.window import Kind
from ..meter.coordinator import MeterCoordinator
from ..meter.readings import contract_power, td_minutes
from ..meter.state import MeterState
from ..tic import Group, Meter

_CLOCKS = ("DATE", "DATECOUR")
_APPARENT = "EAPP_s"
_ACTIVE = ("EA_s", "EAS", "EA")
_POWERS = ("SINSTS", "PAPP")
_VOLTS_OF_CONTRACT = 200
"""ISOUSC is in A a phase, 5 A a kVA (Enedis-NOI-CPT_54E)."""
_LINKY = (Meter.LINKY_HISTORIQUE, Meter.LINKY_STANDARD)


def epoch_ms(when: datetime) -> int:
    """Return an instant in whole ms since 1970 (UTC)."""
    return (when - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class MeterLink:
    """Listens to the meter of an entry, whenever that is loaded; `told` is called with each reading."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, told: Callable[[Reading | None], None], *, kind: Kind | None
    ) -> None:
        """Make the link; `told` gets None when something changed that is no reading (a warning began or ended)."""
        self._hass = hass
        self._entry = entry
        self._told = told
        self._kind = kind
        self._heard: datetime | None = None
        self._stop_listening: list[CALLBACK_TYPE] = []
        self.td = 0
        """As set, or as learned last (minutes); 0: not known."""
        self.fixed_td = False
        self.was_in_kva: bool | None = None
        """What the meter told last of the unit of its subscribed power."""
        self.limit_w = 0
        """As set (W or VA); 0: what the meter says."""
        self.warned = False

    @callback
    def start(self) -> CALLBACK_TYPE:
        """Listen; return how to stop that."""
        stop_watching = self._entry.async_on_state_change(self._follow)
        self._follow()

        @callback
        def stop() -> None:
            stop_watching()
            self._leave()

        return stop

    @property
    def state(self) -> MeterState | None:
        """Return what is known of the meter now, if it is read."""
        coordinator = self._coordinator
        return coordinator.data if coordinator is not None and coordinator.last_update_success else None

    @property
    def in_kva(self) -> bool:
        """Tell whether the limit is in VA, else in W."""
        state = self.state
        if state is not None and (told := _tells_kva(state)) is not None:
            return told
        if self.was_in_kva is not None:
            return self.was_in_kva
        return self._entry.data.get(CONF_METER) in (*_LINKY, Meter.PME_PMI)

    @property
    def kind(self) -> Kind:
        """Return how the limit is judged, as set or as the unit of the subscribed power tells."""
        if self._kind is not None:
            return self._kind
        state = self.state
        if state is not None and state.meter in _LINKY:
            return Kind.INSTANT
        return Kind.SLIDING if self.in_kva else Kind.FIXED

    @property
    def limit(self) -> int:
        """Return the subscribed power (W or VA), that of the running period; 0 while it is not known."""
        state = self.state
        if self.limit_w or state is None:
            return self.limit_w
        known = contract_power(state, "kVA") or contract_power(state, "kW")
        if known is None and (amperes := state.number("ISOUSC")) is not None:
            phases = 3 if state.group("IINST1") is not None else 1
            return round(amperes * phases * _VOLTS_OF_CONTRACT)
        return round(known * 1000) if known else 0

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
        elif not self._stop_listening:
            self._stop_listening = [
                coordinator.async_add_group_listener(self._group),
                coordinator.async_add_listener(self._frame),
            ]

    @callback
    def _leave(self) -> None:
        for stop in self._stop_listening:
            stop()
        self._stop_listening.clear()

    @callback
    def _group(self, group: Group) -> None:
        now = dt_util.utcnow()
        if group.key in _CLOCKS:
            self._heard = now
        elif group.key == "PREAVIS":
            if not self.warned:
                self.warned = True
                self._told(None)
        elif (reading := self._reading(group, now)) is not None:
            self._told(reading)

    @callback
    def _frame(self) -> None:
        """Learn what a whole frame tells: Td, and that a warning ended."""
        if (state := self.state) is None:
            return
        if not self.fixed_td and (td := td_minutes(state)) is not None:
            self.td = td
        if (told := _tells_kva(state)) is not None:
            self.was_in_kva = told
        self.warned = bool(state.present("PREAVIS"))

    def _reading(self, group: Group, now: datetime) -> Reading | None:
        """Make the reading that a group carries, if it does."""
        state = self.state
        if state is None or not group.known or not isinstance(group.value, int) or not (limit := self.limit):
            return None
        kind = self.kind
        if kind is Kind.INSTANT or not self.td:
            # While Td is not known, the limit is held at every instant.
            if group.key in _POWERS:
                return self._power(group.value, limit, now)
            if group.key == self._counter(state) and (power := state.td.power(group.key)) is not None:
                return self._power(round(power), limit, now)
            return None
        if group.key != self._counter(state) or state.drift_s is None or self._heard is None:
            return None
        heard = epoch_ms(self._heard)
        return Reading(
            kind=kind,
            limit=limit,
            td=self.td,
            meter_at=heard + round(state.drift_s * 1000),
            heard=heard,
            energy=group.value,
        )

    def _power(self, power: int, limit: int, now: datetime) -> Reading:
        at = epoch_ms(now)
        return Reading(kind=Kind.INSTANT, limit=limit, td=self.td or 10, meter_at=at, heard=at, power=power)

    def _counter(self, state: MeterState) -> str | None:
        if self.in_kva:
            return _APPARENT
        return next((key for key in _ACTIVE if state.group(key) is not None), None)


def _tells_kva(state: MeterState) -> bool | None:
    """Tell whether the subscribed power is in kVA; None while the meter has not told it."""
    if state.meter in _LINKY or contract_power(state, "kVA") is not None:
        return True
    return False if contract_power(state, "kW") is not None else None
