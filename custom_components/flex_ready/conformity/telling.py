"""A report as the action answers it: stable keys for automations, texts in the language of Home Assistant."""

from datetime import datetime

from homeassistant.util.json import JsonObjectType, JsonValueType

from ..building.words import Words
from .criteria import Criterion
from .judging import Outcome, Report, Verdict


def told(report: Report, words: Words, building: str, at: datetime) -> JsonObjectType:
    """Tell all of a report (JSON); `at` is in the site's time."""
    return {
        "building": building,
        "at": at.isoformat(timespec="seconds"),
        "result": report.outcome.value,
        **{outcome.value: report.count(outcome) for outcome in Outcome},
        "applicable": report.applicable,
        "criteria": [_finding(criterion, verdict, words) for criterion, verdict in report.findings],
    }


def _finding(criterion: Criterion, verdict: Verdict, words: Words) -> JsonValueType:
    return {
        "id": criterion.id,
        "part": criterion.part.value,
        "standing": criterion.part.standing.value,
        "source": criterion.source,
        "words": criterion.words,
        "label": criterion.label or None,
        "check": words.text(f"conformity_check_{criterion.check}", label=criterion.label),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "text": words.text(f"conformity_{verdict.reason}", **verdict.figures),
    }
