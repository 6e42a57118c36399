"""Consumptions put into other steps: nothing is lost, nothing made up, and days are those of Paris."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.flex_ready.api.problems import ProblemError
from custom_components.flex_ready.api.query import LONGEST, MOST_STEPS, STEPS, Period, period, window
from custom_components.flex_ready.api.steps import put_together
from custom_components.flex_ready.flexibility.dialects import EMULATOR_2025, NATIVE
from custom_components.flex_ready.flexibility.model import Aggregation, Consumed, Quality
from custom_components.flex_ready.slots import Series, Slot, Stretch

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 1, 12, 8, tzinfo=UTC)
FIVE = timedelta(minutes=5)
LATER = START + timedelta(days=400)


def measured(*watts: int | None, start: datetime = START, quality: Quality = Quality.MEASURED) -> Series[Consumed]:
    """Make a curve of five minutes each; None: not measured."""
    return Series(
        tuple(
            Slot(
                start + i * FIVE,
                start + (i + 1) * FIVE,
                Consumed(quality=Quality.MISSING)
                if one is None
                else Consumed(
                    power=Decimal(one), energy=Decimal(one) / 12, baseline=Decimal(one + 100), quality=quality
                ),
            )
            for i, one in enumerate(watts)
        )
    )


def asked(length: timedelta, step: str | None = None, how: Aggregation | None = None) -> Period:
    """Ask for some time from the start on."""
    return Period(Stretch(START, START + length), STEPS[step] if step else None, how)


def test_as_it_was_measured() -> None:
    """Unless it is asked otherwise."""
    curve = measured(1000, None, 2000)
    assert put_together(curve, asked(3 * FIVE), LATER, PARIS).steps == curve


def test_steps_of_another_length() -> None:
    """Means and energies of what was measured; where part of it is missing, that is said."""
    found = put_together(measured(1200, 2400, 600, None, None, None), asked(6 * FIVE, "PT10M"), LATER, PARIS)
    assert found.aggregation is None
    assert [one.value for one in found.steps] == [
        Consumed(power=Decimal(1800), energy=Decimal(300), baseline=Decimal(1900), quality=Quality.MEASURED),
        Consumed(power=Decimal(600), energy=Decimal(50), baseline=Decimal(700), quality=Quality.PARTIAL),
        Consumed(quality=Quality.MISSING),
    ]


def test_put_together() -> None:
    """Added up: energy; else the mean, or the highest power."""
    curve = measured(1200, 2400, 600, 600)
    values = {
        how: put_together(curve, asked(4 * FIVE, how=how), LATER, PARIS).steps.slots[0].value for how in Aggregation
    }
    assert (values[Aggregation.SUM].energy, values[Aggregation.SUM].power) == (Decimal(400), None)
    assert (values[Aggregation.MEAN].energy, values[Aggregation.MEAN].power) == (None, Decimal(1200))
    assert (values[Aggregation.MAX].energy, values[Aggregation.MAX].power) == (None, Decimal(2400))
    assert values[Aggregation.SUM].baseline == Decimal(1300)
    estimated = measured(1, 2, quality=Quality.ESTIMATED)
    assert put_together(estimated, asked(2 * FIVE, how=Aggregation.SUM), LATER, PARIS).steps.slots[0].value.quality == (
        Quality.ESTIMATED
    )


def test_what_is_not_over_is_not_there() -> None:
    """A step that runs; all of it goes up to now, and before its start there is nothing."""
    curve = measured(1200, 2400, 600)
    now = START + timedelta(minutes=12)
    assert len(put_together(curve, asked(6 * FIVE, "PT10M"), now, PARIS).steps) == 1
    whole = put_together(curve, asked(6 * FIVE, how=Aggregation.SUM), now, PARIS).steps.slots
    assert [(one.end, one.value.energy) for one in whole] == [(now, Decimal(320))]
    assert not len(put_together(curve, asked(FIVE, how=Aggregation.SUM), START, PARIS).steps)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-01-12", 24)])
def test_days_are_those_of_the_calendar(day: str, hours: int) -> None:
    """Of 23 and 25 hours as well."""
    begin = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=PARIS).astimezone(UTC)
    days = put_together(Series(), Period(Stretch(begin, begin + timedelta(days=3)), STEPS["P1D"], None), LATER, PARIS)
    assert days.steps.slots[0].length == timedelta(hours=hours)


@given(
    st.lists(st.none() | st.integers(0, 50_000), min_size=1, max_size=40),
    st.sampled_from(sorted(STEPS)),
    st.integers(0, 40),
)
def test_energy_is_neither_lost_nor_made(watts: list[int | None], step: str, shift: int) -> None:
    """Whatever the steps: their energies add up to what was measured in their time."""
    stretch = Stretch(START - shift * FIVE, START + 41 * FIVE)
    found = put_together(measured(*watts), Period(stretch, STEPS[step], None), LATER, PARIS).steps
    assert found.slots[0].start == stretch.start
    assert found.slots[-1].end == stretch.end
    assert not found.gaps(stretch.start, stretch.end)
    energy = sum((one.value.energy or Decimal() for one in found), Decimal())
    assert abs(energy - sum((Decimal(one or 0) / 12 for one in watts), Decimal())) < Decimal("0.1")
    for one in found:
        assert (one.value.power is None) == (one.value.quality is Quality.MISSING)


def test_what_a_query_asks_for() -> None:
    """By default the day until now; never too much of it."""
    now = datetime(2026, 1, 12, 8, tzinfo=UTC)

    def read(query: dict[str, str], *, aggregated: bool = False) -> Period:
        return period(query, now, NATIVE, PARIS, aggregated=aggregated)

    assert read({}) == Period(Stretch(now - timedelta(days=1), now), None, None)
    assert read({"end": "2026-01-10T00:00:00+01:00"}).stretch.start == datetime(2026, 1, 8, 23, tzinfo=UTC)
    assert read({}, aggregated=True).aggregation is Aggregation.SUM
    assert read({"aggregation": "max", "step": "P1D"}, aggregated=True).step == timedelta(days=1)
    start = (now - LONGEST).isoformat()
    assert read({"start": start, "step": "PT10M"}).stretch.length == LONGEST
    for query in (
        {"start": start},
        {"start": start, "step": "PT5M"},
        {"start": (now - LONGEST - FIVE).isoformat(), "step": "P1D"},
        {"start": now.isoformat()},
    ):
        with pytest.raises(ProblemError):
            read(query)
    assert LONGEST / timedelta(minutes=10) <= MOST_STEPS
    naive = period({"start": "2026-01-12T07:00:00"}, now, EMULATOR_2025, PARIS, aggregated=False)
    assert naive.stretch.start == datetime(2026, 1, 12, 6, tzinfo=UTC)
    assert window({}, NATIVE, PARIS) == (None, None)
    with pytest.raises(ProblemError):
        window({"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, NATIVE, PARIS)
