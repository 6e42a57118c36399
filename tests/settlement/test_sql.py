"""The same SQL gives the same integers on SQLite, DuckDB and PostgreSQL, and those of an evaluation in memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from random import Random
import sqlite3
from zoneinfo import ZoneInfo

from databases import Databases
import duckdb
import psycopg
import pytest

from bench.settlement_engines import MEMBERSHIP, READINGS, STEPS_TABLE, Duck, Member, Reading, Sqlite, filled
from custom_components.flex_ready.settlement.facts import Facts
from custom_components.flex_ready.settlement.forecast import Forecast, Said
from custom_components.flex_ready.settlement.load_curve import LoadCurve
from custom_components.flex_ready.settlement.methods import Choice, Method, plan
from custom_components.flex_ready.settlement.model import STEP, Direction, Order, Quality, Reading as Read
from custom_components.flex_ready.settlement.perimeter import EntityPlan, Planned, Volume, volumes
from custom_components.flex_ready.settlement.realised import summed, units
from custom_components.flex_ready.settlement.reference import reference_wh
from custom_components.flex_ready.settlement.volumes_sql import Judgement, Row, StepRow, Tables

PARIS = ZoneInfo("Europe/Paris")
NAMES = Tables("flex_ready_readings", "flex_ready_membership", "flex_ready_steps")
FOREVER = 2**40
METHODS = tuple(Method)
JUDGEMENT = Judgement()


@dataclass(slots=True)
class Postgres:
    """PostgreSQL."""

    connection: psycopg.Connection
    tables: Tables = NAMES

    def create(self) -> None:
        """Make the tables."""
        for text in (READINGS, MEMBERSHIP):
            self.connection.execute(filled(text, self.tables))

    def add(self, readings: Iterable[Reading], members: Iterable[Member]) -> None:
        """Load readings and members."""
        with self.connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self.tables.readings} VALUES (%s, %s, %s)", list(readings))
            cursor.executemany(f"INSERT INTO {self.tables.membership} VALUES (%s, %s, %s, %s, %s)", list(members))

    def ask(self, steps: Iterable[StepRow], question: str) -> Sequence[Row]:
        """Have the steps in a table of this connection alone, and answer."""
        name = self.tables.steps
        self.connection.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} {STEPS_TABLE}")
        self.connection.execute(f"DELETE FROM {name}")
        with self.connection.cursor() as cursor:
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in steps:
                    copy.write_row(row)
            return cursor.execute(question).fetchall()


@pytest.fixture
def engines(postgres: Databases) -> Iterator[list[Sqlite | Duck | Postgres]]:
    """Give an empty database of each kind, with the names of the ledger's tables."""
    with (
        sqlite3.connect(":memory:") as light,
        duckdb.connect(":memory:") as duck,
        psycopg.connect(postgres().replace("+psycopg", "")) as heavy,
    ):
        made: list[Sqlite | Duck | Postgres] = [Sqlite(light, NAMES), Duck(duck, NAMES), Postgres(heavy)]
        for engine in made:
            engine.create()
        yield made
    light.close()


@dataclass(slots=True)
class World:
    """Readings, members and orders."""

    readings: dict[int, dict[datetime, int | None]] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    orders: list[Planned] = field(default_factory=list)

    def rows(self) -> Iterator[Reading]:
        """Give all readings as rows."""
        for site, curve in self.readings.items():
            yield from ((site, int(at.timestamp()), wh) for at, wh in curve.items())

    def sites(self, order: Planned, entity: str) -> list[LoadCurve]:
        """Return the curves of an entity's sites at the start of an order."""
        at = int(order.start.timestamp())
        return [
            LoadCurve({step: Read(wh, Quality.MEASURED) for step, wh in self.readings[site].items()})
            for perimeter, ef, site, joined, left in self.members
            if (perimeter, ef) == (order.perimeter, entity) and joined <= at < left
        ]


def lacking(curve: LoadCurve, step: datetime) -> bool:
    """Tell whether a reading is missing."""
    return curve.wh(step) is None


def naive(world: World, order: Planned, judgement: Judgement) -> dict[datetime, Volume]:
    """Evaluate an order in memory, unit by unit."""
    found = {}
    for step, expected in order.expected.items():
        each: list[Fraction | None] = []
        for entity, of in order.entities.items():
            sites = world.sites(order, entity)
            curves = (sites if of.each_site else [summed(sites)]) or [LoadCurve()]
            for curve in curves:
                windows = [curve.total(window) for window in of.plan.windows.get(step, ())]
                reference, measured = reference_wh(of.plan, step, windows), curve.wh(step)
                if reference is None or measured is None:
                    each.append(None)
                else:
                    each.append(order.direction.sign * (reference - measured))
        told = [one for one in each if one is not None]
        raw = sum(told, Fraction())
        counted = raw if raw > 0 or not judgement.floor_at_zero else Fraction()
        share = judgement.default_below
        lacks = share.denominator * counted < share.numerator * expected
        deficient = expected - counted if lacks else Fraction()
        found[step] = Volume(expected, raw, min(expected, counted), deficient, len(each), len(told))
    return found


