"""What the demo promises, checked through Home Assistant's own API."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import time
from urllib.parse import quote

from aiohttp import ClientSession

from .checklist import Checklist, Probe, Seen
from .client import HomeAssistant, log_in
from .drive import Drive
from .emulator import Emulator, meter_answers
from .flow import FlowAbortedError, add_entry
from .log import errors
from .meter_view import DOMAIN, MeterView
from .meters import KnownMeter, Shown, known_meter, personal, serial_number
from .reload import check_reload
from .sent import Captured, Sampled, Sent, among, same

_HOME_ASSISTANT = "2026.11."
_ASKED_BY_PAGES = (
    "get_config",
    "get_services",
    "get_panels",
    "frontend/get_themes",
    "auth/current_user",
    "config/entity_registry/list_for_display",
    "config/device_registry/list",
    "config/area_registry/list",
    "config/floor_registry/list",
)
"""What every page asks before it shows anything: one that fails leaves the user with "Loading data"."""
_SETTLE_S = 30
_POWER_S = 50
"""A power is written every 15 s or so, once half a minute of the meter's clock has been seen."""
_TD_S = 120
"""At pace 10 two tops of 10 min come within that."""
_QUALITY_S = 90
"""The line is judged over a minute at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A demo that is up, what its meter sends, and where the outcome goes."""

    session: ClientSession
    client: HomeAssistant
    emulator: Emulator
    entry_id: str
    sent: Sent
    log: Path
    checklist: Checklist


async def check_demo(case: Case) -> None:
    """Check everything."""
    found: tuple[KnownMeter, MeterView] | None = None

    async def there() -> Seen:
        nonlocal found
        if (meter := known_meter(case.sent)) is None:
            return Seen(ok=False, text="no meter that is known here")
        found = meter, await MeterView.find(case.client, case.entry_id)
        return Seen(ok=True, text=meter.title)

    if await case.checklist.check("meter in Home Assistant", there, _SETTLE_S) and found:
        await _Check(case, *found).run()


