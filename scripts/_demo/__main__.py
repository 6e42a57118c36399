"""The command scripts/demo: see docs/demo.md."""

import argparse
import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
import fcntl
from pathlib import Path
import shutil
import signal
import socket
import sys
import tempfile
from typing import Never

from aiohttp import ClientSession, ClientTimeout

from .building import add_building
from .building_check import BuildingCheck
from .check import Case, check_demo
from .checklist import Checklist
from .client import HomeAssistant
from .contract import add_contract, record_orders
from .contract_check import ContractCheck
from .emulator import Control, Emulator, emulated_meter, meter_answers
from .error import DemoError
from .flow import add_entry
from .folder import configuration, write_folder
from .home_assistant import LOG, end_of_log, home_assistant, make_at_home
from .meter_view import DOMAIN
from .operator import Operator, add_operator
from .operator_check import OperatorCheck
from .process import ROOT
from .sent import Captured, Sent, sampling
from .signals import Signals, emulated_signals
from .signals_check import EntryView, SignalsCheck

_METERS = ("pme-pmi", "saphir", "ice", "linky-historique", "linky-standard")
_FIRST_PORT = 8123
_CHECK_PACE = 10.0


def _options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Home Assistant with Flex Ready, reading an emulated meter."
    )
    parser.add_argument("--check", action="store_true", help="check what the demo promises, then end: 0 if all is well")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play captured bytes instead of an emulated meter")
    parser.add_argument("--meter", choices=_METERS, default="pme-pmi", help="default %(default)s")
    parser.add_argument(
        "--pace", type=float, metavar="FACTOR", help=f"accelerate the meter; default 1, for --check {_CHECK_PACE:.0f}"
    )
    parser.add_argument("--port", type=int, help=f"of Home Assistant; default {_FIRST_PORT} if free, else another")
    parser.add_argument("--language", choices=("en", "fr"), default="en", help="default %(default)s")
    options = parser.parse_args(arguments)
    options.pace = options.pace or (_CHECK_PACE if options.check else 1.0)
    if options.pace <= 0:
        parser.error("the pace is more than 0")
    if options.replay:
        if not options.replay.is_file():
            parser.error(f"no such file: {options.replay}")
        options.replay = options.replay.absolute()
    return options


def _free_port(wanted: int | None, first: int | None) -> int:
    """Give the wanted port, or else the first choice if it is free, or else any that is."""
    for port in (wanted,) if wanted else (first, 0):
        if port is not None:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
    raise DemoError(f"port {wanted} is taken")


