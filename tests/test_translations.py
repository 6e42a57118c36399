"""The texts: every one that the code names is there, in English and in French, as Home Assistant wants them."""

import ast
from collections.abc import Iterator, Sequence
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.components.calendar import CalendarEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.util.yaml import load_yaml_dict
import probatio
import pytest

from custom_components.flex_ready.api.keys import Flaw
from custom_components.flex_ready.building.descriptions import (
    BUILDING_BINARY_SENSORS,
    BUILDING_EVENTS,
    BUILDING_SELECTS,
    BUILDING_SENSORS,
    BUILDING_SWITCHES,
    LOAD_BINARY_SENSORS,
    LOAD_SENSORS,
    LOAD_SWITCHES,
)
from custom_components.flex_ready.building.entity import BuildingDescription
from custom_components.flex_ready.building.handover import Method
from custom_components.flex_ready.building.policies import LEVELS
from custom_components.flex_ready.conformity.entity import CONFORMITY_SENSORS
from custom_components.flex_ready.const import Kind
from custom_components.flex_ready.contract.descriptions import (
    CONTRACT_BINARY_SENSORS,
    CONTRACT_CALENDARS,
    CONTRACT_SENSORS,
    PERIMETER_SITE_BINARY_SENSORS,
    ContractBinarySensorDescription,
    SiteBinarySensorDescription as PerimeterSiteBinarySensorDescription,
)
from custom_components.flex_ready.contract.missing import Gone
from custom_components.flex_ready.control.orders import Blind, Reason
from custom_components.flex_ready.desk.const import MEASURED_BY_LOADS, MEASURED_BY_METER
from custom_components.flex_ready.desk.descriptions import (
    ASSET_BINARY_SENSORS,
    ASSET_EVENTS,
    ASSET_SENSORS,
    OPERATOR_BINARY_SENSORS,
    OPERATOR_SENSORS,
)
from custom_components.flex_ready.desk.entity import DeskDescription
from custom_components.flex_ready.desk.occasions import REQUEST_CALENDARS, RequestCalendarDescription
from custom_components.flex_ready.desk.operators import DAYS
from custom_components.flex_ready.fleet.descriptions import (
    REMOTE_ASSET_SENSORS,
    SITE_BINARY_SENSORS,
    SITE_EVENTS,
    SITE_SENSORS,
    RemoteAssetSensorDescription,
    SiteBinarySensorDescription,
    SiteSensorDescription,
)
from custom_components.flex_ready.flexibility.client_errors import Fault
from custom_components.flex_ready.flexibility.dialects import DIALECTS
from custom_components.flex_ready.flexibility.model import Aggregation, Direction
from custom_components.flex_ready.flexibility.record import State
from custom_components.flex_ready.flows import (
    asset as asset_flow,
    availability as availability_flow,
    contract as contract_flow,
    contract_entity,
    contract_forms,
    load_forms,
    operator as operator_flow,
    perimeter_source,
    site as site_flow,
)
from custom_components.flex_ready.flows.building import TDS, WINDOWS
from custom_components.flex_ready.flows.load import LoadFlow
from custom_components.flex_ready.flows.load_forms import PHASES
from custom_components.flex_ready.flows.meter import MODELS
from custom_components.flex_ready.grid.changes import AlertWatch, LevelWatch, SignalWatch
from custom_components.flex_ready.grid.descriptions import GridBinarySensorDescription, GridSensorDescription
from custom_components.flex_ready.grid.ecowatt_descriptions import (
    ECOWATT_BINARY_SENSORS,
    ECOWATT_CALENDARS,
    ECOWATT_SENSORS,
)
from custom_components.flex_ready.grid.occasion import GridCalendarDescription
from custom_components.flex_ready.grid.supplier_descriptions import (
    SUPPLIER_BINARY_SENSORS,
    SUPPLIER_CALENDARS,
    SUPPLIER_SENSORS,
)
from custom_components.flex_ready.listen import SPEEDS
from custom_components.flex_ready.meter.binary_descriptions import BINARY_SENSORS, MeterBinarySensorDescription
from custom_components.flex_ready.meter.descriptions import SENSORS, MeterSensorDescription, index_sensor
from custom_components.flex_ready.meter.indexes import Index
from custom_components.flex_ready.port import Trouble
from custom_components.flex_ready.services import (
    building as building_services,
    conformity as conformity_services,
    contract as contract_services,
    fleet as fleet_services,
    flexibility as flexibility_services,
    forecast as forecast_services,
    report as report_services,
    signals as signal_services,
)
from custom_components.flex_ready.settlement.contract import Reservation
from custom_components.flex_ready.settlement.methods import Method as ReferenceMethod
from custom_components.flex_ready.settlement.model import Direction as NetDirection
from custom_components.flex_ready.settlement.orders import Invalid
from custom_components.flex_ready.settlement.sites import SiteKind, WrongEntity
from custom_components.flex_ready.signals.errors import Trouble as SignalTrouble
from custom_components.flex_ready.signals.supplier.client import Dialect
from custom_components.flex_ready.signals.windows import Aim, Lack
from custom_components.flex_ready.tic import Meter

