"""What is known of a contract at an instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from ..ledger import Member, Trial
from ..settlement.model import STEP, Order, Purpose, floor
from ..settlement.outlook import StepOutlook, step_left, step_outlook
from ..settlement.profile import Decisions, Removed
from ..settlement.report import ActivationReport, Totals
from ..settlement.sites import additional_test_due, removed_w
from ..settlement.trials import Outcome, Series, Test, TrialKind, standing
from ..settlement.volumes import expected
from ..settlement.working_days import Deadlines
from .members import taken_out_w
from .setup import ContractSetup
from .source import Running

OUTCOME, ORDER_ID = "outcome", "order_id"
"""What a recorded test says: its outcome, and of which order it is that."""
_KINDS = {Purpose.ACTIVATION_TEST: TrialKind.ACTIVATION, Purpose.ADDITIONAL_TEST: TrialKind.ADDITIONAL}
_S = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStep:
    """The half-hour of an activation that runs."""

    order: Order
    step: datetime
    realised_wh: Fraction
    """So far."""
    realised_w: int
    """Now."""
    outlook: StepOutlook


@dataclass(slots=True, kw_only=True)
class ContractState:
    """What is known of a contract."""

    orders: tuple[Order, ...] = ()
    """As they were given."""
    reports: Mapping[str, ActivationReport] = field(default_factory=dict)
    """By order, of those that began."""
    running: RunningStep | None = None
    tests: Mapping[TrialKind, Series] = field(default_factory=dict)
    deadlines: Deadlines | None = None
    silent: frozenset[str] = frozenset()
    """Sites of which the last half-hour is missing."""
    settled: bool = False
    """Whether the books were looked through since the start."""

    @property
    def ended(self) -> datetime | None:
        """When tests had failed so often that the contract ended; None: they have not."""
        return min((one.ended for one in self.tests.values() if one.ended is not None), default=None)

    @property
    def totals(self) -> Totals:
        """Of all activations."""
        return sum((one.totals for one in self.reports.values()), Totals())


def running_step(
    order: Order, reference: Fraction, seen: Sequence[Running | None], now: datetime, decisions: Decisions | None = None
) -> RunningStep | None:
    """Return how the half-hour that runs goes, by its reference (Wh) and what each site tells.

    None: one is silent, or nothing is expected of a half-hour that the order covers in part (D3).
    """
    step = floor(now)
    wanted = expected(order, (decisions or Decisions()).off_grid).get(step)
    if wanted is None:
        return None
    known = [drawn for one in seen if one is not None and (drawn := _drawn(one, step, now)) is not None]
    if not known or len(known) < len(seen):
        return None
    wh, watts = sum((energy for energy, _ in known), Fraction()), sum(power for _, power in known)
    sign, gone = order.direction.sign, Fraction((now - step) // _S, STEP // _S)
    realised = sign * (reference * gone - wh)
    power = sign * (2 * reference - watts)
    outlook = step_outlook(wanted, realised, power, step_left(step, now), purpose=order.purpose)
    return RunningStep(order=order, step=step, realised_wh=realised, realised_w=round(power), outlook=outlook)


def _drawn(running: Running, step: datetime, now: datetime) -> tuple[Fraction, int] | None:
    """Return what a site drew in the half-hour that runs (Wh), and its power now (W); None: it is silent.

    Sites are not heard at the same time: since it was heard last each goes on with its power.
    """
    power = _power(running)
    if power is None:
        return None
    until = step if running.wh is None else max(running.until, step)
    return (running.wh or 0) + Fraction(power * ((max(now, until) - until) // _S), _HOUR // _S), power


def _power(running: Running) -> int | None:
    """Return the power of a site now (W); of one that tells its energy only, the mean of the half-hour so far."""
    if running.watts is not None or running.wh is None or running.until <= running.start:
        return running.watts
    return round(running.wh * (_HOUR / (running.until - running.start)))


def outcomes(trials: Iterable[Trial]) -> Mapping[str, Outcome]:
    """Return what was told of tests, by their orders; what was told last stands."""
    return {
        str(order): Outcome(str(trial.said[OUTCOME]))
        for trial in sorted(trials, key=lambda one: one.at)
        if (order := trial.said.get(ORDER_ID)) is not None and trial.said.get(OUTCOME) in frozenset(Outcome)
    }


def standings(
    setup: ContractSetup,
    members: Sequence[Member],
    trials: Iterable[Trial],
    reports: Mapping[str, ActivationReport],
    now: datetime,
) -> Mapping[TrialKind, Series]:
    """Return how a contract stands with its tests: those recorded, and orders of tests whose outcome is settled."""
    zone, trials = setup.terms.zone, tuple(trials)
    recorded = {trial.said.get(ORDER_ID) for trial in trials}
    made = [
        Test(TrialKind(trial.kind), trial.at, Outcome(str(trial.said[OUTCOME])))
        for trial in trials
        if trial.said.get(OUTCOME) in frozenset(Outcome)
    ]
    made += [
        Test(_KINDS[one.order.purpose], one.order.start, one.outcome)
        for one in reports.values()
        if one.outcome is not None and one.order.id not in recorded
    ]
    since = setup.terms.tests().start
    if setup.decisions.removed is Removed.LAST_TEST:
        passed = (one for one in made if one.outcome is Outcome.PASSED and one.kind is not TrialKind.COMMUNICATION)
        since = max([since, *(one.at for one in passed)])
    removed = removed_w(setup.sites.values(), since.astimezone(zone).date(), now.astimezone(zone).date())
    removed += taken_out_w(setup.sites, setup.gone, members, since, now)
    due = additional_test_due(setup.terms, removed)
    if setup.decisions.removed is Removed.SIGNATURE:
        # All that left since then counts, again with each site that leaves.
        since = max([since, *(one.valid_to for one in members if one.valid_to is not None and one.valid_to <= now)])
    later = [
        one for one in made if one.kind is not TrialKind.ADDITIONAL or one.outcome is Outcome.FAILED or one.at > since
    ]
    return {kind: standing(kind, later, due=kind is not TrialKind.ADDITIONAL or due) for kind in TrialKind}
