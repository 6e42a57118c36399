"""Groups and frames as bytes (Enedis-NOI-CPT_54E 5.3.5-5.3.6 and 6.2; CPT_02E for the older meters)."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

STX, ETX, EOT, LF, CR = 0x02, 0x03, 0x04, 0x0A, 0x0D
BITS_PER_CHAR = 10
"""Start, seven data bits, parity, stop."""
FRAME_GAP_US = 33_000
"""Silence between two frames, microseconds (54E: 16.7 to 33.4 ms)."""

EVEN_PARITY = bytes(code & 0x7F | (code & 0x7F).bit_count() % 2 << 7 for code in range(256))
"""Each character with its even parity as bit 7: what an 8N1 reader of a 7E1 line receives."""


class Group(NamedTuple):
    """One group of a frame; ``horodate`` only on a Linky in standard mode."""

    label: str
    horodate: str | None
    data: str


class Layout(Enum):
    """Separator and checksum rule: SP and mode 1 until 2013, HT and mode 2 since."""

    SP = b" "
    HT = b"\t"


def encode_group(group: Group, layout: Layout) -> bytes:
    """Write ``LF label SEP [horodate SEP] data SEP checksum CR``; mode 2 sums the last separator too."""
    separator = layout.value
    body = separator.join(field.encode("ascii") for field in group if field is not None)
    summed = body + separator if layout is Layout.HT else body
    return b"\n%b%b%c\r" % (body, separator, (sum(summed) & 0x3F) + 0x20)


def encode_frame(groups: Iterable[Group], layout: Layout) -> bytes:
    """Write ``STX group... ETX``."""
    return b"\x02%b\x03" % b"".join(encode_group(group, layout) for group in groups)


def wire_us(length: int, baud: int) -> int:
    """Time a number of characters takes on the wire, microseconds."""
    return length * BITS_PER_CHAR * 1_000_000 // baud
