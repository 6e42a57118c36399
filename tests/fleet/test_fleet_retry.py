"""What goes wrong on the way to a remote BACS: tried again with the same requestID, or final; never lost or doubled."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
import json
from typing import Any

from aiohttp import web
from fleets import ASKED, HOUR, MINUTE, MORNING, SECOND, START, Fleet, fleet, remote
from homeassistant.core import CoreState
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
import pytest
from remote import Fault, Handler, hang_up, potential, problem, status, text

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.fleet import site as site_module
from custom_components.flex_ready.fleet.order import Order
from custom_components.flex_ready.flexibility.book import Book
from custom_components.flex_ready.flexibility.record import State

__all__ = ["fleet", "remote"]

_MOMENT = timedelta(milliseconds=1)
"""A timer that is due now may be due a rounding later: of a clock that stands still, never."""
TEMPORARY = {
    "500": status(500),
    "502": status(502),
    "503": problem(503, "unavailable"),
    "504": status(504),
    "408": status(408),
    "429": problem(429, "rate-limited"),
    "404 of a gateway": status(404),
    "404 in JSON": status(404, {"error": "no route"}),
    "hang up": hang_up,
    "a page": text("<html>"),
    "cut off": text('{"requestID": "r1", "st'),
    "in progress": problem(409, "request-in-progress", Retry_After="2"),
}
FINAL = {
    "400": problem(400, "malformed"),
    "401": problem(401, "invalid-token"),
    "403": problem(403, "insufficient-scope"),
    "404": problem(404, "not-found"),
    "405": status(405),
    "409": problem(409, "overlap"),
    "422": problem(422, "power-exceeded"),
    "302": status(302, Location="/elsewhere"),
    "another shape": text("{}"),
}


def ids(fleet: Fleet) -> set[str]:
    """Return the requestIDs that the BACS knows."""
    return {key.request_id for key in fleet.remote.book.records}


@pytest.mark.parametrize("fault", TEMPORARY.values(), ids=TEMPORARY)
async def test_what_passes_is_tried_again(fleet: Fleet, fault: Fault) -> None:
    """Three times in vain, then it gets through: one request, with the id it had from the start."""
    await fleet.load()
    fleet.remote.faults = [fault] * 3
    sent = await fleet.send(confirm=True)
    assert (sent["state"], sent["next_step"], sent["tries"]) == ("sending", "create", 1)
    assert sent["fault"]
    await fleet.live(MORNING + MINUTE)
    assert fleet.order().state == "scheduled"
    assert fleet.order().fault == ""
    assert ids(fleet) == {"r1"}
    assert fleet.remote.called("POST", "/request") == 4


@pytest.mark.parametrize("fault", FINAL.values(), ids=FINAL)
async def test_what_does_not_pass_is_final(fleet: Fleet, fault: Fault) -> None:
    """It is told at once, and never tried again."""
    await fleet.load()
    events = fleet.events()
    # A token that is refused is fetched anew once.
    fleet.remote.faults = [fault] * (2 if fault is FINAL["401"] else 1)
    sent = await fleet.send(confirm=True)
    assert (sent["state"], sent["open"], sent["outcome"]) == ("refused", False, "refused")
    assert sent["next_call"] is None
    assert [event["event_type"] for event in events] == ["sending", "refused"]
    before = fleet.remote.called("POST")
    await fleet.live(START + HOUR)
    assert fleet.remote.called("POST") == before
    assert fleet.asset_state("remote_request_state") == "refused"
    assert ids(fleet) == set()


async def test_the_bacs_says_why(fleet: Fleet) -> None:
    """Its code and its words are in the answer and in the event."""
    await fleet.load()
    events = fleet.events()
    fleet.remote.faults = [FINAL["422"]]
    sent = await fleet.send()
    assert (sent["fault"], sent["code"]) == ("refused", "power-exceeded")
    assert sent["detail"] == events[-1]["reason"] == "so it is: power-exceeded"


async def test_an_answer_that_is_lost(fleet: Fleet) -> None:
    """The request was taken, only the answer went astray; asked again, the BACS answers as before. So for the order."""
    await fleet.load()
    fleet.remote.after = [hang_up, status(502)]
    assert (await fleet.send())["state"] == "sending"
    assert ids(fleet) == {"r1"}
    await fleet.live(MORNING + MINUTE)
    assert fleet.order().state == "offered"
    assert len(fleet.remote.book.records) == 1
    fleet.remote.after = [hang_up]
    assert (await fleet.about("confirm_sent_request"))["next_step"] == "confirm"
    assert fleet.remote.state("r1") is State.SCHEDULED
    with pytest.raises(ServiceValidationError, match="Nothing is offered"):
        await fleet.about("confirm_sent_request")
    await fleet.live(MORNING + 2 * MINUTE)
    assert fleet.order().state == "scheduled"
    assert fleet.remote.called("POST", "/confirm") == 2


async def test_a_site_that_stays_away(fleet: Fleet) -> None:
    """Tried less and less often up to once a minute, and given up at start - DMO, not a second later."""
    await fleet.load()
    events = fleet.events()
    fleet.remote.always = status(503)
    times = []
    sent = await fleet.send(confirm=True)
    assert sent["tries"] == 1
    before = fleet.remote.called("POST")
    while fleet.order().step is not None:
        due = fleet.order().due
        assert due
        await fleet.live(due + _MOMENT)
        if fleet.remote.called("POST") > before:
            times.append(dt_util.utcnow())
            before = fleet.remote.called("POST")
    pauses = [(after - one).total_seconds() for one, after in pairwise(times)]
    assert 1 <= (times[0] - MORNING).total_seconds() <= 2
    assert max(pauses) <= 61
    assert all(pause >= 30 for pause in pauses[6:])
    assert START - 11 * MINUTE - 2 * SECOND < times[-1] < START - 10 * MINUTE
    assert [event["event_type"] for event in events] == ["sending", "given_up"]
    assert (fleet.order().state, fleet.order().due) == ("given_up", None)
    fleet.remote.always = None
    await fleet.live(START + HOUR)
    assert ids(fleet) == set()


async def test_retry_after_is_kept_to(fleet: Fleet) -> None:
    """Not asked before; where that would be too late, given up at once."""
    await fleet.load()
    fleet.remote.faults = [problem(429, "rate-limited", Retry_After="600")]
    await fleet.send()
    calls = fleet.remote.called("POST")
    await fleet.live(MORNING + 10 * MINUTE - SECOND)
    assert fleet.remote.called("POST") == calls
    await fleet.live(MORNING + 10 * MINUTE + 2 * SECOND)
    assert fleet.order().state == "offered"
    fleet.remote.faults = [problem(503, "unavailable", Retry_After="7200")]
    assert (await fleet.send("r2"))["state"] == "given_up"


async def test_an_order_that_comes_too_late(fleet: Fleet) -> None:
    """It is not sent after the offer has expired; what the BACS then says of it is told."""
    await fleet.load()
    events = fleet.events()
    await fleet.send()
    fleet.remote.always = hang_up
    await fleet.live(MORNING + 14 * MINUTE)
    ordered = await fleet.about("confirm_sent_request")
    assert (ordered["state"], ordered["next_step"]) == ("offered", "confirm")
    fleet.freezer.move_to(MORNING + 15 * MINUTE)
    await fleet.wait(SECOND)
    confirms = fleet.remote.called("POST", "/confirm")
    fleet.remote.always = None
    await fleet.live(MORNING + 20 * MINUTE)
    assert fleet.remote.called("POST", "/confirm") == confirms
    assert [event["event_type"] for event in events] == ["sending", "offered", "given_up", "expired"]
    assert events[2]["step"] == "confirm"


async def test_an_offer_that_has_just_expired(fleet: Fleet) -> None:
    """It is not ordered, though its BACS was not asked since."""
    await fleet.load()
    await fleet.send()
    fleet.freezer.move_to(MORNING + 15 * MINUTE)
    with pytest.raises(ServiceValidationError, match="too late for Heating: it had to be asked by 14/01 08:15"):
        await fleet.about("confirm_sent_request")
    assert fleet.remote.called("POST", "/confirm") == 0


async def test_an_order_that_is_refused(fleet: Fleet) -> None:
    """It is told; the request stands as its BACS says, and can be ordered again."""
    await fleet.load()
    events = fleet.events()
    await fleet.send()
    fleet.remote.faults = [problem(409, "price-mismatch")]
    ordered = await fleet.about("confirm_sent_request")
    assert (ordered["state"], ordered["outcome"], ordered["code"]) == ("offered", "refused", "price-mismatch")
    assert [event["event_type"] for event in events] == ["sending", "offered", "refused"]
    await fleet.wait(3 * SECOND)
    assert fleet.order().outcome == "refused", "a look does not make it good"
    again = await fleet.about("confirm_sent_request")
    assert (again["state"], again["outcome"]) == ("scheduled", None)


@pytest.mark.parametrize("arrived", [True, False])
async def test_withdrawn_while_nobody_knows_whether_it_arrived(fleet: Fleet, arrived: bool) -> None:  # noqa: FBT001
    """It is withdrawn where it is known, and never sent again."""
    await fleet.load()
    fleet.remote.after = [hang_up] if arrived else []
    fleet.remote.faults = [] if arrived else [hang_up]
    await fleet.send()
    cancelled = await fleet.about("cancel_sent_request")
    assert (cancelled["state"], cancelled["open"]) == ("cancelled", False)
    creates = fleet.remote.called("POST", "/request")
    await fleet.live(START)
    assert fleet.remote.called("POST", "/request") == creates == 1
    with pytest.raises(ServiceValidationError, match="is over"):
        await fleet.about("cancel_sent_request")


async def test_cancelling_that_is_not_answered(fleet: Fleet) -> None:
    """Tried until the end of the request; what is over cannot be cancelled."""
    await fleet.load()
    await fleet.send(confirm=True)
    fleet.remote.always = status(503)
    assert (await fleet.about("cancel_sent_request"))["next_step"] == "cancel"
    await fleet.live(START + MINUTE)
    fleet.remote.always = None
    await fleet.live(START + 3 * MINUTE)
    assert fleet.remote.state("r1") is State.CANCELLED
    assert fleet.order().state == "cancelled"


async def test_a_site_that_forgets(fleet: Fleet) -> None:
    """A request that its BACS no longer knows is not asked for again; one that cannot be read is, more slowly."""
    await fleet.load()
    await fleet.send("r1", confirm=True)
    await fleet.send("r2", start=(START + 2 * HOUR).isoformat(), confirm=True)
    fleet.remote.faults = [problem(404, "not-found"), status(503), problem(403, "insufficient-scope")]
    await fleet.live(MORNING + 5 * MINUTE + SECOND)
    assert fleet.order("r1").due is None or fleet.order("r2").due is None
    await fleet.live(MORNING + 40 * MINUTE)
    going = [order for order in fleet.runtime.book.orders.values() if order.due is not None]
    assert [order.state for order in going] == ["scheduled"]
    assert going[0].fault == ""


type Moment = Callable[[Fleet], None]


def _create(fleet: Fleet) -> None:
    fleet.remote.after = [hang_up]


def _create_in_vain(fleet: Fleet) -> None:
    fleet.remote.faults = [status(503)] * 2


def _confirm(fleet: Fleet) -> None:
    async def once(request: web.Request) -> web.StreamResponse:
        # The request is answered; the order that follows is not.
        fleet.remote.always = hang_up
        fleet.remote.bodies.append(await request.json())
        return await fleet.remote._create(request)

    fleet.remote.faults = [once]


@pytest.mark.parametrize("moment", [_create, _create_in_vain, _confirm])
async def test_a_restart_in_the_middle(fleet: Fleet, hass_storage: dict[str, Any], moment: Moment) -> None:
    """Home Assistant goes on from what it kept: the same id, the same step, nothing twice."""
    await fleet.load()
    moment(fleet)
    await fleet.send(confirm=True)
    key = f"flex_ready.{fleet.entry.entry_id}"
    kept = json.loads(json.dumps(hass_storage[key]))
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
    hass_storage[key] = kept
    fleet.remote.always = None
    fleet.freezer.tick(2 * MINUTE)
    await fleet.hass.config_entries.async_setup(fleet.entry.entry_id)
    await fleet.settle()
    await fleet.live(MORNING + 5 * MINUTE)
    assert fleet.order().state == "scheduled"
    assert ids(fleet) == {"r1"}
    assert fleet.remote.state("r1") is State.SCHEDULED


async def test_killed_before_and_after_each_call(
    fleet: Fleet, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was on the disk and at the BACS when the power failed: it goes on to the same end, and nothing twice."""
    await fleet.load()
    key = f"flex_ready.{fleet.entry.entry_id}"
    moments: list[tuple[datetime, Any, Book, str]] = []
    answer = fleet.remote._answer

    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        def look(when: str) -> None:
            kept = json.loads(json.dumps(hass_storage[key]))
            moments.append((dt_util.utcnow(), kept, fleet.remote.book, f"{when} {request.method} {request.path}"))

        look("before")
        answered = await answer(request, handler)
        look("after")
        return answered

    monkeypatch.setattr(fleet.remote, "_answer", watched)
    await fleet.send(confirm=True)
    await fleet.live(START + 2 * MINUTE)
    monkeypatch.undo()
    assert len(moments) > 50
    told = {words.rpartition("/")[2] for *_, words in moments}
    assert {"request", "confirm", "r1"} <= told
    for at, kept, book, words in (*moments[:8], *moments[8::9]):
        assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
        fleet.freezer.move_to(at)
        hass_storage[key], fleet.remote.book = json.loads(json.dumps(kept)), book
        await fleet.hass.config_entries.async_setup(fleet.entry.entry_id)
        await fleet.settle()
        await fleet.live(at + 6 * MINUTE)
        assert fleet.remote.state("r1") == fleet.order().state, words
        assert fleet.order().state in ("scheduled", "mobilising", "active"), words
        assert ids(fleet) == {"r1"}, words


