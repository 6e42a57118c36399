"""A site whose BACS is asked for what it drew: what is missing of the time before, and the half-hour that runs."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import islice

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_utc_time_change
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..fleet.coordinator import FleetCoordinator
from ..fleet.site import RemoteSite
from ..flexibility.client_errors import BacsError
from ..flexibility.model import Consumed, Quality as Told_
from ..ledger import LedgerError
from ..settlement.indexes import MOST_W
from ..settlement.load_curve import LoadCurve
from ..settlement.model import STEP, Quality, Reading, floor
from ..settlement.together import put_together
from ..slots import Slot, Stretch
from .source import Kept, Running, Told, so_far

type Known = Callable[[datetime, datetime], Awaitable[LoadCurve]]
"""Returns the readings of a stretch that are there; raises LedgerError."""

_REACH = timedelta(days=400)
"""As far back as readings are kept."""
_DAY = timedelta(days=1)
_LAG = timedelta(minutes=2)
"""After its end a BACS may take so long to have a step."""
_GIVEN_UP = timedelta(hours=3)
"""What a BACS that answers does not have so long afterwards, it will not have."""
_DAYS_A_TIME = 10
_EMPTY_DAYS = 7
"""After so many in a row there is nothing before."""
_QUALITIES = {Told_.MEASURED: Quality.MEASURED, Told_.MISSING: Quality.MISSING}
_S_A_HOUR = 3_600


class RemoteSource:
    """Asks an asset of a remote site every ten minutes, as long as its fleet is loaded."""

    def __init__(
        self,
        hass: HomeAssistant,
        fleet: ConfigEntry,
        site: str,
        asset: tuple[str, str],
        told: Told,
        known: Known,
        *,
        second: int = 0,
    ) -> None:
        """Make what asks; `site` is a subentry of the fleet, `asset` the ids of a BACS and of its asset.

        Calls are made at a second of the minute, so that those to many sites do not meet.
        """
        self._hass = hass
        self._fleet = fleet
        self._site = site
        self._asset = asset
        self._told = told
        self._known = known
        self._second = second
        self._stop: CALLBACK_TYPE | None = None
        self._asking = False
        self._empty = 0
        self._looked: set[datetime] = set()
        """Days of which there is nothing."""
        self._running: tuple[Slot[tuple[Fraction | None, Quality]], ...] = ()
        """Steps of the half-hour that runs."""

    async def async_start(self) -> None:
        """Ask, now and then."""
        minutes = range(int(_LAG.total_seconds()) // 60, 60, 10)
        self._stop = async_track_utc_time_change(self._hass, self._due, minute=minutes, second=self._second)
        self._ask()

    async def async_stop(self) -> None:
        """Ask no more; what is under way ends with its entry."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def kept(self) -> Kept:
        """Return nothing: the BACS keeps it."""
        return {}

    def running(self, now: datetime) -> Running:
        """Return what is known of the half-hour that runs."""
        start = floor(now, STEP)
        wh, until, watts = Fraction(), start, None
        for slot in self._running:
            drawn, _ = slot.value
            if drawn is None or slot.start != until:
                break
            wh, until = wh + drawn, slot.end
            watts = round(drawn * _S_A_HOUR / Fraction(slot.length // timedelta(seconds=1)))
        return so_far(start, until, round(wh) if until > start else None, watts, now)

    @callback
    def _due(self, _now: datetime) -> None:
        self._ask()

    @callback
    def _ask(self) -> None:
        if not self._asking and self._remote is not None:
            self._asking = True
            self._fleet.async_create_background_task(self._hass, self._async_ask(), f"readings of {self._site}")

    async def _async_ask(self) -> None:
        try:
            await self._async_catch_up(dt_util.utcnow())
        except (BacsError, LedgerError) as error:
            LOGGER.debug("No readings of %s: %s", self._site, error)  # the fleet says so if it cannot be reached
        finally:
            self._asking = False

    @property
    def _remote(self) -> RemoteSite | None:
        if self._fleet.state is not ConfigEntryState.LOADED:
            return None
        coordinator = self._fleet.runtime_data
        return coordinator.sites.get(self._site) if isinstance(coordinator, FleetCoordinator) else None

    async def _async_catch_up(self, now: datetime) -> None:
        """Ask for the days of which something is missing, the last one first; raise BacsError or LedgerError."""
        edge = floor(now - _LAG, STEP)
        curve = await self._known(floor(edge - _REACH, _DAY), edge)
        for day in islice(self._days(curve, edge), _DAYS_A_TIME):
            first = next((at for at in _steps(day, min(day + _DAY, edge)) if at not in curve.readings), edge)
            slots = await self._async_drawn(Stretch(first, min(day + _DAY, now)))
            if slots is None or self._stop is None:
                return
            readings = {
                start: reading
                for start, reading in put_together(slots).items()
                if first <= start < day + _DAY and reading.wh is not None
            }
            if day + _DAY > now:
                self._running = tuple(slot for slot in slots if slot.start >= floor(now, STEP))
            if not readings:
                self._empty += 1
                if day + _DAY + _GIVEN_UP < now:
                    self._looked.add(day)
                continue
            self._empty = 0
            missing = (at for at in _steps(first, min(day + _DAY, edge)) if at not in readings and at + _GIVEN_UP < now)
            readings |= dict.fromkeys(missing, Reading(None, Quality.MISSING))
            self._told(STEP, readings)

    def _days(self, curve: LoadCurve, edge: datetime) -> Iterator[datetime]:
        """Give the days of which something is not there, the last one first: it has the half-hour that runs."""
        day = floor(edge, _DAY)
        yield day
        while day > edge - _REACH and self._empty < _EMPTY_DAYS:
            day -= _DAY
            if day not in self._looked and any(at not in curve.readings for at in _steps(day, day + _DAY)):
                yield day

    async def _async_drawn(self, stretch: Stretch) -> list[Slot[tuple[Fraction | None, Quality]]] | None:
        """Ask what was drawn in a stretch; None: there is nobody to ask any more. Raises BacsError."""
        remote, (bacs_id, asset_id) = self._remote, self._asset
        if remote is None:
            return None
        told = await remote.async_ask(lambda client: client.consumption(bacs_id, asset_id, stretch))
        return list(_energies(told.steps))


def _steps(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += STEP


def _energies(slots: Iterable[Slot[Consumed]]) -> Iterator[Slot[tuple[Fraction | None, Quality]]]:
    """Give the energy of each step; of one that was measured in part, what its mean power makes of the whole.

    What no site can draw is not believed.
    """
    for slot in slots:
        value, seconds = slot.value, Fraction(slot.length // timedelta(seconds=1))
        by_power = None if value.power is None else Fraction(value.power) * seconds / _S_A_HOUR
        wh = None if value.energy is None else Fraction(value.energy)
        if wh is None or (value.quality is Told_.PARTIAL and by_power is not None):
            wh = by_power
        if wh is not None and abs(wh) > MOST_W * seconds / _S_A_HOUR:
            wh = None
        yield Slot(slot.start, slot.end, (wh, _QUALITIES.get(value.quality, Quality.ESTIMATED)))
