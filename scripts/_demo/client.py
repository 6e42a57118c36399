"""Home Assistant's own API, over REST and WebSocket."""

from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from .error import DemoError

type Json = Any  # what an API answers


class HomeAssistant:
    """A client with a token, as any other program would be."""

    def __init__(self, session: ClientSession, url: str, token: str = "") -> None:
        self.url = url
        self._session = session
        self._token = token

    async def get(self, path: str) -> Json:
        """Return the JSON at a path."""
        return await self._request("GET", path)

    async def post(self, path: str, body: object = None) -> Json:
        """Post JSON to a path; return what is answered."""
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: object = None) -> Json:
        async with self._session.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {self._token}"}
        ) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise DemoError(f"{method} {path}: {response.status} {(await response.text())[:200]}")
            return await response.json(content_type=None)

    async def command(self, kind: str, **fields: object) -> Json:
        """Give one command over a WebSocket of its own; return its result."""
        async with self._session.ws_connect(f"{self.url}/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._token})
            if (answer := await socket.receive_json())["type"] != "auth_ok":
                raise DemoError(f"Home Assistant refuses the token: {answer.get('message')}")
            await socket.send_json({"id": 1, "type": kind, **fields})
            answer = await socket.receive_json()
            if not answer["success"]:
                raise DemoError(f"{kind}: {answer['error']['message']}")
            return answer["result"]

    async def service(self, name: str, **data: object) -> None:
        """Call a service by its name with a dot."""
        await self.post(f"/api/services/{name.replace('.', '/')}", data)

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return every state by its entity id."""
        return {state["entity_id"]: state for state in await self.get("/api/states")}


async def log_in(session: ClientSession, url: str) -> HomeAssistant:
    """Log in as a browser on this machine does: by being on this machine, with neither name nor password."""
    client = HomeAssistant(session, url)
    page = f"{url}/"
    step = await client.post(
        "/auth/login_flow", {"client_id": page, "redirect_uri": page, "handler": ["trusted_networks", None]}
    )
    if step["type"] != "create_entry":
        raise DemoError(f"a login is asked for: {step['type']} {step.get('step_id') or step.get('reason')}")
    grant = {"grant_type": "authorization_code", "client_id": page, "code": step["result"]}
    async with session.post(f"{url}/auth/token", data=grant) as response:
        if response.status != HTTPStatus.OK:
            raise DemoError(f"no token: {await response.text()}")
        return HomeAssistant(session, url, (await response.json())["access_token"])
