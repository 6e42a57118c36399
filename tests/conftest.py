"""What the tests of the integration share: a gateway that is a real TCP server, a cable that is a real pty, entries."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
import contextlib
import os
from pathlib import Path
import select
import termios
import tty

from homeassistant.const import CONF_PORT
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready.const import CONF_BAUDRATE, CONF_KIND, CONF_METER, CONF_SERIAL, DOMAIN, Kind
from emulator.meter import MeterConfig, frames

PME_PMI = "041436296031"
"""The serial number of the emulated PME-PMI of seed 0."""


async def until(holds: Callable[[], object], seconds: float = 5) -> None:
    """Wait until something holds; raise TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # what is waited for is another side's doing
            await asyncio.sleep(0.002)


class Gateway:
    """A serial server on 127.0.0.1: it greets whoever connects with some bytes, then sends what it is told."""

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.connections = 0
        self.clients: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The address to type into Home Assistant."""
        return f"socket://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Lose the power: hang up and listen no more."""
        if self._server is not None:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()
            self._server = None

    def send(self, data: bytes) -> None:
        """Send bytes to every client."""
        for client in self.clients:
            client.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.clients.append(writer)
        writer.write(self.greeting)
        with contextlib.suppress(ConnectionError):
            while await reader.read(1024):
                pass
        self.clients.remove(writer)
        writer.close()


class Cable:
    """A serial cable: a pty whose device is reached by a stable link, that can be pulled and plugged in again."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master = -1

    @property
    def url(self) -> str:
        """The device."""
        return str(self.link)

    def plug(self) -> None:
        """Plug the cable in."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def pull(self) -> None:
        """Pull the cable."""
        if self._master >= 0:
            self.link.unlink()
            os.close(self._master)
            self._master = -1

    @property
    def opened(self) -> bool:
        """Whether someone has the device open."""
        poll = select.poll()
        poll.register(self._master, 0)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    def forget(self) -> None:
        """Undo what the last open set up: a pty refuses to be told the same again (it has no parity to set)."""
        mode = termios.tcgetattr(self._master)
        mode[4] = mode[5] = termios.B38400
        termios.tcsetattr(self._master, termios.TCSANOW, mode)

    def send(self, data: bytes) -> None:
        """Send what a pty takes at once."""
        os.write(self._master, data)


async def babble(cable: Cable, data: bytes) -> None:
    """Send some bytes through a cable again and again."""
    while True:
        cable.send(data)
        await asyncio.sleep(0.02)


@pytest.fixture
async def gateway(socket_enabled: None) -> AsyncIterator[Gateway]:
    """A gateway that runs and is silent."""
    server = Gateway()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """A cable that is plugged in."""
    pty = Cable(tmp_path / "ttyMETER")
    pty.plug()
    yield pty
    pty.pull()


def sent(config: MeterConfig, count: int) -> list[bytes]:
    """Give the first frames that an emulated meter sends."""
    play = frames(config)
    return [next(play).data for _ in range(count)]


def meter_entry(
    port: str, *, meter: str = "pme_pmi", serial: str | None = PME_PMI, baudrate: int = 1200
) -> MockConfigEntry:
    """Make the entry of a meter, as the flow makes it."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="PME-PMI",
        unique_id=serial,
        data={
            CONF_KIND: Kind.METER.value,
            CONF_PORT: port,
            CONF_BAUDRATE: baudrate,
            CONF_METER: meter,
            CONF_SERIAL: serial,
        },
    )
