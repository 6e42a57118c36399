"""The flow of an asset of a building: which loads it is made of, and what operators may have of it."""

from collections.abc import Mapping
import re
from typing import Any
import unicodedata

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, UnitOfPower, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TimeSelector,
)
import probatio

from ..building.const import CONF_POWER_SENSOR, SUBENTRY_LOAD
from ..desk.const import (
    CONF_ACTIVATIONS_PER_DAY,
    CONF_ASSET_ID,
    CONF_DAYS,
    CONF_FLEX_PRODUCTS,
    CONF_FROM,
    CONF_LOADS,
    CONF_MAX_DURATION,
    CONF_MEASURED_BY,
    CONF_MOBILIZATION_DELAY,
    CONF_MOST_POWER,
    CONF_PARENT,
    CONF_RECOVERY,
    CONF_TO,
    MEASURED_BY_LOADS,
    MEASURED_BY_METER,
    SUBENTRY_ASSET,
)
from ..desk.desk import Desk
from ..desk.operators import DAYS
from ..flexibility.lifecycle import OPEN
from .load_forms import box

LIMITS, HOURS = "limits", "hours"
_PRODUCTS = ("WID", "WDA")
_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}", re.ASCII)
"""What may be a segment of a path (docs/flexibility.md)."""
_LONGEST_ID = 128
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
_MOST_MIN = 10_080
_MOST_KW = 100_000
_MINUTES = box(UnitOfTime.MINUTES, most=_MOST_MIN, step="any")
LIMITS_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_MOST_POWER, default=0): box(UnitOfPower.KILO_WATT, most=_MOST_KW, step="any"),
        probatio.Required(CONF_MOBILIZATION_DELAY, default=5): _MINUTES,
        probatio.Required(CONF_MAX_DURATION, default=60): _MINUTES,
        probatio.Required(CONF_RECOVERY, default=0): _MINUTES,
        probatio.Required(CONF_ACTIVATIONS_PER_DAY, default=2): box(most=1000),
    }
)


def hours_schema() -> probatio.Schema:
    """Make the form of the hours and days at which something is allowed."""
    return probatio.Schema(
        {
            probatio.Optional(CONF_FROM): TimeSelector(),
            probatio.Optional(CONF_TO): TimeSelector(),
            probatio.Optional(CONF_DAYS): SelectSelector(
                SelectSelectorConfig(
                    options=[*DAYS], multiple=True, mode=SelectSelectorMode.LIST, translation_key=CONF_DAYS
                )
            ),
        }
    )


def chosen(options: Mapping[str, str], *, several: bool) -> SelectSelector:
    """Make a choice among subentries, by their titles."""
    listed = [SelectOptionDict(value=name, label=title) for name, title in options.items()]
    mode = SelectSelectorMode.LIST if several else SelectSelectorMode.DROPDOWN
    return SelectSelector(SelectSelectorConfig(options=listed, multiple=several, mode=mode))


def proposed(name: str) -> str:
    """Make an id of a name, its accents left out; empty if nothing of it may be in one."""
    letters = unicodedata.normalize("NFKD", name.translate(_LIGATURES))
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain)[:_LONGEST_ID].strip("-.")


def half_hours(hours: Mapping[str, Any]) -> bool:
    """Tell whether hours have a beginning and no end, or the other way round."""
    return bool(hours.get(CONF_FROM)) is not bool(hours.get(CONF_TO))


def with_whole(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with each whole number as such: a form gives all numbers as floating ones."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in values.items()
    }


