"""The flow of a site of a contract: what its energy is read from is tried, what it keeps, what it refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

from conftest import PME_FRAME, Player, compose, meter_entry
from contracts import contract_entry
from fleets import Fleet, fleet, remote, site_data
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from remote import ASSET, BACS, Fault, problem, status
from talks import Talk

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.methods import Choice, Method
from custom_components.flex_ready.settlement.sites import Site, SiteKind

__all__ = ["fleet", "remote"]

pytestmark = pytest.mark.usefixtures("enable_custom_integrations", "home")
PRM = "30001234567890"
WHO: dict[str, Any] = {
    "name": "School",
    "site_id": PRM,
    "entity": "EF1",
    "site_kind": "withdrawal",
    "method": "double_reference",
    "max_activation": 120.0,
    "subscribed": 250.0,
    "joined": "2026-03-01",
    "consent": True,
    "other_operator": False,
}
ENERGY = {"unit_of_measurement": "kWh", "device_class": "energy", "friendly_name": "School energy"}
POWER = {"unit_of_measurement": "W", "device_class": "power"}


@pytest.fixture
async def home(hass: HomeAssistant, tmp_path: Path, freezer: FrozenDateTimeFactory) -> AsyncIterator[None]:
    """A house in Paris, on a winter morning, whose folder is its own."""
    freezer.move_to(datetime(2026, 1, 14, 7, tzinfo=UTC))
    hass.config.config_dir = str(tmp_path)
    await hass.config.async_set_time_zone("Europe/Paris")
    hass.states.async_set("sensor.energy", "1234.5", ENERGY)
    hass.states.async_set("sensor.solar", "0", ENERGY)
    hass.states.async_set("sensor.power", "800", POWER)
    hass.states.async_set("sensor.volume", "3", {"unit_of_measurement": "m³"})
    hass.states.async_set("sensor.silent", "unavailable", ENERGY)
    yield
    await hass.async_block_till_done(wait_background_tasks=True)


async def begin(hass: HomeAssistant, contract: MockConfigEntry, source: str) -> Talk:
    """Ask to add a site that is read from some source."""
    talk = await Talk(hass, contract, "perimeter_site").begin()
    assert (talk.step, talk.result["menu_options"]) == ("user", ["meter", "entity", "remote"])
    return await talk.choose(source)


async def added(hass: HomeAssistant, contract: MockConfigEntry, withdrawn: str = "sensor.energy", **said: Any) -> Talk:  # noqa: ANN401
    """Add a site that is read from an entity."""
    talk = await begin(hass, contract, "entity")
    await talk.submit({"withdrawn": withdrawn})
    await talk.submit({**WHO, **said})
    assert talk.created, talk.result
    return talk


async def test_a_site_read_from_an_entity(hass: HomeAssistant) -> None:
    """What is likely is proposed; each field reaches the runtime."""
    contract = await contract_entry(hass)
    talk = await begin(hass, contract, "entity")
    assert (talk.step, talk.errors, talk.shown) == ("entity", {}, {})
    await talk.submit({"withdrawn": "sensor.energy", "injected": "sensor.solar"})
    assert (talk.step, talk.errors) == ("details", {})
    assert talk.shown == {
        "name": "School energy",
        "entity": "Town centre",
        "site_kind": "withdrawal",
        "method": "double_reference",
        "joined": "2026-03-01",
    }
    assert talk.offered("entity") == []
    assert talk.offered("method") == list(Method)
    await talk.submit({**WHO, "name": " School ", "site_id": " 30 001 234 567 890 ", "left": "2026-06-01"})
    kept = talk.last
    assert (kept.title, kept.unique_id) == ("School", PRM)
    assert kept.data == {
        "source": "entity",
        "withdrawn": "sensor.energy",
        "injected": "sensor.solar",
        **{key: value for key, value in WHO.items() if key != "name"},
        "left": "2026-06-01",
    }
    setup = cast("ContractCoordinator", contract.runtime_data).setup
    assert setup.sites == {
        kept.subentry_id: Site(
            id=PRM,
            entity="EF1",
            kind=SiteKind.WITHDRAWAL,
            method=Method.DOUBLE_REFERENCE,
            max_activation_w=120_000,
            subscribed_w=250_000,
            joined=date(2026, 3, 1),
            left=date(2026, 6, 1),
        )
    }
    assert setup.choices == {"EF1": Choice(method=Method.DOUBLE_REFERENCE, dmo=setup.terms.dmo)}


async def test_the_next_site_is_like_the_last(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Its entity can be chosen; it joins in the next month that is still open. An id is not needed at once."""
    contract = await contract_entry(hass, loaded=False)
    await added(hass, contract, site_kind="mixed", method="moy10j")
    freezer.move_to(datetime(2026, 4, 2, 23, tzinfo=UTC))
    talk = await begin(hass, contract, "entity")
    await talk.submit({"withdrawn": "sensor.power"})
    assert talk.offered("entity") == ["EF1"]
    assert talk.shown == {
        "name": "power",
        "entity": "EF1",
        "site_kind": "mixed",
        "method": "moy10j",
        "joined": "2026-05-01",
    }
    likely = {**WHO, **talk.shown}
    del likely["site_id"]
    assert (await talk.submit(likely)).created
    assert (talk.last.unique_id, talk.last.data["site_id"]) == (None, "")
    again = await begin(hass, contract, "entity")
    await again.submit({"withdrawn": "sensor.solar"})
    assert (await again.submit({**likely, "site_id": " "})).created
    assert len(again.all) == 3


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"withdrawn": "sensor.nowhere"}, {"withdrawn": "entity_silent"}),
        ({"withdrawn": "sensor.silent"}, {"withdrawn": "entity_silent"}),
        ({"withdrawn": "sensor.volume"}, {"withdrawn": "entity_counts_nothing"}),
        ({"withdrawn": "sensor.energy", "injected": "sensor.volume"}, {"injected": "entity_counts_nothing"}),
        ({"withdrawn": "sensor.energy", "injected": "sensor.energy"}, {"injected": "same_entity"}),
        ({"withdrawn": "sensor.taken"}, {"withdrawn": "source_known"}),
        ({"withdrawn": "sensor.taken", "injected": "sensor.solar"}, {"withdrawn": "source_known"}),
    ],
)
async def test_what_is_wrong_with_entities(hass: HomeAssistant, wrong: dict[str, str], errors: dict[str, str]) -> None:
    """It is told by its field, what was said is shown again, and the flow goes on."""
    hass.states.async_set("sensor.taken", "1", ENERGY)
    contract = await contract_entry(hass, loaded=False)
    await added(hass, contract, "sensor.taken", site_id="another")
    talk = await begin(hass, contract, "entity")
    await talk.submit(wrong)
    assert (talk.step, talk.errors, talk.shown) == ("entity", errors, wrong)
    await talk.submit({"withdrawn": "sensor.power", "injected": "sensor.solar"})
    assert (await talk.submit(WHO)).created
    assert talk.last.data["injected"] == "sensor.solar"