type Row = (
    SensorEntityDescription
    | MeterSensorDescription
    | MeterBinarySensorDescription
    | GridSensorDescription[Any]
    | GridBinarySensorDescription[Any]
    | BuildingDescription
    | DeskDescription
    | SiteSensorDescription
    | SiteBinarySensorDescription
    | RemoteAssetSensorDescription
    | ContractBinarySensorDescription
    | PerimeterSiteBinarySensorDescription
)

ROOT = Path(__file__).resolve().parents[1] / "custom_components" / "flex_ready"
LANGUAGES = ("en", "fr")
BACS_FAULTS = {f"bacs_{fault}" for fault in Fault}
BY_CORE = {"already_in_progress"}
"""Reasons to abort that Home Assistant translates itself."""
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
INDEXES = [
    *(Index(grid, "hph", 0, "HPH") for grid in ("distributor", "distributor_injected", "supplier", "index")),
    *(Index(grid, "hph", 0, "HPH") for grid in ("billing_period",)),
    *(Index("total", label, 0, label) for label in ("EAST", "EAIT")),
]
ROWS: list[Row] = [
    *SENSORS,
    *(index_sensor(index.key, index.name) for index in INDEXES),
    *ECOWATT_SENSORS,
    *SUPPLIER_SENSORS,
    *BUILDING_SENSORS,
    *CONFORMITY_SENSORS,
    *LOAD_SENSORS,
    *SITE_SENSORS,
    *REMOTE_ASSET_SENSORS,
    *ASSET_SENSORS,
    *OPERATOR_SENSORS,
    *CONTRACT_SENSORS,
]
BINARY_ROWS: list[Row] = [
    *BINARY_SENSORS,
    *ECOWATT_BINARY_SENSORS,
    *SUPPLIER_BINARY_SENSORS,
    *BUILDING_BINARY_SENSORS,
    *LOAD_BINARY_SENSORS,
    *SITE_BINARY_SENSORS,
    *ASSET_BINARY_SENSORS,
    *OPERATOR_BINARY_SENSORS,
    *CONTRACT_BINARY_SENSORS,
    *PERIMETER_SITE_BINARY_SENSORS,
]
OTHER_ROWS: dict[str, list[Row]] = {"select": [*BUILDING_SELECTS], "switch": [*BUILDING_SWITCHES, *LOAD_SWITCHES]}
CALENDARS: list[GridCalendarDescription[Any] | RequestCalendarDescription | CalendarEntityDescription] = [
    *ECOWATT_CALENDARS,
    *SUPPLIER_CALENDARS,
    *REQUEST_CALENDARS,
    *CONTRACT_CALENDARS,
]
EVENTS = {
    "ecowatt_level": LevelWatch.kinds,
    "ecowatt_alert": AlertWatch.kinds,
    "supplier_signal": SignalWatch.kinds,
    **{row.key: tuple(row.event_types or ()) for row in (*BUILDING_EVENTS, *SITE_EVENTS, *ASSET_EVENTS)},
}
ACTIONS: dict[str, probatio.Schema] = {
    "get_ecowatt": signal_services._PERIOD_SCHEMA,
    "get_supplier_signal": signal_services._PERIOD_SCHEMA,
    "find_windows": signal_services._WINDOWS_SCHEMA,
    "shed_loads": building_services.SHED_SCHEMA,
    "restore_loads": building_services.RESTORE_SCHEMA,
    "get_plan": building_services.PLAN_SCHEMA,
    "get_conformity_report": conformity_services.REPORT_SCHEMA,
    "create_flex_request": flexibility_services.CREATE_SCHEMA,
    "accept_flex_request": flexibility_services.ACCEPT_SCHEMA,
    "decline_flex_request": flexibility_services.REQUEST_SCHEMA,
    "confirm_flex_request": flexibility_services.REQUEST_SCHEMA,
    "cancel_flex_request": flexibility_services.REQUEST_SCHEMA,
    "get_flex_requests": flexibility_services.LIST_SCHEMA,
    "export_flex_request": flexibility_services.REQUEST_SCHEMA,
    "send_flex_request": fleet_services.SEND_SCHEMA,
    "confirm_sent_request": fleet_services.SENT_SCHEMA,
    "cancel_sent_request": fleet_services.SENT_SCHEMA,
    "get_sent_requests": fleet_services.LIST_SCHEMA,
    "get_remote_consumptions": fleet_services.CONSUMPTIONS_SCHEMA,
    "record_order": contract_services.ORDER_SCHEMA,
    "record_forecast": forecast_services.FORECAST_SCHEMA,
    "record_test": contract_services.TEST_SCHEMA,
    "get_load_curve": contract_services.CURVE_SCHEMA,
    "get_activation_report": report_services.ACTIVATION_SCHEMA,
    "get_activity_report": report_services.ACTIVITY_SCHEMA,
    "get_perimeter": contract_services.PERIMETER_SCHEMA,
    "simulate_activation": contract_services.SIMULATE_SCHEMA,
}


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
    for step in (
        *TEXTS[language]["config"]["step"].values(),
        *(step for flow in TEXTS[language]["config_subentries"].values() for step in flow["step"].values()),
    ):
        assert step.get("data_description", {}).keys() <= step.get("data", {}).keys()