async def test_a_restart_that_lasts_too_long(fleet: Fleet, hass_storage: dict[str, Any]) -> None:
    """What could not be sent in time is not sent late."""
    await fleet.load()
    fleet.remote.always = status(503)
    await fleet.send(confirm=True)
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
    fleet.remote.always = None
    fleet.freezer.move_to(START - 9 * MINUTE)
    before = fleet.remote.called("POST")
    await fleet.hass.config_entries.async_setup(fleet.entry.entry_id)
    await fleet.settle()
    assert fleet.order().state == "given_up"
    assert fleet.remote.called("POST") == before


async def test_kept_before_it_is_sent(fleet: Fleet, hass_storage: dict[str, Any]) -> None:
    """When the BACS hears of a request it is on the disk already."""
    await fleet.load()
    seen: list[list[str]] = []

    async def look(request: web.Request) -> web.StreamResponse:
        orders = hass_storage[f"flex_ready.{fleet.entry.entry_id}"]["data"]["orders"]
        seen.append([f"{one['request']['requestID']} {one['step']}" for one in orders])
        return await status(503)(request)

    fleet.remote.faults = [look]
    await fleet.send()
    assert seen == [["r1 create"]]


async def test_what_is_not_new_is_not_written(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that brings nothing, another try in vain, another power of the moment: none is worth a writing."""
    await fleet.load()
    await fleet.send(confirm=True)
    writings = []
    save = Store.async_save

    async def counted(self: Store[Any], data: dict[str, Any]) -> None:
        writings.append(self.key)
        await save(self, data)

    monkeypatch.setattr(Store, "async_save", counted)
    looks = fleet.remote.called("GET", "/r1")
    fleet.remote.assets = (replace(fleet.remote.assets[0], potentials=(potential(power=Decimal(1000)),)),)
    await fleet.live(START - 11 * MINUTE)
    assert fleet.remote.called("GET", "/r1") > looks + 15
    assert fleet.asset_state("remote_potential") == "1.0"
    assert writings == []
    await fleet.live(START + 3 * SECOND)
    assert len(writings) == 2, "mobilising, active"
    fleet.remote.always = status(503)
    await fleet.live(START + 20 * MINUTE)
    assert len(writings) == 3, "that it is away, once"


async def test_a_full_disk(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written down is not sent; the user is told, the log once. What was sent is followed on."""
    await fleet.load()
    await fleet.send("r1")
    write = Store._async_write_data

    async def full(self: Store[Any], data: dict[str, Any]) -> None:
        if "flex_ready" in self.key:
            raise OSError("No space left on device")
        await write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_async_write_data", full)
        for _ in range(2):
            with pytest.raises(HomeAssistantError, match="cannot be written down"):
                await fleet.send("r2")
        with pytest.raises(HomeAssistantError, match="cannot be written down"):
            await fleet.about("confirm_sent_request")
        assert ids(fleet) == {"r1"}
        await fleet.live(MORNING + MINUTE)
        assert fleet.order().state == "offered"
        assert fleet.order().step is None
    assert caplog.text.count("until it can no request is sent") == 1
    assert (await fleet.about("confirm_sent_request"))["state"] == "scheduled"
    assert caplog.text.count("is written again") == 1
    fleet.hass.set_state(CoreState.stopping)
    with pytest.raises(HomeAssistantError, match="cannot be written down"):
        await fleet.send("r3")
    fleet.hass.set_state(CoreState.running)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"orders": [{}, {"site": 1}, None], "sites": {"x": {}}},
        {"orders": [], "sites": {}},
    ],
)
async def test_what_is_kept_is_of_no_use(fleet: Fleet, hass_storage: dict[str, Any], data: object) -> None:
    """It is left out, and told of; the rest is taken up."""
    await fleet.load()
    await fleet.send()
    key = f"flex_ready.{fleet.entry.entry_id}"
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
    kept = hass_storage[key]["data"]
    if isinstance(data, dict):
        data["orders"] += kept["orders"]
        data["sites"] = {site: data["sites"].get("x", one) for site, one in kept["sites"].items()}
    hass_storage[key]["data"] = data
    await fleet.hass.config_entries.async_setup(fleet.entry.entry_id)
    await fleet.settle()
    assert set(fleet.runtime.book.orders) == ({"r1"} if isinstance(data, dict) else set())
    assert fleet.asset_state("remote_potential") == "50.0"


