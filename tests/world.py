"""The world outside as one emulator on 127.0.0.1, whose clock is that of the test; name it in `pytest_plugins`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import json
from typing import Any, override

from aiohttp import ClientSession, FormData
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.flex_ready.const import (
    CONF_DELIVERY_POINT,
    CONF_DIALECT,
    CONF_ISSUER,
    CONF_KIND,
    CONF_REHEARSAL,
    DOMAIN,
    Kind,
)
from emulator.identity.verifier import Verifier
from emulator.serve.app import serving
from emulator.serve.clock import Clock
from emulator.serve.config import RTE_CLIENTS, UNSUBSCRIBED, ServeConfig

EVENING = datetime(2026, 1, 14, 16, 5, 30, tzinfo=UTC)
"""A Wednesday, five past five in Paris."""
APPLICATION, APPLICATION_SECRET = RTE_CLIENTS[0]
NOBODY, NOBODY_SECRET = UNSUBSCRIBED
USER, USER_SECRET = "emulator-user", "emulator-user-secret"
POINT = "30001234567890"
SIGNALS = "/open_api/ecowatt/v5/signals"
SANDBOX = "/open_api/ecowatt/v5/sandbox/signals"
TOKEN = "/token/oauth/"
PRICES = "/suppliers/commodity/prices"


class HostClock(Clock):
    """The clock of the test, which it moves by hand."""

    @override
    def now(self) -> datetime:
        return dt_util.utcnow()


@dataclass
class World:
    """The emulator, and Home Assistant before it; `asked` has the path of each call that Home Assistant makes."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    url: str
    session: ClientSession
    asked: list[str] = field(default_factory=list)

    async def control(self, path: str, body: object = None, method: str = "POST") -> Any:  # noqa: ANN401
        """Ask the emulator to be otherwise."""
        async with self.session.request(method, f"{self.url}/control/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def break_path(self, path: str, kind: str, **about: object) -> None:
        """Make the next answers of a path wrong, until `mend`."""
        await self.control("faults", {"path": path, "kind": kind, **about})

    async def mend(self) -> None:
        """End all faults."""
        await self.control("faults", method="DELETE")

    async def scenario(self, what: str | dict[str, object]) -> None:
        """Make the grid do something."""
        await self.control("scenario", {"name": what} if isinstance(what, str) else {"scenario": what})

    async def quarters(self) -> list[tuple[int, int]]:
        """Return how many production calls RTE accepted and refused, by quarter."""
        calls = await self.control("rte", method="GET")
        return [(row["accepted"], row["refused"]) for row in calls["calls"]]

    async def token(self, who: str = "user") -> str:
        """Fetch a token of the identity provider."""
        form = {"grant_type": "client_credentials"}
        form |= {"client_id": f"emulator-{who}", "client_secret": f"emulator-{who}-secret"}
        async with self.session.post(f"{self.url}/oidc/token", data=form) as response:
            return str((await response.json())["access_token"])

    async def send_signal(self, signal: object, point: str | None = POINT) -> None:
        """Store a signal at the supplier, as an administrator does."""
        form = FormData()
        form.add_field("signal_file", json.dumps(signal).encode(), filename="signal.json")
        async with self.session.post(
            f"{self.url}/admin/signals",
            params={"delivery_point": point} if point else None,
            data=form,
            headers={"Authorization": f"Bearer {await self.token('admin')}"},
        ) as response:
            assert response.status == 201, await response.text()

    async def to(self, when: datetime) -> None:
        """Let the time come."""
        self.freezer.move_to(when)
        async_fire_time_changed(self.hass, when)
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def wait(self, **length: float) -> None:
        """Let time pass."""
        await self.to(dt_util.utcnow() + timedelta(**length))

    async def until(self, holds: Callable[[], object]) -> None:
        """Let everything go on, in no time, until something holds."""
        for _ in range(20_000):
            if holds():
                return
            await asyncio.sleep(0)
        raise TimeoutError

    async def load(self, entry: MockConfigEntry, state: ConfigEntryState = ConfigEntryState.LOADED) -> MockConfigEntry:
        """Set an entry up."""
        if self.hass.config_entries.async_get_entry(entry.entry_id) is None:
            entry.add_to_hass(self.hass)
        await self.hass.config_entries.async_setup(entry.entry_id)
        await self.hass.async_block_till_done(wait_background_tasks=True)
        assert entry.state is state, entry.reason
        return entry

    async def again(self, entry: MockConfigEntry, state: ConfigEntryState = ConfigEntryState.LOADED) -> None:
        """Unload an entry and set it up anew, as a restart does."""
        assert await self.hass.config_entries.async_unload(entry.entry_id)
        await self.load(entry, state)

    def ecowatt_entry(self, *, rehearsal: bool = False, **data: object) -> MockConfigEntry:
        """Make the entry of Ecowatt, as the flow makes it."""
        return MockConfigEntry(
            domain=DOMAIN,
            entry_id="rehearsed" if rehearsal else "listened",
            title="Ecowatt (rehearsal)" if rehearsal else "Ecowatt",
            unique_id=f"{APPLICATION}_rehearsal" if rehearsal else APPLICATION,
            data={
                CONF_KIND: Kind.ECOWATT.value,
                CONF_CLIENT_ID: APPLICATION,
                CONF_CLIENT_SECRET: APPLICATION_SECRET,
                CONF_REHEARSAL: rehearsal,
                CONF_URL: self.url,
                **data,
            },
        )

    def supplier_entry(self, **data: object) -> MockConfigEntry:
        """Make the entry of a supplier signal, as the flow makes it; with a token if one is given."""
        access = {
            CONF_ISSUER: f"{self.url}/oidc",
            CONF_CLIENT_ID: USER,
            CONF_CLIENT_SECRET: USER_SECRET,
        }
        return MockConfigEntry(
            domain=DOMAIN,
            entry_id="supplied",
            title=f"127.0.0.1 {POINT}",
            unique_id=POINT,
            data={
                CONF_KIND: Kind.SUPPLIER.value,
                CONF_URL: self.url,
                CONF_DELIVERY_POINT: POINT,
                CONF_DIALECT: "suppliers",
                **({} if CONF_TOKEN in data else access),
                **data,
            },
        )

    def id_of(self, entry: MockConfigEntry, key: str) -> str:
        """Return the entity id of a row."""
        for platform in ("sensor", "binary_sensor", "calendar", "event"):
            unique_id = f"{entry.entry_id}_{key}"
            if found := er.async_get(self.hass).async_get_entity_id(platform, DOMAIN, unique_id):
                return found
        raise LookupError(key)

    def state(self, entry: MockConfigEntry, key: str) -> str:
        """Return the state of a row's entity."""
        found = self.hass.states.get(self.id_of(entry, key))
        assert found, key
        return found.state


@pytest.fixture
async def world(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    socket_enabled: None,
    enable_custom_integrations: None,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    """An emulator that runs, on a red evening, and Home Assistant in Paris."""
    freezer.move_to(EVENING)
    await hass.config.async_set_time_zone("Europe/Paris")
    # The emulator's keys to its doors go by the same clock.
    defaults = Verifier.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "now", lambda: dt_util.utcnow().timestamp())
    request = ClientSession._request
    async with (
        serving(ServeConfig(port=0, scenario="red-evening"), HostClock()) as url,
        ClientSession() as session,
    ):
        made = World(hass, freezer, url, session)

        async def counted(self: ClientSession, method: str, to: Any, **about: Any) -> Any:  # noqa: ANN401
            if self is not session:
                made.asked.append(str(to).removeprefix(url).partition("?")[0])
            return await request(self, method, to, **about)

        monkeypatch.setattr(ClientSession, "_request", counted)
        yield made
        await hass.async_block_till_done(wait_background_tasks=True)
