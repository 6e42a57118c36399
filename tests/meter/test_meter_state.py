"""What is made of frames (pure): presence, absence, indexes, time, powers. Frames are composed by the emulator."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from conftest import PME_FRAME, compose
import pytest

from custom_components.flex_ready.meter.descriptions import SENSORS
from custom_components.flex_ready.meter.makers import maker_of
from custom_components.flex_ready.meter.quality import Quality
from custom_components.flex_ready.meter.readings import contract_power, measured_power, period, td_overrun, tempo
from custom_components.flex_ready.meter.state import MeterState
from custom_components.flex_ready.tic import Counts, Frame, Group, Meter, Reject
from emulator.meter import MeterConfig, frames
from emulator.meter.wire import Layout

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 1, 12, 7, 2, 30, tzinfo=UTC)
LINKY = {"ADCO": "042164296031", "OPTARIF": "HC..", "ISOUSC": "45", "HCHC": "000001000", "HCHP": "000002000"} | {
    "PTEC": "HP..",
    "IINST": "012",
    "IMAX": "060",
    "PAPP": "02800",
}
THREE_PHASE = {"ADCO": "042175296031", "OPTARIF": "BASE", "ISOUSC": "20", "BASE": "000001000", "PTEC": "TH.."} | {
    "IINST1": "012",
    "IINST2": "011",
    "IINST3": "010",
    "PAPP": "07600",
}
SHORT = {"ADCO": "042175296031", "IINST1": "021", "IINST2": "011", "IINST3": "010"}


class Line:
    """A meter's state and the line that feeds it, a frame every 8 s."""

    def __init__(self, layout: Layout = Layout.SP) -> None:
        self.state = MeterState(PARIS)
        self.layout = layout
        self.monotonic = 1000.0
        self.host = START

    def feed(self, data: bytes, seconds: float = 8) -> None:
        """Let time pass, then take bytes."""
        self.monotonic += seconds
        self.host += timedelta(seconds=seconds)
        for event in self.state.decoder.feed(data):
            match event:
                case Frame():
                    self.state.take(event, monotonic=self.monotonic, host=self.host)

    def frame(self, groups: dict[str, str], seconds: float = 8) -> None:
        """Take a whole frame."""
        self.feed(compose(groups, self.layout), seconds)

    def damaged(self, groups: dict[str, str]) -> None:
        """Take a frame whose last group is damaged."""
        data = compose(groups, self.layout)
        self.feed(data[:-4] + bytes([data[-4] ^ 1]) + data[-3:])

    def wh(self, key: str) -> int | None:
        """Return an index."""
        index = self.state.book.indexes.get(key)
        return index.wh if index else None


def before(groups: dict[str, str], label: str, added: dict[str, str]) -> dict[str, str]:
    """Add groups before a label."""
    at = list(groups).index(label)
    return dict([*list(groups.items())[:at], *added.items(), *list(groups.items())[at:]])


WARNING = before(PME_FRAME, "PTCOUR2", {"PREAVIS": "DEP"})


# Labels that are only sent while they are true.


def test_a_warning_is_judged_on_whole_frames() -> None:
    """Sent: on; missing from a whole frame: off; missing where something was damaged: not yet."""
    line = Line()
    line.feed(compose(PME_FRAME)[1:])
    assert line.state.present("PREAVIS") is None
    line.frame(PME_FRAME)
    assert line.state.present("PREAVIS") is False
    line.frame(WARNING)
    assert line.state.present("PREAVIS") is True
    line.damaged(PME_FRAME)
    line.damaged(PME_FRAME)
    assert line.state.present("PREAVIS") is True
    line.damaged(PME_FRAME)
    assert line.state.present("PREAVIS") is False
    line.frame(WARNING)
    line.frame(PME_FRAME)
    assert line.state.present("PREAVIS") is False


def test_a_cut_frame_says_nothing_of_what_is_missing() -> None:
    """Neither its beginning nor its end may be missing."""
    line = Line()
    line.frame(WARNING)
    whole = compose(PME_FRAME)
    for _ in range(5):
        line.feed(whole[1:])
        line.feed(whole[:-1])
    assert line.state.present("PREAVIS") is True
    assert line.state.number("PS") == 42


def test_overcurrent_of_a_single_phase() -> None:
    """ADPS, between IINST and IMAX."""
    line = Line()
    line.frame(LINKY)
    assert line.state.present("ADPS") is False
    line.frame(before(LINKY, "IMAX", {"ADPS": "047"}))
    assert line.state.present("ADPS") is True
    line.frame(LINKY)
    assert line.state.present("ADPS") is False


