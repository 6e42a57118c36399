"""The entities of a contract and of its sites: one row each. Keys are stable: they are in the unique ids."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.calendar import CalendarEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfEnergy, UnitOfPower

from ..settlement.report import ActivationReport
from ..settlement.sites import entities, members, not_eligible, wrong_entity, wrong_perimeter
from ..settlement.trials import Standing, TrialKind
from .coordinator import ContractCoordinator
from .state import RunningStep

type SensorValue = str | int | float | Decimal | date | datetime | None

IDLE, ORDERED, ACTIVE = "idle", "ordered", "active"
_PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class ContractSensorDescription(SensorEntityDescription):
    """A sensor of a contract."""

    reserved: bool = False
    """Whether it is of a contract with reservation alone."""
    value_fn: Callable[[ContractCoordinator], SensorValue]


@dataclass(frozen=True, kw_only=True)
class ContractBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of a contract."""

    value_fn: Callable[[ContractCoordinator], bool | None]


@dataclass(frozen=True, kw_only=True)
class SiteBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of a site of a perimeter."""

    value_fn: Callable[[ContractCoordinator, str], bool | None]


def _state(contract: ContractCoordinator) -> str:
    now, orders = contract.now(), contract.effective
    if any(order.start <= now < order.end for order in orders):
        return ACTIVE
    return ORDERED if any(now < order.start for order in orders) else IDLE


def _last(contract: ContractCoordinator) -> ActivationReport | None:
    """Return the activation that runs, or the last one."""
    return max(contract.data.reports.values(), key=lambda one: one.order.start, default=None)


def _of_last(value: Callable[[ActivationReport], SensorValue]) -> Callable[[ContractCoordinator], SensorValue]:
    return lambda contract: None if (last := _last(contract)) is None else value(last)


def _of_step(value: Callable[[RunningStep], SensorValue]) -> Callable[[ContractCoordinator], SensorValue]:
    return lambda contract: None if (step := contract.data.running) is None else value(step)


def _share(step: RunningStep) -> float:
    """Return what the half-hour is heading for, of what is expected (%)."""
    return round(float(step.outlook.projected_wh / step.outlook.expected_wh * _PERCENT), 1)


def _kwh(wh: Fraction) -> float:
    return round(float(wh / 1000), 3)


def _perimeter_wrong(contract: ContractCoordinator) -> bool:
    """Tell whether the network operator would find something wrong with the perimeter of this month."""
    setup, month = contract.setup, contract.today().replace(day=1)
    there = members(setup.sites.values(), month)
    return bool(
        wrong_perimeter(setup.terms, there)
        or any(wrong_entity(its) for its in entities(there).values())
        or any(not_eligible(site) for site in setup.sites.values() if site.belongs(month))
    )


def _termination(contract: ContractCoordinator) -> Decimal:
    """Return what it costs to end the contract today; if failed tests have ended it, what that costs."""
    return contract.termination(contract.data.ended or contract.now()).penalty


def _standing(kind: TrialKind) -> Callable[[ContractCoordinator], SensorValue]:
    return lambda contract: contract.data.tests[kind].standing.value


def _energy(
    key: str, value_fn: Callable[[ContractCoordinator], SensorValue], *, total: bool = False
) -> ContractSensorDescription:
    return ContractSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL if total else None,
        suggested_display_precision=1,
        value_fn=value_fn,
    )


def _money(key: str, value_fn: Callable[[ContractCoordinator], SensorValue]) -> ContractSensorDescription:
    return ContractSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.MONETARY,
        native_unit_of_measurement="EUR",
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=2,
        value_fn=value_fn,
    )


CONTRACT_SENSORS = (
    ContractSensorDescription(
        key="contract_state",
        translation_key="contract_state",
        device_class=SensorDeviceClass.ENUM,
        options=[IDLE, ORDERED, ACTIVE],
        value_fn=_state,
    ),
    _energy("contract_step_realised", _of_step(lambda step: _kwh(step.realised_wh))),
    ContractSensorDescription(
        key="contract_step_projected",
        translation_key="contract_step_projected",
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        value_fn=_of_step(_share),
    ),
    ContractSensorDescription(
        key="contract_power_needed",
        translation_key="contract_power_needed",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=1,
        value_fn=_of_step(lambda step: round(step.outlook.needed_w / 1000, 3)),
    ),
    _energy("contract_activation_expected", _of_last(lambda one: _kwh(one.totals.expected))),
    _energy("contract_activation_realised", _of_last(lambda one: _kwh(one.totals.realised))),
    _energy("contract_paid_volume", lambda contract: _kwh(contract.data.totals.paid), total=True),
    _energy("contract_deficient_volume", lambda contract: _kwh(contract.data.totals.deficient), total=True),
    _money("contract_premium", lambda contract: contract.data.totals.premium),
    _money("contract_penalty", lambda contract: contract.data.totals.penalty),
    ContractSensorDescription(
        key="contract_termination",
        translation_key="contract_termination",
        device_class=SensorDeviceClass.MONETARY,
        native_unit_of_measurement="EUR",
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
        value_fn=_termination,
        reserved=True,
    ),
    ContractSensorDescription(
        key="contract_deadline",
        translation_key="contract_deadline",
        device_class=SensorDeviceClass.DATE,
        value_fn=lambda contract: None if (next_ := contract.data.deadlines) is None else next_.update,
    ),
    *(
        ContractSensorDescription(
            key=f"contract_test_{kind}",
            translation_key=f"contract_test_{kind}",
            device_class=SensorDeviceClass.ENUM,
            options=[*Standing],
            entity_category=EntityCategory.DIAGNOSTIC,
            value_fn=_standing(kind),
        )
        for kind in TrialKind
    ),
)
CONTRACT_BINARY_SENSORS = (
    ContractBinarySensorDescription(
        key="contract_at_risk",
        translation_key="contract_at_risk",
        device_class=BinarySensorDeviceClass.PROBLEM,
        value_fn=lambda contract: None if (step := contract.data.running) is None else not step.outlook.passes,
    ),
    ContractBinarySensorDescription(
        key="contract_perimeter",
        translation_key="contract_perimeter",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_perimeter_wrong,
    ),
)
PERIMETER_SITE_BINARY_SENSORS = (
    SiteBinarySensorDescription(
        key="perimeter_site_silent",
        translation_key="perimeter_site_silent",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda contract, site: site in contract.data.silent,
    ),
)
CONTRACT_CALENDARS = (CalendarEntityDescription(key="contract", translation_key="contract"),)
