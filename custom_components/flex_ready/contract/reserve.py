"""Loads that the user keeps in reserve: they are asked for when a half-hour is about to miss its 80 %."""

from typing import TYPE_CHECKING

from homeassistant.core import callback

from ..building.coordinator import BuildingCoordinator
from ..building.meter_link import epoch_ms
from ..control.orders import Reason, Source, Wish
from ..settlement.model import STEP
from .const import CONF_RESERVE
from .link import OrderLink
from .state import RunningStep

if TYPE_CHECKING:
    from .coordinator import ContractCoordinator


class Reserve:
    """Asks the arbiter of one building for what an activation lacks; what is asked for ends with its half-hour."""

    def __init__(self, contract: ContractCoordinator, link: OrderLink) -> None:
        """Ask for nothing yet."""
        self._contract = contract
        self._link = link
        self._id = f"reserve_{contract.config_entry.entry_id}"
        self._loads: tuple[str, ...] = tuple(contract.config_entry.data.get(CONF_RESERVE, ()))
        self.asked_w = 0
        """Now."""

    @callback
    def look(self, running: RunningStep | None) -> None:
        """Ask for what the half-hour that runs lacks, on top of what is asked for already."""
        building = self._link.building
        if building is None or not self._loads:
            return
        if running is None:
            self._ask(building, None)
            return
        now = building.reserves.get(self._id)
        same = now is not None and now.until == epoch_ms(running.step + STEP)
        held = now.power or 0 if same and now is not None else 0
        if running.outlook.needed_w:
            loads = tuple(load for load in self._loads if load in building.handovers)
            power = held + running.outlook.needed_w
            wish = Wish(
                id=self._id,
                source=Source.REQUEST,
                reason=Reason.RESERVE,
                loads=loads,
                power=power,
                until=epoch_ms(running.step + STEP),
            )
            self._ask(building, wish if loads else None)
        elif not same:
            self._ask(building, None)

    @callback
    def end(self) -> None:
        """Ask for nothing any more."""
        if (building := self._link.building) is not None:
            self._ask(building, None)

    def _ask(self, building: BuildingCoordinator, wish: Wish | None) -> None:
        self.asked_w = 0 if wish is None else wish.power or 0
        if building.reserves.get(self._id) == wish:
            return
        if wish is None:
            building.reserves.pop(self._id, None)
        else:
            building.reserves[self._id] = wish
        building.act()
