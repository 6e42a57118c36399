"""What loads draw from day to day, and what that makes of an offer for tomorrow."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, pvariance
from typing import Any
from zoneinfo import ZoneInfo

from conftest import Player
from desks import School
from hypothesis import given, strategies as st
import pytest

from custom_components.flex_ready.desk.habits import Habits
from custom_components.flex_ready.desk.lately import Lately
from custom_components.flex_ready.flexibility.record import State

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 1, 14, 11, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@given(st.lists(st.floats(0, 100_000), min_size=1, max_size=14))
def test_mean_and_deviation(powers: list[float]) -> None:
    """Of no more than fourteen days all count alike."""
    habits = Habits()
    for power in powers:
        assert habits.learn("pump", 48, power, 900)
    drawn = habits.drawn("pump")[48]
    assert abs(float(drawn.mean_w) - fmean(powers)) <= 1
    assert abs(float(drawn.deviation_w) - pvariance(powers) ** 0.5) <= 1 + fmean(powers) / 1e6
    assert drawn.seen_for == len(powers) * timedelta(minutes=15)


def test_what_changed_is_learned() -> None:
    """After a month of another habit the old one is forgotten."""
    habits = Habits()
    for power in (*[5_000.0] * 60, *[1_000.0] * 60):
        habits.learn("pump", 0, power, 900)
    assert 1_000 <= habits.drawn("pump")[0].mean_w <= 1_050


def test_quarters_are_those_of_the_site() -> None:
    """A quarter counts once it is over, if it was seen; on both days of a change of time at the time of the wall."""
    told: list[int] = []
    lately = Lately(Habits(), PARIS, lambda: told.append(1))
    for i in range(20):
        lately.add("pump", 2_000, MINUTE, NOON + i * MINUTE)
    assert set(lately.habits.drawn("pump")) == {48}
    assert told == [1]
    lately.add("pump", 2_000, MINUTE, datetime(2026, 7, 14, 10, 3, tzinfo=UTC))
    assert set(lately.habits.drawn("pump")) == {48}  # of the second quarter only five minutes were seen
    drawn = lately.drawn("pump", NOON + 19 * MINUTE)
    assert drawn is None or drawn.mean_w == 2_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.one_of(JSON, st.dictionaries(st.just("pump"), st.dictionaries(st.sampled_from(["0", "95", "96", "x"]), JSON)))
)
def test_what_was_kept_may_be_anything(kept: Any) -> None:  # noqa: ANN401  # that is the point
    """What makes no sense is left out; what does comes back as it was."""
    habits = Habits()
    habits.take_up(kept, frozenset({"pump"}))
    habits.drawn("pump")
    again = Habits()
    again.take_up(habits.to_dict(), frozenset({"pump"}))
    assert again.to_dict() == habits.to_dict()


@pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")
async def test_an_offer_for_tomorrow(player: Player, tmp_path: Path) -> None:
    """What is off now is offered for tomorrow at the time at which it is on, day after day; a reload keeps that."""
    school = await School.begin(player, tmp_path, loads=("ev_charger",))
    [charger] = [name for name, one in school.loop.building.handovers.items() if one.title == "ev_charger"]
    habits = school.desk.meters.habits
    for quarter in range(96):
        for power in (10_900.0, 11_000.0, 11_100.0, 11_000.0):
            habits.learn(charger, quarter, power, 900)
    await school.hass.services.async_call(
        "input_boolean", "turn_off", {"entity_id": "input_boolean.ev_charger"}, blocking=True
    )
    await school.loop.run(2)
    assert await school.hass.config_entries.async_reload(school.loop.entry.entry_id)
    await school.hass.async_block_till_done()
    now = await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=10, name="now"))
    assert now.status in (201, 422)
    assert now.status == 422 or school.record("now").state is State.REJECTED
    made = await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=600))
    assert made.status == 201
    assert school.record().state is State.OFFERED
