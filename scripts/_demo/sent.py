"""What the meter sent, told by others than the integration: by the emulator, or by the bytes of a captured file."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
import re
import time
from typing import Any, Protocol, override

from .emulator import Control

_GROUP = re.compile(
    rb"\n(?P<label>[\x21-\x7e]+)(?P<separator>[ \t])(?P<rest>[\x20-\x7e\t]*)(?P=separator)[\x20-\x7e]\r"
)
_NUMBER = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*(k?)[A-Za-z]*")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)")
_CLOCKS = ("DATE", "DATECOUR")
_SAMPLE_S = 0.15


class Sent(Protocol):
    """What a meter sent."""

    def data(self, label: str, at: float | None = None) -> set[str]:
        """Return the data of a label, all of it or that of the frames heard around an instant of the host."""
        ...

    def power(self, label: str, name: str, at: float) -> tuple[float, float] | None:
        """Return the least and the most that a power shown at an instant can be; None where nothing tells.

        `label` is what it is read from, an energy or a power; `name` what the emulator calls it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Captured(Sent):
    """The groups of a captured file, which is played again and again: any of its values may be the present one."""

    groups: list[tuple[str, str]]

    @classmethod
    def read(cls, file: Path) -> Captured:
        """Find the groups between LF and CR; with a tab as separator a date may stand before the data."""
        found = _GROUP.finditer(bytes(byte & 0x7F for byte in file.read_bytes()))
        return cls([(match["label"].decode(), match["rest"].rpartition(b"\t")[2].decode()) for match in found])

    @override
    def data(self, label: str, at: float | None = None) -> set[str]:
        return {data for name, data in self.groups if name == label}

    @override
    def power(self, label: str, name: str, at: float) -> tuple[float, float] | None:
        powers: list[float] = []
        clock, before = None, None
        for one, data in self.groups:
            if one in _CLOCKS and (found := _TIME.search(data)):
                clock = 3600 * int(found[1]) + 60 * int(found[2]) + int(found[3])
            elif one == label and clock is not None and (number := re.match(r"\d+", data)):
                now = clock, int(number[0])
                if before and now[0] > before[0] and now[1] >= before[1]:
                    powers.append(3600 * (now[1] - before[1]) / (now[0] - before[0]))
                before = now
        return (min(powers), max(powers)) if powers else None

    def restarts(self, counter: str) -> Iterator[list[int]]:
        """Give for each restart of a counter the minutes of the hour that began between the frames around it."""
        minute, before = 0, None
        for label, data in self.groups:
            if label in _CLOCKS and (found := _TIME.search(data)):
                earlier, minute = minute, int(found[2])
            elif label == counter and (found := re.match(r"\d+", data)):
                if before is not None and int(found[0]) < before:
                    yield [(earlier + step) % 60 for step in range(1, (minute - earlier) % 60 + 1)]
                before = int(found[0])


@dataclass(slots=True)
class Sampled(Sent):
    """What the emulator tells, sampled with the host's time, so that a state can be compared with its own instant."""

    pace: float
    groups: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    measures: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    @override
    def data(self, label: str, at: float | None = None) -> set[str]:
        around = [groups for when, groups in self.groups if at is None or at - 10 / self.pace < when < at + 1]
        return {groups[label] for groups in around if label in groups}

    @override
    def power(self, label: str, name: str, at: float) -> tuple[float, float] | None:
        if not self.measures or self.measures[0][0] > at - 60 / self.pace:
            return None
        # The slope covers a minute; the frame it ends with took 8 s, and the one before it began 8 s earlier.
        stretch = [measure[name] for when, measure in self.measures if at - 90 / self.pace < when < at]
        return (min(stretch), max(stretch)) if stretch else None


@asynccontextmanager
async def sampling(control: Control, pace: float) -> AsyncIterator[Sampled]:
    """Sample the emulator while the context lasts."""
    sampled = Sampled(pace)

    async def sample() -> None:
        while True:
            sampled.measures.append((time.time(), await control.state()))
            sampled.groups.append((time.time(), await control.groups()))
            await asyncio.sleep(_SAMPLE_S)

    task = asyncio.create_task(sample())
    try:
        yield sampled
    finally:
        task.cancel()
        await asyncio.wait([task])


def same(state: str, unit: str, data: str, data_unit: str = "") -> bool:
    """Tell whether a state says what the data of a group says: as a number whatever its prefix, or as a word."""
    shown, said = _quantity(f"{state} {unit}".strip()), _quantity(data.strip() + data_unit)
    if shown is not None and said is not None:
        return shown == said
    return state.lower() == data.strip().lower()


def among(state: str, unit: str, data: set[str], data_unit: str = "") -> bool:
    """Tell whether a state is a number from the least to the most of what was sent: not every frame is sampled."""
    shown = _quantity(f"{state} {unit}".strip())
    said = [quantity for one in data if (quantity := _quantity(one.strip() + data_unit)) is not None]
    return shown is not None and bool(said) and min(said) <= shown <= max(said)


def _quantity(text: str) -> Decimal | None:
    if (found := _NUMBER.fullmatch(text.rstrip("%"))) is None:
        return None
    return Decimal(found[1].replace(",", ".")) * (1000 if found[2] else 1)
