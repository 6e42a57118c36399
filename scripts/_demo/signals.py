"""The emulated grid and supplier, as a program beside the demo, and what they say, read without the integration."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import BasicAuth, ClientSession

from .error import DemoError
from .process import ROOT, running

_START_S = 30
_ECOWATT = "demo-ecowatt", "demo-ecowatt-secret"
_LOOKER = "demo-looker", "demo-looker-secret"
"""RTE counts calls per client: looking must not spend the integration's."""
_SUPPLIER = "emulator-user", "emulator-user-secret"
DELIVERY_POINT = "30001234567890"
SCENARIO = "red-evening"
PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Signals:
    """The emulated side of both signals."""

    session: ClientSession
    url: str
    supplier: str
    """The address to type into Home Assistant: that of a session."""
    token: str
    """Of the emulator's own issuer."""
    _said: dict[str, tuple[int, dict[int, int]]] = field(default_factory=dict)
    """RTE answers once in a quarter of an hour, also to who looks."""

    def ecowatt_answers(self) -> dict[str, dict[str, object]]:
        """Give what the flow of Ecowatt is answered."""
        identity, secret = _ECOWATT
        return {
            "ecowatt": {
                "client_id": identity,
                "client_secret": secret,
                "rehearsal": False,
                "advanced": {"url": self.url},
            }
        }

    def supplier_answers(self) -> dict[str, dict[str, object]]:
        """Give what the flow of the supplier signal is answered."""
        identity, secret = _SUPPLIER
        return {
            "supplier": {
                "url": self.supplier,
                "delivery_point": DELIVERY_POINT,
                "dialect": "suppliers",
                "access": "client",
            },
            "supplier_client": {"issuer": f"{self.url}/oidc", "client_id": identity, "client_secret": secret},
        }

    async def hours(self) -> dict[str, tuple[int, dict[int, int]]]:
        """Return what RTE says: by day, its level and that of each hour of the wall clock."""
        if self._said:
            return self._said
        async with self.session.post(f"{self.url}/token/oauth/", auth=BasicAuth(*_LOOKER)) as response:
            token = (await response.json())["access_token"]
        signals = await self._get("/open_api/ecowatt/v5/signals", token)
        for day in signals["signals"]:
            hours = {hour["pas"]: hour["hvalue"] for hour in day["values"]}
            self._said[day["jour"][:10]] = day["dvalue"], hours
        return self._said

    async def calls(self) -> int:
        """Return how many production calls RTE got from the integration."""
        counted = await self._get("/control/rte", self.token)
        return sum(row["accepted"] + row["refused"] for row in counted["calls"] if row["client"] == _ECOWATT[0])

    async def steps(self) -> list[tuple[datetime, float, float, float]]:
        """Return what the supplier says of today and tomorrow: start, EUR/kWh, gCO2eq/kWh, kW of each step."""
        today = datetime.now(PARIS).replace(hour=0, minute=0, second=0, microsecond=0)
        end = today + timedelta(days=2)
        query = f"delivery_point={DELIVERY_POINT}&start_date={today:%Y-%m-%dT00:00:00%:z}"
        path = self.supplier.removeprefix(self.url) + "/suppliers/commodity/prices"
        answer = await self._get(f"{path}?{query}&end_date={end:%Y-%m-%dT00:00:00%:z}".replace("+", "%2B"), self.token)
        return [
            (datetime.fromisoformat(at), cost["value"], co2["value"], power["value"])
            for at, cost, co2, power in zip(
                answer["horodate"], answer["cost"], answer["co2"], answer["power"], strict=True
            )
        ]

    async def _get(self, path: str, token: str) -> Any:  # noqa: ANN401  # JSON
        async with self.session.get(
            self.url + path, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}
        ) as response:
            if not response.ok:
                raise DemoError(f"GET {path}: {response.status} {(await response.text())[:200]}")
            return await response.json()


@asynccontextmanager
async def emulated_signals(session: ClientSession, folder: Path) -> AsyncIterator[Signals]:
    """Play RTE and a supplier while the context lasts; what they store is in a folder."""
    clients = [option for pair in (_ECOWATT, _LOOKER) for option in ("--rte-client", ":".join(pair))]
    arguments = ["serve", "--port", "0", "--database", str(folder / "emulator.sqlite"), "--scenario", SCENARIO]
    async with running("emulator", *arguments, *clients, cwd=ROOT, stdout=PIPE) as process:
        assert process.stdout
        try:
            async with asyncio.timeout(_START_S):
                name, _, url = (await process.stdout.readline()).decode().strip().partition(": ")
        except TimeoutError:
            raise DemoError("the emulator of RTE and of the supplier does not start") from None
        if name != "serve":
            raise DemoError(f"the emulator of RTE and of the supplier ended with status {await process.wait()}")
        identity, secret = _SUPPLIER
        async with session.post(
            f"{url}/oidc/token", data={"grant_type": "client_credentials"}, auth=BasicAuth(identity, secret)
        ) as response:
            token = (await response.json())["access_token"]
        async with session.post(
            f"{url}/sessions?emulator_module=SUPPLIER", headers={"Authorization": f"Bearer {token}"}
        ) as response:
            identifier = (await response.json())["id"]
        yield Signals(session, url, f"{url}/sessions/{identifier}", token)
