"""Annex 2 as it is written: login, sessions, prices, the check of a supplier, signals of administrators, the report."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import json
from pathlib import Path
import socket
from typing import Any

from aiohttp import FormData, web
import pytest
from pytest_homeassistant_custom_component.plugins import _real_getaddrinfo  # type: ignore[import-untyped]
from served import ASKED, POINT, PRICES, served, signal, text

from emulator.serve import outward
from emulator.sessions.store import Store

pytestmark = pytest.mark.usefixtures("socket_enabled")

APPENDIX = Path(__file__).resolve().parents[3] / "shared/data/ecowatt/flexready_supplier_signal_appendix.json"
LIKE_THE_APPENDIX = """{  "step": [1, 2, 3, 4],
  "horodate": ["2026-02-01T00:00:00+02:00",
               "2026-02-01T00:15:00+02:00",
               "2026-02-01T00:30:00+02:00",
               "2026-02-01T00:45:00+02:00"],
  "power": [{"value": 8, "unit": "W", "multiplier": "k"},
            {"value": 8.25, "unit": "W", "multiplier": "k"},
            {"value": 9, "unit": "W", "multiplier": "k"},
            {"value": 9.5, "unit": "W", "multiplier": "k"}],
  "cost": [{"value": 2500, "unit": "€/kWh", "multiplier": ""},
           {"value": 250, "unit": "€/kWh", "multiplier": ""},
           {"value": 25, "unit": "€/kWh", "multiplier": ""},
           {"value": 2, "unit": "€/kWh", "multiplier": ""}],
  "co2": [{"value": 2.7, "unit": "gCO2eq/kWh", "multiplier": ""},
          {"value": 2.71, "unit": "gCO2eq/kWh", "multiplier": ""},
          {"value": 2.718, "unit": "gCO2eq/kWh", "multiplier": ""},
          {"value": 2.71828, "unit": "gCO2eq/kWh", "multiplier": ""}]
}
""".encode()
"""A signal of our own with the traits of the appendix: an offset that is not of the season, prices of no market."""
FEBRUARY = {"start_date": "2026-01-31T22:00:00Z", "end_date": "2026-02-02T00:00:00Z"}


class External:
    """A supplier that is not the emulator: it answers what it is told, and keeps what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Callable[[web.Request], web.StreamResponse] = lambda _request: web.Response(body=signal())
        self.asked: list[web.Request] = []


@asynccontextmanager
async def external() -> AsyncIterator[External]:
    """Run another supplier."""

    async def prices(request: web.Request) -> web.StreamResponse:
        supplier.asked.append(request)
        return supplier.answer(request)

    application = web.Application()
    application.add_routes([web.get("/prices", prices)])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    supplier = External(f"http://127.0.0.1:{runner.addresses[0][1]}/prices")
    try:
        yield supplier
    finally:
        await runner.cleanup()


async def test_login_leads_to_a_token() -> None:
    """The link, the page, a choice, the way back with a code, a token; the code is good once."""
    async with served() as world:
        login = await world.get("/auth/login")
        assert (login.status, login.json["issuer"]) == (200, f"{world.base}/oidc")
        link = login.json["login_url"].removeprefix(world.base)
        page = await world.get(link)
        assert (page.status, page.kind) == (200, "text/html")
        assert b"emulator-admin" in page.data
        back = f"{world.base}/auth/callback"
        chosen = await world.post(link, data={"user": "emulator-admin", "redirect_uri": back, "state": "a b"})
        assert chosen.status == 303
        assert "state=a+b" in chosen.headers["Location"]
        way = chosen.headers["Location"].removeprefix(world.base)
        tokens = await world.get(way)
        assert (tokens.status, tokens.json["token_type"]) == (200, "Bearer")
        assert (await world.get("/admin/signals", tokens.json["access_token"])).status == 200
        (await world.get(way)).problem(400, "invalid-grant")


async def test_a_session() -> None:
    """Opened, shown, under both prefixes; of nobody else."""
    async with served() as world:
        query = {"emulator_module": "SUPPLIER", "url": "http://127.0.0.1:9/x"}
        opened = await world.post("/sessions", world.user, params=query)
        assert opened.status == 201
        path = opened.headers["Location"]
        assert opened.json["base_url"] == f"{world.base}{path}"
        assert {"emulator_module": "SUPPLIER", "url": query["url"]}.items() <= opened.json.items()
        for prefix in ("", "/api/v1"):
            assert (await world.get(prefix + path, world.user)).json == opened.json
            assert (await world.post(f"{prefix}/sessions", world.user, params=query)).status == 201


