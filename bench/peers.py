"""Other projects' decoders, in this process, under names of their own, each behind one signature.

pyteleinfo and teleinfo both install a package named `teleinfo`; either is imported from its own environment and
then filed under its distribution's name, so that the next can have the name.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
import inspect
from pathlib import Path
import sys
from types import ModuleType
from typing import Any

_ROOT = Path(__file__).parents[1]

type Decode = Callable[[], int]
"""One pass over a stream; returns the number of groups that came out."""


@contextmanager
def _importing_from(directory: Path) -> Iterator[None]:
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))


def _site(distribution: str) -> Path:
    return next((_ROOT / f".venv-bench-{distribution}" / "lib").glob("python*/site-packages"))


def _load(distribution: str) -> ModuleType:
    """Import `teleinfo` as `distribution` installs it, and free the name."""
    with _importing_from(_site(distribution)):
        module = import_module("teleinfo")
    for name in [name for name in sys.modules if name.partition(".")[0] == "teleinfo"]:
        sys.modules[distribution + name.removeprefix("teleinfo")] = sys.modules.pop(name)
    return module


class Pyteleinfo:
    """pyteleinfo 0.4.0, `decode()`, which wants one whole frame: what Home Assistant's teleinfo uses."""

    name = "pyteleinfo 0.4.0 decode()"

    def __init__(self) -> None:
        module = _load("pyteleinfo")
        self._decode = module.decode
        self._refused: type[Exception] = module.TeleinfoDecodingError

    def accepts(self, frame: bytes) -> bool:
        """Whether it decodes a frame."""
        try:
            self._decode(frame)
        except self._refused:
            return False
        return True

    def over(self, frames: list[bytes]) -> Decode:
        """Prepare a pass over whole frames."""
        decode = self._decode
        return lambda: sum(len(decode(frame)) for frame in frames)


class Teleinfo:
    """teleinfo 1.3.1, `Parser`, which reads its port character by character; here from memory. Historique only."""

    name = "teleinfo 1.3.1 Parser"

    def __init__(self) -> None:
        module = _load("teleinfo")
        self._parser = module.Parser
        self._port = sys.modules["teleinfo.base_vendor"].BASE_vendor

    def over(self, frames: list[bytes]) -> Decode:
        """Prepare a pass over whole frames."""
        # Its constructor swallows one STX and get_frame() waits for the next: it would lose the first frame.
        text = "\x02" + b"".join(frames).decode("ascii")
        port_type: Any = type("Port", (self._port,), {"__iter__": lambda port: port.characters})

        def decode() -> int:
            port = port_type()
            port.characters = iter(text)
            port.read_char = port.characters.__next__
            parser = self._parser(port)
            return sum(len(parser.get_frame()) for _ in frames)

        return decode


class Linkytic:
    """linkytic's parser of one line, from a checkout: `_parse_line`, or `from_raw` in versions that have it."""

    def __init__(self, checkout: Path) -> None:
        component = checkout / "custom_components" / "linkytic"
        if not (component / "serial_reader.py").is_file():
            raise SystemExit(f"no custom_components/linkytic/serial_reader.py in {checkout}")
        # A bare package in its place: its __init__ sets a whole integration up. Its pyserial is pyteleinfo's.
        package = ModuleType("linkytic")
        package.__path__ = [str(component)]
        sys.modules["linkytic"] = package
        with _importing_from(_site("pyteleinfo")):
            self._module = import_module("linkytic.serial_reader")
        self._by_line = hasattr(getattr(self._module, "LinkyTICReader", None), "_parse_line")
        if not self._by_line and not hasattr(self._module, "HistoricDataset"):
            raise SystemExit(f"{checkout}: neither LinkyTICReader._parse_line nor HistoricDataset.from_raw")
        self.name = "linkytic _parse_line()" if self._by_line else "linkytic from_raw()"

    def parser(self, *, standard: bool) -> Callable[[bytes], object]:
        """Make its parser of lines (LF at the end, as readline() gives them); what it returns is None for none."""
        if not self._by_line:
            return self._from_raw(standard=standard)
        reader_type = self._module.LinkyTICReader
        offered = {"title": "bench", "port": "", "std_mode": standard, "producer_mode": False, "three_phase": False}
        wanted = inspect.signature(reader_type).parameters
        reader = reader_type(**{name: value for name, value in offered.items() if name in wanted})
        parse: Callable[[bytes], object] = reader._parse_line  # noqa: SLF001 - its line parser has no other name
        parse(b"")  # it skips the first line
        return parse

    def _from_raw(self, *, standard: bool) -> Callable[[bytes], object]:
        module = self._module
        read = (module.StandardDataset if standard else module.HistoricDataset).from_raw
        refused = (module.MalformatedDatasetException, module.InvalidChecksumException)

        def parse(line: bytes) -> object:
            try:
                return read(line.rstrip(b"\r\x03\x02\n"))
            except refused:
                return None

        return parse

    def over(self, lines: list[bytes], *, standard: bool) -> Decode:
        """Prepare a pass over lines."""
        parse = self.parser(standard=standard)
        return lambda: sum(parse(line) is not None for line in lines)
