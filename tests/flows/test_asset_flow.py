"""The flow of an asset: what it proposes, what it refuses, what the runtime reads of what it keeps."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from conftest import Player
from desks import School
from homeassistant.core import HomeAssistant
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]
from talks import LOADS, Talk, building, desk

from custom_components.flex_ready.control.load import Hours
from custom_components.flex_ready.desk.assets import AssetSetup

__all__ = ["building"]

LIMITS = {
    "most_power": 0,
    "mobilization_delay": 5,
    "max_duration": 60,
    "recovery": 0,
    "activations_per_day": 2,
}


def filled(name: str, loads: tuple[str, ...] = ("boiler",), **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Fill the form in; a section may be given in part."""
    limits, hours = LIMITS | more.pop("limits", {}), more.pop("hours", {})
    return {"name": name, "loads": [*loads], "limits": limits, "hours": hours, **more}


async def added(hass: HomeAssistant, building: MockConfigEntry, form: dict[str, Any]) -> Talk:
    """Add an asset."""
    talk = await Talk(hass, building, "asset").begin()
    await talk.submit(form)
    assert talk.created, talk.result
    return talk


async def test_an_asset(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """A name and loads are enough; the building opens its desk with it at once."""
    assert building.runtime_data.desk is None
    talk = await Talk(hass, building, "asset").begin()
    assert (talk.step, talk.errors, talk.offered("loads")) == ("user", {}, [*LOADS])
    assert "parent" not in talk.fields
    await talk.submit({"name": " Chauffage ", "loads": ["boiler"], "limits": {}, "hours": {}})
    assert talk.created
    kept = talk.last
    assert (kept.title, kept.unique_id) == ("Chauffage", "Chauffage")
    assert kept.data == {
        "asset_id": "Chauffage",
        "loads": ["boiler"],
        "flex_products": ["WID"],
        "measured_by": "meter",
        **LIMITS,
    }
    assert desk(building).setups == {kept.subentry_id: AssetSetup.of(kept)}
    assert [one.id for one in desk(building).assets_of(desk(building).local)] == ["Chauffage"]


async def test_all_that_is_said_is_read(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Each field reaches the runtime."""
    whole = (await added(hass, building, filled("Whole", LOADS))).last
    talk = await added(
        hass,
        building,
        filled(
            "Cold rooms",
            ("boiler", "fan"),
            asset_id=" hall:cold~1 ",
            flex_products=["WDA", "LOCAL.1"],
            measured_by="loads",
            parent=whole.subentry_id,
            limits={"most_power": 12.5, "mobilization_delay": 0.5, "max_duration": 0, "recovery": 30},
            hours={"from": "22:00:00", "to": "06:30:00", "days": ["sat", "sun"]},
        ),
    )
    assert AssetSetup.of(talk.last) == AssetSetup(
        subentry_id=talk.last.subentry_id,
        title="Cold rooms",
        asset_id="hall:cold~1",
        loads=("boiler", "fan"),
        products=("WDA", "LOCAL.1"),
        most=Decimal(12_500),
        delay=timedelta(seconds=30),
        longest=None,
        recovery=timedelta(minutes=30),
        per_day=2,
        hours=Hours(22 * 60, 6 * 60 + 30),
        days=frozenset((5, 6)),
        parent=whole.subentry_id,
        by_meter=False,
    )
    read = AssetSetup.of(whole)
    assert (read.most, read.longest, read.hours, read.days) == (None, timedelta(hours=1), None, frozenset(range(7)))
    assert desk(building).setups.keys() == {whole.subentry_id, talk.last.subentry_id}


async def test_whole_numbers_are_kept_as_such(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Though a browser's numbers are floating."""
    talk = await added(hass, building, filled("Heating", limits={"most_power": 12.5, "recovery": 30.0}))
    kept = {key: talk.last.data[key] for key in ("most_power", "mobilization_delay", "recovery", "activations_per_day")}
    assert repr(kept) == "{'most_power': 12.5, 'mobilization_delay': 5, 'recovery': 30, 'activations_per_day': 2}"


@pytest.mark.parametrize(
    ("name", "asset_id"),
    [
        ("Chaufferie Étage 2", "Chaufferie-Etage-2"),
        ("Cœur : « forêt »", "Coeur-foret"),
        ("Niveau 1.5", "Niveau-1.5"),
        ("-- Pompe. --", "Pompe"),
        ("x" * 200, "x" * 128),
    ],
)
async def test_an_id_is_made_of_the_name(
    hass: HomeAssistant, building: MockConfigEntry, name: str, asset_id: str
) -> None:
    """Without accents, without what a path cannot have."""
    talk = await added(hass, building, filled(name, asset_id=" "))
    assert talk.last.data["asset_id"] == asset_id


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"name": " "}, {"name": "no_name"}),
        ({"name": "暖房"}, {"asset_id": "no_asset_id"}),
        ({"name": "!"}, {"asset_id": "no_asset_id"}),
        ({"asset_id": "é"}, {"asset_id": "no_asset_id"}),
        ({"asset_id": "a/b"}, {"asset_id": "no_asset_id"}),
        ({"asset_id": ".."}, {"asset_id": "no_asset_id"}),
        ({"asset_id": "x" * 129}, {"asset_id": "no_asset_id"}),
        ({"loads": []}, {"loads": "no_load_chosen"}),
        ({"flex_products": []}, {"flex_products": "no_flex_product"}),
        ({"flex_products": ["WID", "day ahead"]}, {"flex_products": "no_flex_product"}),
        ({"measured_by": "loads", "loads": ["boiler", "pump"]}, {"measured_by": "no_power_sensor"}),
        ({"hours": {"from": "08:00:00"}}, {"base": "half_hours"}),
        ({"hours": {"to": "08:00:00"}}, {"base": "half_hours"}),
    ],
)
async def test_what_is_wrong(
    hass: HomeAssistant, building: MockConfigEntry, wrong: dict[str, Any], errors: dict[str, str]
) -> None:
    """It is told by its field, what was said is shown again, and the flow goes on."""
    talk = await Talk(hass, building, "asset").begin()
    await talk.submit({**filled("Heating"), **wrong})
    assert (talk.step, talk.errors) == ("user", errors)
    shown = {key: value for key, value in wrong.items() if key != "hours"} | wrong.get("hours", {})
    assert shown.items() <= talk.shown.items()
    assert not talk.all
    assert (await talk.submit(filled("Heating"))).created


