"""Where the bytes go: TCP clients, a pseudo-terminal, standard output."""

import asyncio
import contextlib
import os
from pathlib import Path
import select
import sys
import tty
from typing import Protocol, Self, override

_TCP_BACKLOG = 256 * 1024
"""A client this many bytes behind is dropped: a wire does not wait."""
_PIPE_SLICE = 4096
"""A pipe that is ready takes at least this many bytes without blocking (POSIX PIPE_BUF)."""

_READER_S = 0.01
"""How often a pseudo-terminal at its reader's speed looks for a reader, seconds."""


class Output(Protocol):
    """A sink of bytes."""

    @property
    def ready(self) -> str:
        """The line printed when open, empty for none."""
        ...

    async def write(self, data: bytes, *, wait: bool) -> None:
        """Send bytes; with ``wait`` at the reader's speed, else dropping what it leaves behind."""
        ...

    async def close(self) -> None:
        """Close and undo what opening did."""
        ...


class TcpOutput:
    """A TCP server whose clients all receive the same bytes, as a serial server would send them."""

    def __init__(self) -> None:
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._someone = asyncio.Event()
        self.url = ""

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Listen; port 0 takes any. Raises OSError when the port is taken."""
        output = cls()
        output._server = await asyncio.start_server(output._serve, host, port)
        output.url = f"socket://{host}:{output._server.sockets[0].getsockname()[1]}"
        return output

    @property
    def ready(self) -> str:
        """The line printed when open."""
        return f"meter: {self.url}"

    async def write(self, data: bytes, *, wait: bool) -> None:
        """Send to all clients; with ``wait`` there must be one, and the slowest sets the pace."""
        if wait:
            await self._someone.wait()
        for client in tuple(self._clients):
            client.write(data)
            if wait:
                with contextlib.suppress(ConnectionError):
                    await client.drain()
            elif client.transport.get_write_buffer_size() > _TCP_BACKLOG:
                client.transport.abort()

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        self._someone.set()
        try:
            with contextlib.suppress(ConnectionError):
                while await reader.read(1024):  # a meter does not listen
                    pass
        finally:
            self._clients.discard(writer)
            if not self._clients:
                self._someone.clear()
            writer.close()


class DescriptorOutput:
    """Bytes into a file descriptor, never blocking the event loop."""

    def __init__(self, descriptor: int, ready: str) -> None:
        self._descriptor = descriptor
        self.ready = ready

    async def write(self, data: bytes, *, wait: bool) -> None:  # noqa: ARG002
        """Write all of it as the reader takes it; ``wait`` or not, standard output loses nothing."""
        view = memoryview(data)
        while view:
            await self._writable()
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._descriptor, view[:_PIPE_SLICE]) :]

    async def close(self) -> None:
        """Leave the descriptor open: it is the process's own."""

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_writer(self._descriptor, ready.set)
        except PermissionError:  # a file is always ready, and epoll refuses to watch it
            return
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._descriptor)


def stdout_output() -> DescriptorOutput:
    """Write frames to standard output, announcing nothing there."""
    return DescriptorOutput(sys.stdout.fileno(), "")


class PtyOutput(DescriptorOutput):
    """A pseudo-terminal in raw mode; ``link`` is a symbolic link to the end that a reader opens."""

    def __init__(self, link: str | Path) -> None:
        self.link = Path(link)
        master, slave = os.openpty()
        name = os.ttyname(slave)
        tty.setraw(slave)
        os.close(slave)  # from now on the master tells whether a reader has it open
        os.set_blocking(master, False)
        self._poll = select.poll()
        self._poll.register(master, 0)
        super().__init__(master, f"pty: {self.link}")
        if self.link.is_symlink():  # left by a run that was killed
            self.link.unlink()
        try:
            self.link.symlink_to(name)
        except OSError:
            os.close(master)
            raise

    @override
    async def write(self, data: bytes, *, wait: bool) -> None:
        """Write all of it to a reader, waited for with ``wait``; else what it does not take is lost."""
        if wait:
            while self._nobody():  # noqa: ASYNC110  # nothing signals that a terminal is opened
                await asyncio.sleep(_READER_S)
            await super().write(data, wait=wait)
        elif not self._nobody():
            with contextlib.suppress(BlockingIOError):
                os.write(self._descriptor, data)

    @override
    async def close(self) -> None:
        """Hang up and remove the link."""
        self.link.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _nobody(self) -> bool:
        return any(event & select.POLLHUP for _, event in self._poll.poll(0))
