"""The floors of the house: an import only ever goes down, and pure rooms know nothing of Home Assistant."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "custom_components" / "flex_ready"
NAME = "custom_components.flex_ready"
ROOMS = ("tic", "signals", "flexibility", "control", "settlement")
"""Pure, those that are there."""
LEDGER = sorted((HOUSE / "ledger").rglob("*.py"))
"""It does I/O, and is none of the shell's."""
PURE = [
    *(path for room in ROOMS for path in sorted((HOUSE / room).rglob("*.py"))),
    *(HOUSE / "meter" / f"{name}.py" for name in ("state", "quality", "indexes", "readings", "makers")),
    *(HOUSE / f"{name}.py" for name in ("port", "listen", "gate")),
    *(HOUSE / "conformity" / f"{name}.py" for name in ("criteria", "facts", "judging")),
    *LEDGER,
]
GROUND = [path for room in ROOMS if room != "flexibility" for path in sorted((HOUSE / room).rglob("*.py"))]
PROGRAM = HOUSE / "tic" / "__main__.py"
"""The command for people with a cable in their hand stands on top of the house."""


def module(path: Path) -> str:
    """Name the module of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, root: Path = ROOT) -> Iterator[str]:
    """Give the full name of everything a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=base, names=names, level=0):
                yield from (f"{base}.{name.name}" for name in names)
            case ast.ImportFrom(module=base, names=names, level=level):
                above = path.relative_to(root).parent.parts
                start = [*above[: len(above) - level + 1], *(base.split(".") if base else [])]
                yield from (".".join([*start, name.name]) for name in names)
            case _:
                pass


def of(names: Iterator[str], *roots: str) -> list[str]:
    """Return those that lie in some packages."""
    return [name for name in names if any(name == root or name.startswith(f"{root}.") for root in roots)]


def test_the_check_sees_imports(tmp_path: Path) -> None:
    """Absolute and relative ones, also inside a function."""
    file = tmp_path / "house" / "room" / "chair.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import homeassistant.core\nfrom ..hall import door\nfrom . import table\n"
        "def sit():\n    from homeassistant.helpers import entity\n"
    )
    assert list(imports(file, tmp_path)) == [
        *("homeassistant.core", "house.hall.door", "house.room.table", "homeassistant.helpers.entity"),
    ]


def test_the_pure_rooms_are_there() -> None:
    """The check has something to check."""
    assert len(PURE) > 20
    assert all(path.exists() for path in PURE)


@pytest.mark.parametrize("path", PURE, ids=module)
def test_pure_rooms_know_no_home_assistant(path: Path) -> None:
    """Nor the shell around them."""
    shell = [f"{NAME}.{name}" for name in ("config_flow", "flows", "sensor", "binary_sensor", "diagnostics")]
    glue = [f"{NAME}.meter.{name}" for name in ("coordinator", "reader", "entity", "descriptions")]
    assert of(imports(path), "homeassistant", "probatio", *shell, *glue) == []


@pytest.mark.parametrize("path", [path for path in GROUND if path != PROGRAM], ids=module)
def test_no_room_of_the_ground_floor_knows_another(path: Path) -> None:
    """Each imports of the house only itself, and the words that all share."""
    room = ".".join([NAME, path.relative_to(HOUSE).parts[0]])
    own = set(of(imports(path), room, f"{NAME}.quantity", f"{NAME}.slots"))
    assert set(of(imports(path), "custom_components")) - own == set()


@pytest.mark.parametrize("path", LEDGER, ids=module)
def test_the_ledger_stands_on_flexibility_and_settlement(path: Path) -> None:
    """And on what those stand on; nothing of the runtime above it."""
    below = [f"{NAME}.{room}" for room in ("ledger", "flexibility", "settlement", "quantity", "slots")]
    assert set(of(imports(path), "custom_components")) == set(of(imports(path), *below))


def test_the_program_on_top_imports_the_port() -> None:
    """And nothing above that."""
    assert {name.split(".")[2] for name in of(imports(PROGRAM), NAME)} == {"listen", "port", "tic"}


@pytest.mark.parametrize("path", sorted((ROOT / "emulator").rglob("*.py")), ids=module)
def test_the_other_side_shares_no_code(path: Path) -> None:
    """An emulator that used our decoder would agree with its mistakes."""
    assert of(imports(path), "custom_components", "homeassistant") == []


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=module)
def test_what_is_shipped_stands_alone(path: Path) -> None:
    """HACS installs nothing of the emulator, the tests or the benches."""
    assert of(imports(path), "emulator", "tests", "bench", "scripts") == []
