"""The single values of rows: instants and durations are whole numbers, exact numbers are text."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .model import LedgerError

type Row = dict[str, str | int | None]
"""The values of a row, by column."""
type Kept = Mapping[str, object]
"""A row as it is read."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_S = timedelta(seconds=1)
_UNREADABLE = (ArithmeticError, KeyError, TypeError, ValueError)
"""What reading raises where a row makes no sense; numbers and dates out of range are arithmetic."""


def microseconds(span: timedelta) -> int:
    """Return a duration in microseconds."""
    return span // _US


def instant(at: datetime) -> int:
    """Return the microseconds from 1970 to an instant."""
    return microseconds(at - _EPOCH)


def second(at: datetime) -> int:
    """Return the seconds from 1970 to an instant; raise LedgerError if they are not whole."""
    if at.microsecond:
        raise LedgerError(f"no whole second: {at}")
    return (at - _EPOCH) // _S


def second_of(value: object) -> datetime:
    """Read an instant (s)."""
    return _EPOCH + whole(value) * _S


def named[ValueT](what: str, columns: tuple[str, ...], row: Kept, read: Callable[[Kept], ValueT]) -> ValueT:
    """Read a row; raise LedgerError, naming it by some columns, if it says what is not known here."""
    try:
        return read(row)
    except _UNREADABLE as error:
        name = ", ".join(f"{column} {row.get(column)!r}" for column in columns)
        message = f"the {what} of {name} was kept by another version, or is damaged: {error}"
        raise LedgerError(message) from error


def text(value: Decimal | None) -> str | None:
    """Write an exact number."""
    return None if value is None else str(value)


def number(value: object) -> Decimal | None:
    """Read an exact number."""
    return None if value is None else Decimal(string(value))


def instant_of(value: object) -> datetime:
    """Read an instant (µs)."""
    return _EPOCH + span_of(value)


def span_of(value: object) -> timedelta:
    """Read a duration (µs)."""
    return whole(value) * _US


def string(value: object) -> str:
    """Return a text; raise TypeError if it is none."""
    if not isinstance(value, str):
        raise TypeError(f"no text: {value!r}")
    return value


def whole(value: object) -> int:
    """Return a whole number; raise TypeError if it is none."""
    if type(value) is not int:
        raise TypeError(f"no whole number: {value!r}")
    return value
