"""What operator and BACS speak of: BACS, asset, potential, request, offer, confirmation, consumption.

Sources: Flex Ready reference, Annex 1 "Dataset Overview" and its examples. What the annex leaves open (the direction,
the price of an offer, what is measured) is inferred and stands in docs/flexibility.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from ..slots import Series, Stretch

_NONE = timedelta()


class Direction(StrEnum):
    """Which way consumption changes. The annex has no word for it: less, unless said otherwise."""

    DECREASE = "decrease"
    INCREASE = "increase"


class Market(StrEnum):
    """What a flex product is traded on (Annex 3, acronyms); any other code is kept, and its market unknown."""

    WID = "WID"
    """Wholesale intraday."""
    WDA = "WDA"
    """Wholesale day ahead."""
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, flex_product: str) -> Market:
        """Return the market of a flex product."""
        return cls(flex_product) if flex_product in (cls.WID, cls.WDA) else cls.UNKNOWN


class Quality(StrEnum):
    """How a figure of a consumption came to be."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    PARTIAL = "partial"
    MISSING = "missing"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, word: str) -> Quality:
        """Return what a word means."""
        return cls(word) if word in frozenset(cls) else cls.UNKNOWN


class Aggregation(StrEnum):
    """How steps were put together."""

    SUM = "sum"
    MEAN = "mean"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bacs:
    """A building automation and control system, as operators see it."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Potential:
    """What an asset can give for one flex product."""

    flex_product: str
    power: Decimal
    """W."""
    direction: Direction = Direction.DECREASE
    mobilization_delay: timedelta = _NONE
    """DMO."""
    max_duration: timedelta | None = None
    activations_per_day: int | None = None
    """On a day of the site's calendar."""
    time_periods: tuple[Stretch, ...] = ()
    """Sorted; none means at any time."""
    recovery: timedelta = _NONE
    """From the end of an activation to the start of the next. Not in the annex."""
    gaps: bool = False
    """Whether the slots of a request may leave gaps. Not in the annex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A part of the building that gives flexibility, with a potential per flex product."""

    id: str
    bacs_id: str
    potentials: tuple[Potential, ...]
    parent: str | None = None
    """The asset of the same BACS that this one is a part of: what both give comes out of one budget."""

    def potential(self, flex_product: str, direction: Direction) -> Potential | None:
        """Return what it can give of a product."""
        wanted = (flex_product, direction)
        return next((one for one in self.potentials if (one.flex_product, one.direction) == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an operator asks for. Two that are equal say the same, however they were written."""

    id: str
    """requestID."""
    flex_product: str
    power: Series[Decimal]
    """W."""
    direction: Direction = Direction.DECREASE

    @property
    def start(self) -> datetime:
        """When its first slot starts."""
        return self.power.slots[0].start

    @property
    def end(self) -> datetime:
        """When its last slot ends."""
        return self.power.slots[-1].end


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the BACS answers to a request that it takes."""

    power: Series[Decimal]
    """W."""
    expires_at: datetime
    mobilization_delay: timedelta = _NONE
    price: Decimal | None = None
    """EUR/kWh; None: by contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the operator orders."""

    flex_product: str | None = None
    """None: as offered."""
    power: Series[Decimal] | None = None
    """W; None: as offered."""
    ack_price: Decimal | None = None
    """EUR/kWh, the price the operator acknowledges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What was consumed in one step; None where it is not known."""

    power: Decimal | None = None
    """W, the mean."""
    energy: Decimal | None = None
    """Wh."""
    baseline: Decimal | None = None
    """W, what would have been drawn."""
    quality: Quality = Quality.MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """What an asset consumed, step by step or put together."""

    steps: Series[Consumed]
    aggregation: Aggregation | None = None
