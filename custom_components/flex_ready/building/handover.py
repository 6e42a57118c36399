"""A load as the user handed it over (its subentry): which entity, how it is shed, under which rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import ATTR_ENTITY_ID
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
from .policies import Policy

_HOW = (
    CONF_METHOD,
    CONF_ENTITY,
    CONF_SHIFT,
    CONF_PRESET,
    CONF_VALUE,
    CONF_SHED_SCRIPT,
    CONF_RESTORE_SCRIPT,
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
class How:
    """What is commanded, and in which way."""

    method: Method
    entity_id: str | None = None
    """What is commanded; for scripts what is watched, if anything."""
    shift: float = 0
    preset: str = ""
    value: float = 0
    shed_script: str = ""
    restore_script: str = ""

    @classmethod
    def of(cls, hass: HomeAssistant, data: Mapping[str, Any]) -> How:
        """Read what is kept of it; raise KeyError or ValueError if that was not made by the flow."""
        return cls(
            method=Method(data[CONF_METHOD]),
            entity_id=entity_id_of(hass, data.get(CONF_ENTITY)) or None,
            shift=float(data.get(CONF_SHIFT, 0)),
            preset=data.get(CONF_PRESET, ""),
            value=float(data.get(CONF_VALUE, 0)),
            shed_script=entity_id_of(hass, data.get(CONF_SHED_SCRIPT)),
            restore_script=entity_id_of(hass, data.get(CONF_RESTORE_SCRIPT)),
        )


@dataclass(frozen=True, slots=True)
class Handover:
    """What the shell needs to know of a load; `load` is what the decision needs."""

    load: Load
    title: str
    how: How
    kept_how: Mapping[str, Any]
    """The same as it is kept: enough to give the load back when it was changed or taken back meanwhile."""
    power_sensor: str | None
    policy: Policy

    @property
    def entity_id(self) -> str | None:
        """What is commanded; for scripts what is watched, if anything."""
        return self.how.entity_id

    @property
    def entities(self) -> set[str]:
        """Return every entity that it names."""
        how = self.how
        return {name for name in (how.entity_id, self.power_sensor, how.shed_script, how.restore_script) if name}


def handover(hass: HomeAssistant, subentry: ConfigSubentry) -> Handover:
    """Read the subentry of a load; raise KeyError or ValueError if it was not made by the flow."""
    data = subentry.data
    how = How.of(hass, data)
    max_off = data.get(CONF_MAX_OFF)
    most = data.get(CONF_MOST_SHEDS)
    return Handover(
        load=Load(
            id=subentry.subentry_id,
            priority=int(data[CONF_PRIORITY]),
            nominal=int(data.get(CONF_NOMINAL_W) or 0),
            steps=(left_w(how.method, data),),
            min_on=round(data[CONF_MIN_ON] * _MINUTE_MS),
            min_off=round(data[CONF_MIN_OFF] * _MINUTE_MS),
            max_off=round(max_off * _MINUTE_MS) if max_off else None,
            most_sheds=int(most) if most else None,
            protected=tuple(_hours(one) for one in data.get(CONF_PROTECTED, ())),
            when_blind=data.get(CONF_BLIND, False),
        ),
        title=subentry.title,
        how=how,
        kept_how={key: data[key] for key in _HOW if key in data},
        power_sensor=entity_id_of(hass, data.get(CONF_POWER_SENSOR)) or None,
        policy=Policy.of(data),
    )


def kept_as(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity is kept as: its id in the registry, so that it may be renamed, or its own without one."""
    entry = er.async_get(hass).async_get(entity_id)
    return entry.id if entry is not None else entity_id


def entity_id_of(hass: HomeAssistant, kept: str | None) -> str:
    """Return the entity that is kept; one that was removed from the registry stays what is found nowhere."""
    return er.async_resolve_entity_id(er.async_get(hass), kept) or kept if kept else ""


def members_of(hass: HomeAssistant, entity_id: str) -> tuple[str, ...]:
    """Return an entity and, if it is a group, all that it commands, groups within it as well."""
    found, rest = {entity_id: None}, [entity_id]
    while rest:
        state = hass.states.get(rest.pop())
        members = state.attributes.get(ATTR_ENTITY_ID) if state is not None else None
        for member in members if isinstance(members, list | tuple | set) else ():
            if isinstance(member, str) and member not in found:
                found[member] = None
                rest.append(member)
    return tuple(found)


def left_w(method: Method, data: Mapping[str, Any]) -> int:
    """Return what the load still draws when it is shed (W)."""
    if method is Method.LIMIT and data.get(CONF_AMPERES):
        return round(float(data[CONF_VALUE]) * _VOLTS * int(data.get(CONF_PHASES, 1)))
    return round(float(data.get(CONF_LEFT_W) or 0))


def _hours(kept: Mapping[str, str]) -> Hours:
    """Read a stretch of the day, kept as {"start": "HH:MM:SS", "end": "HH:MM:SS"}."""
    start, end = (int(kept[edge][:2]) * 60 + int(kept[edge][3:5]) for edge in ("start", "end"))
    return Hours(start, end)
