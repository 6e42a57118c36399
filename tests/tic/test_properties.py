"""What holds for any bytes at all, cut anywhere."""

from datetime import datetime
from decimal import Decimal

from hypothesis import example, given, settings, strategies as st

from custom_components.flex_ready.tic import Decoder, Event, Frame, Group, Meter
from emulator.meter import MeterConfig, stream
from emulator.meter.config import METERS, MeterName
from emulator.meter.wire import EVEN_PARITY, Group as Sent, Layout, encode_frame, encode_group

_FRAMES = {meter: stream(MeterConfig(meter=meter, seed=7), 2) for meter in METERS}
_LINES = [line + b"\r" for data in _FRAMES.values() for line in data.split(b"\r")]
_PIECES = st.one_of(
    st.sampled_from(_LINES),
    st.sampled_from(_LINES).map(lambda line: line.translate(EVEN_PARITY)),
    st.sampled_from([b"\x02", b"\x03", b"\x04", b"\n", b"\r", b" ", b"\t", b"\x03\x02\n", b"A" * 300]),
    st.binary(max_size=12),
    st.binary(min_size=240, max_size=400),
    st.tuples(st.sampled_from(_LINES), st.integers(0, 40), st.binary(max_size=2)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + 1 :]
    ),
)
_STREAMS = st.lists(_PIECES, max_size=60).map(b"".join)


def decoded(data: bytes, cuts: list[int]) -> tuple[list[Event], Decoder]:
    """Decode bytes cut at some places."""
    decoder = Decoder()
    ends = sorted(min(cut, len(data)) for cut in cuts)
    events: list[Event] = []
    for begin, end in zip([0, *ends], [*ends, len(data)], strict=True):
        events += decoder.feed(data[begin:end])
    return events + decoder.close(), decoder


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=4000), cuts=st.lists(st.integers(0, 4000), max_size=20))
def test_any_bytes_are_taken_and_accounted_for(data: bytes, cuts: list[int]) -> None:
    """No exception, and no group out of nothing."""
    events, decoder = decoded(data, cuts)
    assert decoder.counts.bytes == len(data)
    assert decoder.counts.groups >= sum(len(event.groups) for event in events if isinstance(event, Frame))


@settings(max_examples=300, deadline=None)
@given(data=_STREAMS, cuts=st.lists(st.integers(0, 3000), max_size=30))
@example(data=b"\n" + b"A" * 300 + _LINES[3], cuts=[320])
@example(data=b"\x03" + b"A" * 300 + b"\r" + _LINES[3], cuts=[1])
@example(data=b"\nADSC\t042164464075\t8\r" * 9 + b"\x03\x03\x02\nADSC\t042164464075\t8\r", cuts=list(range(300)))
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    """The same groups and frames, whatever the port delivers at a time."""
    assert decoded(data, cuts)[0] == decoded(data, [])[0]


@settings(max_examples=200, deadline=None)
@given(data=_STREAMS)
def test_a_frame_holds_the_groups_that_were_given(data: bytes) -> None:
    """In their order, none twice; fewer only where the meter broke off or is newly known."""
    events, decoder = decoded(data, [])
    given_raw = [(event.label, event.raw) for event in events if isinstance(event, Group)]
    framed = [(group.label, group.raw) for event in events if isinstance(event, Frame) for group in event.groups]
    position = iter(given_raw)
    assert all(group in position for group in framed)
    if not decoder.counts.interruptions and not decoder.counts.bad_groups:
        assert framed == given_raw


@given(data=_STREAMS, meter=st.sampled_from(METERS))
@settings(max_examples=100, deadline=None)
def test_after_anything_a_good_line_is_understood_again(data: bytes, meter: MeterName) -> None:
    """However the decoder was misled, ten frames later it has the meter, its layout and whole frames."""
    decoder = Decoder()
    decoder.feed(data)
    decoder.feed(b"\r" + _FRAMES[meter] * 10)
    events = decoder.feed(_FRAMES[meter])
    assert decoder.meter == meter.replace("-", "_")
    assert [event.whole for event in events if isinstance(event, Frame)] == [True, True]
    assert all(event.known for event in events if isinstance(event, Group))


@given(
    moment=st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31")),
    wh=st.integers(0, 9_999_999_999),
    kva=st.integers(0, 1250),
    phi=st.integers(-999, 999),
)
def test_any_value_of_a_pme_pmi_comes_back(moment: datetime, wh: int, kva: int, phi: int) -> None:
    """Written as the meter writes it, read as it was meant."""
    sign = "-" if phi < 0 else "+"
    sent = [
        Sent("ADS", None, "041436028024"),
        Sent("DATE", None, f"{moment:%d/%m/%y %H:%M:%S}"),
        Sent("EA_s", None, f"{wh}Wh"),
        Sent("PS", None, f"{kva}kVA"),
        Sent("TGPHI_s", None, f"{sign}{abs(phi) // 100},{abs(phi) % 100:02d}"),
    ]
    events = Decoder().feed(encode_frame(sent, Layout.SP))
    (frame,) = [event for event in events if isinstance(event, Frame)]
    assert frame.meter is Meter.PME_PMI
    got = frame.by_key()
    assert getattr(got["DATE"].value, "local", None) == moment.replace(microsecond=0)
    assert (got["EA_s"].value, got["PS"].value, got["TGPHI_s"].value) == (wh, kva, Decimal(phi) / 100)


def test_a_megabyte_without_cr_is_not_kept() -> None:
    """A port at the wrong speed may never send one; what comes behind it is understood."""
    decoder = Decoder()
    for _ in range(1024):
        decoder.feed(b"x" * 1024)
    assert len(decoder._tail) <= 512
    assert decoder.counts.dropped_bytes + len(decoder._tail) == decoder.counts.bytes == 2**20
    assert decoder.feed(b"\r" + _FRAMES["pme-pmi"]) == Decoder().feed(_FRAMES["pme-pmi"])


def test_one_line_for_ever_makes_no_endless_frame() -> None:
    """Without STX and ETX the frame closes at a bound."""
    decoder = Decoder()
    line = encode_group(Sent("EA_s", None, "422Wh"), Layout.SP)
    events = [event for _ in range(10_000) for event in decoder.feed(line * 10)]
    assert decoder.counts.groups == 100_000
    assert all(300 <= len(event.groups) <= 310 for event in events if isinstance(event, Frame))
    assert len(decoder._groups) <= 310


def test_ever_new_lines_and_labels_do_not_pile_up() -> None:
    """Neither in what is remembered nor in what is told for diagnostics."""
    decoder = Decoder()
    for number in range(5_000):
        decoder.feed(encode_group(Sent(f"X{number}", None, f"{number}"), Layout.SP) + b"\nbad\r")
    assert max(len(decoder._memo), len(decoder._senses)) <= 512
    assert len(decoder.rejects) == 20
