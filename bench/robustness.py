"""What a bad line does to Home Assistant: floods, restarts, silence; its memory, its event loop, its recovery.

A real Home Assistant with the real recorder reads an emulated PME-PMI through a TCP gateway that is a process of its
own. The gateway misbehaves for a while, then sends frames again. Measured are how long the event loop was blocked (a
task that sleeps 5 ms tells by how much it was late; and how much of that this process was at work in, for a machine
may be busy with other things), the resident memory before and after, and the time from the
first good bytes to entities that are available again. The first row is the line as it should be. Exit code 1 if a bar
is missed.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
import contextlib
from dataclasses import dataclass, field
import gc
import logging
from pathlib import Path
import resource
import socket
import sys
import tempfile
import time
from typing import override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_test_home_assistant,
)

from bench.dialogue import add_meter
from bench.gateway import GatewayProcess, Mode
from custom_components.flex_ready.meter.coordinator import MeterCoordinator

ROOT = Path(__file__).resolve().parent.parent
_TICK_S = 0.005
_BLOCKED_MS = 50.0
_GROWN_MB = 5.0
_RECOVERED_S = 90.0
"""The longest wait between two tries of the reader is 60 s."""
_SETTLE_S = 2.0
_PAGE = resource.getpagesize()


def resident_mb() -> float:
    """Return the resident memory of this process, MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE / 1e6


@dataclass(slots=True)
class Watch:
    """Tells how long the event loop was blocked while it is entered."""

    late_ms: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)
    """The same, but no more than the processor time that all threads of this process took in that turn."""
    full_collections: int = 0
    """How often Python went through all objects to collect garbage, which blocks too, whoever caused it."""
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:  # noqa: PYI034 - a class that nothing inherits
        """Begin."""
        gc.callbacks.append(self._collected)
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        gc.callbacks.remove(self._collected)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        self.full_collections += phase == "start" and info["generation"] == 2

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before, worked = loop.time(), time.process_time()
            await asyncio.sleep(_TICK_S)
            late_ms = (loop.time() - before - _TICK_S) * 1000
            self.late_ms.append(late_ms)
            self.busy_ms.append(min(late_ms, (time.process_time() - worked) * 1000))

    @property
    def longest_ms(self) -> float:
        """The longest time."""
        return max(self.late_ms)

    @property
    def longest_busy_ms(self) -> float:
        """The longest time that this process itself was at work."""
        return max(self.busy_ms)

    def at_ms(self, share: float) -> float:
        """Return the time that a share of the turns stayed under."""
        return sorted(self.late_ms)[int(share * (len(self.late_ms) - 1))]


@dataclass(frozen=True, slots=True)
class Row:
    """What one way to misbehave did."""

    mode: Mode
    seconds: float
    watch: Watch
    received_mb: float
    before_mb: float
    after_mb: float
    back_s: float | None

    @property
    def holds(self) -> bool:
        """Whether every bar holds."""
        return (
            self.watch.longest_busy_ms <= _BLOCKED_MS
            and self.after_mb - self.before_mb <= _GROWN_MB
            and self.back_s is not None
        )

    @override
    def __str__(self) -> str:
        """Give the row of the table."""
        back = "no" if self.back_s is None else f"{self.back_s:.1f} s"
        return (
            f"{self.mode:<13}{self.seconds:>6.0f} s{self.received_mb:>10.2f}"
            f"{self.watch.longest_ms:>12.1f}{self.watch.longest_busy_ms:>7.1f}"
            f"{self.watch.at_ms(0.999):>9.1f}{self.watch.full_collections:>5}{self.before_mb:>10.1f}{self.after_mb:>8.1f}{back:>10}"
            f"   {'holds' if self.holds else 'MISSED'}"
        )


