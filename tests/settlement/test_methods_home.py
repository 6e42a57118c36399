"""The methods on the quiet days of a French home: docs/settlement.md, 2.7, of every day from 18 to 19 h."""

from homes import quiet, with_home
import pytest

from custom_components.flex_ready.settlement.methods import Method

TABLE = [
    (Method.RECTANGLE_SIMPLE, 46, 133, 73),
    (Method.DOUBLE_REFERENCE, -34, 70, 6),
    (Method.MOY10J, 0, 59, 21),
    (Method.MED10J, -10, 60, 15),
    (Method.TEN_OF_TEN, -3, 59, 19),
]
"""Bias, root mean square, and what would be paid for nothing, in % of what the home draws in that hour."""
NEAR = 4
"""That table mixes working days and others in the last row, and took the median of the hour."""


@with_home
@pytest.mark.parametrize(("method", "bias", "rmse", "phantom"), TABLE)
def test_null(method: Method, bias: int, rmse: int, phantom: int) -> None:
    """No order was given, so all that a method says was realised is its error."""
    assert quiet(method) == pytest.approx((bias, rmse, phantom), abs=NEAR)
