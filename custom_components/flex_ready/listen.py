"""Listening to a port that nobody has told us anything about: which meter, which speed, or what is wrong.

Tried in the order of what is met most: 1200 baud (historique, PME-PMI as delivered), 9600 (standard), then what
Enedis may have set on a PME-PMI.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .port import Port, PortError, Trouble, has_speed
from .tic import Decoder, Frame, Group, Meter

SPEEDS = (1200, 9600, 19200, 4800, 2400)

_TRY_S = 3.0
"""A Linky is silent for 2 s at the most; at 1200 baud three groups take half a second."""
_GATEWAY_S = 12.0
_WHOLE_FRAMES_S = 25.0
"""A PME-PMI frame takes 8 s at 1200 baud, and the first one heard is cut."""
_CONVINCING = 3
_SERIALS = ("ADS", "ADCO", "ADSC")


@dataclass(frozen=True, slots=True)
class Heard:
    """A meter that was recognised: its kind, its speed in baud, its serial number where it sends one."""

    meter: Meter
    baudrate: int
    serial: str | None


class _Ear:
    """Decodes what one attempt hears, and tells when it is sure."""

    def __init__(self) -> None:
        self.decoder = Decoder()
        self.serial: str | None = None
        self.convinced = asyncio.Event()
        self.done = asyncio.Event()
        self.lost: Exception | None = None
        self._in_a_row = 0
        self._bad = 0

    def hear(self, data: bytes) -> None:
        """Take bytes of the port."""
        for event in self.decoder.feed(data):
            if isinstance(event, Group):
                self._group(event)
            elif isinstance(event, Frame) and event.complete and self.decoder.meter:
                self.done.set()

    def gone(self, error: Exception | None) -> None:
        """Learn that the port went away."""
        self.lost = error or ConnectionError("closed by the other side")
        self.convinced.set()
        self.done.set()

    def _group(self, group: Group) -> None:
        bad = self.decoder.counts.bad_groups
        self._in_a_row = self._in_a_row + 1 if bad == self._bad else 1
        self._bad = bad
        if group.key in _SERIALS and group.known:
            self.serial = group.raw.strip(" ")
        if self._in_a_row >= _CONVINCING:
            self.convinced.set()
        if self.serial and self.decoder.meter and self.convinced.is_set():
            self.done.set()


async def listen(url: str, baudrate: int | None = None, progress: Callable[[float], None] | None = None) -> Heard:
    """Find the meter behind a port; raise PortError with what is wrong.

    `baudrate` None finds the speed too. `progress` is told how far the search is, from 0 to 1.
    """
    fixed = not has_speed(url)
    speeds = SPEEDS[:1] if fixed else (baudrate,) if baudrate else SPEEDS
    heard = 0
    for number, speed in enumerate(speeds):
        if progress:
            progress(number / len(speeds))
        ear = _Ear()
        port = await Port.open(url, speed, ear.hear, ear.gone)
        try:
            if await _within(ear.convinced, _GATEWAY_S if fixed or baudrate else _TRY_S):
                if progress:
                    progress(0.9)
                await _within(ear.done, _WHOLE_FRAMES_S)
        finally:
            await port.close()
        if ear.lost is not None:
            raise PortError(Trouble.UNREACHABLE if fixed else Trouble.CANNOT_OPEN, str(ear.lost)) from ear.lost
        if meter := ear.decoder.meter:
            return Heard(meter, speed, ear.serial)
        heard += ear.decoder.counts.bytes
    if not heard:
        raise PortError(Trouble.SILENT)
    raise PortError(Trouble.WRONG_SPEED if baudrate and not fixed else Trouble.NOT_TIC)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
