"""The logbook: what a building did about its limit, its loads and requests, in the language of Home Assistant."""

from collections.abc import Callable, Mapping
from datetime import datetime
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
from .building.meter_link import epoch_ms
from .building.words import Words
from .const import DOMAIN
from .desk.const import EVENT_REQUEST
from .desk.wording import asset_title
from .flexibility.record import State

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

    @callback
    def request(event: LazyEventPartialState) -> dict[str, Any]:
        entry = hass.config_entries.async_get_entry(event.data["config_entry_id"])
        asset_id: str = event.data["asset_id"]
        return {
            LOGBOOK_ENTRY_NAME: asset_id if entry is None else asset_title(entry, asset_id),
            LOGBOOK_ENTRY_MESSAGE: _request_message(hass, event.data),
            LOGBOOK_ENTRY_ICON: "mdi:handshake",
        }

    async_describe_event(DOMAIN, EVENT_LOAD, load)
    async_describe_event(DOMAIN, EVENT_LIMIT, limit)
    async_describe_event(DOMAIN, EVENT_REQUEST, request)


def _limit_message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    words = Words.cached(hass, dt_util.get_default_time_zone())
    in_kva = data.get("unit") == "VA"
    figures = {name: words.power(data[name], in_kva=in_kva) for name in _FIGURES if name in data}
    end = "_rehearsal" if data.get("rehearsed") and data["type"].startswith("limiting") else ""
    return words.text(f"logbook_{data['type']}{end}", **figures)


def _request_message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    words = Words.cached(hass, dt_util.get_default_time_zone())
    start, end = (words.time(epoch_ms(datetime.fromisoformat(data[name]))) for name in ("start", "end"))
    # After the activation the clock ends it all, whatever the reason was.
    cause = "given_back" if data["was"] == State.RECOVERING else data["cause"].lower()
    return words.text(
        f"request_log_{data['state']}",
        operator=data["operator"] or data["client"],
        power=words.power(round(data["power_w"]), in_kva=False),
        start=start,
        end=end,
        cause=words.text(f"request_cause_{cause}"),
    )
