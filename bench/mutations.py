"""Frames of every emulated meter, damaged in every way, into the decoder: does a wrong group ever come out?

A group that comes out must be, byte for byte, one that was sent in this frame or the one before (a lost CR joins
them). One that is not must at least stand on the wire with the checksum that the emulator would give it: the sum
has six bits, and some damage it cannot see. Anything else is a failure, and the exit code 1.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from itertools import pairwise
from multiprocessing import get_context
from random import Random
import re
import sys

from bench.streams import emulated, layout_of
from custom_components.flex_ready.tic import Decoder, Group as Accepted, Stamp
from emulator.meter import Group
from emulator.meter.config import METERS, MeterName
from emulator.meter.wire import Layout, encode_group

_BASE_FRAMES = 400
_COLD_EVERY = 1000
"""Frames after which a new decoder begins: it learns layout and meter from damaged frames too."""
_WORKERS = 2
_GROUPS = re.compile(rb"\n([^\r]*\r)").findall


@dataclass(slots=True)
class Tally:
    """What was offered to the decoder and what it took."""

    frames: int = 0
    offered: int = 0
    damaged: int = 0
    """Lines whose bytes are not those of a group sent."""
    collisions: int = 0
    """Damaged lines whose checksum verifies: what a decoder without any other check would take."""
    taken_known: list[str] = field(default_factory=list)
    """Wrong groups taken, with a label of the meter and data of its form."""
    taken_unknown: list[str] = field(default_factory=list)
    """Wrong groups taken as unknown: a label that no meter has, or data kept as text."""
    refused: int = 0
    """Groups that arrived whole and were not given."""
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another one up."""
        for entry in fields(self):
            setattr(self, entry.name, getattr(self, entry.name) + getattr(other, entry.name))

    @property
    def taken(self) -> int:
        """Wrong groups taken."""
        return len(self.taken_known) + len(self.taken_unknown)


def mutate(frame: bytes, other: bytes, dice: Random) -> bytes:
    """Damage a frame once in one of five ways; a splice takes its end from another frame."""
    at = dice.randrange(len(frame))
    kind = dice.randrange(5)
    if kind == 4:
        return frame[:at] + other[max(0, at + dice.randint(-40, 40)) :]
    length = 1 if dice.random() < 0.5 else dice.randint(2, 12)
    if kind == 3:  # a burst: a stretch of anything
        return frame[:at] + bytes(byte & 0x7F for byte in dice.randbytes(length)) + frame[at + length :]
    damaged = bytearray(frame)
    for _ in range(length):
        at = dice.randrange(len(damaged))
        if kind == 0:
            damaged[at] ^= 1 << dice.randrange(7)
        elif kind == 1:
            del damaged[at]
        else:
            damaged.insert(at, dice.randrange(128))
    return bytes(damaged)


def as_sent(group: Accepted) -> Group:
    """Write a group back as the meter spells it, its date included."""
    return Group(group.label, None if group.at is None else _horodate(group.at), group.raw)


def _horodate(stamp: Stamp) -> str:
    season = {1: "H", 2: "E", None: " "}[stamp.offset_hours]
    return f"{season.lower() if stamp.degraded else season}{stamp.local:%y%m%d%H%M%S}"


def _verifies(body: bytes, layout: Layout) -> bool:
    """Tell whether the last character is the sum of what stands before it, whatever that is."""
    summed = body[:-1] if layout is Layout.HT else body[:-2]
    return len(body) > 3 and (sum(summed) & 0x3F) + 0x20 == body[-1]


