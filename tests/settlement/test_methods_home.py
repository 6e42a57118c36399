"""The methods on the quiet days of a French home: docs/settlement.md, 2.7, of every day from 18 to 19 h."""

from datetime import timedelta
from fractions import Fraction
from math import sqrt

from homes import FACTS, PARIS, home, order, with_home
import pytest

from custom_components.flex_ready.settlement.facts import local_day
from custom_components.flex_ready.settlement.methods import Choice, Method
from custom_components.flex_ready.settlement.realised import realised

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
    errors, drawn = [], []
    for day in sorted({local_day(step, PARIS) for step, _ in home()}):
        rows = realised(order(day, "18:00", "19:00"), Choice(method=method, dmo=timedelta(minutes=30)), FACTS, [home()])
        drawn += [row.measured_wh for row in rows if row.measured_wh is not None]
        raw = [row.realised_wh for row in rows if row.realised_wh is not None]
        if len(raw) == len(rows):
            errors.append(float(sum(raw, Fraction())))
    mean = 2 * sum(drawn) / len(drawn) / 100
    found = (
        sum(errors) / len(errors) / mean,
        sqrt(sum(error * error for error in errors) / len(errors)) / mean,
        sum(max(error, 0) for error in errors) / len(errors) / mean,
    )
    assert len(errors) > 330
    assert found == pytest.approx((bias, rmse, phantom), abs=NEAR), f"{method}: {found} over {len(errors)} days"
