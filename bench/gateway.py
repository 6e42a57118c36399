"""A serial gateway in a process of its own, that can be told to misbehave: the other side of the robustness bench."""

import asyncio
import contextlib
from enum import StrEnum
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from typing import Self

from emulator.meter import MeterConfig, frames
from emulator.meter.faults import garble

_TICK_S = 0.01
_BEHIND = 256 * 1024
"""A client this many bytes behind misses what comes: a wire does not wait."""
_DOWN_S = 0.3
FRAME_S = 0.25
"""A frame of a PME-PMI at 38400 baud."""


class Mode(StrEnum):
    """What the gateway does."""

    FRAMES = "frames"
    GARBAGE = "garbage"
    FLOOD = "flood"
    WRONG_SPEED = "wrong speed"
    SILENCE = "silence"
    DOWN = "down"
    RESTARTS = "restarts"


class _Gateway:
    def __init__(self, rate: int) -> None:
        self.mode = Mode.FRAMES
        self.clients: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.sent = 0
        self._rate = rate
        self._server: asyncio.Server | None = None
        play = frames(MeterConfig())
        sent = [next(play).data for _ in range(200)]
        self._frames = cycle(sent)
        self._garbled = cycle([garble(frame, sent=1200, read=9600) for frame in sent[:20]])
        self._flood = b"".join(sent)
        self._noise = Random(20).randbytes(1 << 20)
        self._at = 0

    async def start(self) -> None:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Lose the power."""
        if self._server:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()
            self._server = None

    async def run(self) -> None:
        """Send what the mode asks for, until cancelled."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        due, restart = begun, 0.0
        while True:
            now = loop.time()
            match self.mode:
                case Mode.FRAMES | Mode.WRONG_SPEED if now >= due:
                    self._send(next(self._frames if self.mode is Mode.FRAMES else self._garbled))
                    due = now + FRAME_S
                case Mode.GARBAGE:
                    self._send(self._piece(self._noise, now - begun))
                case Mode.FLOOD:
                    self._send(self._piece(self._flood, now - begun))
                case Mode.DOWN:
                    await self.stop()
                case Mode.RESTARTS if now >= restart:
                    await self.stop()
                    await asyncio.sleep(_DOWN_S)
                    restart = loop.time() + 1 - _DOWN_S
            if self.mode is not Mode.DOWN and self._server is None:
                await self.start()
            begun = now
            await asyncio.sleep(_TICK_S)

    def _piece(self, of: bytes, seconds: float) -> bytes:
        length = min(len(of), int(self._rate * seconds))
        piece = of[self._at : self._at + length]
        self._at = (self._at + length) % len(of)
        return piece if len(piece) == length else piece + of[: length - len(piece)]

    def _send(self, data: bytes) -> None:
        for client in self.clients:
            if client.transport.get_write_buffer_size() < _BEHIND:
                client.write(data)
                self.sent += len(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(1024):
                pass
        self.clients.discard(writer)
        writer.close()


async def _main(pipe: Connection, rate: int) -> None:
    gateway = _Gateway(rate)
    await gateway.start()
    task = asyncio.create_task(gateway.run())
    pipe.send((gateway.port, 0, 0))
    while (mode := await asyncio.to_thread(pipe.recv)) is not None:
        gateway.mode = mode or gateway.mode
        pipe.send((gateway.port, gateway.sent, len(gateway.clients)))
    task.cancel()
    await gateway.stop()


def play(pipe: Connection, rate: int) -> None:
    """Be the gateway, until told None."""
    asyncio.run(_main(pipe, rate))


class GatewayProcess:
    """The gateway, from this side; enter it to start it. `rate` is that of a flood, bytes a second."""

    def __init__(self, rate: int = 1_000_000) -> None:
        context = get_context("spawn")
        self._pipe, its = context.Pipe()
        self._process = context.Process(target=play, args=(its, rate), daemon=True)
        self.url = ""

    async def __aenter__(self) -> Self:
        """Start it."""
        await asyncio.to_thread(self._process.start)
        port, _, _ = await asyncio.to_thread(self._pipe.recv)
        self.url = f"socket://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        self._pipe.send(None)
        await asyncio.to_thread(self._process.join)

    async def tell(self, mode: Mode) -> None:
        """Change what it does."""
        await self._ask(mode)

    async def sent(self) -> int:
        """Return how many bytes it has sent."""
        return (await self._ask(""))[1]

    async def clients(self) -> int:
        """Return how many clients it has."""
        return (await self._ask(""))[2]

    async def _ask(self, what: str) -> tuple[int, int, int]:
        self._pipe.send(what)
        answer: tuple[int, int, int] = await asyncio.to_thread(self._pipe.recv)
        return answer
