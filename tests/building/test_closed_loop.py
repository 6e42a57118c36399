"""The morning of a school that would exceed its subscribed power, and what goes wrong in it."""

from datetime import timedelta
import logging

from closed_loop import LOADS, Loop
from conftest import Player
import pytest

from custom_components.flex_ready.control.orders import Mode, Reason
from custom_components.flex_ready.control.window import Kind

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

PEAK = "2026-01-14T08:20:00+01:00"


async def test_the_peak_that_would_be(player: Player) -> None:
    """Observed, nothing is commanded, and the subscribed power is exceeded."""
    loop = await Loop.begin(player, start=PEAK, mode=Mode.OBSERVE)
    await loop.run(45)
    assert loop.commands == []
    assert loop.overruns
    # What was decided would have been enough.
    assert any(target.step for target in loop.building.data.targets)


async def test_the_peak_is_kept_under(player: Player, caplog: pytest.LogCaptureFixture) -> None:
    """Limited, no window is over; each load that goes comes back; the log says why each went."""
    loop = await Loop.begin(player, start=PEAK)
    with caplog.at_level(logging.INFO, "custom_components.flex_ready"):
        await loop.run(120)
    assert loop.overruns == []
    assert loop.building.link.kind is Kind.SLIDING
    assert loop.building.link.td == 5
    assert loop.building.kept.overruns.count == 0
    for name in LOADS:
        changes = [on for _, on in loop.changes(name)]
        assert changes == [i % 2 == 1 for i in range(len(changes))]
    assert loop.changes("water_heater")
    said = [
        record.message for record in caplog.records if ": shed " in record.message or ": restored " in record.message
    ]
    assert len(said) == len(loop.commands)
    assert all(Reason.EXPECTED in line or Reason.NO_ROOM in line for line in said if ": shed " in line)


async def test_a_load_that_ignores_orders(player: Player) -> None:
    """It is noticed, left alone, and the others do its part."""
    loop = await Loop.begin(player, start=PEAK)
    await loop.run(35)  # it has been off and on before
    loop.deaf.add("ev_charger")
    loop.stubborn.add("ev_charger")
    await loop.run(60, until=lambda: loop.building.herald.warned_of)
    [told] = [target for target in loop.building.data.targets if target.reason is Reason.DISOBEYED]
    assert loop.building.handovers[told.load].title == "ev_charger"
    await loop.run(30)
    assert loop.overruns == []


async def test_a_user_who_switches_by_hand(player: Player) -> None:
    """What he turned on while it was shed stays on for an hour; the others do its part."""
    loop = await Loop.begin(player, start=PEAK)
    await loop.run(60, until=lambda: loop.changes("water_heater") and not loop.is_on("water_heater"))
    await loop.run(1)
    await loop.hass.services.async_call("input_boolean", "turn_on", {"entity_id": "input_boolean.water_heater"})
    await loop.hass.async_block_till_done()
    before = len(loop.changes("water_heater"))
    await loop.run(55)
    assert len(loop.changes("water_heater")) == before
    assert loop.is_on("water_heater")
    assert loop.overruns == []


async def test_a_meter_that_goes_silent(player: Player) -> None:
    """What is shed stays so for a while, nothing more goes, and all comes back in the end."""
    loop = await Loop.begin(player, start=PEAK)
    await loop.run(60, until=lambda: loop.changes("water_heater") and not loop.is_on("water_heater"))
    off = {name for name in LOADS if not loop.is_on(name)}
    loop.silent = True
    await loop.run(10)
    assert {name for name in LOADS if not loop.is_on(name)} <= off
    assert loop.building.data.blind
    await loop.run(35)
    assert all(loop.is_on(name) for name in LOADS)
    loop.silent = False
    await loop.run(5)
    assert not loop.building.data.blind


async def test_unloading_gives_every_load_back(player: Player) -> None:
    """In the middle of a limitation."""
    loop = await Loop.begin(player, start=PEAK)
    await loop.run(60, until=lambda: loop.changes("ev_charger") and not loop.is_on("ev_charger"))
    assert await loop.hass.config_entries.async_unload(loop.entry.entry_id)
    await loop.hass.async_block_till_done()
    assert all(loop.is_on(name) for name in LOADS)
    assert player.host > loop.player.host - timedelta(seconds=1)
