"""Whatever happens to a building: the rules of its loads hold, decisions can be replayed, and nobody is forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass, field
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from sites import Site

from custom_components.flex_ready.control import controller as room
from custom_components.flex_ready.control.controller import Controller
from custom_components.flex_ready.control.limit import Candidate, Verdict, decide
from custom_components.flex_ready.control.load import HAND_MS, Hours, Load
from custom_components.flex_ready.control.orders import Blind, Command, Decision, Mode, Reason, Source, Tick, Wish
from custom_components.flex_ready.control.window import Kind

NAMES = ("a", "b", "c", "d")
_SETTLE_MS = 20_000
_LOOK_MS = 10_000
_ASKS = {
    Source.PRICE: Reason.PRICE,
    Source.ECOWATT: Reason.ECOWATT,
    Source.REQUEST: Reason.ASKED,
    Source.ACTION: Reason.TOLD,
}


@st.composite
def some_loads(draw: st.DrawFn) -> tuple[Load, ...]:
    """Give up to four loads with any rules."""
    return tuple(
        Load(
            id=name,
            priority=draw(st.integers(1, 3)),
            nominal=draw(st.sampled_from([0, 500, 2_000, 3_000, 7_000])),
            steps=draw(st.sampled_from([(0,), (0,), (1_500, 0), (3_000, 1_000)])),
            min_on=draw(st.sampled_from([0, 30_000, 120_000])),
            min_off=draw(st.sampled_from([0, 30_000, 120_000])),
            max_off=draw(st.sampled_from([None, 60_000, 300_000, 900_000])),
            most_sheds=draw(st.sampled_from([None, None, 1, 3])),
            protected=draw(st.sampled_from([(), (), (Hours(725, 730),), (Hours(1_430, 5),)])),
            lag=draw(st.sampled_from([0, 2_000, 5_000, 8_000])),
            when_blind=draw(st.booleans()),
        )
        for name in NAMES[: draw(st.integers(1, 4))]
    )


_NAME = st.sampled_from(NAMES)
_WISHES = st.builds(
    lambda number, source, loads, power, last, forced: (number, source, loads, power, last, forced),
    st.integers(0, 2),
    st.sampled_from([*_ASKS]),
    st.lists(_NAME, max_size=3, unique=True),
    st.none() | st.integers(0, 12_000),
    st.none() | st.integers(0, 400),
    st.booleans(),
)
_EVENTS = st.one_of(
    st.tuples(st.just("base"), st.integers(1_000, 26_000)),
    st.tuples(st.just("base"), st.integers(12_000, 20_000)),
    st.tuples(st.just("wish"), _WISHES),
    st.tuples(st.just("withdraw"), st.none()),
    st.tuples(st.just("draws"), st.tuples(_NAME, st.integers(0, 9_000))),
    st.tuples(st.sampled_from(["hand", "gone", "unmanaged", "deaf", "useless"]), _NAME),
    st.tuples(st.just("late"), st.tuples(_NAME, st.sampled_from([0, 3, 20, 60]))),
    st.tuples(st.sampled_from(["hears", "mode", "warned", "day", "hours"]), st.none()),
    st.tuples(st.just("clock"), st.sampled_from([-3_600, -20, -1, 1, 40, 3_600])),
    st.tuples(st.just("meter clock"), st.sampled_from([-600, -5, 5, 130])),
    st.tuples(st.just("limit"), st.integers(12_000, 24_000)),
    st.tuples(st.just("calm"), st.integers(1, 20)),
)
_WAITS = st.sampled_from([1, 4, 5, 5, 5, 8, 8, 30, 100, 600, 1_900])
_STORIES = st.lists(st.tuples(_WAITS, _EVENTS), min_size=1, max_size=40)


def happen(site: Site, event: str, what: Any) -> None:  # noqa: ANN401
    """Let something happen to a building."""
    known = {one.id for one in site.loads}
    match event, what:
        case "wish", (number, source, loads, power, last, forced):
            made = Wish(
                id=str(number),
                source=source,
                reason=_ASKS[source],
                loads=tuple(loads),
                power=power,
                until=None if last is None else site.now + last * 1_000,
                forced=forced,
            )
            site.wishes = (*(wish for wish in site.wishes if wish.id != made.id), made)
        case "withdraw", _:
            site.wishes = ()
        case "draws", (name, power) if name in known:
            site.draws[name] = power
        case "late", (name, seconds) if name in known:
            site.late[name] = seconds
        case "hand", name if name in known:
            site.steps[name] = 0 if site.steps[name] else 1
        case (("gone" | "unmanaged" | "deaf" | "useless"), name):
            getattr(site, event).symmetric_difference_update({name})
        case (("hears" | "warned"), _):
            setattr(site, event, not getattr(site, event))
        case "mode", _:
            site.mode = Mode.OBSERVE if site.mode is Mode.LIMIT else Mode.LIMIT
        case "day", _:
            site.day += 1
        case "hours", _:
            site.minute = 727 if site.minute == 720 else 720
        case "clock", seconds:
            site.now += seconds * 1_000
            site.meter_ahead -= seconds * 1_000
        case "meter clock", seconds:
            site.meter_ahead += seconds * 1_000
        case (("base" | "limit"), power):
            setattr(site, event, power)
        case _:
            pass


@dataclass
class Watch:
    """Looks at each decision, and knows only what was commanded and what the ticks said."""

    site: Site
    commanded: dict[str, int] = field(default_factory=dict)
    since: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of what is off: the time that passed, and the clock's, when it was shed."""
    hands_until: dict[str, int] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)
    clock: int = 0
    """Time by our clock, but for what it was set back."""
    passed: int = 0
    lost: int = 0
    """What passed and our clock does not know of."""
    last: Tick | None = None
    last_back: int = -(10**9)

    def look(self, tick: Tick, decision: Decision) -> None:
        """Check a decision."""
        left_limit = False
        if self.last is not None:
            by_clock = max(0, tick.now - self.last.now)
            self.clock += by_clock
            self.lost += max(0, self.site.passed - self.passed - by_clock)
            left_limit = self.last.mode is Mode.LIMIT and tick.mode is Mode.OBSERVE
        targets = {target.load: target for target in decision.targets}
        assert [*targets] == [one.id for one in self.site.loads]
        assert len({command.load for command in decision.commands}) == len(decision.commands)
        if left_limit:
            shed = {name for name, step in self.commanded.items() if step}
            assert {one.load for one in decision.commands} == {name for name in shed if tick.seen[name].available}
            self.owed |= {name for name in shed if not tick.seen[name].available}
            for name in shed:
                self.commanded[name] = 0
        for command in decision.commands:
            self._command(command, tick, targets[command.load].reason, left_limit=left_limit)
        for load in self.site.loads:
            self._load(load, tick, targets[load.id])
        sources = {wish.source for wish in tick.wishes if wish.until is None or wish.until > tick.now}
        for target in decision.targets:
            assert target.source not in _ASKS or target.source in sources
            assert target.until is None or target.until > tick.now or target.source is Source.RULE
        self._returns(decision, targets)
        self.last, self.passed = tick, self.site.passed

    def _command(self, command: Command, tick: Tick, reason: Reason, *, left_limit: bool) -> None:
        name, seen = command.load, tick.seen[command.load]
        load = next(one for one in self.site.loads if one.id == name)
        assert seen.available
        assert 0 <= command.step <= len(load.steps)
        if command.step:
            assert tick.mode is Mode.LIMIT
            assert seen.managed
            assert reason is not Reason.HAND
            assert self.clock >= self.hands_until.get(name, 0)
            self.since.setdefault(name, (self.site.passed, self.clock))
        elif not left_limit and name not in self.owed:
            since = self.since.pop(name)
            free = reason in (Reason.UNMANAGED, Reason.DISOBEYED, Reason.MAX_OFF)
            assert free or self.clock - since[1] >= min(load.min_off, load.max_off or load.min_off)
        if not left_limit and name not in self.owed:
            assert command.step != self.commanded.get(name, 0)
        self.owed.discard(name)
        self.commanded[name] = command.step
        if not command.step:
            self.since.pop(name, None)

    def _load(self, load: Load, tick: Tick, target: Any) -> None:  # noqa: ANN401
        name, seen = load.id, tick.seen[load.id]
        if tick.mode is Mode.OBSERVE:
            return
        if target.reason is Reason.HAND and self.commanded.get(name):
            # A user's hand: it is as if it had been given back, and nothing is commanded for an hour.
            self.hands_until[name] = self.clock + HAND_MS
            self.commanded[name] = 0
            self.since.pop(name)
        assert target.step == self.commanded.get(name, 0)
        if (since := self.since.get(name)) is None or load.max_off is None or not seen.available:
            return
        forced = any(wish.forced for wish in tick.wishes)
        assert forced or self.site.passed - since[0] - self.lost < load.max_off

    def _returns(self, decision: Decision, targets: dict[str, Any]) -> None:
        back = [one.load for one in decision.commands if not one.step]
        by_limit = [name for name in back if targets[name].reason in (Reason.FREE, Reason.FUTILE)]
        if self.last is None or self.site.mode is Mode.OBSERVE or self.last.mode is Mode.OBSERVE:
            by_limit = []
        loads = self.site.controller.loads
        together = sum(max(0, self.site.controller.states[name].drew - loads[name].steps[0]) for name in by_limit)
        assert len(by_limit) <= 1 or together * 10 <= self.site.limit
        if by_limit:
            assert self.clock - self.last_back >= _SETTLE_MS
        if back:
            self.last_back = self.clock


