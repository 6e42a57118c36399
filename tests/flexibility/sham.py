"""Loads that obey at once and would always draw the same, under the real controller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from said import MINUTE, PARIS

from custom_components.flex_ready.control.controller import Controller
from custom_components.flex_ready.control.load import Seen
from custom_components.flex_ready.control.orders import Decision, Mode, Reading, Tick, Wish
from custom_components.flex_ready.control.window import Kind
from custom_components.flex_ready.flexibility.shares import LoadFacts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def ms(at: datetime | timedelta) -> int:
    """Return an instant, or a span, in ms."""
    return (at - EPOCH if isinstance(at, datetime) else at) // MS


@dataclass
class Sham:
    """Loads that obey at once and would always draw the same, under a real controller."""

    controller: Controller
    draws: Mapping[str, int]
    seen: Mapping[str, Seen]
    metered: bool
    now: datetime
    warned: bool = False
    limit: int = 10**9
    hands: set[str] = field(default_factory=set)
    """Loads that somebody switched back: they are seen untouched."""

    def step(self, now: datetime, wishes: Sequence[Wish] = ()) -> Decision:
        """Tick."""
        self.now = now
        local = now.astimezone(PARIS)
        reading = None
        if self.metered:
            power = sum(self.draws.values()) - self.gives([*self.draws])
            reading = Reading(kind=Kind.INSTANT, limit=self.limit, td=1, meter_at=ms(now), heard=ms(now), power=power)
        return self.controller.step(
            Tick(
                now=ms(now),
                minute=local.hour * 60 + local.minute,
                day=local.toordinal(),
                mode=Mode.LIMIT,
                seen={name: self._seen(name) for name in self.draws},
                reading=reading,
                warned=self.warned,
                wishes=tuple(wishes),
            )
        )

    def _seen(self, name: str) -> Seen:
        step, load = self.controller.states[name].step, self.controller.loads[name]
        if name in self.hands:
            return replace(self.seen[name], power=self.draws[name], step=0)
        power = load.steps[step - 1] if step else self.draws[name]
        seen = self.seen[name]
        return replace(seen, power=power, step=step or seen.step, sheddable=seen.sheddable and not step)

    def gives(self, names: Sequence[str]) -> int:
        """Return what some loads draw less than they would."""
        states, loads = self.controller.states, self.controller.loads
        return sum(self.draws[one] - loads[one].steps[states[one].step - 1] for one in names if states[one].step)

    def facts(self) -> dict[str, LoadFacts]:
        """Return what is known of the loads now."""
        loads, states = self.controller.loads, self.controller.states
        return {name: LoadFacts(load=loads[name], state=replace(states[name]), seen=self._seen(name)) for name in loads}

    def run(self, end: datetime) -> list[datetime]:
        """Return the instants until an end at which a building looks: each minute, and when something falls due."""
        due = self.controller.next_due(ms(self.now))
        at = self.now + MINUTE
        return [min(at, end, EPOCH + due * MS if due else end)] if self.now < end else []
