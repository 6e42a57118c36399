"""How a load is seen and commanded: what it was is taken down, and what was changed of it is made as it was."""

from collections.abc import Mapping
from dataclasses import replace
import math
from typing import Any

from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_TEMPERATURE,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfPower,
)
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers.state import async_reproduce_state
from homeassistant.util.unit_conversion import PowerConverter

from ..control.load import Seen
from .before import Before, Told
from .handover import How, Method, entity_id_of, kept_as, members_of

_IDLE = frozenset((STATE_OFF, "idle"))
_GONE = frozenset((STATE_UNAVAILABLE, STATE_UNKNOWN))
_NEAR = 0.05
_PRESET = "preset_mode"
_NO_PRESET = "none"


class Actuator:
    """One load; `power_sensor` measures it alone."""

    def __init__(self, hass: HomeAssistant, how: How, power_sensor: str | None = None) -> None:
        """Make the actuator of a load; nothing is commanded."""
        self._hass = hass
        self._how = how
        self._power_sensor = power_sensor

    @property
    def entities(self) -> tuple[str, ...]:
        """What is to be watched."""
        return tuple(one for one in (self._how.entity_id, self._power_sensor) if one)

    # What is seen.

    def seen(self, before: Before | None, *, managed: bool) -> Seen:
        """Return what is seen of the load; `before` is what it was, if it is shed."""
        if self._how.entity_id is None:
            return Seen(managed=managed, step=None, power=self._power())
        if (state := self._state) is None:
            return Seen(available=False, managed=managed, on=False, step=None)
        if self._how.method is Method.SCRIPTS:
            return Seen(managed=managed, on=state.state not in _IDLE, step=None, power=self._power())
        return Seen(
            managed=managed,
            on=state.state != STATE_OFF and state.attributes.get("hvac_action") not in _IDLE,
            step=self._step(state, before),
            power=self._power(),
            sheddable=self._sheddable(state),
        )

    @property
    def reachable(self) -> bool:
        """Tell whether the load can be commanded now."""
        return self._how.entity_id is None or self._state is not None

    @property
    def switched_by_somebody(self) -> bool:
        """Tell whether a user or an automation brought the load to where it is now."""
        state = self._state
        return state is not None and bool(state.context.user_id or state.context.parent_id)

    @property
    def _state(self) -> State | None:
        return _there(self._hass, self._how.entity_id)

    def _sheddable(self, state: State) -> bool:
        """Tell whether shedding changes anything: what is off, or has no setpoint to move, is not to be touched."""
        match self._how.method:
            case Method.SETPOINT:
                now, to = state.attributes.get(ATTR_TEMPERATURE), self._setpoint(state.attributes)
                return state.state != STATE_OFF and now is not None and to is not None and abs(to - now) > _NEAR
            case Method.PRESET:
                return state.state != STATE_OFF
        return True

    def _step(self, state: State, before: Before | None) -> int | None:
        """Return at which step a load is; None: not to be told."""
        how, attributes = self._how, state.attributes
        match how.method:
            case Method.SETPOINT:
                if before is None:
                    return 0
                now = attributes.get(ATTR_TEMPERATURE)
                was, to = before.attributes.get(ATTR_TEMPERATURE), self._setpoint(before.attributes)
                if was is None or to is None or now is None:
                    return None  # many tell no setpoint while they are off
                return int(_moved(now, was, to, attributes.get("target_temp_step")))
            case Method.PRESET:
                return int(attributes.get(_PRESET) == how.preset)
            case Method.LIMIT:
                number, to = _number(state.state), self._limit(attributes)
                if number is None:
                    return 0
                old = None if before is None or before.state is None else _number(before.state)
                if old is None or old <= to:
                    return int(number <= to + _NEAR)
                return int(_moved(number, old, to, attributes.get("step")))
        return int(state.state == STATE_OFF)

    def _setpoint(self, attributes: Mapping[str, Any]) -> float | None:
        """Return where the setpoint is moved to, within what the device takes."""
        was = attributes.get(ATTR_TEMPERATURE)
        return None if was is None else _within(was + self._how.shift, attributes, "min_temp", "max_temp")

    def _limit(self, attributes: Mapping[str, Any]) -> float:
        return _within(self._how.value, attributes, "min", "max")

    def _power(self) -> int | None:
        """Return what the load's own sensor says (W)."""
        if self._power_sensor is None:
            return None
        state = self._hass.states.get(self._power_sensor)
        if state is None or (value := _number(state.state)) is None:
            return None
        unit = state.attributes.get("unit_of_measurement")
        if unit in PowerConverter.VALID_UNITS:
            value = PowerConverter.convert(value, unit, UnitOfPower.WATT)
        return round(value)

    # What is commanded.

    def capture(self, title: str, kept_how: Mapping[str, Any], now: int) -> Before:
        """Return what the load is now, to be given back later."""
        before = Before(title, kept_how, now)
        entity_id = self._how.entity_id
        if entity_id is None or (state := self._hass.states.get(entity_id)) is None:
            return before
        members: dict[str, Told] = {}
        if self._how.method is Method.OFF:
            for name in members_of(self._hass, entity_id)[1:]:
                # A group within a group is told by its own members.
                if (member := _there(self._hass, name)) is not None and len(members_of(self._hass, name)) == 1:
                    members[kept_as(self._hass, name)] = _told(member)
        return replace(before, own=_told(state), members=members)

    async def shed(self, before: Before, context: Context) -> None:
        """Shed the load. Raises HomeAssistantError."""
        how = self._how
        match how.method:
            case Method.OFF:
                await self._call(SERVICE_TURN_OFF, {}, context)
            case Method.SETPOINT:
                if (to := self._setpoint(before.attributes)) is not None:
                    await self._call("set_temperature", {ATTR_TEMPERATURE: to}, context)
            case Method.PRESET:
                await self._call("set_preset_mode", {_PRESET: how.preset}, context)
            case Method.LIMIT:
                await self._call("set_value", {"value": self._limit(before.attributes)}, context)
            case Method.SCRIPTS:
                await self._script(SERVICE_TURN_ON, how.shed_script, context)

    def owes(self, before: Before) -> bool:
        """Tell whether anything of the load is still as shedding left it: what somebody changed since is his."""
        if self._how.method is Method.SCRIPTS:
            return True
        if self._how.method is Method.OFF:
            return any(was["state"] != STATE_OFF and _is_off(now) for _, was, now in self._parts(before))
        state = self._state
        return state is None or self._step(state, before) != 0

    async def give_back(self, before: Before, context: Context) -> Before | None:
        """Make what shedding changed as it was; return what is still to be given back. Raises HomeAssistantError."""
        how, attributes = self._how, before.attributes
        match how.method:
            case Method.SCRIPTS:
                if (running := self._hass.states.get(how.shed_script)) is not None and running.state == STATE_ON:
                    await self._script(SERVICE_TURN_OFF, how.shed_script, context)  # it is not to end after the other
                await self._script(SERVICE_TURN_ON, how.restore_script, context)
            case Method.OFF:
                return await self._switch_on(before, context)
            case Method.SETPOINT:
                if (state := self._state) is None or state.attributes.get(ATTR_TEMPERATURE) is None:
                    return before  # it is off, and takes no setpoint now
                await self._call("set_temperature", {ATTR_TEMPERATURE: attributes[ATTR_TEMPERATURE]}, context)
            case Method.LIMIT:
                await self._call("set_value", {"value": _number(before.state or "")}, context)
            case Method.PRESET:
                await self._unset_preset(before, context)
        return None

    async def _switch_on(self, before: Before, context: Context) -> Before | None:
        """Switch on what was on and is off."""
        parts = self._parts(before)
        back = [
            State(now.entity_id, was["state"], was["attributes"])
            for _, was, now in parts
            if now is not None and was["state"] != STATE_OFF and _is_off(now)
        ]
        await async_reproduce_state(self._hass, back, context=context)
        gone = {name: was for name, was, now in parts if now is None and was["state"] != STATE_OFF}
        return replace(before, members=gone) if gone and before.members else None

    async def _unset_preset(self, before: Before, context: Context) -> None:
        """Set the preset of before, and the setpoint of one that had none; what was switched off since stays so."""
        state, preset = self._state, before.attributes.get(_PRESET)
        if state is None or (state.state == STATE_OFF and before.state != STATE_OFF and self._domain == "fan"):
            return
        if self._domain == "fan" or preset is None:
            kept = State(state.entity_id, before.state or "", before.attributes)
            await async_reproduce_state(self._hass, kept, context=context)
            return
        await self._call("set_preset_mode", {_PRESET: preset}, context)
        was = before.attributes.get(ATTR_TEMPERATURE)
        if preset == _NO_PRESET and was is not None and state.state == before.state:
            await self._call("set_temperature", {ATTR_TEMPERATURE: was}, context)

    def _parts(self, before: Before) -> list[tuple[str, Told, State | None]]:
        """Return of each part of the load, itself if it is no group, what it was and what it is."""
        if before.members:
            return [
                (name, was, _there(self._hass, entity_id_of(self._hass, name))) for name, was in before.members.items()
            ]
        return [("", before.own, self._state)] if before.own else []

    @property
    def _domain(self) -> str:
        assert self._how.entity_id
        return self._how.entity_id.partition(".")[0]

    async def _call(self, service: str, data: dict[str, Any], context: Context) -> None:
        await self._hass.services.async_call(
            self._domain, service, {ATTR_ENTITY_ID: self._how.entity_id, **data}, blocking=True, context=context
        )

    async def _script(self, service: str, script: str, context: Context) -> None:
        await self._hass.services.async_call(
            "script", service, {ATTR_ENTITY_ID: script}, blocking=True, context=context
        )


def _there(hass: HomeAssistant, entity_id: str | None) -> State | None:
    """Return the state of an entity that can be reached."""
    state = hass.states.get(entity_id) if entity_id else None
    return None if state is None or state.state in _GONE else state


def _is_off(state: State | None) -> bool:
    return state is not None and state.state == STATE_OFF


def _told(state: State) -> Told:
    attributes = {name: value for name, value in state.attributes.items() if _is_json(value)}
    return {"state": state.state, "attributes": attributes}


def _within(value: float, attributes: Mapping[str, Any], least: str, most: str) -> float:
    low, high = attributes.get(least), attributes.get(most)
    value = value if high is None else min(value, high)
    return value if low is None else max(value, low)


def _moved(now: float, was: float, to: float, step: float | None) -> bool:
    """Tell whether a number is where it was moved to, as near as the device rounds; who moved it elsewhere wins."""
    return abs(now - to) <= (step or 1) / 2 + _NEAR and abs(now - to) < abs(now - was)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_json(value: object) -> bool:
    """Tell whether a value comes back from JSON as it went: a colour is a tuple, and comes back as a list."""
    if isinstance(value, list | tuple):
        return all(isinstance(one, str | int | float) for one in value)
    return value is None or isinstance(value, str | int | float | bool)
