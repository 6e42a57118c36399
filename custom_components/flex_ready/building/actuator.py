"""How a load is seen and commanded: the state before is kept, and given back by Home Assistant's own reproduction."""

import math
from typing import Any

from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_TEMPERATURE,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfPower,
)
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers.state import async_reproduce_state
from homeassistant.util.unit_conversion import PowerConverter

from ..control.load import Seen
from .handover import Handover, Method

_IDLE = frozenset((STATE_OFF, "idle"))
_GONE = frozenset((STATE_UNAVAILABLE, STATE_UNKNOWN))
_NEAR = 0.05

type Before = dict[str, Any]
"""The state of an entity before it was shed (JSON): state and attributes."""


class Actuator:
    """One load."""

    def __init__(self, hass: HomeAssistant, handover: Handover) -> None:
        """Make the actuator of a load; nothing is commanded."""
        self._hass = hass
        self._handover = handover

    @property
    def entities(self) -> tuple[str, ...]:
        """What is to be watched."""
        return tuple(one for one in (self._handover.entity_id, self._handover.power_sensor) if one)

    def seen(self, before: Before | None, *, managed: bool) -> Seen:
        """Return what is seen of the load; `before` is what it was, if it is shed."""
        entity_id = self._handover.entity_id
        if entity_id is None:
            return Seen(managed=managed, step=None, power=self._power())
        state = self._hass.states.get(entity_id)
        if state is None or state.state in _GONE:
            return Seen(available=False, managed=managed, on=False, step=None)
        if self._handover.method is Method.SCRIPTS:
            return Seen(managed=managed, on=state.state not in _IDLE, step=None, power=self._power())
        return Seen(
            managed=managed,
            on=state.state != STATE_OFF and state.attributes.get("hvac_action") not in _IDLE,
            step=int(self._is_shed(state, before)),
            power=self._power(),
        )

    def capture(self) -> Before:
        """Return what the load is now, to be given back later."""
        entity_id = self._handover.entity_id
        state = self._hass.states.get(entity_id) if entity_id else None
        if state is None:
            return {}
        attributes = {name: value for name, value in state.attributes.items() if _is_json(value)}
        return {"state": state.state, "attributes": attributes}

    async def shed(self, before: Before, context: Context) -> None:
        """Shed the load. Raises HomeAssistantError."""
        ours = self._handover
        assert ours.entity_id or ours.method is Method.SCRIPTS
        match ours.method:
            case Method.OFF:
                await self._call(self._domain, SERVICE_TURN_OFF, {}, context)
            case Method.SETPOINT:
                now = before.get("attributes", {}).get(ATTR_TEMPERATURE)
                if now is None:
                    return  # it is off: there is nothing to move
                await self._call(self._domain, "set_temperature", {ATTR_TEMPERATURE: now + ours.shift}, context)
            case Method.PRESET:
                await self._call(self._domain, "set_preset_mode", {"preset_mode": ours.preset}, context)
            case Method.LIMIT:
                await self._call(self._domain, "set_value", {"value": ours.value}, context)
            case Method.SCRIPTS:
                await self._script(ours.shed_script, context)

    async def give_back(self, before: Before, context: Context) -> None:
        """Make the load what it was. Raises HomeAssistantError."""
        ours = self._handover
        if ours.method is Method.SCRIPTS:
            await self._script(ours.restore_script, context)
        elif ours.entity_id and before:
            kept = State(ours.entity_id, before["state"], before.get("attributes"))
            await async_reproduce_state(self._hass, kept, context=context)

    def _is_shed(self, state: State, before: Before | None) -> bool:
        ours = self._handover
        match ours.method:
            case Method.SETPOINT:
                if before is None:
                    return False
                was, now = before.get("attributes", {}).get(ATTR_TEMPERATURE), state.attributes.get(ATTR_TEMPERATURE)
                if was is None or now is None:
                    return was is None and now is None
                return bool(abs(now - was - ours.shift) < _NEAR + abs(ours.shift) / 2)
            case Method.PRESET:
                return state.attributes.get("preset_mode") == ours.preset
            case Method.LIMIT:
                value = _number(state.state)
                return value is not None and value <= ours.value + _NEAR
        return state.state == STATE_OFF

    @property
    def _domain(self) -> str:
        assert self._handover.entity_id
        return self._handover.entity_id.partition(".")[0]

    def _power(self) -> int | None:
        """Return what the load's own sensor says (W)."""
        if self._handover.power_sensor is None:
            return None
        state = self._hass.states.get(self._handover.power_sensor)
        if state is None or (value := _number(state.state)) is None:
            return None
        unit = state.attributes.get("unit_of_measurement")
        if unit in PowerConverter.VALID_UNITS:
            value = PowerConverter.convert(value, unit, UnitOfPower.WATT)
        return round(value)

    async def _call(self, domain: str, service: str, data: dict[str, Any], context: Context) -> None:
        await self._hass.services.async_call(
            domain, service, {ATTR_ENTITY_ID: self._handover.entity_id, **data}, blocking=True, context=context
        )

    async def _script(self, script: str, context: Context) -> None:
        await self._hass.services.async_call(
            "script", SERVICE_TURN_ON, {ATTR_ENTITY_ID: script}, blocking=True, context=context
        )


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
