"""The flow of a load: what each entity offers, what is asked of it, what is refused, what the runtime reads of it."""

from typing import Any

from conftest import meter_entry
from homeassistant.components.climate.const import ClimateEntityFeature
from homeassistant.components.water_heater.const import WaterHeaterEntityFeature
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry, SubentryFlowResult
from homeassistant.const import CONF_NAME, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_validation as cv, device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import probatio
import pytest
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    get_schema_suggested_value,
)

from custom_components import flex_ready
from custom_components.flex_ready.building.const import (
    CONF_AMPERES,
    CONF_BLIND,
    CONF_BLIND_POLICY,
    CONF_ENTITY,
    CONF_LEFT_W,
    CONF_LIMIT,
    CONF_MAX_OFF,
    CONF_METER_ENTRY,
    CONF_METHOD,
    CONF_MIN_OFF,
    CONF_MIN_ON,
    CONF_MOST_SHEDS,
    CONF_NOMINAL_W,
    CONF_PHASES,
    CONF_POWER_SENSOR,
    CONF_PRESET,
    CONF_PRIORITY,
    CONF_PROTECTED,
    CONF_RESTORE_SCRIPT,
    CONF_SHED_SCRIPT,
    CONF_SHIFT,
    CONF_TD,
    CONF_VALUE,
    CONF_WINDOW,
)
from custom_components.flex_ready.building.handover import Handover, Method, handover
from custom_components.flex_ready.const import CONF_KIND, DOMAIN, Kind
from custom_components.flex_ready.control.load import Hours
from custom_components.flex_ready.flows.load_forms import methods

pytestmark = pytest.mark.usefixtures("enable_custom_integrations", "things")

BOILER, SIGN, CHARGER, POWER, HEATING, FAN = (
    "input_boolean.boiler",
    "light.sign",
    "input_number.charger",
    "sensor.boiler_power",
    "climate.heating",
    "fan.attic",
)


