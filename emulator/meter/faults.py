"""What goes wrong between the meter and its reader, applied to the bytes of a frame."""

from random import Random
import re

from .config import Faults
from .wire import EOT, EVEN_PARITY, LF

_DAMAGED_LF = b"\x0b\x0e\x0f"
_GROUP_START = re.compile(rb"\n")


def spoil(frame: bytes, faults: Faults, rng: Random, *, bit7: bool, baud: int) -> bytes:
    """Give the bytes a reader receives for a frame, ``bit7`` as through a gateway set to 8N1."""
    if faults.lost_lf or faults.damaged_lf:
        frame = _GROUP_START.sub(lambda _: _line_feed(faults, rng), frame)
    if rng.random() < faults.cut:
        frame = frame[: rng.randrange(1, len(frame) - 1)]
    if rng.random() < faults.eot:
        frame = b"%b%c" % (frame[: rng.randrange(1, len(frame))], EOT)
    if rng.random() < faults.garbage:
        frame += rng.randbytes(rng.randint(1, 32))
    if faults.wrong_speed:
        frame = garble(frame, sent=baud, read=9600 if baud < 9600 else 1200)
    if bit7:
        frame = frame.translate(EVEN_PARITY)
    if faults.flip:
        bits = 8 if bit7 else 7
        frame = bytes(code ^ (1 << rng.randrange(bits)) if rng.random() < faults.flip else code for code in frame)
    return frame


def _line_feed(faults: Faults, rng: Random) -> bytes:
    if rng.random() < faults.lost_lf:
        return b""
    return bytes([rng.choice(_DAMAGED_LF) if rng.random() < faults.damaged_lf else LF])


def garble(frame: bytes, *, sent: int, read: int) -> bytes:
    """Give what a UART set to ``read`` bit/s makes of a 7E1 line sent at ``sent`` bit/s.

    It waits for a low level, samples seven data bits in the middle of its own bit times, does not judge
    parity or stop, then waits for the next low level.
    """
    levels = [bit for code in frame.translate(EVEN_PARITY) for bit in _bits(code)]
    ratio = sent / read  # line bits per bit of the reader
    received = bytearray()
    time = 0.0
    while (start := _next_low(levels, time)) is not None:
        data = 0
        for bit in range(7):
            position = int(start + (bit + 1.5) * ratio)
            data |= (levels[position] if position < len(levels) else 1) << bit
        received.append(data)
        time = start + 9.5 * ratio
    return bytes(received)


def _bits(code: int) -> tuple[int, ...]:
    return (0, *(code >> bit & 1 for bit in range(8)), 1)


def _next_low(levels: list[int], time: float) -> float | None:
    """Give when the line is next low, as a time in line bits."""
    position = int(time)
    if position < len(levels) and levels[position] == 0:
        return time
    try:
        return float(levels.index(0, position + 1))
    except ValueError:
        return None
