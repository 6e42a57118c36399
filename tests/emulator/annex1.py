"""What tests of Annex 1 share: its ids, bodies, and the instant at which its dates are still to come."""

from datetime import datetime
from typing import Any

WHOLE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
HEATED = "a987fbc9-4bed-4078-9f07-9141ba07c9f3"
ASSET = f"/bacs/{WHOLE}/assets/WholeBuilding"
REQUEST = f"{ASSET}/flexibilities/request"
MORNING = datetime.fromisoformat("2025-04-02T11:00:00+02:00")
"""An hour before the period of the first asset."""


def at(clock: str, offset: str = "+02:00") -> datetime:
    """Return an instant of that day."""
    return datetime.fromisoformat(f"2025-04-02T{clock}{offset}")


def asked(
    start: str = "12:30:00",
    end: str = "12:32:00",
    kilowatts: float = 80,
    name: str | None = "req-001",
    offset: str = "",
    *,
    strict: bool = False,
) -> dict[str, Any]:
    """Compose a request, as a strict BACS wants it if it has offsets; without a name, a confirmation."""
    power = {"unit": "W", "multiplier": "k", "value": kilowatts}
    slot = {"power": power, "start": f"2025-04-02T{start}{offset}", "end": f"2025-04-02T{end}{offset}"}
    request = {"requestID": name} if name else {}
    if name and (offset or strict):
        request["direction"] = "decrease"
    return request | {"flexProduct": "WID", "power": [slot]}
