"""A building in a closed loop: the emulated one draws, its meter tells, Home Assistant decides, the loads follow.

Time is played: a morning takes seconds. The frames reach the meter's entry piece by piece, as a wire brings them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conftest import Player
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.flex_ready.building.coordinator import BuildingCoordinator
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode
from emulator.meter import MeterConfig
from emulator.meter.clock import SECOND, instant
from emulator.meter.source import EmulatedSource
from emulator.meter.wire import FRAME_GAP_US

LOADS = {"heat_pump": 3, "water_heater": 1, "ventilation": 4, "ev_charger": 2, "lighting": 9}
"""The end uses of the emulated building, with their priorities."""
NOMINAL_W = {
    "heat_pump": 12_000,
    "water_heater": 6_000,
    "ventilation": 4_000,
    "ev_charger": 11_000,
    "lighting": 3_000,
}
_SLICES = 4


def load_data(entity_id: str, **changes: object) -> dict[str, object]:
    """Give what the flow keeps of a load that is switched off."""
    return {
        "entity": entity_id,
        "method": "off",
        "priority": 5,
        "nominal_w": 1000,
        "min_on": 2,
        "min_off": 2,
        "max_off": 30,
        **changes,
    }


def building_entry(
    meter_entry: str, loads: Iterable[tuple[str, dict[str, object]]], **changes: object
) -> MockConfigEntry:
    """Make the entry of a building as the flow makes it; loads are (title, data)."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="School",
        unique_id=f"building_{meter_entry}",
        data={
            "kind": "building",
            "meter_entry": meter_entry,
            "window": "automatic",
            "td": 0,
            "limit": 0,
            "blind_policy": "hold",
            **changes,
        },
        subentries_data=[
            ConfigSubentryData(data=data, subentry_type="load", title=title, unique_id=title) for title, data in loads
        ],
    )


@dataclass
class Loop:
    """A school day behind a PME-PMI, with the loads as input booleans."""

    player: Player
    source: EmulatedSource
    clock: int
    entry: MockConfigEntry
    drawn: list[tuple[int, int]] = field(default_factory=list)
    """Apparent power (VA) in the seconds of the meter's clock."""
    commands: list[tuple[datetime, str, bool]] = field(default_factory=list)
    """Each change of a load: when, which, whether on."""
    deaf: set[str] = field(default_factory=set)
    """Loads that take a command and do nothing."""
    stubborn: set[str] = field(default_factory=set)
    """Loads whose entity goes on again at once."""
    silent: bool = False

    @property
    def hass(self) -> HomeAssistant:
        """Home Assistant."""
        return self.player.hass

    @property
    def building(self) -> BuildingCoordinator:
        """The runtime of the building."""
        found: BuildingCoordinator = self.entry.runtime_data
        return found

    @classmethod
    async def begin(
        cls,
        player: Player,
        *,
        start: str,
        mode: Mode = Mode.LIMIT,
        config: MeterConfig | None = None,
        **changes: object,
    ) -> Loop:
        """Set up the meter, the loads and the building, at a local time."""
        moment = datetime.fromisoformat(start)
        config = config or MeterConfig(start=moment, td=5)
        source = EmulatedSource(config)
        clock = instant(moment)
        player.host = moment
        player.freezer.move_to(moment)
        hass = player.hass
        first = source.next_frame()
        clock += first.duration_us + FRAME_GAP_US
        source.advance(clock)
        meter = await player.load(first.data)
        names = {f"{name}": {"name": name, "initial": True} for name in LOADS}
        assert await async_setup_component(hass, "input_boolean", {"input_boolean": names})
        loads = [
            (
                name,
                load_data(f"input_boolean.{name}", priority=priority, nominal_w=NOMINAL_W[name], **changes),
            )
            for name, priority in LOADS.items()
        ]
        entry = building_entry(meter.entry_id, loads)
        loop = cls(player, source, clock, entry)
        async_track_state_change_event(hass, [f"input_boolean.{name}" for name in LOADS], loop._switched)
        await loop.set_up(mode)
        return loop

    async def set_up(self, mode: Mode) -> None:
        """Set the building up."""
        if self.entry.entry_id not in {entry.entry_id for entry in self.hass.config_entries.async_entries(DOMAIN)}:
            self.entry.add_to_hass(self.hass)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()
        await self.building.async_set_mode(mode)

    async def run(self, minutes: float, until: Callable[[], object] = lambda: False) -> None:
        """Let the building run."""
        end = self.player.host + timedelta(minutes=minutes)
        while self.player.host < end and not until():
            await self._frame()

    async def _frame(self) -> None:
        frame = self.source.next_frame()
        step = len(frame.data) // _SLICES + 1
        seconds = (frame.duration_us + FRAME_GAP_US) / SECOND / _SLICES
        for i in range(_SLICES):
            self.player.pass_time(seconds)
            self.clock += round(seconds * SECOND)
            self.source.advance(self.clock)
            self.drawn.append((self.clock // SECOND, self.source.building.power(self.clock).apparent_va))
            if not self.silent:
                self.player.coordinator._take(frame.data[i * step : (i + 1) * step])
            async_fire_time_changed(self.hass, self.player.host)
            await self.hass.async_block_till_done()

    @callback
    def _switched(self, event: Event[EventStateChangedData]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if old is None or new is None or old.state == new.state:
            return
        name = new.object_id
        on = new.state == "on"
        self.commands.append((self.player.host, name, on))
        if name not in self.deaf:
            self.source.building.loads[name].on = on
        if name in self.stubborn and not on:
            self.hass.states.async_set(new.entity_id, "on", new.attributes)

    @property
    def overruns(self) -> list[int]:
        """The mean apparent power of each minute's last Td that was over the subscribed power (VA)."""
        limit, td = self.source.config.subscribed * 1000, self.source.config.td_min
        minutes: dict[int, list[int]] = {}
        for second, va in self.drawn:
            minutes.setdefault(second // 60, []).append(va)
        # The first and the last minute are not whole.
        means = [sum(one) / len(one) for _, one in sorted(minutes.items())][1:-1]
        windows = [sum(means[i - td : i]) / td for i in range(td, len(means) + 1)]
        return [round(mean) for mean in windows if mean > limit]

    def is_on(self, name: str) -> bool:
        """Tell whether a load of the emulated building is on."""
        return self.source.building.loads[name].on

    def changes(self, name: str | None = None) -> list[tuple[str, bool]]:
        """Return which loads changed in which order, or how one did."""
        return [(load, on) for _, load, on in self.commands if name in (None, load)]
