"""What is answered by rule: an offer of what can be given, a no, and which limit of the user a request breaks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, strategies as st
import pytest
from said import HOUR, KW, MINUTE, NOON, PARIS, potential, powers, request

from custom_components.flex_ready.control.load import Hours
from custom_components.flex_ready.flexibility.book import Decline
from custom_components.flex_ready.flexibility.model import Offer, Request
from custom_components.flex_ready.flexibility.policy import Policy, Standing, offer, outside
from custom_components.flex_ready.flexibility.record import Cause
from custom_components.flex_ready.slots import Slot

DAY = timedelta(days=1)
WORKING = frozenset(range(5))
FRIDAY = datetime(2026, 4, 3, 20, tzinfo=UTC)
"""22:00 in Paris."""


def standing(able: int = 100, **others: Any) -> Standing:  # noqa: ANN401
    """Say how things stand; kW."""
    return Standing(**{"now": NOON - 6 * HOUR, "zone": PARIS, "able": able * KW, **others})


def several(*slots: tuple[datetime, timedelta, int]) -> Request:
    """Make a request of several slots."""
    return replace(request(), power=powers(*slots))


def test_an_offer() -> None:
    """Is what is asked for, at the price laid down, for as long as it holds."""
    policy = Policy(offer_holds=10 * MINUTE, price=Decimal("0.085"))
    made = offer(policy, request(), potential(), standing())
    assert made == Offer(
        power=request().power,
        expires_at=NOON - 6 * HOUR + 10 * MINUTE,
        mobilization_delay=MINUTE,
        price=Decimal("0.085"),
    )
    by_contract = offer(Policy(), request(), potential(), standing())
    assert isinstance(by_contract, Offer)
    assert by_contract.price is None


def test_what_can_be_given_is_offered() -> None:
    """Down to four fifths of the highest slot; below that nothing is."""
    wanted = several((NOON, HOUR, 80), (NOON + HOUR, HOUR, 60))
    made = offer(Policy(), wanted, potential(), standing(64))
    assert isinstance(made, Offer)
    assert [slot.value / KW for slot in made.power] == [64, 60]
    assert offer(Policy(), wanted, potential(), standing(63)) == Decline(
        cause=Cause.UNAVAILABLE, detail="63000 W can be given, 80000 W are asked for"
    )
    assert isinstance(offer(Policy(), wanted, potential(power=63 * KW), standing()), Decline)


@given(able=st.integers(0, 200), asked=st.lists(st.integers(-5, 200), min_size=1, max_size=4), most=st.integers(0, 200))
def test_no_offer_is_beyond_what_can_be_given(able: int, asked: list[int], most: int) -> None:
    """Nor beyond the potential, nor beyond what is asked for; and it is something."""
    wanted = several(*((NOON + i * HOUR, HOUR, one) for i, one in enumerate(asked)))
    made = offer(Policy(), wanted, potential(power=most * KW), standing(able))
    if isinstance(made, Offer):
        for slot, one in zip(made.power, asked, strict=True):
            assert 0 < slot.value <= min(able, most, one) * KW
            assert slot.value >= one * KW * 4 / 5
    else:
        assert min(asked) <= 0 or min(able, most) < max(asked) * 4 / 5


def test_nothing_is_given_where_nothing_can() -> None:
    """Whatever is asked for."""
    assert offer(Policy(), request(), potential(), standing(idle="it only observes")) == Decline(
        cause=Cause.UNAVAILABLE, detail="it only observes"
    )


@pytest.mark.parametrize(
    ("hours", "days", "start", "length", "expected"),
    [
        (None, WORKING, NOON, HOUR, ""),
        (None, WORKING, NOON + 2 * DAY, HOUR, "not on this day"),
        (None, WORKING, FRIDAY, 2 * HOUR, ""),
        (None, WORKING, FRIDAY, 2 * HOUR + MINUTE, "not on this day"),
        (Hours(480, 1080), WORKING, NOON, HOUR, ""),
        (Hours(720, 780), WORKING, NOON, HOUR, ""),
        (Hours(721, 780), WORKING, NOON, HOUR, "not at this hour"),
        (Hours(720, 779), WORKING, NOON, HOUR, "not at this hour"),
        (Hours(480, 1080), WORKING, NOON, 25 * HOUR, "not at this hour"),
        (Hours(1320, 360), WORKING, FRIDAY, 8 * HOUR, ""),
        (Hours(1320, 360), WORKING, FRIDAY, 8 * HOUR + MINUTE, "not at this hour"),
        (Hours(1320, 360), WORKING, FRIDAY + 3 * HOUR, HOUR, ""),
        (Hours(1320, 360), WORKING, FRIDAY + DAY, HOUR, "not on this day"),
        (Hours(1320, 360), frozenset((5,)), FRIDAY + 3 * HOUR, HOUR, "not on this day"),
        (Hours(480, 1080), WORKING, NOON, 400 * DAY, "not at this hour"),
    ],
)
def test_hours_and_days(
    hours: Hours | None, days: frozenset[int], start: datetime, length: timedelta, expected: str
) -> None:
    """All of a request lies within them; a night is the day's on which it begins."""
    assert outside(Policy(hours=hours, days=days), request(start, length), standing()) == expected


