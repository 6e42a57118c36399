"""A forecast that is handed in is the reference of what is ordered after it, and of nothing that was ordered before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, cast

from contracts_here import DAY, HOUR, MINUTE, ORDER, POOL, START, Clock, load, quiet_days, site, state
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.books import Books
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.desk.ledgers import async_get_ledger, async_release
from custom_components.flex_ready.ledger import Ledger, LedgerError
from custom_components.flex_ready.settlement.forecast import Forecast
from custom_components.flex_ready.settlement.model import STEP, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

SCHOOL = site("School", "30001234567890", method="forecast")


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Two hours before the activation; the school draws 500 kW."""
    clock = Clock(hass, freezer, START - 2 * HOUR)
    clock.draw(School=500_000)
    clock.tell()
    return clock


async def act(hass: HomeAssistant, contract: ContractCoordinator, name: str, **data: object) -> dict[str, Any]:
    """Call an action; return its answer."""
    about = {"config_entry_id": contract.id, **data}
    answer = await hass.services.async_call(DOMAIN, name, about, blocking=True, return_response=True)
    await hass.async_block_till_done(wait_background_tasks=True)
    return cast("dict[str, Any]", answer)


async def hand_in(
    hass: HomeAssistant, contract: ContractCoordinator, kwh: Mapping[datetime, float], entity: str = "EF1"
) -> dict[str, Any]:
    """Hand a forecast in by the action."""
    steps = [{"start": start.isoformat(), "energy": energy} for start, energy in kwh.items()]
    return await act(hass, contract, "record_forecast", entity=entity, steps=steps)


async def settled(hass: HomeAssistant) -> None:
    """Let the books be looked through."""
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_from_the_forecast_to_the_money(hass: HomeAssistant, clock: Clock) -> None:
    """Handed in, ordered a second later, followed while it runs, settled as soon as it is over."""
    contract = await load(hass, SCHOOL)
    answer = await hand_in(hass, contract, {START: 400.0004, START + STEP: 399.9996})
    assert answer == {
        "entity": "EF1",
        "steps": [
            {
                "start": "2026-02-12T18:00:00+01:00",
                "end": "2026-02-12T18:30:00+01:00",
                "energy": 400.0,
                "handed_in_at": "2026-02-12T16:00:00+01:00",
            },
            {
                "start": "2026-02-12T18:30:00+01:00",
                "end": "2026-02-12T19:00:00+01:00",
                "energy": 400.0,
                "handed_in_at": "2026-02-12T16:00:00+01:00",
            },
        ],
    }
    await act(hass, contract, "record_order", order_id="A1", start=START.isoformat(), duration={"hours": 1})
    assert contract.data.orders[0].ordered_at == START - 2 * HOUR
    await clock.go(2 * HOUR)
    clock.draw(School=200_000)
    await clock.go(10 * MINUTE)
    # 600 of the 800 kW that were forecast are left off, whatever was drawn before.
    assert float(state(hass, "projected_share_of_this_half_hour")) == pytest.approx(100, abs=1)
    await clock.go(20 * MINUTE)
    clock.draw(School=350_000)
    await clock.go(31 * MINUTE)
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    assert report["complete"]
    assert [step["realised"] for step in report["steps"]] == pytest.approx([300, 225], abs=0.01)
    unit = report["entities"]["EF1"]
    assert [(step["reference"], step["lack"]) for step in unit["steps"]] == [(400, "nothing")] * 2
    assert (unit["uncertainty"]["days"], unit["uncertainty"]["whole"]) == (0, None)
    assert float(state(hass, "deficient_volume")) == pytest.approx(75, abs=0.01)


@pytest.mark.parametrize(
    "known",
    [{}, {START: 400}, {START + STEP: 400, START + HOUR: 400}],
    ids=["none", "the first half-hour", "the second, and one after"],
)
async def test_what_does_not_cover_the_order_is_no_reference(
    hass: HomeAssistant, clock: Clock, known: Mapping[datetime, float]
) -> None:
    """No volume, no penalty, and it is told why; what comes once the order is given changes nothing."""
    contract = await load(hass, SCHOOL)
    await hand_in(hass, contract, known)
    clock.now = START - HOUR + timedelta(seconds=1)
    await clock.go(MINUTE)
    await hand_in(hass, contract, {START: 400, START + STEP: 400})
    await contract.async_order(ORDER)
    await contract.ledger.add_readings("School", {START: Reading(0), START + STEP: Reading(0)})
    clock.now = START + 2 * HOUR
    await clock.go(MINUTE)
    assert await contract.books.async_references(ORDER, [ORDER]) == {}
    report = await act(hass, contract, "get_activation_report", order_id="A1")
    assert not report["complete"]
    assert (report["paid"], report["deficient"], report["penalty"]) == (0, 0, 0)
    assert [step["lack"] for step in report["entities"]["EF1"]["steps"]] == ["forecast"] * 2
    assert [step.raw for step in contract.data.reports["A1"].steps] == [None, None]


