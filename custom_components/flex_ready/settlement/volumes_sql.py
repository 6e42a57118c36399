"""The SQL that adds up the readings of whole perimeters, the same text for every database.

It runs on SQLite, PostgreSQL and DuckDB and gives the same integers on each: instants are seconds since 1970, nothing
is divided, nothing is rounded, there are no parameters. What the methods need is in a table of steps, a row for each
half-hour of each window, so that readings are found by equality and never by a range. See docs/settlement.md, 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables are called."""

    readings: str = "readings"
    """Net withdrawal (Wh) of a site in the half-hour that starts at `ts`; null and no row both say: missing."""
    membership: str = "membership"
    """Which entity of a perimeter a site belongs to, from `valid_from` to just before `valid_to`; neither is null."""
    steps: str = "steps"
    """What is to be added up; it is filled anew for each question."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a realised volume."""

    default_below: Fraction = Fraction(4, 5)
    """Of the expected volume: under it, the whole gap is deficient (R24, R25)."""
    floor_at_zero: bool = True
    """Whether a volume in the wrong direction counts as none, once all units are added up (D1)."""


STEPS = (
    "part",
    "act",
    "perimeter_id",
    "ef_id",
    "each_site",
    "start_ts",
    "win",
    "ts",
    "weight",
    "given",
    "first_rank",
    "last_rank",
    "sign",
    "expected",
)
"""The columns of the table of steps, in the order of `StepRow`; the two names are texts, all others 64-bit integers."""

type StepRow = tuple[int, int, str, str, int, int, int, int, int, int | None, int, int, int, int]
"""A half-hour (`ts`) that is needed for an entity of an order.

An order (`act`) is cut into parts: an entity, and some half-hours of the order that have their reference in common.
`win` is 0 and below for those half-hours, and from 1 on for the windows of the reference. The sites are those of
`start_ts`; with `each_site` each has its own reference. Amounts are in fractions of a Wh as small as the order needs:
a Wh of the window counts `weight` of them. Of the windows in ascending order those from `first_rank` to `last_rank` are
added up and are the reference, with what is `given` beforehand (null: there is no reference). `expected` is of the
perimeter; what is less than the reference counts as realised if `sign` is 1, what is more if it is -1.
"""

type Row = Sequence[int]

# Orders between which no site joined or left an entity see the same members (`crew`), and what those withdrew in a
# half-hour is added up once (`found`); where each site has its own reference nothing is in common. Outer joins keep
# what is missing, and lead from the steps to the sites to the readings, never over all readings of a half-hour. Rows in
# the order of their groups need no sorting, and half-hours in the order of time are read once from where they lie.
_SUMS = """
WITH asked AS (
  SELECT DISTINCT perimeter_id, ef_id, each_site, start_ts FROM {steps}
), moved AS (
  SELECT a.perimeter_id, a.ef_id, a.each_site, a.start_ts,
    SUM(CASE WHEN m.valid_from <= a.start_ts THEN 1 ELSE 0 END
      + CASE WHEN m.valid_to <= a.start_ts THEN 1 ELSE 0 END) AS moves
  FROM asked a LEFT JOIN {membership} m ON m.perimeter_id = a.perimeter_id AND m.ef_id = a.ef_id
  GROUP BY a.perimeter_id, a.ef_id, a.each_site, a.start_ts
), crews AS (
  SELECT perimeter_id, ef_id, each_site, start_ts,
    DENSE_RANK() OVER (ORDER BY perimeter_id, ef_id, each_site, moves) AS crew
  FROM moved
), seen AS (
  SELECT crew, perimeter_id, ef_id, MIN(start_ts) AS as_of FROM crews GROUP BY crew, perimeter_id, ef_id
), crew_sites AS (
  SELECT c.crew, m.site_id FROM seen c
  LEFT JOIN {membership} m ON m.perimeter_id = c.perimeter_id AND m.ef_id = c.ef_id
    AND m.valid_from <= c.as_of AND c.as_of < m.valid_to
  ORDER BY c.crew, m.site_id
), placed AS (
  SELECT c.crew, s.part, s.act, s.each_site, s.win, s.ts, s.weight, s.given, s.first_rank, s.last_rank, s.sign,
    s.expected
  FROM {steps} s
  LEFT JOIN crews c ON c.perimeter_id = s.perimeter_id AND c.ef_id = s.ef_id AND c.each_site = s.each_site
    AND c.start_ts = s.start_ts
), need AS (
  SELECT DISTINCT ts, crew FROM placed WHERE each_site = 0 ORDER BY ts, crew
), found AS (
  SELECT n.crew, n.ts, SUM(r.wh) AS wh, COUNT(r.wh) AS readings, COUNT(m.site_id) AS due
  FROM need n
  LEFT JOIN crew_sites m ON m.crew = n.crew
  LEFT JOIN {readings} r ON r.ts = n.ts AND r.site_id = m.site_id
  GROUP BY n.ts, n.crew
), added AS (
  SELECT p.part, p.win, NULL AS site_id, COALESCE(SUM(f.wh), 0) AS wh, SUM(f.readings) AS readings, SUM(f.due) AS due
  FROM placed p
  LEFT JOIN found f ON f.crew = p.crew AND f.ts = p.ts
  WHERE p.each_site = 0
  GROUP BY p.part, p.win
  UNION ALL
  SELECT p.part, p.win, m.site_id, COALESCE(SUM(r.wh), 0), COUNT(r.wh), COUNT(m.site_id)
  FROM placed p
  LEFT JOIN crew_sites m ON m.crew = p.crew
  LEFT JOIN {readings} r ON r.ts = p.ts AND r.site_id = m.site_id
  WHERE p.each_site = 1
  GROUP BY p.part, p.win, m.site_id
), heads AS (
  SELECT part, win, MAX(act) AS act, MIN(ts) AS ts, MAX(weight) AS weight, MAX(given) AS given,
    MAX(first_rank) AS first_rank, MAX(last_rank) AS last_rank, MAX(sign) AS sign, MAX(expected) AS expected
  FROM placed
  GROUP BY part, win
), windows AS (
  SELECT h.part, h.win, a.site_id, h.act, h.ts, h.weight, h.given, h.first_rank, h.last_rank, h.sign, h.expected,
    a.wh, a.readings, a.due
  FROM added a JOIN heads h ON h.part = a.part AND h.win = a.win
)
"""

