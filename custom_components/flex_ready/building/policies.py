"""The standing orders of a building: what Ecowatt and the price ask of loads, as the user laid down.

An order lasts to the end of the stretch that is known now; both signals are those of entries chosen in the flow.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from ..control.orders import Reason, Source, Wish
from ..grid.ecowatt import EcowattCoordinator
from ..grid.supplier import SupplierCoordinator
from ..signals.ecowatt.model import Level
from ..signals.supplier.model import Step
from ..slots import Series, Slot
from .const import CONF_ECOWATT_ENTRY, CONF_SHED_ABOVE_PRICE, CONF_SHED_FROM_LEVEL, CONF_SUPPLIER_ENTRY
from .meter_link import epoch_ms

LEVELS = {level.name.lower(): level for level in (Level.TENSE, Level.VERY_TENSE)}
"""From which level of Ecowatt a load may be shed."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a load is shed without anybody asking: None is never."""

    from_level: Level | None = None
    above_price: Decimal | None = None
    """EUR/kWh."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Policy:
        """Read what is kept of a load; raise KeyError or ValueError if that was not made by the flow."""
        level, price = data.get(CONF_SHED_FROM_LEVEL), data.get(CONF_SHED_ABOVE_PRICE)
        return cls(LEVELS[level] if level else None, None if price is None else Decimal(str(price)))


class Policies:
    """Looks at the signals of a building."""

    def __init__(self, hass: HomeAssistant, building: Mapping[str, Any], loads: Mapping[str, Policy]) -> None:
        """Take the policies of the loads, by their subentry's id."""
        self._hass = hass
        self._ecowatt = building.get(CONF_ECOWATT_ENTRY)
        self._supplier = building.get(CONF_SUPPLIER_ENTRY)
        self._loads = loads

    def wishes(self, now: datetime) -> Iterator[Wish]:
        """Give what the signals ask for at an instant (UTC); what is stale or not known asks for nothing."""
        ecowatt, supplier = self._runtime(self._ecowatt), self._runtime(self._supplier)
        if isinstance(ecowatt, EcowattCoordinator) and (forecast := ecowatt.current) is not None:
            yield from self._by_level(forecast.hours, now)
        if isinstance(supplier, SupplierCoordinator) and (held := supplier.current) is not None:
            yield from self._by_price(held.steps, now)

    def red(self) -> tuple[Slot[bool], ...]:
        """Return when Ecowatt is red, as far as that is known."""
        ecowatt = self._runtime(self._ecowatt)
        forecast = ecowatt.current if isinstance(ecowatt, EcowattCoordinator) else None
        hours = forecast.hours if forecast is not None else ()
        return tuple(Slot(hour.start, hour.end, True) for hour in hours if hour.value >= Level.VERY_TENSE)

    def _by_level(self, hours: Series[Level], now: datetime) -> Iterator[Wish]:
        for name, least in LEVELS.items():
            loads = tuple(load for load, policy in self._loads.items() if policy.from_level is least)

            def tense(level: Level, least: Level = least) -> bool:
                return level >= least

            if loads and (until := _end(hours, now, tense)) is not None:
                yield _wish(f"ecowatt_{name}", Source.ECOWATT, Reason.ECOWATT, loads, until)

    def _by_price(self, steps: Series[Step], now: datetime) -> Iterator[Wish]:
        for load, policy in self._loads.items():
            if (most := policy.above_price) is None:
                continue

            def dear(step: Step, most: Decimal = most) -> bool:
                return step.price is not None and step.price > most

            if (until := _end(steps, now, dear)) is not None:
                yield _wish(f"price_{load}", Source.PRICE, Reason.PRICE, (load,), until)

    def _runtime(self, entry_id: str | None) -> object:
        """Return what runs an entry, if it is loaded."""
        entry = self._hass.config_entries.async_get_entry(entry_id) if entry_id else None
        return entry.runtime_data if entry is not None and entry.state is ConfigEntryState.LOADED else None


def _wish(name: str, source: Source, reason: Reason, loads: tuple[str, ...], until: datetime) -> Wish:
    return Wish(id=name, source=source, reason=reason, loads=loads, until=epoch_ms(until))


def _end[ValueT](series: Series[ValueT], now: datetime, holds: Callable[[ValueT], bool]) -> datetime | None:
    """Return the end of the stretch around an instant in which something holds without a gap."""
    slot = series.at(now)
    if slot is None or not holds(slot.value):
        return None
    return next(run.end for run in series.runs(holds) if run.start <= now < run.end)
