"""What others build upon: a change of it is seen here."""

from syrupy.assertion import SnapshotAssertion

from custom_components.flex_ready import tic
from custom_components.flex_ready.meter.binary_descriptions import BINARY_SENSORS
from custom_components.flex_ready.meter.coordinator import MeterCoordinator
from custom_components.flex_ready.meter.descriptions import SENSORS


def test_the_names_of_the_decoder(snapshot: SnapshotAssertion) -> None:
    """What `tic` exports, all of it there."""
    assert sorted(tic.__all__) == tic.__all__
    assert all(hasattr(tic, name) for name in tic.__all__)
    assert tic.__all__ == snapshot


def test_the_keys_of_the_entities(snapshot: SnapshotAssertion) -> None:
    """They are in unique ids: a key that changes is an entity lost. Those enabled by default have a star."""
    keys = {
        platform: [f"{'*' if row.entity_registry_enabled_default else ' '} {row.key}" for row in rows]
        for platform, rows in (("sensor", SENSORS), ("binary_sensor", BINARY_SENSORS))
    }
    assert all(len(set(rows)) == len(rows) for rows in keys.values())
    assert keys == snapshot


def test_the_names_of_the_coordinator(snapshot: SnapshotAssertion) -> None:
    """What other rooms of the house call."""
    assert sorted(name for name in vars(MeterCoordinator) if not name.startswith("_")) == snapshot