async def test_a_session_that_makes_no_sense() -> None:
    """Everything wrong is told at once."""
    async with served() as world:
        for query, wrong in (
            ({}, [("/emulator_module", "unknown-module")]),
            (
                {"emulator_module": "GRID", "url": "ftp://x", "dialect": "loose"},
                [("/emulator_module", "unknown-module"), ("/url", "no-address"), ("/dialect", "unknown-dialect")],
            ),
            ({"emulator_module": "SUPPLIER", "url": "http://["}, [("/url", "no-address")]),
            ({"emulator_module": "SUPPLIER", "url": "http://x:99999/"}, [("/url", "no-address")]),
            ({"emulator_module": "cems"}, [("/url", "missing")]),
            ({"emulator_module": "operator", "dialect": "native"}, [("/url", "missing")]),
        ):
            assert (await world.post("/sessions", world.user, params=query)).problem(422, "invalid-session") == wrong


async def test_another_callers_session_is_not_there() -> None:
    """Not to be read, used, reported, nor written to by somebody else, an administrator included."""
    async with served() as world:
        path = await world.session("SUPPLIER", "http://127.0.0.1:9/")
        for method, end in (
            ("GET", ""),
            ("POST", "/reports"),
            ("GET", f"/{PRICES}"),
            ("POST", "/cems/commodity/prices"),
        ):
            (await world.call(method, path + end, world.admin)).problem(404, "not-found")
        assert "404" not in text((await world.post(f"{path}/reports", world.user)).data).partition("Journal")[2]


@pytest.mark.parametrize("way", [PRICES, "suppliers/%20commodity/prices", "supplier/commodity/prices"])
async def test_prices_of_a_point_or_of_none(way: str) -> None:
    """An unknown point has default data, and the answer says so; a known one its own."""
    async with served() as world:
        session = await world.session()
        own = signal(96)
        await world.put(own, delivery_point=POINT)
        for path in (f"{session}/{way}", f"/{way}", f"/api/v1{session}/{way}"):
            url = f"{world.base}{path}"
            default = await world.get(path, world.user, params=ASKED | {"delivery_point": "14000000000043"})
            assert (default.status, default.headers["Flex-Ready-Data"], len(default.json["step"])) == (
                200,
                "default",
                96,
            ), url
            known = await world.get(path, world.user, params=ASKED)
            assert (known.headers["Flex-Ready-Data"], known.data) == ("delivery-point", own), url


@pytest.mark.parametrize(
    ("changed", "pointers"),
    [
        ({"delivery_point": "1400000000004"}, ["/delivery_point"]),
        ({"delivery_point": "1400000000004x"}, ["/delivery_point"]),
        ({"delivery_point": "١٤٠٠٠٠٠٠٠٠٠٠٤٢"}, ["/delivery_point"]),
        ({"start_date": "soon"}, ["/start_date"]),
        ({"start_date": "1999-12-31T00:00:00Z"}, ["/start_date"]),
        ({"end_date": ASKED["start_date"]}, ["/end_date"]),
        ({"end_date": "2026-03-15"}, ["/end_date"]),
        ({"delivery_point": "", "start_date": "", "end_date": ""}, ["/delivery_point", "/start_date", "/end_date"]),
    ],
)
async def test_prices_badly_asked_for(changed: dict[str, str], pointers: list[str]) -> None:
    """422, with a pointer to each parameter that is wrong."""
    async with served() as world:
        answer = await world.prices(**changed)
        assert [pointer for pointer, _ in answer.problem(422, "invalid-request")] == pointers


async def test_periods_in_several_spellings() -> None:
    """A plus that became a blank, a date, an instant in UTC; 92, 96 and 100 quarter-hours a day."""
    async with served() as world:
        for start, end, steps in (
            ("2026-03-29", "2026-03-30", 92),
            ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00 01:00", 100),
            ("2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z", 96),
            ("2026-01-15T10:00:00", "2026-01-15T10:15:00", 96),
        ):
            body = (await world.prices(start_date=start, end_date=end)).json
            assert body["step"] == list(range(1, steps + 1))
            assert len({*body["horodate"]}) == steps


