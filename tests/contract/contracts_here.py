"""A contract in a Home Assistant, its sites fed by entities that the test sets, its ledger in a file."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.flex_ready.const import DOMAIN
from custom_components.flex_ready.contract.coordinator import ContractCoordinator
from custom_components.flex_ready.settlement.model import STEP, Direction, Order, Reading

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 2, 12, 17, tzinfo=UTC)
"""A Thursday, six in the evening in Paris."""
DATA: Mapping[str, Any] = {
    "kind": "contract",
    "reservation": "without_reservation",
    "direction": "reduce_net_withdrawal",
    "power": 600,
    "mobilization_delay": 30,
    "min_duration": 30,
    "min_gap": 0,
    "starts": "2026-01-01",
    "ends": "2026-12-31",
    "variable_premium": "200",
}
SITE: Mapping[str, Any] = {
    "entity": "EF1",
    "site_kind": "withdrawal",
    "method": "double_reference",
    "max_activation": 700,
    "subscribed": 2000,
    "joined": "2026-01-01",
    "consent": True,
    "other_operator": False,
    "source": "entity",
}
ORDER = Order(
    id="A1",
    ordered_at=START - HOUR,
    start=START,
    end=START + HOUR,
    power_w=600_000,
    direction=Direction.REDUCE_NET_WITHDRAWAL,
)


def subentry(kind: str, title: str, data: Mapping[str, object]) -> ConfigSubentry:
    """Return a subentry, whose id is its title."""
    return ConfigSubentry(
        data=MappingProxyType({**data}), subentry_type=kind, title=title, unique_id=None, subentry_id=title
    )


def site(title: str, prm: str, **data: object) -> ConfigSubentry:
    """Return a site that is fed by the entity of its name."""
    return subentry(
        "perimeter_site", title, {**SITE, "site_id": prm, "withdrawn": f"sensor.{title.lower()}_energy", **data}
    )


SCHOOL, POOL = site("School", "30001234567890"), site("Pool", "30001234567891")


async def load(hass: HomeAssistant, *subentries: ConfigSubentry, **data: object) -> ContractCoordinator:
    """Set a contract up; School and Pool belong to it unless others are told."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Local flexibility",
        data={**DATA, **data},
        subentries_data=tuple(one.as_dict() for one in subentries or (SCHOOL, POOL)),
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return cast("ContractCoordinator", entry.runtime_data)


async def quiet_days(contract: ContractCoordinator, until: datetime, days: int, **wh: int) -> None:
    """Have sites draw the same in every half-hour of some days."""
    for name, each in wh.items():
        readings = {until - i * STEP: Reading(each) for i in range(1, 48 * days + 1)}
        await contract.ledger.add_readings(name, readings)


class Clock:
    """Time, and indexes that go on with it."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, at: datetime) -> None:
        """Begin at an instant."""
        self.hass, self._freezer, self.now = hass, freezer, at
        self.watts: dict[str, int] = {}
        self._wh: dict[str, float] = {}
        freezer.move_to(at)

    def tell(self) -> None:
        """Have each entity say its index."""
        for name, wh in self._wh.items():
            self.hass.states.async_set(
                f"sensor.{name.lower()}_energy",
                f"{wh / 1000:.6f}",
                {"unit_of_measurement": "kWh", "device_class": "energy", "state_class": "total_increasing"},
                force_update=True,
            )

    def draw(self, **watts: int) -> None:
        """Have sites draw some power from now on."""
        self.watts |= watts
        self._wh = {name: self._wh.get(name, 1_000_000.0) for name in self.watts}

    async def go(self, span: timedelta, *, silent: frozenset[str] = frozenset()) -> None:
        """Let time pass, minute by minute; silent sites are unavailable."""
        for _ in range(span // MINUTE):
            self.now += MINUTE
            self._freezer.move_to(self.now)
            for name, watts in self.watts.items():
                self._wh[name] += watts / 60
            spoken = {name: wh for name, wh in self._wh.items() if name not in silent}
            kept, self._wh = self._wh, spoken
            self.tell()
            self._wh = kept
            for name in silent:
                self.hass.states.async_set(f"sensor.{name.lower()}_energy", "unavailable")
            for seconds in (6, 8, 21):
                self._freezer.move_to(self.now + timedelta(seconds=seconds))
                async_fire_time_changed(self.hass, self.now + timedelta(seconds=seconds))
                await self.hass.async_block_till_done(wait_background_tasks=True)


def state(hass: HomeAssistant, name: str) -> str:
    """Return what an entity of the contract says."""
    found = hass.states.get(name if "." in name else f"sensor.local_flexibility_{name}")
    assert found is not None, name
    return found.state
