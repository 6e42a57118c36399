"""The flow of a load of a building: which entity is handed over, how it is shed, and under which rules."""

from collections.abc import Mapping
from typing import Any

from homeassistant.components.climate.const import HVACMode
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_NAME,
    STATE_UNAVAILABLE,
    UnitOfElectricCurrent,
)
from homeassistant.core import State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import probatio

from ..building.const import (
    CONF_AMPERES,
    CONF_BLIND,
    CONF_ENTITY,
    CONF_LEFT_W,
    CONF_MAX_OFF,
    CONF_METHOD,
    CONF_MIN_OFF,
    CONF_MIN_ON,
    CONF_MOST_SHEDS,
    CONF_NOMINAL_W,
    CONF_PHASES,
    CONF_POWER_SENSOR,
    CONF_PRESET,
    CONF_PRIORITY,
    CONF_PROTECTED,
    CONF_RESTORE_SCRIPT,
    CONF_SHED_SCRIPT,
    CONF_SHIFT,
    CONF_VALUE,
    SUBENTRY_LOAD,
)
from ..building.handover import Method, entity_id_of, kept_as, left_w, members_of
from ..const import DOMAIN
from .load_forms import (
    CONF_CONFIRM,
    DAY_MIN,
    ENTITY_SCHEMA,
    HOURS,
    HOW,
    MILD_PRESETS,
    MOST_SHIFT,
    PHASES,
    POLICY,
    POLICY_SCHEMA,
    POWER,
    SCRIPTS,
    SCRIPTS_SCHEMA,
    STRETCHES,
    TIMES,
    TIMES_SCHEMA,
    UNITS,
    USUAL,
    USUAL_OF,
    Usual,
    box,
    methods,
    rules_schema,
)


