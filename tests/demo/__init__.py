"""Tests of the demo's own parts; what it promises as a whole is checked by `scripts/demo --check`."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
