"""How long fifty orders to a perimeter take to evaluate, in SQL and in pandas, and how much memory.

Each figure is of a process of its own, after it has loaded: SQLite and pandas on a year of half-hours of 1,000 sites,
SQLite on 10 sites for the memory, DuckDB on Parquet of as many sites as are asked for. All must find the same integers.
Exit code 1 if they do not, or if a bar is missed.
"""

import argparse
from collections.abc import Callable
from fractions import Fraction
import hashlib
from itertools import batched
import json
from pathlib import Path
import sqlite3
from statistics import median
import subprocess
import sys
import tempfile
from time import perf_counter
from typing import TypedDict

import duckdb
import pandas as pd  # type: ignore[import-untyped]

from bench.settlement_engines import MEMBERSHIP, Duck, Sqlite, filled
from bench.settlement_peer import FRACTIONS, needs, picked, settle
from bench.settlement_world import ORDERS, members, orders, write
from custom_components.flex_ready.settlement.perimeter import Engine, volumes
from custom_components.flex_ready.settlement.volumes_sql import Tables

FASTER = 5.0
"""Than pandas that merges what it has, and than one that picks what each order needs, one order after the other."""
PEAK_MB = 1024
FLAT = 1.25
"""Memory with 1,000 sites against that with 10."""
_CACHE_KIB = 16_000
_AT_ONCE = 100_000

type Result = list[tuple[int, int, int, int, int]]
"""Order, half-hour, raw, paid and deficient volume, in the bench's fractions of a Wh."""


class Told(TypedDict):
    """What a process says of itself."""

    seconds: list[float]
    peak_mb: float
    before_mb: float
    """With everything imported and nothing loaded."""
    volumes: int
    digest: str


def load(folder: Path, sites: int) -> float:
    """Load SQLite from the Parquet of a folder; return how long it took (s)."""
    started = perf_counter()
    connection = sqlite3.connect(folder / "readings.db")
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
    engine = Sqlite(connection)
    engine.create()
    with duckdb.connect() as parquet:
        # The files one after the other, in the order of the key.
        for file in sorted(folder.glob("*.parquet")):
            rows = parquet.execute(f"SELECT site_id, ts, wh FROM '{file}'")  # noqa: S608
            while some := rows.fetchmany(_AT_ONCE):
                engine.add(some, ())
    engine.add((), members(sites))
    connection.close()
    return perf_counter() - started


def _ours(engine: Engine, sites: int, at_once: int = ORDERS) -> Callable[[], Result]:
    asked = list(enumerate(orders(sites)))

    def evaluate() -> Result:
        return [
            (act, int(step.timestamp()), _whole(it.realised), _whole(it.paid), _whole(it.deficient))
            for some in batched(asked, at_once, strict=False)
            for (act, _), found in zip(some, volumes(engine, [order for _, order in some]), strict=True)
            for step, it in sorted(found.items())
        ]

    return evaluate


def _whole(wh: Fraction) -> int:
    """Return a volume in the fractions of the bench, of which it is a multiple."""
    return int(wh * FRACTIONS)


