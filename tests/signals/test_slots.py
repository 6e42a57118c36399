"""A row of slots: lookup at the edges, gaps, runs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.flex_ready.slots import Series, Slot, Stretch

T = datetime(2026, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
ROW = Series((Slot(T, T + H, 1), Slot(T + H, T + 2 * H, 1), Slot(T + 3 * H, T + 4 * H, 2)))


def test_a_slot_begins_at_its_start_and_ends_before_its_end() -> None:
    """Half-open; a gap is nothing."""
    assert [slot.value if (slot := ROW.at(T + i * H / 2)) else None for i in range(-1, 9)] == [
        *(None, 1, 1, 1, 1, None, None, 2, 2, None),
    ]


def test_what_comes_next() -> None:
    """The edge of what holds now, or the start of what holds next."""
    assert [ROW.edge_after(T + i * H) for i in range(-1, 5)] == [T, T + H, T + 2 * H, T + 3 * H, T + 4 * H, None]
    assert ROW.after(T + H) == ROW.slots[2]
    assert ROW.after(T + 3 * H) is None


def test_parts_gaps_and_runs() -> None:
    """Whole slots, cut slots, what is between them, and what is joined."""
    assert len(ROW) == 3
    assert ROW.between(T + H, T + 3 * H).slots == ROW.slots[1:2]
    assert ROW.cut(T + H / 2, T + 3.5 * H).slots == (
        *(Slot(T + H / 2, T + H, 1), ROW.slots[1], Slot(T + 3 * H, T + 3.5 * H, 2)),
    )
    assert ROW.gaps(T - H, T + 5 * H) == (
        *(Stretch(T - H, T), Stretch(T + 2 * H, T + 3 * H), Stretch(T + 4 * H, T + 5 * H)),
    )
    assert ROW.gaps(T, T + 2 * H) == ()
    assert ROW.runs(lambda _: True) == (Stretch(T, T + 2 * H), Stretch(T + 3 * H, T + 4 * H))
    assert Stretch(T, T + H).overlaps(Stretch(T + H / 2, T + 2 * H))
    assert not Stretch(T, T + H).overlaps(Stretch(T + H, T + 2 * H))
    assert Stretch(T, T + H).length == H


def test_what_is_no_row() -> None:
    """Empty, out of order, in another zone."""
    with pytest.raises(ValueError, match="empty"):
        Stretch(T, T)
    with pytest.raises(ValueError, match="UTC"):
        Stretch(T.astimezone(ZoneInfo("Europe/Paris")), T + H)
    with pytest.raises(ValueError, match="order"):
        Series((ROW.slots[1], ROW.slots[0]))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 2)), max_size=12), st.integers(-3, 130))
def test_lookup_is_what_a_look_at_all_gives(parts: list[tuple[int, int, int]], minute: int) -> None:
    """Whatever the slots."""
    slots, at = [], 0
    for gap, length, value in parts:
        at += gap
        slots.append(Slot(T + timedelta(minutes=at), T + timedelta(minutes=at + length), value))
        at += length
    row, when = Series(tuple(slots)), T + timedelta(minutes=minute)
    assert row.at(when) == next((slot for slot in slots if slot.start <= when < slot.end), None)
    covered = sum((slot.length for slot in row.cut(T, T + timedelta(hours=3))), timedelta())
    empty = sum((gap.length for gap in row.gaps(T, T + timedelta(hours=3))), timedelta())
    assert covered + empty == timedelta(hours=3)
