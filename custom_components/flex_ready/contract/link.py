"""The orders of a contract that come as requests of an operator of a building here."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback

from ..building.coordinator import BuildingCoordinator
from ..desk.const import EVENT_REQUEST
from ..flexibility.model import Direction as Asked
from ..flexibility.record import Actor, RequestRecord, State, Trigger
from ..settlement.model import Direction, Order

if TYPE_CHECKING:
    from ..desk.desk import Desk

_DIRECTIONS = {
    Asked.DECREASE: Direction.REDUCE_NET_WITHDRAWAL,
    Asked.INCREASE: Direction.INCREASE_NET_WITHDRAWAL,
}
_SECOND = timedelta(seconds=1)

type Taken = Callable[[tuple[Order, ...]], None]


def orders_of(record: RequestRecord) -> Iterator[Order]:
    """Give the orders that a request comes to: one for each stretch of one power, if it was ever ordered.

    What its operator withdrew before it began is not accepted; what it withdrew then ended there. What the building
    did not do is ordered all the same.
    """
    ordered = next((one for one in record.history if one.trigger is Trigger.CONFIRM), None)
    if ordered is None:
        return
    last = record.history[-1]
    ended = record.ended
    withdrawn = next((one for one in record.history if one.trigger is Trigger.CANCEL), None)
    by_operator = withdrawn is not None and withdrawn.actor is Actor.OPERATOR
    stop = ended.at if by_operator and ended is not None else None
    gone = by_operator and ended is None and last.target is State.CANCELLED
    name = f"{record.key.asset_id}/{record.key.request_id}"
    for number, slot in enumerate(record.power):
        if not (power := int(slot.value.to_integral_value())):
            continue  # nothing is asked for then
        end = slot.end if stop is None else min(slot.end, max(stop.replace(microsecond=0), slot.start + _SECOND))
        yield Order(
            id=name if len(record.power) == 1 else f"{name}/{number + 1}",
            ordered_at=ordered.at,
            start=slot.start,
            end=end,
            power_w=power,
            direction=_DIRECTIONS[record.request.direction],
            accepted=not gone and (stop is None or slot.start < stop),
        )


class OrderLink:
    """Follows the requests of one operator at a building."""

    def __init__(self, hass: HomeAssistant, building: str, operator: str, taken: Taken) -> None:
        """Follow an operator (a subentry) of a building (an entry); `taken` is told the orders of each request."""
        self._hass = hass
        self._building = building
        self._operator = operator
        self._taken = taken

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Follow from now on, and tell of what was there before; return what ends it."""
        stop = self._hass.bus.async_listen(EVENT_REQUEST, self._heard)
        self.async_look()
        return stop

    @callback
    def async_look(self) -> None:
        """Tell the orders of all requests that are there."""
        if (desk := self._desk) is not None and (operator := desk.operators.get(self._operator)) is not None:
            for key, record in desk.book.records.items():
                if (key.issuer, key.client) == (operator.issuer, operator.client):
                    self._tell(record)

    @property
    def building(self) -> BuildingCoordinator | None:
        """Return the building, once it is loaded."""
        entry = self._hass.config_entries.async_get_entry(self._building)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        runtime = entry.runtime_data
        return runtime if isinstance(runtime, BuildingCoordinator) else None

    @property
    def _desk(self) -> Desk | None:
        building = self.building
        return None if building is None else building.desk

    @callback
    def _heard(self, event: Event) -> None:
        told = event.data
        if (told["config_entry_id"], told["operator_id"]) != (self._building, self._operator):
            return
        desk = self._desk
        if desk is None:
            return
        for key, record in desk.book.records.items():
            if (key.issuer, key.client, key.asset_id, key.request_id) == (
                *(told["issuer"], told["client"]),
                *(told["asset_id"], told["request_id"]),
            ):
                self._tell(record)

    def _tell(self, record: RequestRecord) -> None:
        orders = tuple(orders_of(record))
        if orders:
            self._taken(orders)
