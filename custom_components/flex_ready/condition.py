"""Conditions: a building limits, a load is shed, an activation runs. While a building only observes, none holds."""

from collections.abc import Iterator
from typing import Any, ClassVar, Unpack, cast, override

from homeassistant.const import CONF_OPTIONS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import Condition, ConditionCheckParams, ConditionConfig
from homeassistant.helpers.typing import ConfigType
import probatio

from .building.const import CONF_BUILDING, CONF_LOAD
from .building.coordinator import BuildingCoordinator
from .building.entity import load_of_device
from .const import DOMAIN
from .control.orders import Mode
from .desk.const import CONF_ASSET
from .desk.entity import asset_of_device
from .flexibility.record import State

_OPTIONS: dict[probatio.Marker, Any] = {probatio.Optional(CONF_BUILDING): cv.string}
_LIMITING_SCHEMA = probatio.Schema({probatio.Required(CONF_OPTIONS, default=dict): _OPTIONS})
_SHED_SCHEMA = probatio.Schema(
    {probatio.Required(CONF_OPTIONS, default=dict): {**_OPTIONS, probatio.Optional(CONF_LOAD): cv.string}}
)
_ACTIVATION_SCHEMA = probatio.Schema(
    {probatio.Required(CONF_OPTIONS, default=dict): {**_OPTIONS, probatio.Optional(CONF_ASSET): cv.string}}
)


class _BuildingCondition(Condition):
    """Tests the buildings that are loaded, or one of them."""

    schema: ClassVar[probatio.Schema] = _LIMITING_SCHEMA

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options."""
        return cast("ConfigType", cls.schema(config))

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Take the options."""
        super().__init__(hass, config)
        self._options = config.options or {}

    def _buildings(self) -> Iterator[BuildingCoordinator]:
        building = self._options.get(CONF_BUILDING)
        for entry in self._hass.config_entries.async_loaded_entries(DOMAIN):
            runtime: object = entry.runtime_data
            wanted = building in (None, entry.entry_id)
            if wanted and isinstance(runtime, BuildingCoordinator) and runtime.kept.mode is Mode.LIMIT:
                yield runtime


class IsLimitingCondition(_BuildingCondition):
    """Tests if loads are held off for the limit."""

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        return any(building.herald.limiting for building in self._buildings())


class IsLoadShedCondition(_BuildingCondition):
    """Tests if a load is shed, any or one, by whose order ever."""

    schema = _SHED_SCHEMA

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        device = self._options.get(CONF_LOAD)
        wanted = None if device is None else load_of_device(self._hass, device)
        return any(
            target.step and (device is None or (building.config_entry.entry_id, target.load) == wanted)
            for building in self._buildings()
            for target in building.data.targets
        )


class IsActivationRunningCondition(_BuildingCondition):
    """Tests if loads are shed for a flexibility request, to any asset or one."""

    schema = _ACTIVATION_SCHEMA

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        device = self._options.get(CONF_ASSET)
        wanted = None if device is None else asset_of_device(self._hass, device)
        return any(
            record.state is State.ACTIVE
            and (device is None or (building.config_entry.entry_id, record.key.asset_id) == wanted)
            for building in self._buildings()
            if building.desk is not None
            for record in building.desk.minding.live
        )


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of the integration."""
    return {
        "is_limiting": IsLimitingCondition,
        "is_load_shed": IsLoadShedCondition,
        "is_activation_running": IsActivationRunningCondition,
    }
