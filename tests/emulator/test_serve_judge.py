"""How the emulator judges a signal: every error and every oddity at its place, and nothing that raises."""

from collections.abc import Callable
from decimal import Decimal
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from served import signal

from emulator.supplier.validate import ARRAYS, judge


def body(steps: int = 4) -> dict[str, Any]:
    """Return a good signal, to be spoilt."""
    made: dict[str, Any] = json.loads(signal(steps))
    return made


def of(name: str, i: int, value: object) -> Callable[[dict[str, Any]], None]:
    """Spoil one value."""
    return lambda made: made[name].__setitem__(i, value)


def cost(**members: object) -> Callable[[dict[str, Any]], None]:
    """Spoil the first price."""
    return lambda made: made["cost"][0].update(members)


def all_of(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Spoil a member."""
    return lambda made: made.update({name: value})


@pytest.mark.parametrize(
    ("spoil", "errors", "warnings"),
    [
        (all_of("a/b~c", 1), [], [("/a~1b~0c", "unknown-key")]),
        (all_of("co2", None), [("/co2", "not-an-array")], []),
        (all_of("co2", [0] * 20_001), [("/co2", "too-long")], []),
        (all_of("step", [True, 2, 3, 4.5]), [("/step/0", "bad-step"), ("/step/3", "bad-step")], []),
        (of("horodate", 3, "2026-01-15T00:46:00+01:00"), [("/horodate/3", "uneven")], []),
        (of("horodate", 3, "2026-01-15T00:45:00.5+01:00"), [("/horodate/3", "uneven")], []),
        (of("horodate", 3, "2026-01-15T00:30:00+01:00"), [("/horodate/3", "not-increasing")], []),
        (of("horodate", 0, "2026-01-14T23:00:00Z"), [], [("/horodate/0", "offset-not-local")]),
        (of("horodate", 0, "20260115T000000+0100"), [], []),
        (of("horodate", 0, "2026-W03-4T00:00+01"), [], []),
        (of("horodate", 0, "2026-01-15 00:00:00+01:00"), [("/horodate/0", "bad-time")], []),
        (of("horodate", 0, "2026-02-30T00:00:00+01:00"), [("/horodate/0", "bad-time")], []),
        (of("horodate", 0, "0001-01-01T00:00:00+14:00"), [("/horodate/0", "bad-time")], []),
        (of("horodate", 0, 7), [("/horodate/0", "bad-time")], []),
        (of("power", 1, [36]), [("/power/1", "not-a-quantity")], []),
        (cost(value=None), [("/cost/0/value", "not-a-number")], []),
        (cost(value=True), [("/cost/0/value", "not-a-number")], []),
        (cost(value=-0.5), [], []),
        (cost(value=5.01), [], [("/cost/0/value", "improbable")]),
        (cost(value=5001, multiplier="m"), [], [("/cost/0/value", "improbable")]),
        (cost(value=300, unit="EUR/MWh"), [], []),
        (cost(value=10**300), [], [("/cost/0/value", "improbable")]),
        (cost(unit="W"), [("/cost/0/unit", "unknown-unit")], []),
        (cost(unit={}), [("/cost/0/unit", "unknown-unit")], []),
        (cost(multiplier="K"), [("/cost/0/multiplier", "unknown-multiplier")], []),
        (cost(multiplier=[]), [("/cost/0/multiplier", "unknown-multiplier")], []),
        (cost(multiplier=None), [], []),
        (of("co2", 0, {"value": 2001, "unit": "gCO2eq/kWh"}), [], [("/co2/0/value", "improbable")]),
    ],
)
def test_what_is_found(
    spoil: Callable[[dict[str, Any]], object], errors: list[tuple[str, str]], warnings: list[tuple[str, str]]
) -> None:
    """The place, and the word for it; a signal with an error has no body."""
    made = body()
    spoil(made)
    found = judge(json.dumps(made))
    said = [(error["pointer"], error["code"]) for error in found.errors]
    assert [one for one in said if one[1] != "length-mismatch"][: len(errors)] == errors
    assert [(warning["pointer"], warning["code"]) for warning in found.warnings] == warnings
    assert (found.body is None) == bool(errors)
    assert all(error["detail"] for error in (*found.errors, *found.warnings))


def test_an_empty_signal() -> None:
    """It has no step."""
    assert [error["code"] for error in judge(json.dumps({name: [] for name in ARRAYS})).errors] == ["empty"]


def test_five_hundred_findings_are_enough() -> None:
    """A report of more helps nobody."""
    made = body(96) | {"step": [0] * 96, "cost": [{}] * 96, "co2": [{}] * 96, "power": [{}] * 96}
    found = judge(json.dumps(made))
    assert (len(found.errors), found.body) == (500, None)


@pytest.mark.parametrize(
    "text", ["", "\ufeff{}", "NaN", '{"step": Infinity}', "1e400", "-1e999999", "9" * 5000, "[" * 99_999]
)
def test_texts_that_are_no_json(text: str) -> None:
    """Nor numbers that no double carries."""
    assert [error["code"] for error in judge(text).errors] == ["not-json"]


def test_values_are_exact() -> None:
    """A price is what was written."""
    made = judge(signal().decode().replace('"value": 0.15', '"value": 0.150000000000000000001')).body
    assert made is not None
    assert made["cost"][0]["value"] == Decimal("0.150000000000000000001")  # type: ignore[index]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ARRAYS, "value", "unit"]), inner),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(ARRAYS), JSON) | JSON, st.integers(0, 3))
def test_nothing_raises(made: object, i: int) -> None:
    """Whatever a supplier sends, as a whole or among good steps."""
    judge(json.dumps(made))
    good = body()
    for name in ARRAYS:
        good[name][i] = made
        judge(json.dumps(good))
