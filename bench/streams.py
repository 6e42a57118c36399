"""The streams that decoders run over: frames of the emulated meters, with the flicker of a real one."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from random import Random
import re

from emulator.meter import Group, MeterConfig, frames
from emulator.meter.config import MeterName
from emulator.meter.wire import Layout, encode_frame, encode_group

SEED = 20261122
_FLICKER = {"PAPP": 10, "SINSTS": 20, "IRMS1": 1, "IINST": 1, "URMS1": 1}
"""What moves in every frame or two of a real Linky, and by how much; the emulated building is steadier."""
_FREE = re.compile(r"\d+").fullmatch
_MEASURE = re.compile(r"[1-9]\d*(k?(?:Wh|varh|VAh|W|VA))").fullmatch
_SPACE_CHECKED = re.compile(rb"\n[^\r\n]*\t \r")

type Change = Callable[[Group, Random], Group]


def layout_of(meter: MeterName) -> Layout:
    """Tell how a meter separates and sums."""
    return Layout.HT if meter in ("linky-standard", "saphir") else Layout.SP


def flickering(group: Group, dice: Random) -> Group:
    """Let an instant value of a Linky move a little."""
    if step := _FLICKER.get(group.label):
        moved = max(0, int(group.data) + dice.randint(-step, step))
        return group._replace(data=f"{moved:0{len(group.data)}d}")
    return group


def all_new(group: Group, dice: Random) -> Group:
    """Draw every number anew, as no meter does: the worst case for a decoder that remembers lines."""
    data = group.data
    if _FREE(data):
        return group._replace(data="".join(dice.choices("0123456789", k=len(data))))
    if match := _MEASURE(data):
        return group._replace(data=f"{dice.randint(1, 999_999)}{match[1]}")
    return group


def emulated(meter: MeterName, count: int, change: Change = flickering) -> list[bytes]:
    """Give frames of a meter, the same ones whenever the emulator is the same."""
    dice = Random(SEED)
    sent = islice(frames(MeterConfig(meter=meter, seed=SEED)), count)
    layout = layout_of(meter)
    return [encode_frame([change(group, dice) for group in frame.groups], layout) for frame in sent]


def without_spaces(sent: Iterable[bytes]) -> list[bytes]:
    """Rewrite standard frames as pyteleinfo wants them: no space in the data, nor as a checksum."""
    return [b"\x02%b\x03" % b"".join(_spaceless(frame)) for frame in sent]


def _spaceless(frame: bytes) -> Iterator[bytes]:
    for body in re.findall(rb"\n([^\r]*)\t[^\r]\r", frame):
        label, *more = body.decode("ascii").split("\t")
        data = more.pop()
        data = data.split()[0] if label == "PJOURF+1" else data.replace(" ", "-")  # texts keep their width
        line = encode_group(Group(label, more[0] if more else None, data), Layout.HT)
        if not _SPACE_CHECKED.fullmatch(line):
            yield line


def chunks(sent: Iterable[bytes], size: int) -> list[bytes]:
    """Cut a stream as a port delivers it."""
    stream = b"".join(sent)
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def lines(sent: Iterable[bytes]) -> list[bytes]:
    """Cut a stream into lines as readline() does; what stands before the first LF is left out."""
    return [line + b"\n" for line in b"".join(sent).split(b"\n")[1:]]
