"""The command, as a process of its own: `python -m custom_components.flex_ready.tic SOURCE`."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
import json
from pathlib import Path
import signal
import socket
import sys
from threading import Thread
from typing import Any

import pytest
from wires import SerialServer, at_speed

from custom_components.flex_ready.tic.__main__ import main
from emulator.meter import Emulation, Faults, MeterConfig, stream
from emulator.meter.clock import PARIS
from emulator.meter.faults import garble

pytestmark = pytest.mark.usefixtures("socket_enabled")

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT.parent / "shared" / "data" / "tic"
LOCAL = ("127.0.0.1", 0)
PME_PMI = stream(MeterConfig(), 3)
SECONDS = 30


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def frames(self) -> list[Any]:
        """What it printed."""
        return [json.loads(line) for line in self.out.splitlines()]


async def start(*arguments: object) -> asyncio.subprocess.Process:
    """Start the command."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "custom_components.flex_ready.tic", *map(str, arguments),
        cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, limit=2**20,
    )  # fmt: skip


async def end(process: asyncio.subprocess.Process, data: bytes | None = None) -> Ended:
    """Wait for it."""
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate(data)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Ended(process.returncode, out.decode(), err.decode())


async def run(*arguments: object, data: bytes | None = None) -> Ended:
    """Run the command to its end."""
    return await end(await start(*arguments), data)


