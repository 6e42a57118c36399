"""A request in words, in the language of Home Assistant: of which asset, of whom, how much, from when to when."""

from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry

from ..building.meter_link import epoch_ms
from ..flexibility.record import Key, RequestRecord
from .const import CONF_ASSET_ID, SUBENTRY_ASSET
from .desk import Desk

if TYPE_CHECKING:
    from ..building.coordinator import BuildingCoordinator


def asset_title[RuntimeT](entry: ConfigEntry[RuntimeT], asset_id: str) -> str:
    """Return what the user calls an asset; one that is gone is called as operators did."""
    assets = entry.get_subentries_of_type(SUBENTRY_ASSET)
    return next((one.title for one in assets if one.data[CONF_ASSET_ID] == asset_id), asset_id)


def operator_title(desk: Desk, key: Key) -> str:
    """Return what the user calls an operator; one that is gone is called as its token did."""
    operator = desk.operator_of(key)
    return key.client if operator is None else operator.title


def power(building: BuildingCoordinator, record: RequestRecord) -> str:
    """Say how much less, or more, is to be drawn."""
    most = max(int(slot.value) for slot in record.power)
    return building.words.text(f"request_{record.request.direction}", power=building.words.power(most, in_kva=False))


def times(building: BuildingCoordinator, record: RequestRecord) -> tuple[str, str]:
    """Return the start and the end, as the site's clocks show them."""
    return building.words.time(epoch_ms(record.start)), building.words.time(epoch_ms(record.end))
