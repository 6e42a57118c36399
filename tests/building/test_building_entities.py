"""The entities of a building and of its loads: what they are, what they say when, and what they are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from closed_loop import Loop, building_entry, load_data
from conftest import PME_FRAME, Player, compose
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed  # type: ignore[import-untyped]
from site_of import Site, set_up_switches
from syrupy.assertion import SnapshotAssertion

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

PEAK = "2026-01-14T08:20:00+01:00"
BOILER = ("Boiler", load_data("input_boolean.boiler", nominal_w=6000, priority=1))
PUMP = ("Pump", load_data("input_boolean.pump", nominal_w=2000, priority=2))
MODE = "select.school_mode"
MASTER = "switch.school_load_shedding"
LIMITING = "binary_sensor.school_limiting"
SILENT = "binary_sensor.school_meter_silent"


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable the entities that few want, too."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


async def choose(site: Site, option: str) -> None:
    """Choose a mode, as a user does."""
    await site.hass.services.async_call("select", "select_option", {"entity_id": MODE, "option": option}, blocking=True)
    await site.hass.async_block_till_done()


@pytest.mark.usefixtures("everything")
async def test_the_entities(
    hass: HomeAssistant, player: Player, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """What they are called, what they say, what they are."""
    await set_up_switches(hass)
    site = await Site.begin(player, [BOILER])
    await site.wait(60)
    ids = {site.entry.entry_id: "entry", site.load("Boiler"): "load"}

    def known(text: str) -> str:
        for key, name in ids.items():
            text = text.replace(key, name)
        return text

    rows = er.async_entries_for_config_entry(entity_registry, site.entry.entry_id)
    assert (
        sorted(
            " | ".join(
                str(part)
                for part in (
                    row.entity_id,
                    known(row.unique_id),
                    f"{state.state} {state.attributes.get('unit_of_measurement', '')}".strip(),
                    row.original_device_class,
                    state.attributes.get("state_class"),
                    row.entity_category,
                    known(row.config_subentry_id or "-"),
                )
            )
            for row in rows
            if (state := hass.states.get(row.entity_id))
        )
        == snapshot
    )


async def test_the_devices(hass: HomeAssistant, player: Player, device_registry: dr.DeviceRegistry) -> None:
    """The building is a service; each load has a device of its own, behind that of the building."""
    await set_up_switches(hass)
    site = await Site.begin(player, [BOILER, PUMP])
    building = device_registry.async_get_device_by_identifier((DOMAIN, site.entry.entry_id), site.entry.entry_id)
    assert building
    assert (building.name, building.entry_type) == ("School", dr.DeviceEntryType.SERVICE)
    for title in ("Boiler", "Pump"):
        device = device_registry.async_get(site.device(title))
        assert isinstance(device, dr.DeviceEntry)
        assert (device.name, device.via_device_id) == (title, building.id)
        assert device.config_subentry_id == site.load(title)


async def test_they_follow_the_decisions(player: Player, caplog: pytest.LogCaptureFixture) -> None:
    """At a peak: powers, the state and the reason of each load, an event for each change, and few states written."""
    loop = await Loop.begin(player, start=PEAK)
    told: list[dict[str, Any]] = []
    written: dict[str, int] = {}

    def note(event: Any) -> None:  # noqa: ANN401
        state = event.data["new_state"]
        written[state.entity_id] = written.get(state.entity_id, 0) + 1
        if state.entity_id == "event.school_power_limit":
            told.append(dict(state.attributes))

    player.hass.bus.async_listen("state_changed", note)
    await loop.run(3)
    situation = loop.building.data.situation
    assert situation
    assert player.state(LIMITING) == STATE_ON
    assert player.state(SILENT) == STATE_OFF
    assert float(player.state("sensor.school_limit")) == 42
    shed = [target for target in loop.building.data.targets if target.step]
    assert shed
    assert abs(float(player.state("sensor.school_power_shed")) - situation.shed / 1000) < 0.2
    for target in loop.building.data.targets:
        name = loop.building.handovers[target.load].title
        assert player.state(f"sensor.{name}_state") == ("shed" if target.step else "free")
        reason = player.state(f"sensor.{name}_reason")
        assert reason.startswith("Shed: " if target.step else "Free: "), reason
        until = player.state(f"sensor.{name}_until")
        assert (until == STATE_UNKNOWN) == (target.until is None)
    await loop.run(7)
    kinds = [one["event_type"] for one in told]
    assert {"limiting_started", "load_shed", "load_restored"} <= set(kinds)
    first = next(one for one in told if one["event_type"] == "load_shed")
    assert first["load"] == "water_heater"
    assert first["reason"].startswith("Shed: ")
    assert "42 kVA" in first["reason"]
    assert first["rehearsed"] is False
    powers = [count for name, count in written.items() if name.startswith("sensor.school_power")]
    assert max(powers) <= 10 * 60 / 15 + 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_observing_nothing_is_held_off(player: Player) -> None:
    """The load says what it would be, the building is not limiting, and nothing is commanded."""
    loop = await Loop.begin(player, start=PEAK, mode=Mode.OBSERVE)
    await loop.run(4)
    assert loop.commands == []
    assert player.state(LIMITING) == STATE_OFF
    assert player.state("sensor.water_heater_state") == "would_shed"
    assert player.state("sensor.water_heater_reason").startswith("Would be shed: ")
    last = player.hass.states.get("event.school_power_limit")
    assert last
    assert last.attributes["rehearsed"] is True


async def test_in_french(player: Player) -> None:
    """Sentences are in the language of Home Assistant, with its comma."""
    player.hass.config.language = "fr"
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER, PUMP])
    reasons = [entity for entity in player.hass.states.async_entity_ids("sensor") if entity.endswith("_motif")]
    assert len(reasons) == 2
    assert site.state("sensor.boiler_motif") == "Libre : personne ne demande de la délester"
    await site.call("shed_loads", loads=[site.device("Boiler")], duration={"hours": 1}, reason="essai")
    assert site.state("sensor.boiler_motif") == "Délestage : une action le veut (essai), jusqu\u2019à 08:32"
    assert site.building.words.power(5_230, in_kva=False) == "5,2 kW"


async def test_a_subscribed_power_in_kw(player: Player) -> None:
    """The unit is that of the contract, also before the meter is read after a restart."""
    await set_up_switches(player.hass)
    meter_frame = PME_FRAME | {"PS": "200kW"}
    meter = await player.load(compose(meter_frame))
    site = Site(player, building_entry(meter.entry_id, [BOILER]))
    site.entry.add_to_hass(player.hass)
    await site.set_up()
    await player.take(compose(meter_frame | {"DATE": "12/01/26 08:02:38"}))
    worst = player.hass.states.get("sensor.school_worst_overrun_this_month")
    assert worst
    assert (worst.attributes["unit_of_measurement"], worst.attributes["device_class"]) == ("kW", "power")
    await player.hass.config_entries.async_unload(meter.entry_id)
    await player.hass.config_entries.async_reload(site.entry.entry_id)
    await player.hass.async_block_till_done()
    worst = player.hass.states.get("sensor.school_worst_overrun_this_month")
    assert worst
    assert worst.attributes["unit_of_measurement"] == "kW"


async def test_a_silent_meter(player: Player) -> None:
    """After a minute it is told, and what was of the running window is not shown any more."""
    loop = await Loop.begin(player, start="2026-01-14T05:00:00+01:00")
    await loop.run(1)
    assert player.state(SILENT) == STATE_OFF
    assert player.state("sensor.school_margin") != STATE_UNAVAILABLE
    loop.silent = True
    await loop.run(1.5)
    assert player.state(SILENT) == STATE_ON
    for name in ("margin", "limit", "power_shed"):
        assert player.state(f"sensor.school_{name}") == STATE_UNAVAILABLE
    assert player.state("sensor.school_overruns_this_month") == "0"
    assert player.state(MODE) == "limit"
    loop.silent = False
    await loop.run(1)
    assert player.state(SILENT) == STATE_OFF
    assert player.state("sensor.school_margin") != STATE_UNAVAILABLE


async def test_overruns_are_those_of_this_month(player: Player) -> None:
    """They are counted while it observes, outlive a restart, and begin anew with the month."""
    loop = await Loop.begin(player, start="2026-01-30T08:20:00+01:00", mode=Mode.OBSERVE)
    await loop.run(45)
    count = int(player.state("sensor.school_overruns_this_month"))
    assert count >= 1
    assert float(player.state("sensor.school_worst_overrun_this_month")) > 0
    assert int(float(player.state("sensor.school_hours_with_an_overrun_this_month"))) >= 1
    await player.hass.config_entries.async_reload(loop.entry.entry_id)
    await player.hass.async_block_till_done()
    assert int(player.state("sensor.school_overruns_this_month")) == count
    player.host = datetime(2026, 2, 1, 8, tzinfo=UTC)
    player.freezer.move_to(player.host)
    async_fire_time_changed(player.hass, player.host)
    await player.hass.async_block_till_done()
    assert player.state("sensor.school_overruns_this_month") == "0"


async def test_the_master_switch(player: Player) -> None:
    """Off gives all back and means hands off, also after a restart."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER, PUMP])
    await site.call("shed_loads", duration={"hours": 1})
    assert site.state("input_boolean.boiler") == STATE_OFF
    await site.turn(MASTER, on=False)
    assert site.state(MASTER) == STATE_OFF
    assert site.state("input_boolean.boiler") == site.state("input_boolean.pump") == STATE_ON
    assert site.state("sensor.boiler_state") == "unmanaged"
    assert site.state("sensor.boiler_reason") == "Hands off: load shedding is switched off"
    await site.hass.config_entries.async_reload(site.entry.entry_id)
    await site.hass.async_block_till_done()
    assert site.state(MASTER) == STATE_OFF
    await site.turn(MASTER, on=True)
    assert site.state("sensor.boiler_state") == "free"


