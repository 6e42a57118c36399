"""What stands in a calendar of a signal."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from homeassistant.components.calendar import CalendarEntityDescription

from ..slots import Stretch


@dataclass(frozen=True, slots=True)
class Occasion:
    """A stretch of time worth an entry: `text` is a key of the texts under `common`, in the user's language."""

    stretch: Stretch
    text: str
    placeholders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GridCalendarDescription[CoordinatorT](CalendarEntityDescription):
    """A calendar of a signal: `occasions_fn` gives what lies in a stretch, in order."""

    occasions_fn: Callable[[CoordinatorT, Stretch], Iterable[Occasion]]
