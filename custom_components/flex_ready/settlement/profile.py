"""The constants of a set of contract rules, each beside its source, and what the rules leave open.

Source of `enedis-2020`: Enedis, webinar "éléments contractuels", 09/01/2020; the slides are those of its pages. Rules
will change (CRE 2026-62): a new set is another profile here, never a change of this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a set of rules fixes for all contracts."""

    name: str
    least_service_w: int
    """The smallest offer (R3, R13)."""
    least_period: timedelta
    """The shortest availability period (R8)."""
    least_duration: timedelta
    """The shortest activation (R8)."""
    ramp_w_a_minute: int
    """Palier de puissance (R8); what lies before the activation is not controlled (R26)."""
    default_below: Fraction
    """Of what is expected: less is a default (R24); a test needs more (R18)."""
    test_duration: timedelta
    """Of a test of activation (R18)."""
    attempts: int
    """Of each kind of test (R17, R18)."""
    additional_attempts: int
    """Of the additional test (R20)."""
    removed_share: Fraction
    """Of the service: if more capacity is taken out of the perimeter there is an additional test (R20)."""
    test_months: int
    """Before the activation period, for tests (R21), with reservation."""
    undistributed_eur_a_mwh: int
    """What a default costs without reservation: energy that is not distributed (R28)."""
    termination_factor: int
    """Times the fixed premium (R29)."""
    update_working_days: int
    """Before the month: so many are left when the perimeter is closed (R14)."""
    publication_working_days: int
    """After the month began: by then the perimeter is published again (R14)."""


ENEDIS_2020 = Profile(
    name="enedis-2020",
    least_service_w=500_000,  # slides 3 and 10
    least_period=timedelta(hours=1),  # slide 6
    least_duration=timedelta(minutes=30),  # slides 6 and 7
    ramp_w_a_minute=4_000_000,  # slides 6 and 7
    default_below=Fraction(4, 5),  # slide 17; of tests: slide 13
    test_duration=timedelta(hours=1),  # slide 13
    attempts=3,  # slide 14
    additional_attempts=1,  # slide 14
    removed_share=Fraction(1, 10),  # slide 12
    test_months=2,  # slide 15
    undistributed_eur_a_mwh=9_200,  # slide 19
    termination_factor=2,  # slide 20
    update_working_days=10,  # slide 11
    publication_working_days=5,  # slide 11
)
PROFILES: Mapping[str, Profile] = {ENEDIS_2020.name: ENEDIS_2020}


class Negative(StrEnum):
    """What counts where the perimeter moved the wrong way (D1)."""

    FLOOR = "floor"
    """Nothing: no more is deficient than was expected."""
    LITERAL = "literal"
    """What was moved the wrong way is taken off what is paid, and is deficient as well."""


class OffGrid(StrEnum):
    """What becomes of an order that does not start and end with a half-hour (D3)."""

    REFUSE = "refuse"
    PRORATA = "prorata"
    """Of a half-hour in part, that part is expected (D4)."""
    WHOLE = "whole"
    """Only of half-hours that it covers from start to end something is expected."""
    OUTWARD = "outward"
    """It is widened to whole half-hours, as Enedis' tool of 2018 does."""


class Overlap(StrEnum):
    """What becomes of orders at the same time (D8)."""

    NET = "net"
    """Their powers are added up, those of the other direction taken off."""
    REFUSE = "refuse"


class Missing(StrEnum):
    """What becomes of a half-hour of which a reading is missing (D9)."""

    NO_VOLUME = "no_volume"
    """It is not settled as long as the reading is missing."""
    PARTIAL = "partial"
    """It is settled by those entities that have a volume."""


class Cap(StrEnum):
    """Whether an entity can have realised more than its sites declared (D10)."""

    NONE = "none"
    CAPACITY = "capacity"
    """No more than the sum of their largest activation capacities."""


class Penalised(StrEnum):
    """Which defaults of an activation are penalised without reservation (R28)."""

    ALL_STEPS = "all_steps"
    FIRST_DEFAULT_STEP = "first_default_step"
    """The network operator has another solution after half an hour."""
    WORST_STEP = "worst_step"


class Ratio(StrEnum):
    """Of what the penalty with reservation is a share (R28)."""

    ACTIVATION = "activation"
    """What was deficient of all that was expected: then a failure costs, on average, what the contract earns."""
    STEPS = "steps"
    """The shares of the half-hours, added up."""


class Months(StrEnum):
    """How the months that are left count at termination (R29)."""

    FLOOR = "floor"
    CEIL = "ceil"
    PRORATA = "prorata"


class Deadline(StrEnum):
    """When the perimeter of a month is closed, and published again (R14)."""

    EARLIER = "earlier"
    """The first of both readings: who keeps it keeps either."""
    COUNTED = "counted"
    """The day itself is one of the working days that are counted."""
    BETWEEN = "between"
    """So many working days lie between."""


class Removed(StrEnum):
    """Since when capacity that is taken out of the perimeter adds up (R20)."""

    LAST_TEST = "last_test"
    """Since the last test that was passed, or the signature."""
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """How a contract is read where its rules are silent; each default is what docs/settlement.md recommends."""

    negative: Negative = Negative.FLOOR
    off_grid: OffGrid = OffGrid.REFUSE
    overlap: Overlap = Overlap.NET
    missing: Missing = Missing.NO_VOLUME
    cap: Cap = Cap.NONE
    penalised: Penalised = Penalised.ALL_STEPS
    ratio: Ratio = Ratio.ACTIVATION
    months: Months = Months.PRORATA
    deadline: Deadline = Deadline.EARLIER
    removed: Removed = Removed.LAST_TEST
