"""A supplier signal in Home Assistant: asked for today and tomorrow, validated, kept, and told at the step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, ClassVar, override

from aiohttp import ClientSession
from homeassistant.const import CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ..const import CONF_DELIVERY_POINT, CONF_DIALECT, CONF_ISSUER, CONF_SCOPE, DOMAIN, LOGGER
from ..signals.errors import SignalError
from ..signals.http import parse_json
from ..signals.oauth import ClientCredentials, StaticToken, Tokens, discover_token_url
from ..signals.supplier.client import Dialect, SupplierClient
from ..signals.supplier.model import Finding, Severity, SignalRejectedError, Step, SupplierSignal
from ..signals.supplier.validate import validate
from ..slots import Series
from .coordinator import GridConfigEntry, GridCoordinator, Json, instant

_USUAL = timedelta(minutes=60)
_EXPECTING = timedelta(minutes=15)
_EXPECTED_FROM_H = 12
"""Day-ahead prices are fixed about noon: from then on (Paris) tomorrow's is asked for more often."""
_BACK_OFF = timedelta(minutes=2)
_LONGEST_BACK_OFF = timedelta(minutes=60)
_LISTED = 10


async def tokens_of(session: ClientSession, data: Mapping[str, Any]) -> Tokens:
    """Return where the token of an entry comes from; raise SignalError if its identity provider is not found."""
    if CONF_TOKEN in data:
        return StaticToken(data[CONF_TOKEN])
    url = await discover_token_url(session, data[CONF_ISSUER])
    return ClientCredentials(
        session,
        url,
        data[CONF_CLIENT_ID],
        data[CONF_CLIENT_SECRET],
        clock=dt_util.utcnow,
        scope=data.get(CONF_SCOPE),
    )


def client_of(session: ClientSession, data: Mapping[str, Any], tokens: Tokens) -> SupplierClient:
    """Return the client of an entry."""
    return SupplierClient(
        session,
        data[CONF_URL],
        tokens,
        dialect=Dialect(data[CONF_DIALECT]),
        delivery_point=data[CONF_DELIVERY_POINT],
    )


def listed(findings: tuple[Finding, ...]) -> str:
    """Say findings to a user, errors first, as Markdown."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    shown = [f"- `{finding.pointer or '/'}` {finding.detail}" for finding in errors[:_LISTED]]
    if (left := len(errors) - len(shown)) > 0:
        shown.append(f"- + {left}")
    return "\n".join(shown)


@dataclass(frozen=True, slots=True)
class SupplierData:
    """A signal that was accepted, and when it was received (UTC)."""

    signal: SupplierSignal
    retrieved_at: datetime

    @property
    def steps(self) -> Series[Step]:
        """Return its steps."""
        return self.signal.steps


class SupplierCoordinator(GridCoordinator[SupplierData]):
    """The signal of one supplier for one delivery point."""

    manufacturer: ClassVar = None
    stale_after = timedelta(hours=12)

    def __init__(self, hass: HomeAssistant, entry: GridConfigEntry) -> None:
        """Make the coordinator of one delivery point."""
        super().__init__(hass, entry)
        self._client: SupplierClient | None = None
        self._text = ""
        self._default_data: bool | None = None
        self._not_before: datetime | None = None
        self._random = Random()  # noqa: S311  # it spreads calls, it keeps no secret

    @property
    def tomorrow_available(self) -> bool:
        """Tell whether every instant of tomorrow has a step."""
        held, tomorrow = self.current, self.day(1)
        return held is not None and not held.steps.gaps(tomorrow.start, tomorrow.end)

    @override
    async def _async_fetch(self) -> SupplierData:
        session = async_get_clientsession(self.hass)
        if self._client is None:
            self._client = client_of(session, self.config_entry.data, await tokens_of(session, self.config_entry.data))
        try:
            reply = await self._client.prices(self.day(0).start, self.day(1).end, self.zone)
        except SignalError as error:
            if error.retry_after is not None:
                self._not_before = self.now() + timedelta(seconds=error.retry_after)
            raise
        held = self._read(reply.body, reply.default_data, self.now())
        self._text, self._default_data = reply.text, reply.default_data
        return held

    def _read(self, body: object, default_data: bool | None, retrieved_at: datetime) -> SupplierData:  # noqa: FBT001  # three states
        return SupplierData(validate(body, zone=self.zone, default_data=default_data), retrieved_at)

    @override
    def _restore(self, stored: Json) -> None:
        text, retrieved_at, default_data = (stored.get(key) for key in ("text", "retrieved_at", "default_data"))
        if not isinstance(text, str) or not isinstance(retrieved_at, str):
            return
        default = default_data if isinstance(default_data, bool) else None
        try:
            self.held = self.data = self._read(parse_json(text), default, instant(retrieved_at))
        except (SignalError, ValueError, OverflowError) as error:
            LOGGER.debug("What was kept of %s is of no use: %s", self.name, error)
            return
        self._text, self._default_data = text, default

    @override
    def _stored(self) -> Json:
        return {
            "text": self._text,
            "retrieved_at": self.held.retrieved_at.isoformat() if self.held else None,
            "default_data": self._default_data,
        }

    @override
    def _earliest_call(self, now: datetime) -> datetime:
        return max(now, self._not_before) if self._not_before else now

    @override
    def _plan_poll(self, now: datetime) -> datetime:
        if self.failures:
            wait = min(_BACK_OFF * 2 ** min(self.failures, 8), _LONGEST_BACK_OFF)
        elif now.astimezone(self.zone).hour >= _EXPECTED_FROM_H and not self.tomorrow_available:
            wait = _EXPECTING
        else:
            wait = _USUAL
        wanted: datetime = now + wait * self._random.uniform(0.8, 1.2)
        return max(wanted, self._earliest_call(now))

    @override
    def _edge_after(self, held: SupplierData, now: datetime) -> datetime | None:
        return held.steps.edge_after(now)

    @override
    def described(self) -> Json:
        failure = self.failure
        findings = failure.findings if isinstance(failure, SignalRejectedError) else ()
        told: Json = {"rejected": [[finding.pointer, finding.code, finding.detail] for finding in findings]}
        if (held := self.held) is None:
            return told
        return told | {
            "steps": len(held.steps),
            "start": held.steps.slots[0].start.isoformat(),
            "end": held.steps.slots[-1].end.isoformat(),
            "last_end_inferred": held.signal.last_end_inferred,
            "default_data": held.signal.default_data,
            "warnings": [[finding.pointer, finding.code, finding.detail] for finding in held.signal.findings],
        }

    @override
    def _failed(self, error: SignalError) -> None:
        super()._failed(error)
        if isinstance(error, SignalRejectedError):
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                self._issue(self.config_entry.entry_id),
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="signal_rejected",
                translation_placeholders={"entry": self.config_entry.title, "findings": listed(error.findings)},
            )

    @override
    def _healed(self) -> None:
        self._not_before = None
        self.forget_issues(self.hass, self.config_entry.entry_id)

    @classmethod
    def forget_issues(cls, hass: HomeAssistant, entry_id: str) -> None:
        """Delete what the user was asked to repair."""
        ir.async_delete_issue(hass, DOMAIN, cls._issue(entry_id))

    @staticmethod
    def _issue(entry_id: str) -> str:
        return f"signal_rejected_{entry_id}"