def test_overcurrent_of_a_phase_stays_through_the_long_frames() -> None:
    """Cycles of 20 short frames and a long one, which has no ADIR; a minute without ADIR; then long frames alone."""
    line = Line()
    line.frame(THREE_PHASE)
    line.frame(THREE_PHASE)
    assert [line.state.present(f"ADIR{n}") for n in (1, 2, 3)] == [False] * 3
    for _ in range(20):
        line.frame({"ADIR1": "021"} | SHORT)
    line.frame(THREE_PHASE)
    assert [line.state.present(f"ADIR{n}") for n in (1, 2, 3)] == [True, False, False]
    line.frame({"ADIR1": "021", "ADIR2": "021"} | SHORT)
    assert [line.state.present(f"ADIR{n}") for n in (1, 2, 3)] == [True, True, False]
    for _ in range(20):
        line.frame(SHORT)
    assert [line.state.present(f"ADIR{n}") for n in (1, 2, 3)] == [False] * 3
    assert line.state.number("PAPP") == 7600
    assert line.wh("energy_index_base") == 1000


def test_overcurrent_ends_with_two_long_frames() -> None:
    """Where no short frame says so."""
    line = Line()
    line.frame({"ADIR3": "021"} | SHORT)
    line.frame(THREE_PHASE)
    line.frame(THREE_PHASE)
    assert line.state.present("ADIR3") is False


# Labels that go, and labels that nobody knows.


def test_a_label_that_is_gone_is_unknown_after_three_frames() -> None:
    """A damaged group is not a label that is gone."""
    line = Line()
    line.frame(PME_FRAME | {"PA1MN": "7kW"})
    line.frame(PME_FRAME)
    line.frame(PME_FRAME)
    assert line.state.number("PA1MN") == 7
    line.frame(PME_FRAME | {"PA1MN": "8kW"})
    line.frame(PME_FRAME)
    line.frame(PME_FRAME)
    assert line.state.number("PA1MN") == 8
    line.frame(PME_FRAME)
    assert line.state.number("PA1MN") is None


def test_an_unknown_label_is_kept_for_diagnostics_once_it_came_twice() -> None:
    """It is no value."""
    line = Line()
    line.frame(PME_FRAME)
    line.frame(PME_FRAME | {"NEWTHING": "7kW"})
    assert not line.state.unknown
    line.frame(PME_FRAME | {"NEWTHING": "8kW"})
    assert line.state.unknown == {"NEWTHING": "8kW"}
    assert line.state.group("NEWTHING") is None


def test_unknown_labels_are_bounded() -> None:
    """A line that invents labels fills no memory."""
    line = Line()
    line.frame(PME_FRAME)
    for start in range(0, 2000, 20):
        invented = {f"X{number}": "1" for number in range(start, start + 20)}
        line.frame(PME_FRAME | invented)
        line.frame(PME_FRAME | invented)
    assert len(line.state.unknown) == 64
    assert len(line.state._met) < 300
    assert line.state.number("PS") == 42


def test_power_goes_with_its_label() -> None:
    """The slope of an energy that is not sent any more is no power."""
    line = Line()
    for number in range(6):
        line.frame(PME_FRAME | {"DATE": f"12/01/26 08:02:{10 * number:02}", "EA_s": f"{100 + 20 * number}Wh"}, 10)
    assert measured_power(line.state, "EA_s") == 7200
    without = {label: data for label, data in PME_FRAME.items() if label != "EA_s"}
    for _ in range(3):
        line.frame(without)
    assert measured_power(line.state, "EA_s") is None


# Indexes.


def test_an_index_is_kept_while_another_period_runs() -> None:
    """Each under its period; the supplier's apart."""
    line = Line()
    line.frame(PME_FRAME)
    line.frame(PME_FRAME | {"PTCOUR1": "HCH", "EAP_s": "120kWh"})
    line.frame(PME_FRAME | {"PTCOUR1": "HCH", "EAP_s": "121kWh"})
    assert {key: index.wh for key, index in line.state.book.indexes.items()} == {
        "energy_distributor_hph": 9_649_000,
        "energy_distributor_hch": 121_000,
        "energy_supplier_hph": 9_000_000,
    }


def test_a_period_that_comes_once_is_none() -> None:
    """A damaged code that verifies; the first period of all is believed, so that something is there at once."""
    line = Line()
    line.frame(PME_FRAME)
    for code in ("HPD", "HPE", "HPD"):
        line.frame(PME_FRAME | {"PTCOUR1": code})
        line.frame(PME_FRAME)
    assert sorted(line.state.book.indexes) == ["energy_distributor_hph", "energy_supplier_hph"]


@pytest.mark.parametrize("code", ["000", "XXX", "?"])
def test_no_period_has_no_index(code: str) -> None:
    """What stands for no period is none."""
    line = Line()
    line.frame(PME_FRAME | {"PTCOUR1": code})
    assert list(line.state.book.indexes) == ["energy_supplier_hph"]


