"""The flow of a supplier signal, against the emulated supplier: what is wrong in words, what an entry is made of."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from world import POINT, PRICES, USER, USER_SECRET, World

from custom_components.flex_ready.const import (
    CONF_DELIVERY_POINT,
    CONF_DIALECT,
    CONF_ISSUER,
    CONF_KIND,
    CONF_SCOPE,
    DOMAIN,
)
from emulator.supplier.demo_signal import default_signal

FAULTS = [
    ({"path": PRICES, "kind": "status", "status": 401}, "signal_invalid_auth"),
    ({"path": "/oidc/token", "kind": "status", "status": 401}, "signal_invalid_auth"),
    ({"path": "/oidc/token", "kind": "wrong-json"}, "signal_wrong_shape"),
    ({"path": "/oidc/.well-known", "kind": "wrong-json"}, "signal_wrong_shape"),
    ({"path": "/oidc/.well-known", "kind": "status", "status": 404}, "signal_not_found"),
    ({"path": PRICES, "kind": "status", "status": 403}, "signal_not_subscribed"),
    ({"path": PRICES, "kind": "status", "status": 404}, "signal_not_found"),
    ({"path": PRICES, "kind": "status", "status": 422}, "signal_bad_request"),
    ({"path": PRICES, "kind": "status", "status": 429}, "signal_rate_limited"),
    ({"path": PRICES, "kind": "status", "status": 500}, "signal_server_error"),
    ({"path": PRICES, "kind": "html-502"}, "signal_server_error"),
    ({"path": PRICES, "kind": "empty"}, "signal_empty"),
    ({"path": PRICES, "kind": "half"}, "signal_truncated"),
    ({"path": PRICES, "kind": "not-json"}, "signal_not_json"),
    ({"path": PRICES, "kind": "wrong-json"}, "signal_rejected"),
    ({"path": PRICES, "kind": "big"}, "signal_too_big"),
    ({"path": PRICES, "kind": "reset"}, "signal_unreachable"),
]


def where(world: World, **more: str) -> dict[str, str]:
    """Fill the first form in."""
    return {CONF_URL: world.url, CONF_DELIVERY_POINT: POINT, CONF_DIALECT: "suppliers", "access": "client", **more}


def client(world: World, **more: str) -> dict[str, str]:
    """Fill the form of the credentials in."""
    return {CONF_ISSUER: f"{world.url}/oidc", CONF_CLIENT_ID: USER, CONF_CLIENT_SECRET: USER_SECRET, **more}


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the menu and choose the supplier signal."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "supplier"})
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "supplier", {})
    return form


async def submit(hass: HomeAssistant, form: ConfigFlowResult, data: dict[str, Any]) -> ConfigFlowResult:
    """Submit a form, and let what follows happen."""
    result = await hass.config_entries.flow.async_configure(form["flow_id"], data)
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


async def to_key(hass: HomeAssistant, world: World, **more: str) -> ConfigFlowResult:
    """Submit the first form."""
    form = await submit(hass, await begin(hass), where(world, **more))
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == f"supplier_{more.get('access', 'client')}"
    assert form["errors"] == {}
    return form


async def known(world: World) -> None:
    """Make the supplier know the delivery point."""
    day = world.freezer().date()
    await world.send_signal(default_signal(day, day.replace(day=day.day + 2)))


async def test_a_supplier_is_added(hass: HomeAssistant, world: World) -> None:
    """With a client id and secret; blanks within the delivery point are dropped."""
    await known(world)
    form = await to_key(hass, world, **{CONF_DELIVERY_POINT: "30 001 234 567 890", CONF_URL: f" {world.url}/ "})
    created = await submit(hass, form, client(world, **{CONF_SCOPE: " "}))
    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["title"] == f"127.0.0.1 {POINT}"
    assert created["data"] == {
        CONF_KIND: "supplier",
        CONF_URL: world.url,
        CONF_DELIVERY_POINT: POINT,
        CONF_DIALECT: "suppliers",
        **client(world),
    }
    assert created["result"].unique_id == POINT
    assert created["result"].state is ConfigEntryState.LOADED
    again = await submit(hass, await begin(hass), where(world))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("suppliers", PRICES),
        ("suppliers_spaced", "/suppliers/%20commodity/prices"),
        ("supplier", "/supplier/commodity/prices"),
    ],
)
async def test_with_a_token_in_each_spelling(hass: HomeAssistant, world: World, dialect: str, path: str) -> None:
    """The path is spelled as chosen."""
    await known(world)
    form = await to_key(hass, world, **{CONF_DIALECT: dialect, "access": "token"})
    created = await submit(hass, form, {CONF_TOKEN: await world.token()})
    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["result"].state is ConfigEntryState.LOADED
    assert world.asked == [path, path]


async def test_default_data_is_taken_once_confirmed(hass: HomeAssistant, world: World) -> None:
    """A supplier that does not know the delivery point says so."""
    form = await submit(hass, await to_key(hass, world), client(world, **{CONF_SCOPE: "prices"}))
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "default_data")
    assert form["description_placeholders"] == {"delivery_point": POINT}
    assert hass.config_entries.async_entries(DOMAIN) == []
    created = await submit(hass, form, {})
    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["data"][CONF_SCOPE] == "prices"


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({CONF_DELIVERY_POINT: "123"}, {CONF_DELIVERY_POINT: "no_delivery_point"}),
        ({CONF_DELIVERY_POINT: "3000123456789x"}, {CONF_DELIVERY_POINT: "no_delivery_point"}),
        ({CONF_URL: "supplier.example"}, {CONF_URL: "no_address"}),
        ({CONF_URL: "http://[::1"}, {CONF_URL: "no_address"}),
        (
            {CONF_URL: "ftp://a", CONF_DELIVERY_POINT: ""},
            {CONF_URL: "no_address", CONF_DELIVERY_POINT: "no_delivery_point"},
        ),
    ],
)
async def test_where_nothing_is(
    hass: HomeAssistant, world: World, wrong: dict[str, str], errors: dict[str, str]
) -> None:
    """All that is wrong is said at once; nobody is asked."""
    form = await submit(hass, await begin(hass), where(world, **wrong))
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, errors)
    assert world.asked == []
    assert (await submit(hass, form, where(world)))["step_id"] == "supplier_client"


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_what_is_wrong(hass: HomeAssistant, world: World, fault: dict[str, Any], error: str) -> None:
    """It is said, with what is to be mended in a signal; the form can be submitted again."""
    await known(world)
    await world.break_path(**fault)
    form = await submit(hass, await to_key(hass, world), client(world))
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": error})
    placeholders = form["description_placeholders"]
    assert placeholders
    assert ("- `/cost` the array is missing" in placeholders["findings"]) == (error == "signal_rejected")
    await world.mend()
    created = await submit(hass, form, client(world))
    assert created["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ({CONF_CLIENT_SECRET: "wrong"}, "signal_invalid_auth"),
        ({CONF_CLIENT_ID: "a:b", CONF_CLIENT_SECRET: "é %"}, "signal_invalid_auth"),
        ({CONF_CLIENT_ID: " "}, "signal_invalid_auth"),
        ({CONF_ISSUER: " "}, "signal_unreachable"),
        ({CONF_ISSUER: "http://[::1"}, "signal_unreachable"),
        ({CONF_ISSUER: "http://idp.example"}, "signal_unreachable"),
    ],
)
async def test_credentials_that_are_wrong(hass: HomeAssistant, world: World, key: dict[str, str], error: str) -> None:
    """It is said; a secret is not sent in clear over a network."""
    form = await submit(hass, await to_key(hass, world), client(world, **key))
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": error})


@pytest.mark.parametrize("token", ["wrong", " ", "two\nlines", "é"])
async def test_a_token_that_is_wrong(hass: HomeAssistant, world: World, token: str) -> None:
    """It is said."""
    form = await submit(hass, await to_key(hass, world, access="token"), {CONF_TOKEN: token})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "signal_invalid_auth"})


async def test_reauthentication_with_a_client(hass: HomeAssistant, world: World) -> None:
    """Its id and its identity provider are known."""
    await known(world)
    entry = await world.load(world.supplier_entry())
    form = await entry.start_reauth_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "supplier_client")
    form = await submit(hass, form, client(world, **{CONF_CLIENT_SECRET: "wrong"}))
    assert form["errors"] == {"base": "signal_invalid_auth"}
    done = await submit(hass, form, client(world))
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.state is ConfigEntryState.LOADED


async def test_reauthentication_with_a_token(hass: HomeAssistant, world: World) -> None:
    """The new one takes the place of the old one."""
    await known(world)
    entry = await world.load(world.supplier_entry(**{CONF_TOKEN: await world.token()}))
    form = await entry.start_reauth_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "supplier_token")
    token = await world.token()
    done = await submit(hass, form, {CONF_TOKEN: token})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.data[CONF_TOKEN] == token


async def test_reconfiguration(hass: HomeAssistant, world: World) -> None:
    """Another access for the same delivery point; that of another is refused."""
    await known(world)
    entry = await world.load(world.supplier_entry())
    form = await entry.start_reconfigure_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure_supplier")
    other = await submit(hass, form, where(world, **{CONF_DELIVERY_POINT: "1" * 14}))
    assert (other["type"], other["reason"]) == (FlowResultType.ABORT, "another_delivery_point")
    form = await entry.start_reconfigure_flow(hass)
    form = await submit(hass, form, where(world, **{CONF_DIALECT: "supplier"}))
    assert form["step_id"] == "supplier_client"
    done = await submit(hass, form, client(world))
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.data[CONF_DIALECT] == "supplier"
    form = await submit(hass, await entry.start_reconfigure_flow(hass), where(world, access="token"))
    done = await submit(hass, form, {CONF_TOKEN: await world.token()})
    assert done["reason"] == "reconfigure_successful"
    assert CONF_CLIENT_SECRET not in entry.data
    assert entry.state is ConfigEntryState.LOADED
