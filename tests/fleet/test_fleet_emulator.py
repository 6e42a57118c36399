"""A fleet before the emulated BACS of Annex 1: another program, in the dialect of the annex."""

from datetime import UTC, datetime, timedelta

from fleets import Fleet, remote, site_data
from homeassistant.exceptions import ServiceValidationError
import pytest
from remote import Remote
from world import EVENING, USER, USER_SECRET, World
from yarl import URL

from custom_components.flex_ready.flexibility.dialects import EMULATOR_2025

__all__ = ["remote"]

WHOLE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
HEATED = "a987fbc9-4bed-4078-9f07-9141ba07c9f3"
LATER = datetime(2026, 1, 14, 17, tzinfo=UTC)
"""Six in the evening in Paris."""


async def begin(world: World, remote: Remote) -> Fleet:
    """Open a session of the emulator, and add it to a fleet."""
    token = await world.token()
    async with world.session.post(
        f"{world.url}/sessions", params={"emulator_module": "BACS"}, headers={"Authorization": f"Bearer {token}"}
    ) as response:
        assert response.status == 201, await response.text()
        url = (await response.json())["base_url"]
    fleet = Fleet(world.hass, world.freezer, remote)
    key = {"issuer": f"{world.url}/oidc", "client_id": USER, "client_secret": USER_SECRET}
    await fleet.load(site_data(url, title="Annex 1", dialect=EMULATOR_2025.name, **key))
    return fleet


async def test_what_the_emulator_has(world: World, remote: Remote) -> None:
    """Two BACS with three assets, all of which can give something."""
    fleet = await begin(world, remote)
    assert {one.id for one in fleet.site.data.bacs} == {WHOLE, HEATED}
    assert len(fleet.site.data.assets) == 3
    assert fleet.state("remote_potential", WHOLE, "WholeBuilding") == "100.0"


async def test_a_request_from_first_to_last(world: World, remote: Remote) -> None:
    """Asked, ordered at its price, active at its time, read again when it is over, with what was consumed."""
    fleet = await begin(world, remote)
    asset = next(one for one in fleet.site.data.assets if one.bacs_id == HEATED and one.id == "WholeBuilding")
    potential = asset.potentials[0]
    length = min(potential.max_duration or timedelta(hours=1), timedelta(hours=1))
    where = {"config_entry_id": fleet.entry.entry_id, "site": "Annex 1", "asset_id": asset.id, "bacs_id": HEATED}
    with pytest.raises(ServiceValidationError, match="Several BACS"):
        await fleet.call(
            "send_flex_request",
            **{key: value for key, value in where.items() if key != "bacs_id"},
            power=1,
            start=LATER.isoformat(),
            duration={"minutes": 1},
        )
    sent = await fleet.call(
        "send_flex_request",
        **where,
        power=20,
        start=LATER.isoformat(),
        duration={"seconds": length.total_seconds()},
        confirm=True,
        max_price=0.1,
        request_id="r1",
    )
    assert (sent["state"], sent["price"]) == ("scheduled", 0.085)
    await fleet.live(LATER + timedelta(seconds=3))
    assert fleet.order().state == "active"
    assert fleet.state("remote_promised_power") == "20.0"
    await fleet.live(LATER + length + timedelta(minutes=1))
    with pytest.raises(ServiceValidationError, match="is over"):
        await fleet.about("cancel_sent_request")
    await fleet.live(LATER + length + timedelta(minutes=12))
    assert fleet.order().state == "completed"
    found = await fleet.call("get_remote_consumptions", config_entry_id=fleet.entry.entry_id, request_id="r1")
    assert found["steps"]
    assert all(step["baseline"] - step["power"] == pytest.approx(20, abs=1) for step in found["steps"])
    day = await fleet.call(
        "get_remote_consumptions",
        **where,
        start="2026-01-14T00:00:00+01:00",
        end="2026-01-14T12:00:00+01:00",
        step="1h",
        aggregation="sum",
    )
    assert (len(day["steps"]), day["aggregation"]) == (12, "sum")


async def test_the_example_of_the_annex(world: World, remote: Remote) -> None:
    """Its day is over, and still it is taken, as it is printed: this is how one tries an operator."""
    fleet = await begin(world, remote)
    asked = {"start": "2025-04-02T12:00:00", "end": "2025-04-02T13:00:00", "power": 80, "request_id": "req-001"}
    where = {"config_entry_id": fleet.entry.entry_id, "site": "Annex 1", "asset_id": "WholeBuilding", "bacs_id": WHOLE}
    sent = await fleet.call("send_flex_request", **where, **asked)
    assert (sent["request_id"], sent["outcome"], sent["fault"]) == ("req-001", None, "")
    assert sent["power"][0]["start"] == "2025-04-02T12:00:00+02:00"
    assert sent["state"] in ("offered", "expired")
    assert fleet.order("req-001").asked_at == EVENING


async def test_the_emulator_fails(world: World, remote: Remote) -> None:
    """The page of a gateway is no answer: it is asked again."""
    fleet = await begin(world, remote)
    where = {"config_entry_id": fleet.entry.entry_id, "site": "Annex 1", "asset_id": "WholeBuilding", "bacs_id": HEATED}
    asked = {"start": LATER.isoformat(), "duration": {"minutes": 2}, "power": 20, "request_id": "r1"}
    await world.break_path(URL(fleet.site.subentry.data["url"]).path, "html-502")
    assert (await fleet.call("send_flex_request", **where, **asked))["state"] == "sending"
    await world.mend()
    await fleet.live(EVENING + timedelta(seconds=30))
    assert fleet.order().state == "offered"
