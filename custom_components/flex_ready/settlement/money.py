"""What volumes are worth (EUR): premiums and penalties. Exact; each line of an invoice is rounded once (D13).

Sources: docs/settlement.md, R27 to R29; Enedis 2020, slides 16 to 20.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from .contract import Terms, months_later
from .profile import ENEDIS_2020, Decisions, Months, Penalised, Profile, Ratio
from .volumes import StepVolume

_WH_A_MWH = 1_000_000
_DAY = timedelta(days=1)


def cents(amount: Fraction) -> Decimal:
    """Round an amount to cents, halves away from zero."""
    whole = floor(abs(amount) * 100 + Fraction(1, 2))
    return (Decimal(whole) if amount >= 0 else -Decimal(whole)).scaleb(-2)


def variable_premium(steps: Sequence[StepVolume], terms: Terms) -> Fraction:
    """Return what an activation earns: what is paid of it, at the variable premium (R23, R27)."""
    return Fraction(terms.variable_premium) * sum((step.paid for step in steps), Fraction()) / _WH_A_MWH


def failure_penalty(
    steps: Sequence[StepVolume],
    terms: Terms,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
    *,
    before: Sequence[StepVolume] = (),
    after: Sequence[StepVolume] = (),
) -> Fraction:
    """Return what the defaults of an activation cost (R28); of a step that is not known, nothing yet.

    If it is one order of several in a row, `before` and `after` are the half-hours of the others, and the amount is its
    part of what all of them cost together (D8).
    """
    decisions = decisions or Decisions()
    if not terms.reserved:
        return profile.undistributed_eur_a_mwh * _penalised(before, steps, after, decisions.penalised) / _WH_A_MWH
    if decisions.ratio is Ratio.STEPS:
        share = sum((step.deficient / step.expected for step in steps if step.expected), Fraction())
    else:
        wanted = sum((step.expected for step in (*before, *steps, *after)), Fraction())
        share = sum((step.deficient for step in steps), Fraction()) / wanted if wanted else Fraction()
    return expected_turnover(terms) * share / (terms.probability or 1)


def _penalised(
    before: Sequence[StepVolume], steps: Sequence[StepVolume], after: Sequence[StepVolume], penalised: Penalised
) -> Fraction:
    its = [step for step in steps if step.default]
    if penalised is Penalised.ALL_STEPS:
        return sum((step.deficient for step in its), Fraction())
    # Of a half-hour that two orders share, the part of the earlier one comes first.
    row = sorted((step for step in (*before, *steps, *after) if step.default), key=lambda step: step.step)
    if not row:
        return Fraction()
    one = row[0] if penalised is Penalised.FIRST_DEFAULT_STEP else max(row, key=lambda step: step.deficient)
    return one.deficient if any(step is one for step in its) else Fraction()


def expected_turnover(terms: Terms) -> Fraction:
    """Return what a contract with reservation is expected to earn: the premiums of what is likely to be called."""
    called = Fraction(terms.expected_call_wh or 0, _WH_A_MWH)
    return Fraction(terms.fixed_premium or 0) + called * Fraction(terms.variable_premium)


def months_planned(terms: Terms, months: Months = Months.PRORATA) -> Fraction:
    """Return how many months the activation period has, by the same reading as those that are left."""
    return _read(_months(terms.starts, terms.ends + _DAY), months)


def months_left(terms: Terms, terminated: date, months: Months = Months.PRORATA) -> Fraction:
    """Return how many months of the contract are left on the day from which it is terminated (R29)."""
    end = terms.ends + _DAY
    return _read(_months(min(max(terminated, terms.starts), end), end), months)


def termination_penalty(
    terms: Terms,
    terminated: date,
    *,
    force_majeure: bool = False,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
) -> Fraction:
    """Return what it costs that a contract is terminated (R29): nothing without reservation, or by force majeure."""
    if not terms.reserved or force_majeure:
        return Fraction()
    months = (decisions or Decisions()).months
    # Of a contract of less than a month there is no whole one, and none left.
    share = months_left(terms, terminated, months) / (months_planned(terms, months) or 1)
    return share * profile.termination_factor * Fraction(terms.fixed_premium or 0)


def _read(count: Fraction, months: Months) -> Fraction:
    match months:
        case Months.FLOOR:
            return Fraction(floor(count))
        case Months.CEIL:
            return Fraction(ceil(count))
        case Months.PRORATA:
            return count


def _months(start: date, end: date) -> Fraction:
    """Return the months from a day to another one, of the last month the days by its length.

    They are counted back from the end, so that what is left of a contract is whole where its months are.
    """
    whole = 0
    while months_later(end, -whole - 1) >= start:
        whole += 1
    last, before = months_later(end, -whole), months_later(end, -whole - 1)
    return whole + Fraction((last - start).days, (last - before).days)
