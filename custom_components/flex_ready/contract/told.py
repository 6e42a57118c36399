"""What is told of a contract, as JSON: powers in kW, energies in kWh, money in EUR, local times."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction

from homeassistant.util.json import JsonObjectType, JsonValueType

from ..settlement.forecast import Forecast
from ..settlement.load_curve import LoadCurve
from ..settlement.model import STEP, Order
from ..settlement.orders import invalid
from ..settlement.outlook import Outlook
from ..settlement.report import ActivationReport, ActivityReport, Totals
from ..settlement.sites import Site, entities, members, not_eligible, wrong_entity, wrong_perimeter
from ..settlement.trials import PURPOSES, Series, Standing, TrialKind, trial_order
from ..settlement.uncertainty import Interval, Uncertainty
from ..settlement.volumes import StepVolume
from ..settlement.working_days import deadlines
from .books import Detail
from .setup import ContractSetup


def order(one: Order, zone: tzinfo) -> JsonObjectType:
    """Describe an order."""
    return {
        "order_id": one.id,
        "purpose": one.purpose.value,
        "direction": one.direction.value,
        "accepted": one.accepted,
        "ordered_at": local(one.ordered_at, zone),
        "start": local(one.start, zone),
        "end": local(one.end, zone),
        "power": one.power_w / 1000,
    }


def totals(one: Totals) -> JsonObjectType:
    """Describe what adds up."""
    return {
        "expected": kwh(one.expected),
        "realised": kwh(one.realised),
        "paid": kwh(one.paid),
        "deficient": kwh(one.deficient),
        "premium": float(one.premium),
        "penalty": float(one.penalty),
        "net": float(one.net),
    }


def activation(one: ActivationReport, zone: tzinfo) -> JsonObjectType:
    """Describe what came of an order."""
    return {
        **order(one.order, zone),
        **totals(one.totals),
        "complete": one.complete,
        "outcome": None if one.outcome is None else one.outcome.value,
        "steps": [_step(step, zone) for step in one.steps],
    }


def detail(one: Detail, sites: Mapping[str, Site], titles: Mapping[str, str], zone: tzinfo) -> JsonObjectType:
    """Describe what came of an order, how that was found, and what of it is each site's."""
    return {
        **activation(one.report, zone),
        "entities": {
            name: {
                "steps": [
                    {
                        "start": local(row.step, zone),
                        "reference": kwh(row.reference_wh),
                        "measured": kwh(None if row.measured_wh is None else Fraction(row.measured_wh)),
                        "realised": kwh(row.realised_wh),
                        "lack": row.basis.lack.value,
                        "lacking": row.basis.count,
                    }
                    for row in rows
                ],
                "sites": [
                    {"site": titles.get(site), "site_id": sites[site].id if site in sites else None, **_share(steps)}
                    for site, steps in one.shares[name].items()
                ],
                "uncertainty": uncertainty(one.uncertainty[name]),
            }
            for name, rows in one.rows.items()
        },
    }


def tests(
    setup: ContractSetup, standings: Mapping[TrialKind, Series], others: Sequence[Order], now: datetime
) -> JsonObjectType:
    """Describe how it stands with each kind of test; of one that is due, what its next order can be, and when first."""
    return {
        kind.value: {
            "standing": series.standing.value,
            "left": series.left,
            "order": _trial(setup, kind, others, now) if series.standing is Standing.DUE and kind in PURPOSES else None,
        }
        for kind, series in standings.items()
    }


def uncertainty(sure: Uncertainty) -> JsonObjectType:
    """Describe how far a reference may be off (kWh): above the truth, or below where negative."""
    return {
        "level": float(sure.level),
        "days": sure.days,
        "days_wanted": sure.wanted,
        "like_days": sure.alike,
        "whole": _interval(sure.whole),
        "steps": [_interval(one) for one in sure.steps],
    }


def activity(one: ActivityReport, zone: tzinfo) -> JsonObjectType:
    """Describe a quarter."""
    return {
        "quarter": str(one.quarter),
        "complete": one.complete,
        "activations": [
            {**activation(line.activation, zone), "cumulated": totals(line.cumulated)} for line in one.lines
        ],
        "totals": totals(one.totals),
        "termination": None
        if (ended := one.termination) is None
        else {"day": ended.day.isoformat(), "penalty": float(ended.penalty)},
    }