async def test_memory_and_database_agree(hass: HomeAssistant, clock: Clock) -> None:
    """Of several orders, each by what was known of its half-hours then; a second entity has another method."""
    contract = await load(hass, SCHOOL, site("Works", "30001234567892", entity="EF2", method="moy10j"))
    await quiet_days(contract, START + 3 * HOUR, 40, School=150_001, Works=70_003)
    # A1 has the second, A2 the first of what was said; A3 has none for its second half-hour.
    for said_at, wh in ((START - 3 * HOUR, 300_001), (START - HOUR, 400_003), (START - HOUR + timedelta(seconds=1), 9)):
        steps = {START - DAY + i * STEP: wh + i for i in range(52)}
        await contract.ledger.keep_forecast(contract.id, "EF1", steps, said_at)
    orders = [
        ORDER,
        replace(ORDER, id="A2", start=START - HOUR, end=START, ordered_at=START - 2 * HOUR),
        replace(ORDER, id="A3", start=START + 3 * STEP, end=START + 5 * STEP),
    ]
    reports = await contract.books.async_reports(orders, orders)
    for order, report in zip(orders, reports, strict=True):
        detail = await contract.books.async_detail(order, orders)
        assert detail.report == report
    assert [report.complete for report in reports] == [True, True, False]
    for report, first in zip(reports, (400_003 + 48, 300_001 + 46), strict=False):
        raw = report.entities["EF1"].values()
        assert [*raw] == [Fraction(first + i - 150_001) for i in range(2)]


async def test_orders_together_have_what_was_known_before_the_first(hass: HomeAssistant, clock: Clock) -> None:
    """Whoever knows of one order no longer forecasts."""
    contract = await load(hass, SCHOOL)
    both = {START: 400_000, START + STEP: 400_000}
    await contract.ledger.keep_forecast(contract.id, "EF1", both, START - 2 * HOUR)
    await contract.ledger.keep_forecast(contract.id, "EF1", dict.fromkeys(both, 900_000), START - 90 * MINUTE)
    for name, ordered_at in (("A1", START - 100 * MINUTE), ("A2", START - HOUR)):
        await contract.async_order(replace(ORDER, id=name, power_w=300_000, ordered_at=ordered_at))
    [order] = contract.effective
    assert await contract.books.async_references(order, [order]) == both


async def test_what_counts_settles_anew(hass: HomeAssistant, clock: Clock) -> None:
    """An order that was told for later than it was forecast, though it is long over; another one stays as it is."""
    contract = await load(hass, SCHOOL)
    later = replace(ORDER, id="A2", start=START + 2 * HOUR, end=START + 3 * HOUR, ordered_at=START + 2 * DAY)
    drawn = {START + i * STEP: Reading(100_000) for i in range(8)}
    await contract.ledger.add_readings("School", drawn)
    both = {later.start: 250_000, later.start + STEP: 250_000}
    for wh in (dict.fromkeys((START, START + STEP), 400_000), both):
        await contract.ledger.keep_forecast(contract.id, "EF1", wh, START - 2 * HOUR)
    for order in (ORDER, later):
        await contract.async_order(order)
    clock.now = START + DAY - MINUTE
    await clock.go(MINUTE)
    before = dict(contract.data.reports)
    assert [report.totals.paid for report in before.values()] == [600_000, 300_000]
    await contract.async_forecast("EF1", dict.fromkeys(both, 300_000))
    await settled(hass)
    assert contract.data.reports["A2"].totals.paid == 400_000
    assert contract.data.reports["A1"] == before["A1"]
    clock.now = START + 3 * DAY - MINUTE
    await clock.go(MINUTE)
    kept = dict(contract.data.reports)
    await contract.async_forecast("EF1", dict.fromkeys(both, 1))
    await settled(hass)
    assert all(contract.data.reports[name] is report for name, report in kept.items()), "it counts for none of them"


async def test_the_same_again_changes_nothing(hass: HomeAssistant, clock: Clock) -> None:
    """It has been known since it was handed in first; another figure, or one more half-hour, since now."""
    contract = await load(hass, SCHOOL)
    await hand_in(hass, contract, {START: 400, START + STEP: 400})
    await clock.go(HOUR)
    again = await hand_in(hass, contract, {START + HOUR: -1.5, START + STEP: 401, START: 400})
    assert [(step["energy"], step["handed_in_at"][11:16]) for step in again["steps"]] == [
        (400, "16:00"),
        (401, "17:00"),
        (-1.5, "17:00"),
    ]
    assert await hand_in(hass, contract, {START + HOUR: -1.5, START + STEP: 401, START: 400}) == again
    assert await hand_in(hass, contract, {}) == {"entity": "EF1", "steps": []}


