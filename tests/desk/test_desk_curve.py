"""The load curve of a source, at instants that nobody chose."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from custom_components.flex_ready.desk.curve import Curve
from custom_components.flex_ready.flexibility.model import Quality

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(("us", "quality"), [(1, Quality.MISSING), (999, Quality.MISSING), (1000, Quality.MEASURED)])
def test_a_step_that_has_just_begun(us: int, quality: Quality) -> None:
    """Of less than a millisecond nothing is known, and nobody is told a nonsense."""
    curve = Curve()
    list(curve.add(NOON, None, Decimal()))
    list(curve.add(NOON + timedelta(microseconds=us), Decimal("0.01"), Decimal()))
    running = curve.running()
    assert running is not None
    assert running.value.quality is quality
