"""An asset of a building: which loads it is made of, and what the user lets operators have of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from homeassistant.config_entries import ConfigSubentry

from ..control.load import Hours
from .const import (
    CONF_ACTIVATIONS_PER_DAY,
    CONF_ASSET_ID,
    CONF_DAYS,
    CONF_FLEX_PRODUCTS,
    CONF_LOADS,
    CONF_MAX_DURATION,
    CONF_MEASURED_BY,
    CONF_MOBILIZATION_DELAY,
    CONF_MOST_POWER,
    CONF_PARENT,
    CONF_RECOVERY,
    MEASURED_BY_METER,
)
from .operators import DAYS, hours_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSetup:
    """An asset as its subentry has it."""

    subentry_id: str
    title: str
    asset_id: str
    """What operators call it."""
    loads: tuple[str, ...]
    """Ids of subentries."""
    products: tuple[str, ...]
    most: Decimal | None
    """W; None: what its loads can give."""
    delay: timedelta
    """DMO."""
    longest: timedelta | None
    recovery: timedelta
    per_day: int | None
    hours: Hours | None
    days: frozenset[int]
    """0 is Monday."""
    parent: str | None
    """The id of a subentry."""
    by_meter: bool
    """Whether the meter of the building measures it, else its loads."""

    @classmethod
    def of(cls, subentry: ConfigSubentry) -> AssetSetup:
        """Read what the flow made; raise KeyError or ValueError if it did not."""
        data = subentry.data
        longest = _minutes(data, CONF_MAX_DURATION)
        return cls(
            subentry_id=subentry.subentry_id,
            title=subentry.title,
            asset_id=data[CONF_ASSET_ID],
            loads=tuple(data[CONF_LOADS]),
            products=tuple(data[CONF_FLEX_PRODUCTS]),
            most=Decimal(str(data[CONF_MOST_POWER])) * 1000 or None,
            delay=_minutes(data, CONF_MOBILIZATION_DELAY),
            longest=longest or None,
            recovery=_minutes(data, CONF_RECOVERY),
            per_day=int(data[CONF_ACTIVATIONS_PER_DAY]) or None,
            hours=hours_of(data),
            days=frozenset(DAYS.index(day) for day in data.get(CONF_DAYS) or DAYS),
            parent=data.get(CONF_PARENT) or None,
            by_meter=data[CONF_MEASURED_BY] == MEASURED_BY_METER,
        )


def whole(setups: Iterable[AssetSetup], loads: Iterable[str]) -> dict[str, AssetSetup]:
    """Return the assets that have a load left, by their subentries' ids: a load may have been taken back."""
    there = frozenset(loads)
    return {one.subentry_id: one for one in setups if there.intersection(one.loads)}


def _minutes(data: Mapping[str, Any], key: str) -> timedelta:
    return timedelta(minutes=float(data[key]))
