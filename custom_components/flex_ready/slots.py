"""A half-open stretch of time, and what holds during each of a sorted row of them. All instants are UTC.

What is not covered is a gap, and says so: nothing is carried over it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time from `start` to just before `end` (UTC). Raises ValueError if that is empty or in another zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            raise ValueError(f"not in UTC: {self.start} to {self.end}")
        if self.start >= self.end:
            raise ValueError(f"empty: {self.start} to {self.end}")

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def overlaps(self, other: Stretch) -> bool:
        """Tell whether some instant is in both."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Slot[ValueT](Stretch):
    """A stretch of time and what holds during it."""

    value: ValueT


@dataclass(frozen=True, slots=True)
class Series[ValueT]:
    """Slots in order, none over another; gaps between them mean that nothing is known. Raises ValueError else."""

    slots: tuple[Slot[ValueT], ...] = ()

    def __post_init__(self) -> None:
        for before, after in pairwise(self.slots):
            if before.end > after.start:
                raise ValueError(f"out of order: {before.start} to {before.end}, then {after.start}")

    def __iter__(self) -> Iterator[Slot[ValueT]]:
        return iter(self.slots)

    def __len__(self) -> int:
        return len(self.slots)

    def at(self, when: datetime) -> Slot[ValueT] | None:
        """Return the slot that an instant lies in."""
        i = bisect_right(self.slots, when, key=_start)
        return self.slots[i - 1] if i and when < self.slots[i - 1].end else None

    def after(self, when: datetime) -> Slot[ValueT] | None:
        """Return the first slot that starts later than an instant."""
        i = bisect_right(self.slots, when, key=_start)
        return self.slots[i] if i < len(self.slots) else None

    def edge_after(self, when: datetime) -> datetime | None:
        """Return the next instant at which what `at` says changes; None when nothing more comes."""
        if (now := self.at(when)) is not None:
            return now.end
        following = self.after(when)
        return following.start if following else None

    def between(self, start: datetime, end: datetime) -> Series[ValueT]:
        """Return the slots that have some instant in a stretch, whole."""
        first = bisect_right(self.slots, start, key=_end)
        return Series(self.slots[first : bisect_left(self.slots, end, lo=first, key=_start)])

    def cut(self, start: datetime, end: datetime) -> Series[ValueT]:
        """Return what lies in a stretch, the slots at its borders shortened."""
        return Series(
            tuple(
                slot
                if start <= slot.start and slot.end <= end
                else Slot(max(slot.start, start), min(slot.end, end), slot.value)
                for slot in self.between(start, end)
            )
        )

    def gaps(self, start: datetime, end: datetime) -> tuple[Stretch, ...]:
        """Return the stretches from `start` to `end` that no slot covers."""
        found, covered = [], start
        for slot in self.between(start, end):
            if covered < slot.start:
                found.append(Stretch(covered, slot.start))
            covered = slot.end
        if covered < end:
            found.append(Stretch(covered, end))
        return tuple(found)

    def runs(self, holds: Callable[[ValueT], bool]) -> tuple[Stretch, ...]:
        """Return the longest stretches without a gap in which something holds of every value."""
        return tuple(_joined(Stretch(slot.start, slot.end) for slot in self.slots if holds(slot.value)))


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Join sorted stretches that touch."""
    last: Stretch | None = None
    for stretch in stretches:
        if last is not None and last.end == stretch.start:
            last = Stretch(last.start, stretch.end)
            continue
        if last is not None:
            yield last
        last = stretch
    if last is not None:
        yield last


def _start(slot: Stretch) -> datetime:
    return slot.start


def _end(slot: Stretch) -> datetime:
    return slot.end