def test_a_french_text_is_french() -> None:
    """Nothing was left in English but names and what is the same word."""
    same = {path for path, text in FLAT["en"].items() if text == FLAT["fr"][path] and len(text.split()) > 2}
    assert same == set()


# What the code names.


def test_entities() -> None:
    """Each key has a name, each option of an enumeration a text, each placeholder of a name a value; and no more."""
    named: dict[str, Sequence[Row]] = {"sensor": ROWS, "binary_sensor": BINARY_ROWS, **OTHER_ROWS}
    for language in LANGUAGES:
        for platform, rows in named.items():
            texts = TEXTS[language]["entity"][platform]
            assert texts.keys() == {row.translation_key for row in rows}
            for row in rows:
                text = texts[row.translation_key]
                placeholders = getattr(row, "translation_placeholders", None) or ()
                assert set(PLACEHOLDER.findall(text["name"])) == set(placeholders), row.key
    for select in BUILDING_SELECTS:
        assert TEXTS["en"]["entity"]["select"][select.key]["state"].keys() == {*(select.options or ())}
    for row in ROWS:
        texts = TEXTS["en"]["entity"]["sensor"][row.translation_key]
        options = getattr(row, "options", None)
        assert sorted(texts.get("state", ())) == sorted(options or ()), row.key
        assert (options is not None) == (row.device_class is SensorDeviceClass.ENUM), row.key


def test_calendars_and_events() -> None:
    """Each has a name, each type of event and each entry of a calendar a text, for a rehearsal too."""
    for language in LANGUAGES:
        entity = TEXTS[language]["entity"]
        common = {key: text for key, text in TEXTS[language]["common"].items() if key.startswith("calendar_")}
        assert entity["calendar"].keys() == {row.translation_key for row in CALENDARS}
        assert {
            key: set(event["state_attributes"]["event_type"]["state"]) for key, event in entity["event"].items()
        } == {key: set(kinds) for key, kinds in EVENTS.items()}
        assert all(event["name"] for event in entity["event"].values())
        levels = ("tense", "very_tense", "low_carbon")
        best = ("calendar_cheapest", "calendar_cleanest")
        assert common.keys() == {f"calendar_{level}{end}" for level in levels for end in ("", "_rehearsal")} | {*best}
        assert all(sorted(PLACEHOLDER.findall(common[key])) == ["least", "most"] for key in best)
        assert all("Ecowatt" in text for key, text in common.items() if key not in best)


def test_actions() -> None:
    """Each field that an action takes has texts and a selector, and no other has."""
    described: dict[str, Any] = load_yaml_dict(str(ROOT / "services.yaml"))
    assert described.keys() == ACTIONS.keys() == load("icons.json")["services"].keys()
    for action, schema in ACTIONS.items():
        fields = {str(marker): marker for marker in schema.schema}
        assert described[action]["fields"].keys() == fields.keys()
        for language in LANGUAGES:
            texts = TEXTS[language]["services"][action]
            assert texts["fields"].keys() == fields.keys()
            assert all(field.keys() == {"name", "description"} for field in texts["fields"].values())
        for name, marker in fields.items():
            field = described[action]["fields"][name]
            assert field.get("required", False) == isinstance(marker, probatio.Required), name
            if isinstance(marker, probatio.Optional) and not isinstance(marker.default, probatio.Undefined):
                assert field.get("default") == marker.default(), name
    steps = described["record_forecast"]["fields"]["steps"]["selector"]["object"]
    assert steps["fields"].keys() == {str(marker) for marker in forecast_services._STEP_SCHEMA.schema}
    named = TEXTS["en"]["selector"][steps["translation_key"]]["fields"]
    assert named.keys() == steps["fields"].keys()
    assert all(field.keys() == {"name", "description"} for field in named.values())
    states = described["get_flex_requests"]["fields"]["state"]["selector"]["select"]
    assert states["options"] == list(TEXTS["en"]["selector"][states["translation_key"]]["options"]) == list(State)
    aims = described["find_windows"]["fields"]["aim"]["selector"]["select"]
    assert aims["options"] == list(TEXTS["en"]["selector"][aims["translation_key"]]["options"]) == list(Aim)


