"""RTE's quota, and a year of living with it, one minute at a time, with restarts at random."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from custom_components.flex_ready.signals.ecowatt.model import Forecast, Level
from custom_components.flex_ready.signals.ecowatt.parse import parse_signals
from custom_components.flex_ready.signals.ecowatt.quota import QuarterGuard, quarter
from custom_components.flex_ready.signals.ecowatt.schedule import next_poll
from emulator.rte.scenario import DayPlan, Scenario

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_quarter_of_the_clock() -> None:
    """A call at :14 allows another at :15, one at :00 does not before."""
    guard = QuarterGuard()
    assert guard.next_allowed(NOON) == NOON
    guard.record(NOON + 14 * MINUTE)
    assert guard.next_allowed(NOON + 14 * MINUTE) == NOON + 15 * MINUTE + timedelta(seconds=1)
    assert guard.next_allowed(NOON + 16 * MINUTE) == NOON + 16 * MINUTE


def test_retry_after_is_waited_for() -> None:
    """And kept with the rest."""
    guard = QuarterGuard()
    guard.refused(NOON, 3000)
    kept = QuarterGuard.from_dict(guard.to_dict(), NOON)
    assert kept.next_allowed(NOON) == NOON + timedelta(seconds=3001)
    guard.refused(NOON, None)
    assert guard.next_allowed(NOON) == NOON + timedelta(minutes=15, seconds=1)


def test_a_clock_set_back_does_not_wedge() -> None:
    """A quarter at most is waited for."""
    guard = QuarterGuard(NOON + timedelta(days=400))
    assert guard.next_allowed(NOON) == NOON + timedelta(minutes=15, seconds=1)
    assert guard.next_allowed(NOON + 16 * MINUTE) == NOON + 16 * MINUTE
    assert QuarterGuard(None, NOON + timedelta(days=400)).next_allowed(NOON) == NOON


@pytest.mark.parametrize("kept", ["", 5, {"last": 5}, {"last": "never"}, {"last": "2026-01-01T12:00:00"}])
def test_what_cannot_be_read_is_taken_for_a_call(kept: object) -> None:
    """Asking too often is the worse mistake."""
    assert QuarterGuard.from_dict(kept, NOON).next_allowed(NOON) > NOON
    assert QuarterGuard.from_dict(None, NOON).next_allowed(NOON) == NOON


def test_when_it_matters_each_quarter() -> None:
    """About an hour while calm, a quarter when today or tomorrow is tense, soon after midnight."""
    guard, random = QuarterGuard(NOON), Random(1)

    def waits(now: datetime, plans: dict[int, DayPlan], failures: int = 0) -> list[float]:
        body = {"signals": Scenario("x", "", plans).signals(now)}
        forecast = parse_signals(body, retrieved_at=now, zone=PARIS)
        polls = [next_poll(now, forecast, guard, PARIS, failures=failures, random=random) for _ in range(50)]
        return [(poll - now) / MINUTE for poll in polls]

    calm = waits(NOON, {})
    assert 50 < min(calm) < max(calm) < 70
    assert max(calm) - min(calm) > 5
    tense = waits(NOON, {1: DayPlan({9: 2})})
    assert 15 < min(tense) < max(tense) < 25
    night = waits(datetime(2026, 1, 1, 22, 30, tzinfo=UTC), {})
    assert 40 <= min(night) < max(night) <= 70
    assert max(waits(NOON, {}, failures=9)) <= 60
    assert next_poll(NOON, None, QuarterGuard(), PARIS, failures=0, random=random) <= NOON + 2 * MINUTE


class Rte:
    """RTE over a year: alerts now and then, one call in a quarter of the clock."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.calls: dict[datetime, int] = {}
        self.plans: dict[int, DayPlan] = {}

    def ask(self, now: datetime) -> Forecast:
        """Answer a call, and count it."""
        self.calls[quarter(now)] = self.calls.get(quarter(now), 0) + 1
        day = now.astimezone(PARIS).toordinal()
        plans = {ahead: DayPlan({pas: self.level(day + ahead, pas) for pas in range(24)}) for ahead in range(4)}
        return parse_signals({"signals": Scenario("y", "", plans).signals(now)}, retrieved_at=now, zone=PARIS)

    @staticmethod
    def level(ordinal: int, pas: int) -> int:
        """Give the level of an hour: tense evenings on some days, low carbon on others."""
        if ordinal % 11 == 0 and 17 <= pas < 21:
            return 3 if pas == 19 else 2
        return 0 if ordinal % 3 == 0 and pas < 6 else 1


def test_a_year_at_one_minute_ticks() -> None:
    """Never two calls in a quarter, through some thousand restarts; each change of level known at its hour."""
    random = Random(20260101)
    rte, guard = Rte(random), QuarterGuard()
    now = datetime(2026, 1, 1, 0, 3, 30, tzinfo=UTC)
    forecast = rte.ask(now)
    guard.record(now)
    poll = next_poll(now, forecast, guard, PARIS, failures=0, random=random)
    edge = forecast.hours.edge_after(now)
    level, changes, restarts = forecast.level_at(now), 0, 0
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        tick = now + MINUTE
        while min(poll, edge or poll) <= tick:
            if edge is not None and edge <= poll:
                # The timer is set at the edge itself, without a call.
                local = edge.astimezone(PARIS)
                assert (edge.minute, edge.second) == (0, 0)
                assert forecast.level_at(edge) == rte.level(local.toordinal(), local.hour)
                changes += forecast.level_at(edge) is not level
                level = forecast.level_at(edge)
                edge = forecast.hours.edge_after(edge)
                continue
            assert guard.next_allowed(poll) <= poll
            guard.record(poll)
            forecast = rte.ask(poll)
            edge = forecast.hours.edge_after(poll)
            poll = next_poll(poll, forecast, guard, PARIS, failures=0, random=random)
        now = tick
        if random.random() < 0.002:
            restarts += 1
            guard = QuarterGuard.from_dict(guard.to_dict(), now)
            # What was kept is read again; the next call is planned anew.
            poll = next_poll(now, forecast, guard, PARIS, failures=random.choice((0, 0, 1)), random=random)
            edge = forecast.hours.edge_after(now)
    assert max(rte.calls.values()) == 1
    assert restarts > 500
    assert len(rte.calls) > 5000
    expected = sum(
        Rte.level((day := datetime(2026, 1, 1) + timedelta(hours=i)).toordinal(), day.hour)  # noqa: DTZ001
        != Rte.level((before := day - timedelta(hours=1)).toordinal(), before.hour)
        for i in range(2, 365 * 24)
    )
    assert abs(changes - expected) <= 1  # the first hour of the year is that of the start
    assert Level.VERY_TENSE in {Level(rte.level(day, 19)) for day in range(11)}
