"""A load and what was done to it: its times, its day, a hand, disobedience, futility, what is kept."""

from dataclasses import asdict
from itertools import pairwise
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.control.load import (
    DISOBEYED_MS,
    GUESS,
    HAND_MS,
    Hours,
    Load,
    LoadState,
    Seen,
    worth_it,
)
from custom_components.flex_ready.control.overruns import Overruns
from custom_components.flex_ready.control.trace import Trace
from custom_components.flex_ready.control.window import MINUTE_MS, Kind, Reached

T = 1_800_000_000_000
NOON = 720
ON = Seen()
OFF = Seen(step=1, on=False)


def load(**others: object) -> Load:
    """Make a load of 3 kW."""
    fields: dict[str, object] = {"id": "boiler", "priority": 1, "nominal": 3_000, **others}
    return Load(**fields)  # type: ignore[arg-type]


# When it may be shed, and when it comes back.


@pytest.mark.parametrize(
    ("seen", "may"),
    [
        (ON, True),
        (Seen(available=False), False),
        (Seen(managed=False), False),
        (OFF, False),
        (Seen(on=False), True),
        (Seen(step=None), True),
        (Seen(sheddable=False), False),
    ],
)
@pytest.mark.parametrize("forced", [False, True])
def test_what_is_out_of_reach_is_not_shed(seen: Seen, may: bool, forced: bool) -> None:  # noqa: FBT001
    """Gone, not handed over, or off already: not by force either."""
    assert LoadState().may_shed(load(), seen, T, NOON, forced=forced) is may


def test_min_on() -> None:
    """Not shed again before it was on for so long, unless by force; the first time it may go at once."""
    boiler, state = load(min_on=60_000), LoadState()
    assert state.may_shed(boiler, ON, T, NOON)
    state.set_step(1, 3_000, T)
    state.set_step(0, 3_000, T + 10_000)
    assert not state.may_shed(boiler, ON, T + 69_999, NOON)
    assert state.may_shed(boiler, ON, T + 69_999, NOON, forced=True)
    assert state.may_shed(boiler, ON, T + 70_000, NOON)


def test_min_off_and_max_off() -> None:
    """Off for at least so long, and at most; going further does not begin it anew."""
    boiler, state = load(steps=(1_000, 0), min_off=60_000, max_off=600_000), LoadState()
    assert not state.may_return(boiler, T)
    assert state.returns_at(boiler) is None
    state.set_step(1, 3_000, T)
    state.set_step(2, 9_000, T + 50_000)
    assert (state.drew, state.sheds) == (3_000, 1)
    assert not state.may_return(boiler, T + 59_999)
    assert state.may_return(boiler, T + 60_000)
    assert state.returns_at(boiler) == T + 600_000
    assert state.returns_at(load()) is None
    assert state.may_return(load(min_off=600_000, max_off=60_000), T + 60_000)


def test_most_sheds_a_day() -> None:
    """Twice today, and again after midnight; a deeper step is not another time."""
    boiler, state = load(most_sheds=2, steps=(1_000, 0)), LoadState(day=7)
    for _ in range(2):
        assert state.may_shed(boiler, ON, T, NOON)
        state.set_step(1, 3_000, T)
        assert state.may_shed(boiler, Seen(step=1), T, NOON)
        state.set_step(2, 3_000, T)
        state.set_step(0, 0, T)
    assert not state.may_shed(boiler, ON, T, NOON)
    assert state.may_shed(boiler, ON, T, NOON, forced=True)
    state.pass_time(boiler, 5_000, 7)
    assert not state.may_shed(boiler, ON, T, NOON)
    state.pass_time(boiler, 5_000, 8)
    assert state.may_shed(boiler, ON, T, NOON)


