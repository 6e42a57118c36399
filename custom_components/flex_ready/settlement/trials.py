"""The tests of a contract: of the chain of communication, of activation, and the additional one.

Sources: docs/settlement.md, R16 to R21; Enedis 2020, slides 12 to 15.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .contract import Terms
from .model import STEP, Order, Purpose, floor
from .profile import ENEDIS_2020, Profile
from .volumes import StepVolume


class TrialKind(StrEnum):
    """What is tested."""

    COMMUNICATION = "communication"
    """Scheduled; passed by an answer in time (R17)."""
    ACTIVATION = "activation"
    """Not scheduled (R18)."""
    ADDITIONAL = "additional"
    """An activation after sites were taken out of the perimeter (R20)."""


PURPOSES = {TrialKind.ACTIVATION: Purpose.ACTIVATION_TEST, TrialKind.ADDITIONAL: Purpose.ADDITIONAL_TEST}


class Outcome(StrEnum):
    """What came of a test."""

    PASSED = "passed"
    FAILED = "failed"
    EXCUSED = "excused"
    """It failed, and not by the provider: it does not count."""


class Standing(StrEnum):
    """How a contract stands with a kind of test."""

    NOT_DUE = "not_due"
    DUE = "due"
    PASSED = "passed"
    """No more tests (R17, R18)."""
    TERMINATED = "terminated"
    """Failed too often: the contract ends, with reservation at a price (R19, R29)."""


@dataclass(frozen=True, slots=True)
class Test:
    """A test that was made."""

    __test__ = False  # it is none of pytest's

    kind: TrialKind
    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Series:
    """How it stands with the tests of a kind."""

    standing: Standing
    failures: int
    left: int
    """How often it may still be tried."""
    ended: datetime | None = None
    """When the failure was that ended the contract."""


def standing(kind: TrialKind, tests: Iterable[Test], *, due: bool = True, profile: Profile = ENEDIS_2020) -> Series:
    """Return how it stands with the tests of a kind, in order of time; `due` tells whether one was asked for at all.

    The additional ones are those since the perimeter was reduced.
    """
    attempts = profile.additional_attempts if kind is TrialKind.ADDITIONAL else profile.attempts
    failures = 0
    for test in sorted((one for one in tests if one.kind is kind), key=lambda one: one.at):
        if test.outcome is Outcome.PASSED:
            return Series(Standing.PASSED, failures, 0)
        failures += test.outcome is Outcome.FAILED
        if failures >= attempts:
            return Series(Standing.TERMINATED, failures, 0, test.at)
    return Series(Standing.DUE if due else Standing.NOT_DUE, failures, attempts - failures)


def trial_order(
    terms: Terms, kind: TrialKind, name: str, ordered_at: datetime, profile: Profile = ENEDIS_2020
) -> Order:
    """Return the order of a test of activation, of the least power (R18).

    It begins with the first half-hour after the mobilisation delay.
    """
    start = floor(ordered_at + terms.dmo + STEP - STEP.resolution)
    return Order(
        id=name,
        ordered_at=ordered_at,
        start=start,
        end=start + profile.test_duration,
        power_w=terms.least_power_w,
        direction=terms.direction,
        purpose=PURPOSES[kind],
    )


def activation_outcome(steps: Iterable[StepVolume], profile: Profile = ENEDIS_2020) -> Outcome | None:
    """Return what came of a test of activation; None: a step cannot be told.

    Each half-hour needs more than 80 % of what is expected: just as much is no default, and fails the test (R25).
    """
    steps = tuple(steps)
    if any(step.counted is not None and step.counted <= profile.default_below * step.expected for step in steps):
        return Outcome.FAILED
    return Outcome.PASSED if steps and all(step.counted is not None for step in steps) else None


def communication_outcome(asked_at: datetime, answered_at: datetime | None, delay: timedelta) -> Outcome:
    """Return what came of a test of the chain of communication: an answer within the delay passes."""
    return Outcome.PASSED if answered_at is not None and answered_at - asked_at <= delay else Outcome.FAILED
