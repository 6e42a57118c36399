"""What a load was before it was shed, as it is kept: enough to give it back when nothing else is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

type Told = Mapping[str, Any]
"""The state of an entity (JSON): state and attributes."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a load was, and how it was shed: the load may have been changed, or taken back, since."""

    title: str
    how: Mapping[str, Any]
    """Of its subentry."""
    at: int
    """When it was shed (ms)."""
    own: Told = field(default_factory=dict)
    """The state of its entity; empty if it has none."""
    members: Mapping[str, Told] = field(default_factory=dict)
    """If that is a group: the states of what it commands, by what each is kept as."""

    @property
    def state(self) -> str | None:
        """What the entity was."""
        return self.own.get("state")

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes that the entity had."""
        attributes: Mapping[str, Any] = self.own.get("attributes", {})
        return attributes

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "title": self.title,
            "how": dict(self.how),
            "at": self.at,
            "own": dict(self.own),
            "members": dict(self.members),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Before:
        """Take up what was kept; raise KeyError, TypeError or ValueError if it is none of ours."""
        members = {str(name): _told(one) for name, one in data["members"].items()}
        return cls(str(data["title"]), dict(data["how"]), int(data["at"]), _told(data["own"]), members)


def _told(data: Mapping[str, Any]) -> Told:
    return {"state": str(data["state"]), "attributes": dict(data["attributes"])} if data else {}
