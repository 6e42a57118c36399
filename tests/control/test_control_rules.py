"""A building under the controller: shed for the limit and given back, orders, hands, silence, modes, restarts."""

from dataclasses import replace
import json

import pytest
from sites import Site, T, load, tick

from custom_components.flex_ready.control.controller import Controller
from custom_components.flex_ready.control.load import DISOBEYED_MS, HAND_MS, Hours, Load, Seen
from custom_components.flex_ready.control.orders import Blind, Command, Mode, Reading, Reason, Source, Wish
from custom_components.flex_ready.control.window import WH_MJ, Kind, Reached

KINDS = pytest.mark.parametrize("kind", [Kind.FIXED, Kind.SLIDING, Kind.INSTANT])
MINUTE = 60_000


def wish(name: str = "w", **others: object) -> Wish:
    """Make an action that wants the boiler shed."""
    fields: dict[str, object] = {
        "id": name,
        "source": Source.ACTION,
        "reason": Reason.TOLD,
        "loads": ("boiler",),
        **others,
    }
    return Wish(**fields)  # type: ignore[arg-type]


def two() -> tuple[Load, Load]:
    """Make two loads, the second to be kept rather."""
    return load(min_off=60_000), load("pump", priority=2, nominal=4_000, min_off=60_000)


# The subscribed power.


@KINDS
def test_shed_and_given_back(kind: Kind) -> None:
    """Over the limit the load of least priority goes; when the rest falls, it comes back, and both say why."""
    site = Site(two(), kind=kind, base=10_000)
    site.run(300)
    assert site.commands == []
    site.base = 14_500
    shed = site.until("boiler", 1)
    assert (shed.source, shed.reason) == (Source.LIMIT, Reason.EXPECTED)
    assert shed.figures["limit"] == 20_000
    assert shed.until is not None
    assert shed.until > site.now
    site.step()
    held = site.target("boiler")
    assert (held.source, held.reason) == (Source.LIMIT, Reason.NO_ROOM)
    situation = site.decisions[-1].situation
    assert situation is not None
    assert situation.shed == 3_000
    site.base = 5_000
    site.until("boiler", 0, 2_000)
    site.run(300)
    assert site.target("boiler").reason is Reason.FREE
    assert site.target("pump").step == 0


@KINDS
def test_no_window_ends_over_the_limit(kind: Kind) -> None:
    """An hour of more than is allowed, of which the loads can take off enough."""
    site = Site(two(), kind=kind, base=14_500)
    site.run(3_600)
    assert site.controller.window is not None
    over = [decision for decision in site.decisions if decision.situation and decision.situation.reached > 20_000]
    assert kind is Kind.INSTANT or over == []


def test_windows_that_ended_are_told() -> None:
    """In our clock; a meter that is 7 s fast ends them 7 s earlier."""
    controller = Controller(())
    ended: list[Reached] = []
    for second in range(0, 2_000, 8):
        at = T + second * 1_000
        energy = (second + 7) % 600 * 10
        reading = Reading(kind=Kind.FIXED, limit=30_000, td=10, meter_at=at + 7_000, heard=at, energy=energy)
        decision = controller.step(tick(at + 1_000, reading=reading))
        ended += controller.closed
        if decision.situation is not None:
            assert (decision.situation.end - T) % 600_000 == 593_000
            assert decision.situation.end - decision.situation.start == 600_000
    assert [one.end - T for one in ended] == [593_000, 1_193_000, 1_793_000]
    assert all(one.power == pytest.approx(36_000, rel=0.01) and one.limit == 30_000 for one in ended)


def test_a_limit_that_changes_at_a_top() -> None:
    """The tariff period ends with the window: that window is held to the limit that it had."""
    site = Site((), limit=42_000, base=40_000)
    ended: list[Reached] = []
    for _ in range(500):
        if site.now + 5_000 == T + 1_200_000:
            site.limit = 36_000
        site.step()
        ended += site.controller.closed
    assert [one.limit for one in ended] == [42_000, 42_000, 36_000, 36_000]
    assert [bool(one.overrun) for one in ended] == [False, False, True, True]
    situation = site.decisions[-1].situation
    assert situation is not None
    assert situation.margin < 0


