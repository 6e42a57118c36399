"""What of a building outlives Home Assistant: written, whole, before anything is commanded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.core import HomeAssistant

from ..const import LOGGER
from ..control.orders import Mode, Reason, Source, Wish
from ..control.overruns import Overruns
from ..firm_store import FirmStore
from .before import Before

_VERSION = 1


@dataclass(slots=True)
class Kept:
    """What is kept."""

    mode: Mode = Mode.OBSERVE
    on: bool = True
    """The master switch."""
    hands_off: set[str] = field(default_factory=set)
    """Loads whose own switch is off."""
    loads: Mapping[str, Any] = field(default_factory=dict)
    before: dict[str, Before] = field(default_factory=dict)
    """What the loads were that are shed, or whose return is not done yet."""
    wishes: dict[str, Wish] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Why, in the words of who asked, by wish."""
    overruns: Overruns = field(default_factory=Overruns)
    td: int = 0
    in_kva: bool | None = None
    """The unit of the subscribed power, as the meter told it last."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "mode": self.mode.value,
            "on": self.on,
            "hands_off": sorted(self.hands_off),
            "loads": self.loads,
            "before": {name: before.to_dict() for name, before in self.before.items()},
            "wishes": [
                {
                    "id": wish.id,
                    "source": wish.source.value,
                    "reason": wish.reason.value,
                    "loads": list(wish.loads),
                    "power": wish.power,
                    "until": wish.until,
                    "forced": wish.forced,
                    "text": self.texts.get(wish.id, ""),
                }
                for wish in self.wishes.values()
            ],
            "overruns": self.overruns.to_dict(),
            "td": self.td,
            "in_kva": self.in_kva,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Kept:
        """Take up what was kept; raise KeyError, TypeError or ValueError if it is none of ours."""
        kept = cls(
            mode=Mode(data["mode"]),
            on=bool(data["on"]),
            hands_off=set(data["hands_off"]),
            loads=dict(data["loads"]),
            before=salvaged(data),
            overruns=Overruns.from_dict(data.get("overruns")),
            td=int(data.get("td", 0)),
            in_kva=data.get("in_kva"),
        )
        for one in data["wishes"]:
            wish = Wish(
                id=one["id"],
                source=Source(one["source"]),
                reason=Reason(one["reason"]),
                loads=tuple(one["loads"]),
                power=one["power"],
                until=one["until"],
                forced=one["forced"],
            )
            kept.wishes[wish.id] = wish
            kept.texts[wish.id] = one.get("text", "")
        return kept


def salvaged(data: object) -> dict[str, Before]:
    """Take up what is to be given back, whatever became of the rest; what makes no sense is left out."""
    kept = data.get("before") if isinstance(data, Mapping) else None
    found: dict[str, Before] = {}
    for name, one in kept.items() if isinstance(kept, Mapping) else ():
        try:
            found[str(name)] = Before.from_dict(one)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            LOGGER.warning("What was kept of a load is of no use: %s", error)
    return found


def store(hass: HomeAssistant, entry_id: str) -> FirmStore:
    """Return where a building is kept."""
    return FirmStore(hass, _VERSION, entry_id, meanwhile="nothing is shed")
