"""What a contract settles is what anybody counts by hand from the same half-hours, and it is settled anew when due."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from contracts_here import DAY, HOUR, MINUTE, ORDER, SCHOOL, START, Clock, load, quiet_days, site, state, subentry
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.desk.ledgers import async_get_ledger, async_release
from custom_components.flex_ready.settlement.model import STEP, Purpose, Quality, Reading

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

type Curves = Mapping[str, Mapping[datetime, int]]
type Reference = Callable[[Mapping[datetime, int], datetime], Fraction]


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Four hours after the start of the activation."""
    return Clock(hass, freezer, START + 4 * HOUR)


async def settled(hass: HomeAssistant) -> None:
    """Let the books be looked through."""
    await hass.async_block_till_done(wait_background_tasks=True)


def days(names: tuple[str, ...] = ("School", "Pool")) -> Curves:
    """Return uneven half-hours of thirteen days until three hours after the start, in which the order is followed."""
    curves = {}
    for number, name in enumerate(names, 1):
        curve = {START + 3 * HOUR - i * STEP: 250_000 + (i * i * 7919 * number) % 40_009 for i in range(1, 13 * 48)}
        curve |= {START: 101_003 * number, START + STEP: 160_001}
        curves[name] = curve
    return curves


async def keep(contract: ContractCoordinator, curves: Curves) -> None:
    """Have the ledger know it."""
    for name, curve in curves.items():
        await contract.ledger.add_readings(name, {at: Reading(wh) for at, wh in curve.items()})


def mean(curve: Mapping[datetime, int], *steps: datetime) -> Fraction:
    """Return the mean of some half-hours."""
    return Fraction(sum(curve[step] for step in steps), len(steps))


def around(curve: Mapping[datetime, int], _step: datetime) -> Fraction:
    """Count the double reference of an order of an hour: the less of the hour before and the hour after."""
    before = mean(curve, START - HOUR, START - STEP)
    return min(before, mean(curve, START + HOUR, START + HOUR + STEP))


def rectangle(curve: Mapping[datetime, int], _step: datetime) -> Fraction:
    """Count the half-hour before the mobilisation, which takes half an hour."""
    return Fraction(curve[START - HOUR])


def ten_days(curve: Mapping[datetime, int], step: datetime) -> Fraction:
    """Count the mean of the ten days before."""
    return mean(curve, *(step - i * DAY for i in range(1, 11)))


@pytest.mark.parametrize(
    ("method", "each", "reference"),
    [
        ("double_reference", False, around),
        ("rectangle_simple", False, rectangle),
        ("moy10j", False, ten_days),
        ("site_by_site", True, around),
    ],
)
async def test_it_is_what_is_counted_by_hand(
    hass: HomeAssistant,
    clock: Clock,
    method: str,
    each: bool,  # noqa: FBT001
    reference: Reference,
) -> None:
    """To the Wh and to the cent, and the entities say it."""
    contract = await load(
        hass, site("School", "30001234567890", method=method), site("Pool", "30001234567891", method=method)
    )
    curves = days()
    await keep(contract, curves)
    await contract.async_order(ORDER)
    await settled(hass)
    total = {at: curves["School"][at] + curves["Pool"][at] for at in curves["School"]}
    units = list(curves.values()) if each else [total]
    paid = deficient = Fraction()
    for step in (START, START + STEP):
        raw = sum((reference(curve, step) - curve[step] for curve in units), Fraction())
        paid += min(raw, Fraction(300_000))
        deficient += 300_000 - raw if raw < 240_000 else 0
    assert deficient > 0, "one of the two is a default"
    report = contract.data.reports["A1"]
    assert (report.totals.paid, report.totals.deficient) == (paid, deficient)
    assert float(state(hass, "paid_volume")) == round(float(paid) / 1000, 3)
    assert float(state(hass, "deficient_volume")) == round(float(deficient) / 1000, 3)
    assert float(state(hass, "variable_premium")) == pytest.approx(float(paid * 200 / 10**6), abs=0.005)
    assert float(state(hass, "failure_penalties")) == pytest.approx(float(deficient * 9200 / 10**6), abs=0.005)
    detail = await contract.books.async_detail(ORDER, contract.effective)
    for step in (START, START + STEP):
        volume = sum((reference(curve, step) - curve[step] for curve in units), Fraction())
        alone = {name: reference(curve, step) - curve[step] for name, curve in curves.items()}
        parts = {name: max(raw, Fraction()) * volume / sum(alone.values()) for name, raw in alone.items()}
        assert {name: steps[step] for name, steps in detail.shares["EF1"].items()} == parts