def test_devices() -> None:
    """Each meter and signal has a name, and each meter a model in the flow."""
    assert set(Meter) == MODELS.keys()
    assert TEXTS["en"]["device"].keys() == {*Meter, Kind.ECOWATT, "ecowatt_rehearsal", Kind.SUPPLIER}


def test_the_flow() -> None:
    """Each step, error, reason to abort, progress, option and placeholder."""
    flow = TEXTS["en"]["config"]
    tree = code("flows/meter.py")
    trees = [tree, *(code(f"flows/{name}.py") for name in ("ecowatt", "supplier", "building", "fleet"))]
    trees += [code(f"flows/{name}.py") for name in ("contract", "contract_entity")]
    shown = ("async_show_form", "async_show_menu")
    steps = {step for one in trees for function in shown for step in literals(one, function, "step_id")}
    steps |= {"user", "reauth_ecowatt", "supplier_token", "supplier_client", "reauth_site_token", "reauth_site_client"}
    steps |= {f"{prefix}{kind}" for kind in Kind for prefix in ("", "reconfigure_")}
    assert flow["step"].keys() == steps
    asked = {step: _fields(one) for step, one in flow["step"].items()}
    assert asked["ecowatt"] == {"client_id", "client_secret", "rehearsal", "advanced.url"}
    assert asked["reconfigure_ecowatt"] == asked["ecowatt"] - {"rehearsal"}
    assert asked["reauth_ecowatt"] == {"client_id", "client_secret"}
    assert asked["supplier"] == asked["reconfigure_supplier"] == {"url", "delivery_point", "dialect", "access"}
    assert asked["supplier_token"] == {"token"}
    assert asked["supplier_client"] == {"issuer", "client_id", "client_secret", "scope"}
    advanced = {f"advanced.{field}" for field in ("window", "td", "limit", "blind_policy", "ledger_url")}
    signals = {"signals.ecowatt_entry", "signals.supplier_entry"}
    assert asked["building"] == asked["reconfigure_building"] == {"name", "meter_entry", *signals, *advanced}
    assert asked["fleet"] == asked["reconfigure_fleet"] == {"name"}
    assert asked["contract"] == asked["reconfigure_contract"] == _keys(contract_forms.TERMS_SCHEMA)
    assert asked["contract_reserved"] == _keys(contract_forms.RESERVED_SCHEMA)
    decisions = _keys(contract_forms.DECISIONS_SCHEMA)
    assert asked["contract_orders"] == {"operator", *(f"decisions.{name}" for name in decisions)}
    assert asked["contract_reserve"] == {"reserve"}
    assert asked["contract_entity"] == {"entity"}
    assert asked["contract_entity_details"] == _keys(contract_entity.ENTITY_SCHEMA)
    placed = {
        key: PLACEHOLDER.findall(text)
        for key, text in flow["step"]["contract_entity_details"].items()
        if isinstance(text, str)
    }
    assert placed == {"title": ["entity"], "description": ["sites"]}
    assert asked["reauth_site_token"] == {str(key) for key in site_flow.TOKEN_SCHEMA.schema}
    assert asked["reauth_site_client"] == {str(key) for key in site_flow.CLIENT_SCHEMA.schema}
    for step in ("reauth_site_token", "reauth_site_client"):
        assert PLACEHOLDER.findall(flow["step"][step]["title"]) == ["site"]
    for step, placeholder in {
        **dict.fromkeys(("ecowatt", "reconfigure_ecowatt", "reauth_ecowatt"), "portal"),
        **dict.fromkeys(("supplier_token", "supplier_client"), "findings"),
        "default_data": "delivery_point",
    }.items():
        assert PLACEHOLDER.findall(flow["step"][step]["description"]) == [placeholder], step
    assert TEXTS["en"]["selector"]["dialect"]["options"].keys() == set(Dialect)
    assert TEXTS["en"]["selector"]["access"]["options"].keys() == {"token", "client"}
    selectors = {
        "window": WINDOWS,
        "td": TDS,
        "blind_policy": tuple(Blind),
        "phases": PHASES,
        "shed_from_level": tuple(LEVELS),
    }
    selectors |= {f"decision_{name}": tuple(type(usual)) for name, usual in contract_forms.USUAL.items()}
    selectors |= {"reservation": tuple(Reservation), contract_forms.DIRECTIONS: tuple(NetDirection)}
    for key, options in selectors.items():
        assert TEXTS["en"]["selector"][key]["options"].keys() == set(options)
    for texts in ("menu_options", "menu_option_descriptions"):
        assert flow["step"]["user"][texts].keys() == set(Kind)
        assert flow["step"]["change_contract"][texts].keys() == {"reconfigure_contract", "contract_entity"}
    assert flow["progress"].keys() == set(literals(tree, "async_show_progress", "progress_action"))
    signals = {f"signal_{trouble}" for trouble in SignalTrouble}
    assert flow["error"].keys() == {
        *Trouble,
        "unknown",
        *signals,
        *BACS_FAULTS,
        "no_delivery_point",
        "no_address",
        "no_name",
        "ledger_unusable",
        "contract_known",
        "no_entity",
        "entity_known",
        "entity_forecast",
        "unlikely_day",
        *(f"terms_{wrong}" for wrong in (*contract_flow._TERMS, *contract_flow._RESERVED)),
    }
    assert PLACEHOLDER.findall(flow["error"]["ledger_unusable"]) == ["reason"]
    reasons = {
        reason
        for one in trees
        for function in ("_abort_if_unique_id_mismatch", "async_abort")
        for reason in literals(one, function, "reason")
    } | {"already_configured", "reconfigure_successful", "reauth_successful"}
    assert flow["abort"].keys() == reasons - BY_CORE
    assert set(PLACEHOLDER.findall(flow["step"]["found"]["description"])) == {"meter", "serial", "speed"}
    assert PLACEHOLDER.findall(flow["progress"]["listen"]) == ["port"]
    assert TEXTS["en"]["selector"]["baudrate"]["options"].keys() == {"auto", *map(str, SPEEDS)}
    for step in ("meter", "reconfigure_meter"):
        assert (
            flow["step"][step]["data"].keys() == flow["step"][step]["data_description"].keys() == {"port", "baudrate"}
        )


