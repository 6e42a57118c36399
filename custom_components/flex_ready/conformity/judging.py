"""Whether each criterion is met, by what is known of an installation (pure). What was not looked at is not known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ..tic import Meter
from ..tic.tables import TABLES
from . import criteria as all_of
from .criteria import CALLED_WITHIN_DAYS, CLOCK_TOLERANCE_S, LABELS, Criterion, Sent
from .facts import ApiAnswer, ApiFacts, BuildingFacts, EcowattFacts, Facts, MeterFacts, SupplierFacts

_PERIODS = range(1, 9)


class Outcome(StrEnum):
    """What came of a criterion."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and why: `reason` is the key of a text, `figures` are what stands in it."""

    outcome: Outcome
    reason: str
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All criteria that an installation is judged by, each with its verdict."""

    findings: tuple[tuple[Criterion, Verdict], ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many criteria have an outcome."""
        return sum(verdict.outcome is outcome for _, verdict in self.findings)

    @property
    def applicable(self) -> int:
        """Return how many criteria apply."""
        return len(self.findings) - self.count(Outcome.NOT_APPLICABLE)

    @property
    def outcome(self) -> Outcome:
        """Return met where all that apply are met; where one is not, not met; else not known."""
        if self.count(Outcome.NOT_MET):
            return Outcome.NOT_MET
        return Outcome.MET if self.count(Outcome.MET) == self.applicable else Outcome.NOT_KNOWN


def judged(facts: Facts) -> Report:
    """Judge an installation."""
    return Report(
        (
            *_meter(facts.meter),
            *_ecowatt(facts.ecowatt, facts.building),
            *_supplier(facts.supplier),
            *_api(facts.api, facts.building),
            *_building(facts.building, facts.now),
        )
    )


def _met(reason: str, **figures: object) -> Verdict:
    return Verdict(Outcome.MET, reason, _texts(figures))


def _not_met(reason: str, **figures: object) -> Verdict:
    return Verdict(Outcome.NOT_MET, reason, _texts(figures))


def _not_known(reason: str, **figures: object) -> Verdict:
    return Verdict(Outcome.NOT_KNOWN, reason, _texts(figures))


def _not_applicable(reason: str) -> Verdict:
    return Verdict(Outcome.NOT_APPLICABLE, reason)


def _texts(figures: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in figures.items()}


# The meter.


def _meter(meter: MeterFacts) -> Iterator[tuple[Criterion, Verdict]]:
    if meter.kind not in LABELS:
        yield all_of.TIC_CONNECTION, _not_applicable("other_meter")
        yield all_of.CLOCK_IN_STEP, _not_applicable("other_meter")
        return
    yield all_of.TIC_CONNECTION, _met("meter_read") if meter.read else _not_met("meter_not_read")
    for row in LABELS[meter.kind]:
        yield row, _label(row, meter) if meter.read else _not_known("meter_not_read")
    yield all_of.CLOCK_IN_STEP, _clock(meter) if meter.read else _not_known("meter_not_read")


def _label(row: Criterion, meter: MeterFacts) -> Verdict:
    if row.sent is Sent.WARNING and meter.warned is False:
        return _not_applicable("only_while_warned")
    if row.sent is Sent.MEDIUM_VOLTAGE:
        if meter.in_kw is None:
            return _not_known("unit_unknown")
        if not meter.in_kw:
            return _not_applicable("low_voltage")
    wanted = _wanted(row, meter)
    missing = [label for label in wanted if _key(meter.kind, label) not in meter.received]
    if row.sent is Sent.SOME_PERIOD and len(missing) < len(wanted):
        missing = []
    if wanted and not missing:
        return _met("received")
    if not meter.settled:
        return _not_known("too_early")
    if not wanted:
        return _not_known("no_period_named")
    shown = row.label if len(missing) == len(wanted) else ", ".join(missing)
    return _not_met("label_missing", labels=shown)


def _wanted(row: Criterion, meter: MeterFacts) -> tuple[str, ...]:
    """Return the labels that a criterion stands for."""
    match row.sent:
        case Sent.EACH_PERIOD:
            return tuple(row.label.replace("x", str(number)) for number in sorted(meter.named))
        case Sent.SOME_PERIOD:
            return tuple(row.label.replace("x", str(number)) for number in _PERIODS)
        case _:
            return (row.label,)


def _key(meter: Meter, label: str) -> str:
    """Return the key under which a meter's table has a label, however it is spelled."""
    row = TABLES[meter].find(label)
    return label if row is None else row.label


def _clock(meter: MeterFacts) -> Verdict:
    if meter.drift_s is None:
        return _not_known("clock_unknown")
    apart = {"seconds": round(abs(meter.drift_s)), "limit": CLOCK_TOLERANCE_S}
    return (_met if abs(meter.drift_s) <= CLOCK_TOLERANCE_S else _not_met)("clock_apart", **apart)


# The signals.


def _ecowatt(ecowatt: EcowattFacts | None, building: BuildingFacts) -> Iterator[tuple[Criterion, Verdict]]:
    rows = (all_of.ECOWATT_INTEGRATED, all_of.ECOWATT_LIVE, all_of.ECOWATT_FOLLOWED)
    if ecowatt is None or ecowatt.rehearsal:
        verdict = _not_met("ecowatt_none" if ecowatt is None else "ecowatt_rehearsal")
        yield from ((row, verdict) for row in rows)
        return
    elsewhere = _not_known("ecowatt_elsewhere")
    yield rows[0], _met("ecowatt_added") if ecowatt.at_rte else elsewhere
    live = _live(ecowatt)
    yield rows[1], live if ecowatt.at_rte or live.outcome is not Outcome.MET else elsewhere
    yield rows[2], _followed(ecowatt, building)


