"""Home Assistant killed (kill -9) at random instants of requests' lives: none is lost or doubled, no load is left off.

A real Home Assistant serves the API of a building; meter, devices, identity provider and operator live in other
processes and go on. The operator makes a request, orders it, and repeats each call until it is answered. At a random
instant of that life Home Assistant is killed, and started again on what it had kept. Then every answer must be the one
that was given before, the ledger must have each step once and in order, and all devices must be on in the end.
Exit code 1 if one kill fails.
"""

import argparse
import asyncio
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
import random
import socket
import sys
import tempfile
import time
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from _demo.signals import emulated_signals  # noqa: E402

from bench.kills_home import ASSET, BUILDING  # noqa: E402
from bench.shedding import wire  # noqa: E402
from custom_components.flex_ready.desk.site import bacs_id  # noqa: E402
from custom_components.flex_ready.flexibility.lifecycle import OPEN, TABLE  # noqa: E402
from custom_components.flex_ready.flexibility.record import State, Transition  # noqa: E402
from custom_components.flex_ready.ledger import Ledger  # noqa: E402

_LEAD_S = 2.5
_LASTS_S = 3.0
_LIFE_S = 8.0
_PATIENCE_S = 60
_POLL_S = 0.1
_ASKED_W = 3_000
_NAMES = ("boiler", "pump", "fan", "charger")
_UNAVAILABLE = 503


@dataclass(slots=True)
class Devices:
    """The devices of the building, and what they were told."""

    states: dict[str, str] = field(default_factory=lambda: dict.fromkeys(_NAMES, "on"))
    told: int = 0
    url: str = ""

    async def show(self, _request: web.Request) -> web.Response:
        """Tell how they are."""
        return web.json_response(self.states)

    async def tell(self, request: web.Request) -> web.Response:
        """Switch one."""
        self.states[request.match_info["name"]] = request.match_info["to"]
        self.told += 1
        return web.Response()

    @property
    def off(self) -> list[str]:
        """Those that are off."""
        return [name for name, state in self.states.items() if state == "off"]


