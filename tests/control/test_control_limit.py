"""The limit alone: which load goes, which comes back, and when neither."""

import pytest
from sites import Site, T, load

from custom_components.flex_ready.control.forecast import Forecast
from custom_components.flex_ready.control.limit import Candidate, Shed, Verdict, decide
from custom_components.flex_ready.control.window import MINUTE_MS, WH_MJ, Kind, Window

NOW = T + 7 * MINUTE_MS


def candidate(name: str, **others: object) -> Candidate:
    """Make a load of 3 kW that may go."""
    fields: dict[str, object] = {
        "id": name,
        "priority": 1,
        "saving": 3_000,
        "lag_ms": 2_000,
        "stays_ms": 10**9,
        "off_today_ms": 0,
        **others,
    }
    return Candidate(**fields)  # type: ignore[arg-type]


def shed(name: str, **others: object) -> Shed:
    """Make a load of 3 kW that is off."""
    fields: dict[str, object] = {
        "id": name,
        "priority": 1,
        "saving": 3_000,
        "since": T,
        "stays_ms": 10**9,
        "may_return": True,
        **others,
    }
    return Shed(**fields)  # type: ignore[arg-type]


def situation(watts: int, kind: Kind, would: int) -> tuple[Window, Forecast]:
    """Make a building under 20 kW that has drawn the same for an hour, and would so much if nothing were shed."""
    window, forecast = Window(kind, 10), Forecast()
    window.limit = 20_000
    for at in range(NOW - 3_600_000, NOW + 1, 10_000):
        if kind is Kind.INSTANT:
            window.draw(watts, at)
        else:
            window.read(watts * (at % 600_000) // WH_MJ, at)
        forecast.take(would, 0, at)
    return window, forecast


def told(watts: int, off: tuple[Shed, ...] = (), *may: Candidate, **others: object) -> Verdict:
    """Decide about a steady building."""
    kind = others.get("kind", Kind.FIXED)
    assert isinstance(kind, Kind)
    window, forecast = situation(watts, kind, watts + sum(one.saving for one in off))
    return decide(window, forecast, NOW, off, may, settled=bool(others.get("settled", True)))


@pytest.mark.parametrize("kind", list(Kind))
def test_enough_is_free(kind: Kind) -> None:
    """Nothing goes."""
    assert told(15_000, (), candidate("a"), candidate("b"), kind=kind).shed == ()


@pytest.mark.parametrize("kind", list(Kind))
def test_no_more_goes_than_is_needed(kind: Kind) -> None:
    """Too much by less than one load saves, which is all that may be: one goes, at the latest now."""
    assert told(22_500, (), candidate("a"), kind=kind).shed == ("a",)
    assert told(90_000, (), candidate("a"), candidate("b"), kind=kind).shed == ("a", "b")
    assert told(90_000, kind=kind).shed == ()


@pytest.mark.parametrize(
    ("first", "others"),
    [
        (candidate("z", saving=1_000), [candidate("a", priority=2, saving=9_000)]),
        (candidate("z", saving=4_000), [candidate("a")]),
        (candidate("z", saving=3_100, off_today_ms=1), [candidate("a", off_today_ms=2)]),
        (candidate("a"), [candidate("z")]),
    ],
)
def test_who_goes_first(first: Candidate, others: list[Candidate]) -> None:
    """The least priority, then the largest saving, then who was off least today, then the name."""
    for order in ([first, *others], [*others, first]):
        assert told(90_000, (), *order).shed[0] == first.id


@pytest.mark.parametrize("kind", list(Kind))
def test_who_comes_back(kind: Kind) -> None:
    """One, if it fits: the highest priority, then the longest off; not before it may, nor before the last one shows."""
    off = (
        shed("a"),
        shed("b", priority=3, may_return=False),
        shed("c", priority=2, since=T - 5),
        shed("d", priority=2),
    )
    assert told(5_000, off, kind=kind).back == ("c",)
    assert told(5_000, off, kind=kind, settled=False).back == ()
    assert told(5_000, (off[1],), kind=kind).back == ()
    assert told(19_900, off, kind=kind).back == ()
    # The one that matters most does not fit, another does.
    assert told(15_000, (shed("a", saving=1_500), shed("b", priority=2, saving=30_000)), kind=kind).back == ("a",)


def test_nothing_comes_back_at_the_end_of_a_window_that_must_go_in_the_next() -> None:
    """10 s before the top there is much room, but not for the ten minutes that follow."""
    window, forecast = Window(Kind.FIXED, 10), Forecast()
    window.limit = 20_000
    for second in range(0, 591, 10):
        window.read(second * 10_000 // 3_600, T + second * 1_000)
        forecast.take(22_000, 0, T + second * 1_000)
    now = T + 590_000
    assert decide(window, forecast, now, [shed("a")], [], settled=True).back == ()
    fits = Forecast()
    for second in range(0, 591, 10):
        fits.take(10_000, 0, T + second * 1_000)
    assert decide(window, fits, now, [shed("a")], [], settled=True).back == ("a",)


def test_a_breaker_is_not_waited_for() -> None:
    """At once, as many as it takes by what they draw, slow ones too."""
    may = [candidate(name, lag_ms=30_000) for name in "abc"]
    assert told(22_500, (), *may, kind=Kind.INSTANT).shed == ("a",)
    assert told(25_500, (), *may, kind=Kind.INSTANT).shed == ("a", "b")


def test_a_breaker_and_loads_that_take_their_time() -> None:
    """2 kW too much, loads of 3 kW that take 4 s, a reading each second: one goes, and not all."""
    loads = tuple(load(name) for name in "abcd")
    site = Site(loads, kind=Kind.INSTANT, base=6_000, late=dict.fromkeys("abcd", 4))
    site.run(60)
    site.base = 10_000
    for _ in range(30):
        site.step(1)
    assert [command.load for command in site.commands if command.step] == ["a"]


def test_a_slow_load_does_not_keep_the_others() -> None:
    """One that takes five minutes cannot help in the last three; the others go in time."""
    slow = candidate("slow", lag_ms=300_000)
    quick = candidate("quick", priority=2)
    assert told(21_500, (), quick).shed == ("quick",)
    assert "quick" in told(21_500, (), slow, quick).shed
