"""The forms of a load: what can be shed, in which ways, and what is asked about it."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from homeassistant.components.climate.const import ClimateEntityFeature
from homeassistant.components.fan.const import FanEntityFeature
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.water_heater.const import WaterHeaterEntityFeature
from homeassistant.const import (
    ATTR_SUPPORTED_FEATURES,
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_NAME,
    UnitOfElectricCurrent,
    UnitOfPower,
    UnitOfTime,
)
from homeassistant.core import State
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TimeSelector,
)
import probatio

from ..building.const import (
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
    CONF_RESTORE_SCRIPT,
    CONF_SHED_ABOVE_PRICE,
    CONF_SHED_FROM_LEVEL,
    CONF_SHED_SCRIPT,
    CONF_SHIFT,
    CONF_VALUE,
)
from ..building.handover import Method
from ..building.policies import LEVELS

DOMAINS: Final = (
    "switch",
    "light",
    "fan",
    "input_boolean",
    "climate",
    "water_heater",
    "number",
    "input_number",
)
PHASES = ("1", "3")
CONF_CONFIRM = "confirm"
SCRIPTS = "scripts"
POWER, TIMES, HOURS, POLICY = "power", "times", "hours", "policy"
STRETCHES = (("first_start", "first_end"), ("second_start", "second_end"))
HOW = (
    CONF_METHOD,
    CONF_ENTITY,
    CONF_SHIFT,
    CONF_PRESET,
    CONF_VALUE,
    CONF_AMPERES,
    CONF_PHASES,
    CONF_SHED_SCRIPT,
    CONF_RESTORE_SCRIPT,
)
"""What of a load says how it is shed; to a limit in W or kW belongs what is left, too."""
UNITS: Mapping[str | None, int] = {UnitOfPower.WATT: 1, UnitOfPower.KILO_WATT: 1000, UnitOfElectricCurrent.AMPERE: 0}
"""Of a number that limits, with what one is in W; that of an ampere depends on the phases."""
MILD_PRESETS = ("eco", "away")
MOST_SHIFT = 30
_MIDDLE_PRIORITY = 5
_MOST_PRICE = 10
DAY_MIN = 1440


class Usual(NamedTuple):
    """Times that suit most loads of a domain, in minutes; None: it need not be given back."""

    min_on: int
    min_off: int
    max_off: int | None


USUAL = Usual(5, 5, 60)
USUAL_OF = {
    "climate": Usual(10, 10, 30),
    "fan": Usual(5, 5, 30),
    "input_number": Usual(0, 5, None),
    "light": Usual(0, 1, 10),
    "number": Usual(0, 5, None),
    "water_heater": Usual(5, 5, 120),
}


def _has(flag: int) -> Callable[[State], bool]:
    return lambda state: bool(state.attributes.get(ATTR_SUPPORTED_FEATURES, 0) & flag)


_CAN_TURN_OFF: dict[str, Callable[[State], bool]] = {
    **dict.fromkeys(("switch", "light", "input_boolean"), lambda _: True),
    "fan": _has(FanEntityFeature.TURN_OFF),
    "climate": _has(ClimateEntityFeature.TURN_OFF),
    "water_heater": _has(WaterHeaterEntityFeature.ON_OFF),
}
_HAS_SETPOINT: dict[str, Callable[[State], bool]] = {
    "climate": _has(ClimateEntityFeature.TARGET_TEMPERATURE),
    "water_heater": _has(WaterHeaterEntityFeature.TARGET_TEMPERATURE),
}


def methods(state: State) -> list[Method]:
    """Return how the entity of a state can be shed, from what it says of its abilities."""
    domain, attributes = state.domain, state.attributes
    found: list[Method] = []
    if domain in _CAN_TURN_OFF and _CAN_TURN_OFF[domain](state):
        found.append(Method.OFF)
    if domain in _HAS_SETPOINT and _HAS_SETPOINT[domain](state):
        found.append(Method.SETPOINT)
    if domain in ("climate", "fan") and attributes.get("preset_modes"):
        found.append(Method.PRESET)
    if domain in ("number", "input_number") and attributes.get(ATTR_UNIT_OF_MEASUREMENT) in UNITS:
        found.append(Method.LIMIT)
    return found


def box(unit: str | None = None, *, least: float = 0, most: float, step: float | str = 1) -> NumberSelector:
    """Make a box for a number."""
    config = NumberSelectorConfig(min=least, max=most, mode=NumberSelectorMode.BOX)
    config["step"] = "any" if isinstance(step, str) else step
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def words(key: str, *options: str, mode: SelectSelectorMode = SelectSelectorMode.LIST) -> SelectSelector:
    """Make a choice among words, whose texts are found by a key."""
    return SelectSelector(SelectSelectorConfig(options=[*options], mode=mode, translation_key=key))


_SCRIPT = EntitySelector(EntitySelectorConfig(domain="script"))
ENTITY_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_ENTITY): EntitySelector(EntitySelectorConfig(domain=[*DOMAINS])),
        probatio.Optional(CONF_NAME): TextSelector(),
    }
)
SCRIPTS_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_SHED_SCRIPT): _SCRIPT,
        probatio.Required(CONF_RESTORE_SCRIPT): _SCRIPT,
        probatio.Optional(CONF_ENTITY): EntitySelector(EntitySelectorConfig(domain=[*DOMAINS, "binary_sensor"])),
    }
)
_MINUTES = box(UnitOfTime.MINUTES, most=DAY_MIN)
TIMES_SCHEMA = probatio.Schema(
    {
        probatio.Optional(CONF_MIN_ON): _MINUTES,
        probatio.Optional(CONF_MIN_OFF): _MINUTES,
        probatio.Optional(CONF_MAX_OFF): _MINUTES,
        probatio.Optional(CONF_MOST_SHEDS): box(most=1000),
    }
)
_HOURS_SCHEMA = probatio.Schema({probatio.Optional(edge): TimeSelector() for stretch in STRETCHES for edge in stretch})


POLICY_SCHEMA = probatio.Schema(
    {
        probatio.Optional(CONF_SHED_FROM_LEVEL): words(CONF_SHED_FROM_LEVEL, *LEVELS, mode=SelectSelectorMode.DROPDOWN),
        probatio.Optional(CONF_SHED_ABOVE_PRICE): box("EUR/kWh", least=-_MOST_PRICE, most=_MOST_PRICE, step="any"),
    }
)


def rules_schema(method: Method) -> probatio.Schema:
    """Make the form of the rules of a load that is shed in some way."""
    power: dict[probatio.Marker, object] = {
        probatio.Optional(CONF_POWER_SENSOR): EntitySelector(
            EntitySelectorConfig(domain="sensor", device_class=SensorDeviceClass.POWER.value)
        ),
        probatio.Optional(CONF_NOMINAL_W): box(UnitOfPower.WATT, most=10_000_000),
    }
    if method is not Method.LIMIT:
        power[probatio.Optional(CONF_LEFT_W)] = box(UnitOfPower.WATT, most=10_000_000)
    return probatio.Schema(
        {
            probatio.Required(CONF_PRIORITY, default=_MIDDLE_PRIORITY): NumberSelector(
                NumberSelectorConfig(min=1, max=9, step=1, mode=NumberSelectorMode.SLIDER)
            ),
            probatio.Required(POWER): section(probatio.Schema(power), {"collapsed": False}),
            probatio.Required(TIMES): section(TIMES_SCHEMA, {"collapsed": True}),
            probatio.Required(HOURS): section(_HOURS_SCHEMA, {"collapsed": True}),
            probatio.Required(POLICY): section(POLICY_SCHEMA, {"collapsed": True}),
            probatio.Required(CONF_BLIND, default=False): bool,
            probatio.Required(CONF_CONFIRM, default=False): bool,
        }
    )