def test_the_day_is_counted_from_local_midnight() -> None:
    """Time off and energy not drawn; what is off over midnight goes on from nothing."""
    boiler, state = load(), LoadState(day=7)
    state.set_step(1, 3_000, T)
    state.pass_time(boiler, 5_000, 7)
    assert (state.off_ms, state.unserved, state.sheds) == (5_000, 15_000_000, 1)
    state.pass_time(boiler, 5_000, 8)
    assert (state.off_ms, state.unserved, state.sheds, state.step) == (5_000, 15_000_000, 0, 1)


@pytest.mark.parametrize(
    ("hours", "minute", "holds"),
    [
        (Hours(600, 720), 599, False),
        (Hours(600, 720), 600, True),
        (Hours(600, 720), 719, True),
        (Hours(600, 720), 720, False),
        (Hours(1_320, 360), 1_319, False),
        (Hours(1_320, 360), 1_439, True),
        (Hours(1_320, 360), 0, True),
        (Hours(1_320, 360), 359, True),
        (Hours(1_320, 360), 360, False),
        (Hours(0, 0), 0, False),
    ],
)
def test_protected_hours(hours: Hours, minute: int, holds: bool) -> None:  # noqa: FBT001
    """Half-open, and over midnight; not shed in them, unless by force."""
    assert hours.holds(minute) is holds
    boiler = load(protected=(hours, Hours(900, 901)))
    assert LoadState().may_shed(boiler, ON, T, minute) is not holds
    assert LoadState().may_shed(boiler, ON, T, minute, forced=True)
    assert LoadState(step=1).may_shed(load(steps=(9, 0), protected=(hours,)), ON, T, minute) is not holds


def test_hours_ahead() -> None:
    """In how many minutes they begin, the next day if need be."""
    assert [Hours(600, 720).ahead(minute) for minute in (590, 600, 601, 0)] == [10, 0, 1_439, 600]


# What is seen of it.


def test_what_it_draws() -> None:
    """Its own meter, else what is known of it while it is on; while it is shed, what it drew before."""
    state = LoadState(learned=1_234)
    assert state.draws(load(), ON) == 3_000
    assert state.draws(load(), Seen(power=700)) == 700
    assert state.draws(load(), Seen(power=-5)) == 0
    assert state.draws(load(), Seen(on=False)) == 0
    assert state.draws(load(nominal=0), ON) == 1_234
    state.set_step(1, 2_500, T)
    assert state.draws(load(), Seen(power=0, step=1)) == 2_500
    assert state.would_draw(load(), Seen(power=10, step=1)) == 10


def test_what_steps_save() -> None:
    """Against what it drew, never less than nothing."""
    charger, state = load(steps=(3_000, 0)), LoadState(drew=7_000)
    assert [state.saving(charger, step) for step in (0, 1, 2)] == [0, 4_000, 7_000]
    assert LoadState(drew=2_000).saving(charger, 1) == 0
    assert [worth_it(saving) for saving in (0, 99, 100)] == [False, False, True]


def test_a_device_that_does_not_obey() -> None:
    """Not within 45 s and its lag: it is given back and left alone for ten minutes; force still may."""
    boiler, state = load(lag=10_000), LoadState()
    state.set_step(1, 3_000, T)
    assert not state.watch(boiler, ON, T + 54_999)
    for blank in (Seen(available=False), Seen(step=None)):
        assert not state.watch(boiler, blank, T + 90_000)
    assert state.watch(boiler, ON, T + 55_000)
    state.set_step(0, 3_000, T + 55_000)
    until = T + 55_000 + DISOBEYED_MS
    assert not state.hand
    assert not state.may_shed(boiler, ON, until - 1, NOON)
    assert state.may_shed(boiler, ON, until - 1, NOON, forced=True)
    assert state.may_shed(boiler, ON, until, NOON)


