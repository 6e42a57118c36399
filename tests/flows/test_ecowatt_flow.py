"""The flow of Ecowatt, against the emulated RTE: what is wrong in words, and what an entry is made of."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from world import (
    APPLICATION,
    APPLICATION_SECRET,
    NOBODY,
    NOBODY_SECRET,
    SANDBOX,
    SIGNALS,
    TOKEN,
    World,
)

from custom_components.flex_ready.const import CONF_KIND, CONF_REHEARSAL, DOMAIN

FAULTS = [
    ({"path": SANDBOX, "kind": "status", "status": 401}, "signal_invalid_auth"),
    ({"path": TOKEN, "kind": "status", "status": 400}, "signal_invalid_auth"),
    ({"path": TOKEN, "kind": "wrong-json"}, "signal_wrong_shape"),
    ({"path": SANDBOX, "kind": "status", "status": 403}, "signal_not_subscribed"),
    ({"path": SANDBOX, "kind": "status", "status": 404}, "signal_not_found"),
    ({"path": SANDBOX, "kind": "status", "status": 422}, "signal_bad_request"),
    ({"path": SANDBOX, "kind": "status", "status": 429, "seconds": 60}, "signal_rate_limited"),
    ({"path": SANDBOX, "kind": "status", "status": 500}, "signal_server_error"),
    ({"path": SANDBOX, "kind": "status", "status": 418}, "signal_unexpected"),
    ({"path": SANDBOX, "kind": "html-502"}, "signal_server_error"),
    ({"path": SANDBOX, "kind": "empty"}, "signal_empty"),
    ({"path": SANDBOX, "kind": "half"}, "signal_truncated"),
    ({"path": SANDBOX, "kind": "not-json"}, "signal_not_json"),
    ({"path": SANDBOX, "kind": "wrong-json"}, "signal_wrong_shape"),
    ({"path": SANDBOX, "kind": "big"}, "signal_too_big"),
    ({"path": SANDBOX, "kind": "reset"}, "signal_unreachable"),
]


def application(
    world: World, identity: str = APPLICATION, secret: str = APPLICATION_SECRET, *, rehearsal: bool = False
) -> dict[str, Any]:
    """Fill the form in."""
    return {
        CONF_CLIENT_ID: identity,
        CONF_CLIENT_SECRET: secret,
        CONF_REHEARSAL: rehearsal,
        "advanced": {CONF_URL: world.url},
    }


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the menu and choose Ecowatt."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "ecowatt"})
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "ecowatt", {})
    assert form["description_placeholders"] == {"portal": "data.rte-france.com"}
    return form


async def submit(hass: HomeAssistant, form: ConfigFlowResult, data: dict[str, Any]) -> ConfigFlowResult:
    """Submit a form, and let what follows happen."""
    result = await hass.config_entries.flow.async_configure(form["flow_id"], data)
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


async def test_an_application_is_added(hass: HomeAssistant, world: World) -> None:
    """It is tried on the sandbox, which costs none of the quota; blanks around what was copied are dropped."""
    form = await begin(hass)
    created = await submit(hass, form, application(world, f" {APPLICATION}\n", f"{APPLICATION_SECRET} "))
    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["title"] == "Ecowatt"
    assert created["data"] == {
        CONF_KIND: "ecowatt",
        CONF_CLIENT_ID: APPLICATION,
        CONF_CLIENT_SECRET: APPLICATION_SECRET,
        CONF_REHEARSAL: False,
        CONF_URL: world.url,
    }
    assert created["result"].unique_id == APPLICATION
    assert created["result"].state is ConfigEntryState.LOADED
    assert world.asked == [TOKEN, SANDBOX, TOKEN, SIGNALS]


async def test_a_rehearsal_stands_beside(hass: HomeAssistant, world: World) -> None:
    """Of the same application; each is added once."""
    for rehearsal, title in ((False, "Ecowatt"), (True, "Ecowatt (rehearsal)")):
        data = application(world, rehearsal=rehearsal)
        created = await submit(hass, await begin(hass), data)
        assert (created["type"], created["title"]) == (FlowResultType.CREATE_ENTRY, title)
        again = await submit(hass, await begin(hass), data)
        assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert world.asked.count(SIGNALS) == 1


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_what_is_wrong(hass: HomeAssistant, world: World, fault: dict[str, Any], error: str) -> None:
    """It is said, and the form can be submitted again."""
    await world.break_path(**fault)
    form = await submit(hass, await begin(hass), application(world))
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": error})
    await world.mend()
    created = await submit(hass, form, application(world))
    assert created["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("identity", "secret", "url", "error"),
    [
        (APPLICATION, "wrong", None, "signal_invalid_auth"),
        ("id:with a colon", "é", None, "signal_invalid_auth"),
        (NOBODY, NOBODY_SECRET, None, "signal_not_subscribed"),
        (APPLICATION, APPLICATION_SECRET, "nowhere", "signal_unreachable"),
        (APPLICATION, APPLICATION_SECRET, "ftp://127.0.0.1", "signal_unreachable"),
        (APPLICATION, APPLICATION_SECRET, "http://127.0.0.1:1", "signal_unreachable"),
    ],
)
async def test_what_was_filled_in_wrong(
    hass: HomeAssistant, world: World, identity: str, secret: str, url: str | None, error: str
) -> None:
    """It is said."""
    data = application(world, identity, secret) | {"advanced": {CONF_URL: url or world.url}}
    form = await submit(hass, await begin(hass), data)
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": error})


async def test_reauthentication(hass: HomeAssistant, world: World) -> None:
    """The same server and the same kind, another secret; what is wrong is said."""
    entry = await world.load(world.ecowatt_entry())
    form = await entry.start_reauth_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reauth_ecowatt")
    wrong = {CONF_CLIENT_ID: APPLICATION, CONF_CLIENT_SECRET: "wrong"}
    form = await submit(hass, form, wrong)
    assert form["errors"] == {"base": "signal_invalid_auth"}
    done = await submit(hass, form, wrong | {CONF_CLIENT_SECRET: APPLICATION_SECRET})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.data[CONF_CLIENT_SECRET] == APPLICATION_SECRET
    assert (entry.data[CONF_URL], entry.data[CONF_REHEARSAL]) == (world.url, False)
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfiguration(hass: HomeAssistant, world: World) -> None:
    """Another application takes the place of the first, unless it is that of another entry."""
    entry = await world.load(world.ecowatt_entry())
    form = await entry.start_reconfigure_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure_ecowatt")
    data = application(world, NOBODY, NOBODY_SECRET)
    del data[CONF_REHEARSAL]
    form = await submit(hass, form, data)
    assert form["errors"] == {"base": "signal_not_subscribed"}
    done = await submit(hass, form, data | {CONF_CLIENT_ID: APPLICATION, CONF_CLIENT_SECRET: APPLICATION_SECRET})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.state is ConfigEntryState.LOADED
    other = MockConfigEntry(domain=DOMAIN, unique_id=NOBODY, data={**entry.data, CONF_CLIENT_ID: NOBODY})
    other.add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    done = await submit(hass, form, data)
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.unique_id == APPLICATION


async def test_a_rehearsal_stays_one(hass: HomeAssistant, world: World) -> None:
    """Also with other credentials."""
    entry = await world.load(world.ecowatt_entry(rehearsal=True))
    form = await entry.start_reconfigure_flow(hass)
    data = application(world)
    del data[CONF_REHEARSAL]
    done = await submit(hass, form, data)
    assert done["reason"] == "reconfigure_successful"
    assert entry.data[CONF_REHEARSAL] is True
    assert entry.unique_id == f"{APPLICATION}_rehearsal"
