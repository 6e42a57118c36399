"""The actions of a building: what they do, what they answer, what they refuse in the user's words."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any

from closed_loop import building_entry, load_data
from conftest import Player
from homeassistant.auth.models import User
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockUser  # type: ignore[import-untyped]
from site_of import Site, set_up_switches

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.control.orders import Mode

pytestmark = pytest.mark.usefixtures("socket_enabled", "enable_custom_integrations")

FRENCH = json.loads((Path(__file__).parents[2] / "custom_components/flex_ready/translations/fr.json").read_text())
HOUR = {"hours": 1}
BOILER = ("Boiler", load_data("input_boolean.boiler", nominal_w=6000, priority=1))
PUMP = ("Pump", load_data("input_boolean.pump", nominal_w=2000, priority=2))
FAN = (
    "Fan",
    load_data("input_boolean.fan", nominal_w=1000, priority=3, protected=[{"start": "08:00:00", "end": "09:00:00"}]),
)


@pytest.fixture
async def site(player: Player) -> Site:
    """Make a building with three switches, the last in its protected hours."""
    await set_up_switches(player.hass)
    return await Site.begin(player, [BOILER, PUMP, FAN])


async def refused(site: Site, key: str, action: str, **data: Any) -> None:  # noqa: ANN401
    """Check that an action is refused with a text that both languages have."""
    with pytest.raises(ServiceValidationError) as told:
        await site.call(action, **data)
    assert told.value.translation_key == key
    assert FRENCH["exceptions"][key]["message"]
    assert "{" not in str(told.value)


def off(site: Site) -> set[str]:
    """Return which switches are off."""
    names = ("boiler", "pump", "fan")
    return {name for name in names if site.state(f"input_boolean.{name}") == STATE_OFF}


async def test_shedding_some_loads(site: Site) -> None:
    """They go off at once and come back by themselves; the answer says what was decided."""
    told = await site.call("shed_loads", loads=[site.device("Pump")], duration=HOUR, reason=" maintenance ")
    assert off(site) == {"pump"}
    assert told["until"] == "2026-01-12T09:02:30+01:00"
    assert told["observed"] is False
    assert told["loads"] == [
        {
            "load": "Pump",
            "step": 1,
            "reason": "told",
            "source": "action",
            "until": "2026-01-12T08:32:30+01:00",
            "figures": {},
            "sentence": "Shed: an action wants it (maintenance), until 08:32",
        }
    ]
    assert set(site.building.kept.wishes) == {told["order"]}
    await site.wait(30 * 60 + 5)
    assert off(site) == set()  # it was off for as long as it may be
    await site.wait(3 * 60)
    assert off(site) == {"pump"}
    await site.wait(30 * 60)
    assert off(site) == set()
    assert site.building.kept.wishes == {}


async def test_shedding_all_loads(site: Site) -> None:
    """Without loads nor power all go, but for those whose rules forbid it."""
    await site.call("shed_loads", response=False, duration={"minutes": 10})
    assert off(site) == {"boiler", "pump"}


async def test_shedding_a_power(site: Site) -> None:
    """As many as it takes, by priority, of all or of some."""
    told = await site.call("shed_loads", duration=HOUR, power=4.5)
    assert off(site) == {"boiler"}
    assert [load["step"] for load in told["loads"]] == [1, 0, 0]
    await site.call("restore_loads")
    await site.wait(3 * 60)
    await site.call("shed_loads", duration=HOUR, power=0.5, loads=[site.device("Pump"), site.device("Fan")])
    assert off(site) == {"pump"}


async def test_force_is_for_administrators(site: Site, hass_read_only_user: User, hass_admin_user: User) -> None:
    """It leaves the rules of the loads aside; an automation, which is nobody's, may use it."""

    async def force(user: str | None) -> None:
        await site.hass.services.async_call(
            DOMAIN,
            "shed_loads",
            {"config_entry_id": site.entry.entry_id, "duration": HOUR, "force": True},
            blocking=True,
            context=Context(user_id=user),
        )
        await site.hass.async_block_till_done()

    with pytest.raises(Unauthorized):
        await force(hass_read_only_user.id)
    with pytest.raises(UnknownUser):
        await force(MockUser().id)
    assert off(site) == set()
    await force(hass_admin_user.id)
    assert off(site) == {"boiler", "pump", "fan"}
    await site.call("restore_loads")
    await site.wait(3 * 60)
    assert off(site) == set()
    await force(None)
    assert off(site) == {"boiler", "pump", "fan"}


async def test_giving_back(site: Site) -> None:
    """All orders, or some loads out of them; what is not shed by an action is none of its business."""
    await site.call("shed_loads", duration=HOUR)
    await site.wait(3 * 60)
    assert await site.call("restore_loads", loads=[site.device("Boiler")]) == {"withdrawn": 1}
    await site.wait(60)
    assert off(site) == {"pump"}
    assert await site.call("restore_loads", loads=[site.device("Boiler")]) == {"withdrawn": 0}
    assert await site.call("restore_loads") == {"withdrawn": 1}
    await site.wait(60)
    assert off(site) == set()
    assert await site.call("restore_loads") == {"withdrawn": 0}


