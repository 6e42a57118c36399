"""A French meter and the building behind it, heard through the customer output (TIC)."""

from .config import Faults, MeterConfig
from .emulation import Emulation
from .source import EmulatedFrame, frames, stream
from .wire import Group

__all__ = ["EmulatedFrame", "Emulation", "Faults", "Group", "MeterConfig", "frames", "stream"]