_EACH = """
SELECT part, DENSE_RANK() OVER (PARTITION BY part ORDER BY site_id) AS unit, win, CAST(wh AS BIGINT) AS wh,
  CAST(readings AS BIGINT) AS readings, CAST(due AS BIGINT) AS due
FROM windows
"""

_VOLUMES = """
, ranked AS (
  SELECT act, part, site_id, win, ts, given, first_rank, last_rank, sign, expected, wh * weight AS amount,
    CASE WHEN due = 0 OR readings < due THEN 1 ELSE 0 END AS lacks,
    ROW_NUMBER() OVER (PARTITION BY part, site_id, CASE WHEN win > 0 THEN 1 ELSE 0 END ORDER BY wh * weight) AS place
  FROM windows
), compared AS (
  SELECT act, win, ts, given, sign, expected, amount, lacks,
    SUM(CASE WHEN win > 0 AND place BETWEEN first_rank AND last_rank THEN amount ELSE 0 END)
      OVER (PARTITION BY part, site_id) AS reference,
    SUM(CASE WHEN win > 0 THEN lacks ELSE 0 END) OVER (PARTITION BY part, site_id) AS reference_lacks
  FROM ranked
), units AS (
  SELECT act, ts, expected,
    CASE WHEN lacks = 0 AND reference_lacks = 0 THEN sign * (given + reference - amount) END AS realised
  FROM compared WHERE win <= 0
), perimeters AS (
  SELECT act, ts, MAX(expected) AS expected, COUNT(realised) AS told, COUNT(*) AS units,
    COALESCE(SUM(realised), 0) AS raw,
    CASE WHEN SUM(realised) < 0 AND {literal} = 0 THEN 0 ELSE COALESCE(SUM(realised), 0) END AS realised
  FROM units
  GROUP BY act, ts
)
SELECT act, ts, told, units, CAST(raw AS BIGINT) AS raw,
  CAST(CASE WHEN realised < expected THEN realised ELSE expected END AS BIGINT) AS paid,
  CAST(CASE WHEN {whole} * realised < {part} * expected THEN expected - realised ELSE 0 END AS BIGINT) AS deficient
FROM perimeters
"""


def sums(tables: Tables) -> str:
    """Return the text that adds up each window of each unit: part, unit, win, Wh, readings, readings that are due."""
    return _filled(_SUMS + _EACH, tables)


def volumes(tables: Tables, judgement: Judgement) -> str:
    """Return the text that goes on to the volumes of perimeters, in the fractions of a Wh of each order.

    It gives act, ts, units that have a volume, units, raw realised volume, paid volume, deficient volume.
    """
    share = judgement.default_below
    literal = int(not judgement.floor_at_zero)
    return _filled(_SUMS + _VOLUMES, tables, whole=share.denominator, part=share.numerator, literal=literal)


def _filled(text: str, tables: Tables, **numbers: int) -> str:
    return text.format(readings=tables.readings, membership=tables.membership, steps=tables.steps, **numbers)