async def test_the_switch_of_a_load(player: Player) -> None:
    """Off gives that load back, and it is not touched, also after a restart."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER, PUMP])
    await site.call("shed_loads", duration={"hours": 1})
    await site.turn("switch.boiler_may_be_shed", on=False)
    assert site.state("input_boolean.boiler") == STATE_ON
    assert site.state("input_boolean.pump") == STATE_OFF
    assert site.state("sensor.boiler_reason") == "Hands off: its own switch is off"
    await site.hass.config_entries.async_reload(site.entry.entry_id)
    await site.hass.async_block_till_done()
    assert site.state("switch.boiler_may_be_shed") == STATE_OFF
    await site.call("shed_loads", duration={"hours": 1})
    assert site.state("input_boolean.boiler") == STATE_ON
    await site.turn("switch.boiler_may_be_shed", on=True)
    await site.wait(125)  # it has to be on for a while
    assert site.state("input_boolean.boiler") == STATE_OFF


async def test_the_mode(player: Player) -> None:
    """From limiting to observing what was shed is given back; the mode outlives a restart."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER], mode=Mode.OBSERVE)
    assert site.state(MODE) == "observe"
    await choose(site, "limit")
    await site.call("shed_loads", duration={"hours": 1})
    assert site.state("input_boolean.boiler") == STATE_OFF
    await choose(site, "observe")
    assert site.state("input_boolean.boiler") == STATE_ON
    assert site.state("sensor.boiler_state") == "would_shed"
    await choose(site, "limit")
    await site.hass.config_entries.async_reload(site.entry.entry_id)
    await site.hass.async_block_till_done()
    assert site.state(MODE) == "limit"
    with pytest.raises(ServiceValidationError):
        await choose(site, "sleep")