async def test_a_part_of_a_signal() -> None:
    """The steps that touch the period, numbered anew; none outside of it; one step lasts a quarter of an hour."""
    async with served() as world:
        await world.put(signal(8))
        part = (await world.prices(start_date="2026-01-15T00:40:00+01:00", end_date="2026-01-15T01:00:00+01:00")).json
        assert (part["step"], part["horodate"]) == ([1, 2], ["2026-01-15T00:30:00+01:00", "2026-01-15T00:45:00+01:00"])
        assert [len(values) for values in part.values()] == [2] * 5
        assert (await world.prices(start_date="2026-01-16", end_date="2026-01-17")).json["step"] == []
        await world.put(signal(1))
        assert len((await world.prices(start_date="2026-01-15T00:14:00", end_date="2026-01-16")).json["step"]) == 1


@pytest.mark.parametrize(
    ("sent", "period"),
    [
        (LIKE_THE_APPENDIX, FEBRUARY),
        pytest.param(
            APPENDIX,
            {"start_date": "2025-12-31T00:00:00Z", "end_date": "2026-01-02T00:00:00Z"},
            marks=pytest.mark.skipif(not APPENDIX.exists(), reason="the annex's own example is not here"),
        ),
    ],
)
async def test_the_appendix_is_served_to_the_byte(sent: bytes | Path, period: dict[str, str]) -> None:
    """An administrator stores it, with warnings; it is served as it came; the check of it is valid, with warnings."""
    body = sent if isinstance(sent, bytes) else await asyncio.to_thread(sent.read_bytes)
    async with served() as world:
        stored = await world.put(body, delivery_point=POINT)
        assert (stored.status, stored.json[0]["steps"], stored.json[0]["archived_id"]) == (201, 4, None)
        warnings = {finding["code"] for finding in stored.json[0]["warnings"]}
        assert warnings == {"offset-not-local", "improbable"}
        prices = await world.prices(**period)
        assert prices.data == body
        assert prices.kind == "application/json"
        async with external() as supplier:
            supplier.answer = lambda _request: web.Response(body=body, content_type="application/json")
            status = (await world.check(await world.session("CEMS", supplier.url))).json
            assert (status["valid"], status["http_status"], status["steps"], status["errors"]) == (True, 200, 4, [])
            assert {finding["code"] for finding in status["warnings"]} == warnings


async def test_only_administrators_store_signals() -> None:
    """A user is refused, for lack of a role; what he sent is not there."""
    async with served() as world:
        refused = await world.put(signal(), token=world.user)
        refused.problem(403, "insufficient-scope")
        assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
        (await world.get("/admin/signals", world.user)).problem(403, "insufficient-scope")
        assert (await world.get("/admin/signals", world.admin)).json == []


async def test_a_former_signal_is_archived() -> None:
    """By delivery point, and the default one by itself; nothing is lost."""
    async with served() as world:
        first = (await world.put(signal(4), delivery_point=POINT)).json[0]
        default = (await world.put(signal(5))).json[0]
        second = (await world.put(signal(6), delivery_point=POINT)).json[0]
        assert (first["archived_id"], default["archived_id"], second["archived_id"]) == (None, None, first["id"])
        assert len((await world.prices()).json["step"]) == 6
        other = await world.prices(delivery_point="14000000000043")
        assert (other.headers["Flex-Ready-Data"], len(other.json["step"])) == ("default", 5)
        now = (await world.get("/admin/signals", world.admin)).json
        assert [row["id"] for row in now] == [default["id"], second["id"]]
        former = (await world.get("/admin/signals?archived=true", world.admin)).json
        assert [(row["id"], row["steps"]) for row in former] == [(first["id"], 4)]
        assert former[0]["archived_at"] == second["stored_at"]
        (await world.get("/admin/signals?archived=perhaps", world.admin)).problem(422, "invalid-request")


