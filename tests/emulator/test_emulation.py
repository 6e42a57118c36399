"""A running meter: sockets, pseudo-terminal, pace, control, replay."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
import os
from pathlib import Path
import random
import re
import time

from aiohttp import ClientSession
import pytest

from emulator.meter import Emulation, Faults, MeterConfig
from emulator.meter.clock import PARIS, local
from emulator.meter.config import ConfigError
from emulator.meter.outputs import TcpOutput

pytestmark = pytest.mark.usefixtures("socket_enabled")

LOCAL = ("127.0.0.1", 0)
LATE = timedelta(seconds=10)
"""A frame of 1200 bit/s that was under way."""


async def connect(emulation: Emulation) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open the meter's TCP port."""
    assert emulation.url
    host, _, port = emulation.url.removeprefix("socket://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def test_clients_get_the_same_whole_frames() -> None:
    """Two clients on one meter read the same bytes, those of its last frame among them."""
    async with Emulation(MeterConfig(tcp=LOCAL, pace=100)) as emulation:
        (one, to_one), (two, to_two) = await connect(emulation), await connect(emulation)
        await one.readuntil(b"\x03"), await two.readuntil(b"\x03")
        first = await one.readuntil(b"\x03")
        assert first == await two.readuntil(b"\x03")
        assert first.startswith(b"\x02\nADS ")
        assert emulation.frame_bytes().startswith(b"\x02\nADS ")
        to_one.write(b"a meter does not listen")
        to_one.close()
        await two.readuntil(b"\x03")
        to_two.close()


async def test_bytes_leave_at_the_pace_of_the_wire() -> None:
    """Twenty times 1200 bit/s is 2400 characters a second, in many slices."""
    async with Emulation(MeterConfig(tcp=LOCAL, pace=20)) as emulation:
        reader, writer = await connect(emulation)
        await reader.read(1)
        begun, received, slices = time.monotonic(), 0, 0
        while time.monotonic() - begun < 0.8:
            received += len(await reader.read(65536))
            slices += 1
        rate = received / (time.monotonic() - begun)
        writer.close()
    assert 1900 < rate < 2800
    assert slices > 15


async def test_zero_pace_waits_for_its_reader() -> None:
    """Without a client nothing is sent; with one, all frames come at once and the clock goes on."""
    async with Emulation(MeterConfig(tcp=LOCAL, pace=0, frames=300)) as emulation:
        await asyncio.sleep(0.05)
        assert emulation.last_frame is None
        reader, writer = await connect(emulation)
        received = bytearray()
        while received.count(0x03) < 300:
            received += await reader.read(65536)
        await emulation.finished()
        writer.close()
    assert emulation.emulated.meter.now - emulation.emulated.meter.started > 300 * 7_000_000


async def test_slow_client_is_dropped() -> None:
    """A client that reads nothing loses its connection instead of the meter its memory."""
    output = await TcpOutput.open(*LOCAL)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(output.url.rpartition(":")[2]))
    await output.write(b"waits for its first client", wait=True)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await output.write(bytes(20_000_000), wait=False)
    await asyncio.sleep(0)
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len(await reader.read()) < 20_000_000
    writer.close()
    await output.close()