async def recovered(coordinator: MeterCoordinator, seconds: float = _RECOVERED_S) -> float | None:
    """Wait for a whole frame from now on; return after how long it came, None if it did not."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    frame = asyncio.Event()
    stop = coordinator.async_add_listener(lambda: frame.set() if coordinator.last_update_success else None)
    try:
        async with asyncio.timeout(seconds):
            await frame.wait()
    except TimeoutError:
        return None
    finally:
        stop()
    return loop.time() - begun


async def misbehave(
    gateway: GatewayProcess, coordinator: MeterCoordinator, mode: Mode, seconds: float, settle_s: float = _SETTLE_S
) -> Row:
    """Let the gateway misbehave for some time; return what that did."""
    before_mb = resident_mb()
    bytes_before = coordinator.data.decoder.counts.bytes
    async with Watch() as watch:
        await gateway.tell(mode)
        await asyncio.sleep(seconds)
        await gateway.tell(Mode.FRAMES)
        back_s = await recovered(coordinator)
        await asyncio.sleep(settle_s)
    received = (coordinator.data.decoder.counts.bytes - bytes_before) / 1e6
    return Row(mode, seconds, watch, received, before_mb, resident_mb(), back_s)


@contextlib.asynccontextmanager
async def started(folder: Path) -> AsyncIterator[HomeAssistant]:
    """Give a Home Assistant with the recorder on a file."""
    await asyncio.to_thread((folder / "custom_components").symlink_to, ROOT / "custom_components")
    async with async_test_home_assistant(config_dir=str(folder)) as hass:
        hass.data.pop(DATA_CUSTOM_COMPONENTS, None)  # the harness knows of none
        async_initialize_recorder(hass)
        with socket.create_server(("127.0.0.1", 0)) as free:  # usb, which we depend on, wants a web server
            web = {"server_host": "127.0.0.1", "server_port": free.getsockname()[1]}
        assert await async_setup_component(hass, "http", {"http": web})
        database = {"db_url": f"sqlite:///{folder / 'home-assistant_v2.db'}"}
        assert await async_setup_component(hass, "recorder", {"recorder": database})
        await hass.async_block_till_done()
        yield hass
        await hass.async_stop(force=True)


async def measure(seconds: float, short: float) -> bool:
    """Print the table; return whether every bar holds."""
    plan = {
        Mode.FRAMES: seconds,
        Mode.GARBAGE: seconds,
        Mode.FLOOD: seconds,
        Mode.RESTARTS: seconds,
        Mode.DOWN: short,
        Mode.SILENCE: short,
        Mode.WRONG_SPEED: short,
    }
    holds = True
    with tempfile.TemporaryDirectory() as name:
        async with GatewayProcess() as gateway, started(Path(name)) as hass:
            entry = await add_meter(hass, gateway.url)
            await asyncio.sleep(_SETTLE_S)
            # A full pass of the garbage collector over all that the test harness has loaded takes 0.2 s, at any time.
            gc.collect()
            gc.freeze()
            for mode in (Mode.GARBAGE, Mode.FLOOD):  # what is made at the first time stays: memory is counted after it
                await misbehave(gateway, entry.runtime_data, mode, min(5, seconds))
            print(
                f"{'the line':<13}{'for':>8}{'read MB':>10}{'blocked ms':>12}{'ours':>7}{'99.9 %':>9}{'gc':>5}"
                f"{'MB before':>10}{'after':>8}{'back in':>10}"
            )
            for mode, lasts in plan.items():
                row = await misbehave(gateway, entry.runtime_data, mode, lasts)
                holds = holds and row.holds
                print(row, flush=True)
            assert await hass.config_entries.async_unload(entry.entry_id)
            await asyncio.sleep(0.1)
            closed = not await gateway.clients()
            print(f"unloaded: the port is {'closed' if closed else 'STILL OPEN'}")
    print(
        f"{'holds' if holds and closed else 'MISSED'}: blocked ≤ {_BLOCKED_MS:.0f} ms by this process, "
        f"memory + ≤ {_GROWN_MB:.0f} MB, "
        f"back within {_RECOVERED_S:.0f} s, closed when unloaded"
    )
    return holds and closed


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench robustness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each flood, and of the restarts")
    parser.add_argument("--short", type=float, default=10, help="seconds of an outage")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    return 0 if asyncio.run(measure(options.seconds, options.short)) else 1


if __name__ == "__main__":
    sys.exit(main())
