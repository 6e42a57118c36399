"""The actions about requests: what they do, what they answer, what they refuse in the user's words."""

from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any

from acting import call, device
from closed_loop import LOADS
from conftest import Player
from desks import ISSUER, School, operator_data
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import probatio
import pytest

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode
from custom_components.flex_ready.flexibility.record import State

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

FRENCH = json.loads((Path(__file__).parents[2] / "custom_components/flex_ready/translations/fr.json").read_text())
MINUTES = {"minutes": 20}
ASK: dict[str, object] = {"decision": "ask"}


async def refused(school: School, key: str, action: str, **data: Any) -> None:  # noqa: ANN401
    """Check that an action is refused with a text that both languages have."""
    with pytest.raises(ServiceValidationError) as told:
        await call(school, action, **data)
    assert told.value.translation_key == key, told.value
    assert FRENCH["exceptions"][key]["message"]
    assert "{" not in str(told.value)


async def asked(school: School, power_w: int = 9_000, name: str = "r1", within: float = 60) -> None:
    """Have the operator ask for something."""
    made = await school.desk.create(school.operator, "WholeBuilding", school.request(power_w, within=within, name=name))
    assert made.status in (201, 202)


async def test_a_request_of_the_user(player: Player, tmp_path: Path) -> None:
    """As soon as possible by itself: offered, ordered, prepared, executed, given back; the answer says all of it."""
    school = await School.begin(player, tmp_path)
    told = await call(school, "create_flex_request", asset=device(school, "asset"), power=9.5, duration=MINUTES)
    assert json.loads(json.dumps(told)) == told
    assert (told["asset"], told["asset_id"], told["operator"]) == ("asset", "WholeBuilding", "Home Assistant")
    assert (told["state"], told["asked_power"], told["offered_power"]) == ("mobilising", 9.5, 9.5) or (
        told["state"] == "scheduled"
    )
    start, end = datetime.fromisoformat(told["start"]), datetime.fromisoformat(told["end"])
    assert end - start == timedelta(minutes=20)
    assert timedelta(minutes=1) < start - school.now < timedelta(minutes=1, seconds=15)
    assert told["start"].endswith("+01:00")
    assert [one["state"] for one in told["history"]][:3] == ["received", "offered", "confirmed"]
    [key] = school.desk.book.records
    await school.loop.run(5, until=lambda: school.desk.book.records[key].state is State.ACTIVE)
    await school.loop.run(2)
    [now] = (await call(school, "get_flex_requests", state=["active"]))["requests"]
    assert now["delivered_power"] >= 9.5
    assert 0 < now["delivered_energy"] < 1
    assert 17 < now["time_left"] < 19
    done = await call(school, "cancel_flex_request", request_id=told["request_id"])
    assert done["state"] == "recovering"
    assert done["history"][-1]["actor"] == "operator"


async def test_in_two_steps(player: Player, tmp_path: Path) -> None:
    """Offered first, ordered later, at a time and for a product of the user's choice."""
    school = await School.begin(player, tmp_path, asset={"flex_products": ["WDA", "WID"]})
    told = await call(
        school,
        "create_flex_request",
        asset=device(school, "asset"),
        power=5,
        start="2026-01-14 23:00:00+01:00",
        end="2026-01-14 23:30:00+01:00",
        flex_product="WID",
        confirm=False,
    )
    assert (told["state"], told["flex_product"], told["ordered"]) == ("offered", "WID", None)
    slot = {"start": "2026-01-14T23:00:00+01:00", "end": "2026-01-14T23:30:00+01:00", "power": 5.0}
    assert told["asked"] == told["offered"] == [slot]
    told = await call(school, "confirm_flex_request", request_id=told["request_id"])
    assert (told["state"], told["ordered"]) == ("scheduled", [slot])
    told = await call(school, "cancel_flex_request", request_id=told["request_id"])
    assert (told["state"], told["reason"]) == ("cancelled", "asked")
    again = await call(school, "create_flex_request", asset=device(school, "asset"), power=5, duration=MINUTES)
    assert again["flex_product"] == "WDA"


async def test_a_building_that_gives_nothing(player: Player, tmp_path: Path) -> None:
    """Says why: it only observes, or is switched off; it is not asked."""
    school = await School.begin(player, tmp_path)
    create: dict[str, Any] = {"asset": device(school, "asset"), "power": 5, "duration": MINUTES}
    await school.loop.building.async_set_mode(Mode.OBSERVE)
    await refused(school, "only_observes", "create_flex_request", **create)
    await school.loop.building.async_set_mode(Mode.LIMIT)
    await school.loop.building.async_set_on(on=False)
    await refused(school, "shedding_off", "create_flex_request", **create)
    assert school.desk.book.records == {}


async def test_loads_that_are_gone_meanwhile(player: Player, tmp_path: Path) -> None:
    """What cannot be given any more cannot be accepted any more."""
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    for load in LOADS:
        school.hass.states.async_set(f"input_boolean.{load}", "unavailable")
    await refused(school, "cannot_be_given", "accept_flex_request", request_id="r1")
    assert school.record().state is State.RECEIVED


async def test_the_word_of_the_user(player: Player, tmp_path: Path) -> None:
    """Accept all of it or less, decline, and opt out of what was accepted."""
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school)
    told = await call(school, "accept_flex_request", request_id="r1", power=8)
    assert (told["state"], told["offered_power"], told["operator"]) == ("offered", 8.0, "operator")
    await refused(school, "not_yours_to_confirm", "confirm_flex_request", request_id="r1")
    told = await call(school, "cancel_flex_request", request_id="r1")
    assert (told["state"], told["reason"]) == ("rejected", "userOptOut")
    await refused(school, "nothing_to_decide", "accept_flex_request", request_id="r1")
    await asked(school, name="r2")
    assert (await call(school, "decline_flex_request", request_id="r2"))["state"] == "rejected"
    await refused(school, "nothing_to_decide", "decline_flex_request", request_id="r2")
    await refused(school, "request_refused", "cancel_flex_request", request_id="r2")
    await asked(school, name="r3")
    await call(school, "accept_flex_request", response=False, request_id="r3")
    assert school.record("r3").state is State.OFFERED


