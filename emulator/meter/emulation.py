"""A meter that runs: frames sent in real or accelerated time to every output."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import datetime
from typing import Self

from .building import Building
from .clock import PARIS, SECOND, instant
from .config import ConfigError, MeterConfig
from .control import open_control
from .outputs import Output, PtyOutput, TcpOutput, stdout_output
from .source import EmulatedFrame, EmulatedSource, ReplaySource, Source
from .wire import FRAME_GAP_US

_SLICE_S = 0.016
"""How often bytes leave, seconds: what the latency timer of a USB adapter makes of a serial line."""
_LATE_S = 1.0
"""A schedule this late (a suspended machine) starts anew instead of hurrying after the clock."""


class Emulation:
    """A meter playing while the context is entered.

    ``url`` and ``pty`` say where to listen, ``control_url`` where to drive the building over HTTP; None
    without that output. Raises OSError when an endpoint cannot be opened, ConfigError without any output.
    """

    def __init__(self, config: MeterConfig) -> None:
        if not (config.tcp or config.pty or config.stdout):
            raise ConfigError("a meter is heard over tcp, pty or stdout: ask for one")
        self.config = replace(config, start=config.start or datetime.now(PARIS))
        self.emulated = EmulatedSource(self.config)
        self.source: Source = ReplaySource(self.config, config.replay) if config.replay else self.emulated
        self.last_frame: EmulatedFrame | None = None
        self.url: str | None = None
        self.pty: str | None = None
        self.control_url: str | None = None
        self._outputs: list[Output] = []
        self._opened = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    @property
    def building(self) -> Building:
        """The building behind the meter; its loads may be switched at any time."""
        return self.emulated.building

    async def __aenter__(self) -> Self:
        """Open every endpoint, then start sending."""
        config = self.config
        async with AsyncExitStack() as stack:
            if config.tcp:
                tcp = await TcpOutput.open(*config.tcp)
                self._keep(stack, tcp)
                self.url = tcp.url
            if config.pty:
                pty = PtyOutput(config.pty)
                self._keep(stack, pty)
                self.pty = str(pty.link)
            if config.stdout:
                self._keep(stack, stdout_output())
            if config.control:
                self.control_url = await stack.enter_async_context(open_control(self, config.control))
            self._opened = stack.pop_all()
        self._task = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop sending and close every endpoint."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await self._task
        await self._opened.aclose()

    @property
    def endpoints(self) -> list[str]:
        """Lines that say where the meter is heard and driven."""
        control = [f"control: {self.control_url}"] if self.control_url else []
        return [output.ready for output in self._outputs if output.ready] + control

    async def finished(self) -> None:
        """Wait until the last frame is sent; forever when there is none. Raises what stopped the sending."""
        if self._task:
            await self._task

    def frame_bytes(self) -> bytes:
        """Give the bytes of the last frame sent, nothing before the first."""
        return self.last_frame.data if self.last_frame else b""

    def _keep(self, stack: AsyncExitStack, output: Output) -> None:
        self._outputs.append(output)
        stack.push_async_callback(output.close)

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        pace = self.config.pace
        begin = loop.time()
        clock = instant(self.config.start or datetime.now(PARIS))
        remaining = 1 if self.config.once else self.config.frames
        while remaining is None or remaining > 0:
            frame = self.source.next_frame()
            await (self._send_paced(frame, clock, begin, pace) if pace else self._send(frame.data, wait=True))
            if frame.data:
                self.last_frame = frame
                remaining = remaining and remaining - 1
            spent = frame.duration_us + FRAME_GAP_US
            clock += spent
            self.source.advance(clock)
            if pace:
                begin += spent / SECOND / pace
                begin = max(begin, loop.time() - _LATE_S)
                await asyncio.sleep(begin - loop.time())
            else:
                await asyncio.sleep(0)

    async def _send_paced(self, frame: EmulatedFrame, clock: int, begin: float, pace: float) -> None:
        """Send a frame in slices over its time on the wire, which began at ``begin`` of the loop's clock."""
        loop = asyncio.get_running_loop()
        seconds = frame.duration_us / SECOND / pace
        sent = 0
        while True:
            done = min(1.0, (loop.time() - begin) / seconds)
            due = int(len(frame.data) * done)
            await self._send(frame.data[sent:due], wait=False)
            sent = due
            self.source.advance(clock + int(frame.duration_us * done))
            if done == 1:
                return
            await asyncio.sleep(min(_SLICE_S, begin + seconds - loop.time()))

    async def _send(self, data: bytes, *, wait: bool) -> None:
        for output in self._outputs:
            await output.write(data, wait=wait)
