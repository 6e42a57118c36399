"""The API as its callers see it: Home Assistant's own server, two buildings, operators of every kind."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp.test_utils import TestClient
from closed_loop import load_data
from conftest import meter_entry
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.auth.models import TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN, User
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from served import Answer
from test_serve_tokens import AUDIENCE, Provider, provider

from custom_components.flex_ready.api.views import API, PREFIX, Api
from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode
from custom_components.flex_ready.desk.desk import Desk
from custom_components.flex_ready.flexibility.record import RequestRecord

PRODUCT = "WID"
ASSETS = {"Heating": "boiler", "Ventilation": "fan"}
"""The assets of each building, and the load that each is made of."""
REQUESTS = "flexibilities/request"


def operator_data(auth: str, client: str, issuer: str, assets: list[str], **others: object) -> dict[str, object]:
    """Give what the flow keeps of an operator whose requests are accepted by rule."""
    who = {"issuer": issuer, "client": client, "audience": AUDIENCE} if auth == "oidc" else {"user": client}
    return {
        "auth": auth,
        **who,
        "dialect": "native",
        "assets": assets,
        "decision": "accept",
        "silence": "decline",
        "answer_within": 15,
        "offer_holds": 15,
        "most_activations": 0,
        "despite_red": True,
        **others,
    }


def asset_data(asset_id: str, load: str) -> dict[str, object]:
    """Give what the flow keeps of an asset."""
    return {
        "asset_id": asset_id,
        "loads": [load],
        "flex_products": [PRODUCT],
        "most_power": 0,
        "mobilization_delay": 1,
        "max_duration": 120,
        "recovery": 0,
        "activations_per_day": 0,
        "measured_by": "loads",
    }


def building(title: str, meter: str, ledger: str, operators: Mapping[str, dict[str, object]]) -> MockConfigEntry:
    """Make the entry of a building as the flow makes it: a load for each asset, and its operators."""
    loads = [
        {"subentry_id": load, "subentry_type": "load", "title": load, "unique_id": load}
        | {"data": load_data(f"input_boolean.{load}", nominal_w=9000, max_off=240)}
        for load in ASSETS.values()
    ]
    assets = [
        {"subentry_id": asset, "subentry_type": "asset", "title": asset, "unique_id": asset}
        | {"data": asset_data(asset, load)}
        for asset, load in ASSETS.items()
    ]
    callers = [
        {"subentry_id": f"{title}-{name}", "subentry_type": "operator", "title": name, "unique_id": name, "data": data}
        for name, data in operators.items()
    ]
    return MockConfigEntry(
        domain=DOMAIN,
        title=title,
        data={
            "kind": "building",
            "meter_entry": meter,
            "window": "automatic",
            "td": 0,
            "limit": 0,
            "blind_policy": "hold",
            "ledger_url": ledger,
        },
        subentries_data=[ConfigSubentryData(**one) for one in (*loads, *assets, *callers)],  # type: ignore[typeddict-item]
    )


@dataclass
class Called:
    """Home Assistant with its API, and who calls it."""

    hass: HomeAssistant
    issuer: Provider
    client: TestClient[Any, Any] = field(init=False)
    tokens: dict[str, str] = field(default_factory=dict)
    """Of each kind of caller; none for who has none."""
    entries: dict[str, MockConfigEntry] = field(default_factory=dict)

    @classmethod
    async def begin(
        cls,
        hass: HomeAssistant,
        client: Callable[[], Any],
        issuer: Provider,
        folder: Path,
    ) -> Called:
        """Set up two buildings."""
        names = {name: {"name": name, "initial": True} for name in ASSETS.values()}
        assert await async_setup_component(hass, "homeassistant", {})
        assert await async_setup_component(hass, "input_boolean", {"input_boolean": names})
        made = cls(hass, issuer)
        await hass.auth.async_create_user("owner", group_ids=[GROUP_ID_ADMIN])
        admin = await hass.auth.async_create_user("admin", group_ids=[GROUP_ID_ADMIN])
        house = await hass.auth.async_create_user("house", group_ids=[GROUP_ID_USER])
        guest = await hass.auth.async_create_user("guest", group_ids=[GROUP_ID_USER])
        meter = meter_entry("socket://127.0.0.1:9")
        meter.add_to_hass(hass)
        url = f"sqlite:///{folder / 'ledger.db'}"
        heating, all_assets = ["Heating"], list(ASSETS)
        operators = {
            "School": {
                "right": operator_data("oidc", "right", issuer.issuer, heating),
                "other": operator_data("oidc", "other", issuer.issuer, ["Ventilation"]),
                "twice": operator_data("oidc", "twice", issuer.issuer, all_assets),
                "lenient": operator_data("oidc", "lenient", issuer.issuer, heating, dialect="emulator-2025"),
                "user": operator_data("home_assistant", house.id, "", heating),
                "chosen admin": operator_data("home_assistant", admin.id, "", heating),
                "asking": operator_data("oidc", "asking", issuer.issuer, heating, decision="ask"),
            },
            "Town hall": {
                "elsewhere": operator_data("oidc", "elsewhere", issuer.issuer, all_assets),
                "twice": operator_data("oidc", "twice", issuer.issuer, all_assets),
            },
        }
        for title, who in operators.items():
            entry = made.entries[title] = building(title, meter.entry_id, url, who)
            entry.add_to_hass(hass)
            assert await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
            await entry.runtime_data.async_set_mode(Mode.LIMIT)
        for name in ("right", "other", "twice", "lenient", "asking", "elsewhere", "stranger"):
            made.tokens[name] = issuer.token({"client_id": name})
        made.tokens["user"] = await made.long_lived(house)
        made.tokens["guest"] = await made.long_lived(guest)
        made.tokens["admin"] = await made.long_lived(admin)
        made.client = await client()
        await hass.async_block_till_done()
        return made

    async def long_lived(self, user: User) -> str:
        """Return a long-lived access token of a user."""
        token = await self.hass.auth.async_create_refresh_token(
            user,
            client_name=str(uuid4()),
            token_type=TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
            access_token_expiration=timedelta(days=365),
        )
        return self.hass.auth.async_create_access_token(token)

    @property
    def api(self) -> Api:
        """What the paths share."""
        return self.hass.data[API]

    def desk(self, title: str = "School") -> Desk:
        """Return the desk of a building."""
        found = self.entries[title].runtime_data.desk
        assert isinstance(found, Desk)
        return found

    def asset(self, path: str = "", asset: str = "Heating", title: str = "School") -> str:
        """Return the path of an asset, or of something below it."""
        return f"/bacs/{self.desk(title).bacs.id}/assets/{asset}{'/' if path else ''}{path}"

    def record(self, name: str, who: str = "right") -> RequestRecord | None:
        """Return a request as it is in the book."""
        desk = self.desk()
        return desk.record(desk.operators[f"School-{who}"], "Heating", name)

    async def call(self, method: str, path: str, token: str | None = "", **options: Any) -> Answer:  # noqa: ANN401
        """Call a path below the prefix as the right operator, with another token, or with None at all."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token or self.tokens['right']}")
        async with self.client.request(
            method, f"{PREFIX}{path}", headers=headers, allow_redirects=False, **options
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, token: str | None = "", **options: Any) -> Answer:  # noqa: ANN401
        """Read something."""
        return await self.call("GET", path, token, **options)

    async def post(self, path: str, body: object = None, token: str | None = "", **options: Any) -> Answer:  # noqa: ANN401
        """Send something, JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        return await self.call("POST", path, token, data=data, **options)

    async def ask(self, name: str = "req-001", token: str | None = "", **others: Any) -> Answer:  # noqa: ANN401
        """Ask the heating for half an hour of 5 kW, in two hours."""
        return await self.post(self.asset(REQUESTS), asked(name, **others), token)


@pytest.fixture(name="called")
async def begun(
    hass: HomeAssistant,
    hass_client_no_auth: Callable[[], Any],
    socket_enabled: None,
    enable_custom_integrations: None,
    tmp_path: Path,
) -> AsyncIterator[Called]:
    """Home Assistant with two buildings, and an identity provider whose answers can be set."""
    async with provider() as issuer:
        yield await Called.begin(hass, hass_client_no_auth, issuer, tmp_path)


def asked(name: str = "req-001", kilowatts: float = 5, ahead: timedelta = timedelta(hours=2), **others: object) -> Any:  # noqa: ANN401
    """Compose what an operator asks for."""
    start = dt_util.utcnow().astimezone(UTC).replace(microsecond=0, second=0, minute=0) + ahead
    return {
        "requestID": name,
        "flexProduct": PRODUCT,
        "direction": "decrease",
        "power": [slot(start, start + timedelta(minutes=30), kilowatts)],
        **others,
    }


def slot(start: datetime, end: datetime, kilowatts: float) -> dict[str, object]:
    """Compose a slot."""
    power = {"unit": "W", "multiplier": "k", "value": kilowatts}
    return {"power": power, "start": start.isoformat(), "end": end.isoformat()}
