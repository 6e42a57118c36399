"""Diagnostics of a meter: enough for the first user of a SAPHIR to send us his, and nothing that names him."""

import re
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_PORT

from ..const import CONF_SERIAL
from .coordinator import MeterConfigEntry

_TO_REDACT = {CONF_SERIAL, CONF_PORT, "title", "unique_id"}
_IDENTIFIERS = frozenset(("ADS", "ADCO", "ADSC", "PRM"))
_NUMBER = re.compile(r"\d{10,}")
"""A serial number has 12 digits and a delivery point 14; no value of a meter has more than 9."""
_DAMAGED_NUMBER = re.compile(r"\d(?:[^/: \t]?\d){9,}")
"""As above, perhaps with damaged characters between; those between the digits of a date are other ones."""


def _hide(text: str, number: re.Pattern[str] = _NUMBER) -> str:
    """Keep what tells the maker, the year and the type of a meter; hide the number."""
    return number.sub(lambda match: match[0][:6] + "*" * (len(match[0]) - 6), text)


def meter_diagnostics(entry: MeterConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of a meter."""
    coordinator = entry.runtime_data
    state = coordinator.data
    counts = state.decoder.counts
    return {
        "entry": async_redact_data(entry.as_dict(), _TO_REDACT),
        "meter": state.meter,
        "read": coordinator.last_update_success,
        "td_minutes": state.td.td,
        "frame_period_s": state.quality.frame_period,
        "clock_drift_s": state.drift_s,
        "counts": {
            "bytes": counts.bytes,
            "dropped_bytes": counts.dropped_bytes,
            "groups": counts.groups,
            "frames": counts.frames,
            "complete_frames": counts.complete_frames,
            "interruptions": counts.interruptions,
            "rejected": {str(reason): count for reason, count in counts.rejected.items()},
        },
        "unknown_labels": {label: _hide(data) for label, data in state.unknown.items()},
        "last_frames": [
            {
                "complete": frame.complete,
                "rejected": frame.rejected,
                "groups": [
                    [group.label, _hide(group.raw) if group.key in _IDENTIFIERS or not group.known else group.raw]
                    for group in frame.groups
                ],
            }
            for frame in state.last_frames
        ],
        "last_rejected_lines": [
            [reason.value, ascii(_hide(line.decode("latin-1"), _DAMAGED_NUMBER))]
            for reason, line in state.decoder.rejects
        ],
    }
