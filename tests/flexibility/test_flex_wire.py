"""The JSON of the API in both dialects: read whole, or refused with everything that is wrong and where."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
import json
from pathlib import Path
import re
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from said import KW, MINUTE, PARIS, asked, asset_said, slot, triplet

from custom_components.flex_ready.flexibility.dialects import DIALECTS, EMULATOR_2025, NATIVE, Dialect
from custom_components.flex_ready.flexibility.model import (
    Aggregation,
    Asset,
    Bacs,
    Confirmation,
    Consumed,
    Consumption,
    Direction,
    Market,
    Offer,
    Potential,
    Quality,
    Request,
)
from custom_components.flex_ready.flexibility.problem import Code, RefusedError, leading, pointer
from custom_components.flex_ready.flexibility.wire import Reader, Writer
from custom_components.flex_ready.slots import Series, Slot, Stretch

LENIENT, STRICT = Reader(EMULATOR_2025, PARIS), Reader(NATIVE, PARIS)
SEED = Path(__file__).resolve().parents[3] / "shared/seeds/000_63bb8fd60ab35713.txt"
NATIVE_BODY = {
    "requestID": "req-001",
    "flexProduct": "WDA",
    "direction": "increase",
    "power": [
        {"power": triplet(80), "start": "2026-10-25T02:30:00+02:00", "end": "2026-10-25T02:30:00+01:00"},
        {"power": triplet(75.5), "start": "2026-10-25T02:30:00+01:00", "end": "2026-10-25T03:00:00+01:00"},
    ],
}


def wrong(reader: Reader, kind: str, body: object) -> list[tuple[str, str]]:
    """Return the places and codes of what is wrong."""
    with pytest.raises(RefusedError) as refused:
        getattr(reader, kind)(body)
    assert str(refused.value)
    return [(finding.pointer, finding.code.value) for finding in refused.value.findings]


def test_a_request_as_the_annex_writes_it() -> None:
    """Watts, UTC, less consumption."""
    found = LENIENT.request(asked())
    assert (found.id, found.flex_product, found.direction) == ("req-001", "WID", Direction.DECREASE)
    start = datetime(2025, 4, 2, 10, tzinfo=UTC)
    assert found.power.slots == (Slot(start, start + timedelta(hours=1), Decimal(80_000)),)


def test_a_request_in_the_strict_dialect() -> None:
    """The hour that comes twice is told by its offset."""
    found = STRICT.request(NATIVE_BODY)
    assert [one.start.hour for one in found.power] == [0, 1]
    assert (found.direction, found.power.slots[1].value) == (Direction.INCREASE, Decimal(75_500))
    assert Writer(NATIVE, PARIS).request(found)["power"] == NATIVE_BODY["power"]


def test_the_same_said_otherwise_is_equal() -> None:
    """Which is what makes a repeated call known: quantities in their base unit, times in UTC."""
    other = asked(
        power=[{"power": triplet(0.08, multiplier="M"), "start": "2025-04-02T10:00:00Z", "end": "2025-04-02T11:00Z"}],
        note="passed over",
    )
    assert LENIENT.request(other) == LENIENT.request(asked())


def test_a_confirmation() -> None:
    """With a price or without; the annex's own artefact is taken as offered."""
    body = {"flexProduct": "WID", "power": [slot("10:00:00", "12:00:00")], "ackPrice": triplet(85, "€/MWh", "")}
    found = LENIENT.confirmation(body)
    assert found.ack_price == Decimal("0.085")
    assert LENIENT.confirmation({key: body[key] for key in ("flexProduct", "power")}).ack_price is None
    assert LENIENT.confirmation({"flexibility": "flexibility"}) == Confirmation()
    assert wrong(STRICT, "confirmation", {"flexibility": "flexibility"}) == [
        ("/flexProduct", "malformed"),
        ("/power", "malformed"),
        ("/flexibility", "malformed"),
    ]


