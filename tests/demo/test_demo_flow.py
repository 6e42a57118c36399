"""The follower of config flows and the client beneath it, against a server that plays Home Assistant's part."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from _demo.client import HomeAssistant, log_in
from _demo.error import DemoError
from _demo.flow import FlowAbortedError, add_entry
from aiohttp import ClientSession, web
import pytest

pytestmark = pytest.mark.usefixtures("socket_enabled")

MENU = {"type": "menu", "step_id": "user", "menu_options": ["ecowatt", "meter"]}
FORM = {"type": "form", "step_id": "meter", "errors": {}}
LISTENING = {"type": "progress", "step_id": "listen"}
FOUND = {"type": "form", "step_id": "found", "errors": None}
CREATED = {"type": "create_entry", "result": {"entry_id": "abc"}}


@asynccontextmanager
async def served(application: web.Application) -> AsyncIterator[HomeAssistant]:
    """Serve an application; gives a client of it with a token."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        yield HomeAssistant(session, f"http://127.0.0.1:{runner.addresses[0][1]}", "token")
    await runner.cleanup()


def flows(steps: list[dict[str, Any]], posted: list[Any]) -> web.Application:
    """Play a flow that shows the given steps, whatever it is answered."""
    coming = iter(steps)

    async def step(request: web.Request) -> web.Response:
        if request.method == "POST":
            posted.append(await request.json())
        return web.json_response({"flow_id": "f", **next(coming)})

    application = web.Application()
    application.add_routes([web.route("*", f"/api/config/config_entries/flow{end}", step) for end in ("", "/f")])
    return application


async def test_flow_is_followed_to_its_entry() -> None:
    """A menu is chosen from, a form filled in, a progress waited for, a confirmation given."""
    posted: list[Any] = []
    async with served(flows([MENU, FORM, LISTENING, LISTENING, FOUND, CREATED], posted)) as client:
        answers = {"meter": {"port": "socket://127.0.0.1:1"}}
        assert await add_entry(client, "flex_ready", "meter", answers) == "abc"
    assert posted == [
        {"handler": "flex_ready"},
        {"next_step_id": "meter"},
        {"port": "socket://127.0.0.1:1"},
        {},
    ]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{**MENU, "menu_options": ["ecowatt"]}], "offers no meter"),
        ([MENU, FORM, LISTENING, {**FORM, "errors": {"base": "silent"}}], "is not taken: {'base': 'silent'}"),
        ([MENU] * 30, "round in circles"),
        ([{"type": "external", "step_id": "cloud"}], "not known: external"),
        ([LISTENING] * 30, "has not ended"),
    ],
)
async def test_flow_that_leads_nowhere(steps: list[dict[str, Any]], message: str) -> None:
    """What is wrong with a flow is told in words."""
    async with served(flows(steps, [])) as client:
        with pytest.raises(DemoError, match=message):
            await add_entry(client, "flex_ready", "meter", {}, within=0.5)


async def test_flow_aborted() -> None:
    """A flow that aborts tells why."""
    async with served(flows([MENU, {"type": "abort", "reason": "already_configured"}], [])) as client:
        with pytest.raises(FlowAbortedError) as aborted:
            await add_entry(client, "flex_ready", "meter", {})
    assert aborted.value.reason == "already_configured"


async def test_commands_and_services() -> None:
    """The client speaks WebSocket and REST with its token, and tells what is refused."""
    called: list[Any] = []

    async def socket(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        await answer.send_json({"type": "auth_required"})
        token = (await answer.receive_json())["access_token"]
        await answer.send_json({"type": "auth_ok"} if token == "token" else {"type": "auth_invalid", "message": "no"})
        command = await answer.receive_json()
        if command["type"] == "ping":
            await answer.send_json({"id": command["id"], "success": True, "result": "pong"})
        else:
            await answer.send_json({"id": command["id"], "success": False, "error": {"message": "unknown command"}})
        return answer

    async def service(request: web.Request) -> web.Response:
        called.append((request.headers["Authorization"], await request.json()))
        return web.json_response([])

    application = web.Application()
    application.add_routes([web.get("/api/websocket", socket), web.post("/api/services/switch/turn_off", service)])
    async with served(application) as client:
        assert await client.command("ping") == "pong"
        with pytest.raises(DemoError, match="pong: unknown command"):
            await client.command("pong")
        await client.service("switch.turn_off", entity_id="switch.one")
        with pytest.raises(DemoError, match="POST /api/services/switch/turn_on: 404"):
            await client.service("switch.turn_on")
        async with ClientSession() as session:
            with pytest.raises(DemoError, match="refuses the token: no"):
                await HomeAssistant(session, client.url, "another").command("ping")
    assert called == [("Bearer token", {"entity_id": "switch.one"})]


async def test_login_without_password() -> None:
    """Being on this machine is all that is shown; a form for a name is no such login."""
    steps = iter([{"type": "create_entry", "result": "code"}, {"type": "form", "step_id": "init"}])

    async def flow(request: web.Request) -> web.Response:
        assert (await request.json())["handler"] == ["trusted_networks", None]
        return web.json_response(next(steps))

    async def token(request: web.Request) -> web.Response:
        assert (await request.post())["code"] == "code"
        return web.json_response({"access_token": "token"})

    async def api(request: web.Request) -> web.Response:
        return web.json_response(request.headers["Authorization"])

    application = web.Application()
    application.add_routes([web.post("/auth/login_flow", flow), web.post("/auth/token", token), web.get("/api/", api)])
    async with served(application) as anyone, ClientSession() as session:
        assert await (await log_in(session, anyone.url)).get("/api/") == "Bearer token"
        with pytest.raises(DemoError, match="a login is asked for: form init"):
            await log_in(session, anyone.url)
