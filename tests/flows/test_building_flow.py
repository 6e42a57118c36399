"""The flow of a building: its meter, how the limit is judged, one building per meter."""

from pathlib import Path
from typing import Any

from conftest import meter_entry
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_validation as cv
import probatio
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    get_schema_suggested_value,
)

from custom_components import flex_ready
from custom_components.flex_ready.building.const import (
    CONF_BLIND_POLICY,
    CONF_ECOWATT_ENTRY,
    CONF_LEDGER_URL,
    CONF_LIMIT,
    CONF_METER_ENTRY,
    CONF_TD,
    CONF_WINDOW,
)
from custom_components.flex_ready.building.diagnostics import building_diagnostics
from custom_components.flex_ready.const import CONF_KIND, DOMAIN, Kind
from custom_components.flex_ready.ledger import Ledger

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

AUTOMATIC = {CONF_WINDOW: "automatic", CONF_TD: "0", CONF_LIMIT: 0, CONF_BLIND_POLICY: "hold"}
SET = {CONF_WINDOW: "sliding", CONF_TD: "10", CONF_LIMIT: 36.5, CONF_BLIND_POLICY: "shed"}


@pytest.fixture(autouse=True)
def no_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entities of a building are another matter."""
    monkeypatch.setitem(flex_ready.PLATFORMS, Kind.BUILDING, [])


@pytest.fixture
def meter(hass: HomeAssistant) -> MockConfigEntry:
    """The entry of a meter, whether it is read or not; and a dongle that the user ignores."""
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="ignored").add_to_hass(hass)
    entry = meter_entry("/dev/ttyNone")
    entry.add_to_hass(hass)
    return entry


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the menu and choose the building."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert "building" in menu["menu_options"]
    return await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "building"})


async def change(hass: HomeAssistant, entry: ConfigEntry) -> ConfigFlowResult:
    """Ask to change an entry that the flow made."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, meter: MockConfigEntry, advanced: dict[str, Any], name: str = "Hall"
) -> ConfigFlowResult:
    """Submit a form, and let what follows happen."""
    data = {CONF_NAME: name, CONF_METER_ENTRY: meter.entry_id, "advanced": advanced}
    result = await hass.config_entries.flow.async_configure(form["flow_id"], data)
    await hass.async_block_till_done()
    return result


async def added(hass: HomeAssistant, meter: MockConfigEntry) -> MockConfigEntry:
    """Set a building up, as the flow makes it."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Hall",
        unique_id=f"building_{meter.entry_id}",
        data={CONF_KIND: "building", CONF_METER_ENTRY: meter.entry_id, **AUTOMATIC, CONF_TD: 0},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


def shown(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what the form shows; it can be sent to a browser."""
    schema = form["data_schema"]
    assert schema
    assert probatio.to_field_list(schema, custom_serializer=cv.custom_serializer)
    found: dict[str, Any] = {
        str(key): get_schema_suggested_value(schema.schema, key) for key in schema.schema if key != "advanced"
    }
    inner = schema.schema["advanced"].schema.schema
    return found | {str(key): get_schema_suggested_value(inner, key) for key in inner}


def names(folder: Path) -> set[str]:
    """Return the names of what is in a folder."""
    return {one.name for one in folder.iterdir()}


