"""The perimeter of a contract: its sites, in entities of flexibility, and what the network operator checks of them.

Sources: docs/settlement.md, R4, R11 to R13, R20; Enedis 2020, slides 8 to 11.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .contract import Reservation, Terms, months_later
from .methods import Method
from .profile import ENEDIS_2020, Profile


class SiteKind(StrEnum):
    """What a site can do; an entity has sites of one kind (R11)."""

    WITHDRAWAL = "withdrawal"
    INJECTION = "injection"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site that is committed to a contract."""

    id: str
    """The PRM; empty: not known."""
    entity: str
    kind: SiteKind
    method: Method
    """Of its entity."""
    max_activation_w: int
    subscribed_w: int
    """Subscribed or installed."""
    joined: date
    left: date | None = None
    """The first day on which it does not belong to the perimeter any more."""
    located: bool = True
    """Whether it lies where the service is needed."""
    consent: bool = True
    """Whether the customer's consent was received, and is in force."""
    active: bool = True
    """Whether its supply contract is."""
    half_hours: bool = True
    """Whether it has a load curve of 30 minutes."""
    other_operator: bool = False
    """Whether it takes part in some mechanism by another legal person."""

    def belongs(self, day: date) -> bool:
        """Tell whether it belongs to the perimeter on a local day."""
        return self.joined <= day and (self.left is None or day < self.left)

    @property
    def enters(self) -> date:
        """The first day of the first month to whose perimeter it belongs."""
        return _whole_month(self.joined)


class NotEligible(StrEnum):
    """Why a site cannot belong to a perimeter (R4, R13)."""

    NO_ID = "no_id"
    ELSEWHERE = "elsewhere"
    NO_CONSENT = "no_consent"
    TERMINATED = "terminated"
    NO_LOAD_CURVE = "no_load_curve"
    OTHER_OPERATOR = "other_operator"


class WrongEntity(StrEnum):
    """What is wrong with an entity (R11)."""

    MIXED_KINDS = "mixed_kinds"
    MIXED_METHODS = "mixed_methods"


class WrongPerimeter(StrEnum):
    """What is wrong with a perimeter (R13): powers are compared strictly, as written."""

    SERVICE_TOO_LARGE = "service_too_large"
    """The service is not below what the sites can activate together."""
    CAPACITY_TOO_LARGE = "capacity_too_large"
    """That is not below what they have subscribed or installed together."""
    SERVICE_TOO_SMALL = "service_too_small"
    """It is below the smallest offer."""


def not_eligible(site: Site) -> tuple[NotEligible, ...]:
    """Return why a site cannot belong to a perimeter; nothing: it can."""
    found = {
        NotEligible.NO_ID: not site.id,
        NotEligible.ELSEWHERE: not site.located,
        NotEligible.NO_CONSENT: not site.consent,
        NotEligible.TERMINATED: not site.active,
        NotEligible.NO_LOAD_CURVE: not site.half_hours,
        NotEligible.OTHER_OPERATOR: site.other_operator,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def entities(sites: Iterable[Site]) -> Mapping[str, tuple[Site, ...]]:
    """Return the sites by their entity."""
    found: dict[str, list[Site]] = {}
    for site in sites:
        found.setdefault(site.entity, []).append(site)
    return {name: tuple(its) for name, its in found.items()}


def wrong_entity(sites: Iterable[Site]) -> tuple[WrongEntity, ...]:
    """Return what is wrong with the entity that some sites make."""
    sites = tuple(sites)
    found = {
        WrongEntity.MIXED_KINDS: len({site.kind for site in sites}) > 1,
        WrongEntity.MIXED_METHODS: len({site.method for site in sites}) > 1,
    }
    return tuple(wrong for wrong, holds in found.items() if holds)


def members(sites: Iterable[Site], month: date) -> tuple[Site, ...]:
    """Return the perimeter of a month: sites that belong to it from its first day on, without those not eligible.

    That of an activation is that of the month in which it starts (D12).
    """
    first = month.replace(day=1)
    return tuple(site for site in sites if site.belongs(first) and not not_eligible(site))


def wrong_perimeter(terms: Terms, sites: Iterable[Site], profile: Profile = ENEDIS_2020) -> tuple[WrongPerimeter, ...]:
    """Return what is wrong with the perimeter that some sites make."""
    return wrong_powers(terms.power_w, [(site.max_activation_w, site.subscribed_w) for site in sites], profile)


def wrong_powers(
    service_w: int, sites: Sequence[tuple[int, int]], profile: Profile = ENEDIS_2020
) -> tuple[WrongPerimeter, ...]:
    """Return what is wrong with the powers (W) of a service and of its sites: what each can activate, and has."""
    capacity, subscribed = sum(most for most, _ in sites), sum(power for _, power in sites)
    found = {
        WrongPerimeter.SERVICE_TOO_LARGE: not service_w < capacity,
        WrongPerimeter.CAPACITY_TOO_LARGE: not capacity < subscribed,
        WrongPerimeter.SERVICE_TOO_SMALL: service_w < profile.least_service_w,
    }
    return tuple(wrong for wrong, holds in found.items() if holds)


def removed_w(sites: Iterable[Site], since: date, until: date) -> int:
    """Return the capacity (W) of sites that left until a day, and were in the perimeter after another one.

    They are in it until the end of their last month: a test that is passed in that month is passed with them. One that
    is not eligible is not in it, whenever it left.
    """
    return sum(
        site.max_activation_w
        for site in sites
        if site.left is not None
        and _whole_month(site.left) <= until
        and max(since, site.enters) < _whole_month(site.left)
        and not not_eligible(site)
    )


def additional_test_due(terms: Terms, removed: int, profile: Profile = ENEDIS_2020) -> bool:
    """Tell whether so much capacity (W) was taken out that there is an additional test (R20): more than 10 %."""
    return terms.reservation is Reservation.ACTIVE and removed > profile.removed_share * terms.power_w


def _whole_month(day: date) -> date:
    """Return the first day of the first month that begins on a day or after it."""
    return day if day.day == 1 else months_later(day.replace(day=1), 1)