def test_the_flow_of_a_load() -> None:
    """Each step, field, choice, error and placeholder."""
    flow = TEXTS["en"]["config_subentries"]["load"]
    assert flow.keys() == {"entry_type", "initiate_flow", "step", "error", "abort"}
    assert flow["initiate_flow"].keys() == {"user", "reconfigure"}
    steps = {name.removeprefix("async_step_") for name in dir(LoadFlow) if name.startswith("async_step_")}
    assert flow["step"].keys() == steps - {"off"}
    asked = {step: _fields(one) for step, one in flow["step"].items()}
    assert asked["entity"] == {str(key) for key in load_forms.ENTITY_SCHEMA.schema}
    assert asked["scripts"] == {str(key) for key in load_forms.SCRIPTS_SCHEMA.schema}
    rules = load_forms.rules_schema(Method.OFF).schema
    sections = {str(key): value.schema.schema for key, value in rules.items() if hasattr(value, "options")}
    assert asked["rules"] == {
        *(str(key) for key in rules if str(key) not in sections),
        *(f"{name}.{key}" for name, inner in sections.items() for key in inner),
    }
    assert (asked["setpoint"], asked["preset"], asked["limit"]) == ({"shift"}, {"preset"}, {"value", "phases"})
    for step, options in {
        "user": {"entity", "scripts"},
        "reconfigure": {"rules", "entity", "scripts"},
        "method": set(Method) - {Method.SCRIPTS},
    }.items():
        assert flow["step"][step]["menu_options"].keys() == flow["step"][step]["menu_option_descriptions"].keys()
        assert flow["step"][step]["menu_options"].keys() == options
    for step in ("reconfigure", "method", "setpoint", "preset", "limit", "rules"):
        assert PLACEHOLDER.findall(flow["step"][step]["title"]) == ["load"]
    assert flow["error"].keys() == set(_errors(code("flows/load.py")))
    assert flow["abort"].keys() == {"already_configured"}


