"""RTE's answers to slots: real ones where they are there, the days of 23 and 25 hours, and whatever else may come."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.signals.ecowatt.model import Level
from custom_components.flex_ready.signals.ecowatt.parse import hours_of, parse_signals
from custom_components.flex_ready.signals.ecowatt.rehearsal import shift_to
from custom_components.flex_ready.signals.errors import SignalError, Trouble
from custom_components.flex_ready.signals.http import parse_json
from custom_components.flex_ready.slots import Stretch

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ecowatt"
REAL = sorted(DATA.glob("*v[45]*.json"))


def day(of: date, levels: dict[int, int], **changes: object) -> dict[str, object]:
    """Write a day as RTE does."""
    return {
        "GenerationFichier": "2026-01-01T23:00:00+01:00",
        "jour": datetime.combine(of, time.min, PARIS).isoformat(),
        "dvalue": max(1, *levels.values(), 1),
        "message": "Pas d\u2019alerte.",
        "values": [{"pas": pas, "hvalue": level} for pas, level in levels.items()],
        **changes,
    }


def whole(of: date) -> dict[str, object]:
    """Write a day whose levels tell its hours apart: hour modulo 4."""
    return day(of, {pas: pas % 4 for pas in range(24)})


def read(*days: object) -> Any:  # noqa: ANN401
    """Read an answer."""
    return parse_signals({"signals": list(days)}, retrieved_at=NOW, zone=PARIS)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_answers(path: Path) -> None:
    """Each hour that RTE sent stands in its place of the wall clock; nothing is dropped."""
    body = parse_json(path.read_text())
    forecast = parse_signals(body, retrieved_at=NOW, zone=PARIS)
    assert isinstance(body, dict)
    assert forecast.dropped == 0
    assert len(forecast.days) == len(body["signals"])
    for sent in body["signals"]:
        midnight = datetime.fromisoformat(sent["jour"])
        for value in sent["values"]:
            for fold in (0, 1):
                local = datetime.combine(midnight.date(), time(value["pas"], 30, fold=fold), PARIS)
                if local.astimezone(UTC).astimezone(PARIS).hour == value["pas"]:
                    assert forecast.level_at(local.astimezone(UTC)) == value["hvalue"]


def test_there_are_real_answers_where_they_are_kept() -> None:
    """The parametrised test above has something to do, where the captures are."""
    assert len(REAL) == 5 or not DATA.exists()


@pytest.mark.parametrize("path", sorted(DATA.glob("error_*")), ids=lambda path: path.stem)
def test_real_errors(path: Path) -> None:
    """They are no answers, if ever they come as one."""
    with pytest.raises(SignalError) as refused:
        parse_signals(parse_json(path.read_text()), retrieved_at=NOW, zone=PARIS)
    assert refused.value.trouble in (Trouble.NOT_JSON, Trouble.WRONG_SHAPE)


CHANGES = [date(2022, 10, 30), date(2023, 3, 26), date(2023, 10, 29), date(2024, 3, 31), date(2026, 3, 29)]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(CHANGES) | st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.lists(st.dictionaries(st.integers(0, 23), st.integers(0, 3), max_size=24), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_generated_answers(first: date, plans: list[dict[int, int]], random: Random) -> None:
    """Whatever hours are sent, in whatever order: each half-hour has the level of its hour by the clock in Paris."""
    days = [day(first + timedelta(days=ahead), levels) for ahead, levels in enumerate(plans)]
    random.shuffle(days)
    forecast = read(*days)
    assert forecast.dropped == 0
    for ahead, levels in enumerate(plans):
        of = first + timedelta(days=ahead)
        instant, end = (datetime.combine(of + timedelta(days=i), time.min, PARIS).astimezone(UTC) for i in (0, 1))
        while instant < end:
            assert forecast.level_at(instant) == levels.get(instant.astimezone(PARIS).hour)
            instant += timedelta(minutes=30)
        assert forecast.level_at(end) == (plans[ahead + 1].get(0) if ahead + 1 < len(plans) else None)


@pytest.mark.parametrize(
    ("of", "hours"),
    [
        *((date(2022, 3, 27), 23), (date(2022, 10, 30), 25), (date(2023, 3, 26), 23), (date(2023, 10, 29), 25)),
        *((date(2024, 3, 31), 23), (date(2024, 10, 27), 25)),
    ],
)
def test_days_on_which_the_time_changes(of: date, hours: int) -> None:
    """Twenty-four levels on 23 or 25 hours: one has no time, or twice the time."""
    forecast = read(whole(of), whole(of + timedelta(days=1)))
    start = datetime.combine(of, time.min, PARIS).astimezone(UTC)
    seen = [(forecast.level_at(start + timedelta(hours=i)), i) for i in range(hours)]
    elapsed = [0, 1, *([3] if hours == 23 else [2, 2, 3]), *range(4, 24)]
    assert seen == [(Level(pas % 4), i) for i, pas in enumerate(elapsed)]
    midnight = datetime.combine(of + timedelta(days=1), time.min, PARIS).astimezone(UTC)
    assert start + timedelta(hours=hours) == midnight
    assert forecast.level_at(midnight) is Level.LOW_CARBON
    assert forecast.hours.gaps(start, midnight + timedelta(hours=24)) == ()


def _days() -> Iterator[date]:
    first = date(2022, 1, 1)
    return (first + timedelta(days=i) for i in range(6 * 365))


def test_every_day_of_six_years() -> None:
    """Each hour of the wall clock, computed otherwise: from the instants back to the clock."""
    for of in _days():
        midnight, end = (datetime.combine(of + timedelta(days=i), time.min, PARIS).astimezone(UTC) for i in (0, 1))
        found = {hour: (start, stop) for hour, start, stop in hours_of(of, PARIS)}
        instant = midnight
        while instant < end:
            start, stop = found[instant.astimezone(PARIS).hour]
            assert start <= instant < stop
            instant += timedelta(hours=1)
        assert sum(((stop - start) for start, stop in found.values()), timedelta()) == end - midnight


def test_a_missing_hour_is_unknown_and_no_invitation() -> None:
    """Not 0."""
    levels = {pas: 1 for pas in range(24) if pas != 5}
    forecast = read(day(date(2026, 1, 2), levels))
    assert forecast.level_at(datetime(2026, 1, 2, 4, 30, tzinfo=UTC)) is None
    assert forecast.level_at(datetime(2026, 1, 2, 5, 30, tzinfo=UTC)) is Level.NORMAL
    assert forecast.low_carbon == ()


def test_what_makes_no_sense_is_dropped_and_counted() -> None:
    """A day, an hour, a level; of two levels of one hour the graver is believed."""
    good = day(date(2026, 1, 2), {0: 1})
    good["values"] = [
        {"pas": 0, "hvalue": 1},
        {"pas": 0, "hvalue": 3},
        {"pas": 24, "hvalue": 1},
        {"pas": 1, "hvalue": 9},
    ]
    forecast = read({"jour": "yesterday"}, good, 5, {"jour": None}, day(date(2026, 1, 3), {}, values="none"))
    assert forecast.level_at(datetime(2026, 1, 1, 23, 30, tzinfo=UTC)) is Level.VERY_TENSE
    assert forecast.dropped == 7
    assert [one.day for one in forecast.days] == [date(2026, 1, 2), date(2026, 1, 3)]


def test_days_out_of_order_and_one_of_another_file() -> None:
    """Sorted; the last one is provisional."""
    forecast = read(
        day(date(2026, 1, 5), {0: 1}, GenerationFichier="2026-01-02T00:17:44+01:00"), day(date(2026, 1, 2), {0: 2})
    )
    assert [(one.day.day, one.level, one.provisional) for one in forecast.days] == [
        *((2, Level.TENSE, False), (5, Level.NORMAL, True)),
    ]
    assert forecast.day(date(2026, 1, 2)) == forecast.days[0]
    assert forecast.day(date(2026, 1, 3)) is None
    assert forecast.highest(Stretch(NOW, NOW + timedelta(days=1))) is Level.TENSE
    assert forecast.end == datetime(2026, 1, 5, 0, tzinfo=UTC)
    assert [stretch.start.hour for stretch in forecast.tense] == [23]


@pytest.mark.parametrize("body", [None, [], {}, {"signals": None}, {"signals": "none"}, "x", 3])
def test_what_is_no_answer(body: object) -> None:
    """It is said so."""
    with pytest.raises(SignalError) as refused:
        parse_signals(body, retrieved_at=NOW, zone=PARIS)
    assert refused.value.trouble is Trouble.WRONG_SHAPE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["signals", "jour", "values", "pas", "hvalue", "dvalue"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_nothing_raises_anything_else(signals: object) -> None:
    """Whatever is in the list."""
    parse_signals({"signals": [signals, whole(date(2026, 3, 29))]}, retrieved_at=NOW, zone=PARIS)
    shift_to({"signals": [signals]}, date(2026, 1, 1))


def test_a_rehearsal_begins_today() -> None:
    """The sandbox's days, sorted, from today on, on the day of the change of time too."""
    sandbox = {"signals": [day(date(2022, 6, 5), {3: 3}), day(date(2022, 6, 3), {3: 2}), {"jour": "?"}]}
    moved = shift_to(sandbox, date(2026, 3, 29))
    forecast = parse_signals(moved, retrieved_at=NOW, zone=PARIS, rehearsal=True)
    assert [one.day for one in forecast.days] == [date(2026, 3, 29), date(2026, 3, 31)]
    assert forecast.level_at(datetime(2026, 3, 29, 1, 30, tzinfo=UTC)) is Level.TENSE
    assert forecast.rehearsal
    assert shift_to({"signals": []}, date(2026, 1, 1)) == {"signals": []}
    assert shift_to(3, date(2026, 1, 1)) == 3
