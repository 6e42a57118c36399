"""The meter's language: bytes to groups, frames and typed values, for every customer output (TIC) of Enedis.

Pure: no I/O, no Home Assistant. Sources: Enedis-NOI-CPT_54E v3 (Linky), Enedis-NOI-CPT_02E v6 and its successor
Enedis-MOP-CPT_007E (PME-PMI, ICE, SAPHIR), Flex Ready reference 2.4.
"""

from .decoder import Decoder
from .model import (
    Counts,
    DatedPeriod,
    DayProfile,
    Event,
    Frame,
    Group,
    Meter,
    Reject,
    Stamp,
    Value,
)

__all__ = [
    "Counts",
    "DatedPeriod",
    "DayProfile",
    "Decoder",
    "Event",
    "Frame",
    "Group",
    "Meter",
    "Reject",
    "Stamp",
    "Value",
]
