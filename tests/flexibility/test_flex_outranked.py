"""T13 to T16 with the real controller: a request ends by itself, is outranked, and is recovered from gently."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from said import HOUR, MINUTE, NOON
from sham import Sham, ms

from custom_components.flex_ready.control.controller import Controller
from custom_components.flex_ready.control.load import Hours, Load, Seen
from custom_components.flex_ready.control.orders import Reason, Source, Wish

SECOND = timedelta(seconds=1)
NAMES = tuple(f"load {i}" for i in range(4))
END = NOON + 30 * MINUTE


def site(*, metered: bool = True, **rules: Any) -> Sham:  # noqa: ANN401
    """Make four loads of 3 kW."""
    loads = [Load(**{"id": name, "priority": 1, "nominal": 3_000, **rules}) for name in NAMES]
    return Sham(Controller(loads), dict.fromkeys(NAMES, 3_000), dict.fromkeys(NAMES, Seen()), metered, NOON)


def request(watts: int = 12_000, end: datetime = END) -> Wish:
    """Make what a request asks of the arbiter."""
    return Wish(id="r", source=Source.REQUEST, reason=Reason.ASKED, loads=NAMES, power=watts, until=ms(end))


def shed(world: Sham) -> list[str]:
    """Return what is shed."""
    return [name for name in NAMES if world.controller.states[name].step]


@pytest.mark.parametrize("metered", [True, False])
def test_t13_it_ends_by_itself(metered: bool) -> None:  # noqa: FBT001
    """Nobody says a word: it goes on to its end, and is wanted no longer, though the wish still stands."""
    world = site(metered=metered)
    at = NOON
    while at < END:
        world.step(at, [request()])
        assert world.gives(NAMES) == 12_000
        at += MINUTE
    decision = world.step(END, [request()])
    assert not any(target.source is Source.REQUEST for target in decision.targets)
    while at < END + HOUR:
        world.step(at, [request()])
        at += MINUTE
    assert not shed(world)


def test_t14_a_hand_is_stronger() -> None:
    """Who switches a load back has it back, and it is left alone; the request takes another."""
    world = site()
    world.step(NOON, [request(6_000)])
    world.step(NOON + MINUTE, [request(6_000)])
    assert shed(world) == ["load 0", "load 1"]
    world.hands.add("load 0")
    world.step(NOON + 2 * MINUTE, [request(6_000)])
    assert shed(world) == ["load 1", "load 2"]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"protected": (Hours(725, 800),), "min_off": 0}, Reason.PROTECTED),
        ({"max_off": ms(5 * MINUTE), "min_on": ms(HOUR)}, Reason.MAX_OFF),
    ],
)
def test_t14_the_rules_of_a_load_are_stronger(rules: dict[str, Any], reason: Reason) -> None:
    """It comes back when its user laid down that it does."""
    world = site(**rules)
    world.step(NOON, [request()])
    assert shed(world) == [*NAMES]
    decision = world.step(NOON + 5 * MINUTE, [request()])
    assert {(target.step, target.source, target.reason) for target in decision.targets} == {(0, Source.RULE, reason)}
    assert not shed(world)


def test_t14_the_order_of_sources() -> None:
    """People, the limit, the rules and hands outrank a request; Ecowatt and prices do not."""
    assert [one.name for one in sorted(Source) if one > Source.REQUEST] == ["ACTION", "LIMIT", "RULE", "HAND"]


@pytest.mark.parametrize("metered", [True, False])
def test_t15_loads_come_back_one_after_another(metered: bool) -> None:  # noqa: FBT001
    """Never two at once where each is no small part of the limit, and each some time after the one before."""
    world = site(metered=metered)
    world.limit = 20_000
    world.step(NOON, [request()])
    at = END - MINUTE
    world.step(at, [request()])
    times = []
    before = 4
    while before and at < END + 2 * HOUR:
        at += 5 * SECOND
        world.step(at, [request()])
        assert len(shed(world)) in (before, before - 1)
        if len(shed(world)) < before:
            times.append(at)
        before = len(shed(world))
    assert before == 0
    assert all(later - earlier >= 20 * SECOND for earlier, later in pairwise(times))


def test_t16_nothing_comes_back_while_the_meter_warns() -> None:
    """PREAVIS holds the rebound; it goes on once that is over."""
    world = site()
    world.step(NOON, [request()])
    world.step(END - MINUTE, [request()])
    world.warned = True
    at = END
    while at < END + 20 * MINUTE:
        world.step(at, [request()])
        assert shed(world) == [*NAMES]
        at += MINUTE
    world.warned = False
    while at < END + HOUR:
        world.step(at, [request()])
        at += MINUTE
    assert not shed(world)