async def test_a_signal_that_is_not_taken() -> None:
    """Wrong in itself, for a wrong point, as another kind of body; the reason is told each time."""
    async with served() as world:
        bad = json.loads(signal())
        bad["cost"] = bad["cost"][:3]
        bad["step"][1] = 7
        found = (await world.put(json.dumps(bad).encode())).problem(422, "invalid-signal")
        assert found == [("/cost", "length-mismatch"), ("/step/1", "bad-step")]
        assert (await world.put(signal(), delivery_point="42")).problem(422, "invalid-request")
        assert (await world.put(b"\xff\xfe")).problem(422, "invalid-signal") == []
        assert (await world.put(b"[" * 100_000)).problem(422, "invalid-signal") == [("", "not-json")]
        for value in (b"1e400", b"-1e999999", b"1e9999999999999999999", b"NaN"):
            huge = signal().replace(b'"value": 0.15', b'"value": ' + value)
            assert (await world.put(huge)).status == 422, value
        odd = signal().replace(b"2026-01-15T00:15:00", b"2026-01-15\\ud80000:15:00")
        assert (await world.put(odd)).problem(422, "invalid-signal")[0] == ("/horodate/1", "bad-time")
        (await world.post("/admin/signals", world.admin, json={})).problem(415, "unsupported-media-type")
        (
            await world.post("/admin/signals", world.admin, data=b"x", headers={"Content-Type": "multipart/form-data"})
        ).problem(400, "malformed")
        form = FormData(default_to_multipart=True)
        form.add_field("another", "x")
        assert (await world.post("/admin/signals", world.admin, data=form)).problem(422, "invalid-request") == [
            ("/signal_file", "missing")
        ]
        (await world.put(b" " * 1_200_000)).problem(413, "content-too-large")
        assert (await world.get("/admin/signals", world.admin)).json == []


@pytest.mark.parametrize("kind", ["", "Content-Type: text/plain\r\n", "Content-Type: application/octet-stream\r\n"])
async def test_a_signal_as_a_field(kind: str) -> None:
    """A form may carry the file without a name, as text or as bytes."""
    async with served() as world:
        head = f'--edge\r\nContent-Disposition: form-data; name="signal_file"\r\n{kind}\r\n'.encode()
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        sent = head + signal() + b"\r\n--edge--\r\n"
        assert (await world.post("/admin/signals", world.admin, data=sent, headers=headers)).status == 201
        assert (await world.prices()).data == signal()


async def test_times_at_both_ends_of_the_calendar() -> None:
    """No arithmetic overflows."""
    async with served() as world:
        body = json.loads(signal(2))
        body["horodate"] = ["0001-01-02T00:00:00+00:00", "9999-12-30T00:00:00+00:00"]
        assert (await world.put(json.dumps(body).encode())).status == 201
        assert (await world.prices()).json["step"] == [1]


async def test_the_check_of_another_emulator() -> None:
    """A whole second emulator as the supplier, asked with a token of its own; nothing else is forwarded."""
    async with served() as supplier, served() as world:
        url = f"{supplier.base}{await supplier.session()}/{PRICES}"
        session = await world.session("CEMS", url)
        status = (await world.check(session, EMULATOR_Authorization=f"Bearer {supplier.user}")).json
        assert (status["valid"], status["steps"], status["errors"], status["warnings"]) == (True, 96, [], [])
        without = (await world.check(session)).json
        assert (without["valid"], without["http_status"]) == (False, 401)
        assert [error["code"] for error in without["errors"]] == ["upstream-status"]


async def test_headers_that_are_forwarded() -> None:
    """Those with the prefix, without it and in any case; neither our token nor others; what was asked as query."""
    async with served() as world, external() as supplier:
        session = await world.session("CEMS", f"{supplier.url}?key=1")
        await world.check(
            session, EMULATOR_Authorization="Basic x", emulator_X_Trace="7", Other="no", EMULATOR_Accept="a/b"
        )
        asked = supplier.asked[0]
        assert asked.headers["Authorization"] == "Basic x"
        assert asked.headers["X_Trace"] == "7"
        assert asked.headers.getall("Accept") == ["a/b"]
        assert "Other" not in asked.headers
        assert dict(asked.query) == {"key": "1", **ASKED}


@pytest.mark.parametrize("name", ["Host", "Connection", "Transfer-Encoding", "content-length", "TE", "Upgrade", ""])
async def test_headers_that_are_not_forwarded(name: str) -> None:
    """What belongs to the connection, or has no name; the supplier is not even called."""
    async with served() as world, external() as supplier:
        session = await world.session("CEMS", supplier.url)
        answer = await world.check(session, **{f"EMULATOR_{name}": "x"})
        assert answer.problem(422, "refused-header") == [("", "refused-header")]
        assert supplier.asked == []


def _broken(**members: object) -> bytes:
    return json.dumps(json.loads(signal()) | members).encode()


