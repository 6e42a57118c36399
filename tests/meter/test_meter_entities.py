"""The entities of every meter: what they are, and what they say when."""

from itertools import islice

from conftest import PME_FRAME, PME_PMI, Player, compose, meter_entry
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    mock_restore_cache_with_extra_data,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.gate import SLOW_S
from emulator.meter import MeterConfig, frames
from emulator.meter.wire import Layout

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

METERS = {
    "pme_pmi": MeterConfig(),
    "pme_pmi_producer": MeterConfig(producer=True),
    "pme_pmi_kw": MeterConfig(subscribed_unit="kW", subscribed_power=200),
    "saphir": MeterConfig(meter="saphir"),
    "ice": MeterConfig(meter="ice"),
    "linky_historique": MeterConfig(meter="linky-historique"),
    "linky_historique_tempo": MeterConfig(meter="linky-historique", tariff="tempo"),
    "linky_historique_three_phase": MeterConfig(meter="linky-historique", phases=3, subscribed_power=12),
    "linky_standard": MeterConfig(meter="linky-standard"),
    "linky_standard_tempo": MeterConfig(meter="linky-standard", tariff="tempo"),
    "linky_standard_three_phase": MeterConfig(meter="linky-standard", phases=3),
    "linky_standard_producer": MeterConfig(meter="linky-standard", producer=True),
}
SERIALS = {"pme-pmi": PME_PMI, "linky-historique": "042164296031", "linky-standard": "042164296031"}
PME = "sensor.pme_pmi_meter_"
WARNING = "binary_sensor.pme_pmi_meter_overrun_warning"
OVERRUN = "binary_sensor.pme_pmi_meter_overrun"


def lines(hass: HomeAssistant, registry: er.EntityRegistry, entry_id: str) -> list[str]:
    """Write every entity of an entry as a line: what it is called, what it says, what it is."""
    return sorted(
        " | ".join(
            str(part)
            for part in (
                row.entity_id,
                row.unique_id.partition("_")[2],
                row.original_name,
                f"{state.state} {state.attributes.get('unit_of_measurement', '')}".strip(),
                row.original_device_class,
                state.attributes.get("state_class"),
                row.entity_category,
            )
        )
        for row in er.async_entries_for_config_entry(registry, entry_id)
        if (state := hass.states.get(row.entity_id))
    )


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable the entities that few want, too."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", METERS)
async def test_the_entities_of_every_meter(
    hass: HomeAssistant, player: Player, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion, name: str
) -> None:
    """After a few minutes of an emulated meter; each has a name in words, and none an attribute that moves."""
    config = METERS[name]
    kind = config.meter.replace("-", "_")
    play = frames(config)
    entry = await player.load(next(play).data, meter=kind, serial=SERIALS.get(config.meter, "0"))
    await player.play(islice(play, 70))
    await player.play(islice(play, int(SLOW_S * 1e6 / next(play).duration_us) + 1))
    assert lines(hass, entity_registry, entry.entry_id) == snapshot
    allowed = {"unit_of_measurement", "device_class", "state_class", "friendly_name", "options"}
    assert {key for state in hass.states.async_all() for key in state.attributes} <= allowed


# Power.


async def test_the_subscribed_power_and_its_unit(player: Player) -> None:
    """That of the running period, kVA or kW as the meter says, at once when it changes."""
    await player.load(compose(PME_FRAME))
    state = player.hass.states.get(f"{PME}subscribed_power")
    assert state
    assert (state.state, state.attributes["unit_of_measurement"]) == ("42", "kVA")
    assert state.attributes["device_class"] == "apparent_power"
    await player.take(compose(PME_FRAME | {"PTCOUR1": "HCH", "PS": "60kVA"}))
    assert player.state(f"{PME}subscribed_power") == "60"
    assert player.state(f"{PME}tariff_period_distributor") == "hch"
    assert player.state(f"{PME}tariff_period_supplier") == "hph"


async def test_power_is_unknown_until_its_slope_is(player: Player) -> None:
    """Half a minute of readings, and a mean that fits them."""
    times = ["02:30", "02:38", "02:46", "02:54", "03:02", "03:10"]
    rows = [PME_FRAME | {"DATE": f"12/01/26 08:{at}", "EA_s": f"{100 + 16 * n}Wh"} for n, at in enumerate(times)]
    await player.load(compose(rows[0]))
    for row in rows[1:4]:
        await player.take(compose(row))
        assert player.hass.states.get(f"{PME}power") is None
    for row in rows[4:]:
        await player.take(compose(row))
    assert player.state(f"{PME}power") == "7200"


async def test_a_contract_without_colours_has_none(player: Player) -> None:
    """The status register has room for them all the same."""
    await player.load(next(frames(METERS["linky_standard"])).data, meter="linky_standard", serial="042164296031")
    assert player.hass.states.get("sensor.linky_meter_tempo_today") is None
    await player.take(next(frames(METERS["linky_standard_tempo"])).data)
    assert player.state("sensor.linky_meter_tempo_today") == "white"
    assert player.state("sensor.linky_meter_tempo_tomorrow") == "none"


