"""RTE's side: tokens, the quota of the clock quarter, scenarios, the sandbox, and faults on demand."""

import asyncio
from datetime import date, datetime, timedelta
from itertools import pairwise
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientError, encode_basic_auth
import pytest
from served import Served, served

from emulator.rte.scenario import ScenarioError, load_scenario, names, parse_scenario

pytestmark = pytest.mark.usefixtures("socket_enabled")

PARIS = ZoneInfo("Europe/Paris")
EVENING = datetime(2026, 1, 15, 18, 7, 30, 250_000, PARIS)
SIGNALS = "/open_api/ecowatt/v5/signals"


async def days(world: Served) -> list[dict[str, Any]]:
    """Ask for Ecowatt in a quarter of an hour that is new."""
    world.clock.set(world.clock.now() + timedelta(minutes=15))
    answer = await world.signals(await world.rte())
    assert answer.status == 200, answer.data
    found: list[dict[str, Any]] = answer.json["signals"]
    return found


def levels(day: dict[str, Any]) -> dict[int, int]:
    """Return the level of each hour of a day."""
    return {value["pas"]: value["hvalue"] for value in day["values"]}


async def test_a_token() -> None:
    """For the id and the secret, by POST or GET, with and without the last slash; nothing else."""
    async with served(rte_clients=(("one", "secrét:1"),)) as world:
        for method in ("POST", "GET"):
            for path in ("/token/oauth/", "/token/oauth"):
                basic = {"Authorization": encode_basic_auth("one", "secrét:1", encoding="utf-8")}
                answer = await world.call(method, path, headers=basic)
                assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
                assert 7000 < answer.json["expires_in"] < 7200
        for header in (
            {},
            {"Authorization": "Basic !"},
            {"Authorization": "Bearer x"},
            {"Authorization": encode_basic_auth("one", "wrong")},
            {"Authorization": encode_basic_auth("two", "secrét:1")},
        ):
            answer = await world.post("/token/oauth/", headers=header)
            assert (answer.status, answer.json) == (401, {"error": "invalid_client"})
            assert answer.headers["WWW-Authenticate"].startswith("Basic")


async def test_who_may_ask() -> None:
    """Nobody without a token, with another's, or with one that is two hours old; nobody who has not subscribed."""
    async with served(start=EVENING) as world:
        for path in ("signals", "sandbox/signals"):
            answer = await world.signals("made-up", path)
            assert (answer.status, answer.json["error"]) == (401, "ECOWATT_COMMON_T01")
            assert answer.json["error_details"]["transaction_id"].startswith("Id-")
            unsubscribed = await world.rte("unsubscribed", "unsubscribed-secret")
            answer = await world.signals(unsubscribed, path)
            assert (answer.status, answer.json["error"]) == (403, "ECOWATT_COMMON_T02")
        token = await world.rte()
        former = await world.get("/open_api/ecowatt/v4/signals", token)
        assert (former.status, (await world.get("/open_api/ecowatt/v4/signals")).status) == (403, 401)
        assert (await world.signals(token)).status == 200
        world.clock.set(EVENING + timedelta(seconds=7210))
        assert (await world.signals(token)).status == 401


async def test_one_call_in_a_quarter_of_the_clock() -> None:
    """The second is refused, with the whole seconds until the next quarter; other clients have a quota of their own."""
    async with served(start=EVENING, rte_clients=(("one", "1"), ("two", "2"))) as world:
        one, two = await world.rte("one", "1"), await world.rte("two", "2")
        world.clock.set(EVENING)
        assert (await world.signals(one)).status == 200
        refused = await world.signals(one)
        assert (refused.status, refused.json["error"]) == (429, "ECOWATT_COMMON_T06")
        assert refused.headers["Retry-After"] == "450"
        assert (await world.signals(two)).status == 200
        world.clock.set(EVENING.replace(minute=14, second=58))
        last = await world.signals(one)
        assert (last.status, last.headers["Retry-After"]) == (429, "2")
        world.clock.set(EVENING.replace(minute=15, second=0, microsecond=0))
        assert (await world.signals(one)).status == 200
        calls = (await world.get("/control/rte")).json["calls"]
        assert [(call["client"], call["quarter"], call["accepted"], call["refused"]) for call in calls] == [
            ("one", "2026-01-15T17:00:00+00:00", 1, 2),
            ("one", "2026-01-15T17:15:00+00:00", 1, 0),
            ("two", "2026-01-15T17:00:00+00:00", 1, 0),
        ]