@pytest.mark.parametrize("wrong", ["12kWh", "9650000kWh"])
def test_an_impossible_step_is_not_believed_until_it_insists(wrong: str) -> None:
    """Backwards, or more than any building draws: three frames in a row must agree."""
    line = Line()
    line.frame(PME_FRAME)
    for _ in range(2):
        line.frame(PME_FRAME | {"EAP_s": wrong})
    assert line.wh("energy_distributor_hph") == 9_649_000
    line.frame(PME_FRAME)
    for _ in range(2):
        line.frame(PME_FRAME | {"EAP_s": wrong})
    assert line.wh("energy_distributor_hph") == 9_649_000
    line.frame(PME_FRAME | {"EAP_s": wrong})
    assert line.wh("energy_distributor_hph") == int(wrong.removesuffix("kWh")) * 1000


def test_impossible_steps_that_disagree_are_never_believed() -> None:
    """Damage that comes again and again is another one each time."""
    line = Line()
    line.frame(PME_FRAME)
    for number in range(9):
        line.frame(PME_FRAME | {"EAP_s": f"{(1, 5000, 90)[number % 3]}kWh"})
    assert line.wh("energy_distributor_hph") == 9_649_000


def test_a_long_absence_makes_a_long_step_possible() -> None:
    """What was drawn while nobody listened."""
    line = Line()
    line.frame(LINKY)
    line.frame(LINKY | {"HCHP": "000040000"}, 3600)
    assert line.wh("energy_index_hchp") == 40_000


def test_unused_periods_of_a_saphir_are_no_entities() -> None:
    """It has room for eight."""
    line = Line(Layout.HT)
    line.feed(next(frames(MeterConfig(meter="saphir"))).data)
    assert {key: index.name for key, index in line.state.book.indexes.items()} == {
        f"energy_{grid}_{number}": name
        for grid in ("distributor", "supplier")
        for number, name in enumerate(("P", "HPH", "HCH", "HPE", "HCE"), 1)
    }


def test_unused_indexes_of_a_linky_are_no_entities() -> None:
    """A standard Linky sends all ten, at zero where the contract has no such period."""
    line = Line(Layout.HT)
    play = frames(MeterConfig(meter="linky-standard", producer=True))
    line.feed(next(play).data)
    assert sorted(line.state.book.indexes) == [
        *(f"energy_distributor_{number:02}" for number in range(1, 5)),
        *("energy_supplier_01", "energy_supplier_02", "energy_total_eait", "energy_total_east"),
    ]


# The overrun of the running Td, in integers.


@pytest.mark.parametrize(
    ("subscribed", "td", "energy", "over"),
    [
        ("42kVA", 5, "3500VAh", False),  # 3500 x 60 = 42 x 1000 x 5
        ("42kVA", 5, "3501VAh", True),
        ("42kVA", 10, "7000VAh", False),
        ("42kVA", 10, "7001VAh", True),
        ("43kVA", 5, "3583VAh", False),  # 3583.33…
        ("43kVA", 5, "3584VAh", True),
    ],
)
def test_an_overrun_begins_exactly_at_the_threshold(subscribed: str, td: int, energy: str, *, over: bool) -> None:
    """E(Td) x 60 > PS x 1000 x Td."""
    line = Line()
    line.frame(PME_FRAME | {"PS": subscribed, "EAPP_s": energy})
    assert td_overrun(line.state) is None
    line.state.td.td = td
    assert td_overrun(line.state) is over


def test_an_overrun_of_active_power() -> None:
    """Where PS is in kW it is the active energy that counts."""
    line = Line()
    line.frame(PME_FRAME | {"PS": "42kW", "EA_s": "3501Wh", "EAPP_s": "9999VAh"})
    line.state.td.td = 5
    assert td_overrun(line.state) is True
    line.frame(PME_FRAME | {"PS": "42kW", "EA_s": "3500Wh", "EAPP_s": "9999VAh"})
    assert td_overrun(line.state) is False


# Time.


def test_the_october_night_has_no_jump() -> None:
    """From 2 to 3 h twice: the clock goes on, and so does the drift."""
    line = Line()
    line.host = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    drifts, times = [], []
    for _ in range(18):
        now = line.host + timedelta(minutes=10, seconds=3)
        line.frame(PME_FRAME | {"DATE": now.astimezone(PARIS).strftime("%d/%m/%y %H:%M:%S")}, 600)
        assert line.state.meter_time
        times.append(line.state.meter_time.astimezone(UTC))
        drifts.append(line.state.drift_s)
    assert drifts == [3.0] * 18
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=10)}
    clock = next(row for row in SENSORS if row.key == "clock")
    assert clock.value_fn(line.state) == times[-1]