@dataclass(frozen=True, slots=True)
class _Check:
    case: Case
    meter: KnownMeter
    view: MeterView

    async def run(self) -> None:
        """Check in an order that lets what takes time go on meanwhile."""
        check, sent, meter = self.case.checklist.check, self.case.sent, self.meter
        await check("Home Assistant", self._version)
        await check("no login needed on this machine", self._no_login)
        await check("pages have what they wait for", self._pages)
        await check("meter recognised, entry loaded", self._entry)
        await check("serial number as unique id", self._identity)
        shown = [row for row in meter.shown if sent.data(row.label)]
        for row in shown:
            await check(f"{row.label} in {row.key}", self._shown(row), _SETTLE_S)
        if meter.td_counter:
            await check("PREAVIS in overrun_warning", self._preavis, _SETTLE_S)
        await check("names in English, French served", self._names)
        await check("diagnostics without serial number", self._diagnostics)
        await check(f"{meter.power.key} in the recorder", self._history, _SETTLE_S)
        await check("the same meter is not added twice", self._twice)
        if isinstance(sent, Sampled):
            if await check(f"{meter.power.key} as the building's", self._power, _POWER_S):
                await Drive(self.view, meter, sent, self.case.session, self.case.emulator, self.case.checklist).run()
        elif meter.td_counter:
            await check(f"{meter.power.key} as the capture's slope", self._power, _POWER_S)
        if meter.td_counter:
            await check("Td learned", self._td, _TD_S)
        await check("line quality: bad groups", self._quality, _QUALITY_S)
        await check_reload(self.view, self.case.emulator, [row.key_now(sent) for row in shown], self.case.checklist)
        await check("no error of flex_ready in the log", self._log)

    async def _version(self) -> Seen:
        version = (await self.case.client.get("/api/config"))["version"]
        return Seen(version.startswith(_HOME_ASSISTANT), version)

    async def _no_login(self) -> Seen:
        async with ClientSession() as fresh:  # no cookie, no token: a browser opened for the first time
            answer = await (await log_in(fresh, self.case.client.url)).get("/api/")
        return Seen(ok=True, text=answer["message"])

    async def _pages(self) -> Seen:
        for command in _ASKED_BY_PAGES:
            await self.case.client.command(command)
        return Seen(ok=True, text=f"{len(_ASKED_BY_PAGES)} answers")

    async def _entry(self) -> Seen:
        entry = await self.view.entry()
        title, state = entry["title"], entry["state"]
        return Seen(self.meter.title in title and state == "loaded", f"{title}, {state}")

    async def _identity(self) -> Seen:
        wanted = serial_number(self.case.sent) or self.case.entry_id
        ids = [entity["unique_id"] for entity in await self.view.entities()]
        ok = self.view.identity == wanted and bool(ids) and all(one.startswith(f"{wanted}_") for one in ids)
        return Seen(ok, f"{self.view.identity}, {len(ids)} entities")

    def _shown(self, row: Shown) -> Probe:
        async def probe() -> Seen:
            state = await self.view.state(row.key_now(self.case.sent))
            data = self.case.sent.data(row.label, state.at)
            ok = any(same(state.text, state.unit, one, row.unit) for one in data) or (
                isinstance(self.case.sent, Sampled) and among(state.text, state.unit, data, row.unit)
            )
            return Seen(ok, f"{state}   (sent: {_some(data)})")

        return probe

    async def _preavis(self) -> Seen:
        state, sent = await self.view.state("overrun_warning"), self.case.sent
        warned = bool(sent.data("PREAVIS", time.time()))
        # A capture that has it in some frames does not tell in which one we are.
        ok = state.text == ("on" if warned else "off") or (warned and isinstance(sent, Captured))
        return Seen(ok, f"{state}   (sent: {'yes' if warned else 'no'})")

    async def _power(self) -> Seen:
        return await self.view.compared_power(self.meter.power, self.case.sent)

    async def _td(self) -> Seen:
        state, sent = await self.view.state("td"), self.case.sent
        if isinstance(sent, Sampled):
            wanted = sent.measures[-1][1]["td_min"]
            return Seen(same(state.text, "", str(wanted)), f"{state}   (emulated: {wanted})")
        assert isinstance(sent, Captured)
        assert self.meter.td_counter
        tops = list(sent.restarts(self.meter.td_counter))
        if not state.known:  # which is right as long as no top has been seen
            return Seen(not tops, f"{state}   (no restart)")
        td = int(float(state.text))
        fits = bool(tops) and all(any(minute % td == 0 for minute in top) for top in tops)
        return Seen(fits, f"{state}   (restarts at minute {_some({str(top[-1]) for top in tops})})")

    async def _quality(self) -> Seen:
        state = await self.view.state("bad_groups")
        # A capture is cut where it ends: the group across the seam is a bad one.
        most = 1 if isinstance(self.case.sent, Captured) else 0
        return Seen(float(state.text) <= most, str(state))

    async def _names(self) -> Seen:
        names: dict[str, dict[str, str]] = {}
        for language in ("en", "fr"):
            answer = await self.case.client.command(
                "frontend/get_translations", language=language, category="entity", integration=[DOMAIN]
            )
            names[language] = answer["resources"]
        without: set[str] = set()
        shown: list[str] = []
        for entity in await self.view.entities():
            platform = entity["entity_id"].partition(".")[0]
            key = f"component.{DOMAIN}.entity.{platform}.{entity['translation_key']}.name"
            english, french = names["en"].get(key), names["fr"].get(key)
            if not english or not french or not _fills(english, entity["original_name"]):
                without.add(entity["unique_id"])
            elif english != french:  # one that tells the languages apart
                shown.append(f"{entity['original_name']} / {french}")
        return Seen(not without and bool(shown), f"without: {_some(without)}" if without else shown[0] if shown else "")

    async def _diagnostics(self) -> Seen:
        text = json.dumps(await self.case.client.get(f"/api/diagnostics/config_entry/{self.case.entry_id}"))
        secrets = personal(self.case.sent)
        found = [secret for secret in secrets if secret in text]
        return Seen(not found, f"{len(text)} characters, {len(found)} of {len(secrets)} numbers in clear")

    async def _history(self) -> Seen:
        entity = await self.view.entity_id(self.meter.power.key)
        since = quote((datetime.now(UTC) - timedelta(hours=1)).isoformat())
        stored = await self.case.client.get(f"/api/history/period/{since}?filter_entity_id={entity}")
        numbers = [row["state"] for rows in stored for row in rows if row["state"] not in ("unknown", "unavailable")]
        return Seen(bool(numbers), f"{len(numbers)} rows, the last {numbers[-1] if numbers else '-'}")

    async def _twice(self) -> Seen:
        try:
            await add_entry(self.case.client, DOMAIN, "meter", meter_answers(self.case.emulator))
        except FlowAbortedError as aborted:
            return Seen(aborted.reason == "already_configured", aborted.reason)
        return Seen(ok=False, text="it was added again")

    async def _log(self) -> Seen:
        found = await asyncio.to_thread(errors, self.case.log)
        ours = [record for record in found if record.ours]
        # Home Assistant has errors of its own, as on a machine without any network interface; they are only shown.
        text = f"{len(ours)} errors, {len(found) - len(ours)} of other integrations"
        return Seen(not ours, "; ".join([text, *(str(record) for record in (ours or found)[:3])]))


def _some(texts: set[str]) -> str:
    return ", ".join(sorted(texts)[:4]) + (", ..." if len(texts) > 4 else "") or "-"


def _fills(pattern: str, name: str | None) -> bool:
    """Tell whether a name is a translation with its placeholders filled."""
    return name is not None and name.startswith(pattern.partition("{")[0]) and "{" not in name