@pytest.mark.parametrize(
    ("answer", "errors"),
    [
        (b"", [("", "not-json")]),
        (b"<html>", [("", "not-json")]),
        (b"\xff", [("", "not-json")]),
        pytest.param(b"[" * 100_000, [("", "not-json")], id="a depth"),
        (b"[]", [("", "not-an-object")]),
        (b"{}", [(f"/{name}", "missing") for name in ("step", "horodate", "power", "cost", "co2")]),
        (_broken(step=[1, 2, 3]), [("/step", "length-mismatch")]),
        (_broken(step=[]), [("/step", "length-mismatch")]),
        (_broken(co2=[{"value": -1, "unit": "gCO2eq/kWh"}] * 4), [(f"/co2/{i}/value", "negative") for i in range(4)]),
        (_broken(power=[{"value": "9", "unit": "W", "multiplier": "K"}] * 4), None),
        (_broken(horodate=["2026-01-15T00:00:00"] * 4), [(f"/horodate/{i}", "no-offset") for i in range(4)]),
        pytest.param(b" " * 1_100_000, [("", "upstream-too-big")], id="too much"),
    ],
)
async def test_what_a_bad_supplier_is_told(answer: bytes, errors: list[tuple[str, str]] | None) -> None:
    """Every error, each with its pointer, and never an error of ours."""
    async with served() as world, external() as supplier:
        supplier.answer = lambda _request: web.Response(body=answer, content_type="application/json")
        got = await world.check(await world.session("CEMS", supplier.url))
        status = got.json
        assert (got.status, status["valid"], status["http_status"], status["steps"]) == (200, False, 200, 0)
        found = [(error["pointer"], error["code"]) for error in status["errors"]]
        if errors is None:
            assert {code for _, code in found} == {"not-a-number", "unknown-multiplier"}
        else:
            assert found == errors


async def test_a_supplier_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another status, a redirection, half an answer, too long a wait, nobody there, a host that cannot be."""
    async with served() as world, served() as supplier:
        session = await world.session("CEMS", f"{supplier.base}/control/rte")

        async def found(path: str = session) -> tuple[Any, str]:
            body = (await world.check(path)).json
            assert (body["valid"], len(body["errors"])) == (False, 1)
            return body["http_status"], body["errors"][0]["code"]

        slow = await world.session("CEMS", f"{supplier.base}/health")
        for kind, options, expected in (
            ("status", {"status": 503}, (503, "upstream-status")),
            ("html-502", {}, (502, "upstream-status")),
            ("half", {}, (200, "upstream-truncated")),
            ("reset", {}, (None, "upstream-unreachable")),
            ("slow", {"seconds": 1}, (None, "upstream-timeout")),
            ("empty", {}, (200, "not-json")),
            ("not-json", {}, (200, "not-json")),
            ("big", {}, (200, "upstream-too-big")),
        ):
            await supplier.fault("/health", kind, **options)
            with monkeypatch.context() as time:
                time.setattr(outward, "TIMEOUT_S", 0.2 if kind == "slow" else 60)
                assert await found(slow) == expected, kind
            await supplier.call("DELETE", "/control/faults")
        assert await found(await world.session("CEMS", f"{supplier.base}/auth/callback")) == (400, "upstream-status")
        assert await found(await world.session("CEMS", "http://127.0.0.1:9/")) == (None, "upstream-unreachable")


async def test_a_redirection_is_not_followed() -> None:
    """It might lead anywhere."""
    async with served() as world, external() as supplier:
        supplier.answer = lambda _request: web.Response(status=302, headers={"Location": supplier.url})
        status = (await world.check(await world.session("CEMS", supplier.url))).json
        assert (status["http_status"], status["errors"][0]["code"], len(supplier.asked)) == (302, "upstream-status", 1)


@pytest.mark.filterwarnings("ignore:A test tried to use")  # localhost has an address of IPv6 too
async def test_cookies_of_a_supplier_are_not_kept() -> None:
    """What one session received is not shown to the supplier of the next."""
    async with served() as world, external() as supplier:
        url = supplier.url.replace("127.0.0.1", "localhost")
        supplier.answer = lambda _request: web.Response(body=signal(), headers={"Set-Cookie": "a=b"})
        for _ in range(2):
            await world.check(await world.session("CEMS", url))
        assert all("Cookie" not in asked.headers for asked in supplier.asked)


async def test_private_addresses_may_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any call; a host that can have no address is merely not reached."""
    monkeypatch.setattr(socket, "getaddrinfo", _real_getaddrinfo)
    async with served(private_targets=False) as world, external() as supplier:
        (await world.check(await world.session("CEMS", supplier.url))).problem(403, "private-target")
        assert supplier.asked == []
        status = (await world.check(await world.session("CEMS", f"http://{'a' * 64}.example/"))).json
        assert (status["http_status"], status["errors"][0]["code"]) == (None, "upstream-unreachable")


