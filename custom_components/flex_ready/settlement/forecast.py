"""What an entity was forecast to withdraw, as often as that was said: what counts is what was known at an instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What was once said of a half-hour."""

    wh: int
    """Net withdrawal."""
    handed_in: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """All that was said of an entity. What is not there was never said."""

    said: Mapping[datetime, Sequence[Said]] = field(default_factory=dict)
    """By the start of the half-hour (UTC), in the order in which it was said."""

    def known(self, step: datetime, at: datetime) -> int | None:
        """Return what was said last of a half-hour by an instant (Wh); None: nothing was."""
        return next((one.wh for one in reversed(self.said.get(step, ())) if one.handed_in <= at), None)
