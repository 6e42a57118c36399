"""The flows of a contract and of its availability periods: what they keep, what they refuse, what is read of it."""

from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from contracts import KEPT, MONEY, RESERVED, TERMS, Dialog, contract_entry
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from talks import LOADS, Talk, building

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.contract import Availability, Reservation, Terms
from custom_components.flex_ready.settlement.model import Direction
from custom_components.flex_ready.settlement.profile import Cap, Decisions, Negative

__all__ = ["building"]

pytestmark = pytest.mark.usefixtures("enable_custom_integrations", "home")
PLAIN: dict[str, Any] = {"decisions": {}}
EVENING = {"from": "18:00:00", "to": "20:00:00", "power": 600.0}


@pytest.fixture
async def home(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[None]:
    """A house in Paris whose folder is its own."""
    hass.config.config_dir = str(tmp_path)
    await hass.config.async_set_time_zone("Europe/Paris")
    yield
    await hass.async_block_till_done(wait_background_tasks=True)


def runtime(entry: MockConfigEntry) -> ContractCoordinator:
    """Return what runs a contract."""
    assert entry.state is ConfigEntryState.LOADED, entry.reason
    return cast("ContractCoordinator", entry.runtime_data)


async def test_a_contract_without_reservation(hass: HomeAssistant) -> None:
    """Its terms are enough; amounts are kept as they were written."""
    dialog = await Dialog.begin(hass)
    assert (dialog.step, dialog.errors, dialog.shown) == ("contract", {}, {})
    await dialog.submit({"name": " Town centre ", **TERMS, "variable_premium": 199.95})
    assert (dialog.step, dialog.shown) == ("contract_orders", {"decisions": {}})
    await dialog.submit(PLAIN)
    assert dialog.entry.title == "Town centre"
    assert repr(dict(dialog.entry.data)) == repr(
        {
            "kind": "contract",
            "reservation": "without_reservation",
            "direction": "reduce_net_withdrawal",
            "power": 600,
            "mobilization_delay": 30,
            "min_duration": 30,
            "min_gap": 0,
            "starts": "2026-03-01",
            "ends": "2027-02-28",
            "variable_premium": "199.95",
        }
    )
    setup = runtime(dialog.entry).setup
    assert setup.terms == Terms(
        reservation=Reservation.NONE,
        direction=Direction.REDUCE_NET_WITHDRAWAL,
        power_w=600_000,
        dmo=timedelta(minutes=30),
        starts=date(2026, 3, 1),
        ends=date(2027, 2, 28),
        zone=setup.terms.zone,
        variable_premium=Decimal("199.95"),
    )
    assert (setup.decisions, setup.sites, setup.choices) == (Decisions(), {}, {})


async def test_a_contract_with_reservation(hass: HomeAssistant) -> None:
    """What it earns is asked for, too; each field reaches the runtime."""
    dialog = await Dialog.begin(hass)
    more = {"reservation": "with_reservation", "direction": "increase_net_withdrawal"}
    await dialog.submit({"name": "Town", **TERMS, **more, "max_duration": 120.0, "min_gap": 60.0, "power": 612.5})
    assert (dialog.step, dialog.shown) == ("contract_reserved", {})
    await dialog.submit(MONEY)
    assert dialog.step == "contract_orders"
    await dialog.submit({"decisions": {"negative": "literal", "overlap": "net", "cap": "capacity"}})
    assert dialog.entry.data["decisions"] == {"negative": "literal", "cap": "capacity"}
    setup = runtime(dialog.entry).setup
    assert setup.terms == Terms(
        reservation=Reservation.ACTIVE,
        direction=Direction.INCREASE_NET_WITHDRAWAL,
        power_w=612_500,
        dmo=timedelta(minutes=30),
        most_duration=timedelta(hours=2),
        least_gap=timedelta(hours=1),
        starts=date(2026, 3, 1),
        ends=date(2027, 2, 28),
        zone=setup.terms.zone,
        variable_premium=Decimal(200),
        fixed_premium=Decimal(30_000),
        expected_call_wh=20_500_000,
        probability=Fraction(1, 4),
    )
    assert setup.decisions == Decisions(negative=Negative.LITERAL, cap=Cap.CAPACITY)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"name": " "}, {"name": "no_name"}),
        ({"name": "town HALL"}, {"name": "contract_known"}),
        ({"name": "Town-Hall"}, {"name": "contract_known"}),
        ({"power": 0.0}, {"power": "terms_no_power"}),
        ({"min_duration": 29.0}, {"min_duration": "terms_short_duration"}),
        ({"min_duration": 60.0, "max_duration": 59.0}, {"max_duration": "terms_durations"}),
        ({"ends": "2026-02-28"}, {"ends": "terms_days"}),
        ({"ends": "9999-12-31"}, {"ends": "unlikely_day"}),
        ({"starts": "0001-01-01"}, {"starts": "unlikely_day"}),
        ({"name": "", "power": 0.0, "min_duration": 0.0}, {"name", "power", "min_duration"}),
    ],
)
async def test_what_is_wrong_with_terms(hass: HomeAssistant, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    """It is told by its field, what was said is shown again, and the flow goes on."""
    await contract_entry(hass, title="Town hall", loaded=False)
    dialog = await Dialog.begin(hass)
    said = {"name": "Town centre", **TERMS, **wrong}
    await dialog.submit(said)
    assert dialog.step == "contract"
    assert dialog.errors == errors or dialog.errors.keys() == errors
    assert dialog.shown == said
    await dialog.submit({"name": "Town centre", **TERMS})
    assert (await dialog.submit(PLAIN)).entry.title == "Town centre"


async def test_one_day_is_enough(hass: HomeAssistant) -> None:
    """So are half an hour, the same duration twice; a longest duration of 0 is none."""
    dialog = await Dialog.begin(hass)
    await dialog.submit({"name": "a", **TERMS, "ends": TERMS["starts"], "max_duration": 30.0})
    assert (await dialog.submit(PLAIN)).entry.data["max_duration"] == 30
    dialog = await Dialog.begin(hass)
    await dialog.submit({"name": "b", **TERMS, "max_duration": 0.0})
    assert "max_duration" not in (await dialog.submit(PLAIN)).entry.data


async def test_a_probability_is_above_0(hass: HomeAssistant) -> None:
    """It is told; 100 % is one."""
    dialog = await Dialog.begin(hass)
    await dialog.submit({"name": "Town", **TERMS, "reservation": "with_reservation"})
    await dialog.submit({**MONEY, "probability": 0.0})
    assert (dialog.step, dialog.errors) == ("contract_reserved", {"probability": "terms_no_probability"})
    assert dialog.shown == {**MONEY, "probability": 0.0}
    await dialog.submit({**MONEY, "probability": 100.0})
    assert (await dialog.submit(PLAIN)).entry.data["probability"] == "100"


@pytest.mark.parametrize("wrong", [{"reservation": "reactive"}, {"power": -1.0}, {"starts": "tomorrow"}])
async def test_what_no_form_offers(hass: HomeAssistant, wrong: dict[str, Any]) -> None:
    """It is refused."""
    dialog = await Dialog.begin(hass)
    with pytest.raises(probatio.Invalid):
        await dialog.submit({"name": "Town", **TERMS, **wrong})


def add_operator(hass: HomeAssistant, building: MockConfigEntry) -> str:
    """Give a building an operator."""
    operator = ConfigSubentry(
        data=MappingProxyType({}),
        subentry_type="operator",
        title="Aggregator",
        unique_id=None,
        subentry_id="aggregator",
    )
    building.mock_state(hass, ConfigEntryState.NOT_LOADED)
    hass.config_entries.async_add_subentry(building, operator)
    return f"{building.entry_id}/aggregator"


async def test_orders_come_from_an_operator(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Loads of its building may be kept in reserve; both can be changed, and what is gone is not shown."""
    await hass.config_entries.async_unload(building.entry_id)
    linked = add_operator(hass, building)
    dialog = await Dialog.begin(hass)
    await dialog.submit({"name": "Town", **TERMS})
    assert dialog.offered("operator") == {linked: "Hall: Aggregator"}
    await dialog.submit({"operator": linked, **PLAIN})
    assert (dialog.step, dialog.offered("reserve")) == ("contract_reserve", {name: name.title() for name in LOADS})
    entry = (await dialog.submit({"reserve": ["boiler", "fan"]})).entry
    said = {"building": building.entry_id, "operator": "aggregator", "reserve": ["boiler", "fan"]}
    assert entry.data == {**KEPT, **said}
    hass.config_entries.async_remove_subentry(building, "fan")
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"name": "Town", **TERMS})
    assert dialog.shown == {"operator": linked, "decisions": {}}
    await dialog.submit(dialog.shown)
    assert dialog.shown == {"reserve": ["boiler"]}
    assert (await dialog.submit({})).aborted == "reconfigure_successful"
    assert entry.data == {**KEPT, "building": building.entry_id, "operator": "aggregator"}
    for load in ("boiler", "pump"):
        hass.config_entries.async_remove_subentry(building, load)
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"name": "Town", **TERMS})
    assert (await dialog.submit({"operator": linked, **PLAIN})).aborted == "reconfigure_successful"
    hass.config_entries.async_remove_subentry(building, "aggregator")
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"name": "Town", **TERMS})
    assert dialog.shown == {"decisions": {}}
    await dialog.submit(PLAIN)
    assert entry.data == KEPT


async def test_the_building_goes_meanwhile(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """An operator that is gone is not linked; a building that goes while its loads are shown does no harm."""
    await hass.config_entries.async_unload(building.entry_id)
    linked = add_operator(hass, building)
    dialog = await Dialog.begin(hass)
    await dialog.submit({"name": "Town", **TERMS})
    late = await Dialog.begin(hass)
    await late.submit({"name": "Suburb", **TERMS})
    await late.submit({"operator": linked, **PLAIN})
    await hass.config_entries.async_remove(building.entry_id)
    assert (await dialog.submit({"operator": linked, **PLAIN})).entry.data == KEPT
    assert (await late.submit({"reserve": ["boiler"]})).entry.data["reserve"] == ["boiler"]
    assert runtime(late.entry).setup.terms.power_w == 600_000


async def test_a_contract_is_changed(hass: HomeAssistant) -> None:
    """All is shown as it is; what is not of its kind any more is left out, and it runs with what is said now."""
    decisions = {"missing": "partial"}
    entry = await contract_entry(hass, {**RESERVED, "max_duration": 120, "decisions": decisions})
    dialog = await Dialog.change(hass, entry)
    assert dialog.step == "reconfigure_contract"
    assert dialog.shown == {"name": "Town centre", **TERMS, "reservation": "with_reservation", "max_duration": 120}
    await dialog.submit(dialog.shown)
    assert dialog.shown == MONEY
    await dialog.submit(dialog.shown)
    assert dialog.shown == {"decisions": decisions}
    await dialog.submit(dialog.shown)
    assert dialog.aborted == "reconfigure_successful"
    assert (entry.title, entry.data) == ("Town centre", {**RESERVED, "max_duration": 120, "decisions": decisions})
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"name": "Suburb", **TERMS, "power": 700.0})
    await dialog.submit(PLAIN)
    assert (entry.title, entry.data) == ("Suburb", {**KEPT, "power": 700})
    assert runtime(entry).setup.terms.power_w == 700_000


async def test_a_contract_that_could_not_be_set_up(hass: HomeAssistant) -> None:
    """It is, once it is changed."""
    entry = MockConfigEntry(domain=DOMAIN, title="Town", data={**KEPT, "starts": "soon"})
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"name": "Town", **TERMS})
    await dialog.submit(PLAIN)
    assert runtime(entry).setup.terms.starts == date(2026, 3, 1)


# Availability periods.


async def period(hass: HomeAssistant, entry: MockConfigEntry, **said: Any) -> Talk:  # noqa: ANN401
    """Ask to add a period in the evening."""
    talk = await Talk(hass, entry, "availability").begin()
    return await talk.submit({**EVENING, **said})


async def test_a_period(hass: HomeAssistant) -> None:
    """It is named by its days, hours and power, and the runtime has it."""
    entry = await contract_entry(hass, RESERVED)
    talk = await Talk(hass, entry, "availability").begin()
    assert (talk.step, talk.errors, talk.shown) == ("user", {}, {})
    await talk.submit({**EVENING, "days": ["wed", "mon", "tue"], "power": 512.5})
    assert talk.created
    assert talk.last.title == "Monday - Wednesday, 18:00-20:00, 512.5 kW"
    assert talk.last.unique_id == "mon tue wed 18:00:00 20:00:00"
    assert talk.last.data == {**EVENING, "days": ["mon", "tue", "wed"], "power": 512.5}
    made = Availability(start=time(18), end=time(20), power_w=512_500, days=frozenset({0, 1, 2}))
    assert runtime(entry).setup.terms.availability == (made,)


@pytest.mark.parametrize(
    ("language", "days", "named", "kept"),
    [
        ("en", [], "Monday - Sunday", None),
        ("fr", ["sun", "sat", "fri", "thu", "wed", "tue", "mon"], "Lundi - Dimanche", None),
        ("fr", ["sat", "sun"], "Samedi, Dimanche", ["sat", "sun"]),
        ("en", ["mon", "wed", "fri"], "Monday, Wednesday, Friday", ["mon", "wed", "fri"]),
    ],
)
async def test_days_of_a_period(
    hass: HomeAssistant, language: str, days: list[str], named: str, kept: list[str] | None
) -> None:
    """All of them are none in particular."""
    hass.config.language = language
    entry = await contract_entry(hass, RESERVED, loaded=False)
    talk = await period(hass, entry, days=days)
    assert talk.last.title == f"{named}, 18:00-20:00, 600 kW"
    assert talk.last.data.get("days") == kept


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"to": "18:59:00"}, {"to": "terms_short_period"}),
        ({"from": "23:30:00", "to": "00:29:00"}, {"to": "terms_short_period"}),
        ({"power": 0.0}, {"power": "terms_period_power"}),
        ({"power": 600.5}, {"power": "terms_period_power"}),
    ],
)
async def test_what_is_wrong_with_a_period(hass: HomeAssistant, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    """It is told by its field, what was said is shown again, and the flow goes on."""
    talk = await period(hass, await contract_entry(hass, RESERVED, loaded=False), **wrong)
    assert (talk.step, talk.errors, talk.shown) == ("user", errors, {**EVENING, **wrong})
    assert (await talk.submit({**EVENING, "from": "23:30:00", "to": "00:30:00"})).created


async def test_a_period_is_there_once(hass: HomeAssistant) -> None:
    """Another on the same days at the same hours is refused; it can be changed, and others can be added."""
    entry = await contract_entry(hass, RESERVED, loaded=False)
    await period(hass, entry)
    again = await period(hass, entry, days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"], power=500.0)
    assert again.errors == {"base": "period_known"}
    assert (await again.submit({**EVENING, "from": "17:00:00"})).created
    talk = await Talk(hass, entry, "availability").change(again.all[0])
    assert (talk.step, talk.shown) == ("reconfigure", EVENING)
    assert (await talk.submit({**EVENING, "from": "17:00:00"})).errors == {"base": "period_known"}
    await talk.submit({**EVENING, "power": 500.0})
    assert talk.aborted == "reconfigure_successful"
    assert talk.all[0].title == "Monday - Sunday, 18:00-20:00, 500 kW"
    assert talk.all[0].data == {**EVENING, "power": 500}


async def test_a_period_needs_a_reservation(hass: HomeAssistant) -> None:
    """Without, the flow ends; as long as there is one, reservation and power stay."""
    entry = await contract_entry(hass, loaded=False)
    assert (await Talk(hass, entry, "availability").begin()).aborted == "no_reservation"
    entry = await contract_entry(hass, RESERVED, title="Suburb")
    talk = await period(hass, entry)
    dialog = await Dialog.change(hass, entry)
    await dialog.submit({"name": "Suburb", **TERMS, "power": 599.0})
    assert dialog.errors == {"reservation": "terms_only_with_reservation", "power": "terms_period_power"}
    await talk.take_back(talk.last.subentry_id)
    await dialog.submit({"name": "Suburb", **TERMS, "power": 599.0})
    assert (await dialog.submit(PLAIN)).aborted == "reconfigure_successful"
    assert entry.data == {**KEPT, "power": 599}
