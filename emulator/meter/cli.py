"""The command ``meter``: its options, its endpoints on standard output, its end."""

import argparse
import asyncio
from contextlib import suppress
from datetime import datetime
import re
import signal
import sys
from typing import TYPE_CHECKING

from .config import METERS, ConfigError, Endpoint, Faults, MeterConfig
from .emulation import Emulation

if TYPE_CHECKING:
    type Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def register(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "meter",
        help="play a meter and its building over TCP, a pty or standard output",
        argument_default=argparse.SUPPRESS,  # the defaults are MeterConfig's
    )
    add = parser.add_argument
    add("--meter", choices=METERS, help="default pme-pmi")
    add("--phases", type=int, choices=(1, 3))
    add("--producer", action="store_true", help="with solar panels")
    add("--tcp", type=_endpoint, metavar="HOST:PORT", help="serve the bytes to any client; port 0 takes any")
    add("--pty", metavar="LINK", help="make a pseudo-terminal and link to it")
    add("--stdout", action="store_true")
    add("--baud", type=int, help="speed of the wire, by default the meter's own")
    add(
        "--pace",
        type=float,
        metavar="FACTOR",
        help="accelerate clock and wire; 0: as fast as the reader takes",
    )
    add(
        "--start",
        type=datetime.fromisoformat,
        metavar="ISO",
        help="clock of the meter at start (Europe/Paris)",
    )
    add("--seed", type=int)
    add("--frames", type=int, metavar="N", help="stop after N frames")
    add("--td", type=int, choices=(5, 10), help="integration time of the overrun control, minutes")
    add("--subscribed-power", type=_power, metavar="POWER", help="for example 42, 42kVA or 42kW")
    add("--palier", type=int, choices=(2010, 2013), help="generation of a PME-PMI")
    add("--spelling", choices=("EAP", "EaP"), help="of the index labels of a PME-PMI")
    add("--saphir-layout", choices=("ht", "sp"), help="separator, checksum mode and speed of a SAPHIR")
    add("--tariff", choices=("base", "hc", "tempo"), help="of a Linky")
    add("--load-curve", type=int, choices=(30, 60), metavar="MINUTES", help="of a Linky in standard mode")
    add("--bit7", action="store_true", help="deliver the parity in bit 7, as a gateway set to 8N1")
    add("--fault", action="append", dest="faults", metavar="NAME=VALUE", help="; ".join(_FAULTS))
    add("--control", type=_endpoint, metavar="HOST:PORT", help="HTTP to see and drive the building")
    add("--replay", metavar="FILE", help="play captured bytes instead of an emulated meter, again and again")
    add("--once", action="store_true", help="play the capture once")
    parser.set_defaults(run=_run)


_FAULTS = (
    "flip=RATE of the bytes",
    "lost-lf=RATE, damaged-lf=RATE of the groups",
    "eot=RATE, cut=RATE, garbage=RATE of the frames",
    "silence=START+SECONDS of the meter clock",
    "wrong-speed=1",
)


def _endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"not HOST:PORT: {text}")
    return host, int(port)


def _power(text: str) -> tuple[int, str | None]:
    match = re.fullmatch(r"(\d+)\s*(kVA|kW)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"not a power in kVA or kW: {text}")
    return int(match[1]), match[2]


def _faults(texts: list[str]) -> Faults:
    faults = Faults()
    for text in texts:
        name, _, value = text.partition("=")
        faults = faults.with_fault(name, value)
    return faults


def _run(arguments: argparse.Namespace) -> int:
    options = {name: value for name, value in vars(arguments).items() if name != "run"}
    if power := options.get("subscribed_power"):
        options["subscribed_power"], options["subscribed_unit"] = power
    try:
        if texts := options.get("faults"):
            options["faults"] = _faults(texts)
        asyncio.run(_play(Emulation(MeterConfig(**options))))
    except ConfigError as error:
        print(f"meter: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of standard output has had enough
        return 0
    except OSError as error:
        print(f"meter: {error}", file=sys.stderr)
        return 1
    return 0


async def _play(emulation: Emulation) -> None:
    loop = asyncio.get_running_loop()
    async with emulation:
        playing = asyncio.create_task(emulation.finished())
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, playing.cancel)
        if not emulation.config.stdout:
            for line in emulation.endpoints:
                print(line, flush=True)
        with suppress(asyncio.CancelledError):
            await playing
