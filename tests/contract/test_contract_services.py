"""The actions of contracts: orders and tests that are recorded, load curves, reports on paper, what if."""

from collections.abc import Mapping
import csv
from datetime import UTC, datetime, timedelta
from io import BytesIO
import json
from pathlib import Path
from typing import Any, cast

from contracts_here import POOL, SCHOOL, START, load, site, state, subentry
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import probatio
from pypdf import PdfReader
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.model import STEP, Quality, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

NOW = datetime(2026, 2, 12, 22, tzinfo=UTC)
SHED = (100_000, 160_000, 250_000, 300_000)
"""Wh that are drawn in the half-hours of the activation; 400,000 in every other one."""
WORDS = {
    "too_late": "less than the mobilisation delay",
    "too_much_power": "more power than",
    "off_grid": "begin and end with a half-hour",
    "outside": "outside the days of the contract",
}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
async def contract(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> ContractCoordinator:
    """A contract of one site, of which twenty days are known."""
    freezer.move_to(NOW)
    found = await load(hass, SCHOOL)
    readings = {NOW - i * STEP: Reading(400_000) for i in range(1, 20 * 48)}
    readings |= {START + i * STEP: Reading(wh) for i, wh in enumerate(SHED)}
    readings[NOW - timedelta(days=3)] = Reading(None, Quality.MISSING)
    await found.ledger.add_readings("School", readings)
    return found


async def act(hass: HomeAssistant, contract: ContractCoordinator, name: str, **data: object) -> dict[str, Any]:
    """Call an action; return its answer."""
    answer = await hass.services.async_call(
        DOMAIN,
        name,
        {"config_entry_id": contract.config_entry.entry_id, **data},
        blocking=True,
        return_response=True,
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return cast("dict[str, Any]", answer)


async def order(hass: HomeAssistant, contract: ContractCoordinator, **data: object) -> dict[str, Any]:
    """Record the order of the activation."""
    about = {"order_id": "A1", "start": START.isoformat(), "duration": {"hours": 2}}
    received = (START - timedelta(hours=1)).isoformat()
    return await act(hass, contract, "record_order", **{**about, "ordered_at": received, **data})


async def test_an_order_is_recorded_and_settled(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """It needs no more than when: it is of the service's power, and settled at once by what was read."""
    answer = await order(hass, contract)
    assert answer["power"] == 600
    assert answer["start"] == "2026-02-12T18:00:00+01:00"
    assert answer["reasons"] == []
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    # 600 kW are 300 kWh a half-hour; the reference is 400 kWh.
    assert [step["realised"] for step in report["steps"]] == [300, 240, 150, 100]
    assert [step["paid"] for step in report["steps"]] == [300, 240, 150, 100]
    assert [step["deficient"] for step in report["steps"]] == [0, 0, 150, 200]
    assert report["premium"] == 158.0
    assert report["penalty"] == 3220.0
    assert report["complete"]
    unit = report["entities"]["EF1"]
    assert [step["reference"] for step in unit["steps"]] == [400] * 4
    assert unit["uncertainty"]["days"] >= 9
    assert unit["uncertainty"]["whole"]["high"] == 0
    state = hass.states.get("sensor.local_flexibility_paid_volume")
    assert state is not None
    assert float(state.state) == 790


async def test_the_same_id_changes_an_order(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """What was received stays when it was received."""
    await order(hass, contract)
    changed = await act(
        hass, contract, "record_order", order_id="A1", start=START.isoformat(), duration={"hours": 1}, power=500
    )
    assert changed["ordered_at"] == "2026-02-12T17:00:00+01:00"
    assert [one.power_w for one in contract.data.orders] == [500_000]
    refused = await order(hass, contract, accepted=False)
    assert refused["accepted"] is False
    assert contract.data.reports == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"ordered_at": (START - timedelta(minutes=29)).isoformat()}, "too_late"),
        ({"power": 601}, "too_much_power"),
        ({"start": (START + timedelta(minutes=10)).isoformat()}, "off_grid"),
        ({"start": "2025-12-31T12:00:00Z", "ordered_at": "2025-12-31T10:00:00Z"}, "outside"),
    ],
)
async def test_an_order_beyond_the_contract(
    hass: HomeAssistant, contract: ContractCoordinator, data: Mapping[str, object], reason: str
) -> None:
    """It is refused with its reason, unless it counts all the same."""
    with pytest.raises(ServiceValidationError, match=WORDS[reason]):
        await order(hass, contract, **data)
    assert contract.data.orders == ()
    answer = await order(hass, contract, **data, force=True)
    assert reason in answer["reasons"]
    assert len(contract.data.orders) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"end": (START + STEP).isoformat()}, "end_or_duration"),
        ({"duration": None}, "end_or_duration"),
        ({"duration": None, "end": START.isoformat()}, "end_before_start"),
    ],
)
async def test_an_order_needs_an_end(
    hass: HomeAssistant, contract: ContractCoordinator, data: Mapping[str, object], reason: str
) -> None:
    """One, and later than its start."""
    about = {"start": START.isoformat(), "duration": {"hours": 2}, **data}
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, contract, "record_order", **{key: one for key, one in about.items() if one is not None})
    assert raised.value.translation_key == reason


