"""Events: a level was reached, an alert announced, a signal received, a load shed."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FlexReadyConfigEntry
from .building.const import EVENT_LIMIT, EVENT_LOAD
from .building.coordinator import BuildingCoordinator
from .building.descriptions import BUILDING_EVENTS, BuildingEventDescription
from .building.entity import BuildingEntity
from .desk.const import EVENT_REQUEST
from .desk.descriptions import ASSET_EVENTS, AssetEventDescription
from .desk.desk import Desk
from .desk.entity import AssetEntity, async_add_assets
from .fleet.coordinator import FleetCoordinator
from .fleet.descriptions import SITE_EVENTS
from .fleet.entity import SiteEntity, async_add_sites
from .fleet.order import Order
from .fleet.telling import told_of
from .grid.changes import AlertWatch, LevelWatch, SignalWatch, Watch
from .grid.ecowatt import EcowattCoordinator
from .grid.entity import GridEntity, SignalCoordinator
from .grid.supplier import SupplierCoordinator

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: FlexReadyConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the events of a signal or of a building."""
    match entry.runtime_data:
        case EcowattCoordinator() as ecowatt:
            async_add_entities(
                [
                    GridEvent(ecowatt, "ecowatt_level", LevelWatch(ecowatt)),
                    GridEvent(ecowatt, "ecowatt_alert", AlertWatch(ecowatt)),
                ]
            )
        case SupplierCoordinator() as supplier:
            async_add_entities([GridEvent(supplier, "supplier_signal", SignalWatch(supplier))])
        case BuildingCoordinator() as building:
            async_add_entities(BuildingEvent(building, row) for row in BUILDING_EVENTS)
            async_add_assets(building, async_add_entities, ASSET_EVENTS, RequestEvent)
        case FleetCoordinator() as fleet:
            async_add_sites(fleet, async_add_entities, SITE_EVENTS, SiteEvent)


class SiteEvent(SiteEntity, EventEntity):
    """What becomes of the requests to a remote site; what happened while Home Assistant was down is none."""

    entity_description: EventEntityDescription

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to what becomes of them."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen(self._told))

    @callback
    def _told(self, before: Order | None, order: Order) -> None:
        for kind, about in told_of(before, order):
            self._trigger_event(kind, about)
            self.async_write_ha_state()

    @override
    def _read(self) -> None:
        """Show nothing but the events."""

    @override
    def _accept(self, value: object) -> None:
        """Take nothing."""


class GridEvent[CoordinatorT: SignalCoordinator](GridEntity[CoordinatorT], EventEntity):
    """An event of a signal; what happened while Home Assistant was down is none."""

    def __init__(self, coordinator: CoordinatorT, key: str, watch: Watch[CoordinatorT]) -> None:
        """Make the event that a watch gives."""
        super().__init__(coordinator, EventEntityDescription(key=key, translation_key=key))
        self._attr_event_types = list(watch.kinds)
        self._watch = watch

    @override
    async def async_added_to_hass(self) -> None:
        """Take what is known now as known."""
        await super().async_added_to_hass()
        list(self._watch.look())

    @property
    @override
    def available(self) -> bool:
        """An event has happened, whether or not the signal is fresh now."""
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        for change in self._watch.look():
            self._trigger_event(change.kind, dict(change.about))
            self.async_write_ha_state()


class BuildingEvent(BuildingEntity, EventEntity):
    """What a building does about its limit; what happened while Home Assistant was down is none."""

    entity_description: BuildingEventDescription

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to what the coordinator tells."""
        await super().async_added_to_hass()
        for event in (EVENT_LIMIT, EVENT_LOAD):
            self.async_on_remove(self.hass.bus.async_listen(event, self._told, event_filter=self._is_ours))

    @callback
    def _is_ours(self, data: Mapping[str, Any]) -> bool:
        return bool(data["config_entry_id"] == self.coordinator.config_entry.entry_id)

    @callback
    def _told(self, event: Event) -> None:
        data = event.data
        if event.event_type == EVENT_LOAD:
            about = {"load": data["name"], "reason": data["sentence"], "rehearsed": data["rehearsed"]}
            self._trigger_event(f"load_{data['type']}", about)
        else:
            about = {name: data[name] for name in ("margin", "over", "limit", "unit", "rehearsed") if name in data}
            self._trigger_event(data["type"], about)
        self.async_write_ha_state()

    @override
    def _read(self) -> None:
        """Show nothing but the events."""

    @override
    def _accept(self, value: object) -> None:
        """Take nothing."""


class RequestEvent(AssetEntity, EventEntity):
    """The transitions of the requests that are made to an asset; its types are the states that they reach."""

    entity_description: AssetEventDescription

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to what the desk tells."""
        await super().async_added_to_hass()
        self.async_on_remove(self.hass.bus.async_listen(EVENT_REQUEST, self._told, event_filter=self._is_ours))

    @callback
    def _is_ours(self, data: Mapping[str, Any]) -> bool:
        ours = (self.coordinator.config_entry.entry_id, self.asset_id)
        return (data["config_entry_id"], data["asset_id"]) == ours

    @callback
    def _told(self, event: Event) -> None:
        data = event.data
        about = {name: data[name] for name in ("request_id", "operator", "was", "cause", "start", "end")}
        self._trigger_event(data["state"], {**about, "power": data["power_w"] / 1000})
        self.async_write_ha_state()

    @override
    def _value(self, desk: Desk) -> None:
        """Show nothing but the events."""

    @override
    def _accept(self, value: object) -> None:
        """Take nothing."""
