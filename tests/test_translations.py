"""The texts: every one that the code names is there, in English and in French, as Home Assistant wants them."""

import ast
from collections.abc import Iterator, Sequence
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass
import pytest

from custom_components.flex_ready.const import Kind
from custom_components.flex_ready.flows.meter import MODELS
from custom_components.flex_ready.listen import SPEEDS
from custom_components.flex_ready.meter.binary_descriptions import BINARY_SENSORS, MeterBinarySensorDescription
from custom_components.flex_ready.meter.descriptions import SENSORS, MeterSensorDescription, index_sensor
from custom_components.flex_ready.meter.indexes import Index
from custom_components.flex_ready.port import Trouble
from custom_components.flex_ready.tic import Meter

type Row = MeterSensorDescription | MeterBinarySensorDescription

ROOT = Path(__file__).resolve().parents[1] / "custom_components" / "flex_ready"
LANGUAGES = ("en", "fr")
BY_CORE = {"already_in_progress"}
"""Reasons to abort that Home Assistant translates itself."""
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
INDEXES = [
    *(Index(grid, "hph", 0, "HPH") for grid in ("distributor", "distributor_injected", "supplier", "index")),
    *(Index(grid, "hph", 0, "HPH") for grid in ("billing_period",)),
    *(Index("total", label, 0, label) for label in ("EAST", "EAIT")),
]
ROWS = [*SENSORS, *(index_sensor(index.key, index.name) for index in INDEXES)]


def load(name: str) -> dict[str, Any]:
    """Read a JSON file of the integration."""
    found: dict[str, Any] = json.loads((ROOT / name).read_text(encoding="utf-8"))
    return found


TEXTS = {language: load(f"translations/{language}.json") for language in LANGUAGES}