def test_a_group_that_is_dated_tells_its_date() -> None:
    """A Linky's clock is the date of a group without data."""
    line = Line(Layout.HT)
    line.feed(next(frames(MeterConfig(meter="linky-standard"))).data)
    assert line.state.when("DATE") == datetime(2026, 1, 12, 7, 2, 30, tzinfo=UTC)
    assert line.state.when("EAST") is None


def test_the_drift_is_that_of_the_clock_s_own_group() -> None:
    """A frame may end 8 s after its date: the meter is not late by that."""
    line = Line()
    line.frame(PME_FRAME)
    data = compose(PME_FRAME | {"DATE": "12/01/26 08:02:47"})
    at = data.index(b"\r", data.index(b"DATE")) + 1
    (*_, date) = line.state.decoder.feed(data[:at])
    assert isinstance(date, Group)
    line.state.hear(date, monotonic=line.monotonic + 9, host=line.host + timedelta(seconds=9))
    line.feed(data[at:], 16)
    assert line.state.drift_s == 0


# Values.


def test_numbers_texts_and_fields() -> None:
    """Each only what it is."""
    line = Line()
    line.frame(PME_FRAME | {"TGPHI_s": "-0,39"})
    state = line.state
    assert state.groups["TGPHI_s"].value == Decimal("-0.39")
    assert (state.number("TGPHI_s"), state.number("PS"), state.number("PTCOUR1")) == (-0.39, 42, None)
    assert (state.text("PTCOUR1"), state.text("PS"), state.field("breaker")) == ("HPH", None, None)


@pytest.mark.parametrize(("code", "told"), [("HPE", "hpe"), ("000", "none"), ("ZZ9", "other")])
def test_a_period_is_one_of_those_that_are_named(code: str, told: str) -> None:
    """Or another."""
    line = Line()
    line.frame(PME_FRAME | {"PTCOUR1": code})
    assert period(line.state, "PTCOUR1") == told


@pytest.mark.parametrize(("sent", "told"), [("BLEU", "blue"), ("BLAN", "white"), ("ROUG", "red"), ("----", "none")])
def test_the_colour_of_tomorrow(sent: str, told: str) -> None:
    """As a Linky in historique mode spells it."""
    line = Line()
    line.frame(LINKY | {"OPTARIF": "BBR(", "DEMAIN": sent})
    assert tempo(line.state, "tempo_tomorrow") == told
    assert tempo(line.state, "tempo_today") is None


def saphir(running: str, powers: Sequence[int]) -> dict[str, str]:
    """Compose a SAPHIR with some periods."""
    names = ("P", "HPH", "HCH")
    return {
        "DATE": "12/01/26 08:02:30",
        "KDC": "90%",
        "KDCD": "80%",
        **{f"PSp{n}": f"{power}kW" for n, power in enumerate(powers, 1)},
        "PTCOURD": running,
        **{f"LIB_p{n}D": name for n, name in enumerate(names, 1)},
        "EAS": "100Wh",
    }


@pytest.mark.parametrize(("running", "told"), [("P", 200), ("HPH", 220), ("HCH", 250), ("ZZ9", None)])
def test_the_subscribed_power_of_a_saphir_is_that_of_the_period(running: str, told: int | None) -> None:
    """One per period, found by the period's name."""
    line = Line(Layout.HT)
    line.frame(saphir(running, (200, 220, 250)))
    assert line.state.meter is Meter.SAPHIR
    assert contract_power(line.state, "kW") == told
    assert contract_power(line.state, "kVA") is None


@pytest.mark.parametrize(
    ("serial", "maker"),
    [("041436296031", "Landis+Gyr"), ("021436296031", "Sagemcom"), ("991436296031", None), ("04", None), (None, None)],
)
def test_who_made_a_meter(serial: str | None, maker: str | None) -> None:
    """Told by the first two digits of twelve."""
    assert maker_of(serial) == maker


# The line's quality.


def test_the_share_of_bad_groups_is_that_of_the_last_hour() -> None:
    """None before enough was seen; what is older than an hour is forgotten."""
    watch = Quality()

    def share(now: float, good: int, bad: int) -> float | None:
        watch.count(now, Counts(groups=good, rejected=Counter({Reject.CHECKSUM: bad})))
        return watch.bad_share

    assert share(0, 0, 0) is None
    assert share(60, 400, 99) is None
    assert share(100, 900, 100) is None  # less than a minute after the last one: not noted
    assert share(120, 900, 100) == 0.1
    assert share(3650, 1900, 100) == pytest.approx(1 / 1501)
