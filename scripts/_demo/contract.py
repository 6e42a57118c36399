"""The contract of the demo: a remote site of the emulator, and two orders of yesterday, one of which it executed."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from .client import HomeAssistant
from .error import DemoError
from .flow import add_entry, add_subentry
from .meter_view import DOMAIN
from .signals import PARIS, Signals
from .signals_check import EntryView

SITE = "Campus"
CONTRACT = "Local flexibility"
POWER_KW = 60
PREMIUM_EUR_A_MWH = 200
_BACS = "a987fbc9-4bed-4078-9f07-9141ba07c9f3"
_ASSET = "WholeBuilding"
_PRODUCT = "WID"
_AT = {"executed": time(10), "missed": time(15)}
"""When the building draws much the same for an hour and a half, on a working day and on any other."""
_LASTS = timedelta(minutes=30)
_ERRORS = 400
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Remote:
    """A session of the emulator that plays a BACS, by Annex 1 to the letter: its dates may be past."""

    signals: Signals
    identifier: str

    @classmethod
    async def open(cls, signals: Signals) -> Remote:
        """Open a session."""
        async with signals.session.post(
            f"{signals.url}/sessions?emulator_module=BACS&dialect=emulator",
            headers={"Authorization": f"Bearer {signals.token}"},
        ) as answer:
            if answer.status >= _ERRORS:
                raise DemoError(f"no session of a BACS: {answer.status} {(await answer.text())[:200]}")
            return cls(signals, (await answer.json())["id"])

    @property
    def url(self) -> str:
        """The address to type into Home Assistant."""
        return f"{self.signals.url}/api/v1/{self.identifier}"

    async def execute(self, start: datetime, name: str) -> None:
        """Have the asset execute a request: its load curve has it from now on, as if it had been asked in time."""
        power = {"unit": "W", "multiplier": "k", "value": POWER_KW}
        slots = [{"power": power, "start": _local(start), "end": _local(start + _LASTS)}]
        path = f"/bacs/{_BACS}/assets/{_ASSET}/flexibilities/request"
        await self._call("POST", path, {"requestID": name, "flexProduct": _PRODUCT, "power": slots})
        await self._call("POST", f"{path}/{name}/confirm", {"flexProduct": _PRODUCT, "power": slots})

    async def half_hours(self, day: date) -> dict[datetime, float]:
        """Return what the asset drew in each half-hour of a local day (Wh)."""
        start = datetime.combine(day, time(), PARIS)
        query = f"start={_local(start)}&end={_local(start + timedelta(days=1))}&step=PT30M"
        told = await self._call("GET", f"/bacs/{_BACS}/assets/{_ASSET}/consumptions?{query}")
        scale = {"": 1, "none": 1, "k": 1_000, "M": 1_000_000}
        return {
            datetime.fromisoformat(one["start"]).replace(tzinfo=PARIS): one["energy"]["value"]
            * scale[one["energy"]["multiplier"]]
            for one in told["consumptions"]
        }

    async def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
        async with self.signals.session.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.signals.token}"}
        ) as answer:
            if answer.status >= _ERRORS:
                raise DemoError(f"{method} {path}: {answer.status} {(await answer.text())[:200]}")
            return await answer.json()


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract, what feeds it, and what it was ordered."""

    view: EntryView
    remote: Remote
    day: date
    """Yesterday, local."""

    def start(self, name: str) -> datetime:
        """Return when an order begins."""
        return datetime.combine(self.day, _AT[name], PARIS)


async def add_contract(client: HomeAssistant, signals: Signals) -> Contract:
    """Add a fleet with a remote site, and a contract that it belongs to; record both orders of yesterday."""
    remote, day = await Remote.open(signals), datetime.now(PARIS).date() - timedelta(days=1)
    fleet = await add_entry(client, DOMAIN, "fleet", {"fleet": {"name": SITE}})
    key = {"issuer": f"{signals.url}/oidc", "client_id": "emulator-user", "client_secret": "emulator-user-secret"}
    where = {"name": SITE, "url": remote.url, "dialect": "emulator-2025", "access": "client"}
    await add_subentry(client, fleet, "site", ("client",), {"user": where, "client": key})
    first = day.replace(day=1)
    terms = {
        "name": CONTRACT,
        "reservation": "without_reservation",
        "direction": "reduce_net_withdrawal",
        "power": POWER_KW,
        "mobilization_delay": 30,
        "min_duration": 30,
        "min_gap": 0,
        "starts": first.isoformat(),
        "ends": first.replace(year=first.year + 1).isoformat(),
        "variable_premium": PREMIUM_EUR_A_MWH,
    }
    entry = await add_entry(client, DOMAIN, "contract", {"contract": terms, "contract_orders": {"decisions": {}}})
    details = {
        "name": SITE,
        "site_id": "30001234567890",
        "entity": "Buildings",
        "site_kind": "withdrawal",
        "method": "double_reference",
        "max_activation": 120,
        "subscribed": 400,
        "joined": first.isoformat(),
        "consent": True,
        "other_operator": False,
    }
    [(_, site)] = (await _sites(client, fleet)).items()
    asked: dict[str, dict[str, object]] = {
        "remote": {"remote_site": f"{fleet}/{site}"},
        "remote_asset": {"remote_asset": f"{_BACS}/{_ASSET}"},
        "details": details,
    }
    await _patiently(client, entry, asked)
    contract = Contract(EntryView(client, entry), remote, day)
    await remote.execute(contract.start("executed"), "executed")
    return contract


async def record_orders(contract: Contract) -> list[dict[str, Any]]:
    """Record the orders of yesterday, as somebody would who had them by telephone."""
    told = []
    for name in _AT:
        start = contract.start(name)
        told.append(
            await contract.view.act(
                "record_order",
                order_id=name,
                start=start.isoformat(),
                duration={"minutes": _LASTS.total_seconds() / 60},
                ordered_at=(start - timedelta(hours=1)).isoformat(),
            )
        )
    return told


async def _patiently(client: HomeAssistant, entry: str, answers: dict[str, dict[str, object]]) -> None:
    """Add the site once its fleet knows it: it was added a moment ago."""
    for left in range(_TRIES, -1, -1):
        try:
            await add_subentry(client, entry, "perimeter_site", ("remote",), answers)
        except DemoError:
            if not left:
                raise
            await asyncio.sleep(1)
        else:
            return


async def _sites(client: HomeAssistant, entry_id: str) -> dict[str, str]:
    listed = await client.command("config_entries/subentries/list", entry_id=entry_id)
    return {one["title"]: one["subentry_id"] for one in listed}


def _local(at: datetime) -> str:
    """Write an instant as Annex 1 does: without a zone."""
    return f"{at.astimezone(PARIS):%Y-%m-%dT%H:%M:%S}"