def test_an_asset_as_the_annex_says_it() -> None:
    """Minutes, ISO 8601 and triplets are durations."""
    found = LENIENT.asset(asset_said()).potentials[0]
    assert (found.power, found.mobilization_delay, found.max_duration) == (100 * KW, MINUTE, 2 * MINUTE)
    assert (found.activations_per_day, len(found.time_periods)) == (1, 1)
    others = asset_said(mobilizationDelay="PT90S", maxDuration=triplet(2, "h", ""))
    renamed = {
        {"assetID": "asset_id", "bacsID": "bacsId", "potentiel": "potential"}.get(k, k): others[k] for k in others
    }
    found = LENIENT.asset(renamed).potentials[0]
    assert (found.mobilization_delay, found.max_duration) == (timedelta(seconds=90), timedelta(hours=2))


def test_codes_that_are_not_known_are_kept() -> None:
    """Of a product the market is unknown, of a figure how it came to be."""
    assert LENIENT.request(asked(flexProduct="XYZ")).flex_product == "XYZ"
    assert (Market.of("XYZ"), Market.of("WDA"), Quality.of("guessed")) == (Market.UNKNOWN, Market.WDA, Quality.UNKNOWN)


BAD: list[tuple[str, Dialect, object, list[tuple[str, str]]]] = [
    ("request", NATIVE, [], [("", "malformed")]),
    ("request", NATIVE, None, [("", "malformed")]),
    (
        "request",
        EMULATOR_2025,
        {},
        [("/requestID", "malformed"), ("/flexProduct", "malformed"), ("/power", "malformed")],
    ),
    (
        "request",
        NATIVE,
        {**NATIVE_BODY, "direction": "less", "a/b~": 1},
        [("/direction", "malformed"), ("/a~1b~0", "malformed")],
    ),
    (
        "request",
        NATIVE,
        asked(direction="decrease"),
        [("/power/0/start", "ambiguous-time"), ("/power/0/end", "ambiguous-time")],
    ),
    ("request", EMULATOR_2025, asked(requestID="../x"), [("/requestID", "malformed")]),
    ("request", EMULATOR_2025, asked(requestID=".."), [("/requestID", "malformed")]),
    ("request", EMULATOR_2025, asked(power=[]), [("/power", "malformed")]),
    ("request", EMULATOR_2025, asked(power="much"), [("/power", "malformed")]),
    ("request", EMULATOR_2025, asked(power=[slot("13:00:00", "12:00:00")]), [("/power/0/end", "malformed")]),
    (
        "request",
        EMULATOR_2025,
        asked(power=[slot("12:00:00", "13:00:00"), slot("12:30:00", "14:00:00")]),
        [("/power/1/start", "malformed")],
    ),
    ("request", EMULATOR_2025, asked(power=[slot("12:00:00.5", "13:00:00")]), [("/power/0/start", "malformed")]),
    ("request", EMULATOR_2025, asked(power=[slot("12:00:00", "25:00:00")]), [("/power/0/end", "malformed")]),
    ("request", EMULATOR_2025, asked(power=[slot("12:00:00", "13:00:00")] * 289), [("/power", "malformed")]),
    (
        "request",
        EMULATOR_2025,
        asked(power=[{**slot("12:00:00", "13:00:00"), "power": triplet(1, "kW")}, 5, {}]),
        [
            ("/power/0/power/unit", "unknown-unit"),
            ("/power/1", "malformed"),
            ("/power/2/power", "malformed"),
            ("/power/2/start", "malformed"),
            ("/power/2/end", "malformed"),
        ],
    ),
    (
        "request",
        EMULATOR_2025,
        asked(power=[{**slot("12:00:00", "13:00:00"), "power": triplet(1, "Wh", "K")}]),
        [("/power/0/power/multiplier", "unknown-unit")],
    ),
    (
        "request",
        EMULATOR_2025,
        asked(power=[{"power": triplet(float("nan")), "start": "2026-03-29T02:30:00", "end": "2026-10-25T02:30:00"}]),
        [
            ("/power/0/power/value", "malformed"),
            ("/power/0/start", "ambiguous-time"),
            ("/power/0/end", "ambiguous-time"),
        ],
    ),
    ("confirmation", EMULATOR_2025, {"ackPrice": triplet(85)}, [("/ackPrice/unit", "unknown-unit")]),
    ("asset", EMULATOR_2025, asset_said(maxDuration="P"), [("/potentiel/maxDuration", "malformed")]),
    (
        "asset",
        EMULATOR_2025,
        asset_said(maxDuration=triplet(2, "y", "")),
        [("/potentiel/maxDuration/unit", "unknown-unit")],
    ),
    ("asset", EMULATOR_2025, asset_said(activationPerDay=True), [("/potentiel/activationPerDay", "malformed")]),
    ("bacs", EMULATOR_2025, {"id": "b", "name": 5}, [("/name", "malformed")]),
]


