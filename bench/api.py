"""What operators can ask of a Home Assistant: reads against a bare view, and fifty requests a second for a minute.

A real Home Assistant serves the API and, in the same process, an authenticated view that returns a constant. Another
process calls both in turn, over real sockets, and then makes requests at a steady rate. Exit code 1 if reads have less
than 0.7 of the throughput of the constant, if a request is lost or not kept, or if the loop stood still for 50 ms.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import gc
import multiprocessing
from pathlib import Path
from statistics import median, quantiles
import sys
import tempfile
from time import perf_counter
from types import MappingProxyType

from aiohttp import ClientSession, web
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.auth.models import TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import HomeAssistantView

from bench.dialogue import add_meter
from bench.robustness import started
from bench.shedding import add_building, wire
from custom_components.flex_ready.api.limits import Allowance
from custom_components.flex_ready.api.views import API
from custom_components.flex_ready.desk.desk import Desk
from custom_components.flex_ready.desk.ledgers import async_get_ledger, async_release
from custom_components.flex_ready.ledger import Ledger

RATIO = 0.7
BLOCKED_MS = 50.0
_BARE = "/api/bench"
_PREFIX = "/api/flex_ready/v1"
_ROUNDS = 9
_CALLERS = 8
_TICK_S = 0.005


@dataclass(frozen=True, slots=True)
class Served:
    """Where the API is, and who may call it."""

    url: str
    token: str
    desk: Desk
    ledger: Ledger
    entry_id: str


class Bare(HomeAssistantView):
    """A view that needs a token, and returns a constant."""

    url = _BARE
    name = "api:bench"

    async def get(self, _request: web.Request) -> web.Response:
        """Return it."""
        return self.json({"id": "constant", "name": "a BACS", "description": "of the same length as what is compared"})


def _subentry(kind: str, data: dict[str, object]) -> ConfigSubentry:
    return ConfigSubentry(data=MappingProxyType(data), subentry_type=kind, title=kind, unique_id=None)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[HomeAssistant, Served]]:
    """Serve a building with an asset of ten loads, and one operator."""
    with tempfile.TemporaryDirectory() as name:
        async with wire() as played, started(Path(name)) as hass:
            meter = await add_meter(hass, played.url)
            building = await add_building(hass, meter.entry_id, 10)
            entry = building.config_entry
            hass.http.register_view(Bare())
            await hass.auth.async_create_user("owner")  # the first one may do everything
            user = await hass.auth.async_create_user("operator", group_ids=[GROUP_ID_USER])
            asset = {
                "asset_id": "WholeBuilding",
                "loads": [*building.handovers],
                "flex_products": ["WID"],
                "most_power": 0,
                "mobilization_delay": 1,
                "max_duration": 60,
                "recovery": 0,
                "activations_per_day": 0,
                "measured_by": "loads",
            }
            operator = {
                "auth": "home_assistant",
                "user": user.id,
                "dialect": "native",
                "decision": "accept",
                "silence": "decline",
                "answer_within": 15,
                "offer_holds": 1_000,
                "most_activations": 0,
                "despite_red": False,
            }
            whole = _subentry("asset", asset)
            for made in (whole, _subentry("operator", {**operator, "assets": [whole.subentry_id]})):
                hass.config_entries.async_add_subentry(entry, made)
                await hass.async_block_till_done()
            refresh = await hass.auth.async_create_refresh_token(
                user,
                client_name="operator",
                token_type=TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
                access_token_expiration=timedelta(days=1),
            )
            hass.data[API].limits.reads = Allowance(1e6, 10**6, perf_counter)
            desk = entry.runtime_data.desk
            assert desk is not None
            port = hass.config.api.port if hass.config.api is not None else 0
            token = hass.auth.async_create_access_token(refresh)
            await hass.async_start()
            gc.collect()
            gc.freeze()
            ledger = await async_get_ledger(hass, None)
            yield hass, Served(f"http://127.0.0.1:{port}", token, desk, ledger, entry.entry_id)
            await async_release(hass, None)


async def _reads(url: str, token: str, seconds: float) -> float:
    """Return how many reads a second are answered."""
    count = 0
    async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        end = perf_counter() + seconds

        async def caller() -> None:
            nonlocal count
            while perf_counter() < end:
                async with session.get(url) as response:
                    assert response.status == web.HTTPOk.status_code, await response.text()
                    await response.read()
                count += 1

        await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return count / seconds


async def _creates(url: str, token: str, start: float, per_second: int, seconds: int) -> dict[str, list[float]]:
    """Make requests at a steady rate; return the delay of each (ms) by its status."""
    told: dict[str, list[float]] = {}
    async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def create(i: int) -> None:
            begin = datetime.fromtimestamp(start, UTC) + timedelta(minutes=30 * i)
            slot = {"power": {"unit": "W", "multiplier": "k", "value": 4.5}, "start": begin.isoformat()}
            slot["end"] = (begin + timedelta(minutes=1)).isoformat()
            body = {"requestID": f"r{i}", "flexProduct": "WID", "direction": "decrease", "power": [slot]}
            since = perf_counter()
            async with session.post(url, json=body) as response:
                text = await response.text()
                if response.status != web.HTTPCreated.status_code:
                    print(text[:300], file=sys.stderr)
            told.setdefault(str(response.status), []).append((perf_counter() - since) * 1_000)

        begun, jobs = perf_counter(), []
        for i in range(per_second * seconds):
            await asyncio.sleep(max(0, begun + i / per_second - perf_counter()))
            jobs.append(asyncio.create_task(create(i)))
        await asyncio.gather(*jobs)
    return told


def _client(kind: str, *arguments: object) -> object:
    job = {"reads": _reads, "creates": _creates}[kind]
    return asyncio.run(job(*arguments))  # type: ignore[operator]


async def _blocked(stop: asyncio.Event) -> list[float]:
    """Return for how long the loop stood still, each time (ms)."""
    found = []
    while not stop.is_set():
        since = perf_counter()
        await asyncio.sleep(_TICK_S)
        found.append((perf_counter() - since - _TICK_S) * 1_000)
    return found


async def measure(seconds: float, per_second: int, lasts: int) -> bool:
    """Print the figures; return whether every bar holds."""
    loop = asyncio.get_running_loop()
    context = multiprocessing.get_context("spawn")
    async with serving() as (_, served):
        with context.Pool(1) as pool:

            async def client(*arguments: object) -> object:
                return await loop.run_in_executor(None, pool.apply, _client, arguments)

            async def reads(path: str) -> float:
                rate = await client("reads", f"{served.url}{path}", served.token, seconds)
                assert isinstance(rate, float)
                return rate

            asset = f"{_PREFIX}/bacs/{served.desk.bacs.id}/assets/WholeBuilding"
            start = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0).timestamp()
            stop = asyncio.Event()
            watching = asyncio.create_task(_blocked(stop))
            told = await client(
                "creates",
                f"{served.url}{asset}/flexibilities/request",
                served.token,
                start,
                per_second,
                lasts,
            )
            stop.set()
            stood = max(await watching)
            assert isinstance(told, dict)
            made = told.get("201", [])
            kept = len({one.key for one in await served.ledger.transitions(served.entry_id)})
            lost = per_second * lasts - len(made)
            print(f"requests, {per_second} a second for {lasts} s: {len(made)} made, {lost} lost, {kept} in the ledger")
            print(f"  median {median(made):.1f} ms, p99 {quantiles(made, n=100)[98]:.1f} ms, worst {max(made):.1f} ms")
            print(f"  the loop stood still for {stood:.1f} ms at most (bar {BLOCKED_MS:.0f})")
            holds = not lost and kept == len(made) and stood <= BLOCKED_MS
            print(f"\n{'reads':<28}{'a second':>10}{'of the constant':>18}")
            paths = {
                "the BACS": f"{_PREFIX}/bacs",
                "the assets": f"{_PREFIX}/bacs/{served.desk.bacs.id}/assets",
                "a request": f"{asset}/flexibilities/request/r0",
            }
            shares: dict[str, list[float]] = {name: [] for name in paths}
            rates: dict[str, list[float]] = {name: [] for name in paths}
            for _ in range(_ROUNDS):
                for name, path in paths.items():  # each beside the constant: the machine may have other work
                    bare = await reads(_BARE)
                    rates[name].append(await reads(path))
                    shares[name].append(rates[name][-1] / bare)
            for name in paths:
                share = median(shares[name])
                print(f"{name:<28}{median(rates[name]):>10.0f}{share:>18.2f}")
                holds = holds and share >= RATIO
    print("every bar holds" if holds else "MISSED")
    return holds


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench api", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1, help="of each reading; default %(default)s")
    parser.add_argument("--rate", type=int, default=50, help="requests a second; default %(default)s")
    parser.add_argument("--lasts", type=int, default=60, help="seconds of requests; default %(default)s")
    options = parser.parse_args()
    return 0 if asyncio.run(measure(options.seconds, options.rate, options.lasts)) else 1


if __name__ == "__main__":
    sys.exit(main())
