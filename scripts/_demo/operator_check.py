"""What the demo promises of flexibility requests: from the operator's call to the loads, the meter, and the report."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from .checklist import Checklist, Seen
from .client import HomeAssistant
from .emulator import Control
from .folder import switch_id
from .operator import ASSET, Operator
from .signals_check import EntryView

_ASKED_KW = 9.0
_MOST_KW = 12.0
"""What is delivered lies between these: the loads are what they are."""
_LEAD_S = 45
_LASTS_S = 60
_PATIENCE_S = 60
_WINDOW_S = 150
"""The subscribed power may hold the loads off until the window is over that the heat pump was on in, and the next."""
_HAND = "heat_pump"
"""It is turned off by hand, so that the subscribed power asks for nothing."""
_FOREIGN = "0" * 8


@dataclass(slots=True)
class OperatorCheck:
    """The operator on one side, the building on the other."""

    session: ClientSession
    control: str
    client: HomeAssistant
    building: EntryView
    operator: Operator
    checklist: Checklist
    _asset: str = ""
    _bacs: str = ""
    _before: float = 0
    _power: list[dict[str, Any]] = field(default_factory=list)

    async def run(self) -> None:
        """Play one request from its beginning to its end."""
        check = self.checklist.check
        if not await check("operator: the building is listed", self._listed, _PATIENCE_S):
            return
        await self._by_hand(on=False)
        await check("operator: the building limits", self._limits, _PATIENCE_S)
        await check("operator: the asset, and what it can give", self._potential, _WINDOW_S)
        await check("operator: nothing of others", self._others)
        if not await check("operator: a request is offered", self._create):
            return
        await check("operator: the same again is answered alike", self._again)
        await check("operator: an order is taken", self._confirm)
        await check("operator: active at the start, within its bounds", self._active, _LEAD_S + _PATIENCE_S)
        await check("operator: the meter tells of it", self._metered, _PATIENCE_S)
        await check("operator: over at the end, all is given back", self._over, _LASTS_S + 2 * _PATIENCE_S)
        await check("operator: what was drawn, step by step", self._realised, _PATIENCE_S)
        await check("operator: a load curve, added up", self._aggregated)
        await check("operator: the report of the session is a PDF", self._report)
        await self.client.service(
            "select.select_option", entity_id=await self.building.entity_id("mode"), option="observe"
        )
        await self._by_hand(on=True)

    async def _limits(self) -> Seen:
        mode = await self.building.state("mode")
        if mode.text == "observe":
            await self.client.service(
                "select.select_option", entity_id=await self.building.entity_id("mode"), option="limit"
            )
        return Seen(mode.text == "limit", str(mode))

    async def _by_hand(self, *, on: bool) -> None:
        entities = await self.client.command("config/entity_registry/list")
        [entity] = [one["entity_id"] for one in entities if one["unique_id"] == switch_id(_HAND)]
        await self.client.service(f"switch.turn_{'on' if on else 'off'}", entity_id=entity)

    async def _emulated(self) -> dict[str, Any]:
        return await Control(self.session, self.control).state()

    async def _listed(self) -> Seen:
        reply = await self.operator.call("GET", "/bacs")
        if reply.status != _OK:
            return Seen(ok=False, text=f"{reply.status} {reply.body}")
        self._bacs = reply.body[0]["id"]
        self._asset = f"/bacs/{self._bacs}/assets/{ASSET}"
        return Seen(len(reply.body) == 1, f"{reply.body[0]['name']} {self._bacs}")

    async def _potential(self) -> Seen:
        reply = await self.operator.call("GET", f"/bacs/{self._bacs}/assets")
        power = _kw(reply.body[0]["potential"]["power"]) if reply.status == _OK else 0
        loads = {load["id"]: load for load in (await self._emulated())["loads"]}
        real = (loads["ev_charger"]["power_w"] + loads["water_heater"]["power_w"]) / 1000
        return Seen(0 < power <= real * 1.01 and power >= _ASKED_KW, f"{power} kW, of {real} kW that they draw")

    async def _others(self) -> Seen:
        told = [
            (await self.operator.call("GET", path)).status
            for path in (
                f"/bacs/{_FOREIGN}",
                f"/bacs/{self._bacs}/assets/Other",
                f"{self._asset}/flexibilities/request/x",
            )
        ]
        return Seen(told == [404, 404, 404], str(told))

    def _body(self) -> dict[str, Any]:
        return {"requestID": "demo-1", "flexProduct": "WID", "direction": "decrease", "power": self._power}

    async def _create(self) -> Seen:
        self._before = (await self._emulated())["power_w"] / 1000
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=_LEAD_S)
        end = start + timedelta(seconds=_LASTS_S)
        power = {"unit": "W", "multiplier": "k", "value": _ASKED_KW}
        self._power = [{"power": power, "start": start.isoformat(), "end": end.isoformat()}]
        reply = await self.operator.call("POST", f"{self._asset}/flexibilities/request", self._body())
        return Seen((reply.status, reply.body.get("state")) == (201, "offered"), f"{reply.status} {reply.body}"[:400])

    async def _again(self) -> Seen:
        reply = await self.operator.call("POST", f"{self._asset}/flexibilities/request", self._body())
        other = {**self._body(), "flexProduct": "WDA"}
        refused = await self.operator.call("POST", f"{self._asset}/flexibilities/request", other)
        return Seen((reply.status, refused.status) == (201, 422), f"{reply.status}, with another body {refused.status}")

    async def _confirm(self) -> Seen:
        body = {"flexProduct": "WID", "power": self._power}
        reply = await self.operator.call("POST", f"{self._asset}/flexibilities/request/demo-1/confirm", body)
        return Seen((reply.status, reply.body.get("state")) == (200, "scheduled"), f"{reply.status} {reply.body}"[:160])

    async def _state(self) -> str:
        reply = await self.operator.call("GET", f"{self._asset}/flexibilities/request/demo-1")
        return str(reply.body.get("state"))

    async def _active(self) -> Seen:
        state = await self._state()
        await asyncio.sleep(1)
        less = self._before - (await self._emulated())["power_w"] / 1000
        # Other end uses of the building go up and down meanwhile: a kilowatt is left to them.
        return Seen(state == "active" and _ASKED_KW - 1 <= less <= _MOST_KW + 1, f"{state}, {less:.1f} kW less")

    async def _metered(self) -> Seen:
        shed = await self.building.state("power_shed")
        return Seen(shed.text not in ("unknown", "unavailable") and float(shed.text) >= _ASKED_KW, f"{shed} shed")

    async def _over(self) -> Seen:
        state = await self._state()
        off = [load["id"] for load in (await self._emulated())["loads"] if not load["on"] and load["id"] != _HAND]
        return Seen(state in ("completed", "settled") and not off, f"{state}, {', '.join(off) or 'none'} off")

    async def _realised(self) -> Seen:
        reply = await self.operator.call("GET", f"{self._asset}/flexibilities/request/demo-1/consumptions")
        steps = reply.body["consumptions"]
        known = [one for one in steps if "baseline" in one and "power" in one]
        less = [_kw(one["baseline"]) - _kw(one["power"]) for one in known]
        whole = (steps[0]["start"], steps[-1]["end"])
        wanted = (self._power[0]["start"], self._power[0]["end"])
        same = all(datetime.fromisoformat(a) == datetime.fromisoformat(b) for a, b in zip(whole, wanted, strict=True))
        right = same and len(known) == len(steps) and all(_ASKED_KW <= one <= _MOST_KW for one in less)
        return Seen(right, f"{len(steps)} steps, {', '.join(f'{one:.1f}' for one in less)} kW less")

    async def _aggregated(self) -> Seen:
        start = datetime.fromisoformat(self._power[0]["start"]).isoformat().replace("+", "%2B")
        end = datetime.fromisoformat(self._power[0]["end"]).isoformat().replace("+", "%2B")
        reply = await self.operator.call("GET", f"{self._asset}/consumptions?start={start}&end={end}&aggregation=sum")
        [step] = reply.body["consumptions"]
        return Seen(reply.status == _OK and step["energy"]["value"] > 0, f"{step['energy']}, {step['quality']}")

    async def _report(self) -> Seen:
        pdf = await self.operator.report()
        return Seen(pdf.startswith(b"%PDF-"), f"{len(pdf)} bytes")


_OK = 200


def _kw(quantity: dict[str, Any]) -> float:
    return float(quantity["value"]) * {"k": 1.0, "none": 0.001, "": 0.001}[quantity["multiplier"]]