@pytest.mark.parametrize(("less", "deficient"), [(0, 0), (1, 60_001)])
async def test_exactly_80_percent_is_no_default(hass: HomeAssistant, clock: Clock, less: int, deficient: int) -> None:
    """A Wh less is one."""
    contract = await load(hass)
    await quiet_days(contract, START + 3 * HOUR, 1, School=250_000, Pool=150_000)
    drawn = {START: Reading(0), START + STEP: Reading(10_000 + less)}
    await contract.ledger.add_readings("School", drawn)
    await contract.async_order(ORDER)
    await settled(hass)
    assert contract.data.reports["A1"].totals.deficient == deficient


async def test_what_runs_is_told_for_each_method(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Though what is measured, and what follows, are not known yet."""
    clock = Clock(hass, freezer, START - 2 * HOUR)
    clock.draw(School=500_000, Pool=300_000)
    clock.tell()
    contract = await load(
        hass,
        site("School", "30001234567890", method="site_by_site"),
        site("Pool", "30001234567891", method="site_by_site"),
    )
    await clock.go(110 * MINUTE)
    await contract.async_order(ORDER)
    await clock.go(10 * MINUTE)
    clock.draw(School=100_000, Pool=100_000)
    await clock.go(15 * MINUTE)
    running = contract.data.running
    assert running is not None
    assert running.outlook.projected_wh == pytest.approx(300_000, rel=0.01)
    references = await contract.books.async_references(ORDER, [ORDER])
    assert references == {START: pytest.approx(400_000, abs=3), START + STEP: pytest.approx(400_000, abs=3)}


async def test_an_order_of_the_past_changes_what_was_final(hass: HomeAssistant, clock: Clock) -> None:
    """Its day is none to compare with any more; and what is read late counts, however late."""
    clock = Clock(hass, clock._freezer, START + 2 * DAY)
    contract = await load(hass, site("School", "30001234567890", method="moy10j"))
    curve = days(("School",))
    await keep(contract, curve)
    await contract.async_order(ORDER)
    await settled(hass)
    first = contract.data.reports["A1"]
    assert first.complete
    await clock.go(31 * MINUTE)
    assert contract.data.reports["A1"] is first, "it is not settled anew"
    yesterday = replace(ORDER, id="A0", start=START - DAY, end=START - DAY + HOUR)
    await contract.async_order(yesterday)
    await settled(hass)
    second = contract.data.reports["A1"]
    wanted = [
        Fraction(sum(curve["School"][step - i * DAY] for i in range(2, 12)), 10) - curve["School"][step]
        for step in (START, START + STEP)
    ]
    assert [one.raw for one in second.steps] == wanted
    assert contract.intake is not None
    contract.intake._take("School", STEP, {START: Reading(0)})
    await clock.go(2 * MINUTE)
    assert contract.data.reports["A1"].steps[0].raw == wanted[0] + curve["School"][START]


async def test_an_entity_whose_sites_are_all_deleted(hass: HomeAssistant, clock: Clock) -> None:
    """What was activated with it stays, after a restart too, and goes with the contract."""
    contract = await load(hass)
    await keep(contract, days())
    await contract.async_order(ORDER)
    await settled(hass)
    before = contract.data.reports["A1"]
    assert before.complete
    entry = contract.config_entry
    for name in ("School", "Pool"):
        assert hass.config_entries.async_remove_subentry(entry, name)
        await settled(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass)
    again = entry.runtime_data
    assert again.setup.sites == {}
    assert again.setup.gone.keys() == {"School", "Pool"}
    assert again.data.reports["A1"] == before
    assert float(state(hass, "paid_volume")) > 0
    await hass.config_entries.async_remove(entry.entry_id)
    ledger = await async_get_ledger(hass, None)
    assert not (await ledger.readings("Pool", START - DAY, START)).readings
    await async_release(hass, None)


async def test_a_site_that_never_belonged(hass: HomeAssistant, clock: Clock) -> None:
    """Leaves nothing when it is deleted."""
    contract = await load(hass, SCHOOL, site("Pool", "30001234567891", consent=False))
    await keep(contract, days())
    entry = contract.config_entry
    assert hass.config_entries.async_remove_subentry(entry, "Pool")
    await settled(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    again = entry.runtime_data
    assert again.setup.gone == {}
    assert not (await again.ledger.readings("Pool", START - DAY, START)).readings
    assert (await again.ledger.readings("School", START - DAY, START)).readings


async def test_what_was_kept_of_sites_is_of_no_use(
    hass: HomeAssistant, clock: Clock, hass_storage: dict[str, object]
) -> None:
    """Then an activation with an entity of which nothing is known has no volume, and all else goes on."""
    contract = await load(hass, SCHOOL, site("Pool", "30001234567891", entity="EF2"))
    await keep(contract, days())
    await contract.async_order(ORDER)
    await settled(hass)
    assert contract.data.reports["A1"].complete
    entry = contract.config_entry
    key = f"{DOMAIN}.{entry.entry_id}.sites"
    assert key in hass_storage
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[key] = {"version": 1, "key": key, "data": {"Pool": {"site_id": "30001234567891"}}}
    assert hass.config_entries.async_remove_subentry(entry, "Pool")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    report = entry.runtime_data.data.reports["A1"]
    assert not report.complete
    assert report.totals.penalty == 0
    assert report.entities["EF1"][START] is not None
    assert report.entities["EF2"] == {START: None, START + STEP: None}


async def test_an_activation_that_ends_off_the_half_hour(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Nothing runs any more a minute later, though the half-hour does."""
    clock = Clock(hass, freezer, START - HOUR)
    clock.draw(School=500_000, Pool=300_000)
    clock.tell()
    contract = await load(hass)
    await quiet_days(contract, START, 1, School=250_000, Pool=150_000)
    await contract.async_order(replace(ORDER, end=START + 40 * MINUTE))
    await clock.go(99 * MINUTE)
    assert state(hass, "state") == "active"
    await clock.go(2 * MINUTE)
    assert contract.data.running is None
    assert state(hass, "state") == "idle"


async def test_orders_at_the_same_time_count_together(hass: HomeAssistant, clock: Clock) -> None:
    """As those of two assets: there is one report of both, found by the name of either."""
    contract = await load(hass)
    await keep(contract, days())
    half = replace(ORDER, power_w=300_000)
    await contract.async_order(half)
    alone = replace(half, id="A2")
    await contract.async_order(alone)
    refused = replace(half, id="A3", accepted=False)
    await contract.async_order(refused)
    await settled(hass)
    [both] = contract.effective
    assert both.power_w == 600_000
    assert contract.orders_of("A1") == contract.orders_of("A2") == (both,)
    assert contract.orders_of("A3") == (refused,)
    assert contract.orders_of("A4") == ()
    assert contract.data.reports.keys() == {both.id}
    assert contract.data.totals.expected == 600_000


async def test_orders_one_after_the_other_have_one_reference(hass: HomeAssistant, clock: Clock) -> None:
    """As those of a request of two powers: what lies around both of them, and not the other's half-hour."""
    contract = await load(hass)
    curves = days()
    await keep(contract, curves)
    first = replace(ORDER, id="A1/1", end=START + STEP, power_w=500_000)
    second = replace(ORDER, id="A1/2", start=START + STEP, power_w=300_000)
    await contract.async_order(first)
    await contract.async_order(second)
    await settled(hass)
    total = {at: curves["School"][at] + curves["Pool"][at] for at in curves["School"]}
    reference = around(total, START)
    for order in (first, second):
        [step] = contract.data.reports[order.id].steps
        assert step.raw == reference - total[order.start]
        detail = await contract.books.async_detail(order, contract.effective)
        [row] = detail.rows["EF1"]
        assert row.reference_wh == reference
        assert detail.uncertainty["EF1"].days, "and so it is on quiet days"


async def test_orders_one_after_the_other_fail_together(hass: HomeAssistant, clock: Clock) -> None:
    """With reservation nothing of both costs what nothing of one order as long would: nothing is delivered twice."""
    reserved = {"reservation": "with_reservation", "fixed_premium": "30000", "expected_call": "20", "probability": "25"}
    period = {"from": "17:00:00", "to": "20:00:00", "days": [], "power": 600}
    contract = await load(hass, SCHOOL, subentry("availability", "Evening", period), **reserved)
    await quiet_days(contract, START + 4 * HOUR, 2, School=400_000)
    await clock.go(MINUTE)
    first = replace(ORDER, id="A1/1", end=START + STEP)
    second = replace(ORDER, id="A1/2", start=START + STEP, power_w=300_000)
    for order in (first, second):
        await contract.async_order(order)
    await settled(hass)
    turnover = 30_000 + 20 * 200
    assert contract.data.totals.penalty == turnover * 4
    detail = await contract.books.async_detail(first, contract.effective)
    assert detail.report == contract.data.reports["A1/1"]
    assert float(detail.report.totals.penalty) == pytest.approx(turnover * 4 * 2 / 3, abs=0.01)


async def test_a_test_between_two_orders_parts_them(hass: HomeAssistant, clock: Clock) -> None:
    """Each fails alone then, and costs as much as the contract is expected to earn by its probability."""
    reserved = {"reservation": "with_reservation", "fixed_premium": "30000", "expected_call": "20", "probability": "25"}
    period = {"from": "17:00:00", "to": "22:00:00", "days": [], "power": 600}
    contract = await load(hass, SCHOOL, subentry("availability", "Evening", period), **reserved)
    await quiet_days(contract, START + 6 * HOUR, 2, School=400_000)
    test = replace(ORDER, id="T1", start=ORDER.end, end=ORDER.end + HOUR, purpose=Purpose.ACTIVATION_TEST)
    for order in (ORDER, test, replace(ORDER, id="A2", start=test.end, end=test.end + HOUR)):
        await contract.async_order(order)
    await clock.go(4 * HOUR)
    penalties = {name: report.totals.penalty for name, report in contract.data.reports.items()}
    assert penalties == {"A1": 34_000 * 4, "T1": 0, "A2": 34_000 * 4}


async def test_what_is_final_waits_for_its_row(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Where the worst half-hour of a row is penalised it may come hours after the first order was over."""
    clock = Clock(hass, freezer, START)
    clock.draw(School=500_000)
    clock.tell()
    contract = await load(
        hass, site("School", "30001234567890", method="rectangle_simple"), decisions={"penalised": "worst_step"}
    )
    await quiet_days(contract, START, 1, School=400_000)
    for order in (ORDER, replace(ORDER, id="A2", start=ORDER.end, end=START + 9 * HOUR)):
        await contract.async_order(order)
    await clock.go(8 * HOUR + 5 * MINUTE)
    assert contract.data.reports["A1"].totals.penalty > 0
    clock.draw(School=700_000)
    await clock.go(2 * HOUR)
    known = {name: report.totals.penalty for name, report in contract.data.reports.items()}
    anew = await contract.books.async_reports(contract.effective, contract.effective)
    assert known == {report.order.id: report.totals.penalty for report in anew}
    assert known["A1"] == 0 < known["A2"]


async def test_a_reading_that_is_missing_is_no_zero(hass: HomeAssistant, clock: Clock) -> None:
    """The half-hour of which it is missing waits for it, the other one is settled."""
    contract = await load(hass)
    curves = days()
    await keep(contract, {"School": curves["School"]})
    known = {at: Reading(wh) for at, wh in curves["Pool"].items() if at != START}
    await contract.ledger.add_readings("Pool", known | {START: Reading(None, Quality.MISSING)})
    await contract.async_order(ORDER)
    await settled(hass)
    first, second = contract.data.reports["A1"].steps
    assert first.raw is None
    assert first.paid == first.deficient == 0
    assert second.counted is not None
    await contract.ledger.add_readings("Pool", {START: Reading(curves["Pool"][START], Quality.ESTIMATED)})
    await clock.go(timedelta(minutes=31))
    assert contract.data.reports["A1"].complete
