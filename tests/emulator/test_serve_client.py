"""The client of the integration before the emulated BACS: two programs that share no code, in both dialects."""

from datetime import UTC, timedelta
from decimal import Decimal

from annex1 import HEATED, MORNING, WHOLE, at
import pytest
from served import served

from custom_components.flex_ready.flexibility.client import BacsClient
from custom_components.flex_ready.flexibility.client_errors import BacsError
from custom_components.flex_ready.flexibility.dialects import EMULATOR_2025, NATIVE, Dialect
from custom_components.flex_ready.flexibility.model import Aggregation, Confirmation, Direction, Request
from custom_components.flex_ready.flexibility.record import State
from custom_components.flex_ready.signals.oauth import StaticToken
from custom_components.flex_ready.slots import Series, Slot, Stretch
from emulator.meter.clock import PARIS

pytestmark = pytest.mark.usefixtures("socket_enabled")

HEATING = (HEATED, "HeatingSystem")
HOUR = Stretch(at("15:00:00").astimezone(UTC), at("16:00:00").astimezone(UTC))


def asked(request_id: str, kilowatts: int = 30) -> Request:
    """Ask for an hour of some power."""
    slot = Slot(HOUR.start, HOUR.end, Decimal(kilowatts * 1000))
    return Request(id=request_id, flex_product="WDA", power=Series((slot,)))


@pytest.mark.parametrize(
    ("name", "dialect"), [("emulator", EMULATOR_2025), ("native", NATIVE)], ids=["emulator", "native"]
)
async def test_everything_that_the_client_asks(name: str, dialect: Dialect) -> None:
    """The data set is read, a request goes from offer to consumption; beyond the limits it is cut down, or refused."""
    async with served(start=MORNING) as world:
        session = await world.annex_1(dialect=name)
        client = BacsClient(world.http, world.base + session, StaticToken(world.user), dialect=dialect, zone=PARIS)
        assert [one.id for one in await client.bacs()] == [WHOLE, HEATED]
        whole, heating = await client.assets(HEATED)
        (potential,) = heating.potentials
        assert (potential.power, potential.direction) == (Decimal(40_000), Direction.DECREASE)
        assert (potential.mobilization_delay, potential.max_duration) == (timedelta(minutes=5), timedelta(hours=1))
        assert (potential.activations_per_day, len(potential.time_periods)) == (2, 2)
        assert (whole.parent, heating.parent) == (None, "WholeBuilding" if dialect is NATIVE else None)
        offer = await client.create(*HEATING, asked("r1"))
        assert (offer.state, offer.price, offer.expires_at) == (State.OFFERED, Decimal("0.085"), at("14:55:00"))
        assert offer.power == asked("r1").power
        assert await client.create(*HEATING, asked("r1")) == offer
        if dialect is NATIVE:
            with pytest.raises(BacsError, match="40 kW is the most"):
                await client.create(*HEATING, asked("r2", 41))
        else:
            assert (await client.create(*HEATING, asked("r2", 41))).power == asked("r2", 40).power
            await client.cancel(*HEATING, "r2")
            assert (await client.read(*HEATING, "r2")).state is State.CANCELLED
        order = Confirmation(flex_product="WDA", power=offer.power, ack_price=offer.price)
        assert (await client.confirm(*HEATING, "r1", order)).state is State.SCHEDULED
        world.clock.set(at("16:30:00"))
        assert (await client.read(*HEATING, "r1")).state is State.COMPLETED
        drawn = await client.realised(*HEATING, "r1")
        less = [(step.value.baseline or 0) - (step.value.power or 0) for step in drawn.steps]
        assert [float(one) for one in less] == pytest.approx([30_000] * 6, rel=0.02)
        (total,) = (await client.consumption(*HEATING, HOUR, aggregation=Aggregation.SUM)).steps
        assert total.value.energy is not None
        assert abs(total.value.energy - sum(step.value.energy or 0 for step in drawn.steps)) < 10