def _sqlite(folder: Path, sites: int, at_once: int = ORDERS) -> Callable[[], Result]:
    connection = sqlite3.connect(folder / "readings.db")
    connection.executescript(f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA temp_store = MEMORY")
    return _ours(Sqlite(connection), sites, at_once)


def _sqlite_each(folder: Path, sites: int) -> Callable[[], Result]:
    return _sqlite(folder, sites, 1)


def _duckdb(folder: Path, sites: int) -> Callable[[], Result]:
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW readings AS SELECT * FROM '{folder}/*.parquet'")  # noqa: S608
    connection.execute(filled(MEMBERSHIP, Tables()))
    engine = Duck(connection)
    engine.add((), members(sites))
    return _ours(engine, sites)


def _frames(folder: Path, sites: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    with duckdb.connect() as parquet:
        question = f"SELECT site_id::INTEGER AS site_id, ts, wh::INTEGER AS wh FROM '{folder}/*.parquet' ORDER BY ts"  # noqa: S608
        readings = parquet.execute(question).df()
    names = ["perimeter", "ef", "site_id", "valid_from", "valid_to"]
    return readings, pd.DataFrame(list(members(sites)), columns=names), needs(orders(sites))


def _pandas(folder: Path, sites: int) -> Callable[[], Result]:
    readings, belong, needed = _frames(folder, sites)
    return lambda: _rows(settle(readings, belong, needed))


def _pandas_picked(folder: Path, sites: int) -> Callable[[], Result]:
    readings, belong, needed = _frames(folder, sites)
    return lambda: _rows(settle(picked(readings, needed), belong, needed))


def _pandas_each(folder: Path, sites: int) -> Callable[[], Result]:
    readings, belong, needed = _frames(folder, sites)
    each = [its for _, its in needed.groupby("act")]
    return lambda: [row for its in each for row in _rows(settle(picked(readings, its), belong, its))]


def _rows(frame: pd.DataFrame) -> Result:
    return list(frame.itertuples(index=False, name=None))


ENTRANTS = {
    "sqlite": _sqlite,
    "sqlite-each": _sqlite_each,
    "pandas": _pandas,
    "pandas-picked": _pandas_picked,
    "pandas-each": _pandas_each,
    "duckdb": _duckdb,
}


def tell(entrant: str, folder: Path, sites: int, rounds: int) -> Told:
    """Load, and evaluate some times."""
    before = _peak_mb()
    evaluate = ENTRANTS[entrant](folder, sites)
    seconds = []
    for _ in range(rounds):
        started = perf_counter()
        found = evaluate()
        seconds.append(perf_counter() - started)
    digest = hashlib.sha256(repr([tuple(map(int, row)) for row in found]).encode()).hexdigest()
    return Told(seconds=seconds, peak_mb=_peak_mb(), before_mb=before, volumes=len(found), digest=digest)


def _peak_mb() -> float:
    # What getrusage tells is also that of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def ask(entrant: str, folder: Path, sites: int, rounds: int) -> Told:
    """Have a process of its own tell."""
    command = [sys.executable, "-m", "bench.settlement", "--child", entrant, "--folder", str(folder)]
    command += ["--sites", str(sites), "--rounds", str(rounds)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    found: Told = json.loads(told.stdout)
    took, peak = median(found["seconds"]), found["peak_mb"]
    own = peak - found["before_mb"]
    print(f"  {sites:>7,} sites  {entrant:<12}{took:>8.2f} s{peak:>8.0f} MB, {own:.0f} of them since the imports")
    return found


def made(folder: Path, sites: int) -> Path:
    """Write a world into a folder of its own."""
    its = folder / str(sites)
    its.mkdir()
    started = perf_counter()
    steps = write(its, sites)
    print(f"{sites:,} sites, {sites * steps:,} readings: written in {perf_counter() - started:.0f} s")
    return its


def measure(sites: int, many: int, rounds: int) -> bool:
    """Run all; tell whether every bar holds."""
    with tempfile.TemporaryDirectory() as name:
        few, full = made(Path(name), 10), made(Path(name), sites)
        load(few, 10)
        print(f"loaded into SQLite in {load(full, sites):.0f} s")
        small, ours = ask("sqlite", few, 10, rounds), ask("sqlite", full, sites, rounds)
        ours_each = ask("sqlite-each", full, sites, rounds)
        merged, picks = ask("pandas", full, sites, rounds), ask("pandas-picked", full, sites, rounds)
        picks_each = ask("pandas-each", full, sites, rounds)
        duck = ask("duckdb", full, sites, rounds)
        same = len({one["digest"] for one in (ours, ours_each, merged, picks, picks_each, duck)}) == 1
        for file in full.iterdir():
            file.unlink()
        if many:
            ask("duckdb", made(Path(name), many), many, rounds)
    print(f"{ours['volumes']} volumes, the same integers from all: {'yes' if same else 'NO'}")
    at_once, each, picked_once = (
        median(peer["seconds"]) / median(own["seconds"])
        for peer, own in ((merged, ours), (picks_each, ours_each), (picks, ours))
    )
    print(f"pandas that picks first, all orders at once: {picked_once:.1f} x as long (no bar: docs/benchmarks.md)")
    flat = ours["peak_mb"] / small["peak_mb"]
    return all(
        [
            same,
            _bar("pandas, all orders at once", f"{at_once:.1f} x as long", f">= {FASTER:.0f}", at_once >= FASTER),
            _bar("pandas, order after order", f"{each:.1f} x as long", f">= {FASTER:.0f}", each >= FASTER),
            _bar("peak of SQLite", f"{ours['peak_mb']:.0f} MB", f"< {PEAK_MB}", ours["peak_mb"] < PEAK_MB),
            _bar(f"memory, {sites:,} sites against 10", f"{flat:.2f}", f"<= {FLAT}", flat <= FLAT),
        ]
    )


def _bar(what: str, figure: str, bar: str, holds: bool) -> bool:  # noqa: FBT001
    print(f"{what}: {figure}, {'holds' if holds else 'MISSED'} ({bar})")
    return holds


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench settlement", description=__doc__)
    parser.add_argument("--sites", type=int, default=1_000, help="in SQLite and pandas; default %(default)s")
    parser.add_argument("--many", type=int, default=10_000, help="in DuckDB on Parquet; default %(default)s, 0: none")
    parser.add_argument("--rounds", type=int, default=5, help="the median counts; default %(default)s")
    parser.add_argument("--quick", action="store_true", help="100 sites, and 300 in DuckDB")
    parser.add_argument("--child", choices=ENTRANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(tell(options.child, options.folder, options.sites, options.rounds)))
        return 0
    sites, many = (100, 300) if options.quick else (options.sites, options.many)
    return 0 if measure(sites, many, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
