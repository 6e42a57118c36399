"""The binary sensors of a meter: one row each. Every change is written at once."""

from collections.abc import Callable
from dataclasses import dataclass

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from .readings import td_overrun
from .state import MeterState


@dataclass(frozen=True, kw_only=True)
class MeterBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor and what it reads; it exists once that is known."""

    value_fn: Callable[[MeterState], bool | None]


def _field(state: MeterState, name: str) -> bool | None:
    """Return a flag of the status register of a Linky."""
    value = state.field(name)
    return None if value is None else bool(value)


def _present(state: MeterState, *labels: str) -> bool | None:
    """Tell whether any of some labels is sent, of those that this meter has."""
    known = [present for label in labels if (present := state.present(label)) is not None]
    return any(known) if known else None


def _dynamic_tariff(state: MeterState) -> bool | None:
    text = state.text("TARIFDYN")
    return None if text is None else text == "ACTIF"


def _dry_contact(state: MeterState) -> bool | None:
    contact = state.field("dry_contact")
    return None if contact is None else contact == "closed"


def _overrun(state: MeterState) -> bool | None:
    over = _field(state, "over_reference_power")
    return td_overrun(state) if over is None else over


BINARY_SENSORS: tuple[MeterBinarySensorDescription, ...] = (
    MeterBinarySensorDescription(
        key="overrun_warning",
        translation_key="overrun_warning",
        device_class=BinarySensorDeviceClass.PROBLEM,
        value_fn=lambda state: _present(state, "PREAVIS"),
    ),
    MeterBinarySensorDescription(
        key="overrun",
        translation_key="overrun",
        device_class=BinarySensorDeviceClass.PROBLEM,
        value_fn=_overrun,
    ),
    MeterBinarySensorDescription(
        key="overcurrent",
        translation_key="overcurrent",
        device_class=BinarySensorDeviceClass.PROBLEM,
        value_fn=lambda state: _present(state, "ADPS", "ADIR1", "ADIR2", "ADIR3"),
    ),
    MeterBinarySensorDescription(
        key="ejp_notice",
        translation_key="ejp_notice",
        # Every meter in historique mode can announce EJP; only such a contract makes it worth an entity.
        value_fn=lambda state: _present(state, "PEJP") if state.text("OPTARIF") == "EJP." else None,
    ),
    MeterBinarySensorDescription(
        key="dynamic_tariff",
        translation_key="dynamic_tariff",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_dynamic_tariff,
    ),
    MeterBinarySensorDescription(
        key="control_mode",
        translation_key="control_mode",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: _present(state, "MODE", "TRAME"),
    ),
    MeterBinarySensorDescription(
        key="dry_contact",
        translation_key="dry_contact",
        value_fn=_dry_contact,
    ),
    MeterBinarySensorDescription(
        key="mobile_peak",
        translation_key="mobile_peak",
        entity_registry_enabled_default=False,
        value_fn=lambda state: _field(state, "mobile_peak"),
    ),
    MeterBinarySensorDescription(
        key="mobile_peak_notice",
        translation_key="mobile_peak_notice",
        entity_registry_enabled_default=False,
        value_fn=lambda state: _field(state, "mobile_peak_notice"),
    ),
    MeterBinarySensorDescription(
        key="exporting",
        translation_key="exporting",
        value_fn=lambda state: _field(state, "exporting") if state.field("producer") else None,
    ),
)
