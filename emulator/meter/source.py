"""Frames one after the other: the meter read at the beginning of each, coded, then spoilt by the faults."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import islice
from pathlib import Path
from random import Random
from typing import Protocol

from . import ice, linky_historique, linky_standard, pme_pmi, saphir
from .building import Building
from .clock import SECOND, Instant, instant, local
from .config import MeterConfig, MeterName
from .faults import spoil
from .metrology import Metrology
from .wire import EOT, FRAME_GAP_US, Group, Layout, encode_frame, wire_us

START = datetime(2026, 1, 12, 8, 2, 30)  # noqa: DTZ001  # local time of the meter
"""Where a stream starts when its config does not say: a Monday of winter."""

_SCALES = {1: Fraction(3, 14), 3: Fraction(6, 7)}
"""A Linky's building, so that its default 9 or 36 kVA relate to it as 42 kVA to the whole one."""


@dataclass(frozen=True, slots=True)
class EmulatedFrame:
    """A frame as sent: when it began (meter clock), its bytes, its groups, its time on the wire in µs.

    During a silence ``data`` and ``groups`` are empty.
    """

    at: datetime
    data: bytes
    groups: tuple[Group, ...]
    duration_us: int


class Source(Protocol):
    """Whatever gives the next frame to send."""

    def next_frame(self) -> EmulatedFrame:
        """Give the frame that begins now."""
        ...

    def advance(self, to: Instant) -> None:
        """Let time pass until an instant of the meter clock."""
        ...


_RENDER: dict[MeterName, Callable[[Metrology, MeterConfig, int], Iterator[Group]]] = {
    "pme-pmi": pme_pmi.groups,
    "saphir": saphir.groups,
    "ice": ice.groups,
    "linky-historique": linky_historique.groups,
    "linky-standard": linky_standard.groups,
}


class EmulatedSource:
    """A meter before its building; ``faults`` may be replaced while it runs."""

    def __init__(self, config: MeterConfig) -> None:
        self.config = config
        self.faults = config.faults
        scale = _SCALES[config.phases] if config.linky else Fraction(1)
        self.building = Building(config.seed, scale, config.producer)
        self.meter = Metrology(config, self.building, instant(config.start or START))
        self._rng = Random(config.seed)
        self._number = 0

    def next_frame(self) -> EmulatedFrame:
        """Give the frame that begins now; empty, and a second long at most, while the meter is silent."""
        config, meter = self.config, self.meter
        at = local(meter.now)
        if remaining := self.silence_us():
            return EmulatedFrame(at, b"", (), min(remaining, SECOND))
        groups = tuple(_RENDER[config.meter](meter, config, self._number))
        self._number += 1
        layout = Layout.HT if config.meter == "linky-standard" or self._modern_saphir() else Layout.SP
        frame = encode_frame(groups, layout)
        baud = config.bit_rate
        data = spoil(frame, self.faults, self._rng, bit7=config.bit7, baud=baud)
        # At a wrong speed the reader finds another number of characters in the same time.
        return EmulatedFrame(at, data, groups, wire_us(len(frame if self.faults.wrong_speed else data), baud))

    def advance(self, to: Instant) -> None:
        """Measure until an instant of the meter clock."""
        self.meter.advance(to)

    def silence_us(self) -> int:
        """Give how long the meter stays silent from now, microseconds."""
        if self.faults.silence is None:
            return 0
        start, seconds = self.faults.silence
        since = self.meter.now - self.meter.started - round(start * SECOND)
        return max(0, round(seconds * SECOND) - since) if since >= 0 else 0

    def silence_now(self, seconds: float) -> None:
        """Fall silent from the next frame on, for a number of meter seconds."""
        elapsed = (self.meter.now - self.meter.started) / SECOND
        self.faults = replace(self.faults, silence=(elapsed, seconds))

    def _modern_saphir(self) -> bool:
        return self.config.meter == "saphir" and self.config.saphir_layout == "ht"


class ReplaySource:
    """A captured file, again and again; EOT between two rounds makes a reader drop the cut frame quietly."""

    def __init__(self, config: MeterConfig, path: str | Path) -> None:
        self._config = config
        self._capture = Path(path).read_bytes()
        self._rng = Random(config.seed)
        self._now = instant(config.start or START)

    def next_frame(self) -> EmulatedFrame:
        """Give the whole file, with EOT behind it if it comes again."""
        config = self._config
        data = self._capture if config.once else b"%b%c" % (self._capture, EOT)
        data = spoil(data, config.faults, self._rng, bit7=config.bit7, baud=config.bit_rate)
        return EmulatedFrame(local(self._now), data, (), wire_us(len(data), config.bit_rate))

    def advance(self, to: Instant) -> None:
        """Follow the clock."""
        self._now = to


def frames(config: MeterConfig) -> Iterator[EmulatedFrame]:
    """Give the frames a meter sends, without end or ``config.frames`` of them, as fast as they are asked for.

    Deterministic: without ``start`` the clock starts at ``START``. A silence gives no frame.
    """
    sent = _frames(EmulatedSource(config))
    return sent if config.frames is None else islice(sent, config.frames)


def _frames(source: EmulatedSource) -> Iterator[EmulatedFrame]:
    while True:
        frame = source.next_frame()
        if frame.data:
            yield frame
        source.advance(source.meter.now + frame.duration_us + FRAME_GAP_US)


def stream(config: MeterConfig, frames: int) -> bytes:
    """Give the bytes of a number of frames back to back, as on the wire but without the gaps."""
    return b"".join(frame.data for frame in islice(_frames(EmulatedSource(config)), frames))
