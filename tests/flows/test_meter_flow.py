"""The flow of a meter, against real sockets and real ptys: what is found, and what is wrong in words."""

import asyncio
from collections.abc import AsyncIterator
import fcntl
import os
from pathlib import Path
import random

from conftest import PME_PMI, Cable, Gateway, babble, meter_entry, sent, until
from homeassistant.config_entries import SOURCE_USB, SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.loader import async_get_integration, async_get_usb
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.flex_ready import listen
from custom_components.flex_ready.const import CONF_BAUDRATE, CONF_KIND, CONF_METER, CONF_SERIAL, DOMAIN
from custom_components.flex_ready.flows import meter as meter_flow
from custom_components.flex_ready.meter import coordinator
from emulator.meter import Emulation, MeterConfig

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations", "quick")

LOCAL = ("127.0.0.1", 0)
FRAMES = b"".join(sent(MeterConfig(), 2))
SAPHIR = b"".join(sent(MeterConfig(meter="saphir"), 3))
GARBAGE = random.Random(2).randbytes(600)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make attempts that find nothing short."""
    monkeypatch.setattr(listen, "_TRY_S", 0.15)
    monkeypatch.setattr(listen, "_GATEWAY_S", 0.3)
    monkeypatch.setattr(listen, "_WHOLE_FRAMES_S", 0.5)
    monkeypatch.setattr(coordinator, "_FIRST_FRAME_S", 2)


@pytest.fixture
async def meter(socket_enabled: None) -> AsyncIterator[Emulation]:
    """A PME-PMI that runs at a hundred times its pace."""
    async with Emulation(MeterConfig(tcp=LOCAL, pace=100)) as emulation:
        yield emulation


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the menu and choose the meter."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["meter", "ecowatt", "supplier", "building", "fleet", "contract"]
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "meter"})
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "meter"
    assert form["errors"] == {}
    return form


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, port: str | None, speed: str = "auto"
) -> ConfigFlowResult:
    """Submit a port and a speed, and wait until it has been listened to."""
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_PORT: port, CONF_BAUDRATE: speed})
    return await listened(hass, result)


async def listened(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Wait for the end of listening."""
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    assert result["step_id"] == "listen"
    assert result["progress_action"] == "listen"
    await hass.async_block_till_done(wait_background_tasks=False)
    return await hass.config_entries.flow.async_configure(result["flow_id"])


