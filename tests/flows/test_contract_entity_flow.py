"""The flow of a flexibility entity: what all its sites have in common is changed for all of them, in one go."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from contracts import KEPT, TERMS, Dialog, contract_entry
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.methods import Choice, Method

pytestmark = pytest.mark.usefixtures("enable_custom_integrations", "home")
SITES = {"School": "North", "Pool": "North", "Hall": "North", "Mill": "South"}
"""Each with its entity."""


@pytest.fixture
async def home(hass: HomeAssistant, tmp_path: Path, freezer: FrozenDateTimeFactory) -> AsyncIterator[None]:
    """A house in Paris, some weeks after its sites joined, whose folder is its own."""
    freezer.move_to(datetime(2026, 2, 14, 7, tzinfo=UTC))
    hass.config.config_dir = str(tmp_path)
    await hass.config.async_set_time_zone("Europe/Paris")
    yield
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the contracts that were set up, each time that they were."""
    found: list[str] = []
    real = ContractCoordinator.async_start

    async def start(self: ContractCoordinator) -> None:
        found.append(self.name)
        await real(self)

    monkeypatch.setattr(ContractCoordinator, "async_start", start)
    return found


def site(name: str, entity: str) -> ConfigSubentry:
    """Make a site; its id is its name."""
    data = {
        "site_id": f"site {name}",
        "entity": entity,
        "site_kind": "withdrawal",
        "method": "double_reference",
        "max_activation": 700,
        "subscribed": 2000,
        "joined": "2026-01-01",
        "consent": True,
        "other_operator": False,
        "source": "entity",
        "withdrawn": f"sensor.{name.lower()}",
    }
    return ConfigSubentry(
        data=MappingProxyType(data), subentry_type="perimeter_site", title=name, unique_id=None, subentry_id=name
    )


async def contract(hass: HomeAssistant, sites: dict[str, str] = SITES, data: dict[str, Any] = KEPT) -> MockConfigEntry:
    """Make a contract with sites."""
    entry = await contract_entry(hass, data, loaded=False)
    for name, entity in sites.items():
        hass.config_entries.async_add_subentry(entry, site(name, entity))
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


