"""The meter's clock: local dates without season made into instants, through both nights when the hour changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.tic import Stamp
from custom_components.flex_ready.tic.clock import MeterClock

PARIS = ZoneInfo("Europe/Paris")
OCTOBER = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
"""03:00 in summer time becomes 02:00 in winter time."""
MARCH = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
"""02:00 in winter time becomes 03:00 in summer time."""


def shown(at: datetime) -> Stamp:
    """Give what a meter without season shows at an instant."""
    return Stamp(at.astimezone(PARIS).replace(tzinfo=None, microsecond=0))


def local(text: str) -> Stamp:
    """Give a date as a meter without season writes it."""
    return Stamp(datetime.fromisoformat(text))


def utc(text: str) -> datetime:
    """Give an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("2026-01-12 08:02:30", "2026-01-12 07:02:30"),
        ("2026-07-12 08:02:30", "2026-07-12 06:02:30"),
        ("2026-03-29 01:59:59", "2026-03-29 00:59:59"),
        ("2026-03-29 03:00:00", "2026-03-29 01:00:00"),
        ("2026-10-25 01:59:59", "2026-10-24 23:59:59"),
        ("2026-10-25 03:00:00", "2026-10-25 02:00:00"),
    ],
)
def test_most_dates_can_only_be_one_instant(date: str, instant: str) -> None:
    """The clock may be new or not, and the host's clock wrong."""
    assert MeterClock(PARIS).tick(local(date)) == utc(instant)
    assert MeterClock(PARIS).past(local(date)) == utc(instant)
    assert MeterClock(PARIS).tick(local(date), host=datetime(2001, 1, 1, tzinfo=UTC)) == utc(instant)


@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_played_twice_is_told_by_the_hosts_clock(hour: int) -> None:
    """A first frame in the middle of that night, on a host some minutes off."""
    host = utc(f"2026-10-25 0{hour}:35:00")
    assert MeterClock(PARIS).tick(local("2026-10-25 02:30:00"), host=host) == utc(f"2026-10-25 0{hour}:30:00")


@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_played_twice_is_told_by_the_time_since_the_date_before(hour: int) -> None:
    """Even after an hour without a frame, with a host whose clock was set to winter time too early."""
    clock = MeterClock(PARIS)
    wrong = timedelta(hours=1)
    clock.tick(local("2026-10-25 01:50:00"), monotonic=1000, host=utc("2026-10-24 23:50:00") + wrong)
    instant = utc(f"2026-10-25 0{hour}:30:00")
    later = 1000 + (instant - utc("2026-10-24 23:50:00")).total_seconds()
    assert clock.tick(local("2026-10-25 02:30:00"), monotonic=later, host=instant + wrong) == instant


def test_the_hour_played_twice_is_told_by_order_in_a_file() -> None:
    """What would go backwards is the second time."""
    clock = MeterClock(PARIS)
    dates = ("02:00:00", "02:30:00", "02:59:52", "02:00:00", "02:30:00", "03:00:00")
    instants = [clock.tick(local(f"2026-10-25 {date}")) for date in dates]
    assert [f"{instant:%H:%M:%S}" for instant in instants] == [
        "00:00:00", "00:30:00", "00:59:52", "01:00:00", "01:30:00", "02:00:00",
    ]  # fmt: skip


def test_a_date_of_the_gap_in_march_is_winter_time_going_on() -> None:
    """A meter that has not yet gone forward: its clock goes on, and so do the instants."""
    clock = MeterClock(PARIS)
    assert clock.tick(local("2026-03-29 01:59:59"), monotonic=0) == utc("2026-03-29 00:59:59")
    assert clock.tick(local("2026-03-29 02:00:07"), monotonic=8) == utc("2026-03-29 01:00:07")
    assert clock.tick(local("2026-03-29 03:00:15"), monotonic=16) == utc("2026-03-29 01:00:15")


@pytest.mark.parametrize(("offset", "instant"), [(2, "2026-10-25 00:30:00"), (1, "2026-10-25 01:30:00")])
def test_a_date_with_its_season_needs_no_guess(offset: int, instant: str) -> None:
    """A Linky in standard mode says it, whatever the host believes."""
    stamp = Stamp(datetime.fromisoformat("2026-10-25 02:30:00"), offset)
    clock = MeterClock(PARIS)
    assert clock.tick(stamp, monotonic=0, host=utc("2026-10-25 03:00:00")) == utc(instant)
    assert clock.past(stamp) == utc(instant)


def test_a_past_date_is_the_latest_that_is_not_in_the_future() -> None:
    """Ends of Tc, seen at 02:05 for the first and for the second time."""
    clock = MeterClock(PARIS)
    assert clock.past(local("2026-10-25 02:00:00")) == utc("2026-10-25 01:00:00")  # nothing known: the latest
    clock.tick(local("2026-10-25 02:05:00"), host=utc("2026-10-25 00:05:00"))
    assert clock.past(local("2026-10-25 02:00:00")) == utc("2026-10-25 00:00:00")
    assert clock.past(local("2026-10-25 01:50:00")) == utc("2026-10-24 23:50:00")
    clock.tick(local("2026-10-25 02:05:00"), host=utc("2026-10-25 01:05:00"))
    ends = [clock.past(local(f"2026-10-25 02:{minute}:00")) for minute in ("00", "50", "40")]
    assert ends == [utc(f"2026-10-25 {time}:00") for time in ("01:00", "00:50", "00:40")]


def test_a_clock_that_is_set_is_followed() -> None:
    """A date is what the meter says; only what is ambiguous is judged."""
    clock = MeterClock(PARIS)
    clock.tick(local("2026-06-01 12:00:00"), monotonic=0)
    assert clock.tick(local("2026-06-01 11:00:00"), monotonic=8) == utc("2026-06-01 09:00:00")
    assert clock.tick(local("2026-06-01 14:00:00"), monotonic=16) == utc("2026-06-01 12:00:00")


@pytest.mark.parametrize("change", [MARCH, OCTOBER])
@pytest.mark.parametrize("know", ["monotonic", "host", "order"])
def test_second_by_second_through_the_night(change: datetime, know: str) -> None:
    """Each second from two hours before the change to two hours after, and it is UTC."""
    clock = MeterClock(PARIS)
    for second in range(-7200, 7201):
        now = change + timedelta(seconds=second)
        got = clock.tick(
            shown(now),
            monotonic=second if know == "monotonic" else None,
            host=now if know != "order" else None,
        )
        assert got == now


@settings(max_examples=200, deadline=None)
@given(
    change=st.sampled_from([MARCH, OCTOBER]),
    start=st.integers(-10800, 10800),
    steps=st.lists(st.floats(0.5, 1200), min_size=1, max_size=60),
    off_s=st.floats(-1500, 1500),
    drift=st.floats(-1e-4, 1e-4),
)
def test_any_frames_around_the_night(
    change: datetime, start: int, steps: list[float], off_s: float, drift: float
) -> None:
    """Frames at any distance, a host that is up to 25 minutes off: never backwards, always the meter's instant."""
    clock = MeterClock(PARIS)
    now = change + timedelta(seconds=start)
    monotonic = 0.0
    before = None
    for step in steps:
        now += timedelta(seconds=step)
        monotonic += step * (1 + drift)
        got = clock.tick(shown(now), monotonic=monotonic, host=now + timedelta(seconds=off_s))
        assert got == now.replace(microsecond=0)
        assert before is None or got >= before
        before = got
