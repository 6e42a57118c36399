"""The small parts of the demo: endpoints, configuration, log, table, ports, options."""

import json
from pathlib import Path
import socket

from _demo.__main__ import _free_port, _options
from _demo.checklist import Checklist, Seen
from _demo.emulator import Emulator, emulated_meter, parse_endpoints
from _demo.error import DemoError
from _demo.folder import configuration, write_folder
from _demo.log import errors, read_log
from _demo.meter_view import State
from _demo.reload import connections
from homeassistant.util.yaml import load_yaml
import pytest

LOG = """\
2026-11-23 07:15:52.154+00:00 ERROR (MainThread) [homeassistant.setup] Setup failed for 'ffmpeg': not there
Traceback (most recent call last):
ModuleNotFoundError: No module named 'haffmpeg'
2026-11-23 07:15:53.000+00:00 WARNING (MainThread) [custom_components.flex_ready] a warning
2026-11-23 07:15:54.000+00:00 ERROR (MainThread) [homeassistant.helpers.entity] Update failed
  File "/config/custom_components/flex_ready/sensor.py", line 1, in update
2026-11-23 07:15:55.000+00:00 ERROR (MainThread) [homeassistant.setup] Setup failed for 'flex_ready'
  File "/config/custom_components/flex_ready/__init__.py", line 1, in setup
"""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        (["control: http://127.0.0.1:2\n"], None),
        (["meter: socket://127.0.0.1:1\n"], Emulator(meter="socket://127.0.0.1:1")),
        (
            ["meter: socket://127.0.0.1:1\n", "control: http://127.0.0.1:2\n", ""],
            Emulator(meter="socket://127.0.0.1:1", control="http://127.0.0.1:2"),
        ),
    ],
)
def test_endpoints(lines: list[str], expected: Emulator | None) -> None:
    """The emulator says where it is heard and driven."""
    assert parse_endpoints(lines) == expected


@pytest.mark.usefixtures("socket_enabled")
async def test_emulator_lives_as_long_as_its_context(tmp_path: Path) -> None:
    """It answers inside; afterwards its port is closed. One that cannot start is told."""
    async with emulated_meter(meter="pme-pmi", pace=100, replay=None) as emulator:
        port = int(emulator.meter.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()
        assert emulator.control
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with pytest.raises(DemoError, match="ended with status"):
        async with emulated_meter(meter="pme-pmi", pace=1, replay=tmp_path / "missing"):
            pass


def test_folder(tmp_path: Path) -> None:
    """Each load has a switch; Home Assistant listens on this machine alone."""
    text = configuration("fr", "http://127.0.0.1:2", [{"id": "heat_pump", "name": "Heat pump"}])
    write_folder(tmp_path, text, 8124)

    read = load_yaml(str(tmp_path / "configuration.yaml"))
    assert isinstance(read, dict)
    assert read["homeassistant"]["language"] == "fr"
    (switch,) = read["switch"]
    assert switch["resource"] == "http://127.0.0.1:2/loads/heat_pump"
    assert json.loads(switch["body_off"]) == {"on": False}
    assert switch["is_on_template"] == "{{ value_json.on }}"
    stored = json.loads((tmp_path / ".storage/http").read_text())
    assert stored["data"] == {"server_host": ["127.0.0.1"], "server_port": 8124}
    assert (tmp_path / "custom_components/flex_ready/manifest.json").is_file()


def test_folder_of_a_replay() -> None:
    """A captured file has no building to switch."""
    assert "switch:" not in configuration("en", None, [])


def test_log(tmp_path: Path) -> None:
    """Parts that are not installed are no errors; what went through the integration is."""
    assert [record.ours for record in read_log(LOG)] == [False, True, True, True]
    file = tmp_path / "home-assistant.log"
    file.write_text(LOG)
    assert [str(record) for record in errors(file)] == [
        "homeassistant.helpers.entity: Update failed",
        "homeassistant.setup: Setup failed for 'flex_ready'",
    ]


async def test_checklist(capsys: pytest.CaptureFixture[str]) -> None:
    """A probe is tried again while there is time; what it raises is a failure of the check, not of the demo."""
    assert not Checklist().ok  # nothing was checked
    checklist = Checklist()
    tries = iter((False, True))

    async def at_last() -> Seen:
        return Seen(next(tries), "42 kVA")

    async def raises() -> Seen:
        raise DemoError("there is no entity td")

    outcomes = [await checklist.check("PS", at_last, within=5), checklist.ok]
    outcomes += [await checklist.check("Td", raises), checklist.ok]
    assert outcomes == [True, True, False, False]
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == [first.split()[0], "s", "ok", "PS", "42", "kVA"]
    assert "FAIL  Td " in second
    assert second.endswith("DemoError: there is no entity td")
    assert checklist.summary().startswith("1 of 2 checks passed")


def test_state() -> None:
    """A state has its unit and its instant."""
    state = State.read(
        {"state": "42", "attributes": {"unit_of_measurement": "kVA"}, "last_updated": "1970-01-01T00:01:00+00:00"}
    )
    assert (str(state), state.at, state.known) == ("42 kVA", 60, True)
    assert not State("unavailable", "", 0).known


@pytest.mark.usefixtures("socket_enabled")
def test_connections() -> None:
    """Connections to a port are counted while they are open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        assert connections(url) == 0
        with socket.create_connection(server.getsockname()):
            assert connections(url) == 1


@pytest.mark.usefixtures("socket_enabled")
def test_free_port() -> None:
    """A port that is asked for is taken or refused; the first choice gives way to any other."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert _free_port(None, port) != port
        with pytest.raises(DemoError, match=f"port {port} is taken"):
            _free_port(port, None)
    assert _free_port(port, None) == port


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check hurries, a demo does not; what cannot be is refused."""
    assert _options([]).pace == 1
    assert _options(["--check"]).pace == 10
    assert _options(["--check", "--pace", "2"]).pace == 2
    for wrong in (["--pace", "-1"], ["--replay", str(tmp_path / "missing")], ["--meter", "gas"]):
        with pytest.raises(SystemExit):
            _options(wrong)
    assert "no such file" in capsys.readouterr().err