def test_the_flow_of_a_site() -> None:
    """Each step, field, choice, error and placeholder."""
    flow = TEXTS["en"]["config_subentries"]["site"]
    assert flow.keys() == {"entry_type", "initiate_flow", "step", "error", "abort"}
    assert flow["initiate_flow"].keys() == {"user", "reconfigure"}
    asked = {step: _fields(one) for step, one in flow["step"].items()}
    where, token, client = (
        {str(key) for key in schema.schema}
        for schema in (site_flow.WHERE_SCHEMA, site_flow.TOKEN_SCHEMA, site_flow.CLIENT_SCHEMA)
    )
    assert asked == {"user": where, "reconfigure": where, "token": token, "client": client, "found": set()}
    assert PLACEHOLDER.findall(flow["step"]["found"]["description"]) == ["found"]
    assert flow["error"].keys() == {*BACS_FAULTS, *_errors(code("flows/site.py"))}
    assert flow["abort"].keys() == {"already_configured"}
    for key, options in {"remote_dialect": DIALECTS, "direction": Direction, "aggregation": Aggregation}.items():
        assert TEXTS["en"]["selector"][key]["options"].keys() == set(options)


def test_the_flow_of_an_availability_period() -> None:
    """Each step, field and error."""
    flow = TEXTS["en"]["config_subentries"]["availability"]
    assert flow.keys() == {"entry_type", "initiate_flow", "step", "error", "abort"}
    assert flow["initiate_flow"].keys() == {"user", "reconfigure"}
    fields = _keys(availability_flow.PERIOD_SCHEMA)
    assert {step: _fields(one) for step, one in flow["step"].items()} == {"user": fields, "reconfigure": fields}
    assert flow["error"].keys() == {"period_known", *(f"terms_{wrong}" for wrong in availability_flow._FIELDS)}
    assert flow["abort"].keys() == {"no_reservation", "already_configured"}


def test_the_flow_of_a_site_of_a_contract() -> None:
    """Each step, field, choice, error and placeholder."""
    flow = TEXTS["en"]["config_subentries"]["perimeter_site"]
    assert flow.keys() == {"entry_type", "initiate_flow", "step", "error", "abort"}
    assert flow["initiate_flow"].keys() == {"user", "reconfigure"}
    assert {step: _fields(one) for step, one in flow["step"].items()} == {
        "user": set(),
        "reconfigure": set(),
        "meter": {"meter_entry"},
        "entity": _keys(perimeter_source.ENTITY_SCHEMA),
        "remote": {"remote_site"},
        "remote_asset": {"remote_asset"},
        "details": {
            *("name", "site_id", "entity", "site_kind", "method", "max_activation", "subscribed"),
            *("joined", "left", "consent", "other_operator"),
        },
        "elsewhere": set(),
    }
    sources = {"meter", "entity", "remote"}
    for texts in ("menu_options", "menu_option_descriptions"):
        assert flow["step"]["user"][texts].keys() == sources
    assert flow["step"]["reconfigure"]["menu_options"].keys() == {"details", *sources}
    assert PLACEHOLDER.findall(flow["step"]["reconfigure"]["title"]) == ["site"]
    assert PLACEHOLDER.findall(flow["step"]["elsewhere"]["description"]) == ["site_id", "contracts"]
    assert flow["error"].keys() == {
        *_errors(code("flows/perimeter_site.py")),
        *_errors(code("flows/perimeter_source.py")),
        *WrongEntity,
        *BACS_FAULTS,
        "remote_counts_nothing",
        "unlikely_day",
        "no_name",
    }
    assert flow["abort"].keys() == {"no_meter", "no_remote", "already_configured"}
    for key, options in {"site_kind": tuple(SiteKind), "reference_method": tuple(ReferenceMethod)}.items():
        assert TEXTS["en"]["selector"][key]["options"].keys() == {*options}


def _keys(schema: probatio.Schema) -> set[str]:
    """Return the fields of a form."""
    return {str(key) for key in schema.schema}


def test_the_flow_of_an_asset() -> None:
    """Each step, field, choice and error."""
    flow = TEXTS["en"]["config_subentries"]["asset"]
    assert flow.keys() == {"entry_type", "initiate_flow", "step", "error", "abort"}
    assert flow["initiate_flow"].keys() == {"user", "reconfigure"}
    fields = {"name", "asset_id", "loads", "flex_products", "measured_by", "parent"}
    fields |= {f"limits.{key}" for key in asset_flow.LIMITS_SCHEMA.schema}
    fields |= {f"hours.{key}" for key in asset_flow.hours_schema().schema}
    assert {step: _fields(one) for step, one in flow["step"].items()} == {"user": fields, "reconfigure": fields}
    assert flow["error"].keys() == {*_errors(code("flows/asset.py")), "no_name"}
    assert flow["abort"].keys() == {"no_load", "already_configured"}
    for key, options in {"days": DAYS, "measured_by": (MEASURED_BY_METER, MEASURED_BY_LOADS)}.items():
        assert TEXTS["en"]["selector"][key]["options"].keys() == {*options}