def _live(ecowatt: EcowattFacts) -> Verdict:
    if not ecowatt.loaded:
        return _not_met("ecowatt_not_loaded")
    if not ecowatt.fresh:
        return _not_met("ecowatt_stale")
    return _met("ecowatt_fresh") if ecowatt.covers_now else _not_met("ecowatt_no_hour")


def _followed(ecowatt: EcowattFacts, building: BuildingFacts) -> Verdict:
    if not ecowatt.chosen:
        return _not_met("ecowatt_not_chosen")
    if not building.loads_by_ecowatt:
        return _not_met("ecowatt_no_load")
    return _commanding(building) or _met("ecowatt_sheds", loads=building.loads_by_ecowatt)


def _supplier(supplier: SupplierFacts | None) -> Iterator[tuple[Criterion, Verdict]]:
    yield all_of.SUPPLIER_RECEIVED, _signal(supplier)
    if supplier is None:
        yield all_of.SUPPLIER_TRIPLETS, _not_met("supplier_none")
    elif supplier.rejected:
        yield all_of.SUPPLIER_TRIPLETS, _not_met("supplier_rejected")
    elif not supplier.fresh:
        yield all_of.SUPPLIER_TRIPLETS, _not_known("supplier_nothing_held")
    elif supplier.lacking:
        yield all_of.SUPPLIER_TRIPLETS, _not_met("supplier_incomplete", what=", ".join(supplier.lacking))
    else:
        yield all_of.SUPPLIER_TRIPLETS, _met("supplier_complete")


def _signal(supplier: SupplierFacts | None) -> Verdict:
    if supplier is None:
        return _not_met("supplier_none")
    if not supplier.loaded:
        return _not_met("supplier_not_loaded")
    if not supplier.fresh:
        return _not_met("supplier_stale")
    if supplier.default_data:
        return _not_met("supplier_default_data")
    return _met("supplier_fresh") if supplier.covers_now else _not_met("supplier_no_step")


# The API and what stands behind it.


def _api(api: ApiFacts, building: BuildingFacts) -> Iterator[tuple[Criterion, Verdict]]:
    if not api.served:
        yield all_of.API_SERVED, _not_met("paths_missing")
    elif not building.assets:
        yield all_of.API_SERVED, _not_met("asset_none")
    elif not building.desk_open:
        yield all_of.API_SERVED, _not_met("ledger_unusable")
    else:
        yield all_of.API_SERVED, _met("paths_served")
    if not api.https:
        yield all_of.API_ADDRESS, _not_met("address_none")
        yield all_of.API_ANSWERS, _not_met("address_none")
        return
    yield all_of.API_ADDRESS, _met("address_https")
    match api.answer:
        case None:
            yield all_of.API_ANSWERS, _not_known("not_asked")
        case ApiAnswer.OURS:
            yield all_of.API_ANSWERS, _met("answers")
        case ApiAnswer.OTHER:
            yield all_of.API_ANSWERS, _not_met("answers_otherwise")
        case ApiAnswer.NONE:
            # Many routers do not let one call one's own address from within.
            yield all_of.API_ANSWERS, _not_known("answers_nothing")


def _building(building: BuildingFacts, now: datetime) -> Iterator[tuple[Criterion, Verdict]]:
    none = _not_met("asset_none")
    offered = bool(building.assets)
    yield all_of.ASSET_OFFERED, _met("assets", count=building.assets) if offered else none
    yield (
        all_of.OPERATOR_NAMED,
        _met("operators", count=building.operators) if building.operators else _not_met("operator_none"),
    )
    yield all_of.OPERATOR_CALLED, _called(building, now)
    kept = _met("ledger_open") if building.ledger_read else _not_met("ledger_unusable")
    yield all_of.REQUESTS_KEPT, kept if offered else none
    yield all_of.LOADS_COMMANDED, _loads(building)
    yield all_of.CONSUMPTIONS_KEPT, _consumptions(building) if offered else none


def _called(building: BuildingFacts, now: datetime) -> Verdict:
    if not building.operators:
        return _not_met("operator_none")
    if building.called_at is None:
        return _not_known("not_called")
    if now - building.called_at > timedelta(days=CALLED_WITHIN_DAYS):
        return _not_known("called_long_ago", days=CALLED_WITHIN_DAYS)
    return _met("called", days=CALLED_WITHIN_DAYS) if building.call_answered else _not_met("call_refused")


def _loads(building: BuildingFacts) -> Verdict:
    if not building.loads:
        return _not_met("load_none")
    if (hindrance := _commanding(building)) is not None:
        return hindrance
    return _met("loads", count=building.loads_ready) if building.loads_ready else _not_met("load_not_ready")


def _commanding(building: BuildingFacts) -> Verdict | None:
    """Return why no load is commanded, if none is."""
    if not building.on:
        return _not_met("shedding_off")
    return None if building.limits else _not_met("observes")


def _consumptions(building: BuildingFacts) -> Verdict:
    if not building.ledger_read:
        return _not_met("ledger_unusable")
    missing = building.assets - building.assets_measured
    return _not_met("curve_missing", count=missing) if missing else _met("curve_kept")
