"""An entity of a contract is changed: what was activated is settled by what is said of it now, with all its sites."""

from contracts_here import HOUR, ORDER, POOL, SCHOOL, START, Clock, load, quiet_days, site, state
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.model import STEP, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Four hours after the start of the activation."""
    return Clock(hass, freezer, START + 4 * HOUR)


async def settled(hass: HomeAssistant, contract: ContractCoordinator) -> ContractCoordinator:
    """Let the books be looked through; return what runs the contract now."""
    await hass.async_block_till_done(wait_background_tasks=True)
    found: ContractCoordinator = contract.config_entry.runtime_data
    return found


async def activated(hass: HomeAssistant) -> ContractCoordinator:
    """Have an activation before which the school draws more than after it, and the pool less."""
    contract = await load(hass)
    await quiet_days(contract, START + 4 * HOUR, 14, School=250_000, Pool=150_000)
    for name, before in {"School": 290_000, "Pool": 90_000}.items():
        await contract.ledger.add_readings(name, {START - i * STEP: Reading(before) for i in (1, 2)})
        await contract.ledger.add_readings(name, {START + i * STEP: Reading(40_000) for i in (0, 1)})
    await contract.async_order(ORDER)
    return await settled(hass, contract)


async def change(hass: HomeAssistant, contract: ContractCoordinator, **said: str) -> ContractCoordinator:
    """Change the only entity of a contract, as the user does."""
    flow = hass.config_entries.flow
    shown = await flow.async_init(DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": contract.id})
    shown = await flow.async_configure(shown["flow_id"], {"next_step_id": "contract_entity"})
    done = await flow.async_configure(
        shown["flow_id"], {"entity": "EF1", "site_kind": "withdrawal", "method": "double_reference", **said}
    )
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "entity_changed")
    return await settled(hass, contract)


def realised(contract: ContractCoordinator) -> dict[str, list[int | None]]:
    """Return what each entity realised in the half-hours of the activation."""
    entities = contract.data.reports["A1"].entities
    return {name: [None if wh is None else int(wh) for wh in steps.values()] for name, steps in entities.items()}


async def test_past_orders_are_settled_by_the_new_method(hass: HomeAssistant, clock: Clock) -> None:
    """Of a site that was deleted too; and the entities say it."""
    contract = await activated(hass)
    assert realised(contract) == {"EF1": [300_000, 300_000]}  # 380 before, 400 after, for 80
    hass.config_entries.async_remove_subentry(contract.config_entry, "Pool")
    contract = await settled(hass, contract)
    contract = await change(hass, contract, method="moy10j")
    assert realised(contract) == {"EF1": [320_000, 320_000]}
    contract = await change(hass, contract, method="site_by_site")
    assert realised(contract) == {"EF1": [260_000, 260_000]}  # 250 and 90 for 40 each
    assert float(state(hass, "paid_volume")) == 520


async def test_an_entity_is_renamed_with_its_past(hass: HomeAssistant, clock: Clock) -> None:
    """Sites that were deleted go with it: two entities have another double reference than one."""
    contract = await activated(hass)
    hass.config_entries.async_remove_subentry(contract.config_entry, "Pool")
    contract = await settled(hass, contract)
    contract = await change(hass, contract, entity="North")
    assert realised(contract) == {"North": [300_000, 300_000]}
    assert {one.ef_id for one in await contract.ledger.members(contract.id)} == {"North"}
    assert await hass.config_entries.async_reload(contract.id)
    contract = await settled(hass, contract)
    assert realised(contract) == {"North": [300_000, 300_000]}
    assert contract.setup.gone["Pool"].entity == "North"


async def test_a_site_that_is_not_eligible_any_more_goes_with_its_entity(hass: HomeAssistant, clock: Clock) -> None:
    """What was activated with it is settled with it, under the new name."""
    contract = await activated(hass)
    hass.config_entries.async_update_subentry(
        contract.config_entry, contract.config_entry.subentries["Pool"], data={**POOL.data, "consent": False}
    )
    contract = await settled(hass, contract)
    contract = await change(hass, contract, entity="North")
    assert realised(contract) == {"North": [300_000, 300_000]}


async def test_another_entity_stays_what_it_was(hass: HomeAssistant, clock: Clock) -> None:
    """Its deleted sites keep its name."""
    contract = await load(hass, SCHOOL, POOL, site("Mill", "30001234567892", entity="EF2"))
    hass.config_entries.async_remove_subentry(contract.config_entry, "Mill")
    contract = await settled(hass, contract)
    contract = await change(hass, contract, entity="North")
    names = {one.site_id: one.ef_id for one in await contract.ledger.members(contract.id)}
    assert names == {"School": "North", "Pool": "North", "Mill": "EF2"}
