"""Damaged frames of every meter: nothing comes out that was not sent, but for what the checksum cannot see."""

from random import Random

import pytest

from bench.mutations import Trial, mutate
from bench.streams import emulated
from emulator.meter.config import METERS, MeterName


@pytest.mark.parametrize("meter", METERS)
def test_no_wrong_group_but_a_collision_of_the_checksum(meter: MeterName) -> None:
    """4,000 frames each; what the format checks let through of the collisions stays rare."""
    tally = Trial(meter, seed=1).run(4_000)
    assert tally.failures == []
    assert tally.damaged > 4_000
    assert tally.collisions > 100
    assert tally.taken < tally.collisions / 4
    assert len(tally.taken_known) < tally.damaged / 200


@pytest.mark.parametrize("meter", METERS)
def test_a_whole_group_is_given_whatever_happens_to_its_neighbours(meter: MeterName) -> None:
    """But for one in a thousand: behind a burst, nothing may tell where it begins."""
    tally = Trial(meter, seed=2).run(500)
    assert tally.refused <= tally.offered / 1000


def test_the_damage_is_real() -> None:
    """Nearly every mutation changes its frame, and the same dice give the same damage."""
    frame, other = emulated("pme-pmi", 2)
    damaged = [mutate(frame, other, Random(seed)) for seed in range(200)]
    assert sum(one != frame for one in damaged) > 190
    assert damaged == [mutate(frame, other, Random(seed)) for seed in range(200)]