@pytest.fixture(autouse=True)
def no_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entities of a building are another matter."""
    monkeypatch.setitem(flex_ready.PLATFORMS, Kind.BUILDING, [])


@pytest.fixture
async def things(hass: HomeAssistant) -> None:
    """What a building has: entities of the components that make them."""
    number = {"min": 0, "max": 32, "step": 0.5}
    turns: dict[str, list[Any]] = {"turn_on": [], "turn_off": []}
    configs: dict[str, Any] = {
        "input_boolean": {"boiler": {"name": "Boiler"}, "pump": None},
        "input_number": {
            "charger": {**number, "name": "Charger", "unit_of_measurement": "A", "min": 6},
            "battery": {**number, "unit_of_measurement": "kW"},
            "inverter": {**number, "unit_of_measurement": "W", "max": 5000},
            "volume": {**number, "unit_of_measurement": "%"},
        },
        "script": {"cold_rooms_off": {"sequence": []}, "cold_rooms_on": {"sequence": []}, "other": {"sequence": []}},
        "template": [
            {"light": {"default_entity_id": SIGN, "name": "Sign", "unique_id": "sign", **turns}},
            {
                "sensor": [
                    {
                        "default_entity_id": POWER,
                        "name": "Boiler power",
                        "unique_id": "boiler_power",
                        "state": "{{ 2000 }}",
                        "device_class": "power",
                        "unit_of_measurement": "W",
                    },
                    {"default_entity_id": "sensor.counter", "name": "Counter", "state": "{{ 1 }}"},
                ]
            },
            {"fan": {"default_entity_id": FAN, "name": "Attic", "preset_modes": ["night", "eco"], **turns}},
        ],
        "climate": {
            "platform": "generic_thermostat",
            "name": "Heating",
            "heater": "input_boolean.pump",
            "target_sensor": POWER,
            "away_temp": 16,
            "comfort_temp": 20,
        },
        "group": {"all": {"entities": [BOILER, SIGN]}},
    }
    configs["template"][2]["fan"] |= {"preset_mode": "{{ 'night' }}", "set_preset_mode": [], "state": "{{ true }}"}
    for domain, config in configs.items():
        assert await async_setup_component(hass, domain, {domain: config}), domain
    await hass.async_block_till_done()


@pytest.fixture
async def building(hass: HomeAssistant) -> MockConfigEntry:
    """A building that runs."""
    return await set_up(hass)


async def set_up(hass: HomeAssistant, name: str = "Hall") -> MockConfigEntry:
    """Set a building with a meter of its own up."""
    meter = meter_entry("/dev/ttyNone", serial=name)
    meter.add_to_hass(hass)
    data = {CONF_METER_ENTRY: meter.entry_id, CONF_WINDOW: "automatic", CONF_TD: 0, CONF_LIMIT: 0.0}
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=name,
        unique_id=f"building_{meter.entry_id}",
        data={CONF_KIND: "building", **data, CONF_BLIND_POLICY: "hold"},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


class Talk:
    """A dialog with the flow."""

    def __init__(self, hass: HomeAssistant, building: MockConfigEntry) -> None:
        self.hass = hass
        self.building = building
        self.result: SubentryFlowResult = {}  # type: ignore[typeddict-item]

    async def begin(self, choice: str) -> Talk:
        """Choose to hand over an entity, or scripts."""
        self.result = await self.hass.config_entries.subentries.async_init(
            (self.building.entry_id, "load"), context={"source": SOURCE_USER}
        )
        assert (self.step, self.result["menu_options"]) == ("user", ["entity", "scripts"])
        return await self.choose(choice)

    async def change(self, subentry: ConfigSubentry, choice: str) -> Talk:
        """Choose what to change of a load."""
        self.result = await self.building.start_subentry_reconfigure_flow(self.hass, subentry.subentry_id)
        assert (self.step, self.result["menu_options"]) == ("reconfigure", ["rules", "entity", "scripts"])
        return await self.choose(choice)

    async def choose(self, choice: str) -> Talk:
        """Choose of a menu."""
        return await self.submit(next_step_id=choice)

    async def submit(self, **data: Any) -> Talk:  # noqa: ANN401
        """Submit a form, and let what follows happen."""
        self.result = await self.hass.config_entries.subentries.async_configure(self.result["flow_id"], data)
        await self.hass.async_block_till_done()
        return self

    @property
    def step(self) -> str:
        """The step shown; its form can be sent to a browser."""
        assert self.result["type"] in (FlowResultType.FORM, FlowResultType.MENU), self.result
        schema = self.result.get("data_schema")
        if self.result["type"] is FlowResultType.FORM and schema:
            assert probatio.to_field_list(schema, custom_serializer=cv.custom_serializer) is not None
        return self.result["step_id"]

    @property
    def errors(self) -> dict[str, str]:
        """What is told to be wrong."""
        assert self.result["type"] is FlowResultType.FORM
        return self.result["errors"] or {}

    @property
    def shown(self) -> dict[str, Any]:
        """What the form shows, without what it leaves empty; sections are flattened."""
        schema = self.result["data_schema"]
        assert schema
        found: dict[str, Any] = {}
        for key, value in schema.schema.items():
            inner = value.schema.schema if hasattr(value, "options") else {key: None}
            values = {str(one): get_schema_suggested_value(inner or schema.schema, one) for one in inner}
            found |= {name: one for name, one in values.items() if one is not None}
        return found

    @property
    def loads(self) -> list[ConfigSubentry]:
        """The loads of the building."""
        return [*self.building.get_subentries_of_type("load")]

    @property
    def load(self) -> ConfigSubentry:
        """The only load of the building."""
        (found,) = self.loads
        return found

    @property
    def read(self) -> Handover:
        """What the runtime reads of it."""
        return handover(self.hass, self.load)


def rules(confirm: bool = True, **more: Any) -> dict[str, Any]:  # noqa: ANN401, FBT001, FBT002
    """Fill the form of the rules in."""
    sections = {"power": {CONF_NOMINAL_W: 10_000}, "times": {}, "hours": {}, "policy": {}}
    return {CONF_PRIORITY: 5, CONF_BLIND: False, "confirm": confirm, **sections, **more}


RULES = {CONF_PRIORITY: 5, CONF_MIN_ON: 0, CONF_MIN_OFF: 0, CONF_PROTECTED: [], CONF_BLIND: False}
"""What is kept of it."""


def kept(hass: HomeAssistant, entity_id: str) -> str:
    """Return the id of an entity in the registry."""
    entry = er.async_get(hass).async_get(entity_id)
    assert entry
    return entry.id


async def hand_over(hass: HomeAssistant, building: MockConfigEntry, entity_id: str = BOILER) -> Talk:
    """Hand an entity over that can only be switched off."""
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=entity_id)
    assert talk.step == "rules"
    await talk.submit(**rules())
    assert talk.result["type"] is FlowResultType.CREATE_ENTRY
    return talk


async def test_a_switch(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Its entity and its rules are all that is asked; all that is said reaches the runtime, which loads it."""
    talk = await Talk(hass, building).begin("entity")
    assert talk.step == "entity"
    await talk.submit(entity=BOILER, name=" Tank ")
    assert (talk.step, talk.errors) == ("rules", {})
    assert talk.result["description_placeholders"] == {"load": "Tank"}
    assert talk.shown == {CONF_MIN_ON: 5, CONF_MIN_OFF: 5, CONF_MAX_OFF: 60}
    await talk.submit(
        **rules(
            priority=2,
            when_blind=True,
            power={CONF_POWER_SENSOR: POWER, CONF_NOMINAL_W: 2400, CONF_LEFT_W: 100},
            times={CONF_MIN_ON: 5, CONF_MIN_OFF: 0.5, CONF_MAX_OFF: 120, CONF_MOST_SHEDS: 6},
            hours={
                "first_start": "06:00:00",
                "first_end": "08:30:00",
                "second_start": "22:00:00",
                "second_end": "01:00:00",
            },
        )
    )
    assert talk.result["type"] is FlowResultType.CREATE_ENTRY
    subentry = talk.load
    assert (subentry.title, subentry.unique_id) == ("Tank", kept(hass, BOILER))
    assert subentry.data == {
        CONF_METHOD: "off",
        CONF_ENTITY: kept(hass, BOILER),
        CONF_PRIORITY: 2,
        CONF_POWER_SENSOR: kept(hass, POWER),
        CONF_NOMINAL_W: 2400,
        CONF_LEFT_W: 100,
        CONF_MIN_ON: 5,
        CONF_MIN_OFF: 0.5,
        CONF_MAX_OFF: 120,
        CONF_MOST_SHEDS: 6,
        CONF_PROTECTED: [{"start": "06:00:00", "end": "08:30:00"}, {"start": "22:00:00", "end": "01:00:00"}],
        CONF_BLIND: True,
    }
    ours = building.runtime_data.handovers[subentry.subentry_id]
    assert (ours.title, ours.how.method, ours.entity_id, ours.power_sensor) == ("Tank", Method.OFF, BOILER, POWER)
    load = ours.load
    assert (load.priority, load.nominal, load.steps, load.when_blind) == (2, 2400, (100,), True)
    assert (load.min_on, load.min_off, load.max_off, load.most_sheds) == (300_000, 30_000, 7_200_000, 6)
    assert load.protected == (Hours(360, 510), Hours(1320, 60))


