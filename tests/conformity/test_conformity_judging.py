"""The criteria are those of the referential, and each verdict follows from what is known: no more is met."""

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
import json
from pathlib import Path
import re

import pytest

from custom_components.flex_ready.conformity.criteria import CRITERIA, LABELS, Part, Sent, Standing
from custom_components.flex_ready.conformity.facts import (
    ApiAnswer,
    ApiFacts,
    BuildingFacts,
    EcowattFacts,
    Facts,
    MeterFacts,
    SupplierFacts,
)
from custom_components.flex_ready.conformity.judging import Outcome, Report, judged
from custom_components.flex_ready.tic import Meter
from custom_components.flex_ready.tic.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
ROOM = ROOT / "custom_components" / "flex_ready"
SEED = ROOT.parent / "shared" / "seeds" / "000_63bb8fd60ab35713.txt"
NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
PME_PMI = frozenset(("DATE", "PS", "EAPP_s", "EA_s", "PTCOUR1", "PTCOUR2", "EAP_s", "EaP_s2"))
SAPHIR = frozenset(
    (
        *("DATE", "KDC", "KDCD", "PTCOURD", "PTCOURF", "EAS"),
        *("LIB_p1D", "PSp1", "EAp_1SD", "LIB_p2D", "PSp2", "EAp_2SD", "EAp_1SF"),
    )
)
METER = MeterFacts(
    kind=Meter.PME_PMI, read=True, settled=True, received=PME_PMI, warned=False, in_kw=False, drift_s=-2.0
)
HTA = MeterFacts(
    kind=Meter.SAPHIR,
    read=True,
    settled=True,
    received=SAPHIR,
    named=frozenset((1, 2)),
    warned=False,
    in_kw=True,
    drift_s=1.0,
)
ECOWATT = EcowattFacts(rehearsal=False, at_rte=True, chosen=True, loaded=True, fresh=True, covers_now=True)
SUPPLIER = SupplierFacts(loaded=True, fresh=True, covers_now=True)
API = ApiFacts(served=True, https=True, answer=ApiAnswer.OURS)
BUILDING = BuildingFacts(
    on=True,
    limits=True,
    loads=3,
    loads_ready=2,
    loads_by_ecowatt=1,
    assets=1,
    operators=1,
    desk_open=True,
    ledger_read=True,
    assets_measured=1,
    called_at=NOW - timedelta(hours=3),
    call_answered=True,
)
ALL = Facts(now=NOW, meter=METER, ecowatt=ECOWATT, supplier=SUPPLIER, api=API, building=BUILDING)
NOTHING = Facts(
    now=NOW,
    meter=MeterFacts(kind=Meter.PME_PMI),
    ecowatt=None,
    supplier=None,
    api=ApiFacts(served=False, https=False),
    building=BuildingFacts(on=False, limits=False),
)


def told(report: Report) -> dict[str, tuple[str, str]]:
    """Give outcome and reason of each criterion."""
    return {criterion.id: (verdict.outcome.value, verdict.reason) for criterion, verdict in report.findings}


def of(key: str, facts: Facts) -> tuple[str, str]:
    """Return outcome and reason of one criterion."""
    return told(judged(facts))[key]


def meter(**changes: object) -> Facts:
    """Change what is known of the PME-PMI."""
    return replace(ALL, meter=replace(METER, **changes))  # type: ignore[arg-type]


def saphir(**changes: object) -> Facts:
    """Change what is known of the SAPHIR."""
    return replace(ALL, meter=replace(HTA, **changes))  # type: ignore[arg-type]


def building(**changes: object) -> Facts:
    """Change what is known of the building."""
    return replace(ALL, building=replace(BUILDING, **changes))  # type: ignore[arg-type]


# The table.


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(re.findall(r"[^\W_]+", text.lower()))


@pytest.mark.skipif(not SEED.exists(), reason="the referential is not here")
def test_the_labels_are_those_of_the_referential() -> None:
    """Of each of its two tables all, and no other, in its words."""
    text = SEED.read_text(encoding="utf-8")
    tables = text[text.index("| TIC PME-PMI |") : text.index("2.5 Prérequis")].split("| TIC SAPHIR |")
    for kind, table in zip((Meter.PME_PMI, Meter.SAPHIR), tables, strict=True):
        said = dict(re.findall(r"- \[(\w+)\] :(.*?)(?=- \[|\|)", table, re.DOTALL))
        assert {row.label for row in LABELS[kind]} == said.keys()
        for row in LABELS[kind]:
            misspelt = {"horodate"} if row.id == "saphir_date" else set()
            assert words(row.words) <= words(said[row.label]) | words(row.label) | misspelt, row.id


