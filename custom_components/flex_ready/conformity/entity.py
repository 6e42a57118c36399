"""The sensor that says how many criteria of the referential are met: looked at seldom, written when that changes."""

import asyncio
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription
from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.const import EntityCategory
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later, async_track_time_interval

from ..building.coordinator import BuildingCoordinator
from ..const import DOMAIN
from .gathering import async_report
from .judging import Outcome, Report

_EVERY = timedelta(minutes=15)
_SETTLING = timedelta(minutes=2)
"""After an entry changed: by then its meter has sent its frames, and its signal was asked for."""

CONFORMITY_SENSORS: tuple[SensorEntityDescription, ...] = (
    SensorEntityDescription(
        key="conformity",
        translation_key="conformity",
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
)


class ConformitySensor(SensorEntity):
    """How many criteria an installation meets, of how many that apply."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, building: BuildingCoordinator, description: SensorEntityDescription) -> None:
        """Make the sensor of the installation around a building."""
        self._building = building
        self.entity_description = description
        entry = building.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})
        self._looking = asyncio.Lock()
        self._soon: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Look at once, then now and then; nobody is called for that."""
        self._take(await async_report(self._building, None))
        self.async_on_remove(async_track_time_interval(self.hass, self._due, _EVERY))
        self.async_on_remove(async_dispatcher_connect(self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed))
        self.async_on_remove(self._forget_soon)
        self._look_soon()

    @callback
    def _entry_changed(self, _change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain == DOMAIN:
            self._look_soon()

    @callback
    def _look_soon(self) -> None:
        """Look once things have settled; what changes until then is seen as well."""
        if self._soon is None:
            self._soon = async_call_later(self.hass, _SETTLING, self._settled)

    @callback
    def _forget_soon(self) -> None:
        if self._soon is not None:
            self._soon()
            self._soon = None

    @callback
    def _settled(self, now: datetime) -> None:
        self._soon = None
        self._due(now)

    @callback
    def _due(self, _now: datetime) -> None:
        entry = self._building.config_entry
        entry.async_create_background_task(self.hass, self._async_look(), "flex_ready conformity")

    async def _async_look(self) -> None:
        async with self._looking:
            report = await async_report(self._building, None)
        if self._take(report):
            self.async_write_ha_state()

    def _take(self, report: Report) -> bool:
        """Take a report; return whether it differs from the last one."""
        met, of = report.count(Outcome.MET), {"applicable": report.applicable}
        if met == self._attr_native_value and of == self._attr_extra_state_attributes:
            return False
        self._attr_native_value = met
        self._attr_extra_state_attributes = of
        return True
