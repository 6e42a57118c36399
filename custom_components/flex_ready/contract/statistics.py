"""What the sites of a contract withdrew, hour by hour, as statistics of Home Assistant: for its graphs of energy.

They are external statistics: the recorder keeps them for ever, and no entity goes with them. An hour of which a half
is missing has no row, and the sum goes on after it. A reading that comes late changes its hour and all sums after it.

Only where there is a recorder is this imported.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import (
    StatisticsRow,
    async_add_external_statistics,
    get_last_statistics,
    statistics_during_period,
)
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util.unit_conversion import EnergyConverter

from ..const import DOMAIN
from ..ledger import Ledger
from ..settlement.load_curve import LoadCurve
from ..settlement.model import STEP, floor

_HOUR = timedelta(hours=1)
_REACH = timedelta(days=400)
"""How far back is published what nobody ever did."""
_LATELY = timedelta(days=2)
"""The recorder has what it was told before."""
_KWH = 1_000


def statistic_id(site: str) -> str:
    """Return what the statistics of a site are called."""
    return f"{DOMAIN}:{site.lower()}_withdrawal"


class SiteStatistics:
    """Publishes what is in the ledger."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger, names: Mapping[str, str]) -> None:
        """Make what publishes; `names` are what the user calls the sites, by their ids."""
        self._hass = hass
        self._ledger = ledger
        self._names = names
        self._sums: dict[str, dict[datetime, int]] = {}
        """Of each site, up to the end of each hour that was published lately (Wh), without a gap."""
        self._lock = asyncio.Lock()

    async def async_catch_up(self, now: datetime) -> None:
        """Publish what was written while nobody did. Raises LedgerError."""
        async with self._lock:
            for site in self._names:
                await self._async_find_last(site)
                sums = self._sums.get(site)
                await self._async_publish(site, max(sums) + _HOUR if sums else now - _REACH, now)

    async def async_publish(self, firsts: Mapping[str, datetime], now: datetime) -> None:
        """Publish what was written, of each site from an instant on; of one that was deleted nothing.

        Raises LedgerError.
        """
        async with self._lock:
            for site, first in firsts.items():
                if site in self._names:
                    await self._async_publish(site, first, now)

    async def _async_publish(self, site: str, written: datetime, now: datetime) -> None:
        """Publish the hours from that of an instant to the last that is over."""
        first = floor(written, _HOUR)
        hours = _hours(await self._ledger.readings(site, first, floor(now, _HOUR)))
        if not hours:
            return
        total = await self._async_sum_before(site, first)
        rows: list[StatisticData] = []
        sums = self._sums.get(site, {})
        for hour, wh in hours.items():
            sums[hour] = total = total + wh
            rows.append(StatisticData(start=hour, state=wh / _KWH, sum=total / _KWH))
        since = max(sums) - _LATELY
        self._sums[site] = {hour: wh for hour, wh in sums.items() if hour >= since}
        metadata = StatisticMetaData(
            has_sum=True,
            mean_type=StatisticMeanType.NONE,
            name=self._names[site],
            source=DOMAIN,
            statistic_id=statistic_id(site),
            unit_class=EnergyConverter.UNIT_CLASS,
            unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        )
        async_add_external_statistics(self._hass, metadata, rows)

    async def _async_sum_before(self, site: str, first: datetime) -> int:
        """Return the sum up to an hour (Wh)."""
        sums = self._sums.get(site, {})
        if (last := max((hour for hour in sums if hour < first), default=None)) is not None:
            return sums[last]
        name, recorder = statistic_id(site), get_instance(self._hass)
        await recorder.async_block_till_done()
        found = await recorder.async_add_executor_job(
            lambda: statistics_during_period(self._hass, first - _REACH, first, {name}, "hour", None, {"sum"})
        )
        rows = found.get(name)
        return _sum(rows[-1]) if rows else 0

    async def _async_find_last(self, site: str) -> None:
        """See what was published last."""
        name, recorder = statistic_id(site), get_instance(self._hass)
        await recorder.async_block_till_done()  # it may have been told just before a restart of the contract
        found = await recorder.async_add_executor_job(
            lambda: get_last_statistics(self._hass, 1, name, convert_units=False, types={"sum"})
        )
        for row in found.get(name, ()):
            self._sums[site] = {datetime.fromtimestamp(row["start"], UTC): _sum(row)}


def _sum(row: StatisticsRow) -> int:
    """Return a sum (Wh)."""
    return round((row["sum"] or 0) * _KWH)


def _hours(curve: LoadCurve) -> dict[datetime, int]:
    """Return the net withdrawal of each hour of which both halves are known (Wh), in order."""
    found = {}
    for at, reading in curve:
        if at == floor(at, _HOUR) and reading.wh is not None and (after := curve.wh(at + STEP)) is not None:
            found[at] = reading.wh + after
    return found
