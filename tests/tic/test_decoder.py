"""The decoder on composed lines: framing, resynchronisation, layouts, recognition, bounds."""

from decimal import Decimal
from itertools import islice
from typing import Literal

import pytest

from custom_components.flex_ready.tic import Decoder, Event, Frame, Group, Meter, Reject
from emulator.meter import MeterConfig, frames, stream
from emulator.meter.config import METERS, MeterName

STX, ETX, EOT = b"\x02", b"\x03", b"\x04"


def line(label: str, data: str, *, separator: str = " ", mode: Literal[1, 2] = 1, at: str | None = None) -> bytes:
    """Write one group as a meter of any layout would."""
    body = separator.join((label, data) if at is None else (label, at, data))
    summed = body + separator if mode == 2 else body
    return f"\n{body}{separator}{chr((sum(summed.encode()) & 0x3F) + 0x20)}\r".encode()


def standard(label: str, data: str, at: str | None = None) -> bytes:
    """Write one group as a Linky in standard mode does."""
    return line(label, data, separator="\t", mode=2, at=at)


ADS, MESURES1 = line("ADS", "041436028024"), line("MESURES1", "BT 4 SUP36")
EA, PS, TGPHI = line("EA_s", "422Wh"), line("PS", "42kVA"), line("TGPHI_s", "-0,39")
PME = STX + ADS + MESURES1 + EA + PS + TGPHI + ETX


def groups_of(events: list[Event]) -> list[Group]:
    """Keep the groups."""
    return [event for event in events if isinstance(event, Group)]


def frames_of(events: list[Event]) -> list[Frame]:
    """Keep the frames."""
    return [event for event in events if isinstance(event, Frame)]


def keys(events: list[Event]) -> list[str]:
    """Name the groups."""
    return [group.key for group in groups_of(events)]


def heard(data: bytes) -> list[Event]:
    """Decode with a decoder of its own."""
    return Decoder().feed(data)


def test_a_group_is_given_with_its_cr_and_a_frame_with_its_etx() -> None:
    """Nothing waits for what comes later."""
    decoder = Decoder()
    assert decoder.feed(STX + ADS[:-1]) == []
    assert keys(decoder.feed(b"\r")) == ["ADS"]
    assert keys(decoder.feed(PME[len(STX + ADS) : -1])) == ["MESURES1", "EA_s", "PS", "TGPHI_s"]
    (frame,) = frames_of(decoder.feed(ETX))
    assert (frame.meter, frame.complete, frame.rejected, frame.whole, frame.short) == (
        Meter.PME_PMI,
        True,
        0,
        True,
        False,
    )
    values = {key: (group.value, group.unit) for key, group in frame.by_key().items()}
    assert values["PS"] == (42, "kVA")
    assert values["EA_s"] == (422, "Wh")
    assert values["TGPHI_s"] == (Decimal("-0.39"), None)


@pytest.mark.parametrize("options", [{}, {"phases": 3, "subscribed_power": 3}, {"producer": True, "tariff": "tempo"}])
@pytest.mark.parametrize("meter", METERS)
def test_every_emulated_meter_comes_out_as_it_was_sent(meter: MeterName, options: dict[str, object]) -> None:
    """Same labels, same data, in order; each in the table; each frame whole."""
    config = MeterConfig(meter=meter, seed=3, **options)  # type: ignore[arg-type]
    decoder = Decoder()
    for sent in islice(frames(config), 60):
        events = decoder.feed(sent.data)
        groups = groups_of(events)
        assert [(group.label, group.raw) for group in groups] == [(group.label, group.data) for group in sent.groups]
        assert all(group.known for group in groups)
        (frame,) = frames_of(events)
        assert frame.groups == tuple(groups)
        assert frame.whole
    assert decoder.meter == meter.replace("-", "_")
    assert not decoder.counts.bad_groups
    assert decoder.counts.frames == decoder.counts.complete_frames == 60


def test_short_frames_of_an_overrun_are_told_from_whole_ones() -> None:
    """A three-phase Linky above its power sends 20 short frames, then a long one."""
    config = MeterConfig(meter="linky-historique", phases=3, subscribed_power=3, seed=3)
    short = [frame.short for frame in frames_of(heard(stream(config, 42)))]
    assert short.count(True) == 40


@pytest.mark.parametrize("lf", [b"", b"\x0b", b"\x0e", b"\x0f", b"\x08\x00"])
def test_a_damaged_lf_costs_nothing(lf: bytes) -> None:
    """Weak signals damage LF most; CR and the checksum are enough."""
    decoder = Decoder()
    events = decoder.feed(PME.replace(b"\n", lf))
    assert keys(events) == ["ADS", "MESURES1", "EA_s", "PS", "TGPHI_s"]
    assert not decoder.counts.bad_groups


