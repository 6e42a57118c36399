"""Td: told once it is known, never told wrong; and the power by the slope of the energies."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.flex_ready.meter.state import MeterState
from custom_components.flex_ready.tic import Frame
from custom_components.flex_ready.tic.td import CANDIDATES, TcMean, TdWatch
from emulator.meter import EmulatedFrame, MeterConfig, frames
from emulator.meter.config import MeterName

PARIS = ZoneInfo("Europe/Paris")
EIGHT = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)
CAPTURE = Path(__file__).resolve().parents[3] / "shared" / "data" / "tic" / "pme-pmi-capture.bin"

type Told = list[tuple[float, int | None]]
"""What Td was said to be, and since when (minutes after eight)."""


@dataclass(frozen=True)
class Site:
    """A load in pieces of (seconds, W), the last one for ever, before a meter with a Td and a Tc in minutes."""

    load: tuple[tuple[int, float], ...]
    td: int
    tc: int = 10
    rounded: bool = False

    def energy(self, since: float, until: float) -> float:
        """Give the energy between two times in s, Wh."""
        return self._total(until) - self._total(since)

    def since_top(self, now: float, td: int | None = None) -> float:
        """Give the energy since the last top, Wh."""
        window = 60 * (td or self.td)
        return self.energy(now // window * window, now)

    def means(self, now: float) -> Iterator[TcMean]:
        """Give the six Tc means that the meter shows."""
        tc = 60 * self.tc
        for number in range(6):
            end = int(now // tc - number) * tc
            if end >= tc:
                kw = self.energy(end - tc, end) * 3600 / tc / 1000
                yield TcMean(EIGHT + timedelta(seconds=end), self.tc, round(kw) if self.rounded else int(kw))

    def range(self, since: float, until: float) -> tuple[float, float]:
        """Give the least and the most power between two times, W."""
        starts = [0, *accumulate(seconds for seconds, _ in self.load)]
        first = max(0, bisect_right(starts, since) - 1)
        met = [watts for _, watts in self.load[first : bisect_right(starts, until)]] or [self.load[-1][1]]
        return min(met), max(met)

    def _total(self, now: float) -> float:
        wh, at = 0.0, 0.0
        for seconds, watts in self.load:
            wh += watts * min(seconds, max(0.0, now - at)) / 3600
            at += seconds
        return wh + self.load[-1][1] * max(0.0, now - at) / 3600


def read(watch: TdWatch, site: Site, now: float, *, means: bool = True, td: int | None = None) -> None:
    """Show a frame of the site's meter to a watch, its date in whole seconds."""
    at = EIGHT + timedelta(seconds=int(now))
    energy = site.since_top(now, td)
    watch.read("EA_s", int(energy), at)
    watch.read("EAPP_s", int(1.1 * energy), at)
    if watch.td is None and means:
        watch.means(site.means(now))


def watched(
    site: Site,
    times: Iterable[float],
    *,
    means: bool = False,
    td_of: Callable[[float], int] | None = None,
) -> Told:
    """Show frames at some times (s after eight) to a new watch; return what it said."""
    watch = TdWatch()
    told: Told = [(0, None)]
    for now in times:
        read(watch, site, now, means=means, td=td_of(now) if td_of else None)
        if watch.td != told[-1][1]:
            told.append((now / 60, watch.td))
    return told


def every(period: float, start_min: float, end_min: float) -> Iterator[float]:
    """Give the times of frames, s."""
    return (start_min * 60 + period * number for number in range(int((end_min - start_min) * 60 / period)))


def steady(watts: float, td: int) -> Site:
    """Give a site that always draws the same."""
    return Site(((3600, watts),), td)


# Emulated meters, through the decoder and the state that the integration keeps.


def emulated(config: MeterConfig, count: int) -> Iterator[tuple[EmulatedFrame, MeterState]]:
    """Give the frames of a meter, and what is known after each."""
    state = MeterState(PARIS)
    for sent in islice(frames(config), count):
        for event in state.decoder.feed(sent.data):
            if isinstance(event, Frame):
                state.take(event, monotonic=sent.at.timestamp(), host=sent.at)
        yield sent, state


