"""What may come between an order and its end: users, devices, reloads, another order, a ledger that fails."""

from datetime import timedelta
from decimal import Decimal
import json
from pathlib import Path

from closed_loop import Loop
from conftest import Player
from desks import ISSUER, NIGHT, School
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.flex_ready.control.orders import Mode
from custom_components.flex_ready.diagnostics import async_get_config_entry_diagnostics
from custom_components.flex_ready.flexibility.model import Confirmation
from custom_components.flex_ready.flexibility.record import Cause, State, Trigger
from custom_components.flex_ready.ledger import Ledger, LedgerError

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")


async def active(player: Player, folder: Path, power_w: int = 9_000, minutes: float = 20, **changes: object) -> School:
    """Give a school in the first minute of an activation."""
    school = await School.begin(player, folder, **changes)  # type: ignore[arg-type]
    await school.order(school.request(power_w, within=2, minutes=minutes))
    await school.loop.run(5, until=lambda: school.record().state is State.ACTIVE)
    await school.loop.run(1)
    assert off(school)
    return school


def off(school: School) -> list[str]:
    """Return the loads that are off."""
    return [name for name in school.loop.source.building.loads if not school.loop.is_on(name)]


def causes(school: School, name: str = "r1") -> list[tuple[State, Cause]]:
    """Return where a request went, and why."""
    return [(one.target, one.cause) for one in school.record(name).history]


async def test_a_user_who_switches_a_load_on(player: Player, tmp_path: Path) -> None:
    """His hand wins; others give what is missing, and the request goes on."""
    school = await active(player, tmp_path)
    [shed] = off(school)
    await school.hass.services.async_call(
        "input_boolean", "turn_on", {"entity_id": f"input_boolean.{shed}"}, blocking=True
    )
    await school.loop.run(2)
    assert shed not in off(school)
    assert off(school)
    assert school.record().state is State.ACTIVE
    assert school.desk.progress(school.record().key).delivered_w >= 9_000


@pytest.mark.parametrize("by", ["switch", "mode"])
async def test_a_user_who_wants_no_more_of_it(player: Player, tmp_path: Path, by: str) -> None:
    """Off, or only observing, ends what runs as an opt-out, and all is given back."""
    school = await active(player, tmp_path)
    if by == "switch":
        await school.loop.building.async_set_on(on=False)
    else:
        await school.loop.building.async_set_mode(Mode.OBSERVE)
    await school.loop.run(3)
    assert off(school) == []
    assert (State.RECOVERING, Cause.USER_OPT_OUT) in causes(school)
    await school.loop.run(5)
    assert school.record().state in (State.CANCELLED, State.SETTLED)


async def test_all_devices_are_lost(player: Player, tmp_path: Path) -> None:
    """A minute later it has failed; what was given so far is kept."""
    school = await active(player, tmp_path, loads=("ev_charger",))
    clock = school.loop.building.monotonic()
    school.loop.building.monotonic = lambda: clock
    school.hass.states.async_set("input_boolean.ev_charger", STATE_UNAVAILABLE)
    await school.loop.run(1)
    assert school.record().state is State.ACTIVE
    clock += 61
    await school.loop.run(1)
    assert causes(school)[-1][1] is Cause.DEVICES_LOST or (State.RECOVERING, Cause.DEVICES_LOST) in causes(school)
    await school.loop.run(40, until=lambda: school.record().state is State.SETTLED)
    assert State.FAILED in [state for state, _ in causes(school)]


async def test_the_operator_calls_it_off(player: Player, tmp_path: Path) -> None:
    """While it runs too: the loads come back, and calling it off again changes nothing."""
    school = await active(player, tmp_path)
    assert (await school.desk.cancel(school.operator, "WholeBuilding", "r1")).status == 204
    revision = school.record().revision
    assert (await school.desk.cancel(school.operator, "WholeBuilding", "r1")).replayed
    assert school.record().revision == revision
    await school.loop.run(5)
    assert off(school) == []
    assert State.CANCELLED in [state for state, _ in causes(school)]


