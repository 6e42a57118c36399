"""The JSON of the operator's API, read and written in a dialect.

A body is read whole: RefusedError has everything that is wrong with it, each with its JSON pointer. What is written
can go to `json.dumps`; its numbers have up to 15 digits.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ..quantity import Unit
from ..slots import Series, Stretch
from .dialects import Dialect
from .model import (
    Aggregation,
    Asset,
    Bacs,
    Confirmation,
    Consumed,
    Consumption,
    Direction,
    Offer,
    Potential,
    Quality,
    Request,
)
from .reading import Members, part, slots_of, whole

type Json = dict[str, object]
_MINUTE = timedelta(minutes=1)
_NONE = timedelta()
_MOST_STEPS = 50_000
"""Of a consumption: a year of 10 minutes."""
_DIRECTIONS = tuple(direction.value for direction in Direction)
_AGGREGATIONS = tuple(aggregation.value for aggregation in Aggregation)


class Reader:
    """Reads bodies of one dialect; `zone` is the site's."""

    def __init__(self, dialect: Dialect, zone: tzinfo) -> None:
        self._dialect = dialect
        self._zone = zone

    def request(self, body: object) -> Request:
        """Read what is asked for (createFlexRequest)."""
        return self._whole(body, _request)

    def confirmation(self, body: object) -> Confirmation:
        """Read an order (confirm)."""
        return self._whole(body, _confirmation)

    def offer(self, body: object) -> Offer:
        """Read what a BACS offers (the reply to createFlexRequest; inferred)."""
        return self._whole(body, _offer)

    def bacs(self, body: object) -> Bacs:
        """Read a BACS."""
        return self._whole(body, _bacs)

    def asset(self, body: object) -> Asset:
        """Read an asset with its potential, or potentials."""
        return self._whole(body, _asset)

    def consumption(self, body: object) -> Consumption:
        """Read what was consumed (realize, consumptions; inferred)."""
        return self._whole(body, _consumption)

    def _whole[ValueT](self, body: object, build: Callable[[Members], ValueT | None]) -> ValueT:
        return whole(self._dialect, self._zone, body, build)