class AssetFlow(ConfigSubentryFlow):
    """Adds an asset, and changes what it gives."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the asset is made of, and what it gives."""
        return await self._async_ask("user", user_input, {})

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask it again; what was taken back meanwhile is not shown."""
        subentry = self._get_reconfigure_subentry()
        data, loads = subentry.data, self._titles(SUBENTRY_LOAD)
        known = {
            CONF_NAME: subentry.title,
            **{key: data[key] for key in (CONF_ASSET_ID, CONF_FLEX_PRODUCTS, CONF_MEASURED_BY)},
            CONF_LOADS: [one for one in data[CONF_LOADS] if one in loads],
            **{key: data[key] for key in (CONF_PARENT,) if data.get(key) in self._others()},
            LIMITS: {str(key): data[str(key)] for key in LIMITS_SCHEMA.schema},
            HOURS: {key: data[key] for key in (CONF_FROM, CONF_TO, CONF_DAYS) if key in data},
        }
        return await self._async_ask("reconfigure", user_input, known)

    async def _async_ask(
        self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]
    ) -> SubentryFlowResult:
        if not self._titles(SUBENTRY_LOAD):
            return self.async_abort(reason="no_load")
        errors: dict[str, str] = {}
        if user_input is not None:
            title, data = user_input[CONF_NAME].strip(), self._data(user_input)
            errors = self._wrong(data) if title else {CONF_NAME: "no_name"}
            if not errors:
                unique_id = data[CONF_ASSET_ID]
                if self.source == SOURCE_RECONFIGURE:
                    subentry = self._get_reconfigure_subentry()
                    return self.async_update_and_abort(
                        self._get_entry(), subentry, title=title, data=data, unique_id=unique_id
                    )
                return self.async_create_entry(title=title, data=data, unique_id=unique_id)
        schema = self.add_suggested_values_to_schema(self._schema(), user_input or known)
        return self.async_show_form(step_id=step, data_schema=schema, errors=errors)

    def _schema(self) -> probatio.Schema:
        products = SelectSelectorConfig(options=[*_PRODUCTS], multiple=True, custom_value=True)
        measured = SelectSelectorConfig(
            options=[MEASURED_BY_METER, MEASURED_BY_LOADS],
            mode=SelectSelectorMode.LIST,
            translation_key=CONF_MEASURED_BY,
        )
        form: dict[probatio.Marker, object] = {
            probatio.Required(CONF_NAME): TextSelector(),
            probatio.Optional(CONF_ASSET_ID): TextSelector(),
            probatio.Required(CONF_LOADS): chosen(self._titles(SUBENTRY_LOAD), several=True),
            probatio.Required(CONF_FLEX_PRODUCTS, default=[_PRODUCTS[0]]): SelectSelector(products),
            probatio.Required(CONF_MEASURED_BY, default=MEASURED_BY_METER): SelectSelector(measured),
        }
        if others := self._titles(SUBENTRY_ASSET):
            form[probatio.Optional(CONF_PARENT)] = chosen(others, several=False)
        form[probatio.Required(LIMITS)] = section(LIMITS_SCHEMA, {"collapsed": False})
        form[probatio.Required(HOURS)] = section(hours_schema(), {"collapsed": True})
        return probatio.Schema(form)

    def _data(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept of an asset."""
        data = {
            CONF_ASSET_ID: user_input.get(CONF_ASSET_ID, "").strip() or proposed(user_input[CONF_NAME]),
            **{key: user_input[key] for key in (CONF_LOADS, CONF_FLEX_PRODUCTS, CONF_MEASURED_BY)},
            **with_whole(user_input[LIMITS]),
            **{key: value for key, value in user_input[HOURS].items() if value},
        }
        if parent := user_input.get(CONF_PARENT):
            data[CONF_PARENT] = parent
        return data

    def _wrong(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong with an asset, by its field."""
        errors: dict[str, str] = {}
        others = self._others()
        if not _ID.fullmatch(data[CONF_ASSET_ID]) or not data[CONF_ASSET_ID].strip("."):
            errors[CONF_ASSET_ID] = "no_asset_id"
        elif any(one.data[CONF_ASSET_ID] == data[CONF_ASSET_ID] for one in others.values()):
            errors[CONF_ASSET_ID] = "asset_id_taken"
        elif self._is_asked_by_another(data[CONF_ASSET_ID]):
            errors[CONF_ASSET_ID] = "asset_busy"
        if not data[CONF_LOADS]:
            errors[CONF_LOADS] = "no_load_chosen"
        elif not all({*data[CONF_LOADS]} >= {*part} for part in self._loads_of_parts()):
            errors[CONF_LOADS] = "part_lacks_loads"
        if not data[CONF_FLEX_PRODUCTS] or not all(_ID.fullmatch(one) for one in data[CONF_FLEX_PRODUCTS]):
            errors[CONF_FLEX_PRODUCTS] = "no_flex_product"
        if data[CONF_MEASURED_BY] == MEASURED_BY_LOADS and not all(map(self._has_sensor, data[CONF_LOADS])):
            errors[CONF_MEASURED_BY] = "no_power_sensor"
        if CONF_PARENT in data and (wrong := self._wrong_parent(data, others)):
            errors[CONF_PARENT] = wrong
        if half_hours(data):
            errors["base"] = "half_hours"
        return errors

    def _wrong_parent(self, data: Mapping[str, Any], others: Mapping[str, ConfigSubentry]) -> str:
        """Tell what is wrong with the asset that this one is to be a part of."""
        parent = others.get(data[CONF_PARENT])
        if parent is None or not {*data[CONF_LOADS]} <= {*parent.data[CONF_LOADS]}:
            return "parent_lacks_loads"
        mine, seen = self._mine(), set[str]()
        while parent is not None and parent.subentry_id not in seen:
            seen.add(parent.subentry_id)
            above = parent.data.get(CONF_PARENT)
            if mine is not None and above == mine:
                return "parent_is_part"
            parent = others.get(above or "")
        return ""

    def _is_asked_by_another(self, asset_id: str) -> bool:
        """Tell whether the asset has an open request by another id than this: with a new one it would be lost."""
        entry = self._get_entry()
        desk: Desk | None = entry.runtime_data.desk if entry.state is ConfigEntryState.LOADED else None
        if desk is None or self.source != SOURCE_RECONFIGURE:
            return False
        present = self._get_reconfigure_subentry().data[CONF_ASSET_ID]
        records = desk.book.records.values()
        return present != asset_id and any(one.key.asset_id == present and one.state in OPEN for one in records)

    def _loads_of_parts(self) -> list[list[str]]:
        """Return the loads, as far as there are, of each asset that is a part of this one."""
        mine, there = self._mine(), self._titles(SUBENTRY_LOAD)
        parts = (one for one in self._others().values() if mine is not None and one.data.get(CONF_PARENT) == mine)
        return [[load for load in part.data[CONF_LOADS] if load in there] for part in parts]

    def _mine(self) -> str | None:
        """Return the id of the asset that is changed."""
        return self._get_reconfigure_subentry().subentry_id if self.source == SOURCE_RECONFIGURE else None

    def _has_sensor(self, load: str) -> bool:
        subentry = self._get_entry().subentries.get(load)
        return subentry is not None and bool(subentry.data.get(CONF_POWER_SENSOR))

    def _others(self) -> dict[str, ConfigSubentry]:
        """Return the other assets of the building, by their ids."""
        mine, found = self._mine(), self._get_entry().get_subentries_of_type(SUBENTRY_ASSET)
        return {one.subentry_id: one for one in found if one.subentry_id != mine}

    def _titles(self, kind: str) -> dict[str, str]:
        """Return the titles of what the building has of a kind, by their ids."""
        if kind == SUBENTRY_ASSET:
            return {name: one.title for name, one in self._others().items()}
        return {one.subentry_id: one.title for one in self._get_entry().get_subentries_of_type(kind)}