def test_both_minutes_of_a_gap_are_told() -> None:
    """80 s without a reading lose no window that is judged each minute."""
    site = Site((), kind=Kind.SLIDING, limit=42_000)
    site.run(660)
    site.step(80)
    assert [one.end - T for one in site.controller.closed] == [660_000 + MINUTE]
    site.run(35)
    site.step(85)
    assert len(site.controller.closed) == 2


def test_one_return_at_a_time() -> None:
    """Each is seen on the meter before the next: two frames and the load's own lag."""
    slow = load("slow", priority=3, nominal=2_000, lag=30_000)
    site = Site((*two(), slow), base=30_000)
    site.until("slow", 1, 1_200)
    site.base = 1_000
    site.run(900)
    back = [
        (decision.at, command.load) for decision in site.decisions for command in decision.commands if not command.step
    ]
    assert [name for _, name in back] == ["slow", "pump", "boiler"]
    assert back[1][0] - back[0][0] >= 46_000
    assert back[2][0] - back[1][0] >= 21_000


def test_a_warning_holds_returns_and_raises_the_demand() -> None:
    """PREAVIS: at least 90 % of the limit is drawn, whatever the slope says, and nothing comes back."""
    site = Site(two(), base=16_000)
    site.until("boiler", 1)
    site.base, site.warned = 1_000, True
    site.run(1_200)
    assert site.target("boiler").step == 1
    assert site.controller.forecast.level >= 18_000
    site.warned = False
    site.until("boiler", 0, 1_200)


def test_a_charger_with_steps_goes_down_and_then_off() -> None:
    """It is degraded first; what already draws less than the mild step goes off at once."""
    charger = load("charger", nominal=7_000, steps=(3_000, 0))
    site = Site((charger,), base=15_000)
    site.until("charger", 1)
    assert site.controller.states["charger"].saving(charger, 1) == 4_000
    site.base = 22_000
    site.until("charger", 2)
    assert site.commands == [Command("charger", 1), Command("charger", 2)]
    site.base = 5_000
    site.until("charger", 0, 1_200)
    low = Site((charger,), base=19_500, draws={"charger": 2_500})
    assert low.until("charger", 2).reason is Reason.EXPECTED
    assert low.commands == [Command("charger", 2)]


def test_a_first_reading_just_after_a_top_invents_no_demand() -> None:
    """What is drawn is not known from one reading at a top: neither nothing nor less than nothing."""
    site = Site(two(), now=T - 5_000)
    site.step()
    assert site.controller.window is not None
    assert not site.controller.window.known
    assert site.controller.forecast.level == 0
    site.step()
    assert site.controller.forecast.rest == pytest.approx(10_000, rel=0.1)
    assert site.controller.forecast.level == pytest.approx(17_000, rel=0.1)


# Orders.


def test_wishes_end_at_their_until() -> None:
    """Shed by an action until then, named; afterwards it comes back when it fits."""
    until = T + 300_000
    site = Site(two(), wishes=(wish(until=until),))
    site.step()
    assert site.target("boiler").reason is Reason.TOLD
    assert site.target("boiler").until == until
    site.run(290)
    assert site.target("boiler").step == 1
    site.step()
    assert site.now == until
    assert site.target("boiler").source is not Source.ACTION
    site.until("boiler", 0, 100)
    assert site.commands == [Command("boiler", 1), Command("boiler", 0)]


def test_a_wish_for_power_takes_as_many_as_it_needs() -> None:
    """Those shed already, then those of least priority; none that draws nothing, is gone or is not handed over."""
    loads = (load("a"), load("b"), load("c", priority=2), load("gone"), load("mine"), load("idle", nominal=0))
    asks = wish(source=Source.REQUEST, reason=Reason.ASKED, loads=(), power=5_000)
    site = Site(loads, base=1_000, wishes=(asks,), gone={"gone"}, unmanaged={"mine"})
    site.step()
    assert site.commands == [Command("a", 1), Command("b", 1)]
    site.gone.add("a")
    site.step()
    assert site.commands[2:] == [Command("c", 1)]
    site.wishes = (replace(asks, power=5_000, loads=("c", "nobody")),)
    site.step()
    assert [target.step for target in site.decisions[-1].targets[:3]] == [1, 0, 1]