def outlook(one: Outlook, sure: Mapping[str, Uncertainty]) -> JsonObjectType:
    """Describe what an order is likely to bring."""
    return {
        "scenarios": one.scenarios,
        "realised": kwh(one.realised_wh),
        "premium": float(one.premium),
        "penalty": float(one.penalty),
        "net": float(one.net),
        "net_low": float(one.low),
        "net_high": float(one.high),
        "default_probability": round(float(one.default), 3),
        "entities": {name: uncertainty(its) for name, its in sure.items()},
    }


def load_curve(curve: LoadCurve, start: datetime, end: datetime, step: timedelta, zone: tzinfo) -> list[JsonValueType]:
    """Describe the steps of a load curve in a stretch, those that are missing too."""
    rows: list[JsonValueType] = []
    while start < end:
        reading = curve.at(start)
        rows.append(
            {
                "start": local(start, zone),
                "end": local(start + step, zone),
                "energy": None if reading.wh is None else reading.wh / 1000,
                "quality": reading.quality.value,
            }
        )
        start += step
    return rows


def forecast(one: Forecast, steps: Iterable[datetime], zone: tzinfo) -> list[JsonValueType]:
    """Describe what was said last of some half-hours, and since when."""
    return [
        {
            "start": local(step, zone),
            "end": local(step + STEP, zone),
            "energy": last.wh / 1000,
            "handed_in_at": local(last.handed_in, zone),
        }
        for step, last in ((step, one.said[step][-1]) for step in steps)
    ]


def local(at: datetime, zone: tzinfo) -> str:
    """Write an instant."""
    return at.astimezone(zone).isoformat()


def kwh(wh: Fraction | None) -> float | None:
    """Write an energy."""
    return None if wh is None else round(float(wh / 1000), 6)


def perimeter(setup: ContractSetup, month: date, titles: Mapping[str, str]) -> JsonObjectType:
    """Describe the perimeter of a month, by its first day: its sites by entity, what is wrong, when it is closed.

    Sites that are not eligible may have no PRM: they go by their title, which is told by their subentry.
    """
    terms, due = setup.terms, deadlines(month, setup.decisions.deadline)
    there = members(setup.sites.values(), month)
    capacity, subscribed = sum(site.max_activation_w for site in there), sum(site.subscribed_w for site in there)
    return {
        "month": f"{month:%Y-%m}",
        "update_until": due.update.isoformat(),
        "second_publication": due.second_publication.isoformat(),
        "service": terms.power_w / 1000,
        "max_activation": capacity / 1000,
        "subscribed": subscribed / 1000,
        "wrong": [one.value for one in wrong_perimeter(terms, there)],
        "entities": {
            name: {
                "method": its[0].method.value,
                "kind": its[0].kind.value,
                "sites": [site.id for site in its],
                "wrong": [one.value for one in wrong_entity(its)],
            }
            for name, its in entities(there).items()
        },
        "not_eligible": {
            titles[name]: [one.value for one in reasons]
            for name, site in setup.sites.items()
            if site.belongs(month) and (reasons := not_eligible(site))
        },
    }


def _share(steps: Mapping[datetime, Fraction | None]) -> JsonObjectType:
    known = [wh for wh in steps.values() if wh is not None]
    return {"share": kwh(sum(known, Fraction()) if known else None), "steps": [kwh(wh) for wh in steps.values()]}


def _trial(setup: ContractSetup, kind: TrialKind, others: Sequence[Order], now: datetime) -> JsonObjectType:
    terms = setup.terms
    one = trial_order(terms, kind, kind.value, max(now, terms.tests().start - terms.dmo))
    wrong = invalid(one, terms, others, decisions=setup.decisions)
    return {
        "start": local(one.start, terms.zone),
        "end": local(one.end, terms.zone),
        "power": one.power_w / 1000,
        "reasons": [reason.value for reason in wrong],
    }


def _step(step: StepVolume, zone: tzinfo) -> JsonObjectType:
    return {
        "start": local(step.step, zone),
        "end": local(step.step + STEP, zone),
        "expected": kwh(step.expected),
        "realised": kwh(step.raw),
        "counted": kwh(step.counted),
        "paid": kwh(step.paid),
        "deficient": kwh(step.deficient),
        "default": step.default,
        "complete": step.complete,
    }


def _interval(one: Interval | None) -> JsonValueType:
    if one is None:
        return None
    return {
        "low": round(one.low / 1000, 6),
        "high": round(one.high / 1000, 6),
        "bias": round(one.bias / 1000, 6),
        "rmse": round(one.rmse / 1000, 6),
    }
