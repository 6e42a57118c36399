"""The forms of a contract: its terms, its reservation, where its orders come from, and how it is read."""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, cast

from homeassistant.const import CONF_NAME, PERCENTAGE, UnitOfPower, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import DateSelector, SelectSelectorMode, TextSelector
import probatio

from ..contract.const import (
    CONF_DECISIONS,
    CONF_DIRECTION,
    CONF_ENDS,
    CONF_EXPECTED_CALL,
    CONF_FIXED_PREMIUM,
    CONF_MAX_DURATION,
    CONF_MIN_DURATION,
    CONF_MIN_GAP,
    CONF_MOBILIZATION_DELAY,
    CONF_OPERATOR,
    CONF_POWER,
    CONF_PROBABILITY,
    CONF_RESERVATION,
    CONF_STARTS,
    CONF_VARIABLE_PREMIUM,
)
from ..settlement.contract import Reservation
from ..settlement.model import Direction
from ..settlement.profile import Decisions
from .asset import chosen, with_whole
from .load_forms import box, words

_MOST_MIN = 10_080
_MOST_KW = 10_000_000
_MOST_EUR = 1_000_000_000
_MOST_MWH = 100_000_000
_MINUTES = box(UnitOfTime.MINUTES, most=_MOST_MIN)
_USUAL_MIN = 30
EXACT = (CONF_VARIABLE_PREMIUM, CONF_FIXED_PREMIUM, CONF_EXPECTED_CALL, CONF_PROBABILITY)
"""Numbers that are kept as they were written."""
DIRECTIONS = "contract_direction"
KILOWATTS = box(UnitOfPower.KILO_WATT, most=_MOST_KW, step="any")
TERMS_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_RESERVATION, default=Reservation.NONE.value): words(
            CONF_RESERVATION, *(kind.value for kind in Reservation)
        ),
        probatio.Required(CONF_DIRECTION, default=Direction.REDUCE_NET_WITHDRAWAL.value): words(
            DIRECTIONS, *(direction.value for direction in Direction)
        ),
        probatio.Required(CONF_POWER): KILOWATTS,
        probatio.Required(CONF_MOBILIZATION_DELAY, default=_USUAL_MIN): _MINUTES,
        probatio.Required(CONF_MIN_DURATION, default=_USUAL_MIN): _MINUTES,
        probatio.Optional(CONF_MAX_DURATION): _MINUTES,
        probatio.Required(CONF_MIN_GAP, default=0): _MINUTES,
        probatio.Required(CONF_STARTS): DateSelector(),
        probatio.Required(CONF_ENDS): DateSelector(),
        probatio.Required(CONF_VARIABLE_PREMIUM): box("EUR/MWh", most=_MOST_EUR, step="any"),
    }
)
RESERVED_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_FIXED_PREMIUM): box("EUR", most=_MOST_EUR, step="any"),
        probatio.Required(CONF_EXPECTED_CALL): box("MWh", most=_MOST_MWH, step="any"),
        probatio.Required(CONF_PROBABILITY): box(PERCENTAGE, most=100, step="any"),
    }
)
USUAL: Mapping[str, StrEnum] = {
    field.name: cast("StrEnum", getattr(Decisions(), field.name)) for field in fields(Decisions)
}
"""What is decided unless the user says otherwise, by the name of the setting."""
DECISIONS_SCHEMA = probatio.Schema(
    {
        probatio.Required(name, default=usual.value): words(
            f"decision_{name}", *(one.value for one in type(usual)), mode=SelectSelectorMode.DROPDOWN
        )
        for name, usual in USUAL.items()
    }
)


def orders_schema(operators: Mapping[str, str]) -> probatio.Schema:
    """Make the form of where orders come from, if there is an operator to choose, and of how the contract is read."""
    asked: dict[probatio.Marker, object] = {}
    if operators:
        asked[probatio.Optional(CONF_OPERATOR)] = chosen(operators, several=False)
    asked[probatio.Required(CONF_DECISIONS)] = section(DECISIONS_SCHEMA, {"collapsed": True})
    return probatio.Schema(asked)


def decided(user_input: Mapping[str, str]) -> dict[str, str]:
    """Return what is decided otherwise than usually."""
    return {name: word for name, word in user_input.items() if word != USUAL[name]}


def exact(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with each whole number as such, and amounts as text."""
    return {key: f"{value}" if key in EXACT else value for key, value in with_whole(values).items()}


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept as a form shows it."""
    return {key: float(value) if key in EXACT else value for key, value in data.items()}
