"""Calendars."""

from collections.abc import Hashable, Iterator
from datetime import UTC, datetime, timedelta
from typing import override

from homeassistant.components.calendar import CalendarEntity, CalendarEntityDescription, CalendarEvent
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.translation import async_get_translations

from . import FlexReadyConfigEntry
from .building.coordinator import BuildingCoordinator
from .building.entity import BuildingEntity
from .const import DOMAIN
from .contract.coordinator import ContractCoordinator
from .contract.descriptions import CONTRACT_CALENDARS
from .contract.diary import Note, notes
from .contract.entity import ContractEntity
from .desk.entity import setups_of
from .desk.occasions import REQUEST_CALENDARS, RequestCalendarDescription, calendar_event, occasions
from .grid.ecowatt import EcowattCoordinator
from .grid.ecowatt_descriptions import ECOWATT_CALENDARS
from .grid.entity import GridEntity, SignalCoordinator
from .grid.occasion import GridCalendarDescription, Occasion
from .grid.supplier import SupplierCoordinator
from .grid.supplier_descriptions import SUPPLIER_CALENDARS
from .slots import Stretch

PARALLEL_UPDATES = 0
_AHEAD = timedelta(days=5)
"""No signal reaches further: Ecowatt has four days."""
_TWO_MONTHS = timedelta(days=62)
"""There is a deadline of a contract in any two months."""


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the calendars of a signal."""
    found = await async_get_translations(hass, hass.config.language, "common", [DOMAIN])
    prefix = f"component.{DOMAIN}.common."
    texts = {key.removeprefix(prefix): text for key, text in found.items()}
    match entry.runtime_data:
        case EcowattCoordinator() as ecowatt:
            async_add_entities(GridCalendar(ecowatt, row, texts) for row in ECOWATT_CALENDARS)
        case SupplierCoordinator() as supplier:
            async_add_entities(GridCalendar(supplier, row, texts) for row in SUPPLIER_CALENDARS)
        case BuildingCoordinator() as building if any(setups_of(building)):
            async_add_entities(RequestCalendar(building, row) for row in REQUEST_CALENDARS)
        case ContractCoordinator() as contract:
            async_add_entities(ContractCalendar(contract, row, texts) for row in CONTRACT_CALENDARS)


class GridCalendar[CoordinatorT: SignalCoordinator](GridEntity[CoordinatorT], CalendarEntity):
    """A calendar of a signal; its state is on while an occasion lasts."""

    entity_description: GridCalendarDescription[CoordinatorT]

    def __init__(
        self, coordinator: CoordinatorT, description: GridCalendarDescription[CoordinatorT], texts: dict[str, str]
    ) -> None:
        """Make a calendar whose entries are in the language of some texts."""
        super().__init__(coordinator, description)
        self._texts = texts

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """The running occasion, or the next one."""
        now = self.coordinator.now()
        return next((event for event in self._events(Stretch(now, now + _AHEAD)) if event.end > now), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the occasions that some instant of a stretch lies in."""
        return list(self._events(Stretch(start_date.astimezone(UTC), end_date.astimezone(UTC))))

    @override
    def _read(self) -> Hashable:
        event = self.event
        return (event.start, event.end, event.summary) if event else None

    def _events(self, stretch: Stretch) -> Iterator[CalendarEvent]:
        if self.coordinator.fresh:
            for occasion in self.entity_description.occasions_fn(self.coordinator, stretch):
                if occasion.stretch.overlaps(stretch):
                    yield self._event(occasion)

    def _event(self, occasion: Occasion) -> CalendarEvent:
        zone, text = self.coordinator.zone, self._texts.get(occasion.text, occasion.text)
        return CalendarEvent(
            start=occasion.stretch.start.astimezone(zone),
            end=occasion.stretch.end.astimezone(zone),
            summary=text.format(**occasion.placeholders),
        )


class RequestCalendar(BuildingEntity, CalendarEntity):
    """The calendar of the requests that are made to a building; its state is on while one lasts."""

    entity_description: RequestCalendarDescription

    @property
    @override
    def available(self) -> bool:
        """Nothing is known of requests while the ledger cannot be read."""
        return self.coordinator.desk is not None

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """The running request, or the next one."""
        if (desk := self.coordinator.desk) is None:
            return None
        record = desk.shown.coming(desk.now())
        return None if record is None else calendar_event(self.coordinator, desk, record)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the requests that some instant of a stretch lies in, past ones too."""
        if (desk := self.coordinator.desk) is None:
            return []
        stretch = Stretch(start_date.astimezone(UTC), end_date.astimezone(UTC))
        return [calendar_event(self.coordinator, desk, record) for record in occasions(desk, stretch)]

    @override
    def _read(self) -> Hashable:
        event = self.event
        return (event.start, event.end, event.summary) if event else None

    @override
    def _accept(self, value: Hashable) -> None:
        """Take nothing: the state is that of the event."""


class ContractCalendar(ContractEntity, CalendarEntity):
    """The calendar of a contract; its state is on while something lasts."""

    def __init__(
        self, contract: ContractCoordinator, description: CalendarEntityDescription, texts: dict[str, str]
    ) -> None:
        """Make a calendar whose entries are in the language of some texts."""
        super().__init__(contract, description)
        self._texts = texts

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """What runs, or comes next."""
        now = self.coordinator.now()
        coming = map(self._event, notes(self.coordinator, Stretch(now, now + _TWO_MONTHS)))
        return min(coming, key=lambda event: event.start_datetime_local, default=None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return what some instant of a stretch lies in, past ones too."""
        stretch = Stretch(start_date.astimezone(UTC), end_date.astimezone(UTC))
        return [self._event(note) for note in notes(self.coordinator, stretch)]

    @override
    def _read(self) -> Hashable:
        event = self.event
        return (event.start, event.end, event.summary) if event else None

    @override
    def _accept(self, value: Hashable) -> None:
        """Take nothing: the state is that of the event."""

    def _event(self, note: Note) -> CalendarEvent:
        text = self._texts.get(note.text, note.text)
        return CalendarEvent(start=note.start, end=note.end, summary=text.format(**note.placeholders))