def test_the_flow_of_an_operator() -> None:
    """Each step, field, choice, error and placeholder."""
    flow = TEXTS["en"]["config_subentries"]["operator"]
    assert flow.keys() == {"entry_type", "initiate_flow", "step", "error", "abort"}
    assert flow["initiate_flow"].keys() == {"user", "reconfigure"}
    asked = {step: _fields(one) for step, one in flow["step"].items()}
    policy = {f"hours.{key}" for key in asset_flow.hours_schema().schema}
    policy |= {"assets", "dialect", "decision", "silence", "answer_within", "offer_holds", "price"}
    policy |= {"most_activations", "despite_red", "notify"}
    oidc = {str(key) for key in operator_flow.OIDC_SCHEMA.schema}
    user = {"user", "name"}
    assert asked == {"user": set(), "reconfigure": set(), "oidc": oidc, "home_assistant": user, "policy": policy}
    menus = {"user": {"oidc", "home_assistant"}, "reconfigure": {"policy", "oidc", "home_assistant"}}
    for step, options in menus.items():
        assert flow["step"][step]["menu_options"].keys() == options
    assert flow["step"]["user"]["menu_option_descriptions"].keys() == menus["user"]
    assert PLACEHOLDER.findall(flow["step"]["reconfigure"]["title"]) == ["operator"]
    assert PLACEHOLDER.findall(flow["step"]["policy"]["title"]) == ["operator"]
    assert sorted(PLACEHOLDER.findall(flow["step"]["policy"]["description"])) == ["bacs", "url"]
    flaws = {f"issuer_{flaw}" for flaw in Flaw}
    assert flow["error"].keys() == {
        *_errors(code("flows/operator.py")),
        *flaws,
        "issuer_without_keys",
        "no_value",
    }
    assert flow["abort"].keys() == {"no_asset", "no_user", "already_configured"}
    for key in ("decision", "silence"):
        assert len(TEXTS["en"]["selector"][key]["options"]) == 2


def _errors(tree: ast.AST) -> Iterator[str]:
    """Give what is said to be wrong: what is put into `errors`, and what functions that tell it return."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="errors"))], value=ast.Constant(value=str(error))):
                yield error
            case ast.FunctionDef(
                name="_wrong_with" | "_wrong_parent" | "_wrong_meter" | "_wrong_entity" | "_wrong_twice"
            ):
                returned = (one for found in ast.walk(node) if isinstance(found, ast.Return) for one in ast.walk(found))
                yield from (str(one.value) for one in returned if isinstance(one, ast.Constant) and one.value)
            case _:
                pass


def _fields(step: dict[str, Any]) -> set[str]:
    """Return the fields of a step that have texts, each with a description."""
    sections = {f"{name}.{field}" for name, one in step.get("sections", {}).items() for field in one["data"]}
    for one in (step, *step.get("sections", {}).values()):
        assert one.get("data", {}).keys() == one.get("data_description", {}).keys()
    return {*step.get("data", {}), *sections}


def test_exceptions() -> None:
    """Each trouble with a port or a signal, with what it was; a port without frame; what an action refuses."""
    texts = TEXTS["en"]["exceptions"]
    named = {
        key
        for name in ("meter/coordinator.py", "grid/coordinator.py")
        for key in literals(code(name), "ConfigEntryNotReady", "translation_key")
    }
    for name in ("entry", "signals"):
        named |= set(literals(code(f"services/{name}.py"), "ServiceValidationError", "translation_key"))
    named |= {"not_a_load", "no_loads", "shedding_off", "order_not_kept"}
    named |= set(literals(code("desk/desk.py"), "ServiceValidationError", "translation_key"))
    named |= {"several_requests", "unknown_request", "several_buildings", "no_building"}
    for name in ("fleet/coordinator.py", "services/fleet.py", "services/flexibility.py"):
        named |= set(_first(code(name), "_refusal"))
    for name in ("contract", "forecast", "report"):
        named |= set(_first(code(f"services/{name}.py"), "refusal"))
    for error in ("ConfigEntryNotReady", "ConfigEntryError"):
        named |= set(literals(code("contract/coordinator.py"), error, "translation_key"))
    for name in ("contract", "report"):
        named |= set(literals(code(f"services/{name}.py"), "HomeAssistantError", "translation_key"))
    named |= BACS_FAULTS
    for refusal in ("HomeAssistantError", "refusal"):
        named |= set(literals(code("building/coordinator.py"), refusal, "translation_key"))
    named |= {"no_window", *(f"no_window_{lack}" for lack in Lack)}
    named |= {f"signal_{trouble}" for trouble in SignalTrouble}
    assert texts.keys() == {f"port_{trouble}" for trouble in Trouble} | named
    for signal_trouble in SignalTrouble:
        message = texts[f"signal_{signal_trouble}"]["message"]
        assert PLACEHOLDER.findall(message) == ["error"]
        assert message.startswith(TEXTS["en"]["config"]["error"][f"signal_{signal_trouble}"])
    for fault in BACS_FAULTS:
        assert sorted(PLACEHOLDER.findall(texts[fault]["message"])) == ["error", "site"]
        assert texts[fault]["message"].startswith(TEXTS["en"]["config"]["error"][fault])
    for key in ("no_window", "no_window_gaps", "no_window_too_long"):
        assert sorted(PLACEHOLDER.findall(texts[key]["message"])) == ["deadline", "earliest", "minutes"]
    assert PLACEHOLDER.findall(texts["too_soon"]["message"]) == ["time"]
    for trouble in Trouble:
        message = texts[f"port_{trouble}"]["message"]
        assert sorted(PLACEHOLDER.findall(message)) == ["error", "port"]
        assert message.startswith(TEXTS["en"]["config"]["error"][trouble])
    assert sorted(PLACEHOLDER.findall(texts["no_frame"]["message"])) == ["port", "seconds"]


def _first(tree: ast.AST, function: str) -> Iterator[str]:
    """Give the literal first arguments of the calls of a function."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(key)), *_]) if name == function:
                yield key
            case _:
                pass


