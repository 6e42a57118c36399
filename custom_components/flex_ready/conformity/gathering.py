"""What is known of an installation now: gathered from its entries, which are asked nothing."""

from collections.abc import Iterator
from datetime import timedelta

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..api.views import API
from ..building.const import CONF_ECOWATT_ENTRY, CONF_METER_ENTRY, CONF_SUPPLIER_ENTRY
from ..building.coordinator import BuildingCoordinator
from ..const import CONF_KIND, CONF_METER, CONF_REHEARSAL, DOMAIN, Kind
from ..control.orders import Mode
from ..desk.const import SUBENTRY_OPERATOR
from ..desk.descriptions import connected
from ..desk.desk import Desk
from ..desk.entity import setups_of
from ..flexibility.model import Quality
from ..grid.ecowatt import EcowattCoordinator
from ..grid.supplier import SupplierCoordinator
from ..ledger import LedgerError
from ..meter.readings import contract_power
from ..signals.ecowatt.client import BASE_URL
from ..signals.supplier.model import SignalRejectedError, Step
from ..slots import Stretch
from ..tic import Meter
from .facts import ApiFacts, BuildingFacts, EcowattFacts, Facts, MeterFacts, SupplierFacts
from .judging import Report, judged
from .probe import address, async_answer

_FRAMES_TO_SETTLE = 3
_LATELY = timedelta(minutes=30)
"""Steps of the load curve are five minutes long."""
_DRAWN = frozenset((Quality.MEASURED, Quality.PARTIAL, Quality.ESTIMATED))


async def async_report(building: BuildingCoordinator, ask_within: timedelta | None) -> Report:
    """Judge the installation around a building; its address from outside is asked if that is longer ago."""
    return judged(
        Facts(
            now=dt_util.utcnow(),
            meter=_meter(building),
            ecowatt=_ecowatt(building),
            supplier=_supplier(building),
            api=await _async_api(building.hass, ask_within),
            building=await _async_building(building),
        )
    )


def _meter(building: BuildingCoordinator) -> MeterFacts:
    entry = building.hass.config_entries.async_get_entry(building.config_entry.data[CONF_METER_ENTRY])
    said = Meter.PME_PMI if entry is None else Meter(entry.data[CONF_METER])
    state = building.link.state
    if state is None:
        return MeterFacts(kind=said)
    in_kva, in_kw = (contract_power(state, unit) is not None for unit in ("kVA", "kW"))
    return MeterFacts(
        kind=state.meter or said,
        read=True,
        settled=state.decoder.counts.complete_frames >= _FRAMES_TO_SETTLE,
        received=frozenset(state.groups),
        named=frozenset(number for number in range(1, 9) if (state.text(f"LIB_p{number}D") or "").strip()),
        warned=state.present("PREAVIS"),
        in_kw=in_kw if in_kva or in_kw else None,
        drift_s=state.drift_s,
    )


def _ecowatt(building: BuildingCoordinator) -> EcowattFacts | None:
    chosen = building.config_entry.data.get(CONF_ECOWATT_ENTRY)
    entries = sorted(
        _entries(building.hass, Kind.ECOWATT),
        key=lambda one: (bool(one.data[CONF_REHEARSAL]), one.entry_id != chosen),
    )
    if not entries:
        return None
    entry = entries[0]
    runtime = _runtime(entry)
    held = runtime.current if isinstance(runtime, EcowattCoordinator) else None
    return EcowattFacts(
        rehearsal=entry.data[CONF_REHEARSAL],
        at_rte=entry.data.get(CONF_URL, BASE_URL) == BASE_URL,
        chosen=entry.entry_id == chosen,
        loaded=runtime is not None,
        fresh=held is not None,
        covers_now=held is not None and held.level_at(dt_util.utcnow()) is not None,
    )


def _supplier(building: BuildingCoordinator) -> SupplierFacts | None:
    chosen = building.config_entry.data.get(CONF_SUPPLIER_ENTRY)
    entries = sorted(_entries(building.hass, Kind.SUPPLIER), key=lambda one: one.entry_id != chosen)
    if not entries:
        return None
    runtime = _runtime(entries[0])
    if not isinstance(runtime, SupplierCoordinator):
        return SupplierFacts()
    held = runtime.current
    steps = () if held is None else tuple(slot.value for slot in held.steps)
    return SupplierFacts(
        loaded=True,
        fresh=held is not None,
        covers_now=held is not None and held.steps.at(dt_util.utcnow()) is not None,
        rejected=isinstance(runtime.failure, SignalRejectedError),
        default_data=held is not None and held.signal.default_data is True,
        lacking=tuple(_lacking(steps)),
    )


def _lacking(steps: tuple[Step, ...]) -> Iterator[str]:
    """Give what the steps do not all have, as the annex calls it."""
    if any(step.power is None for step in steps):
        yield "power"
    if any(step.price is None for step in steps):
        yield "cost"
    if any(step.co2 is None for step in steps):
        yield "co2"


async def _async_api(hass: HomeAssistant, ask_within: timedelta | None) -> ApiFacts:
    url = address(hass)
    return ApiFacts(
        served=API in hass.data,
        https=url is not None,
        answer=None if url is None else await async_answer(hass, url, ask_within),
    )


async def _async_building(building: BuildingCoordinator) -> BuildingFacts:
    desk = building.desk
    seen = [building.seen(name) for name in building.handovers]
    by_level = (ours.policy.from_level for ours in building.handovers.values())
    measured = None if desk is None else await _async_measured(desk)
    last = max(desk.last_calls.items(), key=lambda one: one[1].at, default=None) if desk is not None else None
    return BuildingFacts(
        on=building.kept.on,
        limits=building.kept.mode is Mode.LIMIT,
        loads=len(seen),
        loads_ready=sum(one.available and one.managed for one in seen),
        loads_by_ecowatt=sum(level is not None for level in by_level),
        assets=len([*setups_of(building)]),
        operators=len([*building.config_entry.get_subentries_of_type(SUBENTRY_OPERATOR)]),
        desk_open=desk is not None,
        ledger_read=measured is not None,
        assets_measured=measured or 0,
        called_at=None if last is None else last[1].at,
        call_answered=desk is not None and last is not None and bool(connected(desk, last[0])),
    )


async def _async_measured(desk: Desk) -> int | None:
    """Return of how many assets the ledger has a step that was measured lately; None: it cannot be read."""
    lately = Stretch(desk.now() - _LATELY, desk.now())
    found = 0
    for setup in desk.setups.values():
        try:
            curve = await desk.consumption(setup.asset_id, lately)
        except LedgerError:
            return None
        found += any(slot.value.quality in _DRAWN for slot in curve)
    return found


def _entries(hass: HomeAssistant, kind: Kind) -> Iterator[ConfigEntry]:
    """Give the entries of a kind that are not disabled."""
    for entry in hass.config_entries.async_entries(DOMAIN, include_disabled=False):
        if entry.data.get(CONF_KIND) == kind:
            yield entry


def _runtime(entry: ConfigEntry) -> object:
    """Return what runs an entry, if it is loaded."""
    return entry.runtime_data if entry.state is ConfigEntryState.LOADED else None
