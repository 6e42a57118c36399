"""The servers as a program: errors as problems, a store that outlives everything, the command line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
import json
from pathlib import Path
import signal as signals
import socket
import sqlite3
import sys

from aiohttp import ClientSession
import pytest
from served import POINT, PRICES, Served, served, signal
from yarl import URL

from emulator.__main__ import main
from emulator.serve.clock import Clock

pytestmark = pytest.mark.usefixtures("socket_enabled")

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def program(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Served]]:
    """Start the command ``serve`` in a process of its own, with a client of it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emulator", "serve", "--port", "0", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    line = (await process.stdout.readline()).decode().strip()
    async with ClientSession() as http:
        world = Served(line.removeprefix("serve: "), http, Clock())
        world.user, world.admin = await world.login("emulator-user"), await world.login("emulator-admin")
        try:
            yield process, world
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def fill(world: Served) -> dict[str, object]:
    """Do a bit of everything; return what must be there for ever."""
    session = await world.session("SUPPLIER")
    await world.put(signal(3), delivery_point=POINT)
    await world.put(signal(4), delivery_point=POINT)
    await world.put(signal(5))
    await world.prices(session)
    return await kept(world, session) | {"session": session}


async def kept(world: Served, session: str) -> dict[str, object]:
    """Return what the server says that it keeps."""
    return {
        "shown": {
            name: value for name, value in (await world.get(session, world.user)).json.items() if name != "base_url"
        },
        "signals": (await world.get("/admin/signals", world.admin)).json,
        "archived": (await world.get("/admin/signals?archived=true", world.admin)).json,
        "own": (await world.prices()).data,
        "default": (await world.prices(delivery_point="14000000000043")).data,
    }


async def test_nothing_is_lost_by_a_restart(tmp_path: Path) -> None:
    """Sessions, signals in use and archived; the journal goes on."""
    file = tmp_path / "emulator.db"
    async with served(database=file) as world:
        before = await fill(world)
    async with served(database=file) as world:
        session = str(before.pop("session"))
        assert await kept(world, session) == before
        assert before["own"] == signal(4)
        assert before["default"] == signal(5)
    with closing(sqlite3.connect(file)) as database:
        paths = [path for (path,) in database.execute("SELECT path FROM exchanges ORDER BY id")]
        assert [path.partition("?")[0] for path in paths] == [f"{session}/{PRICES}", session, session]
        (body,) = database.execute("SELECT body FROM signals WHERE archived_at IS NOT NULL").fetchone()
        assert body.encode() == signal(3)


async def test_nothing_is_lost_by_a_kill(tmp_path: Path) -> None:
    """What was answered is in the file, though the process had no time to close it."""
    file = tmp_path / "emulator.db"
    async with program("--database", str(file)) as (process, world):
        before = await fill(world)
        process.kill()
        assert await process.wait() == -signals.SIGKILL
    async with served(database=file) as world:
        session = str(before.pop("session"))
        assert await kept(world, session) == before
        assert (await world.post(f"{session}/reports", world.user)).status == 200


