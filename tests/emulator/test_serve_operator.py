"""The operator of Annex 1: what it hands on, what it thinks of answers, whom it calls, and how long it waits."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import json
import socket

from aiohttp import web
from annex1 import ASSET, MORNING, REQUEST, WHOLE, asked, at
import pytest
from pytest_homeassistant_custom_component.plugins import _real_getaddrinfo  # type: ignore[import-untyped]
from served import Answer, served, text
from yarl import URL

from emulator.operator.judge import Asked, Operation, judge
from emulator.serve import outward
from emulator.serve.outward import Reply

pytestmark = pytest.mark.usefixtures("socket_enabled")

type Answering = Callable[[web.Request], web.StreamResponse]


class External:
    """A BACS that is not the emulator: it answers what it is told, and keeps what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Answering = lambda _request: web.json_response([{"id": "a", "name": "b"}])
        self.asked: list[tuple[web.Request, bytes]] = []


@asynccontextmanager
async def external() -> AsyncIterator[External]:
    """Run another BACS."""

    async def anything(request: web.Request) -> web.StreamResponse:
        bacs.asked.append((request, await request.read()))
        return bacs.answer(request)

    application = web.Application()
    application.add_routes([web.route("*", "/{path:.*}", anything)])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bacs = External(f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1/")
    try:
        yield bacs
    finally:
        await runner.cleanup()


def verdict(answer: Answer) -> list[tuple[str, str]]:
    """Return pointer and code of what the operator found wrong."""
    findings = json.loads(answer.headers["Flex-Ready-Findings"])
    assert answer.headers["Flex-Ready-Valid"] == ("false" if findings else "true")
    assert answer.headers["Flex-Ready-Upstream-Status"] == str(answer.status)
    return [(finding["pointer"], finding["code"]) for finding in findings]


@pytest.mark.parametrize("dialect", ["emulator", "native"])
async def test_a_whole_request_with_another_emulator(dialect: str) -> None:
    """Everything that an operator does, against a BACS of another process: each answer as it is, and valid."""
    async with served(start=MORNING) as bacs, served() as world:
        site = await bacs.annex_1(dialect=dialect)
        session = await world.annex_1("OPERATOR", bacs.base + site)
        assert session.endswith("/operator")
        bearer = {"EMULATOR_Authorization": f"Bearer {bacs.user}"}

        async def both(method: str, path: str, body: object = None) -> Answer:
            own = {"json": body} if body is not None else {}
            answer = await world.call(method, session + path, world.user, headers=bearer, **own)
            assert verdict(answer) == []
            if method == "GET":
                direct = await bacs.get(site + path, bacs.user)
                assert (direct.status, direct.data) == (answer.status, answer.data)
            return answer

        for path in ("/bacs", f"/bacs/{WHOLE}", f"/bacs/{WHOLE}/assets", ASSET, f"{ASSET}/flexibilities"):
            assert (await both("GET", path)).status == 200
        for query in ("", "/aggregated?aggregation=mean", "?start=2025-04-02T08:00:00%2B02:00&step=PT30M"):
            assert (await both("GET", f"{ASSET}/consumptions{query}")).json["consumptions"]
        offer = await both("POST", REQUEST, asked(offset="+02:00"))
        assert (offer.status, offer.json["state"]) == (201, "offered")
        assert offer.headers["Location"] == f"{site}{REQUEST}/req-001"
        assert (await both("POST", REQUEST, asked(offset="+02:00"))).headers["Idempotency-Replayed"] == "true"
        order = await both("POST", f"{REQUEST}/req-001/confirm", asked(name=None, offset="+02:00"))
        assert order.json["state"] == "scheduled"
        bacs.clock.set(at("12:35:00"))
        measured = (await both("GET", f"{REQUEST}/req-001/consumptions")).json["consumptions"]
        assert [point["power"]["value"] < point["baseline"]["value"] - 75 for point in measured] == [True, True]
        (await both("DELETE", f"{REQUEST}/req-001")).problem(409, "invalid-state")
        assert (await both("POST", REQUEST, asked(name="two", start="13:00:00", end="13:01:00"))).status == (
            201 if dialect == "emulator" else 422
        )
        if dialect == "emulator":
            gone = await both("DELETE", f"{REQUEST}/two")
            assert (gone.status, gone.data) == (204, b"")
        wrong = {"EMULATOR_Authorization": "Bearer x.y.z"}
        refused = await world.get(f"{session}/bacs", world.user, headers=wrong)
        refused.problem(401, "invalid-token")  # the word of the BACS
        assert refused.headers["Flex-Ready-Upstream-Status"] == "401"
        assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_what_is_handed_on() -> None:
    """Method, path, query and body; the headers with the prefix, without it; neither our token nor bodies of GET."""
    async with served() as world, external() as bacs:
        session = await world.annex_1("OPERATOR", f"{bacs.url}?key=1")
        headers = {"EMULATOR_Authorization": "Basic x", "emulator_X_Trace": "7", "Other": "no"}
        await world.get(f"{session}{ASSET}/consumptions?start=x&start=y", world.user, headers=headers, data=b"{}")
        body = b'{"requestID": "\\u20ac", "power": [ ]}'
        kind = {"Content-Type": "application/json"}
        await world.post(session + REQUEST, world.user, headers=headers | kind, data=body)
        (got, nothing), (posted, sent) = bacs.asked
        assert (got.method, got.path, nothing) == ("GET", f"/api/v1{ASSET}/consumptions", b"")
        assert list(got.query.items()) == [("key", "1"), ("start", "x"), ("start", "y")]
        assert (posted.method, posted.path, sent) == ("POST", f"/api/v1{REQUEST}", body)
        for request in (got, posted):
            assert request.headers["Authorization"] == "Basic x"
            assert request.headers["X_Trace"] == "7"
            assert "Other" not in request.headers
        assert posted.headers["Content-Type"] == "application/json"
        for name in ("Host", "Connection", "Transfer-Encoding", "Content-Length", ""):
            refused = await world.get(f"{session}/bacs", world.user, headers={f"EMULATOR_{name}": "x"})
            refused.problem(422, "refused-header")
        assert len(bacs.asked) == 2


async def test_no_path_leads_elsewhere() -> None:
    """Names with slashes, dots and letters of any kind stay names."""
    async with served() as world, external() as bacs:
        session = await world.annex_1("OPERATOR", bacs.url)
        for name in ("a%2Fb", "%E2%82%AC%3F%23", "..%2F..%2Fx"):
            async with world.http.get(
                URL(f"{world.base}{session}/bacs/{name}", encoded=True),
                headers={"Authorization": f"Bearer {world.user}"},
            ):
                pass
        assert [request.raw_path for request, _ in bacs.asked] == [
            "/api/v1/bacs/a%2Fb",
            "/api/v1/bacs/%E2%82%AC%3F%23",
            "/api/v1/bacs/..%2F..%2Fx",
        ]
        for name in ("%2E%2E/assets", "..", "."):
            async with world.http.get(
                URL(f"{world.base}{session}/bacs/{name}", encoded=True),
                headers={"Authorization": f"Bearer {world.user}"},
            ) as answer:
                assert answer.status in (200, 404, 405)
        assert all(request.path.startswith("/api/v1/bacs") for request, _ in bacs.asked)


async def test_a_bacs_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """502 for what is no answer of this API, 504 for one that does not come; errors in JSON as they are."""
    async with served() as world, served() as bacs:
        site = await bacs.annex_1()
        session = await world.annex_1("OPERATOR", bacs.base + site)
        bearer = {"EMULATOR_Authorization": f"Bearer {bacs.user}"}
        for kind, options, expected in (
            ("html-502", {}, (502, "upstream-invalid")),
            ("half", {}, (502, "upstream-truncated")),
            ("reset", {}, (502, "upstream-unreachable")),
            ("slow", {"seconds": 1}, (504, "upstream-timeout")),
            ("empty", {}, (502, "upstream-invalid")),
            ("not-json", {}, (502, "upstream-invalid")),
            ("big", {}, (502, "upstream-too-big")),
        ):
            await bacs.fault(site, kind, **options)
            with monkeypatch.context() as time:
                time.setattr(outward, "TIMEOUT_S", 0.2 if kind == "slow" else 60)
                answer = await world.get(f"{session}/bacs", world.user, headers=bearer)
            answer.problem(*expected)
            assert "Flex-Ready-Upstream-Status" not in answer.headers
            await bacs.call("DELETE", "/control/faults")
        await bacs.fault(site, "status", status=503, seconds=7)
        answer = await world.get(f"{session}/bacs", world.user, headers=bearer)
        assert (answer.status, answer.headers["Retry-After"], verdict(answer)) == (503, "7", [("", "no-problem")])
        nobody = await world.annex_1("OPERATOR", "http://127.0.0.1:9/")
        (await world.get(f"{nobody}/bacs", world.user)).problem(502, "upstream-unreachable")


async def test_redirections_and_private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first are not followed; the second are called unless that is forbidden."""
    async with served() as world, external() as bacs:
        bacs.answer = lambda _request: web.json_response({}, status=307, headers={"Location": bacs.url})
        session = await world.annex_1("OPERATOR", bacs.url)
        (await world.get(f"{session}/bacs", world.user)).problem(502, "upstream-invalid")
        assert len(bacs.asked) == 1
    monkeypatch.setattr(socket, "getaddrinfo", _real_getaddrinfo)
    async with served(private_targets=False) as world, external() as bacs:
        session = await world.annex_1("OPERATOR", bacs.url)
        (await world.get(f"{session}/bacs", world.user)).problem(403, "private-target")
        assert bacs.asked == []


async def test_the_journal_tells_what_a_bacs_is_worth() -> None:
    """What was called and what was wrong with it are in the report."""
    async with served() as world, external() as bacs:
        session = await world.annex_1("OPERATOR", bacs.url)
        await world.get(f"{session}/bacs", world.user)
        bacs.answer = lambda _request: web.json_response([{"id": 7}] * 300)
        answer = await world.get(f"{session}/bacs", world.user)
        assert verdict(answer)[:2] == [("/0/id", "missing"), ("/0/name", "missing")]
        assert len(verdict(answer)) == 20
        identifier = session.split("/")[3]
        report = text((await world.post(f"/sessions/{identifier}/reports", world.user)).data)
        for expected in ("ModuleOPERATOR", "Exchanges2", "GET/api/v1/bacs:valid", "missing"):
            assert expected in report, expected


_POINT = {"start": "2025-04-02T12:00:00", "end": "2025-04-02T12:10:00"}
_W = {"unit": "W", "multiplier": "k", "value": 1.5}
_POTENTIAL = {"power": _W, "timePeriods": [_POINT]}
_KIND = {"Content-Type": "application/problem+json"}


@pytest.mark.parametrize(
    ("operation", "body", "found"),
    [
        (Operation.SITES, {}, [("", "not-an-array")]),
        (Operation.SITES, [7, {"id": ""}], [("/0", "not-an-object"), ("/1/id", "missing"), ("/1/name", "missing")]),
        (Operation.SITE, {"bacs_id": "a", "name": "b"}, []),
        (Operation.ASSETS, [{"asset_id": "a", "flexProduct": "WID", "potential": _POTENTIAL}], []),
        (Operation.ASSET, 7, [("", "not-an-object")]),
        (Operation.ASSET, {"id": "a"}, [("/flexProduct", "missing"), ("/potentiel", "missing")]),
        (Operation.FLEXIBILITIES, {"flexProduct": "WID", "potentiel": _POTENTIAL}, []),
        (Operation.FLEXIBILITIES, [7], [("/0", "not-an-object")]),
        (
            Operation.FLEXIBILITIES,
            {"flexProduct": "WID", "potentiel": {"power": 7, "timePeriod": 7}},
            [("/potentiel/power", "not-a-quantity"), ("/potentiel/timePeriod", "not-an-array")],
        ),
        (Operation.REQUEST, {"requestID": "one", "state": "scheduled", "power": [_POINT | {"power": _W}]}, []),
        (Operation.REQUEST, [], [("", "not-an-object")]),
        (
            Operation.REQUEST,
            {"requestID": "two", "state": []},
            [("/requestID", "another-request"), ("/state", "unknown-state")],
        ),
        (
            Operation.CREATE,
            {"requestID": "one", "state": "x", "power": 7},
            [("/state", "unknown-state"), ("/power", "not-an-array")],
        ),
        (Operation.REQUEST, {"requestID": "one", "state": "active", "flexProduct": 7}, [("/flexProduct", "missing")]),
        (Operation.CANCEL, None, []),
        (Operation.REALISE, {"requestID": "one", "state": "active", "consumptions": []}, []),
        (Operation.CONSUMPTIONS, {"consumptions": [_POINT | {"power": _W, "energy": {"unit": "Wh", "value": 1}}]}, []),
        (Operation.CONSUMPTIONS, [_POINT, 7], [("/consumptions/1", "bad-time"), ("/consumptions/0", "missing")]),
        (
            Operation.CONSUMPTIONS,
            [_POINT | {"power": {"unit": "kW", "multiplier": 3, "value": float("inf")}}] * 2,
            [("/consumptions/1/start", "not-increasing")]
            + [
                (f"/consumptions/{i}/power/{name}", code)
                for i in (0, 1)
                for name, code in (
                    ("value", "not-a-number"),
                    ("unit", "unknown-unit"),
                    ("multiplier", "unknown-multiplier"),
                )
            ],
        ),
        (
            Operation.CONSUMPTIONS,
            [
                {
                    "start": "2025-04-02T12:00:00",
                    "end": "2025-04-02T12:00:00",
                    "energy": {"unit": "Wh", "value": 10**400},
                }
            ],
            [("/consumptions/0/end", "bad-period"), ("/consumptions/0/energy/value", "not-a-number")],
        ),
        (
            Operation.CONSUMPTIONS,
            [
                _POINT | {"start": "0001-01-01T00:00:00+23:00", "power": _W},
                {"end": "9999-12-31T23:59:59-23:00", "start": "x"},
            ],
            [("/consumptions/1", "bad-time"), ("/consumptions/1", "missing")],
        ),
    ],
)
def test_an_answer_judged(operation: Operation, body: object, found: list[tuple[str, str]]) -> None:
    """Every name that Annex 1 may mean, and everything that is wrong."""
    asked_for = Asked(operation, "one")
    findings = judge(asked_for, Reply(204 if body is None else 200), body)
    assert [(finding["pointer"], finding["code"]) for finding in findings] == found


def test_a_status_judged() -> None:
    """One that the operation has not, errors in their form or not."""
    asked_for = Asked(Operation.SITE)
    site = {"id": "a", "name": "b"}
    assert [finding["code"] for finding in judge(asked_for, Reply(201), site)] == ["status"]
    for reply, body, found in (
        (Reply(404, _KIND), {"status": 404}, []),
        (Reply(404, _KIND), {"status": 400}, ["status"]),
        (Reply(404, _KIND), [], ["no-problem"]),
        (Reply(404), {"error": "x"}, ["no-problem"]),
    ):
        assert [finding["code"] for finding in judge(asked_for, reply, body)] == found
    many = judge(Asked(Operation.SITES), Reply(200), [7] * 1000)
    assert len(many) == 500


async def test_a_session_of_the_operator_needs_an_address() -> None:
    """And no other session plays the operator."""
    async with served() as world:
        answer = await world.post("/sessions", world.user, params={"emulator_module": "OPERATOR"})
        assert answer.problem(422, "invalid-session") == [("/url", "missing")]
        (await world.get(f"{await world.annex_1()}/operator/bacs", world.user)).problem(409, "invalid-state")
        session = (await world.annex_1("OPERATOR", world.base)).removesuffix("/operator")
        (await world.get(f"{session}/bacs", world.user)).problem(409, "invalid-state")
