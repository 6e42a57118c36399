"""The energy that the meter of a building told between two looks: by its counter, else by its power."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ..meter.readings import measured_power
from ..meter.state import MeterState

_COUNTERS = ("EA_s", "EAS", "EA", "EAST", "BASE")
"""Of active energy (Wh): since the top of Td, or for ever."""
_APPARENT = ("SINSTS", "PAPP")
"""VA: never less than the active power (W)."""
_LONGEST = timedelta(minutes=2)
_MS = timedelta(milliseconds=1)
_MS_A_HOUR = 3_600_000


@dataclass(slots=True)
class MeterEnergy:
    """Looks at a meter now and then."""

    _at: datetime | None = None
    _key: str = ""
    _stood: int = 0

    def since_last(self, state: MeterState | None, now: datetime) -> tuple[Decimal | None, bool]:
        """Return what was drawn since the last look (Wh), and whether that is an estimate; None: not known."""
        before, self._at = self._at, now
        if state is None:
            self._key = ""
            return None, False
        key, stood = _counter(state)
        last_key, last, self._key, self._stood = self._key, self._stood, key, stood
        if before is None or not timedelta() < now - before <= _LONGEST:
            return None, False
        if key and key == last_key and stood >= last:
            return Decimal(stood - last), False
        power = measured_power(state, *_COUNTERS, *_APPARENT)  # a counter that began anew at its top
        if power is None:
            return None, False
        return Decimal(power) * ((now - before) // _MS) / _MS_A_HOUR, not key


def _counter(state: MeterState) -> tuple[str, int]:
    """Return the counter of active energy that the meter has, and where it stands (Wh); no name: it has none."""
    for key in _COUNTERS:
        if (wh := state.number(key)) is not None:
            return key, int(wh)
    return "", 0
