"""The flow of a fleet and of its sites, against a real BACS: what is wrong in words, what is made of it."""

from collections.abc import AsyncIterator
from typing import Any

from fleets import Fleet, fleet, remote, site_data
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
    SubentryFlowResult,
)
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from remote import TOKEN, Fault, Remote, hang_up, problem, status, text
from world import USER, USER_SECRET, World

from custom_components.flex_ready.const import CONF_DIALECT, CONF_ISSUER, CONF_KIND, CONF_SCOPE, DOMAIN
from custom_components.flex_ready.fleet.const import SUBENTRY_SITE
from custom_components.flex_ready.flexibility.dialects import NATIVE

__all__ = ["fleet", "remote"]

FAULTS = [
    (problem(401, "invalid-token"), "bacs_invalid_auth"),
    (problem(403, "insufficient-scope"), "bacs_forbidden"),
    (status(404), "bacs_no_bacs"),
    (problem(404, "not-found"), "bacs_not_found"),
    (problem(422, "malformed"), "bacs_refused"),
    (problem(429, "rate-limited"), "bacs_rate_limited"),
    (status(500), "bacs_server_error"),
    (status(408), "bacs_timeout"),
    (text("<html>"), "bacs_garbled"),
    (text('[{"surprise": 1}]'), "bacs_wrong_shape"),
    (text("[]"), "nothing_shown"),
    (status(302, Location="/"), "bacs_unexpected"),
    (hang_up, "bacs_unreachable"),
]


def where(url: str, **more: str) -> dict[str, str]:
    """Fill the first form in."""
    return {CONF_URL: url, CONF_DIALECT: NATIVE.name, "access": "token", **more}


async def begin(fleet: Fleet) -> SubentryFlowResult:
    """Open the flow of a site."""
    form = await fleet.hass.config_entries.subentries.async_init(
        (fleet.entry.entry_id, SUBENTRY_SITE), context={"source": SOURCE_USER}
    )
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "user", {})
    return form


async def change(fleet: Fleet) -> SubentryFlowResult:
    """Open the flow that changes the first site."""
    return await fleet.hass.config_entries.subentries.async_init(
        (fleet.entry.entry_id, SUBENTRY_SITE),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": fleet.site.id},
    )


async def submit(fleet: Fleet, form: SubentryFlowResult, data: dict[str, Any]) -> SubentryFlowResult:
    """Submit a form, and let what follows happen."""
    result = await fleet.hass.config_entries.subentries.async_configure(form["flow_id"], data)
    await fleet.settle()
    return result