def test_a_wish_and_the_limit_want_the_same_load() -> None:
    """The limit is named while it needs it; once there is room it lets go, and the wish holds on."""
    site = Site((load(),), base=19_000)
    site.until("boiler", 1)
    site.wishes = (wish(),)
    site.run(60)
    assert site.target("boiler").reason is Reason.NO_ROOM
    site.base = 5_000
    site.run(900)
    assert site.target("boiler").step == 1
    assert site.target("boiler").source is Source.ACTION
    site.wishes = ()
    site.until("boiler", 0, 60)
    assert len(site.commands) == 2


def test_what_a_wish_sheds_now_counts_for_the_limit() -> None:
    """The limit does not shed another load for what an action takes off in the same moment."""
    loads = (load("pump", nominal=2_900), load(priority=2))
    alone = Site(loads, base=14_800)
    alone.run(300)
    alone.until("pump", 1)
    both = Site(loads, base=14_800)
    both.run((alone.now - T) // 1_000 - 5)
    assert both.commands == []
    both.wishes = (wish(),)
    assert both.step().commands == (Command("boiler", 1),)


def test_force_breaks_the_rules_but_not_off() -> None:
    """By an administrator: protected hours and times off do not count; a hand, OFF and absence do."""
    ruled = load(protected=(Hours(0, 1_440),), max_off=60_000, most_sheds=0)
    site = Site((ruled,), wishes=(wish(),))
    site.run(60)
    assert site.commands == []
    site.wishes = (wish(forced=True),)
    site.run(600)
    assert site.commands == [Command("boiler", 1)]
    site.unmanaged.add("boiler")
    site.run(60)
    assert site.commands[1:] == [Command("boiler", 0)]
    assert site.target("boiler").reason is Reason.UNMANAGED
    site.unmanaged.clear()
    site.run(10)
    assert len(site.commands) == 3
    site.steps["boiler"] = 0  # a user's hand
    site.run(HAND_MS // 1_000 - 10)
    assert site.target("boiler").reason is Reason.HAND
    assert len(site.commands) == 3


def test_a_wish_of_unknown_loads_is_about_nothing() -> None:
    """Loads that were removed since."""
    site = Site((load(),), wishes=(wish(loads=("nobody",)), wish("v", loads=("nobody",), power=1_000)))
    site.run(60)
    assert site.commands == []


# Rules of the loads.


def test_the_longest_time_off_under_a_limit_that_stays() -> None:
    """It comes back for as long as it must be on, and another goes."""
    site = Site((load(max_off=600_000, min_on=120_000), load("pump", priority=2)), base=19_500)
    site.until("boiler", 1)
    since = site.now
    back = site.until("boiler", 0)
    assert (back.source, back.reason) == (Source.RULE, Reason.MAX_OFF)
    assert site.now - since == 600_000
    again = site.now
    site.until("boiler", 1)
    assert site.now - again >= 120_000


def test_when_something_falls_due() -> None:
    """The next load that must come back."""
    site = Site((load(max_off=600_000), load("pump", max_off=300_000)), wishes=(wish(loads=("boiler", "pump")),))
    assert site.controller.next_due(T) is None
    site.step()
    assert site.controller.next_due(site.now) == site.now + 300_000
    assert site.controller.next_due(site.now + 300_000) == site.now + 600_000


def test_most_sheds_a_day_over_midnight() -> None:
    """By the local date."""
    site = Site((load(most_sheds=1),), wishes=(wish(),))
    site.step()
    site.wishes = ()
    site.until("boiler", 0)
    site.wishes = (wish(),)
    site.run(120)
    assert len(site.commands) == 2
    site.day = 2
    site.step()
    assert site.commands[2:] == [Command("boiler", 1)]
    assert site.controller.states["boiler"].sheds == 1


def test_protected_hours_that_begin() -> None:
    """What was shed for the limit comes back with them."""
    site = Site((load(protected=(Hours(780, 840),)),), base=19_000)
    site.until("boiler", 1)
    site.minute = 780
    site.step()
    assert site.target("boiler").reason is Reason.PROTECTED
    site.run(900)
    assert len(site.commands) == 2


def test_a_deaf_device_is_left_alone() -> None:
    """50 s, then it is given back and told of; ten minutes later it is tried again."""
    site = Site((load(),), base=19_000, deaf={"boiler"})
    site.until("boiler", 1)
    since = site.now
    back = site.until("boiler", 0)
    assert (back.reason, site.now - since) == (Reason.DISOBEYED, 50_000)
    site.run(300)
    assert site.target("boiler").reason is Reason.DISOBEYED
    site.until("boiler", 1, 1_200)
    assert site.now - since >= 50_000 + DISOBEYED_MS


def test_a_hand_is_left_alone() -> None:
    """The user turns it on again: nothing is commanded for an hour, whatever the window says."""
    site = Site((load(),), base=19_000)
    site.until("boiler", 1)
    site.run(20)
    site.steps["boiler"] = 0
    site.step()
    count, since = len(site.commands), site.now
    assert site.target("boiler").reason is Reason.HAND
    assert site.target("boiler").until == since + HAND_MS
    site.run(HAND_MS // 1_000 - 5)
    assert len(site.commands) == count
    site.until("boiler", 1)


def test_a_load_that_does_not_help_is_left_alone() -> None:
    """Thrice shed without an effect on the meter: left alone for an hour."""
    site = Site((load(),), base=1_000, metered=False, useless={"boiler"})
    site.run(60)
    for _ in range(3):
        site.wishes = (wish(),)
        site.run(90)
        site.wishes = ()
        site.until("boiler", 0)
        site.run(60)
    assert site.target("boiler").reason is Reason.FUTILE
    site.wishes = (wish(),)
    site.run(600)
    assert site.target("boiler").step == 0


def test_what_a_load_draws_is_learned() -> None:
    """From the fall of the building's power, when it alone was shed; not when others went with it."""
    loads = (load("a", nominal=2_000), load("b", nominal=2_000), load(nominal=0))
    site = Site(loads, base=1_000, metered=False, draws={"boiler": 1_800})
    site.run(60)
    site.wishes = (wish(loads=("a", "b", "boiler")),)
    site.run(120)
    assert site.controller.states["boiler"].learned == 0
    site.wishes = ()
    site.run(120)
    site.wishes = (wish(),)
    site.run(120)
    assert site.controller.states["boiler"].learned == pytest.approx(1_800, abs=300)
    assert site.controller.states["a"].learned == 0


def test_an_effect_seen_too_late_teaches_nothing() -> None:
    """The meter is silent for ten minutes after the shedding: who knows what fell."""
    site = Site((load(nominal=0),), base=1_000, metered=False, draws={"boiler": 1_800}, wishes=())
    site.run(60)
    site.wishes = (wish(),)
    site.step()
    site.hears = False
    site.run(600)
    site.hears = True
    site.run(60)
    assert site.controller.states["boiler"].learned == 0


def test_a_step_that_cannot_be_seen_is_believed() -> None:
    """A load of scripts: after its lag it did as it was told, and the rest of the building is what is left."""
    site = Site((load(),), base=10_000, metered=False)
    site.run(120)
    site.wishes = (wish(),)
    site.run(150)
    controller = Controller(site.loads)
    for made in site.ticks:
        controller.step(replace(made, seen={"boiler": Seen(step=None)}))
    assert controller.forecast.rest == pytest.approx(10_000, rel=0.05)
    assert controller.states["boiler"].step == 1


# Out of reach.


def test_a_load_that_is_gone_is_in_no_sum() -> None:
    """Shed and then unavailable: it stays where it is, nobody counts on it, and it comes back when it is back."""
    site = Site(two(), base=16_000)
    site.until("boiler", 1)
    site.gone.add("boiler")
    decision = site.run(30)
    assert site.target("boiler").reason is Reason.UNAVAILABLE
    assert decision.situation is not None
    assert decision.situation.shed == 4_000 * site.target("pump").step
    assert site.controller.forecast.managed == 4_000
    site.base = 1_000
    count = len(site.commands)
    site.run(900)
    assert [command for command in site.commands[count:] if command.load == "boiler"] == []
    site.gone.clear()
    site.until("boiler", 0, 120)


def test_a_load_that_is_gone_past_its_longest_time_off() -> None:
    """It is given back as soon as it is there."""
    site = Site((load(max_off=600_000),), wishes=(wish(),))
    site.step()
    site.gone.add("boiler")
    site.run(1_200)
    assert len(site.commands) == 1
    site.gone.clear()
    site.step()
    assert site.target("boiler").reason is Reason.MAX_OFF
    assert len(site.commands) == 2


# A silent meter.


def test_at_first_start_without_a_meter_nothing_is_shed() -> None:
    """Also not what may be shed while it is silent: it was never heard."""
    for blind in Blind:
        site = Site((load(when_blind=True), load("pump")), base=90_000, blind=blind, hears=False)
        decision = site.run(3_600)
        assert site.commands == []
        assert decision.blind
        assert decision.situation is None


def test_hold_keeps_for_half_an_hour() -> None:
    """What was shed stays shed, nothing more goes, and then it comes back one by one."""
    site = Site(two(), base=19_500)
    site.until("pump", 1)
    assert site.target("boiler").step == 1
    count = len(site.commands)
    heard = site.now
    site.hears, site.base = False, 90_000
    assert not site.run(60).blind
    assert site.run(1_740).blind
    assert site.now == heard + 1_800_000
    assert {target.reason for target in site.decisions[-1].targets} == {Reason.BLIND}
    assert len(site.commands) == count
    site.run(60)
    assert site.commands[count:] == [Command("pump", 0), Command("boiler", 0)]
    back = [one.at for one in site.decisions if one.commands][-2:]
    assert back[1] - back[0] >= 20_000
    site.run(600)
    assert len(site.commands) == count + 2


def test_shed_sheds_only_what_may_be() -> None:
    """After a minute of silence those that may be; the others as under hold; all is well once it speaks again."""
    loads = (load("may", when_blind=True, steps=(1_000, 0), min_on=0), load("never"))
    site = Site(loads, base=1_000, blind=Blind.SHED)
    site.run(120)
    site.hears = False
    site.run(60)
    assert site.commands == []
    site.step()
    assert site.commands == [Command("may", 2)]
    assert site.target("may").reason is Reason.BLIND
    site.run(3_600)
    assert site.commands == [Command("may", 2)]
    site.hears = True
    site.until("may", 0, 120)
    assert {command.load for command in site.commands} == {"may"}


def test_a_wish_that_ends_while_the_meter_is_silent() -> None:
    """What nobody wants shed any more comes back after the half-hour, also if no meter was ever heard."""
    site = Site((load(),), hears=False, wishes=(wish(until=T + 60_000),))
    site.run(120)
    assert site.target("boiler").reason is Reason.BLIND
    site.until("boiler", 0, 1_800)
    assert site.now - T == pytest.approx(1_805_000, abs=10_000)


def test_a_wish_holds_while_the_meter_is_silent() -> None:
    """The limit lets go of what it had shed after half an hour; the action that wants it as well holds on."""
    site = Site((load(),), base=19_000)
    site.until("boiler", 1)
    site.wishes, site.hears = (wish(),), False
    site.run(2_400)
    assert site.target("boiler").source is Source.ACTION
    assert len(site.commands) == 1


def test_without_a_limit_nothing_is_held() -> None:
    """A meter that tells no subscribed power."""
    site = Site((load(),), limit=0, base=90_000, wishes=(wish(until=T + 60_000),))
    site.run(120)
    assert site.commands == [Command("boiler", 1), Command("boiler", 0)]
    assert site.decisions[-1].situation is None


# Modes.


def test_observe_commands_nothing() -> None:
    """It decides as if, says what it would do, and the rehearsed building stays under the limit."""
    site = Site(two(), base=15_500, mode=Mode.OBSERVE)
    ended: list[Reached] = []
    for _ in range(700):
        site.step()
        ended += site.controller.closed
    assert site.commands == []
    assert any(target.step for one in site.decisions for target in one.targets)
    assert site.power > 20_000
    assert len(ended) >= 5
    assert all(one.power <= 20_000 for one in ended)


@KINDS
def test_observing_decides_as_limiting_would(kind: Kind) -> None:
    """The same building, once rehearsed and once in earnest: the same loads are shed for about as long."""
    off = {}
    for mode in Mode:
        site = Site(two(), base=15_500, mode=mode, kind=kind)
        site.run(3_600)
        off[mode] = [sum(t.step for d in site.decisions for t in d.targets if t.load == one.id) for one in site.loads]
    for rehearsed, real in zip(off[Mode.OBSERVE], off[Mode.LIMIT], strict=True):
        assert rehearsed == pytest.approx(real, rel=0.25, abs=30)


def test_a_rehearsed_load_that_goes_off_by_itself_spares_nothing_more() -> None:
    """It is on in truth: when its thermostat ends, that is seen, and no longer taken off."""
    site = Site((load(),), base=10_000, mode=Mode.OBSERVE, wishes=(wish(),))
    site.run(120)
    assert site.decisions[-1].situation is not None
    assert site.decisions[-1].situation.power == pytest.approx(10_000, rel=0.05)
    site.draws["boiler"] = 0
    site.run(120)
    assert site.decisions[-1].situation.shed == 0
    assert site.decisions[-1].situation.power == pytest.approx(10_000, rel=0.05)


def test_leaving_limit_gives_back_everything() -> None:
    """At once, whatever the times; what is out of reach as soon as it is there."""
    site = Site((*two(), load("far")), wishes=(wish(loads=("boiler", "pump", "far")),))
    site.run(30)
    site.gone.add("far")
    site.mode = Mode.OBSERVE
    site.wishes = ()
    decision = site.step()
    assert decision.commands == (Command("boiler", 0), Command("pump", 0))
    assert site.run(60).commands == ()
    site.gone.clear()
    assert site.step().commands == (Command("far", 0),)
    assert site.run(60).commands == ()
    assert not any(site.steps.values())


def test_what_was_out_of_reach_and_is_shed_again() -> None:
    """Back in limit before it is there: the new order holds, or it is given back."""
    for wishes, step in (((wish(),), 1), ((), 0)):
        site = Site((load(),), wishes=(wish(),))
        site.step()
        site.gone.add("boiler")
        site.step()
        for mode in (Mode.OBSERVE, Mode.LIMIT):
            site.mode = mode
            site.step()
        site.wishes = wishes
        site.steps["boiler"] = 0 if step else 1
        site.gone.clear()
        site.run(10)
        assert site.steps["boiler"] == step


def test_entering_limit_forgets_the_rehearsal() -> None:
    """Nothing was shed, so nothing is given back; what is needed now is shed in earnest."""
    site = Site(two(), base=19_000, mode=Mode.OBSERVE)
    site.until("boiler", 1)
    site.mode = Mode.LIMIT
    site.run(120)
    assert site.commands[0] == Command("boiler", 1)


# Clocks and restarts.


def test_a_clock_that_is_set_back() -> None:
    """By an hour while a load is off: it still comes back in time, and a silent meter is still noticed."""
    site = Site((load(max_off=600_000),), wishes=(wish(),))
    site.run(300)
    site.now -= 3_600_000
    site.hears = False
    site.run(295)
    assert site.target("boiler").step == 1
    assert site.decisions[-1].blind
    site.run(15)
    assert site.target("boiler").reason is Reason.MAX_OFF


def test_a_restart_goes_on() -> None:
    """What was kept is taken up: loads stay where they are until they are due; what makes no sense is nothing."""
    site = Site(two(), base=19_500)
    site.until("pump", 1)
    kept = json.loads(json.dumps(site.controller.snapshot()))
    later = Controller(site.loads)
    later.restore({**kept, "other": {"step": 1}, "pump": "?"})
    assert later.states["boiler"] == site.controller.states["boiler"]
    assert later.states["pump"].step == 0
    later = Controller(site.loads)
    later.restore(kept)
    decision = later.step(tick(site.now, seen={one.id: site.seen(one) for one in site.loads}))
    assert decision.commands == ()
    assert [target.step for target in decision.targets] == [1, 1]
    assert {target.reason for target in decision.targets} == {Reason.BLIND}


def test_a_load_that_was_changed_in_between() -> None:
    """Fewer steps than before, and a clock from the future."""
    controller = Controller([load(max_off=600_000)])
    controller.restore({"boiler": {"step": 2, "limit_step": 2, "changed": T + 10**9, "left_alone_until": T + 10**12}})
    decision = controller.step(tick(seen={"boiler": Seen(step=1)}))
    assert decision.targets[0].step == 1
    assert controller.states["boiler"].returns_at(controller.loads["boiler"]) == T + 600_000
    assert controller.states["boiler"].left_alone_until == T + HAND_MS


def test_a_meter_that_is_learned_anew() -> None:
    """Td turns out to be another: the window begins anew."""
    site = Site(two(), td=10)
    site.run(300)
    first = site.controller.window
    site.td = 5
    site.counter = 0
    site.step()
    assert site.controller.window is not first
    assert site.controller.window is not None
    assert site.controller.window.td == 5


def test_two_hundred_loads() -> None:
    """Each is decided about."""
    loads = tuple(load(f"load {i}", priority=i % 5, nominal=100 + i) for i in range(200))
    site = Site(loads, base=10_000, limit=20_000)
    site.run(900)
    assert len(site.decisions[-1].targets) == 200
    assert sum(target.step for target in site.decisions[-1].targets) > 50
    assert site.power <= 20_000


def test_every_reason_is_reached() -> None:
    """There is no text for users that nobody ever sees."""
    orders = Site((load(max_off=300_000), load("mine"), load("gone")), unmanaged={"mine"}, gone={"gone"})
    for source, reason in (
        (Source.PRICE, Reason.PRICE),
        (Source.ECOWATT, Reason.ECOWATT),
        (Source.REQUEST, Reason.ASKED),
        (Source.ACTION, Reason.TOLD),
    ):
        orders.wishes = (*orders.wishes, wish(reason.value, source=source, reason=reason))
        orders.run(10)
    orders.run(300)
    rules = Site((load(min_off=60_000, protected=(Hours(800, 801),)),), wishes=(wish(until=T + 30_000),))
    rules.run(90)
    rules.wishes = (wish(),)
    rules.run(90)
    rules.minute = 800
    rules.run(10)
    limit = Site((load(), load("deaf", priority=2)), base=19_500, deaf={"deaf"})
    limit.run(900)
    limit.steps["boiler"] = 0
    limit.run(60)
    silent = Site((load(),), base=19_500)
    silent.run(600)
    silent.hears = False
    silent.run(90)
    futile = Site((load(),), base=1_000, metered=False, useless={"boiler"})
    futile.run(60)
    for _ in range(3):
        futile.wishes = (wish(),)
        futile.run(90)
        futile.wishes = ()
        futile.run(60)
    reserve = Site((load(),), wishes=(wish("reserve", source=Source.REQUEST, reason=Reason.RESERVE),))
    reserve.run(30)
    sites = (orders, rules, limit, silent, futile, reserve)
    seen = {target.reason for site in sites for decision in site.decisions for target in decision.targets}
    assert {*Reason} - seen == set()


def test_what_was_rehearsed_was_drawn() -> None:
    """Once it limits, the window holds what the meter counted, not what would have been spared."""
    one = load("a")
    site = Site((one,), base=18_500, mode=Mode.OBSERVE)
    site.run(200)
    assert site.controller.states["a"].step
    site.mode = Mode.LIMIT
    site.step(1)
    window = site.controller.window
    assert window is not None
    _, drawn = window.running(site.now)
    assert abs(drawn - site.counter) <= 2 * WH_MJ
