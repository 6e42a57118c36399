"""The id by which operators know a building."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6f6b1f5e-50a5-4f0e-9f0b-3f1d6d1c7a52")


def bacs_id(entry_id: str) -> str:
    """Return the id of the BACS that a building entry is: the same as long as the entry is there."""
    return str(uuid5(_NAMESPACE, entry_id))
