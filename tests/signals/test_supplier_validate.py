"""A supplier's signal: taken whole, or refused with everything that is wrong and where."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.signals.http import parse_json
from custom_components.flex_ready.signals.supplier.model import Code, Severity, SignalRejectedError
from custom_components.flex_ready.signals.supplier.validate import ARRAYS, validate
from emulator.supplier.demo_signal import default_signal
from emulator.supplier.validate import judge

PARIS = ZoneInfo("Europe/Paris")
APPENDIX = Path(__file__).resolve().parents[3] / "shared/data/ecowatt/flexready_supplier_signal_appendix.json"


def signal(steps: int = 4) -> dict[str, Any]:
    """Compose a signal."""
    start = datetime(2026, 1, 1, tzinfo=PARIS)
    return {
        "step": list(range(1, steps + 1)),
        "horodate": [(start + i * timedelta(minutes=15)).isoformat() for i in range(steps)],
        "power": [{"value": 36, "unit": "W", "multiplier": "k"} for _ in range(steps)],
        "cost": [{"value": Decimal("0.1821"), "unit": "€/kWh", "multiplier": ""} for _ in range(steps)],
        "co2": [{"value": Decimal("31.4"), "unit": "gCO2eq/kWh", "multiplier": ""} for _ in range(steps)],
    }


def errors(body: object) -> list[tuple[str, str]]:
    """Return the places and codes of the errors."""
    with pytest.raises(SignalRejectedError) as refused:
        validate(body, zone=PARIS)
    return [
        (finding.pointer, finding.code.value)
        for finding in refused.value.findings
        if finding.severity is Severity.ERROR
    ]


def test_a_good_signal() -> None:
    """Exact values, slots in UTC, the last end inferred."""
    found = validate(signal(), zone=PARIS, default_data=True)
    assert [slot.start.minute for slot in found.steps] == [0, 15, 30, 45]
    assert found.steps.slots[0].start == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert found.steps.slots[-1].end == datetime(2026, 1, 1, 0, tzinfo=UTC)
    step = found.steps.slots[0].value
    assert (step.power, step.price, step.co2) == (Decimal(36000), Decimal("0.1821"), Decimal("31.4"))
    assert (found.findings, found.last_end_inferred, found.end_assumed, found.default_data) == ((), True, False, True)


def test_one_step_alone() -> None:
    """It lasts a quarter of an hour, which is said."""
    found = validate(signal(1), zone=PARIS)
    assert found.end_assumed
    assert found.steps.slots[0].length == timedelta(minutes=15)
    assert [finding.code for finding in found.findings] == [Code.END_ASSUMED]


@pytest.mark.skipif(not APPENDIX.exists(), reason="the annex's own example is not here")
def test_the_appendix_of_the_annex() -> None:
    """It is taken, with warnings: its offset is not that of Paris in January, its prices are improbable."""
    found = validate(parse_json(APPENDIX.read_text()), zone=PARIS)
    assert [slot.value.power for slot in found.steps] == [12000, 12500, 13000, 13500]
    assert [slot.value.price for slot in found.steps] == [1200, 120, 12, 1]
    assert found.steps.slots[-1].value.co2 == Decimal("3.1415")
    assert {finding.code for finding in found.findings} == {Code.OFFSET_NOT_LOCAL, Code.IMPROBABLE}
    assert found.steps.slots[0].start == datetime(2025, 12, 31, 22, tzinfo=UTC)


def _set(name: str, i: int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body[name][i] = value

    return change


def _put(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body[name] = value

    return change


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        del body[name]

    return change


def _cost(i: int, **members: object) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body["cost"][i] = {**body["cost"][i], **members}

    return change


CHANGES: list[tuple[Callable[[dict[str, Any]], None], list[tuple[str, str]]]] = [
    (_drop("co2"), [("/co2", "missing")]),
    (_put("co2", "none"), [("/co2", "not-an-array")]),
    (_put("cost", []), [("/cost", "length-mismatch")]),
    (_put("co2", [None] * 20_001), [("/co2", "too-long")]),
    (_set("step", 2, 4), [("/step/2", "bad-step")]),
    (_set("step", 0, True), [("/step/0", "bad-step")]),
    (_set("horodate", 1, "soon"), [("/horodate/1", "bad-time")]),
    (_set("horodate", 1, None), [("/horodate/1", "null")]),
    (_set("horodate", 1, "2026-01-01T00:15:00"), [("/horodate/1", "no-offset")]),
    (_set("horodate", 2, "2026-01-01T00:15:00+01:00"), [("/horodate/2", "not-increasing"), ("/horodate/3", "gap")]),
    (_set("horodate", 3, "2026-01-01T01:00:00+01:00"), [("/horodate/3", "gap")]),
    (_set("horodate", 3, "2026-01-01T00:40:00+01:00"), [("/horodate/3", "uneven")]),
    (_set("horodate", 0, "0001-01-01T00:00:00+14:00"), [("/horodate/0", "bad-time")]),
    (_set("cost", 1, None), [("/cost/1", "null")]),
    (_set("cost", 1, 0.2), [("/cost/1", "not-a-quantity")]),
    (_cost(1, unit="W"), [("/cost/1/unit", "wrong-dimension")]),
    (_cost(1, unit="c/kWh"), [("/cost/1/unit", "unknown-unit")]),
    (_cost(1, unit=["€/kWh"]), [("/cost/1/unit", "unknown-unit")]),
    (_cost(1, multiplier="K"), [("/cost/1/multiplier", "unknown-multiplier")]),
    (_cost(1, value="0.2"), [("/cost/1/value", "not-a-number")]),
    (_cost(1, value=None), [("/cost/1/value", "null")]),
    (_cost(1, value=Decimal("NaN")), [("/cost/1/value", "not-a-number")]),
    (_cost(1, value=True, unit="?"), [("/cost/1/unit", "unknown-unit"), ("/cost/1/value", "not-a-number")]),
    (_set("co2", 1, {"value": -1, "unit": "gCO2eq/kWh"}), [("/co2/1/value", "negative")]),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_what_is_wrong_is_said_with_its_place(
    change: Callable[[dict[str, Any]], None], expected: list[tuple[str, str]]
) -> None:
    """Each alone; what a wrong time does to the spacing after it is told as well."""
    body = signal()
    change(body)
    found = errors(body)
    assert set(expected) <= set(found)
    assert {pointer.split("/")[1] for pointer, _ in found} == {pointer.split("/")[1] for pointer, _ in expected}


def test_everything_is_said_at_once() -> None:
    """All errors of a bad signal, errors before warnings, two hundred at most."""
    body = signal()
    body["horodate"] = ["2026-01-01T00:00:00+02:00", "2026-01-01T00:15:00+02:00", "later", "never"]
    body["step"] = [1, 2, 3, 5]
    body["cost"][1] = {"value": "x", "unit": "y", "multiplier": "z"}
    with pytest.raises(SignalRejectedError) as all_of_them:
        validate(body, zone=PARIS)
    severities = [finding.severity for finding in all_of_them.value.findings]
    assert severities == [Severity.ERROR] * 5 + [Severity.WARNING] * 2
    many = signal(300)
    many["step"] = [0] * 300
    with pytest.raises(SignalRejectedError) as refused:
        validate(many, zone=PARIS)
    assert (len(refused.value.findings), refused.value.findings_left_out) == (200, 100)
    assert errors(None) == [("", "not-an-object")]
    assert ("/horodate", "empty") in errors({name: [] for name in ARRAYS})


@pytest.mark.parametrize(("of", "steps"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (date(2026, 1, 1), 96)])
def test_days_on_which_the_time_changes(of: date, steps: int) -> None:
    """92 or 100 quarter-hours, and the hour that comes twice has its offsets."""
    found = validate(parse_json(json.dumps(default_signal(of, of + timedelta(days=1)))), zone=PARIS)
    assert len(found.steps) == steps
    assert found.findings == ()
    assert found.steps.slots[-1].end - found.steps.slots[0].start == steps * timedelta(minutes=15)


TIMES = ["2026-01-01T00:00:00+01:00", "2026-01-01T00:15:00+01:00", "", "9999-12-31T23:59:59-14:00"]
WORDS = ["W", "€/kWh", "k", ""]


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(ARRAYS),
        st.lists(
            st.none()
            | st.integers()
            | st.floats()
            | st.sampled_from(TIMES)
            | st.dictionaries(
                st.sampled_from(["value", "unit", "multiplier"]),
                st.integers() | st.floats() | st.sampled_from(WORDS) | st.lists(st.none(), max_size=1),
            ),
            max_size=3,
        ),
    )
)
def test_nothing_raises_anything_else(body: dict[str, list[object]]) -> None:
    """Whatever the arrays hold."""
    with suppress(SignalRejectedError):
        validate(body, zone=PARIS)


@pytest.mark.parametrize("change", [change for change, _ in CHANGES if change is not CHANGES[-1][0]])
def test_the_emulator_judges_alike(change: Callable[[dict[str, Any]], None]) -> None:
    """Written apart from the integration, it refuses the same."""
    body = signal()
    change(body)
    assert judge(json.dumps(body, default=float)).body is None