async def test_the_list(player: Player, tmp_path: Path) -> None:
    """By state, asset, operator and time, the latest first."""
    school = await School.begin(player, tmp_path, operator=ASK)
    await asked(school, name="r1", within=60)
    await asked(school, name="r2", within=120)
    await call(school, "decline_flex_request", request_id="r1")

    async def listed(**data: Any) -> list[str]:  # noqa: ANN401
        return [one["request_id"] for one in (await call(school, "get_flex_requests", **data))["requests"]]

    assert await listed() == ["r2", "r1"]
    assert await listed(state="rejected") == ["r1"]
    assert await listed(state=["received", "active"]) == ["r2"]
    assert await listed(since="2026-01-14T23:45:00+01:00") == ["r2"]
    assert await listed(asset=device(school, "asset"), operator=device(school, "operator")) == ["r2", "r1"]
    await refused(school, "not_an_asset", "get_flex_requests", asset=device(school, "operator"))
    await refused(school, "not_an_operator", "get_flex_requests", operator=device(school, "asset"))
    with pytest.raises(probatio.Invalid):
        await listed(state="asleep")


async def test_which_request(player: Player, tmp_path: Path) -> None:
    """One that is there, and only one: of several operators that use an id, one has to be named."""
    school = await School.begin(player, tmp_path, operator=ASK)
    await refused(school, "unknown_request", "decline_flex_request", request_id="r1")
    operator = device(school, "operator")
    [asset] = school.desk.setups
    other = await school.add("operator", operator_data([asset], **{**ASK, "client": "other", "issuer": ISSUER}))
    for one in school.desk.operators.values():
        await school.desk.create(one, "WholeBuilding", school.request(9_000, within=60))
    await refused(school, "several_requests", "decline_flex_request", request_id="r1")
    told = await call(school, "decline_flex_request", request_id="r1", operator=operator)
    assert told["state"] == "rejected"
    second = school.desk.operators[other]
    record = school.desk.record(second, "WholeBuilding", "r1")
    assert record is not None
    assert record.state is State.RECEIVED


async def test_what_is_refused(player: Player, tmp_path: Path) -> None:
    """What cannot be meant, or is against the rules of an asset; a building without a desk; another kind of entry."""
    school = await School.begin(player, tmp_path)
    asset = device(school, "asset")
    create: dict[str, Any] = {"action": "create_flex_request", "asset": asset, "power": 5}
    await refused(school, "end_or_duration", **create)
    await refused(school, "end_or_duration", **create, duration=MINUTES, end="2026-01-14T23:00:00+01:00")
    await refused(school, "end_before_start", **create, end="2026-01-14T21:00:00+01:00")
    await refused(school, "request_refused", **create, duration={"hours": 3})
    await refused(school, "request_refused", **create, duration=MINUTES, flex_product="none")
    await refused(school, "request_refused", **{**create, "power": 500}, duration=MINUTES)
    await refused(school, "request_refused", **create, start=school.now.isoformat(), duration=MINUTES)
    await refused(school, "not_an_asset", **{**create, "asset": "nobody"}, duration=MINUTES)
    assert school.desk.book.records == {}
    wrong: list[dict[str, Any]] = [{"power": 0}, {"power": 5, "duration": {"seconds": 5}}, {"power": "much"}]
    for data in wrong:
        with pytest.raises(probatio.Invalid):
            await call(school, "create_flex_request", **{"asset": asset, "duration": MINUTES, **data})
    with pytest.raises(ServiceValidationError) as told:
        await school.hass.services.async_call(
            DOMAIN,
            "get_flex_requests",
            {"config_entry_id": school.loop.player.entry.entry_id},
            blocking=True,
            return_response=True,
        )
    assert told.value.translation_key == "entry_of_another_kind"
    [subentry] = school.loop.entry.get_subentries_of_type("asset")
    school.hass.config_entries.async_remove_subentry(school.loop.entry, subentry.subentry_id)
    await school.hass.async_block_till_done()
    await refused(school, "no_desk", "get_flex_requests")


async def test_what_cannot_be_kept(player: Player, tmp_path: Path) -> None:
    """Is told as what it is, and did not happen."""
    school = await School.begin(player, tmp_path)
    await school.desk._ledger.close()
    with pytest.raises(HomeAssistantError) as told:
        await call(school, "create_flex_request", asset=device(school, "asset"), power=5, duration=MINUTES)
    assert told.value.translation_key == "not_kept"
    assert school.desk.book.records == {}


async def test_the_export(player: Player, tmp_path: Path) -> None:
    """The messages of a request, also of one whose operator is gone."""
    school = await School.begin(player, tmp_path)
    await school.order(school.request(9_000, within=30))
    told = await call(school, "export_flex_request", request_id="r1")
    assert json.loads(json.dumps(told)) == told
    assert "MarketDERInstruction_MarketDocument" in told
    [operator] = school.desk.operators
    school.hass.config_entries.async_remove_subentry(school.loop.entry, operator)
    await school.hass.async_block_till_done()
    again = await call(school, "export_flex_request", request_id="r1")
    assert again["MarketDERInstruction_MarketDocument"] == told["MarketDERInstruction_MarketDocument"]
