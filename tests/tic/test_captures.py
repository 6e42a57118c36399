"""Captured bytes of real meters, where they are beside this checkout: what INDEX.md says, however they are cut."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.tic import DayProfile, Decoder, Event, Frame, Group, Meter, Reject, Stamp
from emulator.meter.wire import EVEN_PARITY

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "tic"
pytestmark = pytest.mark.skipif(not CAPTURES.exists(), reason="no captures beside this checkout")

INDEX = {
    "pme-pmi-capture": (Meter.PME_PMI, 494, 0),
    "linky-historique-base": (Meter.LINKY_HISTORIQUE, 9, 0),
    "linky-historique-hchp": (Meter.LINKY_HISTORIQUE, 11, 0),
    "linky-standard-lab": (Meter.LINKY_STANDARD, 38, 0),
    "linky-standard-weekend": (Meter.LINKY_STANDARD, 38, 0),
    # Damaged lines, twice over but for one: four groups could be saved by their CR, four are bad.
    "linky-standard-damaged": (Meter.LINKY_STANDARD, 8, 4),
}


def captured(name: str) -> bytes:
    """Read a capture."""
    return (CAPTURES / f"{name}.bin").read_bytes()


def decoded(pieces: list[bytes]) -> list[Event]:
    """Decode all of a capture."""
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def values(name: str) -> dict[str, object]:
    """Give the values of a capture's first complete frame."""
    frame = next(event for event in decoded([captured(name)]) if isinstance(event, Frame) and event.complete)
    return {key: group.value for key, group in frame.by_key().items()}


@pytest.mark.parametrize("name", INDEX)
def test_a_capture_holds_what_its_index_says(name: str) -> None:
    """The meter, the groups that verify, and those that do not."""
    decoder = Decoder()
    events = decoder.feed(captured(name))
    meter, groups, bad = INDEX[name]
    assert (decoder.meter, decoder.counts.groups, decoder.counts.bad_groups) == (meter, groups, bad)
    assert sum(isinstance(event, Group) for event in events) == groups
    assert all(event.known for event in events if isinstance(event, Group))


@pytest.mark.parametrize("name", INDEX)
@pytest.mark.parametrize("damage", [EVEN_PARITY, bytes(byte | 0x80 for byte in range(256))])
def test_bit_7_means_nothing(name: str, damage: bytes) -> None:
    """A gateway set to 8N1 delivers the parity there."""
    assert decoded([captured(name).translate(damage)]) == decoded([captured(name)])


@pytest.mark.parametrize("name", INDEX)
def test_byte_by_byte_is_the_same_as_at_once(name: str) -> None:
    """The groups, the frames and their order."""
    data = captured(name)
    assert decoded([data[at : at + 1] for at in range(len(data))]) == decoded([data])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_capture_may_be_cut_anywhere(data: st.DataObject) -> None:
    """Hypothesis chooses the capture, the cuts and which pieces carry a bit 7."""
    whole = captured(data.draw(st.sampled_from(sorted(INDEX))))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=40)))
    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    marked = [piece.translate(EVEN_PARITY) if data.draw(st.booleans()) else piece for piece in pieces]
    assert decoded(marked) == decoded([whole])


def test_the_real_pme_pmi() -> None:
    """Landis+Gyr, BT > 36 kVA, upper-case spelling of the indexes."""
    frames = [event for event in decoded([captured("pme-pmi-capture")]) if isinstance(event, Frame)]
    assert [frame.complete for frame in frames] == [False, *[True] * 10, False]
    assert all(frame.whole and len(frame.groups) == 44 for frame in frames[1:-1])
    first, last = frames[1].by_key(), frames[-2].by_key()
    wanted = {
        "ADS": ("041436028024", None),
        "MESURES1": ("BT 4 SUP36", None),
        "DATE": (Stamp(datetime.fromisoformat("2016-08-26T10:29:04")), None),
        "EA_s": (422, "Wh"),
        "PTCOUR1": ("HPE", None),
        "PS": (42, "kVA"),
        "EAP_s": (9649, "kWh"),
        "EaP_s2": (9649, "kWh"),
        "ER-P_s": (7350, "kvarh"),
        "PA1MN": (6, "kW"),
        "PMAX_s": (15, "kVA"),
        "TGPHI_s": (Decimal("-0.39"), None),
    }
    assert {key: (first[key].value, first[key].unit) for key in wanted} == wanted
    assert first["EaP_s2"].label == "EAP_s2"
    # A Td top fell in between.
    assert [frame.by_key()["EA_s"].value for frame in frames[6:9]] == [513, 531, 2]
    assert (last["TGPHI_s"].value, last["PA1MN"].value) == (Decimal("-0.42"), 8)


def test_the_real_linky_in_historique_mode() -> None:
    """HC/HP; the checksum of one group is a space."""
    got = values("linky-historique-hchp")
    assert got["HCHP"] == 2_784_502
    assert (got["OPTARIF"], got["PTEC"], got["PAPP"], got["ISOUSC"]) == ("HC..", "HP..", 180, 15)


def test_the_real_linky_in_standard_mode() -> None:
    """Padded texts, dates with their season, the profile of tomorrow, the status register."""
    got = values("linky-standard-weekend")
    assert (got["NGTF"], got["LTARF"], got["EAST"], got["SINSTS"]) == (
        "HC et Week-End",
        "HEURE  CREUSE",
        17_026_175,
        519,
    )
    steps = ("0000", "8002"), ("0256", "C001"), ("0756", "8002"), ("1156", "C001"), ("1456", "8002")
    assert got["PJOURF+1"] == DayProfile(steps)
    status = got["STGE"]
    assert isinstance(status, dict)
    assert (status["distributor_index"], status["euridis_output"], status["plc_state"]) == (
        3,
        "on_secured",
        "new_locked",
    )
    groups = {event.key: event for event in decoded([captured("linky-standard-weekend")]) if isinstance(event, Group)}
    assert groups["DATE"].value is None
    assert groups["DATE"].at == Stamp(datetime.fromisoformat("2019-12-03T12:58:05"), 1)
    assert groups["SMAXSN"].at == Stamp(datetime.fromisoformat("2019-12-03T03:21:58"), 1)


def test_the_damaged_lines_are_saved_or_told_apart() -> None:
    """LF as 0x0B, 0x0E or 0x0F costs nothing; the others are dropped, each with its reason."""
    decoder = Decoder()
    events = decoder.feed(captured("linky-standard-damaged"))
    keys = [event.key for event in events if isinstance(event, Group)]
    assert keys == ["EASF03", "EASF04", "IRMS3", "URMS1", "EASF03", "EASF04", "NJOURF+1", "PJOURF+1"]
    assert decoder.counts.rejected == {Reject.CHECKSUM: 2, Reject.SHAPE: 2}