async def confirm(hass: HomeAssistant, found: ConfigFlowResult) -> ConfigFlowResult:
    """Confirm the meter that was found; its entry is loaded when this returns."""
    assert found["type"] is FlowResultType.FORM
    assert found["step_id"] == "found"
    created = await hass.config_entries.flow.async_configure(found["flow_id"], {})
    assert created["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert created["result"].state is ConfigEntryState.LOADED
    return created


async def test_a_meter_is_found(hass: HomeAssistant, meter: Emulation) -> None:
    """Menu, port, listening, what was found, entry."""
    assert meter.url
    found = await submit(hass, await begin(hass), meter.url)
    assert found["description_placeholders"] == {"meter": "PME-PMI", "serial": PME_PMI, "speed": "1200"}
    created = await confirm(hass, found)
    assert created["title"] == f"PME-PMI {PME_PMI}"
    assert created["data"] == {
        CONF_KIND: "meter",
        CONF_PORT: meter.url,
        CONF_BAUDRATE: 1200,
        CONF_METER: "pme_pmi",
        CONF_SERIAL: PME_PMI,
    }
    assert created["result"].unique_id == PME_PMI


async def recovers(hass: HomeAssistant, form: ConfigFlowResult, error: str, meter: Emulation) -> None:
    """Check what is said to be wrong, then give a good port."""
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "meter"
    assert form["errors"] == {"base": error}
    assert meter.url
    created = await confirm(hass, await submit(hass, form, meter.url))
    assert created["data"][CONF_PORT] == meter.url


async def test_a_chosen_speed_is_kept(hass: HomeAssistant, cable: Cable) -> None:
    """The device of a cable, read at the speed that was chosen."""
    speaking = asyncio.create_task(babble(cable, FRAMES[:500]))
    found = await submit(hass, await begin(hass), cable.url, "19200")
    speaking.cancel()
    assert found["description_placeholders"] == {"meter": "PME-PMI", "serial": PME_PMI, "speed": "19200"}


async def test_a_port_that_is_not_there(hass: HomeAssistant, tmp_path: Path, meter: Emulation) -> None:
    """No such device."""
    form = await submit(hass, await begin(hass), str(tmp_path / "ttyNONE"))
    await recovers(hass, form, "not_found", meter)


async def test_a_gateway_that_refuses(hass: HomeAssistant, gateway: Gateway, meter: Emulation) -> None:
    """Nobody listens at this port number."""
    await gateway.stop()
    await recovers(hass, await submit(hass, await begin(hass), gateway.url), "refused", meter)


async def test_an_address_of_nothing(hass: HomeAssistant, meter: Emulation) -> None:
    """A scheme that nobody knows."""
    await recovers(hass, await submit(hass, await begin(hass), "pigeon://loft"), "bad_address", meter)


async def test_a_port_that_another_program_holds(hass: HomeAssistant, cable: Cable, meter: Emulation) -> None:
    """The lock that serial programs take."""
    holder = os.open(cable.url, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    form = await submit(hass, await begin(hass), cable.url)
    os.close(holder)
    await recovers(hass, form, "busy", meter)


async def test_what_is_no_port(hass: HomeAssistant, tmp_path: Path, meter: Emulation) -> None:
    """A folder can be named, but not listened to."""
    await recovers(hass, await submit(hass, await begin(hass), str(tmp_path)), "cannot_open", meter)


async def test_silence(hass: HomeAssistant, gateway: Gateway, meter: Emulation) -> None:
    """A gateway that says nothing."""
    await recovers(hass, await submit(hass, await begin(hass), gateway.url), "silent", meter)
    await until(lambda: not gateway.clients)


async def test_a_wrong_speed(hass: HomeAssistant, cable: Cable, meter: Emulation) -> None:
    """Bytes that are no groups at the speed that was chosen."""
    speaking = asyncio.create_task(babble(cable, GARBAGE[:100]))
    form = await submit(hass, await begin(hass), cable.url, "9600")
    speaking.cancel()
    await recovers(hass, form, "wrong_speed", meter)


async def test_what_is_no_meter(hass: HomeAssistant, gateway: Gateway, meter: Emulation) -> None:
    """Bytes that are no groups, from a gateway that keeps its own speed."""
    gateway.greeting = GARBAGE
    await recovers(hass, await submit(hass, await begin(hass), gateway.url), "not_tic", meter)


async def test_a_gateway_that_hangs_up(
    hass: HomeAssistant, gateway: Gateway, meter: Emulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and drops it."""
    monkeypatch.setattr(listen, "_GATEWAY_S", 5)
    form = await begin(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_PORT: gateway.url, CONF_BAUDRATE: "auto"}
    )
    await until(lambda: gateway.connections)
    await gateway.stop()
    await recovers(hass, await listened(hass, result), "unreachable", meter)


async def test_what_nobody_expected(
    hass: HomeAssistant, meter: Emulation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The flow goes on, and the log has the reason."""

    async def broken(*_: object) -> listen.Heard:
        raise RuntimeError("the sky fell")

    with monkeypatch.context() as patched:
        patched.setattr(meter_flow, "listen", broken)
        form = await submit(hass, await begin(hass), "/dev/ttySKY")
    await recovers(hass, form, "unknown", meter)
    assert "RuntimeError: the sky fell" in caplog.text


async def test_a_port_is_added_once(hass: HomeAssistant, gateway: Gateway) -> None:
    """The port of an entry is refused before it is opened."""
    meter_entry(gateway.url).add_to_hass(hass)
    form = await begin(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_PORT: gateway.url, CONF_BAUDRATE: "auto"}
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await asyncio.sleep(0.02)
    assert not gateway.connections


async def test_a_meter_is_added_once(hass: HomeAssistant, gateway: Gateway, meter: Emulation) -> None:
    """The meter of an entry at another port: the entry goes there."""
    gateway.greeting = FRAMES
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert meter.url
    result = await submit(hass, await begin(hass), meter.url)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await hass.async_block_till_done()
    assert entry.data[CONF_PORT] == meter.url
    assert entry.state is ConfigEntryState.LOADED
    await until(lambda: not gateway.clients)


async def test_a_meter_without_serial_number(hass: HomeAssistant, gateway: Gateway) -> None:
    """A SAPHIR sends none: its entry is known by its port."""
    gateway.greeting = SAPHIR
    found = await submit(hass, await begin(hass), gateway.url)
    assert found["description_placeholders"] == {"meter": "SAPHIR", "serial": "-", "speed": "1200"}
    created = await confirm(hass, found)
    assert created["title"] == "SAPHIR"
    assert created["result"].unique_id is None
    form = await begin(hass)
    again = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_PORT: gateway.url, CONF_BAUDRATE: "auto"}
    )
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_closing_the_dialog_frees_the_port(
    hass: HomeAssistant, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks no more listens no more."""
    monkeypatch.setattr(listen, "_GATEWAY_S", 60)
    form = await begin(hass)
    await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_PORT: gateway.url, CONF_BAUDRATE: "auto"})
    await until(lambda: gateway.clients)
    hass.config_entries.flow.async_abort(form["flow_id"])
    await until(lambda: not gateway.clients)
    assert not hass.config_entries.flow.async_progress()


# A dongle that says by its serial number that it is one for a meter.


async def test_usb_dongles_that_are_matched(hass: HomeAssistant) -> None:
    """Only micro-teleinfo dongles: their bridge chips also carry Zigbee and Z-Wave sticks."""
    await async_get_integration(hass, DOMAIN)
    ours = [matcher for matcher in await async_get_usb(hass) if matcher["domain"] == DOMAIN]
    assert ours == [
        {"domain": DOMAIN, "vid": "0403", "pid": "6015", "serial_number": "tinfo-*"},
        {"domain": DOMAIN, "vid": "1A86", "pid": "55D4", "serial_number": "tinfo-*"},
    ]


async def discovered(hass: HomeAssistant, device: str) -> ConfigFlowResult:
    """Plug in a dongle."""
    info = UsbServiceInfo(device, "0403", "6015", "tinfo-1234", "FTDI", "Micro Teleinfo")
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USB}, data=info)


async def test_a_dongle_is_opened_once_the_user_says_so(hass: HomeAssistant, gateway: Gateway) -> None:
    """Plugged in, shown, and left alone until then."""
    gateway.greeting = SAPHIR
    form = await discovered(hass, gateway.url)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "meter")
    assert hass.config_entries.flow.async_progress()[0]["context"]["title_placeholders"] == {"name": "Micro Teleinfo"}
    await hass.async_block_till_done()
    await asyncio.sleep(0.05)
    before = gateway.connections
    created = await confirm(hass, await submit(hass, form, gateway.url))
    assert (before, gateway.connections) == (0, 2)
    assert created["result"].unique_id is None
    again = await discovered(hass, gateway.url)
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_dongle_is_shown_once(hass: HomeAssistant, gateway: Gateway) -> None:
    """Seen again while its dialog is open."""
    await discovered(hass, gateway.url)
    again = await discovered(hass, gateway.url)
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_in_progress")


# Another connection of the same meter.


@pytest.fixture
async def entry(hass: HomeAssistant, gateway: Gateway) -> MockConfigEntry:
    """An entry that is loaded, its reader connected to the gateway."""
    gateway.greeting = FRAMES
    known = meter_entry(gateway.url)
    known.add_to_hass(hass)
    assert await hass.config_entries.async_setup(known.entry_id)
    await until(lambda: len(gateway.clients) == 1)
    return known


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry, port: str) -> ConfigFlowResult:
    """Give an entry another port."""
    form = await entry.start_reconfigure_flow(hass)
    assert form["step_id"] == "reconfigure_meter"
    return await submit(hass, form, port)


def state_of(entry: MockConfigEntry) -> ConfigEntryState:
    """Return the state of an entry now."""
    state: ConfigEntryState = entry.state
    return state


def running(entry: MockConfigEntry, gateway: Gateway) -> bool:
    """Tell whether an entry is loaded and its reader alone at the gateway."""
    return state_of(entry) is ConfigEntryState.LOADED and len(gateway.clients) == 1


async def test_another_port_of_the_same_meter(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry, meter: Emulation
) -> None:
    """The entry goes there, and is loaded once."""
    assert meter.url
    result = await reconfigure(hass, entry, meter.url)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    assert entry.data[CONF_PORT] == meter.url
    assert entry.state is ConfigEntryState.LOADED
    assert gateway.connections == 1
    assert not gateway.clients


async def test_a_gateway_that_moved(hass: HomeAssistant, gateway: Gateway, meter: Emulation) -> None:
    """The entry is still waiting for its old address: it is given the new one, and waits no more."""
    await gateway.stop()
    entry = meter_entry(gateway.url)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    assert meter.url
    result = await reconfigure(hass, entry, meter.url)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.data[CONF_PORT] == meter.url
    assert state_of(entry) is ConfigEntryState.LOADED


async def test_the_same_port_again(hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry) -> None:
    """Its own reader gives the port up; then listening, then one reader again: three connections in all."""
    result = await reconfigure(hass, entry, gateway.url)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    await until(lambda: running(entry, gateway))
    assert gateway.connections == 3


async def test_another_meter_is_not_this_one(hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry) -> None:
    """Refused, and the entry runs as before."""
    async with Emulation(MeterConfig(tcp=LOCAL, pace=100, seed=1)) as other:
        assert other.url
        result = await reconfigure(hass, entry, other.url)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "another_meter")
    await hass.async_block_till_done()
    assert entry.data[CONF_PORT] == gateway.url
    assert running(entry, gateway)


async def test_another_kind_of_meter_without_serial_number(hass: HomeAssistant, gateway: Gateway) -> None:
    """A SAPHIR has no serial number, an ICE neither: they are still two meters."""
    gateway.greeting = SAPHIR
    entry = meter_entry(gateway.url, meter="saphir", serial=None)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    async with Emulation(MeterConfig(meter="ice", tcp=LOCAL, pace=200)) as other:
        assert other.url
        result = await reconfigure(hass, entry, other.url)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "another_meter")
    await hass.async_block_till_done()
    assert entry.data[CONF_METER] == "saphir"
    assert running(entry, gateway)


async def test_a_port_that_is_wrong_can_be_put_right(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry, tmp_path: Path
) -> None:
    """The form comes back with the reason and what was typed; the entry has its port again at the end."""
    form = await reconfigure(hass, entry, str(tmp_path / "ttyNONE"))
    assert (form["step_id"], form["errors"]) == ("reconfigure_meter", {"base": "not_found"})
    result = await submit(hass, form, gateway.url)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert running(entry, gateway)


async def test_the_port_of_another_entry_is_refused(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry
) -> None:
    """Before anything is opened or closed."""
    meter_entry("/dev/ttyOTHER", serial="041436000001").add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_PORT: "/dev/ttyOTHER", CONF_BAUDRATE: "auto"}
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await hass.async_block_till_done()
    assert running(entry, gateway)
    assert gateway.connections == 1


async def test_looking_at_the_form_disturbs_nothing(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry
) -> None:
    """Opened and closed, nothing submitted: the reader goes on."""
    form = await entry.start_reconfigure_flow(hass)
    hass.config_entries.flow.async_abort(form["flow_id"])
    await hass.async_block_till_done()
    assert running(entry, gateway)
    assert gateway.connections == 1


async def test_a_change_given_up_gives_the_port_back(
    hass: HomeAssistant, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that only one can hold: listened to, dialog closed, read by its entry again."""
    monkeypatch.setattr(listen, "_TRY_S", 60)
    speaking = asyncio.create_task(babble(cable, FRAMES))
    entry = meter_entry(cable.url)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    speaking.cancel()
    form = await entry.start_reconfigure_flow(hass)
    await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_PORT: cable.url, CONF_BAUDRATE: "auto"})
    assert state_of(entry) is ConfigEntryState.NOT_LOADED
    await until(lambda: cable.opened)
    speaking = asyncio.create_task(babble(cable, FRAMES))
    hass.config_entries.flow.async_abort(form["flow_id"])
    await hass.async_block_till_done()
    assert state_of(entry) is ConfigEntryState.LOADED
    speaking.cancel()


async def test_an_entry_removed_while_it_is_changed(
    hass: HomeAssistant, gateway: Gateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """The dialog that is left over closes in peace."""
    form = await entry.start_reconfigure_flow(hass)
    await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_PORT: gateway.url, CONF_BAUDRATE: "auto"})
    await hass.config_entries.async_remove(entry.entry_id)
    hass.config_entries.flow.async_abort(form["flow_id"])
    await hass.async_block_till_done()
    await until(lambda: not gateway.clients)
    assert "Traceback" not in caplog.text
