"""What the tests of flexibility speak of: the data of Annex 1, composed anew, and a year of days to ask for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from custom_components.flex_ready.flexibility.model import Asset, Offer, Potential, Request
from custom_components.flex_ready.slots import Series, Slot

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 4, 2, 10, tzinfo=UTC)
"""12:00 in Paris."""
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
KW = Decimal(1000)


def triplet(value: float, unit: str = "W", multiplier: str = "k") -> dict[str, Any]:
    """Compose a quantity."""
    return {"unit": unit, "multiplier": multiplier, "value": value}


def slot(start: str, end: str, kilowatts: float = 80.0) -> dict[str, Any]:
    """Compose a slot of the annex's day."""
    return {"power": triplet(kilowatts), "start": f"2025-04-02T{start}", "end": f"2025-04-02T{end}"}


def asked(**others: Any) -> dict[str, Any]:  # noqa: ANN401
    """Compose what an operator asks for."""
    return {"requestID": "req-001", "flexProduct": "WID", "power": [slot("12:00:00", "13:00:00")], **others}


def asset_said(**others: Any) -> dict[str, Any]:  # noqa: ANN401
    """Compose the first asset of the annex."""
    period = {"start": "2025-04-02T12:00:00", "end": "2025-04-02T14:00:00"}
    return {
        "assetID": "WholeBuilding",
        "bacsID": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "flexProduct": "WID",
        "potentiel": {
            "power": triplet(100.0),
            "mobilizationDelay": 1,
            "maxDuration": 2,
            "activationPerDay": 1,
            "timePeriods": [period],
            **others,
        },
    }


def powers(*slots: tuple[datetime, timedelta, int]) -> Series[Decimal]:
    """Make a row of powers: start, length, kW."""
    return Series(tuple(Slot(start, start + length, kilowatts * KW) for start, length, kilowatts in slots))


def request(start: datetime = NOON, length: timedelta = HOUR, kilowatts: int = 80, name: str = "req-001") -> Request:
    """Make a request of one slot."""
    return Request(id=name, flex_product="WID", power=powers((start, length, kilowatts)))


def potential(**others: Any) -> Potential:  # noqa: ANN401
    """Make a potential of 100 kW for two hours, a minute after the order, once a day."""
    return Potential(
        **{
            "flex_product": "WID",
            "power": 100 * KW,
            "mobilization_delay": MINUTE,
            "max_duration": 2 * HOUR,
            "activations_per_day": 1,
            **others,
        }
    )


def asset(name: str = "WholeBuilding", parent: str | None = None, **others: Any) -> Asset:  # noqa: ANN401
    """Make an asset."""
    return Asset(id=name, bacs_id="bacs", potentials=(potential(**others),), parent=parent)


def offer(wanted: Request, price: str | None = "0.085") -> Offer:
    """Offer all that is asked for."""
    return Offer(
        power=wanted.power,
        expires_at=wanted.start - 15 * MINUTE,
        mobilization_delay=MINUTE,
        price=None if price is None else Decimal(price),
    )