@pytest.mark.skipif(not SEED.exists(), reason="the referential is not here")
def test_the_words_are_those_of_the_referential() -> None:
    """Of all others, too."""
    said = words(SEED.read_text(encoding="utf-8"))
    assert {row.id: words(row.words) - said for row in CRITERIA if words(row.words) - said} == {}


def test_each_label_is_one_that_the_meter_has() -> None:
    """However the referential spells it."""
    for kind, rows in LABELS.items():
        for row in rows:
            assert TABLES[kind].find(row.label.replace("x", "1")) is not None, row.id


def test_ids() -> None:
    """One each, in lower case: automations name them."""
    ids = [row.id for row in CRITERIA]
    assert len(set(ids)) == len(ids) == 36
    assert all(re.fullmatch(r"[a-z0-9_]+", key) for key in ids)


def test_what_may_be_left_out() -> None:
    """Ecowatt may not, the meter may; of the annexes nothing is said."""
    assert {part: part.standing for part in Part} == {
        Part.ECOWATT: Standing.MANDATORY,
        Part.METER: Standing.OPTIONAL,
        Part.SUPPLIER: Standing.NOT_STATED,
        Part.OPERATOR: Standing.NOT_STATED,
    }


# All together.


def test_all_is_met() -> None:
    """On a PME-PMI at low voltage that does not warn, and on a SAPHIR; what does not apply is not counted."""
    report = judged(ALL)
    assert report.outcome is Outcome.MET
    assert (report.count(Outcome.MET), report.applicable, len(report.findings)) == (23, 23, 25)
    assert {key for key, (outcome, _) in told(report).items() if outcome == "not_applicable"} == {
        "pme_pmi_preavis",
        "pme_pmi_ea_s",
    }
    report = judged(replace(ALL, meter=HTA))
    assert (report.outcome, report.count(Outcome.MET), report.applicable) == (Outcome.MET, 26, 26)


def test_nothing_is_met_where_nothing_is_known() -> None:
    """Of an installation that is not heard, and has nothing, no criterion is met."""
    for kind in Meter:
        report = judged(replace(NOTHING, meter=MeterFacts(kind=kind)))
        assert report.count(Outcome.MET) == 0
        assert report.outcome is Outcome.NOT_MET


def test_one_that_is_not_known_leaves_all_not_known() -> None:
    """And one that is not met weighs more."""
    assert judged(meter(drift_s=None)).outcome is Outcome.NOT_KNOWN
    assert judged(meter(drift_s=None, received=PME_PMI - {"PS"})).outcome is Outcome.NOT_MET


@pytest.mark.parametrize("kind", Meter)
def test_every_criterion_is_judged(kind: Meter) -> None:
    """Those of the meter's own table and all others, each once."""
    ids = [criterion.id for criterion, _ in judged(replace(ALL, meter=replace(METER, kind=kind))).findings]
    wanted = {row.id for row in CRITERIA} - {
        row.id for other, rows in LABELS.items() if other is not kind for row in rows
    }
    assert len(ids) == len(set(ids))
    assert set(ids) == wanted


# The meter.


@pytest.mark.parametrize("label", sorted(PME_PMI - {"EA_s"}))
def test_a_label_that_is_not_received(label: str) -> None:
    """It is not met, once enough frames came; before, it is not known."""
    key = f"pme_pmi_{label.lower()}"
    assert of(key, ALL) == ("met", "received")
    assert of(key, meter(received=PME_PMI - {label})) == ("not_met", "label_missing")
    assert of(key, meter(received=PME_PMI - {label}, settled=False)) == ("not_known", "too_early")
    assert of(key, meter(read=False)) == ("not_known", "meter_not_read")


def test_the_warning() -> None:
    """It is received while it is sent; while it is not, there is nothing to receive."""
    for kind, of_kind in ((Meter.PME_PMI, meter), (Meter.SAPHIR, saphir)):
        key = f"{kind}_preavis"
        labels = PME_PMI if kind is Meter.PME_PMI else SAPHIR
        assert of(key, of_kind()) == ("not_applicable", "only_while_warned")
        assert of(key, of_kind(warned=True, received=labels | {"PREAVIS"})) == ("met", "received")
        assert of(key, of_kind(warned=None, settled=False)) == ("not_known", "too_early")


def test_the_active_energy_counts_at_medium_voltage_alone() -> None:
    """As the referential says of EA_s; which it is, the unit of the subscribed power tells."""
    assert of("pme_pmi_ea_s", ALL) == ("not_applicable", "low_voltage")
    assert of("pme_pmi_ea_s", meter(in_kw=True)) == ("met", "received")
    assert of("pme_pmi_ea_s", meter(in_kw=True, received=PME_PMI - {"EA_s"})) == ("not_met", "label_missing")
    assert of("pme_pmi_ea_s", meter(in_kw=None)) == ("not_known", "unit_unknown")


