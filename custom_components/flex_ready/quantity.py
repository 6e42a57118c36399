"""The quantity of the Flex Ready APIs: a triplet {value, unit, multiplier}, exact.

Sources: Flex Ready Annex 2, "Data Formatting"; IEC CIM UnitMultiplier, of which `none` is also written "" or left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Overflow, Rounded, Subnormal
from enum import StrEnum
import reprlib

MULTIPLIERS: Mapping[str, Decimal] = {
    "": Decimal(1),
    "none": Decimal(1),
    **{
        symbol: Decimal(10) ** power
        for symbol, power in {
            "y": -24,
            "z": -21,
            "a": -18,
            "f": -15,
            "p": -12,
            "n": -9,
            "micro": -6,
            "m": -3,
            "c": -2,
            "d": -1,
            "da": 1,
            "h": 2,
            "k": 3,
            "M": 6,
            "G": 9,
            "T": 12,
            "P": 15,
            "E": 18,
            "Z": 21,
            "Y": 24,
        }.items()
    },
}
"""CIM UnitMultiplier; case matters."""
DIGITS = 28
MAGNITUDE = 30
_ZERO = Decimal(0)
_REACH = Context(prec=DIGITS, Emin=-MAGNITUDE, Emax=MAGNITUDE, traps=[Rounded, Overflow, Subnormal])
"""Makes a number what it is, or raises."""


class Unit(StrEnum):
    """What values are in once the multiplier is taken out."""

    W = "W"
    WH = "Wh"
    VA = "VA"
    VAH = "VAh"
    EUR_PER_KWH = "EUR/kWh"
    G_PER_KWH = "gCO2eq/kWh"


_UNITS: Mapping[str, tuple[Unit, Decimal]] = {
    **{unit.value: (unit, Decimal(1)) for unit in Unit},
    "€/kWh": (Unit.EUR_PER_KWH, Decimal(1)),
    "€/MWh": (Unit.EUR_PER_KWH, Decimal("0.001")),
    "EUR/MWh": (Unit.EUR_PER_KWH, Decimal("0.001")),
    "€/Wh": (Unit.EUR_PER_KWH, Decimal(1000)),
    "EUR/Wh": (Unit.EUR_PER_KWH, Decimal(1000)),
}


class QuantityFault(StrEnum):
    """What is wrong with a triplet."""

    NOT_A_QUANTITY = "not-a-quantity"
    NOT_A_NUMBER = "not-a-number"
    OUT_OF_REACH = "out-of-reach"
    UNKNOWN_UNIT = "unknown-unit"
    UNKNOWN_MULTIPLIER = "unknown-multiplier"


class QuantityError(ValueError):
    """A triplet that is none: `fault` says why, `member` which of its members ("" for the whole)."""

    def __init__(self, fault: QuantityFault, member: str, found: object) -> None:
        super().__init__(f"{fault.value}: {reprlib.repr(found)}")
        self.fault = fault
        self.member = member


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact value in a base unit, and the triplet it was sent as, to be sent back."""

    value: Decimal
    unit: Unit
    sent: Mapping[str, object]


def parse_quantity(triplet: object) -> Quantity:
    """Read a triplet, as JSON gives it (numbers as int, float or Decimal); raise QuantityError."""
    if not isinstance(triplet, Mapping):
        raise QuantityError(QuantityFault.NOT_A_QUANTITY, "", triplet)
    unit, factor = parse_scale(triplet.get("unit"), triplet.get("multiplier"))
    return Quantity(parse_number(triplet.get("value")) * factor, unit, triplet)


def parse_scale(unit: object, multiplier: object) -> tuple[Unit, Decimal]:
    """Return the base unit, and the power of ten that brings a value to it; raise QuantityError."""
    known = _UNITS.get(unit) if isinstance(unit, str) else None
    if known is None:
        raise QuantityError(QuantityFault.UNKNOWN_UNIT, "unit", unit)
    factor = MULTIPLIERS.get("" if multiplier is None else multiplier) if isinstance(multiplier, str | None) else None
    if factor is None:
        raise QuantityError(QuantityFault.UNKNOWN_MULTIPLIER, "multiplier", multiplier)
    return known[0], factor * known[1]


def parse_number(value: object) -> Decimal:
    """Take a finite number exactly as written, a float by its shortest spelling, as JSON had it; raise QuantityError.

    One of more than 28 digits, or not within 10^±30, is out of reach: its product with a multiplier might be rounded.
    """
    number = value if isinstance(value, Decimal) else _decimal(value)
    if not number.is_finite():
        raise QuantityError(QuantityFault.NOT_A_NUMBER, "value", value)
    if not number:
        return _ZERO
    try:
        return _REACH.plus(number)
    except ArithmeticError as error:
        raise QuantityError(QuantityFault.OUT_OF_REACH, "value", value) from error


def _decimal(value: object) -> Decimal:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise QuantityError(QuantityFault.NOT_A_NUMBER, "value", value)
