"""The words of settlement: steps, readings, orders. Instants are UTC, energies Wh, powers W.

Source: Enedis, local flexibility, "éléments contractuels" (09/01/2020); the numbers R1 to R30 and D1 to D13 are those
of docs/settlement.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ..slots import Stretch

STEP = timedelta(minutes=30)
"""What volumes are counted by (slide 16)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Direction(StrEnum):
    """Which way the net withdrawal changes (R10).

    Enedis says "à la hausse" for the first and "à la baisse" for the second; NEBCO says the opposite. No word of
    either is used alone.
    """

    REDUCE_NET_WITHDRAWAL = "reduce_net_withdrawal"
    INCREASE_NET_WITHDRAWAL = "increase_net_withdrawal"

    @property
    def sign(self) -> int:
        """What the reference less the measured is multiplied by to be what was realised."""
        return 1 if self is Direction.REDUCE_NET_WITHDRAWAL else -1


class Quality(StrEnum):
    """How a reading came to be."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    MISSING = "missing"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, word: str) -> Quality:
        """Return what a word means."""
        return cls(word) if word in frozenset(cls) else cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Reading:
    """What a site withdrew in one step, what it injected taken off."""

    wh: int | None
    """Wh, net; None: missing, which is never 0."""
    quality: Quality = Quality.MEASURED


class Purpose(StrEnum):
    """What an order is for."""

    ACTIVATION = "activation"
    ACTIVATION_TEST = "activation_test"
    """After the signature (R18)."""
    ADDITIONAL_TEST = "additional_test"
    """After sites were taken out of the perimeter (R20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Stretch):
    """An order of activation, from its "instant d'activation" to its "instant de désactivation"."""

    id: str
    ordered_at: datetime
    power_w: int
    """Of the whole perimeter, in the direction of the order; never negative."""
    direction: Direction
    purpose: Purpose = Purpose.ACTIVATION
    accepted: bool = True
    """What the provider answered, where it may refuse (R7)."""
    of: tuple[str, ...] = ()
    """The orders at the same time, by their ids, that it is a piece of together (D8); none: it is as it was given."""

    @property
    def steps(self) -> tuple[datetime, ...]:
        """The starts of the half-hours that it touches, also in part (D4)."""
        return tuple(steps(self))


def floor(at: datetime, step: timedelta = STEP) -> datetime:
    """Return the start of the step that an instant lies in."""
    return at - (at - _EPOCH) % step


def steps(stretch: Stretch, step: timedelta = STEP) -> Iterator[datetime]:
    """Give the starts of the steps that a stretch touches, also in part."""
    at = floor(stretch.start, step)
    while at < stretch.end:
        yield at
        at += step


def touches(step: datetime, stretch: Stretch) -> bool:
    """Tell whether some of a half-hour, by its start, is in a stretch."""
    return Stretch(step, step + STEP).overlaps(stretch)
