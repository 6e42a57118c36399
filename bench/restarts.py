"""Home Assistant killed in the middle of a limitation, at ten moments: nothing is left off, nothing is told twice.

The emulated building and meter run on, at ten times the speed; Home Assistant, with the integration as a user sets it
up, is set to limit, is killed (SIGKILL) some time after it commanded the first load, and is started again on what it
kept. Then it must take up where it was: no load is told what it is already, no window after the first Td is over the
subscribed power, and once it only observes every load is on. Exit code 1 if a moment fails.
"""

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
import sys
import tempfile
import time
from typing import Any

from aiohttp import ClientSession, ClientTimeout

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from _demo.__main__ import _free_port  # noqa: E402
from _demo.building import add_building  # noqa: E402
from _demo.client import HomeAssistant  # noqa: E402
from _demo.emulator import Control, emulated_meter, meter_answers  # noqa: E402
from _demo.flow import add_entry  # noqa: E402
from _demo.folder import configuration, write_folder  # noqa: E402
from _demo.home_assistant import home_assistant  # noqa: E402
from _demo.meter_view import DOMAIN  # noqa: E402
from _demo.signals_check import EntryView  # noqa: E402

MOMENTS_S = (0, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3, 8)
"""After the first command."""
_PACE = 10.0
_TD_S = 30
"""Five minutes at that pace."""
_PATIENCE_S = 90
_POLL_S = 0.002


@dataclass(frozen=True, slots=True)
class Site:
    """The emulated side."""

    session: ClientSession
    control: str

    async def loads(self) -> list[dict[str, Any]]:
        """Return the emulated loads."""
        found: list[dict[str, Any]] = (await self.state())["loads"]
        return found

    async def state(self) -> dict[str, Any]:
        """Return what the meter measures."""
        return await Control(self.session, self.control).state()

    async def until(self, what: str, holds: Any, within: float = _PATIENCE_S) -> None:  # noqa: ANN401  # a predicate
        """Wait until something holds of the loads; raise TimeoutError."""
        deadline = time.monotonic() + within
        while not holds(loads := await self.loads()):
            if time.monotonic() > deadline:
                off = ", ".join(load["id"] for load in loads if not load["on"])
                raise TimeoutError(f"{what}: {off or 'none'} off after {within:.0f} s")
            await asyncio.sleep(_POLL_S)


async def set_mode(client: HomeAssistant, building: str, mode: str) -> None:
    """Choose what the building does."""
    view = EntryView(client, building)
    await client.service("select.select_option", entity_id=await view.entity_id("mode"), option=mode)


async def moment(site: Site, folder: Path, port: int, building: str, delay: float) -> str:
    """Kill Home Assistant so long after the first command, start it again; return what is wrong, if anything."""
    before = sum(load["commands"] for load in await site.loads())
    repeats = sum(load["repeats"] for load in await site.loads())
    async with home_assistant(site.session, folder, port, "en") as (client, process):
        asking = asyncio.create_task(set_mode(client, building, "limit"))
        await site.until("nothing is shed", lambda loads: sum(load["commands"] for load in loads) > before)
        await asyncio.sleep(delay)
        process.kill()
        await process.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    off = [load["id"] for load in await site.loads() if not load["on"]]
    wrong = []
    async with home_assistant(site.session, folder, port, "en") as (client, _):
        mode = await EntryView(client, building).state("mode")
        await asyncio.sleep(_TD_S)
        overruns = (await site.state())["overruns"]
        await asyncio.sleep(_TD_S / 2)
        if mode.text == "limit" and (more := (await site.state())["overruns"] - overruns):
            wrong.append(f"{more} overruns after the first Td")
        await set_mode(client, building, "observe")
        try:
            await site.until("left off", lambda loads: all(load["on"] for load in loads))
        except TimeoutError as error:
            wrong.append(str(error))
        await asyncio.sleep(2)
        if twice := sum(load["repeats"] for load in await site.loads()) - repeats:
            wrong.append(f"{twice} loads told twice")
    return "; ".join(wrong) or f"good ({', '.join(off) or 'none'} off when it was killed, {mode.text} after)"


async def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="scripts/bench restarts", description=__doc__)
    parser.add_argument("--moments", type=int, default=len(MOMENTS_S), help="how many; default %(default)s")
    moments = MOMENTS_S[: parser.parse_args().moments]
    failed = False
    with tempfile.TemporaryDirectory(prefix="flex-ready-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with (
            ClientSession(timeout=ClientTimeout(total=60)) as session,
            emulated_meter(meter="pme-pmi", pace=_PACE, replay=None) as emulator,
        ):
            assert emulator.control
            site = Site(session, emulator.control)
            port = _free_port(None, None)
            write_folder(folder, configuration("en", emulator.control, await site.loads()), port)
            async with home_assistant(session, folder, port, "en") as (client, _):
                meter = await add_entry(client, DOMAIN, "meter", meter_answers(emulator))
                building = await add_building(client, session, emulator.control, meter, signals=False)
                await asyncio.sleep(2 * _TD_S)  # Td is known
            for delay in moments:
                said = await moment(site, folder, port, building, delay)
                failed = failed or not said.startswith("good")
                print(f"killed {1000 * delay:5.0f} ms after the first command: {said}", flush=True)
    print("MISSED" if failed else f"all {len(moments)} moments hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
