"""What the meter sent: a capture read by its bytes, the emulator sampled, a state compared with either."""

from pathlib import Path

from _demo.meters import Shown, known_meter, personal, serial_number
from _demo.sent import Captured, Sampled, among, same
import pytest

PME_PMI = (
    b"\nPTCOUR1 HPE -\r\nEAP_s 9649kWh .\r\nPS 42kVA K\r\x03"
    b"\x02\nADS 041400000000 2\r\nDATE 26/08/16 10:29:52 ?\r\nEA_s 531Wh @\r"
    b"\nMESURES1 BT 4 SUP36 A\r\nPTCOUR1 HPE -\r\n damaged\r\nEAP_s 9649"
    b"\nDATE 26/08/16 10:30:08 ?\r\nEA_s 20Wh @\r\nDATE 26/08/16 10:30:16 ?\r\nEA_s 38Wh @\r"
)


@pytest.fixture
def capture(tmp_path: Path) -> Captured:
    """Give a piece of a PME-PMI, cut at both ends, with parity in bit 7."""
    file = tmp_path / "capture.bin"
    file.write_bytes(bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in PME_PMI))
    return Captured.read(file)


def test_groups_of_a_capture(capture: Captured) -> None:
    """Whole groups are found whatever surrounds them; data keeps its spaces."""
    assert capture.data("PS") == {"42kVA"}
    assert capture.data("MESURES1") == {"BT 4 SUP36"}
    assert capture.data("EA_s") == {"531Wh", "20Wh", "38Wh"}
    assert capture.data("EAP_s") == {"9649kWh"}  # not the one that was cut
    assert capture.data("damaged") == set()


def test_groups_with_tabs(tmp_path: Path) -> None:
    """A Linky in standard mode has tabs, and a date before the data of some groups."""
    file = tmp_path / "capture.bin"
    file.write_bytes(b"\x02\nADSC\t041976000000\tP\r\nSMAXSN\tH240601123456\t02345\tA\r\nLTARF\t HP  \t#\r\x03")
    linky = Captured.read(file)
    assert linky.data("SMAXSN") == {"02345"}
    assert serial_number(linky) == "041976000000"
    assert (meter := known_meter(linky))
    assert meter.title == "Linky"


def test_counter_of_a_capture(capture: Captured) -> None:
    """Where the counter restarted is told, and the power of its slope between restarts."""
    assert list(capture.restarts("EA_s")) == [[30]]
    assert capture.power("EA_s", "", 0) == (8100, 8100)
    assert capture.power("EAS", "", 0) is None


def test_meter_of_a_capture(capture: Captured) -> None:
    """The meter, its number, and the entity of the running period follow from the labels."""
    assert (meter := known_meter(capture))
    assert meter.title == "PME-PMI"
    assert personal(capture) == {"041400000000"}
    assert Shown("energy_distributor_{PTCOUR1}", "EAP_s").key_now(capture) == "energy_distributor_hpe"
    assert known_meter(Captured([])) is None
    assert serial_number(Captured([])) is None


def test_sampled() -> None:
    """A state is compared with the frames of its own instant, a power with the stretch that it is the mean of."""
    sampled = Sampled(pace=10)
    assert sampled.power("EA_s", "power_w", 100) is None
    for second in range(60, 111):
        sampled.groups.append((second, {"PA1MN": f"{second}kW"}))
        sampled.measures.append((second, {"power_w": 10 * second}))
    assert sampled.data("PA1MN", 100) == {"100kW"}
    assert len(sampled.data("PA1MN")) == 51
    assert sampled.data("PREAVIS") == set()
    assert sampled.power("EA_s", "power_w", 100) == (920, 990)
    assert sampled.power("EA_s", "power_w", 65) is None  # it was not watched for long enough


@pytest.mark.parametrize(
    ("state", "unit", "data", "data_unit", "expected"),
    [
        ("42", "kVA", "42kVA", "", True),
        ("9649.0", "kWh", "9649kWh", "", True),
        ("9.649", "kWh", "000009649", "Wh", True),
        ("9649.1", "kWh", "9649kWh", "", False),
        ("12", "kVA", "12", "kVA", True),
        ("-0.39", "", "-0,39", "", True),
        ("90", "%", "90%", "", True),
        ("hpe", "", "HPE", "", True),
        ("hce", "", "HPE", "", False),
        ("BT 4 SUP36", "", "BT 4 SUP36", "", True),
        ("unknown", "kVA", "42kVA", "", False),
    ],
)
def test_same(state: str, unit: str, data: str, data_unit: str, *, expected: bool) -> None:
    """Numbers are compared as quantities, the rest as words."""
    assert same(state, unit, data, data_unit) is expected


def test_among() -> None:
    """A number between two that were sampled was sent in a frame that was not; a word cannot be."""
    sent = {"000009646", "000009649"}
    assert among("9.648", "kWh", sent, "Wh")
    assert not among("9.650", "kWh", sent, "Wh")
    assert not among("hpe", "", {"HPE", "HPH"})
    assert not among("9.648", "kWh", set(), "Wh")
