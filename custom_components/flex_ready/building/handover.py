"""A load as the user handed it over (its subentry): which entity, how it is shed, under which rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..control.load import Hours, Load
from .const import (
    CONF_AMPERES,
    CONF_BLIND,
    CONF_ENTITY,
    CONF_LEFT_W,
    CONF_MAX_OFF,
    CONF_METHOD,
    CONF_MIN_OFF,
    CONF_MIN_ON,
    CONF_MOST_SHEDS,
    CONF_NOMINAL_W,
    CONF_PHASES,
    CONF_POWER_SENSOR,
    CONF_PRESET,
    CONF_PRIORITY,
    CONF_PROTECTED,
    CONF_RESTORE_SCRIPT,
    CONF_SHED_SCRIPT,
    CONF_SHIFT,
    CONF_VALUE,
)

_VOLTS = 230
_MINUTE_MS = 60_000


class Method(StrEnum):
    """How a load is shed."""

    OFF = "off"
    """Switched off."""
    SETPOINT = "setpoint"
    """Its setpoint is moved by some degrees."""
    PRESET = "preset"
    """It is set to a preset, such as eco."""
    LIMIT = "limit"
    """A number that limits it, in W, kW or A, is set lower."""
    SCRIPTS = "scripts"
    """One script sheds it, another gives it back."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the shell needs to know of a load; `load` is what the decision needs."""

    load: Load
    title: str
    method: Method
    entity_id: str | None
    """What is commanded; for scripts what is watched, if anything."""
    power_sensor: str | None
    shift: float = 0
    preset: str = ""
    value: float = 0
    shed_script: str = ""
    restore_script: str = ""

    @property
    def entities(self) -> set[str]:
        """Return every entity that it names."""
        named = (self.entity_id, self.power_sensor, self.shed_script, self.restore_script)
        return {name for name in named if name}


def handover(hass: HomeAssistant, subentry: ConfigSubentry) -> Handover:
    """Read the subentry of a load; raise KeyError or ValueError if it was not made by the flow."""
    data = subentry.data
    method = Method(data[CONF_METHOD])
    max_off = data.get(CONF_MAX_OFF)
    most = data.get(CONF_MOST_SHEDS)
    return Handover(
        load=Load(
            id=subentry.subentry_id,
            priority=int(data[CONF_PRIORITY]),
            nominal=int(data.get(CONF_NOMINAL_W) or 0),
            steps=(left_w(method, data),),
            min_on=round(data[CONF_MIN_ON] * _MINUTE_MS),
            min_off=round(data[CONF_MIN_OFF] * _MINUTE_MS),
            max_off=round(max_off * _MINUTE_MS) if max_off else None,
            most_sheds=int(most) if most else None,
            protected=tuple(_hours(one) for one in data.get(CONF_PROTECTED, ())),
            when_blind=data.get(CONF_BLIND, False),
        ),
        title=subentry.title,
        method=method,
        entity_id=entity_id_of(hass, data.get(CONF_ENTITY)) or None,
        power_sensor=entity_id_of(hass, data.get(CONF_POWER_SENSOR)) or None,
        shift=float(data.get(CONF_SHIFT, 0)),
        preset=data.get(CONF_PRESET, ""),
        value=float(data.get(CONF_VALUE, 0)),
        shed_script=entity_id_of(hass, data.get(CONF_SHED_SCRIPT)),
        restore_script=entity_id_of(hass, data.get(CONF_RESTORE_SCRIPT)),
    )


def kept_as(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity is kept as: its id in the registry, so that it may be renamed, or its own without one."""
    entry = er.async_get(hass).async_get(entity_id)
    return entry.id if entry is not None else entity_id


def entity_id_of(hass: HomeAssistant, kept: str | None) -> str:
    """Return the entity that is kept; one that was removed from the registry stays what is found nowhere."""
    return er.async_resolve_entity_id(er.async_get(hass), kept) or kept if kept else ""


def left_w(method: Method, data: Mapping[str, Any]) -> int:
    """Return what the load still draws when it is shed (W)."""
    if method is Method.LIMIT and data.get(CONF_AMPERES):
        return round(float(data[CONF_VALUE]) * _VOLTS * int(data.get(CONF_PHASES, 1)))
    return round(float(data.get(CONF_LEFT_W) or 0))


def _hours(kept: Mapping[str, str]) -> Hours:
    """Read a stretch of the day, kept as {"start": "HH:MM:SS", "end": "HH:MM:SS"}."""
    start, end = (int(kept[edge][:2]) * 60 + int(kept[edge][3:5]) for edge in ("start", "end"))
    return Hours(start, end)
