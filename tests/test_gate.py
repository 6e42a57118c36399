"""What passes the gate, and when (pure)."""

from collections.abc import Hashable
from itertools import pairwise

import pytest

from custom_components.flex_ready.gate import AT_ONCE, MINUTE_S, POWER_S, SLOW_S, Gate, Pace

POWER = Pace(20)


def passed(pace: Pace, values: list[tuple[float, Hashable]]) -> list[tuple[float, Hashable]]:
    """Return what passes a gate, of some values at some times."""
    gate = Gate(pace)
    return [(now, value) for now, value in values if gate.passes(value, now)]


def test_every_change_passes_at_once_without_a_cadence() -> None:
    """And nothing that is no change."""
    values: list[tuple[float, Hashable]] = [(0, False), (1, False), (1.2, True), (1.4, False), (2, None), (3, None)]
    assert passed(AT_ONCE, values) == [(0, False), (1.2, True), (1.4, False), (2, None)]


def test_the_first_value_passes_even_if_unknown() -> None:
    """An entity that is added has a state."""
    assert passed(POWER, [(7, None)]) == [(7, None)]


def test_a_cadence_counts_from_one_origin() -> None:
    """The first frame of each step of 20 s passes, whenever the first value came."""
    values: list[tuple[float, Hashable]] = [(now, 100 + now) for now in range(13, 100, 8)]
    assert [now for now, _ in passed(POWER, values)] == [13, 21, 45, 61, 85]


def test_no_power_in_the_database_is_older_than_30_s() -> None:
    """With frames of 8 s, whatever their phase, and a commit every 5 s."""
    for phase in range(8):
        written = [now for now, _ in passed(Pace(POWER_S), [(now, now) for now in range(phase, 4000, 8)])]
        assert max(later - earlier for earlier, later in pairwise(written)) + 5 <= 30


def test_a_dead_band_holds_small_moves_back() -> None:
    """It is measured from what was written, not from the value before."""
    pace = Pace(MINUTE_S, 1)
    values = [(0.0, 230.0), (60.0, 230.4), (120.0, 230.8), (180.0, 231.2), (240.0, 231.0), (300.0, 230.2)]
    assert passed(pace, list(values)) == [(0, 230), (180, 231.2), (300, 230.2)]


def test_what_is_due_is_written_in_one_instant() -> None:
    """A value that did not move when it was looked at waits for the next step: nothing trickles in between."""
    values = [(0.0, 1), (20.0, 1), (28.0, 2), (36.0, 3), (40.0, 3)]
    assert passed(POWER, list(values)) == [(0, 1), (40, 3)]


def test_cadences_nest() -> None:
    """Who is due every 5 minutes is due with those of a minute, and those with power."""
    times = [float(now) for now in range(0, 1800, 7)]
    slow, minute, power = (
        {now for now, _ in passed(Pace(cadence), [(now, now) for now in times])}
        for cadence in (SLOW_S, MINUTE_S, POWER_S)
    )
    assert slow < minute < power


@pytest.mark.parametrize("pace", [POWER, Pace(SLOW_S, 5), AT_ONCE])
def test_becoming_unknown_or_unavailable_passes_at_once(pace: Pace) -> None:
    """And so does coming back."""
    unavailable = object()
    values: list[tuple[float, Hashable]] = [(0, 5), (1, None), (2, 5), (3, unavailable), (4, unavailable), (5, 5)]
    assert [now for now, _ in passed(pace, values)] == [0, 1, 2, 3, 5]


def test_text_has_a_cadence_too() -> None:
    """As dates have."""
    assert passed(POWER, [(0.0, "a"), (8.0, "b"), (24.0, "c")]) == [(0, "a"), (24, "c")]
