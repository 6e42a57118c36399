"""The BACS of Annex 1: its data set, a request from offer to consumption, both dialects, what is refused and how."""

import asyncio
from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any

from annex1 import ASSET, HEATED, MORNING, REQUEST, WHOLE, asked, at
import pytest
from served import Answer, Served, served, text
from test_serve_program import program

pytestmark = pytest.mark.usefixtures("socket_enabled")

HEATING = f"/bacs/{HEATED}/assets/HeatingSystem/flexibilities/request"
HEATED_WHOLE = f"/bacs/{HEATED}/assets/WholeBuilding/flexibilities/request"


async def create(world: Served, session: str, path: str = REQUEST, **changed: Any) -> Answer:  # noqa: ANN401
    """Ask for flexibility."""
    return await world.post(session + path, world.user, json=asked(**changed))


async def confirm(world: Served, session: str, path: str = f"{REQUEST}/req-001", **changed: Any) -> Answer:  # noqa: ANN401
    """Confirm an offer."""
    return await world.post(f"{session}{path}/confirm", world.user, json=asked(name=None, **changed))


async def state(world: Served, session: str, path: str = f"{REQUEST}/req-001") -> str:
    """Return the state of a request."""
    found: str = (await world.get(session + path, world.user)).json["state"]
    return found


def codes(answer: Answer) -> list[str]:
    """Return what an answer warns of."""
    return [warning["code"] for warning in answer.json["warnings"]]


async def test_the_data_set() -> None:
    """Two BACS and three assets; the first asset to the letter."""
    async with served(start=MORNING) as world:
        session = await world.annex_1()
        sites = (await world.get(f"{session}/bacs", world.user)).json
        assert [(site["id"], site["name"]) for site in sites] == [
            (WHOLE, "BACS Whole Building Only"),
            (HEATED, "BACS Whole Building with Heating System"),
        ]
        assert (await world.get(f"{session}/bacs/{HEATED}", world.user)).json == sites[1]
        assets = [(await world.get(f"{session}/bacs/{i}/assets", world.user)).json for i in (WHOLE, HEATED)]
        assert [[asset["assetID"] for asset in some] for some in assets] == [
            ["WholeBuilding"],
            ["WholeBuilding", "HeatingSystem"],
        ]
        potential = {
            "power": {"unit": "W", "multiplier": "k", "value": 100.0},
            "mobilizationDelay": 1,
            "maxDuration": 2,
            "activationPerDay": 1,
            "timePeriods": [{"start": "2025-04-02T12:00:00", "end": "2025-04-02T14:00:00"}],
        }
        whole = {"assetID": "WholeBuilding", "bacsID": WHOLE, "flexProduct": "WID", "potentiel": potential}
        assert assets[0] == [whole]
        assert (await world.get(session + ASSET, world.user)).json == whole
        offered = (await world.get(f"{session}{ASSET}/flexibilities", world.user)).json
        assert offered == [{"flexProduct": "WID", "potentiel": potential}]
        heating = (await world.get(f"{session}/bacs/{HEATED}/assets/HeatingSystem", world.user)).json
        assert heating["potentiel"]["timePeriods"] == [
            {"start": f"2025-04-0{day}T06:00:00", "end": f"2025-04-0{day}T22:00:00"} for day in (2, 3)
        ]
        clock = (await world.get(f"{session}/status", world.user)).json
        assert clock["now"].startswith("2025-04-02T11:00:0")
        for path in (
            "/bacs/x",
            "/bacs/x/assets",
            f"/bacs/{WHOLE}/assets/x",
            f"{REQUEST}/x",
            f"{REQUEST}/x/consumptions",
        ):
            (await world.get(session + path, world.user)).problem(404, "not-found")