async def test_a_test_is_recorded(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """Three failures end the contract; one that passes ends the tests."""
    state = "sensor.local_flexibility_communication_test"
    for at in ("2026-01-05T10:00:00+01:00", "2026-01-06T10:00:00+01:00"):
        answer = await act(hass, contract, "record_test", kind="communication", outcome="failed", at=at)
    assert answer["at"] == "2026-01-06T10:00:00+01:00"
    found = hass.states.get(state)
    assert found is not None
    assert found.state == "due"
    await act(hass, contract, "record_test", kind="communication", outcome="excused", note="the line was cut")
    await act(hass, contract, "record_test", kind="communication", outcome="passed")
    found = hass.states.get(state)
    assert found is not None
    assert found.state == "passed"
    for _ in range(3):
        await act(hass, contract, "record_test", kind="activation", outcome="failed")
    found = hass.states.get("sensor.local_flexibility_activation_test")
    assert found is not None
    assert found.state == "terminated"


async def test_a_test_that_was_recorded_wrongly(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """It is changed by its id; what cannot be is refused."""
    wrong = await act(hass, contract, "record_test", kind="communication", outcome="passed")
    state = "sensor.local_flexibility_communication_test"
    found = hass.states.get(state)
    assert found is not None
    assert found.state == "passed"
    right = await act(
        hass, contract, "record_test", test_id=wrong["test_id"], kind="communication", outcome="failed", note="typo"
    )
    assert (right["test_id"], right["at"]) == (wrong["test_id"], wrong["at"])
    found = hass.states.get(state)
    assert found is not None
    assert found.state == "due"
    assert len(contract.trials) == 1


async def test_one_outcome_of_the_test_of_an_order(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """However often it is told, the last stands, over a restart as well: one order is one test."""
    await order(hass, contract, order_id="T1", purpose="activation_test", duration={"hours": 1}, force=True)
    for outcome in ("failed", "failed", "failed", "passed", "failed"):
        told = await act(hass, contract, "record_test", kind="activation", outcome=outcome, order_id="T1")
        assert told["at"] == START.astimezone(contract.zone).isoformat()
    assert [one.said["outcome"] for one in contract.trials] == ["failed"]
    again = await act(
        hass, contract, "record_test", test_id=told["test_id"], kind="activation", outcome="failed", note="by letter"
    )
    assert again["order_id"] == "T1", "it stays the test of its order"
    assert await hass.config_entries.async_reload(contract.config_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    found = hass.states.get("sensor.local_flexibility_activation_test")
    assert found is not None
    assert found.state == "due"
    contract = contract.config_entry.runtime_data
    assert contract.books.outcomes == {"T1": "failed"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"test_id": "nope"}, "no_such_test"),
        ({"order_id": "nope"}, "no_such_order"),
        ({"at": "2026-02-13T00:00:00Z"}, "test_to_come"),
        ({"at": "0001-02-13T00:00:00Z"}, "unlikely_time"),
    ],
)
async def test_a_test_that_cannot_be(
    hass: HomeAssistant, contract: ContractCoordinator, data: Mapping[str, object], reason: str
) -> None:
    """It is told in words, and counts for nothing."""
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, contract, "record_test", **{"kind": "activation", "outcome": "failed", **data})
    assert raised.value.translation_key == reason
    assert contract.trials == ()