async def test_without_a_meter(hass: HomeAssistant) -> None:
    """A building needs one; what was ignored is none."""
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="ignored").add_to_hass(hass)
    result = await begin(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_meter")


async def test_a_building_is_added(hass: HomeAssistant, meter: MockConfigEntry) -> None:
    """A name and a meter are enough; it is set up even while the meter is not read."""
    form = await begin(hass)
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "building", {})
    assert shown(form)[CONF_NAME] == hass.config.location_name
    form = await submit(hass, form, meter, AUTOMATIC, name=" ")
    assert form["errors"] == {CONF_NAME: "no_name"}
    created = await submit(hass, form, meter, AUTOMATIC, name=" Hall ")
    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["title"] == "Hall"
    assert created["data"] == {
        CONF_KIND: "building",
        CONF_METER_ENTRY: meter.entry_id,
        CONF_WINDOW: "automatic",
        CONF_TD: 0,
        CONF_LIMIT: 0.0,
        CONF_BLIND_POLICY: "hold",
    }
    entry = created["result"]
    assert entry.unique_id == f"building_{meter.entry_id}"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.supported_subentry_types.keys() == {"load", "asset", "operator"}
    assert not meter.supported_subentry_types
    again = await submit(hass, await begin(hass), meter, SET)
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_what_is_set_is_taken(hass: HomeAssistant, meter: MockConfigEntry) -> None:
    """Types are those that the runtime reads."""
    created = await submit(hass, await begin(hass), meter, SET)
    assert {key: created["data"][key] for key in SET} == {**SET, CONF_TD: 10}
    link = created["result"].runtime_data.link
    assert (link.td, link.fixed_td, link.limit_w, link.kind) == (10, True, 36_500, "sliding")


@pytest.mark.parametrize("wrong", [{CONF_WINDOW: "monthly"}, {CONF_TD: "7"}, {CONF_LIMIT: -1}])
async def test_what_no_form_offers(hass: HomeAssistant, meter: MockConfigEntry, wrong: dict[str, Any]) -> None:
    """It is refused."""
    with pytest.raises(probatio.Invalid):
        await submit(hass, await begin(hass), meter, {**SET, **wrong})


async def test_reconfiguration(hass: HomeAssistant, meter: MockConfigEntry) -> None:
    """Present values are shown; the listener of the entry reloads it, once."""
    entry = await added(hass, meter)
    before = entry.runtime_data
    form = await entry.start_reconfigure_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure_building")
    assert shown(form) == {CONF_NAME: "Hall", CONF_METER_ENTRY: meter.entry_id, **AUTOMATIC, CONF_LEDGER_URL: None}
    done = await submit(hass, form, meter, SET, name="Works")
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.title == "Works"
    assert {key: entry.data[key] for key in SET} == {**SET, CONF_TD: 10}
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data is not before


async def test_another_meter(hass: HomeAssistant, meter: MockConfigEntry) -> None:
    """It may be chosen, unless it has a building."""
    entry = await added(hass, meter)
    other = meter_entry("/dev/ttyOther", serial="2")
    other.add_to_hass(hass)
    done = await submit(hass, await entry.start_reconfigure_flow(hass), other, AUTOMATIC)
    assert done["reason"] == "reconfigure_successful"
    assert (entry.data[CONF_METER_ENTRY], entry.unique_id) == (other.entry_id, f"building_{other.entry_id}")
    await added(hass, meter)
    done = await submit(hass, await entry.start_reconfigure_flow(hass), meter, AUTOMATIC)
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_building_without_its_meter(hass: HomeAssistant, meter: MockConfigEntry) -> None:
    """One whose meter was removed cannot be set up; with another meter it is, at once."""
    entry = await added(hass, meter)
    other = meter_entry("/dev/ttyOther", serial="2")
    other.add_to_hass(hass)
    await hass.config_entries.async_remove(meter.entry_id)
    assert not await hass.config_entries.async_reload(entry.entry_id)
    assert entry.error_reason_translation_key == "no_meter_entry"
    done = await submit(hass, await entry.start_reconfigure_flow(hass), other, AUTOMATIC)
    assert done["reason"] == "reconfigure_successful"
    assert entry.state is ConfigEntryState.LOADED


async def test_signals_to_go_by(hass: HomeAssistant, meter: MockConfigEntry) -> None:
    """They are asked for where there are any, kept, shown again and can be taken back."""
    grid = MockConfigEntry(domain=DOMAIN, title="Ecowatt", data={CONF_KIND: Kind.ECOWATT.value})
    grid.add_to_hass(hass)
    form = await begin(hass)
    data = {CONF_NAME: "Hall", CONF_METER_ENTRY: meter.entry_id, "advanced": AUTOMATIC}
    chosen = {CONF_ECOWATT_ENTRY: grid.entry_id}
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {**data, "signals": chosen})
    entry = result["result"]
    assert entry.data[CONF_ECOWATT_ENTRY] == grid.entry_id
    form = await change(hass, entry)
    assert form["data_schema"] is not None
    shown = form["data_schema"].schema["signals"].schema
    assert get_schema_suggested_value(shown.schema, CONF_ECOWATT_ENTRY) == grid.entry_id
    await hass.config_entries.flow.async_configure(form["flow_id"], {**data, "signals": {}})
    await hass.async_block_till_done()
    assert CONF_ECOWATT_ENTRY not in entry.data


