"""Triggers on the life of flexibility requests: one came in, one went on, an activation began, an activation ended."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, cast, override

from homeassistant.const import CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType
import probatio

from ..building.const import CONF_BUILDING
from ..building.entity import load_of_device
from ..flexibility.record import State
from .const import CONF_ASSET, CONF_OPERATOR, CONF_TO_STATE, EVENT_REQUEST
from .entity import asset_of_device

_OPTIONS: dict[probatio.Marker, Any] = {
    probatio.Optional(CONF_BUILDING): cv.string,
    probatio.Optional(CONF_ASSET): cv.string,
    probatio.Optional(CONF_OPERATOR): cv.string,
}
_SCHEMA = probatio.Schema({probatio.Required(CONF_OPTIONS, default=dict): _OPTIONS})
_CHANGED_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_OPTIONS, default=dict): {
            **_OPTIONS,
            probatio.Optional(CONF_TO_STATE): probatio.All(cv.ensure_list, [probatio.In([*State])]),
        }
    }
)


class _RequestTrigger(Trigger):
    """Triggers on some transitions of requests: to any building, asset, of any operator, or one."""

    schema: ClassVar[probatio.Schema] = _SCHEMA
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
        """Run the actions at each transition that the options let pass."""

        @callback
        def told(event: Event) -> None:
            run_action(dict(event.data), self.described, event.context)

        return self._hass.bus.async_listen(EVENT_REQUEST, told, event_filter=self._passes)

    @callback
    def _passes(self, data: Mapping[str, Any]) -> bool:
        return self._is_meant(data) and self._concerns(data)

    @abstractmethod
    def _is_meant(self, data: Mapping[str, Any]) -> bool:
        """Tell whether this is what the trigger waits for."""

    def _concerns(self, data: Mapping[str, Any]) -> bool:
        """Tell whether it is about the building, the asset and the operator that are named."""
        entry_id = data["config_entry_id"]
        if self._options.get(CONF_BUILDING, entry_id) != entry_id:
            return False
        device = self._options.get(CONF_ASSET)
        if device is not None and asset_of_device(self._hass, device) != (entry_id, data["asset_id"]):
            return False
        device = self._options.get(CONF_OPERATOR)
        return device is None or load_of_device(self._hass, device) == (entry_id, data["operator_id"])


class FlexRequestReceivedTrigger(_RequestTrigger):
    """Triggers when a request came in that breaks no rule, before it is answered."""

    described = "flexibility request received"

    @override
    def _is_meant(self, data: Mapping[str, Any]) -> bool:
        return bool(data["state"] == State.RECEIVED)


class FlexRequestChangedTrigger(_RequestTrigger):
    """Triggers when a request reached a state, any or some."""

    schema = _CHANGED_SCHEMA
    described = "flexibility request changed"

    @override
    def _is_meant(self, data: Mapping[str, Any]) -> bool:
        wanted = self._options.get(CONF_TO_STATE)
        return data["state"] != data["was"] and (not wanted or data["state"] in wanted)


class ActivationStartedTrigger(_RequestTrigger):
    """Triggers when loads begin to be shed for a request."""

    described = "activation started"

    @override
    def _is_meant(self, data: Mapping[str, Any]) -> bool:
        return bool(data["state"] == State.ACTIVE != data["was"])


class ActivationEndedTrigger(_RequestTrigger):
    """Triggers when loads begin to be given back after a request, whatever ended it."""

    described = "activation ended"

    @override
    def _is_meant(self, data: Mapping[str, Any]) -> bool:
        return bool(data["was"] == State.ACTIVE != data["state"])


REQUEST_TRIGGERS: dict[str, type[Trigger]] = {
    "flex_request_received": FlexRequestReceivedTrigger,
    "flex_request_changed": FlexRequestChangedTrigger,
    "activation_started": ActivationStartedTrigger,
    "activation_ended": ActivationEndedTrigger,
}