def here(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run the command in this process."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return Ended(code, out, err)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A file with three frames of a PME-PMI."""
    path = tmp_path / "capture.bin"
    path.write_bytes(PME_PMI)
    return path


async def test_standard_input(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object a frame, a summary, exit code 0; the same as of a file."""
    pipe, file = await run("-", data=PME_PMI), here(capsys, capture)
    assert (file.code, file.out, file.err) == (pipe.code, pipe.out, pipe.err)
    assert file.code == 0
    first, *others = file.frames
    assert len(others) == 2
    assert list(first) == ["meter", "complete", "rejected", "groups"]
    assert (first["meter"], first["complete"], first["rejected"]) == ("pme_pmi", True, 0)
    groups = first["groups"]
    assert next(iter(groups)) == "ADS"
    assert groups["PS"] == {"value": 42, "unit": "kVA", "raw": "42kVA", "at": None}
    assert groups["MESURES1"]["raw"] == "BT 4 SUP36"
    assert groups["DATE"]["value"] == "2026-01-12T08:02:30+01:00"
    assert isinstance(groups["TGPHI_s"]["value"], float)
    assert file.err == (
        f"pme_pmi: 3 frames (3 whole), {3 * len(groups)} good groups, 0 dropped, 0 interruptions, "
        f"{len(PME_PMI)} bytes (0 in no group)\n"
    )


async def test_ports(tmp_path: Path) -> None:
    """A pty whose speed is found, a gateway, a serial server that is told the speed: two frames of each."""
    link = tmp_path / "ttyMETER"
    pty = Emulation(MeterConfig(pty=link, pace=20))
    start_at = datetime(2026, 7, 1, 12, 0, tzinfo=PARIS)
    tcp = Emulation(MeterConfig(meter="linky-standard", tcp=LOCAL, pace=4, start=start_at))
    async with pty, tcp, SerialServer(at_speed(PME_PMI, 9600)) as server:
        cable, gateway, remote = await asyncio.gather(
            run(link, "--frames", 2), run(tcp.url, "--frames", 2), run(server.url, "--frames", 2, "--baud", 9600)
        )
    assert [ended.code for ended in (cable, gateway, remote)] == [0, 0, 0]
    for ended, meter in ((cable, "pme_pmi"), (gateway, "linky_standard"), (remote, "pme_pmi")):
        assert [frame["meter"] for frame in ended.frames if frame["complete"]][:2] == [meter] * 2
    assert cable.err.startswith("finding the speed…\npme_pmi at 1200 baud\n")
    groups = gateway.frames[-1]["groups"]
    assert groups["DATE"]["at"].startswith("2026-07-01T12:00:")
    assert groups["DATE"]["at"].endswith("+02:00")
    assert groups["SMAXSN"]["at"].endswith("+02:00")
    assert groups["STGE"]["value"]["breaker"] == "closed"
    assert server.speeds == [9600]


async def test_a_serial_server_at_the_wrong_speed() -> None:
    """Bytes arrive, none of them makes sense."""
    async with SerialServer(at_speed(PME_PMI, 1200)) as remote:
        wrong = await run(remote.url, "--seconds", 0.7, "--baud", 9600)
    assert wrong.code == 1
    assert "no checksum verifies: wrong speed" in wrong.err


def test_a_gateway_that_hangs_up(capsys: pytest.CaptureFixture[str]) -> None:
    """In the middle of a frame."""
    with socket.create_server(LOCAL) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(PME_PMI[:300])

        thread = Thread(target=serve)
        thread.start()
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        cut = here(capsys, url)
        thread.join()
    assert cut.code == 1
    assert f"{url}: the port went away" in cut.err
    assert "groups were read, but no whole frame" in cut.err


async def test_a_user_who_has_seen_enough(tmp_path: Path) -> None:
    """A stop on a port, Ctrl-C on standard input and while the speed is looked for: a summary, and the right code."""
    silent = Emulation(MeterConfig(pty=tmp_path / "ttySILENT", faults=Faults(silence=(0, 3600))))
    async with Emulation(MeterConfig(tcp=LOCAL, pace=20)) as emulation, silent:
        reading, waiting, searching = await asyncio.gather(start(emulation.url), start("-"), start(silent.pty))
        assert waiting.stdin is not None
        waiting.stdin.write(PME_PMI)
        for process in (reading, waiting):
            assert process.stdout is not None
            while not json.loads(await process.stdout.readline())["complete"]:
                pass
        assert searching.stderr is not None
        await searching.stderr.readline()
        reading.terminate()
        for process in (waiting, searching):
            process.send_signal(signal.SIGINT)
        ends = await asyncio.gather(*map(end, (reading, waiting, searching)))
    assert [ended.code for ended in ends] == [0, 0, 1]
    assert all(ended.err.startswith("pme_pmi: ") for ended in ends[:2])
    assert "silence" in ends[2].err


@pytest.fixture
def long_capture(tmp_path: Path) -> Path:
    """A file with far more frames than a pipe holds."""
    path = tmp_path / "long.bin"
    path.write_bytes(PME_PMI * 200)
    return path


async def test_a_reader_who_has_seen_enough(long_capture: Path) -> None:
    """`| grep -m 1` on a file and on a port: it ends by itself, without a word of the broken pipe."""
    async with Emulation(MeterConfig(tcp=LOCAL, pace=10)) as emulation:
        commands = [
            f"'{sys.executable}' -m custom_components.flex_ready.tic '{source}' | grep -m 1 pme_pmi"
            for source in (long_capture, emulation.url)
        ]
        pipe = asyncio.subprocess.PIPE
        shells = [
            await asyncio.create_subprocess_shell(command, cwd=ROOT, stdout=pipe, stderr=pipe) for command in commands
        ]
        for ended in await asyncio.gather(*map(end, shells)):
            assert ended.frames[0]["meter"] == "pme_pmi"
            assert "pipe" not in ended.err.lower()
            assert ended.err.startswith("pme_pmi: ")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "silence: nothing arrives"),
        (garble(PME_PMI, sent=1200, read=9600), "no checksum verifies: wrong speed"),
        (b"GET / HTTP/1.1\r\n" * 9, "no checksum verifies"),
        (PME_PMI[:400], "groups were read, but no whole frame"),
        (PME_PMI.replace(b"\x03", b""), "groups were read, but no whole frame"),
    ],
)
def test_files_without_a_whole_frame(
    capsys: pytest.CaptureFixture[str], capture: Path, data: bytes, words: str
) -> None:
    """Exit code 1, and what is wrong in words."""
    capture.write_bytes(data)
    ended = here(capsys, capture)
    assert ended.code == 1
    assert f"{capture}: {words}" in ended.err
    assert all(not frame["complete"] for frame in ended.frames)


def test_a_damaged_capture(capsys: pytest.CaptureFixture[str], capture: Path) -> None:
    """What is dropped is counted in its frame, and by reason in the summary; the rest is there."""
    damaged = PME_PMI.replace(b"42kVA", b"43kVA", 1).replace(b"\nPTCOUR1", b"\x0ePTCOUR1", 1)
    capture.write_bytes(damaged)
    ended = here(capsys, capture)
    assert ended.code == 0
    assert [frame["rejected"] for frame in ended.frames] == [1, 0, 0]
    assert "PS" not in ended.frames[0]["groups"]
    assert "PTCOUR1" in ended.frames[0]["groups"]
    assert "1 dropped (1 checksum)" in ended.err


@pytest.mark.skipif(not CAPTURES.exists(), reason="no captures beside this checkout")
def test_the_captures(capsys: pytest.CaptureFixture[str]) -> None:
    """The real PME-PMI, cut at both ends; a Linky's dates and profile; damaged lines, which are no frame."""
    real = here(capsys, CAPTURES / "pme-pmi-capture.bin")
    assert (real.code, [frame["complete"] for frame in real.frames]) == (0, [False, *[True] * 10, False])
    assert real.frames[1]["groups"]["DATE"]["value"] == "2016-08-26T10:29:04+02:00"
    linky = here(capsys, CAPTURES / "linky-standard-weekend.bin")
    groups = linky.frames[0]["groups"]
    assert groups["DATE"] == {"value": None, "unit": None, "raw": "", "at": "2019-12-03T12:58:05+01:00"}
    assert groups["SMAXSN"]["at"] == "2019-12-03T03:21:58+01:00"
    assert groups["PJOURF+1"]["value"][1] == {"from": "02:56", "action": "C001"}
    damaged = here(capsys, CAPTURES / "linky-standard-damaged.bin")
    assert damaged.code == 1
    assert "8 good groups, 4 dropped (2 checksum, 2 shape)" in damaged.err


def test_sources_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1, and why; nothing on standard output."""
    with socket.create_server(LOCAL) as server:
        port = server.getsockname()[1]
        silent = here(capsys, f"socket://127.0.0.1:{port}", "--seconds", 0.2)
    assert "silence" in silent.err
    for source, words in (
        (tmp_path / "missing.bin", "No such file"),
        (tmp_path, "directory"),
        (f"socket://127.0.0.1:{port}", "the gateway refuses the connection"),
        ("smoke://127.0.0.1:1", "this is no address of a port"),
        ("/dev/null", "the port cannot be opened"),
    ):
        ended = here(capsys, source, "--baud", 1200)
        assert (ended.code, ended.out) == (1, "")
        assert words in ended.err


def test_dates_of_the_october_night(capsys: pytest.CaptureFixture[str], capture: Path) -> None:
    """In a file the hour that comes twice is told by order: the offsets show it."""
    start_at = datetime.fromisoformat("2026-10-25T02:59:50+02:00")
    capture.write_bytes(stream(MeterConfig(start=start_at), 4))
    dates = [frame["groups"]["DATE"]["value"] for frame in here(capsys, capture).frames]
    assert dates == [
        "2026-10-25T02:59:50+02:00",
        "2026-10-25T02:59:57+02:00",
        "2026-10-25T02:00:05+01:00",
        "2026-10-25T02:00:13+01:00",
    ]
