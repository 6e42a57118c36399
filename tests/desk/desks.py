"""A school that has an asset, in the closed loop of tests/building."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from closed_loop import LOADS, Loop
from conftest import Player
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from custom_components.flex_ready.desk.desk import Desk
from custom_components.flex_ready.desk.operators import Operator
from custom_components.flex_ready.flexibility.model import Confirmation, Request
from custom_components.flex_ready.flexibility.record import RequestRecord
from custom_components.flex_ready.slots import Series, Slot
from emulator.meter import MeterConfig

NIGHT = "2026-01-14T22:02:00+01:00"
"""A time at which the subscribed power asks for nothing."""
ISSUER = "https://issuer.example"


def asset_data(loads: list[str], **changes: object) -> dict[str, object]:
    """Give what the flow keeps of an asset; loads are ids of subentries."""
    return {
        "asset_id": "WholeBuilding",
        "loads": loads,
        "flex_products": ["WID"],
        "most_power": 0,
        "mobilization_delay": 1,
        "max_duration": 120,
        "recovery": 0,
        "activations_per_day": 0,
        "measured_by": "loads",
        **changes,
    }


def operator_data(assets: list[str], **changes: object) -> dict[str, object]:
    """Give what the flow keeps of an operator that shows a token; assets are ids of subentries."""
    return {
        "auth": "oidc",
        "issuer": ISSUER,
        "audience": "school",
        "client": "operator",
        "assets": assets,
        "dialect": "native",
        "decision": "accept",
        "silence": "decline",
        "answer_within": 15,
        "offer_holds": 15,
        "most_activations": 0,
        "despite_red": False,
        **changes,
    }


class School:
    """A school with one asset, of all its loads, and one operator."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    @classmethod
    async def begin(
        cls,
        player: Player,
        folder: Path,
        *,
        start: str = NIGHT,
        asset: dict[str, object] | None = None,
        operator: dict[str, object] | None = None,
        loads: tuple[str, ...] = tuple(LOADS),
        subscribed: int = 60,
        **changes: object,
    ) -> School:
        """Set up the loop, then the asset and the operator, as a user would; the ledger is in a folder."""
        player.hass.config.config_dir = str(folder)
        config = MeterConfig(start=datetime.fromisoformat(start), td=5, subscribed_power=subscribed)
        loop = await Loop.begin(player, start=start, config=config, **{"max_off": None, **changes})  # type: ignore[arg-type]
        school = cls(loop)
        ids = [one.subentry_id for one in loop.entry.subentries.values() if one.title in loads]
        added = await school.add("asset", asset_data(ids, **(asset or {})))
        await school.add("operator", operator_data([added], **(operator or {})))
        return school

    async def add(self, kind: str, data: dict[str, object]) -> str:
        """Add a subentry; return its id."""
        subentry = ConfigSubentry(data=MappingProxyType(data), subentry_type=kind, title=kind, unique_id=None)
        self.hass.config_entries.async_add_subentry(self.loop.entry, subentry)
        await self.hass.async_block_till_done()
        return subentry.subentry_id

    @property
    def hass(self) -> HomeAssistant:
        """Home Assistant."""
        return self.loop.hass

    @property
    def desk(self) -> Desk:
        """The desk."""
        desk = self.loop.building.desk
        assert desk is not None
        return desk

    @property
    def operator(self) -> Operator:
        """The operator."""
        [operator] = self.desk.operators.values()
        return operator

    @property
    def now(self) -> datetime:
        """The instant (UTC)."""
        return self.loop.player.host.astimezone(UTC)

    def request(self, power_w: int, *, within: float = 5, minutes: float = 30, name: str = "r1") -> Request:
        """Make a request that starts in some minutes."""
        start = self.now.replace(second=0, microsecond=0) + timedelta(minutes=within)
        slot = Slot(start, start + timedelta(minutes=minutes), Decimal(power_w))
        return Request(id=name, flex_product="WID", power=Series((slot,)))

    async def order(self, request: Request) -> RequestRecord:
        """Ask for something and order it."""
        made = await self.desk.create(self.operator, "WholeBuilding", request)
        assert made.status == 201
        done = await self.desk.confirm(self.operator, "WholeBuilding", request.id, Confirmation())
        assert done.status == 200
        return self.record(request.id)

    def record(self, name: str = "r1") -> RequestRecord:
        """Return a request as it stands."""
        record = self.desk.record(self.operator, "WholeBuilding", name)
        assert record is not None
        return record
