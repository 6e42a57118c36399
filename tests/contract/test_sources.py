"""The readings of a site come from a meter, an entity or a remote BACS, in a real Home Assistant."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
import json
from typing import override

from conftest import PME_PMI, Player
from fleets import HOUR, MINUTE, MORNING, Fleet, fleet, remote
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_fire_time_changed,
)
from remote import ASSET, BACS, Remote, status

from custom_components.flex_ready.contract.entity_source import EntitySource
from custom_components.flex_ready.contract.meter_source import MeterSource
from custom_components.flex_ready.contract.remote_source import RemoteSource
from custom_components.flex_ready.contract.source import Kept, Running, Source
from custom_components.flex_ready.contract.source_store import SourceStore
from custom_components.flex_ready.flexibility.model import Consumed, Consumption, Quality as Told
from custom_components.flex_ready.settlement.cutting import TEN_MINUTES
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.model import STEP, Quality, Reading
from custom_components.flex_ready.slots import Series, Slot
from emulator.meter import MeterConfig
from emulator.meter.source import EmulatedSource

__all__ = ["fleet", "remote"]

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
MISSING = Reading(None, Quality.MISSING)
METERS = {
    "pme_pmi": MeterConfig(),
    "pme_pmi_producer": MeterConfig(producer=True),
    "saphir": MeterConfig(meter="saphir"),
    "ice": MeterConfig(meter="ice"),
    "linky_historique": MeterConfig(meter="linky-historique"),
    "linky_standard": MeterConfig(meter="linky-standard"),
    "linky_standard_producer": MeterConfig(meter="linky-standard", producer=True),
}
SERIALS = {"pme-pmi": PME_PMI, "linky-historique": "042164296031", "linky-standard": "042164296031"}


def estimated(wh: int) -> Reading:
    """Return an estimate."""
    return Reading(wh, Quality.ESTIMATED)


@dataclass
class Heard:
    """What a source told."""

    steps: dict[timedelta, dict[datetime, Reading]] = field(default_factory=dict)

    def __call__(self, length: timedelta, readings: Mapping[datetime, Reading]) -> None:
        """Take it."""
        self.steps.setdefault(length, {}).update(readings)

    @property
    def halves(self) -> dict[datetime, Reading]:
        """The half-hours."""
        return self.steps.get(STEP, {})

    async def known(self, start: datetime, end: datetime) -> LoadCurve:
        """Return what is there of a stretch, as a ledger does."""
        return LoadCurve({at: reading for at, reading in self.halves.items() if start <= at < end})


def through_json(source: Source) -> Kept:
    """Return what a source has to know after a restart, as it is read again."""
    kept: Kept = json.loads(json.dumps(source.kept()))
    return kept


# Meters.


@dataclass
class Metered:
    """An emulated meter, of which a frame is heard every ten seconds."""

    player: Player
    config: MeterConfig
    meter: EmulatedSource = field(init=False)
    truth: dict[datetime, Fraction] = field(default_factory=dict)
    """Net Wh that were drawn before the edges of half-hours."""

    async def load(self) -> None:
        """Set its entry up."""
        self.meter = EmulatedSource(self.config)
        await self.player.load(
            self.meter.next_frame().data,
            meter=self.config.meter.replace("-", "_"),
            serial=SERIALS.get(self.config.meter),
        )

    async def play(self, seconds: int, *, heard: bool = True) -> None:
        """Let time pass."""
        for _ in range(seconds // 10):
            after = self.player.host + timedelta(seconds=10)
            self.meter.advance(self.meter.meter.now + 10_000_000)
            if after.timestamp() % 1800 == 0:
                total = self.meter.meter.total
                self.truth[after] = Fraction(total.ea_s - total.ea_i, 3600 * 10**6)
            if heard:
                await self.player.take(self.meter.next_frame().data, 10)
            else:
                self.player.pass_time(10)

    def drawn(self, start: datetime) -> float:
        """Return what was drawn in a half-hour (Wh)."""
        return float(self.truth[start + STEP] - self.truth[start])


@pytest.mark.parametrize("config", METERS.values(), ids=METERS)
async def test_a_meter_measures_half_hours(player: Player, config: MeterConfig) -> None:
    """Each meter by what it counts, to 0.1 % of what was really drawn, and to two Wh where it has an index."""
    metered, heard = Metered(player, config), Heard()
    await metered.load()
    source = MeterSource(player.hass, player.entry, heard)
    await source.async_start()
    start = datetime(2026, 1, 12, 7, 30, tzinfo=UTC)
    await metered.play(3500)
    reading = heard.halves[start]
    assert reading.quality is Quality.MEASURED
    assert reading.wh == pytest.approx(metered.drawn(start), rel=0.001)
    if config.linky:
        assert reading.wh == pytest.approx(metered.drawn(start), abs=2)
    tens = [heard.steps[TEN_MINUTES][start + i * TEN_MINUTES].wh or 0 for i in range(3)]
    assert sum(tens) == reading.wh
    assert heard.halves[start - STEP] == MISSING or (heard.halves[start - STEP].wh or 0) > 0
    running = source.running(player.host)
    assert running.start == start + STEP
    assert running.wh is not None
    assert running.watts is not None
    assert running.watts == pytest.approx(metered.meter.meter.power.active_w, rel=0.3, abs=100)
    await source.async_stop()
    told = dict(heard.halves)
    await metered.play(1900)
    assert heard.halves == told


async def test_a_meter_that_is_read_again(player: Player) -> None:
    """After a restart in the middle of a half-hour, what it counted meanwhile is there."""
    metered, heard = Metered(player, MeterConfig(meter="linky-standard")), Heard()
    await metered.load()
    source = MeterSource(player.hass, player.entry, heard)
    await source.async_start()
    await metered.play(2400)
    kept = through_json(source)
    await source.async_stop()
    assert await player.hass.config_entries.async_unload(player.entry.entry_id)
    await metered.play(240, heard=False)
    await player.again(metered.meter.next_frame().data)
    again = MeterSource(player.hass, player.entry, heard, kept)
    await again.async_start()
    await metered.play(1200)
    start = datetime(2026, 1, 12, 7, 30, tzinfo=UTC)
    assert heard.halves[start].quality is Quality.MEASURED
    assert heard.halves[start].wh == pytest.approx(metered.drawn(start), abs=3)
    await again.async_stop()


async def test_a_meter_that_is_not_there(player: Player) -> None:
    """Nothing is told, nothing is known; it is followed when it is set up, and through an unloading."""
    metered, heard = Metered(player, MeterConfig(meter="linky-standard")), Heard()
    await metered.load()
    assert await player.hass.config_entries.async_unload(player.entry.entry_id)
    source = MeterSource(player.hass, player.entry, heard)
    await source.async_start()
    start = datetime(2026, 1, 12, 7, tzinfo=UTC)
    assert source.running(player.host) == Running(start, start)
    await player.again(metered.meter.next_frame().data)
    await metered.play(3600)
    assert heard.halves[start + STEP].quality is Quality.MEASURED
    await source.async_stop()


# Entities.


@dataclass
class Entities:
    """Entities that are set at times of a clock."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    heard: Heard = field(default_factory=Heard)
    now: datetime = NOON - MINUTE

    async def to(self, minutes: float) -> None:
        """Let the time come, some minutes after noon, with the edges in between."""
        until = NOON + minutes * MINUTE
        edge = self.now
        while (edge := edge + TEN_MINUTES - (edge - NOON) % TEN_MINUTES) + timedelta(seconds=5) <= until:
            self.freezer.move_to(edge + timedelta(seconds=5))
            async_fire_time_changed(self.hass, edge + timedelta(seconds=5))
            await self.hass.async_block_till_done()
        self.freezer.move_to(until)
        self.now = until

    async def say(
        self, minutes: float, state: object, unit: str = "kWh", name: str = "sensor.energy", **more: str
    ) -> None:
        """Have an entity say something at a time."""
        await self.to(minutes)
        self.hass.states.async_set(name, str(state), {"unit_of_measurement": unit, **more})
        await self.hass.async_block_till_done()


