"""Hours of sites in the statistics of the real recorder: published, continued, corrected, caught up with."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from contracts_here import DAY, HOUR, MINUTE, START, Clock, load, quiet_days
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.statistics import list_statistic_ids, statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (  # type: ignore[import-untyped]
    async_wait_recording_done,
)

from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.contract.statistics import SiteStatistics
from custom_components.flex_ready.ledger import Ledger
from custom_components.flex_ready.settlement.model import STEP, Quality, Reading

pytestmark = pytest.mark.usefixtures("recorder_mock", "enable_custom_integrations")

NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)
NAMES = {"01ABC": "Town hall", "01DEF": "School"}
SITE = "01ABC"


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep what is kept out of the way of other tests."""
    return hass_tmp_config_dir


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger that is open."""
    opened = await Ledger.open(f"sqlite:///{tmp_path / 'flex_ready.db'}")
    yield opened
    await opened.close()


async def published(hass: HomeAssistant, site: str = SITE) -> list[tuple[datetime, float, float]]:
    """Return the hours that the recorder has of a site, with what was drawn and the sum (kWh)."""
    recorder, name = get_instance(hass), f"flex_ready:{site.lower()}_withdrawal"
    await async_wait_recording_done(hass)
    found = await recorder.async_add_executor_job(
        lambda: statistics_during_period(hass, NOON - 500 * DAY, None, {name}, "hour", None, {"state", "sum"})
    )
    return [
        (datetime.fromtimestamp(row["start"], UTC), cast("float", row["state"]), cast("float", row["sum"]))
        for row in found.get(name, [])
    ]


async def draw(ledger: Ledger, first: datetime, *wh: int | None) -> None:
    """Have half-hours in the ledger, one after the other; None: missing."""
    readings = {
        first + i * STEP: Reading(one, Quality.MISSING if one is None else Quality.MEASURED) for i, one in enumerate(wh)
    }
    await ledger.add_readings(SITE, readings)


async def test_hours_are_published(hass: HomeAssistant, ledger: Ledger) -> None:
    """Whole ones that are over; the sum goes on over an hour of which a half is missing, and may go down."""
    statistics = SiteStatistics(hass, ledger, NAMES)
    await draw(ledger, NOON, 100, 200, 300, None, 500, 600, -50, -25, 7, 8)
    await statistics.async_publish({SITE: NOON}, NOON + 4 * HOUR + 10 * MINUTE)
    rows = [(NOON, 0.3, 0.3), (NOON + 2 * HOUR, 1.1, 1.4), (NOON + 3 * HOUR, -0.075, 1.325)]
    assert await published(hass) == rows
    await statistics.async_publish({SITE: NOON + 4 * HOUR + STEP}, NOON + 5 * HOUR)
    assert await published(hass) == [*rows, (NOON + 4 * HOUR, 0.015, 1.34)]
    await async_wait_recording_done(hass)
    (about,) = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    assert (about["statistic_id"], about["name"], about["source"]) == (
        *("flex_ready:01abc_withdrawal", "Town hall", "flex_ready"),
    )
    assert (about["statistics_unit_of_measurement"], about["unit_class"], about["has_sum"]) == ("kWh", "energy", True)
    assert await published(hass, "01DEF") == []


async def test_what_comes_late_changes_all_sums_after_it(hass: HomeAssistant, ledger: Ledger) -> None:
    """Also before all that was known."""
    statistics, now = SiteStatistics(hass, ledger, NAMES), NOON + 3 * HOUR
    await draw(ledger, NOON, 100, 100, 300, None, 500, 500)
    await statistics.async_publish({SITE: NOON}, now)
    await draw(ledger, NOON + HOUR + STEP, 400)
    await statistics.async_publish({SITE: NOON + HOUR + STEP}, now)
    assert [total for _, _, total in await published(hass)] == [0.2, 0.9, 1.9]
    await draw(ledger, NOON - DAY, 1000, 1000)
    await statistics.async_publish({SITE: NOON - DAY}, now)
    assert [total for _, _, total in await published(hass)] == [2, 2.2, 2.9, 3.9]


async def test_what_was_deleted_is_not_published(hass: HomeAssistant, ledger: Ledger) -> None:
    """Nobody knows its name; what comes with it is published all the same."""
    statistics = SiteStatistics(hass, ledger, NAMES)
    await draw(ledger, NOON, 100, 200)
    await statistics.async_publish({"01GONE": NOON, SITE: NOON}, NOON + HOUR)
    assert await published(hass) == [(NOON, 0.3, 0.3)]


async def test_what_comes_days_late(hass: HomeAssistant, ledger: Ledger) -> None:
    """The recorder is asked for the sum before it, also right after it was told."""
    statistics, now = SiteStatistics(hass, ledger, NAMES), NOON + 10 * DAY
    await draw(ledger, NOON, *[500] * (480 - 2))
    await statistics.async_publish({SITE: NOON}, now)
    await draw(ledger, NOON + HOUR, 600, 600)
    await statistics.async_publish({SITE: NOON + HOUR}, now)
    rows = await published(hass)
    assert rows[1] == (NOON + HOUR, 1.2, 2.2)
    assert rows[-1] == (now - 2 * HOUR, 1.0, 239.2)
    await draw(ledger, now - HOUR, 500, 500)
    await statistics.async_publish({SITE: now - HOUR}, now)
    assert (await published(hass))[-1] == (now - HOUR, 1.0, 240.2)


async def test_after_a_restart_it_goes_on(hass: HomeAssistant, ledger: Ledger) -> None:
    """From the last hour that the recorder has, with what was written meanwhile; the first time, from the beginning."""
    await draw(ledger, NOON - 30 * DAY, *[100] * 2)
    await draw(ledger, NOON, 100, 100)
    await SiteStatistics(hass, ledger, NAMES).async_catch_up(NOON + HOUR)
    assert [total for _, _, total in await published(hass)] == [0.2, 0.4]
    await draw(ledger, NOON + HOUR, 300, 300, 400, 400)
    again = SiteStatistics(hass, ledger, NAMES)
    await again.async_catch_up(NOON + 3 * HOUR)
    assert [total for _, _, total in await published(hass)] == [0.2, 0.4, 1.0, 1.8]
    await again.async_catch_up(NOON + 3 * HOUR)
    await again.async_publish({SITE: NOON + 3 * HOUR}, NOON + 3 * HOUR)
    assert [total for _, _, total in await published(hass)] == [0.2, 0.4, 1.0, 1.8]


async def test_a_contract_publishes_its_sites(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """What was there when it was set up, and what is read while it runs."""
    clock = Clock(hass, freezer, START - HOUR)
    clock.draw(School=500_000, Pool=300_000)
    clock.tell()
    contract: ContractCoordinator = await load(hass)
    await quiet_days(contract, START - HOUR, 1, School=250_000)
    assert await hass.config_entries.async_reload(contract.config_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(await published(hass, "School")) == 24
    assert await published(hass, "Pool") == []
    await clock.go(62 * MINUTE)
    rows = await published(hass, "School")
    assert [at for at, _, _ in rows[-2:]] == [START - 2 * HOUR, START - HOUR]
    assert rows[-1][1] == pytest.approx(500, abs=0.01)
    assert rows[-1][2] == pytest.approx(25 * 500, abs=0.01)
    assert [at for at, _, _ in await published(hass, "Pool")] == [START - HOUR]
