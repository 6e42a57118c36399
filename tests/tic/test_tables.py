"""The tables of the meters, and the forms that their data take: what fits, and above all what does not."""

from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.flex_ready.tic.forms import (
    Code,
    Date,
    Digits,
    DynamicEdge,
    Form,
    Glued,
    Identifier,
    Measure,
    Nothing,
    Profile,
    Register,
    SignedDecimal,
    Text,
    parse_date,
    parse_horodate,
)
from custom_components.flex_ready.tic.model import DatedPeriod, DayProfile, Meter, Stamp
from custom_components.flex_ready.tic.stge import read_stge
from custom_components.flex_ready.tic.tables import TABLES, Label, Table

ROWS = [(table, row) for table in TABLES.values() for row in table.labels]
_BY_NAME = {(table.meter, row.label): row for table, row in ROWS}


def at(text: str) -> datetime:
    """Read a local date."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("meter", Meter)
def test_every_row_says_what_it_is_and_who_says_so(meter: Meter) -> None:
    """In English and in French, with a source, under a label that a meter can send."""
    table = TABLES[meter]
    assert table.meter is meter
    for row in table.labels:
        assert row.en
        assert row.fr
        assert row.source
        assert 0 < len(row.label) <= 9
        assert row.label.isascii()
        assert row.label.isprintable()
        assert " " not in row.label
    assert table.openers <= {row.label for row in table.labels}


@pytest.mark.parametrize("meter", Meter)
def test_no_two_rows_read_the_same(meter: Meter) -> None:
    """A user could not tell them apart in either language."""
    table = TABLES[meter]
    for said in ({row.en for row in table.labels}, {row.fr for row in table.labels}):
        # An ICE has its clock under either of two labels.
        assert len(said) == len(table.labels) - (meter is Meter.ICE)


def test_a_pme_pmi_has_75_labels_in_the_order_of_the_meter() -> None:
    """tic.md 2.3, that is Enedis-NOI-CPT_02E."""
    labels = [row.label for row in TABLES[Meter.PME_PMI].labels]
    assert len(labels) == 75
    assert labels[:4] == ["TRAME", "ADS", "MESURES1", "DATE"]
    assert labels[22:25] == ["DATEPA1", "PA1_s", "PA1_i"]
    assert labels[55:58] == ["PS", "PREAVIS", "PA1MN"]
    assert labels[-1] == "EaP-1_s2"


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_the_case_of_a_label_is_the_meters_own(change: type[str]) -> None:
    """Real PME-PMI spell EAP_s2 what the document spells EaP_s2."""
    for table, row in ROWS:
        assert table.find(change(row.label)) is row


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("EAp_1SD", "EAp_1SD"),
        ("EAP1SD", "EAp_1SD"),
        ("EA_8SF", "EAp_8SF"),
        ("EAP_2_SD", "EAp_2SD"),
        ("PSp3", "PSp3"),
        ("PS3", "PSp3"),
        ("PS_P3", "PSp3"),
        ("LIB_p4D", "LIB_p4D"),
        ("LIB_4D", "LIB_p4D"),
        ("LIBP4_F", "LIB_p4F"),
        ("LIB_p9D", None),
        ("PS0", None),
    ],
)
def test_a_saphir_may_spell_its_periods_as_it_likes(sent: str, key: str | None) -> None:
    """Nobody has published a frame."""
    row = TABLES[Meter.SAPHIR].find(sent)
    assert (row and row.label) == key


def test_two_rows_of_one_spelling_are_a_mistake() -> None:
    """The table says so at import."""
    row = _BY_NAME[Meter.PME_PMI, "PS"]
    twin = Label("ps", row.form, row.en, row.fr, row.when, row.source)
    with pytest.raises(ValueError, match="two rows"):
        Table(Meter.PME_PMI, (row, twin), frozenset())


_PERIOD = Code(frozenset(("HPE", "P")), r" {0,2}[A-Z0-9]{1,3} {0,2}")
_NOTHING_PROGRAMMED = DatedPeriod(None, "XXX")

FITS: list[tuple[Form, str, object, str | None]] = [
    (Digits(5, "VA"), "00519", 519, "VA"),
    (Identifier(12), "041436028024", "041436028024", None),
    (Glued("kVA", "kW"), "42kVA", 42, "kVA"),
    (Glued("kVA", "kW"), "0kW", 0, "kW"),
    (Measure("kWh"), "0026224kWh", 26224, "kWh"),
    (Measure("kWh"), "0026224", 26224, "kWh"),
    (Measure("kvar"), "-00013kvar", -13, "kvar"),
    (Measure("kW"), "00044kW*", 44, "kW"),
    (Measure("%"), "90 %", 90, "%"),
    (Measure(None), "00,30", Decimal("0.30"), None),
    (SignedDecimal(), "-0,39", Decimal("-0.39"), None),
    (SignedDecimal(), "+1,20", Decimal("1.20"), None),
    (_PERIOD, "P  ", "P", None),
    (_PERIOD, "JA ", "JA", None),
    (Code(frozenset(("ACTIF",)), "", closed=True), "  ACTIF", "ACTIF", None),
    (Text(16), " HC et Week-End ", "HC et Week-End", None),
    (Text(16, empty=True), "                ", "", None),
    (Date(), "26/08/16 10:29:20", Stamp(at("2016-08-26T10:29:20")), None),
    (Date(), "26/08/16 10/29/20", Stamp(at("2016-08-26T10:29:20")), None),
    (Nothing(), "", None, None),
    (DynamicEdge(), "01/12/16 07:00:00-PM ", DatedPeriod(Stamp(at("2016-12-01T07:00:00")), "PM"), None),
    (DynamicEdge(), "XX/XX/XX XX:XX:XX-XXX", _NOTHING_PROGRAMMED, None),
    (DynamicEdge(), "--/--/-- --:--:---XXX", _NOTHING_PROGRAMMED, None),
    (DynamicEdge(), "00/00/00 00:00:00-XXX", _NOTHING_PROGRAMMED, None),
    (Profile(), "00008002 0256C001 NONUTILE", DayProfile((("0000", "8002"), ("0256", "C001"))), None),
    (Profile(), "NONUTILE NONUTILE", DayProfile(()), None),
    (Register(8, lambda word: {"word": word}), "003A8000", {"word": 0x3A8000}, None),
]

MISFITS: list[tuple[Form, str]] = [
    *((Digits(5, "VA"), data) for data in ("519", "005190", "0051x", "", "-0519", "00 19", "٠٠٥١٩")),
    *((Identifier(12), data) for data in ("041436028", "0414360280241", "04143602802A", "")),
    *((Glued("Wh"), data) for data in ("422", "422kWh", "422wh", "0422Wh", "-422Wh", "422 Wh", "Wh", "12345678901Wh")),
    *((Measure("kWh"), data) for data in ("", "kWh", "26224Wh", "26,2244kWh", "2 6kWh", "26k7h", "26kWhkWh", "x26kWh")),
    (Measure(None), "30kWh"),
    *((SignedDecimal(), data) for data in ("0.39", "0,", ",39", "--0,39", "0,39 ", "12", "1234,5")),
    *((_PERIOD, data) for data in ("", "   ", "HPEX", "hpe", "H`E", "HP-")),
    (Code(frozenset(("ACTIF",)), "", closed=True), "ACTI"),
    (Text(16), " " * 16),
    (Text(16, empty=True), "x" * 17),
    *(
        (Date(), data)
        for data in ("31/02/16 10:29:20", "26/08/16 24:00:00", "26-08-16 10:29:20", "26/08/16", "", "260816")
    ),
    (Nothing(), " "),
    *((DynamicEdge(), data) for data in ("01/12/16 07:00:00", "32/12/16 07:00:00-PM", "01/12/16 07:00:00-PMXX", "")),
    *((Profile(), data) for data in ("", "0000800", "24008002", "00608002", "0000800g", "NONUTILE,NONUTILE")),
    *(
        (Register(8, lambda word: {"word": word}), data)
        for data in ("003A800", "003A80000", "003a8000", "003A800G", "-03A8000")
    ),
]


@pytest.mark.parametrize(("form", "data", "value", "unit"), FITS)
def test_what_fits_a_form_has_its_value(form: Form, data: str, value: object, unit: str | None) -> None:
    """Typed, with the unit in the bytes or that of the table."""
    assert form.parse(data) == (value, unit)


@pytest.mark.parametrize(("form", "data"), MISFITS)
def test_what_does_not_fit_a_form_has_none(form: Form, data: str) -> None:
    """It is what stands between a collision of the checksum and a wrong value."""
    assert form.parse(data) is None


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("H191203125805", Stamp(at("2019-12-03T12:58:05"), 1)),
        ("E170915101601", Stamp(at("2017-09-15T10:16:01"), 2)),
        ("e170915101601", Stamp(at("2017-09-15T10:16:01"), 2, degraded=True)),
        ("h191203125805", Stamp(at("2019-12-03T12:58:05"), 1, degraded=True)),
        (" 191203125805", Stamp(at("2019-12-03T12:58:05"))),
        ("X191203125805", None),
        ("H191303125805", None),
        ("H19120312580", None),
    ],
)
def test_the_date_of_a_group_tells_its_season(text: str, stamp: Stamp | None) -> None:
    """In lower case where the clock is degraded; a space where there is none (mobile peak)."""
    assert parse_horodate(text) == stamp


def test_a_date_keeps_to_its_form() -> None:
    """Nothing before it, nothing behind it."""
    assert parse_date(" 26/08/16 10:29:20") is None
    assert parse_date("26/08/16 10:29:20 ") is None


def _stge(**bits: int) -> dict[str, object]:
    """Read a word with some bits set, given as `b<low>=<value>`."""
    return dict(read_stge(sum(value << int(name[1:]) for name, value in bits.items())))


def test_every_field_of_stge() -> None:
    """Enedis-NOI-CPT_54E 6.2.3.14, the word of all zeros first."""
    assert _stge() == {
        "dry_contact": "closed",
        "breaker": "closed",
        "terminal_cover": "closed",
        "overvoltage": False,
        "over_reference_power": False,
        "producer": False,
        "exporting": False,
        "supplier_index": 1,
        "distributor_index": 1,
        "clock_degraded": False,
        "tic_mode": "historique",
        "euridis_output": "off",
        "plc_state": "new_or_unlocked",
        "plc_synchronised": False,
        "tempo_today": "none",
        "tempo_tomorrow": "none",
        "mobile_peak_notice": 0,
        "mobile_peak": 0,
    }


@pytest.mark.parametrize(
    ("bits", "name", "value"),
    [
        ({"b0": 1}, "dry_contact", "open"),
        ({"b1": 1}, "breaker", "open_overload"),
        ({"b1": 6}, "breaker", "open_overheating_under_limit"),
        ({"b1": 7}, "breaker", "unknown"),
        ({"b4": 1}, "terminal_cover", "open"),
        ({"b6": 1}, "overvoltage", True),
        ({"b7": 1}, "over_reference_power", True),
        ({"b8": 1}, "producer", True),
        ({"b9": 1}, "exporting", True),
        ({"b10": 9}, "supplier_index", 10),
        ({"b14": 3}, "distributor_index", 4),
        ({"b16": 1}, "clock_degraded", True),
        ({"b17": 1}, "tic_mode", "standard"),
        ({"b19": 1}, "euridis_output", "on"),
        ({"b19": 2}, "euridis_output", "unknown"),
        ({"b19": 3}, "euridis_output", "on_secured"),
        ({"b21": 2}, "plc_state", "registered"),
        ({"b21": 3}, "plc_state", "unknown"),
        ({"b23": 1}, "plc_synchronised", True),
        ({"b24": 1}, "tempo_today", "blue"),
        ({"b26": 3}, "tempo_tomorrow", "red"),
        ({"b28": 2}, "mobile_peak_notice", 2),
        ({"b30": 3}, "mobile_peak", 3),
    ],
)
def test_each_bit_of_stge_moves_its_own_field_alone(bits: dict[str, int], name: str, value: object) -> None:
    """A bit read in the wrong place would move another."""
    assert _stge(**bits) == _stge() | {name: value}
