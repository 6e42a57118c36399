"""Volumes of perimeters at the edges: exactly 80 %, a few parts of a Wh, nobody there, nothing known."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
import re
import sqlite3

import pytest

from bench.settlement_engines import Sqlite
from custom_components.flex_ready.settlement.model import STEP, Direction
from custom_components.flex_ready.settlement.perimeter import EntityPlan, Planned, Volume, volumes
from custom_components.flex_ready.settlement.reference import Plan, Rule
from custom_components.flex_ready.settlement.volumes_sql import Judgement, Tables, sums, volumes as text

START = datetime(2026, 1, 15, 17, tzinfo=UTC)
BEFORE, EARLIER = START - STEP, START - 2 * STEP
TS = int(START.timestamp())
MEAN = EntityPlan(Plan(Rule.MEAN, {START: ((EARLIER, BEFORE),)}))


@pytest.fixture
def engine() -> Iterator[Sqlite]:
    """Give an empty database with one site in an entity, and one that left just then."""
    connection = sqlite3.connect(":memory:")
    made = Sqlite(connection)
    made.create()
    made.add((), [("p", "ef", 1, TS, TS + 1), ("p", "ef", 2, 0, TS), ("other", "ef", 3, 0, TS + 1)])
    yield made
    connection.close()


def ask(
    engine: Sqlite, entities: Mapping[str, EntityPlan], expected: Fraction, judgement: Judgement | None = None
) -> Volume:
    """Evaluate one half-hour."""
    order = Planned(
        perimeter="p",
        start=START,
        direction=Direction.REDUCE_NET_WITHDRAWAL,
        expected={START: expected},
        entities=entities,
    )
    return volumes(engine, [order], judgement)[0][START]


def read(engine: Sqlite, **wh: int | None) -> None:
    """Keep the readings of site 1 of the two half-hours before and of the order's."""
    steps = {"earlier": EARLIER, "before": BEFORE, "now": START}
    engine.add([(1, int(steps[name].timestamp()), one) for name, one in wh.items()], ())


@pytest.mark.parametrize(
    ("now", "deficient"), [(100, 0), (101, 101), (99, 0)], ids=["exactly 80 %", "a Wh less", "a Wh more"]
)
def test_r24_r25_d2_the_threshold_is_strict(engine: Sqlite, now: int, deficient: int) -> None:
    """Of 500 Wh, 400 are no default and 399 are one of 101."""
    read(engine, earlier=500, before=500, now=now)
    volume = ask(engine, {"ef": MEAN}, Fraction(500))
    assert volume == Volume(Fraction(500), Fraction(500 - now), Fraction(500 - now), Fraction(deficient), 1, 1)


def test_halves_and_thirds_of_a_wh_are_exact(engine: Sqlite) -> None:
    """A mean of two half-hours, against an expected volume in thirds."""
    read(engine, earlier=10, before=11, now=1)
    volume = ask(engine, {"ef": MEAN}, Fraction(100, 3))
    assert (volume.realised, volume.deficient) == (Fraction(19, 2), Fraction(100, 3) - Fraction(19, 2))


@pytest.mark.parametrize(("literal", "deficient"), [(0, 500), (1, 520)])
def test_d1_the_wrong_way(engine: Sqlite, literal: int, deficient: int) -> None:
    """What was realised the wrong way is kept raw; it counts as none, or literally where that is set."""
    read(engine, earlier=10, before=10, now=30)
    volume = ask(engine, {"ef": MEAN}, Fraction(500), Judgement(floor_at_zero=not literal))
    assert volume.realised == -20
    assert volume.paid == (-20 if literal else 0)
    assert volume.deficient == deficient


@pytest.mark.parametrize("missing", ["earlier", "before", "now"])
@pytest.mark.parametrize("how", ["no row", "null"])
def test_d9_a_missing_reading_is_no_zero(engine: Sqlite, missing: str, how: str) -> None:
    """The entity has no volume, and the perimeter is not complete."""
    wh: dict[str, int | None] = {"earlier": 900, "before": 900, "now": 100}
    wh[missing] = None
    read(engine, **{name: one for name, one in wh.items() if how == "null" or one is not None})
    volume = ask(engine, {"ef": MEAN}, Fraction(500))
    assert volume.realised == 0
    assert (volume.units, volume.told, volume.complete) == (1, 0, False)


@pytest.mark.parametrize(
    "entities",
    [
        {"nobody": MEAN},
        {"ef": EntityPlan(Plan(Rule.MEAN))},
        {"ef": EntityPlan(Plan(Rule.LEAST, {START: ((EARLIER,), ())}))},
        {"ef": EntityPlan(Plan(Rule.GIVEN))},
        {},
    ],
    ids=["without a site", "without days", "a window without half-hours", "without a forecast", "no entity"],
)
def test_what_has_no_reference_has_no_volume(engine: Sqlite, entities: Mapping[str, EntityPlan]) -> None:
    """It is said to be incomplete."""
    read(engine, earlier=1, before=1, now=0)
    volume = ask(engine, entities, Fraction(500))
    assert volume.realised == 0
    assert (volume.told, volume.complete) == (0, False)


def test_r12_entities_are_netted(engine: Sqlite) -> None:
    """One that goes the wrong way is taken off the others."""
    read(engine, earlier=10, before=10, now=70)
    engine.add([(4, TS, 50)], [("p", "told", 4, 0, TS + 1)])
    told = EntityPlan(Plan(Rule.GIVEN, given={START: Fraction(580)}))
    volume = ask(engine, {"ef": MEAN, "told": told}, Fraction(500))
    assert volume.realised == volume.paid == 470
    assert volume.units == 2


def test_a_wh_in_too_many_fractions_is_finished_in_python(engine: Sqlite) -> None:
    """A forecast in fractions that 64 bits could not hold is exact all the same."""
    read(engine, now=0)
    odd = Fraction(10**30 + 1, 10**30)
    volume = ask(engine, {"ef": EntityPlan(Plan(Rule.GIVEN, given={START: odd}))}, Fraction(1))
    assert volume.realised == odd
    assert volume.paid == 1
    assert volume.deficient == 0


def test_a_forecast_is_of_an_entity() -> None:
    """Not of each of its sites."""
    with pytest.raises(ValueError, match="forecast"):
        EntityPlan(Plan(Rule.GIVEN), each_site=True)


@pytest.mark.parametrize("question", [sums(Tables("r", "m", "s")), text(Tables("r", "m", "s"), Judgement())])
def test_the_text_is_portable(question: str) -> None:
    """No division, no parameters, no functions that only some databases have."""
    assert not re.search(r"[/%:?{}]|\b(AVG|GREATEST|LEAST|MEDIAN|TIMESTAMP|INTERVAL)\b", question)
