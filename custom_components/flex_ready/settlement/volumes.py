"""The volumes of an activation, half-hour by half-hour: expected, realised, paid, deficient. All in Wh, exact.

Sources: docs/settlement.md, R12, R22 to R26, D1 to D4, D9 to D11; Enedis 2020, slides 17 and 18.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from .model import STEP, Order
from .profile import ENEDIS_2020, Cap, Decisions, Missing, Negative, OffGrid, Profile

_HOUR = timedelta(hours=1)
_US = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StepVolume:
    """One half-hour of an activation."""

    step: datetime
    """Its start (UTC)."""
    expected: Fraction
    raw: Fraction | None
    """What the perimeter realised, negative where it moved the wrong way; None: not known (D9)."""
    counted: Fraction | None
    """What of it counts (D1)."""
    paid: Fraction
    deficient: Fraction
    complete: bool = True
    """Whether every entity has a volume."""

    @property
    def default(self) -> bool:
        """Whether it is a default: less than 80 % (R24)."""
        return self.deficient > 0


def expected(order: Order, off_grid: OffGrid = OffGrid.PRORATA) -> Mapping[datetime, Fraction]:
    """Return what an order expects of each half-hour (R22).

    Of one that it touches in part, that part is expected, unless decided otherwise (D3, D4); an order that should have
    been refused for it counts likewise.
    """
    found = {}
    for step in order.steps:
        overlap = min(order.end, step + STEP) - max(order.start, step)
        if overlap < STEP:
            if off_grid is OffGrid.WHOLE:
                continue
            if off_grid is OffGrid.OUTWARD:
                overlap = STEP
        found[step] = Fraction(order.power_w * (overlap // _US), _HOUR // _US)
    return found


def step_volume(
    step: datetime,
    expected_wh: Fraction,
    raw: Fraction | None,
    *,
    complete: bool = True,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
) -> StepVolume:
    """Return what a half-hour is worth; of one that is not known nothing is paid, and nothing deficient (D9)."""
    decisions = decisions or Decisions()
    if raw is None or (decisions.missing is Missing.NO_VOLUME and not complete):
        return StepVolume(step, expected_wh, raw, None, Fraction(), Fraction(), complete)
    counted = max(raw, Fraction()) if decisions.negative is Negative.FLOOR else raw
    deficient = expected_wh - counted if counted < profile.default_below * expected_wh else Fraction()
    return StepVolume(step, expected_wh, raw, counted, min(counted, expected_wh), deficient, complete)


def perimeter(
    order: Order,
    entities: Iterable[Mapping[datetime, Fraction | None]],
    *,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
) -> tuple[StepVolume, ...]:
    """Return the volumes of an order from what each entity realised in its half-hours (R12): negative ones count."""
    entities = tuple(entities)
    decisions = decisions or Decisions()
    volumes = []
    for step, wanted in expected(order, decisions.off_grid).items():
        known = [raw for entity in entities if (raw := entity.get(step)) is not None]
        volumes.append(
            step_volume(
                step,
                wanted,
                sum(known, Fraction()) if known else None,
                complete=0 < len(known) == len(entities),
                decisions=decisions,
                profile=profile,
            )
        )
    return tuple(volumes)


def capped(raw: Fraction, capacity_w: int, decisions: Decisions) -> Fraction:
    """Return what an entity realised in a half-hour, at most what its sites can do together if so decided (D10)."""
    return min(raw, Fraction(capacity_w, _HOUR // STEP)) if decisions.cap is Cap.CAPACITY else raw


def shares(entity: Fraction, sites: Mapping[str, Fraction]) -> Mapping[str, Fraction]:
    """Return the part of an entity's volume that is each site's, by what each realised (D11).

    What a site did the wrong way counts in the sum, and its part is nothing. Without a sum there are no parts.
    """
    total = sum(sites.values(), Fraction())
    if total <= 0:
        return dict.fromkeys(sites, Fraction())
    return {site: max(raw, Fraction()) * entity / total for site, raw in sites.items()}
