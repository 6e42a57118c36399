"""The logbook: what a building did about its limit and its loads, in the language of Home Assistant."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.logbook.models import LazyEventPartialState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .building.const import EVENT_LIMIT, EVENT_LOAD
from .building.words import Words
from .const import DOMAIN

_FIGURES = ("margin", "over", "limit")


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[LazyEventPartialState], dict[str, Any]]], None],
) -> None:
    """Describe the events of buildings."""

    @callback
    def load(event: LazyEventPartialState) -> dict[str, Any]:
        told: str = event.data["sentence"]
        return {
            LOGBOOK_ENTRY_NAME: event.data["name"],
            LOGBOOK_ENTRY_MESSAGE: told[:1].lower() + told[1:],
            LOGBOOK_ENTRY_ENTITY_ID: event.data["entity_id"],
            LOGBOOK_ENTRY_ICON: "mdi:power-plug-off" if event.data["type"] == "shed" else "mdi:power-plug",
        }

    @callback
    def limit(event: LazyEventPartialState) -> dict[str, Any]:
        return {
            LOGBOOK_ENTRY_NAME: event.data["building"],
            LOGBOOK_ENTRY_MESSAGE: _limit_message(hass, event.data),
            LOGBOOK_ENTRY_ICON: "mdi:gauge-full",
        }

    async_describe_event(DOMAIN, EVENT_LOAD, load)
    async_describe_event(DOMAIN, EVENT_LIMIT, limit)


def _limit_message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    words = Words.cached(hass, dt_util.get_default_time_zone())
    in_kva = data.get("unit") == "VA"
    figures = {name: words.power(data[name], in_kva=in_kva) for name in _FIGURES if name in data}
    end = "_rehearsal" if data.get("rehearsed") and data["type"].startswith("limiting") else ""
    return words.text(f"logbook_{data['type']}{end}", **figures)