async def test_what_a_contract_tells_feeds_none(hass: HomeAssistant) -> None:
    """Its own results are no meter of a site."""
    contract = await contract_entry(hass, loaded=False)
    paid = er.async_get(hass).async_get_or_create("sensor", DOMAIN, "paid", config_entry=contract)
    hass.states.async_set(paid.entity_id, "1", ENERGY)
    talk = await begin(hass, contract, "entity")
    await talk.submit({"withdrawn": paid.entity_id})
    assert talk.errors == {"withdrawn": "entity_of_contract"}


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"name": " "}, {"name": "no_name"}),
        ({"site_id": "3000123456789"}, {"site_id": "no_site_id"}),
        ({"site_id": "x" * 65}, {"site_id": "no_site_id"}),
        ({"site_id": "30001234567891"}, {"site_id": "site_known"}),
        ({"entity": " "}, {"entity": "no_entity"}),
        ({"entity": "x" * 65}, {"entity": "no_entity"}),
        ({"max_activation": 0.0}, {"max_activation": "no_power"}),
        ({"subscribed": 0.0}, {"subscribed": "no_power"}),
        ({"left": "2026-03-01"}, {"left": "left_before"}),
        ({"left": "9999-12-31"}, {"left": "unlikely_day"}),
        ({"joined": "0001-01-01"}, {"joined": "unlikely_day"}),
        ({"entity": "Hotels", "method": "moy10j"}, {"site_kind": "mixed_kinds"}),
        ({"entity": " Hotels ", "site_kind": "injection"}, {"method": "mixed_methods"}),
        ({"entity": "Hotels"}, {"site_kind": "mixed_kinds", "method": "mixed_methods"}),
    ],
)
async def test_what_is_wrong_with_a_site(hass: HomeAssistant, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    """It is told by its field, what was said is shown again, and the flow goes on."""
    contract = await contract_entry(hass, loaded=False)
    hotel = {"site_id": "30001234567891", "entity": "Hotels", "site_kind": "injection", "method": "moy10j"}
    await added(hass, contract, "sensor.solar", **hotel)
    talk = await begin(hass, contract, "entity")
    await talk.submit({"withdrawn": "sensor.energy"})
    await talk.submit({**WHO, **wrong})
    assert (talk.step, talk.errors, talk.shown) == ("details", errors, {**WHO, **wrong})
    assert (await talk.submit({**WHO, "site_id": "x" * 64})).created


@pytest.mark.parametrize("wrong", [{"method": "panel"}, {"site_kind": "both"}, {"max_activation": -1.0}])
async def test_what_no_form_offers(hass: HomeAssistant, wrong: dict[str, Any]) -> None:
    """It is refused."""
    talk = await begin(hass, await contract_entry(hass, loaded=False), "entity")
    await talk.submit({"withdrawn": "sensor.energy"})
    with pytest.raises(probatio.Invalid):
        await talk.submit({**WHO, **wrong})


async def test_another_contract_has_the_site(hass: HomeAssistant) -> None:
    """It is told once, and the site can be added all the same; one without an id is not the same as another."""
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="ignored").add_to_hass(hass)
    others = [await contract_entry(hass, title=title, loaded=False) for title in ("Suburb", "Harbour")]
    for other in others:
        await added(hass, other, site_id="")
        talk = await Talk(hass, other, "perimeter_site").change(next(iter(other.subentries.values())))
        await talk.choose("details")
        await talk.submit(WHO)
        if other is others[1]:
            assert (talk.result["step_id"], talk.placeholders["contracts"]) == ("elsewhere", "Suburb")
            await talk.submit({})
        assert talk.aborted == "reconfigure_successful"
    contract = await contract_entry(hass, loaded=False)
    talk = await begin(hass, contract, "entity")
    await talk.submit({"withdrawn": "sensor.energy"})
    await talk.submit(WHO)
    assert talk.result["step_id"] == "elsewhere"
    assert talk.placeholders == {"site_id": PRM, "contracts": "Suburb, Harbour"}
    assert (await talk.submit({})).created
    await talk.change(talk.last)
    await talk.choose("details")
    assert (await talk.submit({**WHO, "max_activation": 130.0})).aborted == "reconfigure_successful"


