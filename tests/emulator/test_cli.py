"""The program as its users start it."""

import asyncio
from pathlib import Path
import signal
import sys

import pytest

from emulator.__main__ import main
from emulator.meter import MeterConfig, stream

pytestmark = pytest.mark.usefixtures("socket_enabled")

ROOT = Path(__file__).resolve().parents[2]


async def start(*options: str) -> asyncio.subprocess.Process:
    """Start the command ``meter`` in a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emulator", "meter", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_prints_its_endpoints_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """One line per endpoint, then a clean end."""
    link = tmp_path / "pty"
    process = await start("--tcp", "127.0.0.1:0", "--pty", str(link), "--control", "127.0.0.1:0", "--pace", "10")
    assert process.stdout
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
    assert lines[0].startswith("meter: socket://127.0.0.1:")
    assert lines[1] == f"pty: {link}"
    assert lines[2].startswith("control: http://127.0.0.1:")
    process.send_signal(number)
    output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"", b"")
    assert not link.is_symlink()


async def test_stdout_is_nothing_but_the_stream() -> None:
    """The bytes of ``stream``, and the end after the last frame."""
    options = "--stdout --pace 0 --frames 3 --start 2026-01-12T08:02:30 --seed 4"
    process = await start(*options.split())
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert output == stream(MeterConfig(seed=4), frames=3)


async def test_reader_of_stdout_may_leave() -> None:
    """A broken pipe is an end like another."""
    process = await start("--stdout", "--pace", "0")
    assert process.stdout
    assert (await process.stdout.readexactly(10_000)).startswith(b"\x02\nADS ")
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert process.stderr
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


def test_runs_in_process_into_a_file(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """All options reach the config; standard output may be a file."""
    options = (
        "--meter pme-pmi --stdout --pace 0 --frames 2 --start 2026-01-12T08:02:30 --subscribed-power 60kW "
        "--td 10 --fault lost-lf=1 --fault silence=900+1"
    )
    assert main(["meter", *options.split()]) == 0
    output = capfdbinary.readouterr().out
    assert output.count(b"\x03") == 2
    assert b"\n" not in output
    assert b"PS 60kW" in output


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ("", 2, "ask for one"),
        ("--stdout --fault thunder=1", 2, "no such fault: thunder"),
        ("--stdout --replay /nowhere/capture.bin", 1, "capture.bin"),
        ("--tcp 192.0.2.1:0", 1, "meter: "),
    ],
)
def test_says_what_is_wrong(options: str, status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, no traceback."""
    assert main(["meter", *options.split()]) == status
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("options", ["--tcp 1234", "--subscribed-power much", "--meter cje", "--start noon"])
def test_refuses_what_it_cannot_read(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The usage, with the option at fault."""
    with pytest.raises(SystemExit) as stopped:
        main(["meter", *options.split()])
    assert stopped.value.code == 2
    assert options.split(maxsplit=1)[0] in capsys.readouterr().err
