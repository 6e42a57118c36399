"""Listening to a port nobody has told us anything about: on ptys and servers that know which speed is set."""

import asyncio
from pathlib import Path
import random

from conftest import Cable, Gateway, babble, until
import pytest
from wires import SerialServer, SpeedyCable, at_speed

from custom_components.flex_ready import listen as listening
from custom_components.flex_ready.listen import SPEEDS, Heard, listen
from custom_components.flex_ready.port import Port, PortError, Trouble
from custom_components.flex_ready.tic import Meter
from emulator.meter import Emulation, Faults, MeterConfig, stream
from emulator.meter.config import MeterName

pytestmark = pytest.mark.usefixtures("socket_enabled", "impatient")

SERIAL = "041436296031"
PME_PMI = stream(MeterConfig(), 3)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what is faster than a real wire."""
    monkeypatch.setattr(listening, "_TRY_S", 0.2)
    monkeypatch.setattr(listening, "_GATEWAY_S", 0.3)
    monkeypatch.setattr(listening, "_WHOLE_FRAMES_S", 1.5)


async def trouble(url: str, baudrate: int | None = None) -> Trouble:
    """Listen in vain; return why."""
    with pytest.raises(PortError) as error:
        await listen(url, baudrate)
    return error.value.trouble


@pytest.mark.parametrize("speed", SPEEDS)
async def test_the_speed_of_a_cable_is_found(tmp_path: Path, speed: int) -> None:
    """Tried in their order, each wrong one left after a while; then the port is free, at the right speed."""
    link = tmp_path / "ttyMETER"
    told: list[float] = []
    async with SpeedyCable(link, at_speed(PME_PMI, speed)) as cable:
        assert await listen(str(link), progress=told.append) == Heard(Meter.PME_PMI, speed, SERIAL)
        assert cable.speeds == list(SPEEDS[: SPEEDS.index(speed) + 1])
        heard: list[bytes] = []
        port = await Port.open(str(link), speed, heard.append, lambda _: None)
        await until(lambda: heard)
        await port.close()
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] <= 1


@pytest.mark.parametrize("speed", [1200, 9600])
async def test_the_speed_behind_a_serial_server_is_found(speed: int) -> None:
    """By RFC 2217."""
    async with SerialServer(at_speed(PME_PMI, speed)) as server:
        assert await listen(server.url) == Heard(Meter.PME_PMI, speed, SERIAL)
        await until(lambda: not server.clients)


@pytest.mark.parametrize(
    ("meter", "kind", "serial"),
    [
        ("pme-pmi", Meter.PME_PMI, "0414"),
        ("saphir", Meter.SAPHIR, None),
        ("ice", Meter.ICE, None),
        ("linky-historique", Meter.LINKY_HISTORIQUE, "0421"),
        ("linky-standard", Meter.LINKY_STANDARD, "0421"),
    ],
)
async def test_each_meter_is_recognised(meter: MeterName, kind: Meter, serial: str | None) -> None:
    """Over TCP, with its serial number where it sends one: a SAPHIR does not."""
    async with Emulation(MeterConfig(meter=meter, tcp=("127.0.0.1", 0), pace=20)) as emulation:
        heard = await listen(emulation.url or "")
    assert heard.meter is kind
    if serial is None:
        assert heard.serial is None
    else:
        assert heard.serial
        assert heard.serial.startswith(serial)
        assert len(heard.serial) == 12


async def test_a_frame_that_began_before_we_listened(gateway: Gateway) -> None:
    """Its second half first, and bytes one by one: the serial number is that of the next frame."""
    half = PME_PMI[len(PME_PMI) // 6 :]
    listener = asyncio.create_task(listen(gateway.url))
    await until(lambda: gateway.clients)
    for byte in half:
        gateway.send(bytes([byte]))
        await asyncio.sleep(0)
    assert await listener == Heard(Meter.PME_PMI, 1200, SERIAL)


async def test_a_speed_that_was_chosen_is_the_only_one_tried(tmp_path: Path) -> None:
    """Found at it, or the wrong one."""
    link = tmp_path / "ttyMETER"
    async with SpeedyCable(link, at_speed(PME_PMI, 9600)) as cable:
        assert (await listen(str(link), 9600)).baudrate == 9600
        assert await trouble(str(link), 2400) is Trouble.WRONG_SPEED
        assert cable.speeds == [9600, 2400]


async def test_a_meter_at_the_wrong_speed_behind_a_gateway() -> None:
    """Ours to say nothing about: the gateway has its own speed."""
    config = MeterConfig(tcp=("127.0.0.1", 0), pace=20, faults=Faults(wrong_speed=True))
    async with Emulation(config) as emulation:
        assert await trouble(emulation.url or "") is Trouble.NOT_TIC
        assert await trouble(emulation.url or "", 1200) is Trouble.NOT_TIC


async def test_silence(cable: Cable, gateway: Gateway) -> None:
    """On a cable at every speed or at one, and behind a gateway."""
    assert await trouble(cable.url) is Trouble.SILENT
    assert await trouble(cable.url, 1200) is Trouble.SILENT
    assert await trouble(gateway.url) is Trouble.SILENT
    assert not cable.opened


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\nHost: meter\r\n\r\n" * 20, random.Random(1).randbytes(3000)])
async def test_what_is_no_meter(gateway: Gateway, noise: bytes) -> None:
    """Text or noise."""
    gateway.greeting = noise
    assert await trouble(gateway.url) is Trouble.NOT_TIC


async def test_noise_on_a_cable(cable: Cable) -> None:
    """At every speed."""
    talking = asyncio.create_task(babble(cable, random.Random(1).randbytes(300)))
    assert await trouble(cable.url) is Trouble.NOT_TIC
    talking.cancel()


async def test_a_cable_pulled_while_listening(cable: Cable) -> None:
    """It is said at once, not after the last speed."""
    listener = asyncio.create_task(trouble(cable.url))
    await until(lambda: cable.opened)
    cable.send(b"\x02\nADS 0414")
    cable.pull()
    async with asyncio.timeout(0.3):
        assert await listener is Trouble.CANNOT_OPEN


async def test_a_gateway_that_hangs_up_while_listening(gateway: Gateway) -> None:
    """It is said, with no speed tried again."""
    listener = asyncio.create_task(trouble(gateway.url))
    await until(lambda: gateway.clients)
    await gateway.stop()
    async with asyncio.timeout(0.3):
        assert await listener is Trouble.UNREACHABLE
    assert gateway.connections == 1


async def test_who_gives_up_leaves_the_port_free(cable: Cable) -> None:
    """A user that closes the dialogue."""
    listener = asyncio.create_task(listen(cable.url))
    await until(lambda: cable.opened)
    await asyncio.sleep(0.05)
    listener.cancel()
    await asyncio.wait([listener])
    assert not cable.opened
