"""What the demo promises of both signals, compared with what the emulated sides say."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .checklist import Checklist, Probe, Seen
from .client import HomeAssistant
from .meter_view import DOMAIN, State
from .signals import PARIS, Signals

_LEVELS = ("low_carbon", "normal", "tense", "very_tense")
_SETTLE_S = 30


@dataclass(frozen=True, slots=True)
class EntryView:
    """The entities of one entry, found by the key in their unique ids."""

    client: HomeAssistant
    entry_id: str

    async def entity_id(self, key: str) -> str:
        """Find an entity."""
        wanted = f"{self.entry_id}_{key}"
        for entity in await self.client.command("config/entity_registry/list"):
            if entity["unique_id"] == wanted:
                return str(entity["entity_id"])
        raise LookupError(f"there is no entity {key}")

    async def state(self, key: str) -> State:
        """Return the state of an entity."""
        return State.read(await self.client.get(f"/api/states/{await self.entity_id(key)}"))

    async def act(self, action: str, **data: object) -> dict[str, Any]:
        """Call an action of the integration; return its response."""
        answer = await self.client.post(
            f"/api/services/{DOMAIN}/{action}?return_response", {"config_entry_id": self.entry_id, **data}
        )
        found: dict[str, Any] = answer["service_response"]
        return found


@dataclass(frozen=True, slots=True)
class SignalsCheck:
    """Ecowatt and the supplier signal in Home Assistant."""

    signals: Signals
    ecowatt: EntryView
    supplier: EntryView
    checklist: Checklist

    async def run(self) -> None:
        """Check both."""
        check = self.checklist.check
        await check("Ecowatt: level now, today and tomorrow", self._levels, _SETTLE_S)
        await check("Ecowatt: the hours of the action are RTE's", self._hours)
        await check("Ecowatt: next tense period, and its calendar", self._tense)
        await check("Ecowatt: one production call", self._calls)
        await check("Ecowatt: none for a reload", self._reload, _SETTLE_S)
        for key, column, scale in (("price", 1, 1.0), ("co2_intensity", 2, 1.0), ("signal_power", 3, 1.0)):
            await check(f"supplier: {key} of this step", self._now(key, column, scale), _SETTLE_S)
        await check("supplier: tomorrow is there", self._tomorrow)
        await check("supplier: the steps of the action are the supplier's", self._steps)
        await check("supplier: cheapest two hours", self._cheapest)
        await check("supplier: calendar of cheapest windows", self._calendar)
        await check("both: nothing that opens a door in diagnostics", self._diagnostics)

    async def _levels(self) -> Seen:
        days, now = await self.signals.hours(), datetime.now(PARIS)
        today, tomorrow = (days[f"{now + timedelta(days=ahead):%Y-%m-%d}"] for ahead in (0, 1))
        wanted = [_LEVELS[today[1][now.hour]], _LEVELS[today[0]], _LEVELS[tomorrow[0]]]
        shown = [(await self.ecowatt.state(key)).text for key in ("level", "level_today", "level_tomorrow")]
        return Seen(shown == wanted, f"{', '.join(shown)}   (sent: {', '.join(wanted)})")

    async def _hours(self) -> Seen:
        days = await self.signals.hours()
        answer = await self.ecowatt.act("get_ecowatt")
        wrong, count = 0, 0
        for hour in answer["hours"]:
            start, end = (datetime.fromisoformat(hour[edge]).astimezone(UTC) for edge in ("start", "end"))
            while start < end:
                local = start.astimezone(PARIS)
                wrong += hour["level"] != _LEVELS[days[f"{local:%Y-%m-%d}"][1][local.hour]]
                count += 1
                start += timedelta(hours=1)
        return Seen(wrong == 0 and count >= 48, f"{count} hours, {wrong} of them others")

    async def _tense(self) -> Seen:
        shown = await self.ecowatt.state("next_tense_start")
        today = datetime.now(PARIS).replace(hour=0, minute=0, second=0, microsecond=0)
        calendar = await self.ecowatt.entity_id("tense_periods")
        query = f"start={today:%Y-%m-%d}T00:00:00Z&end={today + timedelta(days=3):%Y-%m-%d}T00:00:00Z"
        events = await self.ecowatt.client.get(f"/api/calendars/{calendar}?{query}")
        starts = [datetime.fromisoformat(event["start"]["dateTime"]) for event in events]
        ok = datetime.fromisoformat(shown.text) in starts if shown.known else not starts
        return Seen(ok and bool(starts), f"{shown}, {len(events)} in the calendar: {events[0]['summary']}")

    async def _calls(self) -> Seen:
        calls = await self.signals.calls()
        return Seen(calls == 1, f"{calls}")

    async def _reload(self) -> Seen:
        before = await self.signals.calls()
        await self.ecowatt.client.post(f"/api/config/config_entries/entry/{self.ecowatt.entry_id}/reload")
        shown, after = await self.ecowatt.state("level"), await self.signals.calls()
        # The check may run across a quarter, where one more call is allowed.
        return Seen(shown.known and after - before <= 1 and after <= 2, f"{before}, then {after}; level {shown}")

    def _now(self, key: str, column: int, scale: float) -> Probe:
        async def probe() -> Seen:
            now = datetime.now(UTC)
            step = max(step for step in await self.signals.steps() if step[0] <= now)
            wanted = float(step[column]) * scale  # type: ignore[arg-type] # a number, but for the first column
            shown = await self.supplier.state(key)
            return Seen(abs(float(shown.text) - wanted) < 1e-6, f"{shown}   (sent: {wanted:g})")

        return probe

    async def _tomorrow(self) -> Seen:
        shown = await self.supplier.state("tomorrow_available")
        mean = await self.supplier.state("price_mean_tomorrow")
        return Seen(shown.text == "on" and mean.known, f"{shown}, {mean} on the mean")

    async def _steps(self) -> Seen:
        sent = await self.signals.steps()
        shown = (await self.supplier.act("get_supplier_signal"))["steps"]
        same = [
            (datetime.fromisoformat(step["start"]), step["price"], step["co2"], step["power"]) for step in shown
        ] == sent
        return Seen(same, f"{len(shown)} steps (sent: {len(sent)})")

    async def _cheapest(self) -> Seen:
        answer = await self.supplier.act("find_windows", aim="cheapest", duration="02:00:00", avoid_tense=False)
        sent, now = await self.signals.steps(), datetime.now(UTC)
        runs = [sent[i : i + 8] for i in range(len(sent) - 7) if sent[i][0] > now]
        least = min(sum(step[1] for step in run) / 8 for run in runs)
        shown = answer["mean_price"]
        (window,) = answer["windows"]
        # The window may also begin now, in mid-step: it is never dearer than the best whole steps.
        return Seen(shown <= least + 1e-9, f"{window['start']}, {shown:.4f} EUR/kWh   (best whole steps: {least:.4f})")

    async def _calendar(self) -> Seen:
        calendar = await self.supplier.entity_id("cheapest_windows")
        now = datetime.now(UTC)
        query = f"start={now:%Y-%m-%dT%H:%M:%S}Z&end={now + timedelta(days=2):%Y-%m-%dT%H:%M:%S}Z"
        events = await self.supplier.client.get(f"/api/calendars/{calendar}?{query}")
        return Seen(bool(events), f"{len(events)}: {events[0]['summary']}" if events else "none")

    async def _diagnostics(self) -> Seen:
        secrets = [
            str(value)
            for answers in (self.signals.ecowatt_answers(), self.signals.supplier_answers())
            for form in answers.values()
            for key, value in form.items()
            if key in ("client_id", "client_secret", "delivery_point")
        ]
        found = 0
        for view in (self.ecowatt, self.supplier):
            text = str(await view.client.get(f"/api/diagnostics/config_entry/{view.entry_id}"))
            found += sum(secret in text for secret in secrets)
        return Seen(found == 0, f"{found} of {len(secrets)} in clear")
