"""What a building tells when something changed: events on the bus, lines in the log, repairs."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, LOGGER
from ..control.orders import Decision, Mode, Reason, Source, Target
from .const import EVENT_LIMIT, EVENT_LOAD, SUBENTRY_LOAD
from .plan import sentence

if TYPE_CHECKING:
    from .coordinator import BuildingCoordinator

_LOG_LENGTH = 200
_APPROACHING = 10
"""The limit is approached when less than one part in so many of it is left..."""
_CLEAR = 5
"""...and is not any more when more than one part in so many is."""


class Herald:
    """Compares each decision with the one before."""

    def __init__(self, building: BuildingCoordinator) -> None:
        """Make the herald of a building."""
        self._building = building
        self.log: deque[Decision] = deque(maxlen=_LOG_LENGTH)
        """The last decisions that changed something, oldest first."""
        self.limiting = False
        self.warned_of: dict[str, Reason] = {}
        """Loads that did not obey, or that it does not help to shed."""
        self._approached = False

    def tell(self, before: Decision, after: Decision) -> None:
        """Say what changed: on the bus, in the log, in repairs."""
        old = {target.load: target for target in before.targets}
        changed = False
        for target in after.targets:
            was = old.get(target.load)
            if was is not None and (was.step, was.reason) != (target.step, target.reason):
                changed = True
                if bool(was.step) is not bool(target.step):
                    self._tell_load("shed" if target.step else "restored", target)
            self._warn_of(target)
        if changed or after.commands:
            self.log.append(after)
        limiting = any(target.step and target.source is Source.LIMIT for target in after.targets)
        if limiting is not self.limiting:
            self.limiting = limiting
            if before.targets:  # what was held off before a restart is no news
                self.tell_limit("limiting_started" if limiting else "limiting_ended")
        situation = None if after.blind else after.situation
        if situation is None or situation.margin * _CLEAR > situation.limit:
            self._approached = False
        elif situation.margin * _APPROACHING < situation.limit and not self._approached:
            self._approached = True
            self.tell_limit("approached", margin=situation.margin, limit=situation.limit)

    def tell_limit(self, kind: str, **powers: int) -> None:
        """Say what happened about the limit."""
        unit = "VA" if self._building.link.in_kva else "W"
        rehearsed = self._building.kept.mode is Mode.OBSERVE
        self._fire(EVENT_LIMIT, {"type": kind, **powers, "unit": unit, "rehearsed": rehearsed})

    def _tell_load(self, kind: str, target: Target) -> None:
        rehearsed = self._building.kept.mode is Mode.OBSERVE
        told = sentence(self._building, target)
        if kind == "restored":
            told = self._building.words.restored(target, told, rehearsed=rehearsed)
        ours = self._building.handovers[target.load]
        LOGGER.info("%s: %s %s%s", ours.title, kind, target.reason, " (observed)" * rehearsed)
        self._fire(
            EVENT_LOAD,
            {
                "type": kind,
                "load": target.load,
                "name": ours.title,
                "entity_id": ours.entity_id,
                "reason": target.reason.value,
                "source": target.source.name.lower() if target.source is not None else None,
                "sentence": told,
                "rehearsed": rehearsed,
            },
        )

    def _fire(self, event: str, data: Mapping[str, object]) -> None:
        entry = self._building.config_entry
        whose = {"config_entry_id": entry.entry_id, "building": self._building.name}
        self._building.hass.bus.async_fire(event, {**whose, **data})

    def _warn_of(self, target: Target) -> None:
        """Tell the user of a load that does not obey, or does not help, and take it back once it does."""
        hass, issue = self._building.hass, f"load_{target.load}"
        if target.reason in (Reason.DISOBEYED, Reason.FUTILE):
            if target.load not in self.warned_of:
                self.warned_of[target.load] = target.reason
                title = self._building.handovers[target.load].title
                ir.async_create_issue(
                    hass,
                    DOMAIN,
                    issue,
                    is_fixable=False,
                    severity=ir.IssueSeverity.WARNING,
                    translation_key=f"load_{target.reason}",
                    translation_placeholders={"load": title, "building": self._building.name},
                )
        elif target.load in self.warned_of and target.step and self._building.controller.states[target.load].obeyed:
            del self.warned_of[target.load]
            ir.async_delete_issue(hass, DOMAIN, issue)

    def end(self) -> None:
        """Take back what the user was asked to mend."""
        forget_issues(self._building.hass, self._building.config_entry)
        for load in self.warned_of:
            ir.async_delete_issue(self._building.hass, DOMAIN, f"load_{load}")  # its subentry may be gone


def forget_issues(hass: HomeAssistant, entry: ConfigEntry[BuildingCoordinator]) -> None:
    """Delete what the user was asked to mend about the loads of an entry."""
    for subentry in entry.get_subentries_of_type(SUBENTRY_LOAD):
        ir.async_delete_issue(hass, DOMAIN, f"load_{subentry.subentry_id}")