async def test_the_drift_is_measured_where_the_date_is(player: Player) -> None:
    """The date is at the head of a frame that takes 8 s."""
    play = frames(MeterConfig())
    first = next(play)
    await player.load(first.data)
    player.pass_time(7.64)
    for frame in islice(play, 5):
        at = frame.data.index(b"\r", frame.data.index(b"DATE")) + 1
        await player.take(frame.data[:at], 0)
        await player.take(frame.data[at:], 7.64)
    assert player.coordinator.data.drift_s == pytest.approx(0, abs=1)


# What is on or off.


async def test_the_warning_is_on_while_it_is_sent(player: Player) -> None:
    """Off with the first whole frame without it, not with one that was damaged."""
    warned = compose(PME_FRAME | {"PREAVIS": "DEP"})
    plain = compose(PME_FRAME)
    damaged = plain[:-4] + b"#" + plain[-3:]
    await player.load(plain)
    assert player.state(WARNING) == STATE_OFF
    await player.take(warned)
    assert player.state(WARNING) == STATE_ON
    await player.take(damaged)
    await player.take(damaged)
    assert player.state(WARNING) == STATE_ON
    await player.take(plain)
    assert player.state(WARNING) == STATE_OFF


async def test_the_overrun_is_on_above_the_threshold(player: Player) -> None:
    """42 kVA for 5 min are 3500 VAh: that is none, one more is."""
    await player.load(compose(PME_FRAME))
    assert player.hass.states.get(OVERRUN) is None
    player.coordinator.data.td.td = 5
    await player.take(compose(PME_FRAME | {"EAPP_s": "3500VAh"}))
    assert player.state(OVERRUN) == STATE_OFF
    await player.take(compose(PME_FRAME | {"EAPP_s": "3501VAh"}))
    assert player.state(OVERRUN) == STATE_ON


async def test_an_overcurrent_of_three_phases(player: Player) -> None:
    """The emulated building draws more than 12 kVA: short frames all day."""
    play = frames(METERS["linky_historique_three_phase"])
    data = b"".join(next(play).data for _ in range(25))
    await player.load(data, meter="linky_historique", serial="042175296031")
    await player.take(next(play).data)
    assert player.state("binary_sensor.linky_meter_overcurrent") == STATE_ON
    assert player.state("sensor.linky_meter_apparent_power") not in (STATE_UNKNOWN, STATE_UNAVAILABLE)


# Labels that come and go.


async def test_a_new_label_is_an_entity_at_once(player: Player) -> None:
    """Without a reload."""
    entry = await player.load(compose(PME_FRAME))
    assert player.hass.states.get(f"{PME}mean_power_over_1_minute") is None
    await player.take(compose(PME_FRAME | {"PA1MN": "7kW"}))
    assert player.state(f"{PME}mean_power_over_1_minute") == "7"
    assert player.gateway.connections == 1
    assert entry.state is ConfigEntryState.LOADED


async def test_a_label_that_is_gone_is_unknown(player: Player) -> None:
    """After three whole frames; the entity stays."""
    await player.load(compose(PME_FRAME | {"PA1MN": "7kW"}))
    await player.take(compose(PME_FRAME))
    await player.take(compose(PME_FRAME))
    assert player.state(f"{PME}mean_power_over_1_minute") == "7"
    await player.take(compose(PME_FRAME))
    assert player.state(f"{PME}mean_power_over_1_minute") == STATE_UNKNOWN


async def test_an_unknown_label_is_no_entity(player: Player) -> None:
    """It waits in the diagnostics for somebody to say what it is."""
    await player.load(compose(PME_FRAME))
    before = set(player.hass.states.async_entity_ids())
    for _ in range(3):
        await player.take(compose(PME_FRAME | {"NEWTHING": "7kW"}))
    assert set(player.hass.states.async_entity_ids()) == before
    assert player.coordinator.data.unknown == {"NEWTHING": "7kW"}


async def test_entities_of_the_last_run_wait_for_their_label(
    player: Player, entity_registry: er.EntityRegistry
) -> None:
    """A label that is not sent just now does not make its entity unavailable."""
    player.entry = meter_entry(player.gateway.url)
    player.entry.add_to_hass(player.hass)
    entity_registry.async_get_or_create(
        "sensor", DOMAIN, f"{PME_PMI}_mean_power_1min", config_entry=player.entry, suggested_object_id="known"
    )
    await player.again(compose(PME_FRAME))
    assert player.state("sensor.known") == STATE_UNKNOWN
    await player.take(compose(PME_FRAME | {"PA1MN": "7kW"}))
    assert player.state("sensor.known") == "7"


# Energy indexes.


def energies(player: Player) -> dict[str, str]:
    """Return the energy indexes and their values."""
    return {
        state.entity_id.removeprefix(f"{PME}energy_"): state.state
        for state in player.hass.states.async_all()
        if state.attributes.get("state_class") == "total_increasing"
        and state.attributes.get("device_class") == "energy"
    }


