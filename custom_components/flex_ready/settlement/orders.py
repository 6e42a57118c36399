"""Whether an order is valid, and what becomes of several at the same time.

Sources: docs/settlement.md, R9 (inferred from R8), D3, D8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from ..slots import Stretch
from .contract import Terms
from .model import Direction, Order, Purpose, floor
from .profile import ENEDIS_2020, Decisions, OffGrid, Overlap, Profile


class Invalid(StrEnum):
    """Why an order is not valid."""

    TOO_LATE = "too_late"
    """It does not leave the mobilisation delay."""
    NO_POWER = "no_power"
    TOO_MUCH_POWER = "too_much_power"
    """More than is contracted, or available in that period, alone or with other orders at the same time."""
    UNAVAILABLE = "unavailable"
    """Some of it lies outside the availability periods."""
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_CLOSE = "too_close"
    """Too soon after another activation, or before it."""
    OVERLAPPING = "overlapping"
    WRONG_DIRECTION = "wrong_direction"
    OUTSIDE = "outside"
    """Outside the period of activations, or of tests."""
    OFF_GRID = "off_grid"
    """It does not start and end with a half-hour."""


def invalid(
    order: Order,
    terms: Terms,
    others: Iterable[Order] = (),
    *,
    decisions: Decisions | None = None,
    profile: Profile = ENEDIS_2020,
) -> tuple[Invalid, ...]:
    """Return why an order is not valid, among others of the contract; nothing: it is."""
    decisions = decisions or Decisions()
    test = not _counts(order)
    period = _period(order, terms, profile)
    available = () if test else tuple(terms.available(order))
    added = not test and decisions.overlap is Overlap.NET
    rivals = [one for one in others if one.id != order.id and one.accepted]
    found = {
        Invalid.TOO_LATE: order.start - order.ordered_at < terms.dmo,
        Invalid.NO_POWER: order.power_w <= 0,
        Invalid.TOO_MUCH_POWER: max(order.power_w, _together(order, rivals) if added else 0)
        > min((slot.value for slot in available), default=terms.power_w),
        Invalid.UNAVAILABLE: not test and bool(terms.available(order).gaps(order.start, order.end)),
        Invalid.TOO_SHORT: order.length < (profile.least_duration if test else terms.least_duration),
        Invalid.TOO_LONG: not test and terms.most_duration is not None and order.length > terms.most_duration,
        Invalid.TOO_CLOSE: any(_close(order, one, terms) for one in rivals),
        Invalid.OVERLAPPING: any(order.overlaps(one) and not (added and _counts(one)) for one in rivals),
        Invalid.WRONG_DIRECTION: order.direction is not terms.direction,
        Invalid.OUTSIDE: order.start < period.start or order.end > period.end,
        Invalid.OFF_GRID: decisions.off_grid is OffGrid.REFUSE
        and (floor(order.start), floor(order.end)) != (order.start, order.end),
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _together(order: Order, others: Iterable[Order]) -> int:
    """Return the most power (W) that an activation and others at the same time ask for in its direction."""
    there = [one for one in others if _counts(one) and one.overlaps(order)]
    pieces = (one for one in netted([order, *there]) if one.direction is order.direction and one.overlaps(order))
    return max((one.power_w for one in pieces), default=0)


def _period(order: Order, terms: Terms, profile: Profile) -> Stretch:
    """Return when an order may be given: capacity can be taken out, and tested anew, before the activations too."""
    match order.purpose:
        case Purpose.ACTIVATION:
            return terms.activation
        case Purpose.ACTIVATION_TEST:
            return terms.tests(profile)
        case Purpose.ADDITIONAL_TEST:
            return Stretch(terms.tests(profile).start, terms.activation.end)


def _counts(order: Order) -> bool:
    """Tell whether an order is added up with others at the same time; a test is judged by itself."""
    return order.purpose is Purpose.ACTIVATION


def _close(order: Order, other: Order, terms: Terms) -> bool:
    if order.overlaps(other):
        return False
    return max(order.start - other.end, other.start - order.end) < terms.least_gap


def netted(orders: Sequence[Order]) -> tuple[Order, ...]:
    """Return what orders ask for together: their powers added up, those of the other direction taken off (D8).

    Orders that meet no other stay as they are; where several meet there is one for each stretch of the same power,
    given when the first of them was: from then on it is known that there will be one.
    """
    found: list[Order] = []
    for group in _meeting(orders):
        found.extend(group if len(group) == 1 else _cut(group))
    return tuple(found)


def row(order: Order, others: Iterable[Order]) -> tuple[Order, ...]:
    """Return an order with those of its direction that come right before or after it, one by another, in order (D8).

    Enedis' tool cuts what is ordered where the direction changes, not where the power does.
    """
    start, end = order.start, order.end
    its = [one for one in others if one.direction is order.direction and one.id != order.id]
    for other in sorted(its, key=lambda one: one.start):
        if start <= other.start <= end:
            end = max(end, other.end)
    for other in sorted(its, key=lambda one: one.end, reverse=True):
        if start <= other.end <= end:
            start = min(start, other.start)
    found = [order, *(one for one in its if start <= one.start and one.end <= end)]
    return tuple(sorted(found, key=lambda one: (one.start, one.end, one.id)))


def whole(order: Order, others: Iterable[Order]) -> Stretch:
    """Return the stretch of the row that an order is in."""
    found = row(order, others)
    return Stretch(found[0].start, max(one.end for one in found))


def _meeting(orders: Sequence[Order]) -> list[list[Order]]:
    """Return the orders in groups that share some time, directly or by others."""
    groups: list[list[Order]] = []
    end: datetime | None = None
    for order in sorted(orders, key=lambda one: (one.start, one.end, one.id)):
        if end is not None and order.start < end:
            groups[-1].append(order)
            end = max(end, order.end)
        else:
            groups.append([order])
            end = order.end
    return groups


def _cut(group: Sequence[Order]) -> list[Order]:
    edges = sorted({edge for order in group for edge in (order.start, order.end)})
    rows: list[tuple[int, list[Order], datetime, datetime]] = []
    for start, end in pairwise(edges):
        there = [order for order in group if order.start <= start and end <= order.end]
        power = sum(order.direction.sign * order.power_w for order in there)
        if rows and rows[-1][0] == power:
            _, known, since, _ = rows.pop()
            rows.append((power, [*known, *(order for order in there if order not in known)], since, end))
        else:
            rows.append((power, there, start, end))
    seen: dict[str, int] = {}
    pieces = []
    for power, there, start, end in rows:
        if not power:
            continue
        name = "+".join(order.id for order in there)
        seen[name] = seen.get(name, 0) + 1
        pieces.append(
            replace(
                there[0],
                start=start,
                end=end,
                id=name if seen[name] == 1 else f"{name}#{seen[name]}",
                ordered_at=min(order.ordered_at for order in there),
                power_w=abs(power),
                direction=Direction.REDUCE_NET_WITHDRAWAL if power > 0 else Direction.INCREASE_NET_WITHDRAWAL,
                of=tuple(order.id for order in there),
            )
        )
    return pieces
