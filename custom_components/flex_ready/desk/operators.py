"""An operator of a building: who calls, what is shown to it, what is accepted from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigSubentry

from ..const import CONF_DIALECT, CONF_ISSUER
from ..control.load import Hours
from ..flexibility.dialects import DIALECTS, Dialect
from ..flexibility.policy import Policy
from .const import (
    AUTH_OIDC,
    CONF_ANSWER_WITHIN,
    CONF_ASSETS,
    CONF_AUDIENCE,
    CONF_AUTH,
    CONF_CLIENT,
    CONF_DAYS,
    CONF_DECISION,
    CONF_DESPITE_RED,
    CONF_FROM,
    CONF_MOST_ACTIVATIONS,
    CONF_NOTIFY,
    CONF_OFFER_HOLDS,
    CONF_PRICE,
    CONF_SILENCE,
    CONF_TO,
    CONF_USER,
    DECISION_ASK,
    ISSUER_LOCAL,
    ISSUER_USER,
    SILENCE_ACCEPT,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Auth(StrEnum):
    """How an operator shows who it is."""

    OIDC = "oidc"
    USER = "home_assistant"
    LOCAL = "local"
    """It does not: its requests come by actions of Home Assistant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who may ask for flexibility."""

    subentry_id: str
    title: str
    auth: Auth
    issuer: str
    """As the token has it, for OIDC; else one of ours."""
    client: str
    """What the token calls its bearer; the id of the user; empty for a local one."""
    audience: str = ""
    dialect: Dialect
    assets: frozenset[str]
    """Ids of subentries."""
    policy: Policy
    notify: str = ""

    @classmethod
    def of(cls, subentry: ConfigSubentry) -> Operator:
        """Read what the flow made; raise KeyError or ValueError if it did not."""
        data = subentry.data
        oidc = data[CONF_AUTH] == AUTH_OIDC
        return cls(
            subentry_id=subentry.subentry_id,
            title=subentry.title,
            auth=Auth(data[CONF_AUTH]),
            issuer=data[CONF_ISSUER] if oidc else ISSUER_USER,
            client=data[CONF_CLIENT if oidc else CONF_USER],
            audience=data.get(CONF_AUDIENCE, ""),
            dialect=DIALECTS[data[CONF_DIALECT]],
            assets=frozenset(data[CONF_ASSETS]),
            policy=policy_of(data),
            notify=data.get(CONF_NOTIFY, ""),
        )


def local(assets: frozenset[str], dialect: Dialect) -> Operator:
    """Return the operator that stands for actions of Home Assistant: what a user asks for is accepted."""
    return Operator(
        subentry_id="",
        title="Home Assistant",
        auth=Auth.LOCAL,
        issuer=ISSUER_LOCAL,
        client="",
        dialect=dialect,
        assets=assets,
        policy=Policy(ask=False, despite_red=True),
    )


def policy_of(data: Mapping[str, Any]) -> Policy:
    """Read what may be accepted from an operator."""
    price = data.get(CONF_PRICE)
    return Policy(
        ask=data[CONF_DECISION] == DECISION_ASK,
        silence_accepts=data[CONF_SILENCE] == SILENCE_ACCEPT,
        answer_within=timedelta(minutes=float(data[CONF_ANSWER_WITHIN])),
        offer_holds=timedelta(minutes=float(data[CONF_OFFER_HOLDS])),
        price=None if price is None else Decimal(str(price)),
        most_activations=int(data[CONF_MOST_ACTIVATIONS]) or None,
        hours=hours_of(data),
        days=frozenset(DAYS.index(day) for day in data.get(CONF_DAYS) or DAYS),
        despite_red=bool(data[CONF_DESPITE_RED]),
    )


def hours_of(data: Mapping[str, Any]) -> Hours | None:
    """Read from when to when something is allowed, local time; None: at any time."""
    first, last = data.get(CONF_FROM), data.get(CONF_TO)
    return Hours(_minute(first), _minute(last)) if first and last and first != last else None


def _minute(text: str) -> int:
    at = time.fromisoformat(text)
    return at.hour * 60 + at.minute