async def test_what_is_kept_cannot_be_read(
    fleet: Fleet, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A file of a later version: the fleet begins anew, and says so."""
    await fleet.load()
    key = f"flex_ready.{fleet.entry.entry_id}"
    assert await fleet.hass.config_entries.async_unload(fleet.entry.entry_id)
    hass_storage[key] |= {"version": 99}
    await fleet.hass.config_entries.async_setup(fleet.entry.entry_id)
    await fleet.settle()
    assert "cannot be read" in caplog.text
    assert fleet.asset_state("remote_potential") == "50.0"


async def test_the_same_id_again(fleet: Fleet) -> None:
    """With the same content it is the same request; with another it is refused, before the BACS hears of it."""
    await fleet.load()
    await fleet.send()
    calls = len(fleet.remote.calls)
    assert (await fleet.send())["state"] == "offered"
    with pytest.raises(ServiceValidationError, match="Another request has the id r1"):
        await fleet.send(power=30)
    assert len(fleet.remote.calls) == calls


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"start": (MORNING + 9 * MINUTE).isoformat()}, "It is too late for Heating: it had to be asked by 14/01 07:59"),
    ({"start": (MORNING - HOUR).isoformat()}, "in the past"),
    ({"flex_product": "WDA"}, "does not give WDA"),
    ({"direction": "increase"}, "does not give"),
    ({"end": (START + HOUR).isoformat()}, "either an end or a duration"),
    ({"site": "Nowhere"}, "has no site Nowhere"),
    ({"asset_id": "Boiler"}, "no asset Boiler"),
    ({"bacs_id": "b2"}, "no asset Heating"),
    ({"asset": "nothing"}, "is no remote asset"),
]


@pytest.mark.parametrize(("more", "words"), REFUSED)
async def test_what_is_in_vain_is_refused_at_once(fleet: Fleet, more: dict[str, Any], words: str) -> None:
    """In plain words; the BACS does not hear of it."""
    await fleet.load()
    with pytest.raises(ServiceValidationError, match=words):
        await fleet.send(**more)
    assert fleet.remote.called("POST") == 0


async def test_more_that_is_refused(fleet: Fleet) -> None:
    """An end before the start, no place, no such request; a call for consumptions that fails says why."""
    await fleet.load()
    asked = {key: value for key, value in ASKED.items() if key != "duration"}
    with pytest.raises(ServiceValidationError, match="end"):
        await fleet.call("send_flex_request", **fleet.where, **asked, end=START.isoformat())
    site = dr.async_get(fleet.hass).async_get_device_by_identifier(
        (DOMAIN, f"{fleet.entry.entry_id}_{fleet.site.id}"), fleet.entry.entry_id
    )
    assert site
    with pytest.raises(ServiceValidationError, match="is no remote asset"):
        await fleet.send(asset=site.id)
    with pytest.raises(ServiceValidationError, match="Choose an asset"):
        await fleet.call("send_flex_request", **ASKED)
    for action in ("confirm_sent_request", "cancel_sent_request"):
        with pytest.raises(ServiceValidationError, match="has sent no request"):
            await fleet.about(action)
    with pytest.raises(ServiceValidationError, match="end"):
        await fleet.call("get_remote_consumptions", **fleet.where, start=START.isoformat(), end=START.isoformat())
    fleet.remote.faults = [problem(403, "insufficient-scope")]
    with pytest.raises(HomeAssistantError, match=r"do not allow this\. Town hall: so it is: insufficient-scope"):
        await fleet.call("get_remote_consumptions", **fleet.where)


async def test_a_site_that_keeps_one_waiting(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The action returns after a while all the same; the answer is told when it comes."""
    await fleet.load()
    monkeypatch.setattr(site_module, "_PATIENCE_S", 0)
    answers = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await answers.wait()
        return await status(503)(request)

    fleet.remote.faults = [wait]
    assert (await fleet.send())["state"] == "sending"
    answers.set()
    await fleet.settle()
    assert fleet.order().tries == 1
    await fleet.live(MORNING + MINUTE)
    assert fleet.order().state == "offered"


async def test_orders_are_forgotten_in_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month after their end; before that, the oldest beyond a number. Open ones never."""
    await fleet.load()
    monkeypatch.setattr("custom_components.flex_ready.fleet.store._MOST_OVER", 2)
    await fleet.send("open", start=(START + timedelta(days=60)).isoformat())
    for name in ("a", "b", "c"):
        await fleet.wait(SECOND)
        await fleet.send(name)
        await fleet.about("cancel_sent_request", name)
    assert set(fleet.runtime.book.orders) == {"open", "b", "c"}
    fleet.freezer.move_to(MORNING + timedelta(days=32))
    await fleet.send("d", start=(START + timedelta(days=33)).isoformat())
    assert set(fleet.runtime.book.orders) == {"open", "d"}


def test_an_order_is_kept_whole() -> None:
    """Each field is in what is written."""
    assert set(Order.__slots__) == set(Order.from_dict(_whole()).to_dict())


def _whole() -> dict[str, Any]:
    return {
        "site": "s",
        "bacs_id": "b",
        "asset_id": "a",
        "request": {
            "requestID": "r",
            "flexProduct": "WID",
            "direction": "decrease",
            "power": [
                {
                    "power": {"unit": "W", "multiplier": "k", "value": 1},
                    "start": "2026-01-01T00:00:00+00:00",
                    "end": "2026-01-01T01:00:00+00:00",
                }
            ],
        },
        "asked_at": "2025-12-31T00:00:00+00:00",
        "mobilization_delay": 60.0,
        "confirm": True,
        "max_price": "0.1",
        "step": "create",
        "step_at": "2025-12-31T00:00:00+00:00",
        "tries": 2,
        "due": None,
        "told": None,
        "outcome": None,
        "withdrawn": False,
        "fault": "",
        "code": "",
        "detail": "",
    }
