"""What stands in the calendar of a building: the requests that are open, and those that were ordered."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.components.calendar import CalendarEntityDescription, CalendarEvent

from ..building.entity import BuildingDescription
from ..flexibility.lifecycle import OPEN
from ..flexibility.record import RequestRecord
from ..slots import Stretch
from . import wording
from .desk import Desk

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator


@dataclass(frozen=True, kw_only=True)
class RequestCalendarDescription(BuildingDescription, CalendarEntityDescription):
    """A calendar of a building."""


REQUEST_CALENDARS = (RequestCalendarDescription(key="requests", translation_key="requests"),)


def occasions(desk: Desk, stretch: Stretch) -> list[RequestRecord]:
    """Return the requests that some instant of a stretch lies in, in order; what came to nothing is left out."""
    found = (record for record in desk.book.records.values() if record.state in OPEN or record.confirmation is not None)
    within = (record for record in found if record.start < stretch.end and stretch.start < record.end)
    return sorted(within, key=lambda record: (record.start, record.history[0].at))


def calendar_event(building: BuildingCoordinator, desk: Desk, record: RequestRecord) -> CalendarEvent:
    """Say in a line what is asked of which asset and where that stands; beneath it, who asks."""
    words = building.words
    return CalendarEvent(
        start=record.start.astimezone(building.zone),
        end=record.end.astimezone(building.zone),
        summary=words.text(
            "request_calendar",
            asset=wording.asset_title(building.config_entry, record.key.asset_id),
            power=wording.power(building, record),
            state=words.text(f"request_state_{record.state}"),
        ),
        description=words.text(
            "request_calendar_details",
            operator=wording.operator_title(desk, record.key),
            request=record.request.id,
        ),
    )