async def test_pty_delivers_frames_and_survives_absence(tmp_path: Path) -> None:
    """A reader of the link gets whole frames, and none from before it opened the link."""
    link = tmp_path / "meter"
    link.symlink_to("/nowhere")  # left by a run that was killed
    async with Emulation(MeterConfig(pty=link, pace=400)) as emulation:
        assert emulation.pty == str(link)
        assert emulation.endpoints == [f"pty: {link}"]
        await asyncio.sleep(0.1)
        before = emulation.emulated.meter.now
        descriptor = os.open(link, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        received = b""
        async with asyncio.timeout(10):
            while received.count(b"\x03") < 4:
                await asyncio.sleep(0.01)
                try:
                    received += os.read(descriptor, 65536)
                except BlockingIOError:
                    continue
        os.close(descriptor)
    dates = re.findall(rb"DATE ([\d/: ]{17})", received)
    assert datetime.strptime(dates[0].decode(), "%d/%m/%y %H:%M:%S").replace(tzinfo=PARIS) > local(before) - LATE
    assert received.split(b"\x02")[-2].endswith(b"\r\x03")
    assert b"\r\n" in received
    assert not link.is_symlink()


async def test_pty_at_the_readers_speed_loses_nothing(tmp_path: Path) -> None:
    """With pace 0 every frame arrives in order."""
    link = tmp_path / "meter"
    async with Emulation(MeterConfig(pty=link, pace=0, frames=40)):
        await asyncio.sleep(0.03)
        descriptor = os.open(link, os.O_RDONLY | os.O_NOCTTY)
        received = b""
        while received.count(b"\x03") < 40:
            received += await asyncio.to_thread(os.read, descriptor, 65536)
        os.close(descriptor)
    assert received.count(b"\x02\nADS ") == 40


async def test_pty_does_not_replace_a_file(tmp_path: Path) -> None:
    """What stands at the link's place and is no link stays."""
    taken = tmp_path / "precious"
    taken.write_text("mine")
    with pytest.raises(FileExistsError):
        async with Emulation(MeterConfig(pty=taken)):
            pass
    assert taken.read_text() == "mine"


async def test_a_meter_without_output_is_refused() -> None:
    """There must be somewhere to hear it."""
    with pytest.raises(ConfigError):
        Emulation(MeterConfig())


async def test_replay_gives_back_the_bytes(tmp_path: Path) -> None:
    """The file as it is, EOT between two rounds; once, nothing behind it."""
    capture = random.Random(1).randbytes(3000).replace(b"\x04", b"")
    file = tmp_path / "capture.bin"
    file.write_bytes(capture)
    config = MeterConfig(replay=file, tcp=LOCAL, pace=0, frames=2)
    for once, expected in ((False, (capture + b"\x04") * 2), (True, capture)):
        chosen = MeterConfig(replay=file, tcp=LOCAL, pace=0, once=True) if once else config
        async with Emulation(chosen) as emulation:
            reader, writer = await connect(emulation)
            received = await reader.readexactly(len(expected))
            await emulation.finished()
            writer.close()
        assert received == expected


@pytest.fixture(name="controlled")
async def controlled_meter(socket_enabled: None) -> AsyncIterator[tuple[Emulation, ClientSession]]:
    """A running meter and an HTTP client of its control."""
    config = MeterConfig(tcp=LOCAL, control=LOCAL, pace=50, meter="linky-standard", subscribed_power=6)
    async with Emulation(config) as emulation, ClientSession(emulation.control_url) as client:
        yield emulation, client


async def get(client: ClientSession, path: str) -> object:
    """Give the JSON at a path."""
    async with client.get(path) as response:
        assert response.status == 200
        return await response.json()


async def post(client: ClientSession, path: str, body: object) -> tuple[int, dict[str, object]]:
    """Give the status and the JSON of a POST."""
    async with client.post(path, json=body) as response:
        return response.status, await response.json()


async def test_control_shows_the_building(controlled: tuple[Emulation, ClientSession]) -> None:
    """The meter's state, with the window it is in."""
    emulation, client = controlled
    state = await get(client, "/")
    assert isinstance(state, dict)
    assert list(state) == [
        *("meter", "time", "power_w", "apparent_va", "subscribed_power", "period", "td_min"),
        *("window", "preavis", "overruns", "loads"),
    ]
    assert state["subscribed_power"] == {"value": 6, "unit": "kVA"}
    assert state["apparent_va"] > 6000
    assert state["preavis"] is True
    assert state["window"]["seconds_left"] <= 600
    assert state["loads"] == await get(client, "/loads")
    assert emulation.endpoints[-1] == f"control: {emulation.control_url}"


async def test_control_switches_loads(controlled: tuple[Emulation, ClientSession]) -> None:
    """A load off draws nothing, and the meter sees it."""
    emulation, client = controlled
    for load in emulation.building.loads:
        assert (await post(client, f"/loads/{load}", {"on": False}))[0] == 200
    assert await get(client, "/loads/heat_pump") == {
        "id": "heat_pump",
        "name": "Heat pump",
        "on": False,
        "power_w": 0,
        "commands": 1,
        "repeats": 0,
        "deaf": False,
    }
    await asyncio.sleep(0.1)
    state = await get(client, "/")
    assert isinstance(state, dict)
    assert 0 < state["power_w"] < 3000
    assert state["preavis"] is False
    status, answer = await post(client, "/loads/ev_charger", {"on": True})
    assert (status, answer["on"], answer["commands"]) == (200, True, 2)
    assert (await post(client, "/loads/ev_charger", {"on": True}))[1]["repeats"] == 1


async def test_a_deaf_load(controlled: tuple[Emulation, ClientSession]) -> None:
    """It is told, and does nothing."""
    _, client = controlled
    assert (await post(client, "/loads/ev_charger", {"deaf": True}))[1]["deaf"] is True
    status, answer = await post(client, "/loads/ev_charger", {"on": False})
    assert (status, answer["on"], answer["commands"]) == (200, True, 1)


async def test_control_refuses_nonsense(controlled: tuple[Emulation, ClientSession]) -> None:
    """400 with a message for a bad body, 404 for an unknown load."""
    _, client = controlled
    for body in ({"on": "yes"}, {}, {"on": True, "off": False}, [True], {"deaf": 1}):
        status, answer = await post(client, "/loads/heat_pump", body)
        assert status == 400
        assert answer["error"]
    async with client.post("/loads/heat_pump", data=b"{") as response:
        assert response.status == 400
    assert (await post(client, "/loads/sauna", {"on": True})) == (404, {"error": "no load sauna"})
    for broken in ({"flip": 2}, {"flip": True}, {"thunder": 1}, {"silence": "long"}, {"wrong-speed": 1}):
        assert (await post(client, "/faults", broken))[0] == 400
    faults = await get(client, "/faults")
    assert isinstance(faults, dict)
    assert not any(faults.values())


async def test_control_shows_the_last_groups(controlled: tuple[Emulation, ClientSession]) -> None:
    """Data as sent, padding included."""
    emulation, client = controlled
    reader, writer = await connect(emulation)
    for _ in range(2):
        await reader.readuntil(b"\x03")
    writer.close()
    groups = await get(client, "/groups")
    assert isinstance(groups, dict)
    assert groups["NGTF"] == "H PLEINE/CREUSE "
    assert groups["PREF"] == "06"


async def test_control_breaks_the_wire(controlled: tuple[Emulation, ClientSession]) -> None:
    """Faults set while it runs: rates, and a silence from now that can be ended."""
    emulation, client = controlled
    reader, writer = await connect(emulation)
    await reader.readuntil(b"\x03")
    status, faults = await post(client, "/faults", {"lost-lf": 1, "silence": 600})
    assert (status, faults["lost-lf"]) == (200, 1)
    assert emulation.emulated.faults == Faults(lost_lf=1, silence=emulation.emulated.faults.silence)
    await asyncio.sleep(0.3)
    while reader._buffer:  # type: ignore[attr-defined]
        await reader.read(65536)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.15)
    await post(client, "/faults", {"silence": 0})
    assert b"\n" not in await reader.readuntil(b"\x03")
    writer.close()
