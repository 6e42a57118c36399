"""Every path, from the list of buildings to what was drawn."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import gzip
import json
from typing import Any

from aiohttp import hdrs
from called import ASSETS, PRODUCT, REQUESTS, Called, asked, begun, slot
from conftest import PME_FRAME, Gateway, compose
from homeassistant.const import CONF_PORT
import pytest
from served import Answer

from custom_components.flex_ready.api import handlers
from custom_components.flex_ready.api.body import LIMIT
from custom_components.flex_ready.api.views import PREFIX
from custom_components.flex_ready.desk.curve import STEP
from custom_components.flex_ready.flexibility.model import Consumed
from custom_components.flex_ready.slots import Series, Slot

__all__ = ["begun"]


async def test_the_life_of_a_request(called: Called) -> None:
    """Asked, offered, ordered, read, withdrawn; each call twice has the same answer."""
    offered = await called.ask()
    path = called.asset(f"{REQUESTS}/req-001")
    assert (offered.status, offered.json["state"]) == (201, "offered")
    assert offered.json["power"][0]["power"] == {"unit": "W", "multiplier": "k", "value": 5}
    assert offered.headers["Location"] == PREFIX + path
    assert "Idempotency-Replayed" not in offered.headers
    again = await called.ask()
    assert (again.status, again.data, again.headers["Idempotency-Replayed"]) == (201, offered.data, "true")
    assert again.headers["Location"] == PREFIX + path

    read = await called.get(path)
    assert (read.status, read.json) == (200, offered.json)
    order = {one: asked()[one] for one in ("flexProduct", "power")}
    ordered = await called.post(f"{path}/confirm", order)
    assert (ordered.status, ordered.json["state"]) == (200, "scheduled"), ordered.data
    twice = await called.post(f"{path}/confirm", order)
    assert (twice.data, twice.headers["Idempotency-Replayed"]) == (ordered.data, "true")
    record = called.record("req-001")
    assert record
    assert record.state == "scheduled"
    realised = await called.get(f"{path}/consumptions")
    assert (realised.status, realised.json) == (
        200,
        {"requestID": "req-001", "state": "scheduled", "consumptions": []},
    )
    assert realised.headers["Cache-Control"] == "no-store"

    withdrawn = await called.call("DELETE", path)
    assert (withdrawn.status, withdrawn.data) == (204, b"")
    shown = await called.post(f"{path}/cancel")
    assert (shown.status, shown.json["state"], shown.headers["Idempotency-Replayed"]) == (200, "cancelled", "true")
    (await called.ask()).problem(409, "invalid-state")
    assert (await called.get(f"{path}/consumptions")).headers["Cache-Control"] == "private, no-cache"


async def test_what_is_seen(called: Called) -> None:
    """Its building with its asset, which has its potential; not the other one."""
    desk = called.desk()
    bacs = {"id": desk.bacs.id, "name": "School", "description": ""}
    assert (await called.get("/bacs")).json == [bacs]
    assert (await called.get(f"/bacs/{desk.bacs.id}")).json == bacs
    (asset,) = (await called.get(f"/bacs/{desk.bacs.id}/assets")).json
    assert (asset["assetID"], asset["bacsID"], asset["flexProduct"]) == ("Heating", desk.bacs.id, PRODUCT)
    assert asset["potential"]["power"] == {"unit": "W", "multiplier": "k", "value": 9}
    assert asset["potential"]["mobilizationDelay"] == "PT1M"
    assert (await called.get(called.asset())).json == asset
    listed = [{"flexProduct": PRODUCT, "potential": asset["potential"]}]
    for query, expected in (
        ("", listed),
        ("?flexProduct=WID", listed),
        ("?flexProduct=WDA", []),
        ("?start=2020-01-01T00:00:00Z&end=2030-01-02T00:00:00%2B01:00", listed),
        ("?start=2030-01-01T00:00:00+01:00", listed),  # the plus is a blank by then
    ):
        assert (await called.get(called.asset(f"flexibilities{query}"))).json == expected, query
    (far,) = (await called.get(called.asset("flexibilities?start=2030-01-01T00:00:00Z&end=2030-01-02T00:00:00Z"))).json
    assert far["potential"]["power"]["value"] == 4.5  # what is far off is less sure, and would be offered
    both = (await called.get("/bacs", called.tokens["twice"])).json
    assert [one["name"] for one in both] == ["School", "Town hall"]
    status = (await called.get("/status")).json
    assert abs(datetime.fromisoformat(status["now"]) - datetime.now(UTC)) < timedelta(seconds=5)
    assert (status["version"], status["meters"]) == ("1", [])


async def test_entity_tags(called: Called) -> None:
    """Whoever has it is told so; a request has another one with each revision."""
    await called.ask()
    path = called.asset(f"{REQUESTS}/req-001")
    for one in (path, f"{path}/consumptions", "/bacs", called.asset("flexibilities")):
        tag = (await called.get(one)).headers["ETag"]
        for given in (tag, f'"x", W/{tag}', "*"):
            same = await called.get(one, headers={"If-None-Match": given})
            assert (same.status, same.data, same.headers["ETag"]) == (304, b"", tag)
        assert (await called.get(one, headers={"If-None-Match": '"x"'})).status == 200
    was = (await called.get(path)).headers["ETag"]
    assert was == '"2-native"'
    await called.post(f"{path}/cancel")
    assert (await called.get(path, headers={"If-None-Match": was})).json["state"] == "cancelled"


async def test_consumptions(called: Called) -> None:
    """In steps, added up, of a time; what is not measured is not there."""
    path = called.asset("consumptions")
    assert (await called.get(f"{path}?end=2026-01-01T00:00:00Z")).json == {"consumptions": []}
    assert (await called.get(path)).headers["Cache-Control"] == "no-store"
    day = "start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z"
    hours = (await called.get(f"{path}?{day}&step=PT1H")).json
    assert len(hours["consumptions"]) == 24
    assert hours["consumptions"][0] == {
        "start": "2026-01-01T01:00:00+01:00",
        "end": "2026-01-01T02:00:00+01:00",
        "quality": "missing",
    }
    for query in (f"consumptions/aggregated?{day}", f"consumptions?{day}&aggregation=sum"):
        whole = (await called.get(called.asset(query))).json
        assert (whole["aggregation"], len(whole["consumptions"])) == ("sum", 1)
    for query, status, code in (
        ("start=yesterday", 400, "malformed"),
        ("start=2026-01-01T00:00:00", 400, "malformed"),
        ("start=%00", 400, "malformed"),
        ("step=PT7M", 400, "malformed"),
        ("aggregation=median", 400, "malformed"),
        ("start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", 422, "bad-period"),
        ("start=2024-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", 422, "bad-period"),
        ("start=2026-01-01T00:00:00Z&end=2026-01-31T00:00:00Z", 422, "bad-period"),
    ):
        (await called.get(f"{path}?{query}")).problem(status, code)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b"null", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"requestID": "a", "requestID": "b"}', 400, "malformed"),
        (b'{"value": NaN}', 400, "malformed"),
        (b'{"value": -Infinity}', 400, "malformed"),
        (b'{"value": ' + b"1" * 5000 + b"}", 400, "malformed"),
        (b'{"value": 1e' + b"9" * 50 + b"}", 400, "malformed"),
        (b"[" * 30_000, 400, "malformed"),
        (b"[" * 30_000 + b"]" * 30_000, 400, "malformed"),
        (b'{"\\ud800": "\\ud800", "a\\u0000": 1}', 400, "malformed"),
        (b"{" + b" " * LIMIT + b"}", 413, "payload-too-large"),
    ],
)
async def test_bodies_that_are_none(called: Called, data: bytes, status: int, code: str) -> None:
    """They are told to be, and leave nothing behind."""
    (await called.post(called.asset(REQUESTS), data)).problem(status, code)
    assert not called.desk().book.records.keys()


async def test_what_is_wrong_with_a_request_is_told_where(called: Called) -> None:
    """All of it, by codes and pointers; of very much only the first part."""
    body = asked(flexProduct=7, extra=1)
    body["power"][0]["power"]["unit"] = "hp"
    del body["direction"]
    found = (await called.post(called.asset(REQUESTS), body)).problem(400, "malformed")
    assert sorted(found) == [
        ("/direction", "malformed"),
        ("/extra", "malformed"),
        ("/flexProduct", "malformed"),
        ("/power/0/power/unit", "unknown-unit"),
    ]
    (await called.ask(power=[slot(datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, 9, tzinfo=UTC), 5)])).problem(
        422, "max-duration-exceeded"
    )
    much = await called.post(called.asset(REQUESTS), asked() | {f"x{i}": 1 for i in range(5000)})
    assert len(much.problem(400, "malformed")) == 50
    assert "req-001" not in str(called.desk().book.records.keys())
    reused = [await called.ask(), await called.ask(power=[])]
    assert reused[0].status == 201
    reused[1].problem(400, "malformed")
    changed = asked()
    changed["power"][0]["power"]["value"] = 4
    (await called.post(called.asset(REQUESTS), changed)).problem(422, "request-id-reused")


async def test_headers_of_a_body(called: Called) -> None:
    """JSON in UTF-8, as it is; too long a one is not read at all."""
    body, path = json.dumps(asked()).encode(), called.asset(REQUESTS)
    for given in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        data = gzip.compress(body) if "Content-Encoding" in given else body
        (await called.call("POST", path, data=data, headers=given)).problem(415, "unsupported-media-type")
    for accept, status in (("text/html", 406), ("application/json;q=0, text/*", 406), ("application/*;q=0.1", 201)):
        assert (await called.post(path, body, headers={"Accept": accept})).status == status
    given = {"Content-Type": "application/json; charset=UTF-8", "Accept": "text/html, */*;q=0.1"}
    assert (await called.call("POST", path, data=body, headers=given)).status == 201

    async def drops() -> Any:  # noqa: ANN401
        for _ in range(20):
            yield b" " * 8192

    chunked = await called.call("POST", path, data=drops(), headers={"Content-Type": "application/json"})
    chunked.problem(413, "payload-too-large")


async def test_paths_and_methods_that_are_not(called: Called) -> None:
    """A problem each, with what would be possible; no CORS."""
    for path in ("", "/", "/nothing", "/bacs/", "/bacs/x/assets/y/flexibilities/request/z/w", "/%00", "/%ff"):
        (await called.get(path, None)).problem(404, "not-found")
    for path in ("/bacs/%00", called.asset(asset="%F0%9F%92%A1"), called.asset(f"{REQUESTS}/a%20b")):
        (await called.get(path)).problem(404, "not-found")
    for method in ("PUT", "PATCH", "TRACE", "QUERY", "DELETE"):
        answer = await called.call(method, "/bacs", None)
        answer.problem(405, "method-not-allowed")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    path = called.asset(f"{REQUESTS}/req-001")
    preflight = {"Origin": "https://example.org", "Access-Control-Request-Method": "DELETE"}
    options = await called.call("OPTIONS", path, None, headers=preflight)
    assert (options.status, options.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")
    assert not [name for name in options.headers if name.startswith("Access-Control")]
    (await called.call("POST", "/openapi.json", None)).problem(405, "method-not-allowed")


async def test_head_is_get_without_a_body(called: Called) -> None:
    """Its headers tell the same."""
    for path in ("/bacs", called.asset(), "/openapi.json"):
        head, got = await called.call("HEAD", path), await called.get(path)
        assert (head.status, head.data) == (200, b"")
        for name in (hdrs.ETAG, hdrs.CONTENT_LENGTH, hdrs.CONTENT_TYPE):
            assert head.headers[name] == got.headers[name]
        assert hdrs.DATE in got.headers


async def test_the_lenient_dialect(called: Called) -> None:
    """Stamps without an offset, in the past, and an order as offered: as the annex has it."""
    token, path = called.tokens["lenient"], called.asset(REQUESTS)
    power = {"unit": "W", "multiplier": "k", "value": 5.0}
    body = {
        "requestID": "req-001",
        "flexProduct": PRODUCT,
        "power": [{"power": power, "start": "2025-04-02T12:00:00", "end": "2025-04-02T13:00:00"}],
    }
    asked_for = await called.post(path, body, token)
    assert asked_for.status == 201, asked_for.data
    assert asked_for.json["power"][0]["start"] == "2025-04-02T12:00:00"
    seen: Answer = await called.get(called.asset(), token)
    assert seen.json["potentiel"]["mobilizationDelay"] == 1
    day = "start=2025-04-02T00:00:00&end=2025-04-03T00:00:00&step=P1D"
    assert len((await called.get(called.asset(f"consumptions?{day}"), token)).json["consumptions"]) == 1


async def test_who_is_asked_answers_later(called: Called) -> None:
    """202 with a time to come back; the same again meanwhile is in progress."""
    token = called.tokens["asking"]
    waiting = await called.ask(token=token)
    assert (waiting.status, waiting.json["state"], waiting.headers["Retry-After"]) == (202, "received", "2")
    again = await called.ask(token=token)
    again.problem(409, "request-in-progress")
    assert again.headers["Retry-After"] == "2"


async def test_the_assets_are_those_of_the_operator(called: Called) -> None:
    """All loads are there for who may have them."""
    path = f"/bacs/{called.desk().bacs.id}/assets"
    assert [one["assetID"] for one in (await called.get(path, called.tokens["twice"])).json] == list(ASSETS)


async def test_the_clock_of_the_meter(called: Called, gateway: Gateway) -> None:
    """How far it is from ours is told to whoever asks for the time."""
    gateway.greeting = compose(PME_FRAME)
    meter = called.hass.config_entries.async_get_entry(called.entries["School"].data["meter_entry"])
    assert meter
    called.hass.config_entries.async_update_entry(meter, data={**meter.data, CONF_PORT: gateway.url})
    await called.hass.config_entries.async_reload(meter.entry_id)
    await called.hass.async_block_till_done()
    (told,) = (await called.get("/status")).json["meters"]
    assert told["bacsID"] == called.desk().bacs.id
    then = datetime.fromisoformat("2026-01-12T08:02:30+01:00")
    assert abs(told["clockDrift"] - (then - datetime.now(UTC)).total_seconds()) < 30


async def test_much_of_a_curve(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of it is written beside the loop, and says the same."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    steps = Series(
        tuple(
            Slot(begin + i * STEP, begin + (i + 1) * STEP, Consumed(power=Decimal(i), energy=Decimal(i) / 12))
            for i in range(24 * 12)
        )
    )
    await called.desk()._ledger.add_curve(called.entries["School"].entry_id, "Heating", steps.slots)
    path = called.asset("consumptions?start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z")
    threshold = []
    for many in (1_000, 10):
        monkeypatch.setattr(handlers, "_MANY", many)
        answer = await called.get(path)
        assert len(answer.json["consumptions"]) == len(steps)
        threshold.append(answer.data)
    assert threshold[0] == threshold[1]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET {bacs} HTTP/1.1\r\nHost: x\r\nX-a\x00b: c\r\n\r\n",
        b"GET {bacs} HTTP/1.1\r\nHost: x\r\nX-a: c\x00d\r\n\r\n",
        b"GET {bacs}/\xff\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET {bacs} HTTP/1.1\r\nHost: a b%zz[\r\n\r\n",
        b"GET {bacs} HTTP/1.1\r\nHost: x\r\nAuthorization: bearer \xff\xfe\r\n\r\n",
        b'GET {bacs} HTTP/1.1\r\nHost: x\r\nIf-None-Match: "\xff,,,W/\r\nAccept: ;;;,,\xff\r\n{token}\r\n',
        b"POST {create} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n{token}\r\n",
        b"POST {create} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n{token}\r\n",
        b"POST {create} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Type: \xff;;charset=\xff\r\n{token}\r\n{}",
        b"POST {create} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{token}\r\nzz\r\n",
    ],
)
async def test_what_is_hardly_http(called: Called, sent: bytes) -> None:
    """It is refused, and nothing breaks."""
    places = {
        b"{bacs}": f"{PREFIX}/bacs",
        b"{create}": PREFIX + called.asset(REQUESTS),
        b"{token}": f"Authorization: Bearer {called.tokens['right']}\r\n",
    }
    for name, place in places.items():
        sent = sent.replace(name, place.encode())
    url = called.client.make_url("/")
    assert url.host
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(sent)
        line = await reader.readline()
        if b" 100 " in line:
            await reader.readline()
            line = await reader.readline()
        writer.close()
    assert line.split()[1] in (b"400", b"401", b"406", b"413", b"415"), line
    assert (await called.get("/bacs")).status == 200
