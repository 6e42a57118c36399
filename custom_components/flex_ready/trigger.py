"""Triggers: the limit of a building is approached, a load is shed or given back, a flexibility request goes on."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast, override

from homeassistant.const import CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType
import probatio

from .building.const import CONF_BUILDING, CONF_LOAD, CONF_OBSERVED, EVENT_LIMIT, EVENT_LOAD
from .building.entity import load_of_device
from .desk.triggers import REQUEST_TRIGGERS

_OPTIONS: dict[probatio.Marker, Any] = {probatio.Optional(CONF_BUILDING): cv.string}
_LIMIT_SCHEMA = probatio.Schema({probatio.Required(CONF_OPTIONS, default=dict): _OPTIONS})
_LOAD_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_OPTIONS, default=dict): {
            **_OPTIONS,
            probatio.Optional(CONF_LOAD): cv.string,
            probatio.Optional(CONF_OBSERVED, default=False): cv.boolean,
        }
    }
)


class _BuildingTrigger(Trigger):
    """Triggers on an event of a building, any or one."""

    schema: ClassVar[probatio.Schema] = _LIMIT_SCHEMA
    event: ClassVar[str] = EVENT_LIMIT
    kind: ClassVar[str]
    described: ClassVar[str]

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options."""
        return cast("ConfigType", cls.schema(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take the options."""
        super().__init__(hass, config)
        self._options = config.options or {}

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Run the actions at each event that the options let pass."""

        @callback
        def told(event: Event) -> None:
            run_action(
                {key: value for key, value in event.data.items() if key != "type"}, self.described, event.context
            )

        return self._hass.bus.async_listen(self.event, told, event_filter=self._passes)

    @callback
    def _passes(self, data: Mapping[str, Any]) -> bool:
        building = self._options.get(CONF_BUILDING, data["config_entry_id"])
        return bool(data["type"] == self.kind and data["config_entry_id"] == building)


class _LoadTrigger(_BuildingTrigger):
    """Triggers on an event of a load, any or one; while its building only observes, if that is asked for."""

    schema = _LOAD_SCHEMA
    event = EVENT_LOAD

    @callback
    @override
    def _passes(self, data: Mapping[str, Any]) -> bool:
        if not super()._passes(data) or (data["rehearsed"] and not self._options.get(CONF_OBSERVED)):
            return False
        device = self._options.get(CONF_LOAD)
        return device is None or load_of_device(self._hass, device) == (data["config_entry_id"], data["load"])


class PowerLimitApproachedTrigger(_BuildingTrigger):
    """Triggers when less than a tenth of the limit is left, whether or not anything is done about it."""

    kind = "approached"
    described = "power limit approached"


class LoadShedTrigger(_LoadTrigger):
    """Triggers when a load is shed."""

    kind = "shed"
    described = "load shed"


class LoadRestoredTrigger(_LoadTrigger):
    """Triggers when a load is given back."""

    kind = "restored"
    described = "load given back"


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of the integration."""
    return {
        "power_limit_approached": PowerLimitApproachedTrigger,
        "load_shed": LoadShedTrigger,
        "load_restored": LoadRestoredTrigger,
        **REQUEST_TRIGGERS,
    }
