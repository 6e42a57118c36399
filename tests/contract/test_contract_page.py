"""What docs/contracts.md says of actions and entities, tried: its examples in order, each answer as it is printed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import re
from typing import Any, cast

from contracts_here import HOUR, SCHOOL, START, load
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.model import STEP, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/contracts.md").read_text(encoding="utf-8")
TEXTS = json.loads((ROOT / "custom_components/flex_ready/translations/en.json").read_text(encoding="utf-8"))
_EXAMPLE = re.compile(r"^### (\w+)\n.*?^```yaml\n(.*?)^```\n\n```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
_AUTOMATION = re.compile(r"^```yaml\n(triggers:\n.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = _EXAMPLE.findall(PAGE)
ACTIONS = (
    *("record_order", "record_forecast", "record_test", "get_load_curve", "get_activation_report"),
    *("get_activity_report", "get_perimeter", "simulate_activation"),
)
SHED = (100_000, 160_000, 250_000, 300_000)
"""Wh of the half-hours of the activation; 400,000 in every other one."""


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
async def contract(hass: HomeAssistant, freezer: FrozenDateTimeFactory, tmp_path: Path) -> ContractCoordinator:
    """The contract of the page, five hours after its activation began: twenty days are known."""
    now = START + 5 * HOUR
    freezer.move_to(now)
    await hass.config.async_set_time_zone("Europe/Paris")
    hass.config.media_dirs = {"local": str(tmp_path)}
    found = await load(hass, SCHOOL)
    readings = {now - i * STEP: Reading(400_000) for i in range(1, 20 * 48)}
    readings |= {START + i * STEP: Reading(wh) for i, wh in enumerate(SHED)}
    await found.ledger.add_readings("School", readings)
    return found


def within(printed: object, told: object) -> bool:
    """Tell whether what is printed is there: of an object some keys, of a list the first ones."""
    if isinstance(printed, Mapping) and isinstance(told, Mapping):
        return all(key in told and within(one, told[key]) for key, one in printed.items())
    if isinstance(printed, list) and isinstance(told, list):
        return len(printed) <= len(told) and all(map(within, printed, told, strict=False))
    return printed == told


def written(folder: Path) -> set[str]:
    """Return the names of the reports in a media folder."""
    return {file.name for file in folder.rglob("*_2026-*")}


def yaml_of(contract: ContractCoordinator, text: str) -> dict[str, Any]:
    """Read an example, with the ids that the editor puts in."""
    text = text.replace("YOUR_CONTRACT_ENTRY", contract.config_entry.entry_id)
    return cast("dict[str, Any]", parse_yaml(text))


async def test_the_examples_do_what_is_printed(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """Each action has one, and they follow each other: what is recorded is reported."""
    assert [name for name, _, _ in EXAMPLES] == [*ACTIONS]
    for name, example, printed in EXAMPLES:
        call = yaml_of(contract, example)
        assert call["action"] == f"{DOMAIN}.{name}"
        answer = await hass.services.async_call(DOMAIN, name, call["data"], blocking=True, return_response=True)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert within(json.loads(printed), answer), (name, answer)


def test_each_field_is_explained() -> None:
    """Every field of every action is named in its part of the page; the contract is named once for all."""
    parts = {part.partition("\n")[0]: part for part in PAGE.split("\n### ")[1:]}
    for name in ACTIONS:
        part = parts[name] + (parts["record_order"] if name == "simulate_activation" else "")
        for field in TEXTS["services"][name]["fields"].keys() - {"config_entry_id"}:
            assert f"`{field}`" in part, (name, field)


async def test_each_entity_is_explained(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """By the name that the user sees."""
    part = PAGE.partition("\n## Entities\n")[2].partition("\n## ")[0]
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, contract.config_entry.entry_id)
    assert len(entities) >= 18
    for entity in entities:
        assert entity.original_name is not None
        assert entity.original_name in part, entity.entity_id


def test_each_step_of_the_set_up_is_explained() -> None:
    """Every field of the forms of a site and of a period is in the page by its label."""
    steps = TEXTS["config_subentries"]["perimeter_site"]["step"]["details"]["data"]
    terms = TEXTS["config"]["step"]
    labels = {*steps.values(), *terms["contract_reserved"]["data"].values(), *terms["contract_orders"]["data"].values()}
    assert {label for label in labels if f"| {label} |" not in PAGE} == set()


async def test_the_automations_run(
    hass: HomeAssistant, contract: ContractCoordinator, freezer: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    """One asks for power while there is time, the other writes the quarter that is over."""
    at_risk, quarterly = (yaml_of(contract, text) for text in _AUTOMATION.findall(PAGE))
    asked = [one["entity_id"] for one in at_risk["triggers"]]
    texts = at_risk["actions"][0]["data"]["message"]
    registry = er.async_get(hass)
    for entity in (*asked, *re.findall(r"states\('([^']+)'\)", texts)):
        assert registry.async_get(entity) is not None, entity
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [{"alias": "quarterly", **quarterly}]})
    await hass.async_block_till_done()
    for day in (datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 4, 2, 4, tzinfo=UTC)):
        assert written(tmp_path) == set()
        freezer.move_to(day + timedelta(seconds=1))
        async_fire_time_changed(hass, day + timedelta(seconds=1))
        await hass.async_block_till_done(wait_background_tasks=True)
    assert written(tmp_path) == {"local_flexibility_2026-Q1.csv", "local_flexibility_2026-Q1.pdf"}
    off = {"entity_id": "automation.quarterly"}
    await hass.services.async_call(AUTOMATION, "turn_off", off, blocking=True)


def test_every_link_leads_somewhere() -> None:
    """Pages that are there, and headings that are."""
    for file, heading in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", PAGE):
        page = (ROOT / "docs" / file).resolve() if file else ROOT / "docs/contracts.md"
        assert page.exists(), file
        headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        names = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
        assert not heading or heading in names, (file, heading)