async def test_a_load_that_must_stay_off_a_while(player: Player) -> None:
    """Once nobody wants it shed it says so, with the time at which it returns."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [("Boiler", load_data("input_boolean.boiler", min_off=10))])
    await site.call("shed_loads", duration={"minutes": 2})
    at = player.host
    await site.wait(125)
    assert site.state("sensor.boiler_state") == "returning"
    assert site.state("sensor.boiler_reason").endswith(", until 08:12")
    assert datetime.fromisoformat(site.state("sensor.boiler_until")) == at + timedelta(minutes=10)
    await site.wait(500)
    assert site.state("sensor.boiler_state") == "free"
    assert site.state("input_boolean.boiler") == STATE_ON
    assert float(site.state("sensor.boiler_energy_not_served_today")) == pytest.approx(1 / 6, abs=0.1)


async def test_a_load_out_of_reach(player: Player) -> None:
    """Its own entities stay, and say so."""
    await set_up_switches(player.hass)
    site = await Site.begin(player, [BOILER])
    player.hass.states.async_set("input_boolean.boiler", STATE_UNAVAILABLE)
    await site.wait(5)
    assert site.state("sensor.boiler_state") == "out_of_reach"
    assert site.state("sensor.boiler_reason") == "Out of reach: its entity is unavailable"
