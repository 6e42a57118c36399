"""The default signal: a plausible French day, made for whatever days are asked."""

from datetime import UTC, date, datetime, time, timedelta

from .validate import PARIS

_STEP = timedelta(minutes=15)
_CENTS = [13, 12, 11, 11, 11, 12, 15, 19, 21, 20, 17, 14, 12, 11, 12, 14, 18, 24, 28, 29, 26, 21, 17, 14]
"""By hour of the wall clock, hundredths of EUR/kWh."""
_GRAMS = [28, 26, 25, 24, 25, 27, 33, 42, 46, 44, 38, 33, 30, 29, 31, 36, 44, 55, 62, 64, 57, 48, 39, 32]


def default_signal(start: date, end: date) -> dict[str, list[object]]:
    """Write the steps of the days from `start` to before `end`: 92, 96 or 100 a day."""
    first, last = (datetime.combine(day, time.min, PARIS).astimezone(UTC) for day in (start, end))
    times = [first + i * _STEP for i in range((last - first) // _STEP)]
    local = [at.astimezone(PARIS) for at in times]
    return {
        "step": list(range(1, len(times) + 1)),
        "horodate": [at.isoformat() for at in local],
        "power": [_triplet(36 if at.hour in range(7, 21) else 42, "W", "k") for at in local],
        "cost": [_triplet(round(_CENTS[at.hour] / 100 + _drift(at), 4), "€/kWh", "") for at in local],
        "co2": [_triplet(round(_GRAMS[at.hour] + _drift(at) * 100, 1), "gCO2eq/kWh", "") for at in local],
    }


def _drift(at: datetime) -> float:
    """Make no two days and no two quarter-hours of an hour the same."""
    return (at.toordinal() % 7) / 1000 + at.minute / 15 / 10_000


def _triplet(value: float, unit: str, multiplier: str) -> dict[str, object]:
    return {"value": value, "unit": unit, "multiplier": multiplier}
