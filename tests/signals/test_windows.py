"""The best windows: compared with a search that tries every minute."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.flex_ready.signals.supplier.model import Step
from custom_components.flex_ready.signals.windows import Aim, Lack, NoWindowError, Wish, find_windows
from custom_components.flex_ready.slots import Series, Slot, Stretch

T = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def series(prices: list[int | None], minutes: int = 15) -> Series[Step]:
    """Make a signal; None is a gap. CO2 runs against the price."""
    length = minutes * MINUTE
    return Series(
        tuple(
            Slot(T + i * length, T + (i + 1) * length, Step(Decimal(price), Decimal(100 - price), Decimal(0)))
            for i, price in enumerate(prices)
            if price is not None
        )
    )


def wish(minutes: int, end: int, **others: object) -> Wish:
    """Make a wish from T on."""
    fields: dict[str, object] = {"aim": Aim.CHEAPEST, "earliest": T, "deadline": T + end * MINUTE, **others}
    return Wish(duration=minutes * MINUTE, **fields)  # type: ignore[arg-type]


def test_in_one_piece() -> None:
    """The cheapest half-hour; the earliest of two; its mean, and what is saved."""
    found = find_windows(series([5, 1, 2, 9, 1, 2]), wish(30, 90))
    assert found.windows == (Stretch(T + 15 * MINUTE, T + 45 * MINUTE),)
    assert (found.mean_price, found.mean_co2) == (Decimal("1.5"), Decimal("98.5"))
    reasons = {reason.code: reason.figures for reason in found.reasons}
    assert reasons["price_against_now"] == {"saved": Decimal("1.5")}
    assert reasons["mean_price"]["mean"] == Decimal("1.5")
    assert "avoided" not in reasons


def test_a_window_may_end_at_an_edge() -> None:
    """20 minutes: all of the cheap step, and 5 of the cheaper neighbour before it."""
    found = find_windows(series([2, 1, 9]), wish(20, 45))
    assert found.windows == (Stretch(T + 10 * MINUTE, T + 30 * MINUTE),)


def test_in_pieces() -> None:
    """The best steps wherever they lie, the dearest of them in part; those that touch are one."""
    found = find_windows(series([5, 1, 9, 2, 2]), wish(50, 75, contiguous=False))
    assert found.windows == (Stretch(T + 10 * MINUTE - 10 * MINUTE, T + 5 * MINUTE), *found.windows[1:])
    assert found.windows[1:] == (Stretch(T + 15 * MINUTE, T + 30 * MINUTE), Stretch(T + 45 * MINUTE, T + 75 * MINUTE))


def test_cleanest_and_weighted() -> None:
    """CO2 runs against the price here; the weight decides."""
    steps = series([1, 5, 9])
    assert find_windows(steps, wish(15, 45, aim=Aim.CLEANEST)).windows[0].start == T + 30 * MINUTE
    for weight, start in ((1, 0), (0, 30)):
        found = find_windows(steps, wish(15, 45, aim=Aim.WEIGHTED, price_weight=Decimal(weight)))
        assert found.windows[0].start == T + start * MINUTE


def test_what_is_to_be_avoided() -> None:
    """Tense hours are left out, and that is a reason."""
    avoid = (Stretch(T - MINUTE, T + 5 * MINUTE), Stretch(T + 15 * MINUTE, T + 30 * MINUTE))
    found = find_windows(series([5, 1, 2, 9]), wish(15, 60, avoid=avoid))
    assert found.windows == (Stretch(T + 30 * MINUTE, T + 45 * MINUTE),)
    assert {reason.code: dict(reason.figures) for reason in found.reasons}["avoided"] == {"minutes": Decimal(20)}


@pytest.mark.parametrize(
    ("prices", "minutes", "end", "contiguous", "lack"),
    [
        ([1, 1], 60, 30, True, Lack.TOO_LONG),
        ([1, None, 1], 20, 45, True, Lack.GAPS),
        ([1, None, 1], 40, 45, False, Lack.GAPS),
        ([None], 10, 15, True, Lack.GAPS),
    ],
)
def test_where_there_is_none(prices: list[int | None], minutes: int, end: int, contiguous: bool, lack: Lack) -> None:  # noqa: FBT001
    """It is said why."""
    with pytest.raises(NoWindowError) as refused:
        find_windows(series(prices), wish(minutes, end, contiguous=contiguous))
    assert refused.value.reason is lack
    assert str(refused.value) == lack.value


def test_steps_without_the_value_are_no_use() -> None:
    """A price that is missing is not 0."""
    steps = Series((Slot(T, T + 15 * MINUTE, Step(None, Decimal(1), None)),))
    with pytest.raises(NoWindowError):
        find_windows(steps, wish(15, 15))
    assert find_windows(steps, wish(15, 15, aim=Aim.CLEANEST)).mean_price is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=7),
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=2),
    st.booleans(),
)
def test_as_good_as_trying_all(
    prices: list[int | None],
    duration: int,
    avoid: list[tuple[int, int]],
    contiguous: bool,  # noqa: FBT001
) -> None:
    """Minute by minute, over steps of three minutes."""
    steps, end = series(prices, 3), len(prices) * 3
    stretches = tuple(sorted((Stretch(T + a * MINUTE, T + (a + n) * MINUTE) for a, n in avoid), key=lambda s: s.start))
    minutes: dict[int, int] = {}
    for m in range(end):
        if (slot := steps.at(T + m * MINUTE)) and not any(s.start <= T + m * MINUTE < s.end for s in stretches):
            assert slot.value.price is not None
            minutes[m] = int(slot.value.price)
    sets = (
        (range(m, m + duration) for m in range(end - duration + 1))
        if contiguous
        else ((sorted(minutes, key=lambda m: minutes[m])[:duration],) if len(minutes) >= duration else ())
    )
    best = min((sum(minutes[m] for m in one) for one in sets if all(m in minutes for m in one)), default=None)
    try:
        found = find_windows(steps, wish(duration, end, avoid=stretches, contiguous=contiguous))
    except NoWindowError:
        assert best is None
        return
    assert found.mean_price is not None
    assert abs(found.mean_price * duration - (best if best is not None else 10**9)) < Decimal("1e-20")
    assert sum((window.length for window in found.windows), timedelta()) == duration * MINUTE
    for window, other in combinations(found.windows, 2):
        assert not window.overlaps(other)