@pytest.mark.parametrize("number", [signals.SIGTERM, signals.SIGINT])
async def test_prints_its_address_and_ends_on_a_signal(number: signals.Signals) -> None:
    """With the options of its world."""
    options = "--now 2026-01-15T18:00:00+01:00 --pace 100 --scenario all-red --rte-client me:and:you --admin-role boss"
    async with program(*options.split(), "--audience", "us", "--no-private-targets") as (process, world):
        token = await world.rte("me", "and:you")
        days = (await world.signals(token)).json["signals"]
        assert (days[0]["jour"], days[0]["dvalue"]) == ("2026-01-15T00:00:00+01:00", 3)
        session = await world.session("CEMS", f"{world.base}/health")
        (await world.check(session)).problem(403, "private-target")
        assert (await world.get("/admin/signals", world.admin)).status == 200
        process.send_signal(number)
        assert await process.communicate() == (b"", b"")
        assert process.returncode == 0


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a line, without a traceback."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE recipes (name)")
    newer = tmp_path / "newer.db"
    with closing(sqlite3.connect(newer)) as database:
        database.execute("PRAGMA user_version=9")
    text = tmp_path / "text.db"
    text.write_text("This is no database, though it is long enough to be one." * 100)
    for options, word in (
        (("--scenario", "nothing"), "calm"),
        (("--port", "99999"), "port"),
        (("--database", str(tmp_path / "nowhere" / "x.db")), "x.db"),
        (("--database", str(other)), "recipes"),
        (("--database", str(newer)), "version 9"),
        (("--database", str(text)), "not a database"),
    ):
        assert main(["serve", "--port", "0", *options]) == 2, options
        said = capsys.readouterr()
        assert said.err.startswith("serve: ")
        assert word in said.err
        assert said.out == ""
    for wrong in (("--rte-client", "me"), ("--rte-client", ":x"), ("--now", "2026-01-15T18:00:00"), ("--now", "late")):
        with pytest.raises(SystemExit, match="2"):
            main(["serve", *wrong])


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """Said, and the end."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert main(["serve", "--port", str(other.getsockname()[1])]) == 2
    assert "address already in use" in capsys.readouterr().err


async def test_errors_are_problems() -> None:
    """A path that is not, a method that is not, no token, a body too big: RFC 9457, with the headers that belong."""
    async with served() as world:
        (await world.get("/nothing", world.user)).problem(404, "not-found")
        for path in ("/auth/nothing", f"/auth{await world.session()}/x", f"/control{await world.session()}"):
            (await world.get(path)).problem(404, "not-found")
        for method, path, allowed in (
            ("DELETE", "/sessions", {"POST"}),
            ("PUT", "/admin/signals", {"GET", "POST"}),
            ("PATCH", f"/{PRICES}", {"GET"}),
            ("POST", "/auth/login", {"GET", "HEAD"}),
        ):
            answer = await world.call(method, path, world.user)
            answer.problem(405, "method-not-allowed")
            assert set(answer.headers["Allow"].split(",")) == allowed
        for header, challenge in (
            ({}, "Bearer"),
            ({"Authorization": "Basic x"}, "Bearer"),
            ({"Authorization": "Bearer  "}, "Bearer"),
            ({"Authorization": "Bearer x.y.z"}, 'Bearer error="invalid_token"'),
        ):
            refused = await world.get(f"/{PRICES}", headers=header)
            refused.problem(401, "invalid-token")
            assert refused.headers["WWW-Authenticate"] == challenge
        (await world.post("/control/faults", json={"path": "/" * 1_100_000})).problem(413, "content-too-large")
        (await world.get("/sessions/no-uuid", world.user)).problem(404, "not-found")
        for path in (
            "/auth/../admin/signals",
            "/auth/%2e%2e/admin/signals",
            "//admin/signals",
            "/auth%2F..%2Fadmin/signals",
        ):
            async with world.http.get(URL(f"{world.base}{path}", encoded=True)) as around:
                assert around.status in (401, 404)


async def test_what_nobody_thought_of_is_told_to_the_log_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A problem 500 without a word of what happened; the journal has it."""
    async with served() as world:
        session = await world.session()
        with monkeypatch.context() as broken:
            broken.setattr("emulator.sessions.api.report", lambda *_: 1 / 0)
            answer = await world.post(f"{session}/reports", world.user)
        answer.problem(500, "internal")
        assert b"division" not in answer.data
        assert "division by zero" in caplog.text
        assert b"%PDF" in (await world.post(f"{session}/reports", world.user)).data


async def test_a_host_that_is_none() -> None:
    """Whatever a caller says that we are called."""
    async with served() as world:
        for host in ("a b", "[", "x:99999999", ""):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(world.base.rpartition(":")[2]))
            writer.write(
                f"POST /sessions?emulator_module=SUPPLIER HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n"
                f"Authorization: Bearer {world.user}\r\nConnection: close\r\n\r\n".encode()
            )
            line = (await reader.readline()).decode()
            assert int(line.split()[1]) in (201, 400), (host, line)
            writer.close()
            await writer.wait_closed()


async def test_documents_and_health_are_open() -> None:
    """No token is needed to read what there is."""
    async with served() as world:
        for path in ("/openapi.json", "/openapi-rte.json"):
            assert json.loads((await world.get(path)).data)["openapi"] == "3.1.0"
        assert (await world.get("/health")).json == {"status": "ok"}


def test_a_clock_that_runs_at_its_pace() -> None:
    """From the instant it is set to."""
    now = 0.0
    clock = Clock(pace=60, monotonic=lambda: now)
    began = clock.now()
    now = 2.5
    assert (clock.now() - began).total_seconds() == 150
    clock.set(began)
    assert clock.now() == began
