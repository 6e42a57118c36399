"""What criteria are judged by (pure)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..tic import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """The meter of a building."""

    kind: Meter
    read: bool = False
    """Whether its frames arrive; what follows is told by them."""
    settled: bool = False
    """Whether so many arrived that a label which is missing is not sent."""
    received: frozenset[str] = frozenset()
    """Labels, as the meter's table spells them."""
    named: frozenset[int] = frozenset()
    """The numbers of the periods that a SAPHIR names (LIB_pxD)."""
    warned: bool | None = None
    """Whether it warns of too much power."""
    in_kw: bool | None = None
    """Whether its subscribed power is in kW, else in kVA."""
    drift_s: float | None = None
    """By how much its clock is ahead of Home Assistant's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcowattFacts:
    """The entry of Ecowatt that a building follows, or the first there is."""

    rehearsal: bool
    at_rte: bool
    """Whether it is asked at RTE's address."""
    chosen: bool
    """Whether the building follows it."""
    loaded: bool = False
    fresh: bool = False
    covers_now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierFacts:
    """The supplier signal that a building follows, or the first there is."""

    loaded: bool = False
    fresh: bool = False
    covers_now: bool = False
    rejected: bool = False
    """Whether the last one broke a rule of the annex."""
    default_data: bool = False
    """Whether it is what the supplier gives to any delivery point."""
    lacking: tuple[str, ...] = ()
    """Which of power, cost and co2 some of its steps lack."""


class ApiAnswer(StrEnum):
    """What the address from outside answered to a call without a token."""

    OURS = "ours"
    """A problem of the API: a token is needed."""
    OTHER = "other"
    """Something else answered: a proxy that is not trusted, another site."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFacts:
    """The API that operators call."""

    served: bool
    https: bool
    """Whether Home Assistant knows an address of its own from outside, with https."""
    answer: ApiAnswer | None = None
    """None: it was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingFacts:
    """A building, its loads, and its desk."""

    on: bool
    limits: bool
    loads: int = 0
    """Handed over."""
    loads_ready: int = 0
    """Those that are managed and within reach."""
    loads_by_ecowatt: int = 0
    """Those that are shed at a level of Ecowatt."""
    assets: int = 0
    operators: int = 0
    desk_open: bool = False
    ledger_read: bool = False
    """Whether it was just read."""
    assets_measured: int = 0
    """Those that were measured lately."""
    called_at: datetime | None = None
    """When an operator called last."""
    call_answered: bool = False
    """Whether that call was let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of an installation."""

    now: datetime
    meter: MeterFacts
    ecowatt: EcowattFacts | None
    supplier: SupplierFacts | None
    api: ApiFacts
    building: BuildingFacts
