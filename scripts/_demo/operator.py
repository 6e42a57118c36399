"""The operator of the demo: the emulator's, which calls the building as Annex 1 has it, with a token of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession

from .client import HomeAssistant
from .error import DemoError
from .flow import add_subentry
from .signals import Signals

ASSET = "Vehicles"
_LOADS = ("EV charger", "Water heater")
_AUDIENCE = "flex-ready-emulator"
_CLIENT = "emulator-user"
_API = "/api/flex_ready/v1"
_ERRORS = 400


async def add_operator(client: HomeAssistant, building: str, signals: Signals) -> None:
    """Add an asset and an operator to the building, as a user would add them."""
    loads = await _loads(client, building)
    asset = {
        "name": ASSET,
        "loads": [loads[name] for name in _LOADS if name in loads],
        "flex_products": ["WID"],
        "measured_by": "meter",
        "limits": {
            "most_power": 0,
            "mobilization_delay": 0.1,
            "max_duration": 30,
            "recovery": 0,
            "activations_per_day": 0,
        },
        "hours": {},
    }
    await add_subentry(client, building, "asset", (), {"user": asset})
    who = {"name": "Emulator", "issuer": f"{signals.url}/oidc", "audience": _AUDIENCE, "client": _CLIENT}
    policy = {
        "assets": [next(iter((await _subentries(client, building, "asset")).values()))],
        "dialect": "native",
        "decision": "accept",
        "silence": "decline",
        "answer_within": 15,
        "offer_holds": 15,
        "most_activations": 0,
        "despite_red": True,
        "hours": {},
    }
    await add_subentry(client, building, "operator", ("oidc",), {"oidc": who, "policy": policy})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the building answered, through the emulator."""

    status: int
    body: Any  # JSON


@dataclass(frozen=True, slots=True)
class Operator:
    """A session of the emulator that plays the operator of a building."""

    session: ClientSession
    url: str
    token: str
    identifier: str

    @classmethod
    async def open(cls, signals: Signals, home: str) -> Operator:
        """Open a session that calls a Home Assistant."""
        target = quote(f"{home}{_API}", safe="")
        async with signals.session.post(
            f"{signals.url}/sessions?emulator_module=OPERATOR&dialect=native&url={target}",
            headers={"Authorization": f"Bearer {signals.token}"},
        ) as answer:
            if answer.status >= _ERRORS:
                raise DemoError(f"no session of an operator: {answer.status} {(await answer.text())[:200]}")
            return cls(signals.session, signals.url, signals.token, (await answer.json())["id"])

    async def call(self, method: str, path: str, body: object = None) -> Reply:
        """Call the building."""
        authorization = f"Bearer {self.token}"
        async with self.session.request(
            method,
            f"{self.url}/api/v1/{self.identifier}/operator{path}",
            json=body,
            headers={"Authorization": authorization, "EMULATOR_Authorization": authorization},
        ) as answer:
            text = await answer.text()
            return Reply(answer.status, await answer.json(content_type=None) if text else None)

    async def report(self) -> bytes:
        """Return the report of the session, a PDF."""
        async with self.session.post(
            f"{self.url}/sessions/{self.identifier}/reports", headers={"Authorization": f"Bearer {self.token}"}
        ) as answer:
            return await answer.read()


async def _loads(client: HomeAssistant, building: str) -> dict[str, str]:
    return await _subentries(client, building, "load")


async def _subentries(client: HomeAssistant, entry_id: str, kind: str) -> dict[str, str]:
    """Return the ids of the subentries of a kind, by their titles."""
    listed: Iterable[dict[str, str]] = await client.command("config_entries/subentries/list", entry_id=entry_id)
    return {one["title"]: one["subentry_id"] for one in listed if one["subentry_type"] == kind}
