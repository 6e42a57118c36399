"""Mornings in which everything goes wrong at once: whatever happens, no load is left off, and no other is called."""

import json
from random import Random
from typing import Any

from closed_loop import LOADS, Loop
from conftest import Player
from homeassistant.components.input_boolean import DOMAIN as INPUT_BOOLEAN
from homeassistant.const import ATTR_ENTITY_ID, EVENT_CALL_SERVICE, STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import Context, Event, callback
from homeassistant.setup import async_setup_component
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

PEAK = "2026-01-14T08:20:00+01:00"
MAX_OFF_MIN = 8
TICK_S = 10
SOMEBODY = "an automation, or a user"
NAMES = tuple(LOADS)
STRANGER = "input_boolean.stranger"


class Chaos:
    """Tells a story, and watches what becomes of the loads."""

    def __init__(self, loop: Loop, seed: int, stored: dict[str, Any]) -> None:
        """Make the story of a seed."""
        self.loop, self.hass, self.random, self.stored = loop, loop.hass, Random(seed), stored
        self.called: set[str] = set()
        self.wanted = dict.fromkeys(NAMES, STATE_ON)
        """What each load was before it was shed, or where a user put it."""
        self.gone: dict[str, str] = {}
        """Loads out of reach, with the state that they have in truth."""
        self.off_since: dict[str, float] = {}
        self.forced_until = 0.0
        self.told: list[str] = []
        self.hass.bus.async_listen(EVENT_CALL_SERVICE, self._call)

    @callback
    def _call(self, event: Event) -> None:
        """Note which loads are called by nobody else."""
        data = event.data
        if data["domain"] in (INPUT_BOOLEAN, "homeassistant") and event.context.parent_id != SOMEBODY:
            names = data["service_data"].get(ATTR_ENTITY_ID, ())
            self.called.update([names] if isinstance(names, str) else names)

    @property
    def now(self) -> float:
        """The time (s)."""
        return self.loop.player.host.timestamp()

    def state(self, name: str) -> str:
        """Return what is seen of a load."""
        found = self.hass.states.get(f"{INPUT_BOOLEAN}.{name}")
        assert found
        return found.state

    async def play(self, events: int) -> None:
        """Let things happen, with some time in between."""
        happenings = (
            self.user,
            self.user,
            self.vanish,
            self.vanish,
            self.deafen,
            self.hands_off,
            self.master,
            self.mode,
            self.order,
            self.order,
            self.silence,
            self.reload,
            self.crash,
            self.crash,
        )
        for _ in range(events):
            happening = self.random.choice(happenings)
            self.told.append(happening.__name__)
            await happening()
            await self.loop.run(self.random.choice((0.1, 0.3, 0.8, 2)), until=self.look)

    def look(self) -> None:
        """See that no load is off for too long, and that no other was called."""
        assert STRANGER not in self.called
        for name in NAMES:
            ours = self.state(name) == STATE_OFF and self.wanted[name] == STATE_ON and name not in self.loop.deaf
            if not ours:
                self.off_since.pop(name, None)
                continue
            since = self.off_since.setdefault(name, self.now)
            if self.now > self.forced_until + MAX_OFF_MIN * 60:
                assert self.now - since <= MAX_OFF_MIN * 60 + TICK_S, (name, self.told)

    async def user(self) -> None:
        """A user switches a load."""
        name = self.random.choice(NAMES)
        if name in self.gone or name in self.loop.deaf:
            return
        to = self.random.choice((STATE_ON, STATE_OFF))
        if to == self.state(name):
            return  # he does nothing
        self.wanted[name] = to
        await self.hass.services.async_call(
            INPUT_BOOLEAN,
            f"turn_{to}",
            {ATTR_ENTITY_ID: f"{INPUT_BOOLEAN}.{name}"},
            blocking=True,
            context=Context(parent_id=SOMEBODY),
        )
        await self.hass.async_block_till_done()
        await self.loop.run(0.1)  # it is seen

    async def vanish(self) -> None:
        """A load gets out of reach, or comes back as it was."""
        name = self.random.choice(NAMES)
        entity_id = f"{INPUT_BOOLEAN}.{name}"
        if name in self.gone:
            self.hass.states.async_set(entity_id, self.gone.pop(name))
        else:
            self.gone[name] = self.state(name)
            self.hass.states.async_set(entity_id, STATE_UNAVAILABLE)
        await self.hass.async_block_till_done()

    async def deafen(self) -> None:
        """A load takes commands and does nothing, or hears again."""
        name = self.random.choice(NAMES)
        if name not in self.loop.deaf and name not in self.gone and self.state(name) == STATE_ON:
            self.loop.deaf.add(name)
            self.loop.stubborn.add(name)
        else:
            self.loop.deaf.discard(name)
            self.loop.stubborn.discard(name)

    async def hands_off(self) -> None:
        """The switch of a load is turned."""
        load = self.random.choice([*self.loop.building.handovers])
        await self.loop.building.async_set_managed(load, managed=self.random.random() < 0.6)

    async def master(self) -> None:
        """The master switch is turned."""
        await self.loop.building.async_set_on(on=self.random.random() < 0.7)

    async def mode(self) -> None:
        """It is observed only, or limited."""
        await self.loop.building.async_set_mode(self.random.choice((Mode.OBSERVE, Mode.LIMIT, Mode.LIMIT)))

    async def order(self) -> None:
        """An action sheds or restores loads."""
        forced = self.random.random() < 0.2
        if self.random.random() < 0.3 or not self.loop.building.kept.on:
            await self.loop.building.async_restore()
            return
        data: dict[str, Any] = {"duration": {"minutes": self.random.randint(1, 4)}, "force": forced}
        if forced:
            self.forced_until = max(self.forced_until, self.now + 240)
        if self.random.random() < 0.5:
            data["power"] = self.random.randint(1, 20)
        await self.hass.services.async_call(
            DOMAIN,
            "shed_loads",
            {"config_entry_id": self.loop.entry.entry_id, **data},
            blocking=True,
            return_response=True,
        )
        await self.hass.async_block_till_done()

    async def silence(self) -> None:
        """The meter falls silent, or is heard again."""
        self.loop.silent = not self.loop.silent

    async def reload(self) -> None:
        """The entry is reloaded: all that can be reached is given back."""
        assert await self.hass.config_entries.async_unload(self.loop.entry.entry_id)
        self.settled()
        await self.again()

    async def crash(self) -> None:
        """Home Assistant is killed: the next run has only what was stored by then."""
        building = self.loop.building
        key = f"{DOMAIN}.{self.loop.entry.entry_id}"
        kept = json.dumps(self.stored[key])
        # What a dead process would do at its end is not done.
        building._ready = False
        building.kept.before = {}
        before = {name: self.state(name) for name in NAMES}
        assert await self.hass.config_entries.async_unload(self.loop.entry.entry_id)
        assert {name: self.state(name) for name in NAMES} == before
        self.stored[key] = json.loads(kept)
        await self.again()

    async def again(self) -> None:
        """Set the entry up."""
        assert await self.hass.config_entries.async_setup(self.loop.entry.entry_id)
        await self.hass.async_block_till_done()

    def settled(self) -> None:
        """See that each load that can be reached is where it was, or where a user put it."""
        for name in NAMES:
            if name not in self.gone and name not in self.loop.deaf:
                assert self.state(name) == self.wanted[name], (name, self.told)

    async def end(self) -> None:
        """All comes back within reach, hears again, and is given back."""
        self.loop.deaf.clear()
        self.loop.stubborn.clear()
        await self.loop.building.async_set_on(on=False)
        await self.hass.async_block_till_done()
        for name in [*self.gone]:
            self.hass.states.async_set(f"{INPUT_BOOLEAN}.{name}", self.gone.pop(name))
        await self.loop.run(5)
        self.settled()
        assert self.loop.building.kept.before == {}
        assert await self.hass.config_entries.async_unload(self.loop.entry.entry_id)
        self.settled()
        assert self.called <= {f"{INPUT_BOOLEAN}.{name}" for name in NAMES}


@pytest.mark.parametrize("seed", range(8))
async def test_a_morning_of_troubles(player: Player, hass_storage: dict[str, Any], seed: int) -> None:
    """Twenty troubles each: users, radio, reloads, crashes, silence; and an end at which all is as it should be."""
    loop = await Loop.begin(player, start=PEAK, max_off=MAX_OFF_MIN, min_off=1, min_on=1)
    assert await async_setup_component(player.hass, "homeassistant", {})
    player.hass.states.async_set(STRANGER, STATE_ON)
    chaos = Chaos(loop, seed, hass_storage)
    await loop.run(8)
    await chaos.play(20)
    await chaos.end()
