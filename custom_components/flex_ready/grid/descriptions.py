"""Rows of the tables of entities of a signal."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.sensor import SensorEntityDescription

from .entity import GridDescription, SignalCoordinator

type SensorValue = str | int | float | Decimal | date | datetime | None


@dataclass(frozen=True, kw_only=True)
class GridSensorDescription[CoordinatorT: SignalCoordinator](
    SensorEntityDescription, GridDescription[CoordinatorT, SensorValue]
):
    """A sensor of a signal."""


@dataclass(frozen=True, kw_only=True)
class GridBinarySensorDescription[CoordinatorT: SignalCoordinator](
    BinarySensorEntityDescription, GridDescription[CoordinatorT, bool | None]
):
    """A binary sensor of a signal."""
