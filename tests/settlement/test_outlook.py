"""What an order is likely to bring, and where the half-hour that runs is heading."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings, strategies as st
import pytest
from terms import START, WITH, WITHOUT, order_of

from custom_components.flex_ready.settlement.model import STEP, Direction, Purpose
from custom_components.flex_ready.settlement.outlook import Outlook, outlook, step_left, step_outlook
from custom_components.flex_ready.settlement.profile import Decisions, Penalised
from custom_components.flex_ready.settlement.trials import Outcome, activation_outcome
from custom_components.flex_ready.settlement.volumes import step_volume

MINUTE = timedelta(minutes=1)
ORDER = order_of(300_000, 2)
"""600 kW for an hour."""


def likely(*errors: Sequence[float], delivered: int = 300_000, decisions: Decisions | None = None) -> Outlook:
    """Return what is likely to come of the order if as much is delivered in each half-hour, at 200 EUR/MWh."""
    so_much = dict.fromkeys(ORDER.steps, Fraction(delivered))
    return outlook(ORDER, WITHOUT, so_much, errors, decisions=decisions)


def test_without_scenarios_it_is_what_is_delivered() -> None:
    """All of it: the whole premium; two thirds: two defaults."""
    assert likely() == Outlook(
        scenarios=0,
        premium=Decimal("120.00"),
        penalty=Decimal("0.00"),
        net=Decimal("120.00"),
        low=Decimal("120.00"),
        high=Decimal("120.00"),
        default=Fraction(0),
        realised_wh=Fraction(600_000),
    )
    short = likely(delivered=200_000)
    assert (short.premium, short.penalty, short.default) == (Decimal("80.00"), Decimal("1840.00"), Fraction(1))


def test_scenarios_are_settled_one_by_one() -> None:
    """The mean of what they bring is not what their mean brings: 80 % costs nothing, a Wh less costs 9,200 EUR/MWh."""
    found = likely((0, 0), (-60_000, 0), (-60_001, 0), (90_000, -120_000))
    # Premiums of 120, 108, 108.00 and 96; penalties of 0, 0, 552.01 and 1,104.
    assert (found.premium, found.penalty, found.net) == (Decimal("108.00"), Decimal("414.00"), Decimal("-306.00"))
    assert (found.scenarios, found.default) == (4, Fraction(1, 2))
    assert (found.low, found.high) == (Decimal("-1008.00"), Decimal("120.00"))


def test_an_error_is_of_the_reference() -> None:
    """One that was too high makes a reduction look larger, and an increase smaller."""
    so_much = dict.fromkeys(ORDER.steps, Fraction(100_000))
    down = replace(ORDER, direction=Direction.INCREASE_NET_WITHDRAWAL)
    errors = [(10_000.0, 20_000.0)]
    assert outlook(ORDER, WITHOUT, so_much, errors).realised_wh == 230_000
    assert outlook(down, WITHOUT, so_much, errors).realised_wh == 170_000


def test_one_in_ten_is_left_out_at_either_end() -> None:
    """Of 21 scenarios the two worst and the two best."""
    found = likely(*[(-1000.0 * number, 0.0) for number in range(21)])
    assert (found.low, found.high) == (Decimal("116.40"), Decimal("119.60"))


def test_it_is_read_as_the_contract_is() -> None:
    """A setting of the contract counts here as well; and with reservation its own penalty does."""
    first = Decisions(penalised=Penalised.FIRST_DEFAULT_STEP)
    assert likely(delivered=200_000, decisions=first).penalty == Decimal("920.00")
    none = dict.fromkeys(ORDER.steps, Fraction())
    assert outlook(ORDER, WITH, none, []).penalty == Decimal("128000.00")


@settings(max_examples=60, deadline=None)
@given(
    errors=st.lists(st.tuples(st.integers(-400_000, 400_000), st.integers(-400_000, 400_000)), min_size=1, max_size=40),
    delivered=st.integers(0, 400_000),
)
def test_any_scenarios(errors: list[tuple[int, int]], delivered: int) -> None:
    """As somebody counts them with a pencil."""
    found = likely(*errors, delivered=delivered)
    premium = penalty = Fraction()
    defaults = 0
    for day in errors:
        done = [max(delivered + error, 0) for error in day]
        premium += sum(Fraction(min(wh, 300_000) * 200, 1_000_000) for wh in done)
        short = [300_000 - wh for wh in done if wh < 240_000]
        penalty += Fraction(sum(short) * 9_200, 1_000_000)
        defaults += bool(short)
    assert abs(Fraction(found.premium) - premium / len(errors)) <= Fraction(1, 100)
    assert abs(Fraction(found.penalty) - penalty / len(errors)) <= Fraction(1, 100)
    assert found.default == Fraction(defaults, len(errors))
    assert found.low <= found.high


@pytest.mark.parametrize(
    ("realised", "watts", "minutes", "projected", "needed", "passes"),
    [
        (0, 600_000, 30, 300_000, 0, True),
        (0, 480_000, 30, 240_000, 0, True),  # just 80 %
        (0, 479_999, 30, Fraction(479_999, 2), 1, False),
        (100_000, 300_000, 15, 175_000, 260_000, False),
        (240_000, 0, 10, 240_000, 0, True),  # reached already
        (239_999, 0, 10, 239_999, 6, False),
        (-50_000, 600_000, 15, 100_000, 560_000, False),
        (240_000, -600_000, 6, 180_000, 600_000, False),  # about to be undone
    ],
)
def test_where_the_half_hour_is_heading(
    realised: int,
    watts: int,
    minutes: int,
    projected: Fraction,
    needed: int,
    passes: bool,  # noqa: FBT001
) -> None:
    """Of 300 kWh expected: what it comes to, and how much more power would make 80 %."""
    found = step_outlook(Fraction(300_000), Fraction(realised), watts, minutes * MINUTE)
    assert (found.projected_wh, found.needed_w, found.passes) == (projected, needed, passes)
    assert found.possible


@pytest.mark.parametrize("purpose", [Purpose.ACTIVATION_TEST, Purpose.ADDITIONAL_TEST])
@pytest.mark.parametrize(
    ("realised", "watts", "minutes", "needed", "possible"),
    [
        (0, 480_000, 30, 1, True),  # just 80 % is not enough
        (0, 480_001, 30, 0, True),
        (240_000, 0, 10, 1, True),
        (240_000, 0, 0, 0, False),
        (240_001, 0, 0, 0, True),
        (239_999, 0, 10, 7, True),  # 6 W would make it just 80 %
        (239_999, 0, 11, 6, True),  # 5.45
    ],
)
def test_r25_a_test_needs_more(
    purpose: Purpose,
    realised: int,
    watts: int,
    minutes: int,
    needed: int,
    possible: bool,  # noqa: FBT001
) -> None:
    """Than 80 % of 300 kWh, by a whole watt, be it the first test or the additional one."""
    found = step_outlook(Fraction(300_000), Fraction(realised), watts, minutes * MINUTE, purpose=purpose)
    assert (found.needed_w, found.possible, found.passes) == (needed, possible, possible and not needed)


def test_too_late() -> None:
    """Once it is over it has passed, or it has not and nothing can be done."""
    missed = step_outlook(Fraction(300_000), Fraction(239_999), 10**9, timedelta())
    assert (missed.passes, missed.possible) == (False, False)
    passed = step_outlook(Fraction(300_000), Fraction(240_000), -1, -MINUTE)
    assert (passed.passes, passed.possible, passed.projected_wh) == (True, True, Fraction(240_000))


@given(
    expected=st.integers(1, 10**7),
    realised=st.fractions(min_value=-(10**7), max_value=10**7, max_denominator=9),
    watts=st.integers(-(10**7), 10**7),
    seconds=st.integers(1, 1800),
    purpose=st.sampled_from(Purpose),
)
def test_just_enough(expected: int, realised: Fraction, watts: int, seconds: int, purpose: Purpose) -> None:
    """With the power that is needed it passes as it will be judged, with a watt less it does not."""
    left = timedelta(seconds=seconds)

    def passes(power: int) -> bool:
        found = step_outlook(Fraction(expected), realised, power, left, purpose=purpose)
        volume = step_volume(START, found.expected_wh, found.projected_wh)
        judged = not volume.default if purpose is Purpose.ACTIVATION else activation_outcome([volume]) is Outcome.PASSED
        assert found.passes is judged
        return judged

    needed = step_outlook(Fraction(expected), realised, watts, left, purpose=purpose).needed_w
    assert passes(watts + needed)
    assert needed == 0 or not passes(watts + needed - 1)


def test_what_is_left_of_a_half_hour() -> None:
    """All of it before it starts, nothing once it is over."""
    assert step_left(START, START - MINUTE) == STEP
    assert step_left(START, START + 10 * MINUTE) == 20 * MINUTE
    assert step_left(START, START + 2 * STEP) == timedelta()
