"""State writes and recorder rows of a simulated day, in a real Home Assistant with the real recorder.

A meter is set up through its own config flow, on an emulated one; then a day of frames is fed to it on a clock that
follows the frames. Counted are the calls that write a state of our entities (with the default set enabled) and the
rows of the database; checked are every transition (PREAVIS, ADPS, tariff period) and the age of the power in the
database. Exit code 1 if a bar is missed.

The peer's figures are counted from the code of linkytic 3.0.0-beta6 with its default of one write each 30 s and
entity: 63,000 writes a day in historique mode (22 entities), 184,000 in standard mode, single phase (64 entities).
"""

import argparse
import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import logging
from multiprocessing import get_context
from pathlib import Path
import socket
import sqlite3
import sys
import tempfile
import time
from typing import Any
from unittest.mock import patch

from homeassistant import bootstrap
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.recorder import get_instance
from homeassistant.runner import RuntimeConfig

from bench.dialogue import add_meter
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.meter.readings import measured_power
from emulator.meter import EmulatedFrame, Emulation, MeterConfig, frames
from emulator.meter.config import MeterName

ROOT = Path(__file__).resolve().parent.parent
LINKYTIC_WRITES = {"linky-historique": 63_000, "linky-standard": 184_000}
SHARE = 5
POWER_AGE_S = 30
_COMMIT_S = 5
_START = datetime(2026, 1, 14, tzinfo=UTC)
_SUBSCRIBED: dict[MeterName, int] = {"pme-pmi": 48}
"""A power that the building passes now and then, so that there are warnings to keep."""
_PRESENCE = {"pme-pmi": ("PREAVIS", "overrun_warning"), "linky-historique": ("ADPS", "overcurrent")}
_PERIOD = {"pme-pmi": ("PTCOUR1", "period_distributor"), "linky-historique": ("PTEC", "period_historique")}


@dataclass(slots=True)
class Day:
    """What a day cost, and what it kept."""

    meter: MeterName
    hours: float
    frames: int = 0
    entities: int = 0
    writes: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    instants: int = 0
    kept: dict[str, tuple[int, int]] = field(default_factory=dict)
    power_age_s: float | None = None

    def scaled(self, count: int) -> int:
        """Return a count as that of 24 hours."""
        return round(count * 24 / self.hours)


class Clock:
    """The simulated time: seconds since the epoch, moved by the frames."""

    def __init__(self) -> None:
        self.now = _START.timestamp()

    def time(self) -> float:
        """Stand for time.time, and for the monotonic clock of the gates."""
        return self.now

    def utcnow(self) -> datetime:
        """Stand for dt_util.utcnow."""
        return datetime.fromtimestamp(self.now, UTC)