class Writer:
    """Writes in one dialect; `zone` is the site's."""

    def __init__(self, dialect: Dialect, zone: tzinfo) -> None:
        self._dialect = dialect
        self._zone = zone

    def request(self, request: Request) -> Json:
        """Write what is asked for."""
        return self._object(
            request_id=request.id,
            flex_product=request.flex_product,
            direction=self._direction(request.direction),
            power=self.powers(request.power),
        )

    def confirmation(self, confirmation: Confirmation) -> Json:
        """Write an order."""
        power = confirmation.power
        return self._object(
            flex_product=confirmation.flex_product,
            power=None if power is None else self.powers(power),
            ack_price=self._price(confirmation.ack_price),
        )

    def offer(self, offer: Offer) -> Json:
        """Write what is offered."""
        return self._object(
            power=self.powers(offer.power),
            price=self._price(offer.price),
            expires_at=self.stamp(offer.expires_at),
            mobilization_delay=self.duration(offer.mobilization_delay),
        )

    def bacs(self, bacs: Bacs) -> Json:
        """Write a BACS."""
        return self._object(id=bacs.id, name=bacs.name, description=bacs.description)

    def asset(self, asset: Asset) -> Json:
        """Write an asset; one with several potentials tells the first as the annex does, and all of them beside it."""
        several = [self.potential(one) for one in asset.potentials]
        head = self._object(asset_id=asset.id, bacs_id=asset.bacs_id, parent=asset.parent)
        return (
            head | (several[0] if several else {}) | self._object(flexibilities=None if len(several) == 1 else several)
        )

    def potential(self, potential: Potential) -> Json:
        """Write what an asset can give of a product."""
        return self._object(
            flex_product=potential.flex_product,
            potential=self._object(
                power=self.power(potential.power),
                direction=self._direction(potential.direction),
                mobilization_delay=self.duration(potential.mobilization_delay),
                max_duration=self.duration(potential.max_duration),
                activations_per_day=potential.activations_per_day,
                time_periods=[self._stretch(period) for period in potential.time_periods],
                recovery=self.duration(potential.recovery or None),
                gaps=potential.gaps or None,
            ),
        )

    def consumption(self, consumption: Consumption) -> Json:
        """Write what was consumed."""
        return self._object(
            aggregation=None if consumption.aggregation is None else consumption.aggregation.value,
            consumptions=[
                self._stretch(step)
                | self._object(
                    power=self.power(step.value.power),
                    energy=_triplet("Wh", "k", step.value.energy, -3),
                    baseline=self.power(step.value.baseline),
                    quality=step.value.quality.value,
                )
                for step in consumption.steps
            ],
        )

    def powers(self, power: Series[Decimal]) -> list[Json]:
        """Write a row of powers."""
        return [self._object(power=self.power(slot.value)) | self._stretch(slot) for slot in power]

    def power(self, watts: Decimal | None) -> Json | None:
        """Write a power."""
        return _triplet("W", "k", watts, -3)

    def stamp(self, instant: datetime) -> str:
        """Write an instant in the site's zone; without the offset where the dialect has none, if that is clear."""
        local = instant.astimezone(self._zone)
        clear = local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()
        return (local.replace(tzinfo=None) if self._dialect.naive_stamps and clear else local).isoformat()

    def duration(self, span: timedelta | None) -> int | str | None:
        """Write a duration: whole minutes as a number where the dialect does so, else ISO 8601."""
        if span is None:
            return None
        if self._dialect.whole_minutes and not span % _MINUTE:
            return span // _MINUTE
        seconds = span // timedelta(seconds=1)
        return f"PT{seconds}S" if seconds % 60 or not seconds else f"PT{seconds // 60}M"

    def members(self, **members: object) -> Json:
        """Write members that stand beside others: a state, a reason."""
        return self._object(**members)

    def _object(self, **members: object) -> Json:
        """Write members under their first key; those that are None are left out."""
        return {self._dialect.keys[name][0]: value for name, value in members.items() if value is not None}

    def _stretch(self, stretch: Stretch) -> Json:
        return self._object(start=self.stamp(stretch.start), end=self.stamp(stretch.end))

    def _direction(self, direction: Direction) -> str | None:
        return direction.value if self._dialect.direction_needed or direction is not Direction.DECREASE else None

    def _price(self, price: Decimal | None) -> Json | None:
        return _triplet("€/MWh", self._dialect.no_multiplier, price, 3)


def _triplet(unit: str, multiplier: str, value: Decimal | None, power: int) -> Json | None:
    """Write a quantity, its value moved by a power of ten."""
    if value is None:
        return None
    moved = value.scaleb(power)
    whole_number = moved == moved.to_integral_value() and abs(moved) < 10**15
    return {"unit": unit, "multiplier": multiplier, "value": int(moved) if whole_number else float(moved)}


def _watts(value: Members, *, needed: bool = True) -> Decimal | None:
    return value.take("power", lambda one, at: value.reading.quantity(one, Unit.W, at), needed=needed)


def _price(members: Members, member: str) -> Decimal | None:
    unit = Unit.EUR_PER_KWH
    return members.take(member, lambda one, at: members.reading.quantity(one, unit, at), needed=False)


def _powers(members: Members, *, needed: bool = True) -> Series[Decimal] | None:
    return members.take("power", lambda one, at: slots_of(members.reading, one, at, _watts), needed=needed)


def _direction(members: Members) -> Direction | None:
    reading = members.reading
    needed = reading.dialect.direction_needed
    word = members.take("direction", lambda one, at: reading.word(one, at, _DIRECTIONS), needed=needed)
    if word is None:
        return None if needed else Direction.DECREASE
    return Direction(word)


def _request(members: Members) -> Request | None:
    reading = members.reading
    request_id = members.take("request_id", reading.identifier)
    product = members.take("flex_product", reading.identifier)
    direction, power = _direction(members), _powers(members)
    if request_id is None or product is None or direction is None or power is None:
        return None
    return Request(id=request_id, flex_product=product, power=power, direction=direction)