@asynccontextmanager
async def devices() -> AsyncIterator[Devices]:
    """Play the devices."""
    played = Devices()
    app = web.Application()
    app.add_routes([web.get("/", played.show), web.post("/{name}/{to}", played.tell)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    played.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield played
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Home:
    """The Home Assistant that is killed."""

    folder: Path
    arguments: tuple[str, ...]
    process: Process | None = None

    async def start(self) -> float:
        """Start it; return how long that took (s)."""
        since = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.kills_home", str(self.folder), *self.arguments, cwd=ROOT, stdout=PIPE
        )
        assert self.process.stdout
        async with asyncio.timeout(_PATIENCE_S):
            while (line := await self.process.stdout.readline()) and line.strip() != b"up":
                pass
        if not line:
            raise RuntimeError(f"Home Assistant ended with status {await self.process.wait()}")
        return time.monotonic() - since

    async def kill(self) -> None:
        """Kill it."""
        assert self.process
        self.process.kill()
        await self.process.wait()


@dataclass(slots=True)
class Operator:
    """The operator: it repeats what is not answered, and notes what is answered otherwise than before."""

    session: ClientSession
    url: str
    token: str
    wrong: list[str] = field(default_factory=list)

    async def life(self, name: str) -> None:
        """Make a request, order it, and read it until it is over."""
        start = (datetime.now(UTC) + timedelta(seconds=_LEAD_S)).replace(microsecond=0) + timedelta(seconds=1)
        power = {"unit": "W", "multiplier": "none", "value": _ASKED_W}
        slot = {"power": power, "start": start.isoformat(), "end": (start + timedelta(seconds=_LASTS_S)).isoformat()}
        body = {"requestID": name, "flexProduct": "WID", "direction": "decrease", "power": [slot]}
        order = {"flexProduct": "WID", "power": [slot]}
        status, made = await self._until_answered("POST", "", body)
        if status != web.HTTPCreated.status_code or made["state"] != "offered":
            # Whoever asks again after the start is told that it is too late, if it was not taken before.
            if made.get("code") not in ("dmo-violated", "too-soon"):
                self.wrong.append(f"{name} was answered {status} {made}")
            return
        status, said = await self._until_answered("POST", f"/{name}/confirm", order)
        late = said.get("code") in ("offer-expired", "dmo-violated", "invalid-state")
        if status != web.HTTPOk.status_code and not late:
            self.wrong.append(f"the order of {name} was answered {status} {said}")
        again, same = await self._until_answered("POST", "", body)
        if (again, same) != (web.HTTPCreated.status_code, made):
            self.wrong.append(f"{name} again was answered {again} {same}, and {made} before")
        while time.time() < start.timestamp() + _LASTS_S:
            status, said = await self._until_answered("GET", f"/{name}")
            if status != web.HTTPOk.status_code:
                self.wrong.append(f"{name} is lost: {status} {said}")
                return
            await asyncio.sleep(_POLL_S)

    async def _until_answered(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Call until there is an answer that is final."""
        url = f"{self.url}/bacs/{bacs_id(BUILDING)}/assets/{ASSET}/flexibilities/request{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                async with self.session.request(method, url, json=body, headers=headers) as answer:
                    if answer.status not in (_UNAVAILABLE, web.HTTPTooManyRequests.status_code):
                        kind = answer.content_type
                        if kind in ("application/json", "application/problem+json"):
                            return answer.status, await answer.json(content_type=None)
            except ClientError, TimeoutError, OSError:
                pass
            await asyncio.sleep(_POLL_S)
        raise TimeoutError(f"{method} {path} is not answered")


def faults(transitions: list[Transition]) -> list[str]:
    """Return what is wrong with what was kept: each step of a request once, in order, and as the table has it."""
    found, rows = [], {(row.source, row.trigger, row.target) for row in TABLE}
    by_request: dict[str, list[Transition]] = {}
    for one in transitions:
        by_request.setdefault(one.key.request_id, []).append(one)
    for name, steps in by_request.items():
        if [one.revision for one in steps] != list(range(1, len(steps) + 1)):
            found.append(f"{name}: revisions {[one.revision for one in steps]}")
        states = [None, *(one.target for one in steps)]
        if any((a, one.trigger, one.target) not in rows for a, one in zip(states, steps, strict=False)):
            found.append(f"{name}: {[one.target.value for one in steps]}")
        if steps[-1].target in OPEN:
            found.append(f"{name} is not over: {steps[-1].target}")
    return found


async def kill_once(home: Home, operator: Operator, played: Devices, name: str, dice: random.Random) -> str:
    """Kill Home Assistant in the life of one request; return what is wrong, if anything."""
    operator.wrong.clear()
    living = asyncio.create_task(operator.life(name))
    at = dice.uniform(0, _LIFE_S)
    await asyncio.sleep(at)
    off = len(played.off)
    await home.kill()
    await home.start()
    try:
        async with asyncio.timeout(2 * _PATIENCE_S):
            await living
            while played.off:  # noqa: ASYNC110  # it is another process's state
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        operator.wrong.append(f"{', '.join(played.off) or 'nothing'} left off, or no answer")
    print(f"{name}: killed {at:4.1f} s on, {off} off: {'; '.join(operator.wrong) or 'good'}", flush=True)
    return "; ".join(operator.wrong)


async def run(times: int, seed: int) -> bool:
    """Kill it so many times; return whether all is well."""
    dice, failed = random.Random(seed), 0  # no secret
    with tempfile.TemporaryDirectory(prefix="flex-ready-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        await asyncio.to_thread((folder / "custom_components").symlink_to, ROOT / "custom_components")
        async with (
            ClientSession(timeout=ClientTimeout(total=5)) as session,
            wire() as meter,
            devices() as played,
            emulated_signals(session, folder) as signals,
        ):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            home = Home(folder, (str(port), meter.url, played.url, f"{signals.url}/oidc"))
            operator = Operator(session, f"http://127.0.0.1:{port}/api/flex_ready/v1", signals.token)
            print(f"up in {await home.start():.1f} s", flush=True)
            for i in range(times):
                failed += bool(await kill_once(home, operator, played, f"r{i}", dice))
            await asyncio.sleep(2 * _LIFE_S)
            await home.kill()
        ledger = await Ledger.open(f"sqlite:///{folder / 'flex_ready.db'}")
        transitions = await ledger.transitions(BUILDING)
        await ledger.close()
    wrong = faults(transitions)
    last = {one.key.request_id: one.target for one in transitions}
    print(f"{len(transitions)} steps of {len(last)} requests: {dict(Counter(state.value for state in last.values()))}")
    print("\n".join(wrong) or "each step is kept once, in order, as the table has it")
    print(f"{times} kills: {'all hold' if not failed and not wrong else f'MISSED ({failed})'}")
    assert all(isinstance(state, State) for state in last.values())
    return not failed and not wrong


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench kills", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="how often it is killed; default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the dice; default %(default)s")
    options = parser.parse_args()
    return 0 if asyncio.run(run(options.times, options.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
