"""The flow of a building: the meter that it is kept under the subscribed power of, and how that is judged."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import probatio

from ..building.const import (
    AUTOMATIC,
    CONF_BLIND_POLICY,
    CONF_ECOWATT_ENTRY,
    CONF_LEDGER_URL,
    CONF_LIMIT,
    CONF_METER_ENTRY,
    CONF_SUPPLIER_ENTRY,
    CONF_TD,
    CONF_WINDOW,
)
from ..const import CONF_KIND, Kind
from ..control.orders import Blind
from ..control.window import Kind as WindowKind
from ..ledger import Ledger, LedgerError
from ..tic.td import CANDIDATES
from .entries import entries_of
from .load_forms import box, words

WINDOWS = (AUTOMATIC, *(kind.value for kind in WindowKind))
TDS = ("0", *(str(minutes) for minutes in CANDIDATES))
_ADVANCED = "advanced"
_SIGNALS = "signals"
_SIGNAL_KINDS = {CONF_ECOWATT_ENTRY: Kind.ECOWATT, CONF_SUPPLIER_ENTRY: Kind.SUPPLIER}
_MOST_KW = 100_000
_SQLITE = b"SQLite format 3\0"
"""How its files begin."""

_ADVANCED_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_WINDOW, default=AUTOMATIC): words(
            CONF_WINDOW, *WINDOWS, mode=SelectSelectorMode.DROPDOWN
        ),
        probatio.Required(CONF_TD, default="0"): words(CONF_TD, *TDS, mode=SelectSelectorMode.DROPDOWN),
        probatio.Required(CONF_LIMIT, default=0): box("kW / kVA", most=_MOST_KW, step="any"),
        probatio.Required(CONF_BLIND_POLICY, default=Blind.HOLD.value): words(
            CONF_BLIND_POLICY, *(policy.value for policy in Blind), mode=SelectSelectorMode.DROPDOWN
        ),
        probatio.Optional(CONF_LEDGER_URL): TextSelector(),
    }
)


class BuildingFlow(ConfigFlow):
    """Adds a building, and changes its meter or how the limit is judged."""

    async def async_step_building(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a name and a meter."""
        return await self._async_ask_building("building", user_input, {CONF_NAME: self.hass.config.location_name})

    async def async_step_reconfigure_building(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another meter, or how the limit is to be judged."""
        entry = self._get_reconfigure_entry()
        data = entry.data
        advanced = {
            CONF_WINDOW: data[CONF_WINDOW],
            CONF_TD: str(data[CONF_TD]),
            CONF_LIMIT: data[CONF_LIMIT],
            CONF_BLIND_POLICY: data[CONF_BLIND_POLICY],
            **{key: data[key] for key in (CONF_LEDGER_URL,) if key in data},
        }
        signals = {key: data[key] for key in _SIGNAL_KINDS if key in data}
        known = {
            CONF_NAME: entry.title,
            CONF_METER_ENTRY: data[CONF_METER_ENTRY],
            _SIGNALS: signals,
            _ADVANCED: advanced,
        }
        return await self._async_ask_building("reconfigure_building", user_input, known)

    async def _async_ask_building(
        self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]
    ) -> ConfigFlowResult:
        meters = entries_of(self.hass, Kind.METER)
        if not meters:
            return self.async_abort(reason="no_meter")
        errors: dict[str, str] = {}
        reason = ""
        if user_input is not None:
            if not (title := user_input[CONF_NAME].strip()):
                errors[CONF_NAME] = "no_name"
            elif reason := await self._async_try_ledger(_ledger_url(user_input), known):
                errors["base"] = "ledger_unusable"
            else:
                return await self._async_take_building(title, user_input)
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(_schema(meters, self._signals()), user_input or known),
            errors=errors,
            description_placeholders={"reason": reason},
        )

    def _signals(self) -> dict[str, list[ConfigEntry]]:
        """Return the entries that there are of each kind of signal."""
        found = {key: entries_of(self.hass, kind) for key, kind in _SIGNAL_KINDS.items()}
        return {key: entries for key, entries in found.items() if entries}

    async def _async_try_ledger(self, url: str, known: Mapping[str, Any]) -> str:
        """Open a ledger that is another than before, unless it is in the configuration folder; return what is wrong."""
        if not url or url == known.get(_ADVANCED, {}).get(CONF_LEDGER_URL):
            return ""
        try:
            if await self.hass.async_add_executor_job(_is_other_file, url):
                return "this file is no database of SQLite"
            await (await Ledger.open(url)).close()
        except (LedgerError, OSError) as error:
            return str(error)
        return ""

    async def _async_take_building(self, title: str, user_input: Mapping[str, Any]) -> ConfigFlowResult:
        meter, advanced = user_input[CONF_METER_ENTRY], user_input[_ADVANCED]
        data = {
            CONF_KIND: Kind.BUILDING.value,
            CONF_METER_ENTRY: meter,
            CONF_WINDOW: advanced[CONF_WINDOW],
            CONF_TD: int(advanced[CONF_TD]),
            CONF_LIMIT: float(advanced[CONF_LIMIT]),
            CONF_BLIND_POLICY: advanced[CONF_BLIND_POLICY],
            **user_input.get(_SIGNALS, {}),
        }
        if url := _ledger_url(user_input):
            data[CONF_LEDGER_URL] = url
        unique_id = f"building_{meter}"
        if self.source != SOURCE_RECONFIGURE:
            await self.async_set_unique_id(unique_id)
            self._abort_if_unique_id_configured()
            return self.async_create_entry(title=title, data=data)
        entry = self._get_reconfigure_entry()
        if unique_id != entry.unique_id:
            await self.async_set_unique_id(unique_id)
            self._abort_if_unique_id_configured()
        done = self.async_update_and_abort(entry, unique_id=unique_id, title=title, data=data)
        if not entry.update_listeners:
            # It could not be set up, so nothing listens that would set it up anew.
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return done


def _ledger_url(user_input: Mapping[str, Any]) -> str:
    return str(user_input[_ADVANCED].get(CONF_LEDGER_URL, "")).strip()


def _is_other_file(url: str) -> bool:
    """Tell whether a URL is that of a file which is no database: a ledger would take its place. Raises OSError."""
    path = Path(url.partition("///")[2].partition("?")[0])
    if not url.startswith("sqlite") or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) not in (b"", _SQLITE)


def _choice(entries: list[ConfigEntry]) -> SelectSelector:
    options = [SelectOptionDict(value=entry.entry_id, label=entry.title) for entry in entries]
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))


def _schema(meters: list[ConfigEntry], signals: Mapping[str, list[ConfigEntry]]) -> probatio.Schema:
    """Make the form; `signals` are the entries that there are of each kind of signal."""
    only = meters[0].entry_id if len(meters) == 1 else probatio.UNDEFINED
    asked: dict[probatio.Marker, object] = {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_METER_ENTRY, default=only): _choice(meters),
    }
    if signals:
        chosen = probatio.Schema({probatio.Optional(key): _choice(entries) for key, entries in signals.items()})
        asked[probatio.Required(_SIGNALS)] = section(chosen, {"collapsed": True})
    asked[probatio.Required(_ADVANCED)] = section(_ADVANCED_SCHEMA, {"collapsed": True})
    return probatio.Schema(asked)
