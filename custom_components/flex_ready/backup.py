"""The ledgers in a backup of Home Assistant: their files are whole and stay as they are while they are copied."""

from homeassistant.core import HomeAssistant

from .desk.ledgers import async_hold, async_let_go


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Get the files ready."""
    await async_hold(hass)


async def async_post_backup(hass: HomeAssistant) -> None:
    """Go on writing into them."""
    await async_let_go(hass)
