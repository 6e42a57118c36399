"""Home Assistant's log, read for what should not be in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import re
from typing import override

_HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^\]]+)\] (?P<text>.*)")
_OURS = "custom_components.flex_ready"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the log with the lines that follow it."""

    level: str
    logger: str
    text: str

    @override
    def __str__(self) -> str:
        """Give it in a line."""
        return f"{self.logger}: {self.text.partition('\n')[0]}"

    @property
    def ours(self) -> bool:
        """Tell whether it comes from the integration, or from an error that went through its code."""
        return self.logger.startswith(_OURS) or "custom_components/flex_ready/" in self.text

    @property
    def not_installed(self) -> bool:
        """Tell whether it says that a part of Home Assistant that the demo does without is not installed."""
        return self.logger == "homeassistant.setup" and not self.ours


def read_log(text: str) -> Iterator[Record]:
    """Give the records of a log."""
    level, logger, lines = "", "", list[str]()
    for line in text.splitlines():
        if head := _HEAD.match(line):
            if lines:
                yield Record(level, logger, "\n".join(lines))
            level, logger, lines = head["level"], head["logger"], [head["text"]]
        elif lines:
            lines.append(line)
    if lines:
        yield Record(level, logger, "\n".join(lines))


def errors(file: Path) -> list[Record]:
    """Return what the log of a run has of errors, but for what is not installed."""
    records = read_log(file.read_text(errors="replace"))
    return [record for record in records if record.level in ("ERROR", "CRITICAL") and not record.not_installed]