@contextmanager
def _folder(*, check: bool) -> Iterator[Path]:
    """Give an empty folder: one that goes away after a check, else .demo in the checkout, made anew."""
    if check:
        with tempfile.TemporaryDirectory(prefix="flex-ready-", ignore_cleanup_errors=True) as name:
            yield Path(name)
        return
    outer = ROOT / ".demo"
    outer.mkdir(exist_ok=True)
    with (outer / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError("a demo runs from this checkout already") from None
        folder = outer / "config"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder


@asynccontextmanager
async def _meter(options: argparse.Namespace) -> AsyncIterator[tuple[ClientSession, Emulator]]:
    """Bring up the meter."""
    async with (
        ClientSession(timeout=ClientTimeout(total=60)) as session,
        emulated_meter(meter=options.meter, pace=options.pace, replay=options.replay) as emulator,
    ):
        yield session, emulator


@asynccontextmanager
async def _home(
    options: argparse.Namespace, folder: Path, session: ClientSession, emulator: Emulator
) -> AsyncIterator[tuple[HomeAssistant, str, Process]]:
    """Bring up Home Assistant and add the meter; gives a client, the id of the entry, and the process."""
    port = _free_port(options.port, None if options.check else _FIRST_PORT)
    loads = (await Control(session, emulator.control).state())["loads"] if emulator.control else []
    write_folder(folder, configuration(options.language, emulator.control, loads), port)
    print("Home Assistant starts", flush=True)
    async with home_assistant(session, folder, port, options.language) as (client, process):
        await make_at_home(client, options.language)
        print("the meter is added, as a user would add it", flush=True)
        yield client, await add_entry(client, DOMAIN, "meter", meter_answers(emulator)), process


async def _add_signals(client: HomeAssistant, signals: Signals) -> tuple[EntryView, EntryView]:
    """Add Ecowatt and the supplier signal, as a user would add them."""
    print("Ecowatt and the supplier signal are added", flush=True)
    return (
        EntryView(client, await add_entry(client, DOMAIN, "ecowatt", signals.ecowatt_answers())),
        EntryView(client, await add_entry(client, DOMAIN, "supplier", signals.supplier_answers())),
    )


async def _check(options: argparse.Namespace) -> int:
    checklist = Checklist()
    with _folder(check=True) as folder:
        async with (
            _meter(options) as (session, emulator),
            emulated_signals(session, folder) as signals,
            _sent(options, session, emulator) as sent,
            _home(options, folder, session, emulator) as (client, entry_id, _process),
        ):
            await SignalsCheck(signals, *await _add_signals(client, signals), checklist).run()
            case = Case(
                session=session,
                client=client,
                emulator=emulator,
                entry_id=entry_id,
                sent=sent,
                log=folder / LOG,
                checklist=checklist,
            )
            await check_demo(case)
            if emulator.control:
                print("the building is added, and its loads are handed over", flush=True)
                building = EntryView(client, await add_building(client, session, emulator.control, entry_id))
                await BuildingCheck(session, emulator.control, client, building, checklist).run()
                print("an asset and an operator are added", flush=True)
                await add_operator(client, building.entry_id, signals)
                operator = await Operator.open(signals, client.url)
                await OperatorCheck(session, emulator.control, client, building, operator, checklist).run()
                print("a fleet and a contract are added", flush=True)
                await ContractCheck(await add_contract(client, signals), building.entry_id, checklist).run()
        if not checklist.ok:
            print(f"\nthe end of Home Assistant's log:\n{end_of_log(folder)}\n")
    print(checklist.summary())
    return 0 if checklist.ok else 1


@asynccontextmanager
async def _sent(options: argparse.Namespace, session: ClientSession, emulator: Emulator) -> AsyncIterator[Sent]:
    """Know what the meter sends, from before anybody reads it."""
    if emulator.control:
        async with sampling(Control(session, emulator.control), options.pace) as sampled:
            yield sampled
    else:
        yield Captured.read(options.replay)


async def _show(options: argparse.Namespace) -> Never:
    with _folder(check=False) as folder:
        async with (
            _meter(options) as (session, emulator),
            emulated_signals(session, folder) as signals,
            _home(options, folder, session, emulator) as (client, entry_id, process),
        ):
            await _add_signals(client, signals)
            if emulator.control:
                building = await add_building(client, session, emulator.control, entry_id)
                await add_operator(client, building, signals)
                operator = await Operator.open(signals, client.url)
                await record_orders(await add_contract(client, signals))
            print(f"\nOpen {client.url} : no login is needed on this machine\n")
            print(f"The meter: {client.url}/config/integrations/integration/flex_ready")
            print(f"The emulated RTE and supplier: {signals.url} (POST /control/scenario changes the grid)")
            if emulator.control:
                print(f"The emulated building: {emulator.control}")
                print("Try: switch a load off, and see the power of the meter follow within a minute;")
                print("     leave all of them on, and see the meter warn (PREAVIS) above 90 % of its subscribed power;")
                print("     set the building's mode to limit, and see loads go off late and come back early, and why;")
                print("     look at the contract: two orders of yesterday, one executed and paid, one missed;")
                print("     be its operator (docs/demo.md):")
                print(f"     OPERATOR={operator.url}/api/v1/{operator.identifier}/operator TOKEN={operator.token}")
            print("Ctrl-C ends it.", flush=True)
            raise DemoError(f"Home Assistant ended with status {await process.wait()}")


async def _main(options: argparse.Namespace) -> int:
    task = asyncio.ensure_future(_check(options) if options.check else _show(options))

    def stop() -> None:
        for number in _SIGNALS:  # once is enough: what was started is being stopped
            loop.add_signal_handler(number, lambda: None)
        print("\nstopping", flush=True)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return 1 if options.check else 0
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

if __name__ == "__main__":
    sys.exit(asyncio.run(_main(_options())))
