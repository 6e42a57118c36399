"""What a user does to the requests of a school: by its devices and by actions."""

from typing import Any

from desks import School
from homeassistant.helpers import device_registry as dr

from custom_components.flex_ready.building.entity import identifier
from custom_components.flex_ready.const import DOMAIN


def device(school: School, kind: str) -> str:
    """Return the device of the asset, or of the operator."""
    entry = school.loop.entry
    [subentry] = entry.get_subentries_of_type(kind)
    wanted = identifier(entry.entry_id, subentry.subentry_id)
    found = dr.async_get(school.hass).async_get_device_by_identifier(wanted, entry.entry_id)
    assert found
    return found.id


async def call(school: School, action: str, response: bool = True, **data: Any) -> Any:  # noqa: ANN401, FBT001, FBT002
    """Call an action on the building."""
    answer = await school.hass.services.async_call(
        DOMAIN,
        action,
        {"config_entry_id": school.loop.entry.entry_id, **data},
        blocking=True,
        return_response=response,
    )
    await school.hass.async_block_till_done()
    return answer
