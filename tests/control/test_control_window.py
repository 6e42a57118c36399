"""The window: its tops are the meter's, its budgets are exact, and a gap or a clock that is set invents no overrun."""

from itertools import pairwise

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.control.window import INSTANT_MS, MINUTE_MS, WH_MJ, Deadline, Kind, Reached, Window

MORNING = 1_800_000_000_000
"""08:00:00 UTC: a top of any Td."""
LIMIT = 42_000


def window(kind: Kind = Kind.FIXED, td: int = 10, limit: int = LIMIT) -> Window:
    """Make a window with a limit (W)."""
    made = Window(kind, td)
    made.limit = limit
    return made


class Meter:
    """A straightforward meter: whole Wh drawn between instants (ms after 8:00), known at each of them."""

    def __init__(self, td: int, steps: list[tuple[int, int]]) -> None:
        """Take pairs of a time since the step before and the Wh drawn in it; readings fall on the tops as well."""
        self.length = td * MINUTE_MS
        self.total = {0: 0}
        at = total = 0
        for wait, energy in steps:
            at, total = at + wait, total + energy
            self.total[at] = total

    def since_top(self, at: int) -> int:
        """Return what the counter shows (Wh)."""
        return self.total[at] - self.total[at - at % self.length]

    def at(self, at: int) -> int:
        """Return the energy until an instant, drawn evenly between two that are known (mJ)."""
        before = max(known for known in self.total if known <= at)
        if before == at:
            return self.total[at] * WH_MJ
        after = min(known for known in self.total if known > at)
        energy = (self.total[after] - self.total[before]) * WH_MJ
        return self.total[before] * WH_MJ + energy * (at - before) // (after - before)

    def ends(self, kind: Kind) -> list[int]:
        """Return when windows end."""
        step = MINUTE_MS if kind is Kind.SLIDING else self.length
        return list(range(self.length, max(self.total) + 1, step))

    def reached(self, end: int) -> int:
        """Return what a window came to (W)."""
        return (self.at(end) - self.at(end - self.length)) // self.length


@st.composite
def meters(draw: st.DrawFn) -> Meter:
    """Give random energies (up to 43 kW) at random times of 3 s or more, with one reading on each top."""
    td = draw(st.sampled_from([5, 10]))
    at, steps = 0, []
    for wait in draw(st.lists(st.integers(3, 85), min_size=20, max_size=90)):
        left = td * 60 - at % (td * 60)
        stop = wait if wait <= left - 3 else left
        at += stop
        steps.append((stop * 1000, draw(st.integers(0, 12 * stop))))
    return Meter(td, steps)