async def test_the_data_set_in_the_strict_dialect() -> None:
    """The same values, with offsets, lengths of time and a direction; a request without one is refused."""
    async with served(start=MORNING) as world:
        session = await world.annex_1(dialect="native")
        heating = (await world.get(f"{session}/bacs/{HEATED}/assets/HeatingSystem", world.user)).json
        assert heating == {
            "assetID": "HeatingSystem",
            "bacsID": HEATED,
            "parentAssetID": "WholeBuilding",
            "flexProduct": "WDA",
            "potential": {
                "power": {"unit": "W", "multiplier": "k", "value": 40.0},
                "direction": "decrease",
                "mobilizationDelay": "PT5M",
                "maxDuration": "PT60M",
                "activationsPerDay": 2,
                "timePeriods": [
                    {"start": f"2025-04-0{day}T06:00:00+02:00", "end": f"2025-04-0{day}T22:00:00+02:00"}
                    for day in (2, 3)
                ],
            },
        }
        body = asked(offset="+02:00")
        offer = (await world.post(session + REQUEST, world.user, json=body)).json
        assert (offer["direction"], offer["mobilizationDelay"]) == ("decrease", "PT1M")
        del body["direction"]
        refused = await world.post(session + REQUEST, world.user, json=body)
        assert refused.problem(422, "missing") == [("/direction", "missing")]


async def test_the_life_of_a_request() -> None:
    """Offered, scheduled, mobilising, active, recovering, completed; the load drops while it is active only."""
    async with served(start=MORNING) as world:
        session = await world.annex_1()
        offer = await create(world, session)
        assert (offer.status, offer.json["state"], offer.json["power"]) == (201, "offered", asked()["power"])
        assert (offer.json["expiresAt"], offer.json["price"]["value"], codes(offer)) == (
            "2025-04-02T12:29:00",
            85.0,
            [],
        )
        assert offer.headers["Location"] == f"{session}{REQUEST}/req-001"
        assert await state(world, session) == "offered"
        order = await confirm(world, session)
        assert (order.status, order.json["state"], codes(order)) == (200, "scheduled", [])
        for clock, expected, steps in (
            ("12:28:59", "scheduled", 0),
            ("12:29:00", "mobilising", 0),
            ("12:30:00", "active", 0),
            ("12:31:30", "active", 1),
            ("12:32:00", "recovering", 2),
            ("12:42:00", "completed", 2),
        ):
            world.clock.set(at(clock))
            measured = (await world.get(f"{session}{REQUEST}/req-001/consumptions", world.user)).json
            assert (measured["state"], len(measured["consumptions"])) == (expected, steps), clock
            assert await state(world, session) == expected
        world.clock.set(at("13:00:00"))
        query = {"start": "2025-04-02T12:20:00", "end": "2025-04-02T12:50:00", "step": "PT1M"}
        curve = (await world.get(f"{session}{ASSET}/consumptions", world.user, params=query)).json["consumptions"]
        less = [point["baseline"]["value"] - point["power"]["value"] for point in curve]
        assert less[:10] == [0] * 10
        assert less[10:12] == pytest.approx([80, 80], rel=0.03)
        assert less[12:22] == pytest.approx([-12] * 10, rel=0.03)
        assert less[22:] == [0] * 8
        assert curve[10:12] == measured["consumptions"]


async def test_a_request_sent_again() -> None:
    """The same answer to the byte, in another spelling too and whatever happened since; something else is refused."""
    async with served(start=MORNING) as world:
        session = await world.annex_1()
        answers = await asyncio.gather(*(create(world, session) for _ in range(8)))
        assert {(answer.status, answer.data) for answer in answers} == {(201, answers[0].data)}
        assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 7
        watts = asked(start="12:30:00+02:00", end="10:32:00Z")
        watts["power"][0]["power"] = {"value": 80000, "unit": "W"}
        await confirm(world, session)
        world.clock.set(at("12:31:00"))
        again = await world.post(session + REQUEST, world.user, json=watts)
        assert (again.status, again.data) == (201, answers[0].data)
        (await create(world, session, kilowatts=81)).problem(422, "request-id-reused")
        same = await confirm(world, session)
        assert (same.status, same.json["state"]) == (200, "active")
        (await confirm(world, session, kilowatts=70)).problem(409, "already-confirmed")
        others = [await create(world, await world.annex_1()), await create(world, session, HEATED_WHOLE)]
        assert not any("Idempotency-Replayed" in answer.headers for answer in others)


