"""What the demo promises of settlement: compared, half-hour by half-hour, with what the remote site itself tells."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .checklist import Checklist, Seen
from .contract import POWER_KW, PREMIUM_EUR_A_MWH, Contract, record_orders
from .signals import PARIS

_SETTLE_S = 60
_STEP = timedelta(minutes=30)
_NEAR_WH = 3
"""Ten minutes are told in whole figures, and three of them make a half-hour."""
_DEFAULT_EUR_A_MWH = 9_200
_CENT = 0.02


@dataclass(slots=True)
class ContractCheck:
    """A contract in Home Assistant, and its site."""

    contract: Contract
    building: str
    checklist: Checklist
    _drawn: dict[datetime, float] = field(default_factory=dict)
    _reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def run(self) -> None:
        """Settle yesterday."""
        check = self.checklist.check
        if not await check("contract: yesterday of the remote site is fetched", self._curve, _SETTLE_S):
            return
        await check("contract: two orders of yesterday are recorded", self._ordered)
        await check("contract: one was executed, and is paid", self._executed, _SETTLE_S)
        await check("contract: one was missed, and costs a penalty", self._missed, _SETTLE_S)
        await check("contract: volumes and amounts in entities", self._entities, _SETTLE_S)
        await check("contract: what an order would bring", self._outlook)
        await check("contract: the quarter as JSON, CSV and PDF", self._paper)
        await check("contract: the perimeter, and its deadline in a calendar", self._perimeter)
        await check("contract: the conformity report", self._conformity)

    async def _curve(self) -> Seen:
        start = datetime.combine(self.contract.day, datetime.min.time(), PARIS)
        end = start + timedelta(days=1)
        told = await self.contract.view.act(
            "get_load_curve", site="30001234567890", start=start.isoformat(), end=end.isoformat()
        )
        self._drawn = await self.contract.remote.half_hours(self.contract.day)
        steps = {datetime.fromisoformat(one["start"]): one["energy"] for one in told["steps"]}
        same = [
            at for at, wh in self._drawn.items() if steps.get(at) is not None and abs(steps[at] * 1000 - wh) < _NEAR_WH
        ]
        return Seen(0 < len(self._drawn) == len(same), f"{len(same)} of {len(self._drawn)} half-hours as the site has")

    async def _ordered(self) -> Seen:
        told = await record_orders(self.contract)
        return Seen(all(not one["reasons"] for one in told), ", ".join(one["order_id"] for one in told))

    def _wanted(self, name: str) -> float:
        """Return what was realised by the double reference (Wh), from what the site told."""
        step = self.contract.start(name)
        before, after = self._drawn[step - _STEP], self._drawn[step + _STEP]
        return min(before, after) - self._drawn[step]

    async def _report(self, name: str) -> tuple[float, float]:
        report = await self.contract.view.act("get_activation_report", order_id=name)
        self._reports[name] = report
        [step] = report["steps"]
        return (step["realised"] or 0) * 1000, self._wanted(name)

    async def _executed(self) -> Seen:
        realised, wanted = await self._report("executed")
        report = self._reports["executed"]
        premium = min(wanted, POWER_KW * 500) / 1e6 * PREMIUM_EUR_A_MWH
        ok = (
            abs(realised - wanted) < _NEAR_WH
            and realised >= 0.8 * POWER_KW * 500
            and abs(report["premium"] - premium) < _CENT
            and not report["penalty"]
            and report["complete"]
        )
        return Seen(ok, f"{realised / 1000:.1f} of {POWER_KW / 2:.1f} kWh, {report['premium']:.2f} EUR")

    async def _missed(self) -> Seen:
        realised, wanted = await self._report("missed")
        report = self._reports["missed"]
        expected = POWER_KW * 500
        counted = max(wanted, 0)
        penalty = (expected - counted) / 1e6 * _DEFAULT_EUR_A_MWH
        ok = abs(realised - wanted) < _NEAR_WH and abs(report["penalty"] - penalty) < _NEAR_WH * 0.01 + _CENT
        return Seen(ok, f"{realised / 1000:.1f} of {expected / 1000:.1f} kWh, {report['penalty']:.2f} EUR of penalty")

    async def _entities(self) -> Seen:
        shown = {
            key: float((await self.contract.view.state(f"contract_{key}")).text)
            for key in ("paid_volume", "deficient_volume", "premium", "penalty")
        }
        wanted = {
            "paid_volume": sum(one["paid"] for one in self._reports.values()),
            "deficient_volume": sum(one["deficient"] for one in self._reports.values()),
            "premium": sum(one["premium"] for one in self._reports.values()),
            "penalty": sum(one["penalty"] for one in self._reports.values()),
        }
        ok = all(abs(shown[key] - wanted[key]) < _CENT for key in wanted)
        return Seen(ok, ", ".join(f"{key} {value:g}" for key, value in shown.items()))

    async def _outlook(self) -> Seen:
        start = datetime.now(PARIS).replace(minute=0, second=0, microsecond=0) + timedelta(hours=20)
        told = await self.contract.view.act("simulate_activation", start=start.isoformat(), duration={"minutes": 30})
        ok = told["premium"] >= 0 and told["net_low"] <= told["net"] <= told["net_high"]
        chance = f"{told['default_probability']:.0%} of a default"
        return Seen(ok, f"{told['net']:.2f} EUR, {chance}, by {told['scenarios']} quiet days")

    async def _paper(self) -> Seen:
        quarter = f"{self.contract.day:%Y}-Q{(self.contract.day.month - 1) // 3 + 1}"
        told = await self.contract.view.act("get_activity_report", quarter=quarter, files=["json", "csv", "pdf"])
        files = [Path(name) for name in told["files"]]
        heads = [(await asyncio.to_thread(file.read_bytes))[:5] for file in files]
        ok = len(told["activations"]) == len(self._reports) and heads[-1] == b"%PDF-" and len(files) == len(heads) == 3
        return Seen(ok, ", ".join(file.name for file in files))

    async def _perimeter(self) -> Seen:
        told = await self.contract.view.act("get_perimeter")
        deadline = await self.contract.view.state("contract_deadline")
        calendar = await self.contract.view.entity_id("contract")
        query = f"start={deadline.text}T00:00:00Z&end={deadline.text}T23:59:59Z"
        events = await self.contract.view.client.get(f"/api/calendars/{calendar}?{query}")
        ok = told["wrong"] == ["service_too_small"] and bool(events)
        return Seen(ok, f"{', '.join(told['wrong'])}; {deadline.text}: {events[0]['summary'] if events else '-'}")

    async def _conformity(self) -> Seen:
        answer = await self.contract.view.client.post(
            "/api/services/flex_ready/get_conformity_report?return_response", {"config_entry_id": self.building}
        )
        told = answer["service_response"]
        outcomes = [one["outcome"] for one in told["criteria"]]
        ok = outcomes.count("met") > 0
        return Seen(ok, f"{outcomes.count('met')} of {len(outcomes)} criteria met")