def test_issues() -> None:
    """What the user is asked to repair, with what is told of it."""
    told = {"no_frame": {"meter", "port"}, "bad_groups": {"meter", "share", "limit"}}
    told |= {"not_subscribed": {"entry"}, "signal_rejected": {"entry", "findings"}}
    told |= {f"load_{reason}": {"load", "building"} for reason in (Reason.DISOBEYED, Reason.FUTILE)}
    told |= {"ledger_unusable": {"building", "error"}, "ledger_replaced": {"file"}}
    told |= {"contract_ledger_unusable": {"contract", "error"}}
    told |= {"contract_missing": {"contract", "missing"}}
    texts = TEXTS["en"]["issues"]
    assert texts.keys() == told.keys()
    for issue, placeholders in told.items():
        assert texts[issue].keys() == {"title", "description"}
        assert set(PLACEHOLDER.findall(texts[issue]["title"] + texts[issue]["description"])) == placeholders


def test_what_a_contract_misses() -> None:
    """Each has a line: of a site if one is read from it, with the name of what is still known."""
    lines = {key: text for key, text in TEXTS["en"]["common"].items() if key.startswith("contract_missing_")}
    assert lines.keys() == {f"contract_missing_{gone}" for gone in Gone}
    orders = (Gone.BUILDING_DELETED, Gone.BUILDING_DISABLED, Gone.OPERATOR_DELETED)
    nameless = (Gone.BUILDING_DELETED, Gone.METER_DELETED, Gone.FLEET_DELETED)
    for gone in Gone:
        told = {word for word, without in (("site", orders), ("name", nameless)) if gone not in without}
        assert set(PLACEHOLDER.findall(lines[f"contract_missing_{gone}"])) == told


def test_icons() -> None:
    """Of entities that exist, and of states that they have; an entity has an icon or a device class."""
    icons = load("icons.json")
    assert icons.keys() == {"entity", "services", "triggers", "conditions"}
    rows: dict[str, Sequence[Row]] = {"sensor": ROWS, "binary_sensor": BINARY_ROWS, **OTHER_ROWS}
    assert icons["entity"].keys() == {*rows, "calendar", "event"}
    assert icons["entity"]["calendar"].keys() == {row.translation_key for row in CALENDARS}
    assert icons["entity"]["event"].keys() == EVENTS.keys()
    for platform, known in rows.items():
        named = icons["entity"].get(platform, {})
        assert named.keys() <= {row.translation_key for row in known}
        for row in known:
            icon = named.get(row.translation_key, {})
            assert icon.get("state", {}).keys() <= {*(getattr(row, "options", None) or ()), "on", "off"}, row.key
            assert icon or getattr(row, "device_class", None), row.key
    assert all(re.fullmatch(r"mdi:[a-z0-9-]+", icon) for _, icon in flat(icons))


def test_why_an_order_is_not_valid() -> None:
    """Each reason has its words."""
    words = {key for key in TEXTS["en"]["common"] if key.startswith("contract_invalid_")}
    assert words == {f"contract_invalid_{reason}" for reason in Invalid}
