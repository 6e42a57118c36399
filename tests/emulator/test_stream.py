"""Frames as bytes: their layout, checksums, order and determinism."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
import re

import pytest

from emulator.meter import MeterConfig, frames, stream
from emulator.meter.config import METERS, MeterName

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "tic"
"""Captured bytes beside the checkout, where they are."""


def groups_of(data: bytes) -> list[bytes]:
    """Cut bytes into the bodies of groups, LF and CR off."""
    return re.findall(rb"\n([^\r]*)\r", data)


def checks(group: bytes, mode: int) -> bool:
    """Verify a checksum: the sum stops before the last separator in mode 1, behind it in mode 2."""
    return group[-1] == sum(group[: -2 if mode == 1 else -1]) % 64 + 32


def labels(frame: bytes) -> list[str]:
    """List the labels of a frame in its order."""
    return [re.split(rb"[ \t]", group)[0].decode() for group in groups_of(frame)]


@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize("producer", [False, True])
@pytest.mark.parametrize("meter", METERS)
def test_every_group_verifies_under_the_mode_of_its_meter(meter: MeterName, phases: int, *, producer: bool) -> None:
    """All groups have the right separator and checksum, in frames between STX and ETX."""
    config = MeterConfig(meter=meter, phases=phases, producer=producer, frames=30)
    mode = 2 if meter in ("saphir", "linky-standard") else 1
    for frame in frames(config):
        assert frame.data[0] == 0x02
        assert frame.data[-1] == 0x03
        groups = groups_of(frame.data)
        assert sum(map(len, groups)) + 2 * len(groups) + 2 == len(frame.data)
        assert all(checks(group, mode) for group in groups)
        assert not any(checks(group, 3 - mode) for group in groups)
        assert all(len(group.label) <= 9 for group in frame.groups)
        assert [group.label for group in frame.groups] == labels(frame.data)


@pytest.mark.skipif(not CAPTURES.exists(), reason="no captures beside this checkout")
def test_pme_pmi_sends_the_labels_of_the_real_meter() -> None:
    """Same labels, same order, same form of data as a captured PME-PMI in consumption."""
    capture = (CAPTURES / "pme-pmi-capture.bin").read_bytes()
    real = re.findall(rb"\x02[^\x02]*\x03", capture)[0]
    # Below 90 % of PS, as the captured building.
    config = MeterConfig(subscribed_power=200, start=datetime.fromisoformat("2026-01-12T23:00"))
    emulated = stream(config, frames=1)
    assert labels(emulated) == labels(real)

    def shape(frame: bytes) -> list[bytes]:
        """Replace what differs between two meters: numbers and the codes of the season."""
        bodies = [group[:-1] for group in groups_of(frame)]
        return [re.sub(rb" [+-]?\d+(?=\D* $)", b" 0", re.sub(rb"HPE|HCH", b"HP", body)) for body in bodies]

    dated = [re.sub(rb"[\d/]{8} [\d:]{8}", b"date", body) for body in shape(emulated)]
    assert [re.sub(rb"[-+]?\d+", b"0", body) for body in dated] == [
        re.sub(rb"[-+]?\d+", b"0", re.sub(rb"[\d/]{8} [\d:]{8}", b"date", body)) for body in shape(real)
    ]


def test_stream_is_the_same_for_the_same_seed() -> None:
    """A seed gives a run; another seed another one."""
    again = [stream(MeterConfig(seed=seed), frames=20) for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]
    assert b"".join(frame.data for frame in frames(MeterConfig(seed=1, frames=20))) == again[0]


def test_clock_advances_by_the_time_on_the_wire() -> None:
    """Ten bits a character at the baud of the meter, 33 ms between frames."""
    for baud in (1200, 9600):
        sent = list(frames(MeterConfig(baud=baud, frames=5)))
        for before, after in pairwise(sent):
            step = len(before.data) * 10 / baud + 0.033
            assert (after.at - before.at).total_seconds() == pytest.approx(step, abs=1e-4)
