"""What reaches the database, with the real recorder: rows at the pace of the gate, and every transition."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
import json

from conftest import Player
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.recorder import get_instance
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (  # type: ignore[import-untyped]
    async_wait_recording_done,
)

from custom_components.flex_ready.gate import MINUTE_S, POWER_S
from emulator.meter import EmulatedFrame, MeterConfig
from emulator.meter.source import EmulatedSource
from emulator.meter.wire import FRAME_GAP_US

pytestmark = pytest.mark.usefixtures("recorder_mock", "socket_enabled", "enable_custom_integrations")

POWER = "sensor.pme_pmi_meter_power"
TC_POWER = "sensor.pme_pmi_meter_mean_power_over_1_minute"
WARNING = "binary_sensor.pme_pmi_meter_overrun_warning"
ENERGY = "sensor.pme_pmi_meter_energy_hph_distributor"


def day(count: int) -> Iterator[EmulatedFrame]:
    """Play a building whose heat pump goes off for two minutes in every four: it warns, and warns no more."""
    source = EmulatedSource(MeterConfig())
    for _ in range(count):
        frame = source.next_frame()
        yield frame
        on = source.meter.now // 120_000_000 % 2 == 0
        source.building.loads["heat_pump"].on = on
        source.advance(source.meter.now + frame.duration_us + FRAME_GAP_US)


async def rows_of(hass: HomeAssistant, begin: datetime, *entities: str) -> dict[str, list[State]]:
    """Return the rows of some entities that the database holds."""
    await async_wait_recording_done(hass)
    before = begin - timedelta(seconds=1)
    found = await get_instance(hass).async_add_executor_job(
        lambda: get_significant_states(hass, before, None, list(entities), significant_changes_only=False)
    )
    return {entity: [row for row in rows if isinstance(row, State)] for entity, rows in found.items()}


async def test_rows_come_at_the_cadence_and_transitions_at_once(hass: HomeAssistant, player: Player) -> None:
    """A quarter of an hour of a PME-PMI that warns now and then."""
    begin, monotonic = player.host, player.now
    play = list(day(115))
    await player.load(play[0].data)
    await player.play(play[1:])
    rows = await rows_of(hass, begin, POWER, TC_POWER, WARNING, ENERGY)

    def steps(entity: str, cadence: int) -> list[int]:
        return [int((monotonic + (row.last_updated - begin).total_seconds()) // cadence) for row in rows[entity]]

    power = rows[POWER]
    assert len(power) > 30
    # The first row tells that the power is known at last; then one a step.
    assert all(earlier < later for earlier, later in pairwise(steps(POWER, POWER_S)))
    assert all(earlier < later for earlier, later in pairwise(steps(TC_POWER, MINUTE_S)))
    assert all((later.last_updated - earlier.last_updated).total_seconds() <= 25 for earlier, later in pairwise(power))

    sent = ["PREAVIS" in {group.label for group in frame.groups} for frame in play]
    transitions = [later for earlier, later in pairwise(sent) if earlier is not later]
    assert len(transitions) >= 4
    assert [row.state for row in rows[WARNING]] == [STATE_ON if on else STATE_OFF for on in [sent[0], *transitions]]
    energies = [float(row.state) for row in rows[ENERGY]]
    assert energies == sorted(energies)


async def test_what_is_due_is_written_in_one_instant(hass: HomeAssistant, player: Player) -> None:
    """The instants at which the cadenced entities are written are those of the shortest cadence."""
    begin = player.host
    play = list(day(60))
    await player.load(play[0].data)
    await player.play(play[1:])
    cadenced = [POWER, "sensor.pme_pmi_meter_apparent_power", TC_POWER, "sensor.pme_pmi_meter_energy_of_the_running_td"]
    rows = await rows_of(hass, begin, *cadenced)
    instants = {row.last_updated for entity in cadenced for row in rows[entity]}
    steps = {int((row - begin).total_seconds() + 6000) // POWER_S for row in instants}
    assert len(instants) == len(steps)


async def test_an_outage_is_in_the_database(hass: HomeAssistant, player: Player) -> None:
    """At once, and so is its end."""
    begin = player.host
    player.pass_time(1)
    play = list(day(3))
    await player.load(play[0].data)
    player.pass_time(1)
    player.coordinator._port_lost("pulled")
    await player.play(play[1:])
    rows = await rows_of(hass, begin, WARNING)
    assert [row.state for row in rows[WARNING]] == [STATE_ON, STATE_UNAVAILABLE, STATE_ON]


async def test_no_attribute_moves(hass: HomeAssistant, player: Player) -> None:
    """Neither timestamps nor raw frames: each entity has one set of attributes in the database."""
    begin = player.host
    play = list(day(40))
    await player.load(play[0].data)
    await player.play(play[1:])
    entities = hass.states.async_entity_ids()
    rows = await rows_of(hass, begin, *entities)
    for entity in entities:
        told = {json.dumps(dict(row.attributes), sort_keys=True) for row in rows[entity]}
        assert len(told) == 1, entity
        assert len(told.pop()) < 500
