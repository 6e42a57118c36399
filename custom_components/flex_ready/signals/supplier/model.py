"""What a supplier says of the time to come, and what was found wrong with how it says it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ...slots import Series
from ..errors import SignalError, Trouble


@dataclass(frozen=True, slots=True)
class Step:
    """What holds during one step of the signal; None where the supplier gives nothing."""

    price: Decimal | None
    """EUR/kWh; may be negative."""
    co2: Decimal | None
    """gCO2eq/kWh."""
    power: Decimal | None
    """W. The annex does not say whether it is a limit, a forecast or a reference."""


class Severity(StrEnum):
    """Whether a finding makes the signal useless."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """What a finding is about."""

    NOT_AN_OBJECT = "not-an-object"
    MISSING = "missing"
    NOT_AN_ARRAY = "not-an-array"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    LENGTH_MISMATCH = "length-mismatch"
    BAD_STEP = "bad-step"
    BAD_TIME = "bad-time"
    NO_OFFSET = "no-offset"
    NOT_INCREASING = "not-increasing"
    GAP = "gap"
    UNEVEN = "uneven"
    OFFSET_NOT_LOCAL = "offset-not-local"
    NULL = "null"
    NOT_A_QUANTITY = "not-a-quantity"
    NOT_A_NUMBER = "not-a-number"
    OUT_OF_REACH = "out-of-reach"
    UNKNOWN_UNIT = "unknown-unit"
    UNKNOWN_MULTIPLIER = "unknown-multiplier"
    WRONG_DIMENSION = "wrong-dimension"
    NEGATIVE = "negative"
    IMPROBABLE = "improbable"
    END_ASSUMED = "end-assumed"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a signal, and where."""

    pointer: str
    """RFC 6901; "" for the whole body."""
    code: Code
    detail: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class SupplierSignal:
    """A signal without errors."""

    steps: Series[Step]
    findings: tuple[Finding, ...] = ()
    """Warnings only, the first 200 of them."""
    findings_left_out: int = 0
    """How many more warnings there were."""
    last_end_inferred: bool = True
    """The end of the last step, which no signal tells, is one spacing after its start."""
    end_assumed: bool = False
    """There is one step only, so no spacing: it is taken to last a quarter of an hour."""
    default_data: bool | None = None
    """Whether it is the data given to any delivery point; None where the answer does not tell."""


class SignalRejectedError(SignalError):
    """A signal with errors: `findings` are the first 200, errors first, `findings_left_out` counts the others."""

    def __init__(self, findings: tuple[Finding, ...], findings_left_out: int = 0) -> None:
        first = findings[0]
        super().__init__(Trouble.REJECTED, f"{first.pointer or '/'}: {first.detail}")
        self.findings = findings
        self.findings_left_out = findings_left_out