@pytest.mark.parametrize("kind", [Kind.FIXED, Kind.SLIDING])
@settings(max_examples=120, deadline=None)
@given(meter=meters(), limit=st.integers(22_000, 60_000))
def test_budgets_and_ended_windows_are_exact(kind: Kind, meter: Meter, limit: int) -> None:
    """Whatever is drawn whenever: each budget to the mJ, each window that ended, hence each overrun."""
    watched = window(kind, meter.length // MINUTE_MS, limit)
    ended: list[Reached] = []
    for at in meter.total:
        # The counter on the top still shows the old window: it restarts with the next reading.
        top = at - at % meter.length
        value = meter.since_top(at) if at != top or not at else meter.total[at] - meter.total[at - meter.length]
        watched.read(value, MORNING + at)
        ended += watched.ended
        now = MORNING + at
        for deadline in watched.deadlines(now):
            start = deadline.at - MORNING - meter.length
            if start >= 0:
                assert deadline.budget == limit * meter.length - (meter.at(at) - meter.at(min(start, at)))
    assert ended == [Reached(MORNING + end, meter.reached(end), limit) for end in meter.ends(kind)]
    assert watched.closed == (ended[-1] if ended else None)
    overruns = [max(0, meter.reached(end) - limit) for end in meter.ends(kind)]
    assert [one.overrun for one in ended] == overruns
    assert watched.sum == max(meter.total.values()) * WH_MJ


@settings(max_examples=80, deadline=None)
@given(
    watts=st.integers(400, 60_000),
    td=st.sampled_from([5, 10, 15]),
    period=st.integers(500, 20_000),
    start=st.integers(0, 900_000),
    early=st.integers(0, 1_500),
)
def test_unwrapping_over_resets(watts: int, td: int, period: int, start: int, early: int) -> None:
    """A steady load, read at any pace from any moment on, dated up to 1.5 s early: the sum is what was drawn."""
    watched = window(td=td)
    first = None
    for at in range(start, start + 3_000_000, period):
        value = watts * (at % (td * MINUTE_MS)) // WH_MJ
        watched.read(value, MORNING + at - early)
        first = at if first is None else first
        # What the end of a window was is not seen: its last power is known to a Wh in 14 s. Nor is, for two seconds
        # after a top, whether the counter has restarted.
        resets = (at // (td * MINUTE_MS) - first // (td * MINUTE_MS)) + 1
        unseen = 2 * WH_MJ + watts * (period + 2 * 1_500) // 4 + watts * 2_000 + 2 * WH_MJ * (period + 1_500) // 14_000
        assert abs(watched.sum - watts * (at - first)) <= 2 * WH_MJ + resets * unseen + watts * early
    slope = min(14_000, 3_000_000)
    assert abs(watched.power - watts) <= 3 * WH_MJ // slope + watts * early // 10_000 + watts // 8


@pytest.mark.parametrize("td", [5, 10, 15, 30, 60])
def test_tops_are_the_meters(td: int) -> None:
    """The window ends at the next round Td of the meter's clock, and sliding ones at each minute."""
    at = MORNING + 7 * MINUTE_MS + 20_000
    fixed, sliding = window(Kind.FIXED, td), window(Kind.SLIDING, td)
    top = MORNING + 7 // td * td * MINUTE_MS
    value = 12_000 * (at - top) // WH_MJ
    for one in (fixed, sliding):
        one.read(value, at)
    assert fixed.deadlines(at) == (Deadline(top + td * MINUTE_MS, LIMIT * td * MINUTE_MS - value * WH_MJ),)
    assert fixed.running(at) == (top, value * WH_MJ)
    ends = [deadline.at for deadline in sliding.deadlines(at)]
    assert ends == [MORNING + (8 + i) * MINUTE_MS for i in range(td)]
    # The last of them, a whole Td ahead but for 20 s, is charged with those only.
    start, drawn = at - 20_000, sliding.power * 20_000
    assert abs(sliding.deadlines(at)[-1].budget - (LIMIT * td * MINUTE_MS - drawn)) <= td * MINUTE_MS
    assert ends[-1] - td * MINUTE_MS == start


def test_exactly_at_a_top_a_new_window_begins() -> None:
    """The whole budget is there again, and the power of the last reading goes on."""
    watched = window()
    watched.read(1_000, MORNING + 590_000)
    watched.read(1_020, MORNING + 598_000)
    top = MORNING + 600_000
    assert watched.deadlines(top) == (Deadline(top + 600_000, LIMIT * 600_000),)
    # The reading is old, and the top has gone by since: what was drawn after the top counts.
    later = top + 12_000
    assert watched.running(later) == (top, watched.power * 12_000)


def test_instant() -> None:
    """A breaker: the power that was told, against the limit, at each instant."""
    watched = window(Kind.INSTANT, limit=9_000)
    watched.draw(4_000, MORNING)
    assert (watched.power, watched.known) == (4_000, True)
    watched.draw(8_000, MORNING + 1_500)
    assert watched.power == 8_000
    assert watched.deadlines(MORNING + 2_000) == (Deadline(MORNING + 2_000 + INSTANT_MS, 9_000 * INSTANT_MS),)
    for minute in range(30):
        watched.draw(12_000, MORNING + minute * MINUTE_MS + 3_000)
    assert watched.closed is None


def test_powers_make_windows_too() -> None:
    """A meter that sends a power only: the window is the sum of them."""
    watched = window(Kind.FIXED, 5, 9_000)
    assert watched.deadlines(MORNING + 1_000) == (Deadline(MORNING + 300_000, 9_000 * 300_000),)
    for second in range(0, 601, 10):
        watched.draw(10_000, MORNING + second * 1_000)
        assert watched.running(MORNING + second * 1_000) == (
            MORNING + second // 300 * 300_000,
            10_000 * (second % 300) * 1_000,
        )
    assert watched.closed == Reached(MORNING + 600_000, 10_000, 9_000)
    assert watched.closed.overrun == 1_000
    before = watched.sum
    watched.draw(99_000, MORNING + 600_000)  # the same instant again
    watched.draw(5_000, MORNING + 900_000)  # after a silence
    assert (watched.sum, watched.power) == (before, 5_000)
    watched.draw(5_000, MORNING + 920_000)
    # Before what was seen, it is held to have been as it is.
    assert watched.running(MORNING + 920_000) == (MORNING + 900_000, 5_000 * 20_000)


def test_a_reset_dated_a_moment_before() -> None:
    """A frame of 10:29:59 whose counter has restarted: the top is at 10:30:00, and the energy is of the new window."""
    watched = window(td=5)
    watched.read(520, MORNING + 285_000)
    watched.read(535, MORNING + 292_000)
    watched.read(2, MORNING + 299_000)
    top = MORNING + 300_000
    assert watched.at == top
    assert watched.running(top) == (top, 2 * WH_MJ)
    tail = watched.sum - 17 * WH_MJ
    assert tail == 15 * WH_MJ // 7_000 * 8_000
    watched.read(3, MORNING + 300_000)  # the same second, as far as can be told
    watched.read(18, MORNING + 307_000)
    assert watched.running(MORNING + 307_000) == (top, 18 * WH_MJ)


def test_a_reset_dated_a_moment_after() -> None:
    """A meter's time that is reckoned half a second late: the old window's last value is not counted in the new one."""
    watched = window(td=5)
    for value, at in ((500, 284_000), (520, 292_400), (540, 300_400)):
        watched.read(value, MORNING + at)
    assert watched.sum == 40 * WH_MJ
    watched.read(20, MORNING + 308_400)
    assert watched.sum == 60 * WH_MJ
    assert watched.running(MORNING + 308_400) == (MORNING + 300_000, 20 * WH_MJ)


def test_a_burst_after_a_top_is_in_the_new_window() -> None:
    """6 kW until the top, 24 kW from then on: what the meter counted since is exactly what the window holds."""
    watched = window()
    for second in range(560, 596, 8):
        watched.read(second * 6_000 // 3600, MORNING + second * 1_000)
    watched.read(20, MORNING + 603_000)
    assert watched.running(MORNING + 603_000) == (MORNING + 600_000, 20 * WH_MJ)


def test_a_counter_that_restarted_and_grew_past_what_it_was() -> None:
    """Next to nothing before the top, a burst after: the value is higher, and all of it is of the new window."""
    watched = window()
    watched.read(1, MORNING + 580_000)
    watched.read(1, MORNING + 594_000)
    watched.read(30, MORNING + 608_000)
    assert watched.running(MORNING + 608_000) == (MORNING + 600_000, 30 * WH_MJ)
    # One that means twenty times the limit did not restart: it went on, whatever Td is held to be.
    once_more = window(td=5)
    once_more.read(5_000, MORNING + 594_000)
    once_more.read(5_150, MORNING + 608_000)
    assert once_more.sum == 150 * WH_MJ


@pytest.mark.parametrize("kind", [Kind.FIXED, Kind.SLIDING])
def test_the_same_second_twice(kind: Kind) -> None:
    """The first of each second counts, also when the counter restarts within it."""
    once, twice = window(kind), window(kind)
    for second in range(0, 1_500, 7):
        value = (second % 600) * 10
        once.read(value, MORNING + second * 1_000)
        twice.read(value, MORNING + second * 1_000)
        twice.read(value + 3, MORNING + second * 1_000)
        twice.read(0, MORNING + second * 1_000 - 500)
        assert twice.ended == ()
    assert (once.sum, once.power, once.closed) == (twice.sum, twice.power, twice.closed)
    assert once.deadlines(MORNING + 1_500_000) == twice.deadlines(MORNING + 1_500_000)


@pytest.mark.parametrize("kind", [Kind.FIXED, Kind.SLIDING])
def test_a_gap_joins_nothing(kind: Kind) -> None:
    """After more than 90 s the window begins anew: its energy is the counter's, and none that ended is told."""
    watched = window(kind, 5)
    for second in range(60, 200, 8):
        watched.read(second * 10, MORNING + second * 1_000)
    watched.read(100, MORNING + 640_000)
    assert watched.ended == ()
    assert watched.running(MORNING + 640_000)[1] >= 100 * WH_MJ
    assert watched.power == 100 * WH_MJ // 40_000
    if kind is Kind.FIXED:
        assert watched.running(MORNING + 640_000) == (MORNING + 600_000, 100 * WH_MJ)
    for second in range(648, 960, 8):
        watched.read((second % 300) * 5 // 2, MORNING + second * 1_000)
    assert watched.closed is not None
    assert watched.closed.end == MORNING + 900_000
    assert watched.closed.power == pytest.approx(9_000, rel=0.01)


def test_a_gap_of_less_goes_on() -> None:
    """80 s without a reading: the sum goes on, and both minutes that ended are told."""
    watched = window(Kind.SLIDING, 5)
    for second in range(0, 600, 10):
        watched.read(second % 300 * 4, MORNING + second * 1_000)
    told = watched.ended
    assert told == ()
    watched.read(320, MORNING + 680_000 - 10_000)
    assert [one.end for one in watched.ended] == [MORNING + 600_000, MORNING + 660_000]
    assert watched.ended[0].power == pytest.approx(14_400, rel=0.01)


@pytest.mark.parametrize("by_s", [-3_600, -400, -90, -30, -3, 91, 600, 3_600])
@pytest.mark.parametrize("kind", [Kind.FIXED, Kind.SLIDING])
def test_a_meter_clock_that_is_set(kind: Kind, by_s: int) -> None:
    """Back or far ahead: windows go by the new clock; one that lasts longer thereby holds more, as the meter has it."""
    watched = window(kind, 10)
    ended: list[Reached] = []
    clock, counted, sums = 120, 120, []
    for number in range(600):
        clock, counted = clock + 8, counted + 8
        if number == 40:
            clock += by_s
            if by_s > 0 or clock // 600 != (clock - by_s) // 600:
                counted = clock % 600
        if clock // 600 != (clock - 8) // 600:
            counted = clock % 600
        watched.read(10 * counted, MORNING + 36_000_000 + clock * 1_000)
        ended += watched.ended
        sums.append(watched.sum)
    assert all(a <= b for a, b in pairwise(sums))
    assert len(ended) >= 5
    longest = 600 - max(-600, min(0, by_s))
    assert all(one.power <= 36_000 * longest // 600 + 100 for one in ended)
    assert sum(one.power > 36_100 for one in ended) <= (1 if kind is Kind.FIXED else 10)
    assert ended[-1].power == pytest.approx(36_000, rel=0.01)


def test_a_value_that_fell_without_a_top() -> None:
    """Read wrong, or the meter was set: what it shows since its top is what counts."""
    watched = window()
    for second in range(0, 400, 8):
        watched.read(second * 3, MORNING + second * 1_000)
    watched.read(7, MORNING + 400_000)
    assert watched.running(MORNING + 400_000) == (MORNING, 7 * WH_MJ)
    watched.read(1_224, MORNING + 408_000)
    assert watched.running(MORNING + 408_000) == (MORNING, 1_224 * WH_MJ)


def test_a_limit_that_changes() -> None:
    """The rest of the window is held to the new limit; the window that ended at the change is for who calls to say."""
    watched = window()
    watched.read(3_000, MORNING + 300_000)
    assert watched.deadlines(MORNING + 300_000)[0].budget == LIMIT * 600_000 - 3_000 * WH_MJ
    watched.limit = 36_000
    assert watched.deadlines(MORNING + 300_000)[0].budget == 36_000 * 600_000 - 3_000 * WH_MJ
    watched.limit = 18_000
    assert watched.deadlines(MORNING + 300_000)[0].budget == 18_000 * 600_000 - 3_000 * WH_MJ
    assert watched.deadlines(MORNING + 560_000)[0].budget < 0


def test_without_a_limit_no_window_is_judged() -> None:
    """Nothing is an overrun of an unknown limit."""
    watched = window(limit=0)
    for second in range(0, 1_300, 8):
        watched.read(second % 600 * 10, MORNING + second * 1_000)
    assert watched.closed is None


def test_sliding_from_the_middle_of_a_window() -> None:
    """Begun at 8:04:20: what was drawn since the top is spread evenly, and the first window told is a seen one."""
    watched = window(Kind.SLIDING, 5)
    watched.read(520, MORNING + 260_000)
    assert watched.power == 2 * 3_600
    for deadline in watched.deadlines(MORNING + 260_000):
        assert deadline.budget == LIMIT * 300_000 - 7_200 * (300_000 - (deadline.at - MORNING - 260_000))
    ends = []
    for second in range(268, 1_000, 8):
        watched.read(second % 300 * 2, MORNING + second * 1_000)
        ends += [(one.end - MORNING) // MINUTE_MS for one in watched.ended]
        assert all(one.power == pytest.approx(7_200, rel=0.01) for one in watched.ended)
    assert ends == [5, *range(10, 17)]


def test_what_a_rehearsal_spared() -> None:
    """3 kW less than the meter says, from the first reading on, also over the tops."""
    real, spared = window(), window()
    drew = 0
    for second in range(0, 1_800, 8):
        value = second % 600 * 10_000 // 3_600
        real.read(value, MORNING + second * 1_000)
        spared.read(value, MORNING + second * 1_000, saved=3_000 * 8_000 if second else 0)
        drew = second * 1_000
    assert abs(real.sum - spared.sum - 3_000 * drew) <= 3_000 * 24_000
    assert spared.closed is not None
    assert real.closed is not None
    assert real.closed.power - spared.closed.power == pytest.approx(3_000, abs=60)
    assert real.power - spared.power == pytest.approx(3_000, abs=300)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(Kind),
    td=st.sampled_from([5, 10, 30]),
    events=st.lists(
        st.tuples(
            st.sampled_from(["read", "draw"]),
            st.one_of(st.integers(-5_000, 100_000), st.integers(-4_000_000, 4_000_000)),
            st.integers(0, 10_000),
            st.integers(0, 10**8),
        ),
        max_size=60,
    ),
)
def test_whatever_a_meter_says(kind: Kind, td: int, events: list[tuple[str, int, int, int]]) -> None:
    """Any values at any times: nothing is raised, little is kept, and deadlines lie ahead."""
    watched = window(kind, td)
    at = MORNING + 36_000_000
    for what, wait, value, saved in events:
        at += wait
        if what == "read":
            watched.read(value, at, saved=saved)
        else:
            watched.draw(value, at)
        deadlines = watched.deadlines(at)
        assert deadlines
        assert all(at < deadline.at <= at + max(watched.length, INSTANT_MS) for deadline in deadlines)
        assert len(watched._marks) <= td + 2
        assert len(watched._recent) <= 20
        start, _ = watched.running(at)
        assert start <= at or kind is not Kind.FIXED