@pytest.mark.parametrize("way", ["DELETE", "POST"])
async def test_a_request_is_cancelled(way: str) -> None:
    """Before it starts it leaves no trace, in the midst what was shed until then; afterwards it cannot be."""

    async def cancel(name: str) -> Answer:
        path = f"{session}{REQUEST}/{name}"
        return await world.call(way, path if way == "DELETE" else f"{path}/cancel", world.user)

    async with served(start=MORNING) as world:
        session = await world.annex_1(dialect="native")
        for name in ("one", "two", "three"):
            body = {"name": name, "offset": "+02:00"}
            assert (await create(world, session, **body)).status == 201
        for _ in range(2):
            assert (await cancel("one")).status == (204 if way == "DELETE" else 200)
        assert await state(world, session, f"{REQUEST}/one") == "cancelled"
        (await confirm(world, session, f"{REQUEST}/one", offset="+02:00")).problem(409, "invalid-state")
        (await create(world, session, name="one", offset="+02:00")).problem(409, "invalid-state")
        assert (await confirm(world, session, f"{REQUEST}/two", offset="+02:00")).status == 200
        (await confirm(world, session, f"{REQUEST}/three", offset="+02:00")).problem(422, "quota-exhausted")
        assert (await cancel("two")).status < 300
        assert (await confirm(world, session, f"{REQUEST}/three", offset="+02:00")).status == 200
        world.clock.set(at("12:31:00"))
        assert (await cancel("three")).status < 300
        world.clock.set(at("13:00:00"))
        points = (await world.get(f"{session}{REQUEST}/three/consumptions", world.user)).json
        less = [point["baseline"]["value"] - point["power"]["value"] for point in points["consumptions"]]
        assert points["state"] == "cancelled"
        assert less == pytest.approx([80, -12], rel=0.03)
        other = await world.annex_1()
        await create(world, other, name="done")
        await confirm(world, other, f"{REQUEST}/done")
        session = other
        (await cancel("done")).problem(409, "invalid-state")
        (await cancel("none")).problem(404, "not-found")


async def test_an_offer_expires() -> None:
    """With the mobilisation delay in the strict dialect; the other one leaves a quarter of an hour in any case."""
    async with served(start=MORNING) as world:
        strict, lenient = await world.annex_1(dialect="native"), await world.annex_1()
        await create(world, strict, offset="+02:00")
        world.clock.set(at("12:29:00"))
        assert await state(world, strict) == "expired"
        (await confirm(world, strict, offset="+02:00")).problem(409, "offer-expired")
        (await world.call("DELETE", f"{strict}{REQUEST}/req-001", world.user)).problem(409, "invalid-state")
        assert codes(await create(world, lenient, start="09:00:00", end="10:00:00")) == [
            "dmo-violated",
            "max-duration-exceeded",
            "outside-period",
        ]
        world.clock.set(at("12:43:59"))
        assert await state(world, lenient) == "offered"
        world.clock.set(at("12:44:02"))
        assert await state(world, lenient) == "expired"


@pytest.mark.parametrize(
    ("changed", "code", "pointer"),
    [
        ({"start": "11:00:30", "end": "11:01:00"}, "dmo-violated", "/power/0/start"),
        ({"end": "12:33:00"}, "max-duration-exceeded", "/power"),
        ({"start": "11:59:00", "end": "12:01:00"}, "outside-period", "/power/0/start"),
        ({"kilowatts": 100.1}, "power-exceeded", "/power/0/power/value"),
        ({"offset": ""}, "no-offset", "/power/0/start"),
    ],
)
async def test_a_rule_warns_or_refuses(changed: dict[str, Any], code: str, pointer: str) -> None:
    """The dialect `emulator` warns, and promises no more than the asset has; the strict one refuses."""
    async with served(start=MORNING) as world:
        refused = await create(
            world, await world.annex_1(dialect="native"), **({"offset": "+02:00"} | changed), strict=True
        )
        assert (pointer, code) in refused.problem(422, code)
        taken = await create(world, session := await world.annex_1(), **changed)
        assert taken.status == 201
        assert taken.json["power"][0]["power"]["value"] <= 100
        assert (code in codes(taken)) == (code != "no-offset")
        assert (await confirm(world, session, **changed)).status == 200