def test_labels_of_numbered_periods() -> None:
    """One for each period that the meter names; of those that are not sent the numbers are told."""
    report = judged(saphir(received=SAPHIR - {"PSp2"}))
    verdict = next(verdict for criterion, verdict in report.findings if criterion.id == "saphir_pspx")
    assert (verdict.outcome, verdict.figures) == (Outcome.NOT_MET, {"labels": "PSp2"})
    report = judged(saphir(received=SAPHIR - {"PSp1", "PSp2"}))
    verdict = next(verdict for criterion, verdict in report.findings if criterion.id == "saphir_pspx")
    assert verdict.figures == {"labels": "PSpx"}
    nameless = saphir(named=frozenset(), received=SAPHIR - {"LIB_p1D", "LIB_p2D"})
    assert of("saphir_eap_xsd", nameless) == ("not_known", "no_period_named")
    assert of("saphir_lib_pxd", nameless) == ("not_met", "label_missing")
    assert of("saphir_eap_xsf", nameless) == ("met", "received")
    assert of("saphir_eap_xsf", saphir(received=SAPHIR - {"EAp_1SF"})) == ("not_met", "label_missing")


@pytest.mark.parametrize(
    ("drift_s", "outcome"), [(0.0, "met"), (30.0, "met"), (-30.0, "met"), (30.1, "not_met"), (-3600.0, "not_met")]
)
def test_the_clocks(drift_s: float, outcome: str) -> None:
    """At most half a minute apart, ahead or behind."""
    assert of("clock_in_step", meter(drift_s=drift_s)) == (outcome, "clock_apart")


@pytest.mark.parametrize("kind", [Meter.ICE, Meter.LINKY_HISTORIQUE, Meter.LINKY_STANDARD])
def test_a_meter_that_the_referential_leaves_out(kind: Meter) -> None:
    """However well it is read."""
    found = told(judged(meter(kind=kind)))
    assert found["tic_connection"] == found["clock_in_step"] == ("not_applicable", "other_meter")


# The signals.


@pytest.mark.parametrize(
    ("changes", "live", "integrated"),
    [
        ({"loaded": False, "fresh": False}, ("not_met", "ecowatt_not_loaded"), "met"),
        ({"fresh": False}, ("not_met", "ecowatt_stale"), "met"),
        ({"covers_now": False}, ("not_met", "ecowatt_no_hour"), "met"),
        ({"at_rte": False}, ("not_known", "ecowatt_elsewhere"), "not_known"),
        ({"at_rte": False, "fresh": False}, ("not_met", "ecowatt_stale"), "not_known"),
        ({"rehearsal": True}, ("not_met", "ecowatt_rehearsal"), "not_met"),
    ],
)
def test_ecowatt(changes: dict[str, bool], live: tuple[str, str], integrated: str) -> None:
    """It counts where it is RTE's, no rehearsal, and fresh."""
    facts = replace(ALL, ecowatt=replace(ECOWATT, **changes))
    assert of("ecowatt_live", facts) == live
    assert of("ecowatt_integrated", facts)[0] == integrated


def test_ecowatt_is_followed() -> None:
    """By a building that limits, with a load that is to be shed."""
    assert of("ecowatt_followed", ALL) == ("met", "ecowatt_sheds")
    elsewhere = replace(ALL, ecowatt=replace(ECOWATT, chosen=False))
    assert of("ecowatt_followed", elsewhere) == ("not_met", "ecowatt_not_chosen")
    assert of("ecowatt_followed", building(loads_by_ecowatt=0)) == ("not_met", "ecowatt_no_load")
    assert of("ecowatt_followed", building(limits=False)) == ("not_met", "observes")
    assert of("ecowatt_followed", building(on=False)) == ("not_met", "shedding_off")
    assert of("ecowatt_followed", replace(ALL, ecowatt=None)) == ("not_met", "ecowatt_none")


@pytest.mark.parametrize(
    ("changes", "received", "triplets"),
    [
        ({}, "supplier_fresh", "supplier_complete"),
        ({"loaded": False, "fresh": False, "covers_now": False}, "supplier_not_loaded", "supplier_nothing_held"),
        ({"fresh": False, "covers_now": False}, "supplier_stale", "supplier_nothing_held"),
        ({"covers_now": False}, "supplier_no_step", "supplier_complete"),
        ({"default_data": True}, "supplier_default_data", "supplier_complete"),
        ({"rejected": True}, "supplier_fresh", "supplier_rejected"),
        ({"lacking": ("co2",)}, "supplier_fresh", "supplier_incomplete"),
    ],
)
def test_the_supplier_signal(changes: dict[str, object], received: str, triplets: str) -> None:
    """Received, and of the annex's form."""
    facts = replace(ALL, supplier=replace(SUPPLIER, **changes))  # type: ignore[arg-type]
    assert of("supplier_received", facts)[1] == received
    assert of("supplier_triplets", facts)[1] == triplets


