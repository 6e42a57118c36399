"""A command for people with a cable in their hand: what a meter sends, one JSON object a frame.

    python -m custom_components.flex_ready.tic SOURCE [--baud N] [--frames N] [--seconds S]

SOURCE is a file, `-` (standard input), a device, `socket://host:port` or `rfc2217://host:port`. Standard output gets
`meter`, `complete` (began with STX and ended with ETX), `rejected` (groups dropped inside it) and `groups` (label ->
`value`, `unit`, `raw` (the data as sent), `at` (the group's own date)); standard error a summary. The exit code is 0
when at least one whole frame was read, else 1, with what was wrong in words.
"""

import argparse
import asyncio
from collections.abc import Iterable
import contextlib
from dataclasses import dataclass, field
from decimal import Decimal
import json
import os
from pathlib import Path
import signal
import sys
from zoneinfo import ZoneInfo

from ..listen import listen
from ..port import Port, PortError, Trouble, has_speed
from .clock import MeterClock
from .decoder import Decoder
from .model import DatedPeriod, DayProfile, Event, Frame, Group, Stamp, Value

type Json = str | int | float | bool | list[Json] | dict[str, Json] | None

_WORDS = {
    Trouble.NOT_FOUND: "there is no such port or file",
    Trouble.BUSY: "another program has the port open",
    Trouble.NO_PERMISSION: "no permission to open it (on Linux: the group dialout)",
    Trouble.REFUSED: "the gateway refuses the connection (address, port number, or its one client is taken)",
    Trouble.UNREACHABLE: "the gateway cannot be reached",
    Trouble.BAD_ADDRESS: "this is no address of a port",
    Trouble.CANNOT_OPEN: "the port cannot be opened",
    Trouble.SILENT: "silence: nothing arrives (wiring, or the customer output is off)",
    Trouble.WRONG_SPEED: "bytes arrive, but no checksum verifies at this speed: leave --baud out to find it",
    Trouble.NOT_TIC: "bytes arrive, but no checksum verifies at any speed: this is not a TIC, or a weak signal",
}
_PARIS = ZoneInfo("Europe/Paris")
_READ = 4096


@dataclass(slots=True)
class Printer:
    """Prints frames as they close, and counts the whole ones; `unread` once nobody reads them any more."""

    decoder: Decoder = field(default_factory=Decoder)
    clock: MeterClock = field(default_factory=lambda: MeterClock(_PARIS))
    whole: int = 0
    unread: bool = False

    def take(self, events: Iterable[Event]) -> None:
        """Print the frames among some events."""
        for event in events:
            if isinstance(event, Frame) and not self.unread:
                self.whole += event.complete
                self._print(json.dumps(self._frame(event), ensure_ascii=False))

    def _print(self, line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            self.unread = True
            # What is still in the buffer goes nowhere, or Python says so as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _frame(self, frame: Frame) -> Json:
        date = frame.by_key().get("DATE") or frame.by_key().get("DATECOUR")
        if date and (stamp := date.at or (date.value if isinstance(date.value, Stamp) else None)):
            self.clock.tick(stamp)
        groups: dict[str, Json] = {}
        for group in frame.groups:
            groups.setdefault(group.label, self._group(group))
        return {
            "meter": frame.meter.value if frame.meter else None,
            "complete": frame.complete,
            "rejected": frame.rejected,
            "groups": groups,
        }

    def _group(self, group: Group) -> Json:
        at = self._local(group.at) if group.at else None
        return {"value": self._value(group.value), "unit": group.unit, "raw": group.raw, "at": at}

    def _local(self, stamp: Stamp) -> str:
        return self.clock.past(stamp).astimezone(_PARIS).isoformat()

    def _value(self, value: Value) -> Json:
        match value:
            case Stamp():
                return self._local(value)
            case Decimal():
                return float(value)
            case DatedPeriod():
                return {"at": self._value(value.at), "period": value.period}
            case DayProfile():
                return [{"from": f"{start[:2]}:{start[2:]}", "action": action} for start, action in value.steps]
            case None | int() | str():
                return value
            case _:
                return dict(value)


def _summary(printer: Printer) -> str:
    counts = printer.decoder.counts
    reasons = ", ".join(f"{count} {reason.value}" for reason, count in sorted(counts.rejected.items()))
    return (
        f"{printer.decoder.meter or 'no meter recognised'}: {counts.frames} frames ({counts.complete_frames} whole), "
        f"{counts.groups} good groups, {counts.bad_groups} dropped{f' ({reasons})' if reasons else ''}, "
        f"{counts.interruptions} interruptions, {counts.bytes} bytes ({counts.dropped_bytes} in no group)"
    )


def _why_no_frame(printer: Printer) -> str:
    counts = printer.decoder.counts
    if not counts.bytes:
        return _WORDS[Trouble.SILENT]
    if not counts.groups:
        return "no checksum verifies: wrong speed, or this is not a TIC"
    return "groups were read, but no whole frame: too short, or STX and ETX are lost on the way"


def read_file(source: str, printer: Printer) -> None:
    """Decode a file or standard input to its end; raise OSError."""
    descriptor = sys.stdin.fileno() if source == "-" else os.open(source, os.O_RDONLY)
    try:
        # Unbuffered: a pipe shows its frames as they come.
        while not printer.unread and (data := os.read(descriptor, _READ)):
            printer.take(printer.decoder.feed(data))
    finally:
        os.close(descriptor)
    printer.take(printer.decoder.close())


async def read_port(url: str, baud: int | None, frames: int | None, seconds: float | None, printer: Printer) -> None:
    """Listen to a port until it goes away, the user stops, or enough was read; raise PortError."""
    if baud is None and has_speed(url):
        print("finding the speed…", file=sys.stderr)
        heard = await listen(url)
        baud = heard.baudrate
        print(f"{heard.meter} at {baud} baud", file=sys.stderr)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    silence = loop.call_later(20, stop.set)

    def take(data: bytes) -> None:
        silence.cancel()
        printer.take(printer.decoder.feed(data))
        if printer.unread or (frames is not None and printer.whole >= frames):
            stop.set()

    def lost(error: Exception | None) -> None:
        print(f"{url}: the port went away{f' ({error})' if error else ''}", file=sys.stderr)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    port = await Port.open(url, baud or 1200, take, lost)
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    finally:
        await port.close()
    printer.take(printer.decoder.close())


def _is_port(source: str) -> bool:
    return "://" in source or Path(source).is_char_device()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m custom_components.flex_ready.tic", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("--baud", type=int, help="speed of a device; found by listening if left out")
    parser.add_argument("--frames", type=int, help="stop after this many whole frames of a port")
    parser.add_argument("--seconds", type=float, help="stop listening to a port after this time")
    options = parser.parse_args(arguments)
    printer = Printer()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            if options.source == "-" or not _is_port(options.source):
                read_file(options.source, printer)
            else:
                asyncio.run(read_port(options.source, options.baud, options.frames, options.seconds, printer))
    except PortError as error:
        print(f"{options.source}: {_WORDS[error.trouble]} ({error})", file=sys.stderr)
    except OSError as error:
        print(f"{options.source}: {error.strerror}", file=sys.stderr)
    else:
        print(_summary(printer), file=sys.stderr)
        if not printer.whole:
            print(f"{options.source}: {_why_no_frame(printer)}", file=sys.stderr)
    return 0 if printer.whole else 1


if __name__ == "__main__":
    sys.exit(main())
