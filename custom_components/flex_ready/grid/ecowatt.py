"""Ecowatt in Home Assistant: asked within RTE's quota, kept, and told at the hour."""

from datetime import datetime, timedelta
from random import Random
from typing import ClassVar, override

from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..const import CONF_REHEARSAL, DOMAIN, LOGGER
from ..signals.ecowatt.client import BASE_URL, EcowattClient
from ..signals.ecowatt.model import Forecast
from ..signals.ecowatt.parse import parse_signals
from ..signals.ecowatt.quota import QuarterGuard
from ..signals.ecowatt.rehearsal import shift_to
from ..signals.ecowatt.schedule import next_poll
from ..signals.errors import SignalError, Trouble
from ..signals.http import parse_json
from .coordinator import GridConfigEntry, GridCoordinator, Json, instant


class EcowattCoordinator(GridCoordinator[Forecast]):
    """Ecowatt as one application at RTE sees it."""

    manufacturer: ClassVar = "RTE"
    stale_after = timedelta(hours=12)

    def __init__(self, hass: HomeAssistant, entry: GridConfigEntry) -> None:
        """Make the coordinator of one application at RTE."""
        super().__init__(hass, entry)
        self.rehearsal: bool = entry.data[CONF_REHEARSAL]
        self.guard = QuarterGuard()
        self._text = ""
        self._random = Random()  # noqa: S311  # it spreads calls, it keeps no secret
        self._client = EcowattClient(
            async_get_clientsession(hass),
            entry.data[CONF_CLIENT_ID],
            entry.data[CONF_CLIENT_SECRET],
            clock=self.now,
            base_url=entry.data.get(CONF_URL, BASE_URL),
        )

    @override
    async def _async_fetch(self) -> Forecast:
        if self.rehearsal:
            reply = await self._client.sandbox()
        else:
            try:
                await self._client.authenticate()  # a refused key costs none of the quota
                self.guard.record(self.now())
                await self._async_save()
                reply = await self._client.signals()
            except SignalError as error:
                if error.trouble is Trouble.RATE_LIMITED or error.retry_after is not None:
                    self.guard.refused(self.now(), error.retry_after)
                    await self._async_save()
                raise
        forecast = self._read(reply.body, self.now())
        self._text = reply.text
        return forecast

    def _read(self, body: object, retrieved_at: datetime) -> Forecast:
        if self.rehearsal:
            body = shift_to(body, self.date())
        forecast = parse_signals(body, retrieved_at=retrieved_at, zone=self.zone, rehearsal=self.rehearsal)
        if not forecast.hours.slots:
            raise SignalError(Trouble.WRONG_SHAPE, "the answer has no hour")
        return forecast

    @override
    def _restore(self, stored: Json) -> None:
        self.guard = QuarterGuard.from_dict(stored.get("guard"), self.now())
        text, retrieved_at = stored.get("text"), stored.get("retrieved_at")
        if not isinstance(text, str) or not isinstance(retrieved_at, str):
            return
        try:
            self.held = self.data = self._read(parse_json(text), instant(retrieved_at))
        except (SignalError, ValueError, OverflowError) as error:
            LOGGER.debug("What was kept of %s is of no use: %s", self.name, error)
            return
        self._text = text

    @override
    def _stored(self) -> Json:
        held = self.held
        return {
            "guard": self.guard.to_dict(),
            "text": self._text,
            "retrieved_at": held.retrieved_at.isoformat() if held else None,
        }

    @override
    def _earliest_call(self, now: datetime) -> datetime:
        return now if self.rehearsal else self.guard.next_allowed(now)

    @override
    def _plan_poll(self, now: datetime) -> datetime:
        planned = next_poll(
            now,
            self.current,
            QuarterGuard() if self.rehearsal else self.guard,
            self.zone,
            failures=self.failures,
            random=self._random,
        )
        # The days of a rehearsal move with today.
        return min(planned, self.day(0).end + timedelta(seconds=1)) if self.rehearsal else planned

    @override
    def _edge_after(self, held: Forecast, now: datetime) -> datetime | None:
        return held.hours.edge_after(now)

    @override
    def described(self) -> Json:
        if (held := self.held) is None:
            return {}
        return {
            "rehearsal": held.rehearsal,
            "dropped": held.dropped,
            "days": [
                {
                    "day": day.day.isoformat(),
                    "level": day.level,
                    "generation": day.generation,
                    "provisional": day.provisional,
                }
                for day in held.days
            ],
            "hours": [[slot.start.isoformat(), slot.value] for slot in held.hours],
            "guard": self.guard.to_dict(),
        }

    @override
    def _failed(self, error: SignalError) -> None:
        super()._failed(error)
        if error.trouble is Trouble.NOT_SUBSCRIBED:
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                self._issue(self.config_entry.entry_id),
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="not_subscribed",
                translation_placeholders={"entry": self.config_entry.title},
            )

    @override
    def _healed(self) -> None:
        self.forget_issues(self.hass, self.config_entry.entry_id)

    @classmethod
    def forget_issues(cls, hass: HomeAssistant, entry_id: str) -> None:
        """Delete what the user was asked to repair."""
        ir.async_delete_issue(hass, DOMAIN, cls._issue(entry_id))

    @staticmethod
    def _issue(entry_id: str) -> str:
        return f"not_subscribed_{entry_id}"
