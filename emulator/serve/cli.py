"""The command ``serve``: its options, its address on standard output, its end."""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path
import signal
import sys
from typing import TYPE_CHECKING

from .app import serving
from .config import ServeConfig

if TYPE_CHECKING:
    type Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def register(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "serve",
        help="serve RTE's Ecowatt, a supplier and the Flex Ready emulator over HTTP",
        argument_default=argparse.SUPPRESS,  # the defaults are ServeConfig's
    )
    add = parser.add_argument
    add("--host", help="default 127.0.0.1")
    add("--port", type=int, help="default 8600; 0 takes any")
    add("--database", type=Path, metavar="FILE", help="keep sessions, journals and signals there (SQLite)")
    add("--scenario", metavar="NAME|FILE", help="what the grid does; default calm")
    add("--rte-client", type=_pair, action="append", dest="rte_clients", metavar="ID:SECRET")
    add("--issuer", metavar="URL", help="accept the tokens of this OpenID Connect issuer instead of our own")
    add("--audience", help="that tokens must be for; default flex-ready-emulator")
    add("--admin-role", help="that may store signals; default admin")
    add("--now", type=_instant, dest="start", metavar="ISO", help="begin at this instant")
    add("--pace", type=float, metavar="FACTOR", help="accelerate the clock")
    add("--no-private-targets", action="store_false", dest="private_targets", help="call public addresses only")
    parser.set_defaults(run=_run)


def _pair(text: str) -> tuple[str, str]:
    identity, separator, secret = text.partition(":")
    if not separator or not identity or not secret:
        raise argparse.ArgumentTypeError("an id, a colon, a secret")
    return identity, secret


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant with its offset, as 2026-01-01T18:00:00+01:00")
    return instant


def _run(arguments: argparse.Namespace) -> int:
    options = {name: value for name, value in vars(arguments).items() if name != "run"}
    if "rte_clients" in options:
        options["rte_clients"] = tuple(options["rte_clients"])
    try:
        return asyncio.run(_serve(ServeConfig(**options)))
    except (OSError, ValueError, OverflowError) as error:
        print(f"serve: {error}", file=sys.stderr)
        return 2


async def _serve(config: ServeConfig) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(config) as url:
        print(f"serve: {url}", flush=True)
        await stop.wait()
    return 0