async def test_a_reload_in_the_middle(player: Player, tmp_path: Path) -> None:
    """It goes on with what was kept, ends in time, and what was delivered before counts."""
    school = await active(player, tmp_path)
    await school.loop.run(6)
    before = school.desk.progress(school.record().key).delivered_wh
    assert await school.hass.config_entries.async_reload(school.loop.entry.entry_id)
    await school.hass.async_block_till_done()
    assert school.record().happened(Trigger.RESTART)
    await school.loop.run(4)
    assert off(school)
    after = school.desk.progress(school.record().key).delivered_wh
    assert before > 0
    assert after > before * Decimal("0.9") + 500
    await school.loop.run(30, until=lambda: school.record().state is State.SETTLED)
    assert off(school) == []
    ended = school.record().ended
    assert ended is not None
    assert timedelta() <= ended.at - school.record().end < timedelta(seconds=5)


async def test_an_answer_of_the_user_is_waited_for(player: Player, tmp_path: Path) -> None:
    """Asked for time, the operator is answered as soon as the user says so; a second word is none."""
    school = await School.begin(player, tmp_path, operator={"decision": "ask"})
    made = await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=60))
    assert (made.status, made.retry_after) == (202, timedelta(seconds=2))
    assert school.record().state is State.RECEIVED
    await school.desk.accept(school.record().key, Decimal(5_000))
    assert school.record().state is State.OFFERED
    assert [slot.value for slot in school.record().power] == [5_000]
    with pytest.raises(ServiceValidationError):
        await school.desk.decline(school.record().key)
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=100, name="r2"))
    await school.desk.decline(school.record("r2").key)
    assert school.record("r2").state is State.REJECTED


@pytest.mark.parametrize(("silence", "state"), [("decline", State.REJECTED), ("accept", State.OFFERED)])
async def test_silence_is_an_answer(player: Player, tmp_path: Path, silence: str, state: State) -> None:
    """As it was laid down, after as long as it was laid down."""
    school = await School.begin(player, tmp_path, operator={"decision": "ask", "silence": silence, "answer_within": 3})
    await school.desk.create(school.operator, "WholeBuilding", school.request(9_000, within=60))
    await school.loop.run(2)
    assert school.record().state is State.RECEIVED
    await school.loop.run(2)
    assert school.record().state is state


async def test_what_cannot_be_kept_did_not_happen(player: Player, tmp_path: Path) -> None:
    """The operator is not answered, nothing is remembered, and the building goes on."""
    school = await School.begin(player, tmp_path)
    request = school.request(9_000, within=60)
    await school.desk._ledger.close()
    with pytest.raises(LedgerError):
        await school.desk.create(school.operator, "WholeBuilding", request)
    assert school.desk.record(school.operator, "WholeBuilding", "r1") is None
    await school.loop.run(6)
    assert not school.loop.building.data.blind


async def test_more_than_can_be_given(player: Player, tmp_path: Path) -> None:
    """A request beyond the asset is refused; one of which most can be given is offered that."""
    school = await School.begin(player, tmp_path)
    refused = await school.desk.create(school.operator, "WholeBuilding", school.request(60_000, name="r0"))
    assert refused.status == 422
    made = await school.desk.create(school.operator, "WholeBuilding", school.request(36_000))
    assert made.status == 201
    school.hass.states.async_set("input_boolean.lighting", STATE_UNAVAILABLE)
    await school.hass.async_block_till_done()
    less = await school.desk.create(school.operator, "WholeBuilding", school.request(36_000, within=180, name="r2"))
    assert less.status == 201
    assert school.record("r2").state is State.OFFERED
    assert 28_800 <= max(slot.value for slot in school.record("r2").power) <= 33_000  # what is far off is less sure


