"""The port: bytes in order, the loop left free in a flood, closed for good, troubles told apart; on ptys and TCP."""

import asyncio
import errno
from itertools import pairwise
import os
from pathlib import Path
import random
import socket

from conftest import Cable, Gateway, until
import pytest
import serialx
from wires import SerialServer

from custom_components.flex_ready.port import Port, PortError, Trouble, _trouble, has_speed

pytestmark = pytest.mark.usefixtures("socket_enabled")

NOISE = random.Random(3).randbytes(300_000)


class Taker:
    """Takes what a port gives."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.lost: list[Exception | None] = []

    @property
    def data(self) -> bytes:
        """All bytes so far."""
        return b"".join(self.pieces)

    async def open(self, url: str, baudrate: int = 1200) -> Port:
        """Open a port."""
        return await Port.open(url, baudrate, self.pieces.append, self.lost.append)


@pytest.fixture
def taker() -> Taker:
    """One taker."""
    return Taker()


async def test_a_pty_gives_its_bytes_in_order(cable: Cable, taker: Taker) -> None:
    """Every value but those that 7 bits leave out arrives as it is: no echo, no flow control, no line ends."""
    port = await taker.open(cable.url)
    sent = bytes(range(128)) * 150
    for start in range(0, len(sent), 1000):
        cable.send(sent[start : start + 1000])
        await until(lambda: len(taker.data) >= min(start + 1000, len(sent)))  # noqa: B023
    assert taker.data == sent
    await port.close()
    assert taker.lost == []


async def test_a_flood_over_tcp_comes_in_order_and_in_slices(gateway: Gateway, taker: Taker) -> None:
    """At most 8 KiB at a time; others have their turn between two of them."""
    turns = 0
    seen: list[int] = []

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def take(data: bytes) -> None:
        taker.pieces.append(data)
        seen.append(turns)

    task = asyncio.create_task(others())
    port = await Port.open(gateway.url, 1200, take, taker.lost.append)
    await until(lambda: gateway.clients)
    gateway.send(NOISE)
    await until(lambda: len(taker.data) == len(NOISE))
    task.cancel()
    assert taker.data == NOISE
    assert max(map(len, taker.pieces)) <= 8192
    assert all(before < after for before, after in pairwise(seen))
    await port.close()


async def test_bytes_that_come_while_others_wait_keep_their_place(taker: Taker) -> None:
    """Through a proxy that cannot be held back, too much at a time loses the oldest, never the order."""
    port = Port(taker.pieces.append, taker.lost.append)
    port.data_received(NOISE)
    port.data_received(b"short")
    await until(lambda: taker.data.endswith(b"short"))
    assert taker.data == NOISE + b"short"
    taker.pieces.clear()
    for _ in range(8):
        port.data_received(NOISE)
    await until(lambda: len(taker.data) >= 8192 + 1024 * 1024)
    await asyncio.sleep(0)
    assert taker.data == NOISE[:8192] + (NOISE * 8)[-1024 * 1024 :]


async def test_who_fails_does_not_stop_the_port(gateway: Gateway) -> None:
    """A listener that raises in a flood: the loop is told, and the rest comes."""
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    taken = 0

    def take(data: bytes) -> None:
        nonlocal taken
        first, taken = taken == 8192, taken + len(data)
        if first:
            raise ValueError("no")

    port = await Port.open(gateway.url, 1200, take, lambda _: None)
    await until(lambda: gateway.clients)
    gateway.send(NOISE)
    await until(lambda: taken == len(NOISE))
    gateway.send(b"more")
    await until(lambda: taken == len(NOISE) + 4)
    assert [str(context["exception"]) for context in told] == ["no"]
    await port.close()


async def test_closing_in_the_middle_of_a_flood_is_the_end_of_it(gateway: Gateway, taker: Taker) -> None:
    """Nothing comes after close, and it closes although reading was held back."""
    port = await taker.open(gateway.url)
    await until(lambda: gateway.clients)
    gateway.send(NOISE * 4)
    await until(lambda: taker.pieces)
    await port.close()
    count = len(taker.pieces)
    await until(lambda: not gateway.clients)
    assert len(taker.pieces) == count
    assert taker.lost == []
    await port.close()


async def test_who_takes_the_bytes_may_close_the_port(gateway: Gateway) -> None:
    """From inside of a slice."""
    closing: list[asyncio.Task[None]] = []
    port = await Port.open(gateway.url, 1200, lambda _: closing.append(asyncio.create_task(port.close())), print)
    await until(lambda: gateway.clients)
    gateway.send(NOISE[:8193])
    await until(lambda: closing and closing[0].done())
    await asyncio.gather(*closing)
    await until(lambda: not gateway.clients)


async def test_a_closed_device_is_free(cable: Cable, taker: Taker) -> None:
    """While it is open no other may have it; once close returns, another has it alone."""
    port = await taker.open(cable.url)
    with pytest.raises(PortError) as refused:
        await taker.open(cable.url)
    assert refused.value.trouble is Trouble.BUSY
    await port.close()
    assert not cable.opened
    with serialx.serial_for_url(cable.url, baudrate=9600, exclusive=True):
        assert cable.opened


async def test_a_device_is_opened_twice_at_the_same_speed(cable: Cable, taker: Taker) -> None:
    """A pty has no parity and refuses where nothing else changes: found by listening, then read."""
    for time in (1, 2, 3):
        port = await taker.open(cable.url, 1200)
        cable.send(b"\x02\x7f")
        await until(lambda: len(taker.data) >= 2 * time)  # noqa: B023
        await port.close()
    assert taker.data == b"\x02\x7f" * 3


async def test_a_cable_that_is_pulled_is_told_once(cable: Cable, taker: Taker) -> None:
    """The bytes before it come first; closing afterwards says nothing more."""
    port = await taker.open(cable.url)
    cable.send(b"last words")
    await until(lambda: taker.pieces)
    cable.pull()
    await until(lambda: taker.lost)
    await port.close()
    assert (taker.data, len(taker.lost)) == (b"last words", 1)
    assert isinstance(taker.lost[0], OSError)


async def test_a_gateway_that_hangs_up_is_told_once(gateway: Gateway, taker: Taker) -> None:
    """After everything it has sent."""
    gateway.greeting = NOISE
    port = await taker.open(gateway.url)
    await until(lambda: gateway.clients)
    gateway.clients[0].close()
    await until(lambda: taker.lost)
    await port.close()
    assert (taker.data, len(taker.lost)) == (NOISE, 1)


async def test_a_reset_is_told(gateway: Gateway, taker: Taker) -> None:
    """A gateway that aborts."""
    port = await taker.open(gateway.url)
    await until(lambda: gateway.clients)
    gateway.clients[0].transport.abort()
    await until(lambda: taker.lost)
    await port.close()
    assert len(taker.lost) == 1


async def test_rfc2217_sets_the_speed_and_hears_every_byte(taker: Taker) -> None:
    """0xFF comes doubled over Telnet."""
    async with SerialServer(lambda _: b"\x02\xff\xff\x03") as server:
        port = await taker.open(server.url, 19200)
        await until(lambda: b"\x02\xff\xff\x03" in taker.data)
        await port.close()
        assert server.speeds == [19200]
        await until(lambda: not server.clients)


async def test_giving_up_an_open_leaves_nothing_behind(taker: Taker) -> None:
    """A server that accepts and never answers: who cancels has hung up."""
    ended = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    opening = asyncio.create_task(taker.open(f"rfc2217://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    await asyncio.sleep(0.05)
    opening.cancel()
    await asyncio.wait([opening])
    async with asyncio.timeout(5):
        await ended.wait()
    server.close()
    assert taker.lost == []


@pytest.fixture
def nobody(socket_enabled: None) -> int:
    """Give a TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("/dev/ttyNOBODY0", Trouble.NOT_FOUND),
        ("socket://127.0.0.1:{nobody}", Trouble.REFUSED),
        ("socket://localhost:{nobody}", Trouble.REFUSED),
        ("rfc2217://127.0.0.1:{nobody}", Trouble.REFUSED),
        ("smoke://127.0.0.1:2000", Trouble.BAD_ADDRESS),
        ("socket://127.0.0.1", Trouble.BAD_ADDRESS),
        ("socket://127.0.0.1:99999", Trouble.BAD_ADDRESS),
        ("socket://[::1", Trouble.BAD_ADDRESS),
        ("/dev/null", Trouble.CANNOT_OPEN),
        (str(Path(__file__).parent), Trouble.CANNOT_OPEN),
    ],
)
async def test_troubles_are_told_apart(url: str, trouble: Trouble, taker: Taker, nobody: int) -> None:
    """What a user has to do is another thing each time."""
    with pytest.raises(PortError) as refused:
        await taker.open(url.format(nobody=nobody))
    assert refused.value.trouble is trouble
    assert str(refused.value)
    assert taker.lost == []