@pytest.mark.parametrize(("kind", "dialect", "body", "expected"), BAD)
def test_everything_that_is_wrong_is_told(
    kind: str, dialect: Dialect, body: object, expected: list[tuple[str, str]]
) -> None:
    """Each with its pointer."""
    assert wrong(Reader(dialect, PARIS), kind, body) == expected


def test_of_several_codes_the_one_that_cannot_be_read_leads() -> None:
    """400 before 409 before 422."""
    with pytest.raises(RefusedError) as refused:
        LENIENT.request(asked(requestID="", power=[{**slot("12:00:00", "13:00:00"), "power": triplet(1, "kW")}]))
    assert leading(refused.value.findings) is Code.MALFORMED
    assert (Code.OVERLAP.status, Code.DMO_VIOLATED.status, Code.DMO_VIOLATED.words) == (409, 422, "Dmo violated")
    assert pointer("a/b", 0, "~") == "/a~1b/0/~0"


def test_paths_are_the_annex_s() -> None:
    """Those that it prints are there to the letter, in both dialects."""
    request = "/bacs/{bacs_id}/assets/{asset_id}/flexibilities/request"
    for dialect in DIALECTS.values():
        assert dialect.paths["create"] == request
        assert dialect.paths["confirm"] == f"{request}/{{request_id}}/confirm"
        assert dialect.paths["realize"] == f"{request}/{{request_id}}/consumptions"
        assert dialect.paths["consumptions"] == "/bacs/{bacs_id}/assets/{asset_id}/consumptions"
        assert dialect.literal <= dialect.keys.keys() | dialect.paths.keys()


def filled(template: str) -> Any:  # noqa: ANN401
    """Fill in an example of the annex, and close what its text has cut."""
    fill = {"<unit>": "W", "<multiplier>": "", "<value>": "80.0", "<flex_product_code>": "WID", "{request_id}": "req-1"}
    for placeholder, value in fill.items():
        template = template.replace(placeholder, value)
    template = re.sub(r"<YYYY-MM-\s*DDTHH:MM:SS>", "2026-04-02T12:00:00", template, count=1)
    template = re.sub(r"<YYYY-MM-\s*DDTHH:MM:SS>", "2026-04-02T13:00:00", template)
    try:
        return json.loads(template)
    except json.JSONDecodeError:
        return json.loads(template.rstrip().removesuffix("}").rstrip() + "]}")


@pytest.mark.skipif(not SEED.exists(), reason="the annex itself is not here")
def test_every_example_of_the_annex() -> None:
    """Bodies, templates filled in and closed where the text is cut, the data set, and the paths."""
    text = SEED.read_text()
    annex = text[text.index("ANNEXE 1") : text.index("ANNEXE 2")]
    found = [filled(chunk) for chunk in re.findall(r"-d '(.*?)(?:'\n|\n```)", annex, re.DOTALL)]
    assert len(found) == 5
    kinds = [("request" if "requestID" in body else "confirmation") for body in found if "bacs_id" not in body]
    assert sorted(kinds) == ["confirmation", "confirmation", "confirmation", "request"]
    for body in found:
        if "bacs_id" not in body:  # the body of a GET, which is not read
            assert getattr(LENIENT, "request" if "requestID" in body else "confirmation")(body)
    specific = LENIENT.confirmation(found[1])
    assert specific.power is not None
    assert specific.power.slots[0] == Slot(
        datetime(2025, 4, 2, 8, tzinfo=UTC), datetime(2025, 4, 2, 10, tzinfo=UTC), Decimal(80_000)
    )
    price = re.search(r'"ackPrice": (\{.*?\})', annex)
    assert price is not None
    said = price[1].replace("<units>", "€/MWh").replace("<multiplier>", "").replace("<value>", "85")
    assert LENIENT.confirmation({"ackPrice": json.loads(said)}).ack_price == Decimal("0.085")
    power = json.loads(re.findall(r"\*\*Power:\*\* (\{.*?\})", annex)[0])
    assert LENIENT.asset(asset_said(power=power)).potentials[0].power == 100_000
    printed = re.findall(r'/\{session_id\}(?:/operator)?(/bacs/\{[^"]*)"', annex)
    literal = EMULATOR_2025.paths.keys() & EMULATOR_2025.literal
    assert {re.sub(r"\s", "", path) for path in printed} == {EMULATOR_2025.paths[name] for name in literal}