async def test_the_sandbox_has_no_quota() -> None:
    """Four days of June 2022, out of order, the first begun; the same whatever the clock and the scenario."""
    async with served(start=EVENING, scenario="all-red") as world:
        token = await world.rte()
        answers = [(await world.signals(token, "sandbox/signals")).json["signals"] for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert [day["jour"][:10] for day in answers[0]] == ["2022-06-06", "2022-06-03", "2022-06-05", "2022-06-04"]
        assert min(levels(answers[0][1])) == 7
        assert {level for day in answers[0] for level in levels(day).values()} == {0, 1, 2, 3}
        assert (await world.get("/control/rte")).json == {"calls": []}


async def test_xml_for_who_does_not_ask_for_json() -> None:
    """As RTE's gateway does."""
    async with served() as world:
        token = await world.rte()
        for path in (SIGNALS, "/open_api/ecowatt/v5/sandbox/signals"):
            answer = await world.get(path, token)
            assert (answer.status, answer.kind, answer.data) == (200, "application/xml", b"<signals/>")


async def test_every_day_is_written_as_rte_does() -> None:
    """Midnights of Paris in order, the highest level of the day and never 0, a stamp with the wrong offset."""
    async with served(start=EVENING) as world:
        for name in names():
            await world.post("/control/scenario", json={"name": name})
            found = await days(world)
            assert [day["jour"] for day in found] == [f"2026-01-{15 + i}T00:00:00+01:00" for i in range(len(found))]
            for day in found:
                assert day["dvalue"] == max(1, *levels(day).values())
                assert list(levels(day)) == sorted(levels(day))
                assert set(day) == {"GenerationFichier", "jour", "dvalue", "message", "values"}
            assert found[0]["GenerationFichier"] == "2026-01-14T23:00:00+01:00"
            assert all(after["jour"] > before["jour"] for before, after in pairwise(found))


async def test_scenarios_are_what_they_say() -> None:
    """Each of those that come with the emulator, by its name."""
    async with served(start=EVENING, scenario="red-evening") as world:

        async def play(name: str) -> list[dict[str, Any]]:
            changed = await world.post("/control/scenario", json={"name": name})
            assert (changed.status, changed.json["name"], changed.json["names"]) == (200, name, names())
            return await days(world)

        first = levels((await days(world))[0])
        assert [first[hour] for hour in (7, 8, 12, 17, 18, 19, 20, 21)] == [1, 2, 1, 2, 3, 3, 2, 1]
        assert {len(day["values"]) for day in await play("red-evening")} == {24}
        assert [set(levels(day).values()) for day in await play("calm")] == [{1}] * 4
        assert [set(levels(day).values()) for day in await play("all-red")] == [{3}] * 4
        green = await play("green-night")
        assert [hour for hour, level in levels(green[0]).items() if level == 0] == [*range(6), *range(12, 16)]
        assert (green[0]["dvalue"], set(levels(green[2]).values())) == (1, {1})
        assert len(await play("missing-days")) == 2
        hours = await play("missing-hours")
        assert (min(levels(hours[0])), len(hours[0]["values"]), len(hours[1]["values"])) == (7, 17, 24)
        placeholder = await play("placeholder-day")
        stamps = [day["GenerationFichier"] for day in placeholder]
        assert len({*stamps[:3]}) == 1
        assert stamps[3] != stamps[0]
        assert len(names()) == 9


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
async def test_days_on_which_the_time_changes(day: date) -> None:
    """They have 24 hours of the wall clock like all others, and each day its own offset."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)
    async with served(start=noon, scenario="dst") as world:
        found = await days(world)
        assert list(levels(found[0])) == list(range(24))
        assert [levels(found[0])[hour] for hour in range(6)] == [1, 0, 2, 3, 0, 1]
        offsets = [datetime.fromisoformat(one["jour"]).utcoffset() for one in found]
        assert offsets[0] != offsets[1] == offsets[2]


@pytest.mark.parametrize(
    ("scenario", "before", "after"), [("calm", (0, 19), (0, 20)), ("late-publication", (1, 59), (2, 0))]
)
async def test_the_last_day_comes_after_midnight(
    scenario: str, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """Three days until then, four from then on; yesterday is dropped at midnight."""
    async with served(scenario=scenario) as world:
        counts = []
        for hour, minute in (before, after):
            world.clock.set(datetime(2026, 1, 15, hour, minute, tzinfo=PARIS))
            token = await world.rte()
            found = (await world.signals(token)).json["signals"]
            assert found[0]["jour"].startswith("2026-01-15")
            counts.append(len(found))
            world.clock.set(world.clock.now() + timedelta(hours=1))
            await world.signals(token)
        assert counts == [3, 4]


async def test_a_scenario_of_ones_own(tmp_path: Path) -> None:
    """From a file at the start, or sent while it runs."""
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"about": "Mine.", "horizon": 1, "days": {"0": {"default": 0, "hours": {"3": 3}}}}))
    async with served(start=EVENING, scenario=str(file)) as world:
        assert (await world.get("/control/scenario")).json["about"] == "Mine."
        found = await days(world)
        assert (len(found), levels(found[0])[3], levels(found[0])[4]) == (1, 3, 0)
        await world.post("/control/scenario", json={"scenario": {"days": {"1": {"missing": ["0-24"]}}}})
        assert (await days(world))[1]["values"] == []
        wrong: list[object] = [{"name": "none"}, {"name": "calm", "x": 1}, [], {"scenario": {"days": {"9": {}}}}]
        for body in wrong:
            (await world.post("/control/scenario", json=body)).problem(422, "no-scenario")
        for data in (b"{", b"[" * 100_000):
            headers = {"Content-Type": "application/json"}
            (await world.post("/control/scenario", data=data, headers=headers)).problem(400, "malformed")
        assert (await world.get("/control/scenario")).json["name"] == "given"


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"day": {}},
        {"horizon": 5},
        {"horizon": True},
        {"published": "late"},
        {"published": "00:20+01:00"},
        {"days": []},
        {"days": {"4": {}}},
        {"days": {"0": []}},
        {"days": {"0": {"color": 1}}},
        {"days": {"0": {"default": 4}}},
        {"days": {"0": {"default": True}}},
        {"days": {"0": {"hours": [1]}}},
        {"days": {"0": {"hours": {"24": 1}}}},
        {"days": {"0": {"hours": {"9" * 5000: 1}}}},
        {"days": {"0": {"hours": {"5-3": 1}}}},
        {"days": {"0": {"hours": {"\u0661": 1}}}},
        {"days": {"0": {"missing": ["-"]}}},
        {"days": {"0": {"missing": ["1-x"]}}},
        {"days": {"0": {"placeholder": "yes"}}},
    ],
)
def test_scenarios_without_sense(data: object) -> None:
    """Each is refused, in words."""
    with pytest.raises(ScenarioError):
        parse_scenario("bad", data)


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"[" * 100_000, None], ids=["no JSON", "no text", "a depth", "not there"]
)
def test_files_that_are_no_scenario(tmp_path: Path, content: bytes | None) -> None:
    """Not there, not text, not JSON."""
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ScenarioError, match=r"bad\.json"):
        load_scenario(str(file))


async def test_old_tokens_make_room() -> None:
    """Whoever asks for thousands of tokens does not fill the memory."""
    async with served() as world:
        first = await world.rte()
        await asyncio.gather(*(world.rte() for _ in range(1000)))
        assert (await world.signals(first)).status == 401


@pytest.mark.parametrize(
    ("kind", "status", "media_type", "data"),
    [
        ("html-502", 502, "text/html", b"Bad Gateway"),
        ("empty", 200, "application/json", b""),
        ("not-json", 200, "text/plain", b"unavailable"),
        ("wrong-json", 200, "application/json", b"another API"),
        ("big", 200, "application/json", b"x" * 10_000_000),
        ("status", 500, "application/json", b"EMULATED_FAULT"),
    ],
)
async def test_faults_that_are_answers(kind: str, status: int, media_type: str, data: bytes) -> None:
    """So many times, at paths that begin so; then all is well again."""
    async with served() as world:
        token = await world.rte()
        await world.fault("/open_api/", kind, times=2)
        for _ in range(2):
            answer = await world.signals(token)
            assert (answer.status, answer.kind) == (status, media_type)
            assert data in answer.data
            assert bool(answer.data) == bool(data)
        assert (await world.get("/health")).json == {"status": "ok"}
        assert (await world.signals(token)).status == 200


async def test_a_fault_with_a_status_of_ones_own() -> None:
    """And how long to wait."""
    async with served() as world:
        await world.fault("/token/", "status", status=503, seconds=90)
        answer = await world.post("/token/oauth/")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "90")
        assert answer.json["error_details"]["transaction_id"]


@pytest.mark.parametrize("kind", ["half", "reset"])
async def test_faults_that_break_the_line(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The client sees a broken answer or none; the server goes on, and does not call it an error."""
    async with served() as world:
        token = await world.rte()
        await world.fault(SIGNALS, kind)
        with pytest.raises(ClientError):
            await world.signals(token)
        await world.call("DELETE", "/control/faults")
        assert (await world.signals(token)).status == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_slow_answer() -> None:
    """It is the right one, later."""
    async with served(start=EVENING) as world:
        token = await world.rte()
        await world.fault(SIGNALS, "slow", seconds=0.5, times=1)
        slow = asyncio.create_task(world.signals(token))
        while (await world.get("/control/faults")).json:
            assert not slow.done()
        assert (await world.signals(token)).status == 200
        assert not slow.done()
        assert (await slow).status == 429  # it was counted when it was answered


async def test_faults_are_shown_and_taken_back() -> None:
    """In the order of their orders; control itself has none."""
    async with served() as world:
        await world.fault("/", "status")
        await world.fault("/health", "empty", times=3)
        shown = (await world.get("/control/faults")).json
        assert [(fault["path"], fault["kind"], fault["times"]) for fault in shown] == [
            ("/", "status", None),
            ("/health", "empty", 3),
        ]
        assert (await world.get("/health")).status == 500
        assert (await world.call("DELETE", "/control/faults")).json == []
        assert (await world.get("/health")).status == 200
        wrong: list[object] = [
            [],
            {},
            {"path": "health", "kind": "empty"},
            {"path": "/", "kind": "thunder"},
            {"path": "/", "kind": []},
            {"path": "/", "kind": "empty", "times": 0},
            {"path": "/", "kind": "empty", "times": True},
            {"path": "/", "kind": "slow", "seconds": -1},
            {"path": "/", "kind": "slow", "seconds": "1"},
            {"path": "/", "kind": "status", "status": 200},
            {"path": "/", "kind": "empty", "colour": 1},
        ]
        for body in wrong:
            (await world.post("/control/faults", json=body)).problem(422, "malformed")
        (await world.post("/control/faults", data=b"x")).problem(415, "unsupported-media-type")