async def test_a_site_is_changed(hass: HomeAssistant) -> None:
    """What it is without its source, its source with what it is; another site's id and source are refused."""
    contract = await contract_entry(hass)
    talk = await added(hass, contract)
    await added(hass, contract, "sensor.power", site_id="30001234567891", name="Hotel")
    site = talk.all[0]
    await talk.change(site)
    assert (talk.step, talk.placeholders) == ("reconfigure", {"site": "School"})
    assert talk.result["menu_options"] == ["details", "meter", "entity", "remote"]
    await talk.choose("details")
    assert talk.shown == WHO
    await talk.submit({**WHO, "site_id": "30001234567891"})
    assert talk.errors == {"site_id": "site_known"}
    await talk.submit({**WHO, "name": "Gym", "entity": "EF2", "method": "med4s", "left": "2026-05-01"})
    assert talk.aborted == "reconfigure_successful"
    said = {"entity": "EF2", "method": "med4s", "left": "2026-05-01", "source": "entity", "withdrawn": "sensor.energy"}
    assert (talk.all[0].title, talk.all[0].subentry_id) == ("Gym", site.subentry_id)
    assert talk.all[0].data == {**site.data, **said}
    await talk.change(talk.all[0])
    await talk.choose("entity")
    assert talk.shown == {"withdrawn": "sensor.energy"}
    await talk.submit({"withdrawn": "sensor.power"})
    assert talk.errors == {"withdrawn": "source_known"}
    await talk.submit({"withdrawn": "sensor.solar"})
    assert talk.shown == {**WHO, "name": "Gym", **{key: said[key] for key in ("entity", "method", "left")}}
    shown = {**talk.shown}
    del shown["left"]
    await talk.submit(shown)
    assert talk.aborted == "reconfigure_successful"
    assert (talk.all[0].data["withdrawn"], "left" in talk.all[0].data) == ("sensor.solar", False)
    setup = cast("ContractCoordinator", contract.runtime_data).setup
    assert {name: choice.method for name, choice in setup.choices.items()} == {
        "EF1": Method.DOUBLE_REFERENCE,
        "EF2": Method.MED4S,
    }


