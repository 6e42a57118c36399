"""Energy is cut into steps of whole Wh whose sum is what came."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
import json
from math import floor

from hypothesis import given, strategies as st

from custom_components.flex_ready.settlement.cutting import TEN_MINUTES, Cut, Cutter, joined
from custom_components.flex_ready.settlement.model import STEP, Quality, Reading

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PARTS = st.lists(
    st.tuples(
        st.integers(1, 4000),  # s
        st.fractions(-5000, 5000, max_denominator=1000),  # Wh
        st.sampled_from(["measured", "estimated", "lost"]),
    ),
    max_size=40,
)


def cut_all(cutter: Cutter, parts: list[tuple[int, Fraction, str]]) -> Cut:
    """Put parts in, one after the other."""
    cut: Cut = {}
    for seconds, wh, how in parts:
        until = cutter.at + timedelta(seconds=seconds)
        new = cutter.lose(until) if how == "lost" else cutter.add(until, wh, measured=how == "measured")
        cut = joined(cut, new)
    return cut


@given(PARTS)
def test_the_sum_is_what_came(parts: list[tuple[int, Fraction, str]]) -> None:
    """To the Wh at each edge, whatever the parts are; what is lost is missing in each step that it touches."""
    cut = cut_all(Cutter(NOON), parts)
    came, at, lost = Fraction(), NOON, set()
    known: dict[datetime, int] = {NOON: 0}
    for seconds, wh, how in parts:
        until = at + timedelta(seconds=seconds)
        edge = NOON + (at - NOON) // TEN_MINUTES * TEN_MINUTES
        while edge < until:
            if how == "lost":
                lost.add(edge)
            if edge > at:
                part = Fraction((edge - at) // timedelta(seconds=1), seconds)
                known[edge] = floor(came + (0 if how == "lost" else wh * part))
            edge += TEN_MINUTES
        came += 0 if how == "lost" else wh
        at = until
        known[until] = floor(came)
    for length in (TEN_MINUTES, STEP):
        readings = cut.get(length, {})
        assert list(readings) == [NOON + i * length for i in range((at - NOON) // length)]
        for start, reading in readings.items():
            tens = {start + i * TEN_MINUTES for i in range(length // TEN_MINUTES)}
            if tens & lost:
                assert reading == Reading(None, Quality.MISSING)
            else:
                assert reading.wh == known[start + length] - known[start]


@given(PARTS, st.integers(0, 40))
def test_it_goes_on_from_what_was_kept(parts: list[tuple[int, Fraction, str]], split: int) -> None:
    """As if nothing had happened."""
    whole = Cutter(NOON + MINUTE)
    cut = cut_all(whole, parts)
    first = Cutter(NOON + MINUTE)
    before = cut_all(first, parts[:split])
    again = Cutter.of(json.loads(json.dumps(first.kept())))
    assert again is not None
    assert joined(before, cut_all(again, parts[split:])) == cut
    assert again.kept() == whole.kept()


def test_nonsense_is_not_gone_on_from() -> None:
    """Whatever it is."""
    kept = Cutter(NOON).kept()
    for damage in ({}, {**kept, "at": "noon"}, {**kept, "came": "much"}, {**kept, "open": [[1]]}, {**kept, "open": 3}):
        assert Cutter.of(damage) is None


def test_a_step_begun_in_the_middle_is_missing() -> None:
    """And the next one is there."""
    cutter = Cutter(NOON + MINUTE)
    cut = joined(
        cutter.add(NOON + 3 * MINUTE, Fraction(20)),
        cutter.add(NOON + STEP, Fraction(280)),
    )
    assert cut[STEP] == {NOON: Reading(None, Quality.MISSING)}
    assert cutter.so_far() == (NOON + STEP, Fraction())
    cut = joined(cutter.add(NOON + STEP + 29 * MINUTE, Fraction("0.9")), cutter.add(NOON + 2 * STEP, Fraction("0.6")))
    assert cut[STEP] == {NOON + STEP: Reading(1)}


def test_how_a_step_is_known() -> None:
    """By what lies over its edges, and by how much of it was estimated."""

    def quality(*parts: tuple[float, int, bool]) -> Quality:
        cutter, cut = Cutter(NOON), {}
        for minutes, wh, measured in parts:
            cut.update(cutter.add(NOON + minutes * MINUTE, Fraction(wh), measured=measured).get(STEP, {}))
        return cut[NOON].quality

    assert quality((29, 900, True), (34, 100, True)) is Quality.MEASURED
    assert quality((29, 900, True), (34.1, 100, True)) is Quality.ESTIMATED
    assert quality((29, 900, True), (59, 1, True)) is Quality.MEASURED  # as good as nothing
    assert quality((30, 900, True)) is Quality.MEASURED  # however long, from edge to edge
    assert quality((60, 1800, True)) is Quality.ESTIMATED
    assert quality((29, 900, True), (30, 10, False)) is Quality.MEASURED
    assert quality((28.9, 900, True), (30, 10, False)) is Quality.ESTIMATED