async def test_what_confirms_something_else() -> None:
    """Another time, more power, a lower price, another product: told, and taken in the lenient dialect alone."""
    bodies: list[tuple[dict[str, Any], str, str, int]] = [
        (asked(name=None, start="12:40:00", end="12:41:00", offset="+02:00"), "/power", "offer-mismatch", 409),
        (asked(name=None, kilowatts=90, offset="+02:00"), "/power", "offer-mismatch", 409),
        (asked(name=None, offset="+02:00") | {"flexProduct": "WDA"}, "/flexProduct", "offer-mismatch", 409),
        (
            asked(name=None, offset="+02:00") | {"ackPrice": {"unit": "€/kWh", "multiplier": "", "value": 0.0849}},
            "/ackPrice",
            "price-mismatch",
            409,
        ),
        ({"flexibility": "flexibility"}, "/flexibility", "unknown-key", 422),
        ({}, "/flexProduct", "missing", 422),
    ]
    async with served(start=MORNING) as world:
        for body, pointer, code, status in bodies:
            strict, lenient = await world.annex_1(dialect="native"), await world.annex_1()
            for session in (strict, lenient):
                assert (await create(world, session, offset="+02:00")).status == 201
            path = f"{REQUEST}/req-001/confirm"
            assert (pointer, code) in (await world.post(strict + path, world.user, json=body)).problem(status, code)
            taken = await world.post(lenient + path, world.user, json=body)
            assert (taken.status, taken.json["state"]) == (200, "scheduled")
            assert (pointer, code) in [(warning["pointer"], warning["code"]) for warning in taken.json["warnings"]]
        good = asked(name=None, kilowatts=60, offset="+02:00") | {"ackPrice": {"unit": "€/MWh", "value": 85}}
        assert (await world.post(strict + path, world.user, json=good)).json["power"][0]["power"]["value"] == 60


async def test_assets_share_what_the_building_can_give() -> None:
    """None twice at a time; the heating and the building that contains it have one budget; the curve shows both."""
    hours: dict[str, Any] = {"start": "15:00:00", "end": "16:00:00", "offset": "+02:00"}
    async with served(start=MORNING) as world:
        session = await world.annex_1(dialect="native")
        heat = asked(name="heat", kilowatts=40, **hours) | {"flexProduct": "WDA"}
        assert (await world.post(session + HEATING, world.user, json=heat)).status == 201
        assert (await world.post(f"{session}{HEATING}/heat/confirm", world.user, json=heat)).problem(422, "unknown-key")
        order = {name: heat[name] for name in ("flexProduct", "power")}
        assert (await world.post(f"{session}{HEATING}/heat/confirm", world.user, json=order)).status == 200
        overlap = heat | {"requestID": "more"}
        (await world.post(session + HEATING, world.user, json=overlap)).problem(409, "overlap")
        found = (await create(world, session, HEATED_WHOLE, kilowatts=81, **hours)).problem(422, "power-exceeded")
        assert found == [("/power/0/power/value", "power-exceeded")]
        assert (await create(world, session, HEATED_WHOLE, kilowatts=80, **hours)).status == 201
        assert (await confirm(world, session, f"{HEATED_WHOLE}/req-001", kilowatts=80, **hours)).status == 200
        world.clock.set(at("17:00:00"))
        query = {"start": "2025-04-02T15:00:00", "end": "2025-04-02T16:00:00", "step": "PT1H"}
        for path, less in ((HEATING, 40), (HEATED_WHOLE, 120)):
            asset = path.removesuffix("/flexibilities/request")
            (point,) = (await world.get(f"{session}{asset}/consumptions", world.user, params=query)).json[
                "consumptions"
            ]
            assert point["baseline"]["value"] - point["power"]["value"] == pytest.approx(less, rel=0.02)
            assert point["start"] == "2025-04-02T15:00:00+02:00"