# Meters.


async def test_a_site_without_a_meter(hass: HomeAssistant) -> None:
    """There is none to choose."""
    assert (await begin(hass, await contract_entry(hass, loaded=False), "meter")).aborted == "no_meter"


@pytest.mark.usefixtures("socket_enabled")
async def test_a_site_read_from_a_meter(hass: HomeAssistant, player: Player) -> None:
    """One that is read and counts; it feeds one site of a contract."""
    lost = meter_entry("/dev/ttyNone", serial="041436296032")
    lost.add_to_hass(hass)
    without = {label: data for label, data in PME_FRAME.items() if not label.startswith("EA")}
    meter = await player.load(compose(without))
    contract = await contract_entry(hass, loaded=False)
    talk = await begin(hass, contract, "meter")
    assert (talk.step, sorted(talk.offered("meter_entry"))) == ("meter", sorted((lost.entry_id, meter.entry_id)))
    assert (await talk.submit({"meter_entry": lost.entry_id})).errors == {"meter_entry": "meter_silent"}
    await talk.submit({"meter_entry": meter.entry_id})
    assert talk.errors == {"meter_entry": "meter_counts_nothing"}
    assert talk.shown == {"meter_entry": meter.entry_id}
    for _ in range(3):
        await player.take(compose(PME_FRAME))
    await talk.submit({"meter_entry": meter.entry_id})
    assert (talk.step, talk.shown["name"]) == ("details", "PME-PMI")
    assert (await talk.submit(WHO)).created
    assert talk.last.data.items() >= {"source": "meter", "meter_entry": meter.entry_id}.items()
    again = await begin(hass, contract, "meter")
    assert (await again.submit({"meter_entry": meter.entry_id})).errors == {"meter_entry": "source_known"}
    await talk.change(talk.last)
    await talk.choose("meter")
    assert talk.shown == {"meter_entry": meter.entry_id}
    assert (await talk.submit(talk.shown)).step == "details"
    await hass.config_entries.async_unload(meter.entry_id)
    assert (await again.submit({"meter_entry": meter.entry_id})).errors == {"meter_entry": "meter_silent"}
    await hass.config_entries.async_remove(meter.entry_id)
    assert (await again.submit({"meter_entry": meter.entry_id})).errors == {"meter_entry": "meter_silent"}


# Remote sites.


async def test_a_site_without_a_fleet(hass: HomeAssistant) -> None:
    """There is no remote site to choose; a fleet without sites has none either."""
    contract = await contract_entry(hass, loaded=False)
    assert (await begin(hass, contract, "remote")).aborted == "no_remote"
    MockConfigEntry(domain=DOMAIN, title="Empty", data={"kind": "fleet"}).add_to_hass(hass)
    assert (await begin(hass, contract, "remote")).aborted == "no_remote"


async def test_a_site_read_from_a_remote_bacs(hass: HomeAssistant, fleet: Fleet) -> None:
    """Its asset is asked what it consumed; it feeds one site of a contract."""
    await fleet.load()
    contract = await contract_entry(hass, loaded=False)
    talk = await begin(hass, contract, "remote")
    where = {"remote_site": f"{fleet.entry.entry_id}/{fleet.site.id}"}
    assert (talk.step, talk.errors, talk.offered("remote_site")) == ("remote", {}, [*where.values()])
    await talk.submit(where)
    which = {"remote_asset": f"{BACS}/{ASSET}"}
    assert (talk.step, talk.errors, talk.offered("remote_asset")) == ("remote_asset", {}, [*which.values()])
    assert [one["label"] for one in talk.fields["remote_asset"].config["options"]] == [f"Town hall: {ASSET}"]
    calls = fleet.remote.called("GET", "/consumptions")
    await talk.submit(which)
    assert fleet.remote.called("GET", "/consumptions") == calls + 1
    assert (talk.step, talk.shown["name"]) == ("details", ASSET)
    assert (await talk.submit(WHO)).created
    said = {
        "source": "remote",
        "fleet": fleet.entry.entry_id,
        "remote_site": fleet.site.id,
        "remote_bacs": BACS,
        "remote_asset": ASSET,
    }
    assert talk.last.data.items() >= said.items()
    again = await begin(hass, contract, "remote")
    await again.submit(where)
    assert (await again.submit(which)).errors == {"base": "source_known"}
    await talk.change(talk.last)
    await talk.choose("remote")
    assert talk.shown == where
    await talk.submit(talk.shown)
    assert talk.shown == which
    await talk.submit(talk.shown)
    assert (await talk.submit({**WHO, "subscribed": 260.0})).aborted == "reconfigure_successful"
    assert talk.last.data.items() >= {**said, "subscribed": 260}.items()


