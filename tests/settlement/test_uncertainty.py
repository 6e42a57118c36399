"""The interval that is shown covers the truth as often as it claims."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random

from homes import DAY, DOWN, FACTS, PARIS, UP, at, curve, flat, home, order, with_home
import pytest

from custom_components.flex_ready.settlement.facts import local_day
from custom_components.flex_ready.settlement.forecast import Forecast, Said
from custom_components.flex_ready.settlement.methods import Choice, Method
from custom_components.flex_ready.settlement.model import Direction
from custom_components.flex_ready.settlement.realised import units
from custom_components.flex_ready.settlement.uncertainty import (
    DAYS,
    LEVEL,
    Interval,
    Replay,
    Uncertainty,
    days_wanted,
    replays,
    spread,
    uncertainty,
)

MONDAY = date(2026, 6, 15)
CHOICE = Choice(method=Method.DOUBLE_REFERENCE)
BASED = [method for method in Method if method is not Method.FORECAST]
NINETY = Fraction(9, 10)
HALF = timedelta(minutes=30)


def of(*wholes: float) -> list[Replay]:
    """Return replays of one half-hour."""
    return [Replay(MONDAY, (whole,)) for whole in wholes]


def test_how_many_days_are_wanted() -> None:
    """So many that the least and the most error leave out no more than allowed; too few are said to be."""
    assert [days_wanted(Fraction(percent, 100)) for percent in (50, 80, 90, 95)] == [3, 9, 19, 39]
    assert spread(of(*range(8))) == Uncertainty(LEVEL, 8, 9, alike=True)
    whole = spread(of(*range(9))).whole
    assert whole is not None
    assert (whole.low, whole.high, whole.bias) == (0, 8, 4)
    for level in (0, 1, -1, 2):
        with pytest.raises(ValueError, match="no level"):
            spread([], Fraction(level))


def test_interval_of_steps_and_of_the_whole() -> None:
    """Errors of half-hours may make up for each other in the whole."""
    told = spread([Replay(MONDAY, (error, -error)) for error in range(10)])
    assert [(one.low, one.high) for one in told.steps] == [(0, 9), (-9, 0)]
    assert told.whole == Interval(0, 0, 0, 0)


def test_what_the_truth_may_be() -> None:
    """A reference that may be 30 too high or 10 too low: a reduction may be 30 less or 10 more, or reversed."""
    interval = Interval(-10, 30, 5, 20)
    assert interval.truth(100, UP) == (70, 110)
    assert interval.truth(100, DOWN) == (90, 130)


@pytest.mark.parametrize("days", [9, 10, 20, DAYS, 100])
def test_coverage_if_days_are_alike(days: int) -> None:
    """Then it is at least the level, whatever the errors are like; few days cost width, not truth."""
    dice, inside, rounds = Random(days), 0, 2000
    for _ in range(rounds):
        *known, new = (dice.lognormvariate(0, 1.5) - 2 for _ in range(days + 1))
        whole = spread(of(*known)).whole
        assert whole is not None
        inside += whole.low <= new <= whole.high
    assert 0.78 <= inside / rounds <= 0.92, inside / rounds


@with_home
@pytest.mark.parametrize("clock", ["08:00", "18:00"])
@pytest.mark.parametrize("method", BASED)
def test_coverage_of_the_home(method: Method, clock: str) -> None:
    """On each day of the year, what is shown by the days before holds what the reference is then off by."""
    day = local_day(max(home().readings), PARIS)
    choice, end = Choice(method=method, dmo=timedelta(minutes=30)), f"{int(clock[:2]) + 1}:00"
    one = order(day + DAY, clock, end.zfill(5))
    row = replays(one, choice, FACTS, [home()], most=366, alike=False)[::-1]
    assert len(row) > 320
    assert [*row] == sorted(row, key=lambda done: done.day)
    for level in (LEVEL, NINETY):
        wholes, halves = [], []
        for number, done in enumerate(row):
            like = [one for one in row[:number] if FACTS.works(one.day) is FACTS.works(done.day)][-DAYS:]
            told = spread(like, level)
            if told.whole is None:
                continue
            wholes.append(told.whole.low <= done.whole <= told.whole.high)
            halves += [one.low <= error <= one.high for one, error in zip(told.steps, done.errors, strict=True)]
        for seen in (wholes, halves):
            share = sum(seen) / len(seen)
            assert len(seen) > 280
            claimed = float(level)
            assert claimed - 0.02 <= share <= claimed + 0.12, f"{method} {clock}: {share:.3f} of {claimed}, {len(seen)}"


@with_home
@pytest.mark.parametrize("method", [Method.DOUBLE_REFERENCE, Method.TEN_OF_TEN])
def test_the_last_like_days_are_replayed(method: Method) -> None:
    """What is shown on a day is from the quiet days before it, and knows nothing of what follows."""
    one = order(date(2024, 11, 12), "18:00", "19:00")
    choice = Choice(method=method)
    known = [step for step, _ in home() if step < one.start]
    before = curve({step: wh for step in known if (wh := home().wh(step)) is not None})
    told = uncertainty(one, choice, FACTS, [home()])
    assert told == uncertainty(one, choice, FACTS, [before])
    assert (told.days, told.alike, len(told.steps)) == (DAYS, True, 2)
    row = replays(one, choice, FACTS, [home()])
    assert all(FACTS.works(done.day) for done in row)
    assert all(later.day > earlier.day for later, earlier in pairwise(row))
    assert row[0].day == date(2024, 11, 11)


def noisy(days: int, seed: int = 0) -> dict[datetime, int]:
    """Return readings of the days before Monday."""
    dice = Random(seed)
    return {step: dice.randint(0, 2000) for step in flat(at(MONDAY - days * DAY, "00:00"), days)}


def test_few_days() -> None:
    """Ten working days suffice; else weekends are taken too; if that is too little, it is said."""
    one = order(MONDAY, "18:00", "19:00")
    for days, replayed, alike in ((14, 10, True), (12, 12, False), (9, 9, False), (8, 8, False)):
        told = uncertainty(one, CHOICE, FACTS, [curve(noisy(days))])
        assert (told.days, told.alike, told.wanted) == (replayed, alike, 9)
        assert (told.whole is None) is (told.steps == ()) is (days == 8)


def test_days_that_are_not_quiet() -> None:
    """Activations, unavailability, and days of which something lacks are not replayed; holidays are no working days."""
    one = order(MONDAY, "18:00", "19:00")
    readings = noisy(20)
    del readings[at(MONDAY - 4 * DAY, "19:00")]
    facts = replace(FACTS, not_eligible={MONDAY - 3 * DAY}, holidays={MONDAY - 5 * DAY})
    days = [(MONDAY - done.day) // DAY for done in replays(one, CHOICE, facts, [curve(readings)])]
    assert days == [6, 7, 10, 11, 12, 13, 14, 17, 18, 19, 20]


def test_after_another_order() -> None:
    """The replay has as old a reference as the order will have."""
    readings = {step: step.astimezone(PARIS).hour * 100 for step in noisy(20)}
    earlier = (order(MONDAY, "10:00", "11:00"),)
    choice = Choice(method=Method.RECTANGLE_SIMPLE, dmo=timedelta(minutes=30))
    one = order(MONDAY, "11:30", "12:00")
    row = replays(one, choice, replace(FACTS, earlier=earlier), [curve(readings)])
    assert {done.errors for done in row} == {(900 - 1100,)}
    assert {done.errors for done in replays(one, choice, FACTS, [curve(readings)])} == {(1000 - 1100,)}


def test_between_other_orders() -> None:
    """What comes right before and after the order belongs to it in the replay too."""
    readings = {step: step.astimezone(PARIS).hour * 100 for step in noisy(20)}
    choice = Choice(method=Method.DOUBLE_REFERENCE)
    one = order(MONDAY, "11:00", "11:30")
    there = replace(FACTS, whole=order(MONDAY, "10:00", "12:00"))
    assert {done.errors for done in replays(one, choice, there, [curve(readings)])} == {(850 - 1100,)}
    assert {done.errors for done in replays(one, choice, FACTS, [curve(readings)])} == {(1000 - 1100,)}


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_errors_are_of_the_reference(direction: Direction) -> None:
    """Too high is positive, whichever way the order goes."""
    readings = flat(at(MONDAY - 20 * DAY, "00:00"), 20) | {
        at(MONDAY - back * DAY, "18:00"): 600 for back in range(1, 21)
    }
    one = order(MONDAY, "18:00", "18:30", direction)
    assert {done.errors for done in replays(one, CHOICE, FACTS, [curve(readings)])} == {(400,)}


def test_of_several_sites() -> None:
    """Site by site the errors of the sites are added up; of a sum they are those of the sum."""
    one = order(MONDAY, "18:00", "19:00")
    curves = [curve(noisy(20, seed)) for seed in range(3)]
    by_site = Choice(method=Method.SITE_BY_SITE)
    together = replays(one, by_site, FACTS, units(by_site.method, curves))
    alone = [replays(one, by_site, FACTS, [single]) for single in curves]
    for done, *each in zip(together, *alone, strict=True):
        assert done.errors == pytest.approx([sum(errors) for errors in zip(*(one.errors for one in each), strict=True)])
    total = replays(one, CHOICE, FACTS, units(CHOICE.method, curves))
    assert all(a.whole >= b.whole for a, b in zip(total, together, strict=True)), "the least of a sum is no less"
    assert total != together


def test_forecast() -> None:
    """It is replayed where it was handed in for the days before as well, as long before as that of the order."""
    readings = noisy(20)
    choice = Choice(method=Method.FORECAST)
    one = order(MONDAY, "18:00", "19:00")
    lead = one.start - one.ordered_at
    said = {step: [Said(wh + 7, step - lead - HALF), Said(wh, step)] for step, wh in readings.items()}
    told = uncertainty(one, choice, replace(FACTS, forecast=Forecast(said)), [curve(readings)])
    assert told.whole == Interval(14, 14, 14, 14)
    late = {step: [Said(wh, step - lead + HALF)] for step, wh in readings.items()}
    assert uncertainty(one, choice, replace(FACTS, forecast=Forecast(late)), [curve(readings)]).days == 0
    assert uncertainty(one, choice, FACTS, [curve(readings)]).days == 0


def test_the_night_of_march() -> None:
    """An order of that night is replayed at the same start; on the night itself, what did not come is passed over."""
    spring = date(2026, 3, 29)
    load = curve(flat(at(spring - 20 * DAY, "00:00"), 22))
    for start, there in (("02:00", False), ("03:00", True)):
        one = order(spring + DAY, start, "03:30")
        row = replays(one, CHOICE, FACTS, [load], alike=False)
        assert (spring in {done.day for done in row}) is there
        assert {done.errors for done in row} == {(0,) * len(one.steps)}