async def test_assets_that_share_loads(player: Player, tmp_path: Path) -> None:
    """What a part of an asset has promised is not promised again by the whole."""
    school = await School.begin(player, tmp_path)
    [whole] = school.desk.setups.values()
    part = [one for one in whole.loads if school.loop.building.handovers[one].title == "ev_charger"]
    child = await school.add("asset", {**_data(school), "asset_id": "Cars", "loads": part, "parent": whole.subentry_id})
    operator = next(iter(school.loop.building.desk.operators.values()))  # type: ignore[union-attr]
    assert child not in operator.assets
    made = await school.desk.create(school.desk.local, "Cars", school.request(11_000, name="c1"))
    assert made.status == 201
    done = await school.desk.confirm(school.desk.local, "Cars", "c1", Confirmation())
    assert done.status == 200
    refused = await school.desk.create(school.operator, "WholeBuilding", school.request(36_000))
    assert refused.status == 409
    made = await school.desk.create(school.operator, "WholeBuilding", school.request(20_000, name="r2"))
    assert made.status == 201
    assert school.record("r2").state is State.OFFERED


def _data(school: School) -> dict[str, object]:
    [found] = [one for one in school.loop.entry.subentries.values() if one.subentry_type == "asset"]
    return dict(found.data)


async def test_diagnostics_name_nobody(player: Player, tmp_path: Path) -> None:
    """What happened to requests is told, and neither who asked nor by which id."""
    school = await active(player, tmp_path)
    school.desk.note_call(school.operator, "somebody", "GET", "/bacs", 200, "")
    told = await async_get_config_entry_diagnostics(school.hass, school.loop.entry)
    assert told["desk"]["requests"] == {"active": 1}
    [shown] = told["desk"]["open"]
    assert [one["state"] for one in shown["history"]][-1] == "active"
    [operator] = told["desk"]["operators"]
    assert operator["last_call"]["status"] == 200
    text = json.dumps(told, default=str)
    assert not [word for word in (ISSUER, "somebody", '"r1"') if word in text]


@pytest.mark.parametrize("asset_first", [False, True])
async def test_a_building_that_is_removed(player: Player, tmp_path: Path, *, asset_first: bool) -> None:
    """Nothing of it stays in the ledger, even if its assets were removed before."""
    school = await School.begin(player, tmp_path)
    await school.order(school.request(9_000, within=60))
    entry_id = school.loop.entry.entry_id
    if asset_first:
        [asset] = school.loop.entry.get_subentries_of_type("asset")
        school.hass.config_entries.async_remove_subentry(school.loop.entry, asset.subentry_id)
        await school.hass.async_block_till_done()
        assert school.loop.building.desk is None
    await school.hass.config_entries.async_remove(entry_id)
    await school.hass.async_block_till_done()
    ledger = await Ledger.open(f"sqlite:///{tmp_path / 'flex_ready.db'}")
    assert await ledger.transitions(entry_id) == []
    await ledger.close()


async def test_a_building_without_a_ledger_is_removed(player: Player, tmp_path: Path) -> None:
    """None is made only to forget."""
    player.hass.config.config_dir = str(tmp_path)
    loop = await Loop.begin(player, start=NIGHT)
    await loop.hass.config_entries.async_remove(loop.entry.entry_id)
    await loop.hass.async_block_till_done()
    assert not await loop.hass.async_add_executor_job((tmp_path / "flex_ready.db").exists)


async def test_the_last_calls_outlive_a_reload(player: Player, tmp_path: Path) -> None:
    """Who called last, and how many calls were refused that day."""
    school = await School.begin(player, tmp_path)
    for status in (200, 409, 403):
        school.desk.note_call(school.operator, "somebody", "GET", "/bacs", status, "")
    before = school.desk.last_calls
    assert await school.hass.config_entries.async_reload(school.loop.entry.entry_id)
    await school.hass.async_block_till_done()
    assert school.desk.last_calls == before
    [last] = before.values()
    assert (last.status, last.refused) == (403, 2)
