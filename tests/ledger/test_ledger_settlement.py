"""What a contract needs to be kept: readings, members, orders, tests; in a file and in a PostgreSQL."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
import sqlite3

from kept import NOON, SITE, life, url
import pytest
from sqlalchemy import create_engine, text

from custom_components.flex_ready.ledger import Ledger, LedgerError, Member, Trial
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.model import STEP, Direction, Order, Purpose, Quality, Reading
from custom_components.flex_ready.settlement.perimeter import EntityPlan, Planned
from custom_components.flex_ready.settlement.reference import Plan, Rule

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MEASURED = Reading(100)
ESTIMATED = Reading(90, Quality.ESTIMATED)
MISSING = Reading(None, Quality.MISSING)
CHECKED = Reading(100, Quality.UNKNOWN)
ORDER = Order(
    id="o1",
    ordered_at=NOON,
    start=NOON + HOUR,
    end=NOON + 3 * HOUR,
    power_w=500_000,
    direction=Direction.REDUCE_NET_WITHDRAWAL,
)
FIRST = """
CREATE TABLE flex_ready_versions (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE flex_ready_transitions (id INTEGER NOT NULL, site TEXT NOT NULL, issuer TEXT NOT NULL,
  client TEXT NOT NULL, bacs_id TEXT NOT NULL, asset_id TEXT NOT NULL, request_id TEXT NOT NULL,
  revision INTEGER NOT NULL, "trigger" TEXT NOT NULL, source TEXT, target TEXT NOT NULL, effect TEXT NOT NULL,
  actor TEXT NOT NULL, cause TEXT NOT NULL, at BIGINT NOT NULL, said_kind TEXT, said TEXT, detail TEXT NOT NULL,
  PRIMARY KEY (id), CONSTRAINT flex_ready_transitions_once
  UNIQUE (site, issuer, client, bacs_id, asset_id, request_id, revision));
CREATE TABLE flex_ready_curve (site TEXT NOT NULL, source TEXT NOT NULL, start BIGINT NOT NULL, length BIGINT NOT NULL,
  power TEXT, energy TEXT, baseline TEXT, quality TEXT NOT NULL, PRIMARY KEY (site, source, start));
CREATE TABLE flex_ready_calls (id INTEGER NOT NULL, site TEXT NOT NULL, at BIGINT NOT NULL, operator TEXT NOT NULL,
  subject TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,
  PRIMARY KEY (id));
CREATE INDEX flex_ready_calls_of ON flex_ready_calls (site, id);
INSERT INTO flex_ready_versions VALUES (1);
INSERT INTO flex_ready_curve VALUES ('site', 'meter', 1775131200000000, 300000000, '1000', '83.333', NULL, 'measured');
"""
"""A ledger of version 1, as version 1 made it."""


@pytest.fixture
async def ledger(address: str) -> AsyncIterator[Ledger]:
    """A ledger that is open."""
    opened = await Ledger.open(address)
    yield opened
    await opened.close()


def row(first: datetime, *readings: Reading) -> Mapping[datetime, Reading]:
    """Return readings, one after the other."""
    return {first + i * STEP: reading for i, reading in enumerate(readings)}


async def test_readings_come_back(ledger: Ledger, address: str) -> None:
    """Those of a stretch, of one site, also after a restart; there may be none, and one may be negative."""
    there = row(NOON, MEASURED, Reading(-7), ESTIMATED, MISSING, Reading(0))
    await ledger.add_readings(SITE, there)
    await ledger.add_readings("other", row(NOON, Reading(1)))
    await ledger.add_readings(SITE, {})
    await ledger.close()
    again = await Ledger.open(address)
    assert await again.readings(SITE, NOON - DAY, NOON + DAY) == LoadCurve(there)
    assert await again.readings(SITE, NOON + STEP, NOON + 3 * STEP) == LoadCurve(
        row(NOON + STEP, Reading(-7), ESTIMATED)
    )
    assert await again.readings(SITE, NOON, NOON) == LoadCurve()
    assert await again.readings("nobody", NOON, NOON + DAY) == LoadCurve()
    await again.close()


async def test_a_year_is_read(ledger: Ledger) -> None:
    """Of one of several sites; nothing is missing at either end."""
    there = {NOON + i * STEP: Reading(i) for i in range(17_520)}
    for site in (SITE, "other"):
        await ledger.add_readings(site, there)
    assert await ledger.readings(SITE, NOON, NOON + 365 * DAY) == LoadCurve(there)


@pytest.mark.parametrize(
    ("before", "then", "after"),
    [
        (MEASURED, ESTIMATED, MEASURED),
        (MEASURED, MISSING, MEASURED),
        (ESTIMATED, MISSING, ESTIMATED),
        (MISSING, ESTIMATED, ESTIMATED),
        (ESTIMATED, MEASURED, MEASURED),
        (ESTIMATED, replace(ESTIMATED, wh=80), replace(ESTIMATED, wh=80)),
        (MEASURED, Reading(120), Reading(120)),
        (CHECKED, ESTIMATED, ESTIMATED),
        (ESTIMATED, CHECKED, ESTIMATED),
    ],
)
async def test_what_is_worth_less_replaces_nothing(
    ledger: Ledger, before: Reading, then: Reading, after: Reading
) -> None:
    """A catch-up never spoils what was measured; the same quality again is a correction."""
    await ledger.add_readings(SITE, {NOON: before})
    await ledger.add_readings(SITE, {NOON: then})
    assert await ledger.readings(SITE, NOON, NOON + HOUR) == LoadCurve({NOON: after})


async def test_ten_minutes_are_apart_from_half_hours(ledger: Ledger) -> None:
    """A step of each may start at the same instant."""
    ten = timedelta(minutes=10)
    fine = {NOON + i * ten: Reading(i) for i in range(4)}
    await ledger.add_readings(SITE, fine, ten)
    await ledger.add_readings(SITE, {NOON: MEASURED})
    assert await ledger.readings(SITE, NOON, NOON + HOUR, ten) == LoadCurve(fine)
    assert await ledger.readings(SITE, NOON, NOON + HOUR) == LoadCurve({NOON: MEASURED})


@pytest.mark.parametrize("reading", [Reading(None), Reading(3, Quality.MISSING)])
async def test_missing_is_never_a_figure(ledger: Ledger, reading: Reading) -> None:
    """Nor a figure missing."""
    with pytest.raises(LedgerError, match="cannot be"):
        await ledger.add_readings(SITE, {NOON: reading})


async def test_a_step_starts_with_a_second(ledger: Ledger) -> None:
    """Or it would be another step."""
    with pytest.raises(LedgerError, match="no whole second"):
        await ledger.add_readings(SITE, {NOON + timedelta(microseconds=1): MEASURED})


async def test_members_are_replaced_as_a_whole(ledger: Ledger) -> None:
    """Those of one perimeter; what ended and what begins later stays told."""
    first = Member(ef_id="ef1", site_id="a", valid_from=NOON - 60 * DAY, valid_to=NOON)
    then = Member(ef_id="ef1", site_id="a", valid_from=NOON + 30 * DAY)
    other = Member(ef_id="ef2", site_id="b", valid_from=NOON)
    await ledger.set_members("p", [other])
    await ledger.set_members("q", [other])
    await ledger.set_members("p", [then, first])
    assert await ledger.members("p") == [first, then]
    assert await ledger.members("q") == [other]
    await ledger.set_members("q", [])
    assert await ledger.members("q") == []


async def test_an_entity_is_the_sum_of_its_sites(ledger: Ledger) -> None:
    """Of those that belong to it at an instant; no better than the worst of them, and nothing where one is missing."""
    here = Member(ef_id="ef1", site_id="a", valid_from=NOON - DAY)
    for site, *readings in (
        ("a", MEASURED, MEASURED, MEASURED, Reading(-7)),
        ("b", MEASURED, ESTIMATED, MISSING, Reading(7)),
        ("gone", MEASURED, MEASURED, MEASURED, MEASURED),
        ("other", MEASURED, MEASURED, MEASURED, MEASURED),
    ):
        await ledger.add_readings(site, row(NOON, *readings))
    members = [
        here,
        replace(here, site_id="b"),
        replace(here, site_id="gone", valid_to=NOON),
        replace(here, site_id="other", ef_id="ef2"),
    ]
    await ledger.set_members("p", members)
    await ledger.set_members("q", members[2:])
    total = await ledger.entity_curve("p", "ef1", NOON, NOON, NOON + 4 * STEP)
    assert total == LoadCurve(
        {NOON: Reading(200), NOON + STEP: Reading(190, Quality.ESTIMATED), NOON + 3 * STEP: Reading(0)}
    )
    before = await ledger.entity_curve("p", "ef1", NOON - HOUR, NOON, NOON + 2 * STEP)
    assert before == LoadCurve({NOON: Reading(300), NOON + STEP: Reading(290, Quality.ESTIMATED)})
    assert await ledger.entity_curve("p", "nobody", NOON, NOON, NOON + DAY) == LoadCurve()
    assert await ledger.entity_curve("p", "ef1", NOON, NOON, NOON) == LoadCurve()


async def test_an_order_is_as_it_was_kept_last(ledger: Ledger, address: str) -> None:
    """Each change is a row of its own; the same again is none."""
    later = replace(ORDER, id="o2", start=NOON - HOUR, direction=Direction.INCREASE_NET_WITHDRAWAL)
    test = replace(ORDER, id="o3", start=NOON + 2 * HOUR, purpose=Purpose.ADDITIONAL_TEST)
    refused = replace(ORDER, accepted=False)
    for order in (ORDER, later, ORDER, refused, refused, test):
        await ledger.keep_order("c", order)
    await ledger.keep_order("d", ORDER)
    assert await ledger.orders("c") == [later, refused, test]
    assert await ledger.orders("d") == [ORDER]
    engine = create_engine(address)
    with engine.connect() as connection:
        asked = text("SELECT revision, accepted FROM flex_ready_orders WHERE contract = 'c' AND order_id = 'o1'")
        assert sorted((revision, bool(accepted)) for revision, accepted in connection.execute(asked)) == [
            (1, True),
            (2, False),
        ]
    engine.dispose()


async def test_a_test_has_its_outcome(ledger: Ledger) -> None:
    """Which may be told later."""
    begun = Trial(id="t1", at=NOON, kind="communication", said={})
    ended = replace(begun, said={"passed": True, "steps": [1, 2], "note": "à l'heure"})
    before = Trial(id="t0", at=NOON - DAY, kind="activation", said={"passed": False})
    for trial in (begun, before, ended):
        await ledger.keep_trial("c", trial)
    assert await ledger.trials("c") == [before, ended]
    assert await ledger.trials("d") == []
    with pytest.raises(LedgerError, match="test t1 cannot be kept"):
        await ledger.keep_trial("c", replace(begun, said={"at": NOON}))


async def test_what_is_old_goes(ledger: Ledger) -> None:
    """Readings, and members that are none any more, when no order is settled by them; orders and tests stay."""
    old = NOON - 500 * DAY
    await ledger.add_readings(SITE, row(NOON - STEP, MEASURED, ESTIMATED))
    await ledger.add_readings(SITE, {NOON - timedelta(minutes=10): MEASURED}, timedelta(minutes=10))
    gone = Member(ef_id="ef1", site_id="a", valid_from=old, valid_to=NOON)
    there = Member(ef_id="ef1", site_id="b", valid_from=old)
    await ledger.set_members("p", [gone, there])
    order, trial = replace(ORDER, start=old, end=old + HOUR), Trial(id="t", at=old, kind="activation", said={})
    await ledger.keep_order("p", order)
    await ledger.keep_trial("p", trial)
    await ledger.purge(NOON + timedelta(microseconds=5), NOON - DAY)
    assert await ledger.readings(SITE, NOON - DAY, NOON + DAY) == LoadCurve({NOON - STEP: MEASURED, NOON: ESTIMATED})
    assert await ledger.members("p") == [gone, there]
    await ledger.purge(NOON - DAY, NOON + timedelta(microseconds=5))
    assert await ledger.readings(SITE, NOON - DAY, NOON + DAY) == LoadCurve({NOON: ESTIMATED})
    assert await ledger.readings(SITE, NOON - DAY, NOON + DAY, timedelta(minutes=10)) == LoadCurve()
    assert await ledger.members("p") == [there]
    assert await ledger.orders("p") == [order]
    assert await ledger.trials("p") == [trial]


async def test_a_site_and_a_contract_are_forgotten(ledger: Ledger) -> None:
    """A site with its readings: its membership stays, so that what was with it is not settled as if without it."""
    member = Member(ef_id="ef1", site_id=SITE, valid_from=NOON)
    for contract in ("p", "q"):
        await ledger.set_members(contract, [member])
        await ledger.keep_order(contract, ORDER)
        await ledger.keep_trial(contract, Trial(id="t", at=NOON, kind="activation", said={}))
    for site in (SITE, "other"):
        await ledger.add_readings(site, {NOON: MEASURED})
    await ledger.forget(SITE)
    await ledger.forget("p")
    assert await ledger.readings(SITE, NOON, NOON + DAY) == LoadCurve()
    assert await ledger.readings("other", NOON, NOON + DAY) == LoadCurve({NOON: MEASURED})
    assert [await ledger.members("p"), await ledger.orders("p"), await ledger.trials("p")] == [[], [], []]
    assert await ledger.members("q") == [member]
    assert await ledger.orders("q") == [ORDER]
    assert len(await ledger.trials("q")) == 1


async def test_volumes_of_a_perimeter(ledger: Ledger) -> None:
    """Added up in the database, exactly, by who was a member; again and again, and nothing is left behind."""
    start = ORDER.start
    for site, before, then in (("a", 300, 100), ("b", 200, 150), ("gone", 999, 0)):
        await ledger.add_readings(site, row(start - STEP, *[Reading(before)], *[Reading(then)] * 4))
    await ledger.set_members(
        "p",
        [
            Member(ef_id="ef1", site_id="a", valid_from=NOON - DAY),
            Member(ef_id="ef1", site_id="b", valid_from=NOON - DAY),
            Member(ef_id="ef1", site_id="gone", valid_from=NOON - DAY, valid_to=start),
        ],
    )
    steps = [start + i * STEP for i in range(4)]
    windows = dict.fromkeys(steps, ((start - STEP,),))
    planned = Planned(
        perimeter="p",
        start=start,
        direction=ORDER.direction,
        expected=dict.fromkeys(steps, Fraction(400)),
        entities={"ef1": EntityPlan(Plan(Rule.MEAN, windows))},
    )
    for _ in range(3):
        (found,) = await ledger.volumes([planned])
        assert {(int(v.realised), int(v.paid), int(v.deficient), v.complete) for v in found.values()} == {
            (250, 250, 150, True)
        }
    await ledger.add_readings("c", {start: Reading(5)})
    with pytest.raises(LedgerError):
        await ledger.volumes([replace(planned, expected=dict.fromkeys(steps, Fraction(2**80)))])
    assert len((await ledger.volumes([planned, planned]))[1]) == 4


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE flex_ready_readings SET quality = 'guessed'", "reading of site_id 'site', ts 1775131200 .*'guessed'"),
        ("UPDATE flex_ready_orders SET direction = 'up'", "order of contract 'c', order_id 'o1', revision 1 .*'up'"),
        ("UPDATE flex_ready_trials SET said = '[]'", "test of contract 'c', trial_id 't' .*not told"),
        ("UPDATE flex_ready_membership SET valid_to = 999999999999999", "member of perimeter_id 'p', site_id 'a'"),
    ],
)
async def test_what_is_not_known_is_refused_by_name(ledger: Ledger, address: str, damage: str, message: str) -> None:
    """It stays where it is, for a later version."""
    await ledger.add_readings(SITE, {NOON: MEASURED})
    await ledger.set_members("p", [Member(ef_id="ef1", site_id="a", valid_from=NOON)])
    await ledger.keep_order("c", ORDER)
    await ledger.keep_trial("c", Trial(id="t", at=NOON, kind="activation", said={}))
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text(damage))
    engine.dispose()

    async def read() -> None:
        await ledger.trials("c")
        await ledger.orders("c")
        await ledger.members("p")
        await ledger.readings(SITE, NOON, NOON + DAY)

    with pytest.raises(LedgerError, match=message):
        await read()


async def test_a_ledger_of_version_1_is_taken_on(tmp_path: Path) -> None:
    """With what it has; the version before would refuse it from then on."""
    file = tmp_path / "flex_ready.db"
    with sqlite3.connect(file) as first:
        first.executescript(FIRST)
    first.close()
    ledger = await Ledger.open(url(file))
    assert ledger.replaced is None
    assert len(await ledger.curve(SITE, "meter", datetime(2026, 4, 2, tzinfo=UTC), NOON + DAY)) == 1
    await ledger.keep(SITE, life("a"))
    await ledger.add_readings(SITE, {NOON: MEASURED})
    await ledger.keep_order("c", ORDER)
    await ledger.close()
    again = await Ledger.open(url(file))
    assert await again.readings(SITE, NOON, NOON + DAY) == LoadCurve({NOON: MEASURED})
    assert await again.orders("c") == [ORDER]
    await again.close()
    with sqlite3.connect(file) as after:
        assert after.execute("SELECT version FROM flex_ready_versions ORDER BY 1").fetchall() == [(1,), (2,), (3,)]
    after.close()