def world_of(random: Random, day: datetime, methods: Sequence[Method], holes: float = 0.002) -> World:
    """Make up two perimeters whose sites join and leave, inject, and lack readings, and orders on a local day."""
    world = World()
    first = day - timedelta(days=45)
    slots = [first + STEP * i for i in range(48 * 48)]
    entities = {f"ef{i}": method for i, method in enumerate(methods)}
    for i, perimeter in enumerate(("north", "south")):
        for j, entity in enumerate(entities):
            for k in range(random.randint(1, 4)):
                site = 1000 * i + 10 * j + k
                world.readings[site] = {
                    at: None if random.random() < holes / 2 else random.randint(-300, 900)
                    for at in slots
                    if random.random() >= holes / 2
                }
                joined = int((day - timedelta(days=random.choice((30, 1)))).timestamp()) if k % 2 else 0
                left = int((day + timedelta(hours=random.choice((2, 40)))).timestamp()) if k == 2 else FOREVER
                world.members.append((perimeter, entity, site, joined, left))
    earlier: list[Order] = []
    for n in range(4):
        start = day + timedelta(hours=6 * n) + random.choice((0, 1)) * STEP + timedelta(minutes=10 * (n == 3))
        end = start + STEP * random.randint(1, 5)
        direction = random.choice(tuple(Direction))
        power = random.randint(1, 900)
        order = Order(start, end, id=f"o{n}", ordered_at=start, power_w=power, direction=direction)
        expected = {
            step: Fraction(power) * ((min(step + STEP, end) - max(step, start)) // timedelta(seconds=1)) / 3600
            for step in order.steps
        }
        said = {step: (Said(random.randint(-9000, 9000), start),) for step in order.steps}
        if random.random() < 0.3:
            said.popitem()
        facts = Facts(zone=PARIS, earlier=tuple(earlier), forecast=Forecast(said))
        earlier.append(order)
        for perimeter in ("north", "south"):
            planned = Planned(perimeter=perimeter, start=start, direction=direction, expected=expected, entities={})
            plans = {}
            for entity, method in entities.items():
                choice = Choice(method=method, dmo=STEP)
                curves = units(method, world.sites(planned, entity))
                made = plan(order, choice, facts, partial(lacking, curves[0] if curves else LoadCurve()))
                plans[entity] = EntityPlan(made, method.each_site)
            world.orders.append(
                Planned(perimeter=perimeter, start=start, direction=direction, expected=expected, entities=plans)
            )
    return world


def agree(engines: Sequence[Sqlite | Duck | Postgres], world: World, judgement: Judgement = JUDGEMENT) -> None:
    """Check that all give the volumes of the naive evaluation."""
    wanted = [naive(world, order, judgement) for order in world.orders]
    for engine in engines:
        assert volumes(engine, world.orders, judgement) == wanted, type(engine).__name__


WHEN = {
    "winter": datetime(2026, 2, 10, 23, tzinfo=UTC),
    "an hour less": datetime(2026, 3, 28, 23, tzinfo=UTC),
    "an hour more": datetime(2026, 10, 24, 22, tzinfo=UTC),
}


@pytest.mark.parametrize("day", WHEN.values(), ids=WHEN)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("left_out", [{Method.TEN_OF_TEN}, set()], ids=["all in SQL", "finished in Python"])
def test_identical_volumes(
    engines: list[Sqlite | Duck | Postgres], day: datetime, seed: int, left_out: set[Method]
) -> None:
    """Of every method, days with 23 and 25 hours among them, sites that join and leave, readings that lack."""
    random = Random(f"{day}{seed}")
    world = world_of(random, day, [one for one in METHODS if one not in left_out])
    for engine in engines:
        engine.add(world.rows(), world.members)
    agree(engines, world)
    agree(engines[:1], world, Judgement(Fraction(9, 10), floor_at_zero=False))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_alone(engines: list[Sqlite | Duck | Postgres], method: Method) -> None:
    """An error of one is not hidden by another; where nothing lacks, all is told."""
    world = world_of(Random(method), WHEN["winter"], [method], holes=0)
    for engine in engines:
        engine.add(world.rows(), world.members)
    agree(engines, world)
    told = [volume.complete for order in volumes(engines[0], world.orders) for volume in order.values()]
    assert any(told)
    assert method is Method.FORECAST or all(told)
