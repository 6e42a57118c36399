"""The triplet {value, unit, multiplier}: exact, or refused."""

from decimal import Decimal

from hypothesis import given, strategies as st
import pytest

from custom_components.flex_ready.quantity import MULTIPLIERS, QuantityError, QuantityFault, Unit, parse_quantity


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "expected", "base"),
    [
        (12.5, "W", "k", "12500", Unit.W),
        (12, "W", "", "12", Unit.W),
        (12, "W", None, "12", Unit.W),
        (12, "W", "none", "12", Unit.W),
        (85, "€/MWh", "", "0.085", Unit.EUR_PER_KWH),
        (Decimal("0.1821"), "€/kWh", "", "0.1821", Unit.EUR_PER_KWH),
        (0.1, "EUR/kWh", "", "0.1", Unit.EUR_PER_KWH),
        (-3, "gCO2eq/kWh", "m", "-0.003", Unit.G_PER_KWH),
        (2, "Wh", "M", "2000000", Unit.WH),
    ],
)
def test_values(value: object, unit: str, multiplier: str | None, expected: str, base: Unit) -> None:
    """In the base unit, to the last digit."""
    triplet = {"value": value, "unit": unit, "multiplier": multiplier}
    quantity = parse_quantity(triplet)
    assert (quantity.value, quantity.unit) == (Decimal(expected), base)
    assert quantity.sent is triplet


def test_a_multiplier_may_be_left_out() -> None:
    """Then it is 1."""
    assert parse_quantity({"value": 1, "unit": "W"}).value == 1


@pytest.mark.parametrize(
    ("triplet", "fault", "member"),
    [
        (12, QuantityFault.NOT_A_QUANTITY, ""),
        ({"value": 1, "unit": "kW"}, QuantityFault.UNKNOWN_UNIT, "unit"),
        ({"value": 1}, QuantityFault.UNKNOWN_UNIT, "unit"),
        ({"value": 1, "unit": "W", "multiplier": "K"}, QuantityFault.UNKNOWN_MULTIPLIER, "multiplier"),
        ({"value": 1, "unit": "W", "multiplier": 3}, QuantityFault.UNKNOWN_MULTIPLIER, "multiplier"),
        ({"value": "1", "unit": "W"}, QuantityFault.NOT_A_NUMBER, "value"),
        ({"value": True, "unit": "W"}, QuantityFault.NOT_A_NUMBER, "value"),
        ({"value": float("nan"), "unit": "W"}, QuantityFault.NOT_A_NUMBER, "value"),
        ({"value": Decimal("1e40"), "unit": "W"}, QuantityFault.OUT_OF_REACH, "value"),
    ],
)
def test_what_is_refused(triplet: object, fault: QuantityFault, member: str) -> None:
    """With what is wrong, and where."""
    with pytest.raises(QuantityError) as refused:
        parse_quantity(triplet)
    assert (refused.value.fault, refused.value.member) == (fault, member)


@given(st.decimals(-1000, 1000, places=6), st.sampled_from(sorted(MULTIPLIERS)))
def test_no_digit_is_lost(value: Decimal, multiplier: str) -> None:
    """Dividing gives what was sent."""
    quantity = parse_quantity({"value": value, "unit": "W", "multiplier": multiplier})
    assert quantity.value / MULTIPLIERS[multiplier] == value