async def test_consumptions_in_detail_and_added_up() -> None:
    """Sums are sums of the details, means their means; nothing of the future; days of 23 and 25 hours."""
    async with served(start=datetime.fromisoformat("2025-10-27T09:05:00+01:00")) as world:
        path = f"{await world.annex_1()}{ASSET}/consumptions"

        async def points(way: str = "", /, **query: str) -> list[Any]:
            answer = await world.get(path + way, world.user, params=query)
            assert answer.status == 200, answer.data
            found: list[Any] = answer.json["consumptions"]
            return found

        details = await points()
        assert (len(details), details[-1]["end"]) == (54, "2025-10-27T09:00:00")
        span = {"start": "2025-10-27T00:00:00", "end": "2025-10-27T09:00:00"}
        (total,) = await points("/aggregated", **span)
        assert total["energy"]["value"] == pytest.approx(sum(one["energy"]["value"] for one in details), abs=0.1)
        (mean,) = await points(aggregation="mean", **span)
        (most,) = await points("/aggregated", aggregation="max", **span)
        assert mean["power"]["value"] == pytest.approx(total["energy"]["value"] / 9, abs=0.01)
        assert most["power"]["value"] > max(one["power"]["value"] for one in details)
        for day, hours in (("2025-10-26", 25), ("2025-03-30", 23), ("2025-04-02", 24)):
            next_day = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
            edges = {"start": f"{day}T00:00:00", "end": f"{next_day}T00:00:00"}
            assert len(await points(step="PT1H", **edges)) == hours
            assert len(await points("/aggregated", step="P1D", **edges)) == 1
        assert await points(start="2025-10-28T00:00:00 01:00", end="2025-10-29T00:00:00 01:00") == []
        for query, pointer in (
            ({"start": "soon"}, "/start"),
            ({"start": "2025-10-26T02:30:00"}, "/start"),
            ({"start": "2025-10-28T00:00:00"}, "/end"),
            ({"start": "2025-01-01T00:00:00"}, "/end"),
            ({"step": "PT7M"}, "/step"),
            ({"start": "2025-10-01T00:00:00", "step": "PT1M"}, "/step"),
            ({"aggregation": "median"}, "/aggregation"),
        ):
            wrong = await world.get(path, world.user, params=query)
            assert [where for where, _ in wrong.problem(422, wrong.json["code"])] == [pointer], query


def _power(**changed: object) -> dict[str, Any]:
    body = asked()
    body["power"][0] |= changed
    return body


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ([], None, "malformed"),
        ({}, "/requestID", "malformed"),
        (asked(name="a/b"), "/requestID", "malformed"),
        (asked() | {"flexProduct": ""}, "/flexProduct", "malformed"),
        (asked() | {"direction": "increase"}, "/direction", "unsupported-direction"),
        (asked() | {"direction": None}, "/direction", "missing"),
        (asked() | {"power": []}, "/power", "malformed"),
        (asked() | {"power": [7]}, "/power/0", "malformed"),
        (asked() | {"power": asked()["power"] * 289}, "/power", "malformed"),
        (asked() | {"power": asked()["power"] * 2}, "/power/1/start", "slots-overlap"),
        (_power(power=80), "/power/0/power", "not-a-quantity"),
        (_power(power={"unit": "W", "value": "80"}), "/power/0/power/value", "not-a-number"),
        (_power(power={"unit": "W", "value": float("nan")}), "/power/0/power/value", "not-a-number"),
        (_power(power={"unit": "W", "value": 10**400}), "/power/0/power/value", "not-a-number"),
        (_power(power={"unit": "VA", "value": 80}), "/power/0/power/unit", "unknown-unit"),
        (
            _power(power={"unit": "W", "multiplier": "K", "value": 80}),
            "/power/0/power/multiplier",
            "unknown-multiplier",
        ),
        (_power(power={"unit": "W", "value": 0}), "/power/0/power/value", "bad-power"),
        (_power(power={"unit": "W", "multiplier": "Y", "value": 1}), "/power/0/power/value", "bad-power"),
        (_power(start="noon"), "/power/0/start", "bad-time"),
        (_power(start="2025-04-02T12:30:00.5"), "/power/0/start", "bad-time"),
        (_power(start="1999-04-02T12:30:00"), "/power/0/start", "bad-time"),
        (_power(start="2025-02-30T12:30:00"), "/power/0/start", "bad-time"),
        (_power(start="2025-03-30T02:30:00"), "/power/0/start", "ambiguous-time"),
        (_power(start="2025-04-02T12:32:00"), "/power/0/end", "bad-period"),
        (_power(end="2025-06-02T12:32:00"), "/power", "bad-period"),
    ],
)
async def test_a_request_that_makes_no_sense(body: object, pointer: str | None, code: str) -> None:
    """Refused in any dialect, each error with its pointer."""
    async with served(start=MORNING) as world:
        data = json.dumps(body)
        answer = await world.post(
            await world.annex_1() + REQUEST, world.user, data=data, headers={"Content-Type": "application/json"}
        )
        found = answer.problem(422, code)
        assert pointer is None or (pointer, code) in found