async def test_what_is_left_empty(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """The name is that of the entity; times and numbers that were cleared set no bound."""
    talk = await hand_over(hass, building)
    assert talk.load.title == "Boiler"
    assert talk.load.data == {
        **RULES,
        CONF_METHOD: "off",
        CONF_ENTITY: kept(hass, BOILER),
        CONF_NOMINAL_W: 10_000,
    }
    load = talk.read.load
    assert (load.min_on, load.max_off, load.most_sheds, load.protected) == (0, None, None, ())


async def test_a_rename(hass: HomeAssistant, building: MockConfigEntry, entity_registry: er.EntityRegistry) -> None:
    """An entity may be renamed, or removed: then its load is out of reach, and its building runs all the same."""
    talk = await hand_over(hass, building)
    entity_registry.async_update_entity(BOILER, name="Tank")
    await hass.async_block_till_done()
    before = building.runtime_data
    assert before.handovers[talk.load.subentry_id].entity_id == BOILER
    entity_registry.async_update_entity(BOILER, new_entity_id="input_boolean.tank")
    await hass.async_block_till_done()
    assert building.runtime_data is not before
    assert building.runtime_data.handovers[talk.load.subentry_id].entity_id == "input_boolean.tank"
    await talk.change(talk.load, "entity")
    assert talk.shown[CONF_ENTITY] == "input_boolean.tank"
    entity_registry.async_remove("input_boolean.tank")
    assert await hass.config_entries.async_reload(building.entry_id)
    assert not building.runtime_data.data.commands
    assert hass.states.get(talk.read.entity_id or "") is None


async def test_a_heating(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """It can be switched off, its setpoint moved, or a preset set: what is chosen is asked for."""
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=HEATING)
    assert (talk.step, talk.result["menu_options"]) == ("method", ["off", "setpoint", "preset"])
    await talk.choose("setpoint")
    assert (talk.step, talk.shown) == ("setpoint", {CONF_SHIFT: -2})
    await talk.submit(shift=0)
    assert talk.errors == {CONF_SHIFT: "no_shift"}
    await talk.submit(shift=-1.5)
    assert talk.step == "rules"
    assert talk.shown == {CONF_MIN_ON: 10, CONF_MIN_OFF: 10, CONF_MAX_OFF: 30}
    await talk.submit(**rules())
    assert (talk.read.how.method, talk.read.how.shift) == (Method.SETPOINT, -1.5)
    # The same by a preset: nothing of the setpoint is left.
    await talk.change(talk.load, "entity")
    await talk.submit(entity=HEATING)
    await talk.choose("preset")
    assert (talk.step, talk.shown) == ("preset", {CONF_PRESET: "away"})
    await talk.submit(preset="comfort")
    await talk.submit(**rules())
    assert (talk.read.how.method, talk.read.how.preset, talk.read.how.shift) == (Method.PRESET, "comfort", 0)
    await talk.change(talk.load, "entity")
    await talk.submit(entity=HEATING)
    await talk.choose("preset")
    assert talk.shown == {CONF_PRESET: "comfort"}
    # And by switching it off.
    await talk.change(talk.load, "entity")
    await talk.submit(entity=HEATING)
    await talk.choose("off")
    await talk.submit(**rules())
    assert (talk.read.how.method, talk.read.how.preset) == (Method.OFF, "")


async def test_what_cools(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Its setpoint is moved up, that of a water heater far down."""
    water = {"supported_features": WaterHeaterEntityFeature.TARGET_TEMPERATURE}
    hass.states.async_set("climate.office", "cool", {"supported_features": ClimateEntityFeature.TARGET_TEMPERATURE})
    hass.states.async_set("water_heater.tank", "eco", water)
    for entity_id, shift in (("climate.office", 2), ("water_heater.tank", -10)):
        talk = await Talk(hass, building).begin("entity")
        await talk.submit(entity=entity_id)
        assert (talk.step, talk.shown) == ("setpoint", {CONF_SHIFT: shift})
    # It has no entry in the registry: it is kept by its id.
    await talk.submit(shift=-5)
    assert talk.shown[CONF_MAX_OFF] == 120
    await talk.submit(**rules())
    assert talk.load.unique_id == talk.load.data[CONF_ENTITY] == talk.read.entity_id == "water_heater.tank"


async def test_a_preset_of_a_fan(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Eco is proposed."""
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=FAN)
    assert talk.result["menu_options"] == ["off", "preset"]
    await talk.choose("preset")
    assert talk.shown == {CONF_PRESET: "eco"}
    with pytest.raises(probatio.Invalid):
        await talk.submit(preset="boost")


async def test_presets_of_which_none_is_mild(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """None is proposed."""
    hass.states.async_set("climate.office", "heat", {"preset_modes": ["boost"]})
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity="climate.office")
    assert (talk.step, talk.shown) == ("preset", {})


@pytest.mark.parametrize(
    ("entity_id", "value", "data", "left"),
    [
        (CHARGER, {CONF_VALUE: 6, CONF_PHASES: "3"}, {CONF_VALUE: 6, CONF_AMPERES: True, CONF_PHASES: 3}, 4140),
        (CHARGER, {CONF_VALUE: 10}, {CONF_VALUE: 10, CONF_AMPERES: True, CONF_PHASES: 1}, 2300),
        ("input_number.battery", {CONF_VALUE: 1.4}, {CONF_VALUE: 1.4, CONF_LEFT_W: 1400}, 1400),
        ("input_number.inverter", {CONF_VALUE: 800}, {CONF_VALUE: 800, CONF_LEFT_W: 800}, 800),
    ],
)
async def test_a_number(
    hass: HomeAssistant,
    building: MockConfigEntry,
    entity_id: str,
    value: dict[str, Any],
    data: dict[str, Any],
    left: int,
) -> None:
    """It is set lower: what is left is told by its unit, and not asked; nor does it need to be given back soon."""
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=entity_id)
    assert talk.step == "limit"
    assert talk.shown == {CONF_VALUE: 6 if entity_id == CHARGER else 0}
    await talk.submit(**value)
    assert talk.shown == {CONF_MIN_ON: 0, CONF_MIN_OFF: 5}
    with pytest.raises(probatio.Invalid):
        await talk.submit(**rules(power={CONF_NOMINAL_W: 10_000, CONF_LEFT_W: 1}))
    await talk.submit(**rules(power={CONF_NOMINAL_W: left}))
    assert talk.errors == {"base": "nothing_to_shed"}
    await talk.submit(**rules())
    how = {CONF_METHOD: "limit", CONF_ENTITY: kept(hass, entity_id), **data}
    assert talk.load.data == {**RULES, **how, CONF_NOMINAL_W: 10_000}
    assert (talk.read.how.value, talk.read.load.steps) == (value[CONF_VALUE], (left,))
    # Its rules can be changed, and what is left stays; its value is shown again.
    await talk.change(talk.load, "rules")
    await talk.submit(**rules(priority=9))
    assert talk.load.data == {**RULES, **how, CONF_NOMINAL_W: 10_000, CONF_PRIORITY: 9}
    await talk.change(talk.load, "entity")
    await talk.submit(entity=entity_id)
    assert talk.shown == {CONF_VALUE: value[CONF_VALUE]} | (
        {CONF_PHASES: str(data[CONF_PHASES])} if CONF_PHASES in data else {}
    )
    # What it leaves is not what another method leaves.
    await talk.change(talk.load, "entity")
    await talk.submit(entity=BOILER)
    assert CONF_LEFT_W not in talk.shown