async def test_what_is_out_of_all_bounds(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """Instants of other millennia, and less than a watt."""
    for action, data in (
        ("record_order", {"start": "9999-12-31T00:00:00Z", "duration": {"hours": 1}}),
        ("get_perimeter", {"month": "9999-12-31"}),
        ("get_load_curve", {"site": "School", "start": "0001-01-01T00:00:00Z"}),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await act(hass, contract, action, **data)
        assert raised.value.translation_key == "unlikely_time"
    with pytest.raises(probatio.Invalid):
        await act(hass, contract, "simulate_activation", start=START.isoformat(), duration={"hours": 1}, power=0.0004)


async def test_an_order_that_was_refused(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """It is known, and nothing was expected of it."""
    await order(hass, contract, accepted=False, order_id="R1")
    report = await act(hass, contract, "get_activation_report", order_id="R1")
    assert (report["accepted"], report["steps"], report["expected"], report["penalty"]) == (False, [], 0, 0)


async def test_who_is_not_in_the_perimeter_is_not_wrong_in_it(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Sites that left, or did not join yet, may be as they like; the others go by their names."""
    freezer.move_to(NOW)
    left = site("Gone", "30001234567899", consent=False, left="2026-02-01")
    to_come = site("To come", "", joined="2026-02-15")
    found = await load(hass, SCHOOL, left, to_come)
    assert (await act(hass, found, "get_perimeter"))["not_eligible"] == {}
    wrong = hass.states.get("binary_sensor.local_flexibility_perimeter_not_in_order")
    assert wrong is not None
    assert wrong.state == "off"
    assert (await act(hass, found, "get_perimeter", month="2026-03-01"))["not_eligible"] == {"To come": ["no_id"]}
    assert (await act(hass, found, "get_perimeter", month="2026-01-01"))["not_eligible"] == {"Gone": ["no_consent"]}


async def test_a_load_curve(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """By the name, the PRM or the id of a site; what is missing is no 0."""
    for named in ("School", "30001234567890"):
        answer = await act(hass, contract, "get_load_curve", site=named)
        assert len(answer["steps"]) == 48
        assert answer["steps"][-10] == {
            "start": "2026-02-12T18:00:00+01:00",
            "end": "2026-02-12T18:30:00+01:00",
            "energy": 100,
            "quality": "measured",
        }
    missing = NOW - timedelta(days=3)
    answer = await act(
        hass,
        contract,
        "get_load_curve",
        site="School",
        start=(missing - STEP).isoformat(),
        end=(missing + STEP).isoformat(),
    )
    assert [step["energy"] for step in answer["steps"]] == [400, None]
    assert [step["quality"] for step in answer["steps"]] == ["measured", "missing"]
    answer = await act(hass, contract, "get_load_curve", site="School", step="10min")
    assert len(answer["steps"]) == 144
    assert {step["quality"] for step in answer["steps"]} == {"missing"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"site": "Nowhere"}, "no_such_perimeter_site"),
        ({"site": "School", "start": NOW.isoformat(), "end": NOW.isoformat()}, "end_before_start"),
        ({"site": "School", "start": "2026-01-01T00:00:00Z"}, "curve_too_long"),
    ],
)
async def test_no_load_curve(
    hass: HomeAssistant, contract: ContractCoordinator, data: Mapping[str, object], reason: str
) -> None:
    """It is said why."""
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, contract, "get_load_curve", **data)
    assert raised.value.translation_key == reason


async def test_the_report_of_a_quarter(hass: HomeAssistant, contract: ContractCoordinator, tmp_path: Path) -> None:
    """With what adds up, and on paper in three ways that say the same."""
    hass.config.media_dirs = {"local": str(tmp_path)}
    await order(hass, contract)
    later = START + timedelta(hours=2)
    await order(hass, contract, order_id="A2", start=later.isoformat(), duration={"minutes": 30})
    answer = await act(hass, contract, "get_activity_report", files=["json", "csv", "pdf"])
    assert answer["quarter"] == "2026-Q1"
    assert [one["order_id"] for one in answer["activations"]] == ["A1", "A2"]
    assert answer["activations"][0]["cumulated"]["deficient"] == 350
    assert answer["totals"]["expected"] == 1500
    assert answer["totals"]["net"] == pytest.approx(answer["totals"]["premium"] - answer["totals"]["penalty"])
    written = [Path(name) for name in answer["files"]]
    assert [file.name for file in written] == [f"local_flexibility_2026-Q1.{kind}" for kind in ("json", "csv", "pdf")]
    assert json.loads(written[0].read_bytes())["totals"] == answer["totals"]
    rows = list(csv.DictReader(written[1].read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 5
    assert sum(float(row["deficient_wh"]) for row in rows) == answer["totals"]["deficient"] * 1000
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(written[2].read_bytes())).pages)
    assert "2026-Q1" in text
    assert "158.00" in text
    assert "3220.00" in text
    empty = await act(hass, contract, "get_activity_report", quarter="2026-t3", files="pdf")
    assert empty["activations"] == []
    assert empty["complete"]


async def test_a_report_that_cannot_be_written(
    hass: HomeAssistant, contract: ContractCoordinator, tmp_path: Path
) -> None:
    """It is said where, and why."""
    (tmp_path / "flex_ready").write_text("in the way")
    hass.config.media_dirs = {"local": str(tmp_path)}
    with pytest.raises(HomeAssistantError, match="cannot be written"):
        await act(hass, contract, "get_activity_report", files=["csv"])
    with pytest.raises(ServiceValidationError, match="no quarter"):
        await act(hass, contract, "get_activity_report", quarter="winter")


async def test_the_share_of_each_site(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """What it realised by the method of its entity, of what they realised together, of the volume of that (D11)."""
    freezer.move_to(NOW)
    contract = await load(hass, SCHOOL, POOL)
    for name, before, after in (("School", 300_000, 250_000), ("Pool", 100_000, 190_000)):
        readings = {START - i * STEP: Reading(before) for i in range(1, 48)}
        readings |= {START + i * STEP: Reading(after) for i in range(2, 8)}
        await contract.ledger.add_readings(name, {**readings, START: Reading(50_000), START + STEP: Reading(120_000)})
    await order(hass, contract, duration={"hours": 1})
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    assert [step["realised"] for step in report["steps"]] == [300, 160]  # min(400, 440) less 100, and 240
    # School alone: min(300, 250) less 50 and 120; Pool: min(100, 190) less 50 and 120, the wrong way at last.
    assert report["entities"]["EF1"]["sites"] == [
        {"site": "Pool", "site_id": "30001234567891", "share": 60, "steps": [60, 0]},
        {
            "site": "School",
            "site_id": "30001234567890",
            "share": round(240 + 160 * 130 / 110, 6),
            "steps": [240, 189.090909],
        },
    ]
    hass.config_entries.async_remove_subentry(contract.config_entry, "Pool")
    await hass.async_block_till_done(wait_background_tasks=True)
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    gone = report["entities"]["EF1"]["sites"][0]
    assert gone == {"site": None, "site_id": "30001234567891", "share": 60, "steps": [60, 0]}


async def test_no_share_of_a_forecast(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """It is of the entity as a whole; of its only site it is that of the site."""
    freezer.move_to(NOW)
    alone = site("Mill", "30001234567892", entity="EF2", method="forecast")
    both = [site(name, f"3000123456789{i}", method="forecast") for i, name in enumerate(("School", "Pool"))]
    contract = await load(hass, *both, alone)
    for name in ("School", "Pool", "Mill"):
        await contract.ledger.add_readings(name, {START: Reading(50_000)})
    for entity in ("EF1", "EF2"):
        await contract.ledger.keep_forecast(contract.id, entity, {START: 200_000}, START - timedelta(hours=2))
    await order(hass, contract, duration={"minutes": 30})
    entities = (await act(hass, contract, "get_activation_report", order_id="A1"))["entities"]
    assert [step["realised"] for step in entities["EF1"]["steps"]] == [100]
    assert [(one["site"], one["share"]) for one in entities["EF1"]["sites"]] == [("Pool", None), ("School", None)]
    assert [(one["site"], one["share"]) for one in entities["EF2"]["sites"]] == [("Mill", 150)]


async def test_no_share_of_what_was_refused(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """Nothing is settled of it."""
    await order(hass, contract, accepted=False)
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    [school] = report["entities"]["EF1"]["sites"]
    assert (school["share"], school["steps"]) == (None, [])


async def test_no_share_of_what_cannot_be_told(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """The order runs: its second half-hour, and what follows it, are still to come."""
    await order(hass, contract, start=(NOW - STEP).isoformat(), duration={"hours": 1}, force=True)
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    [school] = report["entities"]["EF1"]["sites"]
    assert (school["share"], school["steps"]) == (None, [None, None])


RESERVED = {
    "reservation": "with_reservation",
    "fixed_premium": "30000",
    "expected_call": "20",
    "probability": "50",
    "starts": "2026-01-01",
    "ends": "2026-12-31",
}
EVENING = subentry("availability", "Evening", {"from": "18:00:00", "to": "20:00:00", "power": 500})
PENALTY = "sensor.local_flexibility_termination_penalty"


async def reserved(hass: HomeAssistant, **data: object) -> ContractCoordinator:
    """Make a contract with reservation, whose penalty of termination is shown."""
    contract = await load(hass, SCHOOL, EVENING, **{**RESERVED, **data})
    registry = er.async_get(hass)
    entity = registry.async_get(PENALTY)
    assert entity is not None
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    registry.async_update_entity(PENALTY, disabled_by=None)
    assert await hass.config_entries.async_reload(contract.id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return contract.config_entry.runtime_data


async def test_what_it_costs_to_end_the_contract(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    """Today, by what is left of it; once failed tests have ended it, on that day, which the quarter tells."""
    hass.config.media_dirs = {"local": str(tmp_path)}
    freezer.move_to(NOW)
    contract = await reserved(hass)
    # Ten months and 17 days of 28 are left of twelve, at twice the fixed premium.
    assert state(hass, PENALTY) == "53035.71"
    assert (await act(hass, contract, "get_activity_report"))["termination"] is None
    for day in (3, 4, 5):
        at = f"2026-02-0{day}T10:00:00+01:00"
        await act(hass, contract, "record_test", kind="activation", outcome="failed", at=at)
    assert state(hass, PENALTY) == "54285.71"
    report = await act(hass, contract, "get_activity_report", files=["json", "pdf"])
    assert report["termination"] == {"day": "2026-02-05", "penalty": 54285.71}
    assert report["totals"]["penalty"] == 0
    text = "".join(page.extract_text() for page in PdfReader(report["files"][1]).pages)
    assert "Failed tests ended the contract on 05/02/2026. Termination penalty (EUR): 54285.71" in text
    later = await act(hass, contract, "get_activity_report", quarter="2026-Q2")
    assert later["termination"] is None


async def test_without_reservation_ending_costs_nothing(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """So there is no such sensor, though failed tests end the contract as well."""
    assert er.async_get(hass).async_get(PENALTY) is None
    for _ in range(3):
        await act(hass, contract, "record_test", kind="communication", outcome="failed", at="2026-02-05T10:00:00Z")
    report = await act(hass, contract, "get_activity_report")
    assert report["termination"] == {"day": "2026-02-05", "penalty": 0}


async def test_the_order_of_a_test_that_is_due(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """An hour of the smallest power, once the mobilisation delay is over, and not before tests begin."""
    freezer.move_to(NOW + timedelta(minutes=7))
    contract = await reserved(hass, starts="2026-04-01")
    told = (await act(hass, contract, "get_perimeter"))["tests"]
    assert told == {
        "communication": {"standing": "due", "left": 3, "order": None},
        "activation": {
            "standing": "due",
            "left": 3,
            "order": {
                "start": "2026-02-13T00:00:00+01:00",
                "end": "2026-02-13T01:00:00+01:00",
                "power": 500.0,
                "reasons": [],
            },
        },
        "additional": {"standing": "not_due", "left": 1, "order": None},
    }
    when = {key: told["activation"]["order"][key] for key in ("start", "end", "power")}
    assert (await act(hass, contract, "record_order", purpose="activation_test", accepted=False, **when))[
        "reasons"
    ] == []
    await act(hass, contract, "record_test", kind="activation", outcome="passed")
    told = (await act(hass, contract, "get_perimeter"))["tests"]
    assert told["activation"] == {"standing": "passed", "left": 0, "order": None}


@pytest.mark.parametrize(
    ("starts", "first", "reasons"),
    [("2026-06-01", "2026-04-01T00:00:00+02:00", []), ("2026-02-01", "2026-02-13T00:00:00+01:00", ["outside"])],
)
async def test_when_tests_can_be(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, starts: str, first: str, reasons: list[str]
) -> None:
    """In the two months before the activations."""
    freezer.move_to(NOW + timedelta(minutes=7))
    contract = await reserved(hass, starts=starts)
    test = (await act(hass, contract, "get_perimeter"))["tests"]["activation"]["order"]
    assert (test["start"], test["reasons"]) == (first, reasons)


async def test_no_such_order(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """It is said."""
    with pytest.raises(ServiceValidationError, match="A9"):
        await act(hass, contract, "get_activation_report", order_id="A9")


async def test_what_an_order_would_bring(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """All of it if all is given; a penalty as sure as the quiet days say if less is."""
    when = {"start": (NOW + timedelta(days=1)).isoformat(), "duration": {"hours": 1}}
    all_given = await act(hass, contract, "simulate_activation", **when)
    assert all_given["premium"] == 120.0
    assert all_given["penalty"] == 0
    assert all_given["default_probability"] == 0
    assert all_given["scenarios"] >= 9
    half = await act(hass, contract, "simulate_activation", **when, delivered_power=300)
    assert half["default_probability"] == 1
    assert half["penalty"] == 9200 * 0.3
    assert half["net"] == half["net_low"] == half["net_high"] == 60 - 2760
    assert contract.data.orders == ()


async def test_the_perimeter(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """Of a month, with what is wrong with it and until when it can be changed."""
    answer = await act(hass, contract, "get_perimeter", month="2026-06-17")
    assert answer["month"] == "2026-06"
    assert answer["update_until"] == "2026-05-13"
    assert answer["wrong"] == []
    assert answer["entities"]["EF1"]["sites"] == ["30001234567890"]
    before = await act(hass, contract, "get_perimeter", month="2025-12-01")
    assert before["entities"] == {}
    assert before["wrong"] == ["service_too_large", "capacity_too_large"]


async def test_another_kind_of_entry(hass: HomeAssistant, contract: ContractCoordinator) -> None:
    """Actions of contracts are about contracts."""
    other = MockConfigEntry(domain=DOMAIN, data={"kind": "fleet"})
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    with pytest.raises(ServiceValidationError):
        await hass.services.async_call(
            DOMAIN,
            "get_perimeter",
            {"config_entry_id": other.entry_id},
            blocking=True,
            return_response=True,
        )