async def test_the_index_of_a_period_stays_while_another_runs(player: Player) -> None:
    """One entity per period seen, none for their sum."""
    await player.load(compose(PME_FRAME))
    assert energies(player) == {"hph_distributor": "9649.0", "hph_supplier": "9000.0"}
    other = PME_FRAME | {"PTCOUR1": "HCH", "EAP_s": "120kWh"}
    await player.take(compose(other))
    await player.take(compose(other | {"EAP_s": "121kWh"}), 60)
    assert energies(player) == {
        "hch_distributor": "121.0",
        "hph_distributor": "9649.0",
        "hph_supplier": "9000.0",
    }
    state = player.hass.states.get(f"{PME}energy_hch_distributor")
    assert state
    assert state.name == "PME-PMI meter Energy HCH, distributor"


def remember(hass: HomeAssistant, entity_id: str, value: int | None) -> None:
    """Make Home Assistant remember the value of an index in Wh, from the run before."""
    extra = {"native_value": value, "native_unit_of_measurement": "Wh"}
    mock_restore_cache_with_extra_data(hass, [(State(entity_id, "0"), extra)])


async def test_the_index_of_a_period_stays_across_a_restart(player: Player, entity_registry: er.EntityRegistry) -> None:
    """Restored while another period runs, then taken up by the meter."""
    player.entry = meter_entry(player.gateway.url)
    player.entry.add_to_hass(player.hass)
    row = entity_registry.async_get_or_create(
        "sensor",
        DOMAIN,
        f"{PME_PMI}_energy_distributor_hch",
        config_entry=player.entry,
        suggested_object_id="pme_pmi_meter_energy_hch_distributor",
    )
    entity_registry.async_update_entity_options(
        row.entity_id, "sensor.private", {"suggested_unit_of_measurement": "kWh"}
    )
    remember(player.hass, row.entity_id, 121_000)
    await player.again(compose(PME_FRAME))
    assert energies(player) == {"hch_distributor": "121.0", "hph_distributor": "9649.0", "hph_supplier": "9000.0"}
    for _ in range(2):
        await player.take(compose(PME_FRAME | {"PTCOUR1": "HCH", "EAP_s": "122kWh"}), 60)
    assert energies(player)["hch_distributor"] == "122.0"


async def test_what_was_unknown_stays_unknown_across_a_restart(
    player: Player, entity_registry: er.EntityRegistry
) -> None:
    """Nothing is made up."""
    player.entry = meter_entry(player.gateway.url)
    player.entry.add_to_hass(player.hass)
    row = entity_registry.async_get_or_create(
        "sensor", DOMAIN, f"{PME_PMI}_energy_distributor_hch", config_entry=player.entry, suggested_object_id="hch"
    )
    remember(player.hass, row.entity_id, None)
    await player.again(compose(PME_FRAME))
    assert player.state("sensor.hch") == STATE_UNKNOWN


async def test_the_name_of_a_period_stays_across_a_restart(player: Player) -> None:
    """A SAPHIR numbers its periods and names them: the name is what the user sees."""
    play = frames(MeterConfig(meter="saphir"))
    await player.load(next(play).data, meter="saphir", serial=None)
    energy = "sensor.saphir_meter_energy_hph_distributor"
    first = player.hass.states.get(energy)
    assert await player.hass.config_entries.async_unload(player.entry.entry_id)
    await player.again(next(play).data)
    second = player.hass.states.get(energy)
    assert first
    assert second
    assert first.name == second.name == "SAPHIR meter Energy HPH, distributor"


async def test_an_impossible_index_is_not_shown_until_it_insists(player: Player) -> None:
    """A total that goes back and forth would be counted as energy."""
    await player.load(compose(PME_FRAME))
    wrong = compose(PME_FRAME | {"EAP_s": "12kWh"})
    for shown in ("9649.0", "9649.0", "12.0"):
        await player.take(wrong, 60)
        assert energies(player)["hph_distributor"] == shown


# Nothing is read.


async def test_everything_is_unavailable_and_back_at_once(player: Player) -> None:
    """No cadence holds that back."""
    await player.load(compose(PME_FRAME))
    player.coordinator._port_lost("pulled")
    assert {state.state for state in player.hass.states.async_all()} == {STATE_UNAVAILABLE}
    await player.take(compose(PME_FRAME), 0.1)
    assert STATE_UNAVAILABLE not in {state.state for state in player.hass.states.async_all()}


async def test_a_layout_of_a_modern_saphir(player: Player) -> None:
    """Its subscribed power is that of the running period."""
    rows = {"DATE": "12/01/26 08:02:30", "KDC": "90%", "KDCD": "80%", "PSp1": "200kW", "PSp2": "220kW"} | {
        "PTCOURD": "HPH",
        "LIB_p1D": "P",
        "LIB_p2D": "HPH",
        "EAS": "100Wh",
    }
    await player.load(compose(rows, Layout.HT), meter="saphir", serial=None)
    state = player.hass.states.get("sensor.saphir_meter_subscribed_power")
    assert state
    assert (state.state, state.attributes["unit_of_measurement"]) == ("220", "kW")
