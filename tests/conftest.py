"""What the tests of the integration share: a gateway that is a real TCP server, a cable that is a real pty, entries."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
import select
import threading
import tty

from databases import address, postgres
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from world import world

from custom_components.flex_ready.const import CONF_BAUDRATE, CONF_KIND, CONF_METER, CONF_SERIAL, DOMAIN, Kind
from custom_components.flex_ready.meter import reader
from custom_components.flex_ready.meter.coordinator import MeterConfigEntry, MeterCoordinator
from emulator.meter import EmulatedFrame, Group, MeterConfig, frames
from emulator.meter.wire import Layout, encode_frame

__all__ = ["address", "postgres", "world"]

_MOMENT_S = 0.002
PME_PMI = "041436296031"
"""The serial number of the emulated PME-PMI of seed 0."""

PME_FRAME = {
    "ADS": "041436296031",
    "DATE": "12/01/26 08:02:30",
    "EA_s": "100Wh",
    "EAPP_s": "110VAh",
    "PTCOUR1": "HPH",
    "EAP_s": "9649kWh",
    "PS": "42kVA",
    "PTCOUR2": "HPH",
    "EAP_s2": "9000kWh",
}
"""A small frame of that meter."""


def compose(groups: dict[str, str], layout: Layout = Layout.SP) -> bytes:
    """Write a frame."""
    return encode_frame([Group(label, None, data) for label, data in groups.items()], layout)


async def until(holds: Callable[[], object], seconds: float = 5) -> None:
    """Wait until something holds, also while the clock of the loop stands still; raise TimeoutError."""
    moment = threading.Event()
    for _ in range(round(seconds / _MOMENT_S)):
        if holds():
            return
        await asyncio.to_thread(moment.wait, _MOMENT_S)
    if not holds():
        raise TimeoutError


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


@dataclass
class Player:
    """Plays frames to a meter's entry in a time of its own: the first over the gateway, the others to its reader."""

    hass: HomeAssistant
    gateway: Gateway
    freezer: FrozenDateTimeFactory
    host: datetime = datetime(2026, 1, 12, 7, 2, 30, tzinfo=UTC)
    now: float = 6000.0

    @property
    def coordinator(self) -> MeterCoordinator:
        """The coordinator of the entry."""
        found: MeterCoordinator = self.entry.runtime_data
        return found

    def pass_time(self, seconds: float) -> None:
        """Let time pass, for the host and for the gates."""
        self.now += seconds
        self.host += timedelta(seconds=seconds)
        self.freezer.move_to(self.host)

    async def load(self, first: bytes, *, meter: str = "pme_pmi", serial: str | None = PME_PMI) -> MockConfigEntry:
        """Set the meter up with its first frame."""
        self.entry = meter_entry(self.gateway.url, meter=meter, serial=serial)
        self.entry.add_to_hass(self.hass)
        await self.again(first)
        return self.entry

    async def again(self, first: bytes) -> None:
        """Set the entry up."""
        self.gateway.greeting = first
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()

    async def take(self, data: bytes, seconds: float = 8) -> None:
        """Take bytes some seconds later."""
        self.pass_time(seconds)
        self.coordinator._take(data)
        await self.hass.async_block_till_done()

    async def play(self, sent: Iterable[EmulatedFrame]) -> None:
        """Take frames, each when its last byte is in."""
        for frame in sent:
            await self.take(frame.data, (frame.duration_us + 33_000) / 1e6)

    def state(self, entity_id: str) -> str:
        """Return the state of an entity."""
        found = self.hass.states.get(entity_id)
        assert found, entity_id
        return found.state


@pytest.fixture
def player(
    hass: HomeAssistant, gateway: Gateway, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> Player:
    """A player whose time the coordinator goes by."""
    made = Player(hass, gateway, freezer)
    freezer.move_to(made.host)
    make = MeterCoordinator.__init__

    def with_its_time(self: MeterCoordinator, hass: HomeAssistant, entry: MeterConfigEntry) -> None:
        make(self, hass, entry)
        self.monotonic = lambda: made.now

    monkeypatch.setattr(MeterCoordinator, "__init__", with_its_time)
    monkeypatch.setattr(reader, "_QUIET_S", 1e6)  # what is played does not come through the gateway
    return made