async def test_several_things_are_wrong(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """All are told at once."""
    talk = await Talk(hass, building, "asset").begin()
    await talk.submit(filled("!", (), flex_products=[], hours={"from": "08:00:00"}))
    assert talk.errors.keys() == {"asset_id", "loads", "flex_products", "base"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"loads": ["another"]},
        {"measured_by": "guess"},
        {"limits": {"max_duration": -1}},
        {"limits": {"activations_per_day": 1001}},
        {"hours": {"from": "25:00:00", "to": "08:00:00"}},
        {"hours": {"days": ["someday"]}},
        {"parent": "another"},
    ],
)
async def test_what_no_form_offers(hass: HomeAssistant, building: MockConfigEntry, wrong: dict[str, Any]) -> None:
    """It is refused."""
    talk = await Talk(hass, building, "asset").begin()
    with pytest.raises(probatio.Invalid):
        await talk.submit({**filled("Heating"), **wrong})


async def test_an_id_is_taken_once(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Whether it was typed or made of the name; an asset keeps its own."""
    talk = await added(hass, building, filled("Heating"))
    for again in (filled("Heating"), filled("Another", asset_id="Heating")):
        other = await Talk(hass, building, "asset").begin()
        assert (await other.submit(again)).errors == {"asset_id": "asset_id_taken"}
    await talk.change(talk.last)
    assert (await talk.submit(filled("Heat", asset_id="Heating"))).aborted == "reconfigure_successful"
    assert (talk.last.title, talk.last.unique_id) == ("Heat", "Heating")
    talk = await Talk(hass, building, "asset").begin()
    assert (await talk.submit(filled("Odd", asset_id="x"))).created
    await talk.change(talk.last)
    assert (await talk.submit(filled("Odd", asset_id="Heating"))).errors == {"asset_id": "asset_id_taken"}


@pytest.mark.usefixtures("enable_custom_integrations", "socket_enabled")
async def test_an_id_stays_while_something_is_asked(player: Player, tmp_path: Path) -> None:
    """An order goes on under a new name of its asset; another id has to wait for its end."""
    school = await School.begin(player, tmp_path)
    record = await school.order(school.request(5_000))
    talk, entry = Talk(school.hass, school.loop.entry, "asset"), school.loop.entry
    loads = tuple(talk.last.data["loads"])
    await talk.change(talk.last)
    assert (await talk.submit(filled("New", loads, asset_id="New"))).errors == {"asset_id": "asset_busy"}
    assert (await talk.submit(filled("New", loads, asset_id="WholeBuilding"))).aborted == "reconfigure_successful"
    assert school.record() == record
    await school.desk.cancel(school.operator, "WholeBuilding", "r1")
    await talk.change(talk.last)
    assert (await talk.submit(filled("New", loads, asset_id="New"))).aborted == "reconfigure_successful"
    assert [one.asset_id for one in desk(entry).setups.values()] == ["New"]


async def test_without_loads(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """There is nothing to make an asset of, nor to change one to."""
    talk = await added(hass, building, filled("Heating"))
    asset = talk.last
    for name in LOADS:
        await talk.take_back(name)
    assert (await talk.begin()).aborted == "no_load"
    assert (await talk.change(asset)).aborted == "no_load"


async def test_a_change(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """What is kept is shown; what is cleared is gone; the building reads it anew."""
    whole = (await added(hass, building, filled("Whole", LOADS))).last
    hours = {"from": "08:00:00", "to": "18:00:00", "days": ["mon", "fri"]}
    talk = await added(hass, building, filled("Heating", hours=hours, parent=whole.subentry_id))
    asset = talk.last
    await talk.change(asset)
    assert (talk.step, talk.errors) == ("reconfigure", {})
    assert talk.shown == {
        "name": "Heating",
        "asset_id": "Heating",
        "loads": ["boiler"],
        "flex_products": ["WID"],
        "measured_by": "meter",
        "parent": whole.subentry_id,
        **LIMITS,
        **hours,
    }
    assert talk.offered("parent") == [whole.subentry_id]
    await talk.submit(filled("Heat", ("fan",), limits={"most_power": 3}, hours={"days": []}))
    assert talk.aborted == "reconfigure_successful"
    assert (talk.last.subentry_id, talk.last.title, talk.last.unique_id) == (asset.subentry_id, "Heat", "Heat")
    assert not {"parent", "from", "to", "days"} & talk.last.data.keys()
    assert desk(building).setups[asset.subentry_id] == AssetSetup.of(talk.last)
    assert desk(building).setups[asset.subentry_id].most == 3000


async def test_what_was_taken_back_is_not_shown(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """A load or a parent that is gone can be left out by submitting the form as it is."""
    whole = (await added(hass, building, filled("Whole", LOADS))).last
    other = (await added(hass, building, filled("Other", ("pump",)))).last
    talk = await added(hass, building, filled("Part", ("boiler", "fan"), parent=whole.subentry_id))
    part = next(one for one in talk.all if one.title == "Part")
    await talk.take_back("fan")
    await talk.take_back(whole.subentry_id)
    await talk.change(part)
    assert talk.offered("loads") == ["boiler", "pump"]
    assert talk.offered("parent") == [other.subentry_id]
    assert talk.shown["loads"] == ["boiler"]
    assert "parent" not in talk.shown
    shown = talk.shown
    assert (await talk.submit(filled(shown["name"], tuple(shown["loads"])))).aborted == "reconfigure_successful"
    assert AssetSetup.of(building.subentries[part.subentry_id]).parent is None


async def test_a_part_has_loads_of_the_whole_only(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Neither may the part have others, nor the whole lose those of its part; but for a load that is gone anyway."""
    whole = (await added(hass, building, filled("Whole", ("boiler", "fan")))).last
    talk = await Talk(hass, building, "asset").begin()
    await talk.submit(filled("Part", ("boiler", "pump"), parent=whole.subentry_id))
    assert talk.errors == {"parent": "parent_lacks_loads"}
    await talk.submit(filled("Part", ("boiler", "fan"), parent=whole.subentry_id))
    assert talk.created
    await talk.change(whole)
    assert (await talk.submit(filled("Whole", ("boiler", "pump")))).errors == {"loads": "part_lacks_loads"}
    assert (await talk.submit(filled("Whole", ("boiler", "fan", "pump")))).aborted == "reconfigure_successful"
    await talk.take_back("fan")
    await talk.change(building.subentries[whole.subentry_id])
    assert (await talk.submit(filled("Whole", ("boiler",)))).aborted == "reconfigure_successful"


async def test_a_parent_goes_meanwhile(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """It is told when the form comes back."""
    whole = (await added(hass, building, filled("Whole", LOADS))).last
    talk = await Talk(hass, building, "asset").begin()
    await talk.take_back(whole.subentry_id)
    await talk.submit(filled("Part", parent=whole.subentry_id))
    assert talk.errors == {"parent": "parent_lacks_loads"}
    assert "parent" not in talk.fields
    assert (await talk.submit(filled("Part"))).created


async def test_no_asset_is_a_part_of_its_part(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Nor of a part of it."""
    one = (await added(hass, building, filled("One"))).last
    two = (await added(hass, building, filled("Two", parent=one.subentry_id))).last
    three = (await added(hass, building, filled("Three", parent=two.subentry_id))).last
    talk = Talk(hass, building, "asset")
    for parent in (two, three):
        await talk.change(one)
        await talk.submit(filled("One", parent=parent.subentry_id))
        assert talk.errors == {"parent": "parent_is_part"}
    await talk.change(three)
    assert talk.offered("parent") == [one.subentry_id, two.subentry_id]
    assert (await talk.submit(filled("Three", parent=one.subentry_id))).aborted == "reconfigure_successful"


async def test_two_dialogs_at_once(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """The second to finish is told that the id is taken."""
    first, second = await Talk(hass, building, "asset").begin(), await Talk(hass, building, "asset").begin()
    assert (await first.submit(filled("Heating"))).created
    assert (await second.submit(filled("Heating"))).errors == {"asset_id": "asset_id_taken"}