async def test_a_check_badly_asked_for() -> None:
    """No supplier, no JSON, no object, another kind of body, wrong values, too much of it."""
    async with served() as world:
        without = f"{await world.session()}/cems/commodity/prices"
        (await world.post(without, world.user, json=ASKED)).problem(409, "invalid-state")
        path = f"{await world.session('CEMS', 'http://127.0.0.1:9/')}/cems/commodity/prices"
        for body in (b"", b"{", b"[" * 100_000, b"\xff"):
            json_type = {"Content-Type": "application/json"}
            (await world.post(path, world.user, data=body, headers=json_type)).problem(400, "malformed")
        (await world.post(path, world.user, json=[])).problem(422, "invalid-request")
        (await world.post(path, world.user, data=ASKED)).problem(415, "unsupported-media-type")
        found = (await world.post(path, world.user, json=ASKED | {"delivery_point": 14, "end_date": None})).problem(
            422, "invalid-request"
        )
        assert found == [("/delivery_point", "bad-delivery-point"), ("/end_date", "bad-time")]
        odd = ASKED | {"start_date": "2026-01-15\ud80000:00:00"}
        assert (await world.post(path, world.user, json=odd)).problem(422, "invalid-request") == [
            ("/start_date", "bad-time")
        ]
        (await world.post(path, world.user, json={"x": "y" * 1_100_000})).problem(413, "content-too-large")


async def test_the_report_is_a_pdf_of_what_happened() -> None:
    """Every exchange with its path and status, the outcome of a check, and the summary."""
    async with served() as world, external() as supplier:
        session = await world.session("CEMS", supplier.url)
        await world.prices(session)
        await world.prices(session, delivery_point="7")
        await world.check(session)
        supplier.answer = lambda _request: web.Response(body=_broken(step=[]))
        await world.check(session)
        await world.get(f"{session}/nothing", world.user)
        answer = await world.post(f"{session}/reports", world.user)
        assert (answer.status, answer.kind) == (200, "application/pdf")
        assert answer.headers["Content-Disposition"].endswith('.pdf"')
        assert answer.data.startswith(b"%PDF-")
        report = text(answer.data)
        for expected in (
            session.rpartition("/")[2],
            supplier.url,
            "byemulator-user",
            "Exchanges5",
            "Answersbystatus200:3,404:1,422:1",
            "Failed2",
            f"GET{session}/{PRICES}?delivery_point={POINT}",
            f"POST{session}/cems/commodity/prices200",
            "invalid-request",
            "length-mismatch",
            f"{session}/nothing404",
        ):
            assert expected in report, expected
        assert "Exchanges6" in text((await world.post(f"{session}/reports", world.user)).data)


async def test_a_report_of_long_and_strange_words() -> None:
    """An address as long as a request can carry, markup and letters of no font; many exchanges."""
    async with served() as world:
        url = f"http://x/<b>&amp;{'W' * 7000}"
        session = await world.session("SUPPLIER", url)
        await asyncio.gather(*(world.get(f"{session}/<i>/日本?{'W' * 3000}", world.user) for _ in range(40)))
        answer = await world.post(f"{session}/reports", world.user)
        assert answer.status == 200, answer.data
        assert "404:40" in text(answer.data)


async def test_an_empty_report() -> None:
    """A session in which nothing was done."""
    async with served() as world:
        report = text((await world.post(f"{await world.session()}/reports", world.user)).data)
        assert "Exchanges0" in report


async def test_the_store_writes_no_line_of_no_session(tmp_path: Path) -> None:
    """Nor one of a session of somebody else."""
    store = await Store.open(tmp_path / "file.db")
    row = await store.add_session("SUPPLIER", None, "one")
    exchange = {"method": "GET", "path": "/", "status": 200, "elapsed_ms": 1, "size": 0, "outcome": ""}
    await store.add_exchange("none", "one", exchange)
    await store.add_exchange(str(row["id"]), "two", exchange)
    await store.add_exchange(str(row["id"]), "one", exchange)
    assert len(await store.exchanges(str(row["id"]))) == 1
    await store.close()