def test_a_lost_cr_costs_one_group() -> None:
    """The group behind the lost CR has its own LF and its own checksum: it is good."""
    decoder = Decoder()
    events = decoder.feed(PME.replace(EA, EA[:-1]))
    assert keys(events) == ["ADS", "MESURES1", "PS", "TGPHI_s"]
    assert decoder.counts.bad_groups == 1


def test_frames_without_stx_and_etx_are_cut_at_their_first_label() -> None:
    """A line may have lost them all; such a frame is never complete."""
    decoder = Decoder()
    events = decoder.feed((ADS + MESURES1 + EA + PS) * 3) + decoder.close()
    assert [len(frame.groups) for frame in frames_of(events)] == [4, 4, 4]
    assert not any(frame.complete or frame.whole for frame in frames_of(events))


def test_a_lost_etx_is_made_good_by_the_next_stx() -> None:
    """The frame that lost it is incomplete, the next is not."""
    events = heard(PME[:-1] + PME)
    assert [frame.complete for frame in frames_of(events)] == [False, True]
    assert [len(frame.groups) for frame in frames_of(events)] == [5, 5]


def test_a_lost_stx_leaves_the_frame_incomplete() -> None:
    """Two frames, the second without STX behind the first one's ETX."""
    assert [frame.complete for frame in frames_of(heard(PME + PME[1:] + PME))] == [True, False, True]


@pytest.mark.parametrize("at", range(len(PME)))
def test_eot_anywhere_drops_the_frame_silently(at: int) -> None:
    """The meter is busy: no frame, nothing rejected, and the next frame is good."""
    decoder = Decoder(Meter.PME_PMI)
    decoder.feed(PME)
    events = decoder.feed(PME[:at] + EOT + PME)
    (frame,) = frames_of(events)
    assert frame.whole
    assert len(frame.groups) == 5
    assert decoder.counts.interruptions == 1
    assert not decoder.counts.bad_groups


def test_a_frame_cut_by_stx_counts_its_last_group_as_truncated() -> None:
    """The half group is dropped with its reason, in the frame that it belongs to."""
    decoder = Decoder()
    events = decoder.feed(STX + ADS + MESURES1 + EA[:-4] + PME)
    assert [frame.rejected for frame in frames_of(events)] == [1, 0]
    assert decoder.counts.rejected == {Reject.TRUNCATED: 1}
    assert list(decoder.rejects) == [(Reject.TRUNCATED, EA[:-4])]


@pytest.mark.parametrize("damage", [STX, ETX])
def test_a_character_damaged_into_a_delimiter_does_not_end_the_frame(damage: bytes) -> None:
    """The letter B less one bit is STX; the group is lost, the frame is not."""
    (frame,) = frames_of(heard(PME.replace(b"422Wh", b"4" + damage + b"2Wh")))
    assert (frame.complete, frame.rejected, frame.whole, len(frame.groups)) == (True, 1, False, 4)


def test_nothing_between_two_cr_is_no_group() -> None:
    """Nor is a frame that holds nothing a frame."""
    decoder = Decoder()
    assert decoder.feed(b"\r" + STX + ETX + b"\r" + ETX + b"\r" + PME) == heard(PME)
    assert not decoder.counts.bad_groups


def test_the_line_that_was_cut_by_listening_is_no_fault() -> None:
    """It goes with the dropped bytes, not with the bad groups; so does the one cut at the end."""
    decoder = Decoder()
    decoder.feed(PME[20:] + EA[:5])
    decoder.close()
    assert not decoder.counts.bad_groups
    assert decoder.counts.dropped_bytes == PME.index(b"\r", 20) - 20 + 5


def test_each_bad_group_is_counted_by_reason() -> None:
    """And the rest of the frame is kept."""
    decoder = Decoder()
    bad = EA[:-2] + b"!\r", b"\nEA_s\r", line("PS", "4ZkVA"), b"\n" + b"x" * 300 + b"\r"
    (frame,) = frames_of(decoder.feed(PME[:-1] + b"".join(bad) + ETX))
    assert (frame.complete, frame.whole, frame.rejected, len(frame.groups)) == (True, False, 4, 5)
    assert decoder.counts.rejected == {
        Reject.CHECKSUM: 1,
        Reject.SHAPE: 2,
        Reject.FORMAT: 1,
    }
    assert decoder.counts.bad_groups == 4


def test_unknown_labels_are_kept() -> None:
    """As text without padding, with what was sent beside it."""
    (group,) = groups_of(heard(PME + line("NOUVEAU", " 12 x "))[-1:])
    assert group == Group("NOUVEAU", "NOUVEAU", " 12 x ", "12 x", known=False)


def test_a_known_label_that_never_fits_is_kept_as_text_from_the_third_time() -> None:
    """Then the table is wrong; but one that has fitted once is damage for ever after."""
    decoder = Decoder(Meter.PME_PMI)
    odd, fits = line("PA1MN", "six kW"), line("PS", "XkVA")
    assert [keys(decoder.feed(odd)) for _ in range(4)] == [[], [], ["PA1MN"], ["PA1MN"]]
    decoder.feed(PS)
    assert [keys(decoder.feed(fits)) for _ in range(4)] == [[]] * 4