def test_a_hand() -> None:
    """It obeyed and then is seen untouched: not shed for an hour, not by force either."""
    boiler, state = load(), LoadState()
    state.set_step(1, 3_000, T)
    assert not state.watch(boiler, OFF, T + 5_000)
    assert state.obeyed
    assert not state.watch(boiler, ON, T + 400_000)
    assert (state.step, state.limit_step, state.hand, state.changed) == (0, 0, True, T + 400_000)
    until = T + 400_000 + HAND_MS
    assert state.left_alone_until == until
    for forced in (False, True):
        assert not state.may_shed(boiler, ON, until - 1, NOON, forced=forced)
        assert state.may_shed(boiler, ON, until, NOON, forced=forced)
    state.set_step(1, 3_000, until)
    assert not state.watch(boiler, ON, until + 5_000)  # obeying begins anew
    assert state.step == 1


def test_shedding_that_does_not_help() -> None:
    """Three times in a row less than a quarter of what was expected: left alone for an hour, and it says so."""
    boiler, state = load(), LoadState()
    for effect in (0, 749, 750, -200, 10):
        state.saw_effect(boiler, 3_000, effect, T)
    assert (state.futile, state.futile_for_good, state.left_alone_until) == (2, False, 0)
    state.saw_effect(boiler, 3_000, 100, T)
    assert state.futile_for_good
    assert not state.may_shed(boiler, ON, T + HAND_MS - 1, NOON)
    assert state.may_shed(boiler, ON, T + HAND_MS, NOON)
    assert not state.hand
    state.saw_effect(boiler, 3_000, 2_000, T)
    assert not state.futile_for_good


def test_nominal_power_is_learned() -> None:
    """From what shedding it saved, if the user did not say; a nothing teaches nothing."""
    unknown, state = load(nominal=0), LoadState(step=1)
    for effect, learned in ((2_000, 2_000), (1_000, 1_750), (50, 1_750), (1_750, 1_750)):
        state.saw_effect(unknown, 0, effect, T)
        assert state.learned == learned
    assert state.futile == 0
    part, leaves = LoadState(step=1), load(nominal=0, steps=(500,))
    assert part.would_draw(leaves, Seen()) == 500 + GUESS
    part.saw_effect(leaves, GUESS, 1_500, T)
    assert part.would_draw(leaves, Seen()) == 2_000
    assert part.would_draw(leaves, Seen(on=False)) == 0
    known = LoadState(step=1)
    known.saw_effect(load(), 3_000, 2_900, T)
    assert known.learned == 0


# What is kept.

_STATES = st.builds(
    LoadState,
    step=st.integers(0, 2),
    changed=st.none() | st.integers(0, T),
    drew=st.integers(0, 10**6),
    limit_step=st.integers(0, 2),
    sheds=st.integers(0, 50),
    off_ms=st.integers(0, 10**8),
    unserved=st.integers(0, 10**14),
    day=st.integers(0, 800_000),
    obeyed=st.booleans(),
    commanded=st.none() | st.integers(0, T),
    left_alone_until=st.integers(0, T),
    hand=st.booleans(),
    futile=st.integers(0, 9),
    learned=st.integers(0, 10**6),
)
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(_STATES)
def test_what_is_kept_comes_back(state: LoadState) -> None:
    """Through JSON."""
    assert LoadState.from_dict(json.loads(json.dumps(state.to_dict()))) == state


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*asdict(LoadState()), "other"]), _JUNK, max_size=16), st.integers(0, 2 * T))
def test_garbage_is_left_out(kept: dict[str, Any], now: int) -> None:
    """Whatever stands in the store: a state that works, in line with the load and the clock."""
    charger, state = load(steps=(3_000, 0), max_off=600_000), LoadState.from_dict(kept)
    for name, value in asdict(state).items():
        assert type(value) in ((int, type(None)) if name in ("changed", "commanded") else (type(value),))
        assert value is None or value >= 0
        assert type(value) is not bool or name in ("obeyed", "hand")
    state.check(charger, now)
    assert state.step <= 2
    assert state.limit_step <= 2
    assert state.left_alone_until <= now + HAND_MS
    state.saving(charger, state.step)
    state.may_shed(charger, ON, now, NOON)
    state.watch(charger, ON, now)
    due = state.returns_at(charger)
    assert (due is None) is (not state.step)
    assert due is None or due <= now + 600_000