@pytest.fixture
def entities(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Entities:
    """Entities just before noon."""
    freezer.move_to(NOON - MINUTE)
    return Entities(hass, freezer)


async def test_an_energy_entity(entities: Entities) -> None:
    """In kWh, told again and again though it does not change, then gone, then there again."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    await entities.say(-1, "1000.000")
    await source.async_start()
    for minute in range(30):
        await entities.say(minute + 0.5, "1000.250")
    await entities.say(31, "1000.2505")
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: Reading(84)}
    assert source.running(NOON + 31 * MINUTE) == Running(NOON + STEP, NOON + 31 * MINUTE, 0)
    await entities.say(40, "unavailable")
    await entities.say(50, "1000.6505")
    await entities.say(59, "1001.0505")
    await entities.say(61, "1001.1505")
    assert entities.heard.halves[NOON + STEP] == Reading(850)
    assert entities.heard.steps[TEN_MINUTES][NOON + 40 * MINUTE] == estimated(211)
    assert source.running(NOON + 95 * MINUTE) == Running(NOON + 3 * STEP, NOON + 3 * STEP)
    await source.async_stop()
    await entities.say(95, "1009")
    assert len(entities.heard.halves) == 3


async def test_an_energy_entity_that_says_nothing_for_long(entities: Entities) -> None:
    """It is where it was, which is an estimate; units are those of energy, and a day's counter begins anew."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    kind = {"state_class": "total_increasing"}
    await entities.say(-1, 2, "MWh", **kind)
    await source.async_start()
    await entities.to(62)
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(0), NOON + STEP: estimated(0)}
    await entities.say(63, "2.0003", "MWh", **kind)
    await entities.say(89, "2.0003", "MWh", **kind, note="a")
    await entities.say(91, "0.0001", "MWh", **kind)
    await entities.say(92, "0.0002", "MWh", **kind)
    assert entities.heard.halves[NOON + 2 * STEP] == estimated(350)
    await source.async_stop()