async def test_sessions_of_others_and_of_other_modules() -> None:
    """Not there for anybody else; one that plays something else says so."""
    async with served(start=MORNING) as world:
        session, strict = await world.annex_1(), await world.annex_1(dialect="native")
        supplier = (await world.session()).removeprefix("/sessions")
        for path in ("/bacs", ASSET, f"{ASSET}/consumptions", "/status"):
            (await world.get(session + path, world.admin)).problem(404, "not-found")
            (await world.get(strict + path)).problem(401, "invalid-token")
            (await world.get(f"/api/v1{supplier}{path}", world.user)).problem(409, "invalid-state")
        (await world.get(f"{session}/operator/bacs", world.user)).problem(409, "invalid-state")
        (await world.post(session + REQUEST, world.user, data=b"{")).problem(415, "unsupported-media-type")
        (await world.call("PUT", session + REQUEST, world.user)).problem(405, "method-not-allowed")


async def test_requests_outlive_the_program(tmp_path: Path) -> None:
    """Started as its users do, killed once it has answered: the request is there, and the same again is the same."""
    file = tmp_path / "emulator.db"
    async with program("--database", str(file), "--now", MORNING.isoformat()) as (process, world):
        session = await world.annex_1()
        offer = await create(world, session)
        assert (await confirm(world, session)).json["state"] == "scheduled"
        process.kill()
    async with served(database=file, start=at("12:35:00")) as world:
        again = await create(world, session)
        assert (again.status, again.data) == (201, offer.data)
        assert await state(world, session) == "recovering"
        measured = (await world.get(f"{session}{REQUEST}/req-001/consumptions", world.user)).json
        assert len(measured["consumptions"]) == 2


async def test_a_call_without_a_token() -> None:
    """As Annex 1 prints some: taken in its dialect for a session's own paths, and told; a wrong token is refused."""
    async with served(start=MORNING) as world:
        session = await world.annex_1()
        identifier = session.rpartition("/")[2]
        for path in ("/bacs", f"{ASSET}/consumptions", "/status"):
            assert (await world.get(session + path)).status == 200
            (await world.get(session + path, "x.y.z")).problem(401, "invalid-token")
        (await world.get(f"{session}{REQUEST}/none")).problem(404, "not-found")
        for path in (f"/api/v1/{'0' * 8}-0000-4000-8000-{'0' * 12}/bacs", f"/api/v1/sessions/{identifier}"):
            (await world.get(path)).problem(401, "invalid-token")
        for path in (f"/sessions/{identifier}/reports", f"/api/v1/sessions/{identifier}/reports"):
            (await world.post(path)).problem(401, "invalid-token")
        for path in ("/nothing", "/bacs/../../sessions", "/%2e%2e/sessions"):
            (await world.get(session + path)).problem(401, "invalid-token")
        report = text((await world.post(f"/sessions/{identifier}/reports", world.user)).data)
        assert report.count("withoutatoken") == 4


async def test_the_journal_tells_what_became_of_requests() -> None:
    """Every exchange is in the report, with its outcome."""
    async with served(start=MORNING) as world:
        session = await world.annex_1()
        await create(world, session)
        await create(world, session)
        await confirm(world, session)
        await create(world, session, kilowatts=1)
        await world.get(f"{session}{REQUEST}/req-001/consumptions", world.user)
        await world.call("DELETE", f"{session}{REQUEST}/req-001", world.user)
        identifier = session.rpartition("/")[2]
        report = text((await world.post(f"/sessions/{identifier}/reports", world.user)).data)
        for expected in (
            "ModuleBACS",
            "Dialectemulator",
            "Exchanges6",
            "200:2,201:2,204:1,422:1",
            "offered",
            "answeredbefore",
            "scheduled",
            "request-id-reused",
            "cancelled",
            f"POST{session}{REQUEST}201",
        ):
            assert expected in report, expected
