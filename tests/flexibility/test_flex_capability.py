"""What can be given is given: whatever is promised of some loads, the controller sheds it from start to end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from said import HOUR, MINUTE, NOON, PARIS
from sham import Sham, ms

from custom_components.flex_ready.control.controller import Controller
from custom_components.flex_ready.control.load import Hours, Load, LoadState, Seen
from custom_components.flex_ready.control.orders import Reason, Source, Wish
from custom_components.flex_ready.flexibility.capability import (
    Ability,
    Building,
    Promise,
    Terms,
    ability,
    allot,
    potential,
)
from custom_components.flex_ready.flexibility.shares import Drawn, LoadFacts, Why
from custom_components.flex_ready.slots import Series, Slot, Stretch

DAY = timedelta(days=1)


def facts(name: str = "boiler", power: int | None = 2_000, **others: Any) -> LoadFacts:  # noqa: ANN401
    """Make a load that draws something, with rules, a state or a seen of its own."""
    rules = {key: value for key, value in others.items() if key in Load.__slots__}
    return LoadFacts(
        load=Load(**{"id": name, "priority": 1, "nominal": 0, **rules}),
        state=others.get("state", LoadState()),
        seen=others.get("seen", Seen(on=bool(power), power=power)),
        **{key: value for key, value in others.items() if key in ("lately", "habits")},
    )


def building(*loads: LoadFacts, now: datetime = NOON, **others: Any) -> Building:  # noqa: ANN401
    """Make a building."""
    return Building(now=now, zone=PARIS, loads={one.load.id: one for one in loads}, **others)


def of(one: LoadFacts, start: timedelta = MINUTE, length: timedelta = HOUR, **others: Any) -> Ability:  # noqa: ANN401
    """Return what one load gives, from some time on."""
    return ability(building(one, **others), [one.load.id], [Stretch(NOON + start, NOON + start + length)])


def figures(found: Ability) -> tuple[int, int]:
    """Return what is sure, and what is likely."""
    return int(found.able), int(found.likely)


def why(*args: Any, **others: Any) -> Why | None:  # noqa: ANN401
    """Return why a load does not count."""
    return of(*args, **others).missing.get("boiler")


def test_what_is_drawn_now() -> None:
    """Fades for the time until the end: what is left at the deepest step is not given."""
    assert of(facts(), timedelta()).able == 2_000 * 47 // 48
    assert of(facts(), timedelta()).likely == 2_000
    assert of(facts(steps=(800, 500)), timedelta()).likely == 1_500
    assert of(facts(), 23 * HOUR).able == of(facts(), 90 * HOUR).able == 1_000
    assert of(facts(power=None, nominal=3_000, seen=Seen()), timedelta()).likely == 3_000


def test_what_was_drawn_lately() -> None:
    """Two deviations below the mean are sure, never more than now; a glance does not count."""
    lately = Drawn(mean_w=Decimal(1_800), deviation_w=Decimal(400), seen_for=HOUR)
    assert of(facts(lately=lately), timedelta()).able == 1_000 * 47 // 48
    assert of(facts(lately=lately), timedelta()).likely == 1_800
    assert of(facts(power=900, lately=lately), timedelta()).likely == 900
    assert of(facts(lately=replace(lately, seen_for=MINUTE)), timedelta()).likely == 2_000
    varies = of(facts(lately=replace(lately, deviation_w=Decimal(900))), timedelta())
    assert figures(varies) == (0, 1_800)
    assert varies.missing == {"boiler": Why.UNCERTAIN}


def test_what_is_drawn_at_that_time_of_day() -> None:
    """Counts for later, whatever is drawn now; the least of the quarters of an hour that are touched."""
    drawn = Drawn(mean_w=Decimal(3_000), deviation_w=Decimal(500), seen_for=3 * HOUR)
    habits = dict.fromkeys(range(96), drawn) | {60: replace(drawn, mean_w=Decimal(2_500))}  # 15:00
    off = facts(power=0, habits=habits)
    assert figures(of(off, 4 * HOUR)) == (2_000, 3_000)
    assert figures(of(off, 2 * HOUR + 30 * MINUTE)) == (1_500, 2_500)
    assert of(off, 2 * HOUR).likely == 3_000
    assert of(off, DAY + 4 * HOUR).able == 2_000
    assert of(off, 59 * MINUTE).missing == {"boiler": Why.OFF}
    rare = {quarter: replace(drawn, seen_for=30 * MINUTE) for quarter in habits}
    assert of(facts(power=0, habits=rare), 4 * HOUR).missing == {"boiler": Why.OFF}
    gone = facts(power=None, seen=Seen(on=False, power=None, sheddable=False), habits=habits)
    assert of(gone, 4 * HOUR).able == 2_000


LATE = ms(NOON + 30 * MINUTE)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (facts(seen=Seen(available=False)), Why.UNAVAILABLE),
        (facts(seen=Seen(managed=False)), Why.UNMANAGED),
        (facts(state=LoadState(hand=True, left_alone_until=LATE)), Why.HAND),
        (facts(state=LoadState(left_alone_until=LATE)), Why.DISOBEYED),
        (facts(state=LoadState(futile=3)), Why.FUTILE),
        (facts(power=0), Why.OFF),
        (facts(power=99), Why.LITTLE),
        (facts(seen=Seen(power=2_000, sheddable=False)), Why.OFF),
        (facts(seen=Seen(power=2_000, step=1)), Why.OFF),
        (facts(seen=Seen()), Why.UNKNOWN),
        (facts(max_off=ms(HOUR) - 1), Why.MAX_OFF),
        (facts(protected=(Hours(780, 800),)), Why.PROTECTED),
        (facts(protected=(Hours(0, 722),)), Why.PROTECTED),
        (facts(most_sheds=1, state=LoadState(sheds=1, day=NOON.toordinal())), Why.SHEDS),
        (facts(min_on=ms(HOUR), state=LoadState(changed=ms(NOON - 58 * MINUTE))), Why.MIN_ON),
        (facts(min_on=1, state=LoadState(step=1, drew=2_000, changed=ms(NOON))), Why.MIN_ON),
    ],
)
def test_why_a_load_does_not_count(one: LoadFacts, expected: Why) -> None:
    """Each rule of a load, and what is seen of it, for an hour that begins in a minute."""
    assert of(one).missing == {"boiler": expected}
    assert of(one).able == 0
    assert not of(one).loads


@pytest.mark.parametrize(
    "one",
    [
        facts(state=LoadState(hand=True, left_alone_until=ms(NOON + MINUTE))),
        facts(max_off=ms(HOUR)),
        facts(protected=(Hours(781, 721),)),
        facts(most_sheds=1, state=LoadState(sheds=1, day=NOON.toordinal() - 1)),
        facts(min_on=ms(HOUR), state=LoadState(changed=ms(NOON - 59 * MINUTE))),
        facts(state=LoadState(step=1, drew=2_000, changed=ms(NOON))),
        facts(
            min_on=ms(MINUTE), max_off=ms(2 * HOUR), state=LoadState(step=1, drew=2_000, changed=ms(NOON - 2 * HOUR))
        ),
    ],
)
def test_at_the_very_bound(one: LoadFacts) -> None:
    """It counts."""
    assert of(one).loads == ("boiler",)


def test_an_observed_building_gives_nothing() -> None:
    """And a load that is not there any more neither."""
    assert why(facts(), limits=False) is Why.OBSERVED
    assert ability(building(), ["boiler"], [Stretch(NOON, NOON + HOUR)]).missing == {"boiler": Why.UNAVAILABLE}
    assert ability(building(facts()), ["boiler"], [Stretch(NOON - HOUR, NOON)]).shares == ()


def test_protected_on_a_day_of_25_hours() -> None:
    """Half past two comes twice: protected twice."""
    night = datetime(2026, 10, 25, tzinfo=UTC)
    one = facts(protected=(Hours(150, 160),))
    for minutes, free in ((0, True), (21, False), (41, True), (71, True), (81, False), (101, True)):
        stretch = Stretch(night + minutes * MINUTE, night + (minutes + 10) * MINUTE)
        assert bool(ability(building(one, now=night - HOUR), ["boiler"], [stretch]).loads) is free


def test_slots_apart() -> None:
    """A load is back in time for the next, or may stay off throughout, or is not counted."""
    rows = [Stretch(NOON + MINUTE, NOON + HOUR), Stretch(NOON + 2 * HOUR, NOON + 3 * HOUR)]

    def counts(**rules: Any) -> bool:  # noqa: ANN401
        return bool(ability(building(facts(**rules)), ["boiler"], rows).loads)

    assert counts()
    assert counts(min_on=ms(15 * MINUTE))
    assert not counts(min_on=ms(16 * MINUTE))
    assert counts(min_on=ms(16 * MINUTE), max_off=ms(HOUR))
    assert not counts(min_on=ms(16 * MINUTE), max_off=ms(2 * HOUR))
    assert not counts(most_sheds=1)
    assert counts(most_sheds=2)


def promise(*loads: str, start: datetime = NOON, length: timedelta = HOUR, watts: int = 1_000) -> Promise:
    """Make a promise."""
    return Promise(loads=loads, power=Series((Slot(start, start + length, Decimal(watts)),)))


THREE = (facts("a"), facts("b"), facts("c", priority=2))
HOUR_FROM_NOW = [Stretch(NOON + MINUTE, NOON + HOUR)]


def test_a_load_serves_one_request_at_a_time() -> None:
    """What another needs is not promised again; what it does not need is."""
    for watts, missing in ((1, {"a"}), (2_000, {"a", "b"}), (3_000, {"a", "b"}), (5_000, {"a", "b", "c"})):
        there = building(*THREE, promised=(promise("a", "b", "c", watts=watts),))
        found = ability(there, ["a", "b", "c"], HOUR_FROM_NOW)
        assert found.missing == dict.fromkeys(missing, Why.PROMISED)
    beyond = building(*THREE, promised=(promise("a", "b", watts=9_000),))
    assert ability(beyond, ["a", "b", "c"], HOUR_FROM_NOW).loads == ("c",)
    over = building(*THREE, promised=(promise("a", "b", "c", start=NOON - HOUR),))
    assert len(ability(over, ["a", "b", "c"], HOUR_FROM_NOW).loads) == 3


def test_requests_one_after_another() -> None:
    """A load that is not back in between serves one of them only, whichever comes first."""
    slow = facts(min_on=ms(30 * MINUTE))
    for start, counts in ((2 * HOUR, False), (2 * HOUR + 15 * MINUTE, True), (-2 * HOUR, False)):
        other = promise("boiler", start=NOON + 5 * HOUR + start)
        there = building(slow, promised=(other,))
        found = ability(there, ["boiler"], [Stretch(NOON + 5 * HOUR, NOON + 6 * HOUR)])
        assert bool(found.loads) is counts
    once = facts(most_sheds=1)
    there = building(once, promised=(promise("boiler", start=NOON + 5 * HOUR),))
    assert ability(there, ["boiler"], HOUR_FROM_NOW).missing == {"boiler": Why.SHEDS}


def test_loads_are_allotted_once() -> None:
    """Each promise has what it needs, the first has the rest as well."""
    there = building(*THREE, promised=(promise("a", "b", "c"), promise("a", "b"), promise("a", "b", "c")))
    assert allot(there) == (("a",), ("b",), ("c",))
    assert allot(replace(there, promised=there.promised[:2])) == (("a", "c"), ("b",))
    kept = replace(there.promised[0], serve=("c", "b"))
    assert allot(replace(there, promised=(kept, promise("a", "b")))) == (("c", "b"), ("a",))
    off = building(THREE[0], THREE[1], facts("c", power=0), promised=(kept, promise("a", "b")))
    assert allot(off) == (("b",), ("a",))
    later = promise("a", "b", "c", start=NOON + 2 * HOUR)
    assert allot(replace(there, promised=(promise("a", "b"), later))) == (("a", "b"), ("a", "b", "c"))
    assert allot(replace(there, promised=(promise("a", start=NOON - 2 * HOUR),))) == ((),)


def test_a_potential() -> None:
    """What is likely at the best hour, capped, with the hours of the week as time periods."""
    drawn = Drawn(mean_w=Decimal(3_000), deviation_w=Decimal(500), seen_for=3 * HOUR)
    habits = dict.fromkeys(range(32, 48), drawn)  # 8:00 to 12:00
    terms = Terms(mobilization_delay=MINUTE, max_duration=2 * HOUR, activations_per_day=2, recovery=HOUR)
    one = facts(power=400, habits=habits)
    there = building(one, promised=(promise("boiler", length=200 * HOUR),))
    made = potential("WID", terms, there, ["boiler"])
    assert made.power == 3_000
    assert not made.time_periods
    assert (made.mobilization_delay, made.max_duration, made.recovery) == (MINUTE, 2 * HOUR, HOUR)
    assert potential("WID", replace(terms, most=Decimal(1_000)), there, ["boiler"]).power == 1_000
    afternoon = potential("WID", replace(terms, hours=Hours(780, 1080), days=frozenset((0, 6))), there, ["boiler"])
    assert afternoon.power == 400
    assert afternoon.time_periods == tuple(
        Stretch(NOON + DAY * days + HOUR, NOON + DAY * days + 6 * HOUR) for days in (3, 4)
    )
    assert potential("WID", terms, replace(there, limits=False), ["boiler"]).power == 0
    assert potential("WID", terms, building(facts(power=0)), ["boiler"]).power == 0


# What is promised, and what a controller sheds.


def some_load(random: Random, name: str) -> Load:
    """Make a load with rules of all kinds."""
    start = random.randrange(1440)
    return Load(
        id=name,
        priority=random.randrange(1, 4),
        nominal=0,
        steps=random.choice(((0,), (300,), (800, 300))),
        min_on=random.choice((0, 0, 600_000, 3_600_000)),
        min_off=random.choice((0, 300_000, 5_400_000)),
        max_off=random.choice((None, None, 1_200_000, 3_600_000, 14_400_000)),
        most_sheds=random.choice((None, None, 1, 2)),
        protected=random.choice(((), (), (Hours(start, (start + 90) % 1440),))),
    )


def some_state(random: Random, load: Load, draws: int, now: datetime) -> LoadState:
    """Make a load that something was done to."""
    ago = ms(now) - random.choice((0, 60_000, 1_500_000, 4_000_000))
    state = LoadState(day=now.astimezone(PARIS).toordinal(), sheds=random.choice((0, 0, 1, 2)))
    kind = random.choice(("untouched", "untouched", "shed", "back", "alone", "futile"))
    if kind == "shed" and (load.max_off is None or ago + load.max_off > ms(now)):
        state.step, state.drew, state.changed, state.sheds = len(load.steps), draws, ago, max(1, state.sheds)
        state.obeyed, state.commanded, state.limit_step = True, ago, random.choice((0, len(load.steps)))
    elif kind == "back":
        state.changed = ago
    elif kind == "alone":
        state.left_alone_until, state.hand = ms(now) + random.choice((60_000, 3_000_000)), random.random() < 0.5
    elif kind == "futile":
        state.futile = 3
    return state


def sham(random: Random, now: datetime) -> Sham:
    """Make some loads, as they may be found."""
    names = [f"load {i}" for i in range(random.randrange(1, 6))]
    loads = {name: some_load(random, name) for name in names}
    draws = {name: random.choice((0, 150, 900, 2_000, 7_000)) for name in names}
    states = {name: some_state(random, loads[name], draws[name], now) for name in names}
    seen = {
        name: Seen(
            available=random.random() < 0.9,
            managed=random.random() < 0.9,
            on=bool(draws[name]),
            sheddable=bool(states[name].step) or random.random() < 0.9,
        )
        for name in names
    }
    controller = Controller(loads.values())
    controller.states = states
    return Sham(controller, draws, seen, random.random() < 0.5, now)


NIGHTS = st.sampled_from(
    [
        NOON,
        datetime(2026, 3, 28, 22, tzinfo=UTC),
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2028, 2, 29, tzinfo=UTC),
    ]
)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), now=NIGHTS)
def test_what_is_promised_is_shed(seed: int, now: datetime) -> None:
    """From its start to its end, whatever the loads went through before, if nobody else wants them shed."""
    random = Random(seed)
    world = sham(random, now)
    start = now + random.choice((0, 1, 20, 50, 200, 1_300)) * MINUTE
    end = start + random.choice((5, 20, 60, 150)) * MINUTE
    found = ability(Building(now=now, zone=PARIS, loads=world.facts()), [*world.draws], [Stretch(start, end)])
    assert 0 <= found.able <= found.likely <= sum(world.draws.values())
    power = int(found.able * random.choice((1, 1, Decimal("0.6"))))
    wish = Wish(id="r", source=Source.REQUEST, reason=Reason.ASKED, loads=found.loads, power=power, until=ms(end))
    world.step(now, [wish] if start == now else [])
    while world.now < end:
        if world.now >= start:
            assert world.gives(found.loads) >= power
        [at] = world.run(start if world.now < start else end)
        world.step(at, [wish] if at >= start else [])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), now=NIGHTS)
def test_what_is_promised_twice_is_shed_twice(seed: int, now: datetime) -> None:
    """Two requests about loads that they share, each as much as can be given besides the other."""
    random = Random(seed)
    world = sham(random, now)
    names = [*world.draws]
    first = tuple(random.sample(names, random.randrange(1, len(names) + 1)))
    starts = [now + random.choice((1, 20, 90)) * MINUTE for _ in range(2)]
    stretches = [Stretch(start, start + random.choice((20, 60)) * MINUTE) for start in starts]
    there = Building(now=now, zone=PARIS, loads=world.facts())
    promises: list[Promise] = []

    def keep(known: Building) -> None:
        """Allot, and keep in mind what was."""
        promises[:] = [replace(one, serve=loads) for one, loads in zip(promises, allot(known), strict=True)]

    for own, stretch in zip((first, tuple(names)), stretches, strict=True):
        able = ability(replace(there, promised=tuple(promises)), own, [stretch]).able // random.choice((1, 1, 3))
        if able:
            promises.append(Promise(loads=own, power=Series((Slot(stretch.start, stretch.end, able),))))
            keep(replace(there, promised=tuple(promises)))
    world.step(now)
    end = max(stretch.end for stretch in stretches)
    while world.now < end:
        edges = [at for one in stretches for at in (one.start, one.end) if at > world.now]
        [at] = world.run(min(edges))
        keep(Building(now=at, zone=PARIS, loads=world.facts(), promised=tuple(promises)))
        asked = [(one, one.serve) for one in promises if one.power.slots[0].start <= at < one.power.slots[0].end]
        wishes = [
            Wish(
                id=str(i),
                source=Source.REQUEST,
                reason=Reason.ASKED,
                loads=loads,
                power=int(one.power.slots[0].value),
                until=ms(one.power.slots[0].end),
            )
            for i, (one, loads) in enumerate(asked)
        ]
        world.step(at, wishes)
        for one, loads in asked:
            assert world.gives(loads) >= one.power.slots[0].value