@pytest.mark.parametrize(
    ("meter", "td", "baud", "minute"),
    [
        ("pme-pmi", 5, None, 2),
        ("pme-pmi", 5, 9600, 2),
        ("pme-pmi", 10, None, 2),
        ("pme-pmi", 10, None, 7),
        ("pme-pmi", 10, 19200, 7),
        ("saphir", 5, None, 2),
        ("saphir", 10, None, 7),
    ],
)
def test_td_of_an_emulated_meter(meter: MeterName, td: int, baud: int | None, minute: int) -> None:
    """Told within 21 minutes, whatever the speed: at 19200 baud two frames fall into one second."""
    start = datetime(2026, 1, 12, 8, minute, 30, tzinfo=PARIS)
    config = MeterConfig(meter=meter, td=td, baud=baud, start=start)
    said = set()
    for sent, state in emulated(config, 10_000):
        said.add(state.td.td)
        if state.td.td is not None:
            assert sent.at - start < timedelta(minutes=21)
            break
    assert said == {None, td}


def test_td_stays_known() -> None:
    """The morning of a producer that also imports, whose two ways restart in turn."""
    config = MeterConfig(td=10, producer=True, start=datetime(2026, 6, 15, 6, 3, tzinfo=PARIS))
    said = [state.td.td for _, state in emulated(config, 2_500)]
    first = said.index(10)
    assert set(said[:first]) == {None}
    assert set(said[first:]) == {10}


@pytest.mark.skipif(not CAPTURE.exists(), reason="no captures beside this checkout")
def test_td_of_the_real_meter() -> None:
    """531 Wh before the top at 10:30 and six means of 5 to 7 kW are 5 minutes; 41 VAh in 16 s follow."""
    state = MeterState(PARIS)
    said: list[tuple[str, int | None]] = []
    for event in state.decoder.feed(CAPTURE.read_bytes()):
        if isinstance(event, Frame):
            state.take(event, monotonic=8.05 * len(said), host=EIGHT)
            said.append((f"{state.meter_time:%H:%M:%S}" if state.meter_time else "", state.td.td))
    assert [time for time, td in said if td is None][-1] == "08:30:00"
    assert said[-1] == ("08:30:16", 5)
    assert state.td.power("EA_s") == pytest.approx(8200, abs=150)
    assert state.td.power("EAPP_s") == pytest.approx(8870, abs=150)


# When it is told.


@pytest.mark.parametrize("td", [5, 10, 15, 30])
def test_two_tops_tell_td(td: int) -> None:
    """By two tops in a row, and for more than 5 minutes once shorter ones were twice seen not to be."""
    told = watched(steady(12_000, td), every(8.05, 3, 3 * td + 30))
    assert [said for _, said in told] == [None, td]
    assert told[1][0] >= 2 * td


def test_one_top_that_fits_several_td_does_not_tell() -> None:
    """Without Tc means, and with some that allow both 5 and 10 minutes."""
    assert watched(steady(12_000, 10), every(8.05, 3, 12)) == [(0, None)]
    assert watched(Site(((10_000, 600),), 5), every(8.05, 56, 62), means=True) == [(0, None)]


@pytest.mark.parametrize("rounded", [True, False])
def test_one_top_and_the_tc_means_tell_td(rounded: bool) -> None:  # noqa: FBT001
    """Half the energy of a Tc of 10 minutes: Td is 5, whether the meter rounds or truncates its kW."""
    ((_, nothing), (minute, td)) = watched(Site(((9000, 40_000),), 5, rounded=rounded), every(8.05, 57, 62), means=True)
    assert (nothing, td) == (None, 5)
    assert minute == pytest.approx(60.2, abs=0.2)


def test_energies_of_the_other_way_are_not_compared_with_import() -> None:
    """PAx_s are means of import: a restart of EA_i says nothing about them."""
    watch = TdWatch()
    for now in every(8.05, 57, 62):
        at = EIGHT + timedelta(seconds=int(now))
        watch.read("EA_i", int(steady(4000, 10).since_top(now)), at)
        watch.means(steady(40_000, 10).means(now))
    assert watch.td is None


def test_tc_means_that_are_not_there_tell_nothing() -> None:
    """Means that do not reach the top: before the meter shows the last one."""
    site = steady(40_000, 5)
    watch = TdWatch()
    for now in every(8.05, 57, 62):
        read(watch, site, now, means=False)
        watch.means([mean for mean in site.means(now) if mean.end < EIGHT + timedelta(hours=1)])
    assert watch.td is None


# When it is not.