def test_a_clock_that_is_set_back() -> None:
    """All instants move with it."""
    state = LoadState(step=1, changed=T, commanded=T, left_alone_until=T + 5)
    state.shift(-1_000)
    assert (state.changed, state.commanded, state.left_alone_until) == (T - 1_000, T - 1_000, T - 995)
    fresh = LoadState()
    fresh.shift(-1_000)
    assert (fresh.changed, fresh.commanded) == (None, None)


# Powers over time.


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 9_000)), min_size=1, max_size=30),
    st.integers(-1_000, 300_000),
    st.integers(0, 300_000),
)
def test_a_trace_is_the_sum_of_its_pieces(changes: list[tuple[int, int]], start: int, length: int) -> None:
    """Of any stretch within ten minutes; before the first moment there is nothing."""
    trace, at, powers = Trace(), 0, {0: 0}
    assert not Trace().begun
    for wait, power in changes:
        at += wait
        powers[at] = power
        trace.add(at, power)
    assert trace.begun
    end = start + length
    edges = [*sorted(powers), 10**9]
    expected = sum(
        powers[a] * max(0, min(b, end) - max(a, start)) for a, b in pairwise(edges) if b > max(0, at - 600_000)
    )
    if start >= at - 600_000:
        assert trace.energy(start, end) == expected
    trace.shift(7)
    if start >= at - 600_000:
        assert trace.energy(start + 7, end + 7) == expected
    trace.clear()
    assert trace.energy(start, end) == 0


def test_a_trace_keeps_ten_minutes() -> None:
    """And the one moment before them."""
    trace = Trace()
    for number in range(10_000):
        trace.add(number * 1_000, number % 2)
    assert len(trace._changes) <= 602
    assert trace.energy(9_399_000, 9_999_000) == 300_000


# Overruns of a month.


def test_overruns() -> None:
    """How many, by how much, in how many hours; none of another month, and none without one."""
    month = Overruns().add(Reached(T + 600_000, 43_000, 42_000), Kind.FIXED, 5)
    month = month.add(Reached(T + 1_200_000, 41_000, 42_000), Kind.FIXED, 5)
    month = month.add(Reached(T + 1_800_000, 45_000, 42_000), Kind.FIXED, 5)
    assert (month.month, month.count, month.worst, month.hours) == (5, 2, 3_000, 1)
    month = month.add(Reached(T + 7_200_000, 42_500, 42_000), Kind.FIXED, 5)
    assert (month.count, month.worst, month.hours) == (3, 3_000, 2)
    assert month.add(Reached(T, 42_000, 42_000), Kind.FIXED, 6) == Overruns(6)


def test_an_overrun_that_goes_on_counts_once() -> None:
    """Each minute judged: six minutes in a row are one overrun, in the hours that they lie in."""
    month = Overruns()
    for minute in (57, 58, 59, 60, 61, 62, 70):
        month = month.add(Reached(T + minute * MINUTE_MS, 43_000, 42_000), Kind.SLIDING, 5)
    assert (month.count, month.hours) == (2, 2)
    # The window that ends at nine belongs to the hour before.
    assert Overruns().add(Reached(T + 60 * MINUTE_MS, 2, 1), Kind.SLIDING, 5).last_hour == T // 3_600_000


@given(_JUNK | st.dictionaries(st.sampled_from([*Overruns().to_dict()]), st.integers() | st.booleans()))
@settings(max_examples=60, deadline=None)
def test_kept_overruns(kept: object) -> None:
    """They come back whole, or not at all."""
    month = Overruns(5, 3, 900, 2, T, 7)
    assert Overruns.from_dict(json.loads(json.dumps(month.to_dict()))) == month
    assert isinstance(Overruns.from_dict(kept), Overruns)
    assert Overruns.from_dict({**month.to_dict(), "count": True}) == Overruns()
