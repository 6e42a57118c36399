"""A fleet in Home Assistant, whose clock is that of the test, before real BACS; name it in `pytest_plugins`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.const import CONF_TOKEN, CONF_URL, EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)
from remote import ASSET, BACS, TOKEN, Remote

from custom_components.flex_ready.const import CONF_DIALECT, CONF_KIND, DOMAIN, Kind
from custom_components.flex_ready.fleet.const import SUBENTRY_SITE
from custom_components.flex_ready.fleet.coordinator import FleetCoordinator
from custom_components.flex_ready.fleet.order import Order
from custom_components.flex_ready.fleet.site import RemoteSite
from custom_components.flex_ready.flexibility.dialects import NATIVE

MORNING = datetime(2026, 1, 14, 7, tzinfo=UTC)
"""A Wednesday, eight in Paris."""
START = MORNING + timedelta(hours=2)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ASKED = {"power": 40, "start": START.isoformat(), "duration": {"hours": 1}}


def site_data(url: str, *, title: str = "Town hall", dialect: str = NATIVE.name, **key: str) -> ConfigSubentryData:
    """Make a site, as the flow makes it."""
    return ConfigSubentryData(
        data={CONF_URL: url, CONF_DIALECT: dialect, **(key or {CONF_TOKEN: TOKEN})},
        subentry_type=SUBENTRY_SITE,
        title=title,
        unique_id=url,
    )


@dataclass
class Fleet:
    """The fleet, and what it is asked by the user."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    remote: Remote
    entry: MockConfigEntry = field(init=False)

    async def load(self, *sites: ConfigSubentryData, state: ConfigEntryState = ConfigEntryState.LOADED) -> None:
        """Set a fleet up with some sites; with the one remote if none is named."""
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            title="Our town",
            data={CONF_KIND: Kind.FLEET.value},
            subentries_data=sites or (site_data(self.remote.url),),
        )
        self.entry.add_to_hass(self.hass)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()
        assert self.entry.state is state, self.entry.reason

    async def again(self) -> None:
        """Unload the fleet and set it up anew, as a restart does."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def settle(self) -> None:
        """Let all calls end."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    @staticmethod
    async def breathe() -> None:
        """Let what can go on go on, without time passing."""
        await asyncio.sleep(0)

    async def to(self, when: datetime) -> None:
        """Let the time come."""
        self.freezer.move_to(when)
        async_fire_time_changed(self.hass, when)
        await self.settle()

    async def wait(self, length: timedelta) -> None:
        """Let time pass in one leap."""
        await self.to(dt_util.utcnow() + length)

    async def live(self, until: datetime) -> None:
        """Let time pass, with everything that is due in between at its time."""
        while (due := self.due()) is not None and due < until:
            assert due > dt_util.utcnow() - MINUTE, "what was due is done"
            await self.to(max(due, dt_util.utcnow() + SECOND))
        await self.to(until)

    def due(self) -> datetime | None:
        """Return when something is due next."""
        found = [order.due for order in self.runtime.book.orders.values() if order.due is not None]
        return min([*found, *(site.next_poll for site in self.runtime.sites.values())], default=None)

    @property
    def runtime(self) -> FleetCoordinator:
        """What runs it."""
        found: FleetCoordinator = self.entry.runtime_data
        return found

    @property
    def site(self) -> RemoteSite:
        """The first site."""
        return next(iter(self.runtime.sites.values()))

    @property
    def where(self) -> dict[str, Any]:
        """Name the asset of the first site."""
        return {"config_entry_id": self.entry.entry_id, "site": self.site.name, "asset_id": ASSET}

    def order(self, request_id: str = "r1") -> Order:
        """Return an order."""
        return self.runtime.book.orders[request_id]

    async def call(self, action: str, **data: Any) -> Any:  # noqa: ANN401
        """Call an action; return its response."""
        return await self.hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)

    async def send(self, request_id: str = "r1", **more: Any) -> Any:  # noqa: ANN401
        """Ask the asset of the first site for 40 kW from nine to ten UTC."""
        return await self.call("send_flex_request", **{**self.where, **ASKED, "request_id": request_id, **more})

    async def about(self, action: str, request_id: str = "r1") -> Any:  # noqa: ANN401
        """Call an action about a request."""
        return await self.call(action, config_entry_id=self.entry.entry_id, request_id=request_id)

    def state(self, key: str, *place: str, platform: str = "sensor") -> str:
        """Return the state of an entity of the first site, or of an asset of it."""
        found = self.hass.states.get(self.id_of(key, *place, platform=platform))
        assert found, key
        return found.state

    def id_of(self, key: str, *place: str, platform: str = "sensor") -> str:
        """Return the id of an entity of the first site, or of an asset of it."""
        unique_id = "_".join((self.entry.entry_id, self.site.id, *place, key))
        found = er.async_get(self.hass).async_get_entity_id(platform, DOMAIN, unique_id)
        assert found, unique_id
        return found

    def asset_state(self, key: str) -> str:
        """Return the state of an entity of the first asset."""
        return self.state(key, BACS, ASSET)

    def events(self) -> list[dict[str, Any]]:
        """Listen to the event of the first site; return the list that its attributes come into."""
        seen: list[dict[str, Any]] = []
        entity_id = self.id_of("remote_request", platform="event")

        @callback
        def changed(event: Event[EventStateChangedData]) -> None:
            state = event.data["new_state"]
            if event.data["entity_id"] == entity_id and state is not None:
                seen.append(dict(state.attributes))

        self.hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
        return seen


@pytest.fixture
async def remote(socket_enabled: None) -> AsyncIterator[Remote]:
    """A BACS that runs, by the clock of the test."""
    server = Remote(clock=dt_util.utcnow)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def fleet(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, remote: Remote, enable_custom_integrations: None
) -> AsyncIterator[Fleet]:
    """A fleet that is not set up yet, on a winter morning in Paris."""
    freezer.move_to(MORNING)
    await hass.config.async_set_time_zone("Europe/Paris")
    made = Fleet(hass, freezer, remote)
    yield made
    await made.settle()
