"""The forecast: it learns, follows, keeps little, and never raises."""

from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.control.forecast import HORIZONS_MS, Forecast

T = 1_800_000_000_000


def test_a_constant_demand_leaves_no_error() -> None:
    """At first the error is a twentieth of the demand; in the end it is nothing, whatever is managed."""
    forecast = Forecast()
    forecast.take(8_000, 2_000, T)
    assert {forecast.error(ahead) for ahead in HORIZONS_MS} == {500}
    for number in range(1, 2_500):
        forecast.take(8_000, 2_000, T + number * 8_000)
    assert forecast.level == 10_000
    for ahead in HORIZONS_MS:
        assert forecast.error(ahead) == 0
        assert forecast.mean(ahead) == 10_000


def test_at_first_a_departure_is_held_to_last() -> None:
    """Before anything was learned, a step is followed within 30 s, for every horizon."""
    forecast = Forecast()
    forecast.take(8_000, 0, T)
    for number in range(1, 5):
        forecast.take(18_000, 0, T + number * 8_000)
    for ahead in HORIZONS_MS:
        assert forecast.mean(ahead) >= 8_000 + 10_000 * 8 // 10


@pytest.mark.parametrize("step", [5_000, 10_000, -10_000])
def test_a_step_is_followed_within_half_a_minute(step: int) -> None:
    """After a restless hour: up within 30 s for the near horizons, down more slowly, never past it."""
    forecast, dice = Forecast(), Random(3)
    at = T
    for _ in range(450):
        at += 8_000
        forecast.take(20_000 + dice.randrange(-400, 400), 3_000, at)
    for _ in range(4):
        at += 8_000
        forecast.take(20_000 + step, 3_000, at)
    if step > 0:
        assert forecast.level >= 23_000 + step * 8 // 10
        assert forecast.mean(15_000) >= 23_000 + step * 8 // 10
    else:
        assert 23_000 + step <= forecast.level <= 23_000 + step * 4 // 10
    for _ in range(100):
        at += 8_000
        forecast.take(20_000 + step, 3_000, at)
    assert forecast.level == pytest.approx(23_000 + step, abs=200)
    for ahead in HORIZONS_MS:
        assert forecast.mean(ahead) == pytest.approx(23_000 + step, abs=1_500)


def test_what_is_managed_is_known_at_once() -> None:
    """A managed load that goes on is in the next forecast whole, and leaves the rest as it was."""
    forecast = Forecast()
    for number in range(60):
        forecast.take(8_000, 0, T + number * 8_000)
    forecast.take(8_000, 7_000, T + 480_000)
    assert {forecast.mean(ahead) for ahead in HORIZONS_MS} == {15_000}


def test_it_learns_that_peaks_pass() -> None:
    """Peaks of 30 s: of a departure, less is held to last for four minutes than for a quarter of one."""
    forecast = Forecast()
    for number in range(3_994):
        forecast.take(20_000 if number % 30 < 4 else 10_000, 0, T + number * 8_000)
    assert forecast.rest > forecast.usual + 500
    departure = forecast.rest - forecast.usual
    kept = [forecast.mean(ahead) - forecast.usual for ahead in (15_000, 240_000)]
    assert kept[1] < kept[0] <= departure
    assert all(forecast.error(ahead) > 0 for ahead in HORIZONS_MS)


def test_a_horizon_stands_for_those_about_as_long() -> None:
    """Any length of time has one, also none and a day."""
    forecast = Forecast()
    forecast.take(5_000, 0, T)
    for ahead in (0, 1, 19_000, 21_000, 700_000, 86_400_000):
        assert forecast.mean(ahead) == 5_000
        assert forecast.error(ahead) == 250


def test_a_gap_begins_anew() -> None:
    """After six minutes without a reading, or a clock that goes back, the present is the usual."""
    forecast = Forecast()
    for number in range(20):
        forecast.take(8_000, 0, T + number * 8_000)
    forecast.take(20_000, 0, T + 1_000_000)
    assert (forecast.rest, forecast.usual) == (20_000, 20_000)
    forecast.take(12_000, 0, T)
    assert (forecast.rest, forecast.usual) == (12_000, 12_000)
    assert all(not horizon.pending for horizon in forecast._horizons.values())


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**6), 10**6),
            st.integers(-(10**6), 10**6),
            st.one_of(st.integers(-20_000, 20_000), st.integers(0, 400_000)),
        ),
        max_size=150,
    )
)
def test_whatever_comes(taken: list[tuple[int, int, int]]) -> None:
    """Any powers at any times: nothing is raised, and no more is kept than a forecast each 10 s of each horizon."""
    forecast = Forecast()
    at = T
    for rest, managed, wait in taken:
        at += wait
        forecast.take(rest, managed, at)
        for ahead in (*HORIZONS_MS, 0, 700_000):
            assert abs(forecast.mean(ahead)) < 10**8
            assert forecast.error(ahead) >= 0
        for ahead, horizon in forecast._horizons.items():
            assert len(horizon.pending) <= ahead // 10_000 + 2


def test_memory_is_bounded() -> None:
    """A day at two readings a second."""
    forecast = Forecast()
    for number in range(40_000):
        forecast.take(10_000 + number % 7 * 300, number % 3 * 1_000, T + number * 500)
    assert sum(len(horizon.pending) for horizon in forecast._horizons.values()) <= sum(HORIZONS_MS) // 10_000 + 6


@pytest.mark.parametrize("ahead", HORIZONS_MS[1:])
def test_a_step_after_hours_without_any_change(ahead: int) -> None:
    """An empty building, then people: followed within 30 s for every horizon."""
    forecast = Forecast()
    for number in range(2_700):
        forecast.take(20_000, 0, T + number * 8_000)
    for number in range(2_700, 2_704):
        forecast.take(30_000, 0, T + number * 8_000)
    assert forecast.mean(ahead) >= 28_000