async def test_quiet_days_are_replayed(hass: HomeAssistant, clock: Clock) -> None:
    """By what was forecast for them as long before as for the order; before an order, too."""
    contract = await load(hass, SCHOOL)
    await quiet_days(contract, START + 3 * HOUR, 20, School=400_000)
    for back in range(15):
        wh = {START - back * DAY + i * STEP: 410_000 + back for i in range(2)}
        at = START - back * DAY - (2 * HOUR if back % 5 else STEP)
        await contract.ledger.keep_forecast(contract.id, "EF1", wh, at)
    detail = await contract.books.async_detail(ORDER, [ORDER])
    sure = detail.uncertainty["EF1"]
    assert (sure.days, sure.alike) == (9, True)
    assert sure.whole is not None
    assert (sure.whole.low, sure.whole.high) == (20_002, 20_028)
    likely = await act(hass, contract, "simulate_activation", start=START.isoformat(), duration={"hours": 1})
    assert likely["scenarios"] == 12, "the weekends are among them"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"entity": "EF9"}, "no_such_entity"),
        ({"entity": ""}, "no_such_entity"),
        ({"steps": [{"start": (START + MINUTE).isoformat(), "energy": 1}]}, "not_a_half_hour"),
        ({"steps": [{"start": START.isoformat(), "energy": 1}] * 2}, "half_hour_twice"),
        ({"steps": [{"start": (START + i * STEP).isoformat(), "energy": 1} for i in range(1489)]}, "forecast_too_long"),
        # In the night of October a clock shows both of these twice; without an offset they are the first.
        ({"steps": [{"start": f"2026-10-25 {at}", "energy": 1} for at in ("02:00", "02:30") * 2]}, "half_hour_twice"),
    ],
)
async def test_what_is_refused(hass: HomeAssistant, clock: Clock, data: Mapping[str, object], reason: str) -> None:
    """It is said why, and nothing of it is kept."""
    await hass.config.async_set_time_zone("Europe/Paris")
    contract = await load(hass, SCHOOL)
    good = {"entity": "EF1", "steps": [{"start": START.isoformat(), "energy": 1}]}
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, contract, "record_forecast", **{**good, **data})
    assert raised.value.translation_key == reason
    assert await contract.ledger.forecast(contract.id, "EF1", START - DAY, START + 300 * DAY) == Forecast()


async def test_a_time_without_offset_is_local(hass: HomeAssistant, clock: Clock) -> None:
    """As the editor writes it; and with one it is what it says."""
    await hass.config.async_set_time_zone("Europe/Paris")
    contract = await load(hass, SCHOOL)
    steps = [{"start": "2026-02-12 18:00:00", "energy": 1}, {"start": "2026-02-12T17:30:00Z", "energy": "2.5"}]
    answer = await act(hass, contract, "record_forecast", entity="EF1", steps=steps)
    kept = await contract.ledger.forecast(contract.id, "EF1", START, START + HOUR)
    assert {at: one.wh for at, its in kept.said.items() for one in its} == {START: 1_000, START + STEP: 2_500}
    assert [step["start"] for step in answer["steps"]] == ["2026-02-12T18:00:00+01:00", "2026-02-12T18:30:00+01:00"]
    october = [f"2026-10-25T{at}" for at in ("02:00:00+02:00", "02:30:00+02:00", "02:00:00+01:00", "02:30:00+01:00")]
    steps = [{"start": at, "energy": 1} for at in october]
    answer = await act(hass, contract, "record_forecast", entity="EF1", steps=steps)
    assert [step["start"] for step in answer["steps"]] == october


async def test_a_forecast_that_cannot_be_kept(
    hass: HomeAssistant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said: whoever hands it in has to know."""
    contract = await load(hass, SCHOOL)

    async def full(*_: object) -> None:
        raise LedgerError("database or disk is full")

    monkeypatch.setattr(Ledger, "keep_forecast", full)
    with pytest.raises(HomeAssistantError, match="disk is full"):
        await hand_in(hass, contract, {START: 400})


async def test_another_method_minds_no_forecast(hass: HomeAssistant, clock: Clock) -> None:
    """Nor does an entity of which nobody knows the method any more."""
    contract = await load(hass, POOL, site("School", "30001234567890", entity="EF2", method="forecast"))
    await quiet_days(contract, START + 2 * HOUR, 1, School=400_000, Pool=200_000)
    for name in ("EF1", "EF2"):
        await hand_in(hass, contract, {START: 500, START + STEP: 500}, name)
    wanted = dict.fromkeys((START, START + STEP), Fraction(700_000))
    assert await contract.books.async_references(ORDER, [ORDER]) == wanted
    forgotten = replace(contract.setup, choices={"EF1": contract.setup.choices["EF1"]})
    books = Books(contract.ledger, contract.id, forgotten)
    assert await books.async_references(ORDER, [ORDER]) == {}


async def test_it_goes_with_its_contract(hass: HomeAssistant, clock: Clock) -> None:
    """A site that is deleted leaves it: what was activated with it is settled with it."""
    contract = await load(hass, SCHOOL)
    await hand_in(hass, contract, {START: 400})
    assert hass.config_entries.async_remove_subentry(contract.config_entry, "School")
    await settled(hass)
    again = contract.config_entry.runtime_data
    assert (await again.ledger.forecast(contract.id, "EF1", START, START + HOUR)).said
    await hass.config_entries.async_remove(contract.id)
    ledger = await async_get_ledger(hass, None)
    assert await ledger.forecast(contract.id, "EF1", START, START + HOUR) == Forecast()
    await async_release(hass, None)