@pytest.mark.parametrize(
    ("night", "length"), [(datetime(2026, 3, 28, 21, tzinfo=UTC), 7), (datetime(2026, 10, 24, 20, tzinfo=UTC), 9)]
)
def test_a_night_of_another_length(night: datetime, length: int) -> None:
    """From ten to six: seven hours, or nine."""
    policy = Policy(hours=Hours(1320, 360))
    assert outside(policy, request(night, length * HOUR), standing()) == ""
    assert outside(policy, request(night, length * HOUR + MINUTE), standing()) == "not at this hour"


def test_slots_apart() -> None:
    """Each lies within the hours; what is between them does not matter."""
    policy = Policy(hours=Hours(720, 780))
    assert outside(policy, several((NOON, HOUR, 1), (NOON + DAY, HOUR, 1)), standing()) == ""
    assert outside(policy, several((NOON, HOUR, 1), (NOON + 3 * HOUR, HOUR, 1)), standing()) == "not at this hour"


def test_red() -> None:
    """Any slot of it, unless it is allowed; what is known not to be red is not."""
    wanted = several((NOON, HOUR, 1), (NOON + HOUR, HOUR, 1), (NOON + 4 * HOUR, HOUR, 1))

    def red(start: timedelta, *, value: bool = True) -> Standing:
        return standing(red=(Slot(NOON + start, NOON + start + HOUR, value),))

    for start in (timedelta(), 2 * HOUR - MINUTE, 4 * HOUR, 5 * HOUR - MINUTE):
        assert outside(Policy(), wanted, red(start)) == "Ecowatt is red then"
        assert outside(Policy(despite_red=True), wanted, red(start)) == ""
        assert outside(Policy(), wanted, red(start, value=False)) == ""
    for start in (-HOUR, 2 * HOUR, 3 * HOUR, 5 * HOUR):
        assert outside(Policy(), wanted, red(start)) == ""


def test_activations_of_a_day() -> None:
    """By the site's calendar; each activation of a request counts."""
    late = datetime(2026, 10, 25, 22, 30, tzinfo=UTC)  # 23:30 of a day of 25 hours
    early = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 00:30 of it
    policy = Policy(most_activations=2)
    assert outside(policy, request(late), standing(activations=[early])) == ""
    assert (
        outside(policy, request(late), standing(activations=iter([early, early]))) == "enough activations on this day"
    )
    assert outside(policy, request(late + HOUR), standing(activations=[early, early])) == ""
    twice = several((NOON, HOUR, 1), (NOON + 2 * HOUR, HOUR, 1))
    assert outside(policy, twice, standing()) == ""
    assert outside(policy, twice, standing(activations=[NOON - HOUR])) == "enough activations on this day"
    assert outside(Policy(), twice, standing(activations=[NOON] * 9)) == ""
