"""Readings as a text that is kept over a restart, as short as can be read.

A word is the number of a step since 1970, then Wh and a letter for how good they are, or an x: "983842:250m 983843:x".
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import re

from .cutting import LENGTHS, Cut
from .model import Quality, Reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_S = timedelta(seconds=1)
_LETTERS = {Quality.MEASURED: "m", Quality.ESTIMATED: "e", Quality.UNKNOWN: "u"}
_QUALITIES = {letter: quality for quality, letter in _LETTERS.items()}
_WORD = re.compile(r"([0-9]{1,8}):(?:x|(-?[0-9]{1,9})([emu]))")


def written(cut: Cut) -> dict[str, str]:
    """Return readings as texts, by the length of their steps (s)."""
    return {
        str(length // _S): " ".join(_word((at - _EPOCH) // length, one) for at, one in sorted(readings.items()))
        for length, readings in cut.items()
        if readings
    }


def read(kept: object) -> tuple[Cut, bool]:
    """Return the readings that texts tell, and whether all of it makes sense."""
    if not isinstance(kept, Mapping):
        return {}, False
    cut: Cut = {}
    sense = True
    for length in LENGTHS:
        text = kept.get(str(length // _S), "")
        words = [_WORD.fullmatch(word) for word in text.split()] if isinstance(text, str) else [None]
        sense &= None not in words
        if readings := dict(_reading(word, length) for word in words if word is not None):
            cut[length] = readings
    return cut, sense


def _word(step: int, reading: Reading) -> str:
    return f"{step}:x" if reading.wh is None else f"{step}:{reading.wh}{_LETTERS[reading.quality]}"


def _reading(word: re.Match[str], length: timedelta) -> tuple[datetime, Reading]:
    step, wh, letter = word.groups()
    reading = Reading(None, Quality.MISSING) if wh is None else Reading(int(wh), _QUALITIES[letter])
    return _EPOCH + int(step) * length, reading