def test_a_group_whose_date_does_not_exist_is_refused() -> None:
    """Month 13 is damage, whatever the checksum says."""
    decoder = Decoder()
    assert not decoder.feed(standard("SMAXSN", "05706", "H191303032158"))
    assert decoder.counts.rejected == {Reject.FORMAT: 1}


@pytest.mark.parametrize(("separator", "mode"), [(" ", 2), ("\t", 1)])
def test_an_odd_layout_is_believed_after_eight_groups(separator: str, mode: Literal[1, 2]) -> None:
    """Nobody knows what a SAPHIR uses."""
    decoder = Decoder()
    sent = [line("EAS", f"{number}Wh", separator=separator, mode=mode) for number in range(12)]
    given = [bool(decoder.feed(group)) for group in sent]
    assert given == [False] * 7 + [True] * 5
    assert decoder.counts.rejected == {Reject.CHECKSUM: 7}


def test_a_settled_layout_refuses_the_other_one() -> None:
    """Else twice as many damaged groups would pass; it is given up when nothing verifies any more."""
    decoder = Decoder()
    decoder.feed(stream(MeterConfig(meter="pme-pmi"), 1))
    other = standard("EAST", "000000104")
    assert not groups_of(decoder.feed(other * 60))
    assert keys(decoder.feed(other)) == ["EAST"]


@pytest.mark.parametrize(
    ("opening", "meter"),
    [
        (line("TRAME", "TEST"), Meter.PME_PMI),
        (ADS, Meter.PME_PMI),
        (MESURES1, Meter.PME_PMI),
        (line("CONTRAT", "BASE_A5"), Meter.ICE),
        (line("ADCO", "021528603314"), Meter.LINKY_HISTORIQUE),
        (line("ADIR2", "042"), Meter.LINKY_HISTORIQUE),
        (standard("ADSC", "031664001115"), Meter.LINKY_STANDARD),
    ],
)
def test_the_label_behind_stx_tells_the_meter(opening: bytes, meter: Meter) -> None:
    """One is enough."""
    decoder = Decoder()
    decoder.feed(STX + opening)
    assert decoder.meter is meter


def test_three_labels_of_one_meter_tell_it_in_the_middle_of_a_frame() -> None:
    """And what came before them is read again with its table."""
    decoder = Decoder()
    decoder.feed(line("PREAVIS", "DEP") + line("KDC", "90%") + line("PTCOURD", "HPH") + line("PTCOURF", "HP "))
    assert not decoder.meter
    decoder.feed(line("LIB_p1D", "HPH"))
    assert decoder.meter is Meter.SAPHIR
    (frame,) = frames_of(decoder.close())
    assert (frame.meter, [group.key for group in frame.groups]) == (
        Meter.SAPHIR,
        ["PREAVIS", "KDC", "PTCOURD", "PTCOURF", "LIB_p1D"],
    )


def test_what_does_not_fit_the_table_learned_late_is_dropped() -> None:
    """A mode that an ICE could name is none of a PME-PMI."""
    decoder = Decoder()
    decoder.feed(line("KDC", "90%") + line("MODE", "MODE_0"))
    assert decoder.counts.groups == 2
    decoder.feed(EA + line("EAPP_s", "1VAh") + line("PMAX_s", "15kVA"))
    assert decoder.meter is Meter.PME_PMI
    (frame,) = frames_of(decoder.close())
    assert [group.key for group in frame.groups] == ["KDC", "EA_s", "EAPP_s", "PMAX_s"]
    assert (frame.rejected, decoder.counts.groups, decoder.counts.rejected) == (1, 4, {Reject.FORMAT: 1})


def test_a_cable_moved_to_another_meter_is_noticed() -> None:
    """Layout and meter are given up once nothing but the other one's labels verify."""
    decoder = Decoder()
    decoder.feed(stream(MeterConfig(meter="pme-pmi"), 3))
    decoder.feed(stream(MeterConfig(meter="linky-standard"), 8))
    assert decoder.meter is Meter.LINKY_STANDARD
    (frame,) = frames_of(decoder.feed(stream(MeterConfig(meter="linky-standard"), 1)))
    assert frame.whole
    assert all(group.known for group in frame.groups)


def test_a_stray_label_of_another_meter_changes_nothing() -> None:
    """Damage that verifies may spell anything, once."""
    decoder = Decoder()
    decoder.feed((PME + line("ISOUSC", "45")) * 20)
    assert decoder.meter is Meter.PME_PMI


def test_of_a_label_that_comes_twice_the_first_counts() -> None:
    """An ICE repeats its block for injection."""
    (frame,) = frames_of(heard(STX + ADS + EA + line("EA_s", "7Wh") + ETX))
    assert frame.by_key()["EA_s"].value == 422
