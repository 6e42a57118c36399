"""The flow of a meter: a port, a speed or none, then listening until the meter is recognised.

No port is opened before the user asked for it: shared USB bridge chips also carry Zigbee and Z-Wave sticks.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, override

from homeassistant.components import usb
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_PORT
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    SerialPortSelector,
)
from homeassistant.helpers.service_info.usb import UsbServiceInfo
import probatio

from ..const import CONF_BAUDRATE, CONF_KIND, CONF_METER, CONF_SERIAL, LOGGER, Kind
from ..listen import SPEEDS, Heard, listen
from ..port import PortError

_AUTOMATIC = "auto"
_SCHEMA = probatio.Schema(
    {
        probatio.Required(CONF_PORT): SerialPortSelector(),
        probatio.Required(CONF_BAUDRATE, default=_AUTOMATIC): SelectSelector(
            SelectSelectorConfig(
                options=[_AUTOMATIC, *(str(speed) for speed in sorted(SPEEDS))],
                mode=SelectSelectorMode.DROPDOWN,
                translation_key=CONF_BAUDRATE,
            )
        ),
    }
)
MODELS = {
    "pme_pmi": "PME-PMI",
    "saphir": "SAPHIR",
    "ice": "ICE",
    "linky_historique": "Linky",
    "linky_standard": "Linky",
}


class MeterFlow(ConfigFlow):
    """Finds the meter behind a port."""

    _listening: asyncio.Task[Heard] | None = None
    _heard: Heard | None = None
    _asked: dict[str, Any]
    _error: str | None = None
    _silenced: str | None = None
    """The entry whose reader had to give its port up while its connection is changed."""

    async def async_step_meter(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the port and the speed."""
        return await self._async_ask("meter", user_input, {})

    async def async_step_reconfigure_meter(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another port or speed of the same meter."""
        return await self._async_ask("reconfigure_meter", user_input, self._get_reconfigure_entry().data)

    @override
    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Take a dongle that can only be one for a meter; it is opened once the user confirms."""
        port = await self._async_stable(discovery_info.device)
        await self.async_set_unique_id(discovery_info.serial_number or port)
        self._abort_if_unique_id_configured()
        self._async_abort_entries_match({CONF_PORT: port})
        self._asked = {CONF_PORT: port}
        self.context["title_placeholders"] = {"name": discovery_info.description or port}
        return await self.async_step_meter()

    async def _async_ask(
        self, step: str, user_input: dict[str, Any] | None, known: Mapping[str, Any]
    ) -> ConfigFlowResult:
        if user_input is not None:
            user_input[CONF_PORT] = await self._async_stable(user_input[CONF_PORT])
            self._asked = user_input
            reconfigured = self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None
            if reconfigured is None or reconfigured.data[CONF_PORT] != user_input[CONF_PORT]:
                self._async_abort_entries_match({CONF_PORT: user_input[CONF_PORT]})
            if reconfigured is not None and reconfigured.state.recoverable:
                # Its own reader holds the port.
                self._silenced = reconfigured.entry_id
                await self.hass.config_entries.async_unload(reconfigured.entry_id)
            return await self.async_step_listen()
        errors = {"base": self._error} if self._error else {}
        self._error = None
        shown = getattr(self, "_asked", {**known, CONF_BAUDRATE: _AUTOMATIC} if known else {})
        return self.async_show_form(
            step_id=step, data_schema=self.add_suggested_values_to_schema(_SCHEMA, shown), errors=errors
        )

    async def async_step_listen(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Listen, and show how far that is."""
        if self._listening is None:
            # Not eager: an attempt that is over before progress was shown would be submitted again, for ever.
            self._listening = self.hass.async_create_task(self._async_listen(), eager_start=False)
        if not self._listening.done():
            return self.async_show_progress(
                step_id="listen",
                progress_action="listen",
                description_placeholders={"port": self._asked[CONF_PORT]},
                progress_task=self._listening,
            )
        listening, self._listening = self._listening, None
        try:
            self._heard = listening.result()
        except PortError as error:
            LOGGER.debug("Could not read %s: %s", self._asked[CONF_PORT], error, exc_info=True)
            self._error = error.trouble.value
        except Exception:  # noqa: BLE001  # the flow must go on
            LOGGER.exception("Unexpected exception")
            self._error = "unknown"
        return self.async_show_progress_done(next_step_id=self._form if self._error else "found")

    async def async_step_found(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what was found; take it once confirmed."""
        assert self._heard is not None
        heard = self._heard
        data = {
            CONF_KIND: Kind.METER.value,
            CONF_PORT: self._asked[CONF_PORT],
            CONF_BAUDRATE: heard.baudrate,
            CONF_METER: heard.meter.value,
            CONF_SERIAL: heard.serial,
        }
        # Without a serial number an entry has no unique id: that of a dongle found by USB is not the meter's.
        await self.async_set_unique_id(heard.serial)
        if self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            self._abort_if_unique_id_mismatch(reason="another_meter")
            if heard.serial is None and heard.meter != entry.data[CONF_METER]:
                return self.async_abort(reason="another_meter")
            self._silenced = None
            return self.async_update_reload_and_abort(entry, data=data)
        self._abort_if_unique_id_configured(updates={key: data[key] for key in (CONF_PORT, CONF_BAUDRATE)})
        if user_input is not None:
            return self.async_create_entry(title=_title(heard), data=data)
        return self.async_show_form(
            step_id="found",
            description_placeholders={
                "meter": MODELS[heard.meter],
                "serial": heard.serial or "-",
                "speed": str(heard.baudrate),
            },
        )

    async def _async_stable(self, port: str) -> str:
        """Return the path of a device that stays when others are plugged in; a network address is its own."""
        if not port.startswith("/dev/"):
            return port
        return await self.hass.async_add_executor_job(usb.get_serial_by_id, port)

    @property
    def _form(self) -> str:
        return "reconfigure_meter" if self.source == SOURCE_RECONFIGURE else "meter"

    async def _async_listen(self) -> Heard:
        speed = self._asked[CONF_BAUDRATE]
        return await listen(
            self._asked[CONF_PORT],
            None if speed == _AUTOMATIC else int(speed),
            self.async_update_progress,
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Stop listening when the user closes the dialog; give the entry its port back."""
        if self._listening is not None:
            self._listening.cancel()
        if self._silenced is not None:
            self.hass.async_create_task(self._async_give_back(self._silenced), "meter reader takes its port again")

    async def _async_give_back(self, entry_id: str) -> None:
        if self._listening is not None:
            await asyncio.wait([self._listening])  # until then it holds the port
        if self.hass.config_entries.async_get_entry(entry_id) is not None:
            await self.hass.config_entries.async_reload(entry_id)


def _title(heard: Heard) -> str:
    model = MODELS[heard.meter]
    return f"{model} {heard.serial}" if heard.serial else model