@pytest.mark.parametrize(("resets", "step"), [(True, estimated(350)), (False, MISSING)])
async def test_an_energy_entity_that_is_reset(entities: Entities, resets: bool, step: Reading) -> None:  # noqa: FBT001
    """A `total` that falls is of another meter, unless it is one that says when it was reset."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    kind = {"state_class": "total"}
    day, next_day = ({"last_reset": f"2026-04-0{day}"} if resets else {} for day in (1, 2))
    await entities.say(-1, 2, "MWh", **kind, **day)
    await source.async_start()
    await entities.to(62)
    await entities.say(63, "2.0003", "MWh", **kind, **day)
    await entities.say(89, "2.0003", "MWh", **kind, **day, note="a")
    await entities.say(91, "0.0001", "MWh", **kind, **next_day)
    await entities.say(92, "0.0002", "MWh", **kind, **next_day)
    assert entities.heard.halves[NOON + 2 * STEP] == step
    await source.async_stop()


async def test_an_energy_entity_over_a_restart(entities: Entities) -> None:
    """What came meanwhile is known in total, and marked."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    await entities.say(-1, "10")
    await source.async_start()
    await entities.say(1, "10.020")
    await entities.say(20, "10.210")
    store = SourceStore(entities.hass, "entry")
    store.keep("site", source)
    await store.async_save()
    await source.async_stop()
    entities.hass.states.async_remove("sensor.energy")
    await entities.to(35)
    again = SourceStore(entities.hass, "entry")
    await again.async_load()
    source = EntitySource(entities.hass, entities.heard, "sensor.energy", kept=again.of("site"))
    await source.async_start()
    await entities.say(40, "10.410")
    await entities.say(59, "10.600")
    await entities.say(61, "10.620")
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(300), NOON + STEP: estimated(300)}
    await source.async_stop()
    await again.async_remove()
    gone = SourceStore(entities.hass, "entry")
    await gone.async_load()
    assert gone.of("site") is None


async def test_an_energy_entity_over_a_reload(entities: Entities) -> None:
    """What it told before is not told again, though it stands there still: the half-hour that runs goes on."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    await entities.say(-1, "10")
    await source.async_start()
    await entities.say(1, "10.020")
    await entities.say(3, "10.040")
    await entities.to(14)
    kept = through_json(source)
    await source.async_stop()
    source = EntitySource(entities.hass, entities.heard, "sensor.energy", kept=kept)
    await source.async_start()
    await entities.say(29, "10.300")
    await entities.say(31, "10.320")
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(300)}
    await source.async_stop()


async def test_what_is_injected_over_a_restart(entities: Entities) -> None:
    """A night without sun: what was withdrawn meanwhile waits for it, also while Home Assistant is started again."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy", "sensor.injected")
    await entities.say(-1, "500", "kWh", "sensor.injected")
    await entities.say(-1, "10")
    await source.async_start()
    for minute in (1, 29, 31, 59, 61):
        await entities.say(minute, f"{10 + (minute + 1) / 100:.3f}")
        entities.hass.states.async_set("sensor.injected", "unavailable")
    assert entities.heard.halves == {}
    kept = through_json(source)
    await source.async_stop()
    source = EntitySource(entities.hass, entities.heard, "sensor.energy", "sensor.injected", kept)
    await source.async_start()
    await entities.say(70, "500", "kWh", "sensor.injected")
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(300), NOON + STEP: estimated(300)}
    await source.async_stop()