async def _start(folder: Path) -> HomeAssistant:
    """Start a real Home Assistant with the recorder on a file and nothing else that writes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "configuration.yaml").write_text(
        f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\n"
        f"recorder:\n  commit_interval: {_COMMIT_S}\n  auto_purge: false\nlogger:\n  default: fatal\n"
    )
    (folder / "custom_components").symlink_to(ROOT / "custom_components")
    hass = await bootstrap.async_setup_hass(
        RuntimeConfig(config_dir=str(folder), skip_pip=True, log_no_color=True, verbose=False)
    )
    assert hass is not None
    await hass.async_start()
    assert hass.state is CoreState.running
    return hass


def _keys(hass: HomeAssistant) -> dict[str, str]:
    """Return the key of each of our entities by entity id."""
    return {
        entry.entity_id: entry.unique_id.split("_", 1)[1]
        for entry in er.async_get(hass).entities.values()
        if entry.platform == DOMAIN
    }


async def simulate(meter: MeterName, hours: float) -> Day:
    """Run one day (or `hours` of it) of one meter; return what it cost."""
    day = Day(meter, hours)
    clock = Clock()
    seen: list[EmulatedFrame] = []
    known: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hass = await _start(folder)
        async with Emulation(MeterConfig(meter=meter, tcp=("127.0.0.1", 0), pace=20, start=_START)) as emulation:
            assert emulation.url
            coordinator = (await add_meter(hass, emulation.url)).runtime_data
            task = coordinator._task  # noqa: SLF001 - the frames come from the simulation from here on
            assert task
            task.cancel()
            await asyncio.wait([task])
        instants: set[float] = set()
        write = Entity._async_write_ha_state  # noqa: SLF001 - what counts is the call, changed or not

        def counted(entity: Entity) -> None:
            if entity.platform.platform_name == DOMAIN:
                day.writes[entity.entity_id] += 1
                instants.add(clock.now)
            write(entity)

        with (
            patch.object(time, "time", clock.time),
            patch("homeassistant.helpers.entity.timer", clock.time),
            patch("homeassistant.util.dt.utcnow", clock.utcnow),
            patch.object(Entity, "_async_write_ha_state", counted),
        ):
            coordinator.monotonic = clock.time
            end = _START + timedelta(hours=hours)
            for frame in frames(MeterConfig(meter=meter, start=_START, subscribed_power=_SUBSCRIBED.get(meter))):
                if frame.at >= end:
                    break
                seen.append(frame)
                clock.now = frame.at.timestamp()
                coordinator._take(frame.data)  # noqa: SLF001 - as the reader does
                if (power := measured_power(coordinator.data, "EAPP_s", "PAPP", "SINSTS")) is not None:
                    known.append((clock.now, power))
                if not len(seen) % 50:
                    await asyncio.sleep(0)
                if not len(seen) % 5000:
                    await get_instance(hass).async_block_till_done()
            await hass.async_block_till_done()
            await get_instance(hass).async_block_till_done()
        keys = _keys(hass)
        day.entities = sum(state.entity_id in keys for state in hass.states.async_all())
        await hass.async_stop(force=True)
        _read_database(folder / "home-assistant_v2.db", day, keys, seen, known)
    day.frames = len(seen)
    day.instants = len(instants)
    return day


def _read_database(
    path: Path, day: Day, keys: dict[str, str], seen: list[EmulatedFrame], known: list[tuple[float, int]]
) -> None:
    history: dict[str, list[tuple[float, str]]] = {}
    with sqlite3.connect(path) as database:
        for entity_id, at, state in database.execute(
            "SELECT states_meta.entity_id, last_updated_ts, state FROM states JOIN states_meta USING (metadata_id)"
            " WHERE last_updated_ts >= ? AND last_updated_ts < ? ORDER BY last_updated_ts",
            (_START.timestamp(), _START.timestamp() + day.hours * 3600),
        ):
            if entity_id in keys:
                day.rows[entity_id] += 1
                history.setdefault(keys[entity_id], []).append((at, state))
    if day.meter in _PRESENCE:
        label, key = _PRESENCE[day.meter]
        sent = [any(group.label == label for group in frame.groups) for frame in seen]
        kept = [state == "on" for _, state in history.get(key, [])]
        day.kept[label] = (_changes(sent), _changes([sent[0], *kept]))
    if day.meter in _PERIOD:
        label, key = _PERIOD[day.meter]
        codes = [next(group.data for group in frame.groups if group.label == label) for frame in seen]
        day.kept[label] = (_changes(codes), len(history.get(key, [])))  # the first state is from before the day
    day.power_age_s = _power_age(known, history["apparent_power"])


def _changes(values: list[Any]) -> int:
    return sum(before != after for before, after in pairwise(values))


def _power_age(known: list[tuple[float, int]], rows: list[tuple[float, str]]) -> float:
    """Return how old the power in the database was at worst: the time since it was what was known (commit included)."""
    worst = 0.0
    last_known: dict[int, float] = {}
    following = iter(rows)
    row, ahead = None, next(following, None)
    for now, value in known:
        if row:
            worst = max(worst, now - last_known.get(int(float(row[1])), now))
        while ahead and ahead[0] <= now:
            row, ahead = ahead, next(following, None)
        last_known[value] = now
    return worst + _COMMIT_S


def report(day: Day) -> bool:
    """Print a day; return whether it holds its bars."""
    writes, rows = day.scaled(day.writes.total()), day.scaled(day.rows.total())
    print(f"\n{day.meter}: {day.hours:g} h, {day.frames} frames, {day.entities} entities")
    print(f"  state writes a day  {writes:>8,}   in {day.scaled(day.instants):,} instants")
    print(f"  recorder rows a day {rows:>8,}   about {rows * 155 / 1e6:.2f} MB a day at 155 bytes a row")
    good = True
    if peer := LINKYTIC_WRITES.get(day.meter):
        held = writes * SHARE <= peer
        print(f"  against linkytic    {writes / peer:>8.3f} of its {peer:,} writes (bar 0.2): {_word(held)}")
        good &= held
    for label, (sent, kept) in day.kept.items():
        held = sent == kept
        print(f"  transitions of {label:<8} {sent} sent, {kept} in the database: {_word(held)}")
        good &= held
    if day.power_age_s is not None:
        held = day.power_age_s <= POWER_AGE_S
        print(
            f"  oldest power in the database {day.power_age_s:.1f} s with its commit (bar {POWER_AGE_S}): {_word(held)}"
        )
        good &= held
    for entity_id, count in day.rows.most_common(6):
        print(f"    {day.scaled(count):>6} rows  {entity_id}")
    return good


def _word(held: bool) -> str:  # noqa: FBT001
    return "held" if held else "MISSED"


def main() -> int:
    """Run the bench; return its exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench writes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--hours", type=float, default=24, help="hours of the day to simulate (default 24)")
    options = parser.parse_args()
    meters: tuple[MeterName, ...] = ("linky-historique", "linky-standard", "pme-pmi")
    # A process has one Home Assistant, once.
    with get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
        days = pool.starmap(_simulate, [(meter, options.hours) for meter in meters], chunksize=1)
    results = [report(day) for day in days]
    return 0 if all(results) else 1


def _simulate(meter: MeterName, hours: float) -> Day:
    logging.disable(logging.CRITICAL)
    return asyncio.run(simulate(meter, hours))


if __name__ == "__main__":
    sys.exit(main())
