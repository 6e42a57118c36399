"""A contract as the user set it up: its terms, how it is read, its sites."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Any, Self, cast

from homeassistant.config_entries import ConfigEntry

from ..settlement.contract import Availability, Reservation, Terms
from ..settlement.methods import Choice, Method
from ..settlement.model import Direction
from ..settlement.profile import Decisions
from ..settlement.sites import Site, SiteKind, entities
from .const import (
    CONF_CONSENT,
    CONF_DAYS,
    CONF_DECISIONS,
    CONF_DIRECTION,
    CONF_ENDS,
    CONF_ENTITY,
    CONF_EXPECTED_CALL,
    CONF_FIXED_PREMIUM,
    CONF_FROM,
    CONF_JOINED,
    CONF_LEFT,
    CONF_MAX_ACTIVATION,
    CONF_MAX_DURATION,
    CONF_METHOD,
    CONF_MIN_DURATION,
    CONF_MIN_GAP,
    CONF_MOBILIZATION_DELAY,
    CONF_OTHER_OPERATOR,
    CONF_POWER,
    CONF_PROBABILITY,
    CONF_RESERVATION,
    CONF_SITE_ID,
    CONF_SITE_KIND,
    CONF_STARTS,
    CONF_SUBSCRIBED,
    CONF_TO,
    CONF_VARIABLE_PREMIUM,
    SUBENTRY_AVAILABILITY,
    SUBENTRY_PERIMETER_SITE,
)

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WH_A_MWH = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSetup:
    """What was set up."""

    terms: Terms
    decisions: Decisions
    sites: Mapping[str, Site]
    """By the id of their subentry."""
    gone: Mapping[str, Site] = field(default_factory=dict)
    """Those that were deleted, as they were: what was activated with them is settled with them."""
    choices: Mapping[str, Choice]
    """The reference method of each entity, by its name."""

    @property
    def known(self) -> Mapping[str, Site]:
        """The sites that are there, and those that were deleted."""
        return {**self.gone, **self.sites}

    @classmethod
    def of(cls, entry: ConfigEntry[Any], zone: tzinfo, gone: Mapping[str, Site] | None = None) -> Self:
        """Read an entry and its subentries; raise KeyError or ValueError if they make no sense."""
        periods = [one.data for one in entry.get_subentries_of_type(SUBENTRY_AVAILABILITY)]
        terms = terms_of(entry.data, periods, zone)
        sites = {one.subentry_id: site_of(one.data) for one in entry.get_subentries_of_type(SUBENTRY_PERIMETER_SITE)}
        # Of an entity that still has sites the method is theirs.
        units = entities([*sites.values(), *(gone or {}).values()])
        choices = {name: Choice(method=its[0].method, dmo=terms.dmo) for name, its in units.items()}
        return cls(terms=terms, decisions=decisions_of(entry.data), sites=sites, choices=choices, gone=gone or {})


def terms_of(data: Mapping[str, Any], periods: Iterable[Mapping[str, Any]], zone: tzinfo) -> Terms:
    """Read the terms of a contract, and its availability periods; raise KeyError or ValueError."""
    most, fixed, called, likely = (
        data.get(key) for key in (CONF_MAX_DURATION, CONF_FIXED_PREMIUM, CONF_EXPECTED_CALL, CONF_PROBABILITY)
    )
    return Terms(
        reservation=Reservation(data[CONF_RESERVATION]),
        direction=Direction(data[CONF_DIRECTION]),
        power_w=_watts(data[CONF_POWER]),
        dmo=timedelta(minutes=data[CONF_MOBILIZATION_DELAY]),
        least_duration=timedelta(minutes=data[CONF_MIN_DURATION]),
        most_duration=timedelta(minutes=most) if most else None,
        least_gap=timedelta(minutes=data[CONF_MIN_GAP]),
        starts=date.fromisoformat(data[CONF_STARTS]),
        ends=date.fromisoformat(data[CONF_ENDS]),
        zone=zone,
        variable_premium=_amount(data[CONF_VARIABLE_PREMIUM]),
        availability=tuple(map(availability_of, periods)),
        fixed_premium=None if fixed is None else _amount(fixed),
        expected_call_wh=None if called is None else int(_exact(called) * _WH_A_MWH),
        probability=None if likely is None else _exact(likely) / 100,
    )


def availability_of(data: Mapping[str, Any]) -> Availability:
    """Read an availability period; raise KeyError or ValueError."""
    return Availability(
        start=time.fromisoformat(data[CONF_FROM]),
        end=time.fromisoformat(data[CONF_TO]),
        power_w=_watts(data[CONF_POWER]),
        days=frozenset(map(_DAYS.index, data.get(CONF_DAYS) or _DAYS)),
    )


def site_of(data: Mapping[str, Any]) -> Site:
    """Read a site; raise KeyError or ValueError."""
    left = data.get(CONF_LEFT)
    return Site(
        id=data[CONF_SITE_ID],
        entity=data[CONF_ENTITY],
        kind=SiteKind(data[CONF_SITE_KIND]),
        method=Method(data[CONF_METHOD]),
        max_activation_w=_watts(data[CONF_MAX_ACTIVATION]),
        subscribed_w=_watts(data[CONF_SUBSCRIBED]),
        joined=date.fromisoformat(data[CONF_JOINED]),
        left=date.fromisoformat(left) if left else None,
        consent=data[CONF_CONSENT],
        other_operator=data[CONF_OTHER_OPERATOR],
    )


def decisions_of(data: Mapping[str, Any]) -> Decisions:
    """Read how a contract is read where it is silent; what is not said is as recommended. Raises ValueError."""
    said: Mapping[str, str] = data.get(CONF_DECISIONS) or {}
    usual = Decisions()
    words = {
        field.name: type(cast("StrEnum", getattr(usual, field.name)))(said[field.name])
        for field in fields(Decisions)
        if field.name in said
    }
    return Decisions(**cast("dict[str, Any]", words))


def _watts(kilowatts: float | str) -> int:
    return int(_exact(kilowatts) * 1000)


def _amount(text: str) -> Decimal:
    """Read an amount; raise ValueError if it is none."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"no amount: {text}") from error


def _exact(value: float | str) -> Fraction:
    """Take a number as it was written."""
    return Fraction(str(value))
