"""From what is seen to what is commanded: the window, the limit, the rules of the loads, one arbiter.

A controller decides from the ticks it is given and from nothing else: the same ticks give the same decisions.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .arbiter import Asked, merge
from .forecast import Forecast
from .limit import Candidate, Shed, decide
from .load import GONE, Load, LoadState, Seen, worth_it
from .orders import Blind, Command, Decision, Mode, Reason, Source, Tick
from .situation import situation
from .trace import Trace
from .trial import EFFECT_MS, Trial
from .window import MINUTE_MS, Reached, Window
from .wishes import chosen

_STALE_MS = 60_000
_BLIND_MS = 1_800_000
"""A meter silent for longer keeps nothing off, but for the loads that may be shed then."""
_SETTLE_MS = 20_000
_FRAMES_MS = 16_000
"""A return is checked before the next: two frames of a PME-PMI, and the load's own lag."""
_SLOW = 3
"""A device may take so many times its lag."""
_EVER_MS = 10**12
_WARNED_NUM, _WARNED_DEN = 9, 10
"""PREAVIS: the power of the last minute is above 90 % of the limit (Flex Ready reference 2.4.3)."""


class Controller:
    """Decides for one building."""

    def __init__(self, loads: Iterable[Load], blind: Blind = Blind.HOLD) -> None:
        self.loads: dict[str, Load] = {load.id: load for load in loads}
        self.states: dict[str, LoadState] = {name: LoadState() for name in self.loads}
        self.window: Window | None = None
        self.forecast = Forecast()
        self.closed: tuple[Reached, ...] = ()
        """The windows that ended with the last tick, newest last; ends in ms of our clock."""
        self.draws: dict[str, int] = {}
        """What each load draws as of the last tick (W or VA)."""
        self._blind = blind
        self._last: int | None = None
        self._begun = 0
        self._heard: int | None = None
        self._taken: int | None = None
        """When the last reading was heard that the window took."""
        self._skew = 0
        self._settled = 0
        """From when on the last return shows in the readings."""
        self._commanded: int | None = None
        self._mode: Mode | None = None
        self._reachable: set[str] = set()
        self._owed: set[str] = set()  # to be given back as soon as they can be reached
        self._returned: dict[str, int | None] = {}  # when what was really shed came back, from before a rehearsal
        self._drawn = Trace()  # what the managed loads draw
        self._spared = Trace()  # what those would not draw that are shed
        self._trial: Trial | None = None

    def step(self, tick: Tick) -> Decision:
        """Decide."""
        now = tick.now
        self.closed = ()
        elapsed = self._pass_time(now)
        left = self._change_mode(tick) if tick.mode is not self._mode else ()
        back: set[str] = set()
        self._reachable = {name for name in self.loads if tick.seen.get(name, GONE).available}
        for name, load in self.loads.items():
            state, seen = self.states[name], tick.seen.get(name, GONE)
            state.pass_time(load, elapsed, tick.day)
            if tick.mode is Mode.LIMIT and state.watch(load, seen, now):
                back.add(name)
            elif tick.mode is Mode.OBSERVE and state.step and seen.available:
                state.drew = state.would_draw(load, seen)  # it is not off in truth: what it would draw is seen
        self._trace(tick)
        if tick.reading is not None:
            self._read(tick)
        blind = self._heard is None or now - self._heard > _STALE_MS
        asked = self._ask(tick, blind=blind, back=back)
        targets = [merge(self.loads[name], self.states[name], tick, asked[name]) for name in self.loads]
        commands = [
            Command(target.load, target.step) for target in targets if target.step != self.states[target.load].step
        ]
        for command in commands:
            self._command(command, tick, alone=len(commands) == 1)
        if commands:
            self._commanded = now
            self._trace(tick)
        left += self._overdue(tick)
        if tick.mode is Mode.LIMIT:
            left += tuple(commands)
        return Decision(
            now,
            tuple(targets),
            left,
            None if self.window is None else situation(self.window, self.forecast, now, self._skew, self._shed),
            blind,
            tick.warned,
        )

    def snapshot(self) -> dict[str, dict[str, int | bool | None]]:
        """Return what a restart needs (JSON)."""
        return {name: state.to_dict() for name, state in self.states.items()}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take up what a run before kept; loads that are not there any more are for the caller to give back."""
        for name in self.loads:
            if isinstance(state := kept.get(name), Mapping):
                self.states[name] = LoadState.from_dict(state)

    def let_go(self, now: int) -> None:
        """Note that every load was given back."""
        for state in self.states.values():
            state.set_step(0, 0, now)
            state.limit_step = 0

    def forget(self, name: str) -> None:
        """Begin anew with a load: it is another than that of which something was kept."""
        self.states[name] = LoadState()

    def tell_again(self, name: str, now: int) -> None:
        """Note that a load is told once more to shed: it has its time to obey from now on."""
        self.states[name].commanded = now

    def withdraw(self, name: str) -> None:
        """Take back a command to shed a load: it could not be given."""
        self.states[name].withdraw()
        self._trial = None

    def next_due(self, now: int) -> int | None:
        """Return when something falls due by the clock alone (ms)."""
        due = [
            at
            for name, state in self.states.items()
            if (at := state.returns_at(self.loads[name])) is not None and at > now
        ]
        return min(due, default=None)

    def _pass_time(self, now: int) -> int:
        """Return the time since the last tick (ms); where the clock was set back, set back all that was noted."""
        last, self._last = self._last, now
        if last is None:
            self._begun = now
            for name, state in self.states.items():
                state.check(self.loads[name], now)
            return 0
        if now >= last:
            return now - last
        by = now - last
        for state in self.states.values():
            state.shift(by)
        self._drawn.shift(by)
        self._spared.shift(by)
        self._begun += by
        self._settled += by
        self._skew -= by
        self._heard = None if self._heard is None else self._heard + by
        self._taken = None if self._taken is None else self._taken + by
        self._commanded = None if self._commanded is None else self._commanded + by
        self._trial = None
        return 0

    def _change_mode(self, tick: Tick) -> tuple[Command, ...]:
        """Begin anew: what was rehearsed is forgotten, what was really shed is given back."""
        left: list[Command] = []
        if self._mode is not None:
            for name, state in self.states.items():
                if state.step and self._mode is Mode.LIMIT:
                    if tick.seen.get(name, GONE).available:
                        left.append(Command(name, 0))
                    else:
                        self._owed.add(name)
                if self._mode is Mode.LIMIT:
                    self._returned[name] = tick.now if state.step else state.changed
                    state.changed = None
                else:
                    returned = self._returned.get(name)
                    state.changed = None if returned is None else min(returned, tick.now)
                state.step = state.limit_step = 0
            if self._mode is Mode.OBSERVE and self.window is not None and self.window.at is not None:
                since = self.window.at - self.window.length - 2 * MINUTE_MS - self._skew
                self.window.count_again(lambda at: self._spared.energy(since, at - self._skew))
            self._spared.clear()
        self._mode = tick.mode
        self._trial = None
        return tuple(left)

    def _overdue(self, tick: Tick) -> tuple[Command, ...]:
        """Give back what was out of reach when the limit was left, unless it is untouched or shed anew."""
        found = sorted(self._owed & self._reachable)
        self._owed.difference_update(found)
        return tuple(
            Command(name, 0)
            for name in found
            if tick.seen[name].step != 0 and (tick.mode is Mode.OBSERVE or not self.states[name].step)
        )

    def _trace(self, tick: Tick) -> None:
        """Note what is drawn and spared from now on; what is drawn was so before the first tick as well."""
        self.draws = {name: self._draws(name, tick) for name in self.loads}
        drawn = sum(self.draws.values())
        if not self._drawn.begun:
            self._drawn.add(tick.now - _STALE_MS, drawn)
        self._drawn.add(tick.now, drawn)
        self._spared.add(tick.now, self._shed)

    def _read(self, tick: Tick) -> None:
        reading = tick.reading
        assert reading is not None
        if self.window is None or (self.window.kind, self.window.td) != (reading.kind, reading.td):
            self.window, self.forecast = Window(reading.kind, reading.td), Forecast()
        window = self.window
        before = window.at
        self._heard = heard = min(reading.heard, tick.now)
        self._skew = reading.meter_at - heard
        if reading.energy is not None:
            saved = 0
            if tick.mode is Mode.OBSERVE and self._taken is not None:
                saved = self._spared.energy(self._taken, heard)
            window.read(reading.energy, reading.meter_at, saved=saved)
        elif reading.power is not None:
            rehearsed = self._shed if tick.mode is Mode.OBSERVE else 0
            window.draw(max(0, reading.power - rehearsed), reading.meter_at)
        if window.at == before:
            window.limit = reading.limit
            return
        self._taken = heard
        # A window that ended is held to the limit that was told in it: a new one mostly begins at its end.
        self.closed = tuple(Reached(one.end - self._skew, one.power, one.limit) for one in window.ended)
        window.limit = reading.limit
        if self._trial is not None and self._trial.over(heard):
            self._trial.judge(window.power, heard)
            self._trial = None
        if not window.known:
            return
        power = window.power
        if tick.warned:
            power = max(power, reading.limit * _WARNED_NUM // _WARNED_DEN)
        start, end = window.slope
        if end > start:
            managed = self._drawn.energy(start - self._skew, end - self._skew) // (end - start)
        else:
            managed = sum(self._draws(name, tick) for name in self.loads)
        would = sum(self.states[name].draws(self.loads[name], tick.seen[name]) for name in self._reachable)
        self.forecast.take(power - managed, would, reading.meter_at)

    def _ask(self, tick: Tick, *, blind: bool, back: set[str]) -> dict[str, list[Asked]]:
        """Gather what everybody wants of each load."""
        asked: dict[str, list[Asked]] = {name: [] for name in self.loads}
        for wish in sorted(tick.wishes, key=lambda wish: (-wish.source, wish.id)):
            if wish.until is None or tick.now < wish.until:
                for name, step in chosen(wish, self.loads, self.states, tick).items():
                    asked[name].append(Asked(step, wish.source, wish.reason, wish.until, forced=wish.forced))
        self._limit(tick, asked, blind=blind)
        for name in back:
            self.states[name].limit_step = 0
            asked[name] = [Asked(0, Source.RULE, Reason.DISOBEYED, self.states[name].left_alone_until)]
        return asked

    def _limit(self, tick: Tick, asked: dict[str, list[Asked]], *, blind: bool) -> None:
        """Let the subscribed power ask."""
        now, window = tick.now, self.window
        for name, state in self.states.items():
            if state.may_return(self.loads[name], now) and not asked[name] and not state.limit_step:
                state.limit_step = state.step  # whoever wanted it shed does no more: it comes back when it fits
            elif not state.step:
                state.limit_step = 0
        if blind or window is None or not window.limit:
            self._stand_still(tick, asked, blind=blind)
            return
        shed, candidates, deeper = [], [], {}
        for name, load in self.loads.items():
            state, seen = self.states[name], tick.seen.get(name, GONE)
            if not (seen.available and seen.managed):
                continue
            wished, stays = max((one.step for one in asked[name]), default=0), self._stays(name, now)
            drew = state.draws(load, seen)
            if step := max(state.step, wished):
                # One that others want shed as well does not come back, but what the limit wants of it may end.
                ready = bool(state.limit_step) and (bool(wished) or state.may_return(load, now))
                saving = max(0, drew - load.steps[step - 1])
                shows = state.step >= wished and self._shows(load, state, seen)
                shed.append(Shed(name, load.priority, saving, state.changed or 0, stays, ready, shows))
            if wished > state.step or stays <= load.lag or not state.may_shed(load, seen, now, tick.minute):
                continue
            for further in range(state.step + 1, len(load.steps) + 1):
                saving = drew - load.steps[further - 1] - state.saving(load, state.step)
                if worth_it(saving):
                    deeper[name] = further
                    candidates.append(Candidate(name, load.priority, saving, load.lag, stays, state.off_ms))
                    break
        settled = not tick.warned and now >= self._settled
        verdict = decide(window, self.forecast, now + self._skew, shed, candidates, settled=settled)
        for name in verdict.shed:
            self.states[name].limit_step = deeper[name]
        for name in verdict.back:
            self.states[name].limit_step = 0
        worst = max(verdict.needs, key=lambda need: need.expected)
        end = worst.deadline.at - self._skew
        over = max(0, worst.expected) // max(1, worst.deadline.at - now - self._skew)
        for name, state in self.states.items():
            if state.limit_step:
                new = state.limit_step > state.step
                reason = Reason.EXPECTED if new else Reason.NO_ROOM
                figures = {"limit": window.limit, "over": over} if new else {"limit": window.limit}
                asked[name].append(Asked(state.limit_step, Source.LIMIT, reason, end if new else None, figures=figures))

    def _shows(self, load: Load, state: LoadState, seen: Seen) -> bool:
        """Tell whether the last reading can tell already that a load is off; one that is seen on may be slow."""
        if self._taken is None or state.commanded is None:
            return False
        lags = _SLOW if seen.step == 0 else 1
        return self._taken >= state.commanded + lags * load.lag

    def _stays(self, name: str, now: int) -> int:
        """Return for how long a load can be off from now on (ms)."""
        load, due = self.loads[name], self.states[name].returns_at(self.loads[name])
        if due is not None:
            return max(0, due - now)
        return _EVER_MS if load.max_off is None else load.max_off

    def _stand_still(self, tick: Tick, asked: dict[str, list[Asked]], *, blind: bool) -> None:
        """Without a meter: keep what is shed for a while, and shed what the user allowed; give back one by one."""
        now = tick.now
        silent_ms = now - (self._begun if self._heard is None else self._heard)
        ready: list[str] = []
        for name, load in self.loads.items():
            state, seen = self.states[name], tick.seen.get(name, GONE)
            if self._blind is Blind.SHED and load.when_blind and self._heard is not None:
                if state.step or state.may_shed(load, seen, now, tick.minute):
                    state.limit_step = len(load.steps)
            elif state.limit_step and (bool(asked[name]) or (seen.available and state.may_return(load, now))):
                ready.append(name)
        if (silent_ms > _BLIND_MS or not blind) and now >= self._settled and ready:
            back = max(ready, key=lambda name: (not asked[name], self.loads[name].priority, name))
            self.states[back].limit_step = 0
        for name, state in self.states.items():
            if state.limit_step:
                asked[name].append(Asked(state.limit_step, Source.LIMIT, Reason.BLIND, None))

    def _command(self, command: Command, tick: Tick, *, alone: bool) -> None:
        """Note a command before it is given."""
        load, state = self.loads[command.load], self.states[command.load]
        seen = tick.seen.get(load.id, GONE)
        calm = self._commanded is None or tick.now - self._commanded >= EFFECT_MS
        untouched = not state.step
        state.set_step(command.step, state.draws(load, seen), tick.now)
        self._trial = None
        if not command.step:
            self._settled = max(self._settled, tick.now + max(_SETTLE_MS, _FRAMES_MS + load.lag))
        elif alone and calm and untouched and seen.power is None and self.window is not None:
            self._trial = Trial(load, state, tick.now, self.window.power, state.saving(load, command.step))

    def _draws(self, name: str, tick: Tick) -> int:
        """Return what a load draws, as far as is seen; one that is shed and seen so draws what its step leaves."""
        state, load, seen = self.states[name], self.loads[name], tick.seen.get(name, GONE)
        if not seen.available:
            return 0
        if state.step:
            told = seen.step
            if told is None and tick.now - (state.commanded or 0) >= load.lag:
                told = state.step  # it is not to be seen: it did as it was told
            if tick.mode is Mode.OBSERVE:
                told = state.step
            return state.drew - state.saving(load, min(told or 0, state.step))
        return state.draws(load, seen)

    @property
    def _shed(self) -> int:
        return sum(self.states[name].saving(self.loads[name], self.states[name].step) for name in self._reachable)
