"""What the emulated servers are told at the start."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

RTE_CLIENTS = (("emulated-client", "emulated-secret"),)
UNSUBSCRIBED = ("unsubscribed", "unsubscribed-secret")
"""A client that RTE knows, but whose application is not subscribed to Ecowatt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """Options of the servers; the defaults make all of them work on this machine alone."""

    host: str = "127.0.0.1"
    port: int = 8600
    database: Path | None = None
    """Sessions, journals and signals are kept there; None: in memory."""
    rte_clients: tuple[tuple[str, str], ...] = RTE_CLIENTS
    scenario: str = "calm"
    issuer: str | None = None
    """The identity provider whose tokens are accepted; None: our own, under /oidc."""
    audience: str = "flex-ready-emulator"
    admin_role: str = "admin"
    start: datetime | None = None
    pace: float = 1
    private_targets: bool = True
    """Whether a supplier or a BACS that is called may stand at a private or local address."""