async def test_giving_back_out_of_an_order_for_power(site: Site) -> None:
    """The others have to bring it."""
    await site.call("shed_loads", duration=HOUR, power=1.5)
    assert off(site) == {"boiler"}
    await site.wait(3 * 60)
    await site.call("restore_loads", loads=[site.device("Boiler")])
    await site.wait(60)
    assert off(site) == {"pump"}


async def test_observed(site: Site) -> None:
    """Nothing is commanded, and the answer says so."""
    await site.building.async_set_mode(Mode.OBSERVE)
    told = await site.call("shed_loads", duration=HOUR)
    assert told["observed"] is True
    assert told["loads"][0]["sentence"].startswith("Would be shed: an action wants it, until ")
    assert off(site) == set()


async def test_what_is_refused(site: Site) -> None:
    """Devices that are no loads of it, entries of another kind, a building that is off or has no load."""
    meter = site.player.entry
    other = await _other(site)
    device = site.device("Boiler")
    await refused(site, "not_a_load", "shed_loads", duration=HOUR, loads=["nobody"])
    await refused(site, "not_a_load", "restore_loads", loads=["nobody"])
    with pytest.raises(ServiceValidationError) as told:
        await _call(site, "shed_loads", other, duration=HOUR, loads=[device])
    assert told.value.translation_key == "not_a_load"
    with pytest.raises(ServiceValidationError) as told:
        await _call(site, "shed_loads", other, duration=HOUR)
    assert told.value.translation_key == "no_loads"
    for action in ("shed_loads", "restore_loads", "get_plan"):
        data: dict[str, Any] = {"duration": HOUR} if action == "shed_loads" else {}
        with pytest.raises(ServiceValidationError) as told:
            await _call(site, action, meter.entry_id, **data)
        assert told.value.translation_key == "entry_of_another_kind"
    wrong: list[dict[str, Any]] = [{}, {"duration": {"seconds": 30}}, {"duration": {"hours": 25}}]
    for data in (*wrong, {"duration": HOUR, "power": 0}):
        with pytest.raises(probatio.Invalid):
            await site.call("shed_loads", **data)
    await site.building.async_set_on(on=False)
    await refused(site, "shedding_off", "shed_loads", duration=HOUR)
    await site.hass.config_entries.async_unload(site.entry.entry_id)
    with pytest.raises(ServiceValidationError):
        await site.call("get_plan")


async def test_the_plan(site: Site) -> None:
    """All that is decided, with reasons, and what changed last first."""
    await site.wait(60)
    told = await site.call("shed_loads", duration=HOUR, power=7, reason="test")
    plan = await site.call("get_plan")
    assert json.loads(json.dumps(plan)) == plan
    assert (plan["mode"], plan["on"], plan["meter_silent"], plan["limiting"]) == ("limit", True, False, False)
    assert (plan["limit"], plan["unit"]) == (42_000, "VA")
    assert plan["window"]["kind"] == "sliding"
    assert plan["window"]["end"] == "2026-01-12T08:04:00+01:00"
    assert plan["window"]["reached"] + plan["window"]["margin"] <= 42_000
    assert [(load["load"], load["state"], load["priority"]) for load in plan["loads"]] == [
        ("Boiler", "shed", 1),
        ("Pump", "shed", 2),
        ("Fan", "free", 3),
    ]
    assert plan["loads"][0]["entity_id"] == "input_boolean.boiler"
    assert plan["loads"][0]["sentence"].startswith("Shed: an action wants it (test)")
    [order] = plan["orders"]
    assert order == {
        "id": told["order"],
        "source": "action",
        "loads": ["Boiler", "Pump", "Fan"],
        "power": 7000,
        "until": told["until"],
        "forced": False,
        "reason": "test",
    }
    assert plan["decisions"][0]["commands"] == [{"load": "Boiler", "step": 1}, {"load": "Pump", "step": 1}]
    await site.wait(3 * 60)
    await site.call("restore_loads")
    await site.wait(30)
    later = (await site.call("get_plan"))["decisions"]
    assert later[0]["at"] > later[-1]["at"]


async def test_an_order_outlives_a_restart(site: Site, hass_storage: dict[str, Any]) -> None:
    """With its words: it is stored before it is answered, and carried on."""
    await site.call("shed_loads", duration=HOUR, loads=[site.device("Pump")], reason="works")
    kept = json.loads(json.dumps(hass_storage[site.stored]))
    await site.hass.config_entries.async_unload(site.entry.entry_id)
    assert site.state("input_boolean.pump") == STATE_ON
    hass_storage[site.stored] = kept
    site.hass.states.async_set("input_boolean.pump", STATE_OFF)  # as it was when the power failed
    site.player.pass_time(timedelta(minutes=5).total_seconds())
    await site.set_up()
    assert site.state("input_boolean.pump") == STATE_OFF
    assert site.state("sensor.pump_reason") == "Shed: an action wants it (works), until 08:32"


async def _call(site: Site, action: str, entry: str, **data: Any) -> Any:  # noqa: ANN401
    return await site.hass.services.async_call(
        DOMAIN, action, {"config_entry_id": entry, **data}, blocking=True, return_response=True
    )


async def _other(site: Site) -> str:
    """Set up a building without a load."""
    entry = building_entry(site.player.entry.entry_id, [])
    entry.add_to_hass(site.hass)
    assert await site.hass.config_entries.async_setup(entry.entry_id)
    return str(entry.entry_id)