async def test_a_server_of_another_kind_cannot_be_opened(gateway: Gateway, taker: Taker) -> None:
    """RFC 2217 asked of a server that hangs up."""
    opening = asyncio.create_task(taker.open(gateway.url.replace("socket", "rfc2217")))
    await until(lambda: gateway.clients)
    gateway.clients[0].close()
    with pytest.raises(PortError) as refused:
        await opening
    assert refused.value.trouble is Trouble.CANNOT_OPEN


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), Trouble.NO_PERMISSION),
        (OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)), Trouble.UNREACHABLE),
        (TimeoutError(), Trouble.UNREACHABLE),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Trouble.UNREACHABLE),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] …"), Trouble.REFUSED),
        (OSError("Multiple exceptions: [Errno 999] odd, [Errno 113] No route"), Trouble.UNREACHABLE),
        (OSError("without a number"), Trouble.CANNOT_OPEN),
        (serialx.SerialException("Server refused COM-PORT-OPTION"), Trouble.CANNOT_OPEN),
    ],
)
def test_errors_that_a_test_cannot_bring_about(error: Exception, trouble: Trouble) -> None:
    """Root may open everything, this machine has one address, and no name is resolved in tests."""
    assert _trouble(error) is trouble


def test_only_a_raw_gateway_has_its_own_speed() -> None:
    """The others take ours."""
    assert [has_speed(url) for url in ("socket://a:1", "rfc2217://a:1", "/dev/ttyUSB0")] == [False, True, True]
