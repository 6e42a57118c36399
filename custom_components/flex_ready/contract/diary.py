"""What the calendar of a contract shows: activations and tests, deadlines of the perimeter, the period of tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ..settlement.contract import months_later
from ..settlement.model import Purpose
from ..settlement.working_days import deadlines
from ..slots import Stretch
from .coordinator import ContractCoordinator

_DAY = timedelta(days=1)
_WORDS = {
    Purpose.ACTIVATION: "contract_activation",
    Purpose.ACTIVATION_TEST: "contract_activation_test",
    Purpose.ADDITIONAL_TEST: "contract_additional_test",
}


@dataclass(frozen=True, slots=True)
class Note:
    """An entry of the calendar: local days, or instants; `text` is a key of the texts for users."""

    start: date | datetime
    end: date | datetime
    text: str
    placeholders: dict[str, str]


def notes(contract: ContractCoordinator, stretch: Stretch) -> Iterator[Note]:
    """Give what some instant of a stretch lies in, in order."""
    found = [*_orders(contract, stretch), *_days(contract, stretch)]
    yield from sorted(found, key=lambda one: (f"{one.start:%Y%m%d%H%M}", one.text))


def _orders(contract: ContractCoordinator, stretch: Stretch) -> Iterator[Note]:
    for order in contract.effective:
        if order.overlaps(stretch):
            start, end = order.start.astimezone(contract.zone), order.end.astimezone(contract.zone)
            yield Note(start, end, _WORDS[order.purpose], {"power": f"{order.power_w / 1000:g}"})


def _days(contract: ContractCoordinator, stretch: Stretch) -> Iterator[Note]:
    first, last = stretch.start.astimezone(contract.zone).date(), stretch.end.astimezone(contract.zone).date()
    terms, read = contract.setup.terms, contract.setup.decisions.deadline
    month = months_later(first.replace(day=1), 0)
    while month <= months_later(last.replace(day=1), 1):
        due = deadlines(month, read)
        name = {"month": f"{month:%m/%Y}"}
        if first <= due.update <= last and terms.starts <= months_later(month, 1) and month <= terms.ends:
            yield Note(due.update, due.update + _DAY, "contract_deadline", name)
        if first <= due.second_publication <= last and terms.starts <= due.second_publication <= terms.ends:
            yield Note(due.second_publication, due.second_publication + _DAY, "contract_publication", name)
        month = months_later(month, 1)
    tests = terms.tests()
    if terms.reserved and tests.overlaps(stretch):
        yield Note(tests.start.astimezone(contract.zone).date(), terms.starts, "contract_test_period", {})