def test_a_load_that_jumps_at_a_top_hides_it() -> None:
    """300 W at night, 30 kW from 8:25:00 on: 25 Wh before the top, 66 Wh eight seconds after. Not a Td of 10."""
    told = watched(Site(((1500, 300), (9000, 30_000)), 5), every(8, 18.4, 60))
    assert [td for _, td in told] == [None, 5]


@pytest.mark.parametrize("td", [5, 10])
@pytest.mark.parametrize("period", [1.0, 4.3, 8.05])
def test_bursts_at_the_tops_hide_some(td: int, period: float) -> None:
    """A motor of 30 kW for ten seconds from each top on, and next to nothing else: the energies rarely fall."""
    site = Site(((10, 30_000), (60 * td - 10, 0.1)) * (360 // td), td)
    assert {said for _, said in watched(site, every(period, 3, 350), means=True)} <= {None, td}


@pytest.mark.parametrize("td", [5, 10])
def test_a_top_lost_in_a_gap_does_not_double_td(td: int) -> None:
    """The frames around each second top are lost for two minutes."""
    site = steady(12_000, td)
    heard = [now for now in every(8.05, 3, 180) if not td * 60 - 60 < now % (td * 120) < td * 60 + 60]
    assert [said for _, said in watched(site, heard)] == [None]


@pytest.mark.parametrize("td", [5, 10])
def test_windows_without_power_show_no_top(td: int) -> None:
    """Three windows of five draw nothing: nothing falls at their ends, and what is told is true."""
    site = Site(((td * 60, 12_000), (td * 60, 9000), (td * 180, 0)) * 6, td)
    assert {said for _, said in watched(site, every(8.05, 3, 30 * td), means=True)} <= {None, td}
    assert watched(steady(0, td), every(8.05, 3, 120), means=True) == [(0, None)]


def test_a_meter_that_is_programmed_anew_is_noticed() -> None:
    """From 5 to 10 minutes and back: unknown in between, never the wrong one for longer than a window."""

    def td_of(now: float) -> int:
        return 10 if 3600 <= now < 7200 else 5

    told = watched(steady(8000, 5), every(8.05, 0, 180), td_of=td_of)
    assert [td for _, td in told] == [None, 5, None, 10, None, 5]
    minutes = [minute for minute, _ in told]
    assert 60 <= minutes[2] < 71
    assert minutes[3] < 91
    assert 120 <= minutes[4] < 131
    assert minutes[5] < 141


@pytest.mark.parametrize("step_s", [-3600, -300, -130, -20, -5, 5, 20, 70, 130, 300, 3600])
@pytest.mark.parametrize("at_s", [23 * 60, 24 * 60 + 50, 25 * 60 + 3])
@pytest.mark.parametrize("known", [True, False])
def test_a_clock_that_is_set_tells_no_wrong_td(step_s: int, at_s: int, known: bool) -> None:  # noqa: FBT001
    """Back or forth, before, at or after a top: the windows go on by the new clock, Td is as it was."""
    watch = TdWatch()
    energy, before, said = 0.0, 0.0, set()
    clock = 3600.0 + (3 if known else 22) * 60
    set_at = 3600 + at_s
    done = False
    for _ in range(800):
        clock += 8.05
        if not done and clock >= set_at:
            clock, done = clock + step_s, True
        energy = 12_000 * 8.05 / 3600 + energy
        if clock // 600 != before // 600:
            energy = 12_000 * (clock % 600 if 0 < clock % 600 < 8.05 else 8.05) / 3600
        before = clock
        watch.read("EA_s", int(energy), EIGHT + timedelta(seconds=int(clock)))
        said.add(watch.td)
    assert said == {None, 10}


def test_a_reading_that_went_wrong_does_not_unlearn_td() -> None:
    """One group in 64 of the damaged ones verifies: a fall without a round minute is no top."""
    site = steady(12_000, 5)
    watch = TdWatch()
    for now in every(8.05, 0, 32):
        read(watch, site, now)
    assert watch.td == 5
    watch.read("EA_s", 2, EIGHT + timedelta(minutes=32, seconds=1))
    for now in every(8.05, 32.2, 33):
        read(watch, site, now)
    assert watch.td == 5
    assert watch.power("EA_s") == pytest.approx(12_000, rel=0.05)


# The power.


@pytest.mark.parametrize("watts", [0, 50, 1000, 42_000, 1_250_000])
@pytest.mark.parametrize("period", [0.5, 1, 2.3, 8.05])
def test_power_of_a_steady_load(watts: int, period: float) -> None:
    """Within a Wh and a second of the last minute, across the tops, from the first half minute on."""
    watch = TdWatch()
    site = steady(watts, 5)
    for number, now in enumerate(every(period, 2, 32)):
        read(watch, site, now)
        power = watch.power("EA_s")
        assert (power is None) == (number * period < 33) or 30 <= number * period < 42
        if power is not None:
            assert power == pytest.approx(watts, rel=2.2 / 45, abs=2 * 3600 / 45)


def test_power_of_what_was_never_read_is_unknown() -> None:
    """Nor is it known after a gap, until half a minute of readings has come."""
    watch = TdWatch()
    assert watch.power("EA_s") is None
    site = steady(9000, 5)
    for now in (*every(8.05, 1, 3), *every(8.05, 6, 6.4)):
        read(watch, site, now)
    assert watch.power("EA_s") is None
    for now in every(8.05, 6.5, 8):
        read(watch, site, now)
    assert watch.power("EA_s") == pytest.approx(9000, rel=0.05)
    assert watch.power("EAPP_s") == pytest.approx(9900, rel=0.05)


# Whatever happens.

_WATTS = st.one_of(
    st.sampled_from([0, 0, 1, 60, 300, 2000]),
    st.floats(0, 1000),
    st.floats(0, 42_000),
    st.floats(0, 250_000),
)
_PIECES = st.tuples(st.sampled_from([3, 8, 10, 10, 45, 60, 60, 150, 300, 300, 600, 1800]), _WATTS)
_LOADS = st.lists(_PIECES, min_size=1, max_size=40).map(tuple)
_GAPS = st.dictionaries(st.integers(0, 600), st.floats(1, 300), max_size=12)


def heard(period: float, start: float, gaps: dict[int, float], count: int) -> Iterator[float]:
    """Give the times of frames, some of them lost for up to 5 minutes."""
    now = start
    for number in range(count):
        now += period + gaps.get(number, 0)
        yield now


@settings(max_examples=250, deadline=None)
@given(
    load=_LOADS,
    td=st.sampled_from([5, 10, 15, 30]),
    tc=st.sampled_from([5, 10, 15]),
    rounded=st.booleans(),
    period=st.one_of(st.floats(1, 9), st.sampled_from([0.5, 1, 8, 8.05])),
    start=st.floats(0, 5400),
    gaps=_GAPS,
)
@example(load=((1500, 300), (9000, 30_000)), td=5, tc=10, rounded=False, period=8, start=1103, gaps={})
@example(load=((10, 30_000), (590, 0.1)) * 6, td=10, tc=10, rounded=False, period=8.05, start=3, gaps={})
def test_td_is_never_told_wrong(
    load: tuple[tuple[int, float], ...],
    td: int,
    tc: int,
    rounded: bool,  # noqa: FBT001
    period: float,
    start: float,
    gaps: dict[int, float],
) -> None:
    """Any load, phase, pace and loss of frames: it is the true one or unknown, and the power is one that was."""
    site = Site(load, td, tc, rounded)
    watch = TdWatch()
    for now in heard(period, start, gaps, 600):
        read(watch, site, now)
        assert watch.td in (None, td)
        if (power := watch.power("EA_s")) is not None:
            least, most = site.range(now - 160, now)
            assert least * (1 - 2.2 / 30) - 240 <= power <= most * (1 + 2.2 / 30) + 240


@settings(max_examples=100, deadline=None)
@given(
    readings=st.lists(
        st.tuples(st.integers(-4000, 4000), st.integers(0, 10**9), st.sampled_from(["EA_s", "EAPP_s", "EAS"])),
        max_size=200,
    )
)
def test_any_readings_are_taken(readings: list[tuple[int, int, str]]) -> None:
    """Nonsense gives no exception, no Td that does not exist and no negative power."""
    watch = TdWatch()
    at = EIGHT
    for step, value, counter in readings:
        at += timedelta(seconds=step)
        watch.read(counter, value, at)
        watch.means([TcMean(at, 10, value % 1000)])
        assert watch.td in (None, *CANDIDATES)
        power = watch.power(counter)
        assert power is None or power >= 0
