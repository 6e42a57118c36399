"""What entities are forecast to withdraw is kept as often as it is said; in a file and in a PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta

from kept import MINUTE, NOON
import pytest
from sqlalchemy import create_engine, text

from custom_components.flex_ready.ledger import Ledger, LedgerError
from custom_components.flex_ready.settlement.forecast import Forecast, Said
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.model import STEP, Reading

DAY = timedelta(days=1)
THEN = NOON + DAY


@pytest.fixture
async def ledger(address: str) -> AsyncIterator[Ledger]:
    """A ledger that is open."""
    opened = await Ledger.open(address)
    yield opened
    await opened.close()


def changed(address: str, *statements: str) -> None:
    """Change what is in a ledger, as another version or a mistake may have."""
    engine = create_engine(address)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


async def test_a_forecast_comes_back(ledger: Ledger, address: str) -> None:
    """Of an entity of a contract, in a stretch, also after a restart; it may be of any day, and be negative."""
    said = {THEN: 5, THEN + STEP: -7, THEN + 40 * DAY: 0}
    await ledger.keep_forecast("c", "ef", said, NOON)
    await ledger.keep_forecast("c", "other", {THEN: 6}, NOON)
    await ledger.keep_forecast("d", "ef", {THEN: 7}, NOON)
    await ledger.keep_forecast("c", "ef", {}, NOON)
    await ledger.close()
    again = await Ledger.open(address)
    kept = {step: [Said(wh, NOON)] for step, wh in said.items()}
    assert await again.forecast("c", "ef", NOON, NOON + 99 * DAY) == Forecast(kept)
    assert await again.forecast("c", "ef", THEN + STEP, THEN + DAY) == Forecast({THEN + STEP: kept[THEN + STEP]})
    assert await again.forecast("c", "other", NOON, THEN + DAY) == Forecast({THEN: [Said(6, NOON)]})
    assert await again.forecast("c", "nobody", NOON, THEN + DAY) == Forecast()
    await again.close()


async def test_what_was_said_before_stays(ledger: Ledger) -> None:
    """In the order in which it was said, also where a clock was put back; the same again is nothing new."""
    for minutes, wh in ((0, 5), (1, 5), (2, 6), (2, 7), (1, 8), (3, 5), (4, 5)):
        await ledger.keep_forecast("c", "ef", {THEN: wh, THEN + STEP: 1}, NOON + minutes * MINUTE)
    kept = await ledger.forecast("c", "ef", NOON, THEN + DAY)
    assert kept == Forecast(
        {
            THEN: [Said(wh, NOON + minutes * MINUTE) for minutes, wh in ((0, 5), (2, 6), (2, 7), (1, 8), (3, 5))],
            THEN + STEP: [Said(1, NOON)],
        }
    )


async def test_a_year_is_handed_in(ledger: Ledger) -> None:
    """At once, and once more with one half-hour that is another."""
    year = {NOON + i * STEP: i for i in range(17_520)}
    await ledger.keep_forecast("c", "ef", year, NOON)
    await ledger.keep_forecast("c", "ef", {**year, THEN: -1}, NOON + MINUTE)
    kept = await ledger.forecast("c", "ef", NOON, NOON + 365 * DAY)
    assert {step: [one.wh for one in its] for step, its in kept.said.items()} == {
        **{step: [wh] for step, wh in year.items()},
        THEN: [year[THEN], -1],
    }


async def test_what_is_old_goes(ledger: Ledger) -> None:
    """With the half-hours that it is compared with."""
    await ledger.keep_forecast("c", "ef", {NOON - STEP: 1, NOON: 2}, NOON - DAY)
    await ledger.purge(THEN, NOON - DAY)
    assert len((await ledger.forecast("c", "ef", NOON - DAY, THEN)).said) == 2
    await ledger.purge(NOON - DAY, NOON + timedelta(microseconds=5))
    assert await ledger.forecast("c", "ef", NOON - DAY, THEN) == Forecast({NOON: [Said(2, NOON - DAY)]})


async def test_a_contract_is_forgotten(ledger: Ledger) -> None:
    """With its forecasts, and with no other's."""
    for contract in ("c", "d"):
        await ledger.keep_forecast(contract, "ef", {THEN: 1}, NOON)
    await ledger.forget("c")
    assert await ledger.forecast("c", "ef", NOON, THEN + DAY) == Forecast()
    assert await ledger.forecast("d", "ef", NOON, THEN + DAY) == Forecast({THEN: [Said(1, NOON)]})


async def test_what_cannot_be_kept_or_read(ledger: Ledger, address: str) -> None:
    """It is refused whole, or by name."""
    for wrong in ({THEN: 1, THEN + timedelta(microseconds=1): 1}, {THEN: 2**70}):
        with pytest.raises(LedgerError):
            await ledger.keep_forecast("c", "ef", wrong, NOON)
    assert await ledger.forecast("c", "ef", NOON, THEN + DAY) == Forecast()
    await ledger.keep_forecast("c", "ef", {THEN: 1}, NOON)
    changed(address, "UPDATE flex_ready_forecasts SET handed_in = 9223372036854775807")
    with pytest.raises(LedgerError, match="forecast of contract 'c', ef_id 'ef', ts 1775217600, revision 1"):
        await ledger.forecast("c", "ef", NOON, THEN + DAY)


async def test_a_ledger_of_version_2_is_taken_on(ledger: Ledger, address: str) -> None:
    """With what it has; the version before would refuse it from then on."""
    await ledger.add_readings("site", {NOON: Reading(5)})
    await ledger.close()
    changed(
        address,
        "DROP TABLE flex_ready_forecasts",
        "DELETE FROM flex_ready_versions",
        "INSERT INTO flex_ready_versions VALUES (1)",
        "INSERT INTO flex_ready_versions VALUES (2)",
    )
    again = await Ledger.open(address)
    assert await again.readings("site", NOON, THEN) == LoadCurve({NOON: Reading(5)})
    await again.keep_forecast("c", "ef", {THEN: 1}, NOON)
    assert await again.forecast("c", "ef", NOON, THEN + DAY) == Forecast({THEN: [Said(1, NOON)]})
    await again.close()
    engine = create_engine(address)
    with engine.connect() as connection:
        found = connection.scalars(text("SELECT version FROM flex_ready_versions ORDER BY 1")).all()
    engine.dispose()
    assert found == [1, 2, 3]