INSTANTS = st.integers(1_700_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
NEAR_DST = st.sampled_from([datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 3, 29, 0, tzinfo=UTC)])
WATTS = st.decimals(-(10**6), 10**7, places=3)
IDS = st.from_regex(r"\A[A-Za-z0-9_:~-]{1,128}\Z")
SPANS = st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def rows(draw: st.DrawFn, values: st.SearchStrategy[Any] = WATTS) -> Series[Any]:
    """Give slots anywhere, often about a change of time."""
    at = draw(INSTANTS | NEAR_DST)
    found = []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 3600), st.integers(1, 7200)), min_size=1, max_size=6)):
        start = at + timedelta(seconds=gap)
        at = start + timedelta(seconds=length)
        found.append(Slot(start, at, draw(values)))
    return Series(tuple(found))


@st.composite
def potentials(draw: st.DrawFn) -> Potential:
    """Give any potential."""
    return Potential(
        flex_product=draw(IDS),
        power=draw(WATTS),
        direction=draw(st.sampled_from(Direction)),
        mobilization_delay=draw(SPANS),
        max_duration=draw(st.none() | SPANS),
        activations_per_day=draw(st.none() | st.integers(0, 99)),
        time_periods=tuple(Stretch(one.start, one.end) for one in draw(rows())) if draw(st.booleans()) else (),
        recovery=draw(SPANS),
        gaps=draw(st.booleans()),
    )


PRICES = st.none() | st.decimals(-1, 5, places=6)
CONSUMED = st.builds(
    Consumed,
    power=st.none() | WATTS,
    energy=st.none() | WATTS,
    baseline=st.none() | WATTS,
    quality=st.sampled_from(Quality),
)
SAID: dict[str, st.SearchStrategy[Any]] = {
    "request": st.builds(Request, id=IDS, flex_product=IDS, power=rows(), direction=st.sampled_from(Direction)),
    "confirmation": st.builds(Confirmation, flex_product=IDS, power=rows(), ack_price=PRICES),
    "offer": st.builds(Offer, power=rows(), expires_at=INSTANTS, mobilization_delay=SPANS, price=PRICES),
    "bacs": st.builds(Bacs, id=IDS, name=st.text("abcé ", max_size=9), description=st.just("")),
    "asset": st.builds(
        Asset,
        id=IDS,
        bacs_id=IDS,
        potentials=st.lists(potentials(), min_size=1, max_size=3).map(tuple),
        parent=st.none() | IDS,
    ),
    "consumption": st.builds(Consumption, steps=rows(CONSUMED), aggregation=st.none() | st.sampled_from(Aggregation)),
}


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_again(kind: str, dialect: Dialect, data: st.DataObject) -> None:
    """In both dialects, through the text of JSON, whatever the zone does then."""
    value = data.draw(SAID[kind])
    body = json.loads(json.dumps(getattr(Writer(dialect, PARIS), kind)(value)))
    assert getattr(Reader(dialect, PARIS), kind)(body) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-03-29T02:30:00"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*NATIVE_BODY, "start", "end", "ackPrice", "potential", "unit", "value", "x"]), inner
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", SAID)
@settings(max_examples=60, deadline=None)
@given(body=JSON, zone=st.sampled_from([PARIS, UTC, timezone(timedelta(hours=-11))]), data=st.data())
def test_any_body_is_read_or_refused(kind: str, body: object, zone: Any, data: st.DataObject) -> None:  # noqa: ANN401
    """And nothing else is raised; also of a good body with one member changed."""
    reader = Reader(data.draw(st.sampled_from([*DIALECTS.values()])), zone)
    good = Writer(EMULATOR_2025, zone)
    changed = getattr(good, kind)(data.draw(SAID[kind]))
    changed[data.draw(st.sampled_from([*changed]))] = body
    for one in (body, changed):
        with suppress(RefusedError):
            getattr(reader, kind)(one)
            continue
        assert all(place == "" or place[0] == "/" for place, _ in wrong(reader, kind, one))