# The API.


def test_the_api() -> None:
    """It is served, has an address, and answers there; that nothing answers from within proves nothing."""
    assert of("api_served", replace(ALL, api=replace(API, served=False))) == ("not_met", "paths_missing")
    assert of("api_served", building(desk_open=False)) == ("not_met", "ledger_unusable")
    for answer, outcome in (
        (None, ("not_known", "not_asked")),
        (ApiAnswer.NONE, ("not_known", "answers_nothing")),
        (ApiAnswer.OTHER, ("not_met", "answers_otherwise")),
        (ApiAnswer.OURS, ("met", "answers")),
    ):
        assert of("api_answers", replace(ALL, api=replace(API, answer=answer))) == outcome
    unreachable = replace(ALL, api=ApiFacts(served=True, https=False))
    assert of("api_address", unreachable) == of("api_answers", unreachable) == ("not_met", "address_none")


def test_an_operator_has_called() -> None:
    """Lately, and was let in."""
    assert of("operator_called", ALL) == ("met", "called")
    assert of("operator_called", building(call_answered=False)) == ("not_met", "call_refused")
    assert of("operator_called", building(called_at=None)) == ("not_known", "not_called")
    assert of("operator_called", building(called_at=NOW - timedelta(days=8))) == ("not_known", "called_long_ago")
    assert of("operator_called", building(operators=0)) == ("not_met", "operator_none")


def test_what_stands_behind_the_api() -> None:
    """An asset, loads that are commanded, a ledger, a curve."""
    bare = told(judged(building(assets=0, assets_measured=0)))
    for key in ("asset_offered", "requests_kept", "consumptions_kept", "api_served"):
        assert bare[key] == ("not_met", "asset_none")
    broken = told(judged(building(ledger_read=False, desk_open=False)))
    assert broken["requests_kept"] == broken["consumptions_kept"] == ("not_met", "ledger_unusable")
    assert of("consumptions_kept", building(assets=2)) == ("not_met", "curve_missing")
    assert of("loads_commanded", building(loads=0)) == ("not_met", "load_none")
    assert of("loads_commanded", building(loads_ready=0)) == ("not_met", "load_not_ready")
    assert of("loads_commanded", building(limits=False)) == ("not_met", "observes")


# What is told of it.


def reasons() -> dict[str, set[str]]:
    """Give the reasons that the code names, each with what stands in its text."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse((ROOM / "conformity" / "judging.py").read_text(encoding="utf-8"))):
        match node:
            case ast.Call(args=[said], keywords=words) if isinstance(node.func, ast.Name | ast.IfExp):
                names = {
                    one.id for one in ast.walk(node.func) if isinstance(one, ast.Name) and one.id.startswith("_")
                } & {"_met", "_not_met", "_not_known", "_not_applicable"}
                keys = [one.value for one in ast.walk(said) if isinstance(one, ast.Constant) and one.value]
                for key in keys if names else []:
                    assert isinstance(key, str)
                    found.setdefault(key, set()).update(word.arg or "**" for word in words)
            case _:
                pass
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_texts(language: str) -> None:
    """One for each reason and each check, with what is filled in; and no more."""
    common = json.loads((ROOM / "translations" / f"{language}.json").read_text(encoding="utf-8"))["common"]
    texts = {key.removeprefix("conformity_"): text for key, text in common.items() if key.startswith("conformity_")}
    wanted = reasons()
    wanted["clock_apart"] = {"seconds", "limit"}
    assert wanted.keys() | {f"check_{row.check}" for row in CRITERIA} == texts.keys()
    assert {f"label_{sent}" for sent in Sent} <= {row.check for row in CRITERIA}
    for key, text in texts.items():
        placeholders = set(re.findall(r"\{([^{}]*)\}", text))
        assert placeholders == wanted.get(key, {"label"} if key.startswith("check_label") else set()), key


def test_the_docs() -> None:
    """The page has a row for each criterion, as the code has it, in order."""
    common = json.loads((ROOM / "translations" / "en.json").read_text(encoding="utf-8"))["common"]
    page = (ROOT / "docs" / "conformity.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| `\w+` \| (2\.|annexe)", line)]
    assert rows == [
        f"| `{row.id}` | {row.source} | {escape(row.words, quote=False)} | "
        f"{common[f'conformity_check_{row.check}'].format(label=row.label)} |"
        for row in CRITERIA
    ]