async def test_a_remote_site_that_is_gone_is_not_shown(hass: HomeAssistant, fleet: Fleet) -> None:
    """Another can be chosen; a site that was read from something else proposes none."""
    await fleet.load()
    contract = await contract_entry(hass, loaded=False)
    talk = await added(hass, contract)
    await talk.change(talk.last)
    await talk.choose("remote")
    assert talk.shown == {}
    await talk.submit({"remote_site": f"{fleet.entry.entry_id}/{fleet.site.id}"})
    assert talk.shown == {}
    await talk.submit({"remote_asset": f"{BACS}/{ASSET}"})
    assert (await talk.submit(WHO)).aborted == "reconfigure_successful"
    assert "withdrawn" not in talk.last.data


async def test_a_fleet_that_does_not_run(hass: HomeAssistant, fleet: Fleet) -> None:
    """It is told, whenever it stops; so is a site that has not shown anything yet."""
    await fleet.load(site_data(fleet.remote.url), site_data("http://127.0.0.1:1", title="Library"))
    contract = await contract_entry(hass, loaded=False)
    talk = await begin(hass, contract, "remote")
    hall, library = talk.offered("remote_site")
    await talk.submit({"remote_site": library})
    assert (talk.errors, talk.shown) == ({"remote_site": "no_remote_asset"}, {"remote_site": library})
    assert await hass.config_entries.async_unload(fleet.entry.entry_id)
    assert (await talk.submit({"remote_site": hall})).errors == {"remote_site": "fleet_not_running"}
    assert await hass.config_entries.async_setup(fleet.entry.entry_id)
    await fleet.settle()
    which = {"remote_asset": f"{BACS}/{ASSET}"}
    assert (await talk.submit({"remote_site": hall})).step == "remote_asset"
    assert await hass.config_entries.async_unload(fleet.entry.entry_id)
    assert (await talk.submit(which)).errors == {"base": "fleet_not_running"}
    assert talk.shown == which
    assert await hass.config_entries.async_setup(fleet.entry.entry_id)
    await fleet.settle()
    assert (await talk.submit(which)).step == "details"
    assert (await talk.submit(WHO)).created
    talk = await begin(hass, contract, "remote")
    hass.config_entries.async_remove_subentry(fleet.entry, library.partition("/")[2])
    assert (await talk.submit({"remote_site": library})).errors == {"remote_site": "fleet_not_running"}
    assert talk.offered("remote_site") == [hall]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (problem(401, "invalid-token"), "bacs_invalid_auth"),
        (problem(404, "not-found"), "bacs_not_found"),
        (status(500), "bacs_server_error"),
        (status(200, {"consumptions": []}), "remote_counts_nothing"),
    ],
)
async def test_a_remote_bacs_that_tells_nothing(hass: HomeAssistant, fleet: Fleet, fault: Fault, error: str) -> None:
    """It is told, and the form can be submitted again."""
    await fleet.load()
    talk = await begin(hass, await contract_entry(hass, loaded=False), "remote")
    await talk.submit({"remote_site": f"{fleet.entry.entry_id}/{fleet.site.id}"})
    fleet.remote.always = fault
    await talk.submit({"remote_asset": f"{BACS}/{ASSET}"})
    assert (talk.step, talk.errors) == ("remote_asset", {"base": error})
    fleet.remote.always = None
    await talk.submit({"remote_asset": f"{BACS}/{ASSET}"})
    assert (await talk.submit(WHO)).created