class Trial:
    """One meter, its frames, a decoder, and a check of all that comes out."""

    def __init__(self, meter: MeterName, seed: int) -> None:
        self._layout = layout_of(meter)
        self._frames = emulated(meter, _BASE_FRAMES)
        self._bodies = [frozenset(_GROUPS(frame)) for frame in self._frames]
        self._dice = Random(f"{meter} {seed}")

    def run(self, count: int) -> Tally:
        """Feed a number of damaged frames."""
        tally = Tally(frames=count)
        nothing = (b"", frozenset[bytes](), frozenset[bytes]())
        done = 0
        while done < count:
            decoder = Decoder()
            fresh = min(_COLD_EVERY, count - done)
            for before, now in pairwise((nothing, *(self._damaged() for _ in range(fresh)))):
                self._offer(decoder, before, now, tally)
            done += fresh
        return tally

    def _damaged(self) -> tuple[bytes, frozenset[bytes], frozenset[bytes]]:
        """Give a damaged frame and the groups of the one or two frames that it was made of."""
        number, other = self._dice.randrange(_BASE_FRAMES), self._dice.randrange(_BASE_FRAMES)
        frame = mutate(self._frames[number], self._frames[other], self._dice)
        return frame, self._bodies[number], self._bodies[other]

    def _offer(
        self,
        decoder: Decoder,
        before: tuple[bytes, frozenset[bytes], frozenset[bytes]],
        now: tuple[bytes, frozenset[bytes], frozenset[bytes]],
        tally: Tally,
    ) -> None:
        frame = now[0]
        sent = (*now[1:], *before[1:])
        joined = before[0][before[0].rfind(b"\r") + 1 :] + frame
        intact = self._survey(joined, sent, tally)
        right = 0
        for event in decoder.feed(frame):
            if isinstance(event, Accepted):
                body = encode_group(as_sent(event), self._layout)[1:]
                if any(body in bodies for bodies in sent):
                    right += 1
                    continue
                (tally.taken_known if event.known else tally.taken_unknown).append(f"{event.label} {event.raw!r}")
                if body not in joined:
                    tally.failures.append(f"{event!r} from {joined!r}")
        tally.refused += max(0, intact - right)

    def _survey(self, joined: bytes, sent: Iterable[frozenset[bytes]], tally: Tally) -> int:
        """Count what stands on the wire, with no help from the decoder; return how many groups are whole."""
        intact = 0
        for line in joined.split(b"\r")[:-1]:
            body = re.split(rb"[\x02\x03\x04\n]", line)[-1].lstrip(b"\x00\x01\x05\x06\x07\x08\x0b\x0c\x0e\x0f")
            if not body:
                continue
            tally.offered += 1
            if any(body + b"\r" in bodies for bodies in sent):
                intact += 1
                continue
            tally.damaged += 1
            tally.collisions += _verifies(body, self._layout)
        return intact


def _work(task: tuple[MeterName, int, int]) -> tuple[MeterName, Tally]:
    meter, seed, count = task
    return meter, Trial(meter, seed).run(count)


def _row(name: str, tally: Tally) -> str:
    damaged, known, unknown = max(1, tally.damaged), len(tally.taken_known), len(tally.taken_unknown)
    return (
        f"{name:<18}{tally.frames:>9}{tally.offered:>11}{tally.damaged:>10}"
        f"{tally.collisions:>8} {tally.collisions / damaged:7.3%}"
        f"{known:>8} {known / damaged:7.4%}{unknown:>8} {unknown / damaged:7.4%}{tally.refused:>9}"
    )


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench mutations", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="damaged frames, over all meters")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N of the wrong groups, per meter")
    options = parser.parse_args()
    parts = 4 * _WORKERS
    share = -(-options.frames // (len(METERS) * parts))
    tasks = [(meter, parts * options.seed + part, share) for part in range(parts) for meter in METERS]
    tallies: dict[MeterName, Tally] = {meter: Tally() for meter in METERS}
    with get_context("spawn").Pool(_WORKERS) as pool:
        for meter, tally in pool.imap_unordered(_work, tasks):
            tallies[meter].add(tally)
    total = Tally()
    print(f"{'':<48}{'checksum alone':>16}{'taken as known':>16}{'as unknown':>16}{'whole,':>9}")
    print(f"{'meter':<18}{'frames':>9}{'groups':>11}{'damaged':>10}{'':>48}{'refused':>9}")
    for meter, tally in tallies.items():
        print(_row(meter, tally))
        for wrong in (*tally.taken_known[: options.show], *tally.taken_unknown[: options.show]):
            print(f"    {wrong}")
        total.add(tally)
    print(_row("all", total))
    if total.taken:
        print(f"format checks let through 1 in {total.collisions / total.taken:.1f} of the collisions")
    for failure in total.failures[:10]:
        print(f"FAILURE: {failure}")
    print(f"{len(total.failures)} wrong groups that are no collision of the checksum")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
