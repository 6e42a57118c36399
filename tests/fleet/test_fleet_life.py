"""A request to a remote asset from the action to the last word of its BACS: what is asked, shown and told."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from fleets import ASKED, HOUR, MINUTE, MORNING, SECOND, START, Fleet, fleet, remote, site_data
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
import pytest
from remote import ASSET, BACS, TOKEN, potential, status
from syrupy.assertion import SnapshotAssertion

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.diagnostics import async_get_config_entry_diagnostics
from custom_components.flex_ready.flexibility.book import Decline
from custom_components.flex_ready.flexibility.model import Direction
from custom_components.flex_ready.flexibility.record import Cause, State

__all__ = ["fleet", "remote"]


async def test_all_entities(
    fleet: Fleet, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name, category, device class, unit, state; also those disabled at first."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    await fleet.load()
    rows = er.async_entries_for_config_entry(entity_registry, fleet.entry.entry_id)
    assert all(row.config_subentry_id == fleet.site.id for row in rows)
    assert [
        (row.entity_id, row.translation_key, row.entity_category, row.original_device_class, row.unit_of_measurement)
        for row in sorted(rows, key=lambda row: row.entity_id)
    ] == snapshot
    assert {state.entity_id: state.state for state in fleet.hass.states.async_all()} == snapshot


async def test_a_request_from_first_to_last(fleet: Fleet) -> None:
    """Offered, ordered, prepared, active, over; the site is asked a few dozen times, and at each edge at once."""
    await fleet.load()
    events = fleet.events()
    assert fleet.asset_state("remote_potential") == "50.0"
    assert fleet.asset_state("remote_request_state") == "idle"
    sent = await fleet.send()
    assert (sent["state"], sent["open"], sent["price"], sent["mobilization_delay"]) == ("offered", True, 0.085, 10)
    assert sent["asked"] == [
        {"start": "2026-01-14T10:00:00+01:00", "end": "2026-01-14T11:00:00+01:00", "power": 40},
    ]
    assert sent["power"][0]["power"] == 32
    assert fleet.asset_state("remote_asked_power") == "40.0"
    assert fleet.asset_state("remote_offered_power") == "32.0"
    assert fleet.state("remote_open_requests") == "1"
    ordered = await fleet.about("confirm_sent_request")
    assert (ordered["state"], ordered["next_step"], ordered["fault"]) == ("scheduled", None, "")
    assert fleet.remote.bodies[-1]["ackPrice"] == {"unit": "€/MWh", "multiplier": "none", "value": 85}
    await fleet.live(START - 10 * MINUTE + 3 * SECOND)
    assert fleet.asset_state("remote_request_state") == "mobilising"
    assert fleet.state("remote_promised_power") == "0.0"
    await fleet.to(START)
    assert fleet.state("remote_promised_power") == "32.0", "by the clock, before anything is read"
    await fleet.live(START + 3 * SECOND)
    assert fleet.asset_state("remote_request_state") == "active"
    assert fleet.asset_state("remote_request_end") == "2026-01-14T10:00:00+00:00"
    await fleet.live(START + HOUR)
    assert fleet.state("remote_promised_power") == "0.0"
    await fleet.live(START + HOUR + 5 * MINUTE)
    assert fleet.asset_state("remote_request_state") == "completed"
    assert fleet.asset_state("remote_offered_power") == STATE_UNKNOWN
    assert fleet.state("remote_open_requests") == "0"
    kinds = [event["event_type"] for event in events]
    assert kinds == ["sending", "offered", "scheduled", "mobilising", "active", "completed"]
    assert [event["was"] for event in events] == [None, *kinds[:-1]]
    assert {event["request_id"] for event in events} == {"r1"}
    assert fleet.remote.called("POST", "/request") == fleet.remote.called("POST", "/confirm") == 1
    assert fleet.remote.called("GET", "/r1") < 200
    await fleet.live(START + 51 * HOUR)
    assert fleet.order().due is None, "two days after its end nothing more is asked"


@pytest.mark.parametrize(
    ("price", "most", "state"),
    [("0.085", 0.1, "scheduled"), ("0.085", 0.085, "scheduled"), ("0.085", 0.08, "offered"), (None, 0, "scheduled")],
)
async def test_an_offer_is_ordered_up_to_a_price(fleet: Fleet, price: str | None, most: float, state: str) -> None:
    """What is dearer is left as offered, for the user to order; what has no price is by contract."""
    fleet.remote.price = None if price is None else Decimal(price)
    await fleet.load()
    assert (await fleet.send(confirm=True, max_price=most))["state"] == state
    if state == "offered":
        await fleet.wait(MINUTE)
        assert fleet.remote.called("POST", "/confirm") == 0
        assert (await fleet.about("confirm_sent_request"))["state"] == "scheduled"


async def test_any_price_and_more_consumption(fleet: Fleet) -> None:
    """Without a highest price any will do; what is consumed more counts as negative."""
    more = potential(direction=Direction.INCREASE, flex_product="WDA")
    fleet.remote.assets = (replace(fleet.remote.assets[0], potentials=(more,)),)
    fleet.remote.__post_init__()
    await fleet.load()
    assert fleet.asset_state("remote_potential") == STATE_UNKNOWN
    sent = await fleet.send(confirm=True, direction="increase")
    assert (sent["state"], sent["flex_product"]) == ("scheduled", "WDA")
    await fleet.live(START + MINUTE)
    assert fleet.state("remote_promised_power") == "-32.0"


async def test_a_business_no(fleet: Fleet) -> None:
    """The reason is told."""
    await fleet.load()
    events = fleet.events()
    fleet.remote.verdict = Decline(cause=Cause.UNAVAILABLE, detail="too cold")
    sent = await fleet.send(confirm=True)
    assert (sent["state"], sent["reason"], sent["open"]) == ("rejected", "too cold", False)
    assert (events[-1]["event_type"], events[-1]["reason"]) == ("rejected", "too cold")
    await fleet.live(START)
    assert fleet.remote.called("GET", "/r1") == 0


async def test_a_bacs_that_needs_time(fleet: Fleet) -> None:
    """It is asked again until it has judged; then it is ordered as was wanted."""
    await fleet.load()
    fleet.remote.judges = False
    assert (await fleet.send(confirm=True))["state"] == "received"
    assert fleet.asset_state("remote_offered_power") == STATE_UNKNOWN
    key = next(iter(fleet.remote.book.records))
    request = fleet.remote.book.records[key].request
    offer = fleet.remote.offer(request, MORNING)
    fleet.remote.book = fleet.remote.book.decide(key, offer, now=MORNING, dialect=fleet.remote.dialect).book
    await fleet.live(MORNING + 6 * SECOND)
    assert fleet.order().state == "scheduled"


async def test_an_offer_that_nobody_takes(fleet: Fleet) -> None:
    """It expires, and that is told."""
    await fleet.load()
    events = fleet.events()
    await fleet.send()
    await fleet.live(MORNING + 16 * MINUTE)
    assert [event["event_type"] for event in events] == ["sending", "offered", "expired"]
    assert fleet.order().due is None


async def test_cancelling(fleet: Fleet) -> None:
    """Before the order, and in the midst of the activation: then the asset recovers."""
    await fleet.load()
    await fleet.send()
    cancelled = await fleet.about("cancel_sent_request")
    assert (cancelled["state"], cancelled["open"]) == ("cancelled", False)
    await fleet.send("r2", confirm=True)
    await fleet.live(START + MINUTE)
    assert fleet.order("r2").state == "active"
    await fleet.about("cancel_sent_request", "r2")
    await fleet.live(START + 10 * MINUTE)
    assert fleet.remote.state("r2") is State.CANCELLED
    assert fleet.order("r2").state == "cancelled"
    assert fleet.state("remote_promised_power") == "0.0"


async def test_assets_come_and_go(fleet: Fleet, device_registry: dr.DeviceRegistry) -> None:
    """A new one is there without a reload; one that went is removed, but not while something is asked of it."""
    await fleet.load()
    await fleet.send(confirm=True)
    heating = fleet.remote.assets[0]
    boiler = replace(heating, id="Boiler")
    fleet.remote.assets = (boiler,)
    await fleet.to(MORNING + 17 * MINUTE)
    assert fleet.state("remote_potential", BACS, "Boiler") == "50.0"
    assert fleet.asset_state("remote_request_state") == "scheduled"
    assert fleet.asset_state("remote_potential") == STATE_UNKNOWN
    await fleet.about("cancel_sent_request")
    names = [device.name for device in dr.async_entries_for_config_entry(device_registry, fleet.entry.entry_id)]
    assert sorted(str(name) for name in names) == ["Town hall", "Town hall Boiler"]
    fleet.remote.assets = (heating, boiler)
    await fleet.to(MORNING + 40 * MINUTE)
    assert fleet.asset_state("remote_potential") == "50.0"


async def test_a_site_that_goes_and_comes(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """Unreachable once it does not answer, told once; what it has is known all the while, over a restart too."""
    await fleet.load()
    assert fleet.state("remote_reachable", platform="binary_sensor") == "on"
    await fleet.remote.stop()
    await fleet.live(MORNING + 2 * HOUR)
    assert fleet.state("remote_reachable", platform="binary_sensor") == "off"
    assert fleet.asset_state("remote_potential") == STATE_UNAVAILABLE
    assert fleet.asset_state("remote_request_state") == "idle"
    assert caplog.text.count("Town hall cannot be asked") == 1
    await fleet.again()
    assert fleet.asset_state("remote_request_state") == "idle"
    with pytest.raises(Exception, match="no asset"):
        await fleet.send(asset_id="Elsewhere")
    await fleet.remote.start()
    await fleet.live(MORNING + 3 * HOUR)
    assert fleet.state("remote_reachable", platform="binary_sensor") == "on"
    assert fleet.asset_state("remote_potential") == "50.0"
    assert caplog.text.count("Town hall answers again") == 1


async def test_credentials_that_are_withdrawn(fleet: Fleet) -> None:
    """The user is asked for those of this site, once; a refusal by a rule is no reason to."""
    await fleet.load()
    fleet.remote.faults = [status(422, {"code": "dmo-violated"}, problem=True)]
    await fleet.send()
    assert fleet.hass.config_entries.flow.async_progress() == []
    fleet.remote.tokens.clear()
    await fleet.live(MORNING + HOUR)
    (flow,) = fleet.hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["step_id"]) == ("reauth", "reauth_site_token")
    assert flow["context"]["title_placeholders"] == {"name": "Our town: Town hall"}


async def test_diagnostics(fleet: Fleet) -> None:
    """They tell how it goes, and nothing that opens or names a site."""
    client = {
        "issuer": "http://127.0.0.1:1/",
        "client_id": "the-id",
        "client_secret": "the-secret",
        "scope": "the-scope",
    }
    await fleet.load(site_data(fleet.remote.url), site_data("http://127.0.0.1:1", title="Swimming pool", **client))
    await fleet.send("a-telling-id", confirm=True)
    await fleet.wait(MINUTE)
    told: Any = await async_get_config_entry_diagnostics(fleet.hass, fleet.entry)
    first, second = told["sites"].values()
    assert (first["reachable"], first["assets"], first["requests"]) == (True, 1, {"scheduled": 1})
    assert first["last_requests"][0]["state"] == "scheduled"
    assert (second["reachable"], second["fault"]["fault"], second["failures"]) == (False, "no_token", 1)
    for secret in (TOKEN, *client.values(), "Town hall", "Swimming", "Our town", "telling", "127.0.0.1"):
        assert secret not in str(told)


async def test_what_was_sent_is_listed(fleet: Fleet) -> None:
    """All, the latest first; by site, by id, open ones only."""
    await fleet.load()
    await fleet.send("old")
    await fleet.about("cancel_sent_request", "old")
    await fleet.wait(MINUTE)
    await fleet.send("new")

    async def ids(**more: Any) -> list[str]:  # noqa: ANN401
        answer = await fleet.call("get_sent_requests", config_entry_id=fleet.entry.entry_id, **more)
        return [one["request_id"] for one in answer["requests"]]

    assert await ids() == ["new", "old"]
    assert await ids(open_only=True) == ["new"]
    assert await ids(request_id="old", site=fleet.site.id) == ["old"]


async def test_consumptions(fleet: Fleet, device_registry: dr.DeviceRegistry) -> None:
    """In the time of a request, or in any; by the device too."""
    await fleet.load()
    await fleet.send(confirm=True)
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, f"{fleet.entry.entry_id}_{fleet.site.id}_{BACS}_{ASSET}"), fleet.entry.entry_id
    )
    assert device
    for named in ({"config_entry_id": fleet.entry.entry_id}, {"asset": device.id}):
        answer = await fleet.call("get_remote_consumptions", request_id="r1", **named)
        assert answer["steps"] == [
            {
                "start": "2026-01-14T10:00:00+01:00",
                "end": "2026-01-14T11:00:00+01:00",
                "power": 12,
                "energy": 6,
                "baseline": 20,
                "quality": "measured",
            }
        ]
    edges = {"start": "2026-01-13 00:00:00", "end": "2026-01-14 00:00:00"}
    answer = await fleet.call("get_remote_consumptions", asset=device.id, step="30min", aggregation="sum", **edges)
    assert (answer["site"], answer["asset_id"]) == ("Town hall", ASSET)
    assert answer["steps"][0]["start"] == "2026-01-13T00:00:00+01:00"
    answer = await fleet.call("get_remote_consumptions", **fleet.where)
    assert answer["steps"][0]["end"] == "2026-01-14T08:00:00+01:00"
    sent = await fleet.call("send_flex_request", asset=device.id, **{**ASKED, "start": "2026-01-15 10:00:00"})
    assert len(sent["request_id"]) == 36
    assert sent["asked"][0]["start"] == "2026-01-15T10:00:00+01:00"