async def add_fleet(hass: HomeAssistant, name: str) -> ConfigFlowResult:
    """Choose the fleet in the menu, and give it a name."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "fleet"})
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "fleet")
    return await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_NAME: name})


def suggested(form: SubentryFlowResult | ConfigFlowResult) -> dict[str, Any]:
    """Return what a form is filled with."""
    assert form["data_schema"]
    fields = form["data_schema"].schema
    return {str(key): (key.description or {}).get("suggested_value") for key in fields}


async def test_a_fleet_and_its_first_site(fleet: Fleet) -> None:
    """A name makes the fleet; a site is tried, shown, taken, and asked."""
    refused = await add_fleet(fleet.hass, " ")
    assert refused["errors"] == {CONF_NAME: "no_name"}
    created = await fleet.hass.config_entries.flow.async_configure(refused["flow_id"], {CONF_NAME: " Our town "})
    await fleet.settle()
    assert (created["type"], created["title"]) == (FlowResultType.CREATE_ENTRY, "Our town")
    assert created["data"] == {CONF_KIND: "fleet"}
    fleet.entry = created["result"]
    assert fleet.entry.state is ConfigEntryState.LOADED
    form = await submit(fleet, await begin(fleet), where(f" {fleet.remote.url}/ "))
    assert (form["step_id"], form["errors"]) == ("token", {})
    found = await submit(fleet, form, {CONF_TOKEN: f" {TOKEN} "})
    assert found["step_id"] == "found"
    assert found["description_placeholders"] == {"found": "- Town hall: Heating"}
    made = await submit(fleet, found, {})
    assert made["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = fleet.entry.subentries.values()
    assert (subentry.title, subentry.unique_id) == ("Town hall", fleet.remote.url)
    assert subentry.data == {CONF_URL: fleet.remote.url, CONF_DIALECT: "native", CONF_TOKEN: TOKEN}
    await fleet.settle()
    assert fleet.asset_state("remote_potential") == "50.0"
    again = await submit(fleet, await begin(fleet), where(fleet.remote.url))
    twice = await submit(fleet, again, {CONF_TOKEN: TOKEN})
    assert (twice["type"], twice["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_the_fleet_is_renamed(fleet: Fleet) -> None:
    """Its sites stay."""
    await fleet.load()
    form = await fleet.entry.start_reconfigure_flow(fleet.hass)
    assert (form["step_id"], suggested(form)) == ("reconfigure_fleet", {CONF_NAME: "Our town"})
    done = await fleet.hass.config_entries.flow.async_configure(form["flow_id"], {CONF_NAME: "Our county"})
    await fleet.settle()
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert fleet.entry.title == fleet.runtime.name == "Our county"
    assert len(fleet.runtime.sites) == 1


@pytest.fixture
async def another(socket_enabled: None) -> AsyncIterator[Remote]:
    """A BACS where another Home Assistant has it."""
    server = Remote(prefix="/api/flex_ready/v1")
    await server.start()
    yield server
    await server.stop()


async def test_another_home_assistant(fleet: Fleet, another: Remote) -> None:
    """Its address is enough; what lies under it is found."""
    await fleet.load()
    bare = another.url.removesuffix("/api/flex_ready/v1")
    form = await submit(fleet, await begin(fleet), where(bare, name="Library"))
    found = await submit(fleet, form, {CONF_TOKEN: TOKEN})
    await submit(fleet, found, {})
    made = [one for one in fleet.entry.subentries.values() if one.title == "Library"]
    assert [one.data[CONF_URL] for one in made] == [another.url]
    assert another.called("GET", "/assets") == 2
    # A wrong token is said for what it is, not as nothing being there.
    form = await submit(fleet, await begin(fleet), where(bare))
    assert (await submit(fleet, form, {CONF_TOKEN: "wrong"}))["errors"] == {"base": "bacs_invalid_auth"}


@pytest.mark.parametrize("url", ["town.example", "ftp://town.example", "http://[::1", "http://"])
async def test_what_is_no_address(fleet: Fleet, url: str) -> None:
    """Nobody is asked; another can be given."""
    await fleet.load()
    calls = len(fleet.remote.calls)
    form = await submit(fleet, await begin(fleet), where(url))
    assert form["errors"] == {CONF_URL: "no_address"}
    assert len(fleet.remote.calls) == calls
    assert (await submit(fleet, form, where("http://127.0.0.1:1")))["step_id"] == "token"


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_what_is_wrong(fleet: Fleet, another: Remote, fault: Fault, error: str) -> None:
    """It is said, and the form can be submitted again."""
    await fleet.load()
    form = await submit(fleet, await begin(fleet), where(another.url))
    another.always = fault
    form = await submit(fleet, form, {CONF_TOKEN: TOKEN})
    assert (form["step_id"], form["errors"]) == ("token", {"base": error})
    another.always = None
    assert (await submit(fleet, form, {CONF_TOKEN: TOKEN}))["step_id"] == "found"


@pytest.mark.parametrize("token", ["wrong", " ", "é", "two\nlines"])
async def test_a_token_that_is_wrong(fleet: Fleet, another: Remote, token: str) -> None:
    """It is said."""
    await fleet.load()
    form = await submit(fleet, await begin(fleet), where(another.url))
    assert (await submit(fleet, form, {CONF_TOKEN: token}))["errors"] == {"base": "bacs_invalid_auth"}


async def test_a_site_with_many_bacs(fleet: Fleet, another: Remote) -> None:
    """The first are listed; one without assets is, too."""
    await fleet.load()
    bacs = [{"id": f"b{i}", "name": f"Block {i}"} for i in range(22)]
    another.always = None
    another.faults = [status(200, bacs), *(status(200, []) for _ in bacs)]
    form = await submit(fleet, await begin(fleet), where(another.url))
    found = await submit(fleet, form, {CONF_TOKEN: TOKEN})
    assert found["description_placeholders"]
    rows = found["description_placeholders"]["found"].splitlines()
    assert (rows[0], rows[-1], len(rows)) == ("- Block 0: -", "- + 2", 21)


async def test_a_site_is_changed(fleet: Fleet, another: Remote) -> None:
    """Another address, name and token; the address of another site of the fleet is refused."""
    await fleet.load(site_data(fleet.remote.url), site_data(another.url, title="Library"))
    form = await change(fleet)
    assert form["step_id"] == "reconfigure"
    assert suggested(form) == {"name": "Town hall", "access": "token", "url": fleet.remote.url, "dialect": "native"}
    asked = await submit(fleet, form, where(another.url))
    taken = await submit(fleet, asked, {CONF_TOKEN: TOKEN})
    assert (taken["type"], taken["reason"]) == (FlowResultType.ABORT, "already_configured")
    fleet.remote.tokens = {"new"}
    asked = await submit(fleet, await change(fleet), where(fleet.remote.url, name="Old town hall"))
    assert suggested(asked) == {CONF_TOKEN: None}
    assert (await submit(fleet, asked, {CONF_TOKEN: TOKEN}))["errors"] == {"base": "bacs_invalid_auth"}
    asked = await submit(fleet, await change(fleet), where(fleet.remote.url, name=" "))
    done = await submit(fleet, asked, {CONF_TOKEN: "new"})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert (fleet.site.name, fleet.site.subentry.data[CONF_TOKEN]) == ("Town hall", "new")


async def test_the_token_is_given_again(fleet: Fleet) -> None:
    """That of the site that refuses it; the fleet goes on with it."""
    await fleet.load()
    await fleet.send(confirm=True)
    fleet.remote.tokens = {"new"}
    await fleet.live(fleet.site.next_poll)
    (flow,) = fleet.hass.config_entries.flow.async_progress()
    configure = fleet.hass.config_entries.flow.async_configure
    form = await configure(flow["flow_id"])
    assert form["description_placeholders"]
    assert (form["step_id"], form["description_placeholders"]["site"]) == ("reauth_site_token", "Town hall")
    form = await configure(flow["flow_id"], {CONF_TOKEN: "wrong"})
    assert form["errors"] == {"base": "bacs_invalid_auth"}
    done = await configure(flow["flow_id"], {CONF_TOKEN: "new"})
    await fleet.settle()
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert fleet.site.subentry.data == {CONF_URL: fleet.remote.url, CONF_DIALECT: "native", CONF_TOKEN: "new"}
    await fleet.live(fleet.site.next_poll)
    assert fleet.state("remote_reachable", platform="binary_sensor") == "on"
    assert fleet.order().state == "scheduled"


async def test_a_site_that_is_removed_while_its_token_is_asked_for(fleet: Fleet) -> None:
    """There is nothing to be given any more."""
    await fleet.load()
    fleet.remote.tokens = {"new"}
    await fleet.live(fleet.site.next_poll)
    (flow,) = fleet.hass.config_entries.flow.async_progress()
    site = fleet.site.id
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
    fleet.hass.config_entries.async_remove_subentry(fleet.entry, site)
    done = await fleet.hass.config_entries.flow.async_configure(flow["flow_id"], {CONF_TOKEN: "new"})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "site_gone")
    fleet.entry.async_start_reauth(fleet.hass, data={"subentry_id": site})
    await fleet.settle()
    assert fleet.hass.config_entries.flow.async_progress() == []


async def test_a_fleet_is_removed(fleet: Fleet, hass_storage: dict[str, Any]) -> None:
    """Nothing is left behind."""
    await fleet.load()
    key = f"flex_ready.{fleet.entry.entry_id}"
    assert key in hass_storage
    await fleet.hass.config_entries.async_remove(fleet.entry.entry_id)
    await fleet.settle()
    assert key not in hass_storage


def client(world: World, **more: str) -> dict[str, str]:
    """Fill the form of the credentials in."""
    return {CONF_ISSUER: f"{world.url}/oidc", CONF_CLIENT_ID: USER, CONF_CLIENT_SECRET: USER_SECRET, **more}


async def test_client_credentials(world: World, another: Remote, remote: Remote) -> None:
    """The token is fetched from a real identity provider, found by discovery; then the secret changes."""
    fleet = Fleet(world.hass, world.freezer, remote)
    await fleet.load()
    token = await world.token()
    another.tokens = {token}
    answered = another._answer

    async def any_token(request: Any, handler: Any) -> Any:  # noqa: ANN401
        bearer = request.headers["Authorization"].removeprefix("Bearer ")
        if bearer.count(".") == 2:  # a JWT of the provider
            another.tokens.add(bearer)
        return await answered(request, handler)

    another._answer = any_token  # type: ignore[method-assign]
    form = await submit(fleet, await begin(fleet), where(another.url, access="client", name="Library"))
    assert form["step_id"] == "client"
    wrong = await submit(fleet, form, client(world, **{CONF_CLIENT_SECRET: "wrong"}))
    assert wrong["errors"] == {"base": "bacs_invalid_auth"}
    nowhere = await submit(fleet, wrong, client(world, **{CONF_ISSUER: "http://127.0.0.1:1"}))
    assert nowhere["errors"] == {"base": "bacs_no_token"}
    found = await submit(fleet, nowhere, client(world, **{CONF_SCOPE: " "}))
    assert found["step_id"] == "found"
    await submit(fleet, found, {})
    site = next(one for one in fleet.runtime.sites.values() if one.name == "Library")
    assert site.subentry.data == {CONF_URL: another.url, CONF_DIALECT: "native", **client(world)}
    await fleet.wait(site.next_poll - site.now())
    assert site.reachable
    fleet.entry.async_start_reauth(world.hass, data={"subentry_id": site.id})
    await fleet.settle()
    (flow,) = world.hass.config_entries.flow.async_progress()
    shown = await world.hass.config_entries.flow.async_configure(flow["flow_id"])
    assert shown["step_id"] == "reauth_site_client"
    assert suggested(shown) == {CONF_CLIENT_SECRET: None, CONF_SCOPE: None, **client(world)} | {
        CONF_CLIENT_SECRET: None
    }
    done = await world.hass.config_entries.flow.async_configure(flow["flow_id"], client(world))
    await fleet.settle()
    assert done["reason"] == "reauth_successful"
    asked = await fleet.hass.config_entries.subentries.async_init(
        (fleet.entry.entry_id, SUBENTRY_SITE), context={"source": SOURCE_RECONFIGURE, "subentry_id": site.id}
    )
    assert suggested(asked)["access"] == "client"
    key = await submit(fleet, asked, where(another.url, access="client"))
    assert suggested(key)[CONF_CLIENT_ID] == USER
