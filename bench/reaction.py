"""How long after the last byte of a group on the wire a listener has it, through a real socket and a real pty.

A process of its own plays the meter: it writes a group up to its CR, waits, takes the time and writes the CR. The
integration's port hands the bytes to the decoder and the decoder's groups to a listener, which takes the time
again. The clock is the machine's monotonic one, which both processes share. Exit code 1 if a median is above the
bar, which is the same for every meter, for a group must not wait for the end of its frame.
"""

import argparse
import asyncio
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
import os
import re
import socket
from statistics import median, quantiles
import sys
from time import monotonic_ns, sleep
import tty

from bench.streams import emulated
from custom_components.flex_ready.port import Port
from custom_components.flex_ready.tic import Decoder, Group
from emulator.meter.config import METERS

_BAR_MS = 5.0
_BEFORE_CR_S = 0.003
"""Long enough that the rest of the group has been read, and short of what 1200 baud would make of it."""
_SETTLE_S = 0.2


def play(wire: str, groups: list[bytes], pipe: Connection) -> None:
    """Play a meter in a process of its own: tell where it is heard, send when told, tell when each CR left."""
    opened = _serve_socket(pipe) if wire == "socket" else _serve_pty(pipe)
    sent: list[int] = []
    for group in groups:
        os.write(opened, group[:-1])
        sleep(_BEFORE_CR_S)
        sent.append(monotonic_ns())
        os.write(opened, group[-1:])
        sleep(_BEFORE_CR_S)
    pipe.send(sent)
    pipe.recv()  # the wire stays up until the reader has left it
    os.close(opened)


def _serve_socket(pipe: Connection) -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        pipe.send(f"socket://127.0.0.1:{server.getsockname()[1]}")
        accepted, _ = server.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a serial server does not hold single bytes back
    pipe.recv()
    return accepted.detach()


def _serve_pty(pipe: Connection) -> int:
    master, slave = os.openpty()
    tty.setraw(slave)
    pipe.send(os.ttyname(slave))
    pipe.recv()
    return master


async def measure(wire: str, groups: list[bytes]) -> list[float]:
    """Listen to a played meter; return the delay of each of its groups, ms."""
    context = get_context("spawn")
    mine, its = context.Pipe()
    player = context.Process(target=play, args=(wire, groups, its), daemon=True)
    player.start()
    decoder = Decoder()
    heard: list[int] = []

    def listener(_group: Group) -> None:
        heard.append(monotonic_ns())

    def on_bytes(data: bytes) -> None:
        for event in decoder.feed(data):
            if isinstance(event, Group):
                listener(event)

    port = await Port.open(await asyncio.to_thread(mine.recv), 9600, on_bytes, lambda _: None)
    mine.send("begin")
    sent: list[int] = await asyncio.to_thread(mine.recv)
    await asyncio.sleep(_SETTLE_S)
    await port.close()
    mine.send("end")
    await asyncio.to_thread(player.join)
    assert len(heard) == len(sent), f"{len(sent)} groups sent, {len(heard)} heard"
    return [(end - begin) / 1e6 for begin, end in zip(sent, heard, strict=True)]


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench reaction", description=__doc__)
    parser.add_argument("--groups", type=int, default=400, help="of each meter on each wire")
    count: int = parser.parse_args().groups
    print(f"{'meter':<18}{'wire':<8}{'bytes/frame':>12}{'median ms':>11}{'p95':>8}{'max':>8}")
    slow = False
    for meter in METERS:
        frames = emulated(meter, 20)
        groups = list(islice(cycle(re.findall(rb"[^\r]+\r", b"".join(frames))), count))
        for wire in ("socket", "pty"):
            delays = asyncio.run(measure(wire, groups))
            middle, p95 = median(delays), quantiles(delays, n=20)[-1]
            slow = slow or middle > _BAR_MS
            print(f"{meter:<18}{wire:<8}{len(frames[0]):>12}{middle:>11.2f}{p95:>8.2f}{max(delays):>8.2f}", flush=True)
    print(f"median {'MISSED' if slow else 'holds'}: ≤ {_BAR_MS:.0f} ms for every meter and wire")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