@pytest.mark.parametrize("unit", ["W", "GW"])
async def test_a_power_that_no_site_has(entities: Entities, unit: str) -> None:
    """Is none: it is neither kept nor added to those of others."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    await entities.say(-1, "600", "W")
    await source.async_start()
    await entities.say(10, "-1e18", unit)
    await entities.say(12, "600", "W")
    await entities.to(31)
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(300)}
    await source.async_stop()


async def test_a_power_entity(entities: Entities) -> None:
    """Its power holds until another is told; all of it is an estimate, and an outage is missing."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    await entities.say(-1, "1.2", "kW")
    await source.async_start()
    await entities.say(15, "2.4", "kW")
    await entities.to(31)
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(900)}
    assert source.running(NOON + 31 * MINUTE) == Running(NOON + STEP, NOON + 30 * MINUTE, 0, 2400)
    await entities.say(40, "unknown", "kW")
    await entities.say(50, "0", "kW")
    await entities.to(91)
    assert entities.heard.halves[NOON + STEP] == MISSING
    assert entities.heard.halves[NOON + 2 * STEP] == estimated(0)
    await source.async_stop()


async def test_what_is_injected_is_taken_off(entities: Entities) -> None:
    """By another entity, each in its own time."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy", "sensor.injected")
    for minute in range(-1, 34, 2):
        await entities.say(minute, 1000 + 20 * (minute + 1), "Wh")
        if minute == -1:
            await source.async_start()
        await entities.say(minute + 1, 500 + 30 * (minute + 1), "Wh", "sensor.injected")
    assert entities.heard.halves == {NOON: Reading(-300)}
    running = source.running(NOON + 34 * MINUTE)
    assert (running.start, running.until, running.wh) == (NOON + STEP, NOON + 33 * MINUTE, -60)
    await source.async_stop()


@pytest.mark.parametrize("state", ["much", "nan", "1e999999999", "1/0", "5" * 50, ""])
async def test_an_entity_that_says_nonsense(entities: Entities, state: str) -> None:
    """Has said nothing."""
    source = EntitySource(entities.hass, entities.heard, "sensor.energy")
    await entities.say(-1, "1")
    await source.async_start()
    await entities.say(15, state)
    await entities.say(20, "3", "kvarh")
    await entities.say(29.9, "1.3")
    await entities.say(30.1, "1.302")
    assert entities.heard.halves == {NOON - STEP: MISSING, NOON: estimated(301)}
    await source.async_stop()


# Remote BACS.


class Curved(Remote):
    """A BACS with a curve of five minutes, from a day on; some of it is missing, or measured in part."""

    began = MORNING - timedelta(days=3)
    lacks: tuple[datetime, ...] = ()
    partial: tuple[datetime, ...] = ()
    watts: Mapping[datetime, Decimal] = {}

    @override
    def _drawn(self, edges: Sequence[datetime]) -> Consumption:
        start, end = edges
        slots = []
        at = max(start, self.began)
        while (after := at + 5 * MINUTE) <= min(end, self.clock()):
            if at not in self.lacks:
                part = at in self.partial
                quality = Told.PARTIAL if part else Told.MEASURED
                power = self.watts.get(at, Decimal(12_000))
                consumed = Consumed(power=power, energy=Decimal(1) if part else power / 12, quality=quality)
                slots.append(Slot(at, after, consumed))
            at = after
        return Consumption(steps=Series(tuple(slots)))


@pytest.fixture
async def curved(socket_enabled: None, freezer: FrozenDateTimeFactory) -> AsyncIterator[Curved]:
    """A BACS with a curve."""
    server = Curved(clock=lambda: datetime.now(UTC))
    await server.start()
    yield server
    await server.stop()


def source_of(fleet: Fleet, heard: Heard) -> RemoteSource:
    """Make the source of the first site."""
    return RemoteSource(fleet.hass, fleet.entry, fleet.site.id, (BACS, ASSET), heard, heard.known, second=7)


async def asked(fleet: Fleet, when: datetime) -> None:
    """Let the time come at which it asks."""
    await fleet.to(when.replace(second=7))


async def test_a_remote_site_is_caught_up_with(fleet: Fleet, curved: Curved) -> None:
    """All that its BACS has, half-hour by half-hour, then what is new."""
    fleet.remote = curved
    curved.lacks = (MORNING - timedelta(hours=20),)
    curved.partial = (MORNING - timedelta(hours=10),)
    await fleet.load()
    heard = Heard()
    source = source_of(fleet, heard)
    await source.async_start()
    await fleet.settle()
    assert len(heard.halves) == 3 * 48 + 14  # the first day from midnight on
    assert heard.halves[MORNING - STEP] == Reading(6000)
    assert heard.halves[MORNING - timedelta(hours=20)] == MISSING
    assert heard.halves[MORNING - timedelta(hours=10)] == estimated(6000)
    assert heard.halves[curved.began] == Reading(6000)
    calls = len(curved.calls)
    await asked(fleet, MORNING + 12 * MINUTE)
    assert len(curved.calls) == calls + 1
    assert source.running(MORNING + 13 * MINUTE) == Running(MORNING, MORNING + 10 * MINUTE, 2000, 12_000)
    await asked(fleet, MORNING + 32 * MINUTE)
    assert heard.halves[MORNING] == Reading(6000)
    assert source.running(MORNING + 33 * MINUTE).start == MORNING + STEP
    await source.async_stop()
    await asked(fleet, MORNING + 62 * MINUTE)
    assert MORNING + STEP not in heard.halves


async def test_a_remote_site_that_cannot_be_reached(fleet: Fleet, curved: Curved) -> None:
    """Is asked again, and caught up with; nothing is made up meanwhile."""
    fleet.remote = curved
    await fleet.load()
    heard = Heard()
    source = source_of(fleet, heard)
    curved.always = status(503)
    await source.async_start()
    await fleet.settle()
    for i in range(5):
        await asked(fleet, MORNING + (2 + 10 * i) * MINUTE)
    assert heard.halves == {}
    assert source.running(MORNING + 45 * MINUTE) == Running(MORNING + STEP, MORNING + STEP)
    curved.always = None
    await asked(fleet, MORNING + 62 * MINUTE)
    assert len(heard.halves) == 3 * 48 + 14 + 2
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
    await asked(fleet, MORNING + 3 * HOUR + 2 * MINUTE)
    assert len(heard.halves) == 3 * 48 + 14 + 2
    await source.async_stop()


@pytest.mark.parametrize("watts", [Decimal("1e20"), Decimal(-(10**9))])
async def test_what_no_remote_site_draws(fleet: Fleet, curved: Curved, watts: Decimal) -> None:
    """Is missing: a ledger could not even keep it, nor what others told after it."""
    fleet.remote = curved
    curved.began, curved.watts = MORNING - HOUR, {MORNING - 5 * MINUTE: watts}
    await fleet.load()
    heard = Heard()
    source = source_of(fleet, heard)
    await source.async_start()
    await fleet.settle()
    assert heard.halves[MORNING - 2 * STEP] == Reading(6000)
    assert MORNING - STEP not in heard.halves
    await source.async_stop()


async def test_what_a_remote_site_tells_late(fleet: Fleet, curved: Curved) -> None:
    """Is taken when it comes; after three hours it is missing."""
    fleet.remote = curved
    curved.lacks = (MORNING - STEP,)
    curved.began = MORNING - HOUR
    await fleet.load()
    heard = Heard()
    source = source_of(fleet, heard)
    await source.async_start()
    await fleet.settle()
    assert heard.halves.get(MORNING - STEP) is None
    curved.lacks = ()
    await asked(fleet, MORNING + 2 * MINUTE)
    assert heard.halves[MORNING - STEP] == Reading(6000)
    curved.lacks = (MORNING,)
    await asked(fleet, MORNING + HOUR + 2 * MINUTE)
    assert MORNING not in heard.halves
    await asked(fleet, MORNING + 4 * HOUR + 2 * MINUTE)
    assert heard.halves[MORNING] == MISSING
    await source.async_stop()