def _confirmation(members: Members) -> Confirmation:
    reading = members.reading
    needed = not reading.dialect.confirm_as_offered
    product = members.take("flex_product", reading.identifier, needed=needed)
    power = _powers(members, needed=needed)
    return Confirmation(flex_product=product, power=power, ack_price=_price(members, "ack_price"))


def _offer(members: Members) -> Offer | None:
    reading = members.reading
    power, expires_at = _powers(members), members.take("expires_at", reading.stamp)
    delay = members.take("mobilization_delay", reading.duration, needed=False)
    price = _price(members, "price")
    members.pass_over("request_id", "flex_product", "direction", "state", "reason", "revision")
    if power is None or expires_at is None:
        return None
    return Offer(power=power, expires_at=expires_at, mobilization_delay=delay or _NONE, price=price)


def _bacs(members: Members) -> Bacs | None:
    reading = members.reading
    bacs_id, name = members.take("id", reading.identifier), members.take("name", reading.text)
    description = members.take("description", reading.text, needed=False)
    return None if bacs_id is None or name is None else Bacs(id=bacs_id, name=name, description=description or "")


def _asset(members: Members) -> Asset | None:
    reading = members.reading
    asset_id, bacs_id = members.take("asset_id", reading.identifier), members.take("bacs_id", reading.identifier)
    parent = members.take("parent", reading.identifier, needed=False)
    potentials: list[Potential | None]
    if members.has("flexibilities"):
        read = part(_flexibility)

        def several(items: object, at: str) -> list[Potential | None]:
            return [read(reading, one, f"{at}/{i}") for i, one in enumerate(reading.items(items, at))]

        potentials = members.take("flexibilities", several) or []
        members.pass_over("flex_product", "potential")
    else:
        potentials = [_flexibility(members)]
    if asset_id is None or bacs_id is None:
        return None
    known = tuple(one for one in potentials if one is not None)
    return Asset(id=asset_id, bacs_id=bacs_id, potentials=known, parent=parent)


def _flexibility(members: Members) -> Potential | None:
    reading = members.reading
    product = members.take("flex_product", reading.identifier)
    read = part(lambda inner: _potential(inner, product or ""))
    return members.take("potential", lambda one, at: read(reading, one, at))


def _potential(members: Members, product: str) -> Potential | None:
    reading = members.reading
    power, direction = _watts(members), _direction(members)
    delay = members.take("mobilization_delay", reading.duration)
    most = members.take("max_duration", reading.duration, needed=False)
    per_day = members.take("activations_per_day", reading.count, needed=False)
    periods = members.take(
        "time_periods",
        lambda one, at: Series[bool]() if one == [] else slots_of(reading, one, at, lambda _: True),
        needed=False,
    )
    recovery = members.take("recovery", reading.duration, needed=False)
    gaps = members.take("gaps", reading.flag, needed=False)
    if power is None or direction is None or delay is None:
        return None
    return Potential(
        flex_product=product,
        power=power,
        direction=direction,
        mobilization_delay=delay,
        max_duration=most,
        activations_per_day=per_day,
        time_periods=tuple(Stretch(one.start, one.end) for one in periods or ()),
        recovery=recovery or _NONE,
        gaps=gaps or False,
    )


def _consumption(members: Members) -> Consumption | None:
    reading = members.reading
    steps = members.take(
        "consumptions",
        lambda one, at: Series[Consumed]() if one == [] else slots_of(reading, one, at, _consumed, most=_MOST_STEPS),
    )
    word = members.take("aggregation", lambda one, at: reading.word(one, at, _AGGREGATIONS), needed=False)
    members.pass_over("request_id", "state")
    return None if steps is None else Consumption(steps=steps, aggregation=Aggregation(word) if word else None)


def _consumed(members: Members) -> Consumed:
    reading = members.reading
    energy = members.take("energy", lambda one, at: reading.quantity(one, Unit.WH, at), needed=False)
    baseline = members.take("baseline", lambda one, at: reading.quantity(one, Unit.W, at), needed=False)
    quality = members.take("quality", reading.text, needed=False)
    return Consumed(
        power=_watts(members, needed=False),
        energy=energy,
        baseline=baseline,
        quality=Quality.of(quality or Quality.UNKNOWN),
    )