class LoadFlow(ConfigSubentryFlow):
    """Hands a load over to a building, and changes what was said of it."""

    _title = ""
    _how: dict[str, Any]
    """How the load is shed."""
    _state: State
    """That of the entity when it was chosen, with its abilities."""
    _same_load = False
    """Whether what is commanded is what it was."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask whether an entity is commanded, or scripts are run."""
        return self.async_show_menu(step_id="user", menu_options=["entity", SCRIPTS])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what is to be changed."""
        self._title = self._get_reconfigure_subentry().title
        self._same_load = True
        self._how = self._present_how
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["rules", "entity", SCRIPTS],
            description_placeholders={"load": self._title},
        )

    async def async_step_entity(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which entity is handed over."""
        errors: dict[str, str] = {}
        if user_input is not None:
            entity_id = entity_id_of(self.hass, user_input[CONF_ENTITY])
            state = self.hass.states.get(entity_id)
            if error := self._wrong_with(entity_id):
                errors[CONF_ENTITY] = error
            elif state is None or not methods(state):
                errors[CONF_ENTITY] = "no_method"
            else:
                self._state = state
                self._title = user_input.get(CONF_NAME, "").strip() or state.name
                self._how = {CONF_ENTITY: kept_as(self.hass, entity_id)}
                self._same_load = self._present.get(CONF_ENTITY) == self._how[CONF_ENTITY]
                return await self.async_step_method()
        return self._show("entity", ENTITY_SCHEMA, user_input or self._known(CONF_ENTITY), errors)

    async def async_step_method(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how it is shed, if there is a choice."""
        offered = methods(self._state)
        if len(offered) > 1:
            return self.async_show_menu(
                step_id="method", menu_options=[*offered], description_placeholders={"load": self._title}
            )
        steps = {
            Method.OFF: self.async_step_off,
            Method.SETPOINT: self.async_step_setpoint,
            Method.PRESET: self.async_step_preset,
            Method.LIMIT: self.async_step_limit,
        }
        return await steps[offered[0]]()

    async def async_step_off(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Have it switched off: there is nothing to ask."""
        return await self._async_take_method(Method.OFF, {})

    async def async_step_setpoint(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask by how much its setpoint is moved."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_SHIFT]:
                return await self._async_take_method(Method.SETPOINT, user_input)
            errors[CONF_SHIFT] = "no_shift"
        usual = -10 if self._state.domain == "water_heater" else 2 if self._state.state == HVACMode.COOL else -2
        unit = self.hass.config.units.temperature_unit
        schema = probatio.Schema(
            {probatio.Required(CONF_SHIFT): box(unit, least=-MOST_SHIFT, most=MOST_SHIFT, step="any")}
        )
        return self._show("setpoint", schema, user_input or {CONF_SHIFT: usual, **self._present_how}, errors)

    async def async_step_preset(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which preset it is set to."""
        if user_input is not None:
            return await self._async_take_method(Method.PRESET, user_input)
        presets = [str(preset) for preset in self._state.attributes["preset_modes"]]
        schema = probatio.Schema(
            {
                probatio.Required(CONF_PRESET): SelectSelector(
                    SelectSelectorConfig(options=presets, mode=SelectSelectorMode.DROPDOWN)
                )
            }
        )
        mild = next((preset for preset in MILD_PRESETS if preset in presets), None)
        return self._show("preset", schema, {**({CONF_PRESET: mild} if mild else {}), **self._present_how}, {})

    async def async_step_limit(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how low the number is set."""
        attributes = self._state.attributes
        unit = attributes[ATTR_UNIT_OF_MEASUREMENT]
        in_amperes = unit == UnitOfElectricCurrent.AMPERE
        if user_input is not None:
            value = user_input[CONF_VALUE]
            left = (
                {CONF_AMPERES: True, CONF_PHASES: int(user_input[CONF_PHASES])}
                if in_amperes
                else {CONF_LEFT_W: value * UNITS[unit]}
            )
            return await self._async_take_method(Method.LIMIT, {CONF_VALUE: value, **left})
        least = attributes["min"]
        asked: dict[probatio.Marker, object] = {
            probatio.Required(CONF_VALUE): box(unit, least=least, most=attributes["max"], step="any")
        }
        if in_amperes:
            asked[probatio.Required(CONF_PHASES, default=PHASES[0])] = SelectSelector(
                SelectSelectorConfig(options=[*PHASES], mode=SelectSelectorMode.LIST, translation_key=CONF_PHASES)
            )
        known = {CONF_VALUE: least, **self._present_how}
        if CONF_PHASES in known:
            known[CONF_PHASES] = str(known[CONF_PHASES])
        return self._show("limit", probatio.Schema(asked), known, {})

    async def async_step_scripts(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which scripts shed the load and give it back."""
        errors: dict[str, str] = {}
        if user_input is not None:
            named = {
                key: entity_id_of(self.hass, user_input[key])
                for key in (CONF_SHED_SCRIPT, CONF_RESTORE_SCRIPT, CONF_ENTITY)
                if key in user_input
            }
            for key, entity_id in named.items():
                # What gives several loads back may be one script.
                if error := self._wrong_with(entity_id, shared=key == CONF_RESTORE_SCRIPT):
                    errors[key] = error
            if named[CONF_SHED_SCRIPT] == named[CONF_RESTORE_SCRIPT]:
                errors[CONF_RESTORE_SCRIPT] = "same_script"
            if not (title := user_input[CONF_NAME].strip()):
                errors[CONF_NAME] = "no_name"
            if not errors:
                self._title = title
                self._how = {key: kept_as(self.hass, entity_id) for key, entity_id in named.items()}
                self._same_load = self._present.get(CONF_SHED_SCRIPT) == self._how[CONF_SHED_SCRIPT]
                return await self._async_take_method(Method.SCRIPTS, {})
        known = user_input or self._known(CONF_SHED_SCRIPT, CONF_RESTORE_SCRIPT, CONF_ENTITY)
        return self._show("scripts", SCRIPTS_SCHEMA, known, errors)

    async def async_step_rules(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask under which rules it may be shed."""
        errors: dict[str, str] = {}
        if user_input is not None:
            rules = self._rules(user_input)
            if not (errors := self._wrong_rules(user_input, rules)):
                return self._finish({**self._how, **rules})
        return self._show("rules", rules_schema(self._method), user_input or self._known_rules(), errors)

    def _show(
        self, step: str, schema: probatio.Schema, shown: Mapping[str, Any], errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={"load": self._title},
        )

    async def _async_take_method(self, method: Method, how: Mapping[str, Any]) -> SubentryFlowResult:
        self._how |= {CONF_METHOD: method.value, **how}
        return await self.async_step_rules()

    def _finish(self, data: dict[str, Any]) -> SubentryFlowResult:
        unique_id = data.get(CONF_ENTITY) or data[CONF_SHED_SCRIPT]
        if self.source != SOURCE_RECONFIGURE:
            return self.async_create_entry(title=self._title, data=data, unique_id=unique_id)
        return self.async_update_and_abort(
            self._get_entry(), self._get_reconfigure_subentry(), title=self._title, data=data, unique_id=unique_id
        )

    # What is known.

    @property
    def _method(self) -> Method:
        return Method(self._how[CONF_METHOD])

    @property
    def _present(self) -> Mapping[str, Any]:
        """Return what was said of the load before, if it is being changed."""
        return self._get_reconfigure_subentry().data if self.source == SOURCE_RECONFIGURE else {}

    @property
    def _present_how(self) -> dict[str, Any]:
        """Return how the same load was shed before."""
        if not self._same_load:
            return {}
        limited = self._present[CONF_METHOD] == Method.LIMIT
        keys = (*HOW, CONF_LEFT_W) if limited else HOW
        return {key: self._present[key] for key in keys if key in self._present}

    def _known(self, *keys: str) -> dict[str, Any]:
        """Return the name and the entities of before."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        found = {key: entity_id_of(self.hass, self._present[key]) for key in keys if key in self._present}
        return {CONF_NAME: self._get_reconfigure_subentry().title, **found}

    def _known_rules(self) -> dict[str, Any]:
        """Return the rules of before, or those that suit most loads of its kind."""
        present = self._present
        if not present:
            times = {key: value for key, value in self._usual._asdict().items() if value is not None}
            sensor = self._sensor_beside()
            return {POWER: {CONF_POWER_SENSOR: sensor} if sensor else {}, TIMES: times, HOURS: {}, POLICY: {}}
        told = (CONF_NOMINAL_W, CONF_LEFT_W) if present[CONF_METHOD] == self._method else (CONF_NOMINAL_W,)
        power = {key: present[key] for key in told if key in present}
        if CONF_POWER_SENSOR in present:
            power[CONF_POWER_SENSOR] = entity_id_of(self.hass, present[CONF_POWER_SENSOR])
        return {
            CONF_PRIORITY: present[CONF_PRIORITY],
            POWER: power,
            TIMES: {str(key): present[key] for key in TIMES_SCHEMA.schema if key in present},
            HOURS: {
                edge: kept[side]
                for stretch, kept in zip(STRETCHES, present.get(CONF_PROTECTED, ()), strict=False)
                for edge, side in zip(stretch, ("start", "end"), strict=True)
            },
            POLICY: {str(key): present[key] for key in POLICY_SCHEMA.schema if key in present},
            CONF_BLIND: present[CONF_BLIND],
            CONF_CONFIRM: self._same_load,
        }

    @property
    def _usual(self) -> Usual:
        entity_id = entity_id_of(self.hass, self._how.get(CONF_ENTITY))
        return USUAL_OF.get(entity_id.partition(".")[0], USUAL)

    def _sensor_beside(self) -> str | None:
        """Return the power sensor of the same device, if there is just one."""
        registry = er.async_get(self.hass)
        entry = registry.async_get(entity_id_of(self.hass, self._how.get(CONF_ENTITY)))
        if entry is None or entry.device_id is None:
            return None
        found = [
            one.entity_id
            for one in er.async_entries_for_device(registry, entry.device_id)
            if (one.device_class or one.original_device_class) == SensorDeviceClass.POWER and one.domain == "sensor"
        ]
        return found[0] if len(found) == 1 else None

    # What is wrong.

    def _wrong_with(self, entity_id: str, *, shared: bool = False) -> str | None:
        """Return why an entity cannot be handed over."""
        entry = er.async_get(self.hass).async_get(entity_id)
        if entry is not None and entry.platform == DOMAIN:
            return "own_entity"
        if not shared and self._handed_over().intersection(members_of(self.hass, entity_id)):
            return "already_handed_over"
        state = self.hass.states.get(entity_id)
        return "entity_unavailable" if state is None or state.state == STATE_UNAVAILABLE else None

    def _handed_over(self) -> set[str]:
        """Return what all other loads, of every building, are commanded by."""
        ours = self._get_reconfigure_subentry().subentry_id if self.source == SOURCE_RECONFIGURE else None
        return {
            commanded
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            for subentry in entry.get_subentries_of_type(SUBENTRY_LOAD)
            if subentry.subentry_id != ours
            for key in (CONF_ENTITY, CONF_SHED_SCRIPT)
            if key in subentry.data
            for commanded in members_of(self.hass, entity_id_of(self.hass, subentry.data[key]))
        }

    def _rules(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rules as they are kept."""
        power, times, hours = (user_input[name] for name in (POWER, TIMES, HOURS))
        rules: dict[str, Any] = {
            CONF_PRIORITY: int(user_input[CONF_PRIORITY]),
            CONF_MIN_ON: times.get(CONF_MIN_ON, 0),
            CONF_MIN_OFF: times.get(CONF_MIN_OFF, 0),
            CONF_PROTECTED: [
                {"start": hours[start], "end": hours[end]}
                for start, end in STRETCHES
                if start in hours and end in hours
            ],
            CONF_BLIND: user_input[CONF_BLIND],
        }
        # What is left empty, or at 0, says nothing.
        rules |= {key: power[key] for key in (CONF_NOMINAL_W, CONF_LEFT_W) if power.get(key)}
        rules |= {key: times[key] for key in (CONF_MAX_OFF, CONF_MOST_SHEDS) if times.get(key)}
        rules |= user_input[POLICY]
        if CONF_POWER_SENSOR in power:
            rules[CONF_POWER_SENSOR] = kept_as(self.hass, entity_id_of(self.hass, power[CONF_POWER_SENSOR]))
        return rules

    def _wrong_rules(self, user_input: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong, if anything; what stands in a section is told at the top."""
        errors: dict[str, str] = {}
        nominal, hours = rules.get(CONF_NOMINAL_W, 0), user_input[HOURS]
        if CONF_POWER_SENSOR in rules and not self._is_power(rules[CONF_POWER_SENSOR]):
            errors["base"] = "no_power_sensor"
        elif nominal and left_w(self._method, {**self._how, **rules}) >= nominal:
            errors["base"] = "nothing_to_shed"
        elif rules.get(CONF_MAX_OFF, DAY_MIN) < rules[CONF_MIN_OFF]:
            errors["base"] = "max_off_too_short"
        elif any((start in hours) is not (end in hours) for start, end in STRETCHES):
            errors["base"] = "hours_incomplete"
        elif any(one["start"] == one["end"] for one in rules[CONF_PROTECTED]):
            errors["base"] = "hours_empty"
        if not user_input[CONF_CONFIRM]:
            errors[CONF_CONFIRM] = "confirm_host"
        return errors

    def _is_power(self, kept: str) -> bool:
        entity_id = entity_id_of(self.hass, kept)
        entry = er.async_get(self.hass).async_get(entity_id)
        state = self.hass.states.get(entity_id)
        own = entry is not None and entry.platform == DOMAIN
        return not own and state is not None and state.attributes.get(ATTR_DEVICE_CLASS) == SensorDeviceClass.POWER