def live(site: Site, story: Sequence[tuple[int, tuple[str, Any]]], watch: Watch | None = None) -> None:
    """Let a story happen, a tick after each event; a calm is many ticks."""
    for wait, (event, what) in story:
        happen(site, event, what)
        for _ in range(what if event == "calm" else 1):
            decision = site.step(wait if event != "calm" else 5)
            if watch is not None:
                watch.look(site.ticks[-1], decision)


_SITES = st.builds(
    Site,
    some_loads(),
    blind=st.sampled_from(Blind),
    kind=st.sampled_from(Kind),
    td=st.sampled_from([5, 10]),
    base=st.integers(5_000, 20_000),
    mode=st.sampled_from([Mode.LIMIT, Mode.LIMIT, Mode.OBSERVE]),
    metered=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(_SITES, _STORIES)
def test_the_rules_hold(site: Site, story: list[tuple[int, tuple[str, Any]]]) -> None:
    """Times off and on, hands, OFF, absence, commands, returns, wishes and modes, in any story."""
    live(site, [(5, ("calm", 12)), *story, (5, ("calm", 12))], Watch(site))


@settings(max_examples=60, deadline=None)
@given(_SITES, _STORIES)
def test_decisions_can_be_replayed(site: Site, story: list[tuple[int, tuple[str, Any]]]) -> None:
    """The recorded ticks in a fresh controller: the same decisions, to the last figure."""
    live(site, story)
    again = Controller(site.loads, site.blind)
    assert [again.step(tick) for tick in site.ticks] == site.decisions
    assert again.snapshot() == site.controller.snapshot()


@settings(max_examples=60, deadline=None)
@given(_SITES, _STORIES)
def test_a_restart_changes_no_load(site: Site, story: list[tuple[int, tuple[str, Any]]]) -> None:
    """What was kept, in a fresh controller: loads are where they were, whatever their times and hands."""
    live(site, story)
    kept = site.controller.snapshot()
    later = Controller(site.loads, site.blind)
    later.restore(json.loads(json.dumps(kept)))
    assert later.snapshot() == kept
    site.hears = False
    before = {target.load: target.step for target in site.decisions[-1].targets}
    site.controller = later
    decision = site.step(1)
    due = (Reason.MAX_OFF, Reason.PROTECTED, Reason.DISOBEYED, Reason.HAND, Reason.UNMANAGED)
    asked = (*_ASKS.values(), Reason.BLIND)
    for target in decision.targets:
        if target.reason not in (*due, *asked):
            assert target.step == before[target.load]
        elif target.reason in asked:
            assert target.step >= before[target.load]


@settings(max_examples=40, deadline=None)
@given(_SITES, _STORIES)
def test_observing_never_commands(site: Site, story: list[tuple[int, tuple[str, Any]]]) -> None:
    """In any story in which it only ever observes."""
    site.mode = Mode.OBSERVE
    live(site, [(wait, event) for wait, event in story if event[0] != "mode"])
    assert site.commands == []


@settings(max_examples=150, deadline=None)
@given(_SITES, _STORIES)
def test_what_is_expected_fits_or_all_is_shed(site: Site, story: list[tuple[int, tuple[str, Any]]]) -> None:
    """At each deadline: what is still too much, the loads that are left can still save; else none is left."""
    verdicts: list[tuple[int, list[Candidate], Verdict]] = []

    def spy(window: Any, forecast: Any, now: int, shed: Any, candidates: Any, **others: Any) -> Verdict:  # noqa: ANN401
        found = decide(window, forecast, now, shed, candidates, **others)
        verdicts.append((now, [*candidates], found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "decide", spy)
        for part in story:
            verdicts.clear()
            live(site, [part])
            targets = {target.load: target.step for target in site.decisions[-1].targets}
            if verdicts:
                assert all(targets[name] for name in verdicts[-1][2].shed)
            if site.kind is not Kind.INSTANT:
                for verdict in verdicts:
                    _check(*verdict)


def _check(now: int, candidates: list[Candidate], verdict: Verdict) -> None:
    left = [one for one in candidates if one.id not in verdict.shed]
    if not left:
        return
    lag = max(one.lag_ms for one in candidates)
    for need in verdict.needs:
        time = need.deadline.at - now
        if time <= lag + _LOOK_MS:
            continue  # what a load would do by then is over before it shows
        saved = sum(
            one.saving * max(0, min(time, one.stays_ms) - one.lag_ms) for one in candidates if one.id in verdict.shed
        )
        assert need.expected - saved <= sum(one.saving for one in left) * (time - lag)
