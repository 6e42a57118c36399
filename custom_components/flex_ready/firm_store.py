"""A store that is written before something is done: it knows whether that worked, and says so once."""

from typing import Any, override

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from .const import DOMAIN, LOGGER


class FirmStore(Store[dict[str, Any]]):
    """Where an entry keeps what must outlive Home Assistant; `failed` tells that the last writing did not work."""

    failed = False

    def __init__(self, hass: HomeAssistant, version: int, entry_id: str, *, meanwhile: str) -> None:
        """Make the store of an entry; `meanwhile` says what is not done as long as it cannot be written."""
        super().__init__(hass, version, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True)
        self._meanwhile = meanwhile

    @override
    async def _async_write_data(self, data: dict[str, Any]) -> None:
        try:
            await super()._async_write_data(data)
        except (HomeAssistantError, OSError) as error:
            if not self.failed:
                LOGGER.error("%s cannot be written, and until it can %s: %s", self.key, self._meanwhile, error)
            self.failed = True
            return
        if self.failed:
            LOGGER.info("%s is written again", self.key)
        self.failed = False