async def change(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Choose the entities in the menu."""
    dialog = await Dialog.change(hass, entry)
    assert dialog.menu == ["reconfigure_contract", "contract_entity"]
    return await dialog.submit({"next_step_id": "contract_entity"})


def said(entry: MockConfigEntry, name: str) -> tuple[str, str, str]:
    """Return entity, kind and method of a site."""
    data = entry.subentries[name].data
    return data["entity"], data["site_kind"], data["method"]


async def test_the_method_of_an_entity(hass: HomeAssistant, starts: list[str]) -> None:
    """All its sites have it at once, and the contract is set up anew once; the rest of them stays as it was."""
    entry = await contract(hass)
    before = {name: dict(one.data) for name, one in entry.subentries.items()}
    dialog = await change(hass, entry)
    assert (dialog.step, dialog.offered("entity")) == ("contract_entity", {"North": "North (3)", "South": "South (1)"})
    await dialog.submit({"entity": "North"})
    assert dialog.step == "contract_entity_details"
    assert dialog.shown == {"entity": "North", "site_kind": "withdrawal", "method": "double_reference"}
    assert dialog.placed == {"entity": "North", "sites": "School, Pool, Hall"}
    starts.clear()
    await dialog.submit({**dialog.shown, "site_kind": "mixed", "method": "moy10j"})
    assert dialog.aborted == "entity_changed"
    assert starts == ["Town centre"]
    changed = {"site_kind": "mixed", "method": "moy10j"}
    after = {name: data | (changed if SITES[name] == "North" else {}) for name, data in before.items()}
    assert {name: dict(one.data) for name, one in entry.subentries.items()} == after
    dmo = cast("ContractCoordinator", entry.runtime_data).setup.terms.dmo
    assert cast("ContractCoordinator", entry.runtime_data).setup.choices == {
        "North": Choice(method=Method.MOY10J, dmo=dmo),
        "South": Choice(method=Method.DOUBLE_REFERENCE, dmo=dmo),
    }


async def test_an_entity_that_stays_as_it_was(hass: HomeAssistant, starts: list[str]) -> None:
    """Nothing is set up anew for it."""
    entry = await contract(hass)
    dialog = await change(hass, entry)
    await dialog.submit({"entity": "South"})
    starts.clear()
    assert (await dialog.submit(dialog.shown)).aborted == "entity_changed"
    assert starts == []


async def test_the_only_entity(hass: HomeAssistant) -> None:
    """Is not asked for; it gets another name, without blanks around it."""
    entry = await contract(hass, {"School": "North", "Pool": "North"})
    dialog = await change(hass, entry)
    assert dialog.step == "contract_entity_details"
    await dialog.submit({**dialog.shown, "entity": "  Uphill "})
    assert dialog.aborted == "entity_changed"
    assert said(entry, "School") == said(entry, "Pool") == ("Uphill", "withdrawal", "double_reference")


@pytest.mark.parametrize(
    ("name", "error"),
    [(" ", "no_entity"), ("n" * 65, "no_entity"), ("South", "entity_known"), ("East", "entity_known")],
)
async def test_what_is_wrong_with_a_name(hass: HomeAssistant, name: str, error: str) -> None:
    """None, one too long, that of another entity, or of one whose sites were deleted: two do not become one."""
    entry = await contract(hass, {**SITES, "Barn": "East"})
    hass.config_entries.async_remove_subentry(entry, "Barn")
    await hass.async_block_till_done(wait_background_tasks=True)
    dialog = await change(hass, entry)
    await dialog.submit({"entity": "North"})
    wanted = {"entity": name, "site_kind": "injection", "method": "med10j"}
    await dialog.submit(wanted)
    assert (dialog.step, dialog.errors, dialog.shown) == ("contract_entity_details", {"entity": error}, wanted)
    await dialog.submit({**wanted, "entity": "n" * 64})
    assert dialog.aborted == "entity_changed"
    assert said(entry, "Hall") == ("n" * 64, "injection", "med10j")


async def test_a_contract_without_sites(hass: HomeAssistant) -> None:
    """Has nothing else to change than its terms."""
    dialog = await Dialog.change(hass, await contract(hass, {}))
    assert dialog.step == "reconfigure_contract"


async def test_the_terms_are_behind_the_menu(hass: HomeAssistant) -> None:
    """They are changed as ever."""
    entry = await contract(hass)
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"next_step_id": "reconfigure_contract"})
    assert dialog.step == "reconfigure_contract"
    await dialog.submit({"name": "Town centre", **TERMS, "power": 700.0})
    assert (await dialog.submit({"decisions": {}})).aborted == "reconfigure_successful"
    assert entry.data["power"] == 700


async def test_a_contract_that_could_not_be_set_up(hass: HomeAssistant, starts: list[str]) -> None:
    """It is tried again once an entity was changed."""
    entry = await contract(hass, data={**KEPT, "starts": "soon"})
    assert entry.state is ConfigEntryState.SETUP_ERROR
    dialog = await change(hass, entry)
    await dialog.submit({"entity": "North"})
    starts.clear()
    await dialog.submit({**dialog.shown, "method": "med4s"})
    assert said(entry, "Pool")[2] == "med4s"
    assert starts == ["Town centre"]


async def test_a_forecast_is_of_a_name(hass: HomeAssistant) -> None:
    """So an entity keeps it while a forecast is its method, or becomes it."""
    entry = await contract(hass, {"School": "North", "Pool": "North"})
    dialog = await change(hass, entry)
    wanted = {"entity": "Uphill", "site_kind": "withdrawal", "method": "forecast"}
    assert (await dialog.submit(wanted)).errors == {"entity": "entity_forecast"}
    assert (await dialog.submit({**wanted, "entity": "North"})).aborted == "entity_changed"
    assert said(entry, "Pool") == ("North", "withdrawal", "forecast")
    dialog = await change(hass, entry)
    assert (await dialog.submit({**wanted, "method": "moy10j"})).errors == {"entity": "entity_forecast"}
    assert (await dialog.submit({**wanted, "entity": "North", "method": "moy10j"})).aborted == "entity_changed"


async def test_a_method_that_no_form_offers(hass: HomeAssistant) -> None:
    """It is refused."""
    dialog = await change(hass, await contract(hass, {"School": "North"}))
    with pytest.raises(probatio.Invalid):
        await dialog.submit({**dialog.shown, "method": "guess"})
