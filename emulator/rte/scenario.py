"""Scenarios: what the grid does, by day from today on and by hour of the wall clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
import json
from pathlib import Path
import re
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
_FOLDER = Path(__file__).parent / "scenarios"
_LEVELS = range(4)
_DAYS = range(4)
_HOURS = 24
_HOUR = re.compile(r"\d{1,2}", re.ASCII)


class ScenarioError(ValueError):
    """A scenario that is none; the message says where."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day: the level of each hour that is sent, and whether it is a placeholder of another file."""

    levels: Mapping[int, int]
    placeholder: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Days ahead that are published, and when the last one is."""

    name: str
    about: str
    days: Mapping[int, DayPlan] = field(default_factory=dict)
    horizon: int = 4
    published: time = time(0, 20)
    """Wall clock of Paris; before it the last day is missing."""

    def signals(self, now: datetime) -> list[dict[str, object]]:
        """Write the days as RTE does (its documented example and real answers of 2022 to 2025)."""
        local = now.astimezone(PARIS)
        days = self.horizon if local.time() >= self.published else self.horizon - 1
        return [self._day(local.date(), ahead) for ahead in range(days)]

    def _day(self, today: date, ahead: int) -> dict[str, object]:
        plan = self.days.get(ahead) or DayPlan(dict.fromkeys(range(_HOURS), 1))
        # RTE stamps a file with the UTC digits of local midnight and the offset of Paris: wrong, and always so.
        midnight = datetime.combine(today, time.min, PARIS)
        digits = midnight.replace(tzinfo=None) - (midnight.utcoffset() or timedelta())
        stamp = digits.replace(tzinfo=PARIS)
        if plan.placeholder:
            stamp += timedelta(hours=2, minutes=17, seconds=44)
        highest = max(plan.levels.values(), default=1)
        return {
            "GenerationFichier": stamp.isoformat(),
            "jour": datetime.combine(today + timedelta(days=ahead), time.min, PARIS).isoformat(),
            "dvalue": max(1, highest),
            "message": _MESSAGES[max(1, highest)],
            "values": [{"pas": pas, "hvalue": level} for pas, level in sorted(plan.levels.items())],
        }


_MESSAGES = {
    1: "Pas d\u2019alerte.",
    2: "Syst\u00e8me \u00e9lectrique tendu. Les \u00e9cogestes sont les bienvenus.",
    3: "Syst\u00e8me \u00e9lectrique tr\u00e8s tendu. Coupures in\u00e9vitables sans baisse de la consommation.",
}


def names() -> list[str]:
    """Return the scenarios that come with the emulator."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def load_scenario(name: str) -> Scenario:
    """Read a scenario by its name, or by the path of a file; raise ScenarioError."""
    path = _FOLDER / f"{name}.json" if name in names() else Path(name)
    if not path.is_file():
        raise ScenarioError(f"no scenario {name}: there are {', '.join(names())}, or give a file")
    try:
        return parse_scenario(path.stem, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def parse_scenario(name: str, data: object) -> Scenario:
    """Read ``{about, horizon, published, days: {"0": {default, hours: {"18-20": 3}, missing: ["7-9"]}}}``."""
    if not isinstance(data, dict):
        raise ScenarioError("a scenario is an object")
    if unknown := data.keys() - {"about", "horizon", "published", "days"}:
        raise ScenarioError(f"unknown: {', '.join(sorted(unknown))}")
    horizon = data.get("horizon", 4)
    if not isinstance(horizon, int) or isinstance(horizon, bool) or horizon not in range(1, 5):
        raise ScenarioError("horizon: 1 to 4 days")
    try:
        published = time.fromisoformat(str(data.get("published", "00:20")))
    except ValueError as error:
        raise ScenarioError(f"published: {error}") from error
    if published.tzinfo is not None:
        raise ScenarioError("published: the wall clock of Paris, without offset")
    days = data.get("days", {})
    if not isinstance(days, dict):
        raise ScenarioError("days: an object")
    plans: dict[int, DayPlan] = {}
    for key, plan in days.items():
        if key not in map(str, _DAYS) or not isinstance(plan, dict):
            raise ScenarioError(f"days/{key}: 0 to 3, an object each")
        plans[int(key)] = _plan(f"days/{key}", plan)
    return Scenario(name, str(data.get("about", "")), plans, horizon, published)


def _plan(where: str, plan: Mapping[str, object]) -> DayPlan:
    if unknown := plan.keys() - {"default", "hours", "missing", "placeholder"}:
        raise ScenarioError(f"{where}: unknown: {', '.join(sorted(unknown))}")
    levels = dict.fromkeys(range(_HOURS), _level(where, plan.get("default", 1)))
    hours, missing = plan.get("hours", {}), plan.get("missing", [])
    placeholder = plan.get("placeholder", False)
    if not isinstance(hours, dict) or not isinstance(missing, list) or not isinstance(placeholder, bool):
        raise ScenarioError(f"{where}: hours is an object, missing a list, placeholder true or false")
    for span, level in hours.items():
        levels |= dict.fromkeys(_span(where, span), _level(where, level))
    for span in missing:
        for hour in _span(where, span):
            levels.pop(hour, None)
    return DayPlan(levels, placeholder)


def _level(where: str, level: object) -> int:
    if not isinstance(level, int) or isinstance(level, bool) or level not in _LEVELS:
        raise ScenarioError(f"{where}: a level is 0, 1, 2 or 3, not {level!r}")
    return level


def _span(where: str, span: object) -> range:
    """Read "18" or "18-20", the end being outside."""
    first, _, end = str(span).partition("-")
    if not _HOUR.fullmatch(first) or (end and not _HOUR.fullmatch(end)):
        raise ScenarioError(f"{where}: hours are 18 or 18-20, not {span!r}")
    hours = range(int(first), int(end) if end else int(first) + 1)
    if not hours or hours[-1] >= _HOURS:
        raise ScenarioError(f"{where}: hours are from 0-1 to 0-24, not {span!r}")
    return hours
