"""A ledger in a file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

from kept import url
import pytest

from custom_components.flex_ready.ledger import Ledger


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "flex_ready.db"


@pytest.fixture
async def ledger(file: Path) -> AsyncIterator[Ledger]:
    """A ledger that is open."""
    opened = await Ledger.open(url(file))
    yield opened
    await opened.close()
