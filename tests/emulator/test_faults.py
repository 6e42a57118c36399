"""Each fault does what it says, at the rate it says, and nothing else."""

from itertools import pairwise

import pytest

from emulator.meter import Faults, MeterConfig, frames, stream
from emulator.meter.config import ConfigError
from emulator.meter.faults import garble
from emulator.meter.wire import EVEN_PARITY

COUNT = 200
CLEAN = MeterConfig(meter="linky-standard")


def spoilt(**faults: float) -> bytes:
    """Give a stream of the same meter with faults."""
    return stream(MeterConfig(meter="linky-standard", faults=Faults(**faults)), COUNT)  # type: ignore[arg-type]


@pytest.fixture(name="clean", scope="module")
def clean_stream() -> bytes:
    """The stream without faults."""
    return stream(CLEAN, COUNT)


def test_flip_changes_one_bit_of_some_bytes(clean: bytes) -> None:
    """About one byte in a hundred differs, by one of its seven bits."""
    received = spoilt(flip=0.01)
    changed = [a ^ b for a, b in zip(clean, received, strict=True) if a != b]
    assert len(clean) / 130 < len(changed) < len(clean) / 75
    assert {change.bit_count() for change in changed} == {1}
    assert max(received) < 0x80


def test_line_feeds_are_lost_or_damaged(clean: bytes) -> None:
    """A lost LF is gone; a damaged one arrives as 0x0B, 0x0E or 0x0F; all else is whole."""
    groups = clean.count(b"\n")
    lost = spoilt(lost_lf=1)
    assert len(lost) < len(clean)
    assert b"\n" not in lost
    damaged = spoilt(damaged_lf=0.1)
    bad = sum(damaged.count(code) for code in b"\x0b\x0e\x0f")
    assert groups / 15 < bad < groups / 7
    assert damaged.count(b"\n") == groups - bad


def test_eot_stops_a_frame() -> None:
    """EOT is the last byte of the frame, wherever it fell."""
    sent = list(frames(MeterConfig(faults=Faults(eot=0.5), frames=COUNT)))
    stopped = [frame.data for frame in sent if frame.data.endswith(b"\x04")]
    assert COUNT / 3 < len(stopped) < COUNT * 2 / 3
    assert all(b"\x03" not in data for data in stopped)
    assert len({len(data) for data in stopped}) > 20
    assert all(frame.data.endswith(b"\x03") for frame in sent if b"\x04" not in frame.data)


def test_cut_leaves_a_frame_without_end(clean: bytes) -> None:
    """Half of the frames stop mid-way and the next one follows."""
    cut = spoilt(cut=0.5)
    assert cut.count(b"\x02") == COUNT
    assert COUNT / 3 < cut.count(b"\x03") < COUNT * 2 / 3
    assert len(cut) < len(clean)


def test_garbage_falls_between_frames() -> None:
    """Random bytes follow frames that are themselves whole."""
    sent = [frame.data for frame in frames(MeterConfig(faults=Faults(garbage=1), frames=20))]
    whole = [frame.data for frame in frames(MeterConfig(frames=1))]
    assert sent[0].startswith(whole[0])
    assert all(1 <= len(data) - data.index(0x03) - 1 <= 32 for data in sent)
    assert len({data[data.index(0x03) :] for data in sent}) == len(sent)


def test_silence_makes_a_hole_in_meter_time() -> None:
    """No frame begins from 30 to 90 s after the start."""
    sent = list(frames(MeterConfig(faults=Faults(silence=(30, 60)), frames=20)))
    seconds = [(frame.at - sent[0].at).total_seconds() for frame in sent]
    gaps = [after - before for before, after in pairwise(seconds)]
    assert max(gaps) >= 60
    assert not [at for at in seconds if 30 <= at < 90]
    assert sum(gap > 20 for gap in gaps) == 1


@pytest.mark.parametrize("baud", [1200, 9600])
def test_wrong_speed_leaves_nothing_readable(baud: int) -> None:
    """Another number of bytes in the same time, and no group."""
    garbled = MeterConfig(baud=baud, frames=3, faults=Faults(wrong_speed=True))
    for right, wrong in zip(frames(MeterConfig(baud=baud, frames=3)), frames(garbled), strict=True):
        assert wrong.at == right.at
        assert len(wrong.data) > 10
        assert len(wrong.data) != len(right.data)
        assert b"DATE" not in wrong.data


def test_right_speed_reads_what_was_sent() -> None:
    """The model of the UART that garbles gives the very bytes when speeds agree."""
    sent = stream(CLEAN, 1)
    assert garble(sent, sent=9600, read=9600) == sent


def test_bit7_is_even_parity(clean: bytes) -> None:
    """Every byte has an even number of ones, and the seven others are the character."""
    received = stream(MeterConfig(meter="linky-standard", bit7=True), COUNT)
    assert all(code.bit_count() % 2 == 0 for code in set(received))
    assert bytes(code & 0x7F for code in received) == clean
    assert max(EVEN_PARITY) > 0x7F


def test_faults_are_written_with_hyphens() -> None:
    """As on the command line."""
    faults = Faults().with_fault("lost-lf", "0.25").with_fault("silence", "30+2.5").with_fault("wrong-speed", "1")
    assert faults == Faults(lost_lf=0.25, silence=(30, 2.5), wrong_speed=True)
    assert Faults().with_fault("silence", "4").silence == (0, 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("flip", "2"), ("flip", "often"), ("thunder", "1"), ("silence", "0+-3"), ("silence", ""), ("wrong-speed", "x")],
)
def test_faults_without_sense_are_refused(name: str, value: str) -> None:
    """The message names the fault."""
    with pytest.raises(ConfigError, match=name):
        Faults().with_fault(name, value)


@pytest.mark.parametrize(
    "options", [{"phases": 2}, {"meter": "cje"}, {"td": 7}, {"pace": -1}, {"replay": "x", "control": ("h", 1)}]
)
def test_config_without_sense_is_refused(options: dict[str, object]) -> None:
    """A wrong option never makes a meter."""
    with pytest.raises(ConfigError):
        MeterConfig(**options)  # type: ignore[arg-type]