async def test_another_ledger(hass: HomeAssistant, meter: MockConfigEntry, tmp_path: Path) -> None:
    """It is opened before it is taken, shown again, not tried again unless it changes, and can be taken back."""
    url = f"sqlite:///{tmp_path / 'ours.db'}"
    created = await submit(hass, await begin(hass), meter, {**AUTOMATIC, CONF_LEDGER_URL: f" {url} "})
    entry = created["result"]
    assert entry.data[CONF_LEDGER_URL] == url
    assert url not in str(building_diagnostics(entry.runtime_data))  # it may hold a password
    assert (tmp_path / "ours.db").exists()
    (tmp_path / "ours.db").unlink()
    form = await change(hass, entry)
    assert shown(form)[CONF_LEDGER_URL] == url
    await submit(hass, form, meter, {**SET, CONF_LEDGER_URL: url})
    assert (entry.data[CONF_TD], entry.data[CONF_LEDGER_URL]) == (10, url)
    assert not (tmp_path / "ours.db").exists()
    await submit(hass, await change(hass, entry), meter, AUTOMATIC)
    assert CONF_LEDGER_URL not in entry.data


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ledger.db", "Could not parse SQLAlchemy URL from given URL string"),
        ("mysql://ledger:secret@localhost/ledger", "mysql is none of sqlite, postgresql"),
        ("sqlite://", "what is kept in memory only is not kept"),
        ("sqlite:////no/such/folder/ledger.db", "unable to open database file"),
        ("sqlite:///{}/configuration.yaml", "this file is no database of SQLite"),
        ("sqlite:///{}", "unable to open database file"),
    ],
)
async def test_a_ledger_that_cannot_be_used(
    hass: HomeAssistant, meter: MockConfigEntry, tmp_path: Path, url: str, reason: str
) -> None:
    """It is told why; what is no database stays as it is; with one that can be used the flow goes on."""
    (tmp_path / "configuration.yaml").write_text("default_config:", encoding="utf-8")
    wrong = {**AUTOMATIC, CONF_LEDGER_URL: url.format(tmp_path)}
    form = await submit(hass, await begin(hass), meter, wrong)
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "ledger_unusable"})
    placeholders = form["description_placeholders"]
    assert placeholders is not None
    assert reason in placeholders["reason"]
    assert "secret" not in placeholders["reason"]
    assert shown(form)[CONF_LEDGER_URL] == wrong[CONF_LEDGER_URL]
    assert names(tmp_path) == {"configuration.yaml"}
    done = await submit(hass, form, meter, {**AUTOMATIC, CONF_LEDGER_URL: f"sqlite:///{tmp_path / 'ledger.db'}"})
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_a_ledger_that_is_there(hass: HomeAssistant, meter: MockConfigEntry, tmp_path: Path) -> None:
    """One that is open already, or an empty file, is as good as a new one."""
    (tmp_path / "empty.db").touch()
    opened = await Ledger.open(f"sqlite:///{tmp_path / 'open.db'}")
    created = await submit(
        hass, await begin(hass), meter, {**AUTOMATIC, CONF_LEDGER_URL: f"sqlite:///{tmp_path / 'open.db'}"}
    )
    await opened.close()
    entry, empty = created["result"], f"sqlite:///{tmp_path / 'empty.db'}"
    await submit(hass, await change(hass, entry), meter, {**AUTOMATIC, CONF_LEDGER_URL: empty})
    assert entry.data[CONF_LEDGER_URL] == empty
    assert names(tmp_path) == {"empty.db", "open.db"}
