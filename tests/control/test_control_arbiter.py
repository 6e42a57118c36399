"""The arbiter: who is stronger, who is named, until when, and every reason there is."""

from itertools import permutations

import pytest
from sites import T, load, tick

from custom_components.flex_ready.control.arbiter import Asked, merge
from custom_components.flex_ready.control.load import HAND_MS, Hours, LoadState, Seen
from custom_components.flex_ready.control.orders import Reason, Source, Target, Tick

ASKED = (
    Asked(1, Source.PRICE, Reason.PRICE, T + 5_000),
    Asked(1, Source.ECOWATT, Reason.ECOWATT, T + 4_000),
    Asked(1, Source.REQUEST, Reason.ASKED, T + 3_000),
    Asked(1, Source.ACTION, Reason.TOLD, T + 2_000),
    Asked(1, Source.LIMIT, Reason.EXPECTED, T + 1_000),
)
"""The weakest first, as the house has it."""


def at(seen: Seen | None = None, **others: object) -> Tick:
    """Make a tick with one load seen."""
    return tick(**{"seen": {"boiler": seen or Seen()}, **others})  # type: ignore[arg-type]


def test_the_strongest_is_named() -> None:
    """Limit, action, request, Ecowatt, price: of those that ask for as much, in whatever order they ask."""
    for strongest in range(1, len(ASKED) + 1):
        for order in permutations(ASKED[:strongest]):
            target = merge(load(), LoadState(), at(), [*order])
            wanted = ASKED[strongest - 1]
            assert (target.step, target.source, target.reason) == (1, wanted.source, wanted.reason)
            assert target.until == wanted.until


def test_the_deepest_is_taken() -> None:
    """A weak one that asks for more is followed, and named; its figures are told."""
    deep = Asked(2, Source.PRICE, Reason.PRICE, None, figures={"limit": 42_000})
    target = merge(load(steps=(1_000, 0)), LoadState(), at(), [*ASKED, deep])
    assert target == Target("boiler", 2, Source.PRICE, Reason.PRICE, {"limit": 42_000}, None)


def test_nobody_asks() -> None:
    """A load is free, or was given back since it did not obey."""
    assert merge(load(), LoadState(), at(), []) == Target("boiler", 0, None, Reason.FREE)
    gives_back = Asked(0, Source.RULE, Reason.DISOBEYED, T + 9)
    expected = Target("boiler", 0, Source.RULE, Reason.DISOBEYED, until=T + 9)
    assert merge(load(min_off=60_000), LoadState(step=1, changed=T), at(), [gives_back]) == expected


@pytest.mark.parametrize("forced", [False, True])
def test_hand_off_and_gone_are_stronger_than_all(forced: bool) -> None:  # noqa: FBT001
    """What a user switched or did not hand over is untouched; what cannot be reached stays where it is."""
    asked = [Asked(1, Source.LIMIT, Reason.EXPECTED, None, forced=forced)]
    hand = LoadState(hand=True, left_alone_until=T + 1)
    assert merge(load(), hand, at(), asked) == Target("boiler", 0, Source.HAND, Reason.HAND, until=T + 1)
    shed = LoadState(step=1, changed=T)
    unmanaged = merge(load(), shed, at(Seen(managed=False)), asked)
    assert (unmanaged.step, unmanaged.source, unmanaged.reason) == (0, Source.HAND, Reason.UNMANAGED)
    for gone in (tick(), at(Seen(available=False)), at(Seen(available=False, managed=False))):
        for step in (0, 1):
            target = merge(load(), LoadState(step=step, changed=T), gone, asked)
            assert (target.step, target.source, target.reason) == (step, None, Reason.UNAVAILABLE)
    over = merge(load(), LoadState(hand=True, left_alone_until=T), at(), asked)
    assert over.step == 1


def test_until_is_the_soonest() -> None:
    """The end of the wish, or the longest time off: that of the load, unless by force."""
    boiler, state = load(max_off=600_000), LoadState(step=1, changed=T - 300_000)
    for until, soonest in ((None, T + 300_000), (T + 900_000, T + 300_000), (T + 100_000, T + 100_000)):
        assert merge(boiler, state, at(), [Asked(1, Source.REQUEST, Reason.ASKED, until)]).until == soonest
    forced = Asked(1, Source.ACTION, Reason.TOLD, T + 900_000, forced=True)
    assert merge(boiler, state, at(), [forced]).until == T + 900_000
    assert merge(boiler, LoadState(), at(), [Asked(1, Source.LIMIT, Reason.NO_ROOM, None)]).until is None


def test_the_longest_time_off() -> None:
    """Whoever wants it shed, it comes back; but by force it stays, also if a stronger one wants it as well."""
    boiler, state = load(max_off=600_000, min_on=60_000), LoadState(step=1, changed=T - 600_000)
    target = merge(boiler, state, at(), [*ASKED])
    assert target == Target("boiler", 0, Source.RULE, Reason.MAX_OFF, until=T + 60_000)
    forced = Asked(1, Source.ACTION, Reason.TOLD, None, forced=True)
    kept = merge(boiler, state, at(), [*ASKED, forced])
    assert (kept.step, kept.source, kept.reason) == (1, Source.ACTION, Reason.TOLD)
    back = Asked(0, Source.RULE, Reason.TOLD, None, forced=True)
    assert merge(boiler, state, at(), [*ASKED, back]).reason is Reason.MAX_OFF


def test_the_shortest_time_off() -> None:
    """Nobody wants it any more, and still it stays off so long."""
    boiler, state = load(min_off=60_000), LoadState(step=1, changed=T - 59_999)
    kept = merge(boiler, state, at(), [])
    assert kept == Target("boiler", 1, Source.RULE, Reason.MIN_OFF, until=T + 1)
    assert merge(boiler, state, at(now=T + 1), []).reason is Reason.FREE


def test_protected_hours() -> None:
    """They begin while it is shed: it comes back, but not before it was off for as long as it must."""
    boiler = load(protected=(Hours(720, 780),), min_off=60_000)
    state = LoadState(step=1, changed=T - 30_000)
    assert merge(boiler, state, at(minute=719), [*ASKED]).reason is Reason.EXPECTED
    kept = merge(boiler, state, at(), [*ASKED])
    assert (kept.step, kept.reason, kept.until) == (1, Reason.MIN_OFF, T + 30_000)
    back = merge(boiler, state, at(now=T + 30_000), [*ASKED])
    assert (back.step, back.source, back.reason) == (0, Source.RULE, Reason.PROTECTED)


def test_left_alone() -> None:
    """It says why, and until when."""
    for futile, reason in ((0, Reason.DISOBEYED), (3, Reason.FUTILE)):
        state = LoadState(left_alone_until=T + HAND_MS, futile=futile)
        assert merge(load(), state, at(), []) == Target("boiler", 0, Source.RULE, reason, until=T + HAND_MS)
