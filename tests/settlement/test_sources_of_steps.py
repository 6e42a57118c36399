"""What indexes, counters since a top, powers and curves tell is made into steps."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
import json
from math import floor

from hypothesis import given, strategies as st
import pytest

from custom_components.flex_ready.settlement.cutting import TEN_MINUTES, Cut, joined
from custom_components.flex_ready.settlement.indexes import IndexSteps
from custom_components.flex_ready.settlement.model import STEP, Quality, Reading
from custom_components.flex_ready.settlement.powers import PowerSteps
from custom_components.flex_ready.settlement.together import Net, put_together
from custom_components.flex_ready.settlement.tops import TopSteps
from custom_components.flex_ready.slots import Slot

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MISSING = Reading(None, Quality.MISSING)
GROWING = st.lists(st.tuples(st.integers(1, 7000), st.integers(0, 2000)), min_size=1, max_size=60)
"""Seconds, and Wh that were drawn in them."""


def estimated(wh: int) -> Reading:
    """Return an estimate."""
    return Reading(wh, Quality.ESTIMATED)


def indexed(steps: IndexSteps, told: Iterable[tuple[float, float]]) -> Cut:
    """Have an index told, by minutes after noon."""
    cut: Cut = {}
    for minutes, wh in told:
        cut = joined(cut, steps.take(NOON + minutes * MINUTE, {"": Fraction(wh)}))
    return cut


def halves(*readings: Reading | None) -> dict[datetime, Reading]:
    """Return half-hours from noon on; None: nothing is told of it."""
    return {NOON + i * STEP: reading for i, reading in enumerate(readings) if reading is not None}


@given(GROWING)
def test_steps_of_an_index_add_up(parts: list[tuple[int, int]]) -> None:
    """The sum of the steps is the difference of the indexes; none is negative; what is measured is near the truth."""
    steps, at, index = IndexSteps(), NOON, 12_345_000
    cut = steps.take(at, {"": Fraction(index)})
    told = [(at, index)]
    for seconds, wh in parts:
        at, index = at + seconds * SECOND, index + wh
        cut = joined(cut, steps.take(at, {"": Fraction(index)}))
        told.append((at, index))
    for length in (TEN_MINUTES, STEP):
        readings = cut.get(length, {})
        count = (at - NOON) // length
        assert list(readings) == [NOON + i * length for i in range(count)]
        assert all(reading == MISSING or (reading.wh or 0) >= 0 for reading in readings.values())
        # no gap is longer than two hours: nothing is lost
        assert MISSING not in readings.values()
        last = NOON + count * length
        drawn = sum(reading.wh or 0 for reading in readings.values())
        assert drawn == floor(stood(told, last)) - 12_345_000
        for start, reading in readings.items():
            least = max(wh for when, wh in told if when <= start + length) - min(
                wh for when, wh in told if when >= start
            )
            most = min(wh for when, wh in told if when >= start + length) - max(
                wh for when, wh in told if when <= start
            )
            assert max(0, least) - 1 <= (reading.wh or 0) <= most + 1


def stood(told: list[tuple[datetime, int]], at: datetime) -> Fraction:
    """Return where an index stood, as if all was drawn evenly between two readings."""
    before = max((when, wh) for when, wh in told if when <= at)
    after = min((when, wh) for when, wh in told if when >= at)
    if after[0] == before[0]:
        return Fraction(before[1])
    share = Fraction((at - before[0]) // SECOND, (after[0] - before[0]) // SECOND)
    return before[1] + share * (after[1] - before[1])


@given(GROWING, st.integers(0, 60))
def test_an_index_goes_on_after_a_restart(parts: list[tuple[int, int]], split: int) -> None:
    """Nothing of what was drawn is lost, and nothing comes twice."""

    def run(*, restart: bool) -> Cut:
        steps, at, index = IndexSteps(), NOON, 0
        cut: Cut = {}
        steps.take(at, {"": Fraction(index)})
        for i, (seconds, wh) in enumerate(parts):
            if restart and i == split:
                kept, steps = steps.kept(), IndexSteps()
                assert kept is not None
                steps.restore(json.loads(json.dumps(kept)))
            at, index = at + seconds * SECOND, index + wh
            cut = joined(cut, steps.take(at, {"": Fraction(index)}))
        return cut

    assert run(restart=True) == run(restart=False)


def test_an_index_read_near_each_edge() -> None:
    """Is measured; the first half-hour began before anyone looked."""
    told = [(-1, 0), (1, 20), (29, 320), (31, 340), (59, 600), (61, 660)]
    assert indexed(IndexSteps(), told)[STEP] == {NOON - STEP: MISSING, **halves(Reading(320), Reading(300))}


def test_an_index_after_a_gap() -> None:
    """What came in it is known in total, and marked; of a longer one nothing is told."""
    told = [(0, 0), (25, 250), (85, 850), (89, 890), (91, 910)]
    assert indexed(IndexSteps(), told)[STEP] == halves(estimated(300), estimated(300), estimated(300))
    told = [(0, 0), (30, 300), (151, 1000), (179, 1280), (180, 1290)]
    assert indexed(IndexSteps(), told)[STEP] == halves(Reading(300), *[MISSING] * 5)
    told = [(0, 0), (30, 300), (271, 300)]  # nothing was drawn: it is not estimated
    assert indexed(IndexSteps(), told)[STEP] == halves(Reading(300), *[Reading(0)] * 8)
    told = [(0, 0), (30, 300), (30 + 1441, 20_000)]
    assert indexed(IndexSteps(), told)[STEP] == halves(Reading(300))


def test_a_meter_is_replaced() -> None:
    """The half-hour in which it was is missing, and none is negative."""
    told = [(0, 10**7), (28, 10**7 + 280), (32, 5), (33, 15), (60, 285), (89, 575), (91, 595)]
    assert indexed(IndexSteps(), told)[STEP] == halves(MISSING, MISSING, Reading(300))


def test_an_index_that_begins_anew_each_day() -> None:
    """What it tells afterwards was drawn since; what it told last before that may be too little."""
    told = [(0, 9000), (28, 9280), (32, 20), (33, 30), (59, 290), (61, 310)]
    assert indexed(IndexSteps(begins_anew=True), told)[STEP] == halves(estimated(290), estimated(290))


def test_an_index_of_which_nothing_new_is_told() -> None:
    """Is taken to be where it was: an estimate, which what comes then completes."""
    steps = IndexSteps()
    cut = steps.take(NOON, {"": Fraction(0)})
    for minutes in (30, 60):
        cut = joined(cut, steps.take(NOON + minutes * MINUTE, {"": Fraction(0)}, told=False))
    assert steps.heard == NOON + 60 * MINUTE
    cut = joined(cut, steps.take(NOON + 62 * MINUTE, {"": Fraction(1000)}))
    cut = joined(cut, steps.take(NOON + 90 * MINUTE, {"": Fraction(1300)}))
    assert cut[STEP] == halves(estimated(0), estimated(0), Reading(1300))


@pytest.mark.parametrize("wrong", [0, 20, 9_999_999, 700])
def test_what_is_told_once_and_does_not_follow_is_not_believed(wrong: int) -> None:
    """As a reading of nothing while a device starts."""
    told = [(0, 1000), (14, 1140), (15, wrong), (16, 1160), (29, 1290), (31, 1310)]
    for begins_anew in (True, False):
        assert indexed(IndexSteps(begins_anew=begins_anew), told)[STEP] == halves(Reading(300))


def test_tariffs_are_added_up() -> None:
    """Each is an index; one that is new is believed the second time, and of what it had nobody knows when."""
    steps = IndexSteps()
    cut: Cut = {}
    for minutes, low, high in ((0, 5000, 9000), (10, 5100, 9000), (29, 5100, 9190), (31, 5100, 9210)):
        cut = joined(cut, steps.take(NOON + minutes * MINUTE, {"HC": Fraction(low), "HP": Fraction(high)}))
    assert cut[STEP] == halves(Reading(300))
    for minutes in (40, 41, 60):
        cut = joined(
            cut, steps.take(NOON + minutes * MINUTE, {"HC": Fraction(5100), "HP": Fraction(9210), "P": Fraction(7)})
        )
    assert cut[STEP] == halves(Reading(300), MISSING)


def test_a_clock_that_is_set_back() -> None:
    """A little is waited for; more, and it is begun anew: nothing is told that could be wrong."""
    told = [(0, 0), (10, 100), (9.5, 105), (9.9, 109), (10.5, 115), (29, 300), (31, 320)]
    assert indexed(IndexSteps(), told)[STEP] == halves(Reading(310))
    told = [(0, 0), (29, 290), (31, 310), (-29, 320), (-1, 600), (1, 620), (29, 900), (31, 920)]
    assert indexed(IndexSteps(), told)[STEP] == {NOON - STEP: MISSING, **halves(Reading(300))}


def test_a_clock_that_was_wrong() -> None:
    """And is set forward by hours: nothing is made up of the time that nobody lived through."""
    told: list[tuple[float, int | None]] = [(0, 600), (10, 600), (250, 600), (300, 0)]
    assert powered(PowerSteps(), told)[STEP] == halves(*[MISSING] * 9, estimated(300))
    steps = IndexSteps()
    cut = indexed(steps, [(0, 0), (10, 100)])
    cut = joined(cut, steps.take(NOON + 250 * MINUTE, {"": Fraction(100)}, told=False))
    cut = joined(cut, indexed(steps, [(269, 290), (271, 310)]))
    assert cut[STEP] == halves(*[MISSING] * 9)


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"at": "noon", "registers": {}, "cutter": {}},
        {"at": 3, "registers": 4},
        {"at": "2026-04-02T12:00Z", "registers": {}, "cutter": {"at": "2026-04-02T12:00Z", "came": "0", "open": []}},
    ],
)
def test_nonsense_kept_is_a_beginning(kept: dict[str, object]) -> None:
    """Of each kind of source."""
    for steps in (IndexSteps(), TopSteps(), PowerSteps()):
        steps.restore(kept)
        assert steps.kept() is None


# Counters since the top of Td.


def topped(steps: TopSteps, td: int | None, told: Iterable[tuple[float, int]]) -> Cut:
    """Have a counter told, by minutes after noon."""
    cut: Cut = {}
    for minutes, wh in told:
        cut = joined(cut, steps.take(NOON + minutes * MINUTE, wh, td * MINUTE if td else None))
    return cut


@given(
    st.sampled_from([5, 10, 15, 30]), st.integers(1, 10), st.lists(st.integers(0, 60_000), min_size=700, max_size=700)
)
def test_counters_since_the_top(td: int, every: int, watts: list[int]) -> None:
    """They come near what was drawn, and are measured, for frames of up to ten seconds; the sum carries no drift."""
    steps, counter = TopSteps(), Fraction()
    cut: Cut = {}
    drawn: dict[datetime, Fraction] = {}
    at = NOON
    tops: dict[datetime, Fraction] = {}
    for i in range(2 * 1800 // every + 1):
        cut = joined(cut, steps.take(at, floor(counter), td * MINUTE))
        for _ in range(every):
            wh = Fraction(watts[i // 20 % 35], 3600)  # W for 20 frames
            counter += wh
            start = NOON + (at - NOON) // STEP * STEP
            drawn[start] = drawn.get(start, Fraction()) + wh
            at += SECOND
            if (at - NOON) % (td * MINUTE) == timedelta():
                tops[at], counter = counter, Fraction()
    for start, reading in cut[STEP].items():
        assert reading.quality is Quality.MEASURED or (STEP // (td * MINUTE)) * every > 36
        # of each Td that which a last frame did not tell, at most
        assert abs((reading.wh or 0) - drawn[start]) <= (STEP // (td * MINUTE)) * (every * 60_000 / 3600 + 1) + 1


def test_since_the_top_nobody_need_have_listened() -> None:
    """Begun in a Td, or gone away in it: the counter tells what was drawn."""
    told = [(4, 400), (9.9, 990), (10.1, 10), (19.9, 990), (20.1, 10), (29.9, 990), (30.1, 10)]
    assert topped(TopSteps(), 10, told)[STEP] == halves(Reading(3000))
    told = [(0, 0), (2, 200), (9.9, 990), (10.1, 10), (19.9, 990), (20.1, 10), (29.9, 990), (30.1, 10)]
    assert topped(TopSteps(), 10, told)[STEP] == halves(Reading(3000))


def test_what_was_drawn_before_a_top_that_nobody_saw() -> None:
    """Is estimated for a few minutes, and missing for more, or when another top went by."""
    told = [(4, 400), (9, 900), (10.1, 10), (19.9, 990), (20.1, 10), (29.9, 990), (30.1, 10)]
    assert topped(TopSteps(), 10, told)[STEP] == halves(estimated(3000))
    told = [(4, 400), (10.1, 10), (19.9, 990), (20.1, 10), (29.9, 990), (30.1, 10)]
    assert topped(TopSteps(), 10, told)[STEP] == halves(MISSING)
    told = [(9.9, 990), (20.1, 10), (29.9, 990), (30.1, 10)]
    assert topped(TopSteps(), 10, told)[STEP] == halves(MISSING)


def test_while_td_is_not_known() -> None:
    """A counter that falls tells of a top; where none can have been, the meter was set."""
    told = [(-0.1, 990), (0.1, 10), (9.9, 990), (10.1, 10), (19.9, 990), (20.1, 10), (29.9, 990), (30.1, 10)]
    assert topped(TopSteps(), None, told)[STEP] == {NOON - STEP: MISSING, **halves(Reading(3000))}
    told = [(-0.1, 990), (0.1, 10), (7, 700), (7.1, 0), (9.9, 280), (10.1, 10), (29.9, 1990), (30.1, 10)]
    assert topped(TopSteps(), None, told)[STEP] == {NOON - STEP: MISSING, **halves(MISSING)}


def test_a_counter_goes_on_after_a_restart() -> None:
    """With what it told before."""
    told = [(0, 0), (9.9, 990), (10.1, 10), (19.9, 990), (20.1, 10), (22, 200), (29.9, 990), (30.1, 10)]
    before, after = TopSteps(), TopSteps()
    topped(before, 10, told[:6])
    after.restore(json.loads(json.dumps(before.kept())))
    assert topped(after, 10, told[6:])[STEP] == halves(Reading(3000))


# Powers.


def powered(steps: PowerSteps, told: Iterable[tuple[float, int | None]]) -> Cut:
    """Have a power told, by minutes after noon."""
    cut: Cut = {}
    for minutes, watts in told:
        cut = joined(cut, steps.take(NOON + minutes * MINUTE, None if watts is None else Fraction(watts)))
    return cut


def test_a_power_holds() -> None:
    """Until another one is told; it makes estimates only."""
    assert powered(PowerSteps(), [(0, 600), (10, 1200), (30, 0), (60, 0)])[STEP] == halves(estimated(500), estimated(0))
    assert powered(PowerSteps(), [(0, 600), (14, None), (18, 1200), (30, 5)])[STEP] == halves(estimated(420))
    assert powered(PowerSteps(), [(0, 600), (14, None), (16, None), (20, 1200), (30, 5)])[STEP] == halves(MISSING)
    assert powered(PowerSteps(), [(0, None), (14, 600), (30, 600), (60, None)])[STEP] == halves(MISSING, estimated(300))


def test_a_power_goes_on_after_a_restart() -> None:
    """Over a short gap; and begins anew where the clock was set."""
    before, after = PowerSteps(), PowerSteps()
    powered(before, [(0, 600), (14, 600)])
    after.restore(json.loads(json.dumps(before.kept())))
    assert powered(after, [(16, 600), (30, 600)])[STEP] == halves(estimated(300))
    assert powered(after, [(0, 600), (30, 600)])[STEP] == halves(estimated(300))


# Curves and sums.


def curve(*parts: tuple[float, float, int | None, Quality]) -> list[Slot[tuple[Fraction | None, Quality]]]:
    """Return slots by the minutes of their ends, energy and quality."""
    return [
        Slot(NOON + start * MINUTE, NOON + end * MINUTE, (None if wh is None else Fraction(wh), quality))
        for start, end, wh, quality in parts
    ]


def test_the_steps_of_a_curve_are_put_together() -> None:
    """Those that are whole; the worst of its parts is what a step is worth."""
    good, poor, none = Quality.MEASURED, Quality.ESTIMATED, Quality.MISSING
    fives = [(5 * i, 5 * i + 5, 10, good) for i in range(12)]
    assert put_together(curve(*fives, (60, 65, 10, good))) == halves(Reading(60), Reading(60))
    assert put_together(curve(*fives[:3], (15, 20, 10, poor), *fives[4:])) == halves(estimated(60), Reading(60))
    assert put_together(curve(*fives[:3], (15, 20, None, none), *fives[4:])) == halves(MISSING, Reading(60))
    assert put_together(curve(*fives[:3], (15, 17, 4, good), *fives[4:])) == halves(estimated(60), Reading(60))
    assert put_together(curve((2, 5, 6, good), *fives[1:])) == halves(estimated(60), Reading(60))
    assert put_together(curve((4, 5, 2, good), *fives[1:])) == halves(MISSING, Reading(60))
    assert put_together(curve((0, 60, 121, good))) == halves(estimated(60), estimated(61))
    assert put_together(curve((0, 30, 120, good), (30, 60, -5, good))) == halves(Reading(120), Reading(-5))
    assert put_together(curve((0, 5, None, none))) == {}
    assert put_together([]) == {}


@given(st.lists(st.fractions(0, 900, max_denominator=1000), min_size=6, max_size=120))
def test_what_is_put_together_loses_nothing(energies: list[Fraction]) -> None:
    """The rests of Wh are carried on."""
    found = put_together(
        [
            Slot(NOON + 5 * i * MINUTE, NOON + 5 * (i + 1) * MINUTE, (wh, Quality.MEASURED))
            for i, wh in enumerate(energies)
        ]
    )
    whole = len(energies) // 6
    assert sum(reading.wh or 0 for reading in found.values()) == floor(sum(energies[: 6 * whole]))
    assert len(found) == whole


def test_what_was_injected_is_taken_off() -> None:
    """When both are there; the worse of the two is what the step is worth."""
    net = Net()
    assert not net.take({STEP: halves(Reading(100), Reading(50), estimated(20))}, {})[STEP]
    assert net.take({}, {STEP: halves(Reading(30), MISSING)})[STEP] == halves(Reading(70), MISSING)
    third = {NOON + 2 * STEP: Reading(60)}
    assert net.take({}, {STEP: third})[STEP] == {NOON + 2 * STEP: estimated(-40)}


def test_one_that_is_silent_fills_no_memory() -> None:
    """Of the other one the last steps wait."""
    net = Net()
    for i in range(400):
        net.take({STEP: {NOON + i * STEP: Reading(100)}}, {})
    found = net.take({}, {STEP: {NOON + i * STEP: Reading(30) for i in range(400)}})[STEP]
    assert list(found) == [NOON + i * STEP for i in range(100, 400)]


def test_what_waits_for_the_other_outlives_a_restart() -> None:
    """Of either source; and nonsense is nothing."""
    before, after = Net(), Net()
    before.take({STEP: halves(Reading(100), Reading(50))}, {TEN_MINUTES: halves(Reading(7))})
    after.restore(json.loads(json.dumps(before.kept())))
    found = after.take({TEN_MINUTES: halves(Reading(10))}, {STEP: halves(Reading(30), MISSING)})
    assert found == {STEP: halves(Reading(70), MISSING), TEN_MINUTES: halves(Reading(3))}
    for nonsense in (None, 5, {}, {"withdrawn": 5, "injected": {"1800": "1:2:3"}}):
        after.restore(nonsense)
        assert after.kept() == {"withdrawn": {}, "injected": {}}
