"""Decoders of the customer output against each other, in one process, on the same frames.

Every round runs every decoder once over the whole stream, in turning order; a ratio is the median of the ratios
within the rounds, so that a machine that slows down in between slows both sides of it. Exit code 1 if a bar is
missed, or if a decoder did not give every group.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
import gc
import logging
from pathlib import Path
from statistics import median
import sys
from time import perf_counter_ns

from bench.peers import Decode, Linkytic, Pyteleinfo, Teleinfo
from bench.streams import all_new, chunks, emulated, lines, without_spaces
from custom_components.flex_ready.tic import Decoder
from emulator.meter.config import MeterName

BARS = {"pyteleinfo": 0.35, "linkytic": 0.5}
"""The share of their time per group that ours may take, in chunks of 64 bytes."""
_STREAMS: tuple[MeterName, ...] = ("linky-historique", "linky-standard", "pme-pmi")


@dataclass(frozen=True, slots=True)
class Entrant:
    """A decoder, ready to run over one stream."""

    name: str
    decode: Decode


@dataclass(frozen=True, slots=True)
class Contest:
    """Decoders that all take one stream whole; the first is ours in chunks of 64 bytes."""

    title: str
    frames: list[bytes]
    entrants: list[Entrant]
    judged: bool = True

    @property
    def groups(self) -> int:
        """How many groups the stream holds."""
        return sum(frame.count(b"\r") for frame in self.frames)


def ours(frames: list[bytes], size: int) -> Entrant:
    """Make our decoder ready: from bytes as they arrive to typed values."""
    pieces = chunks(frames, size)

    def decode() -> int:
        decoder = Decoder()
        feed = decoder.feed
        for piece in pieces:
            feed(piece)
        assert decoder.counts.frames == len(frames), decoder.counts
        assert not decoder.counts.bad_groups, decoder.counts
        return decoder.counts.groups

    return Entrant(f"ours, {size} B chunks", decode)


class Arena:
    """The peers, and which contest each of them can enter."""

    def __init__(self, checkout: Path | None) -> None:
        self._pyteleinfo, self._teleinfo = Pyteleinfo(), Teleinfo()
        self._linkytic = Linkytic(checkout) if checkout else None

    def contests(self, meter: MeterName, count: int) -> Iterator[Contest]:
        """Give the contests on one meter: its frames as sent, then doctored ones for those who refuse some."""
        sent = emulated(meter, count)
        yield self._contest(meter, sent)
        refused = sum(not self._pyteleinfo.accepts(frame) for frame in sent)
        if refused:
            title = f"{meter}, no spaces (pyteleinfo refuses {refused} of {count} frames as sent)"
            yield self._contest(title, without_spaces(sent))
        if self._linkytic and (kept := self._taken_by_linkytic(meter, sent)) != sent:
            left_out = 1 - sum(map(len, kept)) / sum(map(len, sent))
            title = f"{meter}, without the {left_out:.0%} of bytes in groups that linkytic refuses"
            yield self._contest(title, kept)
        drawn = emulated(meter, count, all_new)
        drawn = without_spaces(drawn) if meter == "linky-standard" else drawn
        yield self._contest(f"{meter}, every number new in every frame (no meter does it)", drawn, judged=False)

    def _contest(self, title: str, frames: list[bytes], *, judged: bool = True) -> Contest:
        entrants = [ours(frames, 64), ours(frames, 16)]
        standard = b"\t" in frames[0]
        if all(map(self._pyteleinfo.accepts, frames)):
            entrants.append(Entrant(self._pyteleinfo.name, self._pyteleinfo.over(frames)))
        if frames[0].startswith(b"\x02\nADCO"):
            entrants.append(Entrant(self._teleinfo.name, self._teleinfo.over(frames)))
        if (peer := self._linkytic) and all(map(peer.parser(standard=standard), lines(frames))):
            entrants.append(Entrant(peer.name, peer.over(lines(frames), standard=standard)))
        return Contest(title, frames, entrants, judged)

    def _taken_by_linkytic(self, meter: MeterName, sent: list[bytes]) -> list[bytes]:
        assert self._linkytic
        parse = self._linkytic.parser(standard=meter == "linky-standard")
        return [
            b"\x02%b\x03" % b"".join(b"\n" + line for line in frame[2:-1].split(b"\n") if parse(line + b"\n"))
            for frame in sent
        ]


def run(contest: Contest, rounds: int) -> list[list[int]]:
    """Run the rounds; return the times of each entrant, ns. Raises AssertionError where one loses groups."""
    expected = contest.groups
    for entrant in contest.entrants:
        given = entrant.decode()
        assert given == expected, f"{contest.title}: {entrant.name} gave {given} groups of {expected}"
    times: list[list[int]] = [[] for _ in contest.entrants]
    turns = list(enumerate(contest.entrants))
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for number, entrant in turns:
                begin = perf_counter_ns()
                entrant.decode()
                times[number].append(perf_counter_ns() - begin)
            turns.append(turns.pop(0))
            gc.collect()
    finally:
        gc.enable()
    return times


def report(contest: Contest, times: list[list[int]]) -> list[str]:
    """Print the table of a contest; return the bars that it misses."""
    groups = contest.groups
    print(f"\n{contest.title}: {len(contest.frames)} frames, {groups} groups")
    print(f"  {'decoder':<28}{'min µs/group':>13}{'median':>9}{'ours / it':>11}  bar")
    missed = []
    for entrant, taken in zip(contest.entrants, times, strict=True):
        ratio = median(mine / its for mine, its in zip(times[0], taken, strict=True))
        bar = BARS.get(entrant.name.split()[0]) if contest.judged else None
        verdict = "" if bar is None else f"{'holds' if ratio <= bar else 'MISSED'} (≤ {bar})"
        low, middle = min(taken) / groups / 1000, median(taken) / groups / 1000
        print(f"  {entrant.name:<28}{low:13.2f}{middle:9.2f}{ratio:11.2f}  {verdict}")
        if bar is not None and ratio > bar:
            missed.append(f"{contest.title}: {ratio:.2f} of {entrant.name}, may be {bar}")
    return missed


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench tic", description=__doc__)
    parser.add_argument("--linkytic", type=Path, metavar="PATH", help="a checkout of hekmon/linkytic to compare with")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--frames", type=int, default=2000, help="of each stream")
    options = parser.parse_args()
    logging.disable()  # linkytic logs each line that it refuses
    arena = Arena(options.linkytic)
    missed: list[str] = []
    for meter in _STREAMS:
        for contest in arena.contests(meter, options.frames):
            missed += report(contest, run(contest, options.rounds))
    print("\nMISSED: " + "; ".join(missed) if missed else "\nevery bar holds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