async def test_scripts(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Two of them, and an entity that tells whether the load is on, if there is one."""
    talk = await Talk(hass, building).begin("scripts")
    scripts = {CONF_SHED_SCRIPT: "script.cold_rooms_off", CONF_RESTORE_SCRIPT: "script.cold_rooms_on"}
    assert talk.step == "scripts"
    await talk.submit(**{**scripts, CONF_RESTORE_SCRIPT: "script.cold_rooms_off"}, name=" ")
    assert talk.errors == {CONF_RESTORE_SCRIPT: "same_script", CONF_NAME: "no_name"}
    await talk.submit(**{**scripts, CONF_SHED_SCRIPT: "script.gone"}, name="Cold rooms")
    assert talk.errors == {CONF_SHED_SCRIPT: "entity_unavailable"}
    await talk.submit(**scripts, name=" Cold rooms ")
    assert talk.shown == {CONF_MIN_ON: 5, CONF_MIN_OFF: 5, CONF_MAX_OFF: 60}
    await talk.submit(**rules())
    how = {key: kept(hass, entity_id) for key, entity_id in scripts.items()}
    assert (talk.load.title, talk.load.unique_id) == ("Cold rooms", how[CONF_SHED_SCRIPT])
    assert talk.load.data == {**RULES, **how, CONF_METHOD: "scripts", CONF_NOMINAL_W: 10_000}
    read = talk.read
    assert (read.how.method, read.entity_id, read.power_sensor) == (Method.SCRIPTS, None, None)
    assert [read.how.shed_script, read.how.restore_script] == [*scripts.values()]
    # With an entity.
    await talk.change(talk.load, "scripts")
    assert talk.shown == {CONF_NAME: "Cold rooms", **scripts}
    await talk.submit(**scripts, entity=BOILER, name="Cold rooms")
    assert talk.shown["confirm"] is True
    await talk.submit(**rules())
    assert (talk.load.unique_id, talk.read.entity_id) == (kept(hass, BOILER), BOILER)
    # The script that sheds is taken, the one that gives back is not; nor may what they command be handed over.
    talk = await Talk(hass, building).begin("scripts")
    await talk.submit(**scripts, name="Again")
    assert talk.errors == {CONF_SHED_SCRIPT: "already_handed_over"}
    await talk.submit(**{**scripts, CONF_SHED_SCRIPT: "script.other"}, entity=BOILER, name="Again")
    assert talk.errors == {CONF_ENTITY: "already_handed_over"}
    await talk.submit(**{**scripts, CONF_SHED_SCRIPT: "script.other"}, name="Again")
    assert talk.step == "rules"


async def test_what_is_refused(
    hass: HomeAssistant, building: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """What is away, what is ours, what has nothing to shed; the form can be submitted again."""
    ours = entity_registry.async_get_or_create("switch", DOMAIN, "x", config_entry=building)
    hass.states.async_set(ours.entity_id, "on")
    hass.states.async_set("switch.away", STATE_UNAVAILABLE)
    hass.states.async_set("climate.bare", "heat")
    talk = await Talk(hass, building).begin("entity")
    for entity_id, error in {
        "switch.nowhere": "entity_unavailable",
        "switch.away": "entity_unavailable",
        ours.entity_id: "own_entity",
        "input_number.volume": "no_method",
        "climate.bare": "no_method",
        kept(hass, "script.other"): "no_method",
    }.items():
        await talk.submit(entity=entity_id)
        assert talk.errors == {CONF_ENTITY: error}, entity_id
        assert talk.shown[CONF_ENTITY] == entity_id
    with pytest.raises(probatio.Invalid):
        await talk.submit(entity="lock.door")
    await talk.submit(entity=kept(hass, BOILER))
    assert talk.step == "rules"


async def test_one_writer(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """What is handed over to a building is handed over to no other, by itself or in a group."""
    talk = await hand_over(hass, building)
    other = Talk(hass, await set_up(hass, "Works"))
    for again in (talk, other):
        await again.begin("entity")
        await again.submit(entity=BOILER)
        assert again.errors == {CONF_ENTITY: "already_handed_over"}
    group = {"entity_id": [BOILER, SIGN]}
    hass.states.async_set("switch.all", "on", group)
    await other.submit(entity="switch.all")
    assert other.errors == {CONF_ENTITY: "already_handed_over"}
    await talk.change(talk.load, "entity")
    await talk.submit(entity="switch.all")
    await talk.submit(**rules())
    assert talk.read.entity_id == "switch.all"
    await other.submit(entity=SIGN)
    assert other.errors == {CONF_ENTITY: "already_handed_over"}
    await talk.change(talk.load, "entity")
    await talk.submit(entity=BOILER)
    await talk.submit(**rules())
    await other.submit(entity=SIGN)
    assert other.step == "rules"
    assert other.shown[CONF_MAX_OFF] == 10


async def test_two_dialogs_at_once(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """The second to end is told."""
    first, second = Talk(hass, building), Talk(hass, building)
    for talk in (first, second):
        await talk.begin("entity")
        await talk.submit(entity=BOILER)
    await first.submit(**rules())
    await second.submit(**rules())
    assert (second.result["type"], second.result["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"confirm": False}, {"confirm": "confirm_host"}),
        (
            {"confirm": False, "power": {CONF_NOMINAL_W: 500, CONF_LEFT_W: 500}},
            {"base": "nothing_to_shed", "confirm": "confirm_host"},
        ),
        ({"power": {CONF_NOMINAL_W: 500, CONF_LEFT_W: 500}}, {"base": "nothing_to_shed"}),
        ({"power": {CONF_POWER_SENSOR: "sensor.nowhere"}}, {"base": "no_power_sensor"}),
        ({"power": {CONF_POWER_SENSOR: "sensor.counter"}}, {"base": "no_power_sensor"}),
        ({"power": {CONF_POWER_SENSOR: "sensor.flex_ready_x"}}, {"base": "no_power_sensor"}),
        ({"times": {CONF_MIN_OFF: 10, CONF_MAX_OFF: 9}}, {"base": "max_off_too_short"}),
        ({"hours": {"first_start": "06:00:00"}}, {"base": "hours_incomplete"}),
        ({"hours": {"second_end": "06:00:00"}}, {"base": "hours_incomplete"}),
        ({"hours": {"first_start": "06:00:00", "first_end": "06:00:00"}}, {"base": "hours_empty"}),
    ],
)
async def test_rules_that_are_wrong(
    hass: HomeAssistant,
    building: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    wrong: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """It is said, and what was typed is still there."""
    ours = entity_registry.async_get_or_create("sensor", DOMAIN, "x", config_entry=building)
    hass.states.async_set(ours.entity_id, "1", {"device_class": "power"})
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=BOILER)
    await talk.submit(**rules(**wrong))
    assert talk.errors == errors
    typed = {key: value for section in wrong.values() if isinstance(section, dict) for key, value in section.items()}
    assert typed.items() <= talk.shown.items()
    assert not talk.loads
    await talk.submit(**rules())
    assert talk.result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_sensor_of_the_same_device(
    hass: HomeAssistant,
    building: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """It is proposed, if there is just one."""
    plugs = MockConfigEntry(domain="plugs")
    plugs.add_to_hass(hass)
    device = device_registry.async_get_or_create(config_entry_id=plugs.entry_id, identifiers={("plugs", "1")})
    made = {
        key: entity_registry.async_get_or_create(
            domain, "plugs", key, config_entry=plugs, device_id=device.id, original_device_class=kind
        )
        for domain, key, kind in (
            ("switch", "plug", None),
            ("sensor", "power", "power"),
            ("sensor", "energy", "energy"),
            ("number", "most", "power"),
        )
    }
    hass.states.async_set(made["plug"].entity_id, "on")
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=made["plug"].entity_id)
    assert talk.shown[CONF_POWER_SENSOR] == made["power"].entity_id
    entity_registry.async_update_entity(made["energy"].entity_id, device_class="power")
    talk = await Talk(hass, building).begin("entity")
    await talk.submit(entity=made["plug"].entity_id)
    assert CONF_POWER_SENSOR not in talk.shown


async def test_reconfiguration_of_the_rules(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Present ones are shown, what is cleared is gone, and the building is loaded anew, once; even without entity."""
    talk = await hand_over(hass, building)
    said = rules(
        power={CONF_POWER_SENSOR: POWER, CONF_LEFT_W: 100},
        times={CONF_MIN_ON: 1, CONF_MIN_OFF: 2, CONF_MAX_OFF: 3, CONF_MOST_SHEDS: 4},
        hours={"first_start": "06:00:00", "first_end": "08:30:00"},
        priority=1,
        when_blind=True,
    )
    hass.states.async_set(BOILER, STATE_UNAVAILABLE)
    await talk.change(talk.load, "rules")
    assert talk.shown == {CONF_PRIORITY: 5, CONF_NOMINAL_W: 10_000, CONF_MIN_ON: 0, CONF_MIN_OFF: 0} | {
        CONF_BLIND: False,
        "confirm": True,
    }
    before = building.runtime_data
    await talk.submit(**said)
    assert (talk.result["type"], talk.result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert building.runtime_data is not before
    assert building.runtime_data.handovers[talk.load.subentry_id].load.priority == 1
    assert (talk.load.title, talk.read.entity_id) == ("Boiler", BOILER)
    await talk.change(talk.load, "rules")
    sections = {key: value for one in said.values() if isinstance(one, dict) for key, value in one.items()}
    assert talk.shown == sections | {CONF_PRIORITY: 1, CONF_BLIND: True, "confirm": True}
    await talk.submit(**rules())
    assert talk.load.data == {**RULES, CONF_METHOD: "off", CONF_ENTITY: kept(hass, BOILER), CONF_NOMINAL_W: 10_000}


async def test_reconfiguration_of_the_entity(hass: HomeAssistant, building: MockConfigEntry) -> None:
    """Another takes its place under the same rules; that nothing depends on it is to be confirmed anew."""
    talk = await hand_over(hass, building)
    subentry_id = talk.load.subentry_id
    await talk.change(talk.load, "entity")
    assert talk.shown == {CONF_ENTITY: BOILER, CONF_NAME: "Boiler"}
    await talk.submit(entity="input_boolean.pump", name="Pump")
    assert talk.shown["confirm"] is False
    assert talk.shown[CONF_NOMINAL_W] == 10_000
    await talk.submit(**rules())
    assert (talk.load.subentry_id, talk.load.title) == (subentry_id, "Pump")
    assert talk.load.unique_id == talk.load.data[CONF_ENTITY] == kept(hass, "input_boolean.pump")


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (State("switch.a", "on"), ["off"]),
        (State("fan.a", "on"), []),
        (State("fan.a", "on", {"supported_features": 16}), ["off"]),
        (State("climate.a", "heat", {"supported_features": 1}), ["setpoint"]),
        (State("climate.a", "heat", {"supported_features": 2}), []),
        (
            State("climate.a", "heat", {"supported_features": 129, "preset_modes": ["eco"]}),
            ["off", "setpoint", "preset"],
        ),
        (State("climate.a", "heat", {"supported_features": 128, "preset_modes": []}), ["off"]),
        (State("water_heater.a", "eco", {"supported_features": 9}), ["off", "setpoint"]),
        (State("number.a", "6", {"unit_of_measurement": "A"}), ["limit"]),
        (State("number.a", "6"), []),
        (State("lock.a", "locked"), []),
    ],
)
async def test_methods(state: State, offered: list[str]) -> None:
    """An entity is asked for what it says that it can."""
    assert methods(state) == offered