def flat(texts: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Give every text with its path."""
    for key, text in texts.items():
        match text:
            case dict():
                yield from flat(text, f"{path}{key}.")
            case _:
                yield f"{path}{key}", text


FLAT = {language: dict(flat(texts)) for language, texts in TEXTS.items()}


def literals(tree: ast.AST, function: str, keyword: str) -> Iterator[str]:
    """Give the literal values of a keyword in the calls of a function or method."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), keywords=keywords) if name == function:
                yield from (
                    word.value.value
                    for word in keywords
                    if word.arg == keyword
                    and isinstance(word.value, ast.Constant)
                    and isinstance(word.value.value, str)
                )
            case _:
                pass


def code(name: str) -> ast.Module:
    """Parse a module of the integration."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def test_both_languages_have_the_same_texts() -> None:
    """None is missing, none is left over, none is empty."""
    assert FLAT["en"].keys() == FLAT["fr"].keys()
    assert [path for language in LANGUAGES for path, text in FLAT[language].items() if not text] == []


@pytest.mark.parametrize("path", FLAT["en"])
def test_both_languages_have_the_same_placeholders(path: str) -> None:
    """Home Assistant drops a translation whose placeholders differ."""
    english, french = (sorted(PLACEHOLDER.findall(FLAT[language][path])) for language in LANGUAGES)
    assert english == french
    assert all(name.isidentifier() for name in english)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_are_as_hassfest_wants_them(language: str) -> None:
    """No HTML, no address, no quotes around a placeholder, no blanks at the ends, keys in lower case."""
    for path, text in FLAT[language].items():
        assert text == text.strip(), path
        assert not re.search(r"<[a-z/!][^>]*>", text, re.IGNORECASE), path
        assert not re.search(r"https?://|www\.", text), path
        assert not re.search(r"'\{[^}]*\}'", text), path
        assert all(re.fullmatch(r"[a-z0-9_-]+", key) for key in path.split(".")), path
        assert path.split(".")[-2:-1] != ["state"] or not PLACEHOLDER.search(text), path
    for step in TEXTS[language]["config"]["step"].values():
        assert step.get("data_description", {}).keys() <= step.get("data", {}).keys()


def test_a_french_text_is_french() -> None:
    """Nothing was left in English but names and what is the same word."""
    same = {path for path, text in FLAT["en"].items() if text == FLAT["fr"][path] and len(text.split()) > 2}
    assert same == set()


# What the code names.


def test_entities() -> None:
    """Each key has a name, each option of an enumeration a text, each placeholder of a name a value; and no more."""
    named: dict[str, Sequence[Row]] = {"sensor": ROWS, "binary_sensor": list(BINARY_SENSORS)}
    for language in LANGUAGES:
        for platform, rows in named.items():
            texts = TEXTS[language]["entity"][platform]
            assert texts.keys() == {row.translation_key for row in rows}
            for row in rows:
                text = texts[row.translation_key]
                assert set(PLACEHOLDER.findall(text["name"])) == set(row.translation_placeholders or ()), row.key
    for row in ROWS:
        texts = TEXTS["en"]["entity"]["sensor"][row.translation_key]
        assert sorted(texts.get("state", ())) == sorted(row.options or ()), row.key
        assert (row.options is not None) == (row.device_class is SensorDeviceClass.ENUM), row.key


def test_devices() -> None:
    """Each meter has a name, and a model in the flow."""
    assert TEXTS["en"]["device"].keys() == set(Meter) == MODELS.keys()


def test_the_flow() -> None:
    """Each step, error, reason to abort, progress, option and placeholder."""
    flow = TEXTS["en"]["config"]
    tree = code("flows/meter.py")
    steps = set(literals(tree, "async_show_form", "step_id")) | {"meter", "reconfigure_meter", "user"}
    assert flow["step"].keys() == steps
    assert flow["step"]["user"]["menu_options"].keys() == set(Kind)
    assert flow["progress"].keys() == set(literals(tree, "async_show_progress", "progress_action"))
    assert flow["error"].keys() == {*Trouble, "unknown"}
    reasons = {
        *literals(tree, "_abort_if_unique_id_mismatch", "reason"),
        *literals(tree, "async_abort", "reason"),
        *("already_configured", "reconfigure_successful"),
    }
    assert flow["abort"].keys() == reasons - BY_CORE
    assert set(PLACEHOLDER.findall(flow["step"]["found"]["description"])) == {"meter", "serial", "speed"}
    assert PLACEHOLDER.findall(flow["progress"]["listen"]) == ["port"]
    assert TEXTS["en"]["selector"]["baudrate"]["options"].keys() == {"auto", *map(str, SPEEDS)}
    for step in ("meter", "reconfigure_meter"):
        assert (
            flow["step"][step]["data"].keys() == flow["step"][step]["data_description"].keys() == {"port", "baudrate"}
        )


def test_exceptions() -> None:
    """Each trouble with a port, with where and what; and a port without frame."""
    texts = TEXTS["en"]["exceptions"]
    named = set(literals(code("meter/coordinator.py"), "ConfigEntryNotReady", "translation_key"))
    assert texts.keys() == {f"port_{trouble}" for trouble in Trouble} | named
    for trouble in Trouble:
        message = texts[f"port_{trouble}"]["message"]
        assert sorted(PLACEHOLDER.findall(message)) == ["error", "port"]
        assert message.startswith(TEXTS["en"]["config"]["error"][trouble])
    assert sorted(PLACEHOLDER.findall(texts["no_frame"]["message"])) == ["port", "seconds"]


def test_issues() -> None:
    """What the user is asked to repair, with what is told of it."""
    told = {"no_frame": {"meter", "port"}, "bad_groups": {"meter", "share", "limit"}}
    texts = TEXTS["en"]["issues"]
    assert texts.keys() == told.keys()
    for issue, placeholders in told.items():
        assert texts[issue].keys() == {"title", "description"}
        assert set(PLACEHOLDER.findall(texts[issue]["title"] + texts[issue]["description"])) == placeholders


def test_icons() -> None:
    """Of entities that exist, and of states that they have; an entity has an icon or a device class."""
    icons = load("icons.json")
    assert icons.keys() == {"entity"}
    rows: dict[str, Sequence[Row]] = {"sensor": ROWS, "binary_sensor": list(BINARY_SENSORS)}
    assert icons["entity"].keys() <= rows.keys()
    for platform, known in rows.items():
        named = icons["entity"].get(platform, {})
        assert named.keys() <= {row.translation_key for row in known}
        for row in known:
            icon = named.get(row.translation_key, {})
            assert icon.get("state", {}).keys() <= {*(getattr(row, "options", None) or ()), "on", "off"}, row.key
            assert icon or row.device_class, row.key
    assert all(re.fullmatch(r"mdi:[a-z0-9-]+", icon) for _, icon in flat(icons))
